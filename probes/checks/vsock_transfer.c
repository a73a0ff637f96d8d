/* SPDX-License-Identifier: MIT */
/* Area transfer of vhost-vsock: real bytes both ways with the IOTLB off. */
#include "checks/rows.h"
#include "guest/vsock.h"

static int collect_closed_port(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	return r < 0 ? r : vsock_closed_port(&l);
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
	.faults = WORDS("kick_lost", "start_swallowed", "rst_missing", "rst_is_shutdown"),
	.collect = collect_closed_port,
	.judge = judge_closed_port,
};

static void judge_guest_connects(struct judge *j)
{
	judge_fact(j, "connect", "reply", "response");
	judge_full_transfer(j);
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
	.faults =
		WORDS("payload_flipped", "payload_short", "peer_refuses", "worker_gone"),
	.collect = collect_full_transfer,
	.judge = judge_guest_connects,
};

static int collect_host_connects(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = vsock_host_connects(&l);
	if (r == 0)
		r = link_tx(&l, "tx", TRANSFER_BYTES);
	return r < 0 ? r : link_rx(&l, "rx", TRANSFER_BYTES);
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
	.faults = WORDS("payload_flipped", "peer_refuses", "wake_late", "request_lost"),
	.collect = collect_host_connects,
	.judge = judge_host_connects,
};

static int collect_call(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = vsock_closed_port(&l);
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

const struct check vsock_call = {
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
	.faults = WORDS("call_lost", "call_rx_missing"),
	.collect = collect_call,
	.judge = judge_call,
};

static int collect_used_length(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_connect(&l);
	if (r < 0)
		return r;
	session_fact(s, "tx", "used_len", "%u", l.tx_used_len);
	session_fact(s, "response", "used_len", "%u", l.rx_used_len);
	r = link_rx(&l, "payload", SHORT_BYTES);
	session_fact(s, "payload", "used_len", "%u", l.rx_used_len);
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

const struct check vsock_used_length = {
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
	.faults = WORDS("peer_refuses", "used_len_tx", "used_len_rx"),
	.collect = collect_used_length,
	.judge = judge_used_length,
};
