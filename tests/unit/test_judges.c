/* SPDX-License-Identifier: MIT */
/*
 * Each judge is needed: with one that always passes in its place, what `selftest` runs
 * says that the check does not agree with its faults, on each of its devices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checks/catalogue.h"
#include "core/judge.h"
#include "run/matrix.h"

#define JOBS 2u

static void always_passes(struct judge *j)
{
	judge_that(j, true, "never told");
}

static bool concerns(const struct check *c, const struct fault *fault)
{
	for (size_t i = 0; c->faults[i]; i++)
		if (!strcmp(c->faults[i], fault->name))
			return true;
	return fault->total != NULL;
}

/* The findings on one check, under the faults that it names and the total ones. */
static void findings_on(struct arena *a, const struct check *c, struct rec_list *ret)
{
	struct matrix m = { .part = true };
	const struct fault *fault;

	assert_int_equal(matrix_add_checks(a, &m, &c, 1), 0);
	for (size_t i = 0; (fault = fault_at(i)); i++)
		if (concerns(c, fault))
			assert_int_equal(rec_list_add(a, &m.faults, fault), 0);
	assert_int_equal(matrix_run(&m, JOBS), 0);
	assert_int_equal(matrix_judge(a, &m, ret), 0);
	matrix_done(&m);
}

static bool tell_of(const struct rec_list *findings, const char *id)
{
	for (size_t i = 0; i < findings->count; i++)
		if (!strncmp(findings->item[i], id, strlen(id)))
			return true;
	return false;
}

static void test_a_judge_that_always_passes_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < check_catalogue_count; i++) {
		cleanup_arena struct arena a = { 0 };
		struct check lax = *check_catalogue[i];
		struct rec_list findings = { 0 };

		lax.judge = always_passes;
		findings_on(&a, &lax, &findings);
		for (int f = 0; f < FAMILY_NUM; f++) {
			const char *id = check_id(&a, &lax, (enum family)f);

			if (lax.families & FAMILY_BIT(f) && !tell_of(&findings, id))
				fail_msg("nothing tells that %s has no judge", id);
		}
	}
}

static void test_the_judges_as_they_are_are_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < check_catalogue_count; i++) {
		cleanup_arena struct arena a = { 0 };
		struct rec_list findings = { 0 };

		findings_on(&a, check_catalogue[i], &findings);
		if (findings.count)
			fail_msg("%s", (const char *)findings.item[0]);
	}
}

/* A collector that dies or a device that makes it hang costs one cell. */
static int dies(struct session *s)
{
	(void)s;
	abort();
}

static void test_a_crash_is_found_and_costs_one_cell(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct check deadly = *check_catalogue[0];
	const struct check *const two[] = { &deadly, check_catalogue[0] };
	struct rec_list findings = { 0 };
	struct matrix m = { .part = true };

	(void)state;
	deadly.families = FAMILY_BIT(FAMILY_NET);
	deadly.collect = dies;
	assert_int_equal(matrix_add_checks(&a, &m, two, ARRAY_SIZE(two)), 0);
	assert_int_equal(rec_list_add(&a, &m.faults, fault_find(deadly.faults[0])), 0);
	assert_int_equal(matrix_run(&m, JOBS), 0);
	for (size_t c = 0; c < 2; c++) {
		assert_int_equal(matrix_cell(&m, 0, c)->status, STATUS_CRASH);
		assert_int_equal(matrix_cell(&m, 1, c)->status,
				 c ? STATUS_FAIL : STATUS_PASS);
	}
	assert_int_equal(matrix_judge(&a, &m, &findings), 0);
	assert_true(tell_of(&findings, "net.node.present does not pass on the clean"));
	assert_true(tell_of(&findings, "net.node.present crashes under"));
	matrix_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_judge_that_always_passes_is_found),
		cmocka_unit_test(test_the_judges_as_they_are_are_not),
		cmocka_unit_test(test_a_crash_is_found_and_costs_one_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
