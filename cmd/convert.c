/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/nearest.h"
#include "cmd/stored.h"
#include "report/format.h"

enum {
	OPT_TO = 0x500
};

/** struct request - the command line */
struct request {
	const char *path, *to;
};

static const struct argp_option options[] = {
	{ "to", OPT_TO, "FORMAT", 0,
	  "text, json, junit, ktap, tap, markdown, kcidb or prometheus", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *q = state->input;

	switch (key) {
	case OPT_TO:
		q->to = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (q->path) {
			argp_error(state, "converts one REPORT at a time, not '%s' too",
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

static const struct argp convert_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "REPORT",
	.doc = "Print a stored report in another format, from the report alone and as it "
	       "stands there. REPORT is what run or vm wrote with -o, its journal where the "
	       "run was killed, or - for standard input.\v"
	       "What counts in the exit status of the run is what other formats call failed; "
	       "a known finding is not. Exit status: 0 if it was printed, 3 if REPORT cannot "
	       "be used.",
};

static int unknown_format(const struct cmd_ctx *ctx, const char *name)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list names = { 0 };

	for (size_t i = 0; formats[i]; i++)
		if (rec_list_add(&a, &names, formats[i]->name) < 0)
			return cmd_fail_memory(ctx);
	return cmd_fail(ctx, CMD_EXIT_USAGE, "unknown_format",
			nearest_hint(&a, name, &names, "see vhostcheck convert --help"),
			"--to: there is no format '%s'", name);
}

static int run_convert(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	struct request q = { 0 };
	const struct format *format = NULL;
	struct report r;
	int status = cmd_parse(ctx, &convert_argp, argc, argv, &q);

	if (status != CMD_GO_ON)
		return status;
	if (ctx->json && q.to && strcmp(q.to, "json") != 0)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage", "give one of the two",
				"--json is --to json, and --to %s was given", q.to);
	if (!q.to && !ctx->json)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage",
				"see vhostcheck convert --help",
				"name a format with --to");
	format = format_find(ctx->json ? "json" : q.to);
	if (!format)
		return unknown_format(ctx, q.to);
	status = stored_read(ctx, &a, q.path, &r);
	if (status)
		return status;
	return format->write(&r, stdout) < 0 ? cmd_fail_memory(ctx) : CMD_EXIT_OK;
}

const struct cmd cmd_convert = {
	.name = "convert",
	.help = "a stored report in another format",
	.run = run_convert,
};
