/* SPDX-License-Identifier: MIT */
/*
 * What holds for every check: its row is complete, and its judge passes on evidence of a
 * real kernel (golden/evidence.json, made by golden/evidence.jq) and on nothing less.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checks/catalogue.h"
#include "checks/findings.h"
#include "core/judge.h"
#include "fake_seam.h"
#include "guest/session.h"
#include "run/verdict.h"
#include "seam/fault.h"

#define TIMEOUT_MS 30000u

/** struct golden - evidence of one run on a real kernel, by check */
struct golden {
	struct arena arena;
	struct json_object *json, *checks;
	struct rec_list ev; /* struct ev */
};

static int load(void **state)
{
	struct golden *g = calloc(1, sizeof(*g));
	struct json_object *list = NULL;
	struct rec_error err;

	if (!g)
		return -1;
	*state = g;
	g->json = json_object_from_file(GOLDEN_DIR "/evidence.json");
	if (!json_object_object_get_ex(g->json, "evidence", &list) ||
	    !json_object_object_get_ex(g->json, "checks", &g->checks))
		return -1;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct ev *ev = rec_list_new(&g->arena, &g->ev, sizeof(*ev));
		int r = rec_from_json(&g->arena, &ev_shape,
				      json_object_array_get_idx(list, i), ev, &err);

		if (r < 0) {
			print_error("evidence %zu%s: %s\n", i, err.pointer, err.text);
			return -1;
		}
	}
	return 0;
}

static int unload(void **state)
{
	struct golden *g = *state;

	json_object_put(g->json);
	arena_done(&g->arena);
	free(g);
	return 0;
}

/* The evidence of a check; a missing one fails the test. */
static struct evidence evidence_of(struct golden *g, const char *id)
{
	struct json_object *numbers = NULL;
	struct evidence e = { 0 };

	if (!json_object_object_get_ex(g->checks, id, &numbers))
		fail_msg("no golden evidence of %s: see golden/evidence.jq", id);
	for (size_t i = 0; i < json_object_array_length(numbers); i++) {
		int n = json_object_get_int(json_object_array_get_idx(numbers, i));

		assert_in_range(n, 0, g->ev.count - 1);
		/* each a thing of its own, as judges tell them apart by their place */
		assert_int_equal(rec_list_add(&g->arena, &e.ev,
					      arena_memdup(&g->arena, g->ev.item[n],
							   sizeof(struct ev))),
				 0);
	}
	return e;
}

/** struct row - a check on one of its families */
struct row {
	const struct check *c;
	enum family family;
};

/* The @n-th of all, from 0; false beyond the last. */
static bool row_at(size_t n, struct row *ret)
{
	for (size_t i = 0; i < check_catalogue_count; i++) {
		for (int family = 0; family < FAMILY_NUM; family++) {
			if (!(check_catalogue[i]->families & FAMILY_BIT(family)))
				continue;
			*ret = (struct row){ check_catalogue[i], (enum family)family };
			if (n-- == 0)
				return true;
		}
	}
	return false;
}

static const char *id_of(struct arena *a, const struct row *row)
{
	return check_id(a, row->c, row->family);
}

/* --------------------------------------------------------------------- rows */

static void test_ids_are_unique_and_of_the_allowed_characters(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list ids = { 0 };
	struct row row;

	(void)state;
	for (size_t n = 0; row_at(n, &row); n++) {
		const char *id = id_of(&a, &row);

		assert_int_equal(strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_."),
				 strlen(id));
		assert_true(*row.c->area && *row.c->name);
		assert_null(strchr(row.c->area, '.'));
		assert_null(strchr(row.c->name, '.'));
		for (size_t k = 0; k < ids.count; k++)
			assert_string_not_equal(id, ids.item[k]);
		assert_int_equal(rec_list_add(&a, &ids, id), 0);
	}
	assert_true(ids.count >= 30);
}

static void test_rows_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < check_catalogue_count; i++) {
		const struct check *c = check_catalogue[i];
		const char *const texts[] = { c->title, c->contract, c->harm, c->judged,
					      c->since };

		for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
			if (!texts[k] || !*texts[k])
				fail_msg("%s.%s lacks text %zu", c->area, c->name, k);
		assert_in_range(c->severity, SEVERITY_LOW, SEVERITY_CRITICAL);
		assert_in_range(c->risk, RISK_SAFE, RISK_GUARDED);
		assert_true(c->families && !(c->families >> FAMILY_NUM));
		assert_non_null(c->collect);
		assert_non_null(c->judge);
		assert_true(c->refs && c->refs[0]);
		/* a title is a statement in a list, not a sentence */
		assert_int_not_equal(c->title[strlen(c->title) - 1], '.');
		assert_int_equal(c->contract[strlen(c->contract) - 1], '.');
	}
}

static bool names(const struct check *c, const char *fault)
{
	for (size_t i = 0; c->faults && c->faults[i]; i++)
		if (!strcmp(c->faults[i], fault))
			return true;
	return false;
}

static void test_each_check_names_a_fault_that_exists(void **state)
{
	(void)state;
	for (size_t i = 0; i < check_catalogue_count; i++) {
		const struct check *c = check_catalogue[i];

		assert_true(c->faults && c->faults[0]);
		for (size_t k = 0; c->faults[k]; k++)
			if (!fault_find(c->faults[k]))
				fail_msg("%s.%s: no fault %s", c->area, c->name,
					 c->faults[k]);
	}
}

static void test_each_fault_is_named_by_a_check(void **state)
{
	const struct fault *fault;

	(void)state;
	for (size_t i = 0; (fault = fault_at(i)); i++) {
		bool used = fault->total != NULL;

		for (size_t k = 0; k < check_catalogue_count && !used; k++)
			used = names(check_catalogue[k], fault->name);
		if (!used)
			fail_msg("fault %s fails no check", fault->name);
	}
}

/* ------------------------------------------------------------------- judges */

static const char *path_of(const struct row *row)
{
	const char *path = family_path(row->family);

	return path ? path : PEER_NODE;
}

static struct verdict judge(struct arena *a, const struct row *row,
			    const struct evidence *e)
{
	const struct outcome o = { .evidence = *e, .end = TASK_FINISHED };

	return verdict_of(a, row->c, path_of(row), TIMEOUT_MS, &o);
}

static void test_no_judge_passes_on_nothing(void **state)
{
	const struct evidence none = { 0 };
	struct row row;

	(void)state;
	for (size_t n = 0; row_at(n, &row); n++) {
		cleanup_arena struct arena a = { 0 };
		struct verdict v = judge(&a, &row, &none);

		if (v.status != STATUS_ERROR && v.status != STATUS_FAIL)
			fail_msg("%s: %s", id_of(&a, &row), status_names[v.status]);
		assert_true(v.text && *v.text);
	}
}

/* What the collectors see on a device that answers nothing, or all with 0. */
static void collect_and_judge(const char *fault)
{
	struct row row;

	for (size_t n = 0; row_at(n, &row); n++) {
		const char *path = path_of(&row);
		struct fake f;
		struct seam inner;
		struct seam seam;
		struct session s;
		struct fault_seam *wrapper = NULL;
		struct outcome o = { .end = TASK_FINISHED };
		struct verdict v;

		fake_init(&f);
		inner = fake_tables(&f);
		wrapper = fault_seam_new(fault_find(fault), &inner);
		assert_non_null(wrapper);
		seam = fault_seam_tables(wrapper);
		session_init(&s, &(struct session_init){ .seam = &seam,
							 .rec = &f.rec,
							 .until = deadline_after_ms(0),
							 .family = row.family,
							 .path = path });
		o.gave_up = -row.c->collect(&s);
		assert_in_range(o.gave_up, 0, 4095);
		assert_int_equal(s.failed, 0);
		session_done(&s);
		fault_seam_free(wrapper);
		o.evidence = f.e;
		v = verdict_of(&f.arena, row.c, path, TIMEOUT_MS, &o);
		/* a mute device can be opened: that check has nothing else to see */
		if (v.status == STATUS_PASS &&
		    (strcmp(row.c->name, "openable") != 0 || !strcmp(fault, "dead")))
			fail_msg("%s passes on a device that is %s",
				 id_of(&f.arena, &row), fault);
		arena_done(&f.arena);
	}
}

static void test_no_judge_passes_on_a_dead_device(void **state)
{
	(void)state;
	collect_and_judge("dead");
}

static void test_no_judge_passes_on_a_mute_device(void **state)
{
	(void)state;
	collect_and_judge("mute");
}

static void test_judges_agree_with_a_real_kernel(void **state)
{
	struct golden *g = *state;
	struct row row;

	for (size_t n = 0; row_at(n, &row); n++) {
		const char *id = id_of(&g->arena, &row);
		struct evidence e = evidence_of(g, id);
		struct verdict v = judge(&g->arena, &row, &e);

		if (v.status != STATUS_PASS && v.status != STATUS_SKIP &&
		    !finding_of(row.c, &e))
			fail_msg("%s: %s: %s", id, status_names[v.status], v.text);
	}
}

/* How much a collector records after the last that its judge reads. */
static size_t tail_of(const struct check *c)
{
	static const struct tail {
		const char *name;
		size_t count;
	} tails[] = {
		{ "module_live", 4 },         /* the build-ids */
		{ "module_current", 2 },      /* the second pair of ids */
		{ "miss_names_address", 5 },  /* the way back */
		{ "late_switch_on", 1 },      /* calls after the kick */
		{ "permission", 1 },          /* the same */
		{ "invalidate_stops", 2 },    /* the same, and eventfds */
		{ "invalidate_all_zero", 2 }, /* the same */
		{ "invalidate_all_max", 2 },  /* the same */
		{ "invalidate_partial", 2 },  /* the same */
		{ "duplicate_update", 2 },    /* the same */
		{ "miss_stale", 2 },          /* the same */
		{ "other_device", 2 },        /* the same */
		{ "inquiry", 2 },             /* what another check reads of it */
	};

	for (size_t i = 0; i < ARRAY_SIZE(tails); i++)
		if (!strcmp(tails[i].name, c->name))
			return tails[i].count;
	return 0;
}

/* Where rings stood when the device was closed is of use to judge_run() alone. */
static size_t before_close(const struct evidence *e)
{
	size_t n = e->ev.count;

	while (n > 0 && !strcmp(((const struct ev *)e->ev.item[n - 1])->step, "close"))
		n--;
	return n;
}

static void test_no_judge_passes_on_evidence_that_was_cut(void **state)
{
	struct golden *g = *state;
	struct row row;

	for (size_t n = 0; row_at(n, &row); n++) {
		const char *id = id_of(&g->arena, &row);
		struct evidence e = evidence_of(g, id);
		size_t read = before_close(&e) - tail_of(row.c);

		for (e.ev.count = 0; e.ev.count < read; e.ev.count++)
			if (judge(&g->arena, &row, &e).status == STATUS_PASS)
				fail_msg("%s passes on the first %zu observations of %zu",
					 id, e.ev.count, read);
	}
}

#define GOLDEN(name) cmocka_unit_test_setup_teardown(name, load, unload)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_unique_and_of_the_allowed_characters),
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_each_check_names_a_fault_that_exists),
		cmocka_unit_test(test_each_fault_is_named_by_a_check),
		cmocka_unit_test(test_no_judge_passes_on_nothing),
		cmocka_unit_test(test_no_judge_passes_on_a_dead_device),
		cmocka_unit_test(test_no_judge_passes_on_a_mute_device),
		GOLDEN(test_judges_agree_with_a_real_kernel),
		GOLDEN(test_no_judge_passes_on_evidence_that_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
