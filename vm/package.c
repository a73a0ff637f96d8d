/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A .deb is an ar archive of debian-binary, control.tar.* and data.tar.*, in this
 * order. Three libarchive readers stand in a row: one walks the ar archive, one
 * decompresses the member that the first has reached, one reads the tar archive out of
 * that. So the package is read once and nothing but the wanted files is ever written.
 * The one in the middle is there to be read to its end: the checksum that tells damage
 * comes last, behind all that the tar archive has.
 */
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "vm/archive.h"
#include "vm/package.h"

enum {
	BLOCK = 65536,
	CONTROL_MAX = 65536
};

struct unpack {
	struct vm_package *p;
	const struct vm_workdir *w;
	const char *file;
	struct vm_error *err;
	int fd; /* of the package; its offset tells how much was read */
};

/* What one reader passes to the next */
struct source {
	struct archive *from; /* borrowed */
	char block[BLOCK];
};

static int bad(const struct unpack *u, const char *what)
{
	return vm_fail(u->err, VM_FAULT_BAD_FILE, -EINVAL, u->file,
		       "name a Debian linux-image-RELEASE package", "%s", what);
}

/* Damage, told apart from a file that ends early by how far reading came */
static int damaged(const struct unpack *u, struct archive *a)
{
	const char *why = archive_error_string(a);
	off_t at = lseek(u->fd, 0, SEEK_CUR);
	struct stat st;

	if (!why)
		why = "its data cannot be read";
	if (!fstat(u->fd, &st) && at >= st.st_size)
		return vm_fail(u->err, VM_FAULT_TRUNCATED, -EILSEQ, u->file,
			       "fetch it again", "is cut off after %lld bytes: %s",
			       (long long)st.st_size, why);
	return vm_fail(u->err, VM_FAULT_BAD_FILE, -EILSEQ, u->file, "fetch it again",
		       "is damaged: %s", why);
}

static la_ssize_t read_source(struct archive *a, void *ctx, const void **ret)
{
	struct source *s = ctx;
	la_ssize_t n = archive_read_data(s->from, s->block, sizeof(s->block));

	if (n < 0)
		archive_set_error(a, EIO, "%s", archive_error_string(s->from));
	*ret = s->block;
	return n < 0 ? ARCHIVE_FATAL : n;
}

/* A control field that is one line long; NULL if it is absent */
static char *control_field(const char *text, const char *key)
{
	size_t n = strlen(key);

	while (text) {
		if (!strncasecmp(text, key, n) && text[n] == ':') {
			const char *v = text + n + 1;

			v += strspn(v, " \t");
			return strndup(v, strcspn(v, "\r\n"));
		}
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

static int take_control(struct unpack *u, struct archive *a)
{
	cleanup_free char *text = calloc(1, CONTROL_MAX + 1);
	struct vm_package *p = u->p;
	la_ssize_t n;

	if (!text)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot read");
	n = archive_read_data(a, text, CONTROL_MAX);
	if (n < 0)
		return damaged(u, a);
	p->name = control_field(text, "Package");
	p->version = control_field(text, "Version");
	p->arch = control_field(text, "Architecture");
	if (!p->name || !p->version || !p->arch)
		return bad(u,
			   "its control file names no package, version or architecture");
	if (strcmp(p->arch, "amd64") != 0 && strcmp(p->arch, "all") != 0)
		return vm_fail(u->err, VM_FAULT_FOREIGN, -EINVAL, u->file,
			       "name a package for amd64", "is for %s, not for amd64",
			       p->arch);
	return 0;
}

/* Each package has one release; the paths must agree on it */
static int same_release(struct unpack *u, const char *release, size_t len)
{
	struct vm_package *p = u->p;

	if (!p->release) {
		p->release = strndup(release, len);
		return p->release
			       ? 0
			       : vm_fail_errno(u->err, -ENOMEM, u->file, "cannot read");
	}
	if (strlen(p->release) == len && !strncmp(p->release, release, len))
		return 0;
	return vm_fail(u->err, VM_FAULT_BAD_FILE, -EINVAL, u->file,
		       "name a package that holds one kernel",
		       "holds two kernels: %s and %.*s", p->release, (int)len, release);
}

/* Save the entry as package/NAME; the path is handed to @ret unless that is NULL */
static int save(struct unpack *u, struct archive *a, const char *name, char **ret)
{
	char *path = vm_path("%s/package/%s", u->w->path, name);
	int r;

	if (!path)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot unpack");
	r = archive_save_entry(a, path, u->file, u->err);
	if (r == -EILSEQ)
		r = damaged(u, a);
	if (r || !ret) {
		free(path);
		return r;
	}
	free(*ret);
	*ret = path;
	return 0;
}

static bool is_module(const char *path)
{
	static const char *const ends[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && !strcmp(path + len - n, ends[i]))
			return true;
	}
	return false;
}

/* @path begins behind lib/modules/ */
static int take_modules_entry(struct unpack *u, struct archive *a, const char *path)
{
	size_t len = strcspn(path, "/");
	const char *rest = path + len;
	cleanup_free char *name = NULL;
	int r;

	if (*rest++ != '/' || len == 0)
		return 0;
	if (!strcmp(rest, "vmlinuz")) {
		r = same_release(u, path, len);
		return r ? r : save(u, a, "vmlinuz", &u->p->image);
	}
	if (strcmp(rest, "modules.order") != 0 &&
	    strncmp(rest, "modules.builtin", strlen("modules.builtin")) != 0 &&
	    (strncmp(rest, "kernel/", strlen("kernel/")) != 0 || !is_module(rest)))
		return 0;
	r = same_release(u, path, len);
	if (r)
		return r;
	name = vm_path("modules/%s", rest);
	if (!name)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot unpack");
	if (!u->p->modules)
		u->p->modules = vm_path("%s/package/modules", u->w->path);
	return save(u, a, name, NULL);
}

static const char *after(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) ? NULL : path + n;
}

static bool climbs(const char *path)
{
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (p[2] == '/' || p[2] == '\0'))
			return true;
	}
	return false;
}

static int take_data(struct unpack *u, struct archive *a, const char *path)
{
	const char *rest;
	int r;

	if (climbs(path))
		return bad(u, "holds a path that climbs out of the package");
	if ((rest = after(path, "boot/vmlinuz-")) && !strchr(rest, '/')) {
		r = same_release(u, rest, strlen(rest));
		return r ? r : save(u, a, "vmlinuz", &u->p->image);
	}
	if ((rest = after(path, "boot/config-")) && !strchr(rest, '/')) {
		r = same_release(u, rest, strlen(rest));
		return r ? r : save(u, a, "config", &u->p->config);
	}
	rest = after(path, "lib/modules/");
	if (!rest)
		rest = after(path, "usr/lib/modules/");
	return rest ? take_modules_entry(u, a, rest) : 0;
}

static int take_entry(struct unpack *u, struct archive *a, struct archive_entry *entry,
		      bool control)
{
	const char *path = archive_entry_pathname(entry);

	if (vm_workdir_stopped(u->w))
		return vm_fail_errno(u->err, -EINTR, u->file, "cannot unpack");
	if (!path || archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	path += strspn(path, "./");
	if (!control)
		return take_data(u, a, path);
	return strcmp(path, "control") ? 0 : take_control(u, a);
}

static int read_tar(struct unpack *u, struct archive *raw, bool control)
{
	cleanup_archive_reader struct archive *a = archive_read_new();
	cleanup_free struct source *s = calloc(1, sizeof(*s));
	struct archive_entry *entry;
	la_ssize_t n;
	int r;

	if (!a || !s || archive_read_support_format_tar(a) != ARCHIVE_OK)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot unpack");
	s->from = raw;
	if (archive_read_open(a, s, NULL, read_source, NULL) != ARCHIVE_OK)
		return damaged(u, a);
	while ((r = archive_read_next_header(a, &entry)) != ARCHIVE_EOF) {
		if (r < ARCHIVE_WARN)
			return damaged(u, a);
		r = take_entry(u, a, entry, control);
		if (r)
			return r;
	}
	while ((n = archive_read_data(raw, s->block, sizeof(s->block))) > 0)
		;
	return n < 0 ? damaged(u, raw) : 0;
}

static int read_member(struct unpack *u, struct archive *ar, bool control)
{
	cleanup_archive_reader struct archive *raw = archive_reader_new();
	cleanup_free struct source *s = calloc(1, sizeof(*s));
	struct archive_entry *entry;

	if (!raw || !s || archive_read_support_format_raw(raw) != ARCHIVE_OK)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot unpack");
	s->from = ar;
	if (archive_read_open(raw, s, NULL, read_source, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(raw, &entry) != ARCHIVE_OK)
		return damaged(u, raw);
	return read_tar(u, raw, control);
}

static int read_ar(struct unpack *u, struct archive *ar)
{
	struct archive_entry *entry;
	bool data = false;
	int r;

	while ((r = archive_read_next_header(ar, &entry)) != ARCHIVE_EOF) {
		const char *name = archive_entry_pathname(entry);

		if (r < ARCHIVE_WARN)
			return damaged(u, ar);
		r = 0;
		if (name && after(name, "control.tar")) {
			r = read_member(u, ar, true);
		} else if (name && after(name, "data.tar")) {
			if (!u->p->name)
				return bad(u, "has no control file before its data");
			data = true;
			r = read_member(u, ar, false);
		}
		if (r)
			return r;
	}
	return data ? 0 : damaged(u, ar);
}

int vm_package_unpack(struct vm_package *p, const struct vm_workdir *w, const char *file,
		      struct vm_error *err)
{
	cleanup_archive_reader struct archive *ar = archive_read_new();
	cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct unpack u = { .p = p, .w = w, .file = file, .err = err, .fd = fd };

	*p = (struct vm_package){ 0 };
	if (fd < 0)
		return vm_fail_open(err, -errno, file);
	if (!ar || archive_read_support_format_ar(ar) != ARCHIVE_OK)
		return vm_fail_errno(err, -ENOMEM, file, "cannot unpack");
	if (archive_read_open_fd(ar, fd, BLOCK) != ARCHIVE_OK)
		return damaged(&u, ar);
	return read_ar(&u, ar);
}

void vm_package_done(struct vm_package *p)
{
	free(p->name);
	free(p->version);
	free(p->arch);
	free(p->release);
	free(p->image);
	free(p->config);
	free(p->modules);
	*p = (struct vm_package){ 0 };
}
