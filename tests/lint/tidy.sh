#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tidy.sh ROOT BUILD: clang-tidy, and with it clang's own warnings, on every file compiled.
# gcc's options that clang does not know are no findings. One file a process: with several,
# clang-tidy 14 takes every va_list after the first file for uninitialised.
. "$(dirname "$0")/lib.sh"

# What one process says comes in one piece: two that write at once split each other's lines.
# shellcheck disable=SC2016 # for the inner shell
jq -r '.[].file' "$1/compile_commands.json" | grep -v '/generated/' | sort -u |
	xargs -r -d '\n' -n 1 -P 2 bash -c 'said=$(clang-tidy --quiet -p "$0" --config-file=.clang-tidy \
		--extra-arg=-Wno-unknown-warning-option "$1" 2>&1) || :; printf "%s\n" "$said"' "$1" |
	{ grep -vE '^$|^[0-9]+ warnings? (generated|and)|^Suppressed |^Use -header-filter' || :; } |
	verdict "clang-tidy has findings"
