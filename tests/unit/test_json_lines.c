/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_lines.h"

static const char text[] = "\n{\n"                           /* 2 */
			   "  \"one\": 1,\n"                 /* 3 */
			   "  \"list\": [\n"                 /* 4 */
			   "    \"a ] , : { \\\" b\",\n"     /* 5 */
			   "    { \"deep\": [true, null,\n"  /* 6 */
			   "      -1.5e3] }\n"               /* 7 */
			   "  ],\n"                          /* 8 */
			   "  \"sl/ash~\": {},\n"            /* 9 */
			   "  \"\\u006fne more\": \"\\t\"\n" /* 10 */
			   "}\n";

static size_t line(const char *pointer)
{
	return json_line(text, strlen(text), pointer);
}

static void test_members_and_elements_have_their_line(void **state)
{
	(void)state;
	assert_int_equal(line(""), 2);
	assert_int_equal(line("/one"), 3);
	assert_int_equal(line("/list/0"), 5);
	assert_int_equal(line("/list/1/deep/1"), 6);
	assert_int_equal(line("/list/1/deep/2"), 7);
	assert_int_equal(line("/sl~1ash~0"), 9);
	assert_int_equal(line("/one more"), 10);
}

static void test_what_is_not_there_has_the_line_of_what_holds_it(void **state)
{
	(void)state;
	assert_int_equal(line("/two"), 2);
	assert_int_equal(line("/list/1/missing"), 6);
	assert_int_equal(line("/list/10"), 4);
}

static size_t flaw(const char *s)
{
	return json_flaw_line(s, strlen(s), NULL);
}

static void test_flaws_have_their_line(void **state)
{
	(void)state;
	assert_int_equal(flaw(text), 0);
	assert_int_equal(flaw("{\n\"a\": 1\n\"b\": 2\n}"), 3);
	assert_int_equal(flaw("{\n\"a\": 1,\n}"), 3);
	assert_int_equal(flaw("[1,\ntru\n]"), 2);
	assert_int_equal(flaw("[\"a\nb\"]"), 1);
	assert_int_equal(flaw("[1]\n\nx"), 3);
	assert_int_equal(flaw("{\"a\": [1,\n2"), 2);
	assert_int_equal(flaw("\"\\q\""), 1);
	assert_int_equal(flaw(""), 1);
}

static void assert_column(const char *s, size_t column)
{
	size_t found = 77;

	(void)json_flaw_line(s, strlen(s), &found);
	assert_int_equal(found, column);
}

static void test_flaws_have_their_column(void **state)
{
	(void)state;
	assert_column(text, 77);
	assert_column("{\n\"a\": 1\n\"b\": 2\n}", 1);
	assert_column("[1,\n  tru\n]", 3);
	assert_column("[1] x", 5);
	assert_column("", 1);
}

static void test_text_without_a_nul_is_not_overrun(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		char *part = malloc(len ? len : 1);

		assert_non_null(part);
		memcpy(part, text, len);
		if (len < strlen(text) - 1)
			assert_int_not_equal(json_flaw_line(part, len, NULL), 0);
		(void)json_line(part, len, "/list/1/deep/2");
		free(part);
	}
}

static void test_a_deep_text_is_a_flaw(void **state)
{
	char deep[1000];

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_int_equal(json_flaw_line(deep, sizeof(deep), NULL), 1);
}

static void test_a_name_that_stands_twice_is_found(void **state)
{
	static const char twice[] = "{ \"a\": {\n \"x\": [1, { \"y\": 2 }],\n"
				    " \"y\": 3,\n \"\\u0078\": 4 } }";
	char pointer[JSON_POINTER_ROOM] = "";
	size_t at = 0;

	(void)state;
	assert_true(json_duplicate(twice, strlen(twice), pointer, &at));
	assert_string_equal(pointer, "/a/x");
	assert_int_equal(at, 4);
	assert_false(json_duplicate(text, strlen(text), pointer, &at));
	assert_string_equal(pointer, "/a/x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_and_elements_have_their_line),
		cmocka_unit_test(test_what_is_not_there_has_the_line_of_what_holds_it),
		cmocka_unit_test(test_flaws_have_their_line),
		cmocka_unit_test(test_flaws_have_their_column),
		cmocka_unit_test(test_text_without_a_nul_is_not_overrun),
		cmocka_unit_test(test_a_deep_text_is_a_flaw),
		cmocka_unit_test(test_a_name_that_stands_twice_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
