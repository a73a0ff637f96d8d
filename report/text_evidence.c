/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/text_parts.h"

#define TEXT_LINE 512

struct line {
	char text[TEXT_LINE];
	size_t len;
};

static void printf_(2, 3) add(struct line *l, const char *fmt, ...)
{
	va_list args;
	int n = 0;

	va_start(args, fmt);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, args);
	va_end(args);
	if (n > 0)
		l->len += (size_t)n;
	if (l->len >= sizeof(l->text))
		l->len = sizeof(l->text) - 1;
}

static void add_int(struct line *l, const char *name, struct opt_int v)
{
	if (v.set)
		add(l, " %s %" PRId64, name, v.v);
}

static void add_str(struct line *l, const char *name, const char *s)
{
	if (s)
		add(l, " %s %s", name, s);
}

static void add_errno(struct line *l, int err)
{
	const char *name = strerrorname_np(err);

	if (err && name)
		add(l, " = %s", name);
	else if (err)
		add(l, " = E%d", err);
}

static void describe_iotlb(struct line *l, const struct ev_iotlb *e)
{
	add(l, "%s %s", ev_way_names[e->way], ev_msg_names[e->msg]);
	add_str(l, "iova", e->iova);
	add_str(l, "size", e->size);
	if (e->perm != EV_PERM_NONE)
		add(l, " %s", ev_perm_names[e->perm]);
	add_int(l, "version", e->version);
	add_errno(l, e->err);
}

static void describe_bytes(struct line *l, const struct ev_bytes *e)
{
	add(l, "%s sent %" PRId64 " received %" PRId64, ev_dir_names[e->dir], e->sent,
	    e->received);
	if (e->sent_digest && e->received_digest)
		add(l, " digests %s",
		    strcmp(e->sent_digest, e->received_digest) ? "differ" : "equal");
}

static void describe(struct line *l, const struct ev *e)
{
	switch ((enum ev_kind)e->kind) {
	case EV_IOCTL:
		add(l, "%s", e->ioctl.name);
		if (e->ioctl.arg)
			add(l, " %s", e->ioctl.arg);
		if (!e->ioctl.err)
			add(l, " = %" PRId64, e->ioctl.ret);
		add_errno(l, e->ioctl.err);
		break;
	case EV_IOTLB:
		describe_iotlb(l, &e->iotlb);
		break;
	case EV_RING:
		add(l, "%s", e->ring.queue);
		add_int(l, "avail", e->ring.avail);
		add_int(l, "used", e->ring.used);
		add_int(l, "base", e->ring.base);
		add_int(l, "flags", e->ring.flags);
		break;
	case EV_EVENTFD:
		add(l, "%s", e->eventfd.queue);
		add_int(l, "kick", e->eventfd.kick);
		add_int(l, "call", e->eventfd.call);
		add_int(l, "err", e->eventfd.err);
		break;
	case EV_WORKER:
		add(l, "%s %" PRId64, e->worker.type, e->worker.count);
		break;
	case EV_KMSG:
		add(l, "%s", e->kmsg.text);
		break;
	case EV_BYTES:
		describe_bytes(l, &e->bytes);
		break;
	case EV_MEASURE:
		add(l, "%s:", e->measure.name);
		for (size_t i = 0; i < e->measure.samples.count; i++)
			add(l, " %" PRId64, *(const int64_t *)e->measure.samples.item[i]);
		add(l, " %s", e->measure.unit);
		break;
	case EV_FACT:
		add(l, "%s = %s", e->fact.name,
		    e->fact.value ? e->fact.value : "unknown");
		break;
	case EV_KIND_NUM:
		break;
	}
}

void text_evidence(struct page *p, size_t indent, const struct rec_list *evidence)
{
	size_t step_width = 0;

	if (p->verbosity < 2)
		return;
	for (size_t i = 0; i < evidence->count; i++)
		step_width = page_wider(step_width,
					((const struct ev *)evidence->item[i])->step);
	if (step_width > p->width / 3)
		step_width = p->width / 3;
	for (size_t i = 0; i < evidence->count; i++) {
		const struct ev *e = evidence->item[i];
		struct line l = { .len = 0 };

		describe(&l, e);
		page_tone(p, TONE_DIM);
		page_pad_to(p, indent);
		page_put(p, ev_kind_names[e->kind]);
		page_pad_to(p, indent + 9);
		page_put(p, e->step);
		page_pad_to(p, indent + 9 + step_width + 1);
		page_put(p, " ");
		page_put(p, l.text);
		page_tone(p, TONE_PLAIN);
		page_newline(p);
	}
}
