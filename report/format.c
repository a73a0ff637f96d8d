/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "report/format_parts.h"
#include "report/summary.h"

const struct format *const formats[] = {
	&format_text,     &format_json,  &format_junit,      &format_ktap, &format_tap,
	&format_markdown, &format_kcidb, &format_prometheus, NULL,
};

const struct format *format_find(const char *name)
{
	for (size_t i = 0; formats[i]; i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}

/* --------------------------------------------------------------------- strings */

/* C0, DEL, C1, the line separators and what no XML may hold: U+2028/9, U+FFFE/F. */
static size_t unbearable(const unsigned char *s)
{
	if (s[0] < 0x20 || s[0] == 0x7f)
		return 1;
	if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0)
		return 2;
	if (s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9))
		return 3;
	return s[0] == 0xef && s[1] == 0xbf && (s[2] == 0xbe || s[2] == 0xbf) ? 3 : 0;
}

const char *format_line(struct arena *a, const char *s)
{
	bool is_utf8 = utf8_valid(s, strlen(s));
	char *copy = arena_strdup(a, s);
	char *to = copy;

	for (const char *from = copy; from && *from; from++) {
		size_t n = unbearable((const unsigned char *)from);

		bool bad = n || (!is_utf8 && (unsigned char)*from >= 0x80);

		*to = *from;
		if (bad)
			*to = '?';
		to++;
		from += n ? n - 1 : 0;
	}
	if (to)
		*to = '\0';
	return copy;
}

const char *format_word(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, *s ? s : "_");

	for (char *c = copy; c && *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && !strchr("_.-", *c))
			*c = '_';
	return copy;
}

bool format_time(const struct report *r, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *end = r->run.started
				  ? strptime(r->run.started, "%Y-%m-%dT%H:%M:%SZ", &tm)
				  : NULL;

	if (!end || *end)
		return false;
	*ret = timegm(&tm);
	return true;
}

/* --------------------------------------------------------------------- results */

static enum outcome_kind check_kind(const struct report *r, const struct report_check *c)
{
	switch (summary_of_check(r, c)) {
	case DECIDES_FAIL:
		return RESULT_FAIL;
	case DECIDES_INCONCLUSIVE:
		return RESULT_ERROR;
	case DECIDES_NOTHING:
		break;
	}
	switch ((enum status)c->status) {
	case STATUS_PASS:
		return RESULT_PASS;
	case STATUS_SKIP:
	case STATUS_BLOCKED:
	case STATUS_ERROR:
		return RESULT_SKIP;
	case STATUS_FAIL:
	case STATUS_TIMEOUT:
	case STATUS_CRASH:
	case STATUS_XFAIL:
	case STATUS_XPASS:
	case STATUS_NUM:
		break;
	}
	return RESULT_XFAIL;
}

static enum outcome_kind stack_kind(const struct report *r, const struct report_stack *s)
{
	switch (summary_of_stack(r, s)) {
	case DECIDES_FAIL:
		return RESULT_FAIL;
	case DECIDES_INCONCLUSIVE:
		return RESULT_ERROR;
	case DECIDES_NOTHING:
		break;
	}
	if (s->verdict == STACK_WORKS)
		return RESULT_PASS;
	if (s->verdict == STACK_ERROR)
		return RESULT_ERROR;
	return s->verdict == STACK_UNKNOWN || s->verdict == STACK_NOT_APPLICABLE
		       ? RESULT_SKIP
		       : RESULT_XFAIL;
}

/* Why a failure does not count, as words before its reason. */
static const char *excuse(const struct report *r, const struct report_check *c)
{
	if (c->known && !r->run.selection.strict)
		return "known finding, not counted: ";
	if (c->expected)
		return "as expected: ";
	if (c->severity < r->run.selection.fail_on)
		return "not counted at this severity: ";
	return "not counted: ";
}

static const char *stack_excuse(const struct report_stack *s)
{
	return s->expected ? "as expected: " : "not named by --stack, not counted: ";
}

/* The word itself says nothing where the format has its own for it. */
static const char *why(struct arena *a, const char *before, const char *word,
		       const struct report_reason *reason)
{
	const char *text = reason ? format_line(a, reason->text) : "";
	bool plain = !strcmp(word, status_names[STATUS_FAIL]) ||
		     !strcmp(word, status_names[STATUS_SKIP]);

	if (!text)
		return NULL;
	if (!*text)
		return arena_printf(a, "%s%s", before, word);
	return arena_printf(a, "%s%s%s%s", before, plain ? "" : word, plain ? "" : ": ",
			    text);
}

static int add_check(struct arena *a, const struct report *r,
		     const struct report_check *c, struct rec_list *ret)
{
	size_t family = strcspn(c->id, "."), area = strcspn(c->id + family + 1, ".");
	bool own = strlen(c->device) == family && !strncmp(c->id, c->device, family);
	struct result *x = rec_list_new(a, ret, sizeof(*x));
	const char *device = format_word(a, c->device);

	if (!x || !device)
		return -ENOMEM;
	x->kind = (int)check_kind(r, c);
	x->suite = arena_printf(a, "%.*s", (int)(family + 1 + area), c->id);
	x->name = arena_printf(a, "%s%s%s", c->id + family + 1 + area + 1, own ? "" : ".",
			       own ? "" : device);
	x->word = status_names[c->status];
	x->why = x->kind == RESULT_PASS
			 ? ""
			 : why(a, x->kind == RESULT_XFAIL ? excuse(r, c) : "", x->word,
			       c->reason);
	x->duration_us = c->duration_us;
	x->check = c;
	return x->suite && x->name && x->why ? 0 : -ENOMEM;
}

static int add_stack(struct arena *a, const struct report *r,
		     const struct report_stack *s, struct rec_list *ret)
{
	struct result *x = rec_list_new(a, ret, sizeof(*x));
	const char *device = format_word(a, s->device), *name = format_word(a, s->stack);

	if (!x || !device || !name)
		return -ENOMEM;
	x->kind = (int)stack_kind(r, s);
	x->suite = arena_printf(a, "stack.%s", device);
	x->name = arena_printf(a, "%s.%s", name, guest_kind_names[s->guest]);
	x->word = stack_verdict_names[s->verdict];
	x->why = x->kind == RESULT_PASS
			 ? ""
			 : why(a, x->kind == RESULT_XFAIL ? stack_excuse(s) : "", x->word,
			       s->reason);
	x->stack = s;
	return x->suite && x->name && x->why ? 0 : -ENOMEM;
}

int format_results(struct arena *a, const struct report *r, struct rec_list *ret)
{
	int e = 0;

	for (size_t i = 0; i < r->checks.count && e == 0; i++)
		e = add_check(a, r, r->checks.item[i], ret);
	for (size_t i = 0; i < r->stacks.count && e == 0; i++)
		e = add_stack(a, r, r->stacks.item[i], ret);
	return e;
}

/* ------------------------------------------------------------------ provenance */

static int add_pair(struct arena *a, struct rec_list *ret, const char *key,
		    const char *value)
{
	struct rec_pair *p = NULL;

	if (!value)
		return 0;
	p = rec_list_new(a, ret, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->key = key;
	p->value = format_line(a, value);
	return p->value ? 0 : -ENOMEM;
}

int format_provenance(struct arena *a, const struct report *r, struct rec_list *ret)
{
	const struct report_vm *vm = r->run.vm;
	const struct rec_pair pairs[] = {
		{ "kernel.release", r->host.kernel.release },
		{ "kernel.version", r->host.kernel.version },
		{ "kernel.build_id", r->host.kernel.build_id },
		{ "distro", r->host.distro },
		{ "cpu", r->host.cpu },
		{ "virt", r->host.virt },
		{ "vhostcheck.version", r->tool.version },
		{ "vhostcheck.commit", r->tool.git_commit },
		{ "run.where", vm ? "vm" : "host" },
		{ "run.privileges", r->run.privileges },
		{ "run.started", r->run.started },
		{ "vm.accel", vm ? vm->accel : NULL },
		{ "vm.qemu", vm ? vm->qemu : NULL },
		{ "verdict", report_verdict_names[r->summary.verdict] },
		{ "exit_code", arena_printf(a, "%" PRId64, r->summary.exit_code) },
	};
	int e = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pairs) && e == 0; i++)
		e = add_pair(a, ret, pairs[i].key, pairs[i].value);
	for (size_t i = 0; i < r->run.reduced.count && e == 0; i++)
		e = add_pair(a, ret, "run.reduced", r->run.reduced.item[i]);
	return e;
}
