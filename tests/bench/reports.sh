#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# reports.sh [VHOSTCHECK]: what judge, diff and convert cost against the size of a report. Makes
# reports of 250 to 10,000 checks out of the golden one, each check with its first four
# observations, and prints the processor's time (the least of five times ten runs) and the largest
# memory of each command; `journal` is convert --to json of the journal of such a run.
set -euo pipefail

vhostcheck=${1:-build/vhostcheck}
golden=$(dirname "$0")/../golden/6.1.json.xz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# cost COMMAND...: "milliseconds KiB"
cost()
{
	local TIMEFORMAT='%3U %3S' ms best=''

	/usr/bin/time -o "$work/memory" -f %M "$@" >/dev/null 2>&1 || [ $? -lt 3 ]
	for _ in 1 2 3 4 5; do
		ms=$({ time for _ in {1..10}; do
			"$@" >/dev/null 2>&1 || [ $? -lt 3 ]
		done; } 2>&1 | awk '{ printf "%.1f", ($1 + $2) * 100 }')
		[ -n "$best" ] && [ "$(printf '%s\n' "$best" "$ms" | sort -n | head -n 1)" = "$best" ] || best=$ms
	done
	echo "$best $(tail -n 1 "$work/memory")"
}

# journal FILE: what the run that made it would have left, had it been killed before its end
journal()
{
	jq -c '{type: "start", tool, run, host}, (.devices[] | {type: "device", device: .}),
		{type: "plan", checks: [.checks[] | .evidence = []], stacks: [.stacks[] | .evidence = []]},
		(.checks[] | {type: "check_start", id, device}, {type: "check", check: .})' "$1"
}

row()
{
	local file=$1 checks=$2 ms kib command

	journal "$file" >"$work/r.journal"
	for command in judge diff journal text json junit ktap tap markdown kcidb prometheus; do
		case $command in
		judge) read -r ms kib < <(cost "$vhostcheck" judge "$file") ;;
		journal) read -r ms kib < <(cost "$vhostcheck" convert "$work/r.journal" --to json) ;;
		diff) read -r ms kib < <(cost "$vhostcheck" diff "$file" "$file") ;;
		*) read -r ms kib < <(cost "$vhostcheck" convert "$file" --to $command) ;;
		esac
		printf '%-11s %7s %9d %7.1f %9d\n' $command "$checks" "$(stat -c %s "$file")" "$ms" "$kib"
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
