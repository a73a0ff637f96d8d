#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# table.sh [VHOSTCHECK]: boots every kernel of ./dev kernels --all and prints as Markdown how many
# checks each device passes there, what it offers, and what becomes of each policy on it
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
	def device($name): .devices[] | select(.name == $name);
	def told($name): [.checks[] | select(.device == $name)] |
		"\(map(select(.status == "pass")) | length) pass" +
		(map(select(.known)) | length | if . > 0 then ", \(.) known" else "" end) +
		(map(select(.status == "fail" and .known == null or (.status | IN("timeout", "crash",
			"error", "blocked")))) | length | if . > 0 then ", \(.) BAD" else "" end);
	[inputs] as $reports |
	(["kernel", "net", "vsock", "scsi", "vdpa"] | row), ([range(5) | "---"] | row),
	($reports[] | . as $r | [.host.kernel.release] + [("net", "vsock", "scsi", "vdpa") as $name |
		$r | if ([device($name).state] == ["ok"]) then told($name) else device($name).state end] | row),
	"",
	(["device", "stack", "guest"] + [$reports[].host.kernel.release] | row),
	([range(3 + ($reports | length)) | "---"] | row),
	([$reports[].devices[] | select(.state == "ok") | .name] | unique[]) as $device |
	(["**\($device)**", "features", ""] + [$reports[] | [.devices[] |
		select(.name == $device) | .features.hex // .state][0] // ""] | row),
	([$reports[].stacks[] | select(.device == $device) | [.stack, .guest]] | unique[] |
		. as [$stack, $guest] |
		[$device, $stack, $guest] + [$reports[] | [.stacks[] | select(.device == $device and
			.stack == $stack and .guest == $guest) | .verdict][0] // ""] | row)'
