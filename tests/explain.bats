#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
load helpers

@test "a check tells what released kernels are known to do wrong" {
	run -0 "$VHOSTCHECK" explain vsock.iotlb.invalidate_all_zero
	[[ $output == *"Known finding"*"Since 7.3"* ]]
	run -0 --separate-stderr "$VHOSTCHECK" explain vsock.iotlb.invalidate_all_zero --json
	[ "$(jq -r '.known[0].fixed_by, (.known | length)' <<<"$output")" = "null
1" ]
	run -0 --separate-stderr "$VHOSTCHECK" explain vsock.iotlb.static_map --json
	[ "$(jq -c .known <<<"$output")" = "[]" ]
}

@test "a check is explained with contract, harm, judgement and sources" {
	run --separate-stderr -0 "$VHOSTCHECK" explain vsock.node.present
	[ -z "$stderr" ]
	[[ ${lines[0]} == "vsock.node.present: "* ]]
	for heading in Contract "Harm if it is broken" "How it is judged" Sources; do
		grep -qx "$heading" <<<"$output"
	done
}

@test "a check of each area can be explained, and is the element of checks" {
	run -0 "$VHOSTCHECK" checks --json
	all=$output
	for id in $(jq -r '.checks | group_by([.family, .area])[][0].id' <<<"$all"); do
		run -0 "$VHOSTCHECK" explain "$id" --json
		valid check
		[ "$(jq -S . <<<"$output")" = \
			"$(jq -S --arg id "$id" '.checks[] | select(.id == $id)' <<<"$all")" ]
	done
}

@test "a stack is explained with its policy and where it was read" {
	run -0 "$VHOSTCHECK" explain crosvm-2022
	[[ ${lines[0]} == "crosvm-2022: crosvm" ]]
	[[ $output == *"With a protected guest"*VIRTIO_F_ACCESS_PLATFORM*"Sources"* ]]
	run -0 "$VHOSTCHECK" explain crosvm-2022 --json
	valid stack
	json '.stack == "crosvm-2022"'
	[[ $output != *"What is known of it"* ]]
	run -0 "$VHOSTCHECK" explain stratovirt
	[[ $output == *"only with --intrusive"*"What is known of it"*VIRTIO_F_IN_ORDER* ]]
}

@test "a bit is explained by number, by name and by its short name, in any case" {
	run -0 "$VHOSTCHECK" explain 33
	by_number=$output
	[[ $output == *"VIRTIO_F_ACCESS_PLATFORM is bit 33"*VHOST_IOTLB_UPDATE* ]]
	for name in VIRTIO_F_ACCESS_PLATFORM F_ACCESS_PLATFORM virtio_f_access_platform; do
		run -0 "$VHOSTCHECK" explain "$name"
		[ "$output" = "$by_number" ]
	done
	run -0 "$VHOSTCHECK" explain 33 --json
	valid bit
	json '.bit == 33 and ([.meanings[].name] | unique == ["VIRTIO_F_ACCESS_PLATFORM"])'
}

@test "bit 33 is shown as the device IOTLB, and reversed on vDPA" {
	run -0 "$VHOSTCHECK" explain 33
	[[ ${output//$'\n'/ } == *"bit 33 of the features of net, vsock (device IOTLB)"* ]]
	[[ $output == *"Linux 5.11, commit e13a6915a03f, on vsock."* ]]
	[[ $output == *"takes it out, whatever its guest acknowledged."* ]]
	[[ $output == *"bit 33 of the features of vdpa"*"Send it always"* ]]
	run -0 "$VHOSTCHECK" explain 33 --json
	json '[.meanings[] | [.devices, .alias, .pass_through]] == [
		[["net", "vsock"], "device IOTLB", false], [["scsi"], null, false],
		[["vdpa"], null, false]]'
	json '.meanings[0].checks | contains(["vsock.iotlb.start_unmapped", "net.iotlb.late_switch_on"])'
	json '[.meanings[0].since[] | [.devices[0], .release]] == [["net", "4.8"], ["vsock", "5.11"]]'
}

@test "each check that a bit names can be explained" {
	run -0 "$VHOSTCHECK" checks --json
	ids=$(jq -r '.checks[].id' <<<"$output")
	for bit in 1 15 29 32 33; do
		run -0 "$VHOSTCHECK" explain "$bit" --json
		json '[.meanings[].checks[]] | length > 0'
		while read -r id; do
			grep -qxF "$id" <<<"$ids"
		done < <(jq -r '.meanings[].checks[]' <<<"$output")
	done
}

@test "a number with several names is explained under each" {
	run -0 "$VHOSTCHECK" explain 27 --json
	valid bit
	json '[.meanings[] | [.name, .devices]] == [
		["VHOST_NET_F_VIRTIO_NET_HDR", ["net"]],
		["VIRTIO_F_ANY_LAYOUT", ["vsock", "scsi"]],
		["VIRTIO_F_ANY_LAYOUT", ["vdpa"]]]'
	run -0 "$VHOSTCHECK" explain 1 --json
	json '[.meanings[].space] | unique == ["backend_features", "features"]'
}

@test "every bit that vhost offers today can be explained" {
	for bit in 1 15 24 26 27 28 29 32 33 35 40 65 67; do
		run -0 "$VHOSTCHECK" explain "$bit" --json
		valid bit
		json '.meanings | all(all(.meaning, .host, .obliges, .otherwise, .source; length > 0))'
	done
}

@test "an unknown ID is refused with the nearest ones" {
	run --separate-stderr -64 "$VHOSTCHECK" explain vsock.node.presnt
	one_line "is called 'vsock.node.presnt' (did you mean 'vsock.node.present'"
	run --separate-stderr -64 "$VHOSTCHECK" explain acces_platform
	one_line "did you mean 'VIRTIO_F_ACCESS_PLATFORM'"
	run --separate-stderr -64 "$VHOSTCHECK" explain 99 --json
	valid error
	json '.error.code == "unknown_id"'
}

@test "no ID, or two, is refused" {
	run --separate-stderr -64 "$VHOSTCHECK" explain
	one_line "no ID is given (see vhostcheck explain --help)"
	run --separate-stderr -64 "$VHOSTCHECK" explain 33 34
	one_line "explains one ID at a time, not '34' too"
}
