#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# table.sh [VHOSTCHECK]: boots every kernel of ./dev kernels --all and prints as Markdown what each
# device offers there, and what becomes of each policy on it
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
vhostcheck=${1:-build/vhostcheck}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

./dev kernels --all | grep -v -- '^[^[:space:]]*-full' >"$work/kernels"
while IFS=$'\t' read -r -u 4 _ release image modules; do
	status=0
	"$vhostcheck" vm --modules "$modules" "$image" -q -o "$work/$release.json" >&2 || status=$?
	[ -s "$work/$release.json" ] || {
		echo "table.sh: $release left no report (exit status $status)" >&2
		exit 1
	}
done 4<"$work/kernels"

# shellcheck disable=SC2016 # a filter of jq
cut -f 2 "$work/kernels" | sed "s|.*|$work/&.json|" | xargs -d '\n' jq -nr '
	def row: "| " + join(" | ") + " |";
	[inputs] as $reports |
	(["device", "stack", "guest"] + [$reports[].host.kernel.release] | row),
	([range(3 + ($reports | length)) | "---"] | row),
	([$reports[].devices[] | select(.state == "ok") | .name] | unique[]) as $device |
	(["**\($device)**", "features", ""] + [$reports[] | [.devices[] |
		select(.name == $device) | .features.hex // .state][0] // ""] | row),
	([$reports[].stacks[] | select(.device == $device) | [.stack, .guest]] | unique[] |
		. as [$stack, $guest] |
		[$device, $stack, $guest] + [$reports[] | [.stacks[] | select(.device == $device and
			.stack == $stack and .guest == $guest) | .verdict][0] // ""] | row)'
