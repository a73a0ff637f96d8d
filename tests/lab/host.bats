#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels" TIMEOUT 900 COST 400
# The real other ends of vhost-scsi and vhost-vdpa, on the distribution's kernel and on one that has
# VDUSE (LAB_KERNELS): made and taken down 100 times, by whoever is left to do it, with what is bad
# in between.
load ../helpers

# in_guest IMAGE MODULES PROGRAM COUNT [OPTION...]: its tests, COUNT of them, are all ok
in_guest() {
	run --separate-stderr -0 timeout -k 10 600 "$VHOSTCHECK" vm --accel tcg --modules "$2" \
		--add "$LAB_PROGRAMS/$3" "${@:5}" "$1" -- "$3"
	echo "$output"
	[ "$(echo "$output" | grep -c '^ok')" -eq "$4" ]
	[ "$(echo "$output" | grep -c '^not ok')" -eq 0 ]
}

# unpack_virtio_vdpa: the other driver of the bus vdpa, which no guest has unasked
unpack_virtio_vdpa() {
	local packed=("$modules"/kernel/drivers/virtio/virtio_vdpa.ko*)

	xz -dc "${packed[0]}" >"$BATS_TEST_TMPDIR/virtio_vdpa.ko" 2>/dev/null ||
		cp "${packed[0]}" "$BATS_TEST_TMPDIR/virtio_vdpa.ko"
}

@test "scsi: targets in configfs come and go, and their names find what was left" {
	in_guest "$KERNEL_IMAGE" "$KERNEL_MODULES" host_scsi 31
}

@test "vdpa: devices of VDUSE come and go, also with a daemon that dies or never answers" {
	IFS=$'\t' read -r image modules < <(vduse_kernel) ||
		skip "the mirror has no kernel of 6.12 or newer"
	unpack_virtio_vdpa
	in_guest "$image" "$modules" host_vdpa 49 --add "$(command -v qemu-storage-daemon)" \
		--add "$BATS_TEST_TMPDIR/virtio_vdpa.ko"
}

@test "the device vdpa is made where there is VDUSE, and is no_module where there is none" {
	IFS=$'\t' read -r image modules < <(vduse_kernel) ||
		skip "the mirror has no kernel of 6.12 or newer"
	run --separate-stderr "$VHOSTCHECK" vm --device vdpa --check 'net.*' --modules "$modules" "$image" --json
	valid report
	json '.devices | length == 1 and (.[0] | .name == "vdpa" and .state == "ok" and
		.backend_features.hex == "0xe" and (.features.names | index("VIRTIO_F_ACCESS_PLATFORM")))'
	run --separate-stderr -2 "$VHOSTCHECK" vm --device vdpa --check 'net.*' --modules "$KERNEL_MODULES" \
		"$KERNEL_IMAGE" --json
	valid report
	json '.devices | length == 1 and (.[0] | .name == "vdpa" and .state == "no_module" and
		(.reason | test("vhost_vdpa")))'
}

@test "without its daemon the device vdpa is blocked, and the reason names what to install" {
	IFS=$'\t' read -r image modules < <(vduse_kernel) ||
		skip "the mirror has no kernel of 6.12 or newer"
	run --separate-stderr -2 "$VHOSTCHECK" vm --accel tcg --modules "$modules" "$image" -- \
		/init run vdpa --create vdpa --json
	valid report
	json '.devices[0] | .state == "blocked" and (.reason | test("qemu-storage-daemon \\(install it"))'
}

# vduse PROGRAM FEATURES: runs the checks on the device that it serves in place of qemu-storage-daemon's;
# none fails, and what is left out is what the device does not offer
vduse() {
	IFS=$'\t' read -r image modules < <(vduse_kernel) ||
		skip "the mirror has no kernel of 6.12 or newer"
	cp "$LAB_PROGRAMS/$1" "$BATS_TEST_TMPDIR/qemu-storage-daemon"
	run --separate-stderr -0 "$VHOSTCHECK" vm --device vdpa --add "$BATS_TEST_TMPDIR/qemu-storage-daemon" \
		--modules "$modules" "$image" --json
	valid report
	json ".devices[0] | .state == \"ok\" and .features.hex == \"$2\""
	json '[.checks[] | select((.status | IN("pass", "skip") | not) and .known == null) |
		"\(.id): \(.status): \(.reason.text)"] == []'
	json '[.checks[] | select(.status == "skip") | .reason.code] | all(. == "not_offered")'
}

@test "the checks of vdpa pass with an implementation of VDUSE that shares nothing with QEMU's" {
	vduse vduse_blk 0x300000240
	json '.summary.counts.pass > 50'
}

@test "what is asked of any vDPA device is asked of a network device, too; of a named one all that writes nothing" {
	vduse vduse_net 0x300010020
	json '[.checks[] | select(.status == "pass") | .id | split(".")[1]] |
		map(select(IN("isolation", "iotlb", "lifecycle"))) | length > 25'
	json '.summary.counts.pass > 40'
	json '[.stacks[] | select(.device == "vdpa" and .stack != "qemu-vdpa-2023") | "\(.stack) \(.guest) \(.verdict)"] == [
		"cloud-hypervisor plain works", "dpdk-vdpa plain works", "qemu-vdpa plain works",
		"qemu-vdpa protected works", "qemu-vdpa viommu works"]'
	run --separate-stderr -2 "$VHOSTCHECK" vm --accel tcg --modules "$modules" --add "$LAB_PROGRAMS/host_vdpa" \
		--add "$BATS_TEST_TMPDIR/qemu-storage-daemon" "$image" -- host_vdpa run vdpa0 --intrusive --json
	valid report
	json '.devices[0] | .name == "vdpa0" and .state == "ok"'
	json '.summary.counts | .pass > 20 and .fail + .error + .timeout == 0'
	json '[.checks[] | select(.status == "blocked") | .reason.code] | unique == ["peer_missing", "unsafe_kernel"]'
	json '.checks[] | select(.id == "vdpa.transfer.read") | .status == "skip" and .reason.code == "not_offered"'
}

# on_host ARG...: run in a guest as on a host, where nothing is made unasked
on_host() {
	"$VHOSTCHECK" vm --accel tcg --modules "$KERNEL_MODULES" "$KERNEL_IMAGE" -- /init run scsi \
		--check scsi.transfer.call --check scsi.features.stable --json "$@"
}

@test "on a host a target is made only with --create scsi; what needs none runs without" {
	run --separate-stderr -2 on_host
	valid report
	json '.run.where == "host" and ([.checks[] | "\(.id) \(.status) \(.reason.code)"] | sort) ==
		["scsi.features.stable pass null", "scsi.transfer.call blocked peer_missing"]'
	json '.checks[] | select(.status == "blocked") | .reason.text | test("--create scsi")'
	run --separate-stderr -0 on_host --create scsi
	valid report
	json '[.checks[].status] == ["pass", "pass"] and .run.reduced == []'
}
