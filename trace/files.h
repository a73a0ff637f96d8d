/* SPDX-License-Identifier: MIT */
/*
 * Which open vhost device a descriptor of a traced process is.
 *
 * Theory of operation
 *
 * Descriptors are passed on by fork, dup and sockets, closed, and their numbers used
 * again; what counts is the open file behind them. It must not be held open from here,
 * or its close would come late and in the wrong process. So each is put into an epoll
 * set, which holds none of its files and drops them when they are closed, and
 * kcmp(KCMP_EPOLL_TFD) tells whether a descriptor is a file of the set. The same set
 * tells, without a read, whether a message waits to be read. A file that has no poll
 * (vhost-vdpa, and vhost-vsock up to 5.10) cannot be in it: that is compared with the
 * descriptor by which it was last seen.
 */
#ifndef TRACE_FILES_H
#define TRACE_FILES_H

#include "trace/state.h"

/**
 * struct trace_device - an open vhost device
 * @name:	"vsock", "net.2" for the second of its kind, "vdpa0"
 * @rdev:	number of the device
 * @number:	in the epoll set, or -1 where it cannot be in one
 * @pid, @fd:	where it was seen last
 * @closed:	nobody has it open any more
 * @program:	base name of the program that owns it, "" while none does
 * @state:	what the calls on it say
 */
struct trace_device {
	char name[32];
	dev_t rdev;
	int number;
	pid_t pid;
	int fd;
	bool closed;
	char program[64];
	struct trace_state state;
};

/**
 * struct trace_files - all that were seen
 * @epoll:	set, -1 if there is none
 * @device:	owned, @devices pointers
 * @devices:	their number
 */
struct trace_files {
	int epoll;
	struct trace_device **device;
	size_t devices;
};

/**
 * trace_files_init() - nothing seen yet
 * @f:	end with trace_files_done()
 *
 * Return: 0; -errno of epoll_create1(2).
 */
int trace_files_init(struct trace_files *f) must_check_;

/** trace_files_done() - free all */
void trace_files_done(struct trace_files *f);

/**
 * trace_files_find() - the device behind a descriptor
 * @f:		files
 * @tid:	thread, stopped
 * @pid:	its process
 * @fd:		descriptor
 * @ret:	device, or NULL if it is none; lives until trace_files_done()
 *
 * Return: 0; -ENOMEM.
 */
int trace_files_find(struct trace_files *f, pid_t tid, pid_t pid, int fd,
		     struct trace_device **ret) must_check_;

/**
 * trace_files_renew() - a descriptor turns out to be another file than before
 * @f:		files
 * @old:	device that it was taken for, closed since
 * @ret:	the device that it is
 *
 * For what cannot be in the epoll set: a file has one owner, so a second one that is
 * accepted is that of another file. Return: 0; -ENOMEM.
 */
int trace_files_renew(struct trace_files *f, struct trace_device *old,
		      struct trace_device **ret) must_check_;

/**
 * trace_files_look() - see what no call tells of all devices that are open
 * @f:	files; their state.look is set
 */
void trace_files_look(struct trace_files *f);

/**
 * trace_device_family() - whether a character device is one of vhost's
 * @rdev:	its number
 * @ret:	family
 * @name:	receives "vsock" or "vdpa0"
 * @size:	bytes of @name
 *
 * By /proc/misc and /proc/devices, since the numbers of scsi and vdpa differ from
 * machine to machine. Return: whether it is.
 */
bool trace_device_family(dev_t rdev, enum family *ret, char *name, size_t size);

#endif
