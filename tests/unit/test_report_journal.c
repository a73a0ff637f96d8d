/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "report/journal.h"
#include "sample_report.h"

/* The journal of the sample report, written as a run does into a file in memory. */
struct fixture {
	struct arena arena;
	struct report r;
	struct journal j;
	struct journal_error err;
	int fd;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	sample_report(&f->arena, &f->r);
	journal_init(&f->j, &f->arena);
	f->fd = memfd_create("journal", MFD_CLOEXEC);
	assert_true(f->fd >= 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	fd_close(&f->fd);
	arena_done(&f->arena);
	free(f);
	return 0;
}

static void line(struct fixture *f, struct journal_line l)
{
	assert_int_equal(journal_write(f->fd, &l), 0);
}

static void write_plan(struct fixture *f)
{
	struct journal_line l = { .type = JOURNAL_PLAN };

	for (size_t i = 0; i < f->r.checks.count; i++) {
		struct report_check *c =
			sample_new(&f->arena, &l.plan.checks, sizeof(*c));

		*c = *(const struct report_check *)f->r.checks.item[i];
		c->status = STATUS_ERROR;
		c->reason = NULL;
		c->known = NULL;
		c->evidence = (struct rec_list){ 0 };
		c->duration_us = (struct opt_int){ 0 };
	}
	for (size_t i = 0; i < f->r.stacks.count; i++) {
		struct report_stack *s =
			sample_new(&f->arena, &l.plan.stacks, sizeof(*s));

		*s = *(const struct report_stack *)f->r.stacks.item[i];
		s->verdict = STACK_UNKNOWN;
		s->signature = NULL;
		s->reason = NULL;
		s->transfer = (struct report_transfer){ 0 };
		s->evidence = (struct rec_list){ 0 };
	}
	line(f, l);
}

static void write_head(struct fixture *f)
{
	struct report_run run = f->r.run;

	run.duration_us = (struct opt_int){ 0 };
	line(f, (struct journal_line){ .type = JOURNAL_HELLO, .release = "6.1.0" });
	line(f, (struct journal_line){ .type = JOURNAL_START,
				       .start = { &f->r.tool, &run, &f->r.host } });
	for (size_t i = 0; i < f->r.devices.count; i++)
		line(f, (struct journal_line){ .type = JOURNAL_DEVICE,
					       .device = f->r.devices.item[i] });
	write_plan(f);
}

static void start_check(struct fixture *f, size_t i)
{
	const struct report_check *c = f->r.checks.item[i];

	line(f, (struct journal_line){ .type = JOURNAL_CHECK_START,
				       .check_start = { c->id, c->device } });
}

static void end_check(struct fixture *f, size_t i)
{
	line(f, (struct journal_line){ .type = JOURNAL_CHECK,
				       .check = f->r.checks.item[i] });
}

static void start_stack(struct fixture *f, size_t i)
{
	const struct report_stack *s = f->r.stacks.item[i];

	line(f,
	     (struct journal_line){ .type = JOURNAL_STACK_START,
				    .stack_start = { s->stack, s->device, s->guest } });
}

static void end_stack(struct fixture *f, size_t i)
{
	line(f, (struct journal_line){ .type = JOURNAL_STACK,
				       .stack = f->r.stacks.item[i] });
}

static void write_checks(struct fixture *f)
{
	for (size_t i = 0; i < f->r.checks.count; i++) {
		start_check(f, i);
		assert_int_equal(journal_sync(f->fd), 0);
		end_check(f, i);
	}
}

static void write_end(struct fixture *f)
{
	line(f, (struct journal_line){ .type = JOURNAL_END,
				       .end = { &f->r.summary, f->r.run.duration_us } });
}

static void write_all_lines(struct fixture *f)
{
	write_head(f);
	write_checks(f);
	for (size_t i = 0; i < f->r.stacks.count; i++) {
		start_stack(f, i);
		end_stack(f, i);
	}
	write_end(f);
	line(f, (struct journal_line){ .type = JOURNAL_EXIT, .status = 1 });
}

static char *text_of(struct fixture *f, size_t *ret_len)
{
	off_t len = lseek(f->fd, 0, SEEK_END);
	char *text = sample_alloc(&f->arena, (size_t)len + 1);

	assert_int_equal(pread(f->fd, text, (size_t)len, 0), len);
	*ret_len = (size_t)len;
	return text;
}

static int read_it(struct fixture *f)
{
	size_t len = 0;
	char *text = text_of(f, &len);

	return journal_read(&f->j, text, len, &f->err);
}

static void read_well(struct fixture *f)
{
	if (read_it(f) < 0)
		fail_msg("line %zu: %s: %s", f->err.line, f->err.at.pointer,
			 f->err.at.text);
}

static void refused(struct fixture *f, size_t at_line, const char *pointer,
		    const char *reason)
{
	assert_int_equal(read_it(f), -EINVAL);
	if (!strstr(f->err.at.text, reason))
		fail_msg("\"%s\" does not say \"%s\"", f->err.at.text, reason);
	assert_int_equal(f->err.line, at_line);
	assert_string_equal(f->err.at.pointer, pointer);
}

static void same_report(const struct report *a, const struct report *b)
{
	struct json_object *ja = rec_to_json(&report_shape, a);
	struct json_object *jb = rec_to_json(&report_shape, b);

	assert_string_equal(json_object_to_json_string_ext(ja, JSON_C_TO_STRING_PLAIN),
			    json_object_to_json_string_ext(jb, JSON_C_TO_STRING_PLAIN));
	json_object_put(ja);
	json_object_put(jb);
}

static const struct report_check *check_at(const struct fixture *f, size_t i)
{
	return f->j.report.checks.item[i];
}

static const struct report_stack *stack_at(const struct fixture *f, size_t i)
{
	return f->j.report.stacks.item[i];
}

static void a_whole_journal_is_the_report(void **state)
{
	struct fixture *f = *state;

	write_all_lines(f);
	read_well(f);
	assert_true(f->j.ended);
	assert_false(f->j.truncated);
	assert_null(journal_running(&f->j));
	assert_string_equal(f->j.hello, "6.1.0");
	assert_int_equal(f->j.exit_status.v, 1);
	same_report(&f->j.report, &f->r);
	assert_int_equal(journal_finish(&f->j, REASON_CRASHED, "too late"), 0);
	same_report(&f->j.report, &f->r);
}

static void a_line_is_one_line_whatever_it_holds(void **state)
{
	struct fixture *f = *state;
	size_t len = 0;
	char *text = NULL;

	line(f, (struct journal_line){ .type = JOURNAL_NOTE, .text = "a\nb\"\\\xff" });
	line(f, (struct journal_line){ .type = JOURNAL_NOTE, .text = "a\nb" });
	text = text_of(f, &len);
	assert_string_equal(text, "{\"type\":\"note\",\"text\":\"hex:610a62225cff\"}\n"
				  "{\"type\":\"note\",\"text\":\"a\\nb\"}\n");
	read_well(f);
	assert_int_equal(f->j.notes.count, 2);
	assert_string_equal(f->j.notes.item[1], "a\nb");
}

static void each_cut_reads_as_an_unfinished_run(void **state)
{
	struct fixture *f = *state;
	size_t len = 0;
	const char *text = NULL;

	write_all_lines(f);
	text = text_of(f, &len);
	for (size_t cut = 0; cut < len; cut += 7) {
		cleanup_arena struct arena a = { 0 };
		struct journal_error err;
		struct journal j;

		journal_init(&j, &a);
		if (journal_read(&j, text, cut, &err) < 0)
			fail_msg("cut at %zu, line %zu: %s", cut, err.line, err.at.text);
		if (!j.started) {
			assert_int_equal(journal_finish(&j, REASON_CRASHED, "x"),
					 -EINVAL);
			continue;
		}
		assert_int_equal(journal_finish(&j, REASON_CRASHED, "x"), 0);
		assert_int_equal(j.report.checks.count,
				 j.planned ? f->r.checks.count : 0);
		assert_int_equal(j.report.stacks.count,
				 j.planned ? f->r.stacks.count : 0);
	}
}

static void what_was_running_is_a_crash_and_the_rest_blocked(void **state)
{
	struct fixture *f = *state;
	const size_t n = f->r.checks.count;

	write_head(f);
	end_check(f, 0); /* skipped: it never began */
	start_check(f, 2);
	end_check(f, 2);
	start_check(f, 3);
	read_well(f);
	assert_string_equal(journal_running(&f->j), check_at(f, 3)->id);
	assert_int_equal(journal_finish(&f->j, REASON_GUEST_DIED, "BUG: at vhost.c"), 0);
	assert_int_equal(check_at(f, 0)->status, STATUS_SKIP);
	assert_int_equal(check_at(f, 2)->status, STATUS_PASS);
	assert_int_equal(check_at(f, 3)->status, STATUS_CRASH);
	assert_int_equal(check_at(f, 3)->reason->code, REASON_GUEST_DIED);
	assert_string_equal(check_at(f, 3)->reason->text, "BUG: at vhost.c");
	assert_int_equal(check_at(f, 1)->status, STATUS_BLOCKED);
	for (size_t i = 4; i < n; i++) {
		assert_int_equal(check_at(f, i)->status, STATUS_BLOCKED);
		assert_int_equal(check_at(f, i)->reason->code, REASON_GUEST_DIED);
		assert_string_equal(
			check_at(f, i)->reason->text,
			"not run: the run ended in vsock.features.refused: BUG: at "
			"vhost.c");
	}
	for (size_t i = 0; i < f->r.stacks.count; i++) {
		assert_int_equal(stack_at(f, i)->verdict, STACK_UNKNOWN);
		assert_int_equal(stack_at(f, i)->reason->code, REASON_GUEST_DIED);
	}
	assert_int_equal(f->j.report.summary.counts.n[STATUS_CRASH], 1);
	assert_int_equal(f->j.report.summary.counts.n[STATUS_BLOCKED], (int)n - 3);
	assert_int_equal(f->j.report.summary.exit_code, 1);
	assert_false(f->j.report.run.duration_us.set);
}

static void a_stack_that_was_running_is_unknown(void **state)
{
	struct fixture *f = *state;

	write_head(f);
	write_checks(f);
	start_stack(f, 0);
	end_stack(f, 0);
	start_stack(f, 1);
	read_well(f);
	assert_string_equal(journal_running(&f->j), "crosvm-2022");
	assert_int_equal(journal_finish(&f->j, REASON_CRASHED, "killed by signal 9"), 0);
	assert_int_equal(stack_at(f, 0)->verdict, STACK_WORKS);
	assert_int_equal(stack_at(f, 1)->verdict, STACK_UNKNOWN);
	assert_int_equal(stack_at(f, 1)->reason->code, REASON_CRASHED);
	assert_int_equal(stack_at(f, 2)->reason->code, REASON_GUEST_DIED);
	same_report(&(struct report){ .tool = f->r.tool,
				      .run = f->j.report.run,
				      .host = f->r.host,
				      .devices = f->r.devices,
				      .checks = f->r.checks,
				      .stacks = f->j.report.stacks,
				      .summary = f->j.report.summary },
		    &f->j.report);
}

static void a_death_between_checks_crashes_none(void **state)
{
	struct fixture *f = *state;

	write_head(f);
	end_check(f, 0);
	read_well(f);
	assert_null(journal_running(&f->j));
	assert_int_equal(journal_finish(&f->j, REASON_GUEST_DIED, "panic"), 0);
	assert_int_equal(f->j.report.summary.counts.n[STATUS_CRASH], 0);
	assert_string_equal(check_at(f, 1)->reason->text,
			    "not run: the run ended early: panic");
	assert_int_equal(f->j.report.summary.exit_code, 2);
}

static void a_run_without_a_plan_has_no_checks(void **state)
{
	struct fixture *f = *state;

	line(f, (struct journal_line){ .type = JOURNAL_START,
				       .start = { &f->r.tool, &f->r.run, &f->r.host } });
	read_well(f);
	assert_int_equal(journal_finish(&f->j, REASON_GUEST_DIED, "panic"), 0);
	assert_false(f->j.planned);
	assert_int_equal(f->j.report.summary.verdict, VERDICT_INCONCLUSIVE);
}

static void a_later_line_of_a_device_replaces_it(void **state)
{
	struct fixture *f = *state;
	struct report_device d = *(const struct report_device *)f->r.devices.item[1];

	write_head(f);
	d.iotlb_policy = IOTLB_STRICT;
	line(f, (struct journal_line){ .type = JOURNAL_DEVICE, .device = &d });
	read_well(f);
	assert_int_equal(f->j.report.devices.count, 2);
	assert_int_equal(
		((const struct report_device *)f->j.report.devices.item[1])->iotlb_policy,
		IOTLB_STRICT);
}

static void raw(struct fixture *f, const char *text)
{
	assert_int_equal(write(f->fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void garbage_is_refused_with_its_line(void **state)
{
	struct fixture *f = *state;

	line(f, (struct journal_line){ .type = JOURNAL_NOTE, .text = "one" });
	raw(f, "[    1.0] BUG: unable to handle\n");
	line(f, (struct journal_line){ .type = JOURNAL_NOTE, .text = "three" });
	refused(f, 2, "", "not JSON");
}

static void an_unknown_type_is_refused(void **state)
{
	struct fixture *f = *state;

	raw(f, "{\"type\":\"hallo\",\"release\":\"6\"}\n");
	refused(f, 1, "/type", "not one of the words");
}

static void a_wrong_key_is_refused_with_its_pointer(void **state)
{
	struct fixture *f = *state;

	raw(f, "{\"type\":\"hello\",\"release\":6}\n");
	refused(f, 1, "/release", "expected string");
}

static void an_empty_line_is_refused(void **state)
{
	struct fixture *f = *state;

	raw(f, "\n");
	refused(f, 1, "", "ends too early");
}

static void garbage_without_a_newline_is_a_cut_line(void **state)
{
	struct fixture *f = *state;

	line(f, (struct journal_line){ .type = JOURNAL_NOTE, .text = "one" });
	raw(f, "{\"type\":\"no");
	read_well(f);
	assert_true(f->j.truncated);
	assert_int_equal(f->j.notes.count, 1);
}

static void lines_have_an_order(void **state)
{
	struct fixture *f = *state;

	start_check(f, 0);
	refused(f, 1, "/type", "check_start before start");
}

static void a_result_needs_a_plan(void **state)
{
	struct fixture *f = *state;

	line(f, (struct journal_line){ .type = JOURNAL_START,
				       .start = { &f->r.tool, &f->r.run, &f->r.host } });
	end_check(f, 0);
	refused(f, 2, "/type", "check before the plan");
}

static void a_second_start_is_refused(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++)
		line(f, (struct journal_line){
				.type = JOURNAL_START,
				.start = { &f->r.tool, &f->r.run, &f->r.host } });
	refused(f, 2, "/type", "a second start");
}

static void a_second_result_is_refused(void **state)
{
	struct fixture *f = *state;

	write_head(f);
	end_check(f, 0);
	end_check(f, 0);
	refused(f, 6 + 1, "/check", "net.features.enumerate has a result already");
}

static void a_check_begins_after_the_last_has_its_result(void **state)
{
	struct fixture *f = *state;

	write_head(f);
	start_check(f, 0);
	start_check(f, 1);
	refused(f, 6 + 1, "/type", "begins while net.features.enumerate is running");
}

static void what_is_not_planned_is_refused(void **state)
{
	struct fixture *f = *state;
	struct report_check c = *(const struct report_check *)f->r.checks.item[0];

	write_head(f);
	c.device = "vsock";
	line(f, (struct journal_line){ .type = JOURNAL_CHECK, .check = &c });
	refused(f, 6, "/check", "is not in the plan");
}

static void an_end_needs_every_result(void **state)
{
	struct fixture *f = *state;

	write_head(f);
	write_checks(f);
	write_end(f);
	refused(f, 6 + 2 * f->r.checks.count, "/type",
		"without a verdict on crosvm-2022");
	assert_int_equal(journal_finish(&f->j, REASON_CRASHED, "x"), 0);
}

static void nothing_follows_the_end(void **state)
{
	struct fixture *f = *state;
	size_t len = 0;

	write_all_lines(f);
	(void)text_of(f, &len);
	end_check(f, 0);
	assert_int_equal(read_it(f), -EINVAL);
	assert_string_equal(f->err.at.text, "check after end");
}

static void a_plan_names_each_thing_once(void **state)
{
	struct fixture *f = *state;

	sample_check(&f->arena, &f->r, "net.features.enumerate", STATUS_PASS);
	write_head(f);
	refused(f, 5, "/checks", "net.features.enumerate on net is planned twice");
	assert_int_equal(journal_finish(&f->j, REASON_CRASHED, "x"), 0);
}

static void a_sync_on_a_port_asks_and_takes_one_answer(void **state)
{
	static const char answers[] = { JOURNAL_ANSWER, JOURNAL_ANSWER };
	char got[8];
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[1], answers, sizeof(answers)), sizeof(answers));
	assert_int_equal(journal_sync(pair[0]), 0);
	assert_int_equal(read(pair[1], got, sizeof(got)), 2);
	assert_int_equal(got[0], JOURNAL_ASK);
	assert_int_equal(got[1], '\n');
	assert_int_equal(recv(pair[0], got, sizeof(got), MSG_DONTWAIT), 1);
	/* Nobody is there to answer */
	assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	assert_int_equal(journal_sync(pair[0]), 0);
	assert_int_equal(close(pair[0]) + close(pair[1]), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_whole_journal_is_the_report),
		TEST(a_line_is_one_line_whatever_it_holds),
		TEST(each_cut_reads_as_an_unfinished_run),
		TEST(what_was_running_is_a_crash_and_the_rest_blocked),
		TEST(a_stack_that_was_running_is_unknown),
		TEST(a_death_between_checks_crashes_none),
		TEST(a_run_without_a_plan_has_no_checks),
		TEST(a_later_line_of_a_device_replaces_it),
		TEST(garbage_is_refused_with_its_line),
		TEST(an_unknown_type_is_refused),
		TEST(a_wrong_key_is_refused_with_its_pointer),
		TEST(an_empty_line_is_refused),
		TEST(garbage_without_a_newline_is_a_cut_line),
		TEST(lines_have_an_order),
		TEST(a_result_needs_a_plan),
		TEST(a_second_start_is_refused),
		TEST(a_second_result_is_refused),
		TEST(a_check_begins_after_the_last_has_its_result),
		TEST(what_is_not_planned_is_refused),
		TEST(an_end_needs_every_result),
		TEST(nothing_follows_the_end),
		TEST(a_plan_names_each_thing_once),
		TEST(a_sync_on_a_port_asks_and_takes_one_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
