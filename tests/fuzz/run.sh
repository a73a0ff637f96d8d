#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [SECONDS [TARGET...]]: builds the fuzz targets (the preset `fuzz`) and runs each for so
# long (default: 60), one after the other, from what corpus/ holds. What a target finds is left in
# build/fuzz/found; mended and made small, it belongs into corpus/. ./dev test replays that.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(report journal policy expect)

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}" >&2
mkdir -p build/fuzz/found
status=0
for target in "${targets[@]}"; do
	mkdir -p "build/fuzz/grown/$target"
	build/fuzz/tests/fuzz_"$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
		-artifact_prefix="build/fuzz/found/$target-" -print_final_stats=1 \
		"build/fuzz/grown/$target" tests/fuzz/corpus/* 2>"build/fuzz/$target.log" || status=1
	awk -v target="$target" '/stat::number_of_executed_units/ { runs = $2 }
		/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cover = $(i + 1) }
		/SUMMARY|not so:/ { print target ": " $0 }
		END { print target ": " runs " runs, " cover " edges" }' "build/fuzz/$target.log"
done
exit $status
