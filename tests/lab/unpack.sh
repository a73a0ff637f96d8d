# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # dev sets cache
# Sourced by ../../dev for `./dev unpack`: programs of others that tests run, of packages that are
# unpacked below the cache and not installed: prometheus would start a daemon, dpdk-dev bring along
# 217 packages.

# missing_with PACKAGE...: these and what they need, but for what this machine has
missing_with()
{
	apt-get "${apt_options[@]}" --simulate --no-install-recommends install "$@" |
		sed -nE 's/^Inst ([^ ]+) .*/\1/p'
}

# dpdk_libraries: the packages that dpdk-testpmd needs, with the drivers that it loads at run time
dpdk_libraries()
{
	local depends abi

	depends=$(apt-cache "${apt_options[@]}" depends dpdk-dev |
		sed -nE 's/^ *Depends: (lib.*|ibverbs.*)$/\1/p' | grep -vx libdpdk-dev)
	abi=$(sed -n 's/^librte-eal//p' <<<"$depends")
	# shellcheck disable=SC2086  # one word a package
	missing_with $depends "librte-net-virtio$abi" "librte-mempool-ring$abi"
}

# unpacked PACKAGE [FUNCTION]: prints the folder of its content and of that of the packages that
# FUNCTION prints
unpacked()
{
	local version place more=''

	version=$(candidate "$1") || die "apt knows no package $1"
	place=$cache/unpacked/$1_${version//:/%3a}
	if [ ! -d "$place" ]; then
		[ $# -eq 1 ] || more=$("$2") || die "apt cannot tell what $1 needs; see its message above"
		mkdir -p "$cache/unpacked"
		# shellcheck disable=SC2086  # one word a package
		fetch "$place" "$1" $more
	fi
	echo "$place/tree"
}

# unpack: prints NAME=VALUE lines, quoted for a shell, of what could be fetched
unpack()
{
	local tree library

	command -v apt-get >/dev/null || die "no apt-get here to fetch packages with"
	candidate prometheus >/dev/null || use_private_lists
	if tree=$(unpacked prometheus); then
		printf 'PROMTOOL=%q\n' "$tree/usr/bin/promtool"
	fi
	if tree=$(unpacked dpdk-dev dpdk_libraries); then
		library=$(echo "$tree"/usr/lib/*-linux-gnu)
		printf 'TESTPMD=%q\nDPDK_LIBRARIES=%q\n' "$tree/usr/bin/dpdk-testpmd" "$library"
	fi
}
