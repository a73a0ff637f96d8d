/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "cmd/stored.h"
#include "report/diff.h"

/** struct request - OLD and NEW */
struct request {
	const char *path[2];
	size_t count;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *q = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (q->count == ARRAY_SIZE(q->path)) {
			argp_error(state, "compares two reports, not '%s' too", arg);
			return EINVAL;
		}
		q->path[q->count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (q->count < ARRAY_SIZE(q->path)) {
			argp_error(state, "name two reports: OLD and NEW");
			return EINVAL;
		}
		if (!strcmp(q->path[0], "-") && !strcmp(q->path[1], "-")) {
			argp_error(state, "OLD and NEW cannot both be standard input");
			return EINVAL;
		}
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp diff_argp = {
	.parser = parse,
	.args_doc = "OLD NEW",
	.doc = "Tell what changed between two reports, the most harmful first: stacks that "
	       "worked and do not, bits that are offered no more, checks that passed and "
	       "fail. Both are judged again by the rules of this version, so that reports "
	       "of two versions compare; - is standard input.\v"
	       "Exit status: 0 nothing got worse, 1 something did, 2 the reports cannot be "
	       "compared, as what passed in OLD was not asked in NEW, 3 one cannot be used.",
};

/**
 * struct side - one of the two, with all that it is made of
 * @error:	of stored_load(), or else of stored_judge(); its error is 0 if both did it
 */
struct side {
	const char *path;
	struct arena arena;
	struct report report;
	struct stored_error error;
};

static void side_done(struct side *s)
{
	arena_done(&s->arena);
}

static void *load(void *arg)
{
	struct side *s = arg;

	if (stored_load(&s->arena, s->path, &s->report, &s->error) == 0)
		s->error.error = stored_judge(&s->arena, &s->report);
	return NULL;
}

/* Both at once: library rooms hold no data that can change (tests/lint/symbols.sh). */
static void load_both(struct side *old, struct side *new)
{
	pthread_t thread;
	bool beside = pthread_create(&thread, NULL, load, old) == 0;

	(void)load(new);
	if (beside)
		(void)pthread_join(thread, NULL);
	else
		(void)load(old);
}

static int run_diff(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	cleanup_(side_done) struct side old = { 0 }, new = { 0 };
	struct request q = { 0 };
	struct diff d;
	struct page p;
	int status = cmd_parse(ctx, &diff_argp, argc, argv, &q);

	if (status != CMD_GO_ON)
		return status;
	old.path = q.path[0];
	new.path = q.path[1];
	load_both(&old, &new);
	if (old.error.error < 0)
		return stored_fail(ctx, old.path, &old.error);
	if (new.error.error < 0)
		return stored_fail(ctx, new.path, &new.error);
	if (diff_reports(&a, &old.report, &new.report, &d) < 0)
		return cmd_fail_memory(ctx);
	if (ctx->json) {
		status = cmd_print_json(ctx, &diff_shape, &d);
		return status ? status : (int)d.exit_code;
	}
	cmd_page(ctx, stdout, &p);
	diff_text(&p, &d);
	return (int)d.exit_code;
}

const struct cmd cmd_diff = {
	.name = "diff",
	.help = "what changed between two reports",
	.run = run_diff,
};
