/* SPDX-License-Identifier: MIT */
/* Area lifecycle: what may be changed under a device that runs, and between two starts.
 */
#include <string.h>

#include "checks/hostile.h"

/* LOG_ALL needs a log, bit 33 an IOTLB; VERSION_1 is tried by its absence. */
#define NOT_TOGGLED (F_VERSION_1 | F_IOTLB | BIT64(VHOST_F_LOG_ALL))

#define WRAPPING_BASE 65530u

static int begin_at_rest(struct link *l, struct session *s)
{
	int r = link_begin(l, s, &plain_start);

	if (r == 0)
		r = link_connect(l);
	if (r == 0)
		r = link_tx(l, "before", SHORT_BYTES);
	if (r == 0)
		r = session_barrier(s);
	return r < 0 ? r : 0;
}

static int go_on(struct link *l)
{
	int r = link_tx(l, "tx", SHORT_BYTES);

	return r < 0 ? r : link_rx(l, "rx", SHORT_BYTES);
}

static void judge_went_on(struct judge *j)
{
	judge_bytes(j, "before", SHORT_BYTES);
	judge_both(j, SHORT_BYTES);
}

/* --------------------------------------------------------------- features */

static int collect_features_toggled(struct session *s)
{
	struct link l;
	uint64_t offered = 0;
	int r = begin_at_rest(&l, s);

	if (r == 0)
		r = session_get_u64(s, "offered", VHOST_GET_FEATURES, &offered);
	if (r < 0)
		return r;
	(void)session_features(s, "without", 0);
	(void)session_features(s, "back", F_VERSION_1);
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (!(offered & BIT64(bit) & ~NOT_TOGGLED))
			continue;
		(void)session_features(s, bit_step(&s->arena, bit),
				       F_VERSION_1 | BIT64(bit));
		(void)session_features(s, "back", F_VERSION_1);
	}
	return go_on(&l);
}

static void judge_features_toggled(struct judge *j)
{
	const struct ev *ev = NULL;
	uint64_t offered = 0;

	if (!judge_mask(j, "offered", &offered))
		return;
	judge_ok(j, "without");
	for (unsigned int bit = 0; bit < 64; bit++)
		if (offered & BIT64(bit) & ~NOT_TOGGLED)
			judge_ok(j, bit_step(j->arena, bit));
	while ((ev = ev_find_next(j->evidence, ev, EV_IOCTL, "back")))
		judge_that(j, ev->ioctl.ret >= 0,
			   "the features of the start were refused");
	judge_went_on(j);
}

const struct check lifecycle_features_toggled = {
	.area = "lifecycle",
	.name = "features_toggled",
	.families = ON_BOTH,
	.title = "features may change while the device runs",
	.contract =
		"VHOST_SET_FEATURES of a running device takes every offered feature but "
		"for the two that need more (LOG_ALL, bit 33), and with those of the start "
		"set again traffic goes on as before.",
	.harm = "A VMM that switches a feature for a while, as for migration, loses its "
		"guest's device.",
	.judged = "Each offered bit is switched on and off while running, VERSION_1 off "
		  "and on; payload before, and both ways after it.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_net_set_features() in drivers/vhost/net.c",
		      "vhost_vsock_set_features() in drivers/vhost/vsock.c"),
	.faults = WORDS("features_frozen"),
	.collect = collect_features_toggled,
	.judge = judge_features_toggled,
};

/* ------------------------------------------------------------ second homes */

/* The guest's memory as it stands, somewhere else. 0 or -errno */
static int copy_memory(const struct session *s, struct mem *ret)
{
	int r = mem_init(ret);

	if (r == 0)
		memcpy(ret->base, s->mem.base, s->mem.len);
	return r;
}

/* Both rings are written and read in @mem from now on. */
static void rings_in(struct session *s, struct mem *mem)
{
	for (unsigned int q = 0; q < session_queues(s); q++)
		s->ring[q].mem = mem;
}

/* Bytes of all six parts of the rings, which lie first in memory. */
static size_t ring_bytes(const struct mem *m)
{
	return m->region[MEM_RX_BUF].offset;
}

/* Evidence names addresses by the session's memory: it is the other one meanwhile. */
static int readdress(struct session *s, const struct mem *other)
{
	const struct mem home = s->mem;
	int r = 0;

	s->mem = *other;
	r = session_ring_addr(s, "moved.rx", QUEUE_RX, session_ring_home(s, QUEUE_RX));
	if (r >= 0)
		r = session_ring_addr(s, "moved.tx", QUEUE_TX,
				      session_ring_home(s, QUEUE_TX));
	s->mem = home;
	return r < 0 ? r : 0;
}

static int move_rings(struct link *l, struct mem *other)
{
	struct session *s = l->s;
	cleanup_free unsigned char *before = malloc(ring_bytes(&s->mem));
	int r = before ? readdress(s, other) : -ENOMEM;

	if (r < 0)
		return r;
	memcpy(before, s->mem.base, ring_bytes(&s->mem));
	rings_in(s, other);
	r = go_on(l);
	session_fact(s, "moved", "old rings", "%s",
		     memcmp(before, s->mem.base, ring_bytes(&s->mem)) ? "written"
								      : "untouched");
	session_close(s);
	rings_in(s, &s->mem);
	return r;
}

static int collect_rings_moved(struct session *s)
{
	struct mem other = { 0 };
	struct link l;
	int r = begin_at_rest(&l, s);

	if (r == 0)
		r = copy_memory(s, &other);
	if (r == 0)
		r = move_rings(&l, &other);
	mem_done(&other);
	return r;
}

static void judge_rings_moved(struct judge *j)
{
	judge_ok(j, "moved.rx");
	judge_ok(j, "moved.tx");
	judge_fact(j, "moved", "old rings", "untouched");
	judge_went_on(j);
}

const struct check lifecycle_rings_moved = {
	.area = "lifecycle",
	.name = "rings_moved",
	.families = ON_BOTH,
	.title = "rings that were given new addresses are left alone at the old ones",
	.contract =
		"VHOST_SET_VRING_ADDR of a running device takes effect at once: the "
		"device goes on at the new place with the index that it has, and does "
		"not touch the old one again.",
	.harm = "The host writes to memory that the guest uses for something else by now.",
	.judged = "The rings are copied while the worker is at rest, and addressed anew; "
		  "payload both ways, and the bytes of the old rings are compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vring_set_addr() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_addr_late"),
	.collect = collect_rings_moved,
	.judge = judge_rings_moved,
};

static unsigned char *buffers(const struct mem *m)
{
	return mem_ptr(m, MEM_RX_BUF, 0);
}

static size_t buffer_bytes(const struct mem *m)
{
	return m->region[MEM_RX_BUF].len + m->region[MEM_TX_BUF].len;
}

/* The rings stay where they are; all buffers are somewhere else. */
static int swap_memory(struct link *l, struct mem *old)
{
	struct session *s = l->s;
	int r = session_mem_table(s, "swap");

	if (r < 0)
		return r;
	memset(buffers(old), CANARY, buffer_bytes(old));
	r = go_on(l);
	session_fact(s, "swapped", "old buffers", "%s",
		     canary_whole(buffers(old), buffer_bytes(old)) ? "untouched"
								   : "written");
	return r;
}

static int collect_memory_swapped(struct session *s)
{
	struct mem other = { 0 };
	struct mem old = { 0 };
	struct link l;
	int r = begin_at_rest(&l, s);

	if (r == 0)
		r = copy_memory(s, &other);
	if (r < 0)
		return r;
	old = s->mem;
	s->mem = other;
	rings_in(s, &old);
	r = swap_memory(&l, &old);
	session_close(s);
	rings_in(s, &s->mem);
	mem_done(&old);
	return r;
}

static void judge_memory_swapped(struct judge *j)
{
	judge_ok(j, "swap");
	judge_fact(j, "swapped", "old buffers", "untouched");
	judge_went_on(j);
}

const struct check lifecycle_memory_swapped = {
	.area = "lifecycle",
	.name = "memory_swapped",
	.families = ON_BOTH,
	.title = "a new memory table is in force at once",
	.contract = "VHOST_SET_MEM_TABLE of a running device takes effect for the next "
		    "buffer, also for those that were made available before; memory that "
		    "is no longer in the table is not touched again.",
	.harm = "After a memory slot moved (hotplug, a PCI BAR) the host writes to what "
		"the VMM has given away.",
	.judged = "The same guest-physical addresses lead to a copy of the memory, and "
		  "the old buffers are filled with a pattern; payload both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_set_memory() in drivers/vhost/vhost.c"),
	.faults = WORDS("memory_late"),
	.collect = collect_memory_swapped,
	.judge = judge_memory_swapped,
};

/* --------------------------------------------------------- base and stop */

static int collect_restart_base(struct session *s)
{
	struct link l;
	int r = begin_at_rest(&l, s);

	if (r < 0)
		return r;
	(void)session_running(s, "stop", 0);
	r = session_ring_setup(s, QUEUE_RX, SESSION_RING_SIZE, WRAPPING_BASE);
	if (r == 0)
		r = session_ring_setup(s, QUEUE_TX, SESSION_RING_SIZE / 2, WRAPPING_BASE);
	if (r < 0)
		return r;
	(void)session_running(s, "restart", 1);
	r = link_post_rx(&l);
	if (r == 0)
		r = go_on(&l);
	session_note_ring(s, "after", QUEUE_TX);
	return r;
}

static void judge_restart_base(struct judge *j)
{
	const struct ev *ring = judge_need(j, EV_RING, "after");
	uint16_t moved = 0;

	judge_ok(j, "stop");
	judge_ok(j, "restart");
	judge_went_on(j);
	if (!ring)
		return;
	moved = (uint16_t)(ring->ring.base.v - WRAPPING_BASE);
	judge_that(j, ring->ring.base.set && moved > 0 && moved < SESSION_RING_SIZE,
		   "GET_VRING_BASE says %d; the ring was started from %u",
		   (int)ring->ring.base.v, WRAPPING_BASE);
	judge_that(j, ring->ring.used.v == ring->ring.base.v,
		   "GET_VRING_BASE says %d, the used index %d", (int)ring->ring.base.v,
		   (int)ring->ring.used.v);
}

const struct check lifecycle_restart_base = {
	.area = "lifecycle",
	.name = "restart_base",
	.families = ON_BOTH,
	.title = "a stopped device starts again with other rings at another index",
	.contract =
		"Between a stop and the next start rings may get another size, and another "
		"index by VHOST_SET_VRING_BASE: the device takes its next head there, and "
		"the used index from the ring.",
	.harm = "A guest that was reset, or restored into a device that ran before, is "
		"served from a stale index.",
	.judged = "Stop, rings of other sizes from 65530, start, payload both ways, and "
		  "the indices of transmit.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vring_ioctl(), vhost_vq_init_access() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("ring_base_sticks"),
	.collect = collect_restart_base,
	.judge = judge_restart_base,
};

static int collect_base_any_time(struct session *s)
{
	struct link l;
	int r = begin_at_rest(&l, s);

	if (r < 0)
		return r;
	session_note_ring(s, "running", QUEUE_TX);
	link_queue(&l);
	session_note_ring(s, "published", QUEUE_TX);
	(void)session_running(s, "stop", 0);
	session_note_ring(s, "stopped", QUEUE_TX);
	return 0;
}

static void judge_base_any_time(struct judge *j)
{
	static const char *const steps[] = { "running", "published", "stopped" };
	const struct ev *running = judge_need(j, EV_RING, "running");

	judge_bytes(j, "before", SHORT_BYTES);
	judge_ok(j, "stop");
	if (!running)
		return;
	judge_that(j, running->ring.base.set && running->ring.base.v > 0,
		   "GET_VRING_BASE of a running ring says nothing");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		judge_moved(j, steps[i], (uint16_t)running->ring.used.v, 0);
}

const struct check lifecycle_base_any_time = {
	.area = "lifecycle",
	.name = "base_any_time",
	.families = ON_BOTH,
	.title = "GET_VRING_BASE counts the heads that were taken, running or stopped",
	.contract = "VHOST_GET_VRING_BASE works while the device runs and after a stop, "
		    "and says how many heads the device has taken, not how many the "
		    "driver has made available.",
	.harm = "A guest that is migrated loses what it had published but the host had not "
		"looked at.",
	.judged = "Read after a transfer, after a head was published without a kick, and "
		  "after a stop: three times the used index.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("VHOST_GET_VRING_BASE",
		      "vhost_vring_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_base_avail"),
	.collect = collect_base_any_time,
	.judge = judge_base_any_time,
};

static int collect_stopped_silent(struct session *s)
{
	struct link l;
	int r = begin_at_rest(&l, s);

	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	(void)session_running(s, "stop", 0);
	(void)session_running(s, "stop_again", 0);
	link_queue(&l);
	r = session_kick(s, QUEUE_TX);
	if (r == 0)
		r = session_barrier(s);
	session_note_ring(s, "stopped", QUEUE_TX);
	if (r < 0)
		return r;
	(void)session_running(s, "restart", 1);
	r = session_kick(s, QUEUE_TX);
	if (r == 0)
		r = session_barrier(s);
	session_note_ring(s, "restarted", QUEUE_TX);
	return r < 0 ? r : 0;
}

static void judge_stopped_silent(struct judge *j)
{
	const struct ev *before = judge_need(j, EV_RING, "before");

	judge_bytes(j, "before", SHORT_BYTES);
	judge_ok(j, "stop");
	judge_ok(j, "stop_again");
	judge_ok(j, "restart");
	if (!before)
		return;
	judge_moved(j, "stopped", (uint16_t)before->ring.used.v, 0);
	judge_moved(j, "restarted", (uint16_t)before->ring.used.v, 1);
}

const struct check lifecycle_stopped_silent = {
	.area = "lifecycle",
	.name = "stopped_silent",
	.families = ON_BOTH,
	.title = "a stopped device leaves its rings alone, whatever is kicked",
	.contract = "After a stop, which may be repeated, the device takes no head and "
		    "writes to no ring, even when it is kicked; what was published "
		    "meanwhile is taken after the next start.",
	.harm = "The host writes to the memory of a guest that is paused, saved or gone.",
	.judged = "Stop twice, publish, kick, flush: indices stand. Start, kick, flush: "
		  "one head was taken.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_stop() in drivers/vhost/vsock.c",
		      "vhost_net_stop_vq() in drivers/vhost/net.c"),
	.faults = WORDS("stop_ignored"),
	.collect = collect_stopped_silent,
	.judge = judge_stopped_silent,
};
