#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

bats_require_minimum_version 1.5.0

@test "--load-modules loads what is missing and unloads just that" {
	run --separate-stderr -0 timeout -k 10 120 "$VHOSTCHECK" vm --accel tcg \
		--modules "$KERNEL_MODULES" --add "$LAB_PROGRAMS/reload" \
		"$KERNEL_IMAGE" -- reload
	echo "$output"
	[ "$(echo "$output" | grep -c '^ok')" -eq 11 ]
	[ "$(echo "$output" | grep -c '^not ok')" -eq 0 ]
}
