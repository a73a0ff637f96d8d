/* SPDX-License-Identifier: MIT */
/*
 * In a guest: starts `vhostcheck run -o`, sends it SIGINT when its journal says that the
 * lifecycle checks are on, and prints the report that it leaves. The exit status is that
 * of vhostcheck; 99 if something is left that should not be, or the report is missing.
 * With the argument "kill" it is SIGKILL, while a check is open, and the journal.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"

#define FOLDER "/tmp/out"
#define REPORT FOLDER "/r.json"
#define JOURNAL REPORT ".journal"
#define CHECK_START "\"check_start\",\"id\":\""

static pid_t start(void)
{
	char name[] = "vhostcheck", word[] = "run", output[] = "-o", file[] = REPORT,
	     quiet[] = "-q";
	char *argv[] = { name, word, quiet, output, file, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		(void)execv("/init", argv);
		_exit(127);
	}
	return pid;
}

/* Its whole lines; NULL if there is no journal. */
static char *journal(void)
{
	static char content[1 << 20];
	cleanup_close int fd = open(JOURNAL, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, content, sizeof(content) - 1);
	char *end = NULL;

	if (n < 0)
		return NULL;
	content[n] = '\0';
	end = strrchr(content, '\n');
	if (end)
		*end = '\0';
	return content;
}

static bool journal_says(const char *text)
{
	const char *content = journal();

	return content && strstr(content, text);
}

static bool journal_ends_with(const char *text)
{
	const char *content = journal();
	const char *last = content ? strrchr(content, '\n') : NULL;

	return last && strstr(last, text);
}

/* Stops it where a check has begun and has no result. */
static bool stop_in_check(pid_t pid)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	int status = 0;

	while (kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid &&
	       WIFSTOPPED(status)) {
		if (journal_ends_with(CHECK_START))
			return true;
		if (kill(pid, SIGCONT) < 0)
			return false;
		(void)nanosleep(&tick, NULL);
	}
	return false;
}

static bool only_the_report_is_left(void)
{
	DIR *d = opendir(FOLDER);
	const struct dirent *e = NULL;
	bool report = false;
	bool other = false;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, "r.json"))
			report = true;
		else if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
			other = true;
	}
	if (d)
		(void)closedir(d);
	return report && !other;
}

static void print_file(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t n = 0;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(STDOUT_FILENO, buf, (size_t)n) != n)
			return;
}

static int be_killed(pid_t pid)
{
	int status = 0;

	if (!stop_in_check(pid) || kill(pid, SIGKILL) < 0 ||
	    waitpid(pid, &status, 0) < 0 || !WIFSIGNALED(status))
		return 99;
	print_file(JOURNAL);
	return access(REPORT, F_OK) == 0 ? 99 : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	int status = 0;
	pid_t pid = 0;

	if (mkdir(FOLDER, 0755) < 0)
		return 99;
	pid = start();
	if (pid < 0)
		return 99;
	while (!journal_says(CHECK_START "vsock.lifecycle.")) {
		if (waitpid(pid, &status, WNOHANG) != 0)
			return 99;
		(void)nanosleep(&tick, NULL);
	}
	if (argc > 1 && !strcmp(argv[1], "kill"))
		return be_killed(pid);
	if (kill(pid, SIGINT) < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 99;
	print_file(REPORT);
	return only_the_report_is_left() ? WEXITSTATUS(status) : 99;
}
