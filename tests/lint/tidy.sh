#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tidy.sh ROOT BUILD: clang-tidy, and with it clang's own warnings, on every file compiled.
# gcc's options that clang does not know are no findings. One file a process: with several,
# clang-tidy 14 takes every va_list after the first file for uninitialised.
. "$(dirname "$0")/lib.sh"

jq -r '.[].file' "$1/compile_commands.json" | grep -v '/generated/' | sort -u |
	xargs -r -d '\n' -n 1 -P 2 clang-tidy --quiet -p "$1" --config-file=.clang-tidy \
		--extra-arg=-Wno-unknown-warning-option 2>&1 |
	{ grep -vE '^[0-9]+ warnings? (generated|and)|^Suppressed |^Use -header-filter' || :; } |
	verdict "clang-tidy has findings"
