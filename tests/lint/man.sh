#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

choose 'man/*.[1-9]'
mandoc -T lint -W warning "${chosen[@]}"
