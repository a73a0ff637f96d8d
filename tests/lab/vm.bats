#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: COST 500
# vm on the distribution's kernel: KERNEL_IMAGE, KERNEL_MODULES, KERNEL_DEB from ./dev kernels.
# shellcheck disable=SC2016,SC2154 # filters of jq; bats sets stderr
load ../helpers

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	export TMPDIR=$BATS_FILE_TMPDIR/tmp
	mkdir "$TMPDIR" first second
	(cd first && "$VHOSTCHECK" vm --deterministic "$KERNEL_DEB" -o r.json >text)
	echo "$?" >first/status
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# Nothing of a run that ended may be left
teardown() {
	[ -z "$(ls -A "$TMPDIR")" ]
}

# report FILE: into $output, after a look by the shipped schema
report() {
	output=$(cat "$1")
	valid report
}

# until_true COMMAND...: or fail after half a minute
until_true() {
	local end=$((SECONDS + 30))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
	done
}

# qemu_of PID: the QEMU that a vhostcheck started
qemu_of() {
	pgrep -P "$1" -f qemu-system
}

# in_check: the journal r.json.journal says that a check runs, or ran
in_check() {
	grep -qs check_start r.json.journal
}

# start NAME ARG...: vhostcheck vm in the background in folder NAME, in its first check
start() {
	mkdir "$1"
	cd "$1" || return
	env --default-signal "$VHOSTCHECK" vm --accel tcg "$KERNEL_IMAGE" --modules "$KERNEL_MODULES" \
		-o r.json "${@:2}" >text 2>errors 3>&- &
	pid=$!
	until_true in_check
}

# stop_in_check: the vhostcheck stands still, with a check that has begun and has no result
stop_in_check() {
	kill -STOP "$pid"
	tail -n 1 r.json.journal | jq -e '.type == "check_start"' >/dev/null && return
	kill -CONT "$pid"
	return 1
}

# break_vsock: a copy of the modules in ./modules in which every kick of vhost_vsock oopses
break_vsock() {
	local at=kernel/drivers/vhost/vhost_vsock.ko

	cp -as "$KERNEL_MODULES" modules
	rm -f modules/$at*
	if [ -f "$KERNEL_MODULES/$at.xz" ]; then
		xz -dc "$KERNEL_MODULES/$at.xz" >whole.ko
	else
		cp "$KERNEL_MODULES/$at" whole.ko
	fi
	"$BATS_TEST_DIRNAME/break_module.py" whole.ko vhost_vsock_handle_tx_kick modules/$at
}

@test "the package gives a report that the schema accepts, with status 0" {
	[ "$(cat first/status)" -eq 0 ]
	[ ! -e first/r.json.journal ]
	report first/r.json
	json '.summary.verdict == "pass" and .summary.exit_code == 0'
	json '.run.where == "vm" and .run.vm.cpus == 1 and .run.vm.memory == 512'
	json '.run.vm.accel | IN("kvm", "tcg")'
	json '.run.vm.qemu | test("^[0-9]+\\.[0-9]+")'
	json '.run.vm.cmdline | startswith("console=ttyS0 ")'
	json '.run.argv[0] == "vhostcheck vm" and (.run.argv | any(endswith(".deb")))'
	json '[.run.argv[] | select(contains("/"))] == []'
	json '.host.kernel.config | .CONFIG_VHOST_NET == "m" and .CONFIG_KASAN == "n"'
	json '(.run.vm.accel == "kvm") or (.run.reduced | any(startswith("KVM was given up")))'
	[ "$(jq -r .host.kernel.release first/r.json)" = "$(basename "$KERNEL_MODULES")" ]
}

@test "vhost-vsock offers 0x33d000002" {
	output=$(<first/r.json)
	json '.devices[] | select(.name == "vsock") | .state == "ok" and .features.hex == "0x33d000002"'
}

@test "at least 30 checks, each with a result of its own" {
	output=$(<first/r.json)
	json '.checks | length >= 30'
	json '[.checks[] | [.id, .device]] | length == (unique | length)'
	json '.checks | all((.status | IN("pass", "skip")) or (.status == "fail" and .known != null))'
}

@test "crosvm-2022: plain works, protected fails to start with one miss for the used ring" {
	output=$(<first/r.json)
	json '[.stacks[] | select(.stack == "crosvm-2022" and .device == "vsock") | "\(.guest) \(.verdict)"] ==
		["plain works", "protected fails_start"]'
	json '.stacks[] | select(.stack == "crosvm-2022" and .device == "vsock" and
		.guest == "protected") |
		[.evidence[] | select(.kind == "iotlb" and .msg == "miss")] |
		length == 1 and (.[0].iova | test("used"))'
	json '.stacks[] | select(.stack == "crosvm-2022" and .device == "vsock" and
		.guest == "protected") |
		.evidence | any(.kind == "ioctl" and .name == "VHOST_VSOCK_SET_RUNNING" and .errno == "EFAULT")'
}

@test "a stall is told in at most 3 system calls after the kick" {
	output=$(<first/r.json)
	json '[.checks[], .stacks[] | .evidence[] | select(.kind == "measure" and
		.name == "calls_after_kick") | .samples[]] | length > 5 and max <= 3'
}

@test "passthrough-late stalls; qemu and crosvm work and count bytes both ways" {
	output=$(<first/r.json)
	json '[.stacks[] | select(.stack == "passthrough-late" and .device == "vsock") | .verdict] == ["works", "stalls"]'
	json '[.stacks[] | select(.stack == "qemu" or .stack == "crosvm")] | length >= 4 and
		all(.verdict == "works" and .transfer.tx_bytes > 0 and .transfer.rx_bytes > 0)'
}

@test "the text says what the report says" {
	grep -q "Linux $(basename "$KERNEL_MODULES"), in a virtual machine" first/text
	grep -Eq 'crosvm-2022 +protected +vsock +fails_start +used_ring_unmapped_at_start' first/text
	[[ $(tail -n 2 first/text) == "PASS: "*"(exit status 0)
This judged a kernel's code, not a host's policy and hardware." ]]
	[ "$(jq -r .run.vm.accel first/r.json)" = kvm ] ||
		[ "$(grep -c 'KVM was given up' first/text)" -eq 1 ]
}

@test "a mutant of the real report is refused, whatever key it is" {
	"$VHOSTCHECK" schema >schema.json
	run -0 "$BATS_TEST_DIRNAME/schema_mutants.py" schema.json first/r.json
	[[ ${lines[-1]} =~ ^[0-9]{4,}\ mutants,\ 0\ survivors$ ]]
}

@test "a second run gives the same bytes" {
	cd second
	"$VHOSTCHECK" vm --deterministic "$KERNEL_DEB" -o r.json >/dev/null
	cmp ../first/r.json r.json
}

# of: the results on vhost-net and vhost-vsock, whole
of() {
	jq '.checks[], .stacks[] | select(.device | IN("net", "vsock"))' "$@"
}

@test "results are the same whether the kernel's workers run before the calls that follow, or behind them" {
	run --separate-stderr -0 "$VHOSTCHECK" vm --accel tcg "$KERNEL_IMAGE" --modules "$KERNEL_MODULES" \
		--add "$(command -v chrt)" -- chrt -f 1 /init run net vsock --intrusive --deterministic --json
	diff <(of first/r.json) <(of <<<"$output")
}

@test "a kernel that dies in a check: crash, with the line that matters and where" {
	mkdir dies
	cd dies
	break_vsock
	run --separate-stderr -1 "$VHOSTCHECK" vm --accel tcg --modules modules --append oops=panic \
		--check 'vsock.features.*' --check vsock.transfer.host_connects \
		--check vsock.transfer.call -o r.json "$KERNEL_IMAGE"
	[ ! -e r.json.journal ]
	report r.json
	json '.summary.counts.crash == 1 and .summary.counts.pass > 0'
	json '.checks | map(select(.status == "crash"))[0] | .reason.code == "crashed" and
		(.reason.text | test("^the kernel died: .*\\[#1\\].* in vhost_vsock_handle_tx_kick")) and
		(.evidence | any(.kind == "kmsg" and (.text | test("^Kernel panic")))) and
		(.evidence | all(.kind != "kmsg" or (.text | test("PID: [0-9]|[0-9a-f]{12}") | not)))'
	json '[.checks[] | select(.status == "blocked") | .reason.code] | length > 0 and
		all(. == "guest_died")'
	json '[.stacks[] | .verdict] | all(. == "unknown")'
	crashed=$(jq -r '.checks[] | select(.status == "crash") | .id' r.json)
	run --separate-stderr -1 "$VHOSTCHECK" judge r.json --json
	json ".checks == $(jq -c .checks r.json)"
	run -1 --separate-stderr "$VHOSTCHECK" diff ../first/r.json r.json --json
	json "[.checks[] | select(.decides) | \"\(.id) \(.old) \(.new)\"] == [\"$crashed pass crash\"]"
	run -0 "$VHOSTCHECK" convert r.json --to junit
	[[ $output == *"failures=\"1\""*"type=\"crashed\">crash: the kernel died: "* ]]
}

@test "a kernel that complains in a check and goes on: the check says so" {
	mkdir complains
	cd complains
	break_vsock
	run --separate-stderr "$VHOSTCHECK" vm --accel tcg --modules modules --timeout 2 \
		--check vsock.transfer.host_connects --fail-on low -o r.json "$KERNEL_IMAGE"
	[ "$status" -eq 1 ]
	report r.json
	json '.run.vm.accel == "tcg" and .host.kernel.taint > 0'
	json '.checks[0].status | IN("fail", "timeout")'
	json '.checks[0].reason.text | test("the kernel complained: .*\\[#1\\].* in vhost_vsock_handle_tx_kick")'
	json '.checks[0].evidence | any(.kind == "kmsg")'
}

@test "QEMU killed in a check: the check is a crash, and why" {
	start killed
	kill -KILL "$(qemu_of "$pid")"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ] || [ "$status" -eq 2 ]
	report r.json
	json '.summary.counts.crash <= 1 and .summary.counts.blocked > 0'
	json '[.checks[], .stacks[] | .reason | select(. != null) | .text] |
		all(test("signal 9 ended QEMU"))'
	[ ! -e r.json.journal ]
}

@test "^C leaves a partial report that is valid, and no guest" {
	start stopped
	qemu=$(qemu_of "$pid")
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 130 ]
	run ! kill -0 "$qemu"
	[ ! -e r.json.journal ]
	grep -q 'cut by SIGINT' text
	report r.json
	json '.summary.exit_code == 130 and .summary.verdict == "inconclusive"'
	json '.summary.counts.crash == 0 and .summary.counts.blocked > 0'
	json '[.checks[] | select(.status == "blocked") | .reason.code] | all(. == "not_selected")'
}

@test "SIGKILL in a check: QEMU dies with us; by the journal it is a crash, what came after blocked" {
	start gone
	qemu=$(qemu_of "$pid")
	until_true stop_in_check
	kill -KILL "$pid"
	wait "$pid" || :
	until_true eval '! kill -0 "$qemu" 2>/dev/null'
	[ ! -e r.json ]
	for line in 1 2 3; do
		output=$(sed -n "${line}p" r.json.journal)
		valid journal
	done
	running=$(tail -n 1 r.json.journal | jq -r .id)
	run -1 --separate-stderr "$VHOSTCHECK" judge r.json.journal --json
	valid report
	json "[.checks[] | select(.status == \"crash\") | .id] == [\"$running\"]"
	json '[.checks[] | select(.status == "blocked" and .reason.code == "guest_died")] | length > 100'
	run -1 --separate-stderr "$VHOSTCHECK" diff ../first/r.json r.json.journal --json
	json "[.checks[] | select(.decides) | \"\(.id) \(.new)\"] == [\"$running crash\"]"
	run -0 "$VHOSTCHECK" convert r.json.journal --to ktap
	[[ $output == *"# crash: the run ended without a word"* ]]
	run -0 "$VHOSTCHECK" list --leftovers
	[[ $output == *"$TMPDIR/vhostcheck-$pid-vm-"* ]]
	run -0 "$VHOSTCHECK" list --leftovers --remove
}

@test "a command in place of run: its output, its status, and its console if it dies" {
	mkdir command
	cd command
	cat >p.c <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);
	printf("out %d %s\n", argc, argv[1]);
	fprintf(stderr, "err\n");
	if (!strcmp(argv[1], "a  b"))
		return 42;
	fflush(stdout);
	sleep(1);
	return (int)write(fd, "c", 1);
}
END
	cc -o prog p.c
	run --separate-stderr -42 "$VHOSTCHECK" vm --accel tcg --add prog "$KERNEL_IMAGE" -- prog "a  b"
	[ "$output" = "out 2 a  b" ]
	[ "$stderr" = err ]
	run --separate-stderr -3 "$VHOSTCHECK" vm --accel tcg --add prog "$KERNEL_IMAGE" -- prog crash
	[ "$output" = "out 2 crash" ]
	[[ $stderr == *"the guest died before the command ended: "*"Kernel panic - not syncing: sysrq triggered crash"* ]]
}

@test "several kernels: a report of each, in a folder; nothing there (77) is not the worst" {
	mkdir -p several/out
	cd several
	release=$(basename "$KERNEL_MODULES")
	# the same kernel under another name: no modules go with it, so it has no vhost
	python3 -c 'import sys
old, new = sys.argv[1].encode(), sys.argv[2].encode()
sys.stdout.buffer.write(sys.stdin.buffer.read().replace(old, new, 1))' \
		"$release" "${release%?}_" <"$KERNEL_IMAGE" >bare
	run --separate-stderr -0 "$VHOSTCHECK" vm --accel tcg --check 'vsock.features.*' -o out \
		"$KERNEL_IMAGE" bare
	[ "$(ls out)" = "$(printf '%s\n' "${release%?}_.json" "$release.json" | sort)" ]
	[ "$(grep -c '^  Linux .*, in a virtual machine' <<<"$output")" -eq 2 ]
	report "out/$release.json"
	json '.summary.exit_code == 0 and .summary.counts.pass > 0'
	report "out/${release%?}_.json"
	json '.summary.exit_code == 77 and .summary.counts.pass == 0'
}

@test "the journal leaves by a port of virtio, or by the serial one of a kernel without" {
	mkdir ports
	cd ports
	run --separate-stderr -0 "$VHOSTCHECK" vm --accel tcg --add "$(command -v ls)" "$KERNEL_IMAGE" \
		--modules "$KERNEL_MODULES" -- ls -l /proc/1/fd
	[[ $output == *" -> /dev/vport"*p1* && $output != *" -> /dev/ttyS1"* ]]
	run --separate-stderr -0 "$VHOSTCHECK" vm --accel tcg --append initcall_blacklist=virtio_console_init \
		--add "$(command -v ls)" "$KERNEL_IMAGE" --modules "$KERNEL_MODULES" -- ls -l /proc/1/fd
	[[ $output == *" -> /dev/ttyS1"* && $output != *" -> /dev/vport"* ]]
	run --separate-stderr -0 "$VHOSTCHECK" vm --accel tcg --append initcall_blacklist=virtio_console_init \
		--check 'vsock.features.*' -o r.json "$KERNEL_IMAGE" --modules "$KERNEL_MODULES"
	report r.json
	json '.summary.exit_code == 0 and .summary.counts.pass > 0'
}

@test "stacks --run and features --toggle, in a guest" {
	run --separate-stderr -1 "$VHOSTCHECK" vm --accel tcg "$KERNEL_IMAGE" --modules "$KERNEL_MODULES" \
		-- vhostcheck stacks --run crosvm-2022 qemu --json
	valid stacks
	json '[.verdicts[] | "\(.stack) \(.device) \(.guest) \(.verdict)"] == [
		"crosvm-2022 net plain works", "crosvm-2022 net protected fails_start",
		"crosvm-2022 vsock plain works", "crosvm-2022 vsock protected fails_start",
		"qemu net plain works", "qemu net protected works", "qemu net viommu works",
		"qemu vsock plain works", "qemu vsock protected works", "qemu vsock viommu works"]'
	# /init is a program like any other, and runs as on a host: its risk keeps the policy back
	run --separate-stderr -2 "$VHOSTCHECK" vm --accel tcg "$KERNEL_IMAGE" --modules "$KERNEL_MODULES" \
		-- /init stacks --run stratovirt --json
	valid stacks
	json '[.verdicts[] | "\(.stack) \(.device) \(.verdict) \(.reason.code) \(.evidence)"] ==
		["stratovirt net unknown not_selected []"]'
	run --separate-stderr -0 "$VHOSTCHECK" vm --accel tcg "$KERNEL_IMAGE" --modules "$KERNEL_MODULES" \
		-- /init stacks --run --intrusive stratovirt --json
	valid stacks
	json '[.verdicts[] | "\(.stack) \(.device) \(.verdict)"] == ["stratovirt net works"]'
	run --separate-stderr -0 "$VHOSTCHECK" vm --accel tcg "$KERNEL_IMAGE" --modules "$KERNEL_MODULES" \
		-- vhostcheck features vsock --toggle --json
	valid features
	json '.devices | length == 1 and (.[0] | .name == "vsock" and .iotlb_policy == "strict" and
		.features == .features_accepted and .backend_features.hex == "0x2")'
	json '.devices[0].toggled | map(.bit) == [1, 24, 26, 27, 28, 29, 32, 33] and all(.errno == null)'
}

@test "without rights: blocked and denied, never a pass, status 2" {
	run --separate-stderr -2 "$VHOSTCHECK" vm --accel tcg "$KERNEL_IMAGE" --modules "$KERNEL_MODULES" \
		--add "$(command -v setpriv)" -- setpriv --reuid=65534 --regid=65534 --clear-groups \
		/init run vsock --json
	valid report
	json '.devices[0].state == "denied" and (.devices[0].reason | test("0600"))'
	json '[.checks[] | "\(.status) \(.reason.code)"] | unique == ["blocked denied"]'
	json '[.stacks[] | "\(.verdict) \(.reason.code)"] | unique == ["unknown denied"]'
	json '.run.privileges == "user" and (.run.reduced | length) > 0'
}

@test "a child that hangs in the kernel is left behind, named, and its device blocked" {
	mkdir hang && cd hang
	break_vsock
	run --separate-stderr -1 "$VHOSTCHECK" vm --accel tcg "$KERNEL_IMAGE" --modules modules -- \
		/init run vsock --timeout 2 --check 'vsock.transfer.c*' --check vsock.features.stable --json
	valid report
	json '[.checks[] | .status] == ["pass", "timeout", "blocked", "blocked"]'
	json '.checks[1] | .reason.code == "deadline" and (.reason.text |
		test("cannot be killed") and test("VHOST_SET_LOG_FD") and test("the kernel complained"))'
	json '.checks[1].evidence | any(.kind == "kmsg" and .step == "log" and
		(.text | test("vhost_vsock_handle_tx_kick")))'
	json '[.checks[2:][].reason | .code] == ["device_wedged", "device_wedged"]'
	json '[.stacks[] | "\(.verdict) \(.reason.code)"] | unique == ["unknown device_wedged"]'
}
