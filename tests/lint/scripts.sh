#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

choose '*.sh' '*.bats' '*.bash' dev .ci/run contrib/reportbug/script contrib/prometheus/vhostcheck-textfile
shellcheck "${chosen[@]}"
