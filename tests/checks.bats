#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # filters of jq
load helpers

@test "checks --json is valid, with at least 30 ids, none twice" {
	run --separate-stderr -0 "$VHOSTCHECK" checks --json
	[ -z "$stderr" ]
	valid checks
	json '.checks | length >= 30'
	json '[.checks[].id] | length == (unique | length)'
}

@test "each id is family.area.name, in lower case" {
	run -0 "$VHOSTCHECK" checks --json
	json '.checks | all(.id | test("^[a-z]+\\.[a-z]+\\.[a-z0-9_]+$"))'
	json '.checks | all(.family as $f | .area as $a | .id | startswith($f + "." + $a + "."))'
}

@test "each check states contract, harm, judgement, source and a fault that it finds" {
	run -0 "$VHOSTCHECK" checks --json
	json '.checks | all(all(.title, .contract, .harm, .judged, .since; length > 0))'
	json '.checks | all((.refs | length > 0) and (.faults | length > 0))'
}

@test "text has one line for each entry of JSON, in its order" {
	run -0 "$VHOSTCHECK" checks --json
	expected=$(jq -r '.checks[].id' <<<"$output")
	run -0 "$VHOSTCHECK" checks -q
	[ "$(awk '{ print $1 }' <<<"$output")" = "$expected" ]
	run -0 "$VHOSTCHECK" checks
	[[ ${lines[0]} == ID*SEVERITY*RISK*TITLE ]]
}

@test "globs choose, in the published order, each id once" {
	run -0 "$VHOSTCHECK" checks 'vsock.node.*' --json
	json '.checks | length > 1 and all(.area == "node")'
	nodes=$(jq -r '.checks[].id' <<<"$output")
	run -0 "$VHOSTCHECK" checks 'vsock.features.*' 'vsock.node.*' 'vsock.n*' --json
	json '[.checks[].area] | .[0] == "node" and .[-1] == "features"'
	[ "$(jq -r '.checks[] | select(.area == "node").id' <<<"$output")" = "$nodes" ]
}

@test "a glob that matches nothing is refused with what is near" {
	run --separate-stderr -64 "$VHOSTCHECK" checks vsock.node.presnt
	[ -z "$output" ]
	one_line "no check matches 'vsock.node.presnt' (did you mean 'vsock.node.present'"
	run --separate-stderr -64 "$VHOSTCHECK" checks 'vsock.*' 'qqqq*' --json
	valid error
	json '.error.code == "unknown_check" and .error.hint == "vhostcheck checks lists them"'
}
