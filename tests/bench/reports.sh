#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# reports.sh [VHOSTCHECK]: what judge, diff and convert cost against the size of a report. Makes
# reports of 250 to 10,000 checks out of the golden one, each check with its first four
# observations, and prints the time of the processor and the largest memory of each command.
set -euo pipefail

vhostcheck=${1:-build/vhostcheck}
golden=$(dirname "$0")/../golden/6.1.json.xz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# cost COMMAND...: "milliseconds KiB", the least of five
cost()
{
	local best='' this

	for _ in 1 2 3 4 5; do
		/usr/bin/time -o "$work/time" -f '%U %S %M' "$@" >"$work/out" || [ $? -lt 3 ]
		this=$(awk 'END { printf "%d %d", ($1 + $2) * 1000, $3 }' "$work/time")
		[ -n "$best" ] && [ "${best% *}" -le "${this% *}" ] || best=$this
	done
	echo "$best"
}

row()
{
	local file=$1 checks=$2 ms kib command

	for command in judge diff text json junit ktap tap markdown kcidb prometheus; do
		case $command in
		judge) read -r ms kib < <(cost "$vhostcheck" judge "$file") ;;
		diff) read -r ms kib < <(cost "$vhostcheck" diff "$file" "$file") ;;
		*) read -r ms kib < <(cost "$vhostcheck" convert "$file" --to $command) ;;
		esac
		printf '%-11s %7s %9d %7d %9d\n' $command "$checks" "$(stat -c %s "$file")" "$ms" "$kib"
	done
}

printf '%-11s %7s %9s %7s %9s\n' command checks bytes ms KiB
xz -dc "$golden" | jq . >"$work/full.json"
row "$work/full.json" full
for checks in 250 1000 2500 5000 10000; do
	xz -dc "$golden" | jq --argjson n "$checks" '.checks as $c | .checks = [range($n) as $i |
		$c[$i % ($c | length)] | .id += "_\($i)" | .evidence |= .[:4]]' >"$work/r.json"
	row "$work/r.json" "$checks"
done
