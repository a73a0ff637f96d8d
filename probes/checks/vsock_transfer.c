/* SPDX-License-Identifier: MIT */
/* Area transfer of vhost-vsock: real bytes both ways with the IOTLB off. */
#include "checks/rows.h"

static int collect_closed_port(struct session *s)
{
	struct vsock v;
	int r = vsock_begin(&v, s, &plain_start);

	return r < 0 ? r : vsock_closed_port(&v);
}

static void judge_closed_port(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "closed_port", "reply", "rst");
}

const struct check transfer_closed_port = {
	.area = "transfer",
	.name = "closed_port",
	.families = ON_VSOCK,
	.title = "a connection to a port without listener is reset",
	.contract =
		"A REQUEST to a host port that nobody listens on is answered with RST on "
		"the receive ring.",
	.harm = "connect(2) in the guest hangs until its timeout instead of failing with "
		"ECONNRESET.",
	.judged =
		"The peer binds a port and closes it; the guest sends REQUEST there and "
		"reads the reply.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6.6", "virtio_transport_reset_no_sock() in "
					     "net/vmw_vsock/virtio_transport_common.c"),
	.faults = WORDS("kick_lost", "start_swallowed"),
	.collect = collect_closed_port,
	.judge = judge_closed_port,
};

static int collect_guest_connects(struct session *s)
{
	struct vsock v;
	int r = vsock_begin(&v, s, &plain_start);

	if (r == 0)
		r = vsock_both_ways(&v, TRANSFER_BYTES);
	if (r == 0)
		session_note_worker(s, "running");
	return r;
}

static void judge_guest_connects(struct judge *j)
{
	const struct ev *worker = NULL;

	judge_fact(j, "connect", "reply", "response");
	judge_both(j, TRANSFER_BYTES);
	worker = judge_need(j, EV_WORKER, "running");
	if (worker)
		judge_that(j, worker->worker.count > 0,
			   "bytes moved but no vhost worker of this process was found");
}

const struct check transfer_guest_connects = {
	.area = "transfer",
	.name = "guest_connects",
	.families = ON_VSOCK,
	.title = "a stream that the guest opens carries bytes both ways",
	.contract =
		"A guest connects to a listening host socket; payload in either direction "
		"arrives whole, in order and unchanged.",
	.harm = "No agent in the guest reaches its host: the VM looks dead.",
	.judged =
		"10000 bytes each way; the guest's side and the peer process each compute "
		"their own digest; the vhost worker must be there.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6", "vhost_vsock_handle_tx_kick(), "
					   "vhost_transport_do_send_pkt() in "
					   "drivers/vhost/vsock.c"),
	.faults = WORDS("payload_flipped", "payload_short", "peer_refuses"),
	.collect = collect_guest_connects,
	.judge = judge_guest_connects,
};

static int collect_host_connects(struct session *s)
{
	struct vsock v;
	int r = vsock_begin(&v, s, &plain_start);

	if (r == 0)
		r = vsock_host_connects(&v);
	if (r == 0)
		r = vsock_tx(&v, "tx", TRANSFER_BYTES);
	return r < 0 ? r : vsock_rx(&v, "rx", TRANSFER_BYTES);
}

static void judge_host_connects(struct judge *j)
{
	judge_fact(j, "connect", "reply", "request");
	judge_both(j, TRANSFER_BYTES);
}

const struct check transfer_host_connects = {
	.area = "transfer",
	.name = "host_connects",
	.families = ON_VSOCK,
	.title = "a stream that the host opens carries bytes both ways",
	.contract =
		"A host socket connects to the guest's CID and port; the guest sees a "
		"REQUEST, and payload in either direction arrives unchanged.",
	.harm = "The host cannot reach the agent in its guest (kata, lxd, systemd's "
		"notification).",
	.judged = "10000 bytes each way; both ends compute their own digest.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.10.6",
		      "vhost_transport_send_pkt() in drivers/vhost/vsock.c"),
	.faults = WORDS("payload_flipped", "peer_refuses", "wake_late"),
	.collect = collect_host_connects,
	.judge = judge_host_connects,
};

static int collect_call(struct session *s)
{
	struct vsock v;
	int r = vsock_begin(&v, s, &plain_start);

	if (r == 0)
		r = vsock_closed_port(&v);
	if (r < 0)
		return r;
	session_note_eventfds(s, "tx", QUEUE_TX);
	session_note_eventfds(s, "rx", QUEUE_RX);
	return 0;
}

static void judge_call(struct judge *j)
{
	judge_ok(j, "start");
	judge_called(j, "tx");
	judge_called(j, "rx");
	judge_errors(j, "tx", 0);
	judge_errors(j, "rx", 0);
}

const struct check transfer_call = {
	.area = "transfer",
	.name = "call",
	.families = ON_VSOCK,
	.title = "used buffers are announced on the call eventfds",
	.contract =
		"With interrupts wanted (avail->flags 0), the device signals the call "
		"eventfd of a ring after it used a buffer, and no error eventfd.",
	.harm = "The guest's interrupt never comes: traffic moves at the pace of timeouts.",
	.judged =
		"A reset connection uses one buffer in each ring; both call eventfds must "
		"have counted, both error eventfds not.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.7", "vhost_signal() in drivers/vhost/vhost.c"),
	.faults = WORDS("call_lost"),
	.collect = collect_call,
	.judge = judge_call,
};

static int collect_used_length(struct session *s)
{
	struct vsock v;
	int r = vsock_begin(&v, s, &plain_start);

	if (r == 0)
		r = vsock_guest_connects(&v);
	if (r < 0)
		return r;
	session_fact(s, "tx", "used_len", "%u", v.tx_used_len);
	session_fact(s, "response", "used_len", "%u", v.rx_used_len);
	r = vsock_rx(&v, "payload", SHORT_BYTES);
	session_fact(s, "payload", "used_len", "%u", v.rx_used_len);
	return r;
}

static void judge_used_length(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "tx", "used_len", "0");
	judge_fact(j, "response", "used_len", "44");
	judge_bytes(j, "payload", SHORT_BYTES);
	judge_fact(j, "payload", "used_len", "1044");
}

const struct check transfer_used_length = {
	.area = "transfer",
	.name = "used_length",
	.families = ON_VSOCK,
	.title = "the used length is the number of bytes that the device wrote",
	.contract =
		"A used element of the transmit ring has length 0; one of the receive "
		"ring has the 44 bytes of the header and the payload.",
	.harm = "A guest that trusts the length reads what was never written, or drops part "
		"of a packet.",
	.judged = "Lengths of a REQUEST, of its RESPONSE and of 1000 bytes of payload.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.8", "vhost_add_used() in drivers/vhost/vhost.c"),
	.faults = WORDS("peer_refuses"),
	.collect = collect_used_length,
	.judge = judge_used_length,
};

#define WRAP_BASE 65530u
#define WRAP_BYTES 60000u

static int collect_index_wrap(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1, .base = WRAP_BASE };
	struct vsock v;
	int r = vsock_begin(&v, s, &c);

	if (r == 0)
		r = vsock_both_ways(&v, WRAP_BYTES);
	if (r < 0)
		return r;
	session_note_ring(s, "tx", QUEUE_TX);
	session_note_ring(s, "rx", QUEUE_RX);
	return 0;
}

static void judge_wrapped(struct judge *j, const char *step)
{
	const struct ev *ev = judge_need(j, EV_RING, step);

	if (ev)
		judge_that(j, ev->ring.used.set && ev->ring.used.v < WRAP_BASE,
			   "%s ring: used index is %d; it did not pass 65535", step,
			   (int)ev->ring.used.v);
}

static void judge_index_wrap(struct judge *j)
{
	judge_both(j, WRAP_BYTES);
	judge_wrapped(j, "tx");
	judge_wrapped(j, "rx");
}

const struct check transfer_index_wrap = {
	.area = "transfer",
	.name = "index_wrap",
	.families = ON_VSOCK,
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
	.faults = WORDS("ring_base_swallowed"),
	.collect = collect_index_wrap,
	.judge = judge_index_wrap,
};

static int ring_size_round(struct session *s, unsigned int size)
{
	const struct session_config c = { .features = F_VERSION_1, .ring_size = size };
	const char *step = arena_printf(&s->arena, "size %u", size);
	struct vsock v;
	int r = vsock_begin(&v, s, &c);

	if (r == 0)
		r = vsock_guest_connects(&v);
	if (r == 0)
		r = vsock_tx(&v, step ? step : "size", SHORT_BYTES);
	session_close(s);
	s->seam->peer->ops->stop(s->seam->peer);
	return r;
}

static int collect_ring_sizes(struct session *s)
{
	int r = 0;

	for (unsigned int size = 2; size <= RING_SIZE_MAX && r == 0; size *= 2)
		r = ring_size_round(s, size);
	return r;
}

static void judge_ring_sizes(struct judge *j)
{
	for (unsigned int size = 2; size <= RING_SIZE_MAX; size *= 2) {
		const char *step = arena_printf(j->arena, "size %u", size);

		judge_bytes(j, step ? step : "size", SHORT_BYTES);
	}
}

const struct check transfer_ring_sizes = {
	.area = "transfer",
	.name = "ring_sizes",
	.families = ON_VSOCK,
	.title = "rings of every size from 2 to 256 work",
	.contract =
		"The device serves a ring of any power of two that SET_VRING_NUM took.",
	.harm = "A VMM with a small or large queue-size setting starts and does not work.",
	.judged =
		"A fresh device for each size from 2 to 256: connect, and 1000 bytes to "
		"the host.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7"),
	.faults = WORDS("ring_num_swallowed"),
	.collect = collect_ring_sizes,
	.judge = judge_ring_sizes,
};

static int collect_shape(struct session *s, enum vsock_shape shape, uint64_t features)
{
	const struct session_config c = { .features = F_VERSION_1 | features };
	struct vsock v;
	int r = vsock_begin(&v, s, &c);

	v.shape = shape;
	return r < 0 ? r : vsock_both_ways(&v, TRANSFER_BYTES);
}

static int collect_chain(struct session *s)
{
	return collect_shape(s, VSOCK_CHAIN, 0);
}

static void judge_transfer(struct judge *j)
{
	judge_both(j, TRANSFER_BYTES);
}

const struct check transfer_chain = {
	.area = "transfer",
	.name = "chain",
	.families = ON_VSOCK,
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
	.faults = WORDS("payload_flipped", "start_swallowed"),
	.collect = collect_chain,
	.judge = judge_transfer,
};

static int collect_indirect(struct session *s)
{
	return collect_shape(s, VSOCK_INDIRECT, F_INDIRECT);
}

const struct check transfer_indirect = {
	.area = "transfer",
	.name = "indirect",
	.families = ON_VSOCK,
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
	.faults = WORDS("payload_flipped", "start_swallowed"),
	.collect = collect_indirect,
	.judge = judge_transfer,
};

static int collect_event_idx(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1 | F_EVENT_IDX };
	struct vsock v;
	int r = vsock_begin(&v, s, &c);

	if (r == 0)
		r = vsock_both_ways(&v, TRANSFER_BYTES);
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
	.families = ON_VSOCK,
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
	.faults = WORDS("call_lost", "payload_flipped"),
	.collect = collect_event_idx,
	.judge = judge_event_idx,
};
