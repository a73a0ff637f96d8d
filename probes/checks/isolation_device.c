/* SPDX-License-Identifier: MIT */
/* Area isolation: what is nobody's to touch with the IOTLB off, and other devices. */
#include <endian.h>

#include "checks/iotlb_start.h"
#include "checks/shadow.h"

static const char *const buffers[] = { "rx.buf", "tx.buf", "indirect", "spare", NULL };

/** struct outside - a guest-physical address that is not, or not all, in the table */
struct outside {
	const char *step, *rx;
	uint64_t addr;
};

/* A buffer there for each ring of a device of its own: what is wrong wedges a ring. */
static int outside_of(struct session *s, const struct outside *o)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct ring *rx = &s->ring[QUEUE_RX];
	struct ring *tx = &s->ring[QUEUE_TX];
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0)
		return r;
	shadow_paint(s, MEM_SPARE);
	r = session_running(s, "start", 1);
	if (r < 0)
		return r;
	/* kicks of the device before are still counted in the eventfd */
	r = session_barrier(s);
	if (r < 0)
		return r;
	ring_desc(rx, 0, o->addr, MEM_PAGE, RING_WRITE, 0);
	ring_avail_put(rx, 0);
	ring_publish(rx);
	ring_desc(tx, 0, o->addr, MEM_PAGE, 0, 0);
	ring_avail_put(tx, 0);
	ring_publish(tx);
	r = session_kick(s, QUEUE_RX);
	if (r == 0)
		r = session_barrier(s);
	if (r == 0)
		r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	(void)session_stalled(s, o->step, QUEUE_TX);
	note_outcome(s, o->rx, arrive(&l));
	session_note_ring(s, o->rx, QUEUE_RX);
	shadow_note_all(s, &sh, o->rx, MEM_RX_BUF, MEM_SPARE);
	session_close(s);
	s->seam->peer->ops->stop(s->seam->peer);
	return 0;
}

static int collect_outside(struct session *s)
{
	int r = outside_of(s, &(struct outside){ "zero", "zero.rx", 0 });

	if (r == 0)
		r = outside_of(s, &(struct outside){ "before", "before.rx",
						     MEM_GPA - MEM_PAGE });
	if (r == 0)
		r = outside_of(
			s, &(struct outside){ "past", "past.rx", MEM_GPA + s->mem.len });
	return r < 0 ? r
		     : outside_of(s, &(struct outside){ "across", "across.rx",
							MEM_GPA + s->mem.len - MEM_PAGE +
								1 });
}

static void judge_outside(struct judge *j)
{
	static const struct {
		const char *tx, *rx;
	} steps[] = {
		{ "zero", "zero.rx" },
		{ "before", "before.rx" },
		{ "past", "past.rx" },
		{ "across", "across.rx" },
	};

	judge_ok(j, "start");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		judge_moved(j, steps[i].tx, 0, 0);
		judge_signalled(j, steps[i].tx);
		judge_held(j, steps[i].rx);
		judge_moved(j, steps[i].rx, 0, 0);
		judge_untouched_each(j, steps[i].rx, buffers);
	}
}

const struct check isolation_outside_memory = {
	.area = "isolation",
	.name = "outside_memory",
	.families = ON_BOTH,
	.title = "a buffer outside the memory table is an error and is not touched",
	.contract =
		"With the IOTLB off a buffer at guest-physical address 0, before the first "
		"region, behind the last one, or one byte across its end is not used: the "
		"error eventfd is signalled, the head stays, and no byte of it is written, "
		"not of the part inside the table either.",
	.harm = "A guest reads and writes memory of the VMM that it was never given.",
	.judged =
		"Each address on a device of its own, a buffer to send and one to receive "
		"into: indices at 0, an error, whole pages compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("mapping_end_open", "error_silent"),
	.collect = collect_outside,
	.judge = judge_outside,
};

static int collect_other(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1 | F_IOTLB };
	struct session other;
	struct seam seam;
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r < 0)
		return r;
	session_twin(s, &other, &seam);
	r = session_open(&other);
	if (r == 0)
		r = session_setup(&other, &c);
	if (r == 0) {
		(void)session_running(&other, "other", 1);
		(void)session_read_miss(&other, "other", NULL);
		(void)session_iotlb(&other, "other.flush",
				    (struct iotlb_msg){ .size = UINT64_MAX,
							.type = VHOST_IOTLB_INVALIDATE });
		session_note_ring(s, "before", QUEUE_TX);
		link_queue(&l);
		(void)session_stalled(s, "after", QUEUE_TX);
	}
	session_done(&other);
	return r;
}

static void judge_other(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_errno(j, "other", EFAULT);
	judge_miss(j, "other", "rx.used+0x0", EV_PERM_NONE);
	judge_message(j, "other.flush");
	judge_went_on(j, "before", "after");
}

const struct check isolation_other_device = {
	.area = "isolation",
	.name = "other_device",
	.families = ON_BOTH,
	.title = "mappings of one device are not those of another",
	.contract =
		"What was mapped on one descriptor is missing on another one of the same "
		"process, and what is invalidated there stays mapped here.",
	.harm = "A VMM with two devices gives one of them the memory of the other, or stops "
		"both when it resets one.",
	.judged = "A device with all its memory mapped runs; a second one with the same "
		  "addresses starts (EFAULT, a miss of its ring) and invalidates "
		  "everything; the first one goes on.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg() in drivers/vhost/vhost.c"),
	.faults = WORDS("other_device_shares", "start_forgiven"),
	.collect = collect_other,
	.judge = judge_other,
};

/* Whether buffer @id holds anything but its canary from byte @from on. */
static bool tail_touched(const struct session *s, const struct shadow *sh, uint32_t id,
			 uint32_t from)
{
	const unsigned char *now = mem_ptr(&s->mem, MEM_RX_BUF, (uint64_t)id * MEM_PAGE);
	const unsigned char *then =
		sh->copy + s->mem.region[MEM_RX_BUF].offset + (size_t)id * MEM_PAGE;

	for (uint32_t at = from; at < MEM_PAGE; at++)
		if (now[at] != then[at])
			return true;
	return false;
}

/* Each buffer from the length that the device gave it on; all of one not used. */
static const char *tails(const struct session *s, const struct shadow *sh)
{
	const struct vring_used *used = mem_ptr(&s->mem, MEM_RX_USED, 0);
	uint16_t count = ring_used_idx(&s->ring[QUEUE_RX]);
	uint32_t len[MEM_BUFS] = { 0 };

	if (count > MEM_BUFS)
		return "not known: buffers were used twice";
	for (uint16_t i = 0; i < count; i++) {
		uint32_t id = le32toh(used->ring[i].id);

		if (id >= MEM_BUFS)
			return "not known: a used element names no buffer";
		len[id] = le32toh(used->ring[i].len);
	}
	for (uint32_t id = 0; id < MEM_BUFS; id++)
		if (tail_touched(s, sh, id, len[id]))
			return "touched behind the bytes received";
	return SHADOW_UNTOUCHED;
}

static int collect_tail(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0)
		return r;
	shadow_paint(s, MEM_RX_BUF);
	r = shadow_take(s, &sh);
	if (r == 0)
		r = link_start(&l);
	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r == 0)
		session_fact(s, "after", "rest of rx.buf", "%s", tails(s, &sh));
	return r;
}

static void judge_tail(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_fact(j, "after", "rest of rx.buf", SHADOW_UNTOUCHED);
}

const struct check isolation_receive_tail = {
	.area = "isolation",
	.name = "receive_tail",
	.families = ON_BOTH,
	.title = "of a receive buffer no more is written than the used length says",
	.contract =
		"The device writes the first bytes of a receive buffer, as many as the used "
		"element says, and none behind them; nothing of a buffer that it did not "
		"use.",
	.harm = "A driver keeps its own data behind what it expects, or hands out bytes of "
		"the host that it does not know to be there.",
	.judged =
		"Canaries in all receive buffers, a transfer, each buffer compared from "
		"its used length on.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.8.2",
		      "vhost_transport_do_send_pkt() in drivers/vhost/vsock.c",
		      "handle_rx() in drivers/vhost/net.c"),
	.faults = WORDS("receive_tail_written"),
	.collect = collect_tail,
	.judge = judge_tail,
};

static int collect_parts(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	link_queue(&l);
	r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	(void)session_stalled(s, "after", QUEUE_TX);
	shadow_note_all(s, &sh, "sent", MEM_RX_DESC, MEM_SPARE);
	r = shadow_take(s, &sh);
	if (r == 0)
		r = link_rx(&l, "more", SHORT_BYTES);
	if (r == 0)
		shadow_note_all(s, &sh, "received", MEM_RX_DESC, MEM_SPARE);
	return r;
}

static void judge_parts(struct judge *j)
{
	static const char *const sent[] = { "rx.desc", "rx.avail", "tx.desc", "tx.avail",
					    "tx.buf",  "indirect", "spare",   NULL };
	static const char *const received[] = { "rx.desc", "tx.desc", "tx.avail",
						"tx.used", "tx.buf",  "indirect",
						"spare",   NULL };

	judge_both(j, SHORT_BYTES);
	judge_went_on(j, "before", "after");
	judge_untouched_each(j, "sent", sent);
	judge_bytes(j, "more", SHORT_BYTES);
	judge_untouched_each(j, "received", received);
}

const struct check isolation_driver_parts = {
	.area = "isolation",
	.name = "driver_parts",
	.families = ON_BOTH,
	.title = "the device writes used rings and receive buffers and nothing else",
	.contract =
		"Descriptor tables, avail rings, transmit buffers, indirect tables and "
		"memory that no descriptor names are as the driver wrote them, whatever is "
		"sent or received.",
	.harm = "A driver that reads its own descriptors back, as Linux does, unmaps or "
		"frees the wrong memory.",
	.judged =
		"A packet sent and one received, all memory of the guest compared with a "
		"copy from before each; the used ring of the one and the buffers of the "
		"other set aside, and what the driver writes meanwhile.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.5, 2.7.6",
		      "vhost_get_vq_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("descriptor_written"),
	.collect = collect_parts,
	.judge = judge_parts,
};
