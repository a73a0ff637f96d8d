/* SPDX-License-Identifier: MIT */
#ifndef BASE_SLURP_H
#define BASE_SLURP_H

#include <sys/types.h>

#include "base/cleanup.h"

/**
 * slurp() - read the beginning of a file, as the files of /proc and /sys are read
 * @path:	file
 * @buf:	receives its bytes and a NUL
 * @size:	bytes of @buf, at least 1; what does not fit is left out
 *
 * Return: bytes read, without the NUL; -errno of open(2) or read(2), @buf then empty.
 */
ssize_t slurp(const char *path, char *buf, size_t size) must_check_;

/**
 * slurp_line() - slurp(), without the newlines at the end
 * @path:	file
 * @buf:	receives its text
 * @size:	bytes of @buf, at least 1
 *
 * Return: length of the text; -errno of open(2) or read(2), @buf then empty.
 */
ssize_t slurp_line(const char *path, char *buf, size_t size) must_check_;

#endif
