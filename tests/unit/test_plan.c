/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/plan.h"

#define ON_BOTH (FAMILY_BIT(FAMILY_NET) | FAMILY_BIT(FAMILY_VSOCK))

static const struct check safe = { .area = "a", .name = "safe", .families = ON_BOTH };
static const struct check odd = { .area = "a",
				  .name = "odd",
				  .families = FAMILY_BIT(FAMILY_VSOCK),
				  .risk = RISK_INTRUSIVE };
static const struct check guarded = { .area = "b",
				      .name = "guarded",
				      .families = FAMILY_BIT(FAMILY_VSOCK),
				      .risk = RISK_GUARDED };
static const struct check needs_33 = { .area = "b",
				       .name = "needs_33",
				       .families = FAMILY_BIT(FAMILY_VSOCK),
				       .need = BIT64(33),
				       .need_peer = true };
static const struct check needs_65 = { .area = "b",
				       .name = "needs_65",
				       .families = FAMILY_BIT(FAMILY_NET),
				       .need_high = BIT64(65 - 64),
				       .need_array = true };
static const struct check *const catalogue[] = { &safe, &odd, &guarded, &needs_33,
						 &needs_65 };

static const struct plan_device net = { .name = "net",
					.family = FAMILY_NET,
					.usable = true };
static const struct plan_device vsock = { .name = "vsock",
					  .family = FAMILY_VSOCK,
					  .usable = true,
					  .offered = { { BIT64(33) } } };

/** struct fixture - what a plan is made from */
struct fixture {
	struct arena arena;
	struct rec_list devices, plan;
	struct plan_choice choice;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return f ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	free(f);
	return 0;
}

static void add(struct fixture *f, struct rec_list *list, const void *item)
{
	assert_int_equal(rec_list_add(&f->arena, list, item), 0);
}

static void make(struct fixture *f)
{
	f->plan = (struct rec_list){ 0 };
	assert_int_equal(plan_make(&f->arena, catalogue, ARRAY_SIZE(catalogue),
				   &f->devices, &f->choice, &f->plan),
			 0);
}

static const struct plan_entry *entry(const struct fixture *f, const char *id,
				      const char *device)
{
	for (size_t i = 0; i < f->plan.count; i++) {
		const struct plan_entry *e = f->plan.item[i];

		if (!strcmp(e->id, id) && !strcmp(e->device->name, device))
			return e;
	}
	fail_msg("no %s on %s", id, device);
	return NULL;
}

static void blocked(const struct fixture *f, const char *id, int status, int code,
		    const char *text)
{
	char device[8] = "";
	const struct plan_entry *e = NULL;

	(void)snprintf(device, sizeof(device), "%.*s", (int)strcspn(id, "."), id);
	e = entry(f, id, device);
	assert_false(e->run);
	assert_string_equal(status_names[e->verdict.status], status_names[status]);
	assert_string_equal(reason_names[e->verdict.code], reason_names[code]);
	if (!strstr(e->verdict.text, text))
		fail_msg("no '%s' in: %s", text, e->verdict.text);
}

static void test_the_order_is_by_catalogue_then_by_device(void **state)
{
	static const char *const order[] = { "net.a.safe",       "vsock.a.safe",
					     "vsock.a.odd",      "vsock.b.guarded",
					     "vsock.b.needs_33", "net.b.needs_65" };
	struct fixture *f = *state;

	add(f, &f->devices, &net);
	add(f, &f->devices, &vsock);
	make(f);
	assert_int_equal(f->plan.count, ARRAY_SIZE(order));
	for (size_t i = 0; i < f->plan.count; i++)
		assert_string_equal(((const struct plan_entry *)f->plan.item[i])->id,
				    order[i]);
}

static void test_no_device_no_entry(void **state)
{
	struct fixture *f = *state;

	make(f);
	assert_int_equal(f->plan.count, 0);
}

static void test_risk_is_held_back_on_a_host(void **state)
{
	struct fixture *f = *state;

	add(f, &f->devices, &vsock);
	make(f);
	assert_true(entry(f, "vsock.a.safe", "vsock")->run);
	blocked(f, "vsock.a.odd", STATUS_BLOCKED, REASON_NOT_SELECTED, "--intrusive");
	blocked(f, "vsock.b.guarded", STATUS_BLOCKED, REASON_UNSAFE_KERNEL,
		"vhostcheck vm");
	f->choice.intrusive = true;
	make(f);
	assert_true(entry(f, "vsock.a.odd", "vsock")->run);
	blocked(f, "vsock.b.guarded", STATUS_BLOCKED, REASON_UNSAFE_KERNEL, "");
	f->choice.intrusive = false;
	f->choice.anything = true;
	make(f);
	assert_true(entry(f, "vsock.a.odd", "vsock")->run);
	assert_true(entry(f, "vsock.b.guarded", "vsock")->run);
}

static void test_what_is_not_offered_is_skipped_by_name(void **state)
{
	struct plan_device plain = vsock;
	struct fixture *f = *state;

	plain.offered.word[0] = ~BIT64(33);
	add(f, &f->devices, &plain);
	f->choice.anything = true;
	f->choice.no_peer[FAMILY_VSOCK] = "no sockets"; /* a skip is not a block */
	make(f);
	blocked(f, "vsock.b.needs_33", STATUS_SKIP, REASON_NOT_OFFERED,
		"VIRTIO_F_ACCESS_PLATFORM (bit 33)");
}

static void test_what_the_kernel_has_no_call_for_is_skipped(void **state)
{
	struct plan_device d = net;
	struct fixture *f = *state;

	add(f, &f->devices, &d);
	make(f);
	blocked(f, "net.b.needs_65", STATUS_SKIP, REASON_NOT_OFFERED,
		"no VHOST_GET_FEATURES_ARRAY");
	d.array = true;
	make(f);
	blocked(f, "net.b.needs_65", STATUS_SKIP, REASON_NOT_OFFERED,
		"VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO (bit 65)");
	d.offered.word[1] = BIT64(65 - 64);
	make(f);
	assert_true(entry(f, "net.b.needs_65", "net")->run);
}

static void test_a_missing_peer_blocks_those_that_need_it(void **state)
{
	struct fixture *f = *state;

	add(f, &f->devices, &vsock);
	f->choice.no_peer[FAMILY_VSOCK] = "no sockets";
	make(f);
	blocked(f, "vsock.b.needs_33", STATUS_BLOCKED, REASON_PEER_MISSING, "no sockets");
	assert_true(entry(f, "vsock.a.safe", "vsock")->run);
	f->choice.no_peer[FAMILY_VSOCK] = NULL;
	make(f);
	assert_true(entry(f, "vsock.b.needs_33", "vsock")->run);
}

static void test_an_unusable_device_decides_before_all_else(void **state)
{
	const struct plan_device denied = { .name = "vsock",
					    .family = FAMILY_VSOCK,
					    .status = STATUS_BLOCKED,
					    .code = REASON_DENIED,
					    .reason = "no rights" };
	struct fixture *f = *state;

	add(f, &f->devices, &denied);
	make(f);
	assert_int_equal(f->plan.count, 4);
	blocked(f, "vsock.a.safe", STATUS_BLOCKED, REASON_DENIED, "no rights");
	blocked(f, "vsock.a.odd", STATUS_BLOCKED, REASON_DENIED, "no rights");
	blocked(f, "vsock.b.needs_33", STATUS_BLOCKED, REASON_DENIED, "no rights");
}

static void test_globs_choose_and_exclude(void **state)
{
	struct fixture *f = *state;

	add(f, &f->devices, &net);
	add(f, &f->devices, &vsock);
	add(f, &f->choice.check, "vsock.b.*");
	add(f, &f->choice.check, "*.a.safe");
	make(f);
	assert_int_equal(f->plan.count, 4);
	add(f, &f->choice.exclude, "*.needs_??");
	make(f);
	assert_int_equal(f->plan.count, 3);
	add(f, &f->choice.exclude, "net.*");
	make(f);
	assert_int_equal(f->plan.count, 2);
	assert_true(entry(f, "vsock.a.safe", "vsock")->run);
	/* an exclusion alone leaves the rest */
	f->choice.check.count = 0;
	make(f);
	assert_int_equal(f->plan.count, 3);
}

static void test_globs_match_whole_ids(void **state)
{
	struct fixture *f = *state;
	struct rec_list globs = { 0 };

	assert_false(plan_matches(&globs, "vsock.a.safe"));
	add(f, &globs, "vsock.a");
	assert_false(plan_matches(&globs, "vsock.a.safe"));
	add(f, &globs, "vsock.[ab].saf[!x]");
	assert_true(plan_matches(&globs, "vsock.a.safe"));
	assert_false(plan_matches(&globs, "vsock.c.safe"));
}

static void test_a_profile_leaves_out_what_came_later(void **state)
{
	static const struct check old = {
		.area = "a", .name = "old", .families = ON_BOTH, .since = "0.9.0"
	};
	static const struct check late = {
		.area = "a", .name = "late", .families = ON_BOTH, .since = "0.10.0"
	};
	static const struct check *const both[] = { &old, &late };
	static const struct {
		const char *profile;
		size_t count;
	} expected[] = { { NULL, 2 },     { "0.8.9", 0 },  { "0.9.0", 1 },
			 { "0.9.12", 1 }, { "0.10.0", 2 }, { "1.0.0", 2 } };
	struct fixture *f = *state;

	add(f, &f->devices, &vsock);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		f->choice.profile = expected[i].profile;
		f->plan.count = 0;
		assert_int_equal(
			plan_make(&f->arena, both, 2, &f->devices, &f->choice, &f->plan),
			0);
		assert_int_equal(f->plan.count, expected[i].count);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void test_a_device_of_another_kind_is_not_asked(void **state)
{
	static const struct check block = { .families = FAMILY_BIT(FAMILY_VDPA),
					    .need_type = 2 };
	struct fixture *f = *state;
	struct plan_device d = { .family = FAMILY_VDPA, .usable = true };

	assert_null(plan_not_offered(&f->arena, &block, &d));
	d.type = 2;
	assert_null(plan_not_offered(&f->arena, &block, &d));
	d.type = 1;
	assert_string_equal(
		plan_not_offered(&f->arena, &block, &d),
		"the device has the virtio id 1, and this is asked of devices "
		"with the id 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_order_is_by_catalogue_then_by_device),
		TEST(test_no_device_no_entry),
		TEST(test_risk_is_held_back_on_a_host),
		TEST(test_what_is_not_offered_is_skipped_by_name),
		TEST(test_what_the_kernel_has_no_call_for_is_skipped),
		TEST(test_a_missing_peer_blocks_those_that_need_it),
		TEST(test_an_unusable_device_decides_before_all_else),
		TEST(test_globs_choose_and_exclude),
		TEST(test_globs_match_whole_ids),
		TEST(test_a_profile_leaves_out_what_came_later),
		TEST(test_a_device_of_another_kind_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
