/* SPDX-License-Identifier: MIT */
/* Area isolation: what was mapped once and is no more. */
#include "checks/iotlb_start.h"
#include "checks/shadow.h"

static const char *const buffers[] = { "rx.buf", "tx.buf", "indirect", "spare", NULL };

/* Bytes have moved, the worker is at rest, and where the rings stand is recorded. */
static int warm_up(struct session *s, struct link *l)
{
	int r = iotlb_start_warm(s, l);

	if (r < 0)
		return r;
	session_note_ring(s, "rx.before", QUEUE_RX);
	session_note_ring(s, "tx.before", QUEUE_TX);
	return 0;
}

static int collect_buffers(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = warm_up(s, &l);

	if (r == 0)
		r = session_unmap(s, "unmap.rx", MEM_RX_BUF);
	if (r == 0)
		r = session_unmap(s, "unmap.tx", MEM_TX_BUF);
	if (r < 0)
		return r;
	shadow_paint(s, MEM_RX_BUF);
	link_queue(&l);
	r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	(void)session_stalled(s, "tx", QUEUE_TX);
	session_drop_misses(s, "tx", mem_iova(MEM_TX_BUF, 0));
	note_outcome(s, "rx", link_rx(&l, "held", SHORT_BYTES));
	shadow_note_all(s, &sh, "after", MEM_RX_BUF, MEM_SPARE);
	return 0;
}

static void judge_buffers(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_message(j, "unmap.rx");
	judge_message(j, "unmap.tx");
	judge_still(j, "tx.before", "tx");
	judge_held(j, "rx");
	judge_still(j, "rx.before", "stall");
	judge_miss_in(j, "stall", "rx.buf");
	judge_untouched_each(j, "after", buffers);
}

const struct check isolation_invalidated_buffers = {
	.area = "isolation",
	.name = "invalidated_buffers",
	.families = ON_BOTH,
	.title = "buffers that were used and then invalidated are not touched again",
	.contract =
		"Once the write of VHOST_IOTLB_INVALIDATE returned, the device neither "
		"writes nor reads the memory that it stood for, however often it did "
		"before.",
	.harm = "A guest that took a page back for something else has it overwritten by "
		"what arrives later.",
	.judged = "Transfer, invalidate all buffers, then a packet to send and one to "
		  "receive: indices stand, a miss for the latter, whole pages compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg() in drivers/vhost/vhost.c"),
	.faults = WORDS("invalidate_dropped", "written_stays"),
	.collect = collect_buffers,
	.judge = judge_buffers,
};

static int collect_used(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = warm_up(s, &l);

	if (r == 0)
		r = session_unmap(s, "unmap.rx", MEM_RX_USED);
	if (r == 0)
		r = session_unmap(s, "unmap.tx", MEM_TX_USED);
	if (r < 0)
		return r;
	link_queue(&l);
	r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	(void)session_stalled(s, "tx", QUEUE_TX);
	session_drop_misses(s, "tx", mem_iova(MEM_TX_USED, 0));
	note_outcome(s, "rx", link_rx(&l, "held", SHORT_BYTES));
	shadow_note_all(s, &sh, "after", MEM_RX_DESC, MEM_SPARE);
	return 0;
}

static void judge_used(struct judge *j)
{
	static const char *const regions[] = { "rx.used", "tx.used", "rx.buf", NULL };

	judge_both(j, SHORT_BYTES);
	judge_message(j, "unmap.rx");
	judge_message(j, "unmap.tx");
	judge_miss(j, "tx", "tx.used+0x0", EV_PERM_WO);
	judge_still(j, "tx.before", "tx");
	judge_held(j, "rx");
	judge_miss(j, "stall", "rx.used+0x0", EV_PERM_WO);
	judge_still(j, "rx.before", "stall");
	judge_untouched_each(j, "after", regions);
	judge_untouched_each(j, "after", buffers);
}

const struct check isolation_invalidated_used_ring = {
	.area = "isolation",
	.name = "invalidated_used_ring",
	.families = ON_BOTH,
	.title = "a used ring that was invalidated is not written again",
	.contract =
		"Once the used ring's mapping was taken away the device reports it missing "
		"and writes no byte of it: no element, no index, no flag. It takes no head "
		"either, so that nothing is lost.",
	.harm = "The ring's page belongs to something else by now, which is overwritten with "
		"used elements.",
	.judged =
		"Transfer, invalidate both used rings, then a packet to send and one to "
		"receive: a miss of either ring, whole pages compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vq_meta_prefetch(), vhost_vq_meta_reset() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("invalidate_dropped", "used_ring_cached", "rx_used_ring_cached"),
	.collect = collect_used,
	.judge = judge_used,
};

/**
 * struct moved - a ring whose used ring is given another address, and the steps of it
 * @mapped, @readdress: of the address
 * @again:	of the start of a stopped ring
 * @before, @after: of a ring that runs
 */
struct moved {
	enum session_queue q;
	enum mem_region_id used;
	const char *mapped, *readdress, *again, *before, *after;
};

static const struct moved moved_rings[] = {
	{ QUEUE_TX, MEM_TX_USED, "second", "readdress", "again", "before", "after" },
	{ QUEUE_RX, MEM_RX_USED, "rx.second", "rx.readdress", "rx.again", "rx.before",
	  "rx.after" },
};

/* An IOVA without mapping that is as far from the ring's as the canary is from it. */
static uint64_t stale_address(const struct session *s, const struct moved *m)
{
	return mem_iova(m->used, 0) + mem_hva(&s->mem, MEM_SPARE, 0) -
	       mem_hva(&s->mem, m->used, 0);
}

/* Gives the ring that address, and lays the canary out. */
static int readdress(struct session *s, struct shadow *sh, const struct moved *m)
{
	struct session_ring_at at = session_ring_home(s, m->q);

	at.used = stale_address(s, m);
	(void)session_ring_addr(s, m->readdress, m->q, at);
	shadow_paint(s, MEM_SPARE);
	return shadow_take(s, sh);
}

/* Stopped, or by a start that had to be refused, running. */
static int start_readdressed(struct session *s, struct shadow *sh, const struct moved *m)
{
	int r = 0;

	(void)session_running(s, "stop", 0);
	r = readdress(s, sh, m);
	if (r < 0)
		return r;
	session_fact(s, m->again, "lacks", "0x%llx",
		     (unsigned long long)stale_address(s, m));
	(void)session_running(s, m->again, 1);
	(void)session_read_miss(s, m->again, NULL);
	session_drop_misses(s, m->again, stale_address(s, m));
	shadow_note(s, sh, m->after, MEM_SPARE);
	return 0;
}

static int collect_readdressed(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = warm_up(s, &l);

	if (r == 0)
		r = start_readdressed(s, &sh, &moved_rings[0]);
	if (r < 0)
		return r;
	(void)session_ring_addr(s, "home", moved_rings[0].q,
				session_ring_home(s, moved_rings[0].q));
	return start_readdressed(s, &sh, &moved_rings[1]);
}

static void judge_readdressed(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_ok(j, "stop");
	for (size_t i = 0; i < ARRAY_SIZE(moved_rings); i++) {
		const struct moved *m = &moved_rings[i];
		const char *lacks = judge_fact_value(j, m->again, "lacks");

		judge_ok(j, m->readdress);
		judge_untouched(j, m->after, "spare");
		judge_errno(j, m->again, EFAULT);
		judge_miss(j, m->again, lacks ? lacks : "?", EV_PERM_NONE);
	}
}

const struct check isolation_readdressed_ring = {
	.area = "isolation",
	.name = "readdressed_ring",
	.families = ON_BOTH,
	.title = "a ring at a new address is not reached through the old translation",
	.contract =
		"After VHOST_SET_VRING_ADDR with an address that is not mapped the start "
		"call gives EFAULT with a miss of it, and nothing is written; what the "
		"device knows of the ring's old place is not applied to the new one.",
	.harm = "A guest that chooses its ring's address makes the device write at any "
		"distance from the old ring: outside all memory that it was given.",
	.judged =
		"Transfer, stop, the used ring to an unmapped address that the old mapping, "
		"extended, would put onto a canary; start; the canary's pages compared. "
		"Once for transmit, once for receive.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_vring_num_addr(), vhost_vq_meta_fetch() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("used_ring_cached", "rx_used_ring_cached", "start_forgiven"),
	.collect = collect_readdressed,
	.judge = judge_readdressed,
};

static int map_second(struct session *s, const struct moved *m)
{
	return session_iotlb(s, m->mapped,
			     (struct iotlb_msg){
				     .iova = stale_address(s, m),
				     .size = s->mem.region[m->used].len,
				     .uaddr = mem_hva(&s->mem, m->used, 0),
				     .perm = VHOST_ACCESS_RW,
				     .type = VHOST_IOTLB_UPDATE,
			     });
}

/* A packet for the guest: the device has put it somewhere once it was flushed. */
static void send_back(struct link *l)
{
	struct peer_reply reply;
	int r = link_ask(l, &(struct peer_request){ .op = PEER_SEND,
						    .slot = l->slot,
						    .frame = SHORT_BYTES,
						    .len = SHORT_BYTES });

	if (r == 0)
		r = link_answer(l, &reply);
	if (r == 0)
		(void)session_barrier(l->s);
}

static int collect_remapped(struct session *s)
{
	const struct moved *tx = &moved_rings[0];
	const struct moved *rx = &moved_rings[1];
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r == 0)
		r = session_map_all(s, "map");
	/* mapped before the first transfer: a message would empty a cache */
	if (r == 0)
		r = map_second(s, tx);
	if (r == 0)
		r = map_second(s, rx);
	if (r == 0)
		r = link_start(&l);
	if (r == 0)
		r = iotlb_warm(&l);
	if (r < 0)
		return r;
	session_note_ring(s, tx->before, QUEUE_TX);
	r = readdress(s, &sh, tx);
	if (r < 0)
		return r;
	link_queue(&l);
	(void)session_stalled(s, tx->after, QUEUE_TX);
	shadow_note(s, &sh, tx->after, MEM_SPARE);
	session_note_ring(s, rx->before, QUEUE_RX);
	r = readdress(s, &sh, rx);
	if (r < 0)
		return r;
	send_back(&l);
	session_note_ring(s, rx->after, QUEUE_RX);
	shadow_note(s, &sh, rx->after, MEM_SPARE);
	return 0;
}

/* By one buffer or more: other frames may come to a tap. */
static void judge_received(struct judge *j, const struct moved *m)
{
	const struct ev *before = judge_need(j, EV_RING, m->before);
	const struct ev *after = judge_need(j, EV_RING, m->after);

	if (before && after)
		judge_that(j, after->ring.used.v != before->ring.used.v,
			   "%s ring: nothing was received into it at step \"%s\"",
			   after->ring.queue, m->after);
}

static void judge_remapped(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(moved_rings); i++) {
		judge_message(j, moved_rings[i].mapped);
		judge_ok(j, moved_rings[i].readdress);
		judge_untouched(j, moved_rings[i].after, "spare");
	}
	judge_went_on(j, "before", "after");
	judge_received(j, &moved_rings[1]);
}

const struct check isolation_remapped_ring = {
	.area = "isolation",
	.name = "remapped_ring",
	.families = ON_BOTH,
	.title = "a running ring at a new, mapped address is used there at once",
	.contract =
		"VHOST_SET_VRING_ADDR of a running device with an IOTLB takes effect with the "
		"next head: the ring is found by the mappings of its new address, and no byte "
		"is read or written by those of the old one.",
	.harm = "The device writes its used ring at any distance from the old one, outside "
		"all memory that it was given, and the guest waits for it.",
	.judged =
		"The used ring is mapped at a second address, and bytes go both ways. It is "
		"given that address, which the old mapping, extended, would put onto a "
		"canary: a packet, kick, flush; one element further, the canary's pages "
		"compared. Then the same with the receive ring and a packet for the guest.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_vring_num_addr(), vhost_vq_meta_fetch() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("used_ring_cached", "rx_used_ring_cached"),
	.collect = collect_remapped,
	.judge = judge_remapped,
};

/* Takes bit 33 back on the device that has it, after all mappings were taken away. */
static int switch_off(struct link *l, struct shadow *sh)
{
	struct session *s = l->s;
	int r = 0;

	(void)session_running(s, "stop", 0);
	(void)session_iotlb(
		s, "invalidate",
		(struct iotlb_msg){ .size = UINT64_MAX, .type = VHOST_IOTLB_INVALIDATE });
	(void)session_features(s, "off", F_VERSION_1);
	s->addresses = ADDRESSES_PHYSICAL;
	(void)session_ring_addr(s, "off.rx", QUEUE_RX, session_ring_home(s, QUEUE_RX));
	(void)session_ring_addr(s, "off.tx", QUEUE_TX, session_ring_home(s, QUEUE_TX));
	s->addresses = ADDRESSES_IOVA;
	link_queue(l);
	r = shadow_take(s, sh);
	if (r < 0)
		return r;
	(void)session_running(s, "off.start", 1);
	(void)session_stalled(s, "off", QUEUE_TX);
	shadow_note_all(s, sh, "off", MEM_RX_BUF, MEM_SPARE);
	return 0;
}

/* The same on a device that never had bit 33. */
static int without_bit(struct link *l, struct shadow *sh)
{
	struct session *s = l->s;
	int r = 0;

	session_close(s);
	s->addresses = ADDRESSES_AS_ARMED;
	r = link_open(l, s, &plain_start);
	if (r == 0)
		r = session_running(s, "fresh", 1);
	s->addresses = ADDRESSES_IOVA;
	if (r >= 0)
		r = link_post_rx(l);
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	link_queue(l);
	r = shadow_take(s, sh);
	if (r < 0)
		return r;
	(void)session_stalled(s, "tx", QUEUE_TX);
	note_outcome(s, "rx", arrive(l));
	shadow_note_all(s, sh, "after", MEM_RX_BUF, MEM_SPARE);
	return 0;
}

static int collect_switched_off(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = warm_up(s, &l);

	if (r < 0)
		return r;
	shadow_paint(s, MEM_RX_BUF);
	r = switch_off(&l, &sh);
	return r < 0 ? r : without_bit(&l, &sh);
}

static void judge_switched_off(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_message(j, "invalidate");
	judge_ok(j, "off");
	judge_still(j, "tx.before", "off");
	judge_untouched_each(j, "off", buffers);
	judge_ok(j, "fresh");
	judge_moved(j, "tx", 0, 0);
	judge_signalled(j, "tx");
	judge_held(j, "rx");
	judge_moved(j, "stall", 0, 0);
	judge_untouched_each(j, "after", buffers);
}

const struct check isolation_switched_off = {
	.area = "isolation",
	.name = "switched_off",
	.families = ON_BOTH,
	.title = "with the IOTLB off an I/O virtual address leads nowhere",
	.contract =
		"A device without VIRTIO_F_ACCESS_PLATFORM takes addresses of buffers by "
		"the memory table alone: what a device before it had mapped there is not "
		"honoured, a buffer outside the table is an error. On a device from which "
		"the bit was taken back, after all was invalidated, nothing moves either.",
	.harm = "Mappings of a guest that was reset are open to the next one.",
	.judged =
		"Transfer with the IOTLB, invalidate all, take bit 33 back, buffers at "
		"their old IOVAs; then the same on a fresh descriptor without the bit. "
		"Indices stand, whole pages compared. Whether the start after the bit was "
		"taken back succeeds differs (before 7.2.7 the IOTLB stays on) and decides "
		"nothing.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS(
		"vhost_clear_device_iotlb(), vhost_dev_cleanup(), translate_desc() in "
		"drivers/vhost/vhost.c"),
	.faults = WORDS("iotlb_outlives_close", "error_silent"),
	.collect = collect_switched_off,
	.judge = judge_switched_off,
};
