#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bats sets stderr
# `./dev kernels --all`, `--update` and `./dev unpack` against a mirror of our own making
load helpers

setup()
{
	cd "$BATS_TEST_TMPDIR" || exit
	mkdir -p bin tests/lab
	cp "$BATS_TEST_DIRNAME/../dev" .
	cp "$BATS_TEST_DIRNAME"/lab/{kernels,unpack}.sh tests/lab/
	: >mirror
	# shellcheck disable=SC2016
	program apt-get 'case " $* " in
		*" indextargets "*) echo "Debian|http://mirror.invalid/debian/|" ;;
		*" download "*) for name; do
			[[ $name != linux-*=* ]] || echo "$name" >"${name%=*}_${name#*=}_amd64.deb"
			[ "$name" != prometheus ] || echo >prometheus_2_amd64.deb
		done ;;
		esac'
	# shellcheck disable=SC2016
	program apt-cache 'case " $* " in
		*" policy prometheus "*) echo "  Candidate: 1:2" ;;
		*" policy "*) ;;
		*" pkgnames "*) cut -d " " -f 1 "$MIRROR" | sort -u ;;
		*) while read -r name version; do
			[[ " $* " == *" $name "* ]] || continue
			printf "Package: %s\nVersion: %s\nSHA256: %s\n\n" "$name" "$version" \
				"$(echo "$name=$version" | sha256sum | cut -d " " -f 1)"
		done <"$MIRROR" ;;
		esac'
	# shellcheck disable=SC2016
	program dpkg 'case $1 in
		--print-architecture) echo amd64 ;;
		*) [ "$(printf "%s\n" "$2" "$4" | sort -V | head -n 1)" = "$2" ] && [ "$2" != "$4" ] ;;
		esac'
	# shellcheck disable=SC2016
	program dpkg-deb 'release=$(basename "$2" | sed -E "s/linux-[a-z]+-([^_]*)_.*/\1/")
		mkdir -p "$3/lib/modules/$release/kernel"
		touch "$3/lib/modules/$release/vmlinuz"'
	export MIRROR=$PWD/mirror PATH=$PWD/bin:$PATH XDG_CACHE_HOME=$PWD/cache
	unset CI
	has image-5.10.0-1-cloud-amd64 5.10.1-1
	has image-5.10.0-3-cloud-amd64 5.10.3-1
	has binary-7.1.1-cloud-amd64 7.1.1-1
	has modules-7.1.1-cloud-amd64 7.1.1-1
	has base-7.1.1-cloud-amd64 7.1.1-1
	has image-7.1.1-cloud-amd64 7.1.1-1
	has binary-7.1.2-cloud-amd64 7.1.2-1 # without its modules
	has image-7.1.2-cloud-amd64 7.1.2-1
	{
		lock 5.10 image-5.10.0-1-cloud-amd64 5.10.1-1
		lock newest binary-7.1.1-cloud-amd64 7.1.1-1
		lock newest modules-7.1.1-cloud-amd64 7.1.1-1
		lock newest base-7.1.1-cloud-amd64 7.1.1-1
	} >tests/lab/kernels.lock
}

# program NAME TEXT: stands in for one of apt and dpkg
program()
{
	printf '#!/usr/bin/env bash\n%s\n' "$2" >"bin/$1"
	chmod +x "bin/$1"
}

# has PACKAGE VERSION: the mirror does
has()
{
	echo "linux-$1 $2" >>mirror
}

# lock SERIES PACKAGE VERSION: a line
lock()
{
	echo "$1 linux-$2 $3 $(echo "linux-$2=$3" | sha256sum | cut -d ' ' -f 1)"
}

# got SERIES RELEASE...: in this order
got()
{
	[ "$(cut -f 1,2 <<<"$output" | tr '\t\n' '  ')" = "$* " ]
}

@test "what the lock names is fetched once, whole sets" {
	run --separate-stderr -0 ./dev kernels --all
	got 5.10 5.10.0-1-cloud-amd64 newest 7.1.1-cloud-amd64
	debs=(cache/vhostcheck/kernels/linux-binary-*/*.deb)
	[ ${#debs[@]} -eq 3 ]
	[[ $stderr == *"fetching linux-image-5.10.0-1-cloud-amd64=5.10.1-1"* ]]
	while IFS=$'\t' read -r _ _ image modules; do
		[ -f "$image" ] && [ -d "$modules/kernel" ]
	done <<<"$output"
	first=$output
	: >mirror
	run --separate-stderr -0 ./dev kernels --all
	[ "$output" = "$first" ]
	[ -z "$stderr" ]
}

@test "what is gone is replaced by the nearest of its series, and told" {
	sed -i 's/-5.10.0-1-cloud-amd64 5.10.1-1/-5.10.0-2-cloud-amd64 5.10.2-1/' tests/lab/kernels.lock
	run --separate-stderr -0 ./dev kernels --all
	got 5.10 5.10.0-3-cloud-amd64 newest 7.1.1-cloud-amd64
	[[ $stderr == *"has no linux-image-5.10.0-2-cloud-amd64 5.10.2-1; taking linux-image-5.10.0-3-cloud-amd64 5.10.3-1"* ]]
}

@test "a series that is gone is named, and CI needs four" {
	sed -i '/5.10/d' mirror
	run --separate-stderr -0 ./dev kernels --all
	got newest 7.1.1-cloud-amd64
	[[ $stderr == *"no complete kernel of series 5.10 any more"* ]]
	CI=true run --separate-stderr -1 ./dev kernels --all
	[[ $stderr == *"CI needs four series of kernels at least, and only 1"* ]]
	rm -r cache
	: >mirror
	run --separate-stderr -1 ./dev kernels --all
	[[ $stderr == *"no kernel could be fetched"* ]]
}

@test "the full flavour is a series of its own, and never the newest" {
	has image-5.10.0-3-amd64 5.10.3-1
	has image-5.10.0-3-rt-amd64 5.10.3-1
	has image-8.0.0-amd64 8.0.0-1
	lock 5.10-full image-5.10.0-3-amd64 5.10.3-1 >>tests/lab/kernels.lock
	run --separate-stderr -0 ./dev kernels --all
	got 5.10 5.10.0-1-cloud-amd64 newest 7.1.1-cloud-amd64 5.10-full 5.10.0-3-amd64
	CI=true run --separate-stderr -1 ./dev kernels --all
	[[ $stderr == *"and only 2 could be fetched"* ]]
	has image-5.10.0-4-amd64 5.10.4-1
	has image-5.10.0-4-rt-amd64 5.10.4-1
	run --separate-stderr -0 ./dev kernels --update
	[ "$(cut -d ' ' -f 1-3 tests/lab/kernels.lock | sed -n '1p;2p;$p')" = "5.10 linux-image-5.10.0-3-cloud-amd64 5.10.3-1
newest linux-binary-7.1.1-cloud-amd64 7.1.1-1
5.10-full linux-image-5.10.0-4-amd64 5.10.4-1" ]
}

# lab_runs WORD...: what `./dev lab WORD...` would hand to vhostcheck
lab_runs()
{
	program dpkg-query 'echo installed'
	program cmake 'mkdir -p build; printf "#!/bin/sh\nprintf \"%%s|\" \"\$@\"\n" >build/vhostcheck; chmod +x build/vhostcheck'
	run --separate-stderr -0 ./dev lab "$@"
}

@test "lab runs a command in this machine's root, where the kernel has 9p" {
	has image-5.10.0-3-amd64 5.10.3-1
	lock 5.10-full image-5.10.0-3-amd64 5.10.3-1 >>tests/lab/kernels.lock
	touch bzImage
	lab_runs 5.10-full -- prog -x
	[[ $output == "vm|--root|/|--modules|"*"/modules/5.10.0-3-amd64|"*"/vmlinuz|--|prog|-x|" ]]
	lab_runs 5.10-full --check 'vsock.*'
	[[ $output == "vm|--modules|"*"/vmlinuz|--check|vsock.*|" ]]
	lab_runs 5.10 -- prog
	[[ $output == "vm|--modules|"*"-cloud-amd64|"*"|--|prog|" ]]
	lab_runs bzImage --add prog -- prog
	[ "$output" = "vm|bzImage|--add|prog|--|prog|" ]
	lab_runs bzImage -- prog
	[ "$output" = "vm|--root|/|bzImage|--|prog|" ]
	run --separate-stderr -1 ./dev lab
	[[ $stderr == *"name a kernel: "* ]]
	run --separate-stderr -1 ./dev lab 5.11
	[[ $stderr == *"has no series 5.11, but 5.10 newest 5.10-full" ]]
}

@test "a package that is not the one in the lock is refused" {
	sed -i 's/[0-9a-f]\{8\}$/00000000/' tests/lab/kernels.lock
	run --separate-stderr -1 ./dev kernels --all
	[[ $stderr == *"is not what tests/lab/kernels.lock names"* ]]
	[ -z "$output" ]
}

@test "--update takes the newest whole set of each series, and keeps what is gone" {
	echo "4.19 linux-image-4.19.0-1-cloud-amd64 4.19.1-1 0" >>tests/lab/kernels.lock
	run --separate-stderr -0 ./dev kernels --update
	[[ $stderr == *"no complete kernel of series 4.19 any more"* ]]
	[ "$(cut -d ' ' -f 1-3 tests/lab/kernels.lock)" = "5.10 linux-image-5.10.0-3-cloud-amd64 5.10.3-1
newest linux-binary-7.1.1-cloud-amd64 7.1.1-1
newest linux-modules-7.1.1-cloud-amd64 7.1.1-1
newest linux-base-7.1.1-cloud-amd64 7.1.1-1
4.19 linux-image-4.19.0-1-cloud-amd64 4.19.1-1" ]
	run -0 ./dev kernels --all
}

@test "unpack: what the mirror has is fetched once, what it has not is named" {
	for fetched in 1 0; do
		run --separate-stderr -0 ./dev unpack
		[ "$output" = "PROMTOOL=$PWD/cache/vhostcheck/unpacked/prometheus_1%3a2/tree/usr/bin/promtool" ]
		[ "$(grep -c "fetching prometheus" <<<"$stderr")" -eq $fetched ]
		[[ $stderr == *"dev: apt knows no package dpdk-dev" ]]
	done
	[ -d "$PWD/cache/vhostcheck/unpacked/prometheus_1%3a2/tree" ]
	[ -z "$(ls -d cache/vhostcheck/unpacked/.new-* 2>/dev/null)" ]
}
