#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Kernels as distributions ship them, on the distribution's kernel: KERNEL_DEB, KERNEL_IMAGE and
# KERNEL_MODULES from ./dev kernels. RPM packages are built here from the same files.
# ctest: TIMEOUT 600
# shellcheck disable=SC2154 # bats sets stderr
load ../helpers

# rpm_of DIR PAYLOAD: kernel-core and kernel-modules as Fedora splits them, in DIR
rpm_of() {
	mkdir -p "$1"
	rpmbuild -bb --quiet --target x86_64 --define "_topdir $PWD/build" \
		--define "_rpmdir $PWD/$1" --define "_rpmfilename %%{NAME}.rpm" \
		--define "_binary_payload $2" --define "image $KERNEL_IMAGE" \
		--define "config $(dirname "$KERNEL_IMAGE")/config-$release" \
		--define "modules $KERNEL_MODULES" --define "v $release" kernel.spec
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	export TMPDIR=$BATS_FILE_TMPDIR/tmp
	mkdir "$TMPDIR"
	command -v rpmbuild >/dev/null || return 0
	release=$(basename "$KERNEL_MODULES")
	cat >kernel.spec <<'END'
%define _build_id_links none
%define __os_install_post %{nil}
%define debug_package %{nil}
%define at /lib/modules/%{v}
Name: kernel
Version: 1
Release: 1
Summary: A kernel
License: GPL-2.0
AutoReqProv: no
%description
A kernel.
%package core
Summary: Its image
AutoReqProv: no
%description core
Its image.
%package modules
Summary: Its modules
AutoReqProv: no
%description modules
Its modules.
%install
mkdir -p %{buildroot}%{at}
cp -r %{modules}/kernel %{modules}/modules.builtin* %{modules}/modules.order %{buildroot}%{at}
cp %{image} %{buildroot}%{at}/vmlinuz
cp %{config} %{buildroot}%{at}/config
%files core
%{at}/vmlinuz
%{at}/config
%{at}/modules.*
%files modules
%{at}/kernel
END
	rpm_of zstd w3.zstdio
	rpm_of xz w0.xzdio
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

# Nothing of a run that ended may be left
teardown() {
	[ -z "$(ls -A "$TMPDIR")" ]
}

need_rpm() {
	command -v rpmbuild >/dev/null || skip "needs rpmbuild"
}

# checks FILE: what was found, without where and when
checks() {
	jq -c '[.host.kernel.release, (.checks[] | [.id, .device, .status])]' "$1"
}

boot() {
	"$VHOSTCHECK" vm --accel tcg --check 'vsock.*' "$@"
}

@test "an RPM set, whatever its compression, gives what the .deb and the directory give" {
	need_rpm
	mkdir tree
	dpkg-deb -x "$KERNEL_DEB" tree
	boot -q -o deb.json "$KERNEL_DEB"
	boot -q -o dir.json tree
	boot -q -o zstd.json zstd/kernel-modules.rpm zstd/kernel-core.rpm
	run -0 "$VHOSTCHECK" vm --dry-run xz/kernel-core.rpm zstd/kernel-modules.rpm "$KERNEL_DEB"
	[ "${#lines[@]}" -eq 1 ]
	[ "$(jq '.summary.counts.pass' deb.json)" -gt 0 ]
	for other in dir zstd; do
		[ "$(checks $other.json)" = "$(checks deb.json)" ]
	done
}

@test "one of a set alone: 64, and the part that is missing" {
	need_rpm
	run --separate-stderr -64 boot zstd/kernel-core.rpm
	one_line "(kernel-core-1-1) holds no modules of the kernel "
	run --separate-stderr -64 boot xz/kernel-modules.rpm
	one_line "(kernel-modules-1-1) holds no image of the kernel "
}

@test "a package that is cut: 3, at whichever place" {
	need_rpm
	for file in "$KERNEL_DEB" {xz,zstd}/kernel-modules.rpm; do
		size=$(stat -c %s "$file")
		for part in 0 50 2000 $((size / 2)) $((size - 9)); do
			head -c "$part" "$file" >"cut.${file##*.}"
			run --separate-stderr -3 boot "cut.${file##*.}"
			one_line "cut.${file##*.}: is "
		done
	done
}

@test "modules that are cut, or of another kernel: 3, by name" {
	at=kernel/drivers/vhost/vhost.ko
	for kind in ko ko.xz ko.zst; do
		rm -rf modules
		cp -as "$KERNEL_MODULES" modules
		rm modules/$at*
		case $KERNEL_MODULES/$at in
		"$(ls "$KERNEL_MODULES/$at" 2>/dev/null)") cat "$KERNEL_MODULES/$at" ;;
		*) xz -dc "$KERNEL_MODULES/$at.xz" ;;
		esac >whole
		case $kind in
		ko) head -c 20000 whole ;;
		ko.xz) xz -c --check=crc32 whole | head -c 5000 ;;
		ko.zst) zstd -qc whole | head -c 5000 ;;
		esac >"modules/${at%.ko}.$kind"
		run --separate-stderr -3 boot --modules modules "$KERNEL_IMAGE"
		one_line "${at%.ko}.$kind is "
	done
	release=$(basename "$KERNEL_MODULES")
	python3 -c 'import sys
old, new = sys.argv[1].encode(), sys.argv[2].encode()
sys.stdout.buffer.write(sys.stdin.buffer.read().replace(old, new, 1))' \
		"$release" "${release%?}_" <"$KERNEL_IMAGE" >other
	run --separate-stderr -3 boot --modules "$KERNEL_MODULES" other
	one_line " is a module of $release, but the kernel is ${release%?}_"
}

@test "a kernel without the ports that we need is told by its boot: 3" {
	run --separate-stderr -3 boot --modules "$KERNEL_MODULES" --append 8250.nr_uarts=1 "$KERNEL_IMAGE"
	[[ $stderr == *"the guest ended before it said hello (see that the kernel has CONFIG_SERIAL_8250 for four ports"* ]]
}
