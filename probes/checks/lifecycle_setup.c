/* SPDX-License-Identifier: MIT */
/* Area lifecycle: the orders in which VMMs set a device up. */
#include "checks/hostile.h"

/** enum part - of a set-up */
enum part {
	PART_FEATURES,
	PART_MEMORY,
	PART_RX,
	PART_TX,
	PART_CID,
	PART_NUM
};

/** struct order - of its parts, and the steps of what follows */
struct order {
	const char *start, *tx, *rx;
	enum part part[PART_NUM];
};

static const struct order orders[] = {
	{ "start.memory_first",
	  "tx.memory_first",
	  "rx.memory_first",
	  { PART_MEMORY, PART_FEATURES, PART_RX, PART_TX, PART_CID } },
	{ "start.rings_first",
	  "tx.rings_first",
	  "rx.rings_first",
	  { PART_RX, PART_TX, PART_MEMORY, PART_FEATURES, PART_CID } },
	{ "start.tx_first",
	  "tx.tx_first",
	  "rx.tx_first",
	  { PART_TX, PART_RX, PART_FEATURES, PART_MEMORY, PART_CID } },
	{ "start.cid_first",
	  "tx.cid_first",
	  "rx.cid_first",
	  { PART_CID, PART_TX, PART_FEATURES, PART_MEMORY, PART_RX } },
};

static int set_up(struct session *s, enum part part)
{
	switch (part) {
	case PART_FEATURES:
		return session_features(s, "features", F_VERSION_1);
	case PART_MEMORY:
		return session_mem_table(s, "memory");
	case PART_RX:
		return session_ring_setup(s, QUEUE_RX, SESSION_RING_SIZE, 0);
	case PART_TX:
		return session_ring_setup(s, QUEUE_TX, SESSION_RING_SIZE, 0);
	case PART_CID:
		return s->family == FAMILY_VSOCK ? session_cid(s, "cid") : 0;
	case PART_NUM:
		break;
	}
	return -EINVAL;
}

static int try_order(struct session *s, const struct order *o)
{
	struct link l;
	int r = 0;

	hostile_close(s);
	link_init(&l, s);
	r = session_open(s);
	if (r >= 0)
		r = session_owner(s, "owner");
	for (unsigned int i = 0; i < PART_NUM && r >= 0; i++)
		r = set_up(s, o->part[i]);
	if (r >= 0)
		r = session_running(s, o->start, 1);
	if (r >= 0)
		r = link_post_rx(&l);
	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = link_tx(&l, o->tx, SHORT_BYTES);
	return r < 0 ? r : link_rx(&l, o->rx, SHORT_BYTES);
}

static int collect_setup_order(struct session *s)
{
	int r = session_peer(s);

	for (size_t i = 0; i < ARRAY_SIZE(orders) && r >= 0; i++)
		r = try_order(s, &orders[i]);
	return r < 0 ? r : 0;
}

static void judge_setup_order(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		judge_bytes(j, orders[i].tx, SHORT_BYTES);
		judge_bytes(j, orders[i].rx, SHORT_BYTES);
		judge_ok(j, orders[i].start);
	}
}

const struct check lifecycle_setup_order = {
	.area = "lifecycle",
	.name = "setup_order",
	.families = ON_BOTH,
	.title = "without an IOTLB the parts of a set-up come in any order",
	.contract =
		"Between SET_OWNER and the start, features, memory table, rings and CID "
		"may be set in any order, and the device works. With bit 33 the rings come "
		"after the features: since 7.2.7 switching it wipes their addresses.",
	.harm = "A VMM in use, with an order that nobody thought of, does not start.",
	.judged =
		"Four orders, each on a fresh descriptor with payload both ways: memory "
		"first, rings first, transmit before receive, CID first.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vring_set_addr() in drivers/vhost/vhost.c",
		      "vhost_vq_access_ok() in drivers/vhost/vhost.c"),
	.faults = WORDS("rings_after_memory"),
	.collect = collect_setup_order,
	.judge = judge_setup_order,
};
