/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

/* UTF-8 of a code point as RFC 3629 3 has it, also where that forbids it. */
static size_t encode(uint32_t code, size_t len, char *ret)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = len - 1; i > 0; i--, code >>= 6)
		ret[i] = (char)(0x80 | (code & 0x3f));
	ret[0] = (char)(lead[len] | code);
	return len;
}

static void test_every_code_point_is_valid_in_its_shortest_form_only(void **state)
{
	char text[4];

	(void)state;
	for (uint32_t code = 0; code < 0x120000; code++) {
		size_t shortest = code < 0x80      ? 1
				  : code < 0x800   ? 2
				  : code < 0x10000 ? 3
						   : 4;
		bool surrogate = code >= 0xd800 && code < 0xe000;

		for (size_t len = shortest; len <= 4; len++) {
			bool want = len == shortest && !surrogate && code <= 0x10ffff;

			if (utf8_valid(text, encode(code, len, text)) != want)
				fail_msg("U+%04X in %zu bytes", code, len);
		}
	}
}

static void test_sequences_that_end_early_or_begin_late_are_not(void **state)
{
	static const char whole[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t ends[] = { 0, 1, 3, 6, 10, 11 }; /* of characters */

	(void)state;
	for (size_t from = 0; from < sizeof(whole); from++) {
		for (size_t to = from; to < sizeof(whole); to++) {
			bool begins = false;
			bool stops = false;

			for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
				begins = begins || ends[i] == from;
				stops = stops || ends[i] == to;
			}
			assert_int_equal(utf8_valid(whole + from, to - from),
					 from == to || (begins && stops));
		}
	}
}

static void test_bytes_that_stand_nowhere_in_utf_8(void **state)
{
	static const char *const wrong[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xf5\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xe2\x28\xa1",
		"\xf8\x88\x80\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(utf8_valid(wrong[i], strlen(wrong[i])));
}

static void test_a_nul_is_a_character_and_nothing_is_valid(void **state)
{
	(void)state;
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
}

static void test_what_is_not_utf_8_is_mended_in_place(void **state)
{
	static const struct {
		const char *bad, *mended;
	} rows[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "\u00e9\u20ac", "\u00e9\u20ac" },
		{ "cut \xe2\x82", "cut ??" },
		{ "\xff\u00e9\x80z", "?\u00e9?z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "%s", rows[i].bad);
		utf8_mend(text);
		assert_string_equal(text, rows[i].mended);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_every_code_point_is_valid_in_its_shortest_form_only),
		cmocka_unit_test(test_sequences_that_end_early_or_begin_late_are_not),
		cmocka_unit_test(test_bytes_that_stand_nowhere_in_utf_8),
		cmocka_unit_test(test_a_nul_is_a_character_and_nothing_is_valid),
		cmocka_unit_test(test_what_is_not_utf_8_is_mended_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
