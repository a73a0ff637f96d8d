/* SPDX-License-Identifier: MIT */
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "trace/order.h"

static const char *const *words_of(int call)
{
	return call == CALL_SET_STATUS ? stack_status_names : stack_ring_call_names;
}

static void append(char *all, size_t room, const char *before, const char *word)
{
	size_t len = strlen(all);

	(void)snprintf(all + len, room - len, "%s%s", len ? before : "", word);
}

static void order_is(const struct trace_order *o, const char *expected)
{
	char all[1024] = "";

	for (size_t i = 0; i < o->steps; i++) {
		const struct stack_step *step = &o->step[i].step;

		append(all, sizeof(all), ", ", stack_call_names[step->call]);
		for (size_t k = 0; k < step->count; k++)
			append(all, sizeof(all), " ",
			       words_of(step->call)[step->word[k]]);
	}
	assert_string_equal(all, expected);
}

static void rings(struct trace_order *o, const enum stack_ring_call *calls, size_t count)
{
	for (uint32_t index = 0; index < 2; index++)
		for (size_t i = 0; i < count; i++)
			trace_order_ring(o, index, calls[i]);
}

static const enum stack_ring_call usual[] = { RING_NUM, RING_ADDR, RING_KICK };

static void test_a_step_stands_where_it_was_made_first(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	trace_order_call(&o, CALL_SET_OWNER);
	trace_order_call(&o, CALL_SET_MEM_TABLE);
	trace_order_call(&o, CALL_SET_OWNER);
	order_is(&o, "SET_OWNER, SET_MEM_TABLE");
	trace_order_anew(&o, CALL_SET_OWNER);
	order_is(&o, "SET_MEM_TABLE, SET_OWNER");
	assert_int_equal(trace_order_find(&o, CALL_SET_OWNER), 1);
	assert_int_equal(trace_order_find(&o, CALL_START), -ENOENT);
}

/* as QEMU: the call eventfds at realize and when they are unmasked, the rest at the start */
static void test_what_comes_between_calls_about_rings_parts_them(void **state)
{
	static const enum stack_ring_call call[] = { RING_CALL };
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	rings(&o, call, 1);
	trace_order_call(&o, CALL_SET_FEATURES);
	rings(&o, usual, 3);
	rings(&o, call, 1);
	trace_order_start_ring(&o, 0);
	trace_order_start_ring(&o, 1);
	order_is(&o, "VRINGS CALL, SET_FEATURES, VRINGS NUM ADDR KICK, START");
	/* and when it has stopped, masked ones */
	trace_order_stop(&o);
	rings(&o, call, 1);
	order_is(&o, "VRINGS CALL, SET_FEATURES, VRINGS NUM ADDR KICK, START");
}

/* as Seastar */
static void test_rings_that_are_set_up_call_by_call(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	for (size_t i = 0; i < 3; i++)
		rings(&o, &usual[i], 1);
	order_is(&o, "VRINGS NUM, VRINGS ADDR, VRINGS KICK");
}

static void test_a_ring_that_is_started_before_the_next_is_named(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	for (uint32_t index = 0; index < 2; index++) {
		trace_order_ring(&o, index, RING_NUM);
		trace_order_start_ring(&o, index);
		trace_order_ring(&o, index, RING_KICK);
	}
	order_is(&o, "VRINGS NUM START KICK");
}

/* as a VMM that has met kernels since 7.2.7, which wipe addresses at a switch of bit 33 */
static void test_addresses_that_are_set_twice_stand_twice(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	rings(&o, usual, 3);
	trace_order_call(&o, CALL_SET_FEATURES);
	trace_order_ring(&o, 0, RING_ADDR);
	order_is(&o, "VRINGS NUM ADDR KICK, SET_FEATURES, VRINGS ADDR");
}

static void test_a_running_device_is_not_set_up_again(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	rings(&o, usual, 3);
	trace_order_start(&o);
	rings(&o, usual, 3);
	trace_order_start(&o);
	order_is(&o, "VRINGS NUM ADDR KICK, START");
	/* what it had not been told yet it is */
	trace_order_ring(&o, 0, RING_ERR);
	order_is(&o, "VRINGS NUM ADDR KICK, START, VRINGS ERR");
}

static void test_a_stop_alone_changes_nothing(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	rings(&o, usual, 3);
	trace_order_start(&o);
	trace_order_anew(&o, CALL_SET_FEATURES);
	trace_order_stop(&o);
	trace_order_stop(&o);
	order_is(&o, "VRINGS NUM ADDR KICK, START, SET_FEATURES");
}

static void test_what_is_done_again_after_a_stop_has_a_new_place(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	trace_order_call(&o, CALL_SET_OWNER);
	trace_order_call(&o, CALL_SET_FEATURES);
	rings(&o, usual, 3);
	trace_order_start(&o);
	trace_order_stop(&o);
	trace_order_ring(&o, 0, RING_ADDR);
	order_is(&o, "SET_OWNER, SET_FEATURES, VRINGS NUM KICK, VRINGS ADDR");
	trace_order_call(&o, CALL_SET_FEATURES);
	trace_order_start(&o);
	order_is(&o, "SET_OWNER, VRINGS NUM KICK, VRINGS ADDR, SET_FEATURES, START");
}

static void test_the_status_of_a_vdpa_device_is_what_is_added(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	trace_order_ask_status(&o);
	trace_order_status(&o, 0);
	trace_order_status(&o, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	trace_order_status(&o, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	trace_order_status(&o, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	trace_order_call(&o, CALL_SET_FEATURES);
	trace_order_status(&o, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
				       VIRTIO_CONFIG_S_FEATURES_OK);
	trace_order_ask_status(&o);
	trace_order_ask_status(&o);
	trace_order_start(&o);
	order_is(&o, "SET_STATUS RESET, SET_STATUS ACKNOWLEDGE, SET_STATUS DRIVER, "
		     "SET_FEATURES, SET_STATUS FEATURES_OK, GET_STATUS, START");
	/* of two setups the last one's */
	trace_order_stop(&o);
	trace_order_status(&o, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	trace_order_start(&o);
	order_is(&o, "SET_FEATURES, SET_STATUS ACKNOWLEDGE DRIVER, START");
}

static void test_what_does_not_fit_is_left_out(void **state)
{
	struct trace_order o;

	(void)state;
	trace_order_init(&o);
	for (unsigned int i = 0; i < 2 * TRACE_STEPS_MAX; i++) {
		trace_order_ring(&o, 7, (enum stack_ring_call)(i % 6));
		trace_order_ring(&o, 8, RING_NUM);
	}
	assert_int_equal(o.steps, TRACE_STEPS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_step_stands_where_it_was_made_first),
		cmocka_unit_test(test_what_comes_between_calls_about_rings_parts_them),
		cmocka_unit_test(test_rings_that_are_set_up_call_by_call),
		cmocka_unit_test(test_a_ring_that_is_started_before_the_next_is_named),
		cmocka_unit_test(test_addresses_that_are_set_twice_stand_twice),
		cmocka_unit_test(test_a_running_device_is_not_set_up_again),
		cmocka_unit_test(test_a_stop_alone_changes_nothing),
		cmocka_unit_test(test_what_is_done_again_after_a_stop_has_a_new_place),
		cmocka_unit_test(test_the_status_of_a_vdpa_device_is_what_is_added),
		cmocka_unit_test(test_what_does_not_fit_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
