/* SPDX-License-Identifier: MIT */
#include "guest/link.h"
#include "guest/net.h"
#include "guest/scsi.h"
#include "guest/vsock.h"

void link_init(struct link *l, struct session *s)
{
	static const struct link_ops *const ops[FAMILY_NUM] = {
		[FAMILY_NET] = &net_link,
		[FAMILY_VSOCK] = &vsock_link,
		[FAMILY_SCSI] = &scsi_link,
	};

	*l = (struct link){ .s = s, .ops = ops[s->family] };
}

uint64_t link_address(const struct link *l, enum mem_region_id id, uint64_t offset)
{
	return session_writes_iova(l->s) ? mem_iova(id, offset)
					 : mem_gpa(&l->s->mem, id, offset);
}

unsigned int link_rx_buffers(const struct ring *r)
{
	return r->size < MEM_BUFS ? r->size : MEM_BUFS;
}

uint32_t link_rx_room(const struct link *l)
{
	return l->rx_room ? l->rx_room : MEM_PAGE;
}

/* With VIRTIO_F_IN_ORDER ids go round the table; buffers come back in their turn. */
int link_rx_buffer(const struct link *l, uint32_t id)
{
	const struct ring *r = &l->s->ring[QUEUE_RX];

	if (id >= (r->in_order ? r->size : link_rx_buffers(r)))
		return -EPROTO;
	return (int)(id % link_rx_buffers(r));
}

static void describe_rx(struct link *l, unsigned int slot)
{
	struct ring *r = &l->s->ring[QUEUE_RX];
	uint64_t at = (uint64_t)(slot % link_rx_buffers(r)) * MEM_PAGE;

	ring_desc(r, slot, link_address(l, MEM_RX_BUF, at), link_rx_room(l), RING_WRITE,
		  0);
}

void link_rx_put(struct link *l, unsigned int buffer)
{
	struct ring *r = &l->s->ring[QUEUE_RX];
	uint16_t slot = r->in_order ? ring_slots(r, 1) : (uint16_t)buffer;

	if (r->in_order)
		describe_rx(l, slot);
	ring_avail_put(r, slot);
}

int link_post_rx(struct link *l)
{
	struct ring *r = &l->s->ring[QUEUE_RX];
	uint64_t before = 0;

	if (l->s->family == FAMILY_SCSI) /* each request brings its buffers */
		return 0;
	/* errors of a start that was refused say nothing of what follows */
	if (read(l->s->err[QUEUE_RX], &before, sizeof(before)) < 0 && errno != EAGAIN)
		return -errno;
	for (unsigned int i = 0; i < link_rx_buffers(r); i++) {
		if (!r->in_order)
			describe_rx(l, i);
		link_rx_put(l, i);
	}
	ring_event(r);
	ring_publish(r);
	return session_kick(l->s, QUEUE_RX);
}

int link_open(struct link *l, struct session *s, const struct session_config *c)
{
	int r = session_open(s);

	link_init(l, s);
	return r < 0 ? r : session_setup(s, c);
}

int link_prepare(struct link *l, struct session *s, const struct session_config *c)
{
	int r = session_peer(s);

	link_init(l, s);
	return r < 0 ? r : link_open(l, s, c);
}

int link_start(struct link *l)
{
	int r = session_running(l->s, "start", 1);

	return r < 0 ? r : link_post_rx(l);
}

int link_begin(struct link *l, struct session *s, const struct session_config *c)
{
	int r = link_prepare(l, s, c);

	return r < 0 ? r : link_start(l);
}

int link_recycle(struct link *l, unsigned int buffer)
{
	struct ring *r = &l->s->ring[QUEUE_RX];

	link_rx_put(l, buffer);
	ring_event(r);
	ring_publish(r);
	return session_kick(l->s, QUEUE_RX);
}

/* Returns the head. */
static uint16_t describe(struct link *l, uint32_t header_len, uint32_t len)
{
	struct ring *r = &l->s->ring[QUEUE_TX];
	uint64_t header = link_address(l, MEM_TX_BUF, 0);
	uint64_t payload = link_address(l, MEM_TX_BUF, header_len);
	bool chain = l->shape == LINK_CHAIN && len;
	uint16_t head = r->in_order ? ring_slots(r, chain ? 2 : 1) : 0;
	uint16_t next = (uint16_t)((head + 1) % r->size);

	if (chain) {
		ring_desc(r, head, header, header_len, RING_NEXT, next);
		ring_desc(r, next, payload, len, 0, 0);
	} else if (l->shape == LINK_INDIRECT && len) {
		ring_indirect(r, 0, header, header_len, RING_NEXT, 1);
		ring_indirect(r, 1, payload, len, 0, 0);
		ring_desc(r, head, link_address(l, MEM_INDIRECT, 0), 32, RING_INDIRECT,
			  0);
	} else {
		ring_desc(r, head, header, header_len + len, 0, 0);
	}
	return head;
}

void link_publish(struct link *l, uint32_t header_len, uint32_t len)
{
	struct ring *r = &l->s->ring[QUEUE_TX];

	ring_avail_put(r, describe(l, header_len, len));
	ring_event(r);
	ring_publish(r);
}

/* Flushes until the transmit queue moved; serves misses on the way if asked to. */
static int settle(struct link *l)
{
	struct ring *r = &l->s->ring[QUEUE_TX];
	struct ring_used used = { 0 };

	for (int i = 0; i < LINK_SERVE_ROUNDS; i++) {
		int e = session_barrier(l->s);

		if (e < 0)
			return e;
		if (ring_take(r, &used)) {
			l->tx_used_len = used.len;
			return 0;
		}
		e = l->serve ? session_serve_misses(l->s) : 0;
		if (e < 0)
			return e;
		if (e == 0)
			break;
	}
	return session_stalled(l->s, "stall", QUEUE_TX) < 0 ? -EIO : -ENODATA;
}

int link_send(struct link *l)
{
	int e = session_kick(l->s, QUEUE_TX);

	return e < 0 ? e : settle(l);
}

int link_wait(struct link *l)
{
	const struct seam *seam = l->s->seam;
	struct pollfd fds[] = {
		{ .fd = l->s->iotlb ? DEV_SELF : -1, .events = POLLIN },
		{ .fd = l->s->call[QUEUE_RX], .events = POLLIN },
		{ .fd = l->answered ? -1 : seam->peer->ops->fd(seam->peer),
		  .events = POLLIN },
		{ .fd = l->s->err[QUEUE_RX], .events = POLLIN },
	};
	uint64_t count = 0;
	int e = seam->dev->ops->poll(seam->dev, fds, ARRAY_SIZE(fds), l->s->until);

	if (e == 0)
		return -ETIME;
	if (e < 0)
		return e;
	if (fds[1].revents & POLLIN) {
		if (read(l->s->call[QUEUE_RX], &count, sizeof(count)) < 0 &&
		    errno != EAGAIN)
			return -errno;
		l->rx_called = true;
	}
	if (fds[2].revents) {
		e = seam->peer->ops->reply(seam->peer, &l->answer);
		if (e < 0 && e != -EAGAIN)
			return e;
		l->answered = e == 0;
	}
	if (!((fds[0].revents | fds[3].revents) & POLLIN))
		return 0;
	if (l->serve && !(fds[3].revents & POLLIN)) {
		e = session_serve_misses(l->s);
		return e < 0 ? e : 0;
	}
	return session_stalled(l->s, "stall", QUEUE_RX) < 0 ? -EIO : -ENODATA;
}

int link_ask(struct link *l, const struct peer_request *request)
{
	l->answered = false;
	return l->s->seam->peer->ops->request(l->s->seam->peer, request);
}

int link_answer(struct link *l, struct peer_reply *ret_reply)
{
	while (!l->answered) {
		int e = link_wait(l);

		if (e < 0)
			return e;
	}
	l->answered = false;
	*ret_reply = l->answer;
	return -ret_reply->err;
}

int link_do(struct link *l, enum peer_op op, struct peer_reply *ret_reply)
{
	int e = link_ask(l, &(struct peer_request){ .op = op, .slot = l->slot });

	return e < 0 ? e : link_answer(l, ret_reply);
}

int link_connect(struct link *l)
{
	return l->ops->connect(l);
}

int link_tx(struct link *l, const char *step, uint32_t len)
{
	return l->ops->tx(l, step, len);
}

int link_rx(struct link *l, const char *step, uint32_t len)
{
	int e = l->ops->rx(l, step, len);

	return e < 0 ? e : session_barrier(l->s);
}

void link_queue(struct link *l)
{
	l->ops->queue(l);
}

int link_both_ways(struct link *l, uint32_t len)
{
	int e = link_connect(l);

	if (e == 0)
		e = link_tx(l, "tx", len);
	if (e == 0)
		e = link_rx(l, "rx", len);
	session_note_served(l->s);
	return e;
}
