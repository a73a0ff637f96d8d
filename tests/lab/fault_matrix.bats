#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: TIMEOUT 600
# Each check fails under each fault that its row names, on a real kernel; with a device that
# is dead or says 0 to everything no check outside area node passes; with one bit of the
# payload flipped no policy works.

bats_require_minimum_version 1.5.0

@test "every check can fail, and nothing passes on a device that does nothing" {
	run --separate-stderr -0 timeout -k 10 540 "$VHOSTCHECK" vm --accel tcg \
		--modules "$KERNEL_MODULES" --add "$LAB_PROGRAMS/fault_matrix" \
		"$KERNEL_IMAGE" -- fault_matrix
	echo "$output" | grep -A1 '^not ok' || true
	[ "$(echo "$output" | grep -c '^not ok')" -eq 0 ]
	last=$(echo "$output" | tail -n 1)
	[[ $last =~ ^1\.\.([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -gt 600 ]
	[ "$(echo "$output" | grep -c '^ok')" -eq "${BASH_REMATCH[1]}" ]
}
