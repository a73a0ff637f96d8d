/* SPDX-License-Identifier: MIT */
#include <archive_entry.h>
#include <fcntl.h>

#include "vm/archive.h"

enum {
	BLOCK = 65536,
	FILE_MAX = 1 << 30
};

struct archive *archive_reader_new(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	/* ARCHIVE_WARN: libarchive was built without it; such input is refused later */
	(void)archive_read_support_filter_gzip(a);
	(void)archive_read_support_filter_bzip2(a);
	(void)archive_read_support_filter_xz(a);
	(void)archive_read_support_filter_lzma(a);
	(void)archive_read_support_filter_zstd(a);
	return a;
}

static int damaged(struct archive *a, const char *from, struct vm_error *err)
{
	const char *why = archive_error_string(a);

	return vm_fail(err, VM_FAULT_BAD_FILE, -EILSEQ, from, "fetch it again",
		       "is damaged: %s", why ? why : "its data cannot be read");
}

int archive_save_entry(struct archive *a, const char *to, const char *from,
		       la_int64_t *room, struct vm_error *err)
{
	cleanup_close int fd = vm_create(to);
	char buf[BLOCK];
	la_ssize_t n;

	if (fd < 0)
		return vm_fail_errno(err, fd, to, "cannot make the file");
	while ((n = archive_read_data(a, buf, sizeof(buf))) > 0) {
		int r = 0;

		*room -= n;
		if (*room < 0)
			return vm_fail(err, VM_FAULT_BAD_FILE, -EFBIG, from,
				       "see where it is from",
				       "holds more than a kernel can");
		r = vm_write(fd, buf, (size_t)n);
		if (r)
			return vm_fail_errno(err, r, to, "cannot write");
	}
	return n == 0 ? 0 : damaged(a, from, err);
}

int archive_unpack_file(const char *from, const char *to, struct vm_error *err)
{
	cleanup_archive_reader struct archive *a = archive_reader_new();
	cleanup_close int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct archive_entry *entry;
	la_int64_t room = FILE_MAX;

	if (fd < 0)
		return vm_fail_open(err, -errno, from);
	if (!a || archive_read_support_format_raw(a) != ARCHIVE_OK)
		return vm_fail_errno(err, -ENOMEM, from, "cannot unpack");
	if (archive_read_open_fd(a, fd, BLOCK) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return damaged(a, from, err);
	return archive_save_entry(a, to, from, &room, err);
}
