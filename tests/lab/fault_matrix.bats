#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels" TIMEOUT 600
# Each check fails under each fault that its row names, on a real kernel; with a device that
# is dead or says 0 to everything no check outside area node passes; with one bit of the
# payload flipped no policy works.
load ../helpers

# matrix LEAST "FAMILY..." [OPTION...]: on $image all is ok, and there are more than LEAST
matrix() {
	local families

	read -ra families <<<"$2"
	run --separate-stderr -0 timeout -k 10 540 "$VHOSTCHECK" vm --accel tcg --modules "$modules" \
		--add "${VHOSTCHECK%/*}/fault_matrix" "${@:3}" "$image" -- fault_matrix "${families[@]}"
	echo "$output" | grep -A1 '^not ok' || true
	[ "$(echo "$output" | grep -c '^not ok')" -eq 0 ]
	last=$(echo "$output" | tail -n 1)
	[[ $last =~ ^1\.\.([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -gt "$1" ]
	[ "$(echo "$output" | grep -c '^ok')" -eq "${BASH_REMATCH[1]}" ]
}

@test "every check can fail, and nothing passes on a device that does nothing" {
	image=$KERNEL_IMAGE modules=$KERNEL_MODULES
	matrix 1000 "net vsock scsi"
}

@test "every check of a vDPA device, too" {
	IFS=$'\t' read -r image modules < <(vduse_kernel) ||
		skip "the mirror has no kernel of 6.12 or newer"
	matrix 150 vdpa --add "$(command -v qemu-storage-daemon)"
}
