# SPDX-License-Identifier: MIT
# Makes the golden evidence from a report of a real kernel:
#   vhostcheck vm KERNEL --device net --device vsock --deterministic -o r.json
#   jq -r -f tests/golden/evidence.jq r.json >tests/golden/evidence-6.1.json
# Each observation stands once, one a line; checks name theirs by number.
(reduce (.checks[].evidence[] | tojson) as $line ({};
	if has($line) then . else .[$line] = length end)) as $numbers
| "{", "\"evidence\": [",
	([$numbers | to_entries | sort_by(.value)[].key] | join(",\n")),
	"],", "\"checks\": {",
	([.checks[] | (.id | tojson) + ": " + ([.evidence[] | $numbers[tojson]] | tojson)]
		| join(",\n")),
	"}", "}"
