#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels" TIMEOUT 600 COST 600
# Each check fails under each fault that its row names, on a real kernel; with a device that
# is dead or says 0 to everything no check outside area node passes; with one bit of the
# payload flipped no policy works.
load ../helpers

# matrix LEAST "FAMILY..." [OPTION...]: on $image all is ok, and there are more than LEAST. Most of the
# time is waited, for what never comes: the families run side by side.
matrix() {
	local script='' family families

	read -ra families <<<"$2"
	for family in "${families[@]}"; do
		script+="fault_matrix $family >/tmp/$family & "
	done
	script+="wait; for family in $2; do echo \"\$(</tmp/\$family)\"; done"
	run --separate-stderr -0 timeout -k 10 540 "$VHOSTCHECK" vm --accel tcg --modules "$modules" \
		--add "${VHOSTCHECK%/*}/fault_matrix" --add "$(type -P bash)" "${@:3}" "$image" -- bash -c "$script"
	echo "$output" | grep -A1 '^not ok' || true
	[ "$(echo "$output" | grep -c '^not ok')" -eq 0 ]
	[ "$(echo "$output" | grep -cE '^1\.\.[0-9]+$')" -eq ${#families[@]} ]
	planned=$(echo "$output" | sed -n 's/^1\.\.//p' | paste -sd +)
	[ "$((planned))" -gt "$1" ]
	[ "$(echo "$output" | grep -c '^ok')" -eq "$((planned))" ]
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
