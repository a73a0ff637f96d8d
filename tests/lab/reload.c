/* SPDX-License-Identifier: MIT */
/*
 * In a guest: unloads vhost_vsock, lets `vhostcheck run --load-modules` load it, and
 * looks whether just that is unloaded again; the same with vhost_net and tun, which a
 * transfer used; then with the module blacklisted. TAP.
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

/* The status of `vhostcheck run DEVICE --check=CHECK`, with --load-modules if asked. */
static int run_check(char *device, const char *glob, bool load)
{
	char name[] = "vhostcheck", word[] = "run", quiet[] = "-q",
	     with[] = "--load-modules", check[64];
	char *argv[] = { name, word, device, check, quiet, load ? with : NULL, NULL };
	int status = 0;
	pid_t pid = 0;

	(void)snprintf(check, sizeof(check), "--check=%s", glob);
	pid = fork();
	if (pid == 0) {
		(void)execv("/init", argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int run(bool load)
{
	char device[] = "vsock";

	return run_check(device, "vsock.node.*", load);
}

/* vhost_net brings tun along, which a tap of a check holds a moment longer than it. */
static void test_net(void)
{
	char device[] = "net";

	report(syscall(SYS_delete_module, "vhost_net", O_NONBLOCK) == 0 &&
		       syscall(SYS_delete_module, "tun", O_NONBLOCK) == 0,
	       "the guest's own vhost_net and tun can be unloaded");
	report(run_check(device, "net.transfer.frames", true) == 0,
	       "with --load-modules frames go through a tap");
	report(!is_loaded("vhost_net") && !is_loaded("tun"),
	       "and both modules are unloaded again");
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
	test_net();
	report(blacklist() && run(true) == 2, "a blacklisted module is not loaded");
	report(!is_loaded("vhost_vsock"), "not even for a moment longer");
	printf("1..%u\n", tests);
	return failed != 0;
}
