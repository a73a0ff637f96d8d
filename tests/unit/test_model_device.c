/* SPDX-License-Identifier: MIT */
/* The model's calls: who may make them, in which order, and what they refuse. */
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "model/model.h"

#define V1 BIT64(VIRTIO_F_VERSION_1)
#define IOTLB BIT64(VIRTIO_F_ACCESS_PLATFORM)
#define V2 BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2)
#define PAGE 4096u

/** struct fixture - a model; @ring is memory for both rings, one page a part */
struct fixture {
	struct seam_model *m;
	struct seam seam;
	unsigned char *ring;
};

static void make(struct fixture *f, enum family family, enum model_policy policy)
{
	seam_model_free(f->m);
	f->m = seam_model_new(
		&(struct model_options){ .family = family, .policy = policy });
	assert_non_null(f->m);
	f->seam = seam_model_tables(f->m);
	assert_int_equal(f->seam.dev->ops->open(f->seam.dev, family_path(family)), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	*state = f;
	f->ring = aligned_alloc(PAGE, (size_t)6 * PAGE);
	if (!f->ring)
		return -1;
	memset(f->ring, 0, (size_t)6 * PAGE);
	make(f, FAMILY_VSOCK, MODEL_STRICT);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	seam_model_free(f->m);
	free(f->ring);
	free(f);
	return 0;
}

static int call(struct fixture *f, unsigned long request, void *arg)
{
	return f->seam.dev->ops->ioctl(f->seam.dev, request, arg);
}

static int call_u64(struct fixture *f, unsigned long request, uint64_t value)
{
	return call(f, request, &value);
}

static int call_state(struct fixture *f, unsigned long request, unsigned int index,
		      unsigned int num)
{
	struct vhost_vring_state s = { .index = index, .num = num };

	return call(f, request, &s);
}

static int call_file(struct fixture *f, unsigned long request, unsigned int index, int fd)
{
	struct vhost_vring_file file = { .index = index, .fd = fd };

	return call(f, request, &file);
}

static int no_memory_table(struct fixture *f)
{
	struct vhost_memory none = { 0 };

	return call(f, VHOST_SET_MEM_TABLE, &none);
}

static int run_it(struct fixture *f, int on)
{
	return call(f, VHOST_VSOCK_SET_RUNNING, &on);
}

/* Both rings at their addresses in this process. */
static void set_rings(struct fixture *f)
{
	for (unsigned int q = 0; q < 2; q++) {
		uint64_t at = (uint64_t)(uintptr_t)f->ring + (uint64_t)q * 3 * PAGE;
		struct vhost_vring_addr a = {
			.index = q,
			.desc_user_addr = at,
			.avail_user_addr = at + PAGE,
			.used_user_addr = at + 2ull * PAGE,
		};

		assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, q, 8), 0);
		assert_int_equal(call(f, VHOST_SET_VRING_ADDR, &a), 0);
	}
}

/* All but the start, with these features. */
static void prepare(struct fixture *f, uint64_t features)
{
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(call_u64(f, VHOST_SET_FEATURES, features), 0);
	assert_int_equal(no_memory_table(f), 0);
	set_rings(f);
}

static ssize_t message(struct fixture *f, const struct vhost_iotlb_msg *body, size_t len)
{
	struct vhost_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.type = VHOST_IOTLB_MSG;
	msg.iotlb = *body;
	return f->seam.dev->ops->write(f->seam.dev, &msg, len);
}

static ssize_t update(struct fixture *f, uint64_t iova, uint64_t size, uint64_t uaddr)
{
	return message(f,
		       &(struct vhost_iotlb_msg){ .iova = iova,
						  .size = size,
						  .uaddr = uaddr,
						  .perm = VHOST_ACCESS_RW,
						  .type = VHOST_IOTLB_UPDATE },
		       sizeof(struct vhost_msg));
}

static void test_without_an_owner_little_is_permitted(void **state)
{
	struct fixture *f = *state;
	unsigned char zeros[128] = { 0 };

	assert_int_equal(call_u64(f, VHOST_SET_FEATURES, V1), 0);
	assert_int_equal(call_u64(f, VHOST_SET_BACKEND_FEATURES, V2), 0);
	assert_int_equal(call_u64(f, VHOST_VSOCK_SET_GUEST_CID, 77), 0);
	assert_int_equal(no_memory_table(f), -EPERM);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 8), -EPERM);
	assert_int_equal(call_state(f, VHOST_GET_VRING_BASE, 0, 0), -EPERM);
	assert_int_equal(run_it(f, 1), -EPERM);
	assert_int_equal(call(f, _IOW(VHOST_VIRTIO, 0xf0, uint64_t), zeros), -EPERM);
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), -EBUSY);
	assert_int_equal(call(f, _IOW(VHOST_VIRTIO, 0xf0, uint64_t), zeros), -ENOTTY);
	assert_int_equal(call(f, VHOST_RESET_OWNER, zeros), -ENOTTY);
	assert_int_equal(call(f, VHOST_RESET_OWNER, NULL), -EFAULT);
}

static void test_another_process_is_no_owner(void **state)
{
	struct fixture *f = *state;
	int status = 0;
	pid_t pid = 0;

	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(call_state(f, VHOST_SET_VRING_NUM, 0, 8) == -EPERM &&
				      call_u64(f, VHOST_SET_FEATURES, V1) == 0
			      ? 0
			      : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 8), 0);
}

static void test_ring_calls_refuse_what_is_no_ring(void **state)
{
	struct fixture *f = *state;
	struct vhost_vring_addr a = { .index = 0, .avail_user_addr = 1 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 2, 8), -ENOBUFS);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 0), -EINVAL);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 6), -EINVAL);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 65536), -EINVAL);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 32768), 0);
	assert_int_equal(call_state(f, VHOST_SET_VRING_BASE, 0, 65536), -EINVAL);
	assert_int_equal(call(f, VHOST_SET_VRING_ADDR, &a), -EINVAL);
	a = (struct vhost_vring_addr){ .used_user_addr = 2 };
	assert_int_equal(call(f, VHOST_SET_VRING_ADDR, &a), -EINVAL);
	a = (struct vhost_vring_addr){ .flags = 2 };
	assert_int_equal(call(f, VHOST_SET_VRING_ADDR, &a), -EOPNOTSUPP);
	assert_int_equal(call_file(f, VHOST_SET_VRING_CALL, 0, null), -EINVAL);
	assert_int_equal(call_file(f, VHOST_SET_VRING_CALL, 0, 1 << 20), -EBADF);
	assert_int_equal(call_file(f, VHOST_SET_VRING_CALL, 0, -1), 0);
	assert_int_equal(call(f, VHOST_SET_VRING_CALL, NULL), -EFAULT);
	fd_close(&null);
}

static void test_a_start_needs_memory_and_rings_that_are_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	set_rings(f);
	assert_int_equal(run_it(f, 1), -EFAULT);
	assert_int_equal(no_memory_table(f), 0);
	assert_int_equal(run_it(f, 1), 0);
	assert_int_equal(run_it(f, 1), 0);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 4), -EBUSY);
	assert_int_equal(call_state(f, VHOST_SET_VRING_BASE, 0, 4), -EBUSY);
	assert_int_equal(run_it(f, 0), 0);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 4), 0);
	make(f, FAMILY_VSOCK, MODEL_STRICT);
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(no_memory_table(f), 0);
	/* the used ring at address 0 */
	assert_int_equal(run_it(f, 1), -EFAULT);
}

static void test_messages_are_looked_at_before_they_are_taken(void **state)
{
	struct fixture *f = *state;
	const struct vhost_iotlb_msg good = { .iova = 0x1000,
					      .size = PAGE,
					      .uaddr = (uint64_t)(uintptr_t)f->ring,
					      .perm = VHOST_ACCESS_RW,
					      .type = VHOST_IOTLB_UPDATE };
	struct vhost_iotlb_msg msg = good;
	struct vhost_msg_v2 v2 = { .type = VHOST_IOTLB_MSG_V2, .asid = 1 };
	ssize_t whole = (ssize_t)sizeof(struct vhost_msg);
	struct dev *dev = f->seam.dev;

	assert_int_equal(message(f, &good, sizeof(struct vhost_msg)), -EFAULT);
	assert_int_equal(call_u64(f, VHOST_SET_FEATURES, V1 | IOTLB), 0);
	assert_int_equal(message(f, &good, sizeof(struct vhost_msg)), whole);
	assert_int_equal(message(f, &good, 40), whole);
	assert_int_equal(message(f, &good, 8), -EINVAL);
	assert_int_equal(update(f, 0x1000, 0, 0), -EINVAL);
	assert_int_equal(update(f, UINT64_MAX - 100, PAGE, 0), -EFAULT);
	assert_int_equal(update(f, 0, PAGE, UINT64_C(0xffff800000000000)), -EFAULT);
	msg.type = VHOST_IOTLB_MISS;
	assert_int_equal(message(f, &msg, sizeof(struct vhost_msg)), -EFAULT);
	v2.iotlb = good;
	/* reserved without VHOST_BACKEND_F_IOTLB_ASID: vhost_chr_write_iter() */
	assert_int_equal(dev->ops->write(dev, &v2, sizeof(v2)), whole);
	v2.type = 9;
	assert_int_equal(dev->ops->write(dev, &v2, sizeof(v2)), -EINVAL);
}

static void test_a_start_unmapped_is_refused_and_missed(void **state)
{
	struct fixture *f = *state;
	struct dev *dev = f->seam.dev;
	struct vhost_msg msg;
	int err = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	eventfd_t count = 0;

	prepare(f, V1 | IOTLB);
	assert_int_equal(call_file(f, VHOST_SET_VRING_ERR, 0, err), 0);
	assert_int_equal(run_it(f, 1), -EFAULT);
	assert_int_equal(dev->ops->read(dev, &msg, sizeof(msg) - 1), 0);
	assert_int_equal(dev->ops->read(dev, &msg, sizeof(msg)), sizeof(msg));
	assert_int_equal(msg.iotlb.type, VHOST_IOTLB_MISS);
	assert_int_equal(msg.iotlb.iova, (uint64_t)(uintptr_t)f->ring + 2ull * PAGE);
	assert_int_equal(msg.iotlb.perm, VHOST_ACCESS_RO);
	assert_int_equal(dev->ops->read(dev, &msg, sizeof(msg)), -EAGAIN);
	assert_int_equal(eventfd_read(err, &count), 0);
	assert_int_equal(count, 1);
	fd_close(&err);
}

static void test_bit_33_switched_wipes_the_addresses(void **state)
{
	struct fixture *f = *state;
	uint64_t at = (uint64_t)(uintptr_t)f->ring;

	prepare(f, V1);
	assert_int_equal(call_u64(f, VHOST_SET_FEATURES, V1 | IOTLB), 0);
	assert_int_equal(update(f, at, 6ull * PAGE, at), sizeof(struct vhost_msg));
	assert_int_equal(run_it(f, 1), -EFAULT);
	set_rings(f);
	assert_int_equal(run_it(f, 1), 0);
}

static void test_each_policy_arms_the_iotlb_in_its_time(void **state)
{
	struct fixture *f = *state;
	uint64_t offered = 0;
	uint64_t at = (uint64_t)(uintptr_t)f->ring;

	make(f, FAMILY_VSOCK, MODEL_NONE);
	assert_int_equal(call(f, VHOST_GET_FEATURES, &offered), 0);
	assert_int_equal(offered & IOTLB, 0);
	assert_int_equal(call_u64(f, VHOST_SET_FEATURES, IOTLB), -EOPNOTSUPP);

	make(f, FAMILY_VSOCK, MODEL_LENIENT);
	prepare(f, V1 | IOTLB);
	assert_int_equal(run_it(f, 1), 0);
	assert_int_equal(run_it(f, 0), 0);
	assert_int_equal(update(f, 0, PAGE, at), sizeof(struct vhost_msg));
	assert_int_equal(run_it(f, 1), -EFAULT);

	make(f, FAMILY_VSOCK, MODEL_GATED);
	prepare(f, V1 | IOTLB);
	assert_int_equal(update(f, 0, PAGE, at), -EFAULT);
	assert_int_equal(run_it(f, 1), 0);
	assert_int_equal(run_it(f, 0), 0);
	assert_int_equal(call_u64(f, VHOST_SET_BACKEND_FEATURES, V2), 0);
	assert_int_equal(run_it(f, 1), -EFAULT);
}

static void test_net_takes_its_own_tap_only_and_is_reset(void **state)
{
	struct fixture *f = *state;
	struct vhost_vring_file file = { .index = 0, .fd = 0 };
	int tap = -1;

	make(f, FAMILY_NET, MODEL_STRICT);
	assert_int_equal(f->seam.peer->ops->backend(f->seam.peer, 12), -ENOTCONN);
	assert_int_equal(f->seam.peer->ops->start(f->seam.peer, BACKEND_TAP), 0);
	tap = f->seam.peer->ops->backend(f->seam.peer, 12);
	assert_true(tap >= 0);
	prepare(f, V1);
	assert_int_equal(call(f, VHOST_NET_SET_BACKEND, &file), -ENOTSOCK);
	file.fd = tap;
	assert_int_equal(call(f, VHOST_NET_SET_BACKEND, &file), 0);
	file.index = 2;
	assert_int_equal(call(f, VHOST_NET_SET_BACKEND, &file), -ENOBUFS);
	assert_int_equal(call(f, VHOST_RESET_OWNER, NULL), 0);
	assert_int_equal(call_state(f, VHOST_SET_VRING_NUM, 0, 8), -EPERM);
	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
}

static void test_the_array_of_features_has_words_of_its_own(void **state)
{
	struct fixture *f = *state;
	uint64_t array[4] = { 3, 1, 2, 3 };
	uint64_t offered = 0;

	assert_int_equal(call(f, VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(call(f, _IOR(VHOST_VIRTIO, 0x83, uint64_t), array), -ENOBUFS);
	make(f, FAMILY_NET, MODEL_STRICT);
	assert_int_equal(call(f, _IOR(VHOST_VIRTIO, 0x83, uint64_t), array), 0);
	assert_int_equal(call(f, VHOST_GET_FEATURES, &offered), 0);
	assert_int_equal(array[0], 3);
	assert_int_equal(array[1], offered);
	assert_int_equal(array[2], BIT64(1) | BIT64(3));
	assert_int_equal(array[3], 0);
	assert_int_equal(call(f, _IOW(VHOST_VIRTIO, 0x83, uint64_t), array), 0);
	array[3] = 1;
	assert_int_equal(call(f, _IOW(VHOST_VIRTIO, 0x83, uint64_t), array), -EOPNOTSUPP);
}

static void test_a_wait_in_vain_takes_no_time(void **state)
{
	struct fixture *f = *state;
	struct clock *clock = f->seam.clock;
	uint64_t before = clock->ops->now_ns(clock);
	struct deadline until = deadline_from(before, 3600u * 1000u);
	struct pollfd self = { .fd = DEV_SELF, .events = POLLIN };

	assert_int_equal(f->seam.dev->ops->poll(f->seam.dev, &self, 1, until), 0);
	assert_int_equal(clock->ops->now_ns(clock), until.mono_ns);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_an_owner_little_is_permitted),
		TEST(test_another_process_is_no_owner),
		TEST(test_ring_calls_refuse_what_is_no_ring),
		TEST(test_a_start_needs_memory_and_rings_that_are_there),
		TEST(test_messages_are_looked_at_before_they_are_taken),
		TEST(test_a_start_unmapped_is_refused_and_missed),
		TEST(test_bit_33_switched_wipes_the_addresses),
		TEST(test_each_policy_arms_the_iotlb_in_its_time),
		TEST(test_net_takes_its_own_tap_only_and_is_reset),
		TEST(test_the_array_of_features_has_words_of_its_own),
		TEST(test_a_wait_in_vain_takes_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
