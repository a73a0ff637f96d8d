#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes the golden reports anew, one boot each, when a judge no longer knows the evidence of the
# old ones:  tests/golden/reports.sh VHOSTCHECK NAME=KERNEL...  (5.10=linux-image-5.10...deb)
set -euo pipefail

vhostcheck=$1
shift
for pair; do
	file=$(dirname "$0")/${pair%%=*}.json
	"$vhostcheck" vm --deterministic "${pair#*=}" -q -o "$file"
	jq -c . "$file" | xz -9e >"$file.xz"
	rm "$file"
done
