/* SPDX-License-Identifier: MIT */
#include <linux/vhost.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_seam.h"
#include "seam/fault.h"

/** struct fixture - a fake seam and a fault in front of it */
struct fixture {
	struct fake fake;
	struct seam inner, seam;
	struct fault_seam *wrapper;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	fake_init(&f->fake);
	f->inner = fake_tables(&f->fake);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fault_seam_free(f->wrapper);
	free(f);
	return 0;
}

static void wrap(struct fixture *f, const struct fault *fault)
{
	fault_seam_free(f->wrapper);
	f->wrapper = fault_seam_new(fault, &f->inner);
	assert_non_null(f->wrapper);
	f->seam = fault_seam_tables(f->wrapper);
}

static int call(struct fixture *f, unsigned long request, void *arg)
{
	return f->seam.dev->ops->ioctl(f->seam.dev, request, arg);
}

static int set_u64(struct fixture *f, unsigned long request, uint64_t value)
{
	return call(f, request, &value);
}

/* Every call but those that a test makes itself reaches the seam behind, unchanged. */
static void all_else_passes(struct fixture *f)
{
	struct node_info node = { 0 };
	struct module_info module = { 0 };
	struct worker_info worker = { 0 };
	struct peer_reply reply = { 0 };
	char text[NAME_ROOM] = "";
	const struct peer_request request = { 0 };
	struct seam *s = &f->seam;

	f->fake.starts = f->fake.requests = f->fake.stops = f->fake.closes = 0;
	f->fake.ioctl_r = -EXDEV;
	assert_int_equal(set_u64(f, VHOST_SET_LOG_BASE, 0x1234), -EXDEV);
	assert_int_equal(f->fake.got, 0x1234);
	assert_int_equal(f->fake.request, VHOST_SET_LOG_BASE);
	f->fake.ioctl_r = 3;
	assert_int_equal(set_u64(f, VHOST_SET_LOG_BASE, 0), 3);
	f->fake.ioctl_r = 0;
	f->fake.node =
		(struct node_info){ .exists = true, .is_device = true, .minor = 5 };
	f->fake.module = (struct module_info){ .status = FACT_MODULE_LIVE,
					       .build_id_loaded = "a0",
					       .srcversion_loaded = "B1" };
	f->fake.worker = (struct worker_info){ .type = WORKER_TASK, .count = 1 };
	f->fake.reply = (struct peer_reply){ .port = 9, .bytes = 100, .digest = 0xd1 };
	f->fake.reply_r = 0;
	assert_int_equal(s->facts->ops->release(s->facts, text), 0);
	assert_string_equal(text, "6.1.0");
	assert_int_equal(s->facts->ops->guest_to_host(s->facts, text), 0);
	assert_int_equal(s->peer->ops->start(s->peer, BACKEND_TAP), 0);
	assert_int_equal(s->peer->ops->fd(s->peer), 77);
	assert_int_equal(s->peer->ops->request(s->peer, &request), 0);
	s->peer->ops->stop(s->peer);
	s->dev->ops->close(s->dev);
	assert_int_equal(
		f->fake.starts + f->fake.requests + f->fake.stops + f->fake.closes, 4);
	assert_int_equal(s->clock->ops->now_ns(s->clock), 7);
	/* what a fault may hit is asked at the seam behind, to be compared with */
	assert_int_equal(s->facts->ops->node(s->facts, FAMILY_VSOCK, &node), 0);
	assert_int_equal(s->facts->ops->module(s->facts, "vhost", &module), 0);
	assert_int_equal(s->facts->ops->workers(s->facts, 1, &worker), 0);
	assert_int_equal(s->peer->ops->reply(s->peer, &reply), 0);
	assert_int_equal(node.exists && node.minor == 5 && node.is_device, 1);
	assert_int_equal(module.status, FACT_MODULE_LIVE);
	assert_string_equal(module.build_id_loaded, "a0");
	assert_string_equal(module.srcversion_loaded, "B1");
	assert_int_equal(worker.count, 1);
	assert_memory_equal(&reply, &f->fake.reply, sizeof(reply));
}

static void test_ioctl_errno_is_not_passed_on(void **state)
{
	struct fixture *f = *state;

	wrap(f, &(struct fault){ .act = FAULT_IOCTL_ERRNO,
				 .request = VHOST_SET_OWNER,
				 .err = EBUSY });
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), -EBUSY);
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), -EBUSY);
	assert_int_equal(f->fake.ioctls, 0);
	all_else_passes(f);
}

static void test_ioctl_swallow_is_not_passed_on(void **state)
{
	struct fixture *f = *state;

	wrap(f,
	     &(struct fault){ .act = FAULT_IOCTL_SWALLOW, .request = VHOST_SET_OWNER });
	f->fake.ioctl_r = -EPERM;
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(f->fake.ioctls, 0);
	all_else_passes(f);
}

static void test_ioctl_forgive_hides_refusals_only(void **state)
{
	struct fixture *f = *state;

	wrap(f,
	     &(struct fault){ .act = FAULT_IOCTL_FORGIVE, .request = VHOST_SET_OWNER });
	f->fake.ioctl_r = -EPERM;
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	f->fake.ioctl_r = 4;
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 4);
	assert_int_equal(f->fake.ioctls, 2);
	all_else_passes(f);
}

static void test_ioctl_other_changes_the_errno_of_refusals_only(void **state)
{
	struct fixture *f = *state;

	wrap(f, &(struct fault){ .act = FAULT_IOCTL_OTHER,
				 .request = VHOST_SET_OWNER,
				 .err = EINVAL });
	f->fake.ioctl_r = -EPERM;
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), -EINVAL);
	f->fake.ioctl_r = 0;
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	all_else_passes(f);
}

static void test_ioctl_result_flips_what_a_successful_call_wrote(void **state)
{
	struct fixture *f = *state;
	uint64_t value = 0;

	wrap(f, &(struct fault){ .act = FAULT_IOCTL_RESULT,
				 .request = VHOST_GET_FEATURES,
				 .bits = 0x30 });
	f->fake.writes_value = true;
	f->fake.value = 0x11;
	assert_int_equal(call(f, VHOST_GET_FEATURES, &value), 0);
	assert_int_equal(value, 0x21);
	f->fake.ioctl_r = -EIO;
	assert_int_equal(call(f, VHOST_GET_FEATURES, &value), -EIO);
	assert_int_equal(value, 0x11);
	f->fake.ioctl_r = 0;
	assert_int_equal(call(f, VHOST_GET_BACKEND_FEATURES, &value), 0);
	assert_int_equal(value, 0x11);
	f->fake.writes_value = false;
	all_else_passes(f);
}

static void test_ioctl_input_flips_a_copy(void **state)
{
	struct fixture *f = *state;
	uint64_t value = 0x11;

	wrap(f, &(struct fault){ .act = FAULT_IOCTL_INPUT,
				 .request = VHOST_SET_FEATURES,
				 .bits = UINT64_C(1) << 33 });
	assert_int_equal(call(f, VHOST_SET_FEATURES, &value), 0);
	assert_true(f->fake.got == (UINT64_C(1) << 33 | 0x11));
	assert_int_equal(value, 0x11);
	all_else_passes(f);
}

static void test_ioctl_fd_hands_another_eventfd_on(void **state)
{
	struct fixture *f = *state;
	struct vhost_vring_file file = { .index = 1, .fd = 1000 };
	struct vhost_vring_file got;
	int lost = -1;

	wrap(f,
	     &(struct fault){ .act = FAULT_IOCTL_FD, .request = VHOST_SET_VRING_KICK });
	assert_int_equal(call(f, VHOST_SET_VRING_KICK, &file), 0);
	memcpy(&got, &f->fake.got, sizeof(got));
	lost = got.fd;
	assert_int_equal(got.index, 1);
	assert_true(lost >= 0 && lost != 1000);
	assert_int_equal(file.fd, 1000);
	assert_int_equal(call(f, VHOST_SET_VRING_KICK, &file), 0);
	memcpy(&got, &f->fake.got, sizeof(got));
	assert_int_equal(got.fd, lost);
	assert_int_equal(call(f, VHOST_SET_VRING_CALL, &file), 0);
	memcpy(&got, &f->fake.got, sizeof(got));
	assert_int_equal(got.fd, 1000);
	all_else_passes(f);
}

static void test_only_the_nth_selected_call_is_hit(void **state)
{
	struct fixture *f = *state;

	for (unsigned int nth = 1; nth <= 3; nth++) {
		wrap(f, &(struct fault){ .act = FAULT_IOCTL_ERRNO,
					 .request = VHOST_SET_OWNER,
					 .err = EBUSY,
					 .nth = nth });
		for (unsigned int i = 1; i <= 4; i++) {
			/* other calls do not count */
			assert_int_equal(set_u64(f, VHOST_SET_FEATURES, 0), 0);
			assert_int_equal(call(f, VHOST_SET_OWNER, NULL),
					 i == nth ? -EBUSY : 0);
		}
	}
}

static void test_the_twin_has_the_fault_too_and_counts_along(void **state)
{
	struct fixture *f = *state;

	wrap(f, &(struct fault){ .act = FAULT_IOCTL_ERRNO,
				 .request = VHOST_SET_OWNER,
				 .err = EBUSY,
				 .nth = 2 });
	assert_int_equal(f->seam.twin->ops->open(f->seam.twin, "x"), 0);
	assert_int_equal(f->seam.twin->ops->ioctl(f->seam.twin, VHOST_SET_OWNER, NULL),
			 0);
	assert_int_equal(f->fake.twins, 2);
	assert_int_equal(f->fake.opens + f->fake.ioctls, 0);
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), -EBUSY);
}

static void test_open_errno(void **state)
{
	struct fixture *f = *state;

	wrap(f, &(struct fault){ .act = FAULT_OPEN_ERRNO, .err = EIO, .nth = 1 });
	assert_int_equal(f->seam.dev->ops->open(f->seam.dev, "x"), -EIO);
	assert_int_equal(f->fake.opens, 0);
	assert_int_equal(f->seam.dev->ops->open(f->seam.dev, "x"), 0);
	assert_int_equal(f->fake.opens, 1);
	all_else_passes(f);
}

static ssize_t read_message(struct fixture *f, unsigned char *buf)
{
	memset(buf, 0x5a, IOTLB_MSG_BYTES);
	return f->seam.dev->ops->read(f->seam.dev, buf, IOTLB_MSG_BYTES);
}

static void give_message(struct fixture *f)
{
	for (size_t i = 0; i < IOTLB_MSG_BYTES; i++)
		f->fake.message[i] = (unsigned char)i;
	f->fake.read_r = IOTLB_MSG_BYTES;
}

static void test_read_drop_takes_the_message_away(void **state)
{
	struct fixture *f = *state;
	unsigned char buf[IOTLB_MSG_BYTES];

	wrap(f, &(struct fault){ .act = FAULT_READ_DROP, .nth = 1 });
	assert_int_equal(read_message(f, buf), -EAGAIN);
	assert_int_equal(f->fake.reads, 1);
	give_message(f);
	assert_int_equal(read_message(f, buf), -EAGAIN);
	assert_int_equal(f->fake.reads, 2);
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(read_message(f, buf), IOTLB_MSG_BYTES);
	assert_memory_equal(buf, f->fake.message, sizeof(buf));
	all_else_passes(f);
}

static void test_read_flip_changes_one_word(void **state)
{
	struct fixture *f = *state;
	unsigned char buf[IOTLB_MSG_BYTES];

	wrap(f, &(struct fault){ .act = FAULT_READ_FLIP, .at = 8, .bits = 0xff00 });
	give_message(f);
	assert_int_equal(read_message(f, buf), IOTLB_MSG_BYTES);
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], i == 9 ? 9 ^ 0xff : (int)i);
	f->fake.read_r = -EAGAIN;
	assert_int_equal(read_message(f, buf), -EAGAIN);
	all_else_passes(f);
}

static void test_read_zero_is_what_an_empty_queue_gives(void **state)
{
	struct fixture *f = *state;
	unsigned char buf[IOTLB_MSG_BYTES];

	wrap(f, &(struct fault){ .act = FAULT_READ_ZERO });
	assert_int_equal(read_message(f, buf), 0);
	f->fake.read_r = -EFAULT;
	assert_int_equal(read_message(f, buf), -EFAULT);
	give_message(f);
	assert_int_equal(read_message(f, buf), IOTLB_MSG_BYTES);
	all_else_passes(f);
}

static ssize_t write_message(struct fixture *f, uint8_t type)
{
	const struct iotlb_msg msg = { .version = 1, .iova = 0x100, .type = type };
	unsigned char buf[IOTLB_MSG_BYTES];

	iotlb_encode(&msg, buf);
	return f->seam.dev->ops->write(f->seam.dev, buf, sizeof(buf));
}

static void test_write_errno_hits_the_messages_it_selects(void **state)
{
	struct fixture *f = *state;

	wrap(f, &(struct fault){ .act = FAULT_WRITE_ERRNO,
				 .message = VHOST_IOTLB_UPDATE,
				 .err = EFAULT });
	assert_int_equal(write_message(f, VHOST_IOTLB_INVALIDATE), IOTLB_MSG_BYTES);
	assert_int_equal(write_message(f, VHOST_IOTLB_UPDATE), -EFAULT);
	assert_int_equal(f->fake.writes, 1);
	all_else_passes(f);
}

static void test_write_drop_takes_and_loses(void **state)
{
	struct fixture *f = *state;

	wrap(f,
	     &(struct fault){ .act = FAULT_WRITE_DROP, .message = VHOST_IOTLB_UPDATE });
	assert_int_equal(write_message(f, VHOST_IOTLB_UPDATE), IOTLB_MSG_BYTES);
	assert_int_equal(f->fake.writes, 0);
	assert_int_equal(write_message(f, VHOST_IOTLB_INVALIDATE), IOTLB_MSG_BYTES);
	assert_int_equal(f->fake.writes, 1);
	/* too short to have a type: no message that could be selected */
	assert_int_equal(f->seam.dev->ops->write(f->seam.dev, "12345678", 8), 8);
	assert_int_equal(f->fake.writes, 2);
	all_else_passes(f);
}

static void test_write_forgive_hides_refusals_only(void **state)
{
	struct fixture *f = *state;

	wrap(f, &(struct fault){ .act = FAULT_WRITE_FORGIVE, .nth = 2 });
	f->fake.write_r = -EINVAL;
	assert_int_equal(write_message(f, VHOST_IOTLB_UPDATE), -EINVAL);
	assert_int_equal(write_message(f, VHOST_IOTLB_UPDATE), IOTLB_MSG_BYTES);
	assert_int_equal(write_message(f, VHOST_IOTLB_UPDATE), -EINVAL);
	assert_int_equal(f->fake.writes, 3);
	all_else_passes(f);
}

static void test_write_flip_changes_a_copy(void **state)
{
	struct fixture *f = *state;
	struct iotlb_msg msg;
	bool clean = false;

	wrap(f, &(struct fault){ .act = FAULT_WRITE_FLIP,
				 .message = VHOST_IOTLB_UPDATE,
				 .at = 8,
				 .bits = UINT64_C(1) << 44,
				 .nth = 2 });
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(write_message(f, VHOST_IOTLB_UPDATE), IOTLB_MSG_BYTES);
		assert_int_equal(iotlb_decode(f->fake.written, &msg, &clean), 0);
		assert_true(msg.iova == (i == 2 ? (UINT64_C(1) << 44 | 0x100) : 0x100));
		assert_int_equal(msg.type, VHOST_IOTLB_UPDATE);
		assert_true(clean);
	}
	all_else_passes(f);
}

static void test_poll_late_sees_nothing(void **state)
{
	struct fixture *f = *state;
	struct pollfd fd = { .fd = DEV_SELF };
	const struct deadline now = { 0 };

	f->fake.poll_r = 1;
	wrap(f, &(struct fault){ .act = FAULT_POLL_LATE, .nth = 1 });
	assert_int_equal(f->seam.dev->ops->poll(f->seam.dev, &fd, 1, now), 0);
	assert_int_equal(f->fake.polls, 0);
	assert_int_equal(f->seam.dev->ops->poll(f->seam.dev, &fd, 1, now), 1);
	assert_int_equal(f->fake.polls, 1);
	all_else_passes(f);
}

static struct peer_reply reply_of(struct fixture *f, int want)
{
	struct peer_reply reply = { 0 };

	assert_int_equal(f->seam.peer->ops->reply(f->seam.peer, &reply), want);
	return reply;
}

static void test_peer_faults_change_answers_that_came(void **state)
{
	const struct peer_reply whole = { .port = 9, .bytes = 100, .digest = 0xd1 };
	const struct peer_reply none = { .port = 9 };
	struct fixture *f = *state;
	struct peer_reply r;

	wrap(f, &(struct fault){ .act = FAULT_PEER_ERRNO, .err = ECONNRESET, .nth = 1 });
	(void)reply_of(f, -EAGAIN); /* none came: none is changed, or counted */
	f->fake.reply_r = 0;
	f->fake.reply = whole;
	r = reply_of(f, 0);
	assert_int_equal(r.err, ECONNRESET);
	assert_true(r.port == 9 && r.bytes == 100 && r.digest == 0xd1);
	all_else_passes(f);

	wrap(f, &(struct fault){ .act = FAULT_PEER_FLIP, .bits = 1, .nth = 1 });
	f->fake.reply = none;
	r = reply_of(f, 0);
	assert_memory_equal(&r, &none, sizeof(r));
	f->fake.reply = whole;
	r = reply_of(f, 0);
	assert_true(r.digest == 0xd0 && r.bytes == 100 && r.err == 0);

	wrap(f, &(struct fault){ .act = FAULT_PEER_SHORT, .nth = 1 });
	f->fake.reply = none;
	r = reply_of(f, 0);
	assert_memory_equal(&r, &none, sizeof(r));
	f->fake.reply = whole;
	r = reply_of(f, 0);
	assert_true(r.digest == 0xd1 && r.bytes == 99 && r.err == 0);
}

static void test_facts_faults(void **state)
{
	struct fixture *f = *state;
	struct seam *s = &f->seam;
	struct node_info node;
	struct module_info module;
	struct worker_info worker;

	f->fake.node =
		(struct node_info){ .exists = true, .is_device = true, .minor = 5 };
	f->fake.module = (struct module_info){ .status = FACT_MODULE_BUILTIN,
					       .build_id_loaded = "f0",
					       .srcversion_loaded = "F1" };
	f->fake.worker = (struct worker_info){ .type = WORKER_KTHREAD, .count = 2 };

	wrap(f, &(struct fault){ .act = FAULT_NODE_GONE, .nth = 1 });
	assert_int_equal(s->facts->ops->node(s->facts, FAMILY_VSOCK, &node), 0);
	assert_true(!node.exists && !node.is_device && node.minor == 5);
	all_else_passes(f);
	wrap(f, &(struct fault){ .act = FAULT_NODE_OTHER, .nth = 1 });
	assert_int_equal(s->facts->ops->node(s->facts, FAMILY_VSOCK, &node), 0);
	assert_true(node.exists && node.minor == 6);

	f->fake.module.status = FACT_MODULE_BUILTIN;
	wrap(f, &(struct fault){ .act = FAULT_MODULE_GONE, .nth = 1 });
	assert_int_equal(s->facts->ops->module(s->facts, "vhost", &module), 0);
	assert_int_equal(module.status, FACT_MODULE_ABSENT);
	wrap(f, &(struct fault){ .act = FAULT_MODULE_OTHER, .nth = 2 });
	f->fake.module = (struct module_info){ .build_id_loaded = "f0",
					       .srcversion_loaded = "F1" };
	assert_int_equal(s->facts->ops->module(s->facts, "vhost", &module), 0);
	assert_string_equal(module.build_id_loaded, "f0");
	assert_int_equal(s->facts->ops->module(s->facts, "vhost", &module), 0);
	assert_string_not_equal(module.build_id_loaded, "f0");
	assert_string_not_equal(module.srcversion_loaded, "F1");

	wrap(f, &(struct fault){ .act = FAULT_WORKER_GONE, .nth = 1 });
	assert_int_equal(s->facts->ops->workers(s->facts, 1, &worker), 0);
	assert_int_equal(worker.count, 0);
	assert_int_equal(worker.type, WORKER_NONE);
	all_else_passes(f);
}

static void test_a_dead_and_a_mute_device_are_never_reached(void **state)
{
	struct fixture *f = *state;
	unsigned char buf[IOTLB_MSG_BYTES];
	struct pollfd fd = { .fd = DEV_SELF };
	const struct deadline now = { 0 };

	for (int mute = 0; mute < 2; mute++) {
		int want = mute ? 0 : -EIO;

		wrap(f, &(struct fault){ .act = mute ? FAULT_MUTE : FAULT_DEAD });
		assert_int_equal(call(f, VHOST_SET_OWNER, NULL), want);
		assert_int_equal(set_u64(f, VHOST_SET_FEATURES, 1), want);
		assert_int_equal(read_message(f, buf), want);
		assert_int_equal(write_message(f, VHOST_IOTLB_UPDATE),
				 mute ? (ssize_t)IOTLB_MSG_BYTES : -EIO);
		assert_int_equal(f->seam.dev->ops->poll(f->seam.dev, &fd, 1, now), want);
	}
	assert_int_equal(f->fake.ioctls + f->fake.reads + f->fake.writes + f->fake.polls,
			 0);
}

static void test_faults_are_found_by_name_and_no_name_is_used_twice(void **state)
{
	const struct fault *fault;

	(void)state;
	assert_non_null(fault_at(0));
	for (size_t i = 0; (fault = fault_at(i)); i++) {
		assert_ptr_equal(fault_find(fault->name), fault);
		assert_true(fault->text && *fault->text);
	}
	assert_null(fault_find("no such fault"));
	assert_null(fault_find(""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ioctl_errno_is_not_passed_on),
		TEST(test_ioctl_swallow_is_not_passed_on),
		TEST(test_ioctl_forgive_hides_refusals_only),
		TEST(test_ioctl_other_changes_the_errno_of_refusals_only),
		TEST(test_ioctl_result_flips_what_a_successful_call_wrote),
		TEST(test_ioctl_input_flips_a_copy),
		TEST(test_ioctl_fd_hands_another_eventfd_on),
		TEST(test_only_the_nth_selected_call_is_hit),
		TEST(test_the_twin_has_the_fault_too_and_counts_along),
		TEST(test_open_errno),
		TEST(test_read_drop_takes_the_message_away),
		TEST(test_read_flip_changes_one_word),
		TEST(test_read_zero_is_what_an_empty_queue_gives),
		TEST(test_write_errno_hits_the_messages_it_selects),
		TEST(test_write_drop_takes_and_loses),
		TEST(test_write_forgive_hides_refusals_only),
		TEST(test_write_flip_changes_a_copy),
		TEST(test_poll_late_sees_nothing),
		TEST(test_peer_faults_change_answers_that_came),
		TEST(test_facts_faults),
		TEST(test_a_dead_and_a_mute_device_are_never_reached),
		TEST(test_faults_are_found_by_name_and_no_name_is_used_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
