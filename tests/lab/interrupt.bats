#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bats sets output
# `run` in a guest as on a host, when it is interrupted and when it is killed.
load ../helpers

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

@test "run that is killed in a check leaves a journal: that check is a crash, what came after blocked" {
	cd "$BATS_TEST_TMPDIR" || return
	status=0
	timeout -k 10 120 "$VHOSTCHECK" vm --accel tcg --modules "$KERNEL_MODULES" \
		--add "$LAB_PROGRAMS/interrupt" "$KERNEL_IMAGE" -- interrupt kill \
		>r.json.journal || status=$?
	[ "$status" -eq 137 ]
	running=$(tail -n 1 r.json.journal | jq -r .id)
	run --separate-stderr "$VHOSTCHECK" judge r.json.journal --json
	[ "$status" -eq 1 ] || [ "$status" -eq 2 ] # by the severity of the check that ran
	valid report
	json '.run.where == "host"'
	json "[.checks[] | select(.status == \"crash\") | .id] == [\"$running\"]"
	json '[.checks[] | select(.status == "pass")] | length > 5'
	json '[.checks[] | select(.reason.code == "guest_died") | .status] | length > 10'
	run -0 "$VHOSTCHECK" convert r.json.journal --to markdown
	[[ $output == *"$running"*crash* ]]
}
