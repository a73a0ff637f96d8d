/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/catalogue.h"
#include "cmd/cmd.h"
#include "cmd/explain.h"
#include "cmd/features.h"
#include "cmd/list.h"
#include "cmd/nearest.h"
#include "cmd/selftest.h"
#include "cmd/stacks.h"
#include "core/stack.h"
#include "report/json.h"
#include "trace/lines.h"

/* Kinds that report/ knows (report_schema_kinds) are not here. */
static const struct kind {
	const char *name, *id;
	const struct rec_shape *shape;
} kinds[] = {
	{ "list", "urn:vhostcheck:list:1", &list_shape },
	{ "features", "urn:vhostcheck:features:1", &features_shape },
	{ "checks", "urn:vhostcheck:checks:1", &catalogue_shape },
	{ "check", "urn:vhostcheck:check:1", &catalogue_entry_shape },
	{ "stacks", "urn:vhostcheck:stacks:1", &stacks_shape },
	{ "stack", "urn:vhostcheck:stack:1", &stack_shape },
	{ "bit", "urn:vhostcheck:bit:1", &explain_bit_shape },
	{ "selftest", "urn:vhostcheck:selftest:1", &selftest_shape },
	{ "trace", "urn:vhostcheck:trace:1", &trace_line_shape },
	{ "error", "urn:vhostcheck:error:1", &cmd_error_shape },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **kind = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (state->arg_num > 0)
		argp_error(state, "prints one KIND at a time, not '%s' too", arg);
	*kind = arg;
	return 0;
}

static const struct argp schema_argp = {
	.parser = parse,
	.args_doc = "[KIND]",
	.doc = "Print the JSON Schema of a report, or of another KIND of document: reports, "
	       "journal, expectations, diff, list, checks, stacks, selftest, error; trace is one line of what trace -o writes; check, stack and bit are what explain prints.",
};

static int unknown_kind(const struct cmd_ctx *ctx, const char *name)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list names = { 0 };
	int r = 0;

	for (size_t i = 0; report_schema_kinds[i] && r == 0; i++)
		r = rec_list_add(&a, &names, report_schema_kinds[i]);
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++)
		r = rec_list_add(&a, &names, kinds[i].name);
	if (r < 0)
		return cmd_fail_memory(ctx);
	return cmd_fail(ctx, CMD_EXIT_USAGE, "unknown_kind",
			nearest_hint(&a, name, &names, "see vhostcheck schema --help"),
			"there is no schema '%s'", name);
}

static int run_schema(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct json_object *json = NULL;
	const char *name = "report";
	int r = cmd_parse(ctx, &schema_argp, argc, argv, &name);

	if (r != CMD_GO_ON)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return cmd_print_object(ctx,
						rec_schema(kinds[i].shape, kinds[i].id));
	if (report_schema_json(name, &json) == -ENOENT)
		return unknown_kind(ctx, name);
	return cmd_print_object(ctx, json);
}

const struct cmd cmd_schema = {
	.name = "schema",
	.help = "the JSON Schema of what vhostcheck prints",
	.run = run_schema,
};
