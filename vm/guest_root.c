/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "vm/guest_root.h"

/* One line for whoever runs us. Return: @code */
static int complain(const struct guest *g, int code, const char *fmt, ...) printf_(3, 4);

static int complain(const struct guest *g, int code, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)dprintf(g->err, "vhostcheck: %s: %s\n", text, strerror(-code));
	return code;
}

static int make_directory(const char *path, mode_t mode)
{
	if (!mkdir(path, mode))
		return chmod(path, mode) ? -errno : 0; /* whatever the umask is */
	return errno == EEXIST ? 0 : -errno;
}

/* ------------------------------------------------------------------ the root */

/*
 * loose: the host's files count as unchanged for as long as the guest is there; without a
 * cache programs cannot be mapped shared. The root's own mode is that of the upper layer.
 */
static int mount_layers(const struct guest *g)
{
	static const char lower[] =
		"trans=virtio,version=9p2000.L,cache=loose,msize=262144";
	static const char layers[] =
		"lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work";
	int r = make_directory("/lower", 0755);

	if (!r)
		r = make_directory("/upper", 0755);
	if (!r)
		r = make_directory("/root", 0755);
	if (r)
		return complain(g, r, "the guest cannot make a directory");
	if (mount(VM_ROOT_TAG, "/lower", "9p", MS_RDONLY, lower))
		return complain(g, -errno,
				"this kernel cannot mount the directory over 9p; use a "
				"kernel with 9p (Debian's full flavour, not cloud)");
	if (mount("tmpfs", "/upper", "tmpfs", 0, "mode=755"))
		return complain(g, -errno, "the guest cannot mount a tmpfs");
	r = make_directory("/upper/data", 0755);
	if (!r)
		r = make_directory("/upper/work", 0755);
	if (r)
		return complain(g, r, "the guest cannot make a directory");
	if (mount("overlay", "/root", "overlay", 0, layers))
		return complain(g, -errno,
				"this kernel cannot mount an overlay; use a kernel with "
				"CONFIG_OVERLAY_FS");
	return 0;
}

/* chdir first: afterwards "." is the new root, whatever "/" was */
static int move_root(const struct guest *g)
{
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") ||
	    chdir("/"))
		return complain(g, -errno, "the guest cannot change its root");
	return 0;
}

/* ------------------------------------------------------------- what is in it */

static void mount_all(const struct guest *g)
{
	static const struct {
		const char *type, *at, *data;
		unsigned long flags;
		bool make; /* where it is not there; else it is left out */
	} mounts[] = {
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true },
		{ "configfs", "/sys/kernel/config", NULL,
		  MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
		{ "devtmpfs", "/dev", NULL, MS_NOSUID, true },
		{ "devpts", "/dev/pts", "mode=620,gid=5,ptmxmode=666",
		  MS_NOSUID | MS_NOEXEC, true },
		{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, true },
		{ "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV, true },
		{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		int r = 0;

		if (mounts[i].make)
			r = make_directory(mounts[i].at, 0755);
		else if (access(mounts[i].at, F_OK))
			continue;
		if (!r && mount(mounts[i].type, mounts[i].at, mounts[i].type,
				mounts[i].flags, mounts[i].data))
			r = -errno;
		if (r)
			(void)complain(g, r, "the guest cannot mount %s", mounts[i].at);
	}
}

/* What every devtmpfs is used with; udev makes them elsewhere */
static void link_descriptors(const struct guest *g)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i][0], links[i][1]))
			(void)complain(g, -errno, "the guest cannot link %s",
				       links[i][1]);
}

/* @from: /lib/modules/RELEASE of the initramfs; it has depmod's indexes */
static void show_modules(const struct guest *g, int from)
{
	char at[PATH_MAX], index[PATH_MAX + 16], source[32];
	struct utsname u;
	int r;

	if (from < 0 || uname(&u))
		return;
	(void)snprintf(at, sizeof(at), "/lib/modules/%s", u.release);
	(void)snprintf(index, sizeof(index), "%s/modules.dep", at);
	(void)snprintf(source, sizeof(source), "/proc/self/fd/%d", from);
	if (!access(index, F_OK))
		return;
	r = make_directory("/lib", 0755);
	if (!r)
		r = make_directory("/lib/modules", 0755);
	if (!r)
		r = make_directory(at, 0755);
	if (!r && mount(source, at, NULL, MS_BIND, NULL))
		r = -errno;
	if (r)
		(void)complain(g, r, "the guest cannot mount %s", at);
}

static int open_modules(void)
{
	char path[PATH_MAX];
	struct utsname u;

	if (uname(&u))
		return -errno;
	(void)snprintf(path, sizeof(path), "/lib/modules/%s", u.release);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void raise_loopback(const struct guest *g)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		(void)complain(g, -errno, "the guest cannot raise its loopback");
}

int guest_root_enter(const struct guest *g)
{
	cleanup_close int modules = open_modules();
	int r = mount_layers(g);

	if (!r)
		r = move_root(g);
	if (r)
		return r;
	mount_all(g);
	link_descriptors(g);
	show_modules(g, modules);
	raise_loopback(g);
	return 0;
}

int guest_root_dress(char *const *words)
{
	(void)clearenv();
	(void)setenv("HOME", "/root", 1);
	(void)setenv("TERM", "dumb", 1); /* a port, which looks like a terminal */
	for (char *const *word = words + 1; *word; word++)
		(void)putenv(*word);
	return chdir(*words) && chdir("/") ? -errno : 0;
}
