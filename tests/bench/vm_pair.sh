#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# vm_pair.sh VHOSTCHECK KERNEL KERNEL [PAIRS]: what `vhostcheck vm` of two kernels takes against
# each of them alone. Rounds alternate; medians decide: both are to take at most 1.2 times the
# slower one. Needs two cores that nobody else uses.
set -euo pipefail
vhostcheck=$1 first=$2 second=$3 pairs=${4:-5}
allowed=120 # percent of the slower one

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

now_ms()
{
	local t=${EPOCHREALTIME/[.,]/}
	echo $((t / 1000))
}

# timed KERNEL...: milliseconds
timed()
{
	local start
	start=$(now_ms)
	"$vhostcheck" vm -q --accel tcg "$@" || [ $? -le 2 ]
	echo $(($(now_ms) - start))
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : int((v[NR / 2] + v[NR / 2 + 1]) / 2) }'
}

column()
{
	cut -d ' ' -f "$1" "$work/pairs" | median
}

printf '%8s %8s %8s  (ms)\n' first second both
for ((i = 0; i < pairs; i++)); do
	echo "$(timed "$first") $(timed "$second") $(timed "$first" "$second")"
done | tee "$work/pairs" | awk '{ printf "%8d %8d %8d\n", $1, $2, $3; fflush() }'
slower=$(printf '%s\n' "$(column 1)" "$(column 2)" | sort -n | tail -n 1)
percent=$(($(column 3) * 100 / slower))
printf '%8d %8d %8d  medians: both take %d%% of the slower one\n' "$(column 1)" "$(column 2)" \
	"$(column 3)" "$percent"
[ "$percent" -le "$allowed" ] || {
	echo "vm_pair.sh: two kernels take $percent% of the slower one, more than $allowed%" >&2
	exit 1
}
