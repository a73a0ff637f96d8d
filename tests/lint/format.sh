#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

choose '*.[ch]'
clang-format --dry-run -Werror "${chosen[@]}" || {
	echo "format.sh: run ./dev format" >&2
	exit 1
}
