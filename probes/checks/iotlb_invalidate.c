/* SPDX-License-Identifier: MIT */
/* Area iotlb: taking access away. */
#include "checks/iotlb_start.h"

/* Transfers, takes access away by @invalidate, and proves that the ring stands. */
static int collect_invalidate(struct session *s, struct iotlb_msg invalidate)
{
	struct link l;
	int r = iotlb_start_mapped(s, &l);

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
	.faults = WORDS("invalidate_dropped", "miss_dropped", "invalidate_keeps",
			"miss_buffer_lost", "miss_tx_lost"),
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
	.faults = WORDS("invalidate_dropped", "miss_ring_lost", "flush_zero_ignored"),
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
	.faults = WORDS("invalidate_dropped", "miss_ring_lost", "flush_max_ignored"),
	.collect = collect_all_max,
	.judge = judge_invalidate_all,
};
