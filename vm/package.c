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
 *
 * An .rpm is headers (vm/rpm.c) and a compressed cpio archive; the reader in the middle
 * is its first. Unlike Debian's, its compression may have no checksum: rpm makes zstd
 * without one. So it is read once before, for the digests that its headers tell.
 *
 * Reading to the end is the price of knowing that a package is whole. Nor is it known
 * before which modules are needed: what they depend on stands in themselves.
 */
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "vm/archive.h"
#include "vm/package.h"
#include "vm/rpm.h"

enum {
	BLOCK = 65536,
	CONTROL_MAX = 65536
};

/* A full kernel with debug information in its modules stays far below */
static const la_int64_t UNPACKED_MAX = (la_int64_t)8 << 30;

struct unpack {
	struct vm_package *p;
	const struct vm_workdir *w;
	const char *file;
	bool image, config; /* were found */
	struct vm_error *err;
	int fd;          /* of the package; its offset tells how much was read */
	la_int64_t room; /* bytes that may be unpacked yet */
	struct archive_entry *entry; /* being read; borrowed */
};

/* What one reader passes to the next */
struct source {
	struct archive *from; /* borrowed */
	char block[BLOCK];
};

static int bad(const struct unpack *u, const char *what)
{
	return vm_fail(u->err, VM_FAULT_BAD_FILE, -EINVAL, u->file,
		       "name a kernel's package", "%s", what);
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

	if (n < 0) {
		const char *why = archive_error_string(s->from);

		archive_set_error(a, EIO, "%s", why ? why : "its data cannot be read");
	}
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
	cleanup_free char *name = NULL, *version = NULL, *arch = NULL;
	la_ssize_t n;

	if (!text)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot read");
	n = archive_read_data(a, text, CONTROL_MAX);
	if (n < 0)
		return damaged(u, a);
	name = control_field(text, "Package");
	version = control_field(text, "Version");
	arch = control_field(text, "Architecture");
	if (!name || !version || !arch)
		return bad(u,
			   "its control file names no package, version or architecture");
	if (strcmp(arch, "amd64") != 0 && strcmp(arch, "all") != 0)
		return vm_fail(u->err, VM_FAULT_FOREIGN, -EINVAL, u->file,
			       "name a package for amd64", "is for %s, not for amd64",
			       arch);
	free(u->p->name);
	u->p->name = vm_path("%s %s", name, version);
	return u->p->name ? 0 : vm_fail_errno(u->err, -ENOMEM, u->file, "cannot read");
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

/* Save the entry as NAME in the package's directory */
static int save(struct unpack *u, struct archive *a, const char *name)
{
	cleanup_free char *path = vm_path("%s/%s", u->p->dir, name);
	int r;

	if (!path)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot unpack");
	r = archive_save_entry(a, path, u->file, &u->room, u->err);
	switch (r) {
	case -EILSEQ:
		return damaged(u, a);
	case -EEXIST:
	case -EISDIR:
	case -ENOTDIR:
	case -ENAMETOOLONG:
		return vm_fail(u->err, VM_FAULT_BAD_FILE, -EINVAL, u->file,
			       "fetch it again", "holds %s, which cannot be unpacked: %s",
			       archive_entry_pathname(u->entry), strerror(-r));
	default:
		return r;
	}
}

/* A package may have the file in both of its places; the first one is taken */
static int save_once(struct unpack *u, struct archive *a, const char *name, bool *done)
{
	if (*done)
		return 0;
	*done = true;
	return save(u, a, name);
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
	if (!strcmp(rest, "vmlinuz") || !strcmp(rest, "config")) {
		r = same_release(u, path, len);
		return r ? r
			 : save_once(u, a, rest, *rest == 'v' ? &u->image : &u->config);
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
	return save(u, a, name);
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
		return r ? r : save_once(u, a, "vmlinuz", &u->image);
	}
	if ((rest = after(path, "boot/config-")) && !strchr(rest, '/')) {
		r = same_release(u, rest, strlen(rest));
		return r ? r : save_once(u, a, "config", &u->config);
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
	u->entry = entry;
	path += strspn(path, "./");
	if (!control)
		return take_data(u, a, path);
	return strcmp(path, "control") ? 0 : take_control(u, a);
}

/* The tar or cpio archive that @raw decompresses */
static int read_files(struct unpack *u, struct archive *raw,
		      int (*format)(struct archive *), bool control)
{
	cleanup_archive_reader struct archive *a = archive_read_new();
	cleanup_free struct source *s = calloc(1, sizeof(*s));
	struct archive_entry *entry;
	la_ssize_t n;
	int r;

	if (!a || !s || format(a) != ARCHIVE_OK)
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
	return read_files(u, raw, archive_read_support_format_tar, control);
}

/* Since 6.19 linux-image-RELEASE only stands for others */
static int release_of_deb(struct unpack *u)
{
	const char *r = after(u->p->name, "linux-image-");

	if (u->p->release || !r || *r < '0' || *r > '9')
		return 0;
	u->p->release = strndup(r, strcspn(r, " "));
	return u->p->release ? 0 : vm_fail_errno(u->err, -ENOMEM, u->file, "cannot read");
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
	return data ? release_of_deb(u) : damaged(u, ar);
}

static int read_deb(struct unpack *u)
{
	cleanup_archive_reader struct archive *ar = archive_read_new();

	if (!ar || archive_read_support_format_ar(ar) != ARCHIVE_OK)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot unpack");
	if (archive_read_open_fd(ar, u->fd, BLOCK) != ARCHIVE_OK)
		return damaged(u, ar);
	return read_ar(u, ar);
}

static int take_rpm(struct unpack *u, const struct vm_rpm *rpm)
{
	if (rpm->source)
		return bad(u, "is a source package");
	if (strcmp(rpm->arch, "x86_64") != 0 && strcmp(rpm->arch, "noarch") != 0)
		return vm_fail(u->err, VM_FAULT_FOREIGN, -EINVAL, u->file,
			       "name a package for x86_64", "is for %s, not for x86_64",
			       rpm->arch);
	u->p->name = strdup(rpm->name);
	return u->p->name ? 0 : vm_fail_errno(u->err, -ENOMEM, u->file, "cannot read");
}

/* Fedora's kernel-VERSION, which only stands for others: uname -r is VERSION.ARCH */
static int release_of_rpm(struct unpack *u, const struct vm_rpm *rpm)
{
	if (u->p->release || !after(rpm->name, "kernel-") ||
	    rpm->version != rpm->name + strlen("kernel-"))
		return 0;
	u->p->release = vm_path("%s.%s", rpm->version, rpm->arch);
	return u->p->release ? 0 : vm_fail_errno(u->err, -ENOMEM, u->file, "cannot read");
}

static int read_rpm(struct unpack *u)
{
	cleanup_archive_reader struct archive *raw = archive_reader_new();
	cleanup_vm_rpm struct vm_rpm rpm = { 0 };
	struct archive_entry *entry;
	int r = vm_rpm_open(&rpm, u->w, u->fd, u->file, u->err);

	if (!r)
		r = take_rpm(u, &rpm);
	if (r)
		return r;
	if (!raw || archive_read_support_format_raw(raw) != ARCHIVE_OK)
		return vm_fail_errno(u->err, -ENOMEM, u->file, "cannot unpack");
	if (lseek(u->fd, rpm.payload, SEEK_SET) < 0)
		return vm_fail_open(u->err, -errno, u->file);
	if (archive_read_open_fd(raw, u->fd, BLOCK) != ARCHIVE_OK ||
	    archive_read_next_header(raw, &entry) != ARCHIVE_OK)
		return damaged(u, raw);
	r = read_files(u, raw, archive_read_support_format_cpio, false);
	return r ? r : release_of_rpm(u, &rpm);
}

int vm_package_unpack(struct vm_package *p, const struct vm_workdir *w, const char *dir,
		      const char *file, enum bzimage_kind kind, struct vm_error *err)
{
	cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct unpack u = {
		.p = p, .w = w, .file = file, .err = err, .fd = fd, .room = UNPACKED_MAX
	};

	*p = (struct vm_package){ .dir = vm_path("%s/%s", w->path, dir) };
	if (fd < 0)
		return vm_fail_open(err, -errno, file);
	if (!p->dir)
		return vm_fail_errno(err, -ENOMEM, file, "cannot unpack");
	return kind == BZIMAGE_DEB ? read_deb(&u) : read_rpm(&u);
}

void vm_package_done(struct vm_package *p)
{
	free(p->name);
	free(p->release);
	free(p->dir);
	*p = (struct vm_package){ 0 };
}
