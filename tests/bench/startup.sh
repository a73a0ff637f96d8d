#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# startup.sh VHOSTCHECK [PAIRS]: start-up of `vhostcheck --version` against `kmod --version`, whole
# processes in alternating pairs; prints the median of each, the median of the ratios, and the peak
# memory of each. Wants GNU time (Debian: time).
set -euo pipefail
vhostcheck=${1:?usage: startup.sh VHOSTCHECK [PAIRS]}
pairs=${2:-101}

if [ ! -x /usr/bin/time ]; then
	echo "startup.sh: /usr/bin/time is missing; install the package time" >&2
	exit 1
fi

# nanoseconds COMMAND...: wall time of one process
nanoseconds()
{
	local begin end
	begin=$(date +%s%N)
	"$@" >/dev/null
	end=$(date +%s%N)
	echo $((end - begin))
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for ((i = 0; i < pairs; i++)); do
	a=$(nanoseconds "$vhostcheck" --version)
	b=$(nanoseconds kmod --version)
	echo "$a $b" >>"$log"
done
awk '{ print $1 / 1000 }' "$log" | median | sed 's/^/vhostcheck --version, median microseconds: /'
awk '{ print $2 / 1000 }' "$log" | median | sed 's/^/kmod --version, median microseconds: /'
awk '{ printf "%.3f\n", $1 / $2 }' "$log" | median | sed "s/^/ratio, median of $pairs pairs: /"
for command in "$vhostcheck" kmod; do
	/usr/bin/time -f "${command##*/} --version, peak KiB: %M" -o "$log" "$command" --version \
		>/dev/null
	cat "$log"
done
