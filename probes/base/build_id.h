/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUILD_ID_H
#define BASE_BUILD_ID_H

#include "base/cleanup.h"

/** BUILD_ID_ROOM - bytes of a GNU build-id in hex with its NUL; 20 bytes are usual */
#define BUILD_ID_ROOM 64

/**
 * build_id_of_notes() - find the GNU build-id among ELF notes
 * @notes:	content of a note section; need not be aligned
 * @len:	its bytes
 * @ret:	BUILD_ID_ROOM bytes; lower case hex
 *
 * Return: 0; -ENOENT if there is none, or one too long for @ret.
 * Source: elf(5) "Notes (Nhdr)"; NT_GNU_BUILD_ID
 */
int build_id_of_notes(const void *notes, size_t len, char *ret) must_check_;

/**
 * build_id_of_file() - find the GNU build-id of an ELF file
 * @path:	file, of this machine's word size and byte order
 * @ret:	BUILD_ID_ROOM bytes; lower case hex
 *
 * Looks at sections only, as kernel modules have no program headers.
 * Return: 0; -ENOEXEC if it is no such file (a compressed module is none); -ENOENT if
 * it has no build-id; -errno of open(2), fstat(2) or mmap(2).
 */
int build_id_of_file(const char *path, char *ret) must_check_;

#endif
