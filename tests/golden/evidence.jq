# SPDX-License-Identifier: MIT
# Makes the golden evidence from reports of real kernels; of a check that the first skips or blocks,
# the evidence is that of the next that does not, or else what made the first skip it:
#   vhostcheck vm KERNEL --device net --device vsock --device scsi --device vdpa --deterministic -o r.json
#   jq -s -r -f tests/golden/evidence.jq 6.1.json 7.3.json >tests/golden/evidence.json
# Each observation stands once, one a line; checks name theirs by number.
([.[0].checks[].id as $id
	| first((.[].checks[] | select(.id == $id and (.status | IN("skip", "blocked") | not))),
		(.[].checks[] | select(.id == $id and .status == "skip" and (.evidence | length) > 0)))]) as $checks
| (reduce ($checks[].evidence[] | tojson) as $line ({};
	if has($line) then . else .[$line] = length end)) as $numbers
| "{", "\"evidence\": [",
	([$numbers | to_entries | sort_by(.value)[].key] | join(",\n")),
	"],", "\"checks\": {",
	([$checks[] | (.id | tojson) + ": " + ([.evidence[] | $numbers[tojson]] | tojson)]
		| join(",\n")),
	"}", "}"
