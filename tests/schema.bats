#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # filters of jq
load helpers

@test "without a KIND it is the report's" {
	run --separate-stderr -0 "$VHOSTCHECK" schema
	[ -z "$stderr" ]
	json '."$id" == "urn:vhostcheck:report:1"'
	default=$output
	run -0 "$VHOSTCHECK" schema report
	[ "$output" = "$default" ]
	run -0 "$VHOSTCHECK" schema --json
	[ "$output" = "$default" ]
}

@test "each KIND that --help names is a JSON Schema with an id of its own" {
	ids=
	kinds=$("$VHOSTCHECK" schema --help | tr -s ' \n' ' ' | sed -E 's/.*document: ([^;]*);.*/\1/')
	for kind in report ${kinds//,/} check stack bit; do
		run -0 "$VHOSTCHECK" schema "$kind"
		json '."$schema" == "https://json-schema.org/draft/2020-12/schema"'
		ids+=$(jq -r '."$id"' <<<"$output")$'\n'
		/usr/bin/python3 -c 'import json, sys, jsonschema
jsonschema.Draft202012Validator.check_schema(json.load(sys.stdin))' <<<"$output"
	done
	[ "$(sort <<<"$ids" | uniq -d)" = "" ]
}

@test "schemas are strict: every key is required and no other is allowed" {
	for kind in report list checks error bit; do
		run -0 "$VHOSTCHECK" schema "$kind"
		json '[.. | objects | select(has("properties")) |
			(.additionalProperties == false or .unevaluatedProperties == false) and
			(.required | sort) == (.properties | keys)] | length > 0 and all'
	done
}

@test "a document with a key missing, unknown or retyped is refused" {
	run -0 "$VHOSTCHECK" list --json
	good=$output
	valid list
	for change in 'del(.host)' '.more = 1' '.devices = {}' '.schema = "vhostcheck-list/2"' \
		'del(.devices[0].holders)' '.devices[0].state = "fine"' \
		'.host.leftovers = null' '.host.kernel.taint = "0"'; do
		output=$(jq "$change" <<<"$good")
		run ! valid list
	done
}

@test "an unknown KIND is refused with the nearest" {
	run --separate-stderr -64 "$VHOSTCHECK" schema reprot
	[ -z "$output" ]
	one_line "there is no schema 'reprot' (did you mean 'report'"
	run --separate-stderr -64 "$VHOSTCHECK" schema report list
	one_line "prints one KIND at a time, not 'list' too"
}
