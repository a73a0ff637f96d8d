#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2030,SC2031 # each test has an environment of its own
# `vhostcheck features` where there is no vhost device
load helpers

setup()
{
	local name

	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || exit
	for name in net vsock scsi; do
		[ ! -e "/sys/class/misc/vhost-$name" ] || skip "the driver of vhost-$name runs here"
	done
}

@test "nothing here: 77, and a line per device that says why" {
	for option in "" --toggle; do
		# shellcheck disable=SC2086 # none is no argument
		run --separate-stderr -77 "$VHOSTCHECK" features $option
		[ -z "$stderr" ]
		[ "${#lines[@]}" -eq 3 ]
		[[ ${lines[0]} == "net: "*"vhost_net"* ]]
		[[ ${lines[1]} == "vsock: "*"vhost_vsock"* ]]
		[[ ${lines[2]} == "scsi: "*"vhost_scsi"* ]]
	done
}

@test "a device that is named and not here: 2" {
	run --separate-stderr -2 "$VHOSTCHECK" features vsock
	[[ $output == "vsock: "* ]]
	[ "${#lines[@]}" -eq 1 ]
	run -2 "$VHOSTCHECK" features /dev/vhost-net scsi --json
	json '[.devices[].name] == ["net", "scsi"]'
	run -2 "$VHOSTCHECK" features vdpa7
}

@test "--json is one valid object, with no mask where nothing was asked" {
	for option in "" --toggle; do
		# shellcheck disable=SC2086
		run --separate-stderr -77 "$VHOSTCHECK" features --json $option
		[ -z "$stderr" ]
		valid features
		[ "$(jq -s length <<<"$output")" -eq 1 ]
		json '.devices | length == 3 and all(.toggled == [])'
		json '.devices | all(.features == null and .backend_features == null
			and .features_accepted == null and .iotlb_policy == null)'
		json '.devices | all(.state != "ok" and (.reason | length > 0))'
	done
}

@test "--explain tells of a device that is not here what some kernel offers on it" {
	run --separate-stderr -77 "$VHOSTCHECK" features --explain
	[ -z "$stderr" ]
	[ "$(grep -c 'What some kernel offers on such a device:' <<<"$output")" -eq 3 ]
	[ "$(grep -c 'bit 33: device IOTLB (VIRTIO_F_ACCESS_PLATFORM)' <<<"$output")" -eq 2 ]
	run -2 "$VHOSTCHECK" features --explain scsi
	words=$(tr -s ' \n' ' ' <<<"${output#*Feature bit 3: }")
	[[ ${words%%Feature bit*} == "VIRTIO_SCSI_F_T10_PI Meaning: "*"kernels before 7.2 "*": takes it out,"* ]]
	run ! grep -F "bit 33" <<<"$output"
}

@test "--explain ends in constants that a compiler takes, without bit 33, 26 and unknown ones" {
	run -77 "$VHOSTCHECK" features --explain
	{
		echo '#include <stdint.h>'
		sed -n 's/^ *#define/#define/p' <<<"$output"
		for name in NET VSOCK SCSI; do
			name=VHOST_${name}_FEATURES_WITHOUT_IOTLB
			echo "_Static_assert(!($name >> 33 & 1) && !($name >> 26 & 1), \"armed\");"
			echo "_Static_assert($name >> 32 & 1, \"no VERSION_1\");"
		done
		echo '_Static_assert(!(VHOST_NET_FEATURES_WITHOUT_IOTLB >> 27 & 1), "header");'
		echo '_Static_assert(!(VHOST_SCSI_FEATURES_WITHOUT_IOTLB >> 3 & 1), "T10_PI");'
	} >set.c
	gcc -std=c11 -Wall -Werror -fsyntax-only set.c
	[ "$(grep -cE '^ *pub const VHOST_(NET|VSOCK|SCSI)_FEATURES_WITHOUT_IOTLB: u64 = 0x[0-9a-f]+;$' \
		<<<"$output")" -eq 3 ]
	[ "$(sed -nE 's/.*#define.*C\((.*)\)$/\1/p' <<<"$output")" = \
		"$(sed -nE 's/.*pub const.*= (.*);$/\1/p' <<<"$output")" ]
}

@test "--explain --json lists the duties, and the set as a mask" {
	run --separate-stderr -77 "$VHOSTCHECK" features --explain --json
	valid features
	json '[.devices[] | [.name, .without_iotlb.hex]] ==
		[["net", "0x931008000"], ["vsock", "0x139000002"], ["scsi", "0x139000002"]]'
	json '[.devices[] | [.duties[].devices[]] | unique] == [["net"], ["vsock"], ["scsi"]]'
	json '.devices[1].duties | map(select(.bit == 33)) | length == 1 and
		(.[0] | .alias == "device IOTLB" and (.pass_through | not))'
	run -77 "$VHOSTCHECK" features --json
	json '.devices | all(.duties == [] and .without_iotlb == null)'
}

@test "unknown words are refused with the word" {
	run --separate-stderr -64 "$VHOSTCHECK" features vsocks
	[ -z "$output" ]
	one_line "unknown device 'vsocks'"
	run --separate-stderr -64 "$VHOSTCHECK" features --json /dev/null
	valid error
	json '.exit_code == 64'
	run --separate-stderr -64 "$VHOSTCHECK" features --check x
	one_line "unrecognized option '--check'"
}

@test "no node is opened and nothing is written" {
	run -77 strace -f -o trace -e trace=%file,socket,init_module,finit_module \
		env ASAN_OPTIONS=detect_leaks=0 "$VHOSTCHECK" features --toggle
	run ! grep -E 'open[a-z0-9]*\(.*"/dev/(vhost|vsock)|_module\(|socket\(.*VSOCK' trace
	[ "$(ls)" = trace ]
}

@test "stdout full or closed: 3, and one line that says so" {
	full()
	{
		"$VHOSTCHECK" features "$@" >/dev/full
	}
	closed()
	{
		"$VHOSTCHECK" features "$@" >&-
	}
	for arguments in "" --json; do
		# shellcheck disable=SC2086
		run --separate-stderr -3 full $arguments
		one_line "cannot write to standard output: No space left on device"
		# shellcheck disable=SC2086
		run --separate-stderr -3 closed $arguments
		one_line "cannot write to standard output: Bad file descriptor"
	done
}
