#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # scripts for another shell
# shellcheck disable=SC2030,SC2031 # each test has an environment of its own
# `vhostcheck run` where there is no vhost device: what it says, writes and ends with
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

# as_nobody COMMAND...: without the rights that root has
as_nobody()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# nobody_can_run: a copy of the executable, and of the folder, that any user reaches
nobody_can_run()
{
	cp "$VHOSTCHECK" ./vhostcheck
	chmod 755 .. . ./vhostcheck
	as_nobody ./vhostcheck --version || skip "nobody cannot reach $BATS_TEST_TMPDIR"
}

@test "nothing here: 77, a line per device, and the verdict last" {
	run --separate-stderr -77 "$VHOSTCHECK" run
	[ -z "$stderr" ]
	for name in net vsock scsi; do
		[[ $output == *" $name "*"/dev/vhost-$name"* ]]
	done
	[[ ${lines[-1]} == "INCONCLUSIVE: "*"(exit status 77)" ]]
	run -77 "$VHOSTCHECK" run -q
	[ -z "$output" ]
}

@test "a device that is named and not here: 2, and it is named in the verdict" {
	for device in vsock /dev/vhost-vsock; do
		run --separate-stderr -2 "$VHOSTCHECK" run "$device"
		[[ ${lines[-1]} == "INCONCLUSIVE: vsock: "*"(exit status 2)" ]]
		[[ $output != *" net "* ]]
	done
	run --separate-stderr -2 "$VHOSTCHECK" run vdpa7
	[[ ${lines[-1]} == *"vdpa7"*"(exit status 2)" ]]
	run -2 "$VHOSTCHECK" run net /dev/vhost-net vsock --json
	json '[.devices[].name] == ["net", "vsock"]'
	json '.summary.exit_code == 2 and .summary.verdict == "inconclusive"'
}

@test "a vDPA device is made on a host only when that is asked for" {
	run --separate-stderr -2 "$VHOSTCHECK" run vdpa --json
	valid report
	json '.devices[0] | .name == "vdpa" and .state == "absent" and (.reason | test("--create vdpa"))'
	run --separate-stderr "$VHOSTCHECK" run vdpa --create vdpa --dry-run
	[ "$status" -eq 0 ]
}

@test "--json: one valid object on stdout and nothing else, -o - the same" {
	run --separate-stderr -77 "$VHOSTCHECK" run --json --deterministic
	[ -z "$stderr" ]
	valid report
	json '.summary.exit_code == 77 and .run.where == "host"'
	json '.checks | length >= 30 and all(.status == "skip" and .evidence == [])'
	json '.stacks | length >= 5 and all(.verdict == "not_applicable")'
	[ "$(jq -s length <<<"$output")" -eq 1 ]
	json='.run.argv = []'
	expected=$(jq "$json" <<<"$output")
	run --separate-stderr -77 "$VHOSTCHECK" run -o - --deterministic
	[ -z "$stderr" ]
	[ "$(jq "$json" <<<"$output")" = "$expected" ]
	[ -z "$(ls)" ]
}

@test "--deterministic: two runs give the same bytes, without times" {
	for file in first second; do
		run -77 "$VHOSTCHECK" run --json --deterministic
		printf '%s\n' "$output" >"$file"
		json '.run.started == null and .run.duration_us == null'
		json '.checks | all(.duration_us == null)'
	done
	cmp first second
	run -77 "$VHOSTCHECK" run --json
	json '.run.started | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")'
	json '.run.duration_us >= 0'
}

@test "-o FILE: text on stdout, the report in FILE, and nothing beside it" {
	mkdir out
	printf 'an old report\n' >out/r.json
	run --separate-stderr -77 "$VHOSTCHECK" run -o out/r.json
	[ -z "$stderr" ]
	[[ ${lines[-1]} == *"(exit status 77)" ]]
	[ "$(ls -A out)" = r.json ]
	output=$(cat out/r.json)
	valid report
	json '.run.argv == ["vhostcheck run", "-o", "r.json"]'
	run -77 "$VHOSTCHECK" run -q -o out/q.json
	[ -z "$output" ]
	[ "$(ls -A out)" = $'q.json\nr.json' ]
}

@test "-o into a directory that is not there: 3, nothing made" {
	run --separate-stderr -3 "$VHOSTCHECK" run -o no/such/r.json
	[ -z "$output" ]
	one_line "cannot write no/such/r.json"
	[[ $stderr == *"choose a directory that exists"* ]]
	[ -z "$(ls -A)" ]
}

@test "-o where FILE is a directory: 3, and it stays" {
	mkdir taken
	run --separate-stderr -3 "$VHOSTCHECK" run -o taken
	one_line "taken"
	[ "$(ls -A)" = taken ]
	[ -z "$(ls -A taken)" ]
}

@test "-o without the right to write: 3, and what was there stays" {
	nobody_can_run
	mkdir locked
	printf 'an old report\n' >locked/r.json
	chmod 555 locked
	run --separate-stderr -3 as_nobody ./vhostcheck run -o locked/r.json
	[ -z "$output" ]
	one_line "cannot write locked/r.json"
	[ "$(cat locked/r.json)" = "an old report" ]
	[ "$(ls -A locked)" = r.json ]
	chmod 755 locked
}

@test "-o onto a full device: 3, and nothing is left beside it" {
	need_root
	run --separate-stderr -3 "$VHOSTCHECK" run -o /dev/full
	[ -z "$output" ]
	one_line "cannot write all of /dev/full: No space left on device"
	[ -c /dev/full ]
	[ "$(echo /dev/full*)" = /dev/full ]
}

@test "-o onto a file system that is full: 3, and nothing is left on it" {
	need_root
	mkdir small
	run --separate-stderr -3 unshare -m bash -euc '
		mount -t tmpfs -o size=4k,nr_inodes=8 vhostcheck small
		status=0
		"$VHOSTCHECK" run -o small/r.json || status=$?
		ls -A small >left
		exit $status'
	[ -z "$output" ]
	one_line "No space left on device"
	[ ! -s left ]
}

@test "--json and -o FILE exclude each other" {
	run --separate-stderr -64 "$VHOSTCHECK" run --json -o r.json
	one_line "--json is -o -, and -o r.json was given"
	valid error
	[ ! -e r.json ]
}

# refused WORD OPTION...: status 64, one line with WORD, nothing on stdout; with --json the error
refused()
{
	local word=$1
	shift
	run --separate-stderr -64 "$VHOSTCHECK" run "$@"
	[ -z "$output" ]
	one_line "$word"
	run --separate-stderr -64 "$VHOSTCHECK" run --json "$@"
	valid error
	json '.exit_code == 64'
}

@test "unknown words are refused with the word" {
	refused "unknown device 'vsocks'" vsocks
	refused "unknown device '/dev/null'" /dev/null
	refused "unknown device 'vdpax'" vdpax
	refused "unknown device ''" ''
	refused "--check: no check matches 'vsock.node.presnt'" --check vsock.node.presnt
	[[ $stderr == *"did you mean 'vsock.node.present'"* ]]
	refused "--exclude: no check matches 'blk.*'" --exclude 'blk.*'
	refused "--require: no check matches 'x'" --require x
	refused "crosvm-2023" --stack crosvm-2023
	refused "no/such.json" --stack no/such.json
	refused "--fail-on: 'severe'" --fail-on severe
	refused "--fail-on: ''" --fail-on=
	refused "--create" --create net
	for timeout in 0 -1 1.5 1s '' 99999999999999999999 100000; do
		refused "--timeout: '$timeout'" --timeout="$timeout"
	done
}

@test "a mistake is told before anything is written" {
	printf 'an old report\n' >r.json
	run -64 "$VHOSTCHECK" run -o r.json --check nonsense
	run -64 "$VHOSTCHECK" run -o r.json --stack nonsense
	[ "$(cat r.json)" = "an old report" ]
	[ "$(ls)" = r.json ]
}

@test "--check and --exclude choose, in the published order" {
	run -77 "$VHOSTCHECK" run --json --check 'vsock.node.*' --check '*.iotlb.*' \
		--exclude '*.miss_*'
	json '[.checks[].id | split(".")[1]] | unique == ["iotlb", "node"]'
	json '.checks | all(.id | contains("miss_") | not)'
	json '.run.selection.checks == ["vsock.node.*", "*.iotlb.*"]'
	chosen=$(jq -r '.checks[].id' <<<"$output")
	run -0 "$VHOSTCHECK" checks --json
	[ "$(jq -r '.checks[].id' <<<"$output" | grep -Fx "$chosen")" = "$chosen" ]
}

@test "what was required and did not run, or a stack that was named: 2" {
	run -2 "$VHOSTCHECK" run --require 'vsock.node.*'
	[[ ${lines[-1]} == *"(exit status 2)" ]]
	run -2 "$VHOSTCHECK" run --stack qemu --json
	valid report
	json '.stacks | map(select(.stack == "qemu")) | length >= 2'
}

@test "--dry-run lists what would be done, opens no node, and writes nothing" {
	run --separate-stderr -0 strace -f -o trace -e trace=%file,socket,init_module,finit_module \
		env ASAN_OPTIONS=detect_leaks=0 "$VHOSTCHECK" run --dry-run -o r.json
	[[ $output == *"vsock.node.present"* ]]
	[ "$(ls)" = trace ]
	run ! grep -E 'open[a-z0-9]*\(.*"/dev/(vhost|vsock)|_module\(|socket\(.*VSOCK' trace
	run -0 "$VHOSTCHECK" run --dry-run --check 'vsock.node.*'
	[ "${#lines[@]}" -eq "$("$VHOSTCHECK" checks -q 'vsock.node.*' | wc -l)" ]
}

@test "a run opens no node whose driver is not there" {
	run -77 strace -f -o trace -e trace=%file,socket,init_module,finit_module \
		env ASAN_OPTIONS=detect_leaks=0 "$VHOSTCHECK" run -q
	run ! grep -E 'open[a-z0-9]*\(.*"/dev/(vhost|vsock)|_module\(|socket\(.*VSOCK' trace
}

@test "stdout full or closed: 3, and one line; the report of -o is there all the same" {
	full()
	{
		"$VHOSTCHECK" run "$@" >/dev/full
	}
	closed()
	{
		"$VHOSTCHECK" run "$@" >&-
	}
	for arguments in "" --json --dry-run; do
		# shellcheck disable=SC2086 # none is no argument
		run --separate-stderr -3 full $arguments
		one_line "cannot write to standard output: No space left on device"
		# shellcheck disable=SC2086
		run --separate-stderr -3 closed $arguments
		one_line "cannot write to standard output: Bad file descriptor"
	done
	run --separate-stderr -3 full -o r.json
	output=$(cat r.json)
	valid report
	[ ! -e r.json.journal ]
}

@test "another user gets a report that says what could not be looked at" {
	nobody_can_run
	run --separate-stderr -77 as_nobody ./vhostcheck run --json
	valid report
	json '.run.privileges == "user" and (.run.reduced | length > 0)'
}

@test "a kernel whose configuration cannot be read is told as one" {
	run --separate-stderr "$VHOSTCHECK" run --json
	json '(.host.kernel.config == {}) ==
		(.run.reduced | any(startswith("the kernel'"'"'s configuration is not known")))'
}

@test "what a device's state keeps from being asked is one line of the text" {
	run --separate-stderr -2 "$VHOSTCHECK" run vsock
	[ "$(grep -c '^  skip ' <<<"$output")" -eq 1 ]
	[[ $output == *"vsock.*: $("$VHOSTCHECK" checks -q 'vsock.*' | wc -l) checks, since"* ]]
	run --separate-stderr -2 "$VHOSTCHECK" run vsock -v
	[ "$(grep -c '^  skip ' <<<"$output")" -gt 30 ]
}

@test "--baseline: its known findings are in the report; one that cannot be used is 3" {
	xz -dc "$BATS_TEST_DIRNAME/golden/6.1.json.xz" >old.json
	run -77 --separate-stderr "$VHOSTCHECK" run --json --baseline old.json
	valid report
	json '.run.selection.baseline | .release == "6.1.0-56-cloud-amd64" and
		([.known[].id] | index("vsock.log.data") != null)'
	head -c 5000 old.json >broken.json
	run -3 --separate-stderr "$VHOSTCHECK" run --baseline broken.json
	[ -z "$output" ]
	one_line "broken.json:"
	run -3 --separate-stderr "$VHOSTCHECK" vm --baseline none none.deb
	one_line "none: No such file"
}

@test "--profile: no check that came later; a version that is none is 64" {
	run -77 --separate-stderr "$VHOSTCHECK" run --json --profile 0.1.0
	all=$(jq '.checks | length' <<<"$output")
	[ "$all" -eq "$("$VHOSTCHECK" run --json | jq '.checks | length')" ]
	run -77 --separate-stderr "$VHOSTCHECK" run --json --profile 0.0.9
	json '.checks == []'
	for word in 1 0.1 x 0.1.0.0 01.1.0 ""; do
		run -64 --separate-stderr "$VHOSTCHECK" run --profile "$word"
		one_line "--profile: '$word' is no version"
	done
	run -64 --separate-stderr "$VHOSTCHECK" run --profile 999.0.0
	one_line "999.0.0 is newer than this vhostcheck"
}
