/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memo.h"

static void what_was_never_added_is_not_found(void **state)
{
	struct memo m = { 0 };

	(void)state;
	assert_null(memo_find(&m, "a", 1));
	memo_done(&m);
}

/* Long enough for the hash to read more than a word, and for the table to grow. */
static void each_text_has_its_own_value(void **state)
{
	enum {
		TEXTS = 1000,
		LEN = 37
	};
	static char text[TEXTS][LEN + 1];
	cleanup_arena struct arena a = { 0 };
	cleanup_(memo_done) struct memo m = { .arena = &a };

	(void)state;
	for (int i = 0; i < TEXTS; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%036d%c", i / 2,
			       i % 2 ? 'a' : 'b');
		assert_null(memo_find(&m, text[i], LEN));
		assert_int_equal(memo_add(&m, text[i], LEN, text[i]), 0);
	}
	for (int i = 0; i < TEXTS; i++) {
		char copy[LEN + 1];

		memcpy(copy, text[i], sizeof(copy));
		assert_ptr_equal(memo_find(&m, copy, LEN), text[i]);
		assert_null(memo_find(&m, copy, LEN - 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_never_added_is_not_found),
		cmocka_unit_test(each_text_has_its_own_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
