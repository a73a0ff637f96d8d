#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# No leaks: what __attribute__((cleanup)) frees is a leak to cppcheck; LeakSanitizer looks for
# them in the tests.
. "$(dirname "$0")/lib.sh"

choose '*.c' ':!tests/fuzz/*'
cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
	--inconclusive --inline-suppr --suppress=missingIncludeSystem --suppress=memleak \
	--suppress=resourceLeak --error-exitcode=1 -D_GNU_SOURCE -I. -Iprobes "${chosen[@]}"
