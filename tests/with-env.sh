#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# with-env.sh FILE COMMAND...: runs COMMAND with the NAME=VALUE lines of FILE as environment
set -eu
set -a
# shellcheck source=/dev/null
. "$1"
set +a
shift
exec "$@"
