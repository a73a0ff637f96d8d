#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each lint passes on a good sample and fails on a bad one, with the finding in its output.
# The same for strict.sh.
. "$(dirname "$0")/lib.sh"

lints=$root/tests/lint
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
empty= # keeps the samples of leaks.sh from being a finding themselves

# fresh: a small tree in which every lint passes; the later files of a case spoil it
fresh()
{
	rm -rf "$work/tree"
	mkdir -p "$work/tree"/{probes/core,probes/base,probes/guest,cmd,man,tests/lint,build}
	cd "$work/tree" || exit
	git init -q
	cp "$root/.clang-format" "$root/.clang-tidy" .
	printf '/build/\n' >.git/info/exclude
	put probes/base/one.h 'int one(int a);'
	put probes/base/one.c '#include "base/one.h"' '' 'int one(int a)' '{' '	return a + 1;' '}'
	printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\necho "$@"\n' >dev
	printf '.\\" SPDX-License-Identifier: MIT\n.Dd November 1, 2026\n.Dt ONE 1\n.Os\n.Sh NAME\n.Nm one\n.Nd adds\n' \
		>man/one.1
	printf '[{"directory":"%s","file":"%s","command":"gcc -std=gnu17 -Wall -Iprobes -c %s"}]\n' \
		"$PWD" "$PWD/probes/base/one.c" "$PWD/probes/base/one.c" >build/compile_commands.json
}

# put FILE LINE...: a C file with its licence line
put()
{
	local file=$1
	shift
	printf '%s\n' '/* SPDX-License-Identifier: MIT */' "$@" >"$file"
}

good()
{
	local lint=$1
	shift
	"$lints/$lint.sh" "$work/tree" "$@" >"$work/out" 2>&1 || {
		echo "$lint fails on a good sample:"
		cat "$work/out"
		failed=1
	}
}

# bad TEXT LINT [ARG...]: LINT must fail and name TEXT
bad()
{
	local text=$1 lint=$2
	shift 2
	if "$lints/$lint.sh" "$work/tree" "$@" >"$work/out" 2>&1; then
		echo "$lint passes where it should name: $text"
		failed=1
	elif ! grep -qF -- "$text" "$work/out"; then
		echo "$lint fails but does not name: $text"
		cat "$work/out"
		failed=1
	fi
}

archive()
{
	gcc -O2 -Iprobes -c probes/base/one.c -o build/one.o
	rm -f build/one.a
	ar rcs build/one.a build/one.o
}

fresh
good layers
put probes/base/up.h '#include "core/check.h"'
bad 'base must not include "core/check.h"' layers
rm probes/base/up.h
put probes/core/clock.c '#include <time.h>'
bad 'probes/core/clock.c:2:#include <time.h>' layers
rm probes/core/clock.c
put probes/guest/local.c '#include "local.h"'
bad 'guest must not include "local.h"' layers

fresh
good spdx
printf 'int a;\n' >cmd/no.c
bad 'cmd/no.c' spdx

fresh
good leaks
put cmd/path.c 'const char *p = "'"$work"'/tree/x";'
bad 'cmd/path.c:2' leaks
put cmd/path.c "const char *p = \"/home${empty}/someone/x\";"
bad 'cmd/path.c:2' leaks

fresh
good format
put cmd/ugly.c 'int f(void) { return 1; }'
bad 'cmd/ugly.c:2' format

fresh
good scripts
printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\nrm %s\n' "\$1" >dev
bad 'SC2086' scripts

fresh
good man
sed -i 's/^\.Sh NAME/.Xx NAME/' man/one.1
bad 'unknown macro' man

fresh
archive
good symbols build/one.a
bad 'No such file' symbols build/absent.a
put probes/base/one.c '#include <stdio.h>' 'void say(int n);' 'void say(int n)' '{ printf("%d", n); }'
archive
bad ' U ' symbols build/one.a
put probes/base/one.c '#include <stdlib.h>' 'void end(void);' 'void end(void) { exit(1); }'
archive
bad ' U exit' symbols build/one.a
put probes/base/one.c 'int next(void);' 'int next(void) { static int n; return ++n; }'
archive
bad 'mutable n' symbols build/one.a
put probes/base/one.c 'extern int level;' 'int level = 3;'
archive
bad 'mutable level' symbols build/one.a
put probes/base/one.c 'extern const char *const names[];' 'const char *const names[] = { "a" };'
archive
good symbols build/one.a

fresh
printf '#!/bin/sh\n' >build/script
echo 'int main(void) { return 0; }' | gcc -x c - -o build/small
printf 'ld-linux-x86-64\nld-linux-aarch64\nlinux-vdso\nlibc\n' >tests/lint/ldd.txt
good ldd build/small
echo '#include <math.h>
int main(int argc, char **argv) { (void)argv; return (int)cos(argc); }' |
	gcc -x c - -o build/large -lm
bad 'libm' ldd build/large
bad 'is not built' ldd build/absent

fresh
good cppcheck
put cmd/over.c 'int f(int i);' 'int f(int i)' '{' '	int a[2] = { 0 };' '	return a[i] + a[2];' '}'
bad 'out of bounds' cppcheck

fresh
good tidy build
put probes/base/one.c '#include <stdlib.h>' 'int one(const char *a);' 'int one(const char *a)' '{' \
	'	return atoi(a);' '}'
bad 'cert-err34-c' tidy build

fresh
mkdir tests/unit
table='	const struct CMUnitTest tests[] = {'
put tests/unit/test_one.c "$table" '		TEST(a),' '		cmocka_unit_test(' '			b),' '	};'
printf 'enable_testing()\nadd_test(unit.one true)\n' >CMakeLists.txt
printf 'cmake_minimum_required(VERSION 3.20)\nproject(t NONE)\n%s\n' "$(cat CMakeLists.txt)" >CMakeLists.txt
cmake -S . -B build >/dev/null
good manifest build --write
good manifest build
put tests/unit/test_one.c "$table" '		TEST(a),' '	};'
bad '-unit.one 2' manifest build

fresh
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(vhostcheck NONE)
install(PROGRAMS dev DESTINATION bin RENAME vhostcheck)
END
cmake -S . -B build >/dev/null
bad 'libexec/vhostcheck/vhostcheck-vm is not installed' install build

export CI=true
"$root/tests/strict.sh" echo 'ok 1 one' >/dev/null || {
	echo "strict.sh fails a test that passed"
	failed=1
}
for line in 'ok 1 one # skip' '[  SKIPPED ] one'; do
	if "$root/tests/strict.sh" echo "$line" >/dev/null; then
		echo "strict.sh lets pass: $line"
		failed=1
	fi
done

exit "$failed"
