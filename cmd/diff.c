/* SPDX-License-Identifier: MIT */
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

static int load(const struct cmd_ctx *ctx, struct arena *a, struct memo *seen,
		const char *path, struct report *ret)
{
	int status = stored_read(ctx, a, seen, path, ret);

	if (!status && stored_judge(a, ret) < 0)
		status = cmd_fail_memory(ctx);
	return status;
}

static int run_diff(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	cleanup_(memo_done) struct memo seen = { .arena = &a };
	struct request q = { 0 };
	struct report old, new;
	struct diff d;
	struct page p;
	int status = cmd_parse(ctx, &diff_argp, argc, argv, &q);

	if (status != CMD_GO_ON)
		return status;
	status = load(ctx, &a, &seen, q.path[0], &old);
	if (!status)
		status = load(ctx, &a, &seen, q.path[1], &new);
	if (status)
		return status;
	if (diff_reports(&a, &old, &new, &d) < 0)
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
