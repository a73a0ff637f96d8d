/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/catalogue.h"
#include "cmd/cmd.h"
#include "cmd/explain.h"
#include "cmd/nearest.h"
#include "cmd/stacks.h"
#include "cmd/stacks_unknown.h"
#include "stacks/library.h"

/** struct known - all that can be explained */
struct known {
	struct catalogue catalogue;
	struct rec_list stacks, bits;
};

/* ----------------------------------------------------------------- options */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **id = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*id)
			argp_error(state, "explains one ID at a time, not '%s' too", arg);
		*id = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no ID is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp explain_argp = {
	.parser = parse,
	.args_doc = "ID",
	.doc = "Explain a check (vsock.iotlb.static_map), a stack (crosvm-2022), or a feature "
	       "bit by its name (VIRTIO_F_ACCESS_PLATFORM) or number (33).",
};

/* -------------------------------------------------------------------- text */

enum {
	INDENT = 2,
	DEEPER = 4,
};

static void print_para(struct page *p, const char *heading, const char *text)
{
	page_heading(p, heading);
	page_wrap(p, INDENT, text);
	page_newline(p);
}

/* Words with commas between, in a line that has begun. */
static void print_series(struct page *p, size_t indent, const struct rec_list *words)
{
	for (size_t i = 0; i < words->count; i++)
		page_wrapf(p, indent, "%s%s", (const char *)words->item[i],
			   i + 1 < words->count ? "," : "");
}

static void print_words(struct page *p, const char *heading, const struct rec_list *words)
{
	if (!words->count)
		return;
	page_heading(p, heading);
	print_series(p, INDENT, words);
	page_newline(p);
}

static void print_lines(struct page *p, const char *heading, const struct rec_list *lines)
{
	if (!lines->count)
		return;
	page_heading(p, heading);
	for (size_t i = 0; i < lines->count; i++) {
		page_wrap(p, INDENT, lines->item[i]);
		page_newline(p);
	}
}

static void print_title(struct page *p, const char *name, const char *text)
{
	page_put_toned(p, TONE_BOLD, name);
	page_put(p, ":");
	page_wrap(p, 0, text);
	page_newline(p);
}

static void print_known(struct page *p, const struct rec_list *known)
{
	for (size_t i = 0; i < known->count; i++) {
		const struct report_known *k = known->item[i];

		page_heading(p, "Known finding");
		page_wrap(p, INDENT, k->text);
		page_wrapf(p, INDENT, "Since %s.", k->since);
		if (k->fixed_by)
			page_wrapf(p, INDENT, "Fixed by %s.", k->fixed_by);
		page_newline(p);
	}
}

static void print_check(struct page *p, const struct catalogue_entry *e)
{
	print_title(p, e->id, e->title);
	page_wrapf(p, 0, "Severity %s, risk %s, since %s.", severity_names[e->severity],
		   risk_names[e->risk], e->since);
	page_newline(p);
	print_para(p, "Contract", e->contract);
	print_para(p, "Harm if it is broken", e->harm);
	print_para(p, "How it is judged", e->judged);
	print_words(p, "Needs", &e->needs);
	print_known(p, &e->known);
	print_lines(p, "Sources", &e->refs);
	print_words(p, "Faults that make it fail", &e->faults);
}

static void print_bits(struct page *p, const char *who, const struct rec_list *words)
{
	if (!words->count)
		return;
	page_wrap(p, INDENT, who);
	print_series(p, DEEPER, words);
	page_newline(p);
}

static void print_guest(struct page *p, const struct stack_guest *g)
{
	static const char *const maps[] = {
		[STACK_MAP_NONE] = "maps nothing",
		[STACK_MAP_USED_RINGS] = "maps the used rings",
		[STACK_MAP_ALL] = "maps all of the guest's memory",
		[STACK_MAP_AS_USED] =
			"maps the rings, and buffers as the guest maps them,",
	};
	static const char *const misses[] = {
		[STACK_MISS_UNREAD] = "does not read",
		[STACK_MISS_SERVED] = "answers",
		[STACK_MISS_UNOBSERVED] = "was not seen to meet",
	};
	char heading[64];

	(void)snprintf(heading, sizeof(heading), "With a %s guest",
		       guest_kind_names[g->guest]);
	page_heading(p, heading);
	page_wrapf(p, INDENT, "the VMM %s and %s IOTLB misses", maps[g->map],
		   misses[g->miss]);
	page_newline(p);
	print_bits(p, "of what is offered the guest acknowledges", &g->acks);
	print_bits(p, "the VMM takes out", &g->mask);
	print_bits(p, "the VMM adds", &g->force);
}

static void print_strays(struct page *p, const struct rec_list *strays)
{
	if (!strays->count)
		return;
	page_heading(p, "What it sends without knowing it, where that is offered");
	for (size_t i = 0; i < strays->count; i++) {
		const struct stacks_stray *s = strays->item[i];

		page_wrapf(p, INDENT, "%s on", s->name);
		print_series(p, DEEPER, &s->devices);
		page_wrap(p, DEEPER, "for guests");
		print_series(p, DEEPER, &s->guests);
		page_newline(p);
		page_pad_to(p, DEEPER);
		page_wrap(p, DEEPER, s->duty->otherwise);
		page_newline(p);
	}
}

static void print_stack(struct page *p, const struct stack *s,
			const struct rec_list *strays)
{
	static const char *const bases[] = {
		[STACK_BASE_ACKED] = "What the guest acknowledged.",
		[STACK_BASE_OFFERED] = "All that the device offers.",
		[STACK_BASE_NONE] = "Nothing: a fixed set is added.",
		[STACK_BASE_OBSERVED] = "What it was seen to send in a trace.",
	};
	static const char *const risks[] = {
		[RISK_SAFE] = "safe: played wherever it applies",
		[RISK_INTRUSIVE] = "intrusive: on a host only with --intrusive",
		[RISK_GUARDED] = "guarded: never on a host; in vm only",
	};

	print_title(p, s->name, s->vmm);
	print_para(p, "Versions", s->versions);
	print_para(p, "Policy", s->summary);
	print_para(p, "Risk", risks[s->risk]);
	if (s->about)
		print_para(p, "What is known of it", s->about);
	print_words(p, "Devices", &s->devices);
	print_words(p, "Calls, in their order (VRINGS: these for each ring in turn)",
		    &s->order);
	print_para(p, "What the features that it sends start from", bases[s->base]);
	print_words(p, "Backend features that it acknowledges", &s->backend);
	print_words(p, "Features whose duties it meets", &s->known);
	for (size_t i = 0; i < s->guests.count; i++)
		print_guest(p, s->guests.item[i]);
	print_strays(p, strays);
	page_heading(p, s->confidence == STACK_RUN ? "Sources (read, and seen running)"
						   : "Sources (read, not run)");
	for (size_t i = 0; i < s->sources.count; i++) {
		const struct stack_origin *o = s->sources.item[i];

		page_wrapf(p, INDENT, "%s %s %s", o->repository, o->commit, o->file);
		page_newline(p);
	}
}

static void print_bit(struct page *p, const struct explain_bit *b)
{
	for (size_t i = 0; i < b->meanings.count; i++) {
		const struct explain_meaning *m = b->meanings.item[i];

		if (i)
			page_newline(p);
		page_put_toned(p, TONE_BOLD, m->name);
		page_wrapf(p, 0, "is bit %lld of the %s of", (long long)m->bit,
			   m->space == BITS_BACKEND ? "backend features" : "features");
		print_series(p, 0, &m->devices);
		if (m->alias)
			page_wrapf(p, 0, "(%s)", m->alias);
		page_newline(p);
		explain_meaning_print(p, INDENT, m);
	}
}

/* ------------------------------------------------------------------ lookup */

static const struct catalogue_entry *find_check(const struct known *k, const char *id)
{
	for (size_t i = 0; i < k->catalogue.checks.count; i++) {
		const struct catalogue_entry *e = k->catalogue.checks.item[i];

		if (!strcmp(e->id, id))
			return e;
	}
	return NULL;
}

static int load(const struct cmd_ctx *ctx, struct arena *a, struct known *ret)
{
	int r = catalogue_load(a, &ret->catalogue);

	if (r == 0)
		r = explain_bits_load(a, &ret->bits);
	return r < 0 ? cmd_fail_memory(ctx) : stacks_load(ctx, a, &ret->stacks);
}

static int unknown(const struct cmd_ctx *ctx, struct arena *a, const struct known *k,
		   const char *id)
{
	struct rec_list words = { 0 };
	int r = catalogue_ids(a, &k->catalogue, &words);

	for (size_t i = 0; i < k->stacks.count && r == 0; i++)
		r = rec_list_add(a, &words,
				 ((const struct stack *)k->stacks.item[i])->name);
	if (r == 0)
		r = explain_bits_names(a, &k->bits, &words);
	if (r < 0)
		return cmd_fail_memory(ctx);
	return cmd_fail(
		ctx, CMD_EXIT_USAGE, "unknown_id",
		nearest_hint(a, id, &words,
			     "vhostcheck checks and vhostcheck stacks list the names"),
		"no check, stack or feature bit is called '%s'", id);
}

static int explain(const struct cmd_ctx *ctx, struct arena *a, const struct known *k,
		   const char *id)
{
	const struct catalogue_entry *check = find_check(k, id);
	const struct stack *stack = check ? NULL : stack_find(&k->stacks, id);
	struct explain_bit *bit = NULL;
	struct rec_list sent = { 0 }, strays = { 0 };
	struct page page;

	if (!check && !stack && explain_bits_find(a, &k->bits, id, &bit) < 0)
		return cmd_fail_memory(ctx);
	if (!check && !stack && !bit)
		return unknown(ctx, a, k, id);
	if (ctx->json)
		return check   ? cmd_print_json(ctx, &catalogue_entry_shape, check)
		       : stack ? cmd_print_json(ctx, &stack_shape, stack)
			       : cmd_print_json(ctx, &explain_bit_shape, bit);
	if (stack && (stacks_unknown_anywhere(a, stack, &sent) < 0 ||
		      stacks_strays(a, &sent, &strays) < 0))
		return cmd_fail_memory(ctx);
	cmd_page(ctx, stdout, &page);
	if (check)
		print_check(&page, check);
	else if (stack)
		print_stack(&page, stack, &strays);
	else
		print_bit(&page, bit);
	return CMD_EXIT_OK;
}

static int run_explain(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	struct known known = { 0 };
	const char *id = NULL;
	int r = cmd_parse(ctx, &explain_argp, argc, argv, &id);

	if (r != CMD_GO_ON)
		return r;
	r = load(ctx, &a, &known);
	return r == 0 ? explain(ctx, &a, &known, id) : r;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.help = "one check, stack or feature bit in prose",
	.run = run_explain,
};
