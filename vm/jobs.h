/* SPDX-License-Identifier: MIT */
/* Work that is done for several kernels side by side. */
#ifndef VM_JOBS_H
#define VM_JOBS_H

#include <stddef.h>

#include "base/cleanup.h"
#include "vm/error.h"

/**
 * typedef vm_job_fn - one of several jobs, in a process of its own
 * @ctx:	of struct vm_jobs
 * @i:		the job's number, from 0
 * @result:	receives its result: no pointers, as the process ends; zero before
 * @err:	reason on failure
 *
 * Looks at the stop descriptor between its steps. Return: 0; -errno.
 */
typedef int vm_job_fn(void *ctx, size_t i, void *result, struct vm_error *err);

/**
 * struct vm_jobs - jobs that do not depend on each other
 * @count:	their number
 * @fn, @ctx:	what does them; borrowed
 * @result:	@count results of @size bytes, filled in on success; NULL if @size is 0
 * @size:	bytes of one result
 * @name:	@count names of files, to tell which job was killed; borrowed
 * @stop_fd:	a signalfd of blocked signals, SIGTERM among them, or -1
 */
struct vm_jobs {
	size_t count;
	vm_job_fn *fn;
	void *ctx;
	void *result;
	size_t size;
	const char *const *name;
	int stop_fd;
};

/**
 * vm_jobs_run() - do all of them, as many at a time as there are cores
 * @j:		jobs
 * @err:	reason on failure
 *
 * Fails as if they were done one after the other: the error is that of the first in
 * order; those behind it are stopped, or not begun. All processes are gone afterwards.
 * A job is told to stop by SIGTERM, which the stop descriptor that it inherits shows.
 * Return: 0; what the job returned; -EINTR when stopped; -ECHILD if a signal ended a
 * job; -errno of mmap(), fork() or pidfd_open().
 */
int vm_jobs_run(const struct vm_jobs *j, struct vm_error *err) must_check_;

#endif
