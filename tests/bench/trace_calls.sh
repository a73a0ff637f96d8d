#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# trace_calls.sh VHOSTCHECK CLIENT KERNEL MODULES [PAIRS]: what `vhostcheck trace` costs a program that
# starts /dev/vhost-vsock by 18 calls (CLIENT is tests/trace_client), in a guest on KERNEL, under TCG.
# Runs without it and with it alternate; the medians of the time between the first call and the last
# are printed: once by the clock, which says little on a busy machine, and once with a nanosecond for
# each instruction (-icount), the guest's kernel included, which decides: at most 5 ms more.
set -euo pipefail
vhostcheck=$1 client=$2 kernel=$3 modules=$4 pairs=${5:-21}
allowed=5000 # microseconds
calls=18

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# median WHO: of the lines "WHO started in N us, ..."
median()
{
	sed -n "s/^$1 started in \([0-9]*\) us.*/\1/p" "$work/out" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# compare TITLE: sets `more`
compare()
{
	local alone traced

	# shellcheck disable=SC2016  # a script of the guest
	"$vhostcheck" vm --accel tcg --modules "$modules" --add "$vhostcheck" --add "$client" \
		--add "$(type -P bash)" "$kernel" -- bash -ec '
		for ((i = 0; i < $1; i++)); do
			echo "alone $(trace_client eighteen)"
			echo "traced $(vhostcheck trace -q -o /tmp/calls -- trace_client eighteen)"
		done
		while read -r line; do
			[[ $line != "{\"type\":\"call\","* ]] || echo call
		done </tmp/calls' - "$pairs" >"$work/out"
	[ "$(grep -cx call "$work/out")" -eq $calls ]
	alone=$(median alone) traced=$(median traced)
	more=$((traced - alone))
	echo "$1: $calls calls alone $alone us, traced $traced us: $more us more (medians of $pairs pairs)"
}

compare "by the clock"
qemu=$(type -P qemu-system-x86_64)
printf '#!/bin/sh\nexec %q "$@" -icount shift=0,sleep=off\n' "$qemu" >"$work/qemu-system-x86_64"
chmod +x "$work/qemu-system-x86_64"
PATH=$work:$PATH compare "a nanosecond for each instruction"
[ "$more" -le $allowed ]
