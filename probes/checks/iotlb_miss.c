/* SPDX-License-Identifier: MIT */
/* Area iotlb: what a miss says, and what answering it does. */
#include <string.h>

#include "checks/iotlb_start.h"

static int collect_miss_driven(struct session *s)
{
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r == 0)
		r = iotlb_map_used(s);
	if (r < 0)
		return r;
	l.serve = true;
	(void)session_running(s, "start", 1);
	r = link_post_rx(&l);
	return r < 0 ? r : link_both_ways(&l, TRANSFER_BYTES);
}

/* Whether a message about @region went that way. */
static bool went(const struct evidence *e, const char *region, int way)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(e, ev, EV_IOTLB, "miss")))
		if (ev->iotlb.way == way && ev->iotlb.iova &&
		    !strncmp(ev->iotlb.iova, region, strlen(region)))
			return true;
	return false;
}

static void judge_miss_driven(struct judge *j)
{
	static const char *const unmapped[] = { "rx.buf+", "tx.buf+" };

	judge_both(j, TRANSFER_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(unmapped); i++)
		judge_that(j,
			   went(j->evidence, unmapped[i], EV_RECEIVED) &&
				   went(j->evidence, unmapped[i], EV_SENT),
			   "bytes moved although %.6s was never mapped: no miss was "
			   "reported there",
			   unmapped[i]);
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
		"least one miss in the buffers of either ring.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS(
		"vhost_iotlb_miss(), vhost_iotlb_notify_vq() in drivers/vhost/vhost.c"),
	.faults = WORDS("miss_dropped", "miss_iova_flipped", "miss_ring_lost",
			"update_no_resume", "miss_buffer_lost", "miss_padding_flipped"),
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
	/* what the start set going must not miss it too */
	int r = session_barrier(s);

	if (r == 0)
		r = session_unmap(s, step, id);
	if (r < 0)
		return r;
	link_queue(l);
	(void)session_stalled(s, step, QUEUE_TX);
	session_drop_misses(s, step, mem_iova(id, 0));
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
	int r = iotlb_start_mapped(s, &l);

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

/* So many packets are available that the device has not used, by either count. */
static void judge_left(struct judge *j, const char *step, int64_t n)
{
	const struct ev *ev = judge_need(j, EV_RING, step);

	if (!ev)
		return;
	judge_that(j,
		   ev->ring.avail.set && ev->ring.used.set && ev->ring.base.set &&
			   ev->ring.avail.v - ev->ring.used.v == n &&
			   ev->ring.avail.v - ev->ring.base.v == n,
		   "at step \"%s\" %d packets are available, the used index is %d and "
		   "the device's own %d; %d must be left",
		   step, (int)ev->ring.avail.v, (int)ev->ring.used.v,
		   (int)ev->ring.base.v, (int)n);
}

static void judge_names_address(struct judge *j)
{
	static const struct {
		const char *missed, *mapped;
	} steps[] = { { "desc", "desc.mapped" },
		      { "avail", "avail.mapped" },
		      { "used", "used.mapped" },
		      { "buf", "buf.mapped" } };

	judge_ok(j, "start");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		judge_left(j, steps[i].missed, 1);
		judge_left(j, steps[i].mapped, 0);
	}
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
		"turn; kick, flush, one read each: the packet is left. Once mapped again it "
		"goes out.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vq_meta_prefetch(), translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("miss_dropped", "miss_iova_flipped", "miss_perm_flipped",
			"miss_buffer_lost", "miss_ring_lost", "miss_used_ro",
			"invalidate_keeps"),
	.collect = collect_names_address,
	.judge = judge_names_address,
};

static int collect_resumes(struct session *s)
{
	struct link l;
	int r = iotlb_start_mapped(s, &l);

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
	.faults = WORDS("update_dropped", "miss_dropped", "miss_buffer_lost",
			"update_no_resume", "invalidate_keeps"),
	.collect = collect_resumes,
	.judge = judge_resumes,
};

/* On a device of its own: some kernels report a missing ring once until it is mapped. */
static int padding_of(struct session *s, const char *step, bool v2)
{
	struct link l;
	struct iotlb_msg msg = { 0 };
	int r = iotlb_set_up(s, &l);

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
	.faults = WORDS("miss_padding_flipped", "miss_size"),
	.collect = collect_padding,
	.judge = judge_padding,
};

static int collect_read_empty(struct session *s)
{
	struct link l;
	int r = iotlb_start_mapped(s, &l);

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
	.faults = WORDS("read_empty_zero", "never_missed_zero"),
	.collect = collect_read_empty,
	.judge = judge_read_empty,
};
