/* SPDX-License-Identifier: MIT */
/* What host_scsi and host_vdpa share: both make and take down real other ends in a guest.
 */
#ifndef LAB_HOST_H
#define LAB_HOST_H

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "base/slurp.h"
#include "run/runner.h"
#include "seam/made.h"

#define ROUNDS 100

/** struct tap - the tests so far */
struct tap {
	unsigned int tests, failed;
};

static inline void report(struct tap *tap, bool ok, const char *what)
{
	tap->tests++;
	tap->failed += !ok;
	printf("%sok %u - %s\n", ok ? "" : "not ", tap->tests, what);
	(void)fflush(stdout);
}

static inline int report_all(const struct tap *tap)
{
	printf("1..%u\n", tap->tests);
	return tap->failed != 0;
}

/** struct end - a seam to this kernel whose peer is the other end of a family */
struct end {
	struct seam_kernel *kernel;
	struct seam seam;
};

/** end_start() - make the other end. 0 or -errno; end_stop() in either case */
static inline int end_start(struct end *e, enum family family)
{
	e->kernel = seam_kernel_new(family);
	if (!e->kernel)
		abort();
	e->seam = seam_kernel_tables(e->kernel);
	return e->seam.peer->ops->start(e->seam.peer, BACKEND_TAP);
}

static inline void end_stop(struct end *e)
{
	seam_kernel_free(e->kernel);
	e->kernel = NULL;
}

/** end_lacks() - whether a start failed with @err and named @text */
static inline bool end_lacks(enum family family, int err, const char *text)
{
	struct end e = { 0 };
	int r = end_start(&e, family);
	const char *lacks = e.seam.peer->lacks ? e.seam.peer->lacks : "";
	bool ok = r == err && strstr(lacks, text);

	if (!ok)
		printf("# %d, \"%s\"\n", r, lacks);
	end_stop(&e);
	return ok;
}

/** hang_about() - until somebody kills us */
_Noreturn static inline void hang_about(void)
{
	for (;;)
		(void)pause();
}

/** end_order() - an order and its answer; its err as -errno */
static inline int end_order(struct end *e, const struct peer_request *request,
			    struct peer_reply *ret)
{
	struct peer *peer = e->seam.peer;
	struct pollfd p = { .fd = peer->ops->fd(peer), .events = POLLIN };
	int r = peer->ops->request(peer, request);

	*ret = (struct peer_reply){ 0 };
	if (r == 0 && poll(&p, 1, 10000) <= 0)
		r = -ETIMEDOUT;
	if (r == 0)
		r = peer->ops->reply(peer, ret);
	return r < 0 ? r : -ret->err;
}

/** child_of() - a child of @parent, 0 if it has none */
static inline pid_t child_of(pid_t parent)
{
	char path[64], text[256];

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent,
		       (int)parent);
	return slurp(path, text, sizeof(text)) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/** entries() - names in a directory, as a list; "-" if it is not there */
static inline void entries(const char *dir, char *ret, size_t room)
{
	struct dirent **found = NULL;
	int n = scandir(dir, &found, NULL, alphasort);
	size_t len = 0;

	(void)snprintf(ret, room, "-");
	for (int i = 0; i < n; i++) {
		if (len < room)
			len += (size_t)snprintf(ret + len, room - len, "%s ",
						found[i]->d_name);
		free(found[i]);
	}
	free(found);
}

/** struct traces - what of the kernel's would show that something was left */
struct traces {
	char target[512], vhost[512], core[512], bus[512], vduse[512], node[512];
};

static inline void traces_take(struct traces *t)
{
	entries(MADE_CONFIGFS "/target", t->target, sizeof(t->target));
	entries(MADE_CONFIGFS "/target/vhost", t->vhost, sizeof(t->vhost));
	entries(MADE_CONFIGFS "/target/core", t->core, sizeof(t->core));
	entries("/sys/bus/vdpa/devices", t->bus, sizeof(t->bus));
	entries("/sys/class/vduse", t->vduse, sizeof(t->vduse));
	entries("/dev/vduse", t->node, sizeof(t->node));
}

static inline bool traces_same(const struct traces *a)
{
	struct traces now;
	bool same = false;

	memset(&now, 0, sizeof(now));
	traces_take(&now);
	same = !strcmp(a->target, now.target) && !strcmp(a->vhost, now.vhost) &&
	       !strcmp(a->core, now.core) && !strcmp(a->bus, now.bus) &&
	       !strcmp(a->vduse, now.vduse) && !strcmp(a->node, now.node);
	if (!same)
		printf("# target %s| vhost %s| core %s| bus %s| vduse %s| node %s\n",
		       now.target, now.vhost, now.core, now.bus, now.vduse, now.node);
	return same;
}

/** typedef bind_fn - open the device, and use it so far that it holds its other end */
typedef int bind_fn(struct session *s);

/** struct bound - what a task is about, and what becomes of it (struct task.act) */
struct bound {
	enum family family;
	const char *path;
	bind_fn *bind;
};

/** run_task() - @act in a child of a runner; how it ended (enum task_end), or -errno */
static inline int run_task(const struct bound *b,
			   int (*act)(struct session *s, const void *arg),
			   unsigned int timeout_ms, const char **ret_left)
{
	static struct arena arena;
	struct runner *r = runner_new();
	struct outcome o = { 0 };
	const struct task t = {
		.device = family_names[b->family],
		.family = b->family,
		.path = b->path,
		.act = act,
		.arg = b,
		.timeout_ms = timeout_ms,
	};
	int e = r ? runner_task(r, &arena, &t, &o) : -ENOMEM;

	*ret_left = o.left;
	runner_free(r);
	return e < 0 ? e : o.end;
}

/** act_hang() - bound, it does nothing more for ever */
static inline int act_hang(struct session *s, const void *arg)
{
	int r = ((const struct bound *)arg)->bind(s);

	if (r == 0)
		hang_about();
	return r;
}

/** act_interrupt() - bound, the run is told to stop */
static inline int act_interrupt(struct session *s, const void *arg)
{
	int r = ((const struct bound *)arg)->bind(s);

	if (r == 0)
		r = kill(getppid(), SIGINT);
	if (r == 0)
		hang_about();
	return r;
}

/** act_die() - bound, it and its peer are killed: of this side nobody is left */
static inline int act_die(struct session *s, const void *arg)
{
	int r = ((const struct bound *)arg)->bind(s);

	if (r == 0 && kill(child_of(getpid()), SIGKILL) == 0)
		(void)raise(SIGKILL);
	return r;
}

/** test_end() - a task that ends so, in time, and nothing that it leaves */
static inline void test_end(struct tap *tap, const struct bound *b,
			    int (*act)(struct session *s, const void *arg),
			    enum task_end end, const char *what,
			    const struct traces *before)
{
	unsigned int ms = end == TASK_DEADLINE ? 3000 : 20000;
	const char *left = NULL;

	report(tap, run_task(b, act, ms, &left) == (int)end, what);
	report(tap, !left && traces_same(before), "and nothing is left");
}

/** test_ends() - made and taken down by whoever is left to do it */
static inline void test_ends(struct tap *tap, const struct bound *b,
			     const struct traces *before)
{
	test_end(tap, b, act_hang, TASK_DEADLINE,
		 "a check is killed at its deadline with its device bound", before);
	test_end(tap, b, act_interrupt, TASK_INTERRUPTED, "a run is interrupted", before);
	test_end(tap, b, act_die, TASK_SIGNALLED, "a check and its peer are killed",
		 before);
}

/** leave() - a process of its own makes the other end, and it and all of it are killed */
static inline pid_t leave(enum family family)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct end e = { 0 };

		if (end_start(&e, family) < 0 || kill(child_of(getpid()), SIGSTOP) < 0 ||
		    kill(child_of(getpid()), SIGKILL) < 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	(void)waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? pid : 0;
}

/** WORDS() - the arguments of vhostcheck(), WORDS_MAX at most */
#define WORDS_MAX 24u
#define WORDS(...) ((const char *const[]){ "vhostcheck", __VA_ARGS__, NULL })

/** vhostcheck() - run it with WORDS(); its exit status, its output in @ret */
static inline int vhostcheck(const char *const *words, char *ret, size_t room)
{
	char *argv[WORDS_MAX + 1] = { NULL };
	int ends[2], status = 0;
	size_t len = 0;
	ssize_t n = 0;
	pid_t pid = 0;

	if (pipe(ends) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)dup2(ends[1], STDERR_FILENO);
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
		for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
			argv[i] = strdup(words[i]);
		(void)execv("/init", argv);
		_exit(127);
	}
	(void)close(ends[1]);
	while (len + 1 < room && (n = read(ends[0], ret + len, room - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = '\0';
	(void)close(ends[0]);
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/** test_leftovers() - what killed processes leave is shown, and removed when asked */
static inline void test_leftovers(struct tap *tap, enum family family,
				  const struct traces *before)
{
	char text[8192], name[64];
	pid_t pid = leave(family);

	(void)snprintf(name, sizeof(name),
		       family == FAMILY_SCSI ? "naa.3766863%09d" : "vhostcheck-%d-0",
		       (int)pid);
	report(tap, pid > 0 && made_any("", pid), "killed processes leave it behind");
	report(tap,
	       vhostcheck(WORDS("list", "--leftovers"), text, sizeof(text)) == 0 &&
		       strstr(text, name),
	       "which list --leftovers shows");
	report(tap,
	       vhostcheck(WORDS("list", "--leftovers", "--remove"), text, sizeof(text)) ==
			       0 &&
		       strstr(text, "removed "),
	       "and --remove removes");
	report(tap, traces_same(before), "so that nothing is left");
	report(tap,
	       vhostcheck(WORDS("list", "--leftovers"), text, sizeof(text)) == 0 &&
		       !strstr(text, name),
	       "nor shown");
}

#endif
