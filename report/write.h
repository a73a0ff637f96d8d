/* SPDX-License-Identifier: MIT */
#ifndef REPORT_WRITE_H
#define REPORT_WRITE_H

#include <stddef.h>

#include "base/cleanup.h"

/**
 * write_all() - write bytes, all of them
 * @fd:		descriptor; may be non-blocking, then a full one is waited for
 * @bytes:	what to write
 * @len:	number of bytes
 *
 * Begins with one write(2) of the whole; short writes are completed.
 * Return: 0; -errno of write(2) (-EPIPE, -ENOSPC, ...).
 */
int write_all(int fd, const void *bytes, size_t len) must_check_;

#endif
