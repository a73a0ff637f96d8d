/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/init.h"
#include "cmd/nearest.h"

/* In the order in which --help lists them. */
static const struct cmd *const commands[] = {
	&cmd_list,   &cmd_features, &cmd_run,    &cmd_checks, &cmd_explain,
	&cmd_stacks, &cmd_trace,    &cmd_vm,     &cmd_diff,   &cmd_convert,
	&cmd_judge,  &cmd_selftest, &cmd_schema,
};

static const struct cmd *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* ------------------------------------------------- vhostcheck without a command */

static char *list_commands(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t len = 0;
	FILE *f = NULL;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return text ? strdup(text) : NULL; /* argp frees what is not its own */
	f = open_memstream(&list, &len);
	if (!f)
		return NULL;
	(void)fputs("Commands (without one: list):\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)fprintf(f, "  %-9s %s\n", commands[i]->name, commands[i]->help);
	(void)fputs("\nvhostcheck COMMAND --help tells more; so does vhostcheck(1).", f);
	return fclose(f) ? NULL : list;
}

static const struct argp main_argp = {
	.args_doc = "[COMMAND [ARGUMENT...]]",
	.doc = "Tell what this kernel's vhost does, and which VMMs it works with.\v ",
	.help_filter = list_commands,
};

static bool asks_about_itself(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-?") ||
		    !strcmp(argv[i], "--usage") || !strcmp(argv[i], "--version") ||
		    !strcmp(argv[i], "-V"))
			return true;
	return false;
}

/* ---------------------------------------------------------------- dispatch */

static int unknown_command(const struct cmd_ctx *ctx, const char *name)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list names = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (rec_list_add(&a, &names, commands[i]->name) < 0)
			return cmd_fail_memory(ctx);
	return cmd_fail(ctx, CMD_EXIT_USAGE, "unknown_command",
			nearest_hint(&a, name, &names, "see vhostcheck --help"),
			"unknown command '%s'", name);
}

/* Options before the command are the command's: `vhostcheck --json list`. */
static int run_command(struct cmd_ctx *ctx, int argc, char **argv, int at)
{
	const struct cmd *cmd = find_command(argv[at]);
	cleanup_free char **own = NULL;
	char name[32];
	int status = 0;

	if (!cmd)
		return unknown_command(ctx, argv[at]);
	own = calloc((size_t)argc, sizeof(*own));
	if (!own)
		return cmd_fail_memory(ctx);
	(void)snprintf(name, sizeof(name), "vhostcheck %s", cmd->name);
	ctx->name = name;
	own[0] = name;
	memcpy(own + 1, argv + 1, (size_t)(at - 1) * sizeof(*own));
	memcpy(own + at, argv + at + 1, (size_t)(argc - at) * sizeof(*own));
	status = cmd->run(ctx, argc - 1, own);
	ctx->name = "vhostcheck";
	return status;
}

static int dispatch(struct cmd_ctx *ctx, int argc, char **argv)
{
	char own_name[] = "vhostcheck";
	int at = 1;

	ctx->json = cmd_wants_json(argc, argv);
	while (at < argc && argv[at][0] == '-')
		at++;
	if (at < argc)
		return run_command(ctx, argc, argv, at);
	argv[0] = own_name;
	if (asks_about_itself(argc, argv))
		return cmd_parse(ctx, &main_argp, argc, argv, NULL);
	return cmd_list.run(ctx, argc, argv);
}

static int run_all(int argc, char **argv, int journal_fd)
{
	struct cmd_ctx ctx = { .name = "vhostcheck", .journal_fd = journal_fd };

	return cmd_finish(&ctx, dispatch(&ctx, argc, argv));
}

int main(int argc, char **argv)
{
	char own_name[] = "vhostcheck", *alone[] = { own_name, NULL };

	if (getpid() == 1 && argc > 0 && !strcmp(argv[0], "/init"))
		cmd_init(run_all);
	cmd_start();
	return argc > 0 ? run_all(argc, argv, -1) : run_all(1, alone, -1);
}
