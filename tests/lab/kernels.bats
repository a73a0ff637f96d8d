#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels" TIMEOUT 300
# shellcheck disable=SC2016,SC2030,SC2031 # filters of jq; each test has variables of its own
# Every kernel of ./dev kernels --all (LAB_KERNELS) against what expect/ says of its series.
load ../helpers

# What vhost-vsock offers: features, backend features
declare -gA masks=(
	[5.10]="0x13d000000 null"
	[6.1]="0x33d000002 0x2"
	[6.12]="0x33d000002 0x2"
	[6.18]="0x33d000002 0x2"
	[7.3]="0x33d000002 0x2"
)

# does_as_expected SERIES: each kernel of it that was fetched
does_as_expected()
{
	local series release image modules found=

	while IFS=$'\t' read -r -u 4 series release image modules; do
		[[ $series == newest && $release == "$1".* || $series == "$1" ]] || continue
		found=1
		run --separate-stderr -0 "$VHOSTCHECK" vm --device vsock --modules "$modules" "$image" --json \
			--expect "$BATS_TEST_DIRNAME/expect/$1.json"
		valid report
		json ".host.kernel.release == \"$release\""
		json '.run.unexpected == []'
		json '[.stacks[] | .expected.verdict == .verdict] | length > 0 and all'
		[ "$(jq -r '.devices[0] | "\(.features.hex) \(.backend_features.hex)"' <<<"$output")" = "${masks[$1]}" ]
	done 4<"$LAB_KERNELS"
	[ -n "$found" ] || skip "the mirror has no kernel of series $1"
}

@test "5.10 does what is expected" {
	does_as_expected 5.10
}

@test "6.1 does what is expected" {
	does_as_expected 6.1
}

@test "6.12 does what is expected" {
	does_as_expected 6.12
}

@test "6.18 does what is expected" {
	does_as_expected 6.18
}

@test "7.3 does what is expected" {
	does_as_expected 7.3
}

@test "no kernel was fetched of which nothing is known" {
	while IFS=$'\t' read -r _ release _; do
		[ -v "masks[$(grep -oE '^[0-9]+\.[0-9]+' <<<"$release")]" ] ||
			skip "nobody has looked at $release yet"
	done <"$LAB_KERNELS"
}

@test "expectations that do not hold are told" {
	IFS=$'\t' read -r _ _ image modules < <(grep ^6.12 "$LAB_KERNELS") || skip "there is no 6.12"
	run --separate-stderr -1 "$VHOSTCHECK" vm --device vsock --modules "$modules" "$image" --json \
		--expect "$BATS_TEST_DIRNAME/expect/5.10.json"
	valid report
	json '.run.unexpected | any(. == "crosvm-2022 on vsock, guest protected: works was expected, and it is fails_start")'
	json '.summary.verdict == "fail"'
}
