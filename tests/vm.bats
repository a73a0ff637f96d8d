#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What vm refuses before it boots anything. The boots are in lab/vm.bats.
# shellcheck disable=SC2016 # scripts of other shells
load helpers

# fake_image FILE RELEASE [SIZE]: the smallest bzImage header that counts as one
fake_image() {
	python3 - "$@" <<'END'
import struct, sys
image = bytearray(5 * 512 + 4096)
image[0x1f1] = 4
struct.pack_into("<I", image, 0x1f4, 4096 // 16)
struct.pack_into("<H4sH", image, 0x1fe, 0xaa55, bytes(4), 0x20f)
image[0x202:0x206] = b"HdrS"
struct.pack_into("<H", image, 0x206, 0x20f)
struct.pack_into("<H", image, 0x20e, 0x400)
struct.pack_into("<H", image, 0x236, 1)
version = sys.argv[2].encode() + b" (x@y) #1 SMP"
image[0x600:0x600 + len(version)] = version
with open(sys.argv[1], "wb") as f:
    f.write(image[:int(sys.argv[3]) if len(sys.argv) > 3 else len(image)])
END
}

setup() {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return
	fake_image image 1.2.3-a
}

# Whatever was refused has left nothing
teardown() {
	[ -z "$(ls -A "$TMPDIR")" ]
}

@test "--help shows run's options and those of the machine" {
	run --separate-stderr -0 "$VHOSTCHECK" vm --help
	[ -z "$stderr" ]
	[[ ${lines[0]} == "Usage: vhostcheck vm [OPTION...] KERNEL..."* ]]
	for option in --check=GLOB --stack=NAME --device=DEV --modules=DIR --accel=HOW --cpus=N \
		--memory=MIB --append=ARGS --add=FILE --root=DIR --json --color=WHEN; do
		[[ $output == *"$option"* ]]
	done
	run --separate-stderr -0 "$VHOSTCHECK" vm image --help
	[[ ${lines[0]} == "Usage: vhostcheck vm "* ]]
	run -0 "$VHOSTCHECK" vm --version
	[[ $output == "vhostcheck "* ]]
}

@test "--dry-run says what would be booted, and leaves no file" {
	run --separate-stderr -0 "$VHOSTCHECK" vm --dry-run -o r.json --check 'vsock.*' \
		--stack qemu --fail-on low --timeout 7 --deterministic --device vsock image
	[ -z "$stderr" ]
	[ "$output" = "boot 1.2.3-a: vhostcheck run --check=vsock.* --stack=qemu --fail-on=low --timeout=7 --deterministic vsock" ]
	[ ! -e r.json ] && [ ! -e r.json.journal ]
	run -0 "$VHOSTCHECK" vm --dry-run image -- prog -x --json
	[ "$output" = "boot 1.2.3-a: prog -x --json" ]
}

@test "a policy of one's own goes along under a path of the guest" {
	"$VHOSTCHECK" explain --json qemu | jq '.stack = "mine"' >mine.json
	run -0 "$VHOSTCHECK" vm --dry-run --stack qemu --stack ./mine.json image
	[[ $output == *" --stack=qemu --stack=/vhostcheck.d/0.json "* ]]
}

@test "no kernel, or no command behind --: 64" {
	run --separate-stderr -64 "$VHOSTCHECK" vm
	one_line "no KERNEL is named"
	run --separate-stderr -64 "$VHOSTCHECK" vm --json
	one_line "no KERNEL is named"
	valid error
	run --separate-stderr -64 "$VHOSTCHECK" vm image --
	one_line "no command stands behind --"
	fake_image other 1.2.4-a
	run --separate-stderr -64 "$VHOSTCHECK" vm image other -- x
	one_line "-- CMD goes with one kernel"
	run --separate-stderr -64 "$VHOSTCHECK" vm image -o x -- x
	one_line "leaves no report for -o"
}

@test "an unknown option, device, check, stack, accelerator or number: 64" {
	for bad in "--nonsense|unrecognized option '--nonsense'" "--device=disk|unknown device 'disk'" \
		"--check=nothing|no check matches 'nothing'" "--stack=kmu|no stack is called 'kmu'" \
		"--accel=fast|--accel is auto, kvm or tcg, not 'fast'" \
		"--cpus=0|--cpus: '0' is not a number" "--memory=64|--memory: '64' is not a number" \
		"--memory=1G|--memory: '1G' is not a number" "--timeout=x|--timeout: 'x' is not"; do
		run --separate-stderr -64 "$VHOSTCHECK" vm image "${bad%%|*}"
		[ -z "$output" ]
		one_line "${bad#*|}"
	done
	run --separate-stderr -64 "$VHOSTCHECK" vm image --stack=./none.json
	one_line "./none.json"
}

@test "what is no kernel: 3, and what it is" {
	printf 'not a kernel\n' >text
	: >empty
	mkdir dir
	fake_image short 1.2.3 3000
	python3 -c 'import sys; sys.stdout.buffer.write(bytes(56) + b"ARM\x64" + bytes(8192))' >arm64
	printf '\xed\xab\xee\xdb\3\0\0\0' >package.rpm
	cp "$(type -P true)" elf
	for bad in "text|is not a Linux kernel" "empty|is not a Linux kernel" \
		"dir|is a directory with no kernel in it" "missing|is not there" "short|is cut off" \
		"arm64|is for arm64" "elf|is an ELF file, not a bzImage" \
		"package.rpm|is cut off after 8 bytes"; do
		run --separate-stderr -3 "$VHOSTCHECK" vm "${bad%%|*}"
		[ -z "$output" ]
		one_line "${bad%%|*}: ${bad#*|}"
	done
	run --separate-stderr -3 "$VHOSTCHECK" vm --json missing
	valid error
	json '.error.code == "unreadable" and .exit_code == 3'
}

@test "a package that is cut: 3; one that holds no kernel, or --modules beside one: 64" {
	command -v dpkg-deb >/dev/null || skip "needs dpkg-deb"
	mkdir -p tree/DEBIAN tree/boot tree/lib/modules/1.2.3-a/kernel
	printf 'Package: linux-image-1.2.3-a\nVersion: 1\nArchitecture: amd64\nMaintainer: x\nDescription: x\n' \
		>tree/DEBIAN/control
	dpkg-deb -b tree empty.deb >/dev/null
	run --separate-stderr -64 "$VHOSTCHECK" vm empty.deb
	one_line "empty.deb: (linux-image-1.2.3-a 1) holds no image of the kernel 1.2.3-a"
	head -c 100000 /dev/urandom >tree/lib/modules/1.2.3-a/kernel/x.ko
	cp image tree/boot/vmlinuz-1.2.3-a
	for how in xz zstd gzip none; do
		dpkg-deb -Z$how -b tree whole.deb >/dev/null
		run --separate-stderr -64 "$VHOSTCHECK" vm whole.deb
		one_line "whole.deb: (linux-image-1.2.3-a 1) holds no list of what is built in"
		for size in 60000 $(($(stat -c %s whole.deb) - 9)); do
			head -c "$size" whole.deb >cut.deb
			run --separate-stderr -3 "$VHOSTCHECK" vm cut.deb
			one_line "cut.deb: is cut off after $size bytes"
		done
	done
	run --separate-stderr -64 "$VHOSTCHECK" vm --modules tree/lib/modules whole.deb
	one_line "is a package, which brings its own modules"
}

# deb NAME FILE...: the package NAME.deb with these files of ./tree
deb() {
	mkdir -p "$1/DEBIAN"
	printf 'Package: %s\nVersion: 1\nArchitecture: amd64\nMaintainer: x\nDescription: x\n' "$1" \
		>"$1/DEBIAN/control"
	[ $# -eq 1 ] || (cd tree && cp -r --parents "${@:2}" "../$1")
	dpkg-deb -b "$1" "$1.deb" >/dev/null
}

# fake_tree RELEASE: in ./tree, laid out as by Debian's packages since 6.19
fake_tree() {
	local at=tree/usr/lib/modules/$1

	mkdir -p "$at/kernel"
	fake_image "$at/vmlinuz" "$1"
	printf 'CONFIG_%s=y\n' SERIAL_8250 SERIAL_8250_CONSOLE BLK_DEV_INITRD DEVTMPFS >"$at/config"
	echo kernel/drivers/vhost/vhost.ko >"$at/modules.builtin"
	echo x >"$at/kernel/x.ko"
}

@test "packages are put together by the release inside; a part missing or of another build: 64" {
	command -v dpkg-deb >/dev/null || skip "needs dpkg-deb"
	at=usr/lib/modules/7.3-a
	fake_tree 7.3-a
	deb linux-binary-7.3-a $at/vmlinuz
	deb linux-modules-7.3-a $at/kernel
	deb linux-base-7.3-a $at/config $at/modules.builtin
	deb linux-image-7.3-a
	run --separate-stderr -0 "$VHOSTCHECK" vm --dry-run linux-image-7.3-a.deb image \
		linux-{base,modules,binary}-7.3-a.deb linux-base-7.3-a.deb
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} == "boot 7.3-a: "* ]] && [[ ${lines[1]} == "boot 1.2.3-a: "* ]]
	for part in "binary|image" "modules|modules" "base|list of what is built in"; do
		others=(linux-{image,binary,modules,base}-7.3-a.deb)
		run --separate-stderr -64 "$VHOSTCHECK" vm "${others[@]/linux-${part%%|*}-7.3-a.deb/linux-image-7.3-a.deb}"
		one_line " holds no ${part#*|} of the kernel 7.3-a (name linux-${part%%|*}-7.3-a, too"
	done
	fake_tree 7.4-a
	deb linux-modules-7.4-a usr/lib/modules/7.4-a/kernel
	run --separate-stderr -64 "$VHOSTCHECK" vm linux-{binary-7.3-a,base-7.3-a,modules-7.4-a}.deb
	one_line "linux-base-7.3-a 1) holds no modules of the kernel 7.3-a"
	echo y >tree/$at/kernel/x.ko
	mkdir again
	mv linux-modules-7.3-a linux-modules-7.3-a.deb again
	deb linux-modules-7.3-a $at/kernel
	run --separate-stderr -64 "$VHOSTCHECK" vm linux-*.deb again/*.deb
	one_line "holds another modules/kernel/x.ko of the kernel 7.3-a"
}

@test "a directory that packages were unpacked in; one of two kernels, or --modules: 64" {
	fake_tree 7.3-a
	run --separate-stderr -0 "$VHOSTCHECK" vm --dry-run tree
	[[ $output == "boot 7.3-a: "* ]]
	cp -r tree 'a[1]*\?'
	run --separate-stderr -0 "$VHOSTCHECK" vm --dry-run 'a[1]*\?'
	[[ $output == "boot 7.3-a: "* ]]
	: >tree/usr/lib/modules/7.3-a/modules.builtin
	run --separate-stderr -3 "$VHOSTCHECK" vm tree
	one_line "has no vhost, neither as a module nor built in"
	run --separate-stderr -64 "$VHOSTCHECK" vm --dry-run --modules tree tree
	one_line "tree: is a directory, which brings its own modules"
	fake_tree 7.4-a
	run --separate-stderr -64 "$VHOSTCHECK" vm --dry-run tree
	one_line "tree: holds more than one kernel: 7.3-a and 7.4-a"
}

@test "a kernel whose configuration leaves out what a guest is heard with: 3" {
	fake_tree 7.3-a
	for option in SERIAL_8250 SERIAL_8250_CONSOLE; do
		sed -i.bak "s/CONFIG_$option=y/# CONFIG_$option is not set/" tree/usr/lib/modules/7.3-a/config
		run --separate-stderr -3 "$VHOSTCHECK" vm tree
		one_line "tree: the kernel 7.3-a is built without CONFIG_$option: "
		mv tree/usr/lib/modules/7.3-a/config{.bak,}
	done
}

@test "--modules: missing, without modules, of another kernel: 3" {
	mkdir -p none other/kernel
	run --separate-stderr -3 "$VHOSTCHECK" vm --modules missing image
	one_line "missing: is not a directory of modules"
	run --separate-stderr -3 "$VHOSTCHECK" vm --modules none image
	one_line "none: holds neither kernel/ nor 1.2.3-a/kernel/"
	run --separate-stderr -3 "$VHOSTCHECK" vm --modules other image
	one_line "has no vhost, neither as a module nor built in"
}

@test "--add: missing, no program, one name twice" {
	run --separate-stderr -3 "$VHOSTCHECK" vm --add missing image -- missing
	one_line "missing: cannot be read"
	run --separate-stderr -3 "$VHOSTCHECK" vm --add image image -- image
	one_line "image: is not an x86-64 program"
	mkdir a b
	cp "$(type -P true)" a/x
	cp "$(type -P true)" b/x
	run --separate-stderr -64 "$VHOSTCHECK" vm --add a/x --add b/x image -- x
	one_line "--add b/x: another file of this name"
}

@test "--add: libraries are found as the dynamic loader finds them, by LD_LIBRARY_PATH too" {
	mkdir lib
	echo 'int odd(void) { return 0; }' | cc -shared -fPIC -x c -o lib/libodd.so -
	echo 'int odd(void); int main(void) { return odd(); }' | cc -x c -o prog - -Llib -lodd
	run --separate-stderr -3 "$VHOSTCHECK" vm --add prog image -- prog
	one_line "prog: is linked to libraries that are not found (ldd names them; LD_LIBRARY_PATH says"
	LD_LIBRARY_PATH=$PWD/lib run --separate-stderr -3 "$VHOSTCHECK" vm --add prog --add missing image -- prog
	one_line "missing: cannot be read"
}

@test "--root: without a command, with --add or several kernels, no directory: 64" {
	fake_image other 1.2.4-a
	run --separate-stderr -64 "$VHOSTCHECK" vm --root / image
	one_line "--root goes with a command (say what to run there: --root DIR KERNEL -- CMD)"
	run --separate-stderr -64 "$VHOSTCHECK" vm --root / --add image image -- x
	one_line "--add does not go with --root"
	run --separate-stderr -64 "$VHOSTCHECK" vm --root / image other -- x
	one_line "-- CMD goes with one kernel, and 2 are named"
	for bad in "image|is not a directory" "missing|No such file or directory" \
		"|No such file or directory"; do
		run --separate-stderr -64 "$VHOSTCHECK" vm --root "${bad%%|*}" image -- x
		one_line "--root ${bad%%|*}"
		one_line "${bad#*|}"
	done
}

@test "--root with a kernel that has no 9p: 3, before any boot, and the package that has it" {
	fake_tree 7.3-1-cloud-amd64
	run --separate-stderr -3 "$VHOSTCHECK" vm --root / tree -- x
	one_line "tree: the kernel 7.3-1-cloud-amd64 has no virtio_pci, so it cannot mount a directory of this machine (use the full flavour package linux-image-7.3-1-amd64)"
	for driver in virtio_pci 9pnet_virtio 9p; do
		echo "kernel/$driver.ko" >>tree/usr/lib/modules/7.3-1-cloud-amd64/modules.builtin
	done
	mv tree/usr/lib/modules/7.3-1-{cloud-,}amd64
	fake_image tree/usr/lib/modules/7.3-1-amd64/vmlinuz 7.3-1-amd64
	run --separate-stderr -3 "$VHOSTCHECK" vm --root / tree -- x
	one_line "tree: the kernel 7.3-1-amd64 has no overlay, so it cannot mount a directory of this machine (name a kernel with CONFIG_VIRTIO_PCI, "
}

@test "--root with a QEMU that was built without virtfs: 3, and what to install" {
	mkdir bin
	printf '#!/bin/sh\necho "name \\"virtio-net-pci\\""\n' >bin/qemu-system-x86_64
	chmod +x bin/qemu-system-x86_64
	without_virtfs() {
		PATH=$BATS_TEST_TMPDIR/bin:$PATH "$VHOSTCHECK" vm --root / image -- x
	}
	run --separate-stderr -3 without_virtfs
	one_line "qemu-system-x86_64: has no virtio-9p-pci, which --root needs (install a QEMU that was configured with --enable-virtfs"
}

@test "without QEMU: 3, and the package that has it" {
	without_qemu() {
		PATH=$BATS_TEST_TMPDIR "$VHOSTCHECK" vm image
	}
	run --separate-stderr -3 without_qemu
	one_line "qemu-system-x86_64 is not in PATH (install the package qemu-system-x86)"
}

@test "without the vhostcheck that goes into the guest: 3" {
	cp "$(dirname "$VHOSTCHECK")/vhostcheck-vm" alone
	run --separate-stderr -3 ./alone image
	one_line "cannot find vhostcheck for the guest"
}

@test "an output directory that is missing, read-only or full: 3, before any boot" {
	run --separate-stderr -3 "$VHOSTCHECK" vm image -o missing/r.json
	one_line "cannot write missing/r.json.journal: No such file or directory"
	run --separate-stderr -3 "$VHOSTCHECK" vm image -o .
	one_line "cannot write .: Is a directory (name a file in it with -o)"
	need_root
	mkdir there
	run --separate-stderr -3 unshare -m bash -euc '
		mount -t tmpfs -o ro vhostcheck there
		exec "$VHOSTCHECK" vm image -o there/r.json'
	one_line "cannot write there/r.json.journal: Read-only file system"
	run --separate-stderr -3 unshare -m bash -uc '
		mount -t tmpfs -o size=4k vhostcheck there
		head -c 4096 /dev/zero >there/full
		"$VHOSTCHECK" vm image -o there/r.json
		status=$?
		ls -A there
		exit $status'
	one_line "cannot write there/r.json.journal: No space left on device"
	[ "$output" = full ]
}

@test "a work directory that cannot be made: 3" {
	elsewhere() {
		TMPDIR=/proc/none "$VHOSTCHECK" vm image
	}
	run --separate-stderr -3 elsewhere
	one_line "/proc/none: cannot make a work directory"
}

@test "several kernels: -o is a directory that is there, and each release comes once" {
	fake_image other 1.2.4-a
	run --separate-stderr -0 "$VHOSTCHECK" vm --dry-run image other
	[ "${#lines[@]}" -eq 2 ]
	: >file
	run --separate-stderr -64 "$VHOSTCHECK" vm image other -o file
	one_line "-o file is no directory, and 2 kernels are named"
	run --separate-stderr -3 "$VHOSTCHECK" vm image other -o missing
	one_line "cannot write to missing: No such file or directory"
	cp image again
	run --separate-stderr -0 "$VHOSTCHECK" vm --dry-run image again image
	[ "${#lines[@]}" -eq 1 ]
	printf x >>again
	run --separate-stderr -64 "$VHOSTCHECK" vm image again
	one_line "image and again are both the kernel 1.2.3-a, but differ in image"
	run --separate-stderr -3 "$VHOSTCHECK" vm image missing
	one_line "missing: is not there"
}

# play SCRIPT: a QEMU in PATH that plays the guest which SCRIPT describes, with the words
# journal TEXT, console TEXT and leave STATUS
play() {
	mkdir -p bin
	cat >bin/qemu-system-x86_64 <<END
#!$BASH
[ "\$1" != -version ] || { echo "QEMU emulator version 9.9"; exit; }
[ "\$*" != "-device help" ] || { echo 'name "virtio-9p-pci", bus PCI'; exit; }
for word; do
	[[ \$word != socket,id=port* ]] || { word=\${word#*,fd=} && fd+=("\${word%%,*}"); }
done
journal() { printf '%s\n' "\$@" >&"\${fd[1]}"; }
console() { printf '%s\n' "\$@" >&"\${fd[0]}"; }
leave() { journal "" "{\"type\":\"exit\",\"status\":\$1}"; exit 1; }
cd "$BATS_TEST_TMPDIR"
journal '{"type":"hello","release":"1.2.3-a"}'
$1
END
	chmod +x bin/qemu-system-x86_64
}

# record: the journal of a guest as files: begin (start, devices, plan), check_start, check,
# rest (the other results, end)
record() {
	"$VHOSTCHECK" run --json --check 'vsock.features.*' >r.json || :
	jq -c '. as $r | {type: "start", tool, run: (.run | .duration_us = null), host},
		(.devices[] | {type: "device", device: .}),
		{type: "plan", checks: [.checks[] | .status = "error" | .reason = null | .known = null |
			.evidence = [] | .duration_us = null], stacks: [.stacks[] | .verdict = "unknown" |
			.signature = null | .reason = null | .evidence = []]}' r.json >begin
	jq -c '.checks[0] | {type: "check_start", id, device}' r.json >check_start
	jq -c '.checks[0] | {type: "check", check: .}' r.json >check
	jq -c '(.checks[1:][] | {type: "check", check: .}), (.stacks[] | {type: "stack", stack: .}),
		{type: "end", summary, duration_us: 5}' r.json >rest
	rm r.json
}

with_fake() {
	PATH=$BATS_TEST_TMPDIR/bin:$PATH "$VHOSTCHECK" vm image --accel tcg --check 'vsock.features.*' \
		"$@"
}

whole='journal "$(cat begin check_start check rest)"; leave 0'

@test "a guest that runs to its end: the report is the guest's, corrected by the host" {
	record
	play "$whole"
	run --separate-stderr with_fake -o r.json --append a=b
	[ "$status" -eq "$(jq .summary.exit_code r.json)" ]
	[ ! -e r.json.journal ] && [ "$(ls -A ./*.json)" = ./r.json ]
	[[ $output == *"in a virtual machine (tcg, QEMU 9.9)"* ]]
	output=$(cat r.json)
	valid report
	json '.run.vm | .accel == "tcg" and .qemu == "9.9" and .cpus == 1 and (.cmdline | endswith(" a=b"))'
	json '.run.where == "vm" and .run.duration_us == 5'
	json '.run.argv == ["vhostcheck vm", "image", "--accel", "tcg", "--check", "vsock.features.*",
		"-o", "r.json", "--append", "a=b"]'
	report=$(jq -c .summary r.json)
	run --separate-stderr with_fake --json --append a=b
	[ "$(jq -c .summary <<<"$output")" = "$report" ]
	run --separate-stderr with_fake -q
	[ -z "$output$stderr" ]
}

@test "--root: QEMU may only read the directory, and there is a GiB unless --memory says otherwise" {
	play 'printf "%s\n" "$@" >arguments; printf "out\n" >&"${fd[2]}"; printf "err\n" >&"${fd[3]}"; leave 5'
	mkdir 'a, b'
	run --separate-stderr -5 with_fake --root './a, b' -- x
	[ "$output" = out ] && [ "$stderr" = err ]
	grep -qxF "local,id=root,path=$PWD/a,, b,security_model=none,readonly=on,multidevs=remap" arguments
	[ "$(grep -A 1 -xF -e -m arguments | tail -n 1)" = 1024 ]
	run -5 with_fake --root / --memory 256 -- x
	[ "$(grep -A 1 -xF -e -m arguments | tail -n 1)" = 256 ]
	run -5 with_fake -- x
	[ "$(grep -A 1 -xF -e -m arguments | tail -n 1)" = 512 ]
	run ! grep -q fsdev arguments
}

@test "several kernels run side by side, and are told in the order of the command line" {
	[ "$(nproc)" -ge 2 ] || skip "needs two cores"
	record
	fake_image other 1.2.4-a
	mkdir out
	# the first ends only after the second, which was begun meanwhile
	play 'if [[ "$*" == *" other "* ]]; then
	journal "$(sed "s/$(uname -r)/9.9.9/g" begin)" "$(cat check_start check rest)"
	: >second_done
else
	until [ -e second_done ]; do read -rt 0.01 <> <(:) || :; done
	journal "$(cat begin check_start check rest)"
fi
leave 0'
	run --separate-stderr with_fake other -o out
	[ -z "$stderr" ]
	[ "$(ls out)" = "$(printf '%s\n' 1.2.3-a.json 1.2.4-a.json)" ]
	[ "$(grep -o '^  Linux [^,]*' <<<"$output")" = "  Linux $(uname -r)
  Linux 9.9.9" ]
}

@test "a report that its place does not take: 3" {
	record
	play "$whole"
	full() {
		with_fake --json >/dev/full
	}
	run --separate-stderr -3 full
	one_line "cannot write to standard output: No space left on device"
	run --separate-stderr -3 with_fake -o /dev/full
	one_line "cannot write all of /dev/full: No space left on device"
	[ ! -e /dev/full.journal ]
}

@test "a guest that dies once before its first check is started again, and forgotten" {
	record
	play '[ -e died ] || { : >died; journal "$(cat begin)"; console "first boot"; exit 1; }'"
$whole"
	run --separate-stderr with_fake -o r.json
	output=$(cat r.json)
	valid report
	[ -e died ]
	json '.summary.counts.crash == 0'
}

@test "a warning on the console fails the check that runs" {
	record
	play 'journal "$(cat begin check_start)"
console "[ 1.5] WARNING: CPU: 0 PID: 7 at drivers/vhost/vhost.c:1 vhost_x+0x1/0x2"
until grep -q check_start r.json.journal; do :; done
journal "$(cat check rest)"; leave 0'
	run --separate-stderr -1 with_fake -o r.json --fail-on low
	output=$(cat r.json)
	valid report
	json '.summary.counts.fail == 1 and .checks[0].status == "fail"'
	json '.checks[0].reason.text == "the kernel complained: WARNING: CPU: 0 PID: * at drivers/vhost/vhost.c:1 vhost_x+0x1/0x2"'
	json '.checks[0].evidence[-1] == {kind: "kmsg", step: "console", text:
		"WARNING: CPU: 0 PID: * at drivers/vhost/vhost.c:1 vhost_x+0x1/0x2"}'
}

@test "a journal with nonsense in it: what came before counts, and the guest is ended" {
	record
	play 'journal "$(cat begin check_start)" "{ nonsense"; exec sleep 60'
	run --separate-stderr with_fake -o r.json
	output=$(cat r.json)
	valid report
	json '.summary.counts.crash == 1'
	json '.checks[0].reason.text | test("^line [0-9]+ of its journal cannot be used: ")'
}

@test "a run that fails in the guest: 3, with what it said" {
	record
	play 'printf "vhostcheck: no room\\nmore\\n" >&"${fd[3]}"; journal "$(cat begin)"; leave 3'
	run --separate-stderr -3 with_fake -o r.json
	one_line "1.2.3-a: the run in the guest ended with status 3: vhostcheck: no room"
	[ ! -e r.json ]
}

@test "what boots nothing within its time, under KVM or not, is the lab's failure" {
	mkdir bin
	cat >bin/qemu-system-x86_64 <<'END'
#!/bin/sh
[ "$1" != -version ] || { echo "QEMU emulator version 9.9"; exit; }
echo "no such machine" >&2
exit 1
END
	chmod +x bin/qemu-system-x86_64
	broken() {
		PATH=$BATS_TEST_TMPDIR/bin:$PATH "$VHOSTCHECK" vm "$@"
	}
	run --separate-stderr -3 broken image --accel tcg -o r.json
	one_line "did not get as far as its first check in 2 boots (tcg): the guest ended before it said hello: no such machine"
	[ ! -e r.json ] && [ ! -e r.json.journal ]
	run --separate-stderr -3 broken image --accel tcg --json
	valid error
	json '.error.code == "guest_died"'
}

@test "stopped while it reads: 128+n, and nothing is left" {
	mkdir bin
	printf '#!/bin/sh\nexec sleep 60\n' >bin/qemu-system-x86_64
	chmod +x bin/qemu-system-x86_64
	for signal in INT TERM HUP; do
		env --default-signal PATH="$BATS_TEST_TMPDIR/bin:$PATH" "$VHOSTCHECK" vm image \
			--accel tcg -o r.json 2>"text" 3>&- &
		until [ -e r.json.journal ]; do :; done
		kill -"$signal" $!
		status=0
		wait $! || status=$?
		[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
		grep -q "^vhostcheck: .*stopped by SIG$signal" text
		[ ! -e r.json ] && [ ! -e r.json.journal ]
	done
}
