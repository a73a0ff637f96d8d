#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# man.sh ROOT [PAGE...]: the pages of the tree, and those that its build made
. "$(dirname "$0")/lib.sh"

choose 'man/*.[1-9]'
mandoc -T lint -W warning "${chosen[@]}" "$@"
