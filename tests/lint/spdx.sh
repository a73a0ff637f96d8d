#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every file that can hold a comment names its licence in the first line, or after #!.
. "$(dirname "$0")/lib.sh"

choose .
for file in "${chosen[@]}"; do
	case $file in
	LICENSE | *.json | *.md | *.txt)
		[ "${file##*/}" = CMakeLists.txt ] || continue
		;;
	tests/golden/* | tests/fuzz/corpus/*) continue ;;
	esac
	head -n 2 "$file" | grep -qE '^(/\*|#|\.\\"|//) ?SPDX-License-Identifier: MIT( \*/)?$' ||
		echo "$file"
done | verdict "these files do not begin with an SPDX-License-Identifier line"
