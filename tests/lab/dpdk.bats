#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# ctest: FIXTURES_REQUIRED "kernels;unpacked"
# shellcheck disable=SC2016,SC2154 # scripts of the guest; bats sets output
# DPDK's virtio-user, its own driver on vhost-net and no guest's: traced on two kernels, and its
# policy played on two others beside the one of the library that was read from DPDK's source.
load ../helpers

setup() {
	need_unpacked TESTPMD DPDK_LIBRARIES
	cd "$BATS_TEST_TMPDIR" || return
}

# series NAME: image and modules of a kernel of LAB_KERNELS
series() {
	IFS=$'\t' read -r _ _ image modules < <(grep -E "^$1"$'\t' "$LAB_KERNELS") ||
		skip "the mirror has no kernel $1"
}

# testpmd STACK: traced in a guest, it sends a burst and ends: its input is empty. Makes dpdk.jsonl,
# STACK.json, and the file packets, which says how many came out of the tap.
testpmd() {
	local file add=()

	for file in "$VHOSTCHECK" "$(type -P bash)" "$(type -P chmod)" "$(type -P ip)" "$TESTPMD" \
		"$DPDK_LIBRARIES"/librte_{net_virtio,mempool_ring}.so.*.*; do
		add+=(--add "$file")
	done
	LD_LIBRARY_PATH=$DPDK_LIBRARIES "$VHOSTCHECK" vm --accel tcg --cpus 2 --memory 1024 \
		--modules "$modules" "${add[@]}" "$image" -- bash -ec 'cd /tmp
		chmod 755 / # or DPDK takes no driver from it
		ip tuntap add t0 mode tap vnet_hdr
		ip link set t0 up
		export LD_LIBRARY_PATH=$1
		for driver in /usr/bin/librte_*; do drivers+=(-d "$driver"); done
		vhostcheck trace -q --clean -o dpdk.jsonl --save-stack "$2.json" -- \
			dpdk-testpmd -l 0,1 --no-huge -m 192 --no-pci --no-shconf --no-telemetry "${drivers[@]}" \
			--vdev=virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=t0 -- \
			--forward-mode=txonly --txpkts=64 --auto-start --total-num-mbufs=8192 >/dev/null
		for file in dpdk.jsonl "$2.json"; do echo "=== $file"; echo "$(<$file)"; done
		echo === packets; echo "$(</sys/class/net/t0/statistics/rx_packets)"' \
		- "$DPDK_LIBRARIES" "$1" >out 2>err
	awk '/^=== / { file = $2; next } { print >file }' out
}

# seen STACK FEATURE...: what was traced is what the library says of DPDK, with these bits sent
seen() {
	while read -r output; do valid trace; done < <(sed -n '1p;2p;$p' dpdk.jsonl)
	output=$(tail -n 1 dpdk.jsonl)
	json '.type == "end" and .device == "net" and .verdict == "works" and .signature == null'
	[ "$(jq -r '.features.sent.names | join(" ")' <<<"$output")" = "${*:2}" ]
	[ "$(<packets)" -gt 0 ]
	"$VHOSTCHECK" explain --json dpdk-virtio-user >library.json
	[ "$(jq -c .order "$1.json")" = "$(jq -c .order library.json)" ]
	output=$(jq -c . "$1.json")
	json '.vmm == "dpdk-testpmd" and (.guests[0] | .guest == "plain" and .map == "none" and
		.miss == "unread" and (.mask | index("VIRTIO_F_ACCESS_PLATFORM")))'
}

@test "traced on a kernel with bit 33, and on one with VIRTIO_F_IN_ORDER, too" {
	series 6.1
	testpmd my-old
	seen my-old VIRTIO_NET_F_MRG_RXBUF VIRTIO_RING_F_INDIRECT_DESC VIRTIO_F_VERSION_1
	series 6.18
	testpmd my-new
	seen my-new VIRTIO_NET_F_MRG_RXBUF VIRTIO_RING_F_INDIRECT_DESC VIRTIO_F_VERSION_1 VIRTIO_F_IN_ORDER
	cp my-*.json "$BATS_FILE_TMPDIR"
}

# played VERDICT...: of the library's policy and of both on the kernel of series()
played() {
	"$VHOSTCHECK" vm --accel tcg --modules "$modules" --device net --check '*.node.present' \
		--stack "$BATS_FILE_TMPDIR/my-old.json" --stack "$BATS_FILE_TMPDIR/my-new.json" --json "$image" >report || [ $? -eq 2 ]
	verdicts=$(jq -c '[.stacks[] | {(.stack): {verdict, reason}}] | add |
		[."dpdk-virtio-user", ."my-new", ."my-old"]' report)
	echo "$verdicts"
	[ "$(jq -r 'map(.verdict) | join(" ")' <<<"$verdicts")" = "$*" ]
}

@test "played on other kernels: as the library's, and unknown where a bit is offered that was not seen" {
	series 5.10
	played works works works
	series newest
	played works works unknown
	[[ $verdicts == *"--what-if 35,40"* ]]
}
