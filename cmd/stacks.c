/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/execute.h"
#include "cmd/host_vmms.h"
#include "cmd/nearest.h"
#include "cmd/stacks.h"
#include "cmd/stacks_model.h"
#include "cmd/stacks_unknown.h"
#include "report/page.h"
#include "report/summary.h"
#include "stacks/library.h"

static const struct rec_field stacks_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-stacks/1" },
	{ "stacks", REC_LIST, offsetof(struct stacks_document, stacks), false,
	  &stack_shape },
	{ "verdicts", REC_LIST, offsetof(struct stacks_document, verdicts), false,
	  &report_stack_shape },
	{ "unknown", REC_LIST, offsetof(struct stacks_document, unknown), false,
	  &stacks_unknown_shape },
	{ "models", REC_LIST, offsetof(struct stacks_document, models), false,
	  &stacks_model_shape },
	{ 0 },
};

const struct rec_shape stacks_shape = {
	.name = "stacks",
	.size = sizeof(struct stacks_document),
	.field = stacks_fields,
};

/* ---------------------------------------------------------------- policies */

int stacks_load(const struct cmd_ctx *ctx, struct arena *a, struct rec_list *ret)
{
	struct written_error err = { 0 };
	int r = stack_library(a, ret, &err);

	if (r == -ENOMEM)
		return cmd_fail_memory(ctx);
	if (r < 0)
		return cmd_fail(ctx, CMD_EXIT_LAB, "internal", "report this as a bug",
				"a built-in policy is broken: %s: %s", err.pointer,
				err.text);
	return 0;
}

static bool is_file_name(const char *word)
{
	const char *dot = strrchr(word, '.');

	return strchr(word, '/') || (dot && !strcmp(dot, ".json"));
}

static int pick_file(const struct cmd_ctx *ctx, struct arena *a, const char *path,
		     const struct stack **ret)
{
	struct written_error err = { 0 };
	int r = stack_file_read(a, path, ret, &err);

	return r < 0 ? cmd_fail_written(ctx, r, "bad_stack", "stack", path, &err) : 0;
}

static int unknown_stack(const struct cmd_ctx *ctx, struct arena *a,
			 const struct rec_list *library, const char *word)
{
	struct rec_list names = { 0 };

	for (size_t i = 0; i < library->count; i++)
		if (rec_list_add(a, &names,
				 ((const struct stack *)library->item[i])->name) < 0)
			return cmd_fail_memory(ctx);
	return cmd_fail(
		ctx, CMD_EXIT_USAGE, "unknown_stack",
		nearest_hint(a, word, &names,
			     "vhostcheck stacks lists them; a file needs a '/' or "
			     "'.json' in its name"),
		"no stack is called '%s'", word);
}

int stacks_pick(const struct cmd_ctx *ctx, struct arena *a,
		const struct rec_list *library, const char *word,
		const struct stack **ret)
{
	const struct stack *found = NULL;

	if (is_file_name(word))
		return pick_file(ctx, a, word, ret);
	found = stack_find(library, word);
	if (!found)
		return unknown_stack(ctx, a, library, word);
	*ret = found;
	return 0;
}

static int add_new(struct arena *a, struct rec_list *list, const struct stack *s)
{
	return stack_find(list, s->name) ? 0 : rec_list_add(a, list, s);
}

int stacks_host(const struct cmd_ctx *ctx, struct arena *a,
		const struct rec_list *library, struct rec_list *ret)
{
	struct rec_list matches = { 0 };
	int r = host_matches(a, "", library, &matches);

	for (size_t i = 0; i < matches.count && r == 0; i++) {
		const struct host_match *m = matches.item[i];

		if (!ctx->quiet)
			(void)fprintf(stderr, "vhostcheck: host: %s, by %s\n",
				      m->stack->name, m->how);
		r = add_new(a, ret, m->stack);
	}
	if (r == -ENOMEM)
		return cmd_fail_memory(ctx);
	if (r < 0)
		return cmd_fail(ctx, CMD_EXIT_LAB, "internal", NULL,
				"cannot look for VMMs: %s", strerror(-r));
	if (!matches.count)
		return cmd_fail(
			ctx, EXIT_NOTHING_HERE, "no_vmm",
			"vhostcheck stacks lists them; name one to have it played",
			"host: no VMM of a built-in policy is installed or runs "
			"here");
	return 0;
}

/* ------------------------------------------------------------- the command */

/** STACKS_MODELS - behaviours that can be asked for */
#define STACKS_MODELS 3

/**
 * struct stacks_options - what the command line asks for
 * @words:	room for all of argv
 * @run:	play them
 * @intrusive:	those too that do what no ordinary VMM does
 * @model:	enum model_policy, @models of them: on the model instead, in this order
 * @create:	families of which devices may be made, by @arena
 */
struct stacks_options {
	struct arena *arena;
	char **words;
	int count;
	bool run, intrusive;
	int model[STACKS_MODELS];
	size_t models;
	struct rec_list create;
};

enum {
	OPT_RUN = 0x300,
	OPT_INTRUSIVE,
	OPT_CREATE,
	OPT_MODEL
};

static const struct argp_option options[] = {
	{ "run", OPT_RUN, NULL, 0, "Play them on this host's devices", 1 },
	{ "intrusive", OPT_INTRUSIVE, NULL, 0,
	  "With --run: those too that do what no ordinary VMM does", 1 },
	{ "create", OPT_CREATE, "FAMILY,...", 0,
	  "With --run: make scsi or vdpa devices for it, which else are not played on",
	  1 },
	{ "model", OPT_MODEL, "strict|lenient|gated", 0,
	  "With --run: play them on a model of a kernel that arms the IOTLB at once, with the "
	  "first message, or only with backend features; may be given more than once",
	  1 },
	{ 0 },
};

static error_t take_model(struct argp_state *state, struct stacks_options *o,
			  const char *word)
{
	int model = 0;

	while (stacks_model_names[model] && strcmp(stacks_model_names[model], word) != 0)
		model++;
	if (!stacks_model_names[model]) {
		argp_error(state, "--model: '%s' is none of strict, lenient and gated",
			   word);
		return EINVAL;
	}
	for (size_t i = 0; i < o->models; i++)
		if (o->model[i] == model)
			return 0;
	o->model[o->models++] = model;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stacks_options *o = state->input;

	switch (key) {
	case OPT_RUN:
		o->run = true;
		return 0;
	case OPT_INTRUSIVE:
		o->intrusive = true;
		return 0;
	case OPT_CREATE:
		return run_options_create(state, o->arena, &o->create, arg);
	case OPT_MODEL:
		return take_model(state, o, arg);
	case ARGP_KEY_ARG:
		o->words[o->count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (o->intrusive && !o->run)
			argp_error(state, "--intrusive goes with --run");
		if (o->create.count && !o->run)
			argp_error(state, "--create goes with --run");
		if (o->models && !o->run)
			argp_error(state, "--model goes with --run");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp stacks_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME|FILE|host...]",
	.doc = "List the VMM policies that can be played against a device: those built in, or "
	       "the NAMEs and FILEs given; host: those of the VMMs that are installed or run "
	       "here. vhostcheck explain NAME tells more of one.",
};

static int choose(const struct cmd_ctx *ctx, struct arena *a,
		  const struct stacks_options *o, struct rec_list *ret)
{
	struct rec_list library = { 0 };
	int r = stacks_load(ctx, a, &library);

	if (r == 0 && !o->count)
		*ret = library;
	for (int i = 0; i < o->count && r == 0; i++) {
		const struct stack *s = NULL;

		if (!strcmp(o->words[i], STACKS_HOST)) {
			r = stacks_host(ctx, a, &library, ret);
			continue;
		}
		r = stacks_pick(ctx, a, &library, o->words[i], &s);
		if (r == 0 && s && add_new(a, ret, s) < 0)
			r = cmd_fail_memory(ctx);
	}
	return r;
}

static void put_words(struct page *p, size_t indent, const struct rec_list *words)
{
	for (size_t i = 0; i < words->count; i++)
		page_wrapf(p, indent, "%s%s", (const char *)words->item[i],
			   i + 1 < words->count ? "," : "");
}

static void put_guests(struct page *p, size_t indent, const struct rec_list *guests)
{
	for (size_t i = 0; i < guests->count; i++) {
		const struct stack_guest *g = guests->item[i];

		page_wrapf(p, indent, "%s%s", guest_kind_names[g->guest],
			   i + 1 < guests->count ? "," : "");
	}
}

/* Names of bits, each once, whatever the device and the guest. */
static void put_unknown(struct page *p, size_t indent, const struct rec_list *strays)
{
	if (!strays->count)
		return;
	page_pad_to(p, indent);
	page_wrap(p, indent, "Sends without knowing it, where it is offered:");
	for (size_t i = 0; i < strays->count; i++)
		page_wrapf(p, indent, "%s%s",
			   ((const struct stacks_stray *)strays->item[i])->name,
			   i + 1 < strays->count ? "," : "");
	page_newline(p);
}

static void put_stack(struct page *p, size_t indent, const struct stack *s,
		      const struct rec_list *strays, bool quiet)
{
	page_put_toned(p, TONE_BOLD, s->name);
	page_pad_to(p, indent);
	page_wrapf(p, indent, "%s, %s", s->vmm, s->versions);
	page_newline(p);
	page_pad_to(p, indent);
	page_wrap(p, indent, "on");
	put_words(p, indent, &s->devices);
	page_wrap(p, indent, "for guests");
	put_guests(p, indent, &s->guests);
	page_newline(p);
	if (quiet)
		return;
	page_pad_to(p, indent);
	page_wrap(p, indent, s->summary);
	page_newline(p);
	put_unknown(p, indent, strays);
}

static int find_strays(struct arena *a, const struct stack *s, struct rec_list *ret)
{
	struct rec_list unknown = { 0 };
	int r = stacks_unknown_anywhere(a, s, &unknown);

	return r == 0 ? stacks_strays(a, &unknown, ret) : r;
}

static int print_stacks(const struct cmd_ctx *ctx, struct arena *a,
			const struct rec_list *stacks)
{
	struct page p = { 0 };
	size_t indent = 0;

	page_init(&p, stdout, 0, cmd_uses_color(ctx, STDOUT_FILENO));
	for (size_t i = 0; i < stacks->count; i++)
		indent =
			page_wider(indent, ((const struct stack *)stacks->item[i])->name);
	indent += 2;
	for (size_t i = 0; i < stacks->count; i++) {
		struct rec_list strays = { 0 };

		if (find_strays(a, stacks->item[i], &strays) < 0)
			return cmd_fail_memory(ctx);
		put_stack(&p, indent, stacks->item[i], &strays, ctx->quiet);
	}
	return CMD_EXIT_OK;
}

/* Those that were named decide the exit status, as with run --stack. */
static int name_them(struct run_options *r, const struct stacks_options *o)
{
	for (size_t i = 0; o->count && i < r->library.count; i++)
		if (rec_list_add(&r->arena, &r->selection.stacks,
				 ((const struct stack *)r->library.item[i])->name) < 0)
			return -ENOMEM;
	return 0;
}

/* On the devices that were played on, as far as it is known what they offer. */
static int find_unknown(struct execution *x, struct stacks_document *d)
{
	int r = 0;

	for (size_t i = 0; i < x->report.devices.count; i++) {
		const struct report_device *dev = x->report.devices.item[i];
		const struct stacks_offer offer = {
			.device = dev->name,
			.family = (enum family)dev->kind,
			.features = { { dev->features ? mask_set(dev->features).word[0]
						      : 0 } },
		};

		for (size_t k = 0; k < d->stacks.count && r == 0; k++)
			r = stacks_unknown_on(&x->arena, d->stacks.item[k], &offer,
					      &d->unknown);
	}
	return r;
}

static int play_them(struct execution *x, struct stacks_document *d)
{
	int status = execute_begin(x);

	if (!status)
		status = execute_look(x);
	if (!status)
		status = execute_run(x);
	if (status)
		return status;
	d->verdicts = x->report.stacks;
	if (!x->ctx->json)
		return output_report(x->ctx, &x->output, &x->report);
	if (find_unknown(x, d) < 0)
		return cmd_fail_memory(x->ctx);
	status = cmd_print_json(x->ctx, &stacks_shape, d);
	return status ? status : (int)x->report.summary.exit_code;
}

static int run_policies(const struct cmd_ctx *ctx, const struct stacks_options *o,
			struct stacks_document *d, int argc, char **argv)
{
	struct run_options r;
	struct execution x = { .ctx = ctx, .options = &r };
	int status = 0;

	if (run_options_init(&r, argc, argv) < 0)
		return cmd_fail_memory(ctx);
	r.library = d->stacks;
	r.policies_only = true;
	r.selection.intrusive = o->intrusive;
	r.create = o->create;
	status = name_them(&r, o) < 0 ? cmd_fail_memory(ctx) : play_them(&x, d);
	execute_done(&x);
	run_options_done(&r);
	return status;
}

static int print_json(const struct cmd_ctx *ctx, struct arena *a,
		      struct stacks_document *d)
{
	int r = 0;

	for (size_t i = 0; i < d->stacks.count && r == 0; i++)
		r = stacks_unknown_anywhere(a, d->stacks.item[i], &d->unknown);
	return r < 0 ? cmd_fail_memory(ctx) : cmd_print_json(ctx, &stacks_shape, d);
}

/* Those that were named decide the exit status, as on a device. */
static int run_models(const struct cmd_ctx *ctx, struct arena *a,
		      const struct stacks_options *o, struct stacks_document *d)
{
	int status = CMD_EXIT_OK;

	for (size_t i = 0; i < o->models; i++) {
		struct stacks_model *m = rec_list_new(a, &d->models, sizeof(*m));

		if (!m || stacks_model_play(a, o->model[i], &d->stacks, m) < 0)
			return cmd_fail_memory(ctx);
	}
	if (ctx->json)
		status = print_json(ctx, a, d);
	else
		stacks_model_print(ctx, &d->models);
	return !status && o->count && stacks_model_fails(&d->models) ? CMD_EXIT_WRONG
								     : status;
}

static int run_stacks(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	struct stacks_document d = { 0 };
	struct stacks_options o = { .arena = &a };
	int r = 0;

	o.words = arena_alloc(&a, (size_t)argc * sizeof(*o.words));
	if (!o.words)
		return cmd_fail_memory(ctx);
	r = cmd_parse(ctx, &stacks_argp, argc, argv, &o);
	if (r != CMD_GO_ON)
		return r;
	r = choose(ctx, &a, &o, &d.stacks);
	if (r != 0)
		return r;
	if (o.models)
		return run_models(ctx, &a, &o, &d);
	if (o.run)
		return run_policies(ctx, &o, &d, argc, argv);
	if (ctx->json)
		return print_json(ctx, &a, &d);
	return print_stacks(ctx, &a, &d.stacks);
}

const struct cmd cmd_stacks = {
	.name = "stacks",
	.help = "the VMM policies that are known",
	.run = run_stacks,
};
