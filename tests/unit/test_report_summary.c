/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/summary.h"
#include "sample_report.h"

/* A run on one vsock device that is there, with nothing asked for by name. */
struct fixture {
	struct arena arena;
	struct report r;
	struct report_device *device;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->r.run.selection.fail_on = SEVERITY_HIGH;
	f->device = sample_new(&f->arena, &f->r.devices, sizeof(*f->device));
	*f->device = (struct report_device){ .name = "vsock",
					     .path = "/dev/vhost-vsock",
					     .kind = FAMILY_VSOCK,
					     .state = DEVICE_OK };
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	free(f);
	return 0;
}

static struct report_check *check(struct fixture *f, enum status status,
				  enum severity severity)
{
	struct report_check *c =
		sample_check(&f->arena, &f->r, "vsock.iotlb.miss", status);

	c->severity = (int)severity;
	if (status != STATUS_PASS)
		c->reason = sample_reason(&f->arena, REASON_CONTRACT, "because");
	return c;
}

static void ask(struct fixture *f, struct rec_list *list, const char *word)
{
	sample_word(&f->arena, list, word);
}

static void expect(struct fixture *f, int exit_code, enum report_verdict verdict)
{
	report_summarize(&f->r, 0);
	assert_int_equal(f->r.summary.exit_code, exit_code);
	assert_int_equal(f->r.summary.verdict, (int)verdict);
}

static void a_run_in_which_all_passes_is_0(void **state)
{
	struct fixture *f = *state;

	check(f, STATUS_PASS, SEVERITY_CRITICAL);
	check(f, STATUS_SKIP, SEVERITY_CRITICAL);
	expect(f, 0, VERDICT_PASS);
}

static void a_signal_comes_first(void **state)
{
	struct fixture *f = *state;

	check(f, STATUS_PASS, SEVERITY_HIGH);
	report_summarize(&f->r, SIGTERM);
	assert_int_equal(f->r.summary.exit_code, 128 + SIGTERM);
	assert_int_equal(f->r.summary.verdict, VERDICT_INCONCLUSIVE);
	check(f, STATUS_FAIL, SEVERITY_HIGH);
	report_summarize(&f->r, SIGINT);
	assert_int_equal(f->r.summary.exit_code, 130);
	assert_int_equal(f->r.summary.verdict, VERDICT_FAIL);
}

static void each_bad_status_is_1(void **state)
{
	static const enum status bad[] = { STATUS_FAIL, STATUS_TIMEOUT, STATUS_CRASH,
					   STATUS_XPASS };
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_PASS, SEVERITY_HIGH);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		c->status = (int)bad[i];
		expect(f, 1, VERDICT_FAIL);
	}
	c->status = STATUS_XFAIL;
	expect(f, 0, VERDICT_PASS);
}

static void a_check_below_fail_on_does_not_count(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_FAIL, SEVERITY_MEDIUM);

	expect(f, 0, VERDICT_PASS);
	assert_int_equal(f->r.summary.counts.n[STATUS_FAIL], 1);
	c->status = STATUS_BLOCKED;
	expect(f, 0, VERDICT_PASS);
	f->r.run.selection.fail_on = SEVERITY_MEDIUM;
	expect(f, 2, VERDICT_INCONCLUSIVE);
	c->status = STATUS_FAIL;
	expect(f, 1, VERDICT_FAIL);
}

static void a_known_finding_decides_only_with_strict(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_FAIL, SEVERITY_CRITICAL);

	c->known = sample_alloc(&f->arena, sizeof(*c->known));
	expect(f, 0, VERDICT_PASS);
	assert_int_equal(f->r.summary.known, 1);
	assert_int_equal(f->r.summary.counts.n[STATUS_FAIL], 1);
	f->r.run.selection.strict = true;
	expect(f, 1, VERDICT_FAIL);
	assert_int_equal(f->r.summary.known, 1);
}

static void a_known_finding_decides_if_the_baseline_lacks_it(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_FAIL, SEVERITY_CRITICAL);
	struct report_baseline *b = sample_alloc(&f->arena, sizeof(*b));
	struct report_finding *had = NULL;

	c->known = sample_alloc(&f->arena, sizeof(*c->known));
	c->known->text = "this";
	f->r.run.selection.baseline = b;
	expect(f, 1, VERDICT_FAIL);
	had = sample_new(&f->arena, &b->known, sizeof(*had));
	*had = (struct report_finding){ c->id, c->device, "this" };
	expect(f, 0, VERDICT_PASS);
	had->text = "another";
	expect(f, 1, VERDICT_FAIL);
	*had = (struct report_finding){ c->id, "other", "this" };
	expect(f, 1, VERDICT_FAIL);
	c->severity = SEVERITY_LOW;
	expect(f, 0, VERDICT_PASS);
}

static void an_open_check_is_2(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_ERROR, SEVERITY_HIGH);

	expect(f, 2, VERDICT_INCONCLUSIVE);
	c->status = STATUS_BLOCKED;
	expect(f, 2, VERDICT_INCONCLUSIVE);
	check(f, STATUS_FAIL, SEVERITY_HIGH);
	expect(f, 1, VERDICT_FAIL); /* 1 before 2, in any order of the checks */
}

static void a_required_check_must_have_run(void **state)
{
	static const enum status not_run[] = { STATUS_SKIP, STATUS_BLOCKED,
					       STATUS_ERROR };
	static const enum status ran[] = { STATUS_PASS,  STATUS_FAIL,  STATUS_TIMEOUT,
					   STATUS_CRASH, STATUS_XFAIL, STATUS_XPASS };
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_PASS, SEVERITY_LOW);

	check(f, STATUS_PASS, SEVERITY_HIGH)->id = "vsock.node.openable";
	ask(f, &f->r.run.selection.require, "vsock.iotlb.*");
	for (size_t i = 0; i < ARRAY_SIZE(not_run); i++) {
		c->status = (int)not_run[i];
		expect(f, 2, VERDICT_INCONCLUSIVE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ran); i++) {
		c->status = (int)ran[i];
		expect(f, 0,
		       VERDICT_PASS); /* required is not counted: its severity is low */
	}
}

static void a_require_that_matches_nothing_is_2(void **state)
{
	struct fixture *f = *state;

	check(f, STATUS_PASS, SEVERITY_HIGH);
	ask(f, &f->r.run.selection.require, "vsock.iotlb.*");
	expect(f, 0, VERDICT_PASS);
	ask(f, &f->r.run.selection.require, "net.*");
	expect(f, 2, VERDICT_INCONCLUSIVE);
	assert_string_equal(summary_missing(&f->r, 0), "net.*");
	assert_null(summary_missing(&f->r, 1));
}

static void a_named_device_must_be_usable(void **state)
{
	struct fixture *f = *state;

	check(f, STATUS_PASS, SEVERITY_HIGH);
	ask(f, &f->r.run.selection.devices, "/dev/vhost-vsock");
	ask(f, &f->r.run.selection.devices, "vsock");
	expect(f, 0, VERDICT_PASS);
	for (int state_of = DEVICE_ABSENT; state_of < DEVICE_STATE_NUM; state_of++) {
		f->device->state = state_of;
		expect(f, 2, VERDICT_INCONCLUSIVE);
		assert_string_equal(summary_missing(&f->r, 1), "vsock");
	}
	f->device->state = DEVICE_OK;
	ask(f, &f->r.run.selection.devices, "net");
	expect(f, 2, VERDICT_INCONCLUSIVE);
	assert_string_equal(summary_missing(&f->r, 0), "net");
}

static void a_device_that_nobody_named_decides_nothing(void **state)
{
	struct fixture *f = *state;
	struct report_device *d = sample_new(&f->arena, &f->r.devices, sizeof(*d));

	check(f, STATUS_PASS, SEVERITY_HIGH);
	*d = (struct report_device){ .name = "net", .path = "/dev/vhost-net" };
	for (d->state = DEVICE_ABSENT; d->state < DEVICE_STATE_NUM; d->state++)
		expect(f, 0, VERDICT_PASS);
}

static void a_stack_decides_only_when_named(void **state)
{
	static const enum stack_verdict bad[] = { STACK_DEGRADED, STACK_FAILS_START,
						  STACK_STALLS, STACK_REFUSED };
	struct fixture *f = *state;
	struct report_stack *s =
		sample_stack(&f->arena, &f->r, "crosvm", GUEST_PLAIN, STACK_FAILS_START);

	check(f, STATUS_PASS, SEVERITY_HIGH);
	expect(f, 0, VERDICT_PASS);
	ask(f, &f->r.run.selection.stacks, "crosvm");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		s->verdict = (int)bad[i];
		expect(f, 1, VERDICT_FAIL);
	}
	s->verdict = STACK_UNKNOWN;
	expect(f, 2, VERDICT_INCONCLUSIVE);
	s->verdict = STACK_NOT_APPLICABLE;
	expect(f, 2, VERDICT_INCONCLUSIVE);
	s->verdict = STACK_WORKS;
	expect(f, 0, VERDICT_PASS);
	sample_stack(&f->arena, &f->r, "qemu", GUEST_PLAIN, STACK_STALLS);
	expect(f, 0, VERDICT_PASS);
}

static void an_expected_stack_counts_when_it_does_otherwise(void **state)
{
	static const struct report_expected stalls = { "stalls", "because", "a page" };
	struct fixture *f = *state;
	struct report_stack *s =
		sample_stack(&f->arena, &f->r, "crosvm", GUEST_PLAIN, STACK_STALLS);

	check(f, STATUS_PASS, SEVERITY_HIGH);
	s->expected = &stalls;
	expect(f, 0, VERDICT_PASS);
	ask(f, &f->r.run.selection.stacks, "crosvm");
	expect(f, 0, VERDICT_PASS);
	f->r.run.selection.stacks.count = 0;
	s->verdict = STACK_FAILS_START;
	expect(f, 1, VERDICT_FAIL);
	s->verdict = STACK_UNKNOWN;
	expect(f, 2, VERDICT_INCONCLUSIVE);
	s->verdict = STACK_WORKS;
	expect(f, 0, VERDICT_PASS);
}

static void a_check_that_is_blocked_as_expected_decides_nothing(void **state)
{
	static const struct report_expected blocked = { "blocked", "because", "a page" };
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_BLOCKED, SEVERITY_HIGH);

	expect(f, 2, VERDICT_INCONCLUSIVE);
	c->expected = &blocked;
	expect(f, 0, VERDICT_PASS);
	ask(f, &f->r.run.selection.require, "vsock.*");
	expect(f, 2, VERDICT_INCONCLUSIVE);
	f->r.run.selection.require.count = 0;
	c->status = STATUS_FAIL;
	expect(f, 1, VERDICT_FAIL);
}

static void a_named_stack_that_was_not_played_is_2(void **state)
{
	struct fixture *f = *state;

	check(f, STATUS_PASS, SEVERITY_HIGH);
	ask(f, &f->r.run.selection.stacks, "crosvm");
	expect(f, 2, VERDICT_INCONCLUSIVE);
	assert_string_equal(summary_missing(&f->r, 0), "crosvm");
}

static void stack_without_check_counts_no_checks(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_FAIL, SEVERITY_CRITICAL);

	sample_stack(&f->arena, &f->r, "crosvm", GUEST_PLAIN, STACK_WORKS);
	ask(f, &f->r.run.selection.stacks, "crosvm");
	expect(f, 0, VERDICT_PASS);
	c->status = STATUS_ERROR;
	expect(f, 0, VERDICT_PASS);
	ask(f, &f->r.run.selection.require, c->id);
	expect(f, 2, VERDICT_INCONCLUSIVE);
	f->r.run.selection.require.count = 0;
	ask(f, &f->r.run.selection.checks, "vsock.*");
	c->status = STATUS_FAIL;
	expect(f, 1, VERDICT_FAIL);
}

static void nothing_here_is_77(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_SKIP, SEVERITY_HIGH);

	expect(f, 77, VERDICT_INCONCLUSIVE); /* all that was asked was skipped */
	c->status = STATUS_PASS;
	expect(f, 0, VERDICT_PASS);
	f->device->state = DEVICE_NO_MODULE; /* what passed was asked of no device */
	expect(f, 77, VERDICT_INCONCLUSIVE);
	f->device->state = DEVICE_ABSENT;
	expect(f, 77, VERDICT_INCONCLUSIVE);
	f->device->state = DEVICE_DENIED;
	expect(f, 0, VERDICT_PASS);
	f->r.checks.count = 0;
	expect(f, 77, VERDICT_INCONCLUSIVE); /* a plan without checks */
}

static void a_verdict_comes_before_77(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = check(f, STATUS_BLOCKED, SEVERITY_HIGH);

	f->device->state = DEVICE_ABSENT;
	expect(f, 2, VERDICT_INCONCLUSIVE);
	c->status = STATUS_FAIL;
	expect(f, 1, VERDICT_FAIL);
	c->status = STATUS_SKIP;
	expect(f, 77, VERDICT_INCONCLUSIVE);
	ask(f, &f->r.run.selection.devices, "vsock");
	expect(f, 2, VERDICT_INCONCLUSIVE);
}

static void counts_are_of_every_check(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = NULL;

	for (int s = 0; s < STATUS_NUM; s++)
		for (int n = 0; n <= s; n++)
			c = check(f, (enum status)s, SEVERITY_LOW);
	(void)c;
	report_summarize(&f->r, 0);
	for (int s = 0; s < STATUS_NUM; s++)
		assert_int_equal(f->r.summary.counts.n[s], s + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_run_in_which_all_passes_is_0),
		TEST(a_signal_comes_first),
		TEST(each_bad_status_is_1),
		TEST(a_check_below_fail_on_does_not_count),
		TEST(a_known_finding_decides_only_with_strict),
		TEST(a_known_finding_decides_if_the_baseline_lacks_it),
		TEST(an_open_check_is_2),
		TEST(a_required_check_must_have_run),
		TEST(a_require_that_matches_nothing_is_2),
		TEST(a_named_device_must_be_usable),
		TEST(a_device_that_nobody_named_decides_nothing),
		TEST(a_stack_decides_only_when_named),
		TEST(an_expected_stack_counts_when_it_does_otherwise),
		TEST(a_check_that_is_blocked_as_expected_decides_nothing),
		TEST(a_named_stack_that_was_not_played_is_2),
		TEST(stack_without_check_counts_no_checks),
		TEST(nothing_here_is_77),
		TEST(a_verdict_comes_before_77),
		TEST(counts_are_of_every_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
