/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/json.h"
#include "report/load.h"
#include "sample_report.h"

/* of the sample's checks */
#define WITH_EVIDENCE 3

struct fixture {
	struct arena arena;
	struct report r;
	char *text; /* of a report, as run writes it */
	size_t len;
};

static char *printed(const struct report *r, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	assert_non_null(out);
	assert_int_equal(report_print(r, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	sample_report(&f->arena, &f->r);
	f->text = printed(&f->r, &f->len);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	free(f->text);
	free(f);
	return 0;
}

static void reads_and_prints_the_same(struct fixture *f, const char *text, size_t len)
{
	struct load_error err;
	struct report r;
	size_t again_len = 0;
	cleanup_free char *again = NULL;

	if (report_load(&f->arena, text, len, &r, &err) < 0)
		fail_msg("%s: %s", err.at.pointer, err.at.text);
	again = printed(&r, &again_len);
	assert_int_equal(again_len, f->len);
	assert_memory_equal(again, f->text, f->len);
}

static void what_was_printed_comes_back_the_same(void **state)
{
	struct fixture *f = *state;

	reads_and_prints_the_same(f, f->text, f->len);
}

static void text_of_json_c_is_read_too(void **state)
{
	struct fixture *f = *state;
	struct json_object *json = rec_to_json(&report_shape, &f->r);
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);

	reads_and_prints_the_same(f, text, strlen(text));
	json_object_put(json);
}

/* json_object_to_json_string_ext() of the whole, but for how it writes what is empty. */
static void a_report_is_printed_as_json_c_prints_it(void **state)
{
	struct fixture *f = *state;
	struct json_object *json = rec_to_json(&report_shape, &f->r);
	size_t len = 0;
	cleanup_free char *whole = NULL;
	FILE *out = open_memstream(&whole, &len);

	assert_non_null(out);
	assert_int_equal(json_print(json, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(whole, f->text);
	json_object_put(json);
}

static void the_same_observation_twice_is_two(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = f->r.checks.item[WITH_EVIDENCE];
	struct ev *one = c->evidence.item[0];
	const struct ev *first = NULL, *second = NULL;
	cleanup_free char *text = NULL;
	struct evidence back;
	struct load_error err;
	struct report r;
	size_t len = 0;

	assert_int_equal(rec_list_add(&f->arena, &c->evidence, one), 0);
	text = printed(&f->r, &len);
	assert_int_equal(report_load(&f->arena, text, len, &r, &err), 0);
	back = (struct evidence){
		((struct report_check *)r.checks.item[WITH_EVIDENCE])->evidence
	};
	first = ev_find(&back, (enum ev_kind)one->kind, one->step);
	second = back.ev.item[back.ev.count - 1];
	assert_ptr_not_equal(first, second);
	assert_string_equal(first->step, second->step);
	while (first && first != second)
		first = ev_find_next(&back, first, (enum ev_kind)one->kind, one->step);
	assert_ptr_equal(first, second);
}

/* Puts @with in the place of the first @what; the error says @why at @pointer. */
static void refused(struct fixture *f, const char *what, const char *with,
		    const char *pointer, const char *why)
{
	const char *at = strstr(f->text, what);
	cleanup_free char *text = NULL;
	struct load_error err;
	struct report r;
	int len = 0;

	assert_non_null(at);
	len = asprintf(&text, "%.*s%s%s", (int)(at - f->text), f->text, with,
		       at + strlen(what));
	assert_true(len > 0);
	assert_int_equal(report_load(&f->arena, text, (size_t)len, &r, &err), -EINVAL);
	assert_string_equal(err.at.pointer, pointer);
	if (!strstr(err.at.text, why))
		fail_msg("\"%s\" does not say \"%s\"", err.at.text, why);
	assert_true(err.at.line > 0);
}

static void what_is_wrong_between_the_parts_is_told(void **state)
{
	struct fixture *f = *state;

	refused(f, "\n}\n", "\n} x\n", "", "not JSON");
	refused(f, "\n}\n", "\n", "", "not JSON");
	refused(f, "\n    },\n    {\n      \"id\"", "\n    } {\n      \"id\"", "",
		"not JSON");
	refused(f, "\n    },\n    {\n      \"id\"", "\n    },,{\n      \"id\"", "",
		"not JSON");
	refused(f, "\n  \"checks\": [", "\"checks\": [,", "", "not JSON");
	refused(f, "\"evidence\": [", "\"evidence\": [ 7", "/checks/0/evidence/0",
		"expected object");
	refused(f, "\"evidence\": [", "\"evidence\": [], \"evidence\": [",
		"/checks/0/evidence", "twice");
	refused(f, "\n  \"checks\": [", "\"checks\": [], \"checks\": [", "/checks",
		"twice");
	refused(f, "\"evidence\": [", "\"evidenc\\u0065\": [], \"evidence\": [",
		"/checks/0/evidence", "twice");
	refused(f, "\n  \"checks\": [", "\"checks\": {}, \"x\": [", "/checks",
		"expected array");
	refused(f, "\"evidence\": [", "\"evidence\": null, \"x\": [",
		"/checks/0/evidence", "null");
	/* as far in as that of the element that it is in */
	refused(f, "\"step\": \"", "\"x\": {\n        }, \"step\": \"",
		"/checks/3/evidence/0/x", "not known");
	refused(f, "\"tool\": {", "\"\n  tool\": {", "", "control character");
	refused(f, "\"step\": \"", "\"step\": \"\n    ", "", "control character");
}

static void a_key_with_an_escape_is_that_key(void **state)
{
	struct fixture *f = *state;
	const char *at = strstr(f->text, "\"evidence\"");
	cleanup_free char *text = NULL;
	int len = 0;

	assert_non_null(at);
	len = asprintf(&text, "%.*s\"evidenc\\u0065\"%s", (int)(at - f->text), f->text,
		       at + strlen("\"evidence\""));
	reads_and_prints_the_same(f, text, (size_t)len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_printed_comes_back_the_same,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(text_of_json_c_is_read_too, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_report_is_printed_as_json_c_prints_it,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_observation_twice_is_two, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_wrong_between_the_parts_is_told,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_key_with_an_escape_is_that_key, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
