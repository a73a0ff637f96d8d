#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels"
# shellcheck disable=SC2016,SC2154 # scripts of the guest; bats sets stderr
# vm --root DIR -- CMD, on the kernel of the lock that has 9p (LAB_KERNELS)
load ../helpers

setup() {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return
	IFS=$'\t' read -r _ release image modules < <(grep -E '^6.12-full' "$LAB_KERNELS") ||
		skip "the mirror has no full kernel"
}

# Nothing of a guest that ended may be left
teardown() {
	[ -z "$(ls -A "$TMPDIR")" ]
}

# in_root DIR COMMAND...
in_root() {
	"$VHOSTCHECK" vm --accel tcg --modules "$modules" --root "$1" "$image" -- "${@:2}"
}

# has LINE...: lines of output
has() {
	for line; do
		grep -qxF -- "$line" <<<"$output" || {
			printf '%s\n' "no line '$line' in:" "$output" "$stderr" >&2
			return 1
		}
	done
}

# tree_of DIR: all that can be told of what is in it, but when it was read
tree_of() {
	(cd "$1" && find . -printf '%p %y %m %u %g %n %s %T@ %C@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

# put_program DIR PROGRAM: and all that it is linked to, as they lie here
put_program() {
	ldd "$2" | grep -o '/[^ ]*' | xargs -d '\n' cp -L --parents -n -t "$1"
	install -D "$2" "$1/bin/$(basename "$2")"
}

@test "in / everything that is installed here runs on that kernel, and nothing here changes" {
	before=$(stat -c '%n %a %s %Y %Z' / /etc /etc/passwd /etc/group)
	cd /etc
	LANG=C.UTF-8 TERM=xterm SECRET=1 run --separate-stderr -42 in_root / bash -c '
		echo "kernel $(uname -r), user $(id -u), in $PWD, home $HOME, $LANG, $TERM${SECRET-}"
		for node in net vsock scsi; do [ -c /dev/vhost-$node ] && echo "vhost-$node"; done
		awk "{ print \$2, \$3 }" /proc/mounts
		[ -d /sys/kernel/config/target ] && echo configfs
		ls -A /tmp /run
		stat -c "root %a" /
		cat /sys/class/net/lo/flags
		unshare --user --map-root-user id -u && echo "a user namespace"
		modprobe -r vhost_scsi && [ ! -c /dev/vhost-scsi ] && modprobe vhost_scsi && echo modprobe
		awk "/^MemTotal/ && \$2 > 900000 { print \"a GiB\" }" /proc/meminfo
		: >/etc/vhostcheck-was-here
		rm /etc/passwd; chmod 700 /etc; echo x >>/etc/group
		[ -e /etc/vhostcheck-was-here ] && [ ! -e /etc/passwd ] && echo written
		read -r line || echo "no input"
		if [ -x /usr/bin/strace ]; then strace -e trace=exit_group true; fi
		exit 42'
	has "kernel $release, user 0, in /etc, home /root, C.UTF-8, dumb" vhost-net vhost-vsock vhost-scsi \
		"/ overlay" "/proc proc" "/sys sysfs" "/dev devtmpfs" "/dev/pts devpts" "/dev/shm tmpfs" \
		"/run tmpfs" "/tmp tmpfs" "/sys/kernel/config configfs" configfs "root 755" 0x9 \
		"a user namespace" modprobe "a GiB" written "no input"
	[ ! -x /usr/bin/strace ] || [[ $stderr == *"exit_group(0)"*"+++ exited with 0 +++"* ]]
	[ ! -e /etc/vhostcheck-was-here ]
	[ "$(stat -c '%n %a %s %Y %Z' / /etc /etc/passwd /etc/group)" = "$before" ]
}

@test "in a directory: its programs and it alone, byte by byte; 128+n; nothing in it changes" {
	root="$BATS_TEST_TMPDIR/a, b"
	mkdir -p "$root/data/deep"
	echo old >"$root/data/file"
	for program in bash rm mkdir chmod; do
		put_program "$root" "$(type -P "$program")"
	done
	put_program "$root" "$VHOSTCHECK"
	python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)))' >"$root/data/bytes"
	before=$(tree_of "$root")
	cd "$root/data"
	status=0
	in_root "../../a, b" bash -c '
		echo "in $PWD" >&2
		echo "$(<file)" >>file; rm -r deep; mkdir new; chmod 0 /bin/rm; : >/new
		echo "$(<file)" >&2
		[ ! -e /etc/passwd ] && echo "nothing else" >&2
		/bin/vhostcheck features vsock >&2
		while IFS= read -r -d "" part || { printf %s "$part"; false; }; do printf "%s\0" "$part"; done <bytes
		kill -TERM $$' >../../out 2>../../err || status=$?
	cd ../..
	output=$(cat err)
	[ "$status" -eq 143 ]
	has "in /data" old "nothing else"
	[[ $output == *"VIRTIO_F_ACCESS_PLATFORM"* ]]
	cmp out "$root/data/bytes"
	[ "$(tree_of "$root")" = "$before" ]
}

@test "what is no program: 126, and not found: 127, as of a shell" {
	mkdir root
	echo text >root/text
	run --separate-stderr -126 in_root root /text
	one_line "/text: "
	run --separate-stderr -127 in_root root nothing
	one_line "nothing: No such file or directory"
}

@test "a kernel that turns out to have no 9p: 3, and what to do" {
	cp "$image" bare
	run --separate-stderr -3 "$VHOSTCHECK" vm --accel tcg --root / bare -- true
	one_line "this kernel cannot mount the directory over 9p; use a kernel with 9p (Debian's full flavour, not cloud): No such device"
}
