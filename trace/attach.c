/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/dir.h"
#include "base/number.h"
#include "base/slurp.h"
#include "trace/attach.h"
#include "trace/files.h"

bool trace_close_proved(const char *release)
{
	char *end = NULL;
	unsigned long major_nr = strtoul(release, &end, 10);

	if (end == release || *end != '.')
		return false;
	return major_nr > 5 || (major_nr == 5 && strtoul(end + 1, NULL, 10) >= 17);
}

/* ----------------------------------------------------------------- devices */

static int name_device(struct arena *a, struct attach_device *d, const char *name,
		       const struct rec_list *before)
{
	unsigned int same = 0;

	for (size_t i = 0; i < before->count; i++)
		same += ((const struct attach_device *)before->item[i])->rdev == d->rdev;
	d->name = same ? arena_printf(a, "%s.%u", name, same + 1) : arena_strdup(a, name);
	return d->name ? 0 : -ENOMEM;
}

static int take_fd_entry(struct arena *a, pid_t pid, int fd, struct rec_list *ret)
{
	struct attach_device like = { .fd = fd }, *d = NULL;
	char path[64], name[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode) ||
	    !trace_device_family(st.st_rdev, &like.family, name, sizeof(name)))
		return 0;
	like.rdev = st.st_rdev;
	if (name_device(a, &like, name, ret) < 0)
		return -ENOMEM;
	d = rec_list_new(a, ret, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = like;
	return 0;
}

int attach_find(struct arena *a, pid_t pid, struct rec_list *ret)
{
	char path[64];
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry = NULL;
	int e = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (e == 0 && (entry = readdir(dir))) {
		int64_t fd = number_of(entry->d_name);

		if (fd >= 0 && fd <= INT32_MAX)
			e = take_fd_entry(a, pid, (int)fd, ret);
	}
	return e;
}

/* ----------------------------------------------------------------- workers */

static unsigned int count_named(const char *folder, const char *name, bool kernel)
{
	cleanup_dir DIR *dir = opendir(folder);
	const struct dirent *entry = NULL;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir))) {
		char path[320], text[64];

		if (number_of(entry->d_name) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s/comm", folder, entry->d_name);
		if (slurp_line(path, text, sizeof(text)) < 0 || strcmp(text, name) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s/cmdline", folder,
			       entry->d_name);
		n += !kernel || slurp(path, text, sizeof(text)) == 0;
	}
	return n;
}

void attach_workers(pid_t pid, unsigned int *ret_threads, unsigned int *ret_kernel)
{
	char folder[64], name[32];

	(void)snprintf(name, sizeof(name), "vhost-%d", pid);
	(void)snprintf(folder, sizeof(folder), "/proc/%d/task", pid);
	*ret_threads = count_named(folder, name, false);
	*ret_kernel = count_named("/proc", name, true);
}

/* --------------------------------------------------------------------- look */

enum attach_look attach_look_at(pid_t pid, const struct attach_device *d)
{
	cleanup_close int process = (int)syscall(SYS_pidfd_open, pid, 0);
	cleanup_close int copy = -1;
	struct pollfd p = { .events = POLLIN | POLLOUT };
	struct stat st;

	if (process < 0)
		return LOOK_GONE;
	if (d->family == FAMILY_VDPA)
		return LOOK_NONE;
	copy = (int)syscall(SYS_pidfd_getfd, process, d->fd, 0);
	if (copy < 0)
		return errno == EPERM ? LOOK_DENIED : LOOK_GONE;
	p.fd = copy;
	if (fstat(copy, &st) < 0 || st.st_rdev != d->rdev || poll(&p, 1, 0) < 0)
		return LOOK_GONE;
	/* what has no poll is ready for all; vhost_chr_poll() knows no POLLOUT */
	if (p.revents & POLLOUT)
		return LOOK_NONE;
	return p.revents & POLLIN ? LOOK_PENDING : LOOK_QUIET;
}
