/* SPDX-License-Identifier: MIT */
/*
 * In a guest: whether runs of vhostcheck leave anything in the kernel. Three whole runs,
 * then 100 of one cheap check for each device; tasks, descriptors, links, references to
 * modules and open files are counted before and after. TAP.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/deadline.h"
#include "checks/catalogue.h"
#include "run/check_act.h"
#include "run/verdict.h"

#define ROUNDS 100
/*
 * What ends with its process is taken down by work of the kernel's own: cleanup_net(),
 * and VSOCK_CLOSE_TIMEOUT (8 s) after a socket whose guest does not answer.
 */
#define SETTLE_MS 30000u
/* nr_files is kept for each processor in steps (percpu_counter_batch, 32) */
#define FILES_STEP 32

/**
 * struct counts - what a leak would add to
 * @tasks:	threads, without those of the kernel's work queues, which come and go
 * @fds:	descriptors of all processes
 * @links:	network interfaces
 * @modules:	references to all modules: an open device holds one
 * @files:	open files of the whole system
 */
struct counts {
	long tasks, fds, links, modules, files;
};

static unsigned int tests, failed;

static void report(bool ok, const char *what)
{
	tests++;
	failed += !ok;
	printf("%sok %u - %s\n", ok ? "" : "not ", tests, what);
	(void)fflush(stdout);
}

static bool is_pool(const char *task)
{
	char path[320], comm[32] = "";
	cleanup_close int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || read(fd, comm, sizeof(comm) - 1) <= 0 ||
	       !strncmp(comm, "kworker", strlen("kworker"));
}

static long entries(const char *pid, const char *of)
{
	char path[320];
	DIR *dir = NULL;
	const struct dirent *e = NULL;
	long n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, of);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		(void)closedir(dir);
	return n;
}

/* The sum of column @column of a file, from 1; with 0 its lines. */
static long sum(const char *path, int column)
{
	FILE *f = fopen(path, "re");
	char line[1024];
	long total = 0;

	while (f && fgets(line, sizeof(line), f)) {
		const char *word = line;

		for (int i = 1; i < column; i++) {
			word += strcspn(word, " \t");
			word += strspn(word, " \t");
		}
		total += column ? strtol(word, NULL, 10) : 1;
	}
	if (f)
		(void)fclose(f);
	return total;
}

static struct counts count(void)
{
	struct counts c = {
		.links = sum("/proc/net/dev", 0),
		.modules = sum("/proc/modules", 3),
		.files = sum("/proc/sys/fs/file-nr", 1),
	};
	DIR *proc = opendir("/proc");
	const struct dirent *e = NULL;

	while (proc && (e = readdir(proc))) {
		if (strspn(e->d_name, "0123456789") != strlen(e->d_name) ||
		    is_pool(e->d_name))
			continue;
		c.tasks += entries(e->d_name, "task");
		c.fds += entries(e->d_name, "fd");
	}
	if (proc)
		(void)closedir(proc);
	return c;
}

static bool equal(const struct counts *a, const struct counts *b)
{
	return a->tasks == b->tasks && a->fds == b->fds && a->links == b->links &&
	       a->modules == b->modules && b->files - a->files <= FILES_STEP;
}

/* What is there once the kernel has tidied up, or when it had the time to. */
static struct counts settled(const struct counts *before)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct deadline until = deadline_after_ms(SETTLE_MS);
	struct counts c = count();

	while (!equal(before, &c) && !deadline_passed(until)) {
		(void)nanosleep(&pause, NULL);
		c = count();
	}
	return c;
}

static void compare(const struct counts *before, const char *what)
{
	struct counts after = settled(before);
	bool ok = equal(before, &after);

	report(ok, what);
	printf("# tasks %ld %ld, descriptors %ld %ld, links %ld %ld, module references "
	       "%ld %ld, files %ld %ld\n",
	       before->tasks, after.tasks, before->fds, after.fds, before->links,
	       after.links, before->modules, after.modules, before->files, after.files);
}

/* All checks and all policies. 0 and 2, inconclusive, are ends of a run. */
static bool run(void)
{
	char name[] = "vhostcheck", word[] = "run", quiet[] = "-q",
	     more[] = "--intrusive";
	char *argv[] = { name, word, quiet, more, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
			_exit(126);
		(void)execv("/init", argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2);
}

static const struct check *find(const char *name)
{
	for (size_t i = 0; i < check_catalogue_count; i++)
		if (!strcmp(check_catalogue[i]->name, name))
			return check_catalogue[i];
	return NULL;
}

/* One check in a child of its own, as a run has it. */
static bool check(struct runner *runner, enum family family, const char *name)
{
	cleanup_arena struct arena a = { 0 };
	const struct check *c = find(name);
	const struct task t = {
		.device = family_names[family],
		.family = family,
		.path = family_path(family),
		.act = check_act,
		.arg = c,
		.timeout_ms = 20000,
	};
	struct outcome o;

	return c && runner_task(runner, &a, &t, &o) == 0 &&
	       verdict_of(&a, c, t.path, t.timeout_ms, &o).status == STATUS_PASS;
}

/* That a leak would be seen: a device with an owner that nobody closed. */
static void see_one(const struct counts *before)
{
	cleanup_close int fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);
	struct counts c;

	report(fd >= 0 && ioctl(fd, VHOST_SET_OWNER, NULL) == 0, "a device is opened");
	c = count();
	report(c.fds == before->fds + 1 && c.modules == before->modules + 1 &&
		       c.tasks == before->tasks + 1,
	       "its descriptor, its module and its worker are seen");
}

int main(void)
{
	struct runner *runner = NULL;
	struct counts before;
	bool ok = true;

	runner = runner_new();
	if (!runner)
		return 1;
	before = count();
	see_one(&before);
	compare(&before, "a device that was closed leaves nothing");
	for (int i = 0; i < 3; i++)
		ok = run() && ok;
	report(ok, "three whole runs");
	compare(&before, "they leave nothing");
	ok = true;
	for (int i = 0; i < ROUNDS; i++)
		ok = check(runner, FAMILY_NET, "frames") &&
		     check(runner, FAMILY_VSOCK, "guest_connects") && ok;
	report(ok, "100 runs of one check for each device");
	compare(&before, "they leave nothing either");
	runner_free(runner);
	printf("1..%u\n", tests);
	return failed != 0;
}
