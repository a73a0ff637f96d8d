/* SPDX-License-Identifier: MIT */
/*
 * In a guest: unloads vhost_vsock, lets `vhostcheck run --load-modules` load it, and
 * looks whether just that is unloaded again; then with the module blacklisted. TAP.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"

static unsigned int tests, failed;

static void report(bool ok, const char *what)
{
	tests++;
	failed += !ok;
	printf("%sok %u - %s\n", ok ? "" : "not ", tests, what);
	(void)fflush(stdout);
}

static bool is_loaded(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return access(path, F_OK) == 0;
}

/* The status of `vhostcheck run vsock --check node`, with --load-modules if asked. */
static int run(bool load)
{
	char name[] = "vhostcheck", word[] = "run", device[] = "vsock",
	     check[] = "--check=vsock.node.*", quiet[] = "-q", with[] = "--load-modules";
	char *argv[] = { name, word, device, check, quiet, load ? with : NULL, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execv("/init", argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool blacklist(void)
{
	static const char text[] = "blacklist vhost_vsock\n";
	cleanup_close int fd = -1;

	(void)mkdir("/etc/modprobe.d", 0755);
	fd = open("/etc/modprobe.d/lab.conf", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd >= 0 && write(fd, text, sizeof(text) - 1) == sizeof(text) - 1;
}

int main(void)
{
	report(is_loaded("vhost_vsock") &&
		       syscall(SYS_delete_module, "vhost_vsock", O_NONBLOCK) == 0,
	       "the guest's own vhost_vsock can be unloaded");
	report(run(false) == 2, "without --load-modules the device is inconclusive");
	report(!is_loaded("vhost_vsock"), "and nothing is loaded");
	report(run(true) == 0, "with --load-modules the checks pass");
	report(!is_loaded("vhost_vsock"), "and the module is unloaded again");
	report(is_loaded("vhost") && is_loaded("vsock"), "what was loaded before stays");
	report(blacklist() && run(true) == 2, "a blacklisted module is not loaded");
	report(!is_loaded("vhost_vsock"), "not even for a moment longer");
	printf("1..%u\n", tests);
	return failed != 0;
}
