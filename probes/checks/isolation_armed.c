/* SPDX-License-Identifier: MIT */
/* Area isolation: bit 33 takes memory away at once, whatever else a VMM does or not. */
#include <string.h>

#include "checks/shadow.h"

/**
 * struct arming - a start with bit 33 by a VMM that is ignorant of the IOTLB
 * @agreed:	step at which it agrees to backend features before; NULL: it does not
 * @start, @tx, @rx: steps of the start call and of what must not move
 */
struct arming {
	const char *agreed, *start, *tx, *rx;
};

static const struct arming armings[] = {
	{ NULL, "bare.start", "bare.tx", "bare.rx" },
	{ "agreed", "agreed.start", "agreed.tx", "agreed.rx" },
};

/* Set up, with rings at HVAs and buffers at GPAs, as without bit 33. */
static int set_up_ignorant(struct session *s, struct link *l, const struct arming *a)
{
	const struct session_config c = { .features = F_VERSION_1 | F_IOTLB };
	int r = session_peer(s);

	link_init(l, s);
	if (r == 0)
		r = session_open(s);
	if (r == 0 && a->agreed)
		r = session_backend(s, a->agreed, BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2));
	s->addresses = ADDRESSES_PHYSICAL;
	return r < 0 ? r : session_setup(s, &c);
}

/* A buffer in each ring, canaries in all that may be written, and a start. */
static int arm(struct session *s, const struct arming *a)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct link l;
	int r = set_up_ignorant(s, &l, a);

	if (r < 0)
		return r;
	shadow_paint(s, MEM_RX_BUF);
	shadow_paint(s, MEM_SPARE);
	link_queue(&l);
	r = link_post_rx(&l);
	if (r == 0)
		r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	r = session_running(s, a->start, 1);
	(void)session_stalled(s, a->tx, QUEUE_TX);
	/* nothing arrives at a device that does not run */
	if (r >= 0)
		note_outcome(s, a->rx, arrive(&l));
	session_note_ring(s, a->rx, QUEUE_RX);
	shadow_note_all(s, &sh, a->tx, MEM_RX_DESC, MEM_SPARE);
	session_close(s);
	s->seam->peer->ops->stop(s->seam->peer);
	s->addresses = ADDRESSES_AS_ARMED;
	return 0;
}

static int collect_armed(struct session *s)
{
	struct link l;
	/* first without the bit: the same addresses lead to memory */
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r == 0)
		r = session_running(s, "stop", 0);
	session_close(s);
	s->seam->peer->ops->stop(s->seam->peer);
	for (size_t i = 0; i < ARRAY_SIZE(armings) && r >= 0; i++)
		r = arm(s, &armings[i]);
	return r;
}

/* Refused, or a miss and nothing moved. */
static void judge_arming(struct judge *j, const struct arming *a)
{
	static const char *const regions[] = { "rx.desc",  "rx.used", "tx.desc",
					       "tx.used",  "rx.buf",  "tx.buf",
					       "indirect", "spare",   NULL };
	const struct ev *start = judge_need(j, EV_IOCTL, a->start);
	const struct ev *tx = judge_need(j, EV_IOTLB, a->tx);

	judge_moved(j, a->tx, 0, 0);
	judge_moved(j, a->rx, 0, 0);
	judge_untouched_each(j, a->tx, regions);
	if (!start || !tx)
		return;
	if (start->ioctl.err) {
		judge_errno(j, a->start, EFAULT);
		return;
	}
	judge_that(j, tx->iotlb.msg == EV_MISS,
		   "with nothing mapped the start at step \"%s\" succeeded, and no miss "
		   "was reported at step \"%s\"",
		   a->start, a->tx);
	judge_held(j, a->rx);
}

static void judge_armed(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_ok(j, "stop");
	judge_ok(j, "agreed");
	for (size_t i = 0; i < ARRAY_SIZE(armings); i++)
		judge_arming(j, &armings[i]);
}

const struct check isolation_armed_at_once = {
	.area = "isolation",
	.name = "armed_at_once",
	.families = ON_BOTH,
	.title = "bit 33 takes all memory away at once, before any IOTLB message",
	.contract =
		"From VHOST_SET_FEATURES with VIRTIO_F_ACCESS_PLATFORM on the device "
		"reaches no memory that was not mapped: addresses that the memory table "
		"would lead on are not followed, no byte of guest memory is read or "
		"written, and the start is refused with EFAULT or the device reports a "
		"miss. That no IOTLB message was written yet, and that backend features "
		"were not agreed on, or were, changes nothing.",
	.harm = "A VMM that confines a device with the bit, and maps nothing at first, has "
		"given it all memory of the guest.",
	.judged =
		"Without the bit payload goes both ways, with rings at addresses of the "
		"process and buffers at guest-physical ones. The same with the bit, one "
		"packet to send and room to receive; start, kick, flush: indices stand at "
		"0, whole pages are compared. Once without backend features, once with.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS(
		"vhost_init_device_iotlb(), vq_meta_prefetch() in "
		"drivers/vhost/vhost.c",
		"lkml 20220805181105.GA29848@willie-the-truck and the answers to it: "
		"to ignore the bit until the first message was proposed there"),
	.faults = WORDS("policy_lenient", "policy_gated", "policy_lenient_agreed"),
	.collect = collect_armed,
	.judge = judge_armed,
};
