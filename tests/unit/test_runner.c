/* SPDX-License-Identifier: MIT */
/* link: -Wl,--wrap=kill -Wl,--wrap=pidfd_open */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "run/runner.h"

#define EVIDENCE_SOCKET 3
#define SHORT_MS 300u
#define LONG_MS 20000u
#define HALF_OF_LONG_US (UINT64_C(500) * LONG_MS)

/** struct page - what a child tells the test past the runner, in shared memory */
struct page {
	volatile pid_t child, grandchild;
};

/** struct fixture - a runner, and what one task made */
struct fixture {
	struct runner *runner;
	struct arena arena;
	struct outcome o;
	struct page *page;
};

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

/* ----------------------------------------------------------------- helpers */

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->page = mmap(NULL, sizeof(*f->page), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	f->runner = runner_new();
	*state = f;
	return f->page == MAP_FAILED || !f->runner ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kills_are_lost = no_pidfd = false;
	runner_free(f->runner);
	arena_done(&f->arena);
	(void)munmap(f->page, sizeof(*f->page));
	free(f);
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : -1;
}

static int run(struct fixture *f, int (*act)(struct session *, const void *),
	       const void *arg, unsigned int timeout_ms)
{
	const struct task t = {
		.device = "vsock",
		.family = FAMILY_VSOCK,
		.path = "/dev/vhost-vsock",
		.act = act,
		.arg = arg,
		.timeout_ms = timeout_ms,
	};

	return runner_task(f->runner, &f->arena, &t, &f->o);
}

static const char *fact(const struct fixture *f, const char *step)
{
	const struct ev *ev = ev_find(&f->o.evidence, EV_FACT, step);

	return ev ? ev->fact.value : NULL;
}

static void nap(void)
{
	(void)poll(NULL, 0, 1);
}

/* Until a process is gone or a zombie; false after 5 s. */
static bool ends(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 5000; i++, nap()) {
		char text[256] = "";
		FILE *stat = fopen(path, "re");
		const char *paren = NULL;

		if (!stat)
			return true;
		(void)!fgets(text, sizeof(text), stat);
		(void)fclose(stat);
		paren = strrchr(text, ')');
		if (!paren || paren[2] == 'Z' || paren[2] == 'X')
			return true;
	}
	return false;
}

static void at(struct session *s, const char *step, const char *call)
{
	s->rec->begin(s->rec, step, call);
}

_Noreturn static void hang(void)
{
	for (;;)
		pause();
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

/* -------------------------------------------------------- floods and lies */

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

/* ------------------------------------------------------- the child's world */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_child_saw_arrives),
		TEST(test_an_act_that_gives_up_is_told_by_its_errno),
		TEST(test_a_crash_is_named_and_what_came_before_it_is_kept),
		TEST(test_an_early_exit_keeps_its_status),
		TEST(test_a_hang_ends_at_the_deadline_and_its_call_is_named),
		TEST(test_the_waits_of_a_child_end_before_its_own_end),
		TEST(test_200_tasks_leave_nothing_behind), /* while this process is small
							    */
		TEST(test_a_flood_is_cut),
		TEST(test_a_heavy_flood_is_cut_before_it_takes_all_memory),
		TEST(test_what_is_no_evidence_counts_towards_a_flood),
		TEST(test_what_is_no_evidence_ends_the_child_at_once),
		TEST(test_a_line_over_64_KiB_is_refused),
		TEST(test_an_observation_that_cannot_be_sent_is_the_harness_fault),
		TEST(test_a_child_that_shuts_up_is_still_waited_for),
		TEST(test_the_place_of_a_child_is_plain_text_and_bounded),
		TEST(test_what_a_child_left_running_ends_with_it),
		TEST(test_a_child_that_cannot_be_killed_is_abandoned_and_holds_its_device),
		TEST(test_a_child_that_cannot_be_watched_is_not_left_behind),
		TEST(test_a_signal_interrupts_and_stays_visible),
		TEST(test_the_signal_mask_is_as_before),
		TEST(test_a_child_has_no_descriptor_but_null_and_its_socket),
		TEST(test_a_child_is_modest),
		TEST(test_a_child_of_a_nicer_parent_is_as_nice),
		TEST(test_a_reader_of_our_output_does_not_wait_for_a_stuck_child),
		TEST(test_a_child_dies_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
