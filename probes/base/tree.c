/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/tree.h"

enum {
	TREE_DEPTH_MAX = 64
};

static int remove_at(int dir, const char *name, dev_t dev, int depth);

static int remove_inside(int *fd, dev_t dev, int depth)
{
	int first = 0;
	DIR *d = fdopendir(*fd);

	if (!d)
		return -errno;
	(void)take_fd(fd); /* closedir() closes it now */
	for (;;) {
		const struct dirent *e;
		int r;

		errno = 0;
		e = readdir(d);
		if (!e) {
			r = -errno;
			(void)closedir(d);
			return first ? first : r;
		}
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		r = remove_at(dirfd(d), e->d_name, dev, depth + 1);
		if (!first)
			first = r;
	}
}

static int remove_at(int dir, const char *name, dev_t dev, int depth)
{
	cleanup_close int fd = -1;
	struct stat st;
	int r;

	if (!unlinkat(dir, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM) /* EPERM: POSIX, for a directory */
		return -errno;
	if (depth >= TREE_DEPTH_MAX)
		return -ELOOP;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		return -errno;
	if (depth > 0 && st.st_dev != dev)
		return -EXDEV;
	r = remove_inside(&fd, st.st_dev, depth);
	if (r)
		return r;
	return unlinkat(dir, name, AT_REMOVEDIR) ? -errno : 0;
}

int tree_remove(const char *path)
{
	return remove_at(AT_FDCWD, path, 0, 0);
}
