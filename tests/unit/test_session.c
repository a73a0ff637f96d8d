/* SPDX-License-Identifier: MIT */
#include <linux/vhost.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "fake_seam.h"
#include "guest/session.h"
#include "seam/uapi.h"

#define NODE "/dev/vhost-vsock"

/** struct fixture - a session over a fake seam */
struct fixture {
	struct fake fake;
	struct seam seam;
	struct session s;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	fake_init(&f->fake);
	f->seam = fake_tables(&f->fake);
	session_init(&f->s, &(struct session_init){ .seam = &f->seam,
						    .rec = &f->fake.rec,
						    .until = deadline_after_ms(1000),
						    .family = FAMILY_VSOCK,
						    .path = NODE });
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	session_done(&f->s);
	session_done(&f->s); /* twice is fine */
	arena_done(&f->fake.arena);
	free(f);
	return 0;
}

static const struct ev *at(struct fixture *f, enum ev_kind kind, const char *step)
{
	const struct ev *ev = ev_find(&f->fake.e, kind, step);

	if (!ev)
		fail_msg("no %s at step %s", ev_kind_names[kind], step);
	return ev;
}

static void called(struct fixture *f, const char *step, const char *name, const char *arg,
		   int err)
{
	const struct ev *ev = at(f, EV_IOCTL, step);

	assert_string_equal(ev->ioctl.name, name);
	if (arg)
		assert_string_equal(ev->ioctl.arg, arg);
	else
		assert_null(ev->ioctl.arg);
	assert_int_equal(ev->ioctl.err, err);
	assert_int_equal(ev->ioctl.ret, err ? -1 : 0);
}

static void give(struct fixture *f, int version, uint8_t type, uint64_t iova,
		 uint8_t perm)
{
	const struct iotlb_msg msg = {
		.version = version, .iova = iova, .perm = perm, .type = type
	};

	iotlb_encode(&msg, f->fake.message);
	f->fake.read_r = IOTLB_MSG_BYTES;
}

static void test_an_open_is_recorded_with_its_errno(void **state)
{
	struct fixture *f = *state;

	f->fake.open_r = -EBUSY;
	assert_int_equal(session_open(&f->s), -EBUSY);
	called(f, "open", "open", NODE, EBUSY);
	assert_int_equal(f->s.failed, 0); /* that is evidence, no failure of ours */
	f->fake.open_r = 0;
	assert_int_equal(session_open(&f->s), 0);
	assert_int_equal(f->fake.e.ev.count, 2);
	assert_string_equal(f->fake.step, "open");
	for (unsigned int q = 0; q < session_queues(&f->s); q++)
		assert_true(f->s.kick[q] >= 0 && f->s.call[q] >= 0 && f->s.err[q] >= 0);
}

static void test_a_setup_is_recorded_call_by_call_without_an_address(void **state)
{
	static const struct row {
		const char *step, *name, *arg;
	} rows[] = {
		{ "open", "open", NODE },
		{ "setup.owner", "VHOST_SET_OWNER", NULL },
		{ "setup.features", "VHOST_SET_FEATURES", "0x100000000" },
		{ "setup.memory", "VHOST_SET_MEM_TABLE", "1 region" },
		{ "setup.rx.num", "VHOST_SET_VRING_NUM", "rx 16" },
		{ "setup.rx.base", "VHOST_SET_VRING_BASE", "rx 65530" },
		{ "setup.rx.addr", "VHOST_SET_VRING_ADDR",
		  "rx flags=0x0 desc=hva:rx.desc+0x0 avail=hva:rx.avail+0x0 "
		  "used=hva:rx.used+0x0" },
		{ "setup.rx.call", "VHOST_SET_VRING_CALL", "rx eventfd" },
		{ "setup.rx.err", "VHOST_SET_VRING_ERR", "rx eventfd" },
		{ "setup.rx.kick", "VHOST_SET_VRING_KICK", "rx eventfd" },
		{ "setup.tx.num", "VHOST_SET_VRING_NUM", "tx 16" },
		{ "setup.tx.base", "VHOST_SET_VRING_BASE", "tx 65530" },
		{ "setup.tx.addr", "VHOST_SET_VRING_ADDR",
		  "tx flags=0x0 desc=hva:tx.desc+0x0 avail=hva:tx.avail+0x0 "
		  "used=hva:tx.used+0x0" },
		{ "setup.tx.call", "VHOST_SET_VRING_CALL", "tx eventfd" },
		{ "setup.tx.err", "VHOST_SET_VRING_ERR", "tx eventfd" },
		{ "setup.tx.kick", "VHOST_SET_VRING_KICK", "tx eventfd" },
		{ "setup.cid", "VHOST_VSOCK_SET_GUEST_CID", "own" },
	};
	const struct session_config c = { .features = BIT64(32), .base = 65530 };
	struct fixture *f = *state;

	assert_int_equal(session_open(&f->s), 0);
	assert_int_equal(session_setup(&f->s, &c), 0);
	assert_int_equal(f->fake.e.ev.count, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct ev *ev = f->fake.e.ev.item[i];

		assert_string_equal(ev->step, rows[i].step);
		called(f, rows[i].step, rows[i].name, rows[i].arg, 0);
	}
	assert_false(f->s.iotlb);
}

static void test_with_bit_33_rings_are_given_by_iova(void **state)
{
	const struct session_config c = { .features = BIT64(32) | BIT64(33) };
	struct fixture *f = *state;

	assert_int_equal(session_open(&f->s), 0);
	assert_int_equal(session_setup(&f->s, &c), 0);
	assert_true(f->s.iotlb);
	called(f, "setup.tx.addr", "VHOST_SET_VRING_ADDR",
	       "tx flags=0x0 desc=tx.desc+0x0 avail=tx.avail+0x0 used=tx.used+0x0", 0);
	f->s.addresses = ADDRESSES_PHYSICAL;
	assert_false(session_writes_iova(&f->s));
	f->s.addresses = ADDRESSES_IOVA;
	f->s.iotlb = false;
	assert_true(session_writes_iova(&f->s));
	f->s.addresses = ADDRESSES_AS_ARMED;
	f->s.iotlb = true;
	session_close(&f->s);
	assert_false(session_writes_iova(&f->s)); /* a fresh descriptor is not armed */
}

/* Refuses the n-th ioctl. */
static int refuse_nth(struct fake *fake, unsigned long request, void *arg)
{
	(void)request;
	(void)arg;
	return fake->ioctls == (unsigned int)fake->value ? -EINVAL : 0;
}

static void test_a_setup_ends_at_the_first_refusal(void **state)
{
	const struct session_config c = { .features = BIT64(32) };
	struct fixture *f = *state;

	f->fake.on_ioctl = refuse_nth;
	assert_int_equal(session_open(&f->s), 0);
	for (unsigned int n = 1; n <= 16; n++) {
		f->fake.ioctls = 0;
		f->fake.value = n;
		assert_int_equal(session_setup(&f->s, &c), -EINVAL);
		assert_int_equal(f->fake.ioctls, n);
	}
	f->fake.ioctls = 0;
	f->fake.value = 17;
	assert_int_equal(session_setup(&f->s, &c), 0);
}

static void test_a_get_that_writes_nothing_is_seen(void **state)
{
	struct fixture *f = *state;
	uint64_t value = 77;

	assert_int_equal(session_open(&f->s), 0);
	assert_int_equal(session_get_u64(&f->s, "silent", VHOST_GET_FEATURES, &value), 0);
	called(f, "silent", "VHOST_GET_FEATURES", NULL, 0);
	assert_int_equal(value, 0);
	f->fake.writes_value = true;
	f->fake.value = 0x33;
	assert_int_equal(session_get_u64(&f->s, "get", VHOST_GET_FEATURES, &value), 0);
	called(f, "get", "VHOST_GET_FEATURES", "0x33", 0);
	assert_int_equal(value, 0x33);
	/* what a call that failed wrote is no answer */
	f->fake.ioctl_r = -EIO;
	f->fake.value = 0x44;
	assert_int_equal(session_get_u64(&f->s, "fail", VHOST_GET_FEATURES, &value),
			 -EIO);
	called(f, "fail", "VHOST_GET_FEATURES", NULL, EIO);
	assert_int_equal(value, 0x33);
}

static void test_an_unknown_request_is_recorded_by_number(void **state)
{
	struct fixture *f = *state;
	unsigned char arg[8] = { 0 };

	f->fake.ioctl_r = -ENOTTY;
	assert_int_equal(session_ioctl(&f->s, "odd", 0x4008aff0, arg), -ENOTTY);
	called(f, "odd", "ioctl", "request 0x4008aff0", ENOTTY);
}

static int cid_taken(struct fake *fake, unsigned long request, void *arg)
{
	uint64_t cid = 0;

	assert_int_equal(request, VHOST_VSOCK_SET_GUEST_CID);
	memcpy(&cid, arg, sizeof(cid));
	assert_true(cid >= 0x80000000u && cid <= 0xfffffffeu);
	assert_true(cid != fake->got); /* another one each time */
	fake->got = cid;
	return fake->ioctls <= (unsigned int)fake->value ? -EADDRINUSE : 0;
}

static void test_a_taken_cid_is_tried_16_times_and_no_more(void **state)
{
	struct fixture *f = *state;

	f->fake.on_ioctl = cid_taken;
	f->fake.value = 1000;
	assert_int_equal(session_cid(&f->s, "setup.cid"), -EADDRINUSE);
	assert_int_equal(f->fake.ioctls, 16);
	assert_int_equal(f->fake.e.ev.count, 16);
	for (unsigned int taken = 0; taken < 16; taken++) {
		f->fake.ioctls = 0;
		f->fake.value = taken;
		assert_int_equal(session_cid(&f->s, "setup.cid"), 0);
		assert_int_equal(f->fake.ioctls, taken + 1);
		assert_int_equal(f->fake.got, f->s.cid);
	}
}

static int cid_refused(struct fake *fake, unsigned long request, void *arg)
{
	(void)fake;
	(void)request;
	(void)arg;
	return -EINVAL;
}

static void test_any_other_refusal_of_a_cid_is_final(void **state)
{
	struct fixture *f = *state;

	f->fake.on_ioctl = cid_refused;
	assert_int_equal(session_cid(&f->s, "setup.cid"), -EINVAL);
	assert_int_equal(f->fake.ioctls, 1);
}

static int any_cid(struct fake *fake, unsigned long request, void *arg)
{
	(void)request;
	memcpy(&fake->got, arg, sizeof(fake->got));
	return 0;
}

static void test_no_random_number_leads_to_a_reserved_cid(void **state)
{
	static const uint32_t picks[] = { 0,          1,          0x7ffffffe, 0x7fffffff,
					  0x80000000, 0xfffffffe, UINT32_MAX };
	struct fixture *f = *state;

	f->fake.on_ioctl = any_cid;
	for (size_t i = 0; i < ARRAY_SIZE(picks); i++) {
		f->fake.random = picks[i];
		assert_int_equal(session_cid(&f->s, "cid"), 0);
		assert_in_range(f->fake.got, 0x80000000u, 0xfffffffeu);
	}
}

/* Opens and sets a ring up, with one head published. */
static void ready(struct fixture *f)
{
	assert_int_equal(session_open(&f->s), 0);
	ring_init(&f->s.ring[QUEUE_TX], &f->s.mem, QUEUE_TX, SESSION_RING_SIZE, 65535);
	ring_avail_put(&f->s.ring[QUEUE_TX], 0);
	ring_publish(&f->s.ring[QUEUE_TX]);
	f->fake.ioctls = f->fake.reads = f->fake.writes = f->fake.polls = 0;
	f->fake.e = (struct evidence){ 0 };
}

static int stall_calls(struct fake *fake, unsigned long request, void *arg)
{
	/* the worker is flushed first, the base is looked up after the answer */
	if (fake->ioctls == 1) {
		assert_int_equal(request, VHOST_SET_LOG_FD);
		assert_int_equal(*(int *)arg, -1);
		assert_int_equal(fake->reads, 0);
	} else {
		assert_int_equal(request, VHOST_GET_VRING_BASE);
		assert_int_equal(fake->reads, 1);
		((struct vhost_vring_state *)arg)->num = 65535;
	}
	return 0;
}

static void test_a_stall_takes_two_calls_after_the_kick_and_no_wait(void **state)
{
	struct fixture *f = *state;
	const struct ev *ev = NULL;
	eventfd_t kicks = 0;
	uint64_t before = mono_now_ns();

	ready(f);
	f->fake.on_ioctl = stall_calls;
	give(f, 1, VHOST_IOTLB_MISS, mem_iova(MEM_TX_BUF, 8), VHOST_ACCESS_RO);
	assert_int_equal(session_stalled(&f->s, "stall", QUEUE_TX), 1);
	assert_int_equal(f->fake.reads, 1);
	assert_int_equal(f->fake.ioctls, 2);
	assert_int_equal(f->fake.polls + f->fake.writes, 0);
	assert_true(mono_now_ns() - before < UINT64_C(1000000000));
	assert_int_equal(eventfd_read(f->s.kick[QUEUE_TX], &kicks), 0);
	assert_int_equal(kicks, 1);

	ev = at(f, EV_IOTLB, "stall");
	assert_int_equal(ev->iotlb.way, EV_RECEIVED);
	assert_int_equal(ev->iotlb.msg, EV_MISS);
	assert_string_equal(ev->iotlb.iova, "tx.buf+0x8");
	assert_int_equal(ev->iotlb.perm, EV_PERM_RO);
	ev = at(f, EV_RING, "stall");
	assert_string_equal(ev->ring.queue, "tx");
	assert_int_equal(ev->ring.avail.v, 0); /* wrapped */
	assert_int_equal(ev->ring.used.v, 65535);
	assert_int_equal(ev->ring.base.v, 65535);
	ev = at(f, EV_EVENTFD, "stall");
	assert_true(ev->eventfd.err.set && ev->eventfd.err.v == 0);
	ev = at(f, EV_MEASURE, "stall");
	assert_int_equal(*(int64_t *)ev->measure.samples.item[0], 2);
	assert_int_equal(f->fake.e.ev.count, 4);
}

static void test_a_stall_without_a_message_is_recorded_as_that(void **state)
{
	struct fixture *f = *state;
	const struct ev *ev = NULL;

	ready(f);
	assert_int_equal(session_stalled(&f->s, "stall", QUEUE_TX), 1);
	ev = at(f, EV_IOTLB, "stall");
	assert_int_equal(ev->iotlb.msg, EV_NO_MSG);
	assert_int_equal(ev->iotlb.err, EAGAIN);
	/* the device said nothing of its index: absent, not zero */
	assert_false(at(f, EV_RING, "stall")->ring.base.set);
}

static int moves(struct fake *fake, unsigned long request, void *arg)
{
	struct fixture *f = (struct fixture *)(void *)fake;
	uint16_t *used = mem_ptr(&f->s.mem, MEM_TX_USED, 2);

	(void)arg;
	if (request == VHOST_SET_LOG_FD)
		*used = (uint16_t)(*used + 1);
	return 0;
}

static void test_a_queue_that_moves_is_no_stall(void **state)
{
	struct fixture *f = *state;

	ready(f);
	f->fake.on_ioctl = moves;
	assert_int_equal(session_stalled(&f->s, "stall", QUEUE_TX), 0);
	assert_int_equal(at(f, EV_RING, "stall")->ring.used.v, 0);
}

static void test_a_device_that_cannot_be_flushed_proves_nothing(void **state)
{
	struct fixture *f = *state;

	ready(f);
	f->fake.ioctl_r = -EIO;
	assert_int_equal(session_stalled(&f->s, "stall", QUEUE_TX), -EIO);
	called(f, "stall", "VHOST_SET_LOG_FD", NULL, EIO);
	assert_int_equal(f->fake.reads, 0);
}

static void test_messages_are_recorded_with_their_version_and_padding(void **state)
{
	struct fixture *f = *state;
	struct iotlb_msg msg;

	ready(f);
	give(f, 2, VHOST_IOTLB_MISS, mem_iova(MEM_RX_USED, 0), VHOST_ACCESS_WO);
	assert_int_equal(session_read_miss(&f->s, "clean", &msg), 1);
	assert_int_equal(at(f, EV_IOTLB, "clean")->iotlb.version.v, 2);
	assert_true(msg.iova == mem_iova(MEM_RX_USED, 0));
	assert_null(ev_find(&f->fake.e, EV_FACT, "clean"));
	f->fake.message[70] = 1;
	assert_int_equal(session_read_miss(&f->s, "dirty", NULL), 1);
	assert_string_equal(at(f, EV_FACT, "dirty")->fact.name, "padding");
}

static void test_what_is_no_message_is_an_error_and_not_an_empty_queue(void **state)
{
	struct fixture *f = *state;

	ready(f);
	assert_int_equal(session_read_miss(&f->s, "empty", NULL), 0);
	assert_int_equal(at(f, EV_IOTLB, "empty")->iotlb.err, EAGAIN);
	f->fake.read_r = 0;
	assert_int_equal(session_read_miss(&f->s, "end", NULL), -EBADMSG);
	assert_int_equal(at(f, EV_IOTLB, "end")->iotlb.err, EBADMSG);
	f->fake.read_r = 16;
	assert_int_equal(session_read_miss(&f->s, "short", NULL), -EBADMSG);
	f->fake.read_r = IOTLB_MSG_BYTES; /* of type 0 */
	assert_int_equal(session_read_miss(&f->s, "odd", NULL), -EBADMSG);
	f->fake.read_r = -EFAULT;
	assert_int_equal(session_read_miss(&f->s, "fault", NULL), -EFAULT);
	assert_int_equal(at(f, EV_IOTLB, "fault")->iotlb.err, EFAULT);
}

static void test_what_is_mapped_is_a_region_at_its_three_addresses(void **state)
{
	struct fixture *f = *state;
	struct iotlb_msg msg;
	bool clean = false;

	ready(f);
	assert_int_equal(session_map(&f->s, "map", MEM_TX_BUF, VHOST_ACCESS_RO), 0);
	assert_int_equal(iotlb_decode(f->fake.written, &msg, &clean), 0);
	assert_int_equal(msg.version, 1);
	assert_int_equal(msg.type, VHOST_IOTLB_UPDATE);
	assert_int_equal(msg.perm, VHOST_ACCESS_RO);
	assert_true(msg.iova == mem_iova(MEM_TX_BUF, 0));
	assert_true(msg.uaddr == mem_hva(&f->s.mem, MEM_TX_BUF, 0));
	assert_true(msg.size == f->s.mem.region[MEM_TX_BUF].len);
	f->s.msg_version = 2;
	assert_int_equal(session_unmap(&f->s, "unmap", MEM_TX_BUF), 0);
	assert_int_equal(iotlb_decode(f->fake.written, &msg, &clean), 0);
	assert_int_equal(msg.version, 2);
	assert_int_equal(msg.type, VHOST_IOTLB_INVALIDATE);
	assert_true(clean && msg.uaddr == 0 && msg.perm == 0);
	f->fake.write_r = -EFAULT;
	assert_int_equal(session_map(&f->s, "refused", MEM_TX_BUF, VHOST_ACCESS_RO),
			 -EFAULT);
	assert_int_equal(at(f, EV_IOTLB, "refused")->iotlb.err, EFAULT);
	assert_int_equal(at(f, EV_IOTLB, "refused")->iotlb.way, EV_SENT);
	/* all but the region that checks keep for themselves */
	f->fake.write_r = 0;
	f->fake.writes = 0;
	assert_int_equal(session_map_all(&f->s, "all"), 0);
	assert_int_equal(f->fake.writes, MEM_SPARE);
}

/* A queue of misses, in the order of a pace that nobody chose. */
static ssize_t four_misses(struct dev *dev, void *buf, size_t len)
{
	struct fake *fake = FAKE_OF(dev, dev);
	static const enum mem_region_id missing[] = { MEM_TX_BUF, MEM_TX_DESC,
						      MEM_TX_AVAIL, MEM_TX_DESC };
	struct iotlb_msg msg = { .version = 1, .type = VHOST_IOTLB_MISS };

	if (fake->reads == ARRAY_SIZE(missing))
		return -EAGAIN;
	msg.iova = mem_iova(missing[fake->reads++], 0);
	iotlb_encode(&msg, buf);
	return (ssize_t)len;
}

static const struct ev_iotlb *served(struct fixture *f, size_t i)
{
	const struct ev *ev = NULL;

	do
		ev = ev_find_next(&f->fake.e, ev, EV_IOTLB, "miss");
	while (ev && i--);
	return ev ? &ev->iotlb : NULL;
}

static void test_misses_of_a_known_address_are_dropped(void **state)
{
	static struct dev_ops ops;
	struct fixture *f = *state;

	ready(f);
	ops = fake_dev_ops;
	ops.read = four_misses;
	f->fake.dev.ops = &ops;
	session_drop_misses(&f->s, "miss", mem_iova(MEM_TX_DESC, 0));
	assert_int_equal(f->fake.reads, 4);
	assert_string_equal(served(f, 0)->iova, "tx.buf+0x0");
	assert_string_equal(served(f, 1)->iova, "tx.avail+0x0");
	assert_null(served(f, 2));
	f->fake.dev.ops = &fake_dev_ops;
}

static void test_misses_are_served_until_there_is_none(void **state)
{
	static struct dev_ops ops;
	struct fixture *f = *state;

	ready(f);
	ops = fake_dev_ops;
	ops.read = four_misses;
	f->fake.dev.ops = &ops;
	assert_int_equal(session_serve_misses(&f->s), 4);
	assert_int_equal(f->fake.writes, 4);
	assert_int_equal(f->fake.ioctls, 8); /* the worker is flushed twice after each */
	assert_null(ev_find(&f->fake.e, EV_IOTLB, "miss"));
	session_note_served(&f->s);
	assert_string_equal(served(f, 0)->iova, "tx.desc+0x0");
	assert_string_equal(served(f, 2)->iova, "tx.avail+0x0");
	assert_string_equal(served(f, 4)->iova, "tx.buf+0x0");
	assert_int_equal(served(f, 5)->way, EV_SENT);
	assert_int_equal(served(f, 5)->msg, EV_UPDATE);
	assert_null(served(f, 6)); /* an address that is missed twice is told once */
	session_note_served(&f->s);
	assert_null(served(f, 6));
	f->fake.dev.ops = &fake_dev_ops;
	assert_int_equal(session_serve_misses(&f->s), 0);
	give(f, 1, VHOST_IOTLB_MISS, 0x1234, VHOST_ACCESS_RO);
	assert_int_equal(session_serve_misses(&f->s), -EFAULT);
}

static void test_a_recorder_that_fails_marks_the_session(void **state)
{
	struct fixture *f = *state;

	f->fake.emit_r = -EPIPE;
	assert_int_equal(session_open(&f->s), 0);
	assert_int_equal(f->s.failed, -EPIPE);
	f->fake.emit_r = -ENOBUFS;
	(void)session_owner(&f->s, "owner");
	assert_int_equal(f->s.failed, -EPIPE); /* the first one stays */
}

static void test_errors_are_counted_and_calls_only_noticed(void **state)
{
	struct fixture *f = *state;

	ready(f);
	assert_int_equal(eventfd_write(f->s.call[QUEUE_TX], 3), 0);
	assert_int_equal(eventfd_write(f->s.err[QUEUE_TX], 3), 0);
	session_note_eventfds(&f->s, "first", QUEUE_TX);
	session_note_eventfds(&f->s, "second", QUEUE_TX);
	/* how many calls fall together is the worker's pace, and differs between runs */
	assert_int_equal(at(f, EV_EVENTFD, "first")->eventfd.call.v, 1);
	assert_int_equal(at(f, EV_EVENTFD, "first")->eventfd.err.v, 3);
	assert_int_equal(at(f, EV_EVENTFD, "second")->eventfd.call.v, 0);
	assert_int_equal(at(f, EV_EVENTFD, "second")->eventfd.err.v, 0);
	assert_false(at(f, EV_EVENTFD, "first")->eventfd.kick.set);
	fd_close(&f->s.call[QUEUE_TX]);
	fd_close(&f->s.err[QUEUE_TX]);
	session_note_eventfds(&f->s, "closed", QUEUE_TX);
	assert_false(at(f, EV_EVENTFD, "closed")->eventfd.call.set);
	assert_false(at(f, EV_EVENTFD, "closed")->eventfd.err.set);
}

static void test_workers_are_recorded(void **state)
{
	struct fixture *f = *state;

	f->fake.worker = (struct worker_info){ .type = WORKER_KTHREAD, .count = 2 };
	session_note_worker(&f->s, "w");
	assert_string_equal(at(f, EV_WORKER, "w")->worker.type, "kthread");
	assert_int_equal(at(f, EV_WORKER, "w")->worker.count, 2);
}

/* Nobody owns it at first; the index is the fake's value. */
static int unowned(struct fake *fake, unsigned long request, void *arg)
{
	if (request == VHOST_SET_OWNER)
		fake->writes_value = true;
	else if (request == VHOST_GET_VRING_BASE && fake->writes_value)
		((struct vhost_vring_state *)arg)->num = (unsigned int)fake->value;
	return fake->writes_value ? 0 : -EPERM;
}

static void test_where_rings_end_is_told_at_the_close_of_a_check(void **state)
{
	struct fixture *f = *state;
	const struct ev *ev = NULL;

	assert_int_equal(session_open(&f->s), 0);
	f->fake.on_ioctl = unowned;
	session_close(&f->s);
	assert_null(ev_find(&f->fake.e, EV_FACT, EV_CLOSE));
	assert_int_equal(f->fake.ioctls, 0);

	f->s.ends = true;
	f->fake.value = 3;
	session_close(&f->s);
	ev = at(f, EV_FACT, EV_CLOSE);
	assert_string_equal(ev->fact.name, "rx");
	assert_string_equal(ev->fact.value, "from 0, avail 0, base 3, used 0");
	ev = ev_find_next(&f->fake.e, ev, EV_FACT, EV_CLOSE);
	assert_string_equal(ev->fact.name, "tx");
	assert_null(ev_find(&f->fake.e, EV_IOCTL, "close"));
}

static void test_a_ring_that_was_laid_out_ends_with_what_it_was_offered(void **state)
{
	struct fixture *f = *state;
	const struct ev *ev = NULL;

	assert_int_equal(session_open(&f->s), 0);
	f->fake.on_ioctl = unowned;
	assert_int_equal(session_owner(&f->s, "owner"), 0);
	assert_int_equal(session_ring_setup(&f->s, QUEUE_RX, 8, 65535), 0);
	ring_avail_put(&f->s.ring[QUEUE_RX], 0);
	ring_publish(&f->s.ring[QUEUE_RX]);
	f->s.ends = true;
	session_close(&f->s);
	ev = at(f, EV_FACT, EV_CLOSE);
	assert_string_equal(ev->fact.value, EV_IN_ORDER);
	/* closed, or reset, it is nothing to go by until it is given an index again */
	f->fake.e = (struct evidence){ 0 };
	session_close(&f->s);
	assert_null(ev_find(&f->fake.e, EV_FACT, EV_CLOSE));
}

static void test_a_twin_is_a_second_guest_on_a_second_device(void **state)
{
	struct fixture *f = *state;
	struct session twin;
	struct seam seam;

	assert_int_equal(session_open(&f->s), 0);
	session_twin(&f->s, &twin, &seam);
	assert_int_equal(session_open(&twin), 0);
	assert_int_equal(f->fake.opens, 1);
	assert_int_equal(f->fake.twins, 1);
	assert_true(twin.kick[QUEUE_TX] != f->s.kick[QUEUE_TX]);
	assert_ptr_not_equal(twin.mem.base, f->s.mem.base);
	session_done(&twin);
	assert_int_equal(f->fake.closes, 0);
}

static void test_a_peer_that_cannot_be_made_is_evidence(void **state)
{
	struct fixture *f = *state;

	f->fake.start_r = -EAFNOSUPPORT;
	assert_int_equal(session_peer(&f->s), -EAFNOSUPPORT);
	assert_string_equal(at(f, EV_FACT, "peer")->fact.value, "EAFNOSUPPORT");
}

/* Writes the low word, and past the end if the test says so by @value. */
static int answer_array(struct fake *f, unsigned long request, void *arg)
{
	struct session_array *array = arg;

	assert_int_equal(request, f->writes_value ? VHOST_GET_FEATURES_ARRAY
						  : VHOST_SET_FEATURES_ARRAY);
	if (!f->writes_value)
		return f->ioctl_r;
	array->word[0] = 0x13d000000;
	if (f->value)
		array->word[f->value] = 0;
	return 0;
}

static void test_a_features_array_is_recorded_word_by_word(void **state)
{
	struct fixture *f = *state;
	struct session_array array;

	f->fake.on_ioctl = answer_array;
	f->fake.writes_value = true;
	assert_int_equal(session_get_array(&f->s, "one", 1, &array), 0);
	called(f, "one", "VHOST_GET_FEATURES_ARRAY", "1: 0x13d000000", 0);
	assert_int_equal(session_get_array(&f->s, "three", 3, &array), 0);
	called(f, "three", "VHOST_GET_FEATURES_ARRAY", "3: 0x13d000000 - -", 0);
	/* a zero past the end is a write as any other */
	f->fake.value = 3;
	assert_int_equal(session_get_array(&f->s, "past", 2, &array), 0);
	called(f, "past", "VHOST_GET_FEATURES_ARRAY", "2: 0x13d000000 - - 0x0", 0);
}

static void test_a_features_array_that_was_taken_decides_header_and_iotlb(void **state)
{
	const struct session_array tunnel = { 2, { BIT64(32), BIT64(65 - 64) } };
	const struct session_array iotlb = { 1, { BIT64(33) } };
	struct fixture *f = *state;

	f->fake.on_ioctl = answer_array;
	f->fake.ioctl_r = -EOPNOTSUPP;
	assert_int_equal(session_set_array(&f->s, "refused", &tunnel), -EOPNOTSUPP);
	called(f, "refused", "VHOST_SET_FEATURES_ARRAY", "2: 0x100000000 0x2",
	       EOPNOTSUPP);
	assert_int_equal(session_header(&f->s), 10);
	f->fake.ioctl_r = 0;
	assert_int_equal(session_set_array(&f->s, "tunnel", &tunnel), 0);
	assert_int_equal(session_header(&f->s), 24);
	assert_false(f->s.iotlb);
	assert_int_equal(session_set_array(&f->s, "iotlb", &iotlb), 0);
	called(f, "iotlb", "VHOST_SET_FEATURES_ARRAY", "1: 0x200000000", 0);
	assert_int_equal(session_header(&f->s), 10);
	assert_true(f->s.iotlb);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_open_is_recorded_with_its_errno),
		TEST(test_a_setup_is_recorded_call_by_call_without_an_address),
		TEST(test_with_bit_33_rings_are_given_by_iova),
		TEST(test_a_setup_ends_at_the_first_refusal),
		TEST(test_a_get_that_writes_nothing_is_seen),
		TEST(test_an_unknown_request_is_recorded_by_number),
		TEST(test_a_taken_cid_is_tried_16_times_and_no_more),
		TEST(test_any_other_refusal_of_a_cid_is_final),
		TEST(test_no_random_number_leads_to_a_reserved_cid),
		TEST(test_a_stall_takes_two_calls_after_the_kick_and_no_wait),
		TEST(test_a_stall_without_a_message_is_recorded_as_that),
		TEST(test_a_queue_that_moves_is_no_stall),
		TEST(test_a_device_that_cannot_be_flushed_proves_nothing),
		TEST(test_messages_are_recorded_with_their_version_and_padding),
		TEST(test_what_is_no_message_is_an_error_and_not_an_empty_queue),
		TEST(test_what_is_mapped_is_a_region_at_its_three_addresses),
		TEST(test_misses_are_served_until_there_is_none),
		TEST(test_misses_of_a_known_address_are_dropped),
		TEST(test_a_recorder_that_fails_marks_the_session),
		TEST(test_errors_are_counted_and_calls_only_noticed),
		TEST(test_workers_are_recorded),
		TEST(test_a_twin_is_a_second_guest_on_a_second_device),
		TEST(test_where_rings_end_is_told_at_the_close_of_a_check),
		TEST(test_a_ring_that_was_laid_out_ends_with_what_it_was_offered),
		TEST(test_a_peer_that_cannot_be_made_is_evidence),
		TEST(test_a_features_array_is_recorded_word_by_word),
		TEST(test_a_features_array_that_was_taken_decides_header_and_iotlb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
