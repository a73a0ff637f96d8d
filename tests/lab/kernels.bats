#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels;reports" TIMEOUT 300
# shellcheck disable=SC2016,SC2154 # filters of jq; bats sets output and stderr
# Every kernel of ./dev kernels --all (LAB_KERNELS) against what expect/ says of its series; those
# of known series were booted by reports.sh (LAB_REPORTS). Which
# series there are is up to the mirror: one that is gone, and one that nobody has looked at yet, is
# told in a line of its own and fails nothing; fewer than four that are known do.
load ../helpers

# What vhost-vsock offers in the series that were looked at: features, backend features
declare -gA masks=(
	[5.10]="0x13d000000 null"
	[6.1]="0x33d000002 0x2"
	[6.12]="0x33d000002 0x2"
	[6.18]="0x33d000002 0x2"
	[7.3]="0x33d000002 0x2"
)

# kernels known|new: SERIES RELEASE IMAGE MODULES of those whose series was looked at, or was not
kernels() {
	local release image modules kind

	while IFS=$'\t' read -r _ release image modules; do
		kind=new
		[ ! -v "masks[$(series_of "$release")]" ] || kind=known
		[ $kind != "$1" ] || printf '%s\t' "$(series_of "$release")" "$release" "$image" "$modules"
		[ $kind != "$1" ] || echo
	done <"$LAB_KERNELS"
}

series_of() {
	grep -oE '^[0-9]+\.[0-9]+' <<<"$1"
}

# boot IMAGE MODULES EXPECTED: a report with its expectations applied
boot() {
	"$VHOSTCHECK" vm --modules "$2" "$1" --json --expect "$BATS_TEST_DIRNAME/expect/$3.json" \
		"${@:4}"
}

# passed DEVICE: how many of its checks did
passed() {
	jq --arg device "$1" '[.checks[] | select(.device == $device and .status == "pass")] | length' \
		<<<"$output"
}

# What kernels have had since 6.6, and Debian's since 6.12
has_vdpa() {
	[[ $1 != 5.10 && $1 != 6.1 ]]
}

@test "each kernel of a known series does what is expected" {
	while IFS=$'\t' read -r -u 4 series release _; do
		output=$(cat "$LAB_REPORTS/$release.json")
		json '.summary.exit_code == 0'
		valid report
		json ".host.kernel.release == \"$release\""
		json '.run.unexpected == []'
		json '[.stacks[] | .expected.verdict == .verdict] | length > 0 and all'
		[ "$(passed net)" -gt 120 ]
		[ "$(passed vsock)" -gt 80 ]
		[ "$(passed scsi)" -gt 60 ]
		if has_vdpa "$series"; then
			[ "$(passed vdpa)" -gt 55 ]
		else
			json '.devices[] | select(.name == "vdpa") | .state == "no_module"'
		fi
		[ "$(jq -r '.devices[] | select(.name == "vsock") | "\(.features.hex) \(.backend_features.hex)"' <<<"$output")" = "${masks[$series]}" ]
	done 4< <(kernels known)
}

@test "four known series at least were there" {
	mapfile -t there < <(kernels known | cut -f 1 | sort -uV)
	for series in "${!masks[@]}"; do
		[[ " ${there[*]} " == *" $series "* ]] ||
			echo "# no kernel of series $series was fetched: nothing is said of it" >&3
	done
	[ ${#there[@]} -ge 4 ]
}

# nearest SERIES: the newest known series before it
nearest() {
	printf '%s\n' "${!masks[@]}" "$1" | sort -uV | grep -xFB 1 "$1" | head -n 1
}

@test "a kernel of a new series is told, judged by what is expected of the last one before it" {
	while IFS=$'\t' read -r -u 4 series release image modules _; do
		like=$(nearest "$series")
		[ "$like" != "$series" ] || like=$(printf '%s\n' "${!masks[@]}" | sort -V | head -n 1)
		run --separate-stderr boot "$image" "$modules" "$like"
		jq -r --arg like "$like" --arg release "$release" '
			"# new series: \($release): features \([.devices[].features.hex] | join(" ")), \(.run.unexpected |
			length) not as expected of \($like)", (.run.unexpected[] | "#   " + .)' \
			<<<"$output" >&3 || echo "# new series: $release: no report: $stderr" >&3
	done 4< <(kernels new)
}

@test "expectations that do not hold are told" {
	IFS=$'\t' read -r series _ image modules _ < <(kernels known | sort -V | tail -n 1)
	[ "$series" != 5.10 ]
	run --separate-stderr -1 boot "$image" "$modules" 5.10 --device vsock \
		--check vsock.features.stable --stack crosvm-2022
	valid report
	json '.run.unexpected | any(. == "crosvm-2022 on vsock, guest protected: works was expected, and it is fails_start")'
	json '.summary.verdict == "fail"'
}
