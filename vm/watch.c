/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/klog.h"
#include "vm/watch.h"

enum {
	TROUBLES_MAX = 32,
	TROUBLE_LINES_MAX = 40,
};

/** struct trouble - one warning, oops or panic, with what the kernel told of it */
struct trouble {
	size_t place; /* as journal.running; 0: nobody's yet */
	bool is_stack, settled;
	struct rec_list lines; /* char *, of the watch's arena */
	const char *headline;  /* the line that says most */
};

void vm_watch_init(struct vm_watch *w)
{
	vm_watch_done(w);
	journal_init(&w->journal, &w->arena);
}

void vm_watch_done(struct vm_watch *w)
{
	vm_lines_done(&w->console);
	arena_done(&w->arena);
	*w = (struct vm_watch){ 0 };
}

/* ------------------------------------------------------------------ console */

/* "[    1.234567] text", and with CONFIG_PRINTK_CALLER "[    1.234567][  T123] text" */
static const char *skip_stamps(const char *line)
{
	while (*line == '[') {
		size_t n = 1 + strspn(line + 1, " 0123456789.TC");

		if (line[n] != ']')
			break;
		line += n + 1;
		line += strspn(line, " ");
	}
	return line;
}

static struct trouble *begin_trouble(struct vm_watch *w)
{
	struct trouble *t = NULL;

	if (w->troubles.count >= TROUBLES_MAX)
		return NULL;
	t = rec_list_new(&w->arena, &w->troubles, sizeof(*t));
	if (t) {
		t->place = w->journal.running;
		t->is_stack = w->journal.running_is_stack;
		t->settled = t->place > 0;
	}
	return t;
}

/* An oops names the function that it happened in some lines below what it is. */
static int keep_line(struct vm_watch *w, struct trouble *t, const char *line)
{
	static const char rip[] = "RIP: 0010:";

	if (!line)
		return -ENOMEM;
	if (!t->headline)
		t->headline = line;
	else if (!strncmp(line, rip, strlen(rip)) && t->headline == t->lines.item[0] &&
		 strncmp(t->headline, "WARNING: ", 9) != 0)
		t->headline = arena_printf(&w->arena, "%s in %s", t->headline,
					   line + strlen(rip));
	return t->headline ? rec_list_add(&w->arena, &t->lines, line) : -ENOMEM;
}

static int take_console_line(void *ctx, const char *line, size_t len)
{
	struct vm_watch *w = ctx;
	const char *text = skip_stamps(line);
	struct trouble *t = NULL;
	char clean[VM_WATCH_LINE];

	(void)len;
	klog_scrub(clean, sizeof(clean), text);
	if (*clean)
		memcpy(w->last_words, clean, sizeof(clean));
	if (!w->in_trouble && klog_begins(clean))
		w->in_trouble = begin_trouble(w) != NULL;
	if (!w->in_trouble)
		return 0;
	t = w->troubles.item[w->troubles.count - 1];
	if (klog_ends(clean) || t->lines.count >= TROUBLE_LINES_MAX) {
		w->in_trouble = false;
		return 0;
	}
	if (klog_is_dump(clean) || !*clean)
		return 0;
	return keep_line(w, t, arena_strdup(&w->arena, clean));
}

int vm_watch_console(struct vm_watch *w, const char *buf, size_t len)
{
	return vm_lines_feed(&w->console, buf, len, take_console_line, w);
}

/* ------------------------------------------------------------------ journal */

static void give_open_troubles(struct vm_watch *w, size_t place, bool is_stack)
{
	for (size_t i = w->troubles.count; i-- > 0;) {
		struct trouble *t = w->troubles.item[i];

		if (t->settled)
			break;
		t->place = place;
		t->is_stack = is_stack;
		t->settled = true;
	}
}

int vm_watch_line(struct vm_watch *w, const char *line, size_t len,
		  struct journal_error *err)
{
	size_t before = w->journal.running;
	int r = journal_feed(&w->journal, line, len, err);

	if (r == 0 && !before && w->journal.running) {
		w->begun = true;
		w->last = w->journal.running;
		w->last_is_stack = w->journal.running_is_stack;
		give_open_troubles(w, w->last, w->last_is_stack);
	}
	return r;
}

void vm_watch_settle(struct vm_watch *w)
{
	give_open_troubles(w, w->last, w->last_is_stack);
}

/* ------------------------------------------------------------------- report */

static const struct trouble *trouble_of(const struct vm_watch *w, size_t place,
					bool is_stack)
{
	for (size_t i = 0; i < w->troubles.count; i++) {
		const struct trouble *t = w->troubles.item[i];

		if (t->place == place && t->is_stack == is_stack)
			return t;
	}
	return NULL;
}

const char *vm_watch_words(const struct vm_watch *w)
{
	const struct trouble *t = trouble_of(w, w->last, w->last_is_stack);

	return t ? t->headline : w->last_words;
}

static int finish_cut(struct vm_watch *w, const char *why)
{
	bool told = trouble_of(w, w->last, w->last_is_stack) != NULL;
	const char *words = vm_watch_words(w);
	const char *text = NULL;

	if (told)
		text = arena_printf(&w->arena, "the kernel died: %s", words);
	else
		text = arena_printf(&w->arena, "%s%s%s", why,
				    *words ? "; on its console: " : "", words);
	if (!text)
		return -ENOMEM;
	return journal_finish(&w->journal, told ? REASON_CRASHED : REASON_GUEST_DIED,
			      text);
}

static int add_evidence(struct vm_watch *w, const struct trouble *t,
			struct rec_list *evidence)
{
	for (size_t i = 0; i < t->lines.count; i++) {
		struct ev *e = rec_list_new(&w->arena, evidence, sizeof(*e));

		if (!e)
			return -ENOMEM;
		e->kind = EV_KMSG;
		e->step = "console";
		e->kmsg.text = t->lines.item[i];
	}
	return 0;
}

/* @said is what stands there already, or NULL */
static int add_reason(struct vm_watch *w, const struct trouble *t,
		      const struct report_reason *said, enum reason_code code,
		      struct report_reason **ret)
{
	struct report_reason *r = arena_alloc(&w->arena, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->code = said ? said->code : (int)code;
	r->text = arena_printf(&w->arena, "%s%sthe kernel complained: %s",
			       said ? said->text : "", said ? "; " : "", t->headline);
	*ret = r;
	return r->text ? 0 : -ENOMEM;
}

/* The first trouble tells; what follows from it is evidence. */
static bool is_told(const struct vm_watch *w, const struct trouble *t,
		    const struct report_reason *said)
{
	return trouble_of(w, t->place, t->is_stack) != t ||
	       (said && strstr(said->text, t->headline));
}

static int blame_check(struct vm_watch *w, const struct trouble *t,
		       struct report_check *c)
{
	int r = add_evidence(w, t, &c->evidence);

	if (r || is_told(w, t, c->reason))
		return r;
	switch ((enum status)c->status) {
	case STATUS_CRASH:
	case STATUS_TIMEOUT:
	case STATUS_FAIL:
		c->known = NULL;
		return add_reason(w, t, c->reason, REASON_CRASHED, &c->reason);
	case STATUS_ERROR:
	case STATUS_PASS:
	case STATUS_SKIP:
	case STATUS_BLOCKED:
	case STATUS_XFAIL:
	case STATUS_XPASS:
	case STATUS_NUM:
		break;
	}
	c->status = STATUS_FAIL;
	return add_reason(w, t, NULL, REASON_CONTRACT, &c->reason);
}

static int blame_stack(struct vm_watch *w, const struct trouble *t,
		       struct report_stack *s)
{
	int r = add_evidence(w, t, &s->evidence);

	if (r || is_told(w, t, s->reason))
		return r;
	if (s->verdict == STACK_WORKS)
		s->verdict = STACK_UNKNOWN;
	return add_reason(w, t, s->reason, REASON_CRASHED, &s->reason);
}

static int blame(struct vm_watch *w, const struct trouble *t)
{
	struct report *r = &w->journal.report;

	if (t->place && t->is_stack)
		return blame_stack(w, t, r->stacks.item[t->place - 1]);
	if (t->place)
		return blame_check(w, t, r->checks.item[t->place - 1]);
	return rec_list_add(&w->arena, &r->run.reduced,
			    arena_printf(&w->arena,
					 "the kernel complained before the first check: "
					 "%s",
					 t->headline));
}

static int take_notes(struct vm_watch *w)
{
	struct report_run *run = &w->journal.report.run;
	int r = 0;

	for (size_t i = 0; i < w->journal.notes.count && r == 0; i++)
		r = rec_list_add(&w->arena, &run->reduced, w->journal.notes.item[i]);
	return r;
}

int vm_watch_finish(struct vm_watch *w, enum vm_watch_end end, int signal,
		    const char *why)
{
	int r = 0;

	if (!w->journal.started)
		return -EINVAL;
	vm_watch_settle(w);
	if (!w->journal.ended)
		r = end == VM_WATCH_STOPPED ? journal_stop(&w->journal, signal)
					    : finish_cut(w, why);
	if (r == 0)
		r = take_notes(w);
	for (size_t i = 0; i < w->troubles.count && r == 0; i++)
		r = blame(w, w->troubles.item[i]);
	return r;
}
