/* SPDX-License-Identifier: MIT */
/* Area hostile: transmit rings that no driver may write. */
#include <endian.h>

#include "checks/hostile.h"

static struct ring *ring_of(struct link *l)
{
	return &l->s->ring[QUEUE_TX];
}

/* Descriptor @i is the good one over again, and leads to @next. */
static void chained(struct link *l, unsigned int i, uint16_t next)
{
	const struct vring_desc d = bend_good(l);

	ring_desc(ring_of(l), i, le64toh(d.addr), le32toh(d.len), RING_NEXT, next);
}

/* ------------------------------------------------------------------ loops */

static void loop_of_one(struct link *l)
{
	chained(l, 0, 0);
}

static void loop_of_two(struct link *l)
{
	chained(l, 0, 1);
	chained(l, 1, 0);
}

static void loop_of_all(struct link *l)
{
	unsigned int size = ring_of(l)->size;

	for (unsigned int i = 0; i < size; i++)
		chained(l, i, (uint16_t)((i + 1) % size));
}

static const struct bend loops[] = {
	{ "one", loop_of_one },
	{ "two", loop_of_two },
	{ "all", loop_of_all },
};

static int collect_chain_loop(struct session *s)
{
	int r = session_peer(s);

	return r < 0 ? r : bend_each(s, &plain_start, loops, ARRAY_SIZE(loops));
}

static void judge_chain_loop(struct judge *j)
{
	judge_bent(j, loops, ARRAY_SIZE(loops));
}

const struct check hostile_chain_loop = {
	.area = "hostile",
	.name = "chain_loop",
	.families = ON_BOTH,
	.title = "a chain that bites its tail is refused",
	.contract =
		"A chain of descriptors that never ends is not taken: the error eventfd is "
		"signalled, no index moves, the worker comes back, and a fresh descriptor "
		"works.",
	.harm = "A guest keeps a worker of the host busy for ever, or makes it send more "
		"than the guest owns.",
	.judged = "Loops of one, of two and of all descriptors, each on a fresh device: "
		  "kick, flush, indices and error eventfd; then a transfer both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.5.2",
		      "vhost_get_vq_desc_n() in drivers/vhost/vhost.c"),
	.faults = WORDS("chain_loop_taken"),
	.collect = collect_chain_loop,
	.judge = judge_chain_loop,
};

/* ---------------------------------------------------------- out of range */

static void next_just_beyond(struct link *l)
{
	chained(l, 0, (uint16_t)ring_of(l)->size);
}

static void next_far_beyond(struct link *l)
{
	chained(l, 0, UINT16_MAX);
}

static const struct bend nexts[] = {
	{ "size", next_just_beyond },
	{ "most", next_far_beyond },
};

static int collect_chain_range(struct session *s)
{
	int r = session_peer(s);

	return r < 0 ? r : bend_each(s, &plain_start, nexts, ARRAY_SIZE(nexts));
}

static void judge_chain_range(struct judge *j)
{
	judge_bent(j, nexts, ARRAY_SIZE(nexts));
}

const struct check hostile_chain_range = {
	.area = "hostile",
	.name = "chain_range",
	.families = ON_BOTH,
	.title = "a chain that leaves the descriptor table is refused",
	.contract =
		"A descriptor whose next is no index of the table is not followed: the "
		"error eventfd is signalled, no index moves, and a fresh descriptor "
		"works.",
	.harm = "The device reads descriptors from behind the ring: whatever lies there "
		"becomes an address that it reads or writes.",
	.judged = "next is the ring's size and 65535, each on a fresh device; then a "
		  "transfer both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.5",
		      "vhost_get_vq_desc_n() in drivers/vhost/vhost.c"),
	.faults = WORDS("chain_next_wraps"),
	.collect = collect_chain_range,
	.judge = judge_chain_range,
};

/* The entry that was published names another head. */
static void head_is(struct link *l, uint16_t head)
{
	struct ring *r = ring_of(l);

	r->next_avail--;
	ring_avail_put(r, head);
	ring_publish(r);
}

static void head_just_beyond(struct link *l)
{
	head_is(l, (uint16_t)ring_of(l)->size);
}

static void head_far_beyond(struct link *l)
{
	head_is(l, UINT16_MAX);
}

static const struct bend heads[] = {
	{ "size", head_just_beyond },
	{ "most", head_far_beyond },
};

static int collect_head_range(struct session *s)
{
	int r = session_peer(s);

	return r < 0 ? r : bend_each(s, &plain_start, heads, ARRAY_SIZE(heads));
}

static void judge_head_range(struct judge *j)
{
	judge_bent(j, heads, ARRAY_SIZE(heads));
}

const struct check hostile_head_range = {
	.area = "hostile",
	.name = "head_range",
	.families = ON_BOTH,
	.title = "a head that is no descriptor of the ring is refused",
	.contract = "An entry of the avail ring that is no index of the descriptor table "
		    "is not taken: the error eventfd is signalled, no index moves, and a "
		    "fresh descriptor works.",
	.harm = "The device reads descriptors from behind the ring: whatever lies there "
		"becomes an address that it reads or writes.",
	.judged = "The head is the ring's size and 65535, each on a fresh device; then a "
		  "transfer both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.6",
		      "vhost_get_vq_desc_n() in drivers/vhost/vhost.c"),
	.faults = WORDS("head_wraps"),
	.collect = collect_head_range,
	.judge = judge_head_range,
};

static void index_is(struct link *l, unsigned int ahead)
{
	struct ring *r = ring_of(l);

	r->next_avail = (uint16_t)(r->last_used + ahead);
	ring_publish(r);
}

static void ahead_one_too_far(struct link *l)
{
	index_is(l, ring_of(l)->size + 1);
}

static void ahead_half(struct link *l)
{
	index_is(l, 32768);
}

static void behind(struct link *l)
{
	index_is(l, UINT16_MAX);
}

static const struct bend jumps[] = {
	{ "size_and_one", ahead_one_too_far },
	{ "half", ahead_half },
	{ "behind", behind },
};

/* Refused once is not refused: what was read may have been kept. One only, since each
 * head that is taken after all is a packet. */
static int jump_again(struct session *s)
{
	struct link l;
	int r = hostile_open(&l, s, &plain_start);

	if (r < 0)
		return r;
	link_queue(&l);
	ahead_one_too_far(&l);
	r = session_stalled(s, "refused", QUEUE_TX);
	if (r >= 0)
		r = session_stalled(s, "again", QUEUE_TX);
	session_fact(s, "again", "taken", "%u", ring_used_idx(&s->ring[QUEUE_TX]));
	return r < 0 ? r : 0;
}

static int collect_avail_jump(struct session *s)
{
	int r = session_peer(s);

	if (r == 0)
		r = jump_again(s);
	return r < 0 ? r : bend_each(s, &plain_start, jumps, ARRAY_SIZE(jumps));
}

static void judge_avail_jump(struct judge *j)
{
	judge_fact(j, "again", "taken", "0");
	judge_moved(j, "again", 0, 0);
	judge_bent(j, jumps, ARRAY_SIZE(jumps));
}

const struct check hostile_avail_jump = {
	.area = "hostile",
	.name = "avail_jump",
	.families = ON_BOTH,
	.title = "an avail index too far ahead is refused",
	.contract =
		"An avail index that is more than the ring's size ahead of what the "
		"device has taken is an error: the error eventfd is signalled, no head "
		"is taken, and a fresh descriptor works.",
	.harm = "Heads of the past are done again: the host sends what the guest has "
		"taken back, or writes to it.",
	.judged = "The index is the size and one, 32768 and 65535 ahead, each on a fresh "
		  "device, the first of them kicked twice; then a transfer both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.6",
		      "vhost_get_avail_idx() in drivers/vhost/vhost.c"),
	.faults = WORDS("avail_jump_cut", "avail_jump_kept"),
	.collect = collect_avail_jump,
	.judge = judge_avail_jump,
};

/* ------------------------------------------------------------------ order */

static void read_after_written(struct link *l)
{
	const struct vring_desc d = bend_good(l);

	ring_desc(ring_of(l), 0, link_address(l, MEM_INDIRECT, 0), MEM_PAGE,
		  RING_WRITE | RING_NEXT, 1);
	ring_desc(ring_of(l), 1, le64toh(d.addr), le32toh(d.len), 0, 0);
}

static void read_around_written(struct link *l)
{
	const struct vring_desc d = bend_good(l);

	chained(l, 0, 1);
	ring_desc(ring_of(l), 1, link_address(l, MEM_INDIRECT, 0), MEM_PAGE,
		  RING_WRITE | RING_NEXT, 2);
	ring_desc(ring_of(l), 2, le64toh(d.addr), le32toh(d.len), 0, 0);
}

static const struct bend orders[] = {
	{ "written_first", read_after_written },
	{ "written_between", read_around_written },
};

static int collect_chain_order(struct session *s)
{
	int r = session_peer(s);

	return r < 0 ? r : bend_each(s, &plain_start, orders, ARRAY_SIZE(orders));
}

static void judge_chain_order(struct judge *j)
{
	judge_bent(j, orders, ARRAY_SIZE(orders));
}

const struct check hostile_chain_order = {
	.area = "hostile",
	.name = "chain_order",
	.families = ON_BOTH,
	.title = "a chain with something to read behind something to write is refused",
	.contract =
		"Within a chain all that the device reads comes before all that it "
		"writes; another order is an error: the error eventfd is signalled, no "
		"index moves, and a fresh descriptor works.",
	.harm = "What is meant to be read is taken for room to write in.",
	.judged =
		"A chain that begins with a writable descriptor, and one with a writable "
		"descriptor in its middle; then a transfer both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.4.2",
		      "vhost_get_vq_desc_n() in drivers/vhost/vhost.c"),
	.faults = WORDS("chain_order_ignored"),
	.collect = collect_chain_order,
	.judge = judge_chain_order,
};
