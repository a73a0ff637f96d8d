/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/init.h"
#include "vm/guest.h"

enum {
	STATUS_LAB = 3,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127
};

_Noreturn static void run_child(struct guest *g, init_run_fn *run, int argc, char **argv)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setsid();
	if (dup2(null, STDIN_FILENO) < 0 || dup2(g->out, STDOUT_FILENO) < 0 ||
	    dup2(g->err, STDERR_FILENO) < 0)
		_exit(STATUS_LAB);
	fd_close(&g->out);
	fd_close(&g->err);
	(void)setenv("TERM", "dumb", 1); /* a port, which looks like a terminal */
	if (!strcmp(argv[0], "vhostcheck"))
		exit(run(argc, argv, g->journal));
	(void)setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", 1);
	(void)execvp(argv[0], argv);
	(void)fprintf(stderr, "vhostcheck: %s: %m\n", argv[0]);
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
	struct guest g;
	char **argv;
	pid_t child;
	int argc, r;

	r = guest_setup(&g);
	if (!r)
		r = guest_argv(&argc, &argv);
	if (r) {
		(void)fprintf(stderr, "vhostcheck: the guest cannot be set up: %s\n",
			      strerror(-r));
		guest_finish(&g, STATUS_LAB);
	}
	child = fork();
	if (child == 0)
		run_child(&g, run, argc, argv);
	guest_finish(&g, child < 0 ? STATUS_LAB : reap_until(child));
}
