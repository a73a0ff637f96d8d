#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernel;kernels" TIMEOUT 600
# shellcheck disable=SC2016,SC2154 # scripts of the guest; bats sets output and stderr
# `vhostcheck trace` of trace_client, which plays VMMs on a real /dev/vhost-vsock, and of QEMU. What is
# saved by the first tests is played on other kernels by the last one: few boots, all in one.
load ../helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export VHOSTCHECK
}

# series NAME: image and modules of a kernel of LAB_KERNELS
series() {
	IFS=$'\t' read -r _ _ image modules < <(grep -E "^$1"$'\t' "$LAB_KERNELS") ||
		skip "the mirror has no kernel $1"
}

# in_guest SCRIPT [OPTION...]: bash runs it on that kernel; what it writes to files comes back, too
in_guest() {
	"$VHOSTCHECK" vm --accel tcg --modules "$modules" --add "$VHOSTCHECK" --add "$(type -P bash)" \
		--add "$LAB_PROGRAMS/trace_client" "${@:2}" "$image" -- bash -c "cd /tmp; $1
		for file in *.json*; do echo \"=== \$file\"; echo \"\$(<\$file)\"; done" >out 2>err
	awk '/^=== / { file = $2; next } file { print >file }' out
}

# traced POLICY GUEST [OPTION...]: the words of the guest's script
traced() {
	echo "vhostcheck trace -q --clean -o $1.jsonl --save-stack my-$1.json ${*:3} -- \
		bash -c 'trace_client $1 $2; exit \$?'; echo \"$1 \$?\";"
}

# ends FILE VERDICT SIGNATURE: every line of it is of the schema, and the last says so
ends() {
	while read -r output; do valid trace; done < <(sed -n '1p;2p;$p' "$1")
	output=$(tail -n 1 "$1")
	json ".type == \"end\" and .device == \"vsock\" and .verdict == \"$2\" and .signature == $3"
}

# play FILE...: the policies on the kernel of series(), in one boot; output is the report
play() {
	local file stacks=()

	for file; do stacks+=(--stack "$file"); done
	run --separate-stderr "$VHOSTCHECK" vm --accel tcg --modules "$modules" --device vsock --device net \
		--check '*.node.present' "${stacks[@]}" --json "$image"
}

# played VERDICT...: what became of them in the order of their names
played() {
	output=$(jq -c '[.stacks[] | select((.stack | startswith("my-")) and .verdict != "not_applicable")
		| {stack, verdict, reason}] | sort_by(.stack)' <<<"$output")
	[ "$(jq -r 'map(.verdict) | join(" ")' <<<"$output")" = "$*" ]
}

policies='crosvm-2022 kvmtool-2021 passthrough-late mapping crosvm passed-on reopened'

all() {
	for policy in $policies; do
		traced "$policy" protected
	done
}

@test "a kernel that offers bit 33: each is judged rightly, and its text tells why" {
	series 6.1
	in_guest "$(all) vhostcheck trace -- trace_client crosvm-2022 protected"
	mkdir "$BATS_FILE_TMPDIR/new"
	cp my-{crosvm-2022,kvmtool-2021,passthrough-late,mapping}.json "$BATS_FILE_TMPDIR/new"
	ends crosvm-2022.jsonl fails_start '"used_ring_unmapped_at_start"'
	ends kvmtool-2021.jsonl fails_start '"used_ring_unmapped_at_start"'
	ends passthrough-late.jsonl stalls '"miss_unanswered"'
	ends passed-on.jsonl fails_start '"used_ring_unmapped_at_start"'
	ends mapping.jsonl works null
	ends crosvm.jsonl works null
	for line in "crosvm-2022 1" "kvmtool-2021 1" "passthrough-late 0" "mapping 0" "passed-on 1"; do
		grep -qxF "$line" out
	done
	text=$(tr -s ' \n' ' ' <err)
	[[ $text == *"vsock: fails_start, used_ring_unmapped_at_start VHOST_VSOCK_SET_RUNNING was refused with EFAULT"* ]]
	[[ $text == *"must leave bit 33 out of VHOST_SET_FEATURES unless it serves the IOTLB."* ]]
	[[ $text == *"sends back all that it was offered"* ]]
	# the one that sends all, and the log that it did not set
	output=$(tail -n 1 kvmtool-2021.jsonl)
	json '.features.sent == .features.offered and (.notes | length) == 1'
	# in its own order, and of what it sent the bit that it does nothing about is not known
	output=$(jq -c . my-crosvm-2022.json)
	json '.order == ["SET_OWNER", "GET_FEATURES", "SET_FEATURES", "SET_MEM_TABLE",
		"VRINGS NUM BASE ADDR KICK CALL", "SET_GUEST_CID", "START"]'
	json '.vmm == "trace_client" and .executables == [.vmm]'
	json '.known == ["VIRTIO_RING_F_EVENT_IDX", "VIRTIO_F_VERSION_1"] and .packages == []'
	# two open files, though one descriptor
	output=$(jq -sc '[.[] | select(.type == "call") | [.device, .fd]] | unique' reopened.jsonl)
	json '. == [["vsock", 3], ["vsock.2", 3]]'
	# one open file, though two processes and two descriptors
	output=$(jq -sc '[.[] | select(.type == "call") | [.device, .fd]] | unique' passed-on.jsonl)
	json 'map(.[0]) == ["vsock", "vsock"]'
}

@test "the newest kernel: the same verdicts, and a run that was traced twice is the same" {
	series newest
	in_guest "$(all) for i in 1 2; do
			vhostcheck trace -q --clean -o twice\$i.jsonl -- trace_client mapping protected; done
		vhostcheck trace -q -o array.jsonl --what-if 34,70 -- trace_client array; echo \"array \$?\""
	ends crosvm-2022.jsonl fails_start '"used_ring_unmapped_at_start"'
	ends kvmtool-2021.jsonl fails_start '"used_ring_unmapped_at_start"'
	ends mapping.jsonl works null
	output=$(tail -n 1 passthrough-late.jsonl)
	json '.verdict == "stalls"'
	cmp twice1.jsonl twice2.jsonl
	# bits that are shown by the array form, one of each word, are kept from the kernel there, too
	grep -qxF "array 0" out
	output=$(tail -n 1 array.jsonl)
	json '.device == "net" and .features.would_send.hex == "0x400000000400000000"'
	output=$(jq -s . mapping.jsonl)
	json '[.[] | select(.type == "message")] | length == 1 and .[0].way == "written"
		and .[0].name == "VHOST_IOTLB_UPDATE" and .[0].iova == "memory0+0x0" and .[0].perm == 3'
}

# story: the indented blocks of README's section about 2022, a line each
story() {
	sed -n '/^## The bug of 2022/,/^## Use it/p' "$BATS_TEST_DIRNAME/../../README.md" |
		awk '/^    / { line = line $0 " "; next } line { print line; line = "" }' | tr -s ' '
}

# told COUNT PATTERN TEXT: as many blocks of the story are of that form, and TEXT has each
told() {
	[ "$(story | grep -cE "^ $2")" -eq "$1" ]
	while read -r line; do
		[[ $(tr -s ' \n' ' ' <<<"$3") == *" $line "* ]] || {
			echo "README quotes what was not printed: $line" >&2
			return 1
		}
	done < <(story | grep -E "^ $2")
}

# attached POLICY: the guest's script that looks at it once it waits
attached() {
	echo "coproc trace_client $1 protected; pid=\$COPROC_PID; read -r _ <&\"\${COPROC[0]}\"
		vhostcheck trace --fail-on high --attach \$pid; echo \"$1 \$?\"; kill \$pid; wait;"
}

@test "a kernel without bit 33: nothing is wrong, what-if tells, and no VMM that runs is looked at" {
	series 5.10
	in_guest "$(traced crosvm-2022 protected) $(story | sed -n 's, \./, ,; s/^ vhostcheck trace .*/&;/p') $(traced reopened protected) $(traced kvmtool-2021 plain --what-if 33,1 --fail-on high)
		$(traced passthrough-late protected --what-if 33) $(traced crosvm protected --what-if 33,1) $(attached waiting)"
	mkdir "$BATS_FILE_TMPDIR/old"
	cp my-{crosvm-2022,crosvm,kvmtool-2021,what-if}.json "$BATS_FILE_TMPDIR/old"
	told 2 '(vsock: works|what if:) ' "$(<err)"
	ends crosvm-2022.jsonl works null
	json '.unobserved.hex == "0x200000002"'
	ends kvmtool-2021.jsonl works null
	# vhost-vsock has no poll there, and is no member of an epoll set
	output=$(jq -sc '[.[] | select(.type == "end") | [.device, .verdict]]' reopened.jsonl)
	json '. == [["vsock", "works"], ["vsock.2", "works"]]'
	output=$(tail -n 1 kvmtool-2021.jsonl)
	json '.what_if | .verdict == "fails_start" and .signature == "used_ring_unmapped_at_start"'
	json '.features.would_send.hex == "0x200000002" and .unobserved.hex == "0x0"'
	grep -qxF "kvmtool-2021 1" out
	output=$(tail -n 1 passthrough-late.jsonl)
	json '.what_if.verdict == "stalls"'
	output=$(tail -n 1 crosvm.jsonl)
	json '.what_if.verdict == "works" and .features.would_send.hex == "0x0"'
	grep -qxF "waiting 2" out
	grep -q "worker: a thread of the kernel" err
	grep -q "not looked at: kernel 5.10.*a58da53ffd70" err
}

started='net net-platform+all net-viommu+all vsock+all vsock-platform vsock-viommu'

# in_guest_with_qemu SCRIPT: the same where QEMU is, and `qemu DEVICE [OPTION...]` traces it
in_guest_with_qemu() {
	local file add=(--memory 1024 --add "$(type -P qemu-system-x86_64)")

	for file in /usr/lib/*/qemu/accel-tcg-x86_64.so; do # Debian's QEMU loads its TCG at run time
		[ ! -e "$file" ] || add+=(--add "$file")
	done
	in_guest "export QEMU_MODULE_DIR=/usr/bin
		$(<"$BATS_TEST_DIRNAME/qemu_start.sh")
		qemu() {
			qemu_start \$1 vhostcheck trace -q --clean -o \$1.jsonl --save-stack my-qemu-\$1.json \${*:2} --
			echo \"\$1 \$?\"
		}
		$1" "${add[@]}"
}

# started_and_work: each of them, and their policies say who they are
started_and_work() {
	for device in $started; do
		grep -qxF "$device 0" out
		while read -r output; do valid trace; done < <(sed -n '2p;$p' "$device.jsonl")
		output=$(jq -sc 'map(select(.type == "end" or .type == "judge")) | map(.verdict) | unique' "$device.jsonl")
		json '. == ["works"]'
		output=$(jq -c . "my-qemu-$device.json")
		json '.vmm == "qemu-system-x86_64" and
			(.guests[0] | .guest == (if .map == "none" then "plain" else "viommu" end))'
	done
}

@test "QEMU's devices, without bit 33, with it, and behind a virtual IOMMU; and VMMs that run" {
	series 6.12
	in_guest_with_qemu "qemu net; for device in ${started#net } net-platform+no33; do qemu \$device --what-if 35; done
		$(attached waiting-late) $(attached waiting) vhostcheck trace --attach \$\$"
	cp my-qemu-*.json "$BATS_FILE_TMPDIR"
	started_and_work
	# it masks bit 33 but behind an IOMMU, where it maps the used rings and answers misses
	output=$(jq -c '.guests[0]' my-qemu-vsock-platform.json)
	json '(.mask | index("VIRTIO_F_ACCESS_PLATFORM")) and .map == "none"'
	output=$(jq -c '.guests[0]' my-qemu-vsock-viommu.json)
	json '(.acks | index("VIRTIO_F_ACCESS_PLATFORM")) and .map == "used_rings" and .miss == "served"'
	# in the order of the policy, but for the call eventfds that are unmasked at the start
	"$VHOSTCHECK" explain --json qemu >qemu.json
	jq -e '.confidence == "run"' qemu.json
	for file in qemu.json my-qemu-vsock-viommu.json; do jq -c '.order | map(gsub("(?<=KICK) CALL"; ""))' "$file"; done >orders
	[ "$(uniq orders | wc -l)" -eq 1 ]
	# what its guest's driver gave up is not started, and makes no policy
	grep -qxF "net-platform+no33 3" out
	output=$(tail -n 1 net-platform+no33.jsonl)
	json '.verdict == "unknown"'

	grep -qxF "waiting-late 1" out
	grep -qxF "waiting 0" out
	text=$(tr -s ' \n' ' ' <err)
	[[ $text == *"vsock open as descriptor 3; worker: a thread of its own"* ]]
	[[ $text == *"vsock: stalls, miss_unanswered A VHOST_IOTLB_MISS"*"vsock: unknown No miss waits."* ]]
	[[ $text == *"has no vhost device open"* ]]
}

@test "QEMU's devices on a second kernel: the same verdicts, orders and guests" {
	series 6.1
	in_guest_with_qemu "for device in $started; do qemu \$device; done"
	started_and_work
	for device in $started; do
		for file in "$BATS_FILE_TMPDIR" .; do
			jq -c '[.order, (.guests[0] | .guest, .map, .miss)]' "$file/my-qemu-$device.json"
		done | uniq | wc -l
	done >counts
	[ "$(sort -u counts)" = 1 ]
}

@test "what was saved says the same on other kernels, and unknown where more is offered than was seen" {
	series 6.12
	play "$BATS_FILE_TMPDIR"/new/my-*.json
	played fails_start fails_start works stalls
	series 6.18
	play "$BATS_FILE_TMPDIR"/new/my-*.json "$BATS_FILE_TMPDIR"/my-qemu-*.json
	played fails_start fails_start works stalls unknown works works works works works
	json '.[] | select(.stack == "my-qemu-net") | .reason.text | contains("--what-if 35")'
	series 6.1
	play "$BATS_FILE_TMPDIR"/old/my-*.json "$BATS_FILE_TMPDIR"/my-qemu-*.json
	told 2 'my-' "$("$VHOSTCHECK" convert - --to text <<<"$output")"
	played works unknown fails_start works works works works works works fails_start
	json '.[] | select(.stack == "my-crosvm-2022") | .reason.text | contains("--what-if 1,33")'
}
