#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels;reports"
# shellcheck disable=SC2016,SC2154 # filters of jq; bats sets output
# The report of every kernel of ./dev kernels --all (LAB_REPORTS), judged again from its evidence:
# nothing that judges say may rest on what the report does not hold.
load ../helpers

# unexpecting FILE: the report as it would be without a file of expectations
unexpecting() {
	jq '{xfail: "fail", xpass: "pass"} as $raw |
		.checks |= map(.status |= ($raw[.] // .) | .expected = null) |
		.stacks |= map(.expected = null) |
		.summary.counts |= (.fail += .xfail | .pass += .xpass | .xfail = 0 | .xpass = 0) |
		.summary.known = ([.checks[] | select(.status == "fail" and .known)] | length)' "$1"
}

# taken_away FILE: it without its statuses, verdicts and known findings
taken_away() {
	jq '.checks |= map(.status = "error" | .known = null) |
		.stacks |= map(.verdict = "unknown" | .signature = null)' "$1"
}

@test "each kernel's report gives its statuses and verdicts back, times or not" {
	cd "$BATS_TEST_TMPDIR" || return
	for report in "$LAB_REPORTS"/*.json; do
		unexpecting "$report" >r.json
		taken_away r.json >bare.json
		run --separate-stderr "$VHOSTCHECK" judge bare.json --json
		[ "$status" -eq "$(jq .summary.exit_code r.json)" ]
		for part in .checks .stacks .summary; do
			diff <(jq "$part" r.json) <(jq "$part" <<<"$output") || {
				echo "$report: $part differs"
				return 1
			}
		done
	done
	# both kinds were met
	jq -s -e 'map(.run.started != null) | unique | length == 2' "$LAB_REPORTS"/*.json >/dev/null
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
