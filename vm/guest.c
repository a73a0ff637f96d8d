/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <glob.h>
#include <libkmod.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>
#if defined(__x86_64__)
#include <sys/io.h>
#endif

#include "base/deadline.h"
#include "report/journal.h"
#include "vm/guest.h"

enum {
	SYSLOG_ACTION_CONSOLE_LEVEL = 8, /* syslog(2) */
	SHOW_WARNINGS = 5,      /* `quiet` shows errors and worse only; WARN() is below */
	DEBUG_EXIT_PORT = 0xf4, /* vm/qemu.c */
	WORDS_MAX = 1 << 20,
	PORT_MS = 5000,
};

static int open_port(const char *path)
{
	/* O_NONBLOCK: do not wait for a carrier that is not wired */
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios t;

	if (fd < 0)
		return -errno;
	if (tcgetattr(fd, &t)) {
		int r = -errno;

		(void)close(fd);
		return r;
	}
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL;
	(void)cfsetspeed(&t, B115200);
	(void)tcsetattr(fd, TCSANOW, &t);
	(void)fcntl(fd, F_SETFL, 0);
	return fd;
}

static int open_ports(struct guest *g)
{
	g->journal = open_port("/dev/ttyS1");
	g->out = open_port("/dev/ttyS2");
	g->err = open_port("/dev/ttyS3");
	if (g->journal < 0)
		return g->journal;
	return g->out < 0 ? g->out : g->err < 0 ? g->err : 0;
}

void guest_note(const struct guest *g, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			*c = '?';
	}
	(void)dprintf(g->journal, "{\"type\":\"note\",\"text\":\"%s\"}\n", text);
}

static void say_hello(const struct guest *g)
{
	struct utsname u;

	if (!uname(&u))
		(void)dprintf(g->journal, "{\"type\":\"hello\",\"release\":\"%s\"}\n",
			      u.release);
}

static void mount_note(const struct guest *g, const char *type, const char *at,
		       unsigned long flags, const char *data)
{
	if (mount(type, at, type, flags, data))
		guest_note(g, "cannot mount %s on %s: %s", type, at, strerror(errno));
}

static void write_knob(const struct guest *g, const char *path, const char *value)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		guest_note(g, "cannot write %s: %s", path, strerror(errno));
}

static int load_one(struct kmod_ctx *kmod, const char *name)
{
	struct kmod_module *mod;
	int r = kmod_module_new_from_name(kmod, name, &mod);

	if (r < 0)
		return r;
	r = kmod_module_probe_insert_module(mod, 0, NULL, NULL, NULL, NULL);
	(void)kmod_module_unref(mod);
	return r;
}

static int load_list(const struct guest *g, struct kmod_ctx *kmod, FILE *list)
{
	char name[PATH_MAX];

	while (fgets(name, sizeof(name), list)) {
		int r;

		name[strcspn(name, "\n")] = '\0';
		r = load_one(kmod, name);
		if (!r)
			continue;
		guest_note(g, "module %s cannot be loaded: %s", name, strerror(abs(r)));
		if (!strcmp(name, "vhost"))
			return r < 0 ? r : -EIO;
	}
	return 0;
}

static int load_modules(const struct guest *g)
{
	cleanup_file FILE *list = fopen("/vhostcheck.modules", "re");
	struct kmod_ctx *kmod;
	int r;

	if (!list)
		return 0; /* all that there is, is built in */
	kmod = kmod_new(NULL, NULL);
	if (!kmod)
		return -ENOMEM;
	kmod_set_log_priority(kmod, LOG_EMERG); /* its errors come back as codes */
	r = load_list(g, kmod, list);
	(void)kmod_unref(kmod);
	return r;
}

static int open_node(void)
{
	glob_t found;
	int fd;

	if (glob("/dev/vport*p1", 0, NULL, &found))
		return -ENOENT;
	fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
	globfree(&found);
	return fd < 0 ? -errno : fd;
}

static bool driver_has_device(void)
{
	glob_t found;

	if (glob("/sys/bus/virtio/drivers/virtio_console/virtio[0-9]*", 0, NULL, &found))
		return false;
	globfree(&found);
	return true;
}

/* The driver makes the node some time after it took the device, and lets it be opened
 * later still: add_port() in drivers/char/virtio_console.c */
static int wait_for_node(void)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	struct deadline until = deadline_after_ms(PORT_MS);
	int fd = open_node();

	while ((fd == -ENOENT || fd == -ENXIO) && !deadline_passed(until)) {
		(void)nanosleep(&tick, NULL);
		fd = open_node();
	}
	return fd;
}

/*
 * Under TCG each byte of a serial port is an exit, and a wake-up of the host; each write
 * to a port of virtio is one. The host hears both as one stream, so a kernel without the
 * driver stays with the serial port.
 */
static void take_port(struct guest *g)
{
	int fd = driver_has_device() ? wait_for_node() : -ENODEV;

	if (fd < 0)
		return;
	(void)tcdrain(g->journal);
	(void)close(g->journal);
	g->journal = fd;
}

int guest_setup(struct guest *g)
{
	int r;

	*g = (struct guest){ .journal = -1, .out = -1, .err = -1 };
	/* CONFIG_DEVTMPFS_MOUNT does not reach an initramfs */
	if (mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL))
		return -errno;
	r = open_ports(g);
	if (g->journal >= 0)
		say_hello(g);
	if (r)
		return r;
	(void)klogctl(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, SHOW_WARNINGS);
	mount_note(g, "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_note(g, "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_note(g, "tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_note(g, "tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755");
	/* Closing a vhost device waits for grace periods: 30 to 90 times shorter so */
	write_knob(g, "/sys/kernel/rcu_expedited", "1");
	/* TCG finds what it has translated by its address: a program that is started
	 * again elsewhere is translated again, which costs three times as much as
	 * starting it */
	write_knob(g, "/proc/sys/kernel/randomize_va_space", "0");
	r = load_modules(g);
	if (!r && !access("/sys/kernel/config", F_OK))
		mount_note(g, "configfs", "/sys/kernel/config",
			   MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	take_port(g);
	return r;
}

/* "a\0bc\0" as an array in one allocation, its strings behind the pointers */
static int split_words(const char *text, size_t len, int *ret_count, char ***ret_words)
{
	size_t count = 0, n = 0;
	char **words, *copy;

	for (size_t i = 0; i < len; i++)
		count += text[i] == '\0';
	if (!count || text[len - 1] != '\0' || count > INT_MAX)
		return -EINVAL;
	words = malloc((count + 1) * sizeof(*words) + len);
	if (!words)
		return -ENOMEM;
	copy = (char *)(words + count + 1);
	memcpy(copy, text, len);
	for (char *at = copy; n < count; at += strlen(at) + 1)
		words[n++] = at;
	words[n] = NULL;
	*ret_count = (int)count;
	*ret_words = words;
	return 0;
}

int guest_words(const char *path, int *ret_count, char ***ret_words)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *text = malloc(WORDS_MAX);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (!text)
		return -ENOMEM;
	while ((n = read(fd, text + len, WORDS_MAX - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return -errno;
	return split_words(text, len, ret_count, ret_words);
}

_Noreturn void guest_finish(const struct guest *g, int status)
{
	(void)tcdrain(g->out);
	(void)tcdrain(g->err);
	/* The newline in front ends what a command that died may have left half written
	 */
	(void)dprintf(g->journal, "\n{\"type\":\"exit\",\"status\":%d}\n", status & 0xff);
	(void)!journal_sync(g->journal);
	(void)tcdrain(STDERR_FILENO); /* the console */
	sync();
#if defined(__x86_64__)
	if (!ioperm(DEBUG_EXIT_PORT, 4, 1))
		outl(0, DEBUG_EXIT_PORT);
#endif
	(void)reboot(RB_POWER_OFF);
	for (;;)
		(void)pause();
}
