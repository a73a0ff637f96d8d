/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The journal is the report as it comes into being: JSON Lines of the same objects,
 * in a file beside the report or on a port out of a guest. A check that is about to run
 * is announced by check_start, which is synced before the check touches the device.
 * Whoever reads a journal that stops in the middle therefore knows what was running
 * when the machine died, and from the plan what never ran.
 *
 *	start           tool, run and host; once, before all that follow
 *	device          one device; a later line of the same name replaces it
 *	plan            every check and every stack that will have a result; once
 *	check_start     one check of the plan begins
 *	check           its result; of a check that cannot run the only line
 *	stack_start     one stack begins
 *	stack           its result, likewise
 *	end             every check and stack of the plan has its result; once
 *	hello           the guest's init runs on this kernel; may come before start
 *	note            a line for a person; anywhere
 *	exit            status of the tool in the guest; after all else
 */
#ifndef REPORT_JOURNAL_H
#define REPORT_JOURNAL_H

#include "report/lookup.h"

/** enum journal_type - tag of struct journal_line */
enum journal_type {
	JOURNAL_START,
	JOURNAL_DEVICE,
	JOURNAL_PLAN,
	JOURNAL_CHECK_START,
	JOURNAL_CHECK,
	JOURNAL_STACK_START,
	JOURNAL_STACK,
	JOURNAL_END,
	JOURNAL_HELLO,
	JOURNAL_NOTE,
	JOURNAL_EXIT,
	JOURNAL_TYPE_NUM
};

/**
 * struct journal_line - one line
 * @type:	enum journal_type, tells which member holds
 * @plan:	checks and stacks are skeletons: of no status, verdict or evidence yet
 *
 * Pointers are borrowed when writing, and of the arena when read.
 */
struct journal_line {
	int type;
	union {
		struct journal_start {
			const struct report_tool *tool;
			const struct report_run *run;
			const struct report_host *host;
		} start;
		const struct report_device *device;
		struct journal_plan {
			struct rec_list checks, stacks;
		} plan;
		struct journal_check_start {
			const char *id, *device;
		} check_start;
		const struct report_check *check;
		struct journal_stack_start {
			const char *stack, *device;
			int guest;
		} stack_start;
		const struct report_stack *stack;
		struct journal_end {
			const struct report_summary *summary;
			struct opt_int duration_us;
		} end;
		const char *release;
		const char *text;
		int64_t status;
	};
};

extern const struct rec_shape journal_line_shape;

/**
 * journal_write() - append one line
 * @fd:		file or port; one write(2) of the whole line where it takes it whole
 * @line:	what to write
 *
 * Return: 0; -ENOMEM; -errno of write(2).
 */
int journal_write(int fd, const struct journal_line *line) must_check_;

/**
 * enum - what passes between a journal's writer and its reader on a port
 * @JOURNAL_ASK:	alone on a line: is all before this line there?
 * @JOURNAL_ANSWER:	to the writer, one for each question: it is
 */
enum {
	JOURNAL_ASK = '\005',
	JOURNAL_ANSWER = '\006'
};

/**
 * journal_sync() - wait until all that was written has left this machine's memory
 * @fd:		file: fsync(2); terminal: tcdrain(3); other device or socket: JOURNAL_ASK,
 *		and wait for one JOURNAL_ANSWER; anything else has nothing to wait for
 *
 * Return: 0, also where nobody is there to answer; -errno.
 */
int journal_sync(int fd) must_check_;

/**
 * struct journal_error - why a journal was refused
 * @line:	number of the line, from 1
 * @at:		place in the line and reason
 */
struct journal_error {
	size_t line;
	struct rec_error at;
};

/**
 * struct journal - a journal that is being read
 * @report:	what is known so far; checks and stacks in the order of the plan
 * @hello:	kernel release that the guest's init told, or NULL
 * @notes:	texts
 * @exit_status: status that the guest told
 * @started, @planned, @ended: which of these lines came
 * @truncated:	the last line was cut, and left out
 * @lines:	number of lines taken in
 * @running:	place of the open check or stack in its list of @report, plus 1; 0 if
 *		nothing has begun that has no result
 * @running_is_stack: which of the two lists
 */
struct journal {
	struct report report;
	const char *hello;
	struct rec_list notes;
	struct opt_int exit_status;
	bool started, planned, ended, truncated;
	size_t lines, running;
	bool running_is_stack;

	/* private */
	struct arena *arena;
	struct report_index checks, stacks;
	unsigned char *check_state, *stack_state; /* enum item_state, by place */
};

/**
 * journal_init() - begin to read
 * @j:	journal
 * @a:	arena for all that it will point to; outlives @j
 */
void journal_init(struct journal *j, struct arena *a);

/**
 * journal_feed() - take in one line
 * @j:		journal
 * @line:	without its newline
 * @len:	bytes
 * @err:	place and reason on failure
 *
 * Return: 0; -EINVAL if it is no line of a journal, or not one that may stand here;
 * -ENOMEM. After a failure @j only serves journal_finish().
 */
int journal_feed(struct journal *j, const char *line, size_t len,
		 struct journal_error *err) must_check_;

/**
 * journal_read() - take in a whole text
 * @j:		journal
 * @text:	lines; what follows the last newline is left out if it is no line
 * @len:	bytes
 * @err:	place and reason on failure
 *
 * Return: as journal_feed().
 */
int journal_read(struct journal *j, const char *text, size_t len,
		 struct journal_error *err) must_check_;

/**
 * journal_running() - what had begun and has no result
 * @j:	journal
 *
 * Return: id of the check or name of the stack, or NULL.
 */
const char *journal_running(const struct journal *j);

/**
 * journal_finish() - make the report of a run that did not end
 * @j:		journal; after its end line nothing is changed
 * @code:	enum reason_code of what was running, as REASON_CRASHED
 * @text:	what became of the run, one line (of an oops, or what signal ended it);
 *		borrowed for the call
 *
 * The check that was running is a crash, those without a result are blocked, the stacks
 * unknown; the summary is computed anew. A journal without a plan gives a report without
 * checks: whether that is a fault of the lab is for the caller to say.
 * Return: 0; -EINVAL without a start line (there is no report then); -ENOMEM.
 */
int journal_finish(struct journal *j, enum reason_code code, const char *text)
	must_check_;

/**
 * journal_stop() - make the report of a run that a signal cut
 * @j:		journal; after its end line nothing is changed
 * @signal:	number of the signal
 *
 * What was running and what has no result are blocked, as in a run that stops itself;
 * the summary says 128+n.
 * Return: as journal_finish().
 */
int journal_stop(struct journal *j, int signal) must_check_;

/**
 * journal_never_ran() - whether a reason is that of what journal_finish() found unbegun
 * @reason:	of a check or a stack; not NULL
 */
bool journal_never_ran(const struct report_reason *reason);

#endif
