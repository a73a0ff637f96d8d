/* SPDX-License-Identifier: MIT */
/*
 * In August 2022 three behaviours of the kernel were weighed: bit 33 arms the IOTLB at
 * once (as it does), with the first IOTLB message, or not unless backend features are
 * used. Here they are tried on the model.
 *
 * Source: lkml 20220805181105.GA29848@willie-the-truck and the answers to it
 */
#include <string.h>

#include "checks/catalogue.h"
#include "cmd/stacks_model.h"
#include "report/page.h"
#include "report/report.h"
#include "run/cell.h"
#include "run/check_act.h"
#include "run/verdict.h"
#include "stacks/player.h"
#include "stacks/verdict.h"

const char *const stacks_model_names[] = {
	[MODEL_STRICT] = "strict",
	[MODEL_LENIENT] = "lenient",
	[MODEL_GATED] = "gated",
	[MODEL_NONE] = NULL,
};

static const char *const promises[] = {
	[MODEL_STRICT] = "bit 33 arms the IOTLB at once, as every kernel known does",
	[MODEL_LENIENT] = "bit 33 arms the IOTLB with the first IOTLB message",
	[MODEL_GATED] =
		("bit 33 arms the IOTLB only if backend features were set; to who "
		 "sets none IOTLB messages are refused"),
};

static const struct rec_field lost_fields[] = {
	REC_FIELD(struct stacks_lost, id, REC_STR),
	REC_FIELD(struct stacks_lost, text, REC_STR),
	{ 0 },
};

static const struct rec_shape lost_shape = {
	.name = "stacks_lost",
	.size = sizeof(struct stacks_lost),
	.field = lost_fields,
};

static const struct rec_field model_fields[] = {
	{ "model", REC_ENUM, offsetof(struct stacks_model, model), false,
	  stacks_model_names },
	{ "verdicts", REC_LIST, offsetof(struct stacks_model, verdicts), false,
	  &report_stack_shape },
	REC_FIELD(struct stacks_model, isolation, REC_INT),
	{ "lost", REC_LIST, offsetof(struct stacks_model, lost), false, &lost_shape },
	{ 0 },
};

const struct rec_shape stacks_model_shape = {
	.name = "stacks_model",
	.size = sizeof(struct stacks_model),
	.field = model_fields,
};

/* ------------------------------------------------------------------ policies */

static int play_act(struct session *s, const void *arg)
{
	return stack_collect(s, arg);
}

static int set_reason(struct arena *a, struct report_stack *s,
		      const struct stack_result *r)
{
	if (r->verdict == STACK_WORKS)
		return 0;
	s->reason = arena_alloc(a, sizeof(*s->reason));
	if (!s->reason)
		return -ENOMEM;
	s->reason->code = r->code;
	s->reason->text = r->reason ? r->reason : "?";
	return 0;
}

static int play(struct arena *a, int model, enum family family,
		const struct stack_play *play, struct report_stack *s)
{
	const struct cell cell = {
		.model = { .family = family, .policy = (enum model_policy)model },
		.act = play_act,
		.arg = play,
	};
	struct stack_result r = { 0 };
	struct outcome o;
	struct verdict v;

	cell_run(a, &cell, &o);
	if (verdict_of_end(a, cell_path(family), CELL_TIMEOUT_MS, &o, &v))
		r = (struct stack_result){ .code = v.code, .reason = v.text };
	else
		stack_judge(a, &o.evidence, &r);
	s->stack = play->stack->name;
	s->vmm = play->stack->vmm;
	s->device = family_names[family];
	s->guest = play->guest->guest;
	s->verdict = r.verdict;
	s->signature = r.signature;
	s->transfer = (struct report_transfer){ r.tx_bytes, r.rx_bytes };
	s->evidence = o.evidence.ev;
	return set_reason(a, s, &r);
}

static int play_guests(struct arena *a, int model, const struct stack *stack,
		       enum family family, struct rec_list *ret)
{
	struct stack_result unused;
	int e = 0;

	if (stack_not_applicable(a, stack, family, &unused))
		return 0;
	for (size_t i = 0; i < stack->guests.count && e == 0; i++) {
		const struct stack_play p = { stack, stack->guests.item[i] };
		struct report_stack *s = rec_list_new(a, ret, sizeof(*s));

		e = s ? play(a, model, family, &p, s) : -ENOMEM;
	}
	return e;
}

/* ----------------------------------------------------------------- isolation */

static int try_check(struct arena *a, const struct check *check, enum family family,
		     struct stacks_model *m)
{
	const struct cell cell = {
		.model = { .family = family, .policy = (enum model_policy)m->model },
		.act = check_act,
		.arg = check,
	};
	struct stacks_lost *lost = NULL;
	struct outcome o;
	struct verdict v;

	m->isolation++;
	cell_run(a, &cell, &o);
	v = verdict_of(a, check, cell_path(family), CELL_TIMEOUT_MS, &o);
	if (v.status == STATUS_PASS)
		return 0;
	lost = rec_list_new(a, &m->lost, sizeof(*lost));
	if (!lost)
		return -ENOMEM;
	lost->id = check_id(a, check, family);
	lost->text = v.text ? v.text : "?";
	return lost->id ? 0 : -ENOMEM;
}

static int try_isolation(struct arena *a, enum family family, struct stacks_model *m)
{
	int e = 0;

	for (size_t i = 0; i < check_catalogue_count && e == 0; i++)
		if (!strcmp(check_catalogue[i]->area, "isolation") &&
		    check_catalogue[i]->families & FAMILY_BIT(family))
			e = try_check(a, check_catalogue[i], family, m);
	return e;
}

int stacks_model_play(struct arena *a, int model, const struct rec_list *stacks,
		      struct stacks_model *ret)
{
	static const enum family families[] = { FAMILY_NET, FAMILY_VSOCK };
	int e = 0;

	ret->model = model;
	for (size_t f = 0; f < ARRAY_SIZE(families) && e == 0; f++) {
		for (size_t i = 0; i < stacks->count && e == 0; i++)
			e = play_guests(a, model, stacks->item[i], families[f],
					&ret->verdicts);
		if (e == 0)
			e = try_isolation(a, families[f], ret);
	}
	return e;
}

/* --------------------------------------------------------------------- text */

/** struct columns - where they begin; @model, each @step wide */
struct columns {
	size_t guest, device, model, step;
};

static struct columns columns_of(const struct stacks_model *m)
{
	size_t stack = strlen("stack"), verdict = 0;

	for (size_t i = 0; i < m->verdicts.count; i++)
		stack = page_wider(
			stack, ((const struct report_stack *)m->verdicts.item[i])->stack);
	for (int v = 0; v < STACK_VERDICT_NUM; v++)
		verdict = page_wider(verdict, stack_verdict_names[v]);
	return (struct columns){
		.guest = stack + 2,
		.device = stack + 2 + strlen("protected") + 2,
		.model = stack + 2 + strlen("protected") + 2 + strlen("device") + 2,
		.step = verdict + 2,
	};
}

static void print_head(struct page *p, const struct rec_list *models,
		       const struct columns *at)
{
	page_tone(p, TONE_BOLD);
	page_put(p, "stack");
	page_pad_to(p, at->guest);
	page_put(p, "guest");
	page_pad_to(p, at->device);
	page_put(p, "device");
	for (size_t i = 0; i < models->count; i++) {
		const struct stacks_model *m = models->item[i];

		page_pad_to(p, at->model + i * at->step);
		page_put(p, stacks_model_names[m->model]);
	}
	page_tone(p, TONE_PLAIN);
	page_newline(p);
}

/* The rows of all models are the same, in the same order. */
static void print_row(struct page *p, const struct rec_list *models, size_t row,
		      const struct columns *at)
{
	const struct stacks_model *first = models->item[0];
	const struct report_stack *s = first->verdicts.item[row];

	page_put(p, s->stack);
	page_pad_to(p, at->guest);
	page_put(p, guest_kind_names[s->guest]);
	page_pad_to(p, at->device);
	page_put(p, s->device);
	for (size_t i = 0; i < models->count; i++) {
		const struct stacks_model *m = models->item[i];
		const struct report_stack *v = m->verdicts.item[row];

		page_pad_to(p, at->model + i * at->step);
		page_put_toned(p, v->verdict == STACK_WORKS ? TONE_GOOD : TONE_BAD,
			       stack_verdict_names[v->verdict]);
	}
	page_newline(p);
}

/* Names in a row; with -v each with what it says. */
static void print_lost(struct page *p, const struct stacks_model *m)
{
	page_newline(p);
	page_put_toned(p, TONE_BOLD, stacks_model_names[m->model]);
	page_wrapf(p, 2, "(%s) loses %zu of %d isolation checks%s", promises[m->model],
		   m->lost.count, (int)m->isolation, m->lost.count ? ":" : "");
	for (size_t i = 0; i < m->lost.count; i++) {
		const struct stacks_lost *l = m->lost.item[i];

		if (p->verbosity <= 0) {
			page_wrap(p, 2, l->id);
			continue;
		}
		page_newline(p);
		page_pad_to(p, 2);
		page_put(p, l->id);
		page_put(p, ":");
		page_wrap(p, 4, l->text);
	}
	page_newline(p);
}

void stacks_model_print(const struct cmd_ctx *ctx, const struct rec_list *models)
{
	const struct stacks_model *first = models->item[0];
	const struct columns at = columns_of(first);
	struct page p;

	cmd_page(ctx, stdout, &p);
	print_head(&p, models, &at);
	for (size_t i = 0; i < first->verdicts.count; i++)
		print_row(&p, models, i, &at);
	for (size_t i = 0; i < models->count; i++)
		print_lost(&p, models->item[i]);
}

bool stacks_model_fails(const struct rec_list *models)
{
	for (size_t i = 0; i < models->count; i++) {
		const struct stacks_model *m = models->item[i];

		for (size_t k = 0; k < m->verdicts.count; k++)
			if (((const struct report_stack *)m->verdicts.item[k])->verdict !=
			    STACK_WORKS)
				return true;
	}
	return false;
}
