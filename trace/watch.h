/* SPDX-License-Identifier: MIT */
/* Makes the lines of a trace from the calls of a tracer, and shows bits of --what-if. */
#ifndef TRACE_WATCH_H
#define TRACE_WATCH_H

#include "trace/lines.h"

/**
 * struct watch_options - how to look
 * @clean:	lines that can be compared with those of another run
 * @shown:	bits to show the VMM beyond what the kernel offers, by family
 * @line:	receives each line; it lives until this returns
 * @ctx:	of @line
 */
struct watch_options {
	bool clean;
	struct feature_set shown[FAMILY_NUM];
	void (*line)(void *ctx, const struct trace_line *line);
	void *ctx;
};

/**
 * struct watch - a trace
 * @options:	how
 * @files:	devices that were seen
 * @symbols:	names of addresses
 * @seq:	of the last line
 * @room:	owned, for trace_decode()
 * @failed:	-ENOMEM once a line was lost
 */
struct watch {
	struct watch_options options;
	struct trace_files files;
	struct trace_symbols symbols;
	int64_t seq;
	struct trace_region *room;
	int failed;
};

/**
 * watch_init() - begin
 * @w:		end with watch_done()
 * @options:	copied
 * @ret:	receives the reader for tracer_start()
 *
 * Return: 0; -errno.
 */
int watch_init(struct watch *w, const struct watch_options *options,
	       struct tracer_reader *ret) must_check_;

/**
 * watch_end() - the last lines, one a device
 * @w:	of a trace whose tasks have ended
 *
 * Return: 0; -ENOMEM if a line was lost, here or before.
 */
int watch_end(struct watch *w) must_check_;

/** watch_done() - free all */
void watch_done(struct watch *w);

#endif
