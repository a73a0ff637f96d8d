/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <linux/vhost.h>
#include <string.h>

#include "guest/link.h"
#include "guest/scsi.h"
#include "seam/uapi.h"
#include "stacks/features.h"
#include "stacks/player_parts.h"

#define MISSES_MAX 8
#define PACE_SAMPLES 3
#define SLOW_RATIO 50

/* ------------------------------------------------------- the calls of a VMM */

/* Not in every kernel: a VMM that asks for it does without. */
static int play_fork(struct player *p)
{
	uint8_t kthread = VHOST_FORK_OWNER_KTHREAD;

	(void)session_ioctl(p->s, "setup.fork_from_owner", VHOST_SET_FORK_FROM_OWNER,
			    &kthread);
	return 0;
}

static int play_get_features(struct player *p)
{
	return session_get_u64(p->s, "setup.offered", VHOST_GET_FEATURES,
			       &p->offered.word[0]);
}

/* Bits above 63 go nowhere but through the array. */
static int send_features(struct player *p, const struct feature_set *sent)
{
	const struct session_array array = { .count = 2,
					     .word = { sent->word[0], sent->word[1] } };

	p->sent = sent->word[0];
	return sent->word[1] ? session_set_array(p->s, "setup.features", &array)
			     : session_features(p->s, "setup.features", p->sent);
}

static int play_set_features(struct player *p)
{
	const struct stack_features f =
		stack_features(p->play->stack, p->play->guest, p->s->family, &p->offered);
	const struct mask *unknown =
		mask_make(&p->s->arena, BITS_FEATURES, p->s->family, &f.unknown);
	int r = 0;

	session_fact(p->s, "setup.features", "acked", "0x%" PRIx64, f.acked.word[0]);
	if (unknown)
		session_fact(p->s, "setup.features", "unknown", "%s", unknown->hex);
	if (f.unobserved.word[0])
		session_fact(p->s, "setup.features", "unobserved", "0x%" PRIx64,
			     f.unobserved.word[0]);
	if (p->play->guest->miss == STACK_MISS_UNOBSERVED)
		session_fact(p->s, "setup.features", "misses", "unobserved");
	/* what the start woke the worker for is done before these bits, and not behind them */
	if (p->started)
		(void)session_barrier(p->s);
	r = send_features(p, &f.sent);
	if (r < 0)
		return r;
	/* the guest keeps to what it acknowledged itself, whatever the VMM sent */
	session_order(p->s, f.acked.word[0] & BIT64(VIRTIO_F_IN_ORDER));
	if (p->s->family != FAMILY_VDPA) /* which always has mappings, and no misses */
		session_fact(p->s, "setup.features", "iotlb", "%s",
			     p->s->iotlb ? "on" : "off");
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
	if (r < 0)
		return r;
	p->backend = set;
	if (set & BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2))
		p->s->msg_version = 2;
	return r;
}

static unsigned int rings(const struct player *p)
{
	return p->s->family == FAMILY_VDPA ? vdpa_rings(&p->vdpa) : session_queues(p->s);
}

/* "setup.rx.num" and so on. */
static const char *ring_step(struct player *p, enum session_queue q,
			     enum stack_ring_call call)
{
	static const char *const names[RING_CALL_NUM] = {
		[RING_NUM] = "num",       [RING_BASE] = "base", [RING_ADDR] = "addr",
		[RING_CALL] = "call",     [RING_ERR] = "err",   [RING_KICK] = "kick",
		[RING_ENABLE] = "enable",
	};
	const char *step = arena_printf(&p->s->arena, "setup.%s.%s", p->s->ring[q].name,
					names[call]);

	return step ? step : "setup.ring";
}

/* What is left behind by a start that was refused, for whoever wants to know why. */
static void note_refused(struct session *s)
{
	/* vhost-scsi has no read(2) */
	for (int i = 0; i < MISSES_MAX && s->family != FAMILY_SCSI; i++)
		if (session_read_miss(s, "start.miss", NULL) <= 0)
			break;
	for (unsigned int q = 0; q < session_queues(s); q++) {
		const char *step = arena_printf(&s->arena, "start.%s", s->ring[q].name);

		session_note_ring(s, step ? step : "start.ring", (enum session_queue)q);
		session_note_eventfds(s, step ? step : "start.ring",
				      (enum session_queue)q);
	}
}

/* Errors of a ring are heard, also where the VMM does not listen. */
static int listen_to(struct player *p, enum session_queue q)
{
	if (p->hears[q])
		return 0;
	p->hears[q] = true;
	return session_ring_fd(p->s, ring_step(p, q, RING_ERR), VHOST_SET_VRING_ERR, q,
			       p->s->err[q]);
}

static int play_ring_start(struct player *p, enum session_queue q)
{
	int r = listen_to(p, q);

	if (r < 0)
		return r;
	r = session_ring_start(p->s, "start", q);
	p->started = r >= 0;
	if (r < 0)
		note_refused(p->s);
	return r;
}

/* Lays the rings out before the first call that is about one. */
static void draw_rings(struct player *p)
{
	struct session *s = p->s;

	for (unsigned int q = 0; q < rings(p) && !p->drawn; q++) {
		ring_init(&s->ring[q], &s->mem, q, SESSION_RING_SIZE, 0);
		s->ring[q].in_order = s->in_order;
	}
	p->drawn = true;
}

static int play_ring_call(struct player *p, enum session_queue q,
			  enum stack_ring_call call)
{
	const char *step = call == RING_START ? "start" : ring_step(p, q, call);
	struct session *s = p->s;

	switch (call) {
	case RING_NUM:
		return session_ring_num(s, step, q, SESSION_RING_SIZE);
	case RING_BASE:
		return session_ring_base(s, step, q, 0);
	case RING_ADDR:
		return session_ring_addr(s, step, q, session_ring_home(s, q));
	case RING_CALL:
		return session_ring_fd(s, step, VHOST_SET_VRING_CALL, q, s->call[q]);
	case RING_ERR:
		return listen_to(p, q);
	case RING_KICK:
		return session_ring_fd(s, step, VHOST_SET_VRING_KICK, q, s->kick[q]);
	case RING_START:
		return play_ring_start(p, q);
	case RING_ENABLE:
		return player_vdpa_enable(p, step, q);
	case RING_CALL_NUM:
		break;
	}
	return -EINVAL;
}

static int play_vrings(struct player *p, const struct stack_step *step)
{
	int r = 0;

	draw_rings(p);
	for (unsigned int q = 0; q < rings(p); q++)
		for (size_t i = 0; i < step->count && r >= 0; i++)
			r = play_ring_call(p, (enum session_queue)q,
					   (enum stack_ring_call)step->word[i]);
	return r;
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

static int play_start(struct player *p)
{
	int r = 0;

	for (unsigned int q = 0; q < session_queues(p->s) && r >= 0; q++)
		r = listen_to(p, (enum session_queue)q);
	if (r < 0)
		return r;
	r = session_running(p->s, "start", 1);
	p->started = r >= 0;
	if (r < 0)
		note_refused(p->s);
	return r;
}

/* Of which vhost-scsi alone has one; newer kernels than a VMM knows it refuses. */
static int play_abi_version(struct player *p)
{
	uint32_t version = 0;
	int r = 0;

	if (p->s->family != FAMILY_SCSI)
		return 0;
	r = scsi_get_u32(p->s, "setup.abi_version", VHOST_SCSI_GET_ABI_VERSION, &version);
	return r >= 0 && version > VHOST_SCSI_ABI_VERSION ? -ENOSYS : r;
}

static int play_step(struct player *p, const struct stack_step *step)
{
	bool vdpa = p->s->family == FAMILY_VDPA;

	switch ((enum stack_call)step->call) {
	case CALL_FORK_FROM_OWNER:
		return play_fork(p);
	case CALL_SET_OWNER:
		return session_owner(p->s, "setup.owner");
	case CALL_GET_FEATURES:
		return play_get_features(p);
	case CALL_SET_FEATURES:
		return play_set_features(p);
	case CALL_BACKEND_FEATURES:
		return play_backend(p);
	case CALL_SET_MEM_TABLE:
		return session_mem_table(p->s, "setup.memory");
	case CALL_SET_GUEST_CID:
		return p->s->family == FAMILY_VSOCK ? session_cid(p->s, "setup.cid") : 0;
	case CALL_VRINGS:
		return play_vrings(p, step);
	case CALL_IOTLB_UPDATE:
		return vdpa ? player_vdpa_step(p, step) : play_map(p);
	case CALL_START:
		return vdpa ? player_vdpa_step(p, step) : play_start(p);
	case CALL_GET_ABI_VERSION:
		return play_abi_version(p);
	case CALL_GET_DEVICE_ID:
	case CALL_GET_IOVA_RANGE:
	case CALL_SET_STATUS:
	case CALL_GET_STATUS:
	case CALL_SET_CONFIG_CALL:
	case CALL_IOTLB_BATCH_BEGIN:
	case CALL_IOTLB_BATCH_END:
	case CALL_IOTLB_INVALIDATE:
		return player_vdpa_step(p, step);
	case CALL_NUM:
		break;
	}
	return -EINVAL;
}

int player_calls(struct player *p)
{
	const struct rec_list *order = &p->play->stack->order;
	char word[STACK_WORD_ROOM];
	int r = 0;

	for (size_t i = 0; i < order->count && r >= 0; i++) {
		struct stack_step step;

		r = stack_step_read(order->item[i], &step, word);
		if (r >= 0)
			r = play_step(p, &step);
	}
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
		e = link_both_ways(&l, p->s->family == FAMILY_SCSI
					       ? STACK_SCSI_BYTES
					       : STACK_TRANSFER_BYTES);
	name = e < 0 ? strerrorname_np(-e) : "ok";
	session_fact(p->s, "transfer", "result", "%s", name ? name : "unknown errno");
	if (e == 0 && p->s->iotlb)
		play_pace(p, &l);
}

/* Whoever adds this bit of its own has a back end without headers. */
static bool has_own_header(const struct stack_guest *guest)
{
	for (size_t i = 0; i < guest->force.count; i++)
		if (bit_number(FAMILY_NET, guest->force.item[i]) ==
		    VHOST_NET_F_VIRTIO_NET_HDR)
			return true;
	return false;
}

int stack_collect(struct session *s, const struct stack_play *play)
{
	struct player p = { .s = s, .play = play };

	if (s->family == FAMILY_VDPA)
		return player_vdpa(&p);
	s->addresses =
		play->guest->guest == GUEST_VIOMMU ? ADDRESSES_IOVA : ADDRESSES_PHYSICAL;
	if (has_own_header(play->guest))
		s->backend = BACKEND_PACKET;
	if (session_peer(s) < 0)
		return 0;
	if (session_open(s) < 0)
		return s->failed;
	if (player_calls(&p) >= 0)
		play_transfer(&p);
	return s->failed;
}
