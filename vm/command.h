/* SPDX-License-Identifier: MIT */
/* Small helper programs: the dynamic loader, depmod, QEMU's version. */
#ifndef VM_COMMAND_H
#define VM_COMMAND_H

#include "base/cleanup.h"
#include "base/deadline.h"

/** COMMAND_TEXT_MAX - bytes of output that are kept; the rest is read and dropped */
#define COMMAND_TEXT_MAX 65536

/**
 * command_run() - run a program to its end, without a shell
 * @argv:	NULL-ended; argv[0] is the path of the program
 * @env:	NULL-ended environment
 * @until:	the program is killed at this point
 * @ret_text:	receives its stdout and stderr, NUL-ended, owned by the caller; set
 *		whenever the program was started, NULL otherwise
 *
 * Standard input is /dev/null; no signal is blocked or ignored in the program.
 * Return: exit status 0 to 255; 128 + n if it died from signal n; -ETIMEDOUT;
 * -errno of posix_spawn() (-ENOENT, -EACCES, ...), -ENOMEM.
 */
int command_run(char *const argv[], char *const env[], struct deadline until,
		char **ret_text) must_check_;

/**
 * command_find() - look a program up
 * @name:	name without a slash
 * @more:	directories to look in after those of PATH ("/usr/sbin:/sbin"), or NULL
 * @ret:	receives the path, owned by the caller
 *
 * Return: 0; -ENOENT if there is no executable file of that name; -ENOMEM.
 */
int command_find(const char *name, const char *more, char **ret) must_check_;

#endif
