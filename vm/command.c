/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "vm/command.h"

static int spawn_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	r = posix_spawnattr_setsigmask(attr, &none);
	if (!r)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (!r)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
							   POSIX_SPAWN_SETSIGDEF);
	return -r;
}

static int spawn_into(char *const argv[], char *const env[], int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&files);

	if (r)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r) {
		(void)posix_spawn_file_actions_destroy(&files);
		return -r;
	}
	r = spawn_attributes(&attr);
	if (!r)
		r = -posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY,
						      0);
	if (!r)
		r = -posix_spawn_file_actions_adddup2(&files, out, 1);
	if (!r)
		r = -posix_spawn_file_actions_adddup2(&files, out, 2);
	if (!r)
		r = -posix_spawn(ret_pid, argv[0], &files, &attr, argv, env);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return r;
}

/* Until end of file; what does not fit is read all the same, so that the program ends */
static int read_text(int fd, struct deadline until, char *text)
{
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char buf[4096];
		size_t take;
		ssize_t n;
		int r = poll(&p, 1, deadline_left_ms(until));

		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r < 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		take = COMMAND_TEXT_MAX - len;
		take = take < (size_t)n ? take : (size_t)n;
		memcpy(text + len, buf, take);
		len += take;
		text[len] = '\0';
	}
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int command_run(char *const argv[], char *const env[], struct deadline until,
		char **ret_text)
{
	cleanup_close int in = -1, out = -1;
	char *text;
	pid_t pid = -1;
	int pipefd[2], r, status;

	*ret_text = NULL;
	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	in = pipefd[0];
	out = pipefd[1];
	text = calloc(1, COMMAND_TEXT_MAX + 1);
	if (!text)
		return -ENOMEM;
	r = spawn_into(argv, env, out, &pid);
	if (r) {
		free(text);
		return r;
	}
	fd_close(&out);
	*ret_text = text;
	r = read_text(in, until, text);
	if (r)
		(void)kill(pid, SIGKILL);
	status = reap(pid);
	return r ? r : status;
}

/* An empty element of PATH is the current directory */
static int find_in(const char *dirs, const char *name, char **ret)
{
	while (dirs) {
		size_t n = strcspn(dirs, ":");
		struct stat st;
		char *path;

		if (asprintf(&path, "%.*s/%s", n ? (int)n : 1, n ? dirs : ".", name) < 0)
			return -ENOMEM;
		if (!stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK)) {
			*ret = path;
			return 0;
		}
		free(path);
		dirs = dirs[n] ? dirs + n + 1 : NULL;
	}
	return -ENOENT;
}

int command_find(const char *name, const char *more, char **ret)
{
	int r = find_in(getenv("PATH"), name, ret);

	return r == -ENOENT ? find_in(more, name, ret) : r;
}
