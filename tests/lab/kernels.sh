# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # dev sets cache
# Sourced by ../../dev for `./dev kernels --all` and `--update`: the kernels that kernels.lock
# names. A line of it is SERIES PACKAGE VERSION SHA256; the lines of one series are one set:
# up to 6.18 a single package, since then binary, modules and base apart. A series is of the
# cloud flavour unless it ends in -full.
lock=tests/lab/kernels.lock
lab_suites=(bullseye bookworm trixie trixie-backports)

# Prints the entry for a sources list of the mirror that this machine itself uses
own_mirror()
{
	# shellcheck disable=SC2016  # apt-get expands it
	apt-get indextargets --format '$(LABEL)|$(REPO_URI)|$(SIGNED_BY)' 'Created-By: Packages' |
		awk -F '|' 'NR == 1 || $1 == "Debian" { mirror = $2; key = $3 }
			$1 == "Debian" { exit }
			END { if (mirror) print "deb " (key ~ /^[^$]/ ? "[signed-by=" key "] " : "") mirror }'
}

# Package lists of the suites that hold kernels, apart from the machine's own: nothing is ever
# installed from them
use_lab_lists()
{
	local place=$cache/apt/lab mirror suite

	command -v apt-get >/dev/null || die "no apt-get here to fetch kernels with"
	mirror=$(own_mirror)
	[ -n "$mirror" ] || die "apt has no source to take a mirror from"
	mkdir -p "$place/lists/partial" "$place/cache"
	for suite in "${lab_suites[@]}"; do
		echo "$mirror $suite main"
	done >"$place/sources.list"
	apt_options+=(-o "Dir::State::Lists=$place/lists" -o "Dir::Cache=$place/cache"
		-o "Dir::Etc::SourceList=$place/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o Acquire::Languages=none)
	echo "dev: reading the package lists of ${lab_suites[*]}" >&2
	apt-get "${apt_options[@]}" update >&2 || : # a suite may be gone
}

# Prints the whole sets that the mirror has, oldest first: SERIES VERSION PACKAGE:SHA256...
available_sets()
{
	local names

	names=$(apt-cache "${apt_options[@]}" pkgnames linux- |
		grep -E "^linux-(image|binary|modules|base)-[0-9][^-]*(-[0-9][^-]*)?(-cloud)?-$(dpkg --print-architecture)\$") || return 0
	# shellcheck disable=SC2086  # one word a package
	apt-cache "${apt_options[@]}" show $names | awk '
		$1 == "Package:" { package = $2 }
		$1 == "Version:" { version = $2 }
		$1 == "SHA256:" { sum[package, version] = $2; at[package "|" version] = 1 }
		$1 == "Package:" && sub(/^linux-binary-/, "", $2) { split_up[$2] = 1 }
		function part(kind, release, version,   name) {
			name = "linux-" kind "-" release
			return (name, version) in sum ? " " name ":" sum[name, version] : ""
		}
		END {
			for (one in at) {
				split(one, word, "|")
				release = word[1]
				sub(/^linux-(image|binary|modules|base)-/, "", release)
				split(release, number, /[.-]/)
				series = number[1] "." number[2] (release ~ /-cloud-/ ? "" : "-full") " " word[2]
				if (word[1] ~ /^linux-image-/ && !(release in split_up))
					print series part("image", release, word[2])
				if (word[1] !~ /^linux-binary-/)
					continue
				modules = part("modules", release, word[2])
				base = part("base", release, word[2])
				if (modules && base)
					print series part("binary", release, word[2]) modules base
			}
		}' | sort -V -k 2,2
}

# nearest VERSION: of the sets on stdin the one of this version, else the next, else the last
nearest()
{
	local series version packages line=

	while read -r series version packages; do
		line="$series $version $packages"
		dpkg --compare-versions "$version" lt "$1" || break
	done
	[ -z "$line" ] || echo "$line"
}

# sets_of SERIES: those lines of stdin; of `newest` the last one of the cloud flavour
sets_of()
{
	if [ "$1" = newest ]; then
		awk '$1 !~ /-full$/ { line = $0 } END { if (line) print line }'
	else
		awk -v series="$1" '$1 == series'
	fi
}

# series_of PACKAGE: 7.3 of linux-binary-7.3.4-cloud-amd64, 7.3-full of linux-binary-7.3.4-amd64
series_of()
{
	local numbers

	numbers=$(sed -E 's/^linux-[a-z]+-([0-9]+\.[0-9]+).*/\1/' <<<"$1")
	[[ $1 == *-cloud-* ]] || numbers+=-full
	echo "$numbers"
}

# lock_of SERIES: its lines
lock_of()
{
	awk -v series="$1" '$1 == series' "$lock"
}

all_series()
{
	awk '!/^#/ && NF && !seen[$1]++ { print $1 }' "$lock"
}

# place_of PACKAGE VERSION
place_of()
{
	echo "$cache/kernels/$1_${2//:/%3a}"
}

# fetch_set VERSION PACKAGE:SHA256...: into the cache, unless it is there
fetch_set()
{
	local version=$1 place
	shift
	place=$(place_of "${1%%:*}" "$version")
	[ -d "$place" ] || fetch "$place" "${@/:/=$version/}"
	echo "$place"
}

# show_kernel SERIES FOLDER: its line of output
show_kernel()
{
	local image modules

	for image in "$2"/tree/boot/vmlinuz-* "$2"/tree/{usr/,}lib/modules/*/vmlinuz; do
		[ ! -f "$image" ] || break
	done
	for modules in "$2"/tree/{usr/,}lib/modules/*; do
		[ ! -d "$modules/kernel" ] || break
	done
	[ -f "$image" ] || die "$2 holds no kernel"
	[ -d "$modules/kernel" ] || die "$2 holds no modules"
	printf '%s\t%s\t%s\t%s\n' "$1" "${modules##*/}" "$image" "$modules"
}

# locked_place SERIES: the folder of what the lock names, if it is in the cache
locked_place()
{
	local place

	place=$(lock_of "$1" | { read -r _ package version _ && place_of "$package" "$version"; })
	[ ! -d "$place" ] || echo "$place"
}

# fetch_series SERIES: prints the folder, or nothing if there is none; tells what is not as locked
fetch_series()
{
	local package version sum='' found locked='' want

	read -r _ package version _ < <(lock_of "$1")
	found=$(sets_of "$(series_of "$package")" <<<"$sets" | nearest "$version")
	[ -n "$found" ] || found=$(sets_of "$1" <<<"$sets")
	[ -n "$found" ] || {
		echo "dev: the mirror has no complete kernel of series $1 any more" >&2
		return
	}
	want=$(sets_of_version "$version" "$package")
	[ -z "$want" ] || found=$want
	read -r _ locked sum <<<"$found"
	if [ "$locked" != "$version" ]; then
		echo "dev: the mirror has no $package $version; taking ${sum%%:*} $locked" >&2
	elif [ "$(lock_of "$1" | awk '{ print $2 ":" $4 }' | sort)" != "$(tr ' ' '\n' <<<"$sum" | sort)" ]; then
		die "$package $version on the mirror is not what $lock names"
	fi
	# shellcheck disable=SC2086  # one word a package
	fetch_set "$locked" $sum
}

# sets_of_version VERSION PACKAGE: the set that begins with this package
sets_of_version()
{
	awk -v version="$1" -v package="$2:" '$2 == version && index($3, package) == 1' <<<"$sets"
}

# one_kernel SERIES: sets `line` to its line of output, after fetching it if need be, or to nothing
# if there is none. `sets` is filled in when it is first needed.
one_kernel()
{
	local place

	line=
	mkdir -p "$cache/kernels"
	place=$(locked_place "$1")
	if [ -z "$place" ]; then
		[ -n "$sets" ] || {
			use_lab_lists
			sets=$(available_sets)
		}
		place=$(fetch_series "$1")
	fi
	[ -z "$place" ] || line=$(show_kernel "$1" "$place")
}

# all_kernels: fetches what the lock names, prints SERIES, RELEASE, IMAGE and MODULES of each
all_kernels()
{
	local series line sets='' fetched=() cloud=()

	for series in $(all_series); do
		one_kernel "$series"
		[ -n "$line" ] || continue
		echo "$line"
		fetched+=("$series")
		[[ $series == *-full ]] || cloud+=("$series")
	done
	[ ${#fetched[@]} -gt 0 ] || die "no kernel could be fetched"
	[ "${CI:-}" != true ] || [ ${#cloud[@]} -ge 4 ] ||
		die "CI needs four series of kernels at least, and only ${#cloud[@]} could be fetched"
}

# update_lock: the newest set of each series; a series that is gone keeps its lines
update_lock()
{
	local series version='' packages sets new word

	use_lab_lists
	sets=$(available_sets)
	new=$(mktemp "$lock.XXXXXX")
	sed -n '/^#/p' "$lock" >"$new"
	for series in $(all_series); do
		read -r _ version packages < <(sets_of "$series" <<<"$sets" | tail -n 1) || :
		[ -n "$version" ] || {
			echo "dev: the mirror has no complete kernel of series $series any more" >&2
			lock_of "$series" >>"$new"
			continue
		}
		for word in $packages; do
			echo "$series ${word%%:*} $version ${word##*:}"
		done >>"$new"
	done
	chmod 644 "$new"
	mv "$new" "$lock"
}
