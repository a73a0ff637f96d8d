/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/deadline.h"

#define NS_PER_MS UINT64_C(1000000)

static void test_the_clock_never_goes_back(void **state)
{
	uint64_t last = mono_now_ns();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t now = mono_now_ns();

		assert_true(now >= last);
		last = now;
	}
	assert_true(last > 0);
}

static void test_what_is_left_is_rounded_up_and_never_negative(void **state)
{
	const struct deadline past = { 0 };
	const struct deadline soon = { mono_now_ns() + 10000 * NS_PER_MS + 1 };

	(void)state;
	assert_int_equal(deadline_left_ms(past), 0);
	assert_true(deadline_passed(past));
	assert_false(deadline_passed(soon));
	assert_in_range(deadline_left_ms(soon), 9000, 10001);
	/* a wait of what is left must not end before the deadline: no busy loop */
	for (int i = 0; i < 20; i++) {
		struct deadline d = { mono_now_ns() + NS_PER_MS / 2 };
		int left = deadline_left_ms(d);

		assert_in_range(left, 0, 1);
		(void)poll(NULL, 0, left);
		assert_true(left == 0 || deadline_passed(d));
	}
}

static void test_a_distant_deadline_fits_an_int(void **state)
{
	const struct deadline never = { UINT64_MAX };

	(void)state;
	assert_int_equal(deadline_left_ms(never), INT_MAX);
	assert_false(deadline_passed(never));
	assert_in_range(deadline_left_ms(deadline_after_ms(INT_MAX)), INT_MAX - 10000,
			INT_MAX);
	assert_int_equal(deadline_left_ms(deadline_after_ms(UINT_MAX)), INT_MAX);
}

static void test_after_no_time_it_has_passed(void **state)
{
	(void)state;
	assert_true(deadline_passed(deadline_after_ms(0)));
	assert_int_equal(deadline_left_ms(deadline_after_ms(0)), 0);
}

static void test_the_earlier_of_two(void **state)
{
	const struct deadline a = { 5 };
	const struct deadline b = { 6 };

	(void)state;
	assert_int_equal(deadline_earlier(a, b).mono_ns, 5);
	assert_int_equal(deadline_earlier(b, a).mono_ns, 5);
	assert_int_equal(deadline_earlier(a, a).mono_ns, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_clock_never_goes_back),
		cmocka_unit_test(test_what_is_left_is_rounded_up_and_never_negative),
		cmocka_unit_test(test_a_distant_deadline_fits_an_int),
		cmocka_unit_test(test_after_no_time_it_has_passed),
		cmocka_unit_test(test_the_earlier_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
