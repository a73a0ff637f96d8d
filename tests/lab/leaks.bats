#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

bats_require_minimum_version 1.5.0

@test "runs leave no task, descriptor, link or open device behind" {
	run --separate-stderr -0 timeout -k 10 240 "$VHOSTCHECK" vm --accel tcg \
		--modules "$KERNEL_MODULES" --add "${VHOSTCHECK%/*}/leaks" \
		"$KERNEL_IMAGE" -- leaks
	echo "$output"
	[ "$(echo "$output" | grep -c '^ok')" -eq 7 ]
	[ "$(echo "$output" | grep -c '^not ok')" -eq 0 ]
}
