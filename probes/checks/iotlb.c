/* SPDX-License-Identifier: MIT */
/* Area iotlb: what bit 33, VIRTIO_F_ACCESS_PLATFORM, switches on. */
#include <string.h>

#include "checks/rows.h"

/* Opens and sets up with the IOTLB armed; nothing is mapped, nothing runs. */
static int set_up(struct session *s, struct link *l)
{
	const struct session_config c = { .features = F_VERSION_1 | F_IOTLB };

	return link_prepare(l, s, &c);
}

static int start_mapped(struct session *s, struct link *l)
{
	int r = set_up(s, l);

	if (r == 0)
		r = session_map_all(s, "map");
	return r < 0 ? r : link_start(l);
}

static int map_used_rings(struct session *s)
{
	int r = session_map(s, "map.rx", MEM_RX_USED, VHOST_ACCESS_RW);

	return r < 0 ? r : session_map(s, "map.tx", MEM_TX_USED, VHOST_ACCESS_RW);
}

static int collect_start_unmapped(struct session *s)
{
	struct link l;
	int r = set_up(s, &l);

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
	judge_errors(j, "start", 1);
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
		"signalled once.",
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
	.faults = WORDS("bit33_flipped", "start_forgiven", "miss_dropped"),
	.collect = collect_start_unmapped,
	.judge = judge_start_unmapped,
};

static int collect_start_after(struct session *s)
{
	struct link l;
	int r = set_up(s, &l);

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
	.faults = WORDS("start_swallowed", "update_dropped"),
	.collect = collect_start_after,
	.judge = judge_start_after,
};

static int collect_static(struct session *s)
{
	struct link l;
	int r = start_mapped(s, &l);

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
	.faults = WORDS("update_dropped", "update_iova_flipped", "payload_flipped"),
	.collect = collect_static,
	.judge = judge_static,
};

static int collect_static_v2(struct session *s)
{
	struct link l;
	int r = set_up(s, &l);

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
	.faults = WORDS("set_backend_swallowed", "update_dropped"),
	.collect = collect_static_v2,
	.judge = judge_static_v2,
};

static int collect_miss_driven(struct session *s)
{
	struct link l;
	int r = set_up(s, &l);

	if (r == 0)
		r = map_used_rings(s);
	if (r < 0)
		return r;
	l.serve = true;
	(void)session_running(s, "start", 1);
	r = link_post_rx(&l);
	return r < 0 ? r : link_both_ways(&l, TRANSFER_BYTES);
}

static void judge_miss_driven(struct judge *j)
{
	const struct ev *ev = NULL;
	size_t misses = 0;

	judge_both(j, TRANSFER_BYTES);
	while ((ev = ev_find_next(j->evidence, ev, EV_IOTLB, "miss")))
		misses += ev->iotlb.way == EV_RECEIVED && ev->iotlb.msg == EV_MISS;
	judge_that(
		j, misses > 0,
		"bytes moved although buffers were never mapped and no miss was reported");
}

const struct check iotlb_miss_driven = {
	.area = "iotlb",
	.name = "miss_driven",
	.families = ON_BOTH,
	.title = "a device that is mapped by answering its misses works",
	.contract =
		"With only the used rings mapped at the start, the device reports what "
		"it lacks, and goes on when it was given it, until all payload moved.",
	.harm = "A vIOMMU guest stalls at the first buffer that is not mapped yet.",
	.judged =
		"Every miss is answered with the region it is in; 10000 bytes each way, at "
		"least one miss.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS(
		"vhost_iotlb_miss(), vhost_iotlb_notify_vq() in drivers/vhost/vhost.c"),
	.faults = WORDS("miss_dropped", "miss_iova_flipped"),
	.collect = collect_miss_driven,
	.judge = judge_miss_driven,
};

/*
 * Takes the mapping of @id away, publishes a packet and proves the stall as step
 * @step; then maps it again and flushes, so that the packet goes out.
 */
static int miss_of(struct link *l, const char *step, enum mem_region_id id)
{
	struct session *s = l->s;
	struct ring_used used = { 0 };
	const char *again = arena_printf(&s->arena, "%s.mapped", step);
	int r = session_unmap(s, step, id);

	if (r < 0)
		return r;
	link_queue(l);
	(void)session_stalled(s, step, QUEUE_TX);
	r = session_map(s, again ? again : step, id, VHOST_ACCESS_RW);
	if (r == 0)
		r = session_barrier(s);
	session_note_ring(s, again ? again : step, QUEUE_TX);
	(void)ring_take(&s->ring[QUEUE_TX], &used);
	return r;
}

static int collect_names_address(struct session *s)
{
	struct link l;
	int r = start_mapped(s, &l);

	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = miss_of(&l, "desc", MEM_TX_DESC);
	if (r == 0)
		r = miss_of(&l, "avail", MEM_TX_AVAIL);
	if (r == 0)
		r = miss_of(&l, "used", MEM_TX_USED);
	return r < 0 ? r : miss_of(&l, "buf", MEM_TX_BUF);
}

static void judge_names_address(struct judge *j)
{
	judge_ok(j, "start");
	judge_miss(j, "desc", "tx.desc+0x0", EV_PERM_RO);
	judge_miss(j, "avail", "tx.avail+0x0", EV_PERM_RO);
	judge_miss(j, "used", "tx.used+0x0", EV_PERM_WO);
	judge_miss(j, "buf", "tx.buf+0x0", EV_PERM_RO);
}

const struct check iotlb_miss_names_address = {
	.area = "iotlb",
	.name = "miss_names_address",
	.families = ON_BOTH,
	.title = "a miss names the address and the access that the device lacks",
	.contract =
		"For each part of a ring and for a buffer without mapping, the device "
		"reports one miss with the first missing IOVA and the access it wants, "
		"after one kick and one flush of its worker.",
	.harm = "A VMM maps the wrong page, or grants more than was asked for, or waits for a "
		"message that never comes.",
	.judged =
		"Descriptor table, avail ring, used ring and buffer lose their mapping in "
		"turn; kick, flush, one read each.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vq_meta_prefetch(), translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("miss_dropped", "miss_iova_flipped", "miss_perm_flipped"),
	.collect = collect_names_address,
	.judge = judge_names_address,
};

static int collect_resumes(struct session *s)
{
	struct link l;
	int r = start_mapped(s, &l);

	if (r == 0)
		r = link_connect(&l);
	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	return miss_of(&l, "buf", MEM_TX_BUF);
}

static void judge_resumes(struct judge *j)
{
	const struct ev *before = NULL;
	uint16_t used = 0;

	judge_ok(j, "start");
	judge_miss(j, "buf", "tx.buf+0x0", EV_PERM_RO);
	judge_message(j, "buf.mapped");
	before = judge_need(j, EV_RING, "before");
	if (!before)
		return;
	used = (uint16_t)before->ring.used.v;
	judge_moved(j, "buf", used, 0);
	judge_moved(j, "buf.mapped", used, 1);
}

const struct check iotlb_miss_resumes = {
	.area = "iotlb",
	.name = "miss_resumes",
	.families = ON_BOTH,
	.title = "answering a miss resumes the ring without another kick",
	.contract =
		"A head that waits for a miss is not consumed; an update that covers a "
		"miss that was read makes the device go on by itself.",
	.harm = "The guest kicked once and will not again: the queue is dead although the "
		"VMM served the miss.",
	.judged = "Indices before, during the miss (unmoved) and after the update (one "
		  "further), with no kick in between.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_notify_vq() in drivers/vhost/vhost.c"),
	.faults = WORDS("update_dropped", "miss_dropped"),
	.collect = collect_resumes,
	.judge = judge_resumes,
};

/* On a device of its own: some kernels report a missing ring once until it is mapped. */
static int padding_of(struct session *s, const char *step, bool v2)
{
	struct link l;
	struct iotlb_msg msg = { 0 };
	int r = set_up(s, &l);

	if (r == 0 && v2)
		r = session_backend(s, "agree", BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2));
	if (r < 0)
		return r;
	(void)session_running(s, step, 1);
	if (session_read_miss(s, step, &msg) == 1)
		session_fact(s, step, "size_uaddr", "0x%llx 0x%llx",
			     (unsigned long long)msg.size, (unsigned long long)msg.uaddr);
	session_close(s);
	s->seam->peer->ops->stop(s->seam->peer);
	return 0;
}

static int collect_padding(struct session *s)
{
	int r = padding_of(s, "v1", false);

	return r < 0 ? r : padding_of(s, "v2", true);
}

static void judge_padding(struct judge *j)
{
	static const char *const steps[] = { "v1", "v2" };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const char *padding = judge_fact_value(j, steps[i], "padding");

		judge_miss(j, steps[i], "rx.used+0x0", EV_PERM_NONE);
		judge_fact(j, steps[i], "size_uaddr", "0x0 0x0");
		judge_that(
			j, !padding,
			"a %s message carries bytes of the kernel's memory in its padding "
			"(CVE-2024-0340)",
			steps[i]);
	}
}

const struct check iotlb_miss_padding = {
	.area = "iotlb",
	.name = "miss_padding",
	.families = ON_BOTH,
	.title = "a miss carries nothing but its fields",
	.contract = "Size, host address and all padding of a miss are zero.",
	.harm = "Kernel memory leaks to whoever reads the device (CVE-2024-0340).",
	.judged = "All 72 bytes of a miss in either version are compared with what its "
		  "fields account for.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("CVE-2024-0340", "commit 4d8df0f5f79f",
		      "vhost_new_msg() in drivers/vhost/vhost.c"),
	.faults = WORDS("miss_padding_flipped"),
	.collect = collect_padding,
	.judge = judge_padding,
};

static int collect_read_empty(struct session *s)
{
	struct link l;
	int r = start_mapped(s, &l);

	if (r < 0)
		return r;
	(void)session_read_miss(s, "empty", NULL);
	r = link_both_ways(&l, SHORT_BYTES);
	if (r < 0)
		return r;
	(void)session_read_miss(s, "still_empty", NULL);
	return 0;
}

static void judge_read_empty(struct judge *j)
{
	judge_ok(j, "start");
	judge_no_miss(j, "empty");
	judge_bytes(j, "tx", SHORT_BYTES);
	judge_no_miss(j, "still_empty");
}

const struct check iotlb_read_empty = {
	.area = "iotlb",
	.name = "read_empty",
	.families = ON_BOTH,
	.title = "reading a device without a miss gives EAGAIN",
	.contract = "A non-blocking read of a device that lacks no mapping gives EAGAIN, "
		    "before and after traffic.",
	.harm = "A VMM's main loop spins, or hangs in read(2).",
	.judged = "Two reads, the second after a transfer both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_chr_read_iter() in drivers/vhost/vhost.c"),
	.faults = WORDS("read_empty_zero"),
	.collect = collect_read_empty,
	.judge = judge_read_empty,
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
	.faults = WORDS("bit33_flipped"),
	.collect = collect_late,
	.judge = judge_late,
};

/* Transfers, takes access away by @invalidate, and proves that the ring stands. */
static int collect_invalidate(struct session *s, struct iotlb_msg invalidate)
{
	struct link l;
	int r = start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	/* the rx handler, kicked for its last buffer, must not be the one that misses */
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	(void)session_iotlb(s, "invalidate", invalidate);
	link_queue(&l);
	(void)session_stalled(s, "after", QUEUE_TX);
	return 0;
}

static void judge_invalidate(struct judge *j, const char *iova)
{
	const struct ev *sent = NULL;
	const struct ev *before = NULL;
	const struct ev *after = NULL;

	judge_both(j, SHORT_BYTES);
	sent = judge_need(j, EV_IOTLB, "invalidate");
	before = judge_need(j, EV_RING, "before");
	after = judge_need(j, EV_RING, "after");
	if (!sent || !before || !after)
		return;
	judge_that(
		j, after->ring.used.set && after->ring.used.v == before->ring.used.v,
		"the device went on using its mappings after the invalidate, which it %s",
		sent->iotlb.err ? "refused" : "had taken");
	judge_moved(j, "after", (uint16_t)before->ring.used.v, 0);
	judge_miss(j, "after", iova, EV_PERM_RO);
}

static int collect_invalidate_stops(struct session *s)
{
	return collect_invalidate(s, (struct iotlb_msg){
					     .iova = mem_iova(MEM_TX_BUF, 0),
					     .size = (uint64_t)MEM_BUFS * MEM_PAGE,
					     .type = VHOST_IOTLB_INVALIDATE,
				     });
}

static void judge_invalidate_stops(struct judge *j)
{
	judge_message(j, "invalidate");
	judge_invalidate(j, "tx.buf+0x0");
}

const struct check iotlb_invalidate_stops = {
	.area = "iotlb",
	.name = "invalidate_stops",
	.families = ON_BOTH,
	.title = "after an invalidate the device no longer reaches the memory",
	.contract =
		"Once the write of VHOST_IOTLB_INVALIDATE returned, the device uses the "
		"mapping no more and reports a miss for it.",
	.harm = "A guest that unmapped a page has it read or written by the device: the "
		"vIOMMU protects nothing.",
	.judged =
		"Transfer, invalidate the transmit buffers, kick, flush: the indices stand "
		"and a miss names the buffer.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg() in drivers/vhost/vhost.c"),
	.faults = WORDS("invalidate_dropped", "miss_dropped"),
	.collect = collect_invalidate_stops,
	.judge = judge_invalidate_stops,
};

static int collect_all_zero(struct session *s)
{
	return collect_invalidate(s,
				  (struct iotlb_msg){ .type = VHOST_IOTLB_INVALIDATE });
}

static void judge_invalidate_all(struct judge *j)
{
	judge_invalidate(j, "tx.desc+0x0");
}

const struct check iotlb_invalidate_all_zero = {
	.area = "iotlb",
	.name = "invalidate_all_zero",
	.families = ON_BOTH,
	.title = "an invalidate of address 0 and size 0 ends all access",
	.contract = "VHOST_IOTLB_INVALIDATE with IOVA 0 and size 0, as some VMMs flush "
		    "everything, leaves the device without any mapping; a kernel that "
		    "refuses the form must not leave access open either.",
	.harm = "A VMM believes that it has taken all memory away, and the device goes on.",
	.judged =
		"Transfer, that message, kick, flush: the indices stand and a miss names "
		"the ring.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg() in drivers/vhost/vhost.c"),
	.faults = WORDS("invalidate_dropped"),
	.collect = collect_all_zero,
	.judge = judge_invalidate_all,
};

static int collect_all_max(struct session *s)
{
	return collect_invalidate(
		s,
		(struct iotlb_msg){ .size = UINT64_MAX, .type = VHOST_IOTLB_INVALIDATE });
}

const struct check iotlb_invalidate_all_max = {
	.area = "iotlb",
	.name = "invalidate_all_max",
	.families = ON_BOTH,
	.title = "an invalidate of the whole range ends all access",
	.contract =
		"VHOST_IOTLB_INVALIDATE with IOVA 0 and size 2^64 - 1 leaves the device "
		"without any mapping.",
	.harm = "A VMM believes that it has taken all memory away, and the device goes on.",
	.judged =
		"Transfer, that message, kick, flush: the indices stand and a miss names "
		"the ring.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg() in drivers/vhost/vhost.c"),
	.faults = WORDS("invalidate_dropped"),
	.collect = collect_all_max,
	.judge = judge_invalidate_all,
};

static int collect_permission(struct session *s)
{
	struct link l;
	int r = start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r == 0)
		r = session_unmap(s, "unmap", MEM_TX_BUF);
	if (r == 0)
		r = session_map(s, "write_only", MEM_TX_BUF, VHOST_ACCESS_WO);
	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	session_note_eventfds(s, "before", QUEUE_TX);
	link_queue(&l);
	(void)session_stalled(s, "after", QUEUE_TX);
	return 0;
}

static void judge_permission(struct judge *j)
{
	const struct ev *before = NULL;

	judge_both(j, SHORT_BYTES);
	judge_message(j, "write_only");
	judge_errors(j, "before", 0);
	before = judge_need(j, EV_RING, "before");
	if (before)
		judge_moved(j, "after", (uint16_t)before->ring.used.v, 0);
	judge_no_miss(j, "after");
	judge_errors(j, "after", 1);
}

const struct check iotlb_permission = {
	.area = "iotlb",
	.name = "permission",
	.families = ON_BOTH,
	.title = "a buffer mapped write-only is not read",
	.contract =
		"A transmit buffer whose mapping does not allow reading is not sent: the "
		"head is not consumed and the error eventfd is signalled; no miss is "
		"reported, since there is a mapping.",
	.harm = "The device sends memory that it was only allowed to write.",
	.judged =
		"The buffers are mapped anew write-only; kick, flush: indices stand, one "
		"error, no message.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("update_perm_flipped", "err_lost"),
	.collect = collect_permission,
	.judge = judge_permission,
};

static int collect_message_rules(struct session *s)
{
	unsigned char odd[IOTLB_MSG_BYTES] = { 9 };
	const struct iotlb_msg update = {
		.iova = mem_iova(MEM_SPARE, 0),
		.size = MEM_PAGE,
		.perm = VHOST_ACCESS_RW,
		.type = VHOST_IOTLB_UPDATE,
	};
	struct iotlb_msg msg = update;
	struct link l;
	int r = set_up(s, &l);

	if (r < 0)
		return r;
	msg.uaddr = mem_hva(&s->mem, MEM_SPARE, 0);
	(void)session_iotlb(s, "good", msg);
	msg.size = 0;
	(void)session_iotlb(s, "size_zero", msg);
	msg.size = MEM_PAGE;
	msg.iova = UINT64_MAX - 100;
	(void)session_iotlb(s, "wraps", msg);
	msg = update;
	msg.uaddr = UINT64_C(0xffff800000000000);
	(void)session_iotlb(s, "kernel_address", msg);
	msg = update;
	msg.type = VHOST_IOTLB_MISS;
	(void)session_iotlb(s, "wrong_way", msg);
	(void)session_write(s, "short", odd, 8);
	(void)session_write(s, "no_version", odd, sizeof(odd));
	return 0;
}

static void judge_message_rules(struct judge *j)
{
	judge_message(j, "good");
	judge_message_errno(j, "size_zero", EINVAL, EFAULT);
	judge_message_errno(j, "wraps", EFAULT, EINVAL);
	judge_message_errno(j, "kernel_address", EFAULT, EFAULT);
	judge_message_errno(j, "wrong_way", EFAULT, EFAULT);
	judge_errno(j, "short", EINVAL);
	judge_errno(j, "no_version", EINVAL);
}

const struct check iotlb_message_rules = {
	.area = "iotlb",
	.name = "message_rules",
	.families = ON_BOTH,
	.title = "IOTLB messages that make no sense are refused",
	.contract =
		"An update of size 0, one that wraps around, one of a kernel address, a "
		"message that only the kernel may send, a short one and one of no known "
		"version give EINVAL or EFAULT, and map nothing.",
	.harm = "The device is given memory that the VMM does not own, or the worker loops.",
	.judged =
		"One good update, then each bad message once. An update of address 0 and "
		"size 0 is never sent: unfixed kernels hang on it (e2ae38cf3d91).",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_chr_write_iter(), vhost_process_iotlb_msg() in "
		      "drivers/vhost/vhost.c",
		      "commit e2ae38cf3d91"),
	.faults = WORDS("message_errors_forgiven", "update_refused"),
	.collect = collect_message_rules,
	.judge = judge_message_rules,
};

static int collect_without(struct session *s)
{
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0)
		return r;
	(void)session_map(s, "update", MEM_RX_USED, VHOST_ACCESS_RW);
	(void)session_unmap(s, "invalidate", MEM_RX_USED);
	(void)session_running(s, "start", 1);
	return 0;
}

static void judge_without(struct judge *j)
{
	judge_message_errno(j, "update", EFAULT, EFAULT);
	judge_message_errno(j, "invalidate", EFAULT, EFAULT);
	judge_ok(j, "start");
}

const struct check iotlb_message_without = {
	.area = "iotlb",
	.name = "message_without",
	.families = ON_BOTH,
	.title = "without bit 33 IOTLB messages are refused and change nothing",
	.contract =
		"On a device that did not accept VIRTIO_F_ACCESS_PLATFORM updates and "
		"invalidates give EFAULT, and it starts on plain addresses.",
	.harm = "A VMM takes its messages for served and lets go of its own bookkeeping.",
	.judged = "Both messages, then a start with host addresses.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg() in drivers/vhost/vhost.c"),
	.faults = WORDS("message_errors_forgiven", "bit33_flipped"),
	.collect = collect_without,
	.judge = judge_without,
};
