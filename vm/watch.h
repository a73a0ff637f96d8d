/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A guest is heard on two ports: the journal tells what is running, the console what the
 * kernel has to say about it. Each is in order, but nothing orders one against the other.
 * What helps: the start line of a check has left the guest before the check begins
 * (report/journal.h), and a line of the console leaves while it is printed. So a line of
 * the console is laid to
 *	- what is open when it arrives,
 *	- else, what begins by the end of the same delivery (vm_watch_settle()),
 *	- else, what began last,
 *	- and before the first check to nobody: it becomes a remark on the whole run.
 * A check that ends within the same few hundred microseconds in which its neighbour sets
 * off a warning can thus be blamed for it; the warning itself is never lost.
 */
#ifndef VM_WATCH_H
#define VM_WATCH_H

#include "report/journal.h"
#include "vm/lines.h"

/** VM_WATCH_LINE - bytes of a line of the console that are kept, its NUL included */
#define VM_WATCH_LINE 240

/**
 * struct vm_watch - what was heard of a guest so far
 * @arena:	of all that it points to, the report included
 * @journal:	read so far; @journal.report is the report
 * @begun:	a check or a stack has begun
 *
 * The other fields are private.
 */
struct vm_watch {
	struct arena arena;
	struct journal journal;
	bool begun;

	struct vm_lines console;
	struct rec_list troubles; /* struct trouble */
	bool in_trouble;
	size_t last; /* as journal.running, of what began last */
	bool last_is_stack;
	char last_words[VM_WATCH_LINE];
};

/**
 * vm_watch_init() - begin, or forget all that was heard
 * @w:	all zero, or in use
 */
void vm_watch_init(struct vm_watch *w);

/** vm_watch_done() - free all; @w may be all zero */
void vm_watch_done(struct vm_watch *w);

/**
 * vm_watch_line() - take in a line of the journal
 * @w:		watch
 * @line, @len:	without its newline
 * @err:	place and reason on failure
 *
 * Return: as journal_feed().
 */
int vm_watch_line(struct vm_watch *w, const char *line, size_t len,
		  struct journal_error *err) must_check_;

/**
 * vm_watch_console() - take in bytes of the console
 * @w:		watch
 * @buf, @len:	bytes, as they come
 *
 * Return: 0; -ENOMEM.
 */
int vm_watch_console(struct vm_watch *w, const char *buf, size_t len) must_check_;

/** vm_watch_settle() - a delivery is over: decide whose trouble it brought */
void vm_watch_settle(struct vm_watch *w);

/**
 * vm_watch_words() - the line of the console that says most
 * @w:	watch
 *
 * Return: that of the first trouble of what began last, or before anything began; else
 * the last line; "" if the console was silent. Borrowed until the next call.
 */
const char *vm_watch_words(const struct vm_watch *w);

/**
 * enum vm_watch_end - how a run ended that has no end line in its journal
 * @VM_WATCH_DIED:	the guest died, or was killed since it hung
 * @VM_WATCH_STOPPED:	we were told to stop
 */
enum vm_watch_end {
	VM_WATCH_DIED,
	VM_WATCH_STOPPED
};

/**
 * vm_watch_finish() - make the report of what was heard
 * @w:		watch
 * @end:	of no account if the journal is complete
 * @signal:	that stopped us (VM_WATCH_STOPPED)
 * @why:	how the guest ended, one line, used where its kernel said nothing of it
 *
 * A check that was running when the guest died is a crash, and its reason is the line of
 * the console that matters. A check that went on although the kernel complained (WARNING,
 * BUG, oops, lockdep, KASAN) fails, a stack that worked is unknown; each carries the
 * kernel's lines as evidence, without times, pids and addresses. What was told by notes,
 * and trouble before the first check, becomes a reason in run.reduced. The summary is for
 * the caller to compute.
 * Return: 0; -EINVAL if the run never began: there is no report; -ENOMEM.
 */
int vm_watch_finish(struct vm_watch *w, enum vm_watch_end end, int signal,
		    const char *why) must_check_;

#endif
