/* SPDX-License-Identifier: MIT */
/* The model's table of ranges: what its memory table and its IOTLB are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/map.h"

static void add(struct map_table *t, uint64_t start, uint64_t last, uint64_t addr)
{
	const struct map m = { .start = start, .last = last, .addr = addr, .perm = 3 };

	assert_int_equal(map_add(t, &m), 0);
}

static void test_a_range_answers_for_its_addresses_only(void **state)
{
	struct map_table t = { 0 };

	(void)state;
	add(&t, 0x1000, 0x1fff, 7);
	assert_null(map_find(&t, 0, 0xfff));
	assert_null(map_find(&t, 0x2000, UINT64_MAX));
	assert_int_equal(map_find(&t, 0x1fff, 0x1fff)->addr, 7);
	assert_int_equal(map_find(&t, 0, UINT64_MAX)->addr, 7);
	map_clear(&t);
	assert_null(map_find(&t, 0, UINT64_MAX));
}

static void test_a_range_may_not_wrap_around(void **state)
{
	const struct map m = { .start = UINT64_MAX - 1, .last = 5 };
	struct map_table t = { 0 };

	(void)state;
	assert_int_equal(map_add(&t, &m), -EFAULT);
	assert_int_equal(t.count, 0);
}

static void test_of_an_overlap_the_lowest_and_then_the_oldest_answers(void **state)
{
	struct map_table t = { 0 };

	(void)state;
	add(&t, 0x2000, 0x2fff, 1);
	add(&t, 0x1000, 0x2fff, 2);
	add(&t, 0x1000, 0x2fff, 3);
	assert_int_equal(map_find(&t, 0x2000, 0x2000)->addr, 2);
	map_clear(&t);
}

static void test_a_whole_entry_goes_that_is_touched(void **state)
{
	struct map_table t = { 0 };

	(void)state;
	add(&t, 0x1000, 0x4fff, 1);
	add(&t, 0x5000, 0x5fff, 2);
	add(&t, 0x6000, 0x6fff, 3);
	map_remove(&t, 0x2000, 0x5000);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.map[0].addr, 3);
	map_remove(&t, 0, UINT64_MAX);
	assert_int_equal(t.count, 0);
	map_clear(&t);
}

static void test_at_the_limit_the_oldest_goes(void **state)
{
	struct map_table t = { .limit = 20 };

	(void)state;
	for (uint64_t i = 0; i < 21; i++)
		add(&t, i * 0x1000, i * 0x1000 + 0xfff, i);
	assert_int_equal(t.count, 20);
	assert_null(map_find(&t, 0, 0xfff));
	assert_int_equal(map_find(&t, 0x1000, 0x1000)->addr, 1);
	assert_int_equal(map_find(&t, 0x14000, 0x14000)->addr, 20);
	map_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_range_answers_for_its_addresses_only),
		cmocka_unit_test(test_a_range_may_not_wrap_around),
		cmocka_unit_test(
			test_of_an_overlap_the_lowest_and_then_the_oldest_answers),
		cmocka_unit_test(test_a_whole_entry_goes_that_is_touched),
		cmocka_unit_test(test_at_the_limit_the_oldest_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
