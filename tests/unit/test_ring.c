/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guest/ring.h"

/*
 * A device of the test's own: it reads and writes the bytes of the split ring where
 * virtio-1.2 2.7 puts them, and shares no code with the driver's side.
 */
struct device {
	const unsigned char *desc, *avail;
	unsigned char *used;
	unsigned int size;
	uint16_t next;
};

struct chain {
	uint64_t addr;
	uint32_t len;
	uint16_t head, flags, next;
};

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

/* Takes the next head that is available; false if there is none. */
static bool device_take(struct device *d, struct chain *ret)
{
	const unsigned char *desc = NULL;

	if ((uint16_t)get(d->avail + 2, 2) == d->next)
		return false;
	ret->head = (uint16_t)get(d->avail + 4 + (size_t)2 * (d->next % d->size), 2);
	desc = d->desc + (size_t)16 * ret->head;
	ret->addr = get(desc, 8);
	ret->len = (uint32_t)get(desc + 8, 4);
	ret->flags = (uint16_t)get(desc + 12, 2);
	ret->next = (uint16_t)get(desc + 14, 2);
	d->next++;
	return true;
}

static void device_use(struct device *d, uint32_t id, uint32_t len)
{
	uint16_t idx = (uint16_t)get(d->used + 2, 2);
	unsigned char *e = d->used + 4 + (size_t)8 * (idx % d->size);

	put(e, 4, id);
	put(e + 4, 4, len);
	put(d->used + 2, 2, (uint16_t)(idx + 1));
}

/** struct fixture - both sides */
struct fixture {
	struct mem mem;
	struct ring ring;
	struct device device;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return f ? mem_init(&f->mem) : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mem_done(&f->mem);
	free(f);
	return 0;
}

static void begin(struct fixture *f, unsigned int index, unsigned int size, uint16_t base)
{
	ring_init(&f->ring, &f->mem, index, size, base);
	f->device = (struct device){
		.desc = mem_ptr(&f->mem, index ? MEM_TX_DESC : MEM_RX_DESC, 0),
		.avail = mem_ptr(&f->mem, index ? MEM_TX_AVAIL : MEM_RX_AVAIL, 0),
		.used = mem_ptr(&f->mem, index ? MEM_TX_USED : MEM_RX_USED, 0),
		.size = size,
		.next = base,
	};
}

static void test_a_fresh_ring_is_empty_on_both_sides(void **state)
{
	struct fixture *f = *state;
	struct chain c = { 0 };
	struct ring_used used = { 5, 6 };

	memset(f->mem.base, 0xff, f->mem.len);
	begin(f, 1, 16, 65530);
	assert_string_equal(f->ring.name, "tx");
	assert_int_equal(ring_avail_idx(&f->ring), 65530);
	assert_int_equal(ring_used_idx(&f->ring), 65530);
	assert_int_equal(ring_used_flags(&f->ring), 0);
	assert_false(device_take(&f->device, &c));
	assert_false(ring_take(&f->ring, &used));
	assert_int_equal(used.id, 5); /* untouched */
	begin(f, 0, 16, 0);
	assert_string_equal(f->ring.name, "rx");
}

static void test_a_head_is_seen_when_it_is_published_and_not_before(void **state)
{
	struct fixture *f = *state;
	struct chain c = { 0 };

	begin(f, 0, 16, 0);
	ring_desc(&f->ring, 3, UINT64_C(0x123456789abcdef0), 0x11223344,
		  RING_WRITE | RING_NEXT, 7);
	ring_avail_put(&f->ring, 3);
	assert_false(device_take(&f->device, &c));
	ring_publish(&f->ring);
	assert_true(device_take(&f->device, &c));
	assert_int_equal(c.head, 3);
	assert_true(c.addr == UINT64_C(0x123456789abcdef0));
	assert_int_equal(c.len, 0x11223344);
	assert_int_equal(c.flags, 3);
	assert_int_equal(c.next, 7);
	assert_false(device_take(&f->device, &c));
}

static void test_several_heads_are_published_at_once_in_their_order(void **state)
{
	struct fixture *f = *state;
	struct chain c = { 0 };

	begin(f, 0, 8, 65533);
	for (uint16_t i = 0; i < 8; i++)
		ring_avail_put(&f->ring, (uint16_t)(7 - i));
	ring_publish(&f->ring);
	assert_int_equal(ring_avail_idx(&f->ring), 5);
	for (int i = 0; i < 8; i++) {
		assert_true(device_take(&f->device, &c));
		assert_int_equal(c.head, 7 - i);
	}
	assert_false(device_take(&f->device, &c));
}

/* Every size, over the end of the indices: nothing is lost, doubled or out of turn. */
static void test_indices_wrap_at_every_size(void **state)
{
	struct fixture *f = *state;

	for (unsigned int size = 1; size <= RING_SIZE_MAX; size *= 2) {
		begin(f, 1, size, (uint16_t)(65536 - size - 1));
		for (uint32_t round = 0; round < 4 * size; round++) {
			uint16_t head = (uint16_t)(round % size);
			struct ring_used used = { 0 };
			struct chain c = { 0 };

			ring_desc(&f->ring, head, round, round, 0, 0);
			ring_avail_put(&f->ring, head);
			ring_publish(&f->ring);
			assert_false(ring_take(&f->ring, &used));
			assert_true(device_take(&f->device, &c));
			assert_int_equal(c.head, head);
			assert_int_equal(c.addr, round);
			device_use(&f->device, c.head, round + 1);
			assert_true(ring_take(&f->ring, &used));
			assert_int_equal(used.id, head);
			assert_int_equal(used.len, round + 1);
			assert_false(ring_take(&f->ring, &used));
		}
		assert_int_equal(ring_used_idx(&f->ring), (uint16_t)(3 * size - 1));
		assert_int_equal(ring_avail_idx(&f->ring), (uint16_t)(3 * size - 1));
	}
}

static void test_a_full_ring_of_used_elements_is_taken_in_order(void **state)
{
	struct fixture *f = *state;
	struct ring_used used = { 0 };

	begin(f, 0, RING_SIZE_MAX, 65535);
	for (uint32_t i = 0; i < RING_SIZE_MAX; i++) {
		ring_avail_put(&f->ring, (uint16_t)i);
		device_use(&f->device, i, UINT32_MAX - i);
	}
	for (uint32_t i = 0; i < RING_SIZE_MAX; i++) {
		assert_true(ring_take(&f->ring, &used));
		assert_int_equal(used.id, i);
		assert_int_equal(used.len, UINT32_MAX - i);
	}
	assert_false(ring_take(&f->ring, &used));
}

static void test_more_used_than_was_available_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct ring_used used = { 0 };

	begin(f, 0, 4, 65535);
	ring_avail_put(&f->ring, 2);
	device_use(&f->device, 2, 7);
	device_use(&f->device, 2, 7);
	assert_false(ring_take(&f->ring, &used));
	ring_avail_put(&f->ring, 3);
	assert_true(ring_take(&f->ring, &used));
	assert_int_equal(used.id, 2);
}

static void test_the_device_is_asked_for_the_next_event(void **state)
{
	struct fixture *f = *state;
	struct ring_used used = { 0 };

	begin(f, 1, 4, 65535);
	ring_event(&f->ring);
	/* used_event lies behind the ring's last entry (virtio-1.2 2.7.6) */
	assert_int_equal(get(&f->device.avail[12], 2), 65535);
	ring_avail_put(&f->ring, 0);
	device_use(&f->device, 0, 0);
	assert_true(ring_take(&f->ring, &used));
	ring_event(&f->ring);
	assert_int_equal(get(&f->device.avail[12], 2), 0);
	/* and is no head, nor the index */
	assert_int_equal(ring_avail_idx(&f->ring), 65535);
}

static void test_an_indirect_table_is_a_table_of_its_own(void **state)
{
	struct fixture *f = *state;
	const unsigned char *table = mem_ptr(&f->mem, MEM_INDIRECT, 0);

	begin(f, 1, 16, 0);
	ring_indirect(&f->ring, 1, 0xabc, 9, RING_WRITE, 2);
	assert_int_equal(get(table + 16, 8), 0xabc);
	assert_int_equal(get(table + 24, 4), 9);
	assert_int_equal(get(table + 28, 2), RING_WRITE);
	assert_int_equal(get(table + 30, 2), 2);
	for (size_t i = 0; i < (size_t)16 * 16; i++)
		assert_int_equal(f->device.desc[i], 0);
}

static void test_descriptors_in_order_go_round_the_table(void **state)
{
	struct fixture *f = *state;

	begin(f, 1, 8, 65534);
	assert_int_equal(ring_slots(&f->ring, 1), 6);
	assert_int_equal(ring_slots(&f->ring, 2), 7);
	assert_int_equal(ring_slots(&f->ring, 1), 1);
	begin(f, 1, 8, 0);
	for (unsigned int i = 0; i < 65536 + 3; i++)
		assert_int_equal(ring_slots(&f->ring, 1), i % 8);
}

/* Makes @n buffers of 100 bytes available, with descriptors in order. */
static void post_in_order(struct fixture *f, unsigned int n, uint16_t flags)
{
	for (unsigned int i = 0; i < n; i++) {
		uint16_t slot = ring_slots(&f->ring, 1);

		ring_desc(&f->ring, slot, 0x1000, 100, flags, 0);
		ring_avail_put(&f->ring, slot);
	}
	ring_publish(&f->ring);
}

/* As a device does with VIRTIO_F_IN_ORDER: one element, then on by the whole batch. */
static void device_use_batch(struct device *d, uint32_t id, uint32_t len, unsigned int n)
{
	device_use(d, id, len);
	put(d->used + 2, 2, (uint16_t)(get(d->used + 2, 2) + n - 1));
}

static void assert_taken(struct fixture *f, uint32_t id, uint32_t len)
{
	struct ring_used used = { 0 };

	assert_true(ring_take(&f->ring, &used));
	assert_int_equal(used.id, id);
	assert_int_equal(used.len, len);
}

static void test_one_used_element_stands_for_a_batch_in_order(void **state)
{
	struct fixture *f = *state;
	struct ring_used used = { 0 };

	begin(f, 0, 8, 65533);
	f->ring.in_order = true;
	memset(f->device.used + 4, 0xee, 64); /* what was not written is not to be read */
	post_in_order(f, 8, RING_WRITE);
	device_use_batch(&f->device, 7, 9, 3);
	device_use_batch(&f->device, 0, 11, 1);
	assert_taken(f, 5, 100);
	assert_taken(f, 6, 100);
	assert_taken(f, 7, 9);
	assert_taken(f, 0, 11);
	assert_false(ring_take(&f->ring, &used));
	post_in_order(f, 4, 0);
	device_use_batch(&f->device, 0, 0, 8);
	for (uint32_t id = 1; id < 5; id++)
		assert_taken(f, id, 100);
	for (uint32_t id = 5; id < 8; id++)
		assert_taken(f, id, 0); /* not the device's to write */
	assert_taken(f, 0, 0);
	assert_false(ring_take(&f->ring, &used));
}

static void test_an_element_that_ends_no_batch_is_told(void **state)
{
	struct fixture *f = *state;

	begin(f, 0, 8, 0);
	f->ring.in_order = true;
	post_in_order(f, 4, RING_WRITE);
	device_use_batch(&f->device, 3, 1, 2); /* 3 is not among the two that were used */
	assert_taken(f, RING_NO_HEAD, 1);
	begin(f, 0, 8, 0);
	post_in_order(f, 4, RING_WRITE);
	device_use(&f->device, 3, 1);
	assert_taken(f, 3, 1); /* out of order, as may be without the feature */
}

static void test_the_two_queues_share_nothing(void **state)
{
	struct fixture *f = *state;
	struct ring other;

	begin(f, 1, 16, 0);
	ring_init(&other, &f->mem, 0, 16, 0);
	ring_desc(&other, 0, 1, 2, 3, 4);
	ring_avail_put(&other, 0);
	ring_publish(&other);
	assert_int_equal(ring_avail_idx(&other), 1);
	assert_int_equal(ring_avail_idx(&f->ring), 0);
	assert_int_equal(f->device.desc[0], 0);
}

static void test_flags_of_the_device_are_read(void **state)
{
	struct fixture *f = *state;

	begin(f, 1, 16, 0);
	put(f->device.used, 2, 1); /* VRING_USED_F_NO_NOTIFY */
	assert_int_equal(ring_used_flags(&f->ring), 1);
}

static void fits(const struct mem *m, uint64_t size)
{
	assert_true(m->region[MEM_RX_DESC].len >= 16 * size);
	assert_true(m->region[MEM_RX_AVAIL].len >= 6 + 2 * size);
	assert_true(m->region[MEM_RX_USED].len >= 6 + 8 * size);
}

/* The largest ring must lie in its regions. */
static void test_the_largest_ring_fits(void **state)
{
	struct fixture *f = *state;
	struct mem large = { 0 };

	fits(&f->mem, RING_SIZE_MAX);
	assert_int_equal(mem_init_layout(&large, MEM_LARGE_RINGS), 0);
	fits(&large, RING_SIZE_LARGEST);
	mem_done(&large);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_fresh_ring_is_empty_on_both_sides),
		TEST(test_a_head_is_seen_when_it_is_published_and_not_before),
		TEST(test_several_heads_are_published_at_once_in_their_order),
		TEST(test_indices_wrap_at_every_size),
		TEST(test_a_full_ring_of_used_elements_is_taken_in_order),
		TEST(test_more_used_than_was_available_is_nothing),
		TEST(test_the_device_is_asked_for_the_next_event),
		TEST(test_an_indirect_table_is_a_table_of_its_own),
		TEST(test_descriptors_in_order_go_round_the_table),
		TEST(test_one_used_element_stands_for_a_batch_in_order),
		TEST(test_an_element_that_ends_no_batch_is_told),
		TEST(test_the_two_queues_share_nothing),
		TEST(test_flags_of_the_device_are_read),
		TEST(test_the_largest_ring_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
