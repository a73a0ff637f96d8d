#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # scripts of CMD; bats sets output, stderr and status
# `vhostcheck trace` of programs that use no vhost device; lab/trace.bats has those that do
load helpers

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
}

@test "input, output and exit status are CMD's" {
	run -42 --separate-stderr "$VHOSTCHECK" trace -q -- sh -c 'cat; echo err >&2; exit 42' <<<"in"
	[ "$output" = in ]
	[ "$stderr" = err ]
	run -143 --separate-stderr "$VHOSTCHECK" trace -q -- sh -c 'kill -TERM $$'
	run -137 --separate-stderr "$VHOSTCHECK" trace -q -- sh -c 'kill -KILL $$'
	run -0 --separate-stderr "$VHOSTCHECK" trace -q -- true
	[ -z "$output$stderr" ]
}

@test "it says what it costs CMD, and that no vhost device was used" {
	run -0 --separate-stderr "$VHOSTCHECK" trace -- true
	[[ $stderr == *"tracing true."*"Set-uid programs"*"ENOSYS"*"no security boundary"* ]]
	[[ $stderr == *"No vhost device was used."* ]]
	run -0 --separate-stderr "$VHOSTCHECK" trace -q -- grep NoNewPrivs /proc/self/status
	[[ $output == *1 ]]
}

@test "CMD not found is 127, not executable 126, both in one line" {
	run -127 --separate-stderr "$VHOSTCHECK" trace -- no-such-program
	one_line "no-such-program: No such file or directory"
	echo text >text
	run -126 --separate-stderr "$VHOSTCHECK" trace -- ./text
	one_line "./text: Permission denied"
	[ -z "$output" ]
}

@test "a set-uid CMD is run, without the rights" {
	need_root
	install -m 4755 -o nobody "$(type -P id)" as-nobody
	[ "$(./as-nobody -u)" -ne 0 ] || skip "set-uid has no effect here"
	run -0 --separate-stderr "$VHOSTCHECK" trace -q -- ./as-nobody -u
	[ "$output" -eq 0 ]
}

@test "a command line that is wrong is 64, and nothing is run" {
	for words in "" "--" "touch ran" "--json -- touch ran" "-o - -- touch ran" \
		"--what-if 33,x -- touch ran" "--what-if , -- touch ran" "--what-if 128 -- touch ran" \
		"--fail-on bad -- touch ran" "--nothing -- touch ran"; do
		# shellcheck disable=SC2086 # several words
		run -64 --separate-stderr "$VHOSTCHECK" trace $words
		printf '%s\n' "$stderr" | grep -q "^vhostcheck: " || return
	done
	[ ! -e ran ]
}

@test "--attach says whether there is such a process, and stands alone" {
	run -77 --separate-stderr "$VHOSTCHECK" trace --attach 4194304
	one_line "there is no process 4194304"
	run -77 --separate-stderr "$VHOSTCHECK" trace --attach $$
	one_line "has no vhost device open"
	for words in "--attach 1 -- true" "--attach 1 -o file" "--attach 0" "--attach x" "--attach 1 --json"; do
		# shellcheck disable=SC2086 # several words
		run -64 --separate-stderr "$VHOSTCHECK" trace $words
	done
}

@test "what cannot be written or read is 3, and nothing is run" {
	run -3 --separate-stderr "$VHOSTCHECK" trace -o no/such.jsonl -- touch ran
	one_line "cannot write no/such.jsonl"
	run -3 --separate-stderr "$VHOSTCHECK" trace --what-if ./none.json -- touch ran
	one_line "./none.json: No such file"
	echo '{}' >bad.json
	run -3 --separate-stderr "$VHOSTCHECK" trace --what-if bad.json -- touch ran
	[[ $stderr == "vhostcheck: bad.json"* ]]
	run -3 --separate-stderr "$VHOSTCHECK" trace --save-stack no/such.json -- touch ran
	one_line "cannot write no/such.json: No such file"
	[ ! -e ran ]
	run -3 --separate-stderr "$VHOSTCHECK" trace -q -o /dev/full -- true
	one_line "cannot write /dev/full: No space left"
}

@test "-o writes lines of the schema: what was asked, and that there was no device" {
	run -0 "$VHOSTCHECK" trace -q --clean --what-if 33,F_RING_RESET -o trace.jsonl -- true
	[ "$(wc -l <trace.jsonl)" -eq 2 ]
	while read -r output; do valid trace; done <trace.jsonl
	output=$(jq -s . trace.jsonl)
	json '.[0] == {type: "start", schema: "vhostcheck-trace/1", command: "true", kernel: null,
		what_if: [33, 40]}'
	json '.[1].type == "end" and .[1].verdict == "not_applicable" and .[1].device == null'
}

@test "the bits of --what-if are those of a report" {
	"$VHOSTCHECK" run -q -o report.json >/dev/null || :
	jq '.devices = [{name: "vsock", path: "/dev/vhost-vsock", kind: "vsock", state: "ok", reason: null,
		features: {hex: "0x300000000", names: ["VIRTIO_F_VERSION_1", "VIRTIO_F_ACCESS_PLATFORM"],
			unknown_bits: []},
		backend_features: null, features_accepted: null, iotlb_policy: null}]' report.json >next.json
	run -0 "$VHOSTCHECK" trace -q --what-if next.json -o trace.jsonl -- true
	output=$(jq -s . trace.jsonl)
	json '.[0].what_if == [32, 33]'
}

@test "signals of others reach CMD, and the tracer stays until it ends" {
	coproc "$VHOSTCHECK" trace -q -- sh -c 'trap "echo told; exit 5" TERM; echo ready; while :; do :; done' 3>&-
	tracer=$COPROC_PID
	read -r line <&"${COPROC[0]}"
	[ "$line" = ready ]
	kill -TERM "$tracer"
	read -r line <&"${COPROC[0]}"
	[ "$line" = told ]
	status=0
	wait "$tracer" || status=$?
	[ "$status" -eq 5 ]
}

@test "what CMD left running gets them once it has ended" {
	coproc "$VHOSTCHECK" trace -q -- sh -c '
		(while kill -0 $$ 2>/dev/null; do :; done; echo alone; while :; do :; done) & exit 4' 3>&-
	tracer=$COPROC_PID
	read -r line <&"${COPROC[0]}"
	[ "$line" = alone ]
	kill -TERM "$tracer"
	status=0
	wait "$tracer" || status=$?
	[ "$status" -eq 4 ]
}

@test "a tree of 500 processes in less than 8 MiB, and a program with a filter of its own" {
	tracee=$(dirname "$VHOSTCHECK")/tests/trace_tracee
	run -7 --separate-stderr "$VHOSTCHECK" trace -q -- "$tracee" tree
	run -7 --separate-stderr "$VHOSTCHECK_RELEASE" trace -q -- sh -c '
		"$1" tree; status=$?; grep VmHWM /proc/$PPID/status; exit $status' sh "$tracee"
	read -r _ kib _ <<<"$output"
	[ "$kib" -lt 8192 ]
	run -7 --separate-stderr "$VHOSTCHECK" trace -q -- "$tracee" filter
}
