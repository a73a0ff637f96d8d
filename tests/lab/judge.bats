#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels" TIMEOUT 600
# shellcheck disable=SC2154 # bats sets output
# Reports of every kernel of LAB_KERNELS (./dev kernels --all), judged again from their evidence:
# nothing that judges say may rest on what the report does not hold.
load ../helpers

# taken_away FILE: the report without its statuses, verdicts and known findings
taken_away() {
	jq '.checks |= map(.status = "error" | .known = null) |
		.stacks |= map(.verdict = "unknown" | .signature = null)' "$1"
}

@test "each kernel's report gives its statuses and verdicts back, times or not" {
	cd "$BATS_TEST_TMPDIR" || return
	other=--deterministic option=
	while IFS=$'\t' read -r -u 4 _ release image modules; do
		# in turns: a deterministic report is the other one without times and process numbers
		IFS=/ read -r option other <<<"$other/$option"
		"$VHOSTCHECK" vm ${option:+"$option"} --modules "$modules" "$image" -q -o r.json ||
			[ $? -lt 3 ]
		taken_away r.json >bare.json
		run --separate-stderr "$VHOSTCHECK" judge bare.json --json
		[ "$status" -eq "$(jq .summary.exit_code r.json)" ]
		for part in .checks .stacks .summary; do
			diff <(jq "$part" r.json) <(jq "$part" <<<"$output") || {
				echo "$release $option: $part differs"
				return 1
			}
		done
	done 4<"$LAB_KERNELS"
	[ -s r.json ]
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
