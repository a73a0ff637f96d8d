/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/attach.h"

static void test_a_close_by_another_is_proved_safe_since_5_17(void **state)
{
	(void)state;
	assert_true(trace_close_proved("5.17.0"));
	assert_true(trace_close_proved("6.1.0-56-cloud-amd64"));
	assert_true(trace_close_proved("7.3.4+deb13-amd64"));
	assert_false(trace_close_proved("5.16.20"));
	/* whatever a vendor has put into it */
	assert_false(trace_close_proved("5.10.223"));
	assert_false(trace_close_proved("4.19.0"));
	assert_false(trace_close_proved("6"));
	assert_false(trace_close_proved("new"));
	assert_false(trace_close_proved(""));
}

static void test_a_process_without_devices_and_none(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list devices = { 0 };
	unsigned int own = 9, kernel = 9;

	(void)state;
	assert_int_equal(attach_find(&a, getpid(), &devices), 0);
	assert_int_equal(devices.count, 0);
	assert_int_equal(attach_find(&a, 0x3fffffff, &devices), -ESRCH);
	attach_workers(getpid(), &own, &kernel);
	assert_int_equal(own, 0);
	assert_int_equal(kernel, 0);
}

static void test_a_descriptor_that_is_no_device_any_more_is_gone(void **state)
{
	const struct attach_device d = { .family = FAMILY_VSOCK,
					 .fd = STDOUT_FILENO,
					 .rdev = makedev(10, 241) };
	const struct attach_device none = { .family = FAMILY_VSOCK, .fd = 4000 };

	(void)state;
	assert_int_equal(attach_look_at(getpid(), &d), LOOK_GONE);
	assert_int_equal(attach_look_at(getpid(), &none), LOOK_GONE);
	assert_int_equal(attach_look_at(0x3fffffff, &none), LOOK_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_close_by_another_is_proved_safe_since_5_17),
		cmocka_unit_test(test_a_process_without_devices_and_none),
		cmocka_unit_test(test_a_descriptor_that_is_no_device_any_more_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
