#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # filters of jq; bats sets stderr
# `run --expect FILE`: the file, and what it does to a report; lab/kernels.bats has real failures
load helpers

setup()
{
	cd "$BATS_TEST_TMPDIR" || exit
	[ ! -e /sys/class/misc/vhost-vsock ] || skip "the driver of vhost-vsock runs here"
	rules '{check: "vsock.*", expect: "skip"}'
}

# rules RULE...: mine.json has these, with null for the keys that they leave out
rules()
{
	jq -n --tab "[$(IFS=,; echo "$*")]"' | {schema: "vhostcheck-expectations/1",
		rules: map({check: null, stack: null, device: null, guest: null, when: null} + . +
			{reason: "no driver", source: "seen"})}' >mine.json
}

# refused LINE POINTER TEXT: run says that of mine.json and ends with 64
refused()
{
	run -64 --separate-stderr "$VHOSTCHECK" run --expect mine.json
	[ -z "$output" ]
	one_line "$3"
	[[ $stderr == *"mine.json:$1: $2"* ]]
}

@test "what is as expected carries the rule, and nothing is told" {
	run --separate-stderr -77 "$VHOSTCHECK" run --expect mine.json --json
	valid report
	json '.run.unexpected == []'
	json '[.checks[] | select(.device == "vsock") | .expected] | length > 0 and
		all(. == {verdict: "skip", reason: "no driver", source: "seen"})'
	json '[.checks[] | select(.device != "vsock") | .expected] | all(. == null)'
	json '[.stacks[].expected] | all(. == null)'
}

@test "what is not as expected, and a rule that fits nothing, is told" {
	rules '{check: "vsock.node.openable", expect: "pass"}' '{stack: "qemu", expect: "works", device: "vdpa9"}'
	run --separate-stderr -77 "$VHOSTCHECK" run --expect mine.json --json
	valid report
	json '.run.unexpected == ["vsock.node.openable on vsock: pass was expected, and it is skip",
		"rule 1 (qemu) was not used: no result fits it"]'
	run -77 "$VHOSTCHECK" run --expect mine.json
	[[ $output == *"Not as expected"*"rule 1 (qemu)"* ]]
}

@test "a rule past its last day is not used, and told; keys that do not matter may be left out" {
	for until in 9999-12-31 2000-01-01; do
		jq -n --tab --arg until $until '{schema: "vhostcheck-expectations/1", rules: [
			{check: "vsock.*", expect: "skip", reason: "no driver", source: "seen", until: $until}]}' >mine.json
		output=$(cat mine.json)
		valid expectations
		run --separate-stderr -77 "$VHOSTCHECK" run --expect mine.json --json
		valid report
		json "([.checks[] | select(.device == \"vsock\") | .expected != null] | any) == (\"$until\" > \"2026\")"
	done
	json '.run.unexpected == ["rule 0 (vsock.*) was not used: its last day was 2000-01-01; see whether it still holds"]'
	sed -i s/2000-01-01/2000-13-01/ mine.json
	refused "$(grep -n until mine.json | cut -d: -f1)" /rules/0/until '"2000-13-01" is no day'
}

@test "an expected verdict keeps a named stack from deciding" {
	run -2 "$VHOSTCHECK" run --stack qemu vsock
	rules '{stack: "qemu", expect: "not_applicable"}'
	run -2 "$VHOSTCHECK" run --stack qemu vsock --expect mine.json --json
	json '.run.unexpected == [] and ([.stacks[] | select(.stack == "qemu") | .expected.verdict] |
		all(. == "not_applicable"))'
	run -0 "$VHOSTCHECK" run --stack qemu --expect mine.json
	rules '{stack: "qemu", expect: "works"}'
	run -2 "$VHOSTCHECK" run --stack qemu --expect mine.json
}

@test "the file is one that schema expectations accepts" {
	output=$(cat mine.json)
	valid expectations
}

@test "a mistake in the file is 64, with line, JSON Pointer and the word" {
	sed -i 's/"skip"/"skipped"/' mine.json
	refused "$(grep -n skipped mine.json | cut -d: -f1)" /rules/0/expect '"skipped" is nothing to expect'
	rules '{stack: "qemu", expect: "fail"}'
	refused "$(grep -n '"fail"' mine.json | cut -d: -f1)" /rules/0/expect '"fail" is no verdict'
	rules '{stack: "qemu", expect: "error"}'
	refused "$(grep -n '"error"' mine.json | cut -d: -f1)" /rules/0/expect '"error" is no verdict'
	run --separate-stderr -64 "$VHOSTCHECK" run --expect mine.json --json
	valid error
	json '.error.code == "bad_expectations" and .error.path == "/rules/0/expect"'
}

@test "no JSON, an unknown key, no file: 64" {
	sed -i 's/"rules": \[/&,/' mine.json
	refused 3 "" "not JSON"
	rules '{check: "vsock.*", expect: "skip", more: 1}'
	refused "$(grep -n more mine.json | cut -d: -f1)" /rules/0/more '"more"'
	rules '{check: "vsock.*", expect: "skip"}'
	sed -i 's/"expect"/"expct"/' mine.json
	refused "$(grep -n expct mine.json | cut -d: -f1)" /rules/0/expct '"expct" is not known'
	rm mine.json
	run -64 --separate-stderr "$VHOSTCHECK" run --expect mine.json
	one_line "mine.json: No such file"
}

@test "vm reads the file before it boots, and does not carry it along" {
	sed -i 's/"skip"/"skipped"/' mine.json
	run -64 --separate-stderr "$VHOSTCHECK" vm --expect mine.json none
	one_line '"skipped" is nothing to expect'
}
