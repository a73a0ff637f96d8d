#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # bats sets stderr and stderr_lines
# `vhostcheck stacks`: the policies built in, those of files, and what is wrong with a file

bats_require_minimum_version 1.5.0

policies=(acrn acrn-vsock alioth alioth-2024 cloud-hypervisor crosvm crosvm-2022 crosvm-vhost-user
	dpdk-vdpa dpdk-virtio-user dragonball kvmtool kvmtool-2021 kvmtool-scsi kvmtool-scsi-2023
	kvmtool-vsock nebula openvmm passthrough-late qemu qemu-2017 qemu-scsi qemu-vdpa
	qemu-vdpa-2023 seastar stratovirt stratovirt-2023 stratovirt-vsock vpp)

setup()
{
	cd "$BATS_TEST_TMPDIR" || exit
	"$VHOSTCHECK" explain --json crosvm >crosvm.json
	jq -e --tab '.stack = "mine"' crosvm.json >mine.json
}

# refused LINE POINTER TEXT: mine.json is, with these in the message and in the error object
refused()
{
	run -64 --separate-stderr "$VHOSTCHECK" stacks mine.json
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "vhostcheck: mine.json:$1: "*"$3"* ]]
	run -64 --separate-stderr "$VHOSTCHECK" stacks --json mine.json
	jq -e --argjson line "$1" --arg path "$2" --arg text "$3" \
		'.schema == "vhostcheck-error/1" and .exit_code == 64 and .error.line == $line
			and .error.path == $path and (.error.text | contains($text))' <<<"$output"
}

@test "stacks lists the built-in policies with their guests and one sentence" {
	run -0 "$VHOSTCHECK" stacks
	for name in "${policies[@]}"; do
		grep -q "^$name  " <<<"$output"
	done
	grep -q "for guests plain, protected, viommu" <<<"$output"
	grep -q "Masks bit 33 unless the guest has a vIOMMU" <<<"$output"
}

@test "stacks --json is a document without verdicts, of policies that a file may hold" {
	"$VHOSTCHECK" stacks --json >stacks.json
	jq -e '.schema == "vhostcheck-stacks/1" and .verdicts == []
		and ([.stacks[].stack] | join(" ")) == $names' --arg names "${policies[*]}" stacks.json
	for name in $(jq -r '.stacks[].stack' stacks.json); do
		jq --arg name "$name" '.stacks[] | select(.stack == $name)
			| .stack = "my-" + .stack' stacks.json >my.json
		"$VHOSTCHECK" stacks --json my.json |
			jq -e --slurpfile mine my.json '.stacks == $mine'
	done
}

@test "stacks NAME and FILE choose" {
	run -0 "$VHOSTCHECK" stacks --json qemu ./mine.json
	jq -e '[.stacks[].stack] == ["qemu", "mine"]' <<<"$output"
}

@test "an unknown name is 64, with those that are near" {
	run -64 --separate-stderr "$VHOSTCHECK" stacks crosvm-2023
	[[ $stderr == *"crosvm-2023"*"crosvm-2022"* ]]
}

@test "--intrusive without --run is 64" {
	run -64 --separate-stderr "$VHOSTCHECK" stacks --intrusive
	[[ $stderr == *"--intrusive goes with --run"* ]]
}

@test "--create goes with --run, and makes scsi and vdpa devices alone" {
	run -64 --separate-stderr "$VHOSTCHECK" stacks --create scsi
	[[ $stderr == *"--create goes with --run"* ]]
	run -64 --separate-stderr "$VHOSTCHECK" stacks --run --create scsi,net
	[[ $stderr == *"'net' is neither scsi nor vdpa"* ]]
}

@test "a file that is not there is 64 and named" {
	run -64 --separate-stderr "$VHOSTCHECK" stacks no/such.json
	[[ $stderr == *"no/such.json"*"No such file"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "a mistake in a file is 64, with line, JSON Pointer and the word" {
	sed -i 's/"VRINGS /"VRNGS /' mine.json
	refused "$(grep -n VRNGS mine.json | cut -d: -f1)" /order/4 '"VRNGS" is no step'
	sed -i 's/"VRNGS NUM /"VRINGS NUMM /' mine.json
	refused "$(grep -n NUMM mine.json | cut -d: -f1)" /order/4 '"NUMM" is no step'
}

@test "an unknown bit is 64" {
	sed -i '0,/"VIRTIO_F_ACCESS_PLATFORM"/s//"VIRTIO_F_ACESS_PLATFORM"/' mine.json
	refused "$(grep -n ACESS mine.json | cut -d: -f1)" /guests/0/mask/0 VIRTIO_F_ACESS_PLATFORM
}

@test "a bit over 127 is 64" {
	sed -i '0,/"acks": \[/s//"acks": ["128", /' mine.json
	refused "$(grep -n '"128"' mine.json | cut -d: -f1)" /guests/0/acks/0 '"128" is no feature bit'
}

@test "an order that no kernel lets through is 64, and run plays nothing" {
	jq --tab '.order -= ["SET_OWNER"]' mine.json >less.json
	mv less.json mine.json
	refused "$(grep -n '"SET_MEM_TABLE"' mine.json | cut -d: -f1)" /order/2 "needs SET_OWNER"
	run -64 --separate-stderr "$VHOSTCHECK" run --stack ./mine.json -o report.json
	[[ $stderr == "vhostcheck: ./mine.json:"*"needs SET_OWNER"* ]]
	[ ! -e report.json ]
}

@test "host: nothing of a VMM here is 77, in run and in stacks, and run plays nothing" {
	# no executable of a VMM is in such a PATH; packages may be installed all the same
	run --separate-stderr env PATH="$BATS_TEST_TMPDIR" "$VHOSTCHECK" stacks --json host
	case $status in
	0) jq -e '.stacks | length > 0' <<<"$output" ;;
	77) jq -e '.error.code == "no_vmm" and .exit_code == 77' <<<"$output" ;;
	*) false ;;
	esac
	stacks=$status
	run --separate-stderr env PATH="$BATS_TEST_TMPDIR" "$VHOSTCHECK" run --dry-run --stack host
	[ "$status" -eq "$stacks" ]
}

@test "host: an executable in PATH matches each policy that names it, and that is told" {
	mkdir bin
	printf '#!/bin/sh\n' >bin/crosvm
	chmod +x bin/crosvm
	run -0 --separate-stderr env PATH="$PWD/bin" "$VHOSTCHECK" stacks --json host
	jq -e '[.stacks[].stack] | contains(["crosvm", "crosvm-2022", "crosvm-vhost-user"])' <<<"$output"
	[[ $stderr == *"vhostcheck: host: crosvm-2022, by $PWD/bin/crosvm, of a version that no package tells"* ]]
	run -0 --separate-stderr env PATH="$PWD/bin" "$VHOSTCHECK" stacks -q host
	[ -z "$stderr" ]
}

@test "what is sent without knowing it is listed, and told with what happens" {
	run -0 "$VHOSTCHECK" stacks stratovirt qemu
	[ "$(grep -c "Sends without knowing it" <<<"$output")" -eq 1 ]
	grep -q VIRTIO_F_IN_ORDER <<<"$output"
	run -0 "$VHOSTCHECK" stacks --json crosvm-2022 crosvm
	jq -e '[.unknown[] | [.stack, .device, .guest, .bits.hex]] == [
		["crosvm-2022", "net", "protected", "0x200000000"],
		["crosvm-2022", "vsock", "protected", "0x200000000"]]' <<<"$output"
	run -0 "$VHOSTCHECK" explain crosvm-2022
	grep -q "VIRTIO_F_ACCESS_PLATFORM on net, vsock for guests protected" <<<"$output"
}

@test "policies of scsi and vdpa are told with their calls, and what they pass on" {
	run -0 "$VHOSTCHECK" explain qemu-vdpa-2023
	grep -q "SET_STATUS ACKNOWLEDGE DRIVER" <<<"$output"
	grep -q "START, SET_CONFIG_CALL, VRINGS ENABLE" <<<"$(tr -s ' \n' ' ' <<<"$output")"
	run -0 "$VHOSTCHECK" stacks --json cloud-hypervisor kvmtool-scsi kvmtool-scsi-2023 qemu-scsi \
		qemu-vdpa
	jq -e '[.unknown[] | [.stack, .device, .guest, .bits.hex]] == [
		["cloud-hypervisor", "vdpa", "plain", "0x14400000000"],
		["kvmtool-scsi-2023", "scsi", "plain", "0x10d00000a"]]' <<<"$output"
}

@test "a missing START is 64" {
	jq --tab '.order -= ["START"]' mine.json >less.json
	mv less.json mine.json
	refused "$(grep -n '"order"' mine.json | cut -d: -f1)" /order "START is missing"
}

@test "a key that stands twice is 64, at the second" {
	sed -i 's/^\t"base": .*/&\n\t"base": "none",/' mine.json
	refused "$(grep -n '"none",$' mine.json | head -n 1 | cut -d: -f1)" /base "twice"
}

@test "what is not JSON is 64, with its line" {
	sed -i 's/"acked",/"acked"/' mine.json
	line=$(grep -n '"base"' mine.json | cut -d: -f1)
	refused $((line + 1)) "" "(column 2)"
}

@test "the name of a built-in policy is 64" {
	"$VHOSTCHECK" explain --json qemu >mine.json
	refused "$(grep -n '"stack"' mine.json | cut -d: -f1)" /stack "built-in"
}

@test "each key of a policy is needed, and none more is taken" {
	for key in $(jq -r 'keys[]' mine.json); do
		jq "del(.$key)" mine.json >less.json
		run -64 --separate-stderr "$VHOSTCHECK" stacks less.json
		[[ $stderr == *"\"$key\" is missing"* ]]
	done
	jq '.more = 1' mine.json >more.json
	run -64 --separate-stderr "$VHOSTCHECK" stacks more.json
	[[ $stderr == *'"more"'* ]]
}

# under MODEL FILTER: a filter of jq over the verdicts of a model
under()
{
	jq -e --arg model "$1" ".models[] | select(.model == \$model) | $2" models.json
}

@test "on the model each behaviour of 2022 says which policies would work, and what it loses" {
	run -0 --separate-stderr "$VHOSTCHECK" stacks --run --json --model strict --model lenient \
		--model gated
	printf '%s\n' "$output" >models.json
	jq -e '[.models[].model] == ["strict", "lenient", "gated"] and .verdicts == []' models.json
	for model in strict lenient gated; do
		under "$model" '[.verdicts[] | select(.stack | IN("qemu", "crosvm", "alioth-2024",
			"openvmm", "vpp")) | .verdict] | length > 8 and all(. == "works")'
		under "$model" '.isolation >= 24'
	done
	under strict '[.verdicts[] | select(.verdict != "works") | .stack] | unique
		== ["alioth", "crosvm-2022", "crosvm-vhost-user", "dragonball", "kvmtool-2021",
			"passthrough-late", "stratovirt-2023"]'
	under strict '[.verdicts[] | select(.device | IN("net", "vsock") | not)] == []'
	under strict '.lost == []'
	under lenient '[.verdicts[].verdict] | all(. == "works")'
	under lenient '[.lost[].id] | contains(["vsock.isolation.other_device"])'
	# who echoes all backend features opens the gate, and who has none finds it shut
	under gated '[.verdicts[] | select(.verdict != "works") | [.stack, .device, .guest, .verdict]]
		== [["qemu-2017", "net", "viommu", "fails_start"],
			["alioth", "vsock", "protected", "fails_start"],
			["qemu-2017", "vsock", "viommu", "fails_start"]]'
	under gated '[.lost[].id] | contains(["net.isolation.unmapped_buffers"])'
}

@test "on the model those that are named decide" {
	run -1 "$VHOSTCHECK" stacks --run --model strict crosvm-2022
	grep -qE "^crosvm-2022 +protected +vsock +fails_start" <<<"$output"
	grep -q "loses 0 of " <<<"$output"
	run -0 "$VHOSTCHECK" stacks --run --model lenient crosvm-2022
	run -0 "$VHOSTCHECK" stacks --run --model strict
}

@test "a model goes with --run and has one of three names" {
	run -64 --separate-stderr "$VHOSTCHECK" stacks --model strict
	[[ $stderr == *"--model goes with --run"* ]]
	run -64 --separate-stderr "$VHOSTCHECK" stacks --run --model lax
	[[ $stderr == *"'lax' is none of strict, lenient and gated"* ]]
}
