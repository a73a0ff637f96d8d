/* SPDX-License-Identifier: MIT */
/* Bytes from a guest that may be anything, cut into whole lines of bounded length. */
#ifndef VM_LINES_H
#define VM_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/** VM_LINE_MAX - bytes of the longest line that is delivered */
#define VM_LINE_MAX (4U << 20)

/**
 * typedef vm_line_fn - takes one line
 * @ctx:	as given to vm_lines_feed()
 * @line:	@len bytes without the newline, and a NUL behind them; may hold NULs
 * @len:	at least 1
 *
 * Return: 0; anything else stops the feeding and is returned by it.
 */
typedef int vm_line_fn(void *ctx, const char *line, size_t len);

/**
 * struct vm_lines - the line that has not ended yet
 * @buf:	its bytes
 * @len:	their number
 * @room:	bytes allocated
 * @lost:	lines that were dropped since they were too long
 * @skipping:	dropping the rest of such a line
 *
 * Zero-initialise it; end with vm_lines_done().
 */
struct vm_lines {
	char *buf;
	size_t len, room;
	size_t lost;
	bool skipping;
};

/**
 * vm_lines_feed() - take bytes, deliver the lines that they complete
 * @l:		state
 * @buf:	bytes
 * @len:	their number
 * @fn:		called for each line that is not empty, in order; a carriage return
 *		before the newline is left out
 * @ctx:	for @fn
 *
 * Return: 0; -ENOMEM; what @fn returned if not 0, with the rest of @buf dropped.
 */
int vm_lines_feed(struct vm_lines *l, const char *buf, size_t len, vm_line_fn *fn,
		  void *ctx) must_check_;

/**
 * vm_lines_done() - free the state, which is empty and usable again afterwards
 * @l:	state
 */
void vm_lines_done(struct vm_lines *l);

#endif
