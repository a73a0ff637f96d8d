/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/utf8.h"
#include "report/journal.h"
#include "report/summary.h"
#include "report/write.h"

/* ------------------------------------------------------------------ the lines */

static const char *const type_names[] = {
	[JOURNAL_START] = "start", [JOURNAL_DEVICE] = "device",
	[JOURNAL_PLAN] = "plan",   [JOURNAL_CHECK_START] = "check_start",
	[JOURNAL_CHECK] = "check", [JOURNAL_STACK_START] = "stack_start",
	[JOURNAL_STACK] = "stack", [JOURNAL_END] = "end",
	[JOURNAL_HELLO] = "hello", [JOURNAL_NOTE] = "note",
	[JOURNAL_EXIT] = "exit",   [JOURNAL_TYPE_NUM] = NULL,
};

#define AT(key, member, type, sub)                                                       \
	{                                                                                \
		key, type, offsetof(struct journal_line, member), false, sub             \
	}

static const struct rec_field tag_fields[] = {
	AT("type", type, REC_ENUM, type_names),
	{ 0 },
};

static const struct rec_field start_fields[] = {
	AT("tool", start.tool, REC_PTR, &report_tool_shape),
	AT("run", start.run, REC_PTR, &report_run_shape),
	AT("host", start.host, REC_PTR, &report_host_shape),
	{ 0 },
};

static const struct rec_field device_fields[] = {
	AT("device", device, REC_PTR, &report_device_shape),
	{ 0 },
};

static const struct rec_field plan_fields[] = {
	AT("checks", plan.checks, REC_LIST, &report_check_shape),
	AT("stacks", plan.stacks, REC_LIST, &report_stack_shape),
	{ 0 },
};

static const struct rec_field check_start_fields[] = {
	AT("id", check_start.id, REC_STR, NULL),
	AT("device", check_start.device, REC_STR, NULL),
	{ 0 },
};

static const struct rec_field check_fields[] = {
	AT("check", check, REC_PTR, &report_check_shape),
	{ 0 },
};

static const struct rec_field stack_start_fields[] = {
	AT("stack", stack_start.stack, REC_STR, NULL),
	AT("device", stack_start.device, REC_STR, NULL),
	AT("guest", stack_start.guest, REC_ENUM, guest_kind_names),
	{ 0 },
};

static const struct rec_field stack_fields[] = {
	AT("stack", stack, REC_PTR, &report_stack_shape),
	{ 0 },
};

static const struct rec_field end_fields[] = {
	AT("summary", end.summary, REC_PTR, &report_summary_shape),
	AT("duration_us", end.duration_us, REC_OPT_INT, NULL),
	{ 0 },
};

static const struct rec_field hello_fields[] = {
	AT("release", release, REC_STR, NULL),
	{ 0 },
};

static const struct rec_field note_fields[] = {
	AT("text", text, REC_STR, NULL),
	{ 0 },
};

static const struct rec_field exit_fields[] = {
	AT("status", status, REC_INT, NULL),
	{ 0 },
};

#define TYPE(type_)                                                                      \
	{                                                                                \
		"journal_" #type_, sizeof(struct journal_line), type_##_fields, NULL     \
	}

static const struct rec_shape type_shape[JOURNAL_TYPE_NUM] = {
	[JOURNAL_START] = TYPE(start), [JOURNAL_DEVICE] = TYPE(device),
	[JOURNAL_PLAN] = TYPE(plan),   [JOURNAL_CHECK_START] = TYPE(check_start),
	[JOURNAL_CHECK] = TYPE(check), [JOURNAL_STACK_START] = TYPE(stack_start),
	[JOURNAL_STACK] = TYPE(stack), [JOURNAL_END] = TYPE(end),
	[JOURNAL_HELLO] = TYPE(hello), [JOURNAL_NOTE] = TYPE(note),
	[JOURNAL_EXIT] = TYPE(exit),
};

static const struct rec_shape *const type_shapes[JOURNAL_TYPE_NUM + 1] = {
	&type_shape[JOURNAL_START], &type_shape[JOURNAL_DEVICE],
	&type_shape[JOURNAL_PLAN],  &type_shape[JOURNAL_CHECK_START],
	&type_shape[JOURNAL_CHECK], &type_shape[JOURNAL_STACK_START],
	&type_shape[JOURNAL_STACK], &type_shape[JOURNAL_END],
	&type_shape[JOURNAL_HELLO], &type_shape[JOURNAL_NOTE],
	&type_shape[JOURNAL_EXIT],  NULL,
};

const struct rec_shape journal_line_shape = {
	.name = "journal_line",
	.size = sizeof(struct journal_line),
	.field = tag_fields,
	.variant = type_shapes,
};

/* ------------------------------------------------------------------ writer */

int journal_write(int fd, const struct journal_line *line)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	struct json_object *json = rec_to_json(&journal_line_shape, line);
	const char *text = json ? json_object_to_json_string_ext(json, flags) : NULL;
	cleanup_free char *whole = NULL;

	if (!text || asprintf(&whole, "%s\n", text) < 0)
		whole = NULL;
	json_object_put(json);
	return whole ? write_all(fd, whole, strlen(whole)) : -ENOMEM;
}

static int ask_reader(int fd)
{
	static const char ask[] = { JOURNAL_ASK, '\n' };
	char answer = 0;
	ssize_t n = 0;
	int r = write_all(fd, ask, sizeof(ask));

	if (r < 0)
		return r;
	do
		n = read(fd, &answer, 1);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int journal_sync(int fd)
{
	struct stat st;

	if (isatty(fd))
		return tcdrain(fd) ? -errno : 0;
	if (fstat(fd, &st))
		return -errno;
	if (S_ISCHR(st.st_mode) || S_ISSOCK(st.st_mode))
		return ask_reader(fd);
	return fsync(fd) && errno != EINVAL && errno != EROFS && errno != ENOTSUP ? -errno
										  : 0;
}

/* ------------------------------------------------------------------ reader */

enum item_state {
	ITEM_PLANNED,
	ITEM_DONE
};

void journal_init(struct journal *j, struct arena *a)
{
	*j = (struct journal){ .arena = a };
}

static int printf_(3, 4)
	refuse(struct journal_error *err, const char *pointer, const char *fmt, ...)
{
	va_list args;

	(void)snprintf(err->at.pointer, sizeof(err->at.pointer), "%s", pointer);
	va_start(args, fmt);
	(void)vsnprintf(err->at.text, sizeof(err->at.text), fmt, args);
	va_end(args);
	utf8_mend(err->at.text);
	return -EINVAL;
}

static int take_start(struct journal *j, const struct journal_start *s)
{
	j->report.tool = *s->tool;
	j->report.run = *s->run;
	j->report.host = *s->host;
	j->started = true;
	return 0;
}

static int take_device(struct journal *j, const struct report_device *d)
{
	struct rec_list *devices = &j->report.devices;

	for (size_t i = 0; i < devices->count; i++) {
		const struct report_device *old = devices->item[i];

		if (!strcmp(old->name, d->name)) {
			rec_list_set(devices, i, d);
			return 0;
		}
	}
	return rec_list_add(j->arena, devices, d);
}

static int check_unique(const struct report_index *x, const char *pointer,
			struct journal_error *err)
{
	const struct report_key *second = report_twice(x);

	return second ? refuse(err, pointer, "%s on %s is planned twice", second->name,
			       second->device)
		      : 0;
}

static int take_plan(struct journal *j, const struct journal_plan *plan,
		     struct journal_error *err)
{
	int e = 0;

	j->check_state = arena_alloc(j->arena, plan->checks.count + 1);
	j->stack_state = arena_alloc(j->arena, plan->stacks.count + 1);
	if (!j->check_state || !j->stack_state ||
	    report_index_checks(j->arena, &plan->checks, &j->checks) < 0 ||
	    report_index_stacks(j->arena, &plan->stacks, &j->stacks) < 0)
		return -ENOMEM;
	j->report.checks = plan->checks;
	j->report.stacks = plan->stacks;
	e = check_unique(&j->checks, "/checks", err);
	if (e == 0)
		e = check_unique(&j->stacks, "/stacks", err);
	j->planned = e == 0;
	return e;
}

/** struct item - a check or a stack of the plan, of which a line speaks */
struct item {
	struct rec_list *list;
	unsigned char *state; /* enum item_state */
	ssize_t place;
	bool is_stack;
	const char *name;
};

static struct item check_of(struct journal *j, const char *id, const char *device)
{
	return (struct item){ &j->report.checks, j->check_state,
			      report_place(&j->checks, id, device, 0), false, id };
}

static struct item stack_of(struct journal *j, const char *name, const char *device,
			    int guest)
{
	return (struct item){ &j->report.stacks, j->stack_state,
			      report_place(&j->stacks, name, device, guest), true, name };
}

static int check_open(const struct item *x, const char *pointer,
		      struct journal_error *err)
{
	if (x->place < 0)
		return refuse(err, pointer, "%s is not in the plan", x->name);
	if (x->state[x->place] == ITEM_DONE)
		return refuse(err, pointer, "%s has a result already", x->name);
	return 0;
}

static int begin(struct journal *j, const struct item *x, struct journal_error *err)
{
	int e = check_open(x, x->is_stack ? "/stack" : "/id", err);

	if (e < 0)
		return e;
	if (j->running)
		return refuse(err, "/type", "%s begins while %s is running", x->name,
			      journal_running(j));
	j->running = (size_t)x->place + 1;
	j->running_is_stack = x->is_stack;
	return 0;
}

static int result(struct journal *j, const struct item *x, const void *new,
		  struct journal_error *err)
{
	int e = check_open(x, x->is_stack ? "/stack" : "/check", err);

	if (e < 0)
		return e;
	rec_list_set(x->list, (size_t)x->place, new);
	x->state[x->place] = ITEM_DONE;
	if (j->running == (size_t)x->place + 1 && j->running_is_stack == x->is_stack)
		j->running = 0;
	return 0;
}

static int take_end(struct journal *j, const struct journal_end *end,
		    struct journal_error *err)
{
	for (size_t i = 0; i < j->report.checks.count; i++) {
		const struct report_check *c = j->report.checks.item[i];

		if (j->check_state[i] != ITEM_DONE)
			return refuse(err, "/type",
				      "the run ends without a result of %s on %s", c->id,
				      c->device);
	}
	for (size_t i = 0; i < j->report.stacks.count; i++) {
		const struct report_stack *s = j->report.stacks.item[i];

		if (j->stack_state[i] != ITEM_DONE)
			return refuse(err, "/type",
				      "the run ends without a verdict on %s", s->stack);
	}
	j->report.summary = *end->summary;
	j->report.run.duration_us = end->duration_us;
	j->ended = true;
	return 0;
}

/* Whether a line of this type may stand here. */
static int check_order(const struct journal *j, enum journal_type type,
		       struct journal_error *err)
{
	switch (type) {
	case JOURNAL_START:
		return j->started ? refuse(err, "/type", "a second start") : 0;
	case JOURNAL_DEVICE:
	case JOURNAL_PLAN:
	case JOURNAL_CHECK_START:
	case JOURNAL_CHECK:
	case JOURNAL_STACK_START:
	case JOURNAL_STACK:
	case JOURNAL_END:
		break;
	case JOURNAL_HELLO:
	case JOURNAL_NOTE:
	case JOURNAL_EXIT:
	case JOURNAL_TYPE_NUM:
		return 0;
	}
	if (!j->started)
		return refuse(err, "/type", "%s before start", type_names[type]);
	if (j->ended)
		return refuse(err, "/type", "%s after end", type_names[type]);
	if (type == JOURNAL_PLAN && j->planned)
		return refuse(err, "/type", "a second plan");
	if (type != JOURNAL_DEVICE && type != JOURNAL_PLAN && !j->planned)
		return refuse(err, "/type", "%s before the plan", type_names[type]);
	return 0;
}

static int take(struct journal *j, const struct journal_line *l,
		struct journal_error *err)
{
	struct item x;

	switch ((enum journal_type)l->type) {
	case JOURNAL_START:
		return take_start(j, &l->start);
	case JOURNAL_DEVICE:
		return take_device(j, l->device);
	case JOURNAL_PLAN:
		return take_plan(j, &l->plan, err);
	case JOURNAL_CHECK_START:
		x = check_of(j, l->check_start.id, l->check_start.device);
		return begin(j, &x, err);
	case JOURNAL_CHECK:
		x = check_of(j, l->check->id, l->check->device);
		return result(j, &x, l->check, err);
	case JOURNAL_STACK_START:
		x = stack_of(j, l->stack_start.stack, l->stack_start.device,
			     l->stack_start.guest);
		return begin(j, &x, err);
	case JOURNAL_STACK:
		x = stack_of(j, l->stack->stack, l->stack->device, l->stack->guest);
		return result(j, &x, l->stack, err);
	case JOURNAL_END:
		return take_end(j, &l->end, err);
	case JOURNAL_HELLO:
		j->hello = l->release;
		return 0;
	case JOURNAL_NOTE:
		return rec_list_add(j->arena, &j->notes, l->text);
	case JOURNAL_EXIT:
		j->exit_status = opt_int(l->status);
		return 0;
	case JOURNAL_TYPE_NUM:
		break;
	}
	return -EINVAL;
}

int journal_feed(struct journal *j, const char *line, size_t len,
		 struct journal_error *err)
{
	struct journal_line l = { 0 };
	int e = 0;

	*err = (struct journal_error){ .line = j->lines + 1 };
	e = rec_from_text(j->arena, &journal_line_shape, line, len, &l, &err->at);
	if (e == 0)
		e = check_order(j, (enum journal_type)l.type, err);
	if (e == 0)
		e = take(j, &l, err);
	if (e == 0)
		j->lines++;
	return e;
}

int journal_read(struct journal *j, const char *text, size_t len,
		 struct journal_error *err)
{
	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t n = newline ? (size_t)(newline - text) : len;
		struct journal_line l = { 0 };
		int e = 0;

		if (!newline && rec_from_text(j->arena, &journal_line_shape, text, n, &l,
					      &err->at) == -EINVAL) {
			j->truncated = true;
			return 0;
		}
		e = journal_feed(j, text, n, err);
		if (e < 0)
			return e;
		text += newline ? n + 1 : n;
		len -= newline ? n + 1 : n;
	}
	return 0;
}

/* ------------------------------------------------------------------ finish */

const char *journal_running(const struct journal *j)
{
	if (!j->running)
		return NULL;
	if (j->running_is_stack)
		return ((const struct report_stack *)
				j->report.stacks.item[j->running - 1])
			->stack;
	return ((const struct report_check *)j->report.checks.item[j->running - 1])->id;
}

static struct report_reason *reason(struct journal *j, enum reason_code code,
				    const char *text)
{
	struct report_reason *r = arena_alloc(j->arena, sizeof(*r));

	if (!r || !text)
		return NULL;
	r->code = (int)code;
	r->text = text;
	return r;
}

#define NEVER_RAN "not run: the run ended "

static const char *never_ran_text(struct journal *j, const char *text)
{
	const char *during = journal_running(j);

	if (!during)
		return arena_printf(j->arena, NEVER_RAN "early: %s", text);
	return arena_printf(j->arena, NEVER_RAN "in %s: %s", during, text);
}

bool journal_never_ran(const struct report_reason *reason)
{
	return reason->code == REASON_GUEST_DIED &&
	       !strncmp(reason->text, NEVER_RAN, strlen(NEVER_RAN));
}

/** struct cut - what becomes of a run that did not get to its end */
struct cut {
	enum status status; /* of the check that was running */
	struct report_reason *running, *rest;
	int signal;
};

static void cut_checks(struct journal *j, const struct cut *cut)
{
	for (size_t i = 0; i < j->report.checks.count; i++) {
		bool running = j->running == i + 1 && !j->running_is_stack;
		struct report_check *c = j->report.checks.item[i];

		if (j->check_state[i] == ITEM_DONE)
			continue;
		c->status = running ? (int)cut->status : STATUS_BLOCKED;
		c->reason = running ? cut->running : cut->rest;
	}
}

static void cut_stacks(struct journal *j, const struct cut *cut)
{
	for (size_t i = 0; i < j->report.stacks.count; i++) {
		bool running = j->running == i + 1 && j->running_is_stack;
		struct report_stack *s = j->report.stacks.item[i];

		if (j->stack_state[i] == ITEM_DONE)
			continue;
		s->verdict = STACK_UNKNOWN;
		s->reason = running ? cut->running : cut->rest;
	}
}

static int finish(struct journal *j, const struct cut *cut)
{
	if (!j->started)
		return -EINVAL;
	if (!cut->running || !cut->rest)
		return -ENOMEM;
	if (j->ended)
		return 0;
	cut_checks(j, cut);
	cut_stacks(j, cut);
	report_summarize(&j->report, cut->signal);
	return 0;
}

int journal_finish(struct journal *j, enum reason_code code, const char *text)
{
	const struct cut cut = {
		.status = STATUS_CRASH,
		.running = reason(j, code, arena_strdup(j->arena, text)),
		.rest = reason(j, REASON_GUEST_DIED, never_ran_text(j, text)),
	};

	return finish(j, &cut);
}

int journal_stop(struct journal *j, int signal)
{
	const struct cut cut = {
		.status = STATUS_BLOCKED,
		.running = reason(j, REASON_NOT_SELECTED,
				  "the run was stopped in this check"),
		.rest = reason(j, REASON_NOT_SELECTED,
			       arena_printf(j->arena,
					    "the run was stopped by SIG%s before it",
					    sigabbrev_np(signal))),
		.signal = signal,
	};

	return finish(j, &cut);
}
