/* SPDX-License-Identifier: MIT */
/*
 * What the kernel complains of around a check: its log and its taint flags. On a host
 * that others use only what names our child, its worker or a vhost function is ours to
 * report. In a micro VM all of it is; the console, which carries the log, is watched from
 * outside (vm/watch.h), and here the flags.
 */
#ifndef RUN_KMSG_H
#define RUN_KMSG_H

#include <sys/types.h>

#include "core/check.h"

/**
 * struct kmsg - a place in the kernel log
 * @fd:		/dev/kmsg, -1 if it is not read
 * @taint_fd:	/proc/sys/kernel/tainted, -1 if it cannot be read
 * @taint:	its flags at that place
 * @alone:	nobody else uses this kernel
 */
struct kmsg {
	int fd, taint_fd;
	uint64_t taint;
	bool alone;
};

/**
 * kmsg_open() - begin to watch from now on
 * @k:		receives it; to be closed in either case
 * @alone:	this is a micro VM: the log is left to those who watch the console
 *
 * Return: 0; -errno of open(2) (-EPERM, -EACCES without CAP_SYSLOG: the log is not
 * watched then).
 */
int kmsg_open(struct kmsg *k, bool alone);

/** kmsg_close() - end it; harmless on what is not open */
void kmsg_close(struct kmsg *k);

/** kmsg_skip() - forget what was logged until now */
void kmsg_skip(struct kmsg *k);

/**
 * kmsg_take() - what the kernel complained of since, as far as it concerns us
 * @k:		watch
 * @a:		arena of the evidence
 * @pid:	of the child that ran meanwhile
 * @evidence:	struct ev of kind kmsg are added, step "log"; pids in them become '*'
 *
 * That is a WARNING, BUG, oops, lockdep or KASAN report of which one line names @pid, a
 * task vhost-@pid or a function of vhost; and the taint flags that say of a kernel that
 * it complained (kernel/panic.c, taint_flags[]), if they were gained since and such a
 * report was seen or nobody else uses this kernel. Return: how many lines were added;
 * -ENOMEM.
 */
int kmsg_take(struct kmsg *k, struct arena *a, pid_t pid, struct rec_list *evidence);

/**
 * kmsg_blame() - kmsg_take(), and what it makes of a verdict
 * @k, @a, @pid, @evidence: as there
 * @v:		a pass becomes a fail; to any other the complaint is added
 *
 * Return: 0; -ENOMEM.
 */
int kmsg_blame(struct kmsg *k, struct arena *a, pid_t pid, struct rec_list *evidence,
	       struct verdict *v);

/**
 * kmsg_is_ours() - whether a line names our child, its worker or vhost
 * @text:	message
 * @pid:	of the child
 */
bool kmsg_is_ours(const char *text, pid_t pid);

#endif
