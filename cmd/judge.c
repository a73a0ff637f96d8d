/* SPDX-License-Identifier: MIT */
#include "cmd/output.h"
#include "cmd/stored.h"

/** struct request - the command line */
struct request {
	const char *path, *output;
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Write the report there; - is standard output", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *q = state->input;

	switch (key) {
	case 'o':
		q->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (q->path) {
			argp_error(state, "judges one REPORT at a time, not '%s' too",
				   arg);
			return EINVAL;
		}
		q->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!q->path) {
			argp_error(state, "name a REPORT");
			return EINVAL;
		}
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp judge_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "REPORT",
	.doc = "Judge the evidence of a stored report again, by the rules of this version, and "
	       "print what comes of it. REPORT is what run or vm wrote with -o, its journal "
	       "(FILE.journal) where the run was killed, or - for standard input. A file of "
	       "expectations that was applied then is not applied again.\v"
	       "Exit status: as run's for what is judged now; 3 if REPORT cannot be used.",
};

static int run_judge(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	struct request q = { 0 };
	struct output out = { .journal_fd = -1 };
	struct report r;
	int status = cmd_parse(ctx, &judge_argp, argc, argv, &q);

	if (status != CMD_GO_ON)
		return status;
	out.path = ctx->json ? "-" : q.output;
	if (ctx->json && q.output)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage", "give one of the two",
				"--json is -o -, and -o %s was given", q.output);
	status = stored_read(ctx, &a, q.path, &r);
	if (status)
		return status;
	return stored_judge(&a, &r) < 0 ? cmd_fail_memory(ctx)
					: output_report(ctx, &out, &r);
}

const struct cmd cmd_judge = {
	.name = "judge",
	.help = "judge a stored report again by this version's rules",
	.run = run_judge,
};
