/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/init.h"
#include "vm/guest_root.h"

enum {
	STATUS_LAB = 3,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127
};

/* What the host wants done */
struct job {
	char **argv;
	char **command; /* of GUEST_COMMAND; NULL: the checks, whose journal is the report
			 */
	int argc;
};

static bool in_root(const struct job *job)
{
	return job->command && *job->command[0];
}

static int read_job(struct job *job)
{
	int count = 0;
	int r = guest_words(GUEST_ARGV, &job->argc, &job->argv);

	if (r)
		return r;
	r = guest_words(GUEST_COMMAND, &count, &job->command);
	return r == -ENOENT ? 0 : r;
}

_Noreturn static void run_child(struct guest *g, init_run_fn *run, const struct job *job)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setsid();
	if (dup2(null, STDIN_FILENO) < 0 || dup2(g->out, STDOUT_FILENO) < 0 ||
	    dup2(g->err, STDERR_FILENO) < 0)
		_exit(STATUS_LAB);
	fd_close(&g->out);
	fd_close(&g->err);
	(void)setenv("TERM", "dumb", 1); /* a port, which looks like a terminal */
	if (in_root(job) && guest_root_dress(job->command) < 0)
		_exit(STATUS_LAB);
	(void)setenv("PATH",
		     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (!strcmp(job->argv[0], "vhostcheck"))
		exit(run(job->argc, job->argv, job->command ? -1 : g->journal));
	(void)execvp(job->argv[0], job->argv);
	(void)fprintf(stderr, "vhostcheck: %s: %m\n", job->argv[0]);
	exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

/* Until the child is gone; orphans are left to pid 1 and are reaped on the way */
static int reap_until(pid_t child)
{
	for (;;) {
		int status;
		pid_t pid = wait(&status);

		if (pid < 0 && errno != EINTR)
			return STATUS_LAB;
		if (pid == child)
			return WIFEXITED(status) ? WEXITSTATUS(status)
						 : 128 + WTERMSIG(status);
	}
}

_Noreturn void cmd_init(init_run_fn *run)
{
	struct job job = { 0 };
	struct guest g;
	pid_t child;
	int r;

	r = guest_setup(&g);
	if (!r)
		r = read_job(&job);
	if (r) {
		(void)dprintf(g.err >= 0 ? g.err : STDERR_FILENO,
			      "vhostcheck: the guest cannot be set up: %s\n",
			      strerror(-r));
		guest_finish(&g, STATUS_LAB);
	}
	if (in_root(&job) && guest_root_enter(&g))
		guest_finish(&g, STATUS_LAB);
	child = fork();
	if (child == 0)
		run_child(&g, run, &job);
	guest_finish(&g, child < 0 ? STATUS_LAB : reap_until(child));
}
