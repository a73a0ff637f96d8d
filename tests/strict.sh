#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# strict.sh COMMAND...: runs a test program; with CI=true a test that it skips is a failure
set -u
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

"$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
if [ "${CI:-}" = true ] && grep -qE '^ok .* # skip|^\[  SKIPPED \]' "$log"; then
	echo "strict.sh: a test was skipped, which CI=true does not allow"
	exit 1
fi
exit "$status"
