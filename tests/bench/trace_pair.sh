#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# trace_pair.sh VHOSTCHECK TRACEE [PAIRS]: what `vhostcheck trace` costs a program that makes 100,000
# each of 8-byte writes, ioctls numbered as KVM_RUN and getppid (TRACEE is tests/trace_tracee), against
# the same under a seccomp filter that allows all. Runs alternate; the medians decide, of the
# processor time of these calls, which a busy machine changes least: at most 1.1.
set -euo pipefail
vhostcheck=$1 tracee=$2 pairs=${3:-15}
allowed=110 # percent

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# timed COMMAND...: processor microseconds that it tells
timed()
{
	"$@" || [ $? -eq 7 ]
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for ((i = 0; i < pairs; i++)); do
	timed "$tracee" allowed >>"$work/filter"
	timed "$vhostcheck" trace -q -- "$tracee" quiet >>"$work/trace"
done
filter=$(median <"$work/filter") trace=$(median <"$work/trace")
echo "allow-all filter $filter us, trace $trace us: $((trace * 100 / filter))% of it (at most $allowed%)"
[ $((trace * 100 / filter)) -le $allowed ]
