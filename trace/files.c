/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include "trace/attach.h"
#include "trace/files.h"

/* Numbers of the set are never used twice: kcmp() names a file by them. */
#define FIRST_NUMBER 64
#define LAST_NUMBER 1023
#define MISC_MAJOR 10

int trace_files_init(struct trace_files *f)
{
	*f = (struct trace_files){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	return f->epoll < 0 ? -errno : 0;
}

void trace_files_done(struct trace_files *f)
{
	for (size_t i = 0; i < f->devices; i++) {
		trace_state_done(&f->device[i]->state);
		free(f->device[i]);
	}
	free(f->device);
	f->device = NULL;
	f->devices = 0;
	fd_close(&f->epoll);
}

/* ------------------------------------------------------------------- family */

/* The name that a table such as /proc/misc has for a number; "" if none */
static void name_of(const char *table, unsigned int number, char *ret, size_t size)
{
	cleanup_file FILE *f = fopen(table, "re");
	char line[128], name[64];

	*ret = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		char *end = NULL;
		unsigned long n = strtoul(line, &end, 10);

		if (end == line || n != number || sscanf(end, " %63s", name) != 1)
			continue;
		(void)snprintf(ret, size, "%s", name);
		return;
	}
}

bool trace_device_family(dev_t rdev, enum family *ret, char *name, size_t size)
{
	static const enum family misc[] = { FAMILY_NET, FAMILY_VSOCK, FAMILY_SCSI };
	char driver[64], wanted[64];

	if (major(rdev) != MISC_MAJOR) {
		name_of("/proc/devices", major(rdev), driver, sizeof(driver));
		*ret = FAMILY_VDPA;
		(void)snprintf(name, size, "vdpa%u", minor(rdev));
		return !strcmp(driver, "vhost-vdpa");
	}
	name_of("/proc/misc", minor(rdev), driver, sizeof(driver));
	for (size_t i = 0; i < ARRAY_SIZE(misc); i++) {
		(void)snprintf(wanted, sizeof(wanted), "vhost-%s", family_names[misc[i]]);
		if (strcmp(driver, wanted) != 0)
			continue;
		*ret = misc[i];
		(void)snprintf(name, size, "%s", family_names[misc[i]]);
		return true;
	}
	return false;
}

/* ----------------------------------------------------------------- identity */

static long compare(pid_t one, pid_t other, int type, unsigned long a, unsigned long b)
{
	long r = syscall(SYS_kcmp, one, other, type, a, b);

	return r < 0 ? -errno : r;
}

static bool is_same(const struct trace_files *f, struct trace_device *d, pid_t tid,
		    pid_t pid, int fd)
{
	struct kcmp_epoll_slot slot = { .efd = (uint32_t)f->epoll,
					.tfd = (uint32_t)d->number };
	long r = 0;

	if (d->number < 0)
		return (d->pid == pid && d->fd == fd) ||
		       compare(tid, d->pid, KCMP_FILE, (unsigned long)fd,
			       (unsigned long)d->fd) == 0;
	r = compare(tid, getpid(), KCMP_EPOLL_TFD, (unsigned long)fd,
		    (unsigned long)&slot);
	if (r == -ENOENT)
		d->closed = true;
	return r == 0;
}

static void add_to_set(struct trace_files *f, struct trace_device *d)
{
	struct epoll_event event = { .events = EPOLLIN };
	cleanup_close int process = (int)syscall(SYS_pidfd_open, d->pid, 0);
	cleanup_close int copy = -1, high = -1;
	struct kcmp_epoll_slot slot = { .efd = (uint32_t)f->epoll };
	struct utsname u;

	d->number = -1;
	/* another thread may close it meanwhile, and the last close would be done here */
	if (d->state.family == FAMILY_VSOCK &&
	    (uname(&u) < 0 || !trace_close_proved(u.release)))
		return;
	if (process >= 0)
		copy = (int)syscall(SYS_pidfd_getfd, process, d->fd, 0);
	if (copy >= 0 && f->devices + FIRST_NUMBER <= LAST_NUMBER)
		high = fcntl(copy, F_DUPFD_CLOEXEC, FIRST_NUMBER + (int)f->devices);
	event.data.u64 = f->devices;
	slot.tfd = (uint32_t)high;
	if (high == FIRST_NUMBER + (int)f->devices &&
	    epoll_ctl(f->epoll, EPOLL_CTL_ADD, high, &event) == 0 &&
	    compare(getpid(), getpid(), KCMP_EPOLL_TFD, (unsigned long)high,
		    (unsigned long)&slot) == 0)
		d->number = high;
}

static int add_device(struct trace_files *f, const struct trace_device *like,
		      struct trace_device **ret)
{
	struct trace_device **grown =
		reallocarray(f->device, f->devices + 1, sizeof(struct trace_device *));
	enum family family = like->state.family;
	struct trace_device *d = NULL;
	size_t before = 0;

	if (!grown)
		return -ENOMEM;
	f->device = grown;
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = *like;
	trace_state_init(&d->state, family);
	for (size_t i = 0; i < f->devices; i++)
		before += f->device[i]->rdev == d->rdev;
	if (before)
		(void)snprintf(d->name, sizeof(d->name), "%.16s.%zu", like->name,
			       before + 1);
	add_to_set(f, d);
	f->device[f->devices++] = d;
	*ret = d;
	return 0;
}

int trace_files_renew(struct trace_files *f, struct trace_device *old,
		      struct trace_device **ret)
{
	const struct feature_set offered = old->state.offered, shown = old->state.shown;
	struct trace_device like = *old;
	int e = 0;

	old->closed = true;
	like.closed = false;
	like.name[strcspn(like.name, ".")] = '\0';
	e = add_device(f, &like, ret);
	if (e < 0)
		return e;
	(*ret)->state.offered = offered;
	(*ret)->state.shown = shown;
	(*ret)->state.asked = old->state.asked;
	if (old->state.asked)
		trace_order_call(&(*ret)->state.order, CALL_GET_FEATURES);
	return 0;
}

int trace_files_find(struct trace_files *f, pid_t tid, pid_t pid, int fd,
		     struct trace_device **ret)
{
	char path[64];
	struct stat st;
	struct trace_device like = { .number = -1 };

	*ret = NULL;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, fd);
	if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode))
		return 0;
	for (size_t i = 0; i < f->devices; i++) {
		struct trace_device *d = f->device[i];

		if (d->closed || d->rdev != st.st_rdev || !is_same(f, d, tid, pid, fd))
			continue;
		d->pid = pid;
		d->fd = fd;
		*ret = d;
		return 0;
	}
	if (!trace_device_family(st.st_rdev, &like.state.family, like.name,
				 sizeof(like.name)))
		return 0;
	like.rdev = st.st_rdev;
	like.pid = pid;
	like.fd = fd;
	return add_device(f, &like, ret);
}

/* --------------------------------------------------------------------- look */

/* vhost never reads its kick eventfds, so the count is that of the kicks. */
static bool kicked(const struct trace_ring *ring)
{
	char path[64], line[128];
	cleanup_file FILE *f = NULL;

	if (ring->kick_fd < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", ring->kick_pid,
		       ring->kick_fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "eventfd-count:", 14))
			return strtoull(line + 14, NULL, 16) > 0;
	return false;
}

static void look_at_kicks(struct trace_state *s)
{
	for (size_t i = 0; i < TRACE_RINGS_MAX && s->armed && !s->look.kicked; i++)
		s->look.kicked = kicked(&s->ring[i]);
}

/* What was seen of a device last remains when it is closed. */
static bool is_open(const struct trace_files *f, struct trace_device *d)
{
	if (!d->closed)
		(void)is_same(f, d, getpid(), getpid(), f->epoll);
	return !d->closed;
}

void trace_files_look(struct trace_files *f)
{
	/* one that is readable may not hide another */
	struct epoll_event event[LAST_NUMBER - FIRST_NUMBER + 1];
	int n = 0;

	for (size_t i = 0; i < f->devices; i++) {
		struct trace_device *d = f->device[i];

		if (d->number < 0 || !is_open(f, d))
			continue;
		d->state.look.known = true;
		d->state.look.readable = false;
		look_at_kicks(&d->state);
	}
	n = epoll_wait(f->epoll, event, ARRAY_SIZE(event), 0);
	for (int i = 0; i < n; i++)
		if (event[i].data.u64 < f->devices)
			f->device[event[i].data.u64]->state.look.readable = true;
}
