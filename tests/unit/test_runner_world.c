/* SPDX-License-Identifier: MIT */
/* What a child has of the world: descriptors, limits, its parent. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "runner_fixture.h"

static int act_show_fds(struct session *s, const void *arg)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e = NULL;

	(void)arg;
	if (!d)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		int fd = (int)strtol(e->d_name, NULL, 10);
		char link[64];
		char target[64] = "";

		if (e->d_name[0] == '.' || fd == dirfd(d))
			continue;
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		(void)!readlink(link, target, sizeof(target) - 1);
		session_fact(s, e->d_name, "fd", "%.7s", target);
	}
	(void)closedir(d);
	return 0;
}

static void test_a_child_has_no_descriptor_but_null_and_its_socket(void **state)
{
	struct fixture *f = *state;
	int inherited = open("/proc/self/stat", O_RDONLY); /* without O_CLOEXEC */

	assert_true(inherited > 3);
	assert_int_equal(dup2(inherited, 200), 200);
	assert_int_equal(run(f, act_show_fds, NULL, LONG_MS), 0);
	(void)close(200);
	(void)close(inherited);
	assert_int_equal(f->o.evidence.ev.count, 4);
	assert_string_equal(fact(f, "0"), "/dev/nu");
	assert_string_equal(fact(f, "1"), "/dev/nu");
	assert_string_equal(fact(f, "2"), "/dev/nu");
	assert_string_equal(fact(f, "3"), "socket:");
}

static int act_show_limits(struct session *s, const void *arg)
{
	struct rlimit core = { 9, 9 };
	char score[16] = "";
	sigset_t mask;
	FILE *in = fopen("/proc/self/oom_score_adj", "re");

	(void)arg;
	(void)getrlimit(RLIMIT_CORE, &core);
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	if (in && fgets(score, sizeof(score), in))
		score[strcspn(score, "\n")] = '\0';
	if (in)
		(void)fclose(in);
	session_fact(s, "core", "limit", "%lu %lu", core.rlim_cur, core.rlim_max);
	session_fact(s, "oom", "score", "%s", score);
	session_fact(s, "nice", "value", "%d", getpriority(PRIO_PROCESS, 0));
	session_fact(s, "group", "leader", "%s", getpgrp() == getpid() ? "yes" : "no");
	session_fact(s, "mask", "SIGTERM", "%d", sigismember(&mask, SIGTERM));
	session_fact(s, "pipe", "default", "%s",
		     signal(SIGPIPE, SIG_DFL) == SIG_DFL ? "yes" : "no");
	return 0;
}

static void test_a_child_is_modest(void **state)
{
	struct fixture *f = *state;

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(run(f, act_show_limits, NULL, LONG_MS), 0);
	(void)signal(SIGPIPE, SIG_DFL);
	/* 1 byte, not 0: that also keeps a pipe handler from being started (core(5)) */
	assert_string_equal(fact(f, "core"), "1 1");
	assert_string_equal(fact(f, "oom"), "1000");
	assert_true(strtol(fact(f, "nice"), NULL, 10) >= 5);
	assert_string_equal(fact(f, "group"), "yes");
	assert_string_equal(fact(f, "mask"), "0");
	assert_string_equal(fact(f, "pipe"), "yes");
}

/* In a process of its own, since a user cannot take niceness back. */
static void test_a_child_of_a_nicer_parent_is_as_nice(void **state)
{
	struct fixture *f = *state;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		bool good = setpriority(PRIO_PROCESS, 0, 12) == 0 &&
			    run(f, act_show_limits, NULL, LONG_MS) == 0 &&
			    fact(f, "nice") && strtol(fact(f, "nice"), NULL, 10) == 12;

		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int act_outlive(struct session *s, const void *arg)
{
	struct page *page = *(struct page *const *)arg;

	(void)s;
	(void)prctl(PR_SET_PDEATHSIG, 0);
	page->child = getpid();
	hang();
}

static void test_a_reader_of_our_output_does_not_wait_for_a_stuck_child(void **state)
{
	struct fixture *f = *state;
	struct pollfd out = { .events = POLLIN };
	int pair[2] = { -1, -1 };
	char byte = 0;
	pid_t pid = 0;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		if (dup2(pair[1], STDOUT_FILENO) < 0 || dup2(pair[1], STDERR_FILENO) < 0)
			_exit(1);
		(void)close(pair[0]);
		(void)!run(f, act_outlive, &f->page, LONG_MS);
		_exit(1);
	}
	(void)close(pair[1]);
	for (int i = 0; i < 5000 && !f->page->child; i++)
		nap();
	assert_true(f->page->child > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	out.fd = pair[0];
	assert_int_equal(poll(&out, 1, 2000), 1);
	assert_int_equal(read(pair[0], &byte, 1), 0);
	assert_int_equal(kill(f->page->child, 0), 0); /* it hangs on */
	assert_int_equal(kill(f->page->child, SIGKILL), 0);
	assert_int_equal(waitpid(f->page->child, NULL, 0), f->page->child);
	(void)close(pair[0]);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static int act_wait_for_death(struct session *s, const void *arg)
{
	struct page *page = *(struct page *const *)arg;

	(void)s;
	page->child = getpid();
	hang();
}

static void test_a_child_dies_with_its_parent(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();

	if (pid == 0) {
		(void)!run(f, act_wait_for_death, &f->page, LONG_MS);
		_exit(1);
	}
	for (int i = 0; i < 5000 && !f->page->child; i++)
		nap();
	assert_true(f->page->child > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(ends(f->page->child));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_child_has_no_descriptor_but_null_and_its_socket),
		TEST(test_a_child_is_modest),
		TEST(test_a_child_of_a_nicer_parent_is_as_nice),
		TEST(test_a_reader_of_our_output_does_not_wait_for_a_stuck_child),
		TEST(test_a_child_dies_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
