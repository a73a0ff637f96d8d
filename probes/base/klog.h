/* SPDX-License-Identifier: MIT */
/* The kernel's complaints, line by line, as they stand on a console or in its log. */
#ifndef BASE_KLOG_H
#define BASE_KLOG_H

#include <stdbool.h>
#include <stddef.h>

/** klog_begins() - whether a line without stamps begins a WARNING, an oops or the like */
bool klog_begins(const char *line);

/** klog_ends() - whether it ends one: "---[ end trace" */
bool klog_ends(const char *line);

/** klog_is_dump() - whether it holds nothing but registers, addresses or code bytes */
bool klog_is_dump(const char *line);

/**
 * klog_scrub() - copy a line without what differs from run to run
 * @to:		receives it, NUL-ended, cut if need be
 * @room:	bytes of @to, at least 1
 * @line:	line without stamps
 *
 * Pids and addresses become '*', control characters and what is not ASCII '?'.
 */
void klog_scrub(char *to, size_t room, const char *line);

#endif
