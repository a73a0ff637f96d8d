#!/usr/bin/env bats
# SPDX-License-Identifier: MIT

bats_require_minimum_version 1.5.0

@test "run that is interrupted leaves a valid report of what it has, and nothing else" {
	report=$BATS_TEST_TMPDIR/r.json
	schema=$BATS_TEST_TMPDIR/schema.json
	"$VHOSTCHECK" schema >"$schema"

	status=0
	timeout -k 10 120 "$VHOSTCHECK" vm --accel tcg --modules "$KERNEL_MODULES" \
		--add "$LAB_PROGRAMS/interrupt" "$KERNEL_IMAGE" -- interrupt \
		>"$report" || status=$?
	[ "$status" -eq 130 ]
	/usr/bin/python3 -W ignore -m jsonschema -i "$report" "$schema"
	jq -e '.summary.exit_code == 130 and .summary.verdict == "inconclusive"' "$report"
	jq -e '[.checks[].status] | (map(select(. == "pass")) | length) > 5' "$report"
	jq -e '[.checks[] | select(.reason.text | . != null and test("stopped by SIGINT"))]
		| length > 10' "$report"
	jq -e '.checks | length == ([.[] | [.id, .device]] | unique | length)' "$report"
	# a run of its own, as on a host: no vDPA device is made unasked
	[ "$(jq '.checks | length' "$report")" -eq "$("$VHOSTCHECK" checks --json |
		jq '[.checks[] | select(.family != "vdpa")] | length')" ]
}
