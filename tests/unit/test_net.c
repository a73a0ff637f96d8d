/* SPDX-License-Identifier: MIT */
/*
 * guest/link.c and guest/net.c against a device of the test's own, which reads and writes
 * the bytes of the split rings where virtio-1.2 2.7 puts them, and a peer that counts.
 */
#include <linux/vhost.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "base/payload.h"
#include "fake_seam.h"
#include "guest/net.h"

#define V1 BIT64(32)
#define MRG BIT64(15)
#define PARTS_MAX 4
#define FRAMES_MAX 8

/** struct queue - the device's place in a ring */
struct queue {
	uint16_t taken, used;
};

/** struct piece - what the device puts into one receive buffer */
struct piece {
	unsigned char bytes[2048];
	uint32_t len, claim; /* @claim: length of the used element */
	uint32_t id;         /* if @other_id: of the used element */
	bool other_id;
};

/**
 * struct world - a session on a fake seam
 * @part:	lengths of the descriptors of the last transmitted packet
 * @sent:	transmitted packets, header and all
 * @piece:	to be received
 * @deaf:	the device uses nothing
 */
struct world {
	struct fake fake; /* first */
	struct seam seam;
	struct session s;
	struct link l;
	struct queue tx, rx;
	uint32_t part[PARTS_MAX];
	unsigned int parts;
	unsigned char sent[FRAMES_MAX][2048];
	uint32_t sent_len[FRAMES_MAX];
	unsigned int frames;
	struct piece piece[FRAMES_MAX];
	unsigned int pieces;
	bool deaf;
};

static struct world *world(struct fake *f)
{
	return (struct world *)(void *)f;
}

static uint64_t get(const unsigned char *at, unsigned int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | at[bytes];
	return v;
}

static void put(unsigned char *at, unsigned int bytes, uint64_t v)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[i] = (unsigned char)(v >> 8 * i);
}

/* A guest-physical address, which is what descriptors hold without the IOTLB. */
static unsigned char *at_gpa(struct world *w, uint64_t gpa)
{
	uint64_t first = mem_gpa(&w->s.mem, MEM_RX_DESC, 0);

	assert_in_range(gpa, first, first + w->s.mem.len - 1);
	return (unsigned char *)mem_ptr(&w->s.mem, MEM_RX_DESC, 0) + (gpa - first);
}

/* The next head that is available; -1 if there is none. */
static int take(struct world *w, enum session_queue q, struct queue *at)
{
	const struct ring *r = &w->s.ring[q];
	const unsigned char *avail = mem_ptr(&w->s.mem, r->avail, 0);

	if ((uint16_t)get(avail + 2, 2) == at->taken)
		return -1;
	return (int)get(avail + 4 + (size_t)2 * (at->taken++ % r->size), 2);
}

static void use(struct world *w, enum session_queue q, struct queue *at, uint32_t id,
		uint32_t len)
{
	const struct ring *r = &w->s.ring[q];
	unsigned char *used = mem_ptr(&w->s.mem, r->used, 0);
	unsigned char *element = used + 4 + (size_t)8 * (at->used % r->size);

	put(element, 4, id);
	put(element + 4, 4, len);
	at->used++;
	put(used + 2, 2, at->used);
}

/* Appends what a chain of descriptors holds to the packet. */
static void gather(struct world *w, const unsigned char *table, unsigned int i)
{
	const unsigned char *d = table + (size_t)16 * i;
	uint32_t *len = &w->sent_len[w->frames];
	uint32_t n = (uint32_t)get(d + 8, 4);
	unsigned int flags = (unsigned int)get(d + 12, 2);

	if (flags & 4) {
		gather(w, at_gpa(w, get(d, 8)), 0);
		return;
	}
	assert_in_range(w->parts, 0, PARTS_MAX - 1);
	assert_in_range(*len + n, 0, sizeof(w->sent[0]));
	w->part[w->parts++] = n;
	memcpy(w->sent[w->frames] + *len, at_gpa(w, get(d, 8)), n);
	*len += n;
	if (flags & 1)
		gather(w, table, (unsigned int)get(d + 14, 2));
}

/* The worker: SET_LOG_FD waits until it has done all that was queued. */
static int on_ioctl(struct fake *f, unsigned long request, void *arg)
{
	struct world *w = world(f);
	int head = 0;

	(void)arg;
	if (request != VHOST_SET_LOG_FD || w->deaf)
		return f->ioctl_r;
	while ((head = take(w, QUEUE_TX, &w->tx)) >= 0) {
		assert_in_range(w->frames, 0, FRAMES_MAX - 1);
		w->parts = 0;
		gather(w, mem_ptr(&w->s.mem, MEM_TX_DESC, 0), (unsigned int)head);
		w->frames++;
		use(w, QUEUE_TX, &w->tx, (uint32_t)head, 0);
	}
	return 0;
}

/* What the peer sent arrives, then the peer answers. */
static int on_poll(struct fake *f, struct pollfd *fds, size_t n)
{
	struct world *w = world(f);
	int ready = 0;

	assert_int_equal(n, 4);
	for (unsigned int i = 0; i < w->pieces; i++) {
		const struct piece *p = &w->piece[i];
		int head = take(w, QUEUE_RX, &w->rx);
		const unsigned char *d = NULL;

		assert_true(head >= 0);
		d = (unsigned char *)mem_ptr(&w->s.mem, MEM_RX_DESC, 0) +
		    (size_t)16 * (unsigned int)head;
		assert_int_equal(get(d + 12, 2), 2); /* the device may write it */
		assert_true(get(d + 8, 4) >= p->len);
		memcpy(at_gpa(w, get(d, 8)), p->bytes, p->len);
		use(w, QUEUE_RX, &w->rx, p->other_id ? p->id : (uint32_t)head, p->claim);
	}
	if (w->pieces && eventfd_write(w->s.call[QUEUE_RX], 1) == 0)
		fds[1].revents = POLLIN;
	w->pieces = 0;
	if (fds[2].fd >= 0 && f->reply_r != -EAGAIN)
		fds[2].revents = POLLIN;
	for (size_t i = 0; i < n; i++)
		ready += fds[i].revents != 0;
	return ready;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	fake_init(&w->fake);
	w->fake.on_ioctl = on_ioctl;
	w->fake.on_poll = on_poll;
	w->seam = fake_tables(&w->fake);
	session_init(&w->s, &(struct session_init){ .seam = &w->seam,
						    .rec = &w->fake.rec,
						    .until = deadline_after_ms(1000),
						    .family = FAMILY_NET,
						    .path = "/dev/vhost-net" });
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	session_done(&w->s);
	arena_done(&w->fake.arena);
	free(w);
	return 0;
}

static struct world *begin(void **state, struct session_config c)
{
	struct world *w = *state;

	assert_int_equal(link_begin(&w->l, &w->s, &c), 0);
	return w;
}

static const struct ev *at(struct world *w, enum ev_kind kind, const char *step)
{
	const struct ev *ev = ev_find(&w->fake.e, kind, step);

	if (!ev)
		fail_msg("no %s at step %s", ev_kind_names[kind], step);
	return ev;
}

static void will_answer(struct world *w, uint64_t bytes, uint64_t digest)
{
	w->fake.reply_r = 0;
	w->fake.reply = (struct peer_reply){ .bytes = bytes, .digest = digest };
}

/* A frame of the peer's: header of @header bytes, @n bytes of @seed from @offset on. */
static struct piece frame_of(unsigned int header, uint16_t ethertype, uint64_t offset,
			     uint32_t n)
{
	struct piece p = { .len = header + 14 + n, .claim = header + 14 + n };

	peer_ethernet(p.bytes + header, ethertype);
	payload_fill(2, offset, p.bytes + header + 14, n);
	return p;
}

/* ------------------------------------------------------------------ transmit */

static void test_a_frame_is_header_addresses_type_and_payload(void **state)
{
	static const unsigned char zeros[24];
	static const struct row {
		struct session_config c;
		unsigned int header;
	} rows[] = {
		{ { .features = 0 }, 10 },
		{ { .features = MRG }, 12 },
		{ { .features = V1 }, 12 },
		{ { .features = V1, .features_high = 2 }, 24 },
		{ { .features = 0, .features_high = 8 }, 24 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world *w = *state;
		unsigned char payload[100];
		const unsigned char *frame = NULL;

		payload_fill(1, 0, payload, sizeof(payload));
		will_answer(w, 100, digest_add(DIGEST_START, payload, 100));
		begin(state, rows[i].c);
		assert_int_equal(link_tx(&w->l, "tx", 100), 0);
		assert_int_equal(w->frames, 1);
		assert_int_equal(w->sent_len[0], rows[i].header + 14 + 100);
		assert_memory_equal(w->sent[0], zeros, rows[i].header);
		frame = w->sent[0] + rows[i].header;
		assert_memory_equal(frame, "\x02vhc\x00\x01\x02vhc\x00\x02\x88\xb5", 14);
		assert_memory_equal(frame + 14, payload, 100);
		assert_int_equal(w->fake.asked.op, PEER_RECV);
		assert_int_equal(w->fake.asked.len, 100);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

static void test_a_packet_lies_in_one_descriptor_two_or_a_table(void **state)
{
	static const enum link_shape shapes[] = { LINK_ONE, LINK_CHAIN, LINK_INDIRECT };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct world *w = begin(state, (struct session_config){ .features = V1 });

		w->l.shape = shapes[i];
		will_answer(w, 64, 0);
		assert_int_equal(link_tx(&w->l, "tx", 64), 0);
		assert_int_equal(w->sent_len[0], 12 + 14 + 64);
		assert_int_equal(w->parts, i ? 2 : 1);
		assert_int_equal(w->part[0], i ? 12 : 90);
		if (i)
			assert_int_equal(w->part[1], 78);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

static void test_a_transfer_is_cut_into_frames(void **state)
{
	struct world *w = begin(state, (struct session_config){ .features = V1 });
	unsigned char all[3100];
	const struct ev *ev = NULL;

	payload_fill(1, 0, all, sizeof(all));
	will_answer(w, 3100, digest_add(DIGEST_START, all, sizeof(all)));
	assert_int_equal(link_tx(&w->l, "tx", 3100), 0);
	assert_int_equal(w->frames, 3);
	assert_int_equal(w->sent_len[0], 26 + 1500);
	assert_int_equal(w->sent_len[1], 26 + 1500);
	assert_int_equal(w->sent_len[2], 26 + 100);
	assert_memory_equal(w->sent[2] + 26, all + 3000, 100);
	ev = at(w, EV_BYTES, "tx");
	assert_int_equal(ev->bytes.sent, 3100);
	assert_int_equal(ev->bytes.received, 3100);
	assert_string_equal(ev->bytes.sent_digest, ev->bytes.received_digest);
}

/* Shorter ones crash unfixed kernels. */
static void test_no_frame_is_shorter_than_60_bytes(void **state)
{
	struct world *w = begin(state, (struct session_config){ .features = V1 });

	assert_int_equal(link_tx(&w->l, "tx", 1500 + PEER_PAYLOAD_MIN - 1), -EMSGSIZE);
	assert_int_equal(w->frames, 1);
	assert_int_equal(link_tx(&w->l, "tx", 1), -EMSGSIZE);
	assert_int_equal(w->frames, 1);
	link_queue(&w->l);
	assert_int_equal(link_send(&w->l), 0);
	assert_int_equal(w->sent_len[1], 12 + 60);
	assert_memory_equal(w->sent[1] + 24, "\x88\xb6", 2); /* nobody counts it */
}

static void test_a_device_that_uses_nothing_is_a_stall(void **state)
{
	struct world *w = begin(state, (struct session_config){ .features = V1 });

	w->deaf = true;
	assert_int_equal(link_tx(&w->l, "tx", 100), -ENODATA);
	assert_int_equal(at(w, EV_RING, "stall")->ring.used.v, 0);
	assert_int_equal(at(w, EV_BYTES, "tx")->bytes.sent, 0);
}

static void test_a_barrier_that_fails_ends_the_transfer(void **state)
{
	struct world *w = begin(state, (struct session_config){ .features = V1 });

	w->deaf = true;
	w->fake.ioctl_r = -EIO;
	assert_int_equal(link_tx(&w->l, "tx", 100), -EIO);
}

/* ------------------------------------------------------------------- receive */

static void test_all_buffers_are_posted_but_no_more_than_the_ring_has(void **state)
{
	struct world *w =
		begin(state, (struct session_config){ .features = V1, .ring_size = 4 });

	assert_int_equal(ring_avail_idx(&w->s.ring[QUEUE_RX]), 4);
	assert_int_equal(link_rx_buffers(&w->s.ring[QUEUE_RX]), 4);
	assert_int_equal(link_rx_room(&w->l), MEM_PAGE);
}

static void test_frames_are_put_together_and_others_passed_over(void **state)
{
	struct world *w = begin(state, (struct session_config){ .features = V1 });
	unsigned char all[1600];
	const struct ev *ev = NULL;

	payload_fill(2, 0, all, sizeof(all));
	w->piece[0] = frame_of(12, PEER_OTHER_ETHERTYPE, 0, 70);
	w->piece[1] = frame_of(12, PEER_ETHERTYPE, 0, 1500);
	w->piece[2] = frame_of(12, 0x86dd, 0, 90);
	w->piece[3] = frame_of(12, PEER_ETHERTYPE, 1500, 100);
	w->pieces = 4;
	will_answer(w, 1600, digest_add(DIGEST_START, all, sizeof(all)));
	assert_int_equal(link_rx(&w->l, "rx", 1600), 0);
	ev = at(w, EV_BYTES, "rx");
	assert_int_equal(ev->bytes.received, 1600);
	assert_int_equal(ev->bytes.sent, 1600);
	assert_string_equal(ev->bytes.sent_digest, ev->bytes.received_digest);
	assert_int_equal(w->l.rx_used_len, 126);
	assert_true(w->l.rx_called);
	assert_int_equal(w->fake.asked.op, PEER_SEND);
	assert_int_equal(w->fake.asked.frame, 1500);
	/* all four went back to the device */
	assert_int_equal(ring_avail_idx(&w->s.ring[QUEUE_RX]), MEM_BUFS + 4);
}

static void test_what_a_long_header_says_at_its_end_is_kept(void **state)
{
	for (unsigned int i = 10; i < 24; i++) {
		struct world *w =
			begin(state, (struct session_config){ .features = V1,
							      .features_high = 2 });

		w->piece[0] = frame_of(24, PEER_ETHERTYPE, 0, 100);
		w->piece[0].bytes[i] = 0x40;
		w->piece[1] = frame_of(24, PEER_ETHERTYPE, 100, 100);
		w->pieces = 2;
		will_answer(w, 200, 0);
		assert_int_equal(link_rx(&w->l, "rx", 200), 0);
		assert_int_equal(w->l.header_rest, i < 12 ? 0 : 0x40);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

static void test_one_wrong_byte_is_another_digest(void **state)
{
	struct world *w = begin(state, (struct session_config){ .features = V1 });
	unsigned char all[100];
	const struct ev *ev = NULL;

	payload_fill(2, 0, all, sizeof(all));
	w->piece[0] = frame_of(12, PEER_ETHERTYPE, 0, 100);
	w->piece[0].bytes[12 + 14 + 99] ^= 1;
	w->pieces = 1;
	will_answer(w, 100, digest_add(DIGEST_START, all, sizeof(all)));
	assert_int_equal(link_rx(&w->l, "rx", 100), 0);
	ev = at(w, EV_BYTES, "rx");
	assert_string_not_equal(ev->bytes.sent_digest, ev->bytes.received_digest);
}

/* Cuts a frame of 1514 bytes into buffers of 512, with num_buffers @says. */
static void merged(struct world *w, unsigned int says)
{
	struct piece whole = frame_of(12, PEER_ETHERTYPE, 0, 1500);

	put(whole.bytes + 10, 2, says);
	w->pieces = 3;
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t n = i < 2 ? 512 : whole.len - 1024;

		w->piece[i] = (struct piece){ .len = n, .claim = n };
		memcpy(w->piece[i].bytes, whole.bytes + (size_t)i * 512, n);
	}
}

static void test_merged_buffers_are_one_frame(void **state)
{
	const struct session_config c = { .features = V1 | MRG };
	struct world *w = *state;
	unsigned char all[1500];
	const struct ev *ev = NULL;

	assert_int_equal(link_prepare(&w->l, &w->s, &c), 0);
	w->l.rx_room = 512;
	assert_int_equal(link_start(&w->l), 0);
	merged(w, 3);
	payload_fill(2, 0, all, sizeof(all));
	will_answer(w, 1500, digest_add(DIGEST_START, all, sizeof(all)));
	assert_int_equal(link_rx(&w->l, "rx", 1500), 0);
	assert_int_equal(w->l.buffers, 3);
	ev = at(w, EV_BYTES, "rx");
	assert_string_equal(ev->bytes.sent_digest, ev->bytes.received_digest);
}

static void test_a_frame_with_a_buffer_too_few_is_nonsense(void **state)
{
	const struct session_config c = { .features = V1 | MRG };
	struct world *w = *state;

	assert_int_equal(link_prepare(&w->l, &w->s, &c), 0);
	w->l.rx_room = 512;
	assert_int_equal(link_start(&w->l), 0);
	merged(w, 4);
	will_answer(w, 1500, 0);
	assert_int_equal(link_rx(&w->l, "rx", 1500), -EPROTO);
}

static void test_used_elements_that_make_no_sense_are_refused(void **state)
{
	static const struct row {
		uint32_t claim, id;
		bool other_id;
	} rows[] = {
		{ .claim = MEM_PAGE + 1 },
		{ .claim = UINT32_MAX },
		{ .claim = 11 }, /* less than its header */
		{ .claim = 0 },
		{ .claim = 126, .other_id = true, .id = MEM_BUFS },
		{ .claim = 126, .other_id = true, .id = UINT32_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world *w = begin(state, (struct session_config){ .features = V1 });

		w->piece[0] = frame_of(12, PEER_ETHERTYPE, 0, 100);
		w->piece[0].claim = rows[i].claim;
		w->piece[0].other_id = rows[i].other_id;
		w->piece[0].id = rows[i].id;
		w->pieces = 1;
		will_answer(w, 100, 0);
		assert_int_equal(link_rx(&w->l, "rx", 100), -EPROTO);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

/* ---------------------------------------------------------------------- peer */

static void test_a_peer_that_failed_is_not_waited_for(void **state)
{
	struct world *w = begin(state, (struct session_config){ .features = V1 });

	w->fake.reply_r = 0;
	w->fake.reply = (struct peer_reply){ .err = ENETDOWN };
	assert_int_equal(link_rx(&w->l, "rx", 100), -ENETDOWN);
	assert_int_equal(at(w, EV_BYTES, "rx")->bytes.received, 0);
	w->fake.reply_r = -EPIPE;
	assert_int_equal(link_rx(&w->l, "rx", 100), -EPIPE);
}

static void test_a_wait_ends_at_the_deadline(void **state)
{
	struct world *w = begin(state, (struct session_config){ .features = V1 });

	assert_int_equal(link_rx(&w->l, "rx", 100), -ETIME);
	assert_int_equal(link_tx(&w->l, "tx", 100), -ETIME);
	w->fake.on_poll = NULL;
	w->fake.poll_r = -EINTR;
	assert_int_equal(link_wait(&w->l), -EINTR);
}

static void test_a_peer_is_started_with_the_back_end_that_is_wanted(void **state)
{
	struct world *w = *state;

	w->s.backend = BACKEND_PACKET;
	begin(state, (struct session_config){ .features = V1 | BIT64(27) });
	assert_int_equal(w->fake.starts, 1);
	assert_int_equal(w->fake.backend, BACKEND_PACKET);
	/* a device after another on the same peer */
	session_close(&w->s);
	assert_int_equal(
		link_open(&w->l, &w->s, &(struct session_config){ .features = V1 }), 0);
	assert_int_equal(w->fake.starts, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_frame_is_header_addresses_type_and_payload),
		TEST(test_a_packet_lies_in_one_descriptor_two_or_a_table),
		TEST(test_a_transfer_is_cut_into_frames),
		TEST(test_no_frame_is_shorter_than_60_bytes),
		TEST(test_a_device_that_uses_nothing_is_a_stall),
		TEST(test_a_barrier_that_fails_ends_the_transfer),
		TEST(test_all_buffers_are_posted_but_no_more_than_the_ring_has),
		TEST(test_frames_are_put_together_and_others_passed_over),
		TEST(test_what_a_long_header_says_at_its_end_is_kept),
		TEST(test_one_wrong_byte_is_another_digest),
		TEST(test_merged_buffers_are_one_frame),
		TEST(test_a_frame_with_a_buffer_too_few_is_nonsense),
		TEST(test_used_elements_that_make_no_sense_are_refused),
		TEST(test_a_peer_that_failed_is_not_waited_for),
		TEST(test_a_wait_ends_at_the_deadline),
		TEST(test_a_peer_is_started_with_the_back_end_that_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
