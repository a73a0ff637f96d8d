#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;reports" TIMEOUT 300
# shellcheck disable=SC2154 # bats sets output
# Reports of every kernel of ./dev kernels --all (LAB_REPORTS, reports.sh), judged again from their
# evidence: nothing that judges say may rest on what the report does not hold.
load ../helpers

# as_judged: a report without what a file of expectations said of it, which is not judged again
as_judged() {
	jq '.checks |= map(.expected = null | .status |= ({xfail: "fail", xpass: "pass"}[.] // .)) |
		.stacks |= map(.expected = null)'
}

# taken_away: a report without its statuses, verdicts and known findings
taken_away() {
	jq '.checks |= map(.status = "error" | .known = null) |
		.stacks |= map(.verdict = "error" | .signature = null)'
}

@test "each kernel's report gives its statuses and verdicts back, times or not" {
	for report in "$LAB_REPORTS"/*.json; do
		as_judged <"$report" >"$BATS_TEST_TMPDIR/want.json"
		run --separate-stderr "$VHOSTCHECK" judge --json - < <(taken_away <"$report")
		[ "$status" -eq "$(jq .summary.exit_code "$report")" ]
		for part in .checks .stacks; do
			diff <(jq "$part" "$BATS_TEST_TMPDIR/want.json") <(jq "$part" <<<"$output") || {
				echo "$report: $part differs"
				return 1
			}
		done
	done
	[ "$(jq .run.started "$LAB_REPORTS"/*.json | sort -u | grep -c .)" -gt 1 ]
}

@test "--baseline: a kernel's own report excuses its known findings, and one without them does not" {
	cd "$BATS_TEST_TMPDIR" || return
	check=(--check 'vsock.log.data' --modules "$KERNEL_MODULES" "$KERNEL_IMAGE")
	"$VHOSTCHECK" vm "${check[@]}" -q -o own.json
	jq '.checks = []' own.json >none.json
	run -0 "$VHOSTCHECK" vm "${check[@]}" --baseline own.json --profile 0.1.0
	run -1 --separate-stderr "$VHOSTCHECK" vm "${check[@]}" --baseline none.json --json
	valid report
	json '.checks[0].known and .run.selection.baseline.known == []'
}
