#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# reports.sh VHOSTCHECK KERNELS FOLDER: makes FOLDER anew, with a report of every kernel of KERNELS
# (./dev kernels --all), RELEASE.json each, for the lab tests that look at reports of real kernels:
# those of 5.10 and 6.1 as a gate makes them, of two packages at once, those of the others without
# times (--deterministic). What expect/ says of each series is applied to it.
set -euo pipefail
vhostcheck=$1 kernels=$2 folder=$3
expect=$(dirname "$0")/expect

# is_of gate|rest RELEASE: one of the two kernels that the gate compares, or any other
is_of()
{
	local kind=rest

	[[ ! $2 =~ ^(5\.10|6\.1)\. ]] || kind=gate
	[ $kind = "$1" ]
}

# expectations: those of all series, each for its own kernels
expectations()
{
	local file series

	for file in "$expect"/*.json; do
		series=$(basename "$file" .json)
		jq --arg series "$series" '.rules[] |
			.when = {release: {min: $series, max: $series}, config: {}, modules: {}}' "$file"
	done | jq -cs '{schema: "vhostcheck-expectations/1", rules: .}'
}

packages()
{
	local release image

	while IFS=$'\t' read -r _ release image _; do
		! is_of "$1" "$release" || ls "${image%/tree/*}"/*.deb
	done <"$kernels"
}

# boot gate|rest [OPTION...]: leaves the text and the status in files of that name, too
boot()
{
	local status=0
	mapfile -t debs < <(packages "$1")

	[ ${#debs[@]} -gt 0 ] || return 0
	"$vhostcheck" vm "${debs[@]}" -o "$folder" --expect "$folder/rules" "${@:2}" \
		>"$folder/$1.txt" || status=$?
	echo "$status" >"$folder/$1.status"
	[ "$status" -lt 3 ]
}

rm -rf "$folder"
mkdir "$folder"
expectations >"$folder/rules"
boot gate
boot rest --deterministic
