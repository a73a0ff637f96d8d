/* SPDX-License-Identifier: MIT */
/* Area iotlb: start, transfers over a static map and one per buffer, late switch-on. */
#include "checks/iotlb_start.h"
#include "checks/shadow.h"

static int collect_start_unmapped(struct session *s)
{
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r < 0)
		return r;
	(void)session_running(s, "start", 1);
	(void)session_read_miss(s, "start", NULL);
	(void)session_read_miss(s, "queue", NULL);
	session_note_eventfds(s, "start", QUEUE_RX);
	return 0;
}

static void judge_start_unmapped(struct judge *j)
{
	judge_ok(j, "setup.features");
	judge_errno(j, "start", EFAULT);
	judge_miss(j, "start", "rx.used+0x0", EV_PERM_NONE);
	judge_no_miss(j, "queue");
	judge_signalled(j, "start");
}

const struct check iotlb_start_unmapped = {
	.area = "iotlb",
	.name = "start_unmapped",
	.families = ON_BOTH,
	.title =
		"a start with bit 33 and no mapping is refused, and says what is missing",
	.contract =
		"With VIRTIO_F_ACCESS_PLATFORM set and no used ring mapped the start call "
		"gives EFAULT, one miss names the used ring, and the error eventfd is "
		"signalled; how often is left open.",
	.harm = "This is what hit crosvm in 2022. A VMM that passes the bit through without "
		"an IOTLB must at least be told; a start that succeeds here leaves the guest "
		"with a device that stalls, or one that ignores the confinement.",
	.judged =
		"Set up with bit 33, map nothing, start; then read the device twice and the "
		"error eventfd once.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_vq_init_access() in drivers/vhost/vhost.c",
		      "commit e13a6915a03f",
		      "lkml 20220805181105.GA29848@willie-the-truck", "crosvm 4e7d00be2"),
	.faults = WORDS("bit33_flipped", "start_forgiven", "miss_dropped", "error_silent",
			"miss_twice"),
	.collect = collect_start_unmapped,
	.judge = judge_start_unmapped,
};

static int collect_start_after(struct session *s)
{
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r < 0)
		return r;
	(void)session_running(s, "refused", 1);
	(void)session_read_miss(s, "refused", NULL);
	r = session_map_all(s, "map");
	if (r < 0)
		return r;
	(void)session_running(s, "start", 1);
	r = link_post_rx(&l);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_start_after(struct judge *j)
{
	judge_errno(j, "refused", EFAULT);
	judge_miss(j, "refused", "rx.used+0x0", EV_PERM_NONE);
	judge_both(j, SHORT_BYTES);
}

const struct check iotlb_start_after_mapping = {
	.area = "iotlb",
	.name = "start_after_mapping",
	.families = ON_BOTH,
	.title = "a refused start can be repeated once the rings are mapped",
	.contract = "After EFAULT from the start call, mapping memory and starting again "
		    "works; nothing of the failed start is left behind.",
	.harm = "A VMM that recovers from the error still has a dead device.",
	.judged =
		"Start unmapped, read the miss, map everything, start, transfer both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_start() in drivers/vhost/vsock.c",
		      "vhost_net_set_backend() in drivers/vhost/net.c"),
	.faults = WORDS("start_swallowed", "update_dropped", "miss_twice"),
	.collect = collect_start_after,
	.judge = judge_start_after,
};

static int collect_static(struct session *s)
{
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, TRANSFER_BYTES);
	if (r < 0)
		return r;
	(void)session_read_miss(s, "after", NULL);
	return 0;
}

static void judge_static(struct judge *j)
{
	judge_message(j, "map");
	judge_both(j, TRANSFER_BYTES);
	judge_no_miss(j, "after");
}

const struct check iotlb_static_map = {
	.area = "iotlb",
	.name = "static_map",
	.families = ON_BOTH,
	.title = "with everything mapped beforehand bytes move and nothing is missed",
	.contract =
		"Ring and buffer addresses are IOVAs; with mappings for all of them the "
		"device works as with the IOTLB off and reports no miss.",
	.harm = "No VMM can use the device behind a vIOMMU.",
	.judged =
		"All memory is mapped region by region at IOVAs that differ from guest and "
		"host addresses; 10000 bytes each way; no message at the end.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS(
		"vhost_process_iotlb_msg(), translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("update_dropped", "update_iova_flipped", "payload_flipped",
			"read_empty_zero", "never_missed_zero"),
	.collect = collect_static,
	.judge = judge_static,
};

static int collect_static_v2(struct session *s)
{
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r == 0)
		r = session_backend(s, "v2", BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2));
	if (r < 0)
		return r;
	s->msg_version = 2;
	(void)session_running(s, "refused", 1);
	(void)session_read_miss(s, "version", NULL);
	r = session_map_all(s, "map");
	if (r < 0)
		return r;
	(void)session_running(s, "start", 1);
	r = link_post_rx(&l);
	return r < 0 ? r : link_both_ways(&l, TRANSFER_BYTES);
}

static void judge_static_v2(struct judge *j)
{
	const struct ev *ev = NULL;

	judge_ok(j, "v2");
	judge_miss(j, "version", "rx.used+0x0", EV_PERM_NONE);
	ev = judge_need(j, EV_IOTLB, "version");
	if (ev)
		judge_that(j, ev->iotlb.version.set && ev->iotlb.version.v == 2,
			   "the miss came as a version %d message although version 2 was "
			   "agreed",
			   (int)ev->iotlb.version.v);
	judge_message(j, "map");
	judge_both(j, TRANSFER_BYTES);
}

const struct check iotlb_static_map_v2 = {
	.area = "iotlb",
	.name = "static_map_v2",
	.families = ON_BOTH,
	.title = "version 2 messages work both ways once agreed",
	.contract =
		"After VHOST_BACKEND_F_IOTLB_MSG_V2 was set, misses come as version 2 "
		"messages and version 2 updates are taken.",
	.harm = "QEMU, which agrees on version 2, cannot serve the device.",
	.judged =
		"The version of a miss is read; then all is mapped by version 2 messages "
		"and 10000 bytes move each way.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("VHOST_BACKEND_F_IOTLB_MSG_V2", "commit 429711aec282"),
	.faults = WORDS("set_backend_swallowed", "update_dropped", "miss_twice",
			"miss_version_1"),
	.collect = collect_static_v2,
	.judge = judge_static_v2,
};

static int collect_late(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	(void)session_features(s, "late", F_VERSION_1 | F_IOTLB);
	link_queue(&l);
	(void)session_stalled(s, "late", QUEUE_TX);
	return 0;
}

static void judge_late(struct judge *j)
{
	const struct ev *before = NULL;

	judge_both(j, SHORT_BYTES);
	judge_ok(j, "late");
	before = judge_need(j, EV_RING, "before");
	if (before)
		judge_moved(j, "late", (uint16_t)before->ring.used.v, 0);
	judge_errors(j, "late", 0);
}

const struct check iotlb_late_switch_on = {
	.area = "iotlb",
	.name = "late_switch_on",
	.families = ON_BOTH,
	.title = "bit 33 set on a running device stops it at once",
	.contract = "VHOST_SET_FEATURES with VIRTIO_F_ACCESS_PLATFORM is taken while the "
		    "device runs; from then on it touches no memory that is not mapped.",
	.harm = "This is the silent form of the 2022 failure: every call succeeds, no byte "
		"moves. Were the ring to move, the device would reach memory that it was not "
		"given.",
	.judged =
		"Bytes move with the IOTLB off; then bit 33, a packet, kick, flush: the "
		"indices must not move. Whether a miss is posted differs between kernels "
		"(7.2.7 and later drop the ring addresses instead) and decides nothing.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_init_device_iotlb() in drivers/vhost/vhost.c",
		      "lkml 20220807042408-mutt-send-email-mst@kernel.org"),
	.faults = WORDS("bit33_flipped", "late_bit33_ignored"),
	.collect = collect_late,
	.judge = judge_late,
};

/** ROUNDS - of a mapping for one packet */
#define ROUNDS 12u

/*
 * The driver keeps its transmit buffers in @home from now on, at the same IOVA. What lay
 * where they were is painted over: who still reads there is found out.
 */
static void move_buffers(struct session *s, struct mem_region home)
{
	struct mem_region *tx = &s->mem.region[MEM_TX_BUF];

	shadow_paint(s, MEM_TX_BUF);
	tx->offset = home.offset;
	tx->len = home.len;
}

static const char *round_step(struct arena *a, unsigned int i)
{
	const char *step = arena_printf(a, "tx %u", i);

	return step ? step : "tx";
}

static int collect_per_buffer(struct session *s)
{
	struct mem_region homes[2];
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	homes[0] = s->mem.region[MEM_TX_BUF];
	homes[1] = s->mem.region[MEM_SPARE];
	for (unsigned int i = 0; i < ROUNDS && r == 0; i++) {
		(void)session_unmap(s, "unmap", MEM_TX_BUF);
		move_buffers(s, homes[(i + 1) % 2]);
		r = session_map(s, "map", MEM_TX_BUF, VHOST_ACCESS_RW);
		if (r == 0)
			r = link_tx(&l, round_step(&s->arena, i), SHORT_BYTES);
	}
	move_buffers(s, homes[0]);
	return r;
}

static void judge_per_buffer(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	for (unsigned int i = 0; i < ROUNDS; i++)
		judge_bytes(j, round_step(j->arena, i), SHORT_BYTES);
}

const struct check iotlb_map_per_buffer = {
	.area = "iotlb",
	.name = "map_per_buffer",
	.families = ON_BOTH,
	.title = "an address leads to what was mapped there last",
	.contract =
		"Mapping and unmapping may go on for ever. An address that was unmapped and "
		"mapped anew leads to the new memory alone, at once and without a restart.",
	.harm = "A guest whose IOMMU driver maps each buffer, as Linux does by default, sends "
		"what its memory holds elsewhere: another process's bytes leave the machine.",
	.judged =
		"Twelve rounds of unmap, map and a packet: the IOVA of the transmit buffers "
		"leads to one place and another in turn, and what is left at the one before "
		"is painted over; the digest of each packet.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg(), translate_desc() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("map_stale", "invalidate_dropped"),
	.collect = collect_per_buffer,
	.judge = judge_per_buffer,
};
