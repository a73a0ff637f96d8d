/* SPDX-License-Identifier: MIT */
/*
 * In a guest: starts `vhostcheck run -o`, sends it SIGINT when its journal says that the
 * lifecycle checks are on, and prints the report that it leaves. The exit status is that
 * of vhostcheck; 99 if something is left that should not be, or the report is missing.
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

static bool journal_says(const char *text)
{
	static char content[1 << 20];
	cleanup_close int fd = open(REPORT ".journal", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, content, sizeof(content) - 1);

	if (n < 0)
		return false;
	content[n] = '\0';
	return strstr(content, text) != NULL;
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

static void print_report(void)
{
	cleanup_close int fd = open(REPORT, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t n = 0;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(STDOUT_FILENO, buf, (size_t)n) != n)
			return;
}

int main(void)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	int status = 0;
	pid_t pid = 0;

	if (mkdir(FOLDER, 0755) < 0)
		return 99;
	pid = start();
	if (pid < 0)
		return 99;
	while (!journal_says("\"check_start\",\"id\":\"vsock.lifecycle.")) {
		if (waitpid(pid, &status, WNOHANG) != 0)
			return 99;
		(void)nanosleep(&tick, NULL);
	}
	if (kill(pid, SIGINT) < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 99;
	print_report();
	return only_the_report_is_left() ? WEXITSTATUS(status) : 99;
}
