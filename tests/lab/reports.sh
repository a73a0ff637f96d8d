#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# reports.sh VHOSTCHECK KERNELS DIR: one boot of each kernel of KERNELS (./dev kernels --all), with
# all that `vm` does by itself, and what expect/ says of its series or of the nearest one before
# it. DIR then has of each RELEASE.json, RELEASE.status and RELEASE.errors; kernels.tsv has a
# line for each: series, release, what it was held against. Every other report is
# --deterministic, so that whatever reads them meets both kinds.
set -euo pipefail
vhostcheck=$1 kernels=$2 dir=$3
expect=$(dirname "$(readlink -f "$0")")/expect

# nearest SERIES: the series that expect/ has, itself or the newest one before it, else the oldest
nearest()
{
	local known

	known=$(basename -s .json "$expect"/*.json | sort -V)
	{ sort -uV <<<"$known"$'\n'"$1" | grep -xFB 1 "$1" | grep -xF "$known" | tail -n 1; } ||
		head -n 1 <<<"$known"
}

rm -rf "$dir"
mkdir -p "$dir"
options=(-q)
while IFS=$'\t' read -r -u 4 _ release image modules; do
	series=$(grep -oE '^[0-9]+\.[0-9]+' <<<"$release")
	against=$(nearest "$series")
	status=0
	"$vhostcheck" vm "${options[@]}" --modules "$modules" "$image" -o "$dir/$release.json" \
		--expect "$expect/$against.json" 2>"$dir/$release.errors" || status=$?
	echo "$status" >"$dir/$release.status"
	printf '%s\t%s\t%s\n' "$series" "$release" "$against" >>"$dir/kernels.tsv"
	if [ ${#options[@]} -eq 1 ]; then
		options=(-q --deterministic)
	else
		options=(-q)
	fi
done 4<"$kernels"
