/* SPDX-License-Identifier: MIT */
/*
 * The tracer, on trace_tracee beside this program, which makes ioctls with the magic of
 * vhost on /dev/null, which refuses them.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "trace/tracer.h"

#define CALL 0xaf01u
#define TREE 500

/** struct seen - what the tracer told */
struct seen {
	unsigned int calls, returned, refused, ends;
	uint64_t last[6];
	pid_t pid, tid;
};

static bool enter(void *ctx, struct tracer_call *call)
{
	struct seen *s = ctx;

	s->calls++;
	s->pid = call->pid;
	s->tid = call->tid;
	memcpy(s->last, call->arg, sizeof(s->last));
	call->own = malloc(8); /* freed by the tracer, says LeakSanitizer */
	return true;
}

static void leave(void *ctx, struct tracer_call *call)
{
	struct seen *s = ctx;

	s->returned += call->returned;
	s->refused += call->returned && call->err == ENOTTY && call->ret == -1;
}

static void exiting(void *ctx, pid_t tid)
{
	struct seen *s = ctx;

	(void)tid;
	s->ends++;
}

/* Runs a mode of the program; the wait status. */
static int follow(const char *mode, struct seen *seen, uint64_t *ret_stops)
{
	const struct tracer_reader reader = { enter, leave, exiting, seen };
	char path[PATH_MAX] = { 0 }, word[32];
	char *argv[] = { path, word, NULL };
	enum tracer_step step = TRACER_START;
	struct tracer t;
	int status = 0;

	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 32) > 0);
	strrchr(path, '/')[1] = '\0';
	(void)strncat(path, "trace_tracee", sizeof(path) - strlen(path) - 1);
	(void)snprintf(word, sizeof(word), "%s", mode);
	*seen = (struct seen){ 0 };
	assert_int_equal(tracer_start(&t, &reader, argv, &step), 0);
	assert_int_equal(tracer_run(&t), 0);
	assert_int_equal(t.tasks, 0);
	status = t.status;
	if (ret_stops)
		*ret_stops = t.stops;
	tracer_done(&t);
	return status;
}

/* -------------------------------------------------------------------- tests */

static void test_a_call_is_seen_before_and_after(void **state)
{
	struct seen s = { 0 };
	uint64_t stops = 0;
	int status = follow("one", &s, &stops);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.refused, 1);
	assert_int_equal(s.last[1], CALL);
	assert_int_equal(s.last[2], 42);
	assert_int_equal(s.pid, s.tid);
	assert_int_equal(stops, 2);
	assert_int_equal(s.ends, 1);
}

static void test_threads_are_of_their_process(void **state)
{
	struct seen s = { 0 };

	(void)state;
	(void)follow("threads", &s, NULL);
	assert_int_equal(s.calls, 8);
	assert_int_equal(s.refused, 8);
	assert_int_not_equal(s.pid, s.tid);
	assert_true(s.ends >= 9);
}

static void test_a_tree_of_500_processes(void **state)
{
	struct seen s = { 0 };
	int status = follow("tree", &s, NULL);

	(void)state;
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(s.calls, TREE);
	assert_int_equal(s.refused, TREE);
	assert_true(s.ends >= TREE + 1);
}

static void test_an_exec_by_a_thread_is_followed(void **state)
{
	struct seen s = { 0 };
	int status = follow("exec", &s, NULL);

	(void)state;
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.refused, 1);
}

static void test_a_filter_of_its_own_hides_nothing(void **state)
{
	struct seen s = { 0 };
	int status = follow("filter", &s, NULL);

	(void)state;
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(s.refused, 1);
}

static void test_other_calls_do_not_stop(void **state)
{
	struct seen s = { 0 };
	uint64_t stops = 1;

	(void)state;
	(void)follow("quiet", &s, &stops);
	assert_int_equal(stops, 0);
	assert_int_equal(s.calls, 0);
}

static void test_reads_and_writes_of_the_size_of_a_message(void **state)
{
	struct seen s = { 0 };

	(void)state;
	(void)follow("sizes", &s, NULL);
	assert_int_equal(s.calls, 6);
}

static void test_signals_end_the_program_as_they_do(void **state)
{
	struct seen s = { 0 };
	int status = follow("killed", &s, NULL);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	status = follow("stopped", &s, NULL);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static int cannot(const char *program)
{
	struct seen seen = { 0 };
	const struct tracer_reader reader = { enter, leave, exiting, &seen };
	char name[64];
	char *argv[] = { name, NULL };
	enum tracer_step step = TRACER_START;
	struct tracer t;
	int e = 0;

	(void)snprintf(name, sizeof(name), "%s", program);
	e = tracer_start(&t, &reader, argv, &step);
	assert_int_equal(step, TRACER_EXEC);
	tracer_done(&t);
	return e;
}

static void test_a_program_that_cannot_be_executed(void **state)
{
	(void)state;
	assert_int_equal(cannot("/no/such/program"), -ENOENT);
	assert_int_equal(cannot("/dev/null"), -EACCES);
	/* nothing is left to wait for */
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_call_is_seen_before_and_after),
		cmocka_unit_test(test_threads_are_of_their_process),
		cmocka_unit_test(test_a_tree_of_500_processes),
		cmocka_unit_test(test_an_exec_by_a_thread_is_followed),
		cmocka_unit_test(test_a_filter_of_its_own_hides_nothing),
		cmocka_unit_test(test_other_calls_do_not_stop),
		cmocka_unit_test(test_reads_and_writes_of_the_size_of_a_message),
		cmocka_unit_test(test_signals_end_the_program_as_they_do),
		cmocka_unit_test(test_a_program_that_cannot_be_executed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
