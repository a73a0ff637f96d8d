#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ldd.sh ROOT EXECUTABLE: every library goes into the guest and costs start-up time
. "$(dirname "$0")/lib.sh"

[ -x "$1" ] || { echo "ldd.sh: $1 is not built" >&2; exit 1; }
ldd "$1" | awk '{ sub(/.*\//, "", $1); sub(/\.so.*/, "", $1); print $1 }' | sort -u |
	comm -23 - <(grep -v '^#' tests/lint/ldd.txt | sort -u) |
	verdict "these libraries are not in tests/lint/ldd.txt"
