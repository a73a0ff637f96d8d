#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

bats_require_minimum_version 1.5.0

@test "where the other end of vhost-net cannot be made, the reason names what to do" {
	run --separate-stderr -0 timeout -k 10 120 "$VHOSTCHECK" vm --accel tcg \
		--modules "$KERNEL_MODULES" --add "$LAB_PROGRAMS/peer" \
		"$KERNEL_IMAGE" -- peer
	echo "$output"
	[ "$(echo "$output" | grep -c '^ok')" -eq 16 ]
	[ "$(echo "$output" | grep -c '^not ok')" -eq 0 ]
}
