/* SPDX-License-Identifier: MIT */
/* The lines of a trace ("vhostcheck-trace/1"): one JSON object each. */
#ifndef TRACE_LINES_H
#define TRACE_LINES_H

#include "trace/files.h"
#include "trace/judge.h"
#include "trace/tracer.h"

/** enum line_type - what a line tells */
enum line_type {
	LINE_START,
	LINE_CALL,
	LINE_MESSAGE,
	LINE_JUDGE,
	LINE_END,
	LINE_TYPE_NUM
};

/**
 * struct line_start - the first line
 * @command:	base name of the program
 * @kernel:	release, NULL in a clean trace
 * @what_if:	bits shown, numbers in base 10
 */
struct line_start {
	const char *command, *kernel;
	struct rec_list what_if;
};

/**
 * struct line_region - a region of a memory table
 */
struct line_region {
	const char *guest, *user;
	uint64_t size;
};

/**
 * struct line_arg - the argument of a call
 * @kind:	enum trace_arg, which decides what of the rest is there
 * @mask:	feature bits by name
 * @value:	number, in hex
 * @number:	int, descriptor, signed
 * @regions:	struct line_region
 * @index, @num, @fd, @flags: of a ring
 * @desc, @avail, @used, @log, @first, @last: addresses
 * @wwpn:	scsi target
 * @status:	names of virtio status bits
 */
struct line_arg {
	int kind;
	struct mask mask;
	uint64_t value;
	int64_t number;
	struct rec_list regions;
	int64_t index, num, fd, flags;
	const char *desc, *avail, *used, *log, *first, *last, *wwpn;
	struct rec_list status;
};

/**
 * struct line_call - an ioctl
 * @seq:	number of the call or message, from 1
 * @pid:	process, unset in a clean trace
 * @device:	name
 * @fd:		descriptor
 * @name:	of the request, "0x4008af99" if it has none
 * @arg:	argument
 * @ret:	unset if the call never returned
 * @err:	errno
 */
struct line_call {
	int64_t seq;
	struct opt_int pid;
	const char *device;
	int64_t fd;
	const char *name;
	struct line_arg arg;
	struct opt_int ret;
	int err;
};

/**
 * struct line_message - an IOTLB message
 * @seq, @pid, @device, @fd: as of a call
 * @way:	0 written by the VMM, 1 read by it
 * @version:	1 or 2
 * @name:	"VHOST_IOTLB_UPDATE" and so on
 * @iova, @user:	addresses
 * @size:	bytes
 * @perm:	VHOST_ACCESS_*
 * @asid:	address space
 * @err:	errno
 */
struct line_message {
	int64_t seq;
	struct opt_int pid;
	const char *device;
	int64_t fd;
	int way;
	int64_t version;
	const char *name, *iova, *user;
	uint64_t size;
	int64_t perm, asid;
	int err;
};

/** struct line_judge - something that decides was seen; @seq: at this call */
struct line_judge {
	int64_t seq;
	const char *device;
	int verdict;
	const char *signature, *text;
};

/**
 * struct line_features - the features of a device
 * @offered, @sent: masks
 * @backend_offered, @backend_sent: masks
 * @shown:	by --what-if, beyond what is offered
 * @would_send:	of @shown, what the VMM sent
 */
struct line_features {
	struct mask *offered, *sent, *backend_offered, *backend_sent, *shown, *would_send;
};

/** struct line_what_if - where the shown bits are offered */
struct line_what_if {
	int verdict;
	const char *signature, *text;
};

/**
 * struct line_end - what became of a device; without any, one of which all is null
 * @device:	name
 * @verdict:	enum stack_verdict
 * @signature, @text: of the ruling
 * @features:	NULL without a device
 * @unobserved:	bits of which the trace cannot tell what the VMM does: some kernel offers
 *		them, this one does not, and nothing shows them. NULL without a device
 * @what_if:	NULL if no bit is shown that the kernel does not offer
 * @notes:	sentences: bits that it sends without being able to know them
 */
struct line_end {
	const char *device;
	int verdict;
	const char *signature, *text;
	struct line_features *features;
	struct mask *unobserved;
	struct line_what_if *what_if;
	struct rec_list notes;
};

/**
 * struct trace_line - one line
 * @type:	enum line_type
 */
struct trace_line {
	int type;
	union {
		struct line_start start;
		struct line_call call;
		struct line_message message;
		struct line_judge judge;
		struct line_end end;
	};
};

extern const struct rec_shape trace_line_shape;

/** trace_arg_names - by enum trace_arg; line_way_names - "written", "read" */
extern const char *const trace_arg_names[], *const line_way_names[];

/**
 * struct trace_symbols - the names that addresses get in a clean trace
 * @on:		clean; else addresses are numbers
 * @page:	owned, numbers of the pages that have a name, @pages of them
 */
struct trace_symbols {
	bool on;
	uint64_t *page;
	size_t pages;
};

/** trace_symbols_done() - free them */
void trace_symbols_done(struct trace_symbols *s);

/**
 * struct trace_where - what a line is of
 * @a:		arena of the line
 * @symbols:	of the trace
 * @device:	of the line
 * @seq:	number
 * @call:	as it was traced
 */
struct trace_where {
	struct arena *a;
	struct trace_symbols *symbols;
	const struct trace_device *device;
	int64_t seq;
	const struct tracer_call *call;
};

/**
 * trace_line_call() - the line of an ioctl
 * @w:		where
 * @op:		decoded
 * @ret:	line
 *
 * Return: 0; -ENOMEM.
 */
int trace_line_call(const struct trace_where *w, const struct trace_op *op,
		    struct trace_line *ret) must_check_;

/**
 * trace_line_message() - the line of a message
 * @w:		where
 * @m:		decoded
 * @written:	by the VMM
 * @ret:	line
 *
 * Return: 0; -ENOMEM.
 */
int trace_line_message(const struct trace_where *w, const struct trace_message *m,
		       bool written, struct trace_line *ret) must_check_;

/**
 * trace_line_end() - the line of a device
 * @a:		arena
 * @d:		device, or NULL where there was none
 * @ret:	line
 *
 * Return: 0; -ENOMEM.
 */
int trace_line_end(struct arena *a, const struct trace_device *d, struct trace_line *ret)
	must_check_;

#endif
