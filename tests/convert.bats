#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED unpacked
# shellcheck disable=SC2016,SC2154 # filters of jq; bats sets output and stderr
# `vhostcheck convert`: every format is read by a consumer that is not ours where Debian has one,
# else by the strict readers in formats/, which must refuse bad examples
load helpers

setup()
{
	cd "$BATS_TEST_TMPDIR" || exit
	xz -dc "$BATS_TEST_DIRNAME/golden/6.1.json.xz" >good.json
}

# Of every string that formats may print: what each of them takes for its own
evil='"a\nnot ok 1 x # SKIP y\r\t\u0001\u007f\u0085\u2028\ufffe ]]></failure><script>&\" '"'"' ${x} `~~~~~ *_[l](u)|@all #1 \\ é"'

# evil_report: good.json with that in it wherever a report has free text, and a result of each kind
evil_report()
{
	jq "$evil"' as $e | .host.kernel.release = $e | .host.kernel.version = $e | .host.distro = $e |
		.host.kernel.build_id = $e | .tool.version = $e | .tool.git_commit = $e |
		.run.privileges = $e | .run.reduced = [$e, $e] | .run.started = "2026-11-22T17:38:16Z" |
		.run.duration_us = 1500000 | .devices[0].name = $e | .run.selection += {stacks: ["crosvm"], checks: ["*"]} |
		.checks |= (map(.reason |= if . then .text = $e else . end | .duration_us = 2500) |
			.[0] += {device: $e} | .[0:6] |= (
			.[0] += {status: "fail", severity: "critical", known: null, reason: {code: "contract_broken", text: $e}} |
			.[1] += {status: "timeout", severity: "high", reason: {code: "deadline", text: $e}} |
			.[2] += {status: "error", severity: "high", reason: {code: "internal", text: $e}} |
			.[3] += {status: "blocked", severity: "low", reason: {code: "denied", text: $e}} |
			.[4] += {status: "crash", severity: "high", reason: {code: "crashed", text: ""}} |
			.[5] += {status: "xpass", severity: "high", reason: null})) |
		.stacks[0] += {stack: $e, verdict: "stalls", reason: {code: "contract_broken", text: $e}} |
		.stacks[1] += {stack: "crosvm", verdict: "stalls", reason: {code: "contract_broken", text: $e}}' \
		good.json >evil.json
	"$VHOSTCHECK" convert evil.json --json >/dev/null
}

# convert FILE FORMAT: into $output and out
convert()
{
	run -0 --separate-stderr "$VHOSTCHECK" convert "$1" --to "$2"
	[ -z "$stderr" ]
	printf '%s\n' "$output" >out
}

# outcomes FILE: how many results a report has
outcomes()
{
	jq '[.checks[], .stacks[]] | length' "$1"
}

junit()
{
	/usr/bin/python3 - "$1" <<'END'
import sys
from junitparser import JUnitXml, Failure, Error, Skipped
xml = JUnitXml.fromfile(sys.argv[1])
kinds = {Failure: 0, Error: 0, Skipped: 0}
cases, names = 0, set()
for suite in xml:
    told = suite.tests, suite.failures, suite.errors, suite.skipped
    suite.update_statistics()
    assert told == (suite.tests, suite.failures, suite.errors, suite.skipped), suite.name
    assert {"kernel.release", "vhostcheck.version"} <= {p.name for p in suite.properties()}
    for case in suite:
        cases += 1
        names.add((case.classname, case.name))
        for result in case.result:
            kinds[type(result)] += 1
            assert result.text and result.message == result.text, case.name
assert len(names) == cases
print(f"tests={cases} failures={kinds[Failure]} errors={kinds[Error]} skipped={kinds[Skipped]}")
END
}

prometheus()
{
	/usr/bin/python3 - "$1" <<'END'
import sys
from prometheus_client.parser import text_string_to_metric_families
samples = [s for f in text_string_to_metric_families(open(sys.argv[1], encoding="utf-8", newline="\n").read())
           for s in f.samples]
keys = {(s.name, tuple(sorted(s.labels.items()))) for s in samples}
assert len(keys) == len(samples), "a series stands twice"
value = {s.name: s.value for s in samples}
results = [s.value for s in samples if s.name == "vhostcheck_result"]
print(f"exit={value['vhostcheck_exit_status']:.0f} well={results.count(0)} failed={results.count(1)}"
      f" undecided={results.count(2)} excused={results.count(3)}")
END
}

# prove of this Debian knows no version above 13, of which 14 is an extension
tap()
{
	sed '1s/.*/TAP version 13/' "$1" >out.tap
	prove -v --exec cat out.tap
}

@test "JUnit: junitparser reads it, and the counts are those of the report" {
	convert good.json junit
	run -0 junit out
	[ "$output" = "tests=$(outcomes good.json) failures=0 errors=0 skipped=$(jq '[.checks[] | select(.status != "pass")] +
		[.stacks[] | select(.verdict != "works")] | length' good.json)" ]
	evil_report
	convert evil.json junit
	run -0 junit out
	[[ $output == "tests=$(outcomes evil.json) failures=5 errors=1 "* ]]
	sed '0,/<failure/s//<failure <x/' out >bad
	run ! junit bad
}

@test "JUnit: the reason is the element's text, with provenance and time" {
	jq '.run.selection.strict = true | .run.started = "2026-11-22T17:38:16Z" |
		(.checks[] | .duration_us) = 1234567' good.json >r.json
	"$VHOSTCHECK" judge -q r.json -o r.json || [ $? -eq 1 ]
	convert r.json junit
	grep -q '<testcase classname="vhostcheck.vsock.log" name="data" time="1.234567">' out
	grep -q '<failure message="[^"]*" type="contract_broken">gpa:rx.buf+0x0 was written but is not in the log' out
	grep -q '<property name="kernel.release" value="6.1.0-56-cloud-amd64"/>' out
	grep -q 'timestamp="2026-11-22T17:38:16"' out
}

@test "KTAP: flat, every result one line, what counts is not ok" {
	convert good.json ktap
	run -0 /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/ktap.py" <out
	[[ $output == "SKIP="*" XFAIL=9 ok="* ]]
	evil_report
	convert evil.json ktap
	run -0 /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/ktap.py" <out
	[[ $output == "ERROR=1 SKIP="*" TIMEOUT=1 XFAIL="*" not ok=4 ok="* ]]
}

@test "KTAP: the reader refuses what is none" {
	printf 'KTAP version 1\n1..2\nok 1 a.b\n# c\nnot ok 2 a.c # TIMEOUT late\n' >good
	/usr/bin/python3 "$BATS_TEST_DIRNAME/formats/ktap.py" <good
	for change in 1d 2d 's/1\.\.2/1..3/' '3s/1/3/' '3s/b/b#c/' '5s/not //' '3s/b/b c/' \
		'5s/a.c/a.b/' '3s/^/  /' 's/TIMEOUT/LATE/' '4s/# //' '3s/b/b\r/'; do
		run ! /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/ktap.py" < <(sed "$change" good)
	done
}

@test "TAP: prove reads it and fails for what counts" {
	convert good.json tap
	[ "$(head -n 1 out)" = "TAP version 14" ]
	run -0 tap out
	[[ $output == *"Tests=$(outcomes good.json),"*"Result: PASS"* ]]
	evil_report
	convert evil.json tap
	run ! tap out
	[[ $output == *"Failed 6/$(outcomes evil.json) subtests"* && $output != *"Parse errors"* ]]
	[[ $output == *'message: "a?not ok 1 x # SKIP y'* ]]
	sed '2s/$/0/' out >bad
	run ! tap bad
	[[ $output == *"Parse errors: Bad plan"* ]]
}

@test "Markdown: short before its folds, and nobody's markup but ours" {
	convert good.json markdown
	run -0 /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/markdown.py" <out
	[ "$output" -lt 40 ]
	grep -q '^## vhostcheck: PASS on Linux 6.1.0-56-cloud-amd64$' out
	grep -q '^- `vsock.log.data` (high): known finding, not counted: gpa:rx.buf+0x0' out
	evil_report
	convert evil.json markdown
	/usr/bin/python3 "$BATS_TEST_DIRNAME/formats/markdown.py" <out
	jq '.checks |= map(.status = "fail" | .severity = "critical" | .known = null)' evil.json >worst.json
	convert worst.json markdown
	run -0 /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/markdown.py" <out
	[ "$output" -lt 100 ]
	grep -q '^- and [0-9]* more, below$' out
}

@test "Markdown: the reader refuses what could be somebody else's" {
	printf -- '## A\n\n- b: c\n\n<details>\n<summary>D</summary>\n\n~~~~~text\n<x> *y*\n~~~~~\n\n</details>\n' >good
	/usr/bin/python3 "$BATS_TEST_DIRNAME/formats/markdown.py" <good
	for change in '3s/c/<b>/' '3s/c/*c*/' '3s/c/[c](d)/' '3s/c/@all/' '3s/c/#1/' '3s/c/\&copy;/' '3s/c/`c/' \
		12d 10d 5d '3s/^- /* /' '3s/^- b: /    /' '1,4s/^$/~~~~~/' '3s/c/\x01/'; do
		run ! /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/markdown.py" < <(sed "$change" good)
	done
	run ! /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/markdown.py" < <(yes -- '- x' | head -n 100)
}

@test "KCIDB: objects are whole and linked, statuses are what was seen" {
	convert good.json kcidb
	run -0 /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/kcidb.py" <out
	[ "$output" = "DONE=$(jq '[.stacks[] | select(.verdict != "works")] | length' good.json) FAIL=$(jq .summary.counts.fail good.json) PASS=$(jq '[.checks[] | select(.status == "pass")] +
		[.stacks[] | select(.verdict == "works")] | length' good.json) SKIP=$(jq .summary.counts.skip good.json)" ]
	[ "$(jq '[.tests[] | select(.misc.known) | .path] | sort | first' out)" = '"vhostcheck.net.family.num_buffers"' ]
	evil_report
	convert evil.json kcidb
	/usr/bin/python3 "$BATS_TEST_DIRNAME/formats/kcidb.py" <out
}

@test "KCIDB: the reader refuses what its schema would" {
	convert good.json kcidb
	for change in '.version.minor = 0' 'del(.tests[0].build_id)' '.tests[0].build_id = "vhostcheck:none"' \
		'.tests[3].path = "a b"' '.tests[3].status = "pass"' '.tests[0].comment = null' '.tests[0].more = 1' \
		'.tests[1].id = .tests[0].id' '.tests[0].origin = "other"' '.builds[0].id = "none"' \
		'.tests[0].duration = "1"' '.tests[0].start_time = "now"' '.issues = []'; do
		run ! /usr/bin/python3 "$BATS_TEST_DIRNAME/formats/kcidb.py" < <(jq "$change" out)
	done
}

@test "Prometheus: its own parser reads it, no series twice" {
	convert good.json prometheus
	run -0 prometheus out
	[[ $output == "exit=0 well="*" failed=0 undecided=0 excused=9" ]]
	evil_report
	convert evil.json prometheus
	run -0 prometheus out
	[[ $output == *" failed=5 undecided=1 "* ]]
	grep -q '^vhostcheck_last_run_timestamp_seconds 1795369096$' out
	grep -q '^vhostcheck_duration_seconds 1.500000$' out
	sed '0,/kernel="/s//kernel="\n/' out >bad
	run ! prometheus bad
}

@test "Prometheus: its linter has nothing to say, and refuses what is bad" {
	need_unpacked PROMTOOL
	evil_report
	jq '.checks = [] | .stacks = [] | .devices = []' good.json >none.json
	for report in good evil none; do
		convert $report.json prometheus
		run -0 "$PROMTOOL" check metrics <out
		[ -z "$output" ]
	done
	convert good.json prometheus
	sed '0,/kernel="/s//kernel="\n/' out >bad
	run -1 "$PROMTOOL" check metrics <bad
	[[ $output == *"in line 3: label value "*" contains unescaped new-line"* ]]
	sed '/^# HELP vhostcheck_result /d' out >bad
	run -3 "$PROMTOOL" check metrics <bad
	[ "$output" = "vhostcheck_result no help text" ]
}

@test "json gives the report back, text prints it as run does" {
	convert good.json json
	diff <(jq . good.json) out
	valid report
	convert good.json text
	[[ $output == "vhostcheck "*"Linux 6.1."*"(exit status 0)"$'\n'"This judged a kernel's code, not a host's policy and hardware." ]]
	run -0 "$VHOSTCHECK" convert --json - <good.json
	diff <(jq . good.json) <(printf '%s\n' "$output")
}

@test "the journal of a run that was killed is converted, too" {
	jq -c '{type: "start", tool, run, host}, (.devices[] | {type: "device", device: .}),
		{type: "plan", checks: [.checks[:3][] | .evidence = [] | .reason = null], stacks: []},
		(.checks[0] | {type: "check_start", id, device})' good.json >r.journal
	convert r.journal ktap
	[[ $output == *"# crash: the run ended without a word"*"not ok 1 net.node.present"*"not ok 2 "*"# ERROR blocked: "* ]]
}

@test "a report with nothing in it is whole in every format" {
	jq '.checks = [] | .stacks = [] | .devices = [] | .run.started = "soon"' good.json >none.json
	convert none.json ktap
	/usr/bin/python3 "$BATS_TEST_DIRNAME/formats/ktap.py" <out
	convert none.json kcidb
	/usr/bin/python3 "$BATS_TEST_DIRNAME/formats/kcidb.py" <out
	convert none.json markdown
	/usr/bin/python3 "$BATS_TEST_DIRNAME/formats/markdown.py" <out
	convert none.json prometheus
	prometheus out
	convert none.json junit
	[ "$(junit out)" = "tests=0 failures=0 errors=0 skipped=0" ]
}

@test "reports that cannot be used, and the command line" {
	run -3 --separate-stderr "$VHOSTCHECK" convert none --to junit
	[ -z "$output" ]
	one_line "none: No such file"
	run -64 --separate-stderr "$VHOSTCHECK" convert good.json
	one_line "name a format with --to"
	run -64 --separate-stderr "$VHOSTCHECK" convert good.json --to junt
	one_line "there is no format 'junt' (did you mean 'junit'"
	run -64 --separate-stderr "$VHOSTCHECK" convert --to tap
	one_line "name a REPORT"
	run -64 --separate-stderr "$VHOSTCHECK" convert good.json --to tap --json
	one_line "--json is --to json"
	run -3 --separate-stderr bash -c '"$1" convert good.json --to junit >/dev/full' - "$VHOSTCHECK"
	one_line "cannot write to standard output"
}
