/* SPDX-License-Identifier: MIT */
/* Kernel packages that are built for a test. */
#ifndef VM_PACKAGE_FIXTURE_H
#define VM_PACKAGE_FIXTURE_H

#include <archive_entry.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "vm/archive.h"
#include "vm/command.h"
#include "vm/kernels.h"
#include "vm/package.h"
#include "vm_fakes.h"

enum {
	MEMBER_MAX = 65536
};

/* A tar member of a package: "path" and contents, or a link */
struct member {
	const char *path, *link;
	const void *bytes;
	size_t len;
};

/* A package being built */
struct deb {
	const char *control;
	const struct member *member;
	size_t count;
	bool gzip;
};

static struct vm_workdir work;
static struct vm_error err;
static unsigned char image[FAKE_IMAGE];

static inline int make_work(void **state)
{
	(void)state;
	fake_image(image, "6.1.0-9-amd64 #1");
	memset(&err, 0, sizeof(err));
	return vm_workdir_make(&work, -1, &err);
}

static inline int remove_work(void **state)
{
	(void)state;
	vm_workdir_done(&work);
	return 0;
}

/* Into MEMBER_MAX bytes at @buf; format and filter are of libarchive */
static inline size_t make_files(const struct member *m, size_t count,
				int (*format)(struct archive *),
				int (*filter)(struct archive *), char *buf)
{
	struct archive *a = archive_write_new();
	size_t used = 0;

	assert_non_null(a);
	assert_int_equal(format(a), ARCHIVE_OK);
	assert_int_equal(filter(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, buf, MEMBER_MAX, &used),
			 ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		struct archive_entry *e = archive_entry_new();

		assert_non_null(e);
		archive_entry_set_pathname(e, m[i].path);
		archive_entry_set_mode(e, m[i].link ? S_IFLNK | 0777 : S_IFREG | 0644);
		archive_entry_set_size(e, (la_int64_t)m[i].len);
		if (m[i].link)
			archive_entry_set_symlink(e, m[i].link);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		assert_int_equal(archive_write_data(a, m[i].bytes, m[i].len), m[i].len);
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	assert_int_equal(archive_write_free(a), ARCHIVE_OK);
	return used;
}

static inline size_t make_tar(const struct member *m, size_t count, bool gzip, char *buf)
{
	return make_files(
		m, count, archive_write_set_format_ustar,
		gzip ? archive_write_add_filter_gzip : archive_write_add_filter_xz, buf);
}

static inline void put_ar(int fd, const char *name, const char *bytes, size_t len)
{
	assert_int_equal(dprintf(fd, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0,
				 "100644", len),
			 60);
	assert_int_equal(vm_write(fd, bytes, len), 0);
	assert_int_equal(vm_write(fd, "\n", len % 2), 0);
}

static inline char *make_deb(const char *name, const struct deb *d)
{
	const struct member control = { "./control", NULL, d->control,
					strlen(d->control) };
	const char *end = d->gzip ? "gz" : "xz";
	char *path = vm_path("%s/%s", work.path, name), *buf = malloc(MEMBER_MAX);
	char ar_name[17];
	int fd;

	assert_non_null(path);
	assert_non_null(buf);
	fd = vm_create(path);
	assert_true(fd >= 0);
	assert_int_equal(vm_write(fd, "!<arch>\n", 8), 0);
	put_ar(fd, "debian-binary", "2.0\n", 4);
	(void)snprintf(ar_name, sizeof(ar_name), "control.tar.%s", end);
	put_ar(fd, ar_name, buf, make_tar(&control, 1, d->gzip, buf));
	(void)snprintf(ar_name, sizeof(ar_name), "data.tar.%s", end);
	put_ar(fd, ar_name, buf, make_tar(d->member, d->count, d->gzip, buf));
	assert_int_equal(close(fd), 0);
	free(buf);
	return path;
}

static const char amd64[] = "Package: linux-image-6.1.0-9-amd64\nVersion: 6.1.9-1\n"
			    "Architecture: amd64\nDescription: Linux\n Version: none\n";

static const struct member whole[] = {
	{ "./boot/vmlinuz-6.1.0-9-amd64", NULL, image, sizeof(image) },
	{ "./boot/config-6.1.0-9-amd64", NULL, FAKE_CONFIG, sizeof(FAKE_CONFIG) - 1 },
	{ "./boot/System.map-6.1.0-9-amd64", NULL, "no", 2 },
	{ "./lib/modules/6.1.0-9-amd64/modules.order", NULL, "o", 1 },
	{ "./lib/modules/6.1.0-9-amd64/modules.builtin", NULL, "b", 1 },
	{ "./lib/modules/6.1.0-9-amd64/modules.builtin.modinfo", NULL, "i", 1 },
	{ "./lib/modules/6.1.0-9-amd64/build", "/usr/src/x", "", 0 },
	{ "./lib/modules/6.1.0-9-amd64/kernel/drivers/vhost/vhost.ko", NULL, "ko", 2 },
	{ "./lib/modules/6.1.0-9-amd64/kernel/net/a.ko.xz", NULL, "xz", 2 },
	{ "./lib/modules/6.1.0-9-amd64/kernel/net/link.ko", "/etc/passwd", "", 0 },
	{ "./usr/share/doc/readme", NULL, "doc", 3 },
};

static const struct deb good = { amd64, whole, ARRAY_SIZE(whole), false };

static inline bool there(const char *name)
{
	cleanup_free char *path = vm_path("%s/p/%s", work.path, name);
	struct stat st;

	assert_non_null(path);
	return !lstat(path, &st);
}

/* The package cut or changed at @at; must be refused, and as damaged or cut */
static inline void expect_damage(enum bzimage_kind kind, const char *bytes, size_t len,
				 const char *what, size_t at)
{
	cleanup_free char *path = vm_path("%s/damaged", work.path);
	struct vm_package p;
	int r;

	assert_int_equal(vm_write_file(path, bytes, len), 0);
	memset(&err, 0, sizeof(err));
	r = vm_package_unpack(&p, &work, "p", path, kind, &err);
	if (!r || (err.fault != VM_FAULT_TRUNCATED && err.fault != VM_FAULT_BAD_FILE &&
		   err.fault != VM_FAULT_FOREIGN))
		fail_msg("%s at %zu: %d, %s", what, at, r, err.text);
	vm_package_done(&p);
	vm_workdir_done(&work);
	assert_int_equal(vm_workdir_make(&work, -1, &err), 0);
}

static inline size_t slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, size);

	assert_true(n > 0 && (size_t)n < size);
	assert_int_equal(close(fd), 0);
	return (size_t)n;
}

/* Adds all, then finishes; NULL ends the list. Return: of what failed first */
static inline int add_all(struct vm_kernels *ks, const char *const *args)
{
	cleanup_vm_workdir struct vm_workdir w = { 0 };
	size_t count = 0;
	int r = vm_workdir_make(&w, -1, &err);

	memset(&err, 0, sizeof(err));
	while (args[count])
		count++;
	if (r == 0)
		r = vm_kernels_add(ks, &w, args, count, NULL, &err);
	return r ? r : vm_kernels_finish(ks, &err);
}

#endif
