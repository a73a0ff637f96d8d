/* SPDX-License-Identifier: MIT */
/* Children that flood, lie or say nothing. */
#include <string.h>
#include <sys/socket.h>

#include "runner_fixture.h"

#define EVIDENCE_SOCKET 3

static int act_flood(struct session *s, const void *arg)
{
	(void)arg;
	while (!s->failed)
		session_measure(s, "flood", "n", "units", 1);
	return 0;
}

static void test_a_flood_is_cut(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_flood, NULL, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_GARBLED);
	assert_string_equal(f->o.garbled, "it sent more than 20000 observations");
	assert_int_equal(f->o.evidence.ev.count, 20000);
}

static int act_heavy_flood(struct session *s, const void *arg)
{
	char value[60000];

	(void)arg;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	while (!s->failed)
		session_fact(s, "flood", "bulk", "%s", value);
	return 0;
}

static void test_a_heavy_flood_is_cut_before_it_takes_all_memory(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_heavy_flood, NULL, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_GARBLED);
	assert_string_equal(f->o.garbled, "it sent more than 16 MiB");
	assert_true(f->o.evidence.ev.count < 300);
}

static int act_flood_of_last_words(struct session *s, const void *arg)
{
	char value[30000];

	(void)arg;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	while (!s->failed)
		session_fact(s, "end", "gave_up", "%s", value);
	return 0;
}

static void test_what_is_no_evidence_counts_towards_a_flood(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_flood_of_last_words, NULL, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_GARBLED);
	assert_string_equal(f->o.garbled, "it sent more than 16 MiB");
	assert_int_equal(f->o.evidence.ev.count, 0);
}

static int act_raw(struct session *s, const void *arg)
{
	const char *text = arg;

	session_fact(s, "said", "word", "before");
	(void)send(EVIDENCE_SOCKET, text, strlen(text), MSG_NOSIGNAL);
	hang();
}

static void test_what_is_no_evidence_ends_the_child_at_once(void **state)
{
	static const char huge[] =
		"{\"kind\":\"measure\",\"step\":\"a\",\"name\":\"b\",\"unit\":\"c\","
		"\"samples\":[99999999999999999999]}";
	static const char *const lies[] = {
		"\177ELF\002\001",
		"nonsense",
		"null",
		"[]",
		"{}",
		"{\"kind\":\"fact\"}",
		"{\"kind\":\"verdict\",\"step\":\"a\",\"status\":\"pass\"}",
		"{\"kind\":\"fact\",\"step\":\"a\",\"name\":\"b\",\"value\":\"c\",\"d\":1}",
		"{\"kind\":\"fact\",\"step\":\"a\",\"name\":\"b\",\"name\":\"b\",\"value\":\"c\"}",
		"{\"kind\":\"fact\",\"step\":\"a\",\"name\":\"b\",\"value\":7}",
		"{\"kind\":\"fact\",\"step\":null,\"name\":\"b\",\"value\":\"c\"}",
		"{\"kind\":\"fact\",\"step\":\"a\",\"name\":\"\xff\xfe\",\"value\":\"c\"}",
		"{\"kind\":\"fact\",\"step\":\"a\",\"name\":\"\xed\xa0\x80\",\"value\":\"c\"}",
		"{\"kind\":\"fact\",\"step\":\"a\",\"name\":\"b\",\"value\":\"c\"} {}",
		"{\"kind\":\"fact\",\"step\":\"a\",\"name\":\"b\",\"value\":\"c\"",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		huge,
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		assert_int_equal(run(f, act_raw, lies[i], LONG_MS), 0);
		if (f->o.end != TASK_GARBLED)
			fail_msg("taken: %s", lies[i]);
		assert_true(f->o.garbled && *f->o.garbled);
		assert_int_equal(f->o.evidence.ev.count, 1);
		assert_true(f->o.duration_us < HALF_OF_LONG_US);
	}
}

static int act_long_line(struct session *s, const void *arg)
{
	size_t len = *(const size_t *)arg;
	char *line = malloc(len);

	(void)s;
	if (!line)
		return -ENOMEM;
	memset(line, ' ', len);
	(void)send(EVIDENCE_SOCKET, line, len, MSG_NOSIGNAL);
	free(line);
	return 0;
}

static void test_a_line_over_64_KiB_is_refused(void **state)
{
	static const size_t longest = 65536;
	static const size_t too_long = 65537;
	struct fixture *f = *state;

	assert_int_equal(run(f, act_long_line, &too_long, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_GARBLED);
	assert_string_equal(f->o.garbled, "it sent a line of more than 64 KiB");
	assert_int_equal(run(f, act_long_line, &longest, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_GARBLED);
	assert_non_null(strstr(f->o.garbled, "not JSON"));
}

static int act_too_much_at_once(struct session *s, const void *arg)
{
	(void)arg;
	session_fact(s, "bulk", "value", "%01000000d", 1);
	return 0;
}

static void test_an_observation_that_cannot_be_sent_is_the_harness_fault(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_too_much_at_once, NULL, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_HARNESS);
	assert_int_equal(f->o.evidence.ev.count, 0);
}

static int act_empty_datagram(struct session *s, const void *arg)
{
	(void)arg;
	session_fact(s, "said", "word", "before");
	(void)send(EVIDENCE_SOCKET, "", 0, MSG_NOSIGNAL);
	(void)close(EVIDENCE_SOCKET);
	return 0;
}

static void test_a_child_that_shuts_up_is_still_waited_for(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_empty_datagram, NULL, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_FINISHED);
	assert_int_equal(f->o.evidence.ev.count, 1);
}

static int act_wild_place(struct session *s, const void *arg)
{
	char text[200];

	(void)arg;
	memset(text, '\xf8', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	at(s, text, text);
	return 0;
}

static void test_the_place_of_a_child_is_plain_text_and_bounded(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_wild_place, NULL, LONG_MS), 0);
	assert_int_equal(strlen(f->o.step), 63);
	assert_int_equal(strlen(f->o.call), 63);
	assert_int_equal(strspn(f->o.step, "?"), 63);
	assert_int_equal(strspn(f->o.call, "?"), 63);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_flood_is_cut),
		TEST(test_a_heavy_flood_is_cut_before_it_takes_all_memory),
		TEST(test_what_is_no_evidence_counts_towards_a_flood),
		TEST(test_what_is_no_evidence_ends_the_child_at_once),
		TEST(test_a_line_over_64_KiB_is_refused),
		TEST(test_an_observation_that_cannot_be_sent_is_the_harness_fault),
		TEST(test_a_child_that_shuts_up_is_still_waited_for),
		TEST(test_the_place_of_a_child_is_plain_text_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
