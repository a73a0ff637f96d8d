/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <linux/vhost.h>
#include <string.h>

#include "guest/link.h"
#include "stacks/features.h"
#include "stacks/player.h"

#define MISSES_MAX 8
#define PACE_SAMPLES 3
#define SLOW_RATIO 50

/**
 * struct player - one play
 * @s, @play:	borrowed
 * @offered:	what VHOST_GET_FEATURES returned
 * @sent:	what VHOST_SET_FEATURES was given
 */
struct player {
	struct session *s;
	const struct stack_play *play;
	struct feature_set offered;
	uint64_t sent;
};

/* ------------------------------------------------------- the calls of a VMM */

static int play_owner(struct player *p)
{
	return session_owner(p->s, "setup.owner");
}

static int play_get_features(struct player *p)
{
	return session_get_u64(p->s, "setup.offered", VHOST_GET_FEATURES,
			       &p->offered.word[0]);
}

static int play_set_features(struct player *p)
{
	const struct stack_features f =
		stack_features(p->play->stack, p->play->guest, p->s->family, &p->offered);
	int r = 0;

	p->sent = f.sent.word[0];
	session_fact(p->s, "setup.features", "acked", "0x%" PRIx64, f.acked.word[0]);
	r = session_features(p->s, "setup.features", p->sent);
	if (r < 0)
		return r;
	/* the guest keeps to what it acknowledged itself, whatever the VMM sent */
	session_order(p->s, f.acked.word[0] & BIT64(VIRTIO_F_IN_ORDER));
	session_fact(p->s, "setup.features", "iotlb", "%s", p->s->iotlb ? "on" : "off");
	return r;
}

/* A device without backend features is one on which there are none to acknowledge. */
static int play_backend(struct player *p)
{
	uint64_t offered = 0, set = 0;
	int r = session_get_u64(p->s, "setup.backend_offered", VHOST_GET_BACKEND_FEATURES,
				&offered);

	set = r < 0 ? 0 : stack_backend(p->play->stack, p->s->family, offered);
	if (!set)
		return 0;
	r = session_backend(p->s, "setup.backend", set);
	if (r >= 0 && set & BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2))
		p->s->msg_version = 2;
	return r;
}

static int play_memory(struct player *p)
{
	return session_mem_table(p->s, "setup.memory");
}

static int play_cid(struct player *p)
{
	return p->s->family == FAMILY_VSOCK ? session_cid(p->s, "setup.cid") : 0;
}

static int play_vrings(struct player *p)
{
	int r = session_ring_setup(p->s, QUEUE_RX, SESSION_RING_SIZE, 0);

	return r < 0 ? r : session_ring_setup(p->s, QUEUE_TX, SESSION_RING_SIZE, 0);
}

static int play_map(struct player *p)
{
	int r = 0;

	if (!p->s->iotlb || p->play->guest->map == STACK_MAP_NONE)
		return 0;
	if (p->play->guest->map == STACK_MAP_ALL)
		return session_map_all(p->s, "setup.map");
	r = session_map(p->s, "setup.map", MEM_RX_USED, VHOST_ACCESS_RW);
	return r < 0 ? r : session_map(p->s, "setup.map", MEM_TX_USED, VHOST_ACCESS_RW);
}

/* What is left behind by a start that was refused, for whoever wants to know why. */
static int play_start(struct player *p)
{
	struct session *s = p->s;
	int r = session_running(s, "start", 1);

	if (r >= 0)
		return 0;
	for (int i = 0; i < MISSES_MAX; i++)
		if (session_read_miss(s, "start.miss", NULL) <= 0)
			break;
	session_note_ring(s, "start.rx", QUEUE_RX);
	session_note_eventfds(s, "start.rx", QUEUE_RX);
	session_note_ring(s, "start.tx", QUEUE_TX);
	session_note_eventfds(s, "start.tx", QUEUE_TX);
	return r;
}

static int play_call(struct player *p, const char *word)
{
	static int (*const calls[CALL_NUM])(struct player *) = {
		[CALL_SET_OWNER] = play_owner,
		[CALL_GET_FEATURES] = play_get_features,
		[CALL_SET_FEATURES] = play_set_features,
		[CALL_BACKEND_FEATURES] = play_backend,
		[CALL_SET_MEM_TABLE] = play_memory,
		[CALL_SET_GUEST_CID] = play_cid,
		[CALL_VRINGS] = play_vrings,
		[CALL_IOTLB_UPDATE] = play_map,
		[CALL_START] = play_start,
	};

	for (int c = 0; c < CALL_NUM; c++)
		if (!strcmp(stack_call_names[c], word))
			return calls[c](p);
	return -EINVAL;
}

static int play_calls(struct player *p)
{
	const struct rec_list *order = &p->play->stack->order;
	int r = 0;

	for (size_t i = 0; i < order->count && r >= 0; i++)
		r = play_call(p, order->item[i]);
	return r;
}

/* ------------------------------------------------------------------- pace */

/** struct quiet - a recorder that keeps nothing but the place, in case of a hang */
struct quiet {
	struct recorder rec;
	struct recorder *real;
};

static int quiet_emit(struct recorder *rec, const struct ev *ev)
{
	(void)rec;
	(void)ev;
	return 0;
}

static void quiet_begin(struct recorder *rec, const char *step, const char *call)
{
	struct recorder *real = ((struct quiet *)rec)->real;

	if (real->begin)
		real->begin(real, step, call);
}

/* Nanoseconds that the quickest of some transfers on a connection took, into @ret. */
static int quickest(struct link *l, uint64_t *ret)
{
	struct clock *clock = l->s->seam->clock;

	*ret = UINT64_MAX;
	for (int i = 0; i < PACE_SAMPLES; i++) {
		uint64_t begin = clock->ops->now_ns(clock), took = 0;
		int e = link_tx(l, "pace.tx", STACK_TRANSFER_BYTES);

		if (e == 0)
			e = link_rx(l, "pace.rx", STACK_TRANSFER_BYTES);
		if (e < 0)
			return e;
		took = clock->ops->now_ns(clock) - begin;
		if (took < *ret)
			*ret = took;
	}
	return 0;
}

/* The same on the same device opened anew, with the IOTLB off. */
static int quickest_without(struct player *p, uint64_t *ret)
{
	const struct session_config c = { .features = p->sent &
						      ~BIT64(VIRTIO_F_ACCESS_PLATFORM) };
	struct link l;
	int r = 0;

	link_init(&l, p->s);
	session_close(p->s);
	p->s->addresses = ADDRESSES_AS_ARMED;
	r = session_open(p->s);
	if (r >= 0)
		r = session_setup(p->s, &c);
	if (r >= 0)
		r = session_running(p->s, "pace.start", 1);
	if (r >= 0)
		r = link_post_rx(&l);
	if (r >= 0)
		r = link_connect(&l);
	return r < 0 ? r : quickest(&l, ret);
}

/* Records whether the IOTLB costs too much; never a time, so that judges agree later. */
static void play_pace(struct player *p, struct link *l)
{
	struct quiet quiet = { .rec = { .emit = quiet_emit, .begin = quiet_begin },
			       .real = p->s->rec };
	uint64_t with = 0, without = 0;
	int e = 0;

	p->s->rec = &quiet.rec;
	e = quickest(l, &with);
	if (e == 0)
		e = quickest_without(p, &without);
	p->s->rec = quiet.real;
	session_fact(p->s, "pace", "rate_below_1_in_50", "%s",
		     e < 0                         ? "unknown"
		     : with / SLOW_RATIO > without ? "yes"
						   : "no");
}

/* --------------------------------------------------------------- the guest */

static void play_transfer(struct player *p)
{
	struct link l;
	const char *name = NULL;
	int e = 0;

	link_init(&l, p->s);
	l.serve = p->play->guest->miss == STACK_MISS_SERVED;
	e = link_post_rx(&l);
	/* what the receive ring misses is there before anything else is waited for */
	if (e == 0)
		e = session_barrier(p->s);
	if (e == 0)
		e = link_both_ways(&l, STACK_TRANSFER_BYTES);
	name = e < 0 ? strerrorname_np(-e) : "ok";
	session_fact(p->s, "transfer", "result", "%s", name ? name : "unknown errno");
	if (e == 0 && p->s->iotlb)
		play_pace(p, &l);
}

int stack_collect(struct session *s, const struct stack_play *play)
{
	struct player p = { .s = s, .play = play };

	if (s->family != FAMILY_VSOCK && s->family != FAMILY_NET)
		return -EOPNOTSUPP;
	s->addresses =
		play->guest->guest == GUEST_VIOMMU ? ADDRESSES_IOVA : ADDRESSES_PHYSICAL;
	if (session_peer(s) < 0)
		return 0;
	if (session_open(s) < 0)
		return s->failed;
	if (play_calls(&p) >= 0)
		play_transfer(&p);
	return s->failed;
}
