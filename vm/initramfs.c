/* SPDX-License-Identifier: MIT */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vm/initramfs.h"

struct pack {
	struct archive *a;
	struct vm_names done; /* paths in the archive, without a leading slash */
	const struct vm_workdir *w;
	const char *file; /* the archive itself */
	struct vm_error *err;
};

static const struct node {
	const char *path, *link; /* link: target of a symbolic link, else NULL */
	mode_t mode;
} skeleton[] = {
	{ "dev", NULL, S_IFDIR | 0755 },
	{ "proc", NULL, S_IFDIR | 0755 },
	{ "sys", NULL, S_IFDIR | 0755 },
	{ "tmp", NULL, S_IFDIR | 01777 },
	{ "run", NULL, S_IFDIR | 0755 },
	{ "etc", NULL, S_IFDIR | 0755 },
	{ "etc/target", NULL, S_IFDIR | 0755 }, /* target_core_mod complains without it */
	{ "usr", NULL, S_IFDIR | 0755 },
	{ "usr/bin", NULL, S_IFDIR | 0755 },
	{ "usr/sbin", NULL, S_IFDIR | 0755 },
	{ "usr/lib", NULL, S_IFDIR | 0755 },
	{ "usr/lib64", NULL, S_IFDIR | 0755 },
	{ "bin", "usr/bin", S_IFLNK | 0777 },
	{ "sbin", "usr/sbin", S_IFLNK | 0777 },
	{ "lib", "usr/lib", S_IFLNK | 0777 },
	{ "lib64", "usr/lib64", S_IFLNK | 0777 },
	{ "dev/console", NULL, S_IFCHR | 0600 }, /* stdin, stdout, stderr of /init */
};

static int write_failed(struct pack *p)
{
	int code = archive_errno(p->a);

	return vm_fail_errno(p->err, code > 0 ? -code : -EIO, p->file,
			     "cannot write the initramfs");
}

/* One header; the caller writes @size bytes behind it */
static int put_header(struct pack *p, const char *path, mode_t mode, const char *link,
		      la_int64_t size)
{
	struct archive_entry *e = archive_entry_new();
	int r;

	if (!e || vm_names_add(&p->done, path, strlen(path))) {
		archive_entry_free(e);
		return vm_fail_errno(p->err, -ENOMEM, path, "cannot pack");
	}
	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, mode);
	archive_entry_set_size(e, size);
	archive_entry_set_nlink(e, 1);
	if (link)
		archive_entry_set_symlink(e, link);
	if (S_ISCHR(mode))
		archive_entry_set_rdev(e, makedev(5, 1));
	r = archive_write_header(p->a, e);
	archive_entry_free(e);
	return r < ARCHIVE_WARN ? write_failed(p) : 0;
}

/* /lib/x and /usr/lib/x are one file: use the path behind the links of the skeleton */
static char *archive_path(const char *guest)
{
	static const char *const linked[] = { "lib/", "lib64/", "bin/", "sbin/" };

	guest += strspn(guest, "/");
	for (size_t i = 0; i < ARRAY_SIZE(linked); i++) {
		if (!strncmp(guest, linked[i], strlen(linked[i])))
			return vm_path("usr/%s", guest);
	}
	return strdup(guest);
}

static int put_parents(struct pack *p, const char *path)
{
	for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
		cleanup_free char *dir = strndup(path, (size_t)(s - path));
		int r;

		if (!dir)
			return vm_fail_errno(p->err, -ENOMEM, path, "cannot pack");
		if (vm_names_has(&p->done, dir))
			continue;
		r = put_header(p, dir, S_IFDIR | 0755, NULL, 0);
		if (r)
			return r;
	}
	return 0;
}

static int put_bytes(struct pack *p, const void *buf, size_t len)
{
	const char *at = buf;

	while (len) {
		la_ssize_t n = archive_write_data(p->a, at, len);

		if (n <= 0)
			return write_failed(p);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int put_contents(struct pack *p, int fd, const char *host, la_int64_t size)
{
	char buf[65536];

	while (size > 0) {
		size_t want = size < (la_int64_t)sizeof(buf) ? (size_t)size : sizeof(buf);
		ssize_t n = read(fd, buf, want);
		int r;

		if (n < 0)
			return vm_fail_open(p->err, -errno, host);
		if (n == 0)
			return vm_fail(p->err, VM_FAULT_UNREADABLE, -EIO, host, NULL,
				       "became shorter while it was read");
		r = put_bytes(p, buf, (size_t)n);
		if (r)
			return r;
		size -= n;
	}
	return 0;
}

/* A regular file of the host, links followed, under its path in the guest */
static int put_file(struct pack *p, const char *host, const char *guest)
{
	cleanup_close int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_free char *path = archive_path(guest);
	struct stat st;
	int r;

	if (!path)
		return vm_fail_errno(p->err, -ENOMEM, host, "cannot pack");
	if (vm_workdir_stopped(p->w))
		return vm_fail_errno(p->err, -EINTR, host, "cannot pack");
	if (vm_names_has(&p->done, path))
		return 0;
	if (fd < 0 || fstat(fd, &st))
		return vm_fail_open(p->err, -errno, host);
	if (!S_ISREG(st.st_mode))
		return vm_fail(p->err, VM_FAULT_BAD_FILE, -EINVAL, host, NULL,
			       "is not a regular file, so it cannot go into the guest");
	r = put_parents(p, path);
	if (!r)
		r = put_header(p, path, S_IFREG | (st.st_mode & 0111 ? 0755 : 0644), NULL,
			       st.st_size);
	return r ? r : put_contents(p, fd, host, st.st_size);
}

static int put_program(struct pack *p, const char *host, const char *guest)
{
	cleanup_vm_names struct vm_names libs = { 0 };
	int r = vm_libraries(host, &libs, p->err);

	if (!r)
		r = put_file(p, host, guest);
	for (size_t i = 0; !r && i < libs.count; i++)
		r = put_file(p, libs.name[i], libs.name[i]);
	return r;
}

static int put_link(struct pack *p, const char *host, const char *path)
{
	char target[4096];
	ssize_t n = readlink(host, target, sizeof(target) - 1);

	if (n < 0)
		return vm_fail_open(p->err, -errno, host);
	target[n] = '\0';
	return put_header(p, path, S_IFLNK | 0777, target, 0);
}

static int put_tree_entry(struct pack *p, const FTSENT *e, const char *path)
{
	if (*path == '\0' || vm_names_has(&p->done, path))
		return 0;
	switch (e->fts_info) {
	case FTS_D:
		return put_header(p, path, S_IFDIR | 0755, NULL, 0);
	case FTS_SL:
	case FTS_SLNONE:
		return put_link(p, e->fts_path, path);
	case FTS_F:
		return put_file(p, e->fts_path, path);
	case FTS_DP:
		return 0;
	default:
		return vm_fail_open(p->err, e->fts_errno ? -e->fts_errno : -EIO,
				    e->fts_path);
	}
}

static int put_tree(struct pack *p, const char *top)
{
	cleanup_free char *root = strdup(top);
	char *paths[] = { root, NULL };
	FTS *fts = root ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
	int r = 0;

	if (!fts)
		return vm_fail_open(p->err, -errno, top);
	while (!r) {
		FTSENT *e;

		errno = 0;
		e = fts_read(fts);
		if (!e) {
			r = errno ? vm_fail_open(p->err, -errno, top) : 0;
			break;
		}
		r = put_tree_entry(p, e, e->fts_path + strlen(top) + (e->fts_level > 0));
	}
	(void)fts_close(fts);
	return r;
}

static int put_skeleton(struct pack *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(skeleton); i++) {
		const struct node *n = &skeleton[i];
		int r = put_header(p, n->path, n->mode, n->link, 0);

		if (r)
			return r;
	}
	return 0;
}

static int put_argv(struct pack *p, char *const *argv)
{
	static const char path[] = "vhostcheck.argv";
	size_t size = 0;
	int r;

	for (size_t i = 0; argv[i]; i++)
		size += strlen(argv[i]) + 1;
	r = put_header(p, path, S_IFREG | 0644, NULL, (la_int64_t)size);
	for (size_t i = 0; !r && argv[i]; i++)
		r = put_bytes(p, argv[i], strlen(argv[i]) + 1);
	return r;
}

static int put_all(struct pack *p, const struct vm_initramfs *i)
{
	static const char cache[] = "/etc/ld.so.cache";
	int r = put_skeleton(p);

	if (!r)
		r = put_program(p, i->init, "init");
	if (!r && !access(cache, R_OK))
		r = put_file(p, cache, cache);
	if (!r)
		r = put_argv(p, i->argv);
	if (!r && i->staging)
		r = put_tree(p, i->staging);
	for (size_t n = 0; !r && n < i->file_count; n++) {
		const struct vm_file *f = &i->file[n];

		r = f->program ? put_program(p, f->host, f->guest)
			       : put_file(p, f->host, f->guest);
	}
	return r;
}

int vm_initramfs_write(const struct vm_initramfs *i, const struct vm_workdir *w,
		       const char *path, struct vm_error *err)
{
	struct pack p = { .a = archive_write_new(), .w = w, .file = path, .err = err };
	int r;

	if (!p.a || archive_write_set_format_cpio_newc(p.a) != ARCHIVE_OK)
		r = vm_fail_errno(err, -ENOMEM, path, "cannot write the initramfs");
	else if (archive_write_set_bytes_per_block(p.a, 65536) != ARCHIVE_OK ||
		 archive_write_open_filename(p.a, path) != ARCHIVE_OK)
		r = write_failed(&p);
	else
		r = put_all(&p, i);
	if (!r && archive_write_close(p.a) != ARCHIVE_OK)
		r = write_failed(&p);
	(void)archive_write_free(p.a);
	vm_names_done(&p.done);
	return r;
}
