/* SPDX-License-Identifier: MIT */
/* Area transfer: what holds for the rings of every device, with the IOTLB off. */
#include "checks/rows.h"

#define WRAP_BASE 65530u
#define WRAP_BYTES 60000u

/* Not the index itself: into how many buffers a stream is cut is a matter of pace. */
static void note_wrapped(struct session *s, const char *step, enum session_queue q)
{
	session_fact(s, step, "wrapped", "%s",
		     ring_used_idx(&s->ring[q]) < WRAP_BASE ? "yes" : "no");
}

static int collect_index_wrap(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1, .base = WRAP_BASE };
	struct link l;
	int r = link_begin(&l, s, &c);

	if (r == 0)
		r = link_both_ways(&l, WRAP_BYTES);
	if (r < 0)
		return r;
	note_wrapped(s, "tx", QUEUE_TX);
	note_wrapped(s, "rx", QUEUE_RX);
	return 0;
}

static void judge_index_wrap(struct judge *j)
{
	judge_both(j, WRAP_BYTES);
	judge_fact(j, "tx", "wrapped", "yes");
	judge_fact(j, "rx", "wrapped", "yes");
}

const struct check transfer_index_wrap = {
	.area = "transfer",
	.name = "index_wrap",
	.families = ON_BOTH,
	.title = "ring indices wrap from 65535 to 0",
	.contract = "A device that starts at base 65530 goes on at 0 after 65535, and no "
		    "payload is lost or repeated there.",
	.harm = "Every guest stalls after 65536 packets.",
	.judged =
		"60000 bytes each way from base 65530; digests, and indices that wrapped.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.6", "vhost_get_vq_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_base_swallowed", "ring_base_forgotten", "index_no_wrap",
			"index_lies"),
	.collect = collect_index_wrap,
	.judge = judge_index_wrap,
};

static int ring_size_round(struct session *s, unsigned int size, uint16_t base)
{
	const struct session_config c = { .features = F_VERSION_1,
					  .ring_size = size,
					  .base = base };
	const char *tx = arena_printf(&s->arena, "tx %u", size);
	const char *rx = arena_printf(&s->arena, "rx %u", size);
	struct link l;
	int r = link_open(&l, s, &c);

	if (r == 0)
		r = link_start(&l);
	if (r == 0)
		r = link_connect(&l);
	if (r == 0)
		r = link_tx(&l, tx ? tx : "tx", SHORT_BYTES);
	if (r == 0)
		r = link_rx(&l, rx ? rx : "rx", SHORT_BYTES);
	return r;
}

/*
 * From the @before last entries of each ring on, or from 0. Stopped before it is closed: what
 * becomes of a device that is closed while it runs is not asked here.
 */
static int ring_size_rounds(struct session *s, unsigned int first, unsigned int last,
			    unsigned int before)
{
	int r = session_peer(s);

	for (unsigned int size = first; size <= last && r == 0; size *= 2) {
		if (size != first) {
			(void)session_running(s, "stop", 0);
			session_close(s);
		}
		r = ring_size_round(s, size, (uint16_t)(before ? size - before : 0));
	}
	return r;
}

static int collect_ring_sizes(struct session *s)
{
	return ring_size_rounds(s, 2, RING_SIZE_MAX, 0);
}

static void judge_sizes(struct judge *j, unsigned int first, unsigned int last)
{
	for (unsigned int size = first; size <= last; size *= 2) {
		const char *tx = arena_printf(j->arena, "tx %u", size);
		const char *rx = arena_printf(j->arena, "rx %u", size);

		judge_bytes(j, tx ? tx : "tx", SHORT_BYTES);
		judge_bytes(j, rx ? rx : "rx", SHORT_BYTES);
	}
}

static void judge_ring_sizes(struct judge *j)
{
	judge_sizes(j, 2, RING_SIZE_MAX);
}

const struct check transfer_ring_sizes = {
	.area = "transfer",
	.name = "ring_sizes",
	.families = ON_BOTH,
	.title = "rings of every size from 2 to 256 work",
	.contract =
		"The device serves a ring of any power of two that SET_VRING_NUM took.",
	.harm = "A VMM with a small or large queue-size setting starts and does not work.",
	.judged = "A fresh device for each size from 2 to 256, and 1000 bytes each way.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7"),
	.faults = WORDS("ring_num_swallowed", "small_ring_ignored"),
	.collect = collect_ring_sizes,
	.judge = judge_ring_sizes,
};

static int collect_large_rings(struct session *s)
{
	int r = mem_init_layout(&s->mem, MEM_LARGE_RINGS);

	return r < 0 ? r : ring_size_rounds(s, 2 * RING_SIZE_MAX, RING_SIZE_LARGEST, 2);
}

static void judge_large_rings(struct judge *j)
{
	judge_sizes(j, 2 * RING_SIZE_MAX, RING_SIZE_LARGEST);
}

const struct check transfer_large_rings = {
	.area = "transfer",
	.name = "large_rings",
	.families = ON_BOTH,
	.title = "rings of every size from 512 to 32768 work",
	.contract =
		"The device serves a ring of any power of two that SET_VRING_NUM took, up to "
		"the last of its entries.",
	.harm = "A VMM with a large queue-size setting starts and does not work.",
	.judged =
		"A fresh device for each size from 512 to 32768, from the last entries of "
		"its rings on, and 1000 bytes each way.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7", "vhost_vring_set_num() in drivers/vhost/vhost.c"),
	.faults = WORDS("large_ring_ignored", "ring_num_swallowed"),
	.collect = collect_large_rings,
	.judge = judge_large_rings,
};

static int collect_shape(struct session *s, enum link_shape shape, uint64_t features)
{
	const struct session_config c = { .features = F_VERSION_1 | features };
	struct link l;
	int r = link_begin(&l, s, &c);

	l.shape = shape;
	return r < 0 ? r : link_both_ways(&l, TRANSFER_BYTES);
}

static int collect_chain(struct session *s)
{
	return collect_shape(s, LINK_CHAIN, 0);
}

static void judge_transfer(struct judge *j)
{
	judge_both(j, TRANSFER_BYTES);
}

const struct check transfer_chain = {
	.area = "transfer",
	.name = "chain",
	.families = ON_BOTH,
	.title = "a packet may lie in several chained descriptors",
	.contract =
		"Header and payload in two chained descriptors are one packet: the device "
		"makes no assumption on the layout.",
	.harm = "Guests that send header and payload apart, as Linux does, cannot transmit.",
	.judged = "10000 bytes to the host with two descriptors a packet, and back.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.4", "vhost_get_vq_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("payload_flipped", "start_swallowed", "chain_cut"),
	.collect = collect_chain,
	.judge = judge_transfer,
};

static int collect_indirect(struct session *s)
{
	return collect_shape(s, LINK_INDIRECT, F_INDIRECT);
}

const struct check transfer_indirect = {
	.area = "transfer",
	.name = "indirect",
	.families = ON_BOTH,
	.title = "a packet may lie in an indirect table",
	.contract = "With VIRTIO_RING_F_INDIRECT_DESC a descriptor may name a table of "
		    "descriptors; the device transmits what they hold.",
	.harm = "Linux guests, which use indirect descriptors whenever they may, cannot "
		"transmit.",
	.judged = "10000 bytes to the host, each packet in an indirect table of two, and "
		  "back.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_INDIRECT,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.5.3", "get_indirect() in drivers/vhost/vhost.c"),
	.faults = WORDS("payload_flipped", "start_swallowed", "indirect_cut"),
	.collect = collect_indirect,
	.judge = judge_transfer,
};

static int collect_event_idx(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1 | F_EVENT_IDX };
	struct link l;
	int r = link_begin(&l, s, &c);

	if (r == 0)
		r = link_both_ways(&l, TRANSFER_BYTES);
	if (r < 0)
		return r;
	session_note_eventfds(s, "tx", QUEUE_TX);
	return 0;
}

static void judge_event_idx(struct judge *j)
{
	judge_both(j, TRANSFER_BYTES);
	judge_called(j, "tx");
}

const struct check transfer_event_idx = {
	.area = "transfer",
	.name = "event_idx",
	.families = ON_BOTH,
	.title = "with EVENT_IDX the device calls at the index that it was asked for",
	.contract =
		"With VIRTIO_RING_F_EVENT_IDX the device signals the call eventfd when "
		"its used index passes used_event, and payload moves as before.",
	.harm = "Lost interrupts: the guest sleeps on a full ring.",
	.judged =
		"used_event always asks for the next element; 10000 bytes each way, and "
		"the call eventfd must have counted.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_EVENT_IDX,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.7.1", "vhost_notify() in drivers/vhost/vhost.c"),
	.faults = WORDS("call_lost", "payload_flipped", "event_ignored"),
	.collect = collect_event_idx,
	.judge = judge_event_idx,
};
