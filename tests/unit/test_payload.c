/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/payload.h"

static void test_the_digest_is_fnv_1a(void **state)
{
	(void)state;
	/* test vectors of the algorithm's authors */
	assert_true(digest_add(DIGEST_START, "", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(digest_add(DIGEST_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(digest_add(DIGEST_START, "foobar", 6) ==
		    UINT64_C(0x85944171f73967e8));
}

static void test_the_digest_does_not_depend_on_how_bytes_are_cut(void **state)
{
	unsigned char bytes[1000];
	uint64_t whole = 0;

	(void)state;
	payload_fill(3, 0, bytes, sizeof(bytes));
	whole = digest_add(DIGEST_START, bytes, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut += 7)
		assert_true(digest_add(digest_add(DIGEST_START, bytes, cut), bytes + cut,
				       sizeof(bytes) - cut) == whole);
}

static void test_any_one_changed_byte_changes_the_digest(void **state)
{
	unsigned char bytes[64];
	uint64_t whole = 0;

	(void)state;
	payload_fill(3, 0, bytes, sizeof(bytes));
	whole = digest_add(DIGEST_START, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		for (int bit = 0; bit < 8; bit++) {
			bytes[i] ^= (unsigned char)(1 << bit);
			assert_true(digest_add(DIGEST_START, bytes, sizeof(bytes)) !=
				    whole);
			bytes[i] ^= (unsigned char)(1 << bit);
		}
	}
	/* two bytes that changed places, one that is missing */
	assert_true(digest_add(DIGEST_START, "ab", 2) !=
		    digest_add(DIGEST_START, "ba", 2));
	assert_true(digest_add(DIGEST_START, bytes, 63) != whole);
}

static void test_a_stream_is_the_same_however_it_is_cut(void **state)
{
	unsigned char whole[300];
	unsigned char part[300];

	(void)state;
	payload_fill(9, 1000, whole, sizeof(whole));
	for (size_t cut = 0; cut <= sizeof(whole); cut++) {
		memset(part, 0, sizeof(part));
		payload_fill(9, 1000, part, cut);
		payload_fill(9, 1000 + cut, part + cut, sizeof(part) - cut);
		assert_memory_equal(part, whole, sizeof(whole));
	}
}

static void test_streams_differ_by_seed_and_place(void **state)
{
	unsigned char a[64];
	unsigned char b[64];

	(void)state;
	payload_fill(1, 0, a, sizeof(a));
	payload_fill(2, 0, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	/* a repeated or lost packet must not look like the right one */
	for (uint64_t shift = 1; shift < 5000; shift++) {
		payload_fill(1, shift, b, sizeof(b));
		assert_memory_not_equal(a, b, sizeof(a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_digest_is_fnv_1a),
		cmocka_unit_test(test_the_digest_does_not_depend_on_how_bytes_are_cut),
		cmocka_unit_test(test_any_one_changed_byte_changes_the_digest),
		cmocka_unit_test(test_a_stream_is_the_same_however_it_is_cut),
		cmocka_unit_test(test_streams_differ_by_seed_and_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
