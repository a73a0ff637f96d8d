/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vm/lines.h"

struct seen {
	char text[256]; /* the lines, each with a '|' behind it */
	size_t count, longest;
	int answer;
};

static int take(void *ctx, const char *line, size_t len)
{
	struct seen *s = ctx;
	size_t used = strlen(s->text);

	s->count++;
	if (len > s->longest)
		s->longest = len;
	assert_int_equal(line[len], '\0');
	if (used + len + 2 < sizeof(s->text))
		(void)snprintf(s->text + used, sizeof(s->text) - used, "%s|", line);
	return s->answer;
}

static void feed(struct vm_lines *l, struct seen *s, const char *text)
{
	assert_int_equal(vm_lines_feed(l, text, strlen(text), take, s), 0);
}

static void lines_come_whole_however_they_are_cut(void **state)
{
	static const char text[] = "{\"a\":1}\n\nbc\r\n\r\nlast";

	(void)state;
	for (size_t cut = 1; cut < sizeof(text); cut++) {
		struct vm_lines l = { 0 };
		struct seen s = { 0 };

		for (size_t at = 0; at < sizeof(text) - 1; at += cut) {
			size_t n = sizeof(text) - 1 - at;

			assert_int_equal(
				vm_lines_feed(&l, text + at, n < cut ? n : cut, take, &s),
				0);
		}
		assert_string_equal(s.text, "{\"a\":1}|bc|");
		feed(&l, &s, "\n");
		assert_string_equal(s.text, "{\"a\":1}|bc|last|");
		vm_lines_done(&l);
	}
}

static void a_line_without_an_end_is_dropped_and_the_next_one_is_whole(void **state)
{
	struct vm_lines l = { 0 };
	struct seen s = { 0 };
	char flood[65536];

	(void)state;
	memset(flood, 'x', sizeof(flood));
	feed(&l, &s, "before\n");
	for (size_t sent = 0; sent <= (size_t)2 * VM_LINE_MAX; sent += sizeof(flood))
		assert_int_equal(vm_lines_feed(&l, flood, sizeof(flood), take, &s), 0);
	assert_int_equal(s.count, 1);
	assert_true(l.room <= 2 * (VM_LINE_MAX + sizeof(flood)));
	feed(&l, &s, "tail\nafter\n");
	assert_string_equal(s.text, "before|after|");
	assert_int_equal(l.lost, 1);
	vm_lines_done(&l);
}

static void the_longest_line_is_delivered_and_one_byte_more_is_not(void **state)
{
	char *text = malloc(VM_LINE_MAX + 2U);
	struct vm_lines l = { 0 };
	struct seen s = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, 'y', VM_LINE_MAX + 2U);
	text[VM_LINE_MAX] = '\n';
	assert_int_equal(vm_lines_feed(&l, text, VM_LINE_MAX + 1U, take, &s), 0);
	assert_int_equal(s.longest, VM_LINE_MAX);
	assert_int_equal(l.lost, 0);
	text[VM_LINE_MAX] = 'y';
	text[VM_LINE_MAX + 1U] = '\n';
	assert_int_equal(vm_lines_feed(&l, text, VM_LINE_MAX + 2U, take, &s), 0);
	assert_int_equal(s.count, 1);
	assert_int_equal(l.lost, 1);
	vm_lines_done(&l);
	free(text);
}

static void a_receiver_that_fails_stops_the_feeding(void **state)
{
	struct vm_lines l = { 0 };
	struct seen s = { .answer = -ENOSPC };

	(void)state;
	assert_int_equal(vm_lines_feed(&l, "a\nb\n", 4, take, &s), -ENOSPC);
	assert_string_equal(s.text, "a|");
	vm_lines_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_whole_however_they_are_cut),
		cmocka_unit_test(
			a_line_without_an_end_is_dropped_and_the_next_one_is_whole),
		cmocka_unit_test(the_longest_line_is_delivered_and_one_byte_more_is_not),
		cmocka_unit_test(a_receiver_that_fails_stops_the_feeding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
