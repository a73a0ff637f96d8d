/* SPDX-License-Identifier: MIT */
#include "cmd/execute.h"
#include "core/plan.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case ARGP_KEY_ARG:
		return run_options_device(state, state->input, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &run_options_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp run_argp = {
	.parser = parse,
	.args_doc = "[DEV...]",
	.doc = "Run the checks and play the VMM policies on this host's vhost devices: all "
	       "but vDPA, or those named (net, vsock, scsi, vdpaN, or a path).\v"
	       "Exit status: 0 nothing that counts is wrong, 1 it is, 2 inconclusive, 77 "
	       "nothing that was asked exists here, 3 the tool or a file failed, 64 the "
	       "command line is wrong, 128+n ended by signal n.",
	.children = children,
};

static int print_plan(struct execution *x)
{
	struct rec_list plan = { 0 };

	if (execute_plan(x, &plan) < 0)
		return cmd_fail_memory(x->ctx);
	for (size_t i = 0; i < plan.count; i++) {
		const struct plan_entry *e = plan.item[i];

		if (e->run)
			printf("run      %-6s %s\n", e->device->name, e->id);
		else
			printf("%-8s %-6s %s: %s\n", status_names[e->verdict.status],
			       e->device->name, e->id,
			       e->verdict.text ? e->verdict.text : "");
	}
	return 0;
}

/* In a guest the journal is the report: the host writes and prints it. */
static int run_to_end(struct execution *x)
{
	int status = execute_look(x);

	if (!status)
		status = execute_run(x);
	if (status)
		return status;
	if (x->ctx->journal_fd >= 0)
		return (int)x->report.summary.exit_code;
	return output_report(x->ctx, &x->output, &x->report);
}

static int run_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct run_options options;
	struct execution x = { .ctx = ctx, .options = &options };
	int status = 0;

	if (run_options_init(&options, argc, argv) < 0)
		return cmd_fail_memory(ctx);
	status = cmd_parse(ctx, &run_argp, argc, argv, &options);
	if (status == CMD_GO_ON) {
		status = run_options_resolve(ctx, &options);
		if (!status)
			status = execute_begin(&x);
		if (!status)
			status = options.dry_run ? print_plan(&x) : run_to_end(&x);
		execute_done(&x);
	}
	run_options_done(&options);
	return status;
}

const struct cmd cmd_run = {
	.name = "run",
	.help = "run the checks and the VMM policies on this host's devices",
	.run = run_run,
};
