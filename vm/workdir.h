/* SPDX-License-Identifier: MIT */
/* The directory that one boot is prepared in, and what is done with files there. */
#ifndef VM_WORKDIR_H
#define VM_WORKDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "vm/error.h"

/**
 * struct vm_workdir - a private directory, mode 0700
 * @path:	${TMPDIR:-/tmp}/vhostcheck-PID-vm-XXXXXX; owned, NULL while not made
 * @stop_fd:	borrowed, or -1; becomes readable when long work is to stop
 */
struct vm_workdir {
	char *path;
	int stop_fd;
};

/**
 * vm_workdir_make() - make the directory
 * @w:		receives it; end with vm_workdir_done(), also after a failure
 * @stop_fd:	descriptor (a signalfd) looked at between files, or -1
 * @err:	reason on failure
 *
 * Return: 0; -errno of mkdtemp(), -ENOMEM.
 */
int vm_workdir_make(struct vm_workdir *w, int stop_fd, struct vm_error *err) must_check_;

/**
 * vm_workdir_done() - remove the directory and all that is in it
 * @w:	may never have been made
 */
void vm_workdir_done(struct vm_workdir *w);

#define cleanup_vm_workdir cleanup_(vm_workdir_done)

/**
 * vm_workdir_stopped() - whether the caller wants long work to stop
 * @w:	work directory
 */
bool vm_workdir_stopped(const struct vm_workdir *w);

/**
 * vm_path() - build a path
 * @fmt:	printf format
 *
 * Return: a string owned by the caller, or NULL when memory is exhausted.
 */
char *vm_path(const char *fmt, ...) printf_(1, 2) must_check_;

/**
 * vm_make_parents() - make every directory above @path, mode 0755
 * @path:	file to be; absolute
 *
 * Return: 0, also where they exist; -errno of mkdir(), -ENOMEM.
 */
int vm_make_parents(const char *path) must_check_;

/**
 * vm_create() - open a new file for writing, making the directories above it
 * @path:	must not exist
 *
 * Return: descriptor owned by the caller; -EEXIST, or -errno of mkdir() or open().
 */
int vm_create(const char *path) must_check_;

/**
 * vm_write() - write all of a buffer
 * @fd:		descriptor
 * @buf:	bytes
 * @len:	their number
 *
 * Return: 0; -errno of write().
 */
int vm_write(int fd, const void *buf, size_t len) must_check_;

/**
 * vm_write_file() - make a file that holds @len bytes
 * @path:	must not exist
 * @buf:	contents
 * @len:	their number
 *
 * Return: as vm_create() and vm_write().
 */
int vm_write_file(const char *path, const void *buf, size_t len) must_check_;

/**
 * vm_copy_file() - copy a file's contents
 * @from:	regular file, or a link to one
 * @to:		must not exist
 *
 * Return: 0; -errno of open(), copy_file_range() or write().
 */
int vm_copy_file(const char *from, const char *to) must_check_;

/**
 * vm_read_file() - read a small file as a string
 * @path:	file
 * @max:	largest size accepted, bytes
 * @ret:	receives the contents, NUL-ended, owned by the caller
 *
 * Return: 0; -EFBIG above @max; -errno of open() or read(); -ENOMEM.
 */
int vm_read_file(const char *path, size_t max, char **ret) must_check_;

/**
 * struct vm_names - a list of strings
 * @name:	@count strings and a NULL behind them; all owned
 * @count:	number of strings
 */
struct vm_names {
	char **name;
	size_t count;
};

/**
 * vm_names_add() - append a copy
 * @l:		list
 * @name:	string
 * @len:	bytes of it to take
 *
 * Return: 0; -ENOMEM.
 */
int vm_names_add(struct vm_names *l, const char *name, size_t len) must_check_;

/**
 * vm_names_has() - whether the list holds a string
 * @l:		list
 * @name:	string
 */
bool vm_names_has(const struct vm_names *l, const char *name);

/**
 * vm_names_done() - free the list, which is empty afterwards
 * @l:	list
 */
void vm_names_done(struct vm_names *l);

#define cleanup_vm_names cleanup_(vm_names_done)

#endif
