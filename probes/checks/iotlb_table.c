/* SPDX-License-Identifier: MIT */
/* Area iotlb: the table of mappings: what is in it, and what takes it out. */
#include "checks/iotlb_start.h"
#include "checks/shadow.h"

/* A packet to send while the transmit buffers' mapping has been worked on. */
static int queue_held(struct link *l)
{
	struct session *s = l->s;

	session_note_ring(s, "before", QUEUE_TX);
	link_queue(l);
	(void)session_stalled(s, "after", QUEUE_TX);
	return 0;
}

static int collect_partial(struct session *s)
{
	struct link l;
	int r = iotlb_start_warm(s, &l);

	if (r < 0)
		return r;
	(void)session_iotlb(s, "invalidate",
			    (struct iotlb_msg){ .iova = mem_iova(MEM_TX_BUF, 0),
						.size = MEM_PAGE,
						.type = VHOST_IOTLB_INVALIDATE });
	return queue_held(&l);
}

static void judge_gone(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_message(j, "invalidate");
	judge_still(j, "before", "after");
}

const struct check iotlb_invalidate_partial = {
	.area = "iotlb",
	.name = "invalidate_partial",
	.families = ON_BOTH,
	.title = "an invalidate of a part of a mapping takes that part away",
	.contract =
		"After VHOST_IOTLB_INVALIDATE of one page out of a mapping of sixteen the "
		"device does not reach that page. Whether it reaches the others is left "
		"open: every kernel known drops the whole mapping.",
	.harm = "A guest that unmaps page by page what was mapped at once, as IOMMU drivers "
		"may, goes on being read.",
	.judged = "Transfer, invalidate the first page of the transmit buffers, kick, "
		  "flush: the indices stand.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_del_range() in drivers/vhost/iotlb.c"),
	.faults = WORDS("invalidate_dropped", "invalidate_exact"),
	.collect = collect_partial,
	.judge = judge_gone,
};

static int collect_duplicate(struct session *s)
{
	struct link l;
	int r = iotlb_start_warm(s, &l);

	if (r < 0)
		return r;
	(void)session_map(s, "same", MEM_TX_BUF, VHOST_ACCESS_RW);
	(void)session_iotlb(s, "part",
			    (struct iotlb_msg){ .iova = mem_iova(MEM_TX_BUF, 0),
						.size = MEM_PAGE,
						.uaddr = mem_hva(&s->mem, MEM_TX_BUF, 0),
						.perm = VHOST_ACCESS_RW,
						.type = VHOST_IOTLB_UPDATE });
	(void)session_unmap(s, "invalidate", MEM_TX_BUF);
	return queue_held(&l);
}

const struct check iotlb_duplicate_update = {
	.area = "iotlb",
	.name = "duplicate_update",
	.families = ON_BOTH,
	.title = "one invalidate takes away all that was mapped at an address",
	.contract =
		"However often an address was mapped, also when the ranges overlap in part, "
		"one VHOST_IOTLB_INVALIDATE of it leaves nothing. Whether a second update "
		"is taken, and which of two answers until then, is left open.",
	.harm = "A VMM that answers a miss twice cannot take the mapping back: the device "
		"keeps the second one.",
	.judged = "The transmit buffers are mapped a second time, and their first page a "
		  "third; one invalidate, kick, flush: the indices stand.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_add_range(), vhost_iotlb_del_range() in "
		      "drivers/vhost/iotlb.c"),
	.faults = WORDS("invalidate_dropped", "invalidate_one"),
	.collect = collect_duplicate,
	.judge = judge_gone,
};

/* One update that is not recorded: there are many. */
static int map_quietly(struct session *s, uint64_t iova, uint64_t uaddr, uint64_t size)
{
	const struct iotlb_msg msg = {
		.version = s->msg_version,
		.iova = iova,
		.size = size,
		.uaddr = uaddr,
		.perm = VHOST_ACCESS_RW,
		.type = VHOST_IOTLB_UPDATE,
	};
	unsigned char buf[IOTLB_MSG_BYTES];
	ssize_t n = 0;

	iotlb_encode(&msg, buf);
	s->calls++;
	n = s->seam->dev->ops->write(s->seam->dev, buf, sizeof(buf));
	return n < 0 ? (int)n : 0;
}

/* More than vhost's limit (max_iotlb_entries, 2048), below all regions' addresses. */
#define FILL_ENTRIES 2100u
#define FILL_IOVA UINT64_C(0x100000000)
#define FILL_STRIDE UINT64_C(0x10000)

static int collect_capacity(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	unsigned int taken = 0;
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r < 0)
		return r;
	shadow_paint(s, MEM_SPARE);
	r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	while (taken < FILL_ENTRIES &&
	       map_quietly(s, FILL_IOVA + taken * FILL_STRIDE,
			   mem_hva(&s->mem, MEM_SPARE, 0), MEM_PAGE) == 0)
		taken++;
	session_fact(s, "fill", "updates taken", "%u", taken);
	l.serve = true;
	r = link_both_ways(&l, SHORT_BYTES);
	if (r == 0)
		shadow_note(s, &sh, "after", MEM_SPARE);
	return r;
}

static void judge_capacity(struct judge *j)
{
	judge_fact(j, "fill", "updates taken", "2100");
	judge_both(j, SHORT_BYTES);
	judge_untouched(j, "after", "spare");
}

const struct check iotlb_capacity = {
	.area = "iotlb",
	.name = "capacity",
	.families = ON_BOTH,
	.title = "a full table takes new mappings, and what it lost is missed again",
	.contract =
		"Updates beyond the limit of the table (max_iotlb_entries, 2048 by default) "
		"are taken. What the device lost for them it reports as a miss, and it goes "
		"on when that is answered; it uses no mapping in place of another.",
	.harm = "A guest with many small mappings ends with a dead device, or with bytes in "
		"the wrong page.",
	.judged =
		"All memory is mapped, then 2100 mappings of a canary page; then a transfer "
		"both ways with every miss answered; the canary compared.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_add_range_ctx() in drivers/vhost/iotlb.c",
		      "max_iotlb_entries in drivers/vhost/vhost.c"),
	.faults = WORDS("table_full"),
	.collect = collect_capacity,
	.judge = judge_capacity,
};

static int collect_rearm(struct session *s)
{
	struct link l;
	int r = iotlb_start_warm(s, &l);

	if (r < 0)
		return r;
	(void)session_features(s, "again", F_VERSION_1 | F_IOTLB);
	(void)queue_held(&l);
	r = session_map_all(s, "remap");
	if (r == 0)
		r = session_kick(s, QUEUE_TX);
	if (r == 0)
		r = session_barrier(s);
	session_note_ring(s, "remapped", QUEUE_TX);
	return r;
}

static void judge_rearm(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_ok(j, "again");
	judge_still(j, "before", "after");
	judge_message(j, "remap");
	judge_went_on(j, "before", "remapped");
}

const struct check iotlb_rearm_empties = {
	.area = "iotlb",
	.name = "rearm_empties",
	.families = ON_BOTH,
	.title = "setting bit 33 once more begins with an empty table",
	.contract =
		"VHOST_SET_FEATURES with VIRTIO_F_ACCESS_PLATFORM on a device that has it "
		"takes all mappings away; mapped anew, the device goes on where it was.",
	.harm = "A VMM whose guest negotiates again after a reset leaves the mappings of "
		"the guest before in place.",
	.judged = "Transfer, the features once more, a packet, kick, flush: the indices "
		  "stand. All is mapped, kick: it goes out.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_init_device_iotlb() in drivers/vhost/vhost.c"),
	.faults = WORDS("rearm_keeps"),
	.collect = collect_rearm,
	.judge = judge_rearm,
};

static int collect_restart(struct session *s)
{
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r < 0)
		return r;
	(void)session_running(s, "stop", 0);
	(void)session_running(s, "again", 1);
	r = link_tx(&l, "more.tx", SHORT_BYTES);
	return r < 0 ? r : link_rx(&l, "more.rx", SHORT_BYTES);
}

static void judge_restart(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_ok(j, "stop");
	judge_ok(j, "again");
	judge_bytes(j, "more.tx", SHORT_BYTES);
	judge_bytes(j, "more.rx", SHORT_BYTES);
}

const struct check iotlb_restart_keeps = {
	.area = "iotlb",
	.name = "restart_keeps",
	.families = ON_BOTH,
	.title = "a stop and a start leave the mappings in place",
	.contract = "Mappings belong to the device, not to a run of it: after stop and "
		    "start bytes move without any IOTLB message.",
	.harm = "A VMM that pauses its guest has to guess what to map again, and stalls.",
	.judged = "Transfer, stop, start, transfer.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_stop() in drivers/vhost/vsock.c",
		      "vhost_net_set_backend() in drivers/vhost/net.c"),
	.faults = WORDS("stop_forgets"),
	.collect = collect_restart,
	.judge = judge_restart,
};

/* Bytes of a piece: a table of 16 descriptors lies in two, one of them across. */
#define PIECE 200u

/* Maps a region in pieces that follow one another; how many were taken. */
static void map_pieces(struct session *s, enum mem_region_id id)
{
	uint64_t len = s->mem.region[id].len;
	unsigned int taken = 0;

	for (uint64_t at = 0; at < len; at += PIECE)
		taken += map_quietly(s, mem_iova(id, at), mem_hva(&s->mem, id, at),
				     len - at < PIECE ? len - at : PIECE) == 0;
	session_fact(s, "pieces", s->mem.region[id].name, "%u", taken);
}

static int collect_across(struct session *s)
{
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r < 0)
		return r;
	for (int id = MEM_RX_DESC; id < MEM_SPARE; id++)
		map_pieces(s, (enum mem_region_id)id);
	r = link_start(&l);
	return r < 0 ? r : link_both_ways(&l, TRANSFER_BYTES);
}

static void judge_across(struct judge *j)
{
	judge_fact(j, "pieces", "rx.buf", "328");
	judge_both(j, TRANSFER_BYTES);
}

const struct check iotlb_entries_across = {
	.area = "iotlb",
	.name = "entries_across",
	.families = ON_BOTH,
	.title = "a buffer or a ring may lie in several mappings",
	.contract =
		"Mappings may have any size and begin anywhere. What lies across several "
		"that follow one another, a ring or a buffer, is used as if they were one.",
	.harm = "A guest whose pages are not contiguous for the host, as with any IOMMU, "
		"stalls or loses bytes.",
	.judged = "All memory is mapped in pieces of 200 bytes; 10000 bytes each way.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("translate_desc(), iotlb_access_ok() in drivers/vhost/vhost.c"),
	.faults = WORDS("one_entry"),
	.collect = collect_across,
	.judge = judge_across,
};
