/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cmd/trace.h"

enum {
	INDENT = 4,
	LABEL = 14,
};

/* ------------------------------------------------------------------ live */

static void put_mask(FILE *f, const struct mask *m)
{
	const char *comma = "";

	(void)fprintf(f, "%s", m->hex);
	if (!m->names.count && !m->unknown_bits.count)
		return;
	(void)fputs(" (", f);
	for (size_t i = 0; i < m->names.count; i++, comma = ", ")
		(void)fprintf(f, "%s%s", comma, (const char *)m->names.item[i]);
	for (size_t i = 0; i < m->unknown_bits.count; i++, comma = ", ")
		(void)fprintf(f, "%sbit %" PRId64, comma,
			      *(const int64_t *)m->unknown_bits.item[i]);
	(void)fputs(")", f);
}

static void put_regions(FILE *f, const struct rec_list *regions)
{
	(void)fprintf(f, "%zu regions", regions->count);
	for (size_t i = 0; i < regions->count; i++) {
		const struct line_region *r = regions->item[i];

		(void)fprintf(f, "%s %s at %s, 0x%" PRIx64, i ? ";" : ":", r->guest,
			      r->user, r->size);
	}
}

static void put_status(FILE *f, const struct line_arg *arg)
{
	(void)fprintf(f, "0x%" PRIx64, arg->value);
	for (size_t i = 0; i < arg->status.count; i++)
		(void)fprintf(f, " %s", (const char *)arg->status.item[i]);
}

static void put_arg(FILE *f, const struct line_arg *arg)
{
	switch ((enum trace_arg)arg->kind) {
	case ARG_FEATURES:
	case ARG_ARRAY:
	case ARG_BACKEND:
		put_mask(f, &arg->mask);
		return;
	case ARG_U64:
	case ARG_UNKNOWN:
		(void)fprintf(f, "0x%" PRIx64, arg->value);
		return;
	case ARG_U32:
	case ARG_U16:
	case ARG_U8:
	case ARG_INT:
	case ARG_FD:
		(void)fprintf(f, "%" PRId64, arg->number);
		return;
	case ARG_STATUS:
		put_status(f, arg);
		return;
	case ARG_MEMORY:
		put_regions(f, &arg->regions);
		return;
	case ARG_VRING:
		(void)fprintf(f, "ring %" PRId64 ": %" PRId64, arg->index, arg->num);
		return;
	case ARG_VRING_FD:
		(void)fprintf(f, "ring %" PRId64 ": fd %" PRId64, arg->index, arg->fd);
		return;
	case ARG_VRING_ADDR:
		(void)fprintf(f, "ring %" PRId64 ": desc %s avail %s used %s", arg->index,
			      arg->desc, arg->avail, arg->used);
		return;
	case ARG_SCSI:
		(void)fputs(arg->wwpn, f);
		return;
	case ARG_CONFIG:
		(void)fprintf(f, "%" PRId64 " bytes at %" PRId64, arg->num, arg->index);
		return;
	case ARG_RANGE:
		(void)fprintf(f, "%s to %s", arg->first, arg->last);
		return;
	case ARG_UNREADABLE:
		(void)fputs("(cannot be read)", f);
		return;
	case ARG_NONE:
	case ARG_NUM:
		return;
	}
}

static void live_call(FILE *f, const struct line_call *c)
{
	(void)fprintf(f, "%5" PRId64 " %s %s", c->seq, c->device, c->name);
	if (c->arg.kind != ARG_NONE)
		(void)fputs(" ", f);
	put_arg(f, &c->arg);
	if (!c->ret.set)
		(void)fputs(" (never returned)\n", f);
	else if (c->err)
		(void)fprintf(f, " -> %s\n",
			      strerrorname_np(c->err) ? strerrorname_np(c->err)
						      : "unknown error");
	else
		(void)fprintf(f, " -> %" PRId64 "\n", c->ret.v);
}

static void live_message(FILE *f, const struct line_message *m)
{
	static const char *const perms[] = { "no access", "read-only", "write-only",
					     "read-write" };

	(void)fprintf(
		f, "%5" PRId64 " %s %s %s: 0x%" PRIx64 " bytes at %s, %s (v%" PRId64 ")",
		m->seq, m->device, line_way_names[m->way], m->name, m->size, m->iova,
		perms[m->perm & 3], m->version);
	if (m->err)
		(void)fprintf(f, " -> %s",
			      strerrorname_np(m->err) ? strerrorname_np(m->err)
						      : "unknown error");
	(void)fputs("\n", f);
}

void trace_text_live(const struct trace_line *line)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	if (line->type == LINE_CALL)
		live_call(f, &line->call);
	else if (line->type == LINE_MESSAGE)
		live_message(f, &line->message);
	else if (line->type == LINE_JUDGE)
		(void)fprintf(f, "      %s: %s%s%s\n", line->judge.device,
			      stack_verdict_names[line->judge.verdict],
			      line->judge.signature ? ", " : "",
			      line->judge.signature ? line->judge.signature : "");
	if (fclose(f) == 0)
		(void)fwrite(text, 1, len, stderr);
}

/* ------------------------------------------------------------------- end */

static void put_features(struct page *p, const char *label, const struct mask *m)
{
	page_pad_to(p, INDENT);
	page_put(p, label);
	page_pad_to(p, INDENT + LABEL);
	page_wrap(p, INDENT + LABEL, m->hex);
	for (size_t i = 0; i < m->names.count; i++)
		page_wrap(p, INDENT + LABEL, m->names.item[i]);
	for (size_t i = 0; i < m->unknown_bits.count; i++)
		page_wrapf(p, INDENT + LABEL, "bit %" PRId64,
			   *(const int64_t *)m->unknown_bits.item[i]);
	page_newline(p);
}

static bool is_none(const struct mask *m)
{
	return !m->names.count && !m->unknown_bits.count;
}

static enum tone tone_of(int verdict)
{
	if (verdict == STACK_WORKS)
		return TONE_GOOD;
	return trace_severity(verdict) < 0 ? TONE_WARN : TONE_BAD;
}

static void put_verdict(struct page *p, const char *what, int verdict,
			const char *signature)
{
	page_put_toned(p, TONE_BOLD, what);
	page_put(p, ": ");
	page_put_toned(p, tone_of(verdict), stack_verdict_names[verdict]);
	if (signature) {
		page_put(p, ", ");
		page_put(p, signature);
	}
	page_newline(p);
}

static void put_text(struct page *p, const char *text)
{
	page_pad_to(p, INDENT);
	page_wrap(p, INDENT, text);
	page_newline(p);
}

static void put_all_features(struct page *p, const struct line_features *f)
{
	put_features(p, "offered", f->offered);
	put_features(p, "sent", f->sent);
	if (!is_none(f->backend_sent))
		put_features(p, "backend sent", f->backend_sent);
	if (!is_none(f->shown)) {
		put_features(p, "shown", f->shown);
		put_features(p, "would send", f->would_send);
	}
}

void trace_text_end(const struct cmd_ctx *ctx, const struct line_end *end)
{
	struct page p;

	cmd_page(ctx, stderr, &p);
	if (!end->device) {
		page_wrap(&p, 0, end->text);
		page_newline(&p);
		return;
	}
	put_verdict(&p, end->device, end->verdict, end->signature);
	put_text(&p, end->text);
	if (end->what_if) {
		put_verdict(&p, "    what if", end->what_if->verdict,
			    end->what_if->signature);
		put_text(&p, end->what_if->text);
	}
	if (end->features)
		put_all_features(&p, end->features);
	for (size_t i = 0; i < end->notes.count; i++)
		put_text(&p, end->notes.item[i]);
	if (ctx->verbosity && end->unobserved && !is_none(end->unobserved))
		put_features(&p, "not observed", end->unobserved);
}
