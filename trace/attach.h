/* SPDX-License-Identifier: MIT */
/*
 * What can be seen of a VMM that runs already: which vhost devices it has open, whether
 * a worker serves them, and whether a miss waits to be read. What was said to them
 * before cannot be seen.
 */
#ifndef TRACE_ATTACH_H
#define TRACE_ATTACH_H

#include "base/arena.h"
#include "base/bits.h"
#include "base/record.h"

/** enum attach_look - what one look at a device found */
enum attach_look {
	LOOK_QUIET,   /* nothing waits to be read */
	LOOK_PENDING, /* a message does */
	LOOK_NONE,    /* the device has no poll: vDPA, and vsock up to 5.10 */
	LOOK_GONE,    /* the descriptor is no longer that device */
	LOOK_DENIED,
};

/**
 * struct attach_device - a descriptor of the process
 * @name:	"vsock", "net.2" for the second
 * @family:	device
 * @fd:		its number there
 * @rdev:	of the node
 */
struct attach_device {
	const char *name;
	enum family family;
	int fd;
	dev_t rdev;
};

/**
 * attach_find() - the vhost devices that a process has open
 * @a:		arena of the result
 * @pid:	process
 * @ret:	receives struct attach_device, by descriptor
 *
 * Return: 0; -ESRCH if there is no such process; -EACCES if its descriptors may not be
 * listed; -ENOMEM.
 */
int attach_find(struct arena *a, pid_t pid, struct rec_list *ret) must_check_;

/**
 * attach_workers() - how many workers of vhost a process has
 * @pid:	process
 * @ret_threads: threads of the process, as since 6.4
 * @ret_kernel:	threads of the kernel named after it, as before
 */
void attach_workers(pid_t pid, unsigned int *ret_threads, unsigned int *ret_kernel);

/**
 * attach_look_at() - see whether a message waits on a device, without reading it
 * @pid:	process
 * @d:		one of its devices
 *
 * The file is held open only across one poll. Where its close would then be the last
 * one, it is done from here: see trace_close_proved().
 */
enum attach_look attach_look_at(pid_t pid, const struct attach_device *d);

/**
 * trace_close_proved() - whether a vhost-vsock may be closed by another than its owner
 * @release:	of the kernel
 *
 * Until a58da53ffd70 (5.17) the last close by a process that was not the owner left a
 * worker on freed memory, and until 8e6ed963763f (5.17) any close could reset the
 * machine's own connections. An older release may carry both; that cannot be seen.
 */
bool trace_close_proved(const char *release);

#endif
