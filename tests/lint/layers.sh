#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Includes go down only. A room may include itself and the rooms named here.
. "$(dirname "$0")/lib.sh"

declare -A below=(
	[base]=""
	[core]="base"
	[seam]="core base"
	[guest]="seam core base"
	[model]="seam core base"
	[run]="model guest seam core base"
	[checks]="guest seam core base"
	[stacks]="guest seam core base"
	[trace]="core base"
	[report]="core base"
	[vm]="report base"
	[cmd]="vm report trace stacks checks run model guest seam core base"
)

# What core/ works out depends on its arguments alone: no device, no stream, no clock.
impure='<(sys/ioctl|stdio|time)\.h>'

choose 'probes/*.[ch]' 'stacks/*.[ch]' 'trace/*.[ch]' 'report/*.[ch]' 'vm/*.[ch]' 'cmd/*.[ch]'
for file in "${chosen[@]}"; do
	room=${file#probes/}
	room=${room%%/*}
	if [ ! -v "below[$room]" ]; then
		echo "$file: the room $room is not in the table of layers.sh"
		continue
	fi
	while read -r line what; do
		case $what in
		*/*) to=${what%%/*} ;;
		*) to="(no room)" ;;
		esac
		case " $room ${below[$room]} " in
		*" $to "*) ;;
		*) echo "$file:$line: $room must not include \"$what\"" ;;
		esac
	done < <(sed -nE '/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/{=;s/.*"(.*)".*/\1/p}' \
		"$file" | paste -d ' ' - -)
	[ "$room" != core ] || grep -nHE "#[[:space:]]*include[[:space:]]*$impure" "$file" || :
done | verdict "an include goes the wrong way"
