#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# manifest.sh ROOT BUILD [--write]: a test that vanishes must not go unnoticed. Each test that
# ctest knows, with the number of cases in its file, as tests/manifest.txt has them.
. "$(dirname "$0")/lib.sh"

# The rows of a table of cmocka's, by whatever macro: they begin in the third column.
units()
{
	sed -n '/struct CMUnitTest .*\[\] = {/,/^\t};/p' "$1" | grep -cP '^\t\t\w+\('
}

present()
{
	ctest --test-dir "$1" -N | sed -nE 's/^ *Test +#[0-9]+: //p' | while read -r test; do
		case $test in
		unit.*) echo "$test $(units "tests/unit/test_${test#*.}.c")" ;;
		bats.*) echo "$test $(bats --count "tests/${test#*.}.bats")" ;;
		lab.*) echo "$test $(bats --count "tests/lab/${test#*.}.bats")" ;;
		*) echo "$test" ;;
		esac
	done | LC_ALL=C sort
}

if [ "${2:-}" = --write ]; then
	present "$1" >tests/manifest.txt
	exit
fi
diff -u tests/manifest.txt <(present "$1") || {
	echo "manifest.sh: if that is meant: tests/lint/manifest.sh . BUILD --write" >&2
	exit 1
}
