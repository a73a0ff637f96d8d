#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Kernels as distributions ship them, on the distribution's kernel: KERNEL_DEB, KERNEL_IMAGE and
# KERNEL_MODULES from ./dev kernels. RPM packages are built here from the same files.
# ctest: TIMEOUT 600
# shellcheck disable=SC2154 # bats sets stderr
load ../helpers

# modules_into DIR COMPRESS...: what a boot needs of the kernel's modules, compressed
modules_into() {
	mkdir -p "$1"
	(cd "$KERNEL_MODULES" && find kernel/drivers/{vhost,target,vdpa,scsi} kernel/net/vmw_vsock \
		kernel/drivers/net/{tun,tap}.ko* kernel/fs/configfs kernel/{crypto,lib,arch} \
		-name '*.ko*' -exec cp --parents -t "$1" {} + 2>/dev/null) || : # some are not there
	find "$1" -name '*.xz' -exec xz -d {} +
	find "$1" -name '*.ko' -exec "${@:2}" {} +
	cp "$KERNEL_MODULES"/modules.{builtin,order}* "$1"
}

# build_rpm SPEC PAYLOAD MODULES: what it describes, in rpms/
build_rpm() {
	rpmbuild -bb --quiet --target x86_64 --define "_topdir $PWD/build" \
		--define "_rpmdir $PWD/rpms" --define "_rpmfilename %%{NAME}.rpm" \
		--define "_binary_payload $2" --define "image $KERNEL_IMAGE" \
		--define "config $(dirname "$KERNEL_IMAGE")/config-$release" \
		--define "modules $3" --define "v $release" "$1"
}

# As Fedora: image and lists in kernel-core, modules in two packages, links beside them
fedora_spec() {
	cat <<'END'
%define _build_id_links none
%define __os_install_post %{nil}
%define debug_package %{nil}
%define at /lib/modules/%{v}
Name: kernel
Version: 1
Release: 1.fc41
Summary: A kernel
License: GPL-2.0
AutoReqProv: no
%description
A kernel.
%files
%package core
Summary: Its image
AutoReqProv: no
%description core
Its image.
%package modules-core
Summary: Its modules
AutoReqProv: no
%description modules-core
Its modules.
%package modules
Summary: More of them
AutoReqProv: no
%description modules
More of them.
%install
mkdir -p %{buildroot}%{at} %{buildroot}/boot
cp -r %{modules}/* %{buildroot}%{at}
cp %{image} %{buildroot}%{at}/vmlinuz
cp %{config} %{buildroot}%{at}/config
ln -s /usr/src/kernels/%{v} %{buildroot}%{at}/build
ln -s ..%{at}/config %{buildroot}/boot/config-%{v}
%files core
%{at}/vmlinuz
%{at}/config
%{at}/build
%{at}/modules.builtin*
/boot/config-%{v}
%ghost /boot/vmlinuz-%{v}
%files modules-core
%{at}/modules.order
%{at}/kernel
%exclude %{at}/kernel/drivers/vhost
%files modules
%{at}/kernel/drivers/vhost
END
}

# As openSUSE: all in one, image and configuration in /boot, modules below /usr
suse_spec() {
	cat <<'END'
%define _build_id_links none
%define __os_install_post %{nil}
%define debug_package %{nil}
%define at /usr/lib/modules/%{v}
Name: kernel-default
Version: 1
Release: 1
Summary: A kernel
License: GPL-2.0
AutoReqProv: no
%description
A kernel.
%install
mkdir -p %{buildroot}%{at} %{buildroot}/boot
cp -r %{modules}/* %{buildroot}%{at}
cp %{image} %{buildroot}/boot/vmlinuz-%{v}
cp %{config} %{buildroot}/boot/config-%{v}
ln -s vmlinuz-%{v} %{buildroot}/boot/vmlinuz
ln -s ../../../../boot/vmlinuz-%{v} %{buildroot}%{at}/vmlinuz
%files
/boot/*
%{at}
END
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	export TMPDIR=$BATS_FILE_TMPDIR/tmp
	mkdir "$TMPDIR"
	command -v rpmbuild >/dev/null || return 0
	release=$(basename "$KERNEL_MODULES")
	fedora_spec >fedora.spec
	suse_spec >suse.spec
	modules_into "$PWD/xz" xz --check=crc32 -0
	modules_into "$PWD/zst" zstd -q --rm
	build_rpm fedora.spec w1.gzdio "$PWD/xz"
	mv rpms gzip
	build_rpm fedora.spec w3.zstdio "$PWD/xz"
	build_rpm suse.spec w0.xzdio "$PWD/zst"
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
	"$VHOSTCHECK" vm --accel tcg --check 'vsock.features.*' --check 'vsock.transfer.*' --stack crosvm "$@"
}

@test "Fedora's set and openSUSE's package give what the .deb and the directory give" {
	need_rpm
	mkdir tree
	dpkg-deb -x "$KERNEL_DEB" tree
	boot -q -o deb.json "$KERNEL_DEB"
	boot -q -o dir.json tree
	boot -q -o fedora.json rpms/kernel{-modules,-core,-modules-core}.rpm
	boot -q -o suse.json rpms/kernel-default.rpm
	[ "$(jq '.summary.counts.pass' deb.json)" -gt 0 ]
	for other in dir fedora suse; do
		[ "$(checks $other.json)" = "$(checks deb.json)" ]
	done
}

@test "a set is one kernel, whatever the compression of each package and however often named" {
	need_rpm
	for payload in gzip/kernel-core:gzip rpms/kernel-core:zstd rpms/kernel-default:xz; do
		[ "$(rpm -qp --qf '%{PAYLOADCOMPRESSOR}' "${payload%:*}.rpm")" = "${payload#*:}" ]
	done
	run --separate-stderr -0 "$VHOSTCHECK" vm --dry-run gzip/kernel-core.rpm rpms/kernel-modules.rpm \
		gzip/kernel-modules-core.rpm rpms/kernel-core.rpm
	[ "${#lines[@]}" -eq 1 ]
}

@test "a set with a part missing: 64, and the part that is missing" {
	need_rpm
	run --separate-stderr -64 boot rpms/kernel-core.rpm
	one_line "(kernel-core-1-1.fc41) holds no modules of the kernel "
	run --separate-stderr -64 boot rpms/kernel-modules.rpm
	one_line "(kernel-modules-1-1.fc41) holds no image of the kernel "
	run --separate-stderr -64 boot rpms/kernel{,-core,-modules-core}.rpm
	one_line "(kernel-1-1.fc41) holds no image of the kernel 1-1.fc41.x86_64"
	run --separate-stderr -64 boot rpms/kernel-{core,modules-core}.rpm
	one_line " holds no module vhost, though the kernel is built with one"
	# what vhost depends on is elsewhere
	sed 's|^%exclude .*|&/vhost_iotlb.*|; s|^%{at}/kernel/drivers/vhost$|&/vhost_iotlb.*|' fedora.spec >odd.spec
	mkdir odd
	release=$(basename "$KERNEL_MODULES")
	(cd odd && build_rpm ../odd.spec w0.gzdio "$PWD/../xz")
	run --separate-stderr -64 boot odd/rpms/kernel-{core,modules-core}.rpm
	one_line " holds no module vhost_iotlb, which kernel/drivers/vhost/vhost.ko.xz depends on"
}

@test "a package that is cut: 3, at whichever place" {
	need_rpm
	for file in "$KERNEL_DEB" gzip/kernel-modules.rpm rpms/kernel-{modules,default}.rpm; do
		size=$(stat -c %s "$file")
		for part in 0 50 2000 $((size / 2)) $((size - 9)); do
			head -c "$part" "$file" >"cut.${file##*.}"
			run --separate-stderr -3 boot "cut.${file##*.}"
			one_line "cut.${file##*.}: is "
		done
	done
}

@test "an RPM in which one byte is another: 3" {
	need_rpm
	for file in gzip/kernel-modules rpms/kernel-{modules,default}; do
		size=$(stat -c %s "$file.rpm")
		for at in $((size / 2)) $((size - 1)); do
			python3 - "$file.rpm" "$at" >changed.rpm <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[2])] ^= 1
sys.stdout.buffer.write(data)
END
			run ! rpm -K --nosignature changed.rpm
			run --separate-stderr -3 boot changed.rpm
			one_line "changed.rpm: is damaged: the SHA-256 of its payload is another"
		done
	done
}

@test "of several that are bad the first is told" {
	need_rpm
	head -c 2000 rpms/kernel-core.rpm >cut.rpm
	run --separate-stderr -3 boot "$KERNEL_DEB" cut.rpm missing
	one_line "cut.rpm: is cut off after 2000 bytes"
	run --separate-stderr -3 boot missing cut.rpm
	one_line "missing: is not there"
}

@test "stopped while packages are unpacked: 128+n, and nothing is left" {
	for signal in INT TERM; do
		env --default-signal "$VHOSTCHECK" vm "$KERNEL_DEB" "$KERNEL_DEB" 2>text 3>&- &
		until compgen -G "$TMPDIR/*/package-0/*" >/dev/null; do :; done
		kill -"$signal" $!
		status=0
		wait $! || status=$?
		[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
		[ "$(cat text)" = "vhostcheck: stopped by SIG$signal" ]
		[ -z "$(ls -A "$TMPDIR")" ]
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
