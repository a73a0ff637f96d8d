#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
load helpers

commands()
{
	"$VHOSTCHECK" --help | sed -nE '/^Commands/,/^$/s/^  ([a-z]+) .*/\1/p'
}

@test "--help exits 0, prints to stdout and names the command, at every level" {
	run --separate-stderr -0 "$VHOSTCHECK" --help
	[ -z "$stderr" ]
	[[ ${lines[0]} == "Usage: vhostcheck [OPTION...]"* ]]
	[ "$(commands | wc -l)" -ge 5 ]
	for command in $(commands); do
		[ "$command" != vm ] || continue # an executable of its own
		run --separate-stderr -0 "$VHOSTCHECK" "$command" --help
		[ -z "$stderr" ]
		[[ ${lines[0]} == "Usage: vhostcheck $command [OPTION...]"* ]]
		run --separate-stderr -0 "$VHOSTCHECK" "$command" --usage
		[[ ${lines[0]} == "Usage: vhostcheck $command "* ]]
	done
}

@test "--help of any command shows the common options" {
	for command in $(commands); do
		[ "$command" != vm ] || continue
		run -0 "$VHOSTCHECK" "$command" --help
		for option in --quiet --verbose --color=WHEN --json --usage --version; do
			[[ $output == *"$option"* ]]
		done
	done
}

@test "--help wins over what is wrong after it" {
	run --separate-stderr -0 "$VHOSTCHECK" explain --help --nonsense
	[ -z "$stderr" ]
}

@test "--version prints name and number" {
	run --separate-stderr -0 "$VHOSTCHECK" --version
	[[ $output =~ ^vhostcheck\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ -z "$stderr" ]
	version=$output
	run -0 "$VHOSTCHECK" list --version
	[ "$output" = "$version" ]
}

@test "no command is list" {
	run -0 "$VHOSTCHECK" --json
	json '.schema == "vhostcheck-list/1"'
	run -0 "$VHOSTCHECK" -q
	[[ ${lines[0]} == DEVICE* ]]
}

@test "options may stand before the command" {
	run -0 "$VHOSTCHECK" --json checks
	json '.schema == "vhostcheck-checks/1"'
}

@test "an unknown command is refused with the nearest one" {
	run --separate-stderr -64 "$VHOSTCHECK" chekcs
	[ -z "$output" ]
	one_line "unknown command 'chekcs' (did you mean 'checks'?)"
	run --separate-stderr -64 "$VHOSTCHECK" zzz
	one_line "unknown command 'zzz' (see vhostcheck --help)"
}

@test "an unknown option is refused at every level" {
	for command in "" $(commands); do
		[ "$command" != vm ] || continue
		# shellcheck disable=SC2086 # none is no argument
		run --separate-stderr -64 "$VHOSTCHECK" $command --nonsense
		[ -z "$output" ]
		one_line "unrecognized option '--nonsense' (see vhostcheck"
	done
}

@test "an unknown short option, a missing value and a value too much are refused" {
	run --separate-stderr -64 "$VHOSTCHECK" list -x
	one_line "invalid option -- 'x'"
	run --separate-stderr -64 "$VHOSTCHECK" list --color
	one_line "option '--color' requires an argument"
	run --separate-stderr -64 "$VHOSTCHECK" list --quiet=1
	one_line "option '--quiet' doesn't allow an argument"
}

@test "an argument that a command does not take is named" {
	run --separate-stderr -64 "$VHOSTCHECK" list nonsense
	one_line "unexpected argument 'nonsense' (see vhostcheck list --help)"
}

@test "control characters of an argument do not reach the terminal" {
	run --separate-stderr -64 "$VHOSTCHECK" $'a\e[31m\nb'
	one_line "unknown command 'a?[31m?b'"
}

@test "with --json a usage error is one object on stdout and one line on stderr" {
	run --separate-stderr -64 "$VHOSTCHECK" list --nonsense --json
	one_line "unrecognized option '--nonsense'"
	valid error
	json '.schema == "vhostcheck-error/1" and .exit_code == 64'
	json '.error.code == "usage" and .error.hint == "see vhostcheck list --help"'
	json '.error.text == "unrecognized option '"'--nonsense'"'"'
	json '.error.file == null and .error.line == null and .error.path == null'
	run --separate-stderr -64 "$VHOSTCHECK" --json nonsense
	valid error
	json '.error.code == "unknown_command"'
}

@test "colour: never into a pipe, always when asked, an unknown word refused" {
	run -0 "$VHOSTCHECK" list
	[[ $output != *$'\e'* ]]
	run -0 "$VHOSTCHECK" list --color=always
	[[ $output == *$'\e['* ]]
	run --separate-stderr -64 "$VHOSTCHECK" list --color=green
	one_line "--color is auto, always or never, not 'green'"
}

@test "colour on a terminal, but not with NO_COLOR or TERM=dumb, unless asked" {
	on_terminal()
	{
		script -qec "$*" /dev/null </dev/null
	}
	export TERM=xterm
	unset NO_COLOR
	run -0 on_terminal "$VHOSTCHECK" list
	[[ $output == *$'\e['* ]]
	run -0 on_terminal env NO_COLOR=1 "$VHOSTCHECK" list
	[[ $output != *$'\e['* ]]
	run -0 on_terminal env NO_COLOR= "$VHOSTCHECK" list
	[[ $output == *$'\e['* ]]
	run -0 on_terminal env TERM=dumb "$VHOSTCHECK" list
	[[ $output != *$'\e['* ]]
	run -0 on_terminal env NO_COLOR=1 "$VHOSTCHECK" list --color=always
	[[ $output == *$'\e['* ]]
}

@test "stdout full or closed: 3, and one line that says so" {
	full()
	{
		"$VHOSTCHECK" "$@" >/dev/full
	}
	closed()
	{
		"$VHOSTCHECK" "$@" >&-
	}
	for arguments in list "list --json" checks "checks --json" schema --help --version; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -3 full $arguments
		one_line "cannot write to standard output: No space left on device"
		# shellcheck disable=SC2086
		run --separate-stderr -3 closed $arguments
		one_line "cannot write to standard output: Bad file descriptor"
	done
}

@test "a reader that leaves early: 141 without a word, as of git, jq and ls" {
	early()
	{
		{
			"$VHOSTCHECK" "$@" 3>&-
			echo "$?" >"$BATS_TEST_TMPDIR/status"
		} | :
	}
	xz -dc "$BATS_TEST_DIRNAME/golden/6.1.json.xz" >"$BATS_TEST_TMPDIR/r.json"
	# each writes more than a pipe holds
	for arguments in "checks --json" "convert $BATS_TEST_TMPDIR/r.json --to json" \
		"judge $BATS_TEST_TMPDIR/r.json -vv"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr early $arguments
		[ "$(cat "$BATS_TEST_TMPDIR/status")" -eq 141 ]
		# shellcheck disable=SC2154 # bats sets stderr
		[ -z "$stderr" ]
	done
}

@test "stderr closed is no reason to fail" {
	quiet()
	{
		"$VHOSTCHECK" list 2>&-
	}
	run -0 quiet
}

@test "vm without its executable says what to install" {
	cp "$VHOSTCHECK" "$BATS_TEST_TMPDIR/vhostcheck"
	run --separate-stderr -3 "$BATS_TEST_TMPDIR/vhostcheck" vm --help
	[ -z "$output" ]
	one_line "vhostcheck-vm is not installed"
	run --separate-stderr -3 "$BATS_TEST_TMPDIR/vhostcheck" vm --json x
	valid error
	json '.error.code == "no_lab" and .exit_code == 3'
}

@test "vm runs the executable beside, or in libexec, with its arguments and status" {
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/libexec/vhostcheck"
	cp "$VHOSTCHECK" "$BATS_TEST_TMPDIR/bin/vhostcheck"
	lab=$BATS_TEST_TMPDIR/libexec/vhostcheck/vhostcheck-vm
	printf '#!/bin/sh\nprintf "<%%s>" "$@"\nexit 42\n' >"$lab"
	chmod +x "$lab"
	run -42 "$BATS_TEST_TMPDIR/bin/vhostcheck" vm a "b c" --help
	[ "$output" = "<a><b c><--help>" ]
	cp "$lab" "$BATS_TEST_TMPDIR/bin/vhostcheck-vm"
	rm "$lab"
	run -42 "$BATS_TEST_TMPDIR/bin/vhostcheck" vm x
	[ "$output" = "<x>" ]
}
