/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "vm/jobs.h"

static const char *const names[] = { "a", "b", "c", "d", "e" };
static struct vm_error err;

static int no_child_is_left(void **state)
{
	(void)state;
	return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
}

static int square(void *ctx, size_t i, void *result, struct vm_error *ret)
{
	(void)ctx;
	(void)ret;
	*(size_t *)result = i * i;
	return 0;
}

static void every_job_gives_its_result(void **state)
{
	size_t results[5] = { 0 };
	const struct vm_jobs j = { .count = 5,
				   .fn = square,
				   .result = results,
				   .size = sizeof(results[0]),
				   .name = names,
				   .stop_fd = -1 };

	(void)state;
	assert_int_equal(vm_jobs_run(&j, &err), 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(results[i], i * i);
}

static void no_job_is_no_failure(void **state)
{
	const struct vm_jobs none = { .fn = square, .stop_fd = -1 };

	(void)state;
	assert_int_equal(vm_jobs_run(&none, &err), 0);
}

/* Where two run at a time, the first one fails after the second: once a byte came */
static int fail_late(void *ctx, size_t i, void *result, struct vm_error *ret)
{
	const int *ends = ctx;
	struct pollfd p = { .fd = ends[0], .events = POLLIN };

	(void)result;
	if (i == 0)
		(void)poll(&p, 1, 300); /* on one core the other one is not there */
	else if (write(ends[1], "x", 1) != 1)
		return -EIO;
	return vm_fail(ret, VM_FAULT_BAD_FILE, -EILSEQ, names[i], "fetch it again",
		       "is bad");
}

static void the_first_in_order_is_the_one_that_is_told(void **state)
{
	int ends[2];
	const struct vm_jobs j = {
		.count = 2, .fn = fail_late, .ctx = ends, .name = names, .stop_fd = -1
	};

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(vm_jobs_run(&j, &err), -EILSEQ);
	assert_int_equal(err.fault, VM_FAULT_BAD_FILE);
	assert_string_equal(err.text, "a: is bad");
	assert_string_equal(err.hint, "fetch it again");
	assert_int_equal(close(ends[0]) + close(ends[1]), 0);
}

/* The first fails at once, the others would not end by themselves */
static int fail_first(void *ctx, size_t i, void *result, struct vm_error *ret)
{
	(void)ctx;
	(void)result;
	if (i == 0)
		return vm_fail(ret, VM_FAULT_BAD_FILE, -EILSEQ, names[i], NULL, "is bad");
	for (;;)
		(void)pause();
}

static void those_behind_a_failure_are_ended(void **state)
{
	const struct vm_jobs j = {
		.count = 5, .fn = fail_first, .name = names, .stop_fd = -1
	};

	(void)state;
	assert_int_equal(vm_jobs_run(&j, &err), -EILSEQ);
	assert_string_equal(err.text, "a: is bad");
}

static int die(void *ctx, size_t i, void *result, struct vm_error *ret)
{
	(void)i;
	(void)result;
	(void)ret;
	if (!ctx)
		_exit(7);
	(void)raise(SIGKILL);
	return 0;
}

static void a_job_that_dies_is_told_by_the_name_of_its_file(void **state)
{
	struct vm_jobs j = {
		.count = 1, .fn = die, .ctx = &err, .name = names, .stop_fd = -1
	};

	(void)state;
	assert_int_equal(vm_jobs_run(&j, &err), -ECHILD);
	assert_string_equal(err.text, "a: the process that read it was ended by SIGKILL");
	j.ctx = NULL;
	assert_int_equal(vm_jobs_run(&j, &err), -ECHILD);
	assert_string_equal(err.text, "a: the process that read it ended with status 7");
}

/* Obeys as those of vm/ do: it looks at the descriptor, which shows its own signals */
static int until_stopped(void *ctx, size_t i, void *result, struct vm_error *ret)
{
	struct pollfd p = { .fd = *(const int *)ctx, .events = POLLIN };

	(void)i;
	(void)result;
	while (poll(&p, 1, -1) != 1)
		;
	return vm_fail_errno(ret, -EINTR, NULL, "cannot go on");
}

static void a_stop_of_the_parent_alone_stops_all(void **state)
{
	sigset_t set, old;
	int fd;

	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(raise(SIGTERM), 0);
	{
		const struct vm_jobs j = { .count = 3,
					   .fn = until_stopped,
					   .ctx = &fd,
					   .name = names,
					   .stop_fd = fd };

		assert_int_equal(vm_jobs_run(&j, &err), -EINTR);
	}
	assert_int_equal(err.fault, VM_FAULT_STOPPED);
	assert_int_equal(sigtimedwait(&set, NULL, &(struct timespec){ 0 }), SIGTERM);
	assert_int_equal(close(fd), 0);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_job_gives_its_result, no_child_is_left),
		cmocka_unit_test_teardown(no_job_is_no_failure, no_child_is_left),
		cmocka_unit_test_teardown(the_first_in_order_is_the_one_that_is_told,
					  no_child_is_left),
		cmocka_unit_test_teardown(those_behind_a_failure_are_ended,
					  no_child_is_left),
		cmocka_unit_test_teardown(a_job_that_dies_is_told_by_the_name_of_its_file,
					  no_child_is_left),
		cmocka_unit_test_teardown(a_stop_of_the_parent_alone_stops_all,
					  no_child_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
