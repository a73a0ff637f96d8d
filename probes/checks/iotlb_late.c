/* SPDX-License-Identifier: MIT */
/* Area iotlb: misses that are read late or never, and what was not permitted. */
#include "checks/iotlb_start.h"
#include "checks/shadow.h"

/* Bytes have moved; where the transmit ring stands is recorded as step "before". */
static int start_warm(struct session *s, struct link *l)
{
	int r = iotlb_start_warm(s, l);

	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	return 0;
}

/* Warm, with a packet in the transmit ring, not kicked, whose way a region is missing on.
 */
static int start_lacking(struct session *s, struct link *l, enum mem_region_id id)
{
	int r = start_warm(s, l);

	if (r == 0)
		r = session_unmap(s, "unmap", id);
	if (r == 0)
		link_queue(l);
	return r;
}

/* A kick, what comes of it, and where the transmit ring stands then. */
static int kick_and_note(struct session *s, const char *step)
{
	int r = session_kick(s, QUEUE_TX);

	if (r == 0)
		r = session_barrier(s);
	session_note_ring(s, step, QUEUE_TX);
	return r;
}

static int collect_unread(struct session *s)
{
	struct link l;
	int r = start_lacking(s, &l, MEM_TX_BUF);

	if (r < 0)
		return r;
	r = kick_and_note(s, "missing");
	if (r == 0)
		r = session_map(s, "map", MEM_TX_BUF, VHOST_ACCESS_RW);
	if (r == 0)
		r = session_barrier(s);
	session_note_ring(s, "mapped", QUEUE_TX);
	return r < 0 ? r : kick_and_note(s, "kicked");
}

static void judge_unread(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_still(j, "before", "missing");
	judge_message(j, "map");
	judge_went_on(j, "before", "kicked");
}

const struct check iotlb_miss_unread = {
	.area = "iotlb",
	.name = "miss_unread",
	.families = ON_BOTH,
	.title = "what was mapped before its miss was read is used with the next kick",
	.contract =
		"A miss that nobody read holds nothing up: once its address is mapped "
		"the device goes on with the next kick. Whether it does so without one "
		"is left open; a VMM that reads each miss before it answers is resumed "
		"(iotlb.miss_resumes).",
	.harm = "A VMM that maps ahead of the device wedges the ring.",
	.judged =
		"A packet whose buffer is missing, kick, flush; the buffer is mapped with "
		"the miss unread; kick, flush: one element further.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_notify_vq() in drivers/vhost/vhost.c"),
	.faults = WORDS("unread_miss_wedges"),
	.collect = collect_unread,
	.judge = judge_unread,
};

static int collect_stale(struct session *s)
{
	struct link l;
	int r = start_lacking(s, &l, MEM_TX_AVAIL);

	if (r < 0)
		return r;
	r = kick_and_note(s, "missing");
	if (r == 0)
		r = session_map(s, "map", MEM_TX_AVAIL, VHOST_ACCESS_RW);
	if (r == 0)
		r = kick_and_note(s, "kicked");
	if (r < 0)
		return r;
	(void)session_read_miss(s, "stale", NULL);
	session_drop_misses(s, "stale", mem_iova(MEM_TX_AVAIL, 0));
	(void)session_unmap(s, "unmap.desc", MEM_TX_DESC);
	link_queue(&l);
	(void)session_stalled(s, "unanswered", QUEUE_TX);
	session_drop_misses(s, "unanswered", mem_iova(MEM_TX_DESC, 0));
	(void)session_map(s, "answer", MEM_TX_AVAIL, VHOST_ACCESS_RW);
	(void)session_stalled(s, "answered", QUEUE_TX);
	return 0;
}

static void judge_stale(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_went_on(j, "before", "kicked");
	judge_miss(j, "stale", "tx.avail+0x0", EV_PERM_RO);
	judge_message(j, "answer");
	judge_miss(j, "answered", "tx.desc+0x0", EV_PERM_RO);
	judge_still(j, "kicked", "answered");
}

const struct check iotlb_miss_stale = {
	.area = "iotlb",
	.name = "miss_stale",
	.families = ON_BOTH,
	.title = "a miss that was read too late hides no later one, once it is answered",
	.contract =
		"A miss whose address was mapped before it was read stays in the queue. A "
		"VMM that answers every miss it reads is told of what is missing later. "
		"Whether one that passes over the late one is told too differs: kernels "
		"that keep one miss for each ring (seen on 7.3.4) report nothing more for "
		"it.",
	.harm = "The ring waits for a mapping that nobody hears of.",
	.judged =
		"The avail ring is mapped while its miss is unread, the packet goes out; the "
		"miss is read; the descriptor table is unmapped, kick, flush, read; the "
		"old miss is answered, kick, flush: a miss of the table.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_miss(), vhost_iotlb_notify_vq() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("miss_hides"),
	.collect = collect_stale,
	.judge = judge_stale,
};

static int collect_restarted(struct session *s)
{
	struct link l;
	int r = start_lacking(s, &l, MEM_TX_BUF);

	if (r < 0)
		return r;
	(void)session_stalled(s, "missing", QUEUE_TX);
	(void)session_running(s, "stop", 0);
	(void)session_map(s, "map", MEM_TX_BUF, VHOST_ACCESS_RW);
	(void)session_running(s, "again", 1);
	return kick_and_note(s, "kicked");
}

static void judge_restarted(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_still(j, "before", "missing");
	judge_ok(j, "stop");
	judge_message(j, "map");
	judge_ok(j, "again");
	judge_went_on(j, "before", "kicked");
}

const struct check iotlb_miss_restart = {
	.area = "iotlb",
	.name = "miss_restart",
	.families = ON_BOTH,
	.title = "a miss may be answered while the device is stopped",
	.contract =
		"A device that was stopped while it waited for a miss takes the answer, "
		"and goes on with the head that waited after the next start and kick.",
	.harm = "A guest that is paused or migrated at the wrong moment loses its queue.",
	.judged =
		"A packet whose buffer is missing; stop, map it, start, kick, flush: one "
		"element further.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_notify_vq(), vhost_clear_msg() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("stop_wedges_miss"),
	.collect = collect_restarted,
	.judge = judge_restarted,
};

static int collect_one_ring(struct session *s)
{
	struct link l;
	int r = start_lacking(s, &l, MEM_TX_BUF);

	if (r < 0)
		return r;
	(void)session_stalled(s, "missing", QUEUE_TX);
	session_drop_misses(s, "missing", mem_iova(MEM_TX_BUF, 0));
	r = link_rx(&l, "more", SHORT_BYTES);
	session_note_ring(s, "after", QUEUE_TX);
	return r;
}

static void judge_one_ring(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_still(j, "before", "missing");
	judge_bytes(j, "more", SHORT_BYTES);
	judge_still(j, "before", "after");
}

const struct check iotlb_miss_one_ring = {
	.area = "iotlb",
	.name = "miss_one_ring",
	.families = ON_BOTH,
	.title = "a miss that is never answered holds up its own ring alone",
	.contract = "While the transmit ring waits for a mapping the device goes on "
		    "receiving.",
	.harm = "A guest that misprograms one queue of its device loses all.",
	.judged =
		"A packet whose buffer is missing, which nobody answers; 1000 bytes from "
		"the host arrive.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_miss() in drivers/vhost/vhost.c"),
	.faults = WORDS("miss_stops_all"),
	.collect = collect_one_ring,
	.judge = judge_one_ring,
};

/* Maps a region anew with another permission. */
static int permit(struct session *s, const char *step, enum mem_region_id id,
		  uint8_t perm)
{
	int r = session_unmap(s, "unmap", id);

	return r < 0 ? r : session_map(s, step, id, perm);
}

static int collect_corrected(struct session *s)
{
	struct link l;
	int r = start_warm(s, &l);

	if (r == 0)
		r = permit(s, "write_only", MEM_TX_BUF, VHOST_ACCESS_WO);
	if (r < 0)
		return r;
	link_queue(&l);
	(void)session_stalled(s, "refused", QUEUE_TX);
	r = permit(s, "read_write", MEM_TX_BUF, VHOST_ACCESS_RW);
	if (r == 0)
		r = session_barrier(s);
	session_note_ring(s, "mapped", QUEUE_TX);
	return r < 0 ? r : kick_and_note(s, "kicked");
}

static void judge_corrected(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_message(j, "write_only");
	judge_still(j, "before", "refused");
	judge_message(j, "read_write");
	judge_went_on(j, "before", "kicked");
}

const struct check iotlb_permission_corrected = {
	.area = "iotlb",
	.name = "permission_corrected",
	.families = ON_BOTH,
	.title = "once a permission was granted a kick is enough",
	.contract =
		"A buffer that was refused for its permission stays at the head of the "
		"ring; mapped anew with the right one it is used with the next kick. "
		"Whether without one is left open: there is no miss to answer.",
	.harm = "One wrong permission, soon corrected, costs a guest its queue.",
	.judged =
		"A packet under a write-only mapping, kick, flush: the indices stand; a "
		"read-write mapping, kick, flush: one element further.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("permission_sticks", "permission_ignored"),
	.collect = collect_corrected,
	.judge = judge_corrected,
};

static int collect_ring_permission(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = start_warm(s, &l);

	if (r == 0)
		r = permit(s, "read_only", MEM_TX_USED, VHOST_ACCESS_RO);
	if (r == 0)
		r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	link_queue(&l);
	(void)session_stalled(s, "refused", QUEUE_TX);
	shadow_note(s, &sh, "refused", MEM_TX_USED);
	r = permit(s, "read_write", MEM_TX_USED, VHOST_ACCESS_RW);
	return r < 0 ? r : kick_and_note(s, "kicked");
}

static void judge_ring_permission(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_message(j, "read_only");
	judge_untouched(j, "refused", "tx.used");
	judge_still(j, "before", "refused");
	judge_message(j, "read_write");
	judge_went_on(j, "before", "kicked");
}

const struct check iotlb_ring_permission = {
	.area = "iotlb",
	.name = "ring_permission",
	.families = ON_BOTH,
	.title = "a used ring mapped read-only is not written",
	.contract =
		"While the used ring's mapping does not allow writing the device takes no "
		"head and writes no byte of it; with the right mapping it goes on at the "
		"next kick. Whether it says so is left open: every kernel known is silent.",
	.harm = "The device writes a page that the guest shares for reading only.",
	.judged =
		"The used ring is mapped anew read-only; a packet, kick, flush: its page "
		"compared, indices stand; read-write, kick, flush: one element further.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("iotlb_access_ok() in drivers/vhost/vhost.c"),
	.faults = WORDS("permission_ignored", "write_permission_ignored",
			"ring_permission_ignored"),
	.collect = collect_ring_permission,
	.judge = judge_ring_permission,
};

/** struct part - of a ring that the device reads, and the steps of a try */
static const struct part {
	enum mem_region_id id;
	const char *write_only, *refused, *read_write, *kicked;
} parts[] = {
	{ MEM_TX_DESC, "desc.write_only", "desc.refused", "desc.read_write",
	  "desc.kicked" },
	{ MEM_TX_AVAIL, "avail.write_only", "avail.refused", "avail.read_write",
	  "avail.kicked" },
};

static int collect_driver_parts(struct session *s)
{
	struct link l;
	int r = start_warm(s, &l);

	for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++) {
		const struct part *p = &parts[i];

		r = permit(s, p->write_only, p->id, VHOST_ACCESS_WO);
		if (r < 0)
			break;
		link_queue(&l);
		(void)session_stalled(s, p->refused, QUEUE_TX);
		r = permit(s, p->read_write, p->id, VHOST_ACCESS_RW);
		if (r == 0)
			r = kick_and_note(s, p->kicked);
	}
	return r;
}

static void judge_driver_parts(struct judge *j)
{
	const char *before = "before";

	judge_both(j, SHORT_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		judge_message(j, parts[i].write_only);
		judge_still(j, before, parts[i].refused);
		judge_message(j, parts[i].read_write);
		judge_went_on(j, before, parts[i].kicked);
		before = parts[i].kicked;
	}
}

const struct check iotlb_driver_part_permission = {
	.area = "iotlb",
	.name = "driver_part_permission",
	.families = ON_BOTH,
	.title = "a descriptor table or an avail ring mapped write-only is not read",
	.contract =
		"While the mapping of the descriptor table or of the avail ring does not "
		"allow reading, the device takes no head; with the right mapping it goes on "
		"at the next kick. Whether it says so is left open: every kernel known is "
		"silent.",
	.harm = "The device goes by bytes that it was only allowed to write: what they say is "
		"read and sent.",
	.judged =
		"Each is mapped anew write-only in its turn; a packet, kick, flush: indices "
		"stand; read-write, kick, flush: one element further.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("iotlb_access_ok() in drivers/vhost/vhost.c"),
	.faults = WORDS("permission_ignored", "ring_permission_ignored",
			"update_perm_flipped"),
	.collect = collect_driver_parts,
	.judge = judge_driver_parts,
};

static int collect_write_only(struct session *s)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r == 0)
		r = session_map(s, "rx", MEM_RX_USED, VHOST_ACCESS_WO);
	if (r == 0)
		r = session_map(s, "tx", MEM_TX_USED, VHOST_ACCESS_WO);
	if (r == 0)
		r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	(void)session_running(s, "refused", 1);
	session_note_eventfds(s, "refused", QUEUE_RX);
	shadow_note(s, &sh, "refused", MEM_RX_USED);
	r = permit(s, "rx.read_write", MEM_RX_USED, VHOST_ACCESS_RW);
	if (r == 0)
		r = permit(s, "tx.read_write", MEM_TX_USED, VHOST_ACCESS_RW);
	(void)session_running(s, "start", 1);
	return r;
}

static void judge_write_only(struct judge *j)
{
	judge_message(j, "rx");
	judge_message(j, "tx");
	judge_errno(j, "refused", EFAULT);
	judge_signalled(j, "refused");
	judge_untouched(j, "refused", "rx.used");
	judge_ok(j, "start");
}

const struct check iotlb_used_ring_write_only = {
	.area = "iotlb",
	.name = "used_ring_write_only",
	.families = ON_BOTH,
	.title = "a start with a used ring that may not be read is refused",
	.contract =
		"A start reads the used index: with a used ring mapped write-only it gives "
		"EFAULT and signals the error eventfd, and succeeds once the ring is mapped "
		"read-write.",
	.harm = "A VMM that maps the used ring for what the guest asked, writing, gets a "
		"device that begins at a wrong index.",
	.judged = "Both used rings mapped write-only, start; then read-write, start.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_vq_init_access(), translate_desc() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("permission_ignored", "ring_permission_ignored", "error_silent"),
	.collect = collect_write_only,
	.judge = judge_write_only,
};
