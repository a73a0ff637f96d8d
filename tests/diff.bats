#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # filters of jq; bats sets output and stderr
# `vhostcheck diff`: golden reports of two real kernels, and changes made to them
load helpers

setup()
{
	cd "$BATS_TEST_TMPDIR" || exit
	for kernel in 5.10 6.1; do
		xz -dc "$BATS_TEST_DIRNAME/golden/$kernel.json.xz" >$kernel.json
	done
}

# change FILTER: 6.1.json, changed, is new.json
change()
{
	jq "$1" 6.1.json >new.json
}

# compare STATUS OLD NEW: diff --json ends so, and is of its schema
compare()
{
	run "-$1" --separate-stderr "$VHOSTCHECK" diff "$2" "$3" --json
	[ -z "$stderr" ]
	valid diff
	json ".exit_code == $1"
}

# The check by which each check that follows is judged: a fact that is not as it must be
broken='(.checks[] | select(.id == "vsock.features.version_1") | .evidence) |=
	map(if .name == "VHOST_GET_FEATURES" then .arg = "0x0" else . end)'

@test "5.10 to 6.1: vsock offers bit 33, and who no longer works with it, in the first lines" {
	run -1 --separate-stderr "$VHOSTCHECK" diff 5.10.json 6.1.json
	[ -z "$stderr" ]
	[[ ${lines[0]} == "WORSE: 3 stacks that worked do not (exit status 1)" ]]
	[[ ${lines[1]} == *"old Linux 5.10."* && ${lines[2]} == *"new Linux 6.1."* ]]
	[[ ${lines[3]} == "vsock now offers VIRTIO_F_ACCESS_PLATFORM (bit 33) and through it"* ]]
	first=$(head -n 20 <<<"$output")
	[[ $first =~ "crosvm-2022 "\ +"protected guest  works -> fails_start" ]]
	[[ $first == *"kvmtool-2021 "*"passthrough-late "*"protected guest  works -> stalls"* ]]
	[[ $first == *"mapped no used"*"ring. Mask bit 33 in VHOST_SET_FEATURES"* ]]
	[ "$(awk 'length > 80' <<<"$output")" = "" ]
	[ "$(grep -c 'VHOST_VSOCK_SET_RUNNING was refused' <<<"$output")" -eq 1 ]
	run -1 "$VHOSTCHECK" diff -q 5.10.json 6.1.json
	[ "${#lines[@]}" -eq 1 ]
}

@test "5.10 to 6.1 as JSON" {
	compare 1 5.10.json 6.1.json
	json '.verdict == "worse" and .old.release == "5.10.0-32-cloud-amd64"'
	json '.stacks[0] | .stack == "crosvm-2022" and .guest == "protected" and .old == "works" and
		.new == "fails_start" and .through == ["VIRTIO_F_ACCESS_PLATFORM"] and
		.signature == "used_ring_unmapped_at_start"'
	json '[.stacks[] | select(.change == "worse") | .stack] == ["crosvm-2022", "kvmtool-2021", "passthrough-late"]'
	json '[.features[] | select(.gained) | "\(.device) \(.bit)"] | index("vsock 33")'
	json '[.checks[].decides] | any | not'
	json '.checks[] | select(.id == "vsock.log.iotlb_data") | .change == "appeared" and .known'
	json '.host[] | select(.what == "IOTLB of vsock") | .old == "none" and .new == "strict"'
}

@test "6.1 to 5.10: offered bits are lost, and what passed was not asked" {
	compare 1 6.1.json 5.10.json
	json '[.features[].gained] | any | not'
	json '.stacks[0] | .stack == "qemu" and .new == "refused" and .through == ["VIRTIO_F_ACCESS_PLATFORM"]'
	json '[.checks[] | select(.decides)] | length == 4 and all(.old == "pass" and .known)'
	json '[.checks[] | select(.change == "not_comparable")] | length > 30 and all(.old == "pass" and .new == "skip")'
	json '([.checks[].change] | map({worse: 0, not_comparable: 1, better: 2, appeared: 3, went: 4}[.])) as $o | $o == ($o | sort)'
	run -1 "$VHOSTCHECK" diff 6.1.json 5.10.json
	[[ $output == *"lost: guests that run with them cannot resume here"*"VIRTIO_F_ACCESS_PLATFORM (33)"* ]]
}

@test "a report and itself are the same, and what the report says of itself is not believed" {
	compare 0 6.1.json 6.1.json
	json '.verdict == "same" and .checks == [] and .stacks == [] and .features == [] and .host == []'
	change '.checks |= map(.status = "error") | .stacks |= map(.verdict = "unknown") | .summary.exit_code = 2'
	compare 0 6.1.json new.json
	json '.verdict == "same"'
}

@test "a check that passed and fails is worse, and better the other way round" {
	change "$broken"
	compare 1 6.1.json new.json
	json '.reason == "1 check got worse"'
	json '.checks == [.checks[0]] and (.checks[0] | .id == "vsock.features.version_1" and
		.old == "pass" and .new == "fail" and .decides)'
	compare 0 new.json 6.1.json
	json '.verdict == "better" and .checks[0].change == "better"'
	compare 0 new.json new.json
	json '.verdict == "same"'
}

@test "a crash or a timeout of what passed is worse; a crash of what failed is told" {
	change '(.checks[] | select(.id == "vsock.node.present")) |= (.evidence = [] | .reason = {code: "crashed", text: "died"}) |
		(.checks[] | select(.id == "net.node.present")) |= (.reason = {code: "deadline", text: "late"}) |
		(.checks[] | select(.id == "vsock.log.data")) |= (.reason = {code: "crashed", text: "died"})'
	compare 1 6.1.json new.json
	json '[.checks[] | select(.decides) | "\(.id) \(.new)"] | sort == ["net.node.present timeout", "vsock.node.present crash"]'
	json '.checks[] | select(.id == "vsock.log.data") | .change == "worse" and (.decides | not)'
}

@test "what passed and was not asked, or is gone, is not comparable" {
	change '(.checks[] | select(.id == "vsock.node.present")) |= (.evidence = [] | .reason = {code: "denied", text: "denied"})'
	compare 2 6.1.json new.json
	json '.verdict == "not_comparable" and .checks[0].new == "blocked"'
	change 'del(.checks[] | select(.id == "vsock.node.present"))'
	compare 2 6.1.json new.json
	json '.checks[0].new == null'
	compare 0 new.json 6.1.json
	json '.verdict == "same" and .checks[0].change == "appeared"'
	change '(.stacks[] | select(.stack == "qemu")) |= (.evidence = [] | .reason = {code: "busy", text: "busy"})'
	compare 2 6.1.json new.json
	change '.checks = [] | .stacks = []'
	compare 2 new.json new.json
	json '.reason == "nothing ran in the new report"'
}

@test "a device that the new kernel does not have any more is worse for who used it" {
	change '(.stacks[] | select(.device == "vsock")) |= (.evidence = [] | .reason = {code: "no_module", text: "no module"}) |
		(.devices[] | select(.name == "vsock")) |= (.state = "no_module" | .features = null)'
	compare 1 6.1.json new.json
	json '[.stacks[] | select(.change == "worse") | .device] | length >= 4 and all(. == "vsock")'
	json '.host | any(.what == "device vsock" and .old == "ok" and .new == "no_module")'
	jq '.run.where = "host" | .run.vm = null' new.json >host.json
	compare 2 6.1.json host.json
}

@test "a lost bit alone is worse, also one without a name and one of the backend; gained ones are not" {
	change '(.devices[] | select(.name == "net") | .features.hex) |= (.[2:] as $d |
		"0x1000000000" + ("0000000000000000"[($d | length):]) + $d)'
	compare 1 new.json 6.1.json
	json '.features == [{device: "net", backend: false, gained: false, bit: 100, name: null}]'
	change '(.devices[] | select(.name == "vsock") | .backend_features.hex) = "0x0"'
	compare 1 6.1.json new.json
	json '.features == [{device: "vsock", backend: true, gained: false, bit: 1, name: "VHOST_BACKEND_F_IOTLB_MSG_V2"}]'
	compare 0 new.json 6.1.json
	json '.verdict == "same" and .features[0].gained'
}

@test "modules, parameters, config and taint are told and decide nothing" {
	change '.host.kernel.taint = 512 | .host.kernel.config = {CONFIG_VHOST_SCSI: "n"} |
		.host.modules[0].parameters.max_mem_regions = "8" | .host.modules[1].state = "builtin"'
	compare 0 6.1.json new.json
	json '[.host[].what] == ["module vhost: max_mem_regions", "module vhost_iotlb", "CONFIG_VHOST_SCSI", "taint"]'
	json '.host[0] == {what: "module vhost: max_mem_regions", old: "64", new: "8"}'
}

@test "a device that only one of them looked at is told" {
	change 'del(.devices[] | select(.name == "scsi"))'
	compare 0 new.json 6.1.json
	json '.host == [{what: "device scsi", old: null, new: "ok"}]'
	compare 0 6.1.json new.json
	json '.host == [{what: "device scsi", old: "ok", new: null}]'
}

@test "measures beyond their noise, between equal machines only" {
	set='.checks[0].evidence += [{kind: "measure", step: "s", name: "rate", unit: "MB/s", samples: [X]}]'
	jq "${set/X/100, 102, 98}" 6.1.json >old.json
	jq "${set/X/50, 51, 49}" 6.1.json >new.json
	compare 0 old.json new.json
	json '.measures == [{id: .measures[0].id, device: "net", step: "s", name: "rate", unit: "MB/s", old: 100, new: 50}]'
	jq "${set/X/97, 99, 101}" 6.1.json >new.json
	compare 0 old.json new.json
	json '.measures == []'
	jq "${set/X/50, 51, 49} | .run.vm.cpus = 2" 6.1.json >new.json
	compare 0 old.json new.json
	json '.measures == [] and .host[0].what == "machine"'
	jq '.host.cpu = null' old.json >nobody.json
	jq "${set/X/50, 51, 49} | .host.cpu = null" 6.1.json >new.json
	compare 0 nobody.json new.json
	json '.measures == []'
}

@test "what a step measures several times is compared in its order" {
	set='.checks[0].evidence += [[A], [B] | {kind: "measure", step: "s", name: "calls", unit: "calls", samples: .}]'
	both="${set/A/2}"
	jq "${both/B/9}" 6.1.json >old.json
	compare 0 old.json old.json
	json '.measures == []'
	jq "${both/B/5}" 6.1.json >new.json
	compare 0 old.json new.json
	json '[.measures[] | [.old, .new]] == [[9, 5]]'
}

@test "reports that cannot be used, and the command line" {
	head -c 1000 6.1.json >new.json
	run -3 --separate-stderr "$VHOSTCHECK" diff 6.1.json new.json --json
	one_line "new.json:"
	valid error
	run -3 --separate-stderr "$VHOSTCHECK" diff none 6.1.json
	one_line "none: No such file"
	run -3 --separate-stderr "$VHOSTCHECK" diff none new.json --json
	one_line "none: No such file" # the first of two, once
	valid error
	run -64 --separate-stderr "$VHOSTCHECK" diff 6.1.json
	one_line "name two reports"
	run -64 --separate-stderr "$VHOSTCHECK" diff 6.1.json 6.1.json 6.1.json
	one_line "compares two reports"
	run -64 --separate-stderr "$VHOSTCHECK" diff - -
	one_line "cannot both be standard input"
	run -1 --separate-stderr "$VHOSTCHECK" diff 5.10.json - <6.1.json
	[ -z "$stderr" ]
}
