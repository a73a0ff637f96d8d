#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Nothing of the machine on which a file was written: its folders, its users' homes, the
# hosts of its package mirror.
. "$(dirname "$0")/lib.sh"

pattern='(/home/[a-z]|/root/[a-z.]'
parent=$(dirname "$root")
case $parent in
/ | /tmp | /var/tmp | /usr | /usr/src | /opt | /srv | /home) pattern+="|$root/" ;;
*) pattern+="|$parent/[a-z.]" ;;
esac
if command -v apt-get >/dev/null; then
	# shellcheck disable=SC2016  # apt-get expands it
	while read -r host; do
		pattern+="|$host"
	done < <(apt-get indextargets --format '$(REPO_URI)' | sed -nE 's#^[a-z]+://([^/]+)/.*#\1#p' |
		sort -u | sed 's/\./\\./g')
fi

choose . ':!tests/lint/leaks.sh'
{ grep -nIHE "$pattern)" -- "${chosen[@]}" || :; } | cut -c1-160 |
	verdict "take these machine paths and mirror hosts out"
