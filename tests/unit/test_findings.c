/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checks/catalogue.h"
#include "checks/findings.h"

static bool in_catalogue(const struct check *check)
{
	for (size_t i = 0; i < check_catalogue_count; i++)
		if (check_catalogue[i] == check)
			return true;
	return false;
}

static void each_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < finding_count; i++) {
		const struct finding *f = &findings[i];

		assert_true(in_catalogue(f->check));
		assert_non_null(f->since);
		assert_non_null(f->text);
		assert_non_null(f->source);
		assert_non_null(f->sign[0].step); /* or it would match every failure */
	}
}

/* What 7.3.4 answers to an INVALIDATE of (0, 0). */
static const struct ev refused = {
	.kind = EV_IOTLB,
	.step = "invalidate",
	.iotlb = { .way = EV_SENT, .msg = EV_INVALIDATE, .iova = "0x0", .err = EFAULT },
};

static const struct check *check_named(const char *area, const char *name)
{
	for (size_t i = 0; i < check_catalogue_count; i++)
		if (!strcmp(check_catalogue[i]->area, area) &&
		    !strcmp(check_catalogue[i]->name, name))
			return check_catalogue[i];
	return NULL;
}

static const struct finding *found(const char *name, const struct ev *ev)
{
	struct ev copy = *ev;
	void *item[] = { &copy };
	const struct evidence e = { { .item = item, .count = 1 } };

	return finding_of(check_named("iotlb", name), &e);
}

static void evidence_decides(void **state)
{
	struct ev other = refused;

	(void)state;
	assert_non_null(found("invalidate_all_zero", &refused));
	/* the same of another check is not known */
	assert_null(found("invalidate_all_max", &refused));
	/* a kernel that took the message and kept the mappings does another thing */
	other.iotlb.err = 0;
	assert_null(found("invalidate_all_zero", &other));
	other = refused;
	other.iotlb.iova = "tx.buf+0x0";
	assert_null(found("invalidate_all_zero", &other));
	other = refused;
	other.step = "before";
	assert_null(found("invalidate_all_zero", &other));
	other = refused;
	other.kind = EV_RING;
	assert_null(found("invalidate_all_zero", &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_whole),
		cmocka_unit_test(evidence_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
