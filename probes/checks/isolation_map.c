/* SPDX-License-Identifier: MIT */
/* Area isolation: what a mapping does not grant. */
#include "base/payload.h"
#include "checks/iotlb_start.h"
#include "checks/shadow.h"
#include "guest/net.h"
#include "guest/vsock.h"

#define SEED_OTHER 77u

/* Runs, with nothing but the rings mapped. */
static int start_with_rings(struct session *s, struct link *l)
{
	int r = iotlb_set_up(s, l);

	for (int id = MEM_RX_DESC; id <= MEM_TX_USED && r == 0; id++)
		r = session_map(s, "rings", (enum mem_region_id)id, VHOST_ACCESS_RW);
	if (r == 0)
		r = session_running(s, "start", 1);
	return r < 0 ? r : 0;
}

/* Something for each ring: step "stall" is that of rx, "tx" that of tx. */
static int both_held(struct link *l, struct shadow *sh, uint64_t rx_lacks)
{
	struct session *s = l->s;
	int r = session_barrier(s);

	if (r < 0)
		return r;
	link_queue(l);
	r = shadow_take(s, sh);
	if (r < 0)
		return r;
	note_outcome(s, "rx", arrive(l));
	session_drop_misses(s, "stall", rx_lacks);
	(void)session_stalled(s, "tx", QUEUE_TX);
	shadow_note_all(s, sh, "after", MEM_RX_BUF, MEM_SPARE);
	return 0;
}

static const char *const buffers[] = { "rx.buf", "tx.buf", "indirect", "spare", NULL };

static int collect_unmapped(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = start_with_rings(s, &l);

	if (r < 0)
		return r;
	shadow_paint(s, MEM_RX_BUF);
	r = link_post_rx(&l);
	return r < 0 ? r : both_held(&l, &sh, mem_iova(MEM_RX_BUF, 0));
}

static void judge_unmapped(struct judge *j)
{
	judge_ok(j, "start");
	judge_held(j, "rx");
	judge_moved(j, "stall", 0, 0);
	judge_miss(j, "stall", "rx.buf+0x0", EV_PERM_WO);
	judge_moved(j, "tx", 0, 0);
	judge_untouched_each(j, "after", buffers);
}

const struct check isolation_unmapped_buffers = {
	.area = "isolation",
	.name = "unmapped_buffers",
	.families = ON_BOTH,
	.title = "a buffer that was never mapped is neither written nor sent",
	.contract = "With the rings mapped and no buffer, the device uses no head and "
		    "touches no byte of any buffer.",
	.harm = "A device reaches memory of the guest that the vIOMMU never gave it.",
	.judged = "All rings mapped, canaries in all buffers, something to receive and "
		  "something to send: indices at 0, a miss for the former, whole pages "
		  "compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("first_head_free"),
	.collect = collect_unmapped,
	.judge = judge_unmapped,
};

/* Maps the buffers of a queue anew with another permission; the ring is at rest. */
static int permit(struct session *s, const char *step, enum mem_region_id id,
		  uint8_t perm)
{
	int r = session_unmap(s, "unmap", id);

	return r < 0 ? r : session_map(s, step, id, perm);
}

static int collect_read_only(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r == 0)
		r = permit(s, "read_only", MEM_RX_BUF, VHOST_ACCESS_RO);
	if (r == 0)
		r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_RX);
	note_outcome(s, "rx", link_rx(&l, "held", SHORT_BYTES));
	shadow_note_all(s, &sh, "after", MEM_RX_BUF, MEM_SPARE);
	return 0;
}

static void judge_read_only(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_message(j, "read_only");
	judge_held(j, "rx");
	judge_still(j, "before", "stall");
	judge_signalled(j, "stall");
	judge_untouched_each(j, "after", buffers);
}

const struct check isolation_read_only_buffer = {
	.area = "isolation",
	.name = "read_only_buffer",
	.families = ON_BOTH,
	.title = "a receive buffer mapped read-only is not written",
	.contract =
		"What arrives for a receive buffer whose mapping does not allow writing is "
		"not delivered: no byte of the buffer changes, the head is not used, the "
		"error eventfd is signalled.",
	.harm = "The device overwrites memory that it was only allowed to read.",
	.judged =
		"After a transfer the receive buffers are mapped anew read-only and the "
		"host sends: indices stand, an error, whole pages compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("permission_ignored", "write_permission_ignored", "error_silent"),
	.collect = collect_read_only,
	.judge = judge_read_only,
};

/* Where the payload of a packet begins. */
static unsigned char *payload_of(struct session *s)
{
	unsigned int header = s->family == FAMILY_VSOCK
				      ? VSOCK_HEADER
				      : session_header(s) + NET_ETHERNET;

	return mem_ptr(&s->mem, MEM_TX_BUF, header);
}

/* The device may read the packet now, which holds other bytes than before. */
static int replace_and_send(struct link *l)
{
	struct session *s = l->s;
	unsigned char *payload = payload_of(s);
	struct session_moved sent = { SHORT_BYTES, DIGEST_START };
	struct peer_reply reply = { .digest = DIGEST_START };
	int r = 0;

	payload_fill(SEED_OTHER, 0, payload, SHORT_BYTES);
	sent.digest = digest_add(sent.digest, payload, SHORT_BYTES);
	r = permit(s, "read_write", MEM_TX_BUF, VHOST_ACCESS_RW);
	if (r == 0)
		r = session_kick(s, QUEUE_TX);
	if (r == 0)
		r = session_barrier(s);
	if (r == 0)
		r = link_answer(l, &reply);
	session_bytes(s, "replaced", EV_TX, sent,
		      (struct session_moved){ reply.bytes, reply.digest });
	return r;
}

static int collect_write_only(struct session *s)
{
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r == 0)
		r = permit(s, "write_only", MEM_TX_BUF, VHOST_ACCESS_WO);
	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	note_outcome(s, "tx", link_tx(&l, "held", SHORT_BYTES));
	return replace_and_send(&l);
}

static void judge_write_only(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_message(j, "write_only");
	judge_held(j, "tx");
	judge_still(j, "before", "stall");
	judge_message(j, "read_write");
	judge_bytes(j, "replaced", SHORT_BYTES);
}

const struct check isolation_write_only_buffer = {
	.area = "isolation",
	.name = "write_only_buffer",
	.families = ON_BOTH,
	.title = "nothing of a transmit buffer mapped write-only leaves the guest",
	.contract =
		"A packet whose mapping does not allow reading is not sent, and nothing of "
		"it is kept: once the mapping allows it and the guest kicks, the bytes that "
		"go out are those that lie there then.",
	.harm = "The host's end gets to see memory that the device was only allowed to "
		"write.",
	.judged =
		"A packet under a write-only mapping, kick, flush: indices stand. Other "
		"bytes in its place, a read-write mapping, kick: the peer has those and no "
		"others.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("permission_ignored", "permission_sticks"),
	.collect = collect_write_only,
	.judge = judge_write_only,
};

/* Maps the first @len bytes of a region. */
static int map_part(struct session *s, const char *step, enum mem_region_id id,
		    uint64_t len)
{
	return session_iotlb(s, step,
			     (struct iotlb_msg){
				     .iova = mem_iova(id, 0),
				     .size = len,
				     .uaddr = mem_hva(&s->mem, id, 0),
				     .perm = VHOST_ACCESS_RW,
				     .type = VHOST_IOTLB_UPDATE,
			     });
}

/* The shortest packet of link_queue(). */
static uint32_t queued_bytes(const struct session *s)
{
	return s->family == FAMILY_VSOCK
		       ? VSOCK_HEADER
		       : session_header(s) + NET_ETHERNET + PEER_PAYLOAD_MIN;
}

static int collect_end(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct ring *rx = &s->ring[QUEUE_RX];
	struct link l;
	int r = start_with_rings(s, &l);

	if (r == 0)
		r = map_part(s, "map.rx", MEM_RX_BUF, MEM_PAGE);
	if (r == 0)
		r = map_part(s, "map.tx", MEM_TX_BUF, queued_bytes(s) - 1);
	if (r < 0)
		return r;
	session_fact(s, "tx", "lacks", "tx.buf+0x%x", queued_bytes(s) - 1);
	shadow_paint(s, MEM_RX_BUF);
	ring_desc(rx, 0, mem_iova(MEM_RX_BUF, 1), MEM_PAGE, RING_WRITE, 0);
	ring_avail_put(rx, 0);
	ring_publish(rx);
	r = session_kick(s, QUEUE_RX);
	return r < 0 ? r : both_held(&l, &sh, mem_iova(MEM_RX_BUF, MEM_PAGE));
}

static void judge_end(struct judge *j)
{
	const char *lacks = judge_fact_value(j, "tx", "lacks");

	judge_ok(j, "start");
	judge_held(j, "rx");
	judge_moved(j, "stall", 0, 0);
	judge_miss(j, "stall", "rx.buf+0x1000", EV_PERM_WO);
	judge_moved(j, "tx", 0, 0);
	judge_miss(j, "tx", lacks ? lacks : "?", EV_PERM_RO);
	judge_untouched_each(j, "after", buffers);
}

const struct check isolation_mapping_end = {
	.area = "isolation",
	.name = "mapping_end",
	.families = ON_BOTH,
	.title = "a buffer that crosses the end of its mapping by one byte is not used",
	.contract =
		"The device reaches no byte behind the last one of a mapping. A buffer "
		"that lies there in part gives a miss for the first such byte, and is "
		"not used at all.",
	.harm = "A guest makes the device read or write what lies behind memory that it was "
		"given: another guest's, or the VMM's.",
	.judged =
		"A receive and a transmit buffer, each one byte too long: the miss names "
		"that byte, indices at 0, whole pages compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("translate_desc() in drivers/vhost/vhost.c", "commit 98047313cdb4"),
	.faults = WORDS("mapping_end_open"),
	.collect = collect_end,
	.judge = judge_end,
};
