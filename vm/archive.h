/* SPDX-License-Identifier: MIT */
/* What packages and compressed modules share: libarchive with our choice of formats. */
#ifndef VM_ARCHIVE_H
#define VM_ARCHIVE_H

#include <archive.h>

#include "base/cleanup.h"
#include "vm/workdir.h"

static inline void archive_reader_free(struct archive **a)
{
	if (*a)
		(void)archive_read_free(*a);
}

#define cleanup_archive_reader cleanup_(archive_reader_free)

/**
 * archive_reader_new() - a reader of gzip, bzip2, xz, lzma, zstd or nothing
 *
 * Only filters that work inside libarchive: those that start programs of their own
 * when they see their magic are left out. The caller adds the format.
 * Return: reader to be freed with archive_read_free(), NULL when memory is exhausted.
 */
struct archive *archive_reader_new(void) must_check_;

/**
 * archive_unpack_file() - copy a file, decompressed if it is compressed
 * @from:	file
 * @to:		must not exist
 * @err:	reason on failure
 *
 * Return: 0; -EILSEQ for damaged compression (nothing of @to may be used); -EFBIG above
 * 1 GiB, which no module has;
 * -errno of open(), read() or write().
 */
int archive_unpack_file(const char *from, const char *to, struct vm_error *err)
	must_check_;

/**
 * archive_save_entry() - write the data of the entry just read into a new file
 * @a:		reader
 * @to:		must not exist
 * @from:	file that @a reads, for messages
 * @room:	bytes that may be written; becomes what is left of it
 * @err:	reason on failure
 *
 * Return: 0; -EILSEQ if the archive is damaged or cut; -EFBIG (VM_FAULT_BAD_FILE) if it
 * holds more than @room; -errno of vm_create() or write().
 */
int archive_save_entry(struct archive *a, const char *to, const char *from,
		       la_int64_t *room, struct vm_error *err) must_check_;

#endif
