# SPDX-License-Identifier: MIT
# Loaded by every bats file of this folder.
# shellcheck shell=bash disable=SC2154 # bats sets output, stderr and status

bats_require_minimum_version 1.5.0

# valid KIND: $output is JSON that `schema KIND` accepts
valid()
{
	"$VHOSTCHECK" schema "$1" >"$BATS_TEST_TMPDIR/schema.json"
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/instance.json"
	/usr/bin/python3 -W ignore -m jsonschema -i "$BATS_TEST_TMPDIR/instance.json" \
		"$BATS_TEST_TMPDIR/schema.json"
}

# json FILTER: jq on $output must give true
json()
{
	jq -e "$1" <<<"$output" >/dev/null || {
		printf '%s\n' "not true: $1" "$output" >&2
		return 1
	}
}

# one_line TEXT: stderr is one line that begins with the program's name and holds TEXT
one_line()
{
	if [ "$(wc -l <<<"$stderr")" -ne 1 ] || [[ $stderr != "vhostcheck: "*"$1"* ]]; then
		printf '%s\n' "not one line with '$1':" "$stderr" >&2
		return 1
	fi
}

# need_root: skip without the right to make namespaces and nodes
need_root()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

# need_unpacked NAME...: these variables of `./dev unpack`; skip where one could not be fetched
need_unpacked()
{
	local name

	# shellcheck source=/dev/null
	[ ! -f "${LAB_UNPACKED-}" ] || . "$LAB_UNPACKED"
	for name; do
		[ -n "${!name-}" ] || skip "./dev unpack has no $name"
	done
}

# vduse_kernel: image and modules of the oldest kernel since 6.12, in which Debian has VDUSE
vduse_kernel()
{
	sort -V "$LAB_KERNELS" | while IFS=$'\t' read -r series _ image modules; do
		[[ $series != *-full ]] || continue
		[ "$(printf '%s\n' 6.12 "$series" | sort -V | head -n 1)" = 6.12 ] || continue
		printf '%s\t%s\n' "$image" "$modules"
		break
	done
}
