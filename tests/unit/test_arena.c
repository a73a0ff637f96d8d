/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_memory_is_zeroed_aligned_and_no_two_pieces_overlap(void **state)
{
	static const size_t sizes[] = {
		1, 7, 8, 16, 17, 100, 4000, 16384, 16385, 100000
	};
	cleanup_arena struct arena a = { 0 };
	unsigned char *piece[ARRAY_SIZE(sizes) * 10];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(piece); i++) {
		size_t size = sizes[i % ARRAY_SIZE(sizes)];

		piece[i] = arena_alloc(&a, size);
		assert_non_null(piece[i]);
		assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(piece[i][k], 0);
		memset(piece[i], (int)i + 1, size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(piece); i++)
		for (size_t k = 0; k < sizes[i % ARRAY_SIZE(sizes)]; k++)
			assert_int_equal(piece[i][k], i + 1);
}

static void test_a_size_that_no_machine_has_is_refused(void **state)
{
	cleanup_arena struct arena a = { 0 };

	(void)state;
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - alignof(max_align_t)));
	assert_null(arena_alloc(&a, SIZE_MAX - 32));
	assert_null(arena_memdup(&a, "", SIZE_MAX));
	assert_non_null(arena_alloc(&a, 0));
	assert_non_null(arena_alloc(&a, 1)); /* still usable */
}

static void test_copies_are_copies(void **state)
{
	cleanup_arena struct arena a = { 0 };
	char text[] = "text";
	char *copy = arena_strdup(&a, text);
	char *bytes = arena_memdup(&a, "a\0b", 3);

	(void)state;
	text[0] = 'n';
	assert_string_equal(copy, "text");
	assert_memory_equal(bytes, "a\0b", 4); /* with a NUL behind */
	assert_null(arena_strdup(&a, NULL));
	assert_string_equal(arena_memdup(&a, NULL, 0), "");
}

static void test_printf_has_no_length_limit(void **state)
{
	cleanup_arena struct arena a = { 0 };
	const char *long_text = arena_printf(&a, "%0100000d", 5);

	(void)state;
	assert_int_equal(strlen(long_text), 100000);
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 3), "x-3");
	assert_string_equal(arena_printf(&a, "%s", ""), "");
}

static void test_an_arena_can_be_used_again(void **state)
{
	struct arena a = { 0 };

	(void)state;
	arena_done(&a); /* an empty one */
	for (int i = 0; i < 3; i++) {
		assert_string_equal(arena_strdup(&a, "again"), "again");
		arena_done(&a);
		assert_null(a.head);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_aligned_and_no_two_pieces_overlap),
		cmocka_unit_test(test_a_size_that_no_machine_has_is_refused),
		cmocka_unit_test(test_copies_are_copies),
		cmocka_unit_test(test_printf_has_no_length_limit),
		cmocka_unit_test(test_an_arena_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
