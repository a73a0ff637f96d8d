/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <string.h>

#include "cmd/catalogue.h"
#include "cmd/cmd.h"
#include "cmd/nearest.h"

/** struct checks_options - @globs points into argv */
struct checks_options {
	char **globs;
	int count;
};

/* NOLINTNEXTLINE(readability-non-const-parameter): the prototype is argp's */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct checks_options *o = state->input;

	(void)arg;
	if (key != ARGP_KEY_ARGS)
		return ARGP_ERR_UNKNOWN;
	o->globs = state->argv + state->next;
	o->count = state->argc - state->next;
	return 0;
}

static const struct argp checks_argp = {
	.parser = parse,
	.args_doc = "[GLOB...]",
	.doc = "List the checks, all or those whose id matches a GLOB such as "
	       "'vsock.iotlb.*'. vhostcheck explain ID tells more of one.",
};

static bool mark_matches(const struct catalogue *all, const char *glob, bool *wanted)
{
	bool any = false;

	for (size_t i = 0; i < all->checks.count; i++) {
		const struct catalogue_entry *e = all->checks.item[i];

		if (fnmatch(glob, e->id, 0) != 0)
			continue;
		wanted[i] = true;
		any = true;
	}
	return any;
}

static int no_match(const struct cmd_ctx *ctx, struct arena *a,
		    const struct catalogue *all, const char *glob)
{
	struct rec_list ids = { 0 };

	if (catalogue_ids(a, all, &ids) < 0)
		return cmd_fail_memory(ctx);
	return cmd_fail(ctx, CMD_EXIT_USAGE, "unknown_check",
			nearest_hint(a, glob, &ids, "vhostcheck checks lists them"),
			"no check matches '%s'", glob);
}

/* Those that a glob matches, in the published order. */
static int choose(const struct cmd_ctx *ctx, struct arena *a,
		  const struct checks_options *o, const struct catalogue *all,
		  struct catalogue *ret)
{
	bool *wanted = arena_alloc(a, all->checks.count + 1);

	if (!wanted)
		return cmd_fail_memory(ctx);
	for (int i = 0; i < o->count; i++)
		if (!mark_matches(all, o->globs[i], wanted))
			return no_match(ctx, a, all, o->globs[i]);
	for (size_t i = 0; i < all->checks.count; i++)
		if ((!o->count || wanted[i]) &&
		    rec_list_add(a, &ret->checks, all->checks.item[i]) < 0)
			return cmd_fail_memory(ctx);
	return 0;
}

static void print_table(const struct catalogue *c, struct page *p)
{
	static const char *const heads[] = { "ID", "SEVERITY", "RISK", "TITLE" };
	size_t at[] = { 0, 2, 10, 11 };

	for (size_t i = 0; i < c->checks.count; i++)
		at[1] = page_wider(
			at[1], ((const struct catalogue_entry *)c->checks.item[i])->id);
	at[1] += 2;
	at[2] += at[1];
	at[3] += at[2];
	for (size_t i = 0; i < ARRAY_SIZE(heads) && p->verbosity >= 0; i++) {
		page_pad_to(p, at[i]);
		page_put_toned(p, TONE_DIM, heads[i]);
	}
	if (p->verbosity >= 0)
		page_newline(p);
	for (size_t i = 0; i < c->checks.count; i++) {
		const struct catalogue_entry *e = c->checks.item[i];

		page_put(p, e->id);
		page_pad_to(p, at[1]);
		page_put(p, severity_names[e->severity]);
		page_pad_to(p, at[2]);
		page_put(p, risk_names[e->risk]);
		page_pad_to(p, at[3]);
		page_put(p, e->title);
		page_newline(p);
	}
}

static int run_checks(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	struct checks_options o = { 0 };
	struct catalogue all = { 0 }, chosen = { 0 };
	struct page page;
	int r = cmd_parse(ctx, &checks_argp, argc, argv, &o);

	if (r != CMD_GO_ON)
		return r;
	if (catalogue_load(&a, &all) < 0)
		return cmd_fail_memory(ctx);
	r = choose(ctx, &a, &o, &all, &chosen);
	if (r != 0)
		return r;
	if (ctx->json)
		return cmd_print_json(ctx, &catalogue_shape, &chosen);
	cmd_page(ctx, stdout, &page);
	print_table(&chosen, &page);
	return CMD_EXIT_OK;
}

const struct cmd cmd_checks = {
	.name = "checks",
	.help = "the catalogue of checks",
	.run = run_checks,
};
