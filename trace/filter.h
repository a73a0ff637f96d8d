/* SPDX-License-Identifier: MIT */
/* The seccomp filter that stops a traced program at what may be a vhost call. */
#ifndef TRACE_FILTER_H
#define TRACE_FILTER_H

#include "base/cleanup.h"

/** enum trace_kind - the message of a stop: which system call it is */
enum trace_kind {
	KIND_IOCTL = 1,
	KIND_READ,
	KIND_WRITE,
	KIND_READV,
	KIND_WRITEV,
};

/** TRACE_IOVECS_MAX - the longest readv or writev that is looked at */
#define TRACE_IOVECS_MAX 3

/**
 * trace_filter_load() - load the filter into this process and all that come from it
 *
 * Stops are: ioctl of a request with the magic of vhost (0xaf); read and write of 64 to
 * 127 bytes, since an IOTLB message has 72; readv and writev of up to TRACE_IOVECS_MAX
 * parts. All else is allowed, and is not seen. Sets no_new_privs. On x86-64 32-bit
 * programs are stopped too; x32 ones are not.
 * Return: 0; -errno, -EINVAL where the kernel has no SECCOMP_RET_TRACE.
 */
int trace_filter_load(void) must_check_;

#endif
