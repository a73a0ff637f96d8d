/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* cmd/ is no library: the unit is compiled here */
#include "cmd/facts_device.c" /* NOLINT(bugprone-suspicious-include) */

/* Facts of a machine that the test describes. */
struct machine {
	struct facts facts;
	int module_status;
	const char *transport, *release;
	struct arena arena;
};

static int say_module(struct facts *facts, const char *name, struct module_info *ret)
{
	(void)name;
	*ret = (struct module_info){ .status = ((struct machine *)facts)->module_status };
	return 0;
}

static int say_transport(struct facts *facts, char *ret)
{
	(void)snprintf(ret, NAME_ROOM, "%s", ((struct machine *)facts)->transport);
	return 0;
}

static int say_release(struct facts *facts, char *ret)
{
	(void)snprintf(ret, NAME_ROOM, "%s", ((struct machine *)facts)->release);
	return 0;
}

static const struct facts_ops ops = {
	.module = say_module,
	.guest_to_host = say_transport,
	.release = say_release,
};

static int make_machine(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->facts.ops = &ops;
	m->module_status = FACT_MODULE_LIVE;
	m->transport = "";
	m->release = "6.1.0-56-amd64";
	*state = m;
	return 0;
}

static int free_machine(void **state)
{
	arena_done(&((struct machine *)*state)->arena);
	free(*state);
	return 0;
}

static struct node_info good_node(void)
{
	return (struct node_info){ .path = "/dev/vhost-vsock",
				   .exists = true,
				   .is_device = true,
				   .major = 10,
				   .minor = 241,
				   .class_major = 10,
				   .class_minor = 241,
				   .mode = 0660,
				   .readable = true,
				   .writable = true };
}

static struct report_device look(struct machine *m, const struct node_info *node)
{
	struct report_device d;

	assert_int_equal(
		facts_fill_device(&m->arena, &m->facts, "vsock", FAMILY_VSOCK, node, &d),
		0);
	assert_string_equal(d.name, "vsock");
	assert_int_equal(d.iotlb_policy, -1);
	assert_null(d.features);
	return d;
}

static void assert_holds(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" does not hold \"%s\"", text ? text : "", part);
}

static void a_device_that_may_be_opened_is_ok_without_a_reason(void **state)
{
	struct node_info n = good_node();
	struct report_device d = look(*state, &n);

	assert_int_equal(d.state, DEVICE_OK);
	assert_null(d.reason);
}

static void a_built_in_driver_is_as_good_as_a_module(void **state)
{
	struct machine *m = *state;
	struct node_info n = good_node();

	m->module_status = FACT_MODULE_BUILTIN;
	assert_int_equal(look(m, &n).state, DEVICE_OK);
}

static void a_module_that_is_not_loaded_is_named_with_its_remedy(void **state)
{
	struct machine *m = *state;
	struct node_info n = good_node();
	struct report_device d;

	m->module_status = FACT_MODULE_INSTALLED;
	d = look(m, &n);
	assert_int_equal(d.state, DEVICE_NO_MODULE);
	assert_holds(d.reason, "modprobe vhost_vsock");
	assert_holds(d.reason, "opening /dev/vhost-vsock would load it");
	n.exists = false;
	d = look(m, &n);
	assert_int_equal(d.state, DEVICE_NO_MODULE);
	assert_holds(d.reason, "--load-modules");
}

static void a_static_node_without_any_module_is_told_from_no_device(void **state)
{
	struct machine *m = *state;
	struct node_info n = good_node();
	struct report_device d;

	m->module_status = FACT_MODULE_ABSENT;
	d = look(m, &n);
	assert_int_equal(d.state, DEVICE_NO_MODULE);
	assert_holds(d.reason, "is there without a driver");
	n.exists = false;
	d = look(m, &n);
	assert_int_equal(d.state, DEVICE_ABSENT);
	assert_holds(d.reason, "kernel 6.1.0-56-amd64 has no vhost_vsock");
}

static void a_missing_node_comes_with_the_numbers_to_make_it(void **state)
{
	struct node_info n = good_node();
	struct report_device d;

	n.exists = false;
	d = look(*state, &n);
	assert_int_equal(d.state, DEVICE_ABSENT);
	assert_holds(d.reason, "mknod /dev/vhost-vsock c 10 241");
}

static void a_node_that_leads_elsewhere_is_absent(void **state)
{
	struct node_info n = good_node();
	struct report_device d;

	n.minor = 240;
	d = look(*state, &n);
	assert_int_equal(d.state, DEVICE_ABSENT);
	assert_holds(d.reason, "10:240, the driver has 10:241");
	n = good_node();
	n.is_device = false;
	d = look(*state, &n);
	assert_int_equal(d.state, DEVICE_ABSENT);
	assert_holds(d.reason, "is no character device");
}

static void a_closed_node_says_whom_it_is_open_to(void **state)
{
	struct node_info n = good_node();
	struct report_device d;

	n.writable = false;
	n.uid = geteuid() + 1;
	n.mode = 0600;
	d = look(*state, &n);
	assert_int_equal(d.state, DEVICE_DENIED);
	assert_holds(d.reason, "has mode 0600 and is not open to you");
}

static void a_mode_that_allows_points_at_what_does_not(void **state)
{
	struct node_info n = good_node();
	struct report_device d;

	n.readable = false;
	n.uid = geteuid();
	d = look(*state, &n);
	assert_int_equal(d.state, DEVICE_DENIED);
	assert_holds(d.reason, "an access list or a security module does not");
}

static void a_guest_of_an_unfixed_kernel_is_not_opened(void **state)
{
	static const struct {
		const char *release;
		int state;
	} cases[] = {
		{ "5.4.0-150-generic", DEVICE_OK },
		{ "5.5.0", DEVICE_BLOCKED },
		{ "5.10.0-28-amd64", DEVICE_BLOCKED },
		{ "5.16.20", DEVICE_BLOCKED },
		{ "5.17.0", DEVICE_OK },
		{ "6.1.0-56-amd64", DEVICE_OK },
		{ "4.19.0", DEVICE_OK },
		{ "next-20250101", DEVICE_BLOCKED },
	};
	struct machine *m = *state;
	struct node_info n = good_node();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		m->release = cases[i].release;
		m->transport = "vmw_vsock_virtio_transport";
		assert_int_equal(look(m, &n).state, cases[i].state);
		m->transport = "";
		assert_int_equal(look(m, &n).state, DEVICE_OK);
	}
	m->release = "5.10.0";
	m->transport = "hv_sock";
	assert_holds(look(m, &n).reason, "hv_sock");
}

static void only_vsock_can_reset_connections(void **state)
{
	struct machine *m = *state;
	struct node_info n = good_node();
	struct report_device d;

	m->release = "5.10.0";
	m->transport = "vmw_vsock_virtio_transport";
	assert_int_equal(
		facts_fill_device(&m->arena, &m->facts, "net", FAMILY_NET, &n, &d), 0);
	assert_int_equal(d.state, DEVICE_OK);
}

#define ON_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, free_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_MACHINE(a_device_that_may_be_opened_is_ok_without_a_reason),
		ON_MACHINE(a_built_in_driver_is_as_good_as_a_module),
		ON_MACHINE(a_module_that_is_not_loaded_is_named_with_its_remedy),
		ON_MACHINE(a_static_node_without_any_module_is_told_from_no_device),
		ON_MACHINE(a_missing_node_comes_with_the_numbers_to_make_it),
		ON_MACHINE(a_node_that_leads_elsewhere_is_absent),
		ON_MACHINE(a_closed_node_says_whom_it_is_open_to),
		ON_MACHINE(a_mode_that_allows_points_at_what_does_not),
		ON_MACHINE(a_guest_of_an_unfixed_kernel_is_not_opened),
		ON_MACHINE(only_vsock_can_reset_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
