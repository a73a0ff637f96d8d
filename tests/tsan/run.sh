#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh SOURCE BUILD: builds what has threads with ThreadSanitizer, which cannot share a build
# with the address sanitizer, and runs it.
set -euo pipefail
cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DVHOSTCHECK_WERROR=ON \
	-DCMAKE_C_FLAGS_DEBUG='-O1 -g -fno-omit-frame-pointer -fsanitize=thread' >/dev/null
cmake --build "$2" --target ring_threads
TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 "$2/tests/ring_threads"
