#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: TIMEOUT 300
# shellcheck disable=SC2016 # filters of jq
load helpers

# Once for the file: the whole matrix.
setup_file()
{
	"$VHOSTCHECK" selftest --json >"$BATS_FILE_TMPDIR/all.json" ||
		echo $? >"$BATS_FILE_TMPDIR/status"
}

setup()
{
	output=$(cat "$BATS_FILE_TMPDIR/all.json")
}

@test "every check passes on the clean model and does as it says under every fault" {
	[ ! -e "$BATS_FILE_TMPDIR/status" ]
	valid selftest
	json '.findings == [] and .exit_code == 0'
	json '.matrix[0] | .fault == null and .fails == []'
	json '(.matrix | length) == .faults + 1 and .faults >= 80 and .checks >= 100'
}

@test "the matrix has no empty row or column" {
	json '.matrix[1:] | all(.fails | length > 0)'
	ids=$("$VHOSTCHECK" checks --json | jq '[.checks[].id] | sort')
	[ "$(jq '[.matrix[].fails[] | select(.named).id] | unique' <<<"$output")" = "$ids" ]
}

@test "no check outside node passes on a device that is dead or mute, answers at random, or lies" {
	ids=$("$VHOSTCHECK" checks --json | jq -c '[.checks[].id | select(contains(".node.") | not)]')
	for fault in dead mute random_errno liar index_lies; do
		json "$ids"' - [.matrix[] | select(.fault == "'$fault'").fails[].id] == []'
	done
	# a vDPA device that was reset no longer tells an index
	json "$ids"' - [.matrix[] | select(.fault == "base_far").fails[].id] | all(startswith("vdpa."))'
}

@test "each fault has a text and a source" {
	json '.matrix[1:] | all((.text | length > 0) and (.source | length > 0))'
	json '[.matrix[1:][].fault] | length == (unique | length)'
}

@test "text shows a line for each fault and ends with the verdict" {
	run --separate-stderr -0 "$VHOSTCHECK" selftest --fault 'miss_*'
	[ -z "$stderr" ]
	[[ ${lines[0]} == miss_* ]]
	[[ ${lines[-1]} =~ ^[0-9]+\ checks\ on\ the\ model\ and\ under\ [0-9]+\ faults:\ each\ does ]]
	run -0 "$VHOSTCHECK" selftest --check 'vsock.node.*' --fault node_gone
	[[ ${lines[0]} =~ ^node_gone\ +vsock.node.present$ ]]
	[[ ${lines[1]} =~ ^4\ checks ]]
}

@test "globs that match nothing are refused" {
	run --separate-stderr -64 "$VHOSTCHECK" selftest --check 'vsock.nowhere.*'
	one_line "no check matches 'vsock.nowhere.*'"
	run --separate-stderr -64 "$VHOSTCHECK" selftest --fault nothing --json
	valid error
	json '.error.code == "unknown_fault"'
	run --separate-stderr -64 "$VHOSTCHECK" selftest --fault node_gone --fault 'miss_twise'
	one_line "no fault matches 'miss_twise' (did you mean 'miss_twice'"
	run --separate-stderr -64 "$VHOSTCHECK" selftest vsock
	one_line "takes no argument"
}
