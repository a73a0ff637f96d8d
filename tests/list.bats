#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # scripts for another shell
# shellcheck disable=SC2030,SC2031 # each test has an environment of its own
load helpers

# in_dev SCRIPT: runs SCRIPT where /dev is the test's own; nothing outside changes
in_dev()
{
	need_root
	run --separate-stderr unshare -m bash -euc '
		mkdir "$BATS_TEST_TMPDIR/dev"
		mount -t tmpfs vhostcheck "$BATS_TEST_TMPDIR/dev"
		cp -a /dev/null /dev/zero "$BATS_TEST_TMPDIR/dev/"
		mount --move "$BATS_TEST_TMPDIR/dev" /dev
		'"$1"
}

@test "list --json is valid and names every device in the published order" {
	run --separate-stderr -0 "$VHOSTCHECK" list --json
	[ -z "$stderr" ]
	valid list
	json '[keys_unsorted[]] == ["schema", "host", "devices"]'
	json '[.devices[].name][0:3] == ["net", "vsock", "scsi"]'
	json '[.devices[].name][3:] | length >= 1 and all(startswith("vdpa"))'
	[ "$(jq -r .host.kernel.release <<<"$output")" = "$(uname -r)" ]
}

@test "the host of list has all that the host of a report has" {
	run -0 "$VHOSTCHECK" schema report
	report=$(jq '."$defs".report_host.required' <<<"$output")
	run -0 "$VHOSTCHECK" list --json
	json "$report - (.host | keys) == []"
}

@test "what nobody needs to judge is not collected" {
	run -0 "$VHOSTCHECK" list --json
	[[ $output != *"$(uname -n)"* ]] || [ "$(uname -n)" = vm ]
	[ ! -s /etc/machine-id ] || [[ $output != *"$(cat /etc/machine-id)"* ]]
	json '.host.kernel.cmdline | split(" ") |
		all(test("^(mitigations|nokaslr|panic|isolcpus|vhost[a-z_]*\\.)"))'
}

@test "text has a line for each device that JSON has, with the same state" {
	run -0 "$VHOSTCHECK" list --json
	expected=$(jq -r '.devices[] | "\(.name) \(.state) \(.path)"' <<<"$output")
	run -0 "$VHOSTCHECK" list -q
	[ "$(tail -n +2 <<<"$output" | awk '{ print $1, $2, $3 }')" = "$expected" ]
}

@test "-q leaves the remarks out, -v adds the modules" {
	run -0 "$VHOSTCHECK" list -q
	[[ $output != *"VMMs in PATH"* ]]
	run -0 "$VHOSTCHECK" list
	[[ $output == *"VMMs in PATH"* && $output != *"Modules"* ]]
	run -0 "$VHOSTCHECK" list -v
	[[ $output == *"Modules"* ]]
}

@test "a static node is there, is not opened, and is not ok without its driver" {
	[ ! -e /sys/class/misc/vhost-vsock ] || skip "the driver runs here"
	in_dev '
		mknod -m 0640 /dev/vhost-vsock c 10 241
		export ASAN_OPTIONS=detect_leaks=0 # which cannot be traced
		strace -f -o "$BATS_TEST_TMPDIR/trace" "$VHOSTCHECK" list --json'
	[ "$status" -eq 0 ]
	valid list
	json '.devices[1] | .present and .state == "no_module" and .module.name == "vhost_vsock"'
	json '.devices[1].access == {mode: "0640", uid: 0, gid: 0, readable: true, writable: true}'
	json '.devices[1].reason | test("vhost_vsock|without a driver")'
	grep -q 'stat.*/dev/vhost-vsock' "$BATS_TEST_TMPDIR/trace"
	run ! grep -E 'open[a-z0-9]*\(.*/dev/vhost|init_module|socket\(' "$BATS_TEST_TMPDIR/trace"
}

@test "a process that holds a node open is named" {
	in_dev '
		mknod /dev/vhost-net c 1 5
		sleep 60 3<>/dev/vhost-net >/dev/null 2>&1 &
		sleeper=$!
		until [ "$(cat /proc/$sleeper/comm)" = sleep ]; do :; done
		"$VHOSTCHECK" list --json
		"$VHOSTCHECK" list >"$BATS_TEST_TMPDIR/text"
		kill $sleeper
		echo $sleeper >"$BATS_TEST_TMPDIR/pid"'
	[ "$status" -eq 0 ]
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	json ".devices[0].holders | any(. == {pid: $pid, command: \"sleep\"})"
	json '.host.all_holders == true'
	grep -q "held open by sleep (pid $pid)" "$BATS_TEST_TMPDIR/text"
}

@test "another user is told what could not be looked at" {
	need_root
	cp "$VHOSTCHECK" "$BATS_TEST_TMPDIR/vhostcheck"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/vhostcheck"
	cd /
	as_nobody()
	{
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	}
	as_nobody "$BATS_TEST_TMPDIR/vhostcheck" --version ||
		skip "nobody cannot reach $BATS_TEST_TMPDIR"
	run -0 as_nobody "$BATS_TEST_TMPDIR/vhostcheck" list --json
	json '.host.all_holders == false'
	run -0 as_nobody "$BATS_TEST_TMPDIR/vhostcheck" list
	[[ $output == *"run as root to see every"* ]]
}

@test "VMMs that policies name are found in PATH" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/bin/crosvm"
	printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/bin/qemu-system-x86_64"
	chmod +x "$BATS_TEST_TMPDIR/bin/crosvm"
	PATH=$BATS_TEST_TMPDIR/bin run -0 "$VHOSTCHECK" list --json
	json ".host.vmms == [{name: \"crosvm\", path: \"$BATS_TEST_TMPDIR/bin/crosvm\"}]"
}

@test "a newer kernel is offered with the command that judges it" {
	need_root
	[ -d /boot ] || skip "no /boot to mount over"
	run --separate-stderr -0 unshare -m bash -euc '
		mount -t tmpfs vhostcheck /boot
		touch /boot/vmlinuz-999.1.0-1-amd64 /boot/vmlinuz-1.0.0
		"$VHOSTCHECK" list --json
		"$VHOSTCHECK" list >"$BATS_TEST_TMPDIR/text"'
	json '.host.newer_kernel == {release: "999.1.0-1-amd64",
		path: "/boot/vmlinuz-999.1.0-1-amd64",
		judge: "vhostcheck vm /boot/vmlinuz-999.1.0-1-amd64"}'
	tr '\n' ' ' <"$BATS_TEST_TMPDIR/text" |
		grep -q 'Before you boot it: vhostcheck vm /boot/vmlinuz-999.1.0-1-amd64'
}

@test "leftovers of dead runs are listed, and removed when asked; others stay" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir -p "$TMPDIR/vhostcheck-4194305-vm-a/b" "$TMPDIR/vhostcheck-x" "$TMPDIR/keep"
	ln -s "$TMPDIR/keep" "$TMPDIR/vhostcheck-4194305-vm-a/link"
	touch "$TMPDIR/keep/file" "$TMPDIR/vhostcheck-4194306-y"
	run -0 "$VHOSTCHECK" list
	[[ $output == *"left 2 things behind: vhostcheck list --leftovers"* ]]
	run -0 "$VHOSTCHECK" list --leftovers --json
	valid list
	json '[.host.leftovers[] | .pid] | sort == [4194305, 4194306]'
	json '[.host.leftovers[].removed] == [false, false]'
	run -0 "$VHOSTCHECK" list --leftovers
	[[ $output == *"$TMPDIR/vhostcheck-4194305-vm-a"* ]]
	[ -d "$TMPDIR/vhostcheck-4194305-vm-a" ]
	run -0 "$VHOSTCHECK" list --leftovers --remove --json
	valid list
	json '[.host.leftovers[].removed] == [true, true]'
	[ "$(ls "$TMPDIR")" = $'keep\nvhostcheck-x' ]
	[ -e "$TMPDIR/keep/file" ]
	run -0 "$VHOSTCHECK" list --leftovers
	[ "$output" = "Nothing was left behind." ]
}

@test "what a living vhostcheck made is no leftover" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/vhostcheck"
	"$BATS_TEST_TMPDIR/vhostcheck" 60 3>&- &
	living=$!
	until [ "$(cat "/proc/$living/comm")" = vhostcheck ]; do :; done
	mkdir -p "$TMPDIR/vhostcheck-$living-vm-a"
	run -0 "$VHOSTCHECK" list --leftovers --remove
	kill "$living"
	[ "$output" = "Nothing was left behind." ]
	[ -d "$TMPDIR/vhostcheck-$living-vm-a" ]
}

@test "a leftover that cannot be removed: 3, and it is named" {
	need_root
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir -p "$TMPDIR/vhostcheck-4194305-a/mounted"
	run --separate-stderr -3 unshare -m bash -euc '
		mount -t tmpfs vhostcheck "$TMPDIR/vhostcheck-4194305-a/mounted"
		exec "$VHOSTCHECK" list --leftovers --remove'
	one_line "cannot remove $TMPDIR/vhostcheck-4194305-a"
	[[ $stderr == *"unmount what is mounted in it"* ]]
}

@test "--remove alone is refused" {
	run --separate-stderr -64 "$VHOSTCHECK" list --remove
	one_line "--remove goes with --leftovers"
}
