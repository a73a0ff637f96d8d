/* SPDX-License-Identifier: MIT */
/* The model's side of a ring, driven by a ring that is written here byte by byte. */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "model/model_private.h"

#define SIZE 8u
#define GPA UINT64_C(0x100000)
#define IOVA UINT64_C(0x900000)

/** struct memory - what the ring and its buffers lie in */
struct memory {
	struct vring_desc desc[SIZE], indirect[SIZE];
	uint16_t avail[3 + SIZE];
	uint16_t unused[5];
	struct {
		uint16_t flags, idx;
		struct vring_used_elem ring[SIZE];
		uint16_t event;
	} used;
	unsigned char buf[4096];
};

/** struct fixture - a model whose ring 0 lies in @mem; the memory table maps it at GPA */
struct fixture {
	struct seam_model *m;
	struct vq *vq;
	struct memory *mem;
	struct chain chain;
};

static uint64_t hva(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct model_options o = { .family = FAMILY_VSOCK };
	struct map all = { .start = GPA, .perm = VHOST_ACCESS_RW };

	if (!f)
		return -1;
	*state = f;
	f->m = seam_model_new(&o);
	f->mem = calloc(1, sizeof(*f->mem));
	if (!f->m || !f->mem)
		return -1;
	f->vq = &f->m->dev.vq[0];
	f->vq->num = SIZE;
	f->vq->desc = hva(f->mem->desc);
	f->vq->avail = hva(f->mem->avail);
	f->vq->used = hva(&f->mem->used);
	f->vq->err = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	f->vq->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	all.last = GPA + sizeof(*f->mem) - 1;
	all.addr = hva(f->mem);
	return map_add(&f->m->dev.memory, &all);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	setup_done(f->vq);
	map_clear(&f->m->dev.memory);
	map_clear(&f->m->dev.iotlb);
	messages_clear(&f->m->dev);
	seam_model_free(f->m);
	free(f->mem);
	free(f);
	return 0;
}

static uint64_t gpa(const struct fixture *f, const void *p)
{
	return GPA + (hva(p) - hva(f->mem));
}

static struct vring_desc piece(const struct fixture *f, unsigned int at, uint32_t len,
			       uint16_t flags, uint16_t next)
{
	return (struct vring_desc){ gpa(f, f->mem->buf) + at, len, flags, next };
}

/* Makes @head available. */
static void offer(struct fixture *f, uint16_t head)
{
	f->mem->avail[2 + f->mem->avail[1] % SIZE] = head;
	f->mem->avail[1]++;
}

static uint64_t count_of(int fd)
{
	eventfd_t n = 0;

	return eventfd_read(fd, &n) < 0 ? 0 : n;
}

static void expect_refusal(struct fixture *f, int err)
{
	uint16_t before = f->vq->last_avail;

	assert_int_equal(vring_next(f->vq, &f->chain), err);
	assert_int_equal(f->vq->last_avail, before);
	assert_int_equal(count_of(f->vq->err), 1);
}

static void test_a_chain_is_gathered_and_scattered(void **state)
{
	struct fixture *f = *state;
	char got[12] = "";

	memcpy(f->mem->buf, "hello, world", 12);
	f->mem->desc[2] = piece(f, 0, 5, VRING_DESC_F_NEXT, 5);
	f->mem->desc[5] = piece(f, 5, 7, VRING_DESC_F_NEXT, 1);
	f->mem->desc[1] = piece(f, 100, 3, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 0);
	f->mem->desc[0] = piece(f, 200, 9, VRING_DESC_F_WRITE, 0);
	offer(f, 2);
	assert_int_equal(vring_next(f->vq, &f->chain), 0);
	assert_int_equal(f->chain.head, 2);
	assert_int_equal(chain_bytes(&f->chain, false), 12);
	assert_int_equal(chain_bytes(&f->chain, true), 12);
	assert_int_equal(chain_read(&f->chain, 3, got, 9), 0);
	assert_memory_equal(got, "lo, world", 9);
	assert_int_equal(chain_read(&f->chain, 3, got, 10), -EFAULT);
	assert_int_equal(chain_write(&f->chain, 2, "abcd", 4), 0);
	assert_int_equal(f->mem->buf[102], 'a');
	assert_memory_equal(f->mem->buf + 200, "bcd", 4);
	assert_int_equal(vring_next(f->vq, &f->chain), -ENOENT);
	vring_put_back(f->vq, 1);
	assert_int_equal(vring_next(f->vq, &f->chain), 0);
}

static void test_an_indirect_table_is_followed(void **state)
{
	struct fixture *f = *state;

	f->mem->desc[0] = (struct vring_desc){ gpa(f, f->mem->indirect), 32,
					       VRING_DESC_F_INDIRECT, 0 };
	f->mem->indirect[0] = piece(f, 0, 10, VRING_DESC_F_NEXT, 1);
	f->mem->indirect[1] = piece(f, 10, 20, 0, 0);
	offer(f, 0);
	assert_int_equal(vring_next(f->vq, &f->chain), 0);
	assert_int_equal(chain_bytes(&f->chain, false), 30);
}

static void test_bad_tables_are_refused(void **state)
{
	struct fixture *f = *state;
	const struct vring_desc table = { gpa(f, f->mem->indirect), 32,
					  VRING_DESC_F_INDIRECT, 0 };

	offer(f, 0);
	f->mem->desc[0] = table;
	f->mem->desc[0].len = 31;
	expect_refusal(f, -EINVAL);
	f->mem->desc[0] = table;
	f->mem->indirect[0] = table;
	expect_refusal(f, -EINVAL); /* nested */
	f->mem->indirect[0] = piece(f, 0, 1, VRING_DESC_F_NEXT, 0);
	expect_refusal(f, -EINVAL); /* a loop */
	f->mem->indirect[0] = piece(f, 0, 1, VRING_DESC_F_NEXT, 2);
	expect_refusal(f, -EINVAL); /* off the table */
}

static void test_bad_chains_are_refused(void **state)
{
	struct fixture *f = *state;

	offer(f, 0);
	f->mem->desc[0] = piece(f, 0, 1, VRING_DESC_F_NEXT, 0);
	expect_refusal(f, -EINVAL); /* a loop */
	f->mem->desc[0] = piece(f, 0, 1, VRING_DESC_F_NEXT, SIZE);
	expect_refusal(f, -EINVAL);
	f->mem->desc[0] = piece(f, 0, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	f->mem->desc[1] = piece(f, 0, 1, 0, 0);
	expect_refusal(f, -EINVAL); /* read after written */
	f->mem->desc[0] = (struct vring_desc){ GPA + sizeof(*f->mem) - 1, 2, 0, 0 };
	expect_refusal(f, -EFAULT); /* over the end of memory */
	f->mem->avail[2] = SIZE;
	expect_refusal(f, -EINVAL); /* no such head */
}

static void test_an_index_that_jumps_is_refused(void **state)
{
	struct fixture *f = *state;

	f->mem->avail[1] = SIZE + 1;
	expect_refusal(f, -EFAULT);
	expect_refusal(f, -EFAULT);
	f->mem->avail[1] = SIZE;
	f->mem->desc[0] = piece(f, 0, 1, 0, 0);
	assert_int_equal(vring_next(f->vq, &f->chain), 0);
}

static void test_used_elements_go_round_and_the_index_wraps(void **state)
{
	struct fixture *f = *state;
	const struct used two[] = { { 3, 30 }, { 4, 40 } };

	f->mem->used.idx = 65535;
	assert_int_equal(vring_start(f->vq), 0);
	assert_int_equal(vring_used(f->vq, two, 2), 0);
	assert_int_equal(f->mem->used.idx, 1);
	assert_int_equal(f->mem->used.ring[7].id, 3);
	assert_int_equal(f->mem->used.ring[7].len, 30);
	assert_int_equal(f->mem->used.ring[0].id, 4);
	assert_int_equal(f->mem->used.ring[0].len, 40);
	assert_int_equal(f->mem->used.event, 0);
}

static void test_the_guest_is_called_unless_it_asks_not_to_be(void **state)
{
	struct fixture *f = *state;
	const struct used one = { 0, 0 };

	assert_int_equal(vring_used(f->vq, &one, 1), 0);
	vring_signal(f->vq);
	assert_int_equal(count_of(f->vq->call), 1);
	f->mem->avail[0] = VRING_AVAIL_F_NO_INTERRUPT;
	vring_signal(f->vq);
	assert_int_equal(count_of(f->vq->call), 0);
}

static void test_with_event_idx_it_is_called_at_its_event(void **state)
{
	struct fixture *f = *state;
	const struct used one = { 0, 0 };

	f->m->dev.features.word[0] = BIT64(VIRTIO_RING_F_EVENT_IDX);
	f->mem->used.idx = 65534;
	assert_int_equal(vring_start(f->vq), 0);
	for (uint16_t i = 0; i < 4; i++) {
		f->mem->avail[2 + SIZE] = 0; /* used_event: the third from here */
		assert_int_equal(vring_used(f->vq, &one, 1), 0);
		vring_signal(f->vq);
		/* the first, since nothing is known of before, and the event */
		assert_int_equal(count_of(f->vq->call), i == 0 || i == 2);
	}
}

static void test_the_guest_is_told_when_to_kick(void **state)
{
	struct fixture *f = *state;

	vring_quiet(f->vq);
	assert_int_equal(f->mem->used.flags, VRING_USED_F_NO_NOTIFY);
	assert_false(vring_listen(f->vq));
	assert_int_equal(f->mem->used.flags, 0);
	vring_quiet(f->vq);
	offer(f, 0);
	assert_true(vring_listen(f->vq));
	f->m->dev.features.word[0] = BIT64(VIRTIO_RING_F_EVENT_IDX);
	f->vq->last_avail = 5;
	vring_quiet(f->vq);
	(void)vring_listen(f->vq);
	assert_int_equal(f->mem->used.event, 5);
}

/* ------------------------------------------------------------------- IOTLB */

static void map(struct fixture *f, const void *p, size_t len, uint8_t perm)
{
	const struct map m = {
		.start = IOVA + (hva(p) - hva(f->mem)),
		.last = IOVA + (hva(p) - hva(f->mem)) + len - 1,
		.addr = hva(p),
		.perm = perm,
	};

	f->m->dev.has_iotlb = true;
	assert_int_equal(map_add(&f->m->dev.iotlb, &m), 0);
}

static void expect_miss(struct fixture *f, const void *p, uint8_t perm)
{
	struct messages *q = &f->m->dev.queue;

	assert_int_equal(q->count, 1);
	assert_int_equal(q->item[0].iova, IOVA + (hva(p) - hva(f->mem)));
	assert_int_equal(q->item[0].perm, perm);
	messages_clear(&f->m->dev);
}

static void test_a_range_is_put_together_from_its_mappings(void **state)
{
	struct fixture *f = *state;
	struct iovec iov[2];

	map(f, f->mem->buf, 100, VHOST_ACCESS_RO);
	map(f, f->mem->buf + 100, 100, VHOST_ACCESS_RW);
	assert_int_equal(translate(f->vq, IOVA + (hva(f->mem->buf) - hva(f->mem)) + 90,
				   20, VHOST_ACCESS_RO, iov, 2),
			 2);
	assert_ptr_equal(iov[0].iov_base, f->mem->buf + 90);
	assert_int_equal(iov[0].iov_len, 10);
	assert_ptr_equal(iov[1].iov_base, f->mem->buf + 100);
	assert_int_equal(iov[1].iov_len, 10);
	assert_int_equal(translate(f->vq, IOVA + (hva(f->mem->buf) - hva(f->mem)) + 90,
				   20, VHOST_ACCESS_RO, iov, 1),
			 -ENOBUFS);
}

static void test_what_is_not_mapped_is_missed_from_its_first_byte(void **state)
{
	struct fixture *f = *state;
	struct iovec iov[2];
	uint64_t at = IOVA + (hva(f->mem->buf) - hva(f->mem));

	map(f, f->mem->buf, 100, VHOST_ACCESS_RW);
	assert_int_equal(translate(f->vq, at + 99, 2, VHOST_ACCESS_WO, iov, 2), -EAGAIN);
	expect_miss(f, f->mem->buf + 100, VHOST_ACCESS_WO);
	assert_int_equal(translate(f->vq, at, 100, VHOST_ACCESS_WO, iov, 2), 1);
	assert_int_equal(f->m->dev.queue.count, 0);
}

static void test_what_is_not_permitted_is_refused_without_a_miss(void **state)
{
	struct fixture *f = *state;
	struct iovec iov;
	uint64_t at = IOVA + (hva(f->mem->buf) - hva(f->mem));

	map(f, f->mem->buf, 100, VHOST_ACCESS_WO);
	assert_int_equal(translate(f->vq, at, 1, VHOST_ACCESS_RO, &iov, 1), -EPERM);
	assert_int_equal(f->m->dev.queue.count, 0);
	assert_int_equal(translate(f->vq, at, 1, VHOST_ACCESS_WO, &iov, 1), 1);
}

static void test_each_part_of_the_ring_is_looked_for(void **state)
{
	struct fixture *f = *state;

	f->m->dev.has_iotlb = true;
	assert_false(translate_prefetch(&f->m->dev.vq[1])); /* no addresses: silence */
	assert_int_equal(f->m->dev.queue.count, 0);
	f->vq->desc = IOVA;
	f->vq->avail = IOVA + offsetof(struct memory, avail);
	f->vq->used = IOVA + offsetof(struct memory, used);
	assert_false(translate_prefetch(f->vq));
	expect_miss(f, f->mem->desc, VHOST_ACCESS_RO);
	map(f, f->mem->desc, sizeof(f->mem->desc), VHOST_ACCESS_RO);
	assert_false(translate_prefetch(f->vq));
	expect_miss(f, f->mem->avail, VHOST_ACCESS_RO);
	map(f, f->mem->avail, sizeof(f->mem->avail), VHOST_ACCESS_RO);
	assert_false(translate_prefetch(f->vq));
	expect_miss(f, &f->mem->used, VHOST_ACCESS_WO);
	map(f, &f->mem->used, sizeof(f->mem->used), VHOST_ACCESS_RO);
	assert_false(translate_prefetch(f->vq)); /* not permitted: silence */
	assert_int_equal(f->m->dev.queue.count, 0);
	map_remove(&f->m->dev.iotlb, f->vq->used, f->vq->used);
	map(f, &f->mem->used, sizeof(f->mem->used), VHOST_ACCESS_WO);
	assert_true(translate_prefetch(f->vq));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_chain_is_gathered_and_scattered),
		TEST(test_an_indirect_table_is_followed),
		TEST(test_bad_tables_are_refused),
		TEST(test_bad_chains_are_refused),
		TEST(test_an_index_that_jumps_is_refused),
		TEST(test_used_elements_go_round_and_the_index_wraps),
		TEST(test_the_guest_is_called_unless_it_asks_not_to_be),
		TEST(test_with_event_idx_it_is_called_at_its_event),
		TEST(test_the_guest_is_told_when_to_kick),
		TEST(test_a_range_is_put_together_from_its_mappings),
		TEST(test_what_is_not_mapped_is_missed_from_its_first_byte),
		TEST(test_what_is_not_permitted_is_refused_without_a_miss),
		TEST(test_each_part_of_the_ring_is_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
