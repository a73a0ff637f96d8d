/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/expect.h"
#include "sample_report.h"

#define HEAD "{\"schema\": \"vhostcheck-expectations/1\",\n\"rules\": ["
#define RULE(subject, device, guest, when, word)                                         \
	"\n{" subject ", \"device\": " device ", \"guest\": " guest ", \"when\": " when  \
	", \"expect\": \"" word "\", \"reason\": \"why\", \"source\": \"where\"}"
#define OF_CHECK(glob) "\"check\": \"" glob "\", \"stack\": null"
#define OF_STACK(glob) "\"check\": null, \"stack\": \"" glob "\""
#define WHEN(release, config, modules)                                                   \
	"{\"release\": " release ", \"config\": {" config "}, \"modules\": {" modules "}}"
#define ANY "null"
#define TAIL "]}"
/* 22 November 2026, 12:00 UTC */
#define NOON 1795348800
#define RULE_UNTIL(day)                                                                   \
	"\n{\"check\": \"vsock.iotlb.miss\", \"expect\": \"fail\", \"reason\": \"why\", " \
	"\"source\": \"where\", \"until\": \"" day "\"}"
#define MISS OF_CHECK("vsock.iotlb.miss")

/* One device, one check that fails and one that passes, one stack that does not start. */
struct fixture {
	struct arena arena;
	struct report r;
	struct report_check *fails, *passes;
	struct report_stack *stack;
	struct written_error err;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct report_module *m = NULL;

	assert_non_null(f);
	f->fails = sample_check(&f->arena, &f->r, "vsock.iotlb.miss", STATUS_FAIL);
	f->passes = sample_check(&f->arena, &f->r, "vsock.transfer.tx", STATUS_PASS);
	f->fails->device = f->passes->device = "vsock";
	f->stack = sample_stack(&f->arena, &f->r, "crosvm-2022", GUEST_PROTECTED,
				STACK_FAILS_START);
	f->stack->device = "vsock";
	f->r.host.kernel.release = "6.12.107+deb13-cloud-amd64";
	sample_pair(&f->arena, &f->r.host.kernel.config, "CONFIG_VHOST_VSOCK", "m");
	sample_pair(&f->arena, &f->r.host.kernel.config, "CONFIG_KASAN", NULL);
	m = sample_new(&f->arena, &f->r.host.modules, sizeof(*m));
	*m = (struct report_module){ .name = "vsock", .state = MODULE_LIVE };
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

static void apply(struct fixture *f, const char *text)
{
	const struct expectations *x = NULL;

	assert_int_equal(expect_parse(&f->arena, text, strlen(text), &x, &f->err), 0);
	f->r.run.unexpected.count = 0;
	f->fails->status = STATUS_FAIL;
	f->passes->status = STATUS_PASS;
	f->fails->expected = f->passes->expected = f->stack->expected = NULL;
	assert_int_equal(expect_apply(&f->arena, x, NOON, &f->r), 0);
}

/* The n-th sentence, of @count. */
static void sentence(const struct fixture *f, size_t n, size_t count, const char *text)
{
	assert_int_equal(f->r.run.unexpected.count, count);
	assert_string_equal(f->r.run.unexpected.item[n], text);
}

static void nothing_expected_changes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(expect_apply(&f->arena, NULL, NOON, &f->r), 0);
	apply(f, HEAD TAIL);
	assert_int_equal(f->fails->status, STATUS_FAIL);
	assert_int_equal(f->r.run.unexpected.count, 0);
	assert_null(f->fails->expected);
}

static void a_failure_that_is_expected_is_xfail(void **state)
{
	struct fixture *f = *state;

	apply(f, HEAD RULE(MISS, "\"vsock\"", "null", ANY, "fail") TAIL);
	assert_int_equal(f->fails->status, STATUS_XFAIL);
	assert_string_equal(f->fails->expected->verdict, "fail");
	assert_string_equal(f->fails->expected->reason, "why");
	assert_string_equal(f->fails->expected->source, "where");
	assert_null(f->passes->expected);
	assert_int_equal(f->r.run.unexpected.count, 0);
}

static void a_pass_that_is_not_expected_is_xpass_and_told(void **state)
{
	struct fixture *f = *state;

	apply(f, HEAD RULE(OF_CHECK("*.tx"), "null", "null", ANY, "fail") TAIL);
	assert_int_equal(f->passes->status, STATUS_XPASS);
	sentence(f, 0, 1,
		 "vsock.transfer.tx on vsock: fail was expected, and it is xpass");
}

static void another_failure_than_expected_stays_one(void **state)
{
	struct fixture *f = *state;

	apply(f, HEAD RULE(MISS, "null", "null", ANY, "timeout") TAIL);
	assert_int_equal(f->fails->status, STATUS_FAIL);
	sentence(f, 0, 1,
		 "vsock.iotlb.miss on vsock: timeout was expected, and it is fail");
	apply(f, HEAD RULE(MISS, "null", "null", ANY, "pass") TAIL);
	assert_int_equal(f->fails->status, STATUS_FAIL);
	sentence(f, 0, 1, "vsock.iotlb.miss on vsock: pass was expected, and it is fail");
	apply(f, HEAD RULE(OF_CHECK("*.tx"), "null", "null", ANY, "skip") TAIL);
	assert_int_equal(f->passes->status, STATUS_PASS);
	sentence(f, 0, 1,
		 "vsock.transfer.tx on vsock: skip was expected, and it is pass");
}

static void the_first_rule_that_fits_holds(void **state)
{
	struct fixture *f = *state;

	apply(f, HEAD RULE(MISS, "null", "null", ANY,
			   "fail") "," RULE(OF_CHECK("vsock.*"), "null", "null", ANY,
					    "pass") "," RULE(OF_CHECK("vsock.*"), "null",
							     "null", ANY, "skip") TAIL);
	assert_int_equal(f->fails->status, STATUS_XFAIL);
	assert_string_equal(f->passes->expected->verdict, "pass");
	sentence(f, 0, 1, "rule 2 (vsock.*) was not used: no result fits it");
}

static void a_rule_that_fits_nothing_is_told(void **state)
{
	struct fixture *f = *state;

	apply(f, HEAD RULE(MISS, "\"net\"", "null", ANY, "fail") "," RULE(
			 OF_STACK("qemu"), "null", "null", ANY, "works") TAIL);
	assert_int_equal(f->fails->status, STATUS_FAIL);
	sentence(f, 0, 2, "rule 0 (vsock.iotlb.miss) was not used: no result fits it");
	sentence(f, 1, 2, "rule 1 (qemu) was not used: no result fits it");
}

static void a_rule_holds_to_the_end_of_its_last_day(void **state)
{
	struct fixture *f = *state;

	apply(f, HEAD RULE_UNTIL("2026-11-22") TAIL);
	assert_int_equal(f->fails->status, STATUS_XFAIL);
	assert_int_equal(f->r.run.unexpected.count, 0);
	apply(f, HEAD RULE_UNTIL("2026-11-21") TAIL);
	assert_int_equal(f->fails->status, STATUS_FAIL);
	sentence(f, 0, 1,
		 "rule 0 (vsock.iotlb.miss) was not used: its last day was 2026-11-21; "
		 "see whether it still holds");
}

static void stacks_are_expected_by_guest(void **state)
{
	struct fixture *f = *state;

	apply(f, HEAD RULE(OF_STACK("crosvm*"), "null", "\"protected\"", ANY,
			   "fails_start") TAIL);
	assert_string_equal(f->stack->expected->verdict, "fails_start");
	assert_int_equal(f->r.run.unexpected.count, 0);
	apply(f, HEAD RULE(OF_STACK("crosvm*"), "null", "\"plain\"", ANY, "fails_start")
			 TAIL);
	assert_null(f->stack->expected);
	assert_int_equal(f->r.run.unexpected.count, 1);
	apply(f, HEAD RULE(OF_STACK("crosvm*"), "null", "null", ANY, "works") TAIL);
	sentence(f, 0, 1,
		 "crosvm-2022 on vsock, guest protected: works was expected, and it is "
		 "fails_start");
}

static void releases_are_compared_by_number(void **state)
{
	static const struct {
		const char *release, *min, *max;
		bool fits;
	} rows[] = {
		{ "6.12.107+deb13-cloud-amd64", "6.12", "6.12", true },
		{ "6.12.107+deb13-cloud-amd64", "6.12.107", "6.12.107", true },
		{ "6.12.107+deb13-cloud-amd64", "6.12.108", NULL, false },
		{ "6.12.107+deb13-cloud-amd64", "6.2", "7", true },
		{ "6.12.107+deb13-cloud-amd64", NULL, "6.9", false },
		{ "6.12.107+deb13-cloud-amd64", NULL, "6.12.0", false },
		{ "6.12.107+deb13-cloud-amd64", NULL, NULL, true },
		{ "6.1.0-56-cloud-amd64", "6.1.0-56", "6.1.0-56", true },
		{ "6.1.0-56-cloud-amd64", "6.1.0-57", NULL, false },
		{ "6.1.0-rc1", "6.1.0-1", NULL, false },
		{ "7", "7.0.0", "7.0.0", true },
		{ "", "1", NULL, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[512], min[24] = "null", max[24] = "null";

		if (rows[i].min)
			(void)snprintf(min, sizeof(min), "\"%s\"", rows[i].min);
		if (rows[i].max)
			(void)snprintf(max, sizeof(max), "\"%s\"", rows[i].max);
		f->r.host.kernel.release = rows[i].release;
		(void)snprintf(text, sizeof(text),
			       HEAD RULE(MISS, "null", "null",
					 WHEN("{\"min\": %s, \"max\": %s}", "", ""),
					 "fail") TAIL,
			       min, max);
		apply(f, text);
		assert_int_equal(f->fails->status,
				 rows[i].fits ? STATUS_XFAIL : STATUS_FAIL);
		/* a rule for another kernel is nothing to be told */
		assert_int_equal(f->r.run.unexpected.count, 0);
	}
}

static void conditions_are_of_config_and_modules(void **state)
{
	static const struct {
		const char *when;
		bool fits;
	} rows[] = {
		{ WHEN("null", "\"CONFIG_VHOST_VSOCK\": \"m\"", ""), true },
		{ WHEN("null", "\"CONFIG_VHOST_VSOCK\": \"y\"", ""), false },
		{ WHEN("null", "", "\"vsock\": \"live\""), true },
		{ WHEN("null", "", "\"vsock\": \"builtin\""), false },
		{ WHEN("null", "\"CONFIG_VHOST_VSOCK\": \"m\"", "\"vsock\": \"absent\""),
		  false },
		{ WHEN("{\"min\": \"7\", \"max\": null}", "", "\"vsock\": \"live\""),
		  false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
			       HEAD RULE(MISS, "null", "null", "%s", "fail") TAIL,
			       rows[i].when);
		apply(f, text);
		assert_int_equal(f->fails->status,
				 rows[i].fits ? STATUS_XFAIL : STATUS_FAIL);
		assert_int_equal(f->r.run.unexpected.count, 0);
	}
}

static void a_condition_that_cannot_be_told_is_told(void **state)
{
	struct fixture *f = *state;

	apply(f,
	      HEAD RULE(MISS, "null", "null", WHEN("null", "\"CONFIG_KASAN\": \"y\"", ""),
			"fail") "," RULE(MISS, "null", "null",
					 WHEN("null", "", "\"nowhere\": \"live\""),
					 "fail") TAIL);
	assert_int_equal(f->fails->status, STATUS_FAIL);
	sentence(
		f, 0, 2,
		"rule 0 (vsock.iotlb.miss) was not used: CONFIG_KASAN is not known here");
	sentence(f, 1, 2,
		 "rule 1 (vsock.iotlb.miss) was not used: nowhere is not known here");
}

static void a_wrong_file_is_refused_at_its_place(void **state)
{
	static const struct {
		const char *text, *pointer, *word;
		size_t line;
	} rows[] = {
		{ "{\n\"rules\": [,]}", "", "", 2 },
		{ HEAD TAIL TAIL, "", "", 2 },
		{ HEAD "\n7" TAIL, "/rules/0", "0", 3 },
		{ HEAD RULE("\"chek\": \"x\"", "null", "null", ANY, "fail") TAIL,
		  "/rules/0/chek", "chek", 3 },
		{ HEAD "{" MISS ", \"expct\": \"fail\"}" TAIL, "/rules/0/expct", "expct",
		  2 },
		{ HEAD "{" MISS ", \"expect\": \"fail\", \"reason\": \"why\"}" TAIL,
		  "/rules/0", "0", 2 },
		{ HEAD RULE_UNTIL("2026-02-29") TAIL, "/rules/0/until", "2026-02-29", 3 },
		{ HEAD RULE_UNTIL("2026-2-3") TAIL, "/rules/0/until", "2026-2-3", 3 },
		{ HEAD RULE_UNTIL("2026-12-310") TAIL, "/rules/0/until", "2026-12-310",
		  3 },
		{ HEAD RULE_UNTIL("soon") TAIL, "/rules/0/until", "soon", 3 },
		{ HEAD RULE("\"check\": \"a\", \"stack\": \"b\"", "null", "null", ANY,
			    "fail") TAIL,
		  "/rules/0/stack", "b", 3 },
		{ HEAD RULE("\"check\": null, \"stack\": null", "null", "null", ANY,
			    "fail") TAIL,
		  "/rules/0/check", "", 3 },
		{ HEAD RULE(MISS, "null", "null", ANY,
			    "fail") "," RULE(MISS, "\"vnet\"", "null", ANY, "fail") TAIL,
		  "/rules/1/device", "vnet", 4 },
		{ HEAD RULE(MISS, "null", "\"plain\"", ANY, "fail") TAIL,
		  "/rules/0/guest", "plain", 3 },
		{ HEAD RULE(MISS, "null", "\"fair\"", ANY, "fail") TAIL, "/rules/0/guest",
		  "guest", 3 },
		{ HEAD RULE(MISS, "null", "null", ANY, "works") TAIL, "/rules/0/expect",
		  "works", 3 },
		{ HEAD RULE(MISS, "null", "null", ANY, "xfail") TAIL, "/rules/0/expect",
		  "xfail", 3 },
		{ HEAD RULE(MISS, "null", "null", ANY, "error") TAIL, "/rules/0/expect",
		  "error", 3 },
		{ HEAD RULE(OF_STACK("q"), "null", "null", ANY, "fail") TAIL,
		  "/rules/0/expect", "fail", 3 },
		{ HEAD RULE(MISS, "null", "null",
			    WHEN("{\"min\": \"6.x\", \"max\": null}", "", ""), "fail")
			  TAIL,
		  "/rules/0/when/release/min", "6.x", 3 },
		{ HEAD RULE(MISS, "null", "null",
			    WHEN("{\"min\": null, \"max\": \"\"}", "", ""), "fail") TAIL,
		  "/rules/0/when/release/max", "", 3 },
		{ HEAD RULE(MISS, "null", "null", WHEN("null", "\"VHOST\": \"y\"", ""),
			    "fail") TAIL,
		  "/rules/0/when/config/VHOST", "VHOST", 3 },
		{ HEAD RULE(MISS, "null", "null", WHEN("null", "", "\"vsock\": \"m\""),
			    "fail") TAIL,
		  "/rules/0/when/modules/vsock", "m", 3 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct expectations *x = NULL;

		assert_int_equal(expect_parse(&f->arena, rows[i].text,
					      strlen(rows[i].text), &x, &f->err),
				 -EINVAL);
		assert_null(x);
		assert_string_equal(f->err.pointer, rows[i].pointer);
		assert_string_equal(f->err.word, rows[i].word);
		assert_int_equal(f->err.line, rows[i].line);
		assert_true(*f->err.text);
	}
}

static void a_rule_says_why_and_whence(void **state)
{
	static const char *const keys[] = { "reason", "source" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct expectations *x = NULL;
		char text[512], pointer[64];

		(void)snprintf(text, sizeof(text),
			       HEAD "{" MISS ", \"device\": null, \"guest\": null, "
				    "\"when\": null, \"expect\": \"fail\", \"reason\": "
				    "\"%s\", \"source\": \"%s\"}" TAIL,
			       i == 0 ? "" : "x", i == 1 ? "" : "x");
		(void)snprintf(pointer, sizeof(pointer), "/rules/0/%s", keys[i]);
		assert_int_equal(expect_parse(&f->arena, text, strlen(text), &x, &f->err),
				 -EINVAL);
		assert_string_equal(f->err.pointer, pointer);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nothing_expected_changes_nothing),
		TEST(a_failure_that_is_expected_is_xfail),
		TEST(a_pass_that_is_not_expected_is_xpass_and_told),
		TEST(another_failure_than_expected_stays_one),
		TEST(the_first_rule_that_fits_holds),
		TEST(a_rule_that_fits_nothing_is_told),
		TEST(a_rule_holds_to_the_end_of_its_last_day),
		TEST(stacks_are_expected_by_guest),
		TEST(releases_are_compared_by_number),
		TEST(conditions_are_of_config_and_modules),
		TEST(a_condition_that_cannot_be_told_is_told),
		TEST(a_wrong_file_is_refused_at_its_place),
		TEST(a_rule_says_why_and_whence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
