/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/tree.h"
#include "vm/workdir.h"

int vm_workdir_make(struct vm_workdir *w, int stop_fd, struct vm_error *err)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	*w = (struct vm_workdir){ .stop_fd = stop_fd };
	if (!tmp || tmp[0] != '/')
		tmp = "/tmp";
	path = vm_path("%s/vhostcheck-%d-vm-XXXXXX", tmp, (int)getpid());
	if (!path)
		return vm_fail_errno(err, -ENOMEM, tmp, "cannot make a work directory");
	if (!mkdtemp(path)) {
		int r = -errno;

		free(path);
		return vm_fail(
			err, VM_FAULT_INTERNAL, r, tmp,
			"set TMPDIR to a directory that can be written and has room",
			"cannot make a work directory: %s", strerror(-r));
	}
	w->path = path;
	return 0;
}

void vm_workdir_done(struct vm_workdir *w)
{
	int saved = errno;

	if (w->path)
		(void)!tree_remove(w->path); /* what stays is shown by list --leftovers */
	free(w->path);
	w->path = NULL;
	errno = saved;
}

bool vm_workdir_stopped(const struct vm_workdir *w)
{
	struct pollfd p = { .fd = w->stop_fd, .events = POLLIN };

	return w->stop_fd >= 0 && poll(&p, 1, 0) == 1;
}

char *vm_path(const char *fmt, ...)
{
	char *path;
	va_list args;
	int r;

	va_start(args, fmt);
	r = vasprintf(&path, fmt, args);
	va_end(args);
	return r < 0 ? NULL : path;
}

int vm_make_parents(const char *path)
{
	cleanup_free char *dir = strdup(path);

	if (!dir)
		return -ENOMEM;
	for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(dir, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return 0;
}

int vm_create(const char *path)
{
	int r = vm_make_parents(path);
	int fd;

	if (r)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

int vm_write(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int vm_write_file(const char *path, const void *buf, size_t len)
{
	cleanup_close int fd = vm_create(path);

	return fd < 0 ? fd : vm_write(fd, buf, len);
}

int vm_copy_file(const char *from, const char *to)
{
	cleanup_close int in = open(from, O_RDONLY | O_CLOEXEC);
	cleanup_close int out = -1;
	char buf[65536];
	ssize_t n;

	if (in < 0)
		return -errno;
	out = vm_create(to);
	if (out < 0)
		return out;
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		int r = vm_write(out, buf, (size_t)n);

		if (r)
			return r;
	}
	return n < 0 ? -errno : 0;
}

int vm_read_file(const char *path, size_t max, char **ret)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *buf = NULL;
	size_t len = 0;
	char *whole;

	if (fd < 0)
		return -errno;
	buf = malloc(max + 2);
	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, buf + len, max + 1 - len);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
	}
	buf[len] = '\0';
	whole = realloc(buf, len + 1);
	if (!whole)
		return -ENOMEM;
	buf = NULL;
	*ret = whole;
	return 0;
}

int vm_names_add(struct vm_names *l, const char *name, size_t len)
{
	char *copy = strndup(name, len);
	char **grown;

	if (!copy)
		return -ENOMEM;
	grown = reallocarray(l->name, l->count + 2, sizeof(*grown));
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[l->count++] = copy;
	grown[l->count] = NULL;
	l->name = grown;
	return 0;
}

bool vm_names_has(const struct vm_names *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++) {
		if (!strcmp(l->name[i], name))
			return true;
	}
	return false;
}

void vm_names_done(struct vm_names *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->name[i]);
	free(l->name);
	*l = (struct vm_names){ 0 };
}
