/* SPDX-License-Identifier: MIT */
/* Which policies match a VMM that is installed or running here. */
#ifndef CMD_HOST_VMMS_H
#define CMD_HOST_VMMS_H

#include "core/stack.h"

/**
 * struct host_package - an installed package
 * @version:	as its database has it, with epoch and revision
 */
struct host_package {
	const char *name, *version;
};

/** struct host_process - a process and its executable */
struct host_process {
	const char *path;
	int64_t pid;
};

/**
 * struct host_match - a policy that matches
 * @how:	by what, one line
 */
struct host_match {
	const struct stack *stack;
	const char *how;
};

/**
 * host_packages() - find packages in the databases of dpkg and rpm
 * @a:		arena of what is found
 * @root:	what stands before /var and /usr; "" for this machine
 * @names:	const char *: their names
 * @ret:	struct host_package are added
 *
 * dpkg's database is read; of rpm's, which is a data base, /usr/bin/rpm is asked, if both
 * are there. Return: 0; -ENOMEM; -errno of pipe(2) or posix_spawn(3).
 */
int host_packages(struct arena *a, const char *root, const struct rec_list *names,
		  struct rec_list *ret) must_check_;

/**
 * host_processes() - find processes by the base names of their executables
 * @a:		arena of what is found
 * @root:	what stands before /proc; "" for this machine
 * @names:	const char *: base names
 * @ret:	struct host_process are added, one for each executable
 *
 * Of others' processes only root sees the executable. Return: 0; -ENOMEM.
 */
int host_processes(struct arena *a, const char *root, const struct rec_list *names,
		   struct rec_list *ret) must_check_;

/**
 * host_matches() - the policies whose VMM is here
 * @a:		arena of the result
 * @root:	as above
 * @library:	struct stack
 * @ret:	struct host_match are added, in the order of @library
 *
 * A policy matches if one of its packages is installed in a version for which it is true;
 * or if one of its executables is in PATH or runs, and no package is installed that would
 * tell the version of that VMM. Return: 0; -ENOMEM; -errno as host_packages().
 */
int host_matches(struct arena *a, const char *root, const struct rec_list *library,
		 struct rec_list *ret) must_check_;

/**
 * host_version_in() - whether a version lies between two
 * @version:	of a package: an epoch before ':' does not count, nor what follows the
 *		numbers with which the rest begins
 * @since, @before: NULL: no bound
 */
bool host_version_in(const char *version, const char *since, const char *before);

#endif
