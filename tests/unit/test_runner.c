/* SPDX-License-Identifier: MIT */
/* link: -Wl,--wrap=kill -Wl,--wrap=pidfd_open */
/* The ways in which a child ends, what it leaves behind, and signals. */
#include <dirent.h>
#include <string.h>

#include "runner_fixture.h"

/* ------------------------------------------------------ replaced functions */

/* A process that cannot be killed is one whose SIGKILL gets lost on the way. */
static bool kills_are_lost;
static pid_t lost_kill;
static bool no_pidfd;

int __real_kill(pid_t pid, int sig);
int __wrap_kill(pid_t pid, int sig);
int __real_pidfd_open(pid_t pid, unsigned int flags);
int __wrap_pidfd_open(pid_t pid, unsigned int flags);

int __wrap_kill(pid_t pid, int sig)
{
	if (!kills_are_lost)
		return __real_kill(pid, sig);
	lost_kill = pid;
	return 0;
}

int __wrap_pidfd_open(pid_t pid, unsigned int flags)
{
	if (!no_pidfd)
		return __real_pidfd_open(pid, flags);
	errno = ENOMEM;
	return -1;
}

static int teardown(void **state)
{
	kills_are_lost = no_pidfd = false;
	return fixture_teardown(state);
}

/* ------------------------------------------------------------ ways to end */

static int act_finish(struct session *s, const void *arg)
{
	session_fact(s, "said", "word", "%s", (const char *)arg);
	return 0;
}

static void test_what_a_child_saw_arrives(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_finish, "hello", LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_FINISHED);
	assert_int_equal(f->o.number, 0);
	assert_int_equal(f->o.gave_up, 0);
	assert_int_equal(f->o.evidence.ev.count, 1);
	assert_string_equal(fact(f, "said"), "hello");
	assert_string_equal(f->o.step, "");
	assert_true(f->o.duration_us > 0 && f->o.duration_us < 2 * HALF_OF_LONG_US);
	assert_null(runner_wedged(f->runner, "vsock"));
}

static int act_give_up(struct session *s, const void *arg)
{
	session_fact(s, "said", "word", "before");
	return *(const int *)arg;
}

static void test_an_act_that_gives_up_is_told_by_its_errno(void **state)
{
	static const int errnos[] = { ENODATA, ETIME, EPERM, ENOTSUP };
	static const int nameless = -524; /* ENOTSUPP of the kernel */
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
		int r = -errnos[i];

		assert_int_equal(run(f, act_give_up, &r, LONG_MS), 0);
		assert_int_equal(f->o.end, TASK_FINISHED);
		assert_int_equal(f->o.gave_up, errnos[i]);
		/* the word of the collector is no evidence */
		assert_int_equal(f->o.evidence.ev.count, 1);
	}
	assert_int_equal(run(f, act_give_up, &nameless, LONG_MS), 0);
	assert_int_equal(f->o.gave_up, EIO);
}

static int act_crash(struct session *s, const void *arg)
{
	session_fact(s, "said", "word", "before");
	at(s, "boom", "VHOST_SET_OWNER");
	(void)signal(*(const int *)arg, SIG_DFL); /* the sanitizer's handler goes */
	(void)raise(*(const int *)arg);
	hang();
}

static void test_a_crash_is_named_and_what_came_before_it_is_kept(void **state)
{
	static const int signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGKILL };
	struct fixture *f = *state;
	char dir[] = "/tmp/vhostcheck-test-XXXXXX";
	char here[4096];
	DIR *d = NULL;
	size_t files = 0;

	assert_non_null(getcwd(here, sizeof(here)));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		assert_int_equal(run(f, act_crash, &signals[i], LONG_MS), 0);
		assert_int_equal(f->o.end, TASK_SIGNALLED);
		assert_int_equal(f->o.number, signals[i]);
		assert_string_equal(fact(f, "said"), "before");
		assert_string_equal(f->o.step, "boom");
		assert_string_equal(f->o.call, "VHOST_SET_OWNER");
	}
	d = opendir(".");
	assert_non_null(d);
	while (readdir(d))
		files++;
	(void)closedir(d);
	assert_int_equal(files, 2); /* . and .., no core */
	assert_int_equal(chdir(here), 0);
	assert_int_equal(rmdir(dir), 0);
}

static int act_exit(struct session *s, const void *arg)
{
	session_fact(s, "said", "word", "before");
	_exit(*(const int *)arg);
}

static void test_an_early_exit_keeps_its_status(void **state)
{
	static const int zero = 0;
	static const int seven = 7;
	struct fixture *f = *state;

	assert_int_equal(run(f, act_exit, &zero, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_FINISHED);
	assert_string_equal(fact(f, "said"), "before");
	assert_int_equal(run(f, act_exit, &seven, LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_HARNESS);
	assert_int_equal(f->o.number, 7);
	assert_string_equal(fact(f, "said"), "before");
}

static int act_hang(struct session *s, const void *arg)
{
	sigset_t all;

	(void)arg;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)signal(SIGTERM, SIG_IGN);
	session_fact(s, "said", "word", "before");
	at(s, "start", "VHOST_VSOCK_SET_RUNNING");
	hang();
}

static void test_a_hang_ends_at_the_deadline_and_its_call_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_hang, NULL, SHORT_MS), 0);
	assert_int_equal(f->o.end, TASK_DEADLINE);
	assert_string_equal(f->o.step, "start");
	assert_string_equal(f->o.call, "VHOST_VSOCK_SET_RUNNING");
	assert_string_equal(fact(f, "said"), "before");
	assert_in_range(f->o.duration_us, SHORT_MS * 1000, 2000000);
	assert_null(runner_wedged(f->runner, "vsock"));
}

static int act_until(struct session *s, const void *arg)
{
	(void)arg;
	session_fact(s, "left", "ms", "%d", deadline_left_ms(s->until));
	return 0;
}

static void test_the_waits_of_a_child_end_before_its_own_end(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, act_until, NULL, SHORT_MS), 0);
	assert_in_range(strtol(fact(f, "left"), NULL, 10), 1, SHORT_MS / 2);
	assert_int_equal(run(f, act_until, NULL, LONG_MS), 0);
	assert_in_range(strtol(fact(f, "left"), NULL, 10), LONG_MS / 2, LONG_MS - 500);
}

/* ------------------------------------------------------ what is left over */

static int act_leave_behind(struct session *s, const void *arg)
{
	struct page *page = *(struct page *const *)arg;
	pid_t pid = fork();

	if (pid == 0) {
		page->grandchild = getpid();
		hang();
	}
	while (!page->grandchild)
		nap();
	session_fact(s, "said", "word", "before");
	if (page->child)
		hang();
	return pid < 0 ? -errno : 0;
}

static void test_what_a_child_left_running_ends_with_it(void **state)
{
	struct fixture *f = *state;

	for (int hangs = 0; hangs < 2; hangs++) {
		f->page->grandchild = 0;
		f->page->child = hangs;
		assert_int_equal(
			run(f, act_leave_behind, &f->page, hangs ? SHORT_MS : LONG_MS),
			0);
		assert_int_equal(f->o.end, hangs ? TASK_DEADLINE : TASK_FINISHED);
		assert_string_equal(fact(f, "said"), "before");
		assert_true(f->page->grandchild > 0);
		assert_true(ends(f->page->grandchild));
	}
}

static void
test_a_child_that_cannot_be_killed_is_abandoned_and_holds_its_device(void **state)
{
	struct fixture *f = *state;
	pid_t pid = 0;

	kills_are_lost = true;
	assert_int_equal(run(f, act_hang, NULL, SHORT_MS), 0);
	kills_are_lost = false;
	pid = lost_kill;
	assert_true(pid > 0);
	assert_int_equal(f->o.end, TASK_ABANDONED);
	assert_string_equal(f->o.step, "start");
	assert_string_equal(fact(f, "said"), "before");
	assert_non_null(runner_wedged(f->runner, "vsock"));
	assert_non_null(strstr(runner_wedged(f->runner, "vsock"), "/dev/vhost-vsock"));
	assert_non_null(strstr(runner_wedged(f->runner, "vsock"), "\"start\""));
	assert_null(runner_wedged(f->runner, "net"));
	/* the next task is not disturbed by it */
	assert_int_equal(run(f, act_finish, "hello", LONG_MS), 0);
	assert_int_equal(f->o.end, TASK_FINISHED);
	assert_int_equal(__real_kill(pid, 0), 0);
	assert_int_equal(__real_kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_a_child_that_cannot_be_watched_is_not_left_behind(void **state)
{
	struct fixture *f = *state;

	no_pidfd = true;
	assert_int_equal(run(f, act_hang, NULL, LONG_MS), -ENOMEM);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static size_t count_lines(const char *path)
{
	FILE *in = fopen(path, "re");
	size_t n = 0;
	int c = 0;

	assert_non_null(in);
	while ((c = fgetc(in)) != EOF)
		n += c == '\n';
	(void)fclose(in);
	return n;
}

static size_t count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

static void run_some(struct fixture *f, int n)
{
	for (int i = 0; i < n; i++) {
		assert_int_equal(run(f, act_finish, "hello", LONG_MS), 0);
		assert_int_equal(f->o.end, TASK_FINISHED);
		arena_done(&f->arena);
	}
}

static void test_200_tasks_leave_nothing_behind(void **state)
{
	struct fixture *f = *state;
	size_t fds = 0;
	size_t maps = 0;

	run_some(f, 10);
	fds = count_fds();
	maps = count_lines("/proc/self/maps");
	run_some(f, 200);
	assert_int_equal(count_fds(), fds);
	/* some slack for the allocator's own */
	assert_in_range(count_lines("/proc/self/maps"), 0, maps + 20);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* ------------------------------------------------------------------ signals */

static int act_stop_the_run(struct session *s, const void *arg)
{
	(void)s;
	(void)kill(getppid(), *(const int *)arg);
	hang();
}

static void test_a_signal_interrupts_and_stays_visible(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		assert_int_equal(runner_signal(f->runner), 0);
		assert_int_equal(run(f, act_stop_the_run, &signals[i], LONG_MS), 0);
		assert_int_equal(f->o.end, TASK_INTERRUPTED);
		assert_int_equal(f->o.number, signals[i]);
		assert_true(f->o.duration_us < HALF_OF_LONG_US);
		assert_int_equal(runner_signal(f->runner), signals[i]);
		/* what is run after it is cut at once, and the first signal is kept */
		assert_int_equal(raise(SIGTERM), 0);
		assert_int_equal(run(f, act_hang, NULL, LONG_MS), 0);
		assert_int_equal(f->o.end, TASK_INTERRUPTED);
		assert_int_equal(runner_signal(f->runner), signals[i]);
		/* the one that is pending must not end this process now */
		runner_free(f->runner);
		f->runner = runner_new();
		assert_non_null(f->runner);
	}
}

static void test_the_signal_mask_is_as_before(void **state)
{
	struct fixture *f = *state;
	sigset_t before;
	sigset_t during;
	sigset_t after;
	struct runner *r = NULL;

	runner_free(f->runner);
	f->runner = NULL;
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &before), 0);
	r = runner_new();
	assert_non_null(r);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &during), 0);
	assert_true(sigismember(&during, SIGINT) && sigismember(&during, SIGTERM) &&
		    sigismember(&during, SIGHUP));
	runner_free(r);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	for (int sig = 1; sig < 32; sig++)
		assert_int_equal(sigismember(&after, sig), sigismember(&before, sig));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_200_tasks_leave_nothing_behind),
		TEST(test_what_a_child_saw_arrives),
		TEST(test_an_act_that_gives_up_is_told_by_its_errno),
		TEST(test_a_crash_is_named_and_what_came_before_it_is_kept),
		TEST(test_an_early_exit_keeps_its_status),
		TEST(test_a_hang_ends_at_the_deadline_and_its_call_is_named),
		TEST(test_the_waits_of_a_child_end_before_its_own_end),
		TEST(test_what_a_child_left_running_ends_with_it),
		TEST(test_a_child_that_cannot_be_killed_is_abandoned_and_holds_its_device),
		TEST(test_a_child_that_cannot_be_watched_is_not_left_behind),
		TEST(test_a_signal_interrupts_and_stays_visible),
		TEST(test_the_signal_mask_is_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
