#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # filters of jq; bats sets output and stderr
# `vhostcheck judge`: stored reports of real kernels, journals of runs that were killed, bad input
load helpers

setup()
{
	cd "$BATS_TEST_TMPDIR" || exit
}

# golden NAME: the stored report of a kernel, on stdout
golden()
{
	xz -dc "$BATS_TEST_DIRNAME/golden/$1.json.xz"
}

# change FILTER: golden 6.1, changed by jq, into r.json
change()
{
	golden 6.1 | jq "$1" >r.json
}

# refused TEXT: judge r.json is one line with that, and 3
refused()
{
	run -3 --separate-stderr "$VHOSTCHECK" judge r.json
	[ -z "$output" ]
	one_line "$1"
}

@test "statuses and verdicts that were taken away come back from the evidence" {
	# of a finding more may be known by now, and a title be put better
	known='.checks |= map(.known |= (. != null) | .title = "")'
	for kernel in 5.10 6.1; do
		golden $kernel >want.json
		jq '.checks |= map(.status = "error" | .known = null | .title = "") |
			.stacks |= map(.verdict = "error" | .signature = null)' want.json >r.json
		run -0 --separate-stderr "$VHOSTCHECK" judge r.json --json
		[ -z "$stderr" ]
		valid report
		for part in .checks .stacks .devices .summary .host .run.selection; do
			diff <(jq "$known | $part" want.json) <(jq "$known | $part" <<<"$output")
		done
	done
}

@test "it prints as run does, and ends as run does" {
	change '.run.selection.strict = true'
	run -1 --separate-stderr "$VHOSTCHECK" judge r.json
	[[ $output == *"Linux 6.1."*"crosvm-2022 "*fails_start*"FAIL: "*" failed (exit status 1)"* ]]
	run -1 "$VHOSTCHECK" judge -q r.json -o again.json
	[ -z "$output" ]
	output=$(cat again.json)
	valid report
	run -1 "$VHOSTCHECK" judge -q - <r.json
}

@test "evidence decides, not what the report says" {
	change '(.checks[] | select(.id == "vsock.features.version_1") | .evidence) |= map(
		if .kind == "ioctl" and .name == "VHOST_GET_FEATURES" then .arg = "0x0" else . end)'
	run -1 --separate-stderr "$VHOSTCHECK" judge r.json --json
	json '.checks[] | select(.id == "vsock.features.version_1") | .status == "fail" and
		.reason.code == "contract_broken"'
}

@test "what no evidence tells keeps its reason, and a check without either is an error" {
	change '.checks |= (.[0:8] | map(.evidence = [] | .status = "error") |
		.[0].reason = {code: "denied", text: "denied"} |
		.[1].reason = {code: "not_offered", text: "not offered"} |
		.[2].reason = {code: "deadline", text: "late"} |
		.[3].reason = {code: "crashed", text: "died"} |
		.[4].reason = {code: "guest_died", text: "not run: the run ended early: x"} |
		.[5].reason = {code: "guest_died", text: "the guest died"} |
		.[6].reason = {code: "internal", text: "no child"} | .[7].reason = null)'
	run -1 --separate-stderr "$VHOSTCHECK" judge r.json --json
	valid report
	json '[.checks[].status] == ["blocked", "skip", "timeout", "crash", "blocked", "crash", "error", "error"]'
	json '.checks[0].reason == {code: "denied", text: "denied"}'
}

@test "what the kernel complained of is counted again: no pass, no known finding, nothing that works" {
	change '[{kind: "kmsg", step: "console", text: "WARNING: CPU: 0 at vhost"}] as $k |
		(.checks[] | select(.id == "vsock.node.present") | .evidence) += $k |
		(.checks[] | select(.known) | .evidence) += $k |
		(.stacks[] | select(.stack == "qemu" and .guest == "plain") | .evidence) += $k'
	run -1 --separate-stderr "$VHOSTCHECK" judge r.json --json
	json '.checks[] | select(.id == "vsock.node.present") | .status == "fail" and
		.reason.text == "the kernel complained: WARNING: CPU: 0 at vhost"'
	json '.summary.known == 0 and .summary.counts.fail >= 3'
	json '[.stacks[] | select(.stack == "qemu" and .guest == "plain") | .verdict == "unknown"] | all'
}

@test "expectations of the run are taken out" {
	change '.run.unexpected = ["x"] | (.checks[] | select(.id == "vsock.log.data")) |=
		(.status = "xfail" | .expected = {verdict: "fail", reason: "r", source: "s"})'
	run -0 --separate-stderr "$VHOSTCHECK" judge r.json --json
	json '.run.unexpected == [] and ([.checks[], .stacks[] | .expected] | all(. == null))'
	json '.checks[] | select(.id == "vsock.log.data") | .status == "fail" and .known'
}

@test "a check that only another version has keeps its result, and that is told" {
	change '.tool.version = "9.0.0" | .checks |= .[0:2] | .checks[0] |= (.id = "net.node.newer" | .status = "fail")'
	run -1 --separate-stderr "$VHOSTCHECK" judge r.json --json
	json '.checks[0].status == "fail" and .summary.exit_code == 1'
	json '.run.reduced | any(contains("collected by 9.0.0")) and any(contains("1 check is not known"))'
}

# journal END: golden 5.10 as a journal that stops after that many results, with one begun
journal()
{
	golden 5.10 | jq -c --argjson n "$1" '
		{type: "start", tool, run, host}, (.devices[] | {type: "device", device: .}),
		{type: "plan", checks: [.checks[] | .evidence = [] | .status = "error" | .reason = null],
			stacks: [.stacks[] | .evidence = [] | .verdict = "unknown" | .reason = null]},
		(.checks[:$n][] | {type: "check_start", id, device}, {type: "check", check: .}),
		(.checks[$n] | {type: "check_start", id, device})' >r.json
}

@test "the journal of a run that was killed is a report: crash, then blocked" {
	journal 20
	printf '{"type":"check","che' >>r.json
	run -2 --separate-stderr "$VHOSTCHECK" judge r.json --json
	[ -z "$stderr" ]
	valid report
	json '.checks[20] | .status == "crash" and (.reason.text | contains("was killed"))'
	json '[.checks[21:][].status] | length > 200 and all(. == "blocked")'
	json '[.checks[:20][].status] | index("pass") >= 0'
	json '[.stacks[].verdict] | all(. == "unknown")'
	diff <(golden 5.10 | jq '.checks[:20]') <(jq '.checks[:20]' <<<"$output")
}

@test "a run that has just begun, and one that never did" {
	journal 0
	run -1 --separate-stderr "$VHOSTCHECK" judge r.json --json
	json '[.checks[].status] | .[0] == "crash" and (.[1:] | all(. == "blocked"))'
	sed -i 1q r.json
	run -77 --separate-stderr "$VHOSTCHECK" judge r.json --json
	json '.checks == []'
	echo '{"type":"hello","release":"6.1.0"}' >r.json
	refused "ended before it began"
}

@test "a journal that is none: its line" {
	journal 3
	sed -i '5s/.*/{"type":"check","nothing":1}/' r.json
	refused "r.json:5: the key \"check\" is missing"
	journal 3
	golden 5.10 | jq -c "{type: \"start\", tool, run, host}" >>r.json
	refused "r.json:$(grep -c . r.json): /type: a second start"
}

@test "not a report: 3, one line with the file, the place and the word" {
	: >r.json
	refused "r.json: it is empty"
	echo '[1]' >r.json
	refused "r.json:1: expected object"
	echo '{"a": 1}' >r.json
	refused 'r.json:1: /schema: it is no report of vhostcheck'
	echo '{"schema": "vhostcheck-list/1"}' >r.json
	refused '/schema: it is a "vhostcheck-list/1", not a report'
	echo '{"schema": "vhostcheck-reports/1", "reports": []}' >r.json
	refused "several kernels"
	change '.schema = "vhostcheck-report/2" | .more = {}'
	refused '/schema: it is a "vhostcheck-report/2", and this version reads vhostcheck-report/1'
	printf '{"schema": "vhost\xff/1"}' >r.json
	run -3 --separate-stderr "$VHOSTCHECK" judge r.json --json
	json '.error.text | test("vhost\\?/1")'
	rm r.json
	refused "r.json: No such file"
	mkdir r.json
	refused "r.json: Is a directory"
	run -3 --separate-stderr "$VHOSTCHECK" judge none --json
	valid error
	json '.exit_code == 3 and .error.code == "bad_report" and .error.file == "none"'
}

@test "a report that is broken: where, and which version wrote it" {
	change '.checks[7].status = "fine"'
	refused "r.json:$(grep -n '"fine"' r.json | cut -d: -f1): /checks/7/status: \"fine\" is not one of the words"
	change '.tool.version = "9.0.0" | .checks[3].more = 1'
	refused '/checks/3/more: the key "more" is not known (vhostcheck 9.0.0 wrote it'
	change '.tool.version = "0.0.1" | del(.host.virt)'
	refused '/host: the key "virt" is missing (vhostcheck 0.0.1 wrote it'
	change '.checks[9] = .checks[4]'
	refused "/checks/9: a second result of $(golden 6.1 | jq -r '.checks[4].id') on "
	change '.stacks += [.stacks[0]]'
	refused "a second result of crosvm on"
	change '.devices[0].features.hex = ""'
	refused '/devices/0/features/hex: "" is no feature mask'
	change '.checks[2].id = "../../etc"'
	refused '/checks/2/id: "../../etc" is no id of a check'
	change '.summary.exit_code = 256'
	refused '/summary/exit_code'
	change . && sed -i '0,/"duration_us": null/s//"duration_us": 9007199254740993/' r.json
	refused '/duration_us: the number is beyond 2^53'
}

@test "not JSON: truncated, nested, not UTF-8, a key twice, a NUL" {
	golden 6.1 | head -c 100000 >r.json
	refused "it ends too early"
	printf '{"schema":%0100000d' 0 | tr 0 '[' >r.json
	refused "not JSON at byte 41: nesting too deep (column 42)"
	golden 6.1 | jq . | sed '0,/"virt": .*/s//"virt": "\xff",/' >r.json
	refused "r.json:"
	golden 6.1 | jq . | sed '0,/"virt": /s//"virt": null, "virt": /' >r.json
	refused '/host/virt: a key stands twice'
	golden 6.1 | jq . | sed '0,/"virt": .*/s//"virt": "a\\u0000b",/' >r.json
	refused "NUL"
	head -c 4096 /dev/urandom >r.json
	refused "r.json:"
	golden 6.1 >r.json
	echo '{}' >>r.json
	refused "r.json:"
}

@test "a text without an end is given up" {
	run -3 --separate-stderr "$VHOSTCHECK" judge - </dev/zero
	one_line "standard input: longer than 256 MiB"
}

@test "a known finding that the baseline of the run lacks decides, and that is told" {
	known='[.checks[] | select(.known) | {id, device, text: .known.text}]'
	change ".run.selection.baseline = {release: \"5.4.0\", known: $known}"
	run -0 "$VHOSTCHECK" judge r.json
	change ".run.selection.baseline = {release: \"5.4.0\", known: ($known | .[1:])}"
	run "$VHOSTCHECK" judge r.json --json
	json '.run.selection.baseline.release == "5.4.0"'
	change '.run.selection.baseline = {release: "5.4.0", known: []}'
	run -1 "$VHOSTCHECK" judge r.json
	[[ $output == *"2 known findings are counted: the baseline, Linux 5.4.0, does not"* ]]
}

@test "the command line" {
	run -64 --separate-stderr "$VHOSTCHECK" judge
	one_line "name a REPORT"
	run -64 --separate-stderr "$VHOSTCHECK" judge one two
	one_line "not 'two' too"
	run -64 --separate-stderr "$VHOSTCHECK" judge one --json -o two
	one_line "--json is -o -"
}
