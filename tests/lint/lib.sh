# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by every lint. The first argument of a lint is the tree that it judges: this
# project's, or a bad sample of selftest.sh.
set -euo pipefail
root=$(cd "$1" && pwd)
shift
cd "$root"

# choose PATHSPEC...: the array `chosen` gets the files of the tree that are in git or could be
# added; there must be one at least
choose()
{
	local file

	chosen=()
	while read -r file; do
		[ ! -f "$file" ] || chosen+=("$file")
	done < <(git -c "safe.directory=$root" ls-files -co --exclude-standard -- "$@")
	if [ ${#chosen[@]} -eq 0 ]; then
		echo "${0##*/}: no file matches $*" >&2
		exit 1
	fi
}

# Ends the lint: what came through stdin are its findings, one a line
verdict()
{
	local findings
	findings=$(cat)
	[ -z "$findings" ] || {
		printf '%s\n' "$findings" "${0##*/}: $1" >&2
		exit 1
	}
}
