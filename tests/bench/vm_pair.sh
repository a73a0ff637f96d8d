#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# vm_pair.sh VHOSTCHECK KERNEL KERNEL [PAIRS [VM_OPTION...]]: what `vhostcheck vm` of two kernels
# takes against each of them alone. Rounds alternate; medians decide: both are to take at most 1.2
# times the slower one. That needs two cores that nobody else uses: what others used meanwhile is
# measured, and above a tenth of a core nothing is decided (status 2). The processor time of both
# against that of the two alone can be read on a busy machine, too.
set -euo pipefail
vhostcheck=$1 first=$2 second=$3 pairs=${4:-5}
options=("${@:5}")
allowed=120 # percent of the slower one
others_allowed=10 # percent of a core

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

now_ms()
{
	local t=${EPOCHREALTIME/[.,]/}
	echo $((t / 1000))
}

# busy_ms: what all processors have worked since boot
busy_ms()
{
	awk -v hz="$(getconf CLK_TCK)" '$1 == "cpu" { print int(($2 + $3 + $4 + $7 + $8) * 1000 / hz) }' /proc/stat
}

# timed KERNEL...: wall milliseconds, processor milliseconds, percent of a core that others used
timed()
{
	local start busy wall cpu TIMEFORMAT='%3U %3S'
	start=$(now_ms)
	busy=$(busy_ms)
	{
		time "$vhostcheck" vm -q --accel tcg "${options[@]}" "$@" >/dev/null 2>&3 || [ $? -le 2 ]
	} 3>&2 2>"$work/time" || return
	wall=$(($(now_ms) - start))
	busy=$(($(busy_ms) - busy))
	cpu=$(awk '{ print int(($1 + $2) * 1000) }' "$work/time")
	echo "$wall $cpu $(((busy - cpu) * 100 / wall))"
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : int((v[NR / 2] + v[NR / 2 + 1]) / 2) }'
}

column()
{
	cut -d ' ' -f "$1" "$work/pairs" | median
}

# not awk: mawk reads a pipe in blocks, and would show nothing before the end
show()
{
	local row

	while read -ra row; do
		printf '%8d %6d %5d%% %8d %6d %5d%% %8d %6d %5d%%\n' "${row[@]}"
	done
}

printf '%8s %6s %6s %8s %6s %6s %8s %6s %6s  (ms)\n' first cpu others second cpu others both cpu others
for ((i = 0; i < pairs; i++)); do
	one=$(timed "$first") && other=$(timed "$second") && both=$(timed "$first" "$second") || exit
	echo "$one $other $both"
done | tee "$work/pairs" | show
echo "medians:"
for n in {1..9}; do column "$n"; done | paste -s -d ' ' | show
slower=$(printf '%s\n' "$(column 1)" "$(column 4)" | sort -n | tail -n 1)
percent=$(($(column 7) * 100 / slower))
echo "both take $percent% of the slower one, and $(($(column 8) * 100 / ($(column 2) + $(column 5))))% of the processor time of the two alone"
others=$(printf '%s\n' "$(column 3)" "$(column 6)" "$(column 9)" | sort -n | tail -n 1)
[ "$others" -le "$others_allowed" ] || {
	echo "vm_pair.sh: others used $others% of a core, so the times decide nothing; try again on an idle machine" >&2
	exit 2
}
[ "$percent" -le "$allowed" ] || {
	echo "vm_pair.sh: two kernels take $percent% of the slower one, more than $allowed%" >&2
	exit 1
}
