/* SPDX-License-Identifier: MIT */
/*
 * In a guest: `vhostcheck run net` where its other end cannot be made, or only with less
 * rights than root's, and whether anything of it is left. TAP.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"

#define REPORT "/tmp/peer.json"
#define USER 1000
/* interfaces with the names that the next processes would give theirs */
#define TAKEN 64

static unsigned int tests, failed;

static void report(bool ok, const char *what)
{
	tests++;
	failed += !ok;
	printf("%sok %u - %s\n", ok ? "" : "not ", tests, what);
	(void)fflush(stdout);
}

static bool be_user(void)
{
	return setgroups(0, NULL) == 0 && setresgid(USER, USER, USER) == 0 &&
	       setresuid(USER, USER, USER) == 0;
}

/* Moves a frame each way, as root or as a user; the exit status. */
static int run(bool user)
{
	char name[] = "vhostcheck", word[] = "run", device[] = "net", quiet[] = "-q",
	     check[] = "--check=net.transfer.frames", to[] = "-o" REPORT;
	char *argv[] = { name, word, device, check, quiet, to, NULL };
	int status = 0;
	pid_t pid = 0;

	(void)unlink(REPORT);
	pid = fork();
	if (pid == 0) {
		if (user && !be_user())
			_exit(126);
		(void)execv("/init", argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool file_has(const char *path, const char *text)
{
	static char all[1 << 18];
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	while (fd >= 0 && (n = read(fd, all + len, sizeof(all) - 1 - len)) > 0)
		len += (size_t)n;
	all[len] = '\0';
	return strstr(all, text) != NULL;
}

static bool write_text(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* The check is blocked, and its reason names @text. */
static void blocked(bool user, const char *text, const char *what)
{
	int status = run(user);
	bool ok = status == 2 && file_has(REPORT, "\"status\": \"blocked\"") &&
		  file_has(REPORT, "\"code\": \"peer_missing\"") &&
		  file_has(REPORT, text);

	report(ok, what);
	if (!ok)
		printf("# status %d, \"%s\" %s the report\n", status, text,
		       file_has(REPORT, text) ? "is in" : "is not in");
}

/* Whether a process of vhostcheck's runs, other than what serves this guest. */
static bool process_left(void)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e = NULL;
	bool left = false;

	while (proc && (e = readdir(proc))) {
		char path[300];
		long pid = strtol(e->d_name, NULL, 10);

		(void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
		if (pid > 1 && pid != getpid() && pid != getppid() &&
		    file_has(path, "vhostcheck"))
			left = true;
	}
	if (proc)
		(void)closedir(proc);
	return left;
}

static bool take_name(int pid)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	cleanup_close int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "vhc%d", pid);
	return fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) == 0 &&
	       ioctl(fd, TUNSETPERSIST, 1) == 0;
}

static unsigned int names_taken(int first)
{
	unsigned int n = 0;

	for (int i = 0; i < TAKEN; i++) {
		char name[IF_NAMESIZE];

		(void)snprintf(name, sizeof(name), "vhc%d", first + i);
		n += if_nametoindex(name) != 0;
	}
	return n;
}

static void test_user(void)
{
	report(chmod("/dev/vhost-net", 0666) == 0 && chmod("/dev/net/tun", 0600) == 0,
	       "the device is opened to all");
	blocked(true, "/dev/net/tun (run as root, or chmod 0666 /dev/net/tun)",
		"a closed tun node is named with its remedy");
	report(chmod("/dev/net/tun", 0666) == 0 && run(true) == 0,
	       "with both nodes a user moves frames");
	report(write_text("/proc/sys/user/max_user_namespaces", "0"),
	       "user namespaces are forbidden");
	blocked(true, "sysctl user.max_net_namespaces and user.max_user_namespaces",
		"a user is told of the limit");
	report(run(false) == 0, "root needs none");
}

static void test_root(void)
{
	report(write_text("/proc/sys/user/max_net_namespaces", "0"),
	       "network namespaces are forbidden");
	blocked(false, "sysctl user.max_net_namespaces and user.max_user_namespaces",
		"root is told of the limit");
	report(write_text("/proc/sys/user/max_net_namespaces", "1000") &&
		       rename("/dev/net/tun", "/dev/net/away") == 0,
	       "they are allowed again, and the tun node is away");
	blocked(false, "mknod /dev/net/tun c 10 200", "a missing node is named");
	report(rename("/dev/net/away", "/dev/net/tun") == 0, "it is back");
}

static void test_names(void)
{
	int first = getpid() + 1;
	unsigned int made = 0;

	for (int i = 0; i < TAKEN; i++)
		made += take_name(first + i);
	report(made == TAKEN, "the names of the next interfaces are taken");
	report(run(false) == 0, "which a namespace of its own does not notice");
	report(names_taken(first) == TAKEN, "and nobody touches them");
}

int main(void)
{
	test_user();
	test_root();
	report(!file_has("/proc/net/dev", "vhc"), "no interface is left");
	test_names();
	report(!process_left(), "no process is left");
	printf("1..%u\n", tests);
	return failed != 0;
}
