/* SPDX-License-Identifier: MIT */
/* The guest's root: our own executable as /init, what it is linked to, and modules. */
#ifndef VM_INITRAMFS_H
#define VM_INITRAMFS_H

#include <stdbool.h>

#include "vm/workdir.h"

/**
 * struct vm_file - one file that is carried into the guest
 * @host:	path here; borrowed
 * @guest:	absolute path there; borrowed
 * @program:	an executable, whose interpreter and libraries come along
 */
struct vm_file {
	const char *host, *guest;
	bool program;
};

/**
 * struct vm_initramfs - what goes in; all borrowed
 * @init:	executable that becomes /init, with its libraries
 * @staging:	tree copied as it is (struct vm_modules), or NULL
 * @argv:	NULL-ended arguments, written NUL-separated to /vhostcheck.argv
 * @file:	@file_count further files
 * @file_count:	number of files
 */
struct vm_initramfs {
	const char *init, *staging;
	char *const *argv;
	const struct vm_file *file;
	size_t file_count;
};

/**
 * vm_initramfs_write() - write an uncompressed newc archive
 * @i:		contents
 * @w:		work directory, for the stop descriptor
 * @path:	file to make
 * @err:	reason on failure
 *
 * /lib, /lib64, /bin and /sbin are links into /usr, as on a merged-usr host. Libraries
 * are those that the host's dynamic loader finds with an empty environment, which is
 * the guest's, or if it finds not all, with the host's LD_LIBRARY_PATH, which the
 * program's user sets in the guest; its cache goes along.
 * Return: 0; -ENOEXEC if a program is none for this machine or is linked to a library
 * that is not installed; -EINTR when stopped; -errno of open(), read() or write().
 */
int vm_initramfs_write(const struct vm_initramfs *i, const struct vm_workdir *w,
		       const char *path, struct vm_error *err) must_check_;

/**
 * vm_libraries() - what a program needs from the file system to start
 * @program:	path of an ELF executable
 * @ret:	receives the paths of its interpreter and libraries, absolute; nothing for
 *		a static program. Freed with vm_names_done(), also after a failure
 * @err:	reason on failure
 *
 * Asks the program's own interpreter (`ld.so --list`), so the answer is the loader's.
 * Return: as vm_initramfs_write().
 * Source: ld.so(8), elf(5) PT_INTERP.
 */
int vm_libraries(const char *program, struct vm_names *ret, struct vm_error *err)
	must_check_;

#endif
