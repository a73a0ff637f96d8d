/* SPDX-License-Identifier: MIT */
/* The options of run, which `vm` takes as well. */
#ifndef CMD_RUN_OPTIONS_H
#define CMD_RUN_OPTIONS_H

#include "cmd/cmd.h"
#include "report/expect.h"

/** RUN_TIMEOUT_S - deadline of a check unless --timeout says otherwise, in seconds */
#define RUN_TIMEOUT_S 30u

/** RUN_TIMEOUT_MAX_S - the largest that --timeout takes */
#define RUN_TIMEOUT_MAX_S 86400u

/**
 * struct run_options - what the command line asked for
 * @arena:	of all strings below; run_options_done() frees it
 * @argv:	the command line as reports show it: paths as base names
 * @selection:	devices, globs, stacks, and what decides
 * @library:	struct stack: the built-in policies, then the files of --stack
 * @stack_files: paths of the files among @selection.stacks
 * @create:	families of which devices may be made
 * @timeout_s:	per check
 * @load_modules, @dry_run: as their options
 * @policies_only: no checks: `stacks --run`
 * @baseline:	path of --baseline, or NULL; what it knew is in @selection
 * @profile:	of --profile, X.Y.Z, or NULL
 * @expect:	path of --expect, or NULL; @expectations is what stands there
 * @output:	of -o; "-" for stdout (also with --json), NULL for none
 */
struct run_options {
	struct arena arena;
	struct rec_list argv;
	struct report_selection selection;
	struct rec_list library, stack_files, create;
	unsigned int timeout_s;
	bool load_modules, dry_run, policies_only;
	const char *expect, *output, *baseline, *profile;
	const struct expectations *expectations;
};

/** run_options_argp - a child parser; its input is the struct run_options */
extern const struct argp run_options_argp;

/**
 * run_options_init() - defaults
 * @o:		options
 * @argc, @argv: of the command, for the report
 *
 * Return: 0; -ENOMEM.
 */
int run_options_init(struct run_options *o, int argc, char **argv) must_check_;

/** run_options_done() - free all */
void run_options_done(struct run_options *o);

/**
 * run_options_device() - take a DEV argument
 * @state:	of argp, for the message
 * @o:		options
 * @name:	net, vsock, scsi, vdpaN, or the path of a node
 *
 * Return: 0; EINVAL after a message; ENOMEM. As a parser returns it to argp.
 */
error_t run_options_device(struct argp_state *state, struct run_options *o,
			   const char *name);

/**
 * run_options_create() - take the argument of --create
 * @state:	of argp, for the message
 * @a:		arena of what is added
 * @list:	const char * are added: "scsi", "vdpa"
 * @word:	"scsi,vdpa" or one of them
 *
 * Return: 0; EINVAL after a message; ENOMEM. As a parser returns it to argp.
 */
error_t run_options_create(struct argp_state *state, struct arena *a,
			   struct rec_list *list, const char *word);

/**
 * run_options_resolve() - check what was asked for against what there is
 * @ctx:	for the message
 * @o:		options; @library is filled in
 *
 * A glob that matches no check, a policy that is not known or cannot be read, a file of
 * expectations or a baseline that cannot be.
 * Return: 0, or the exit status after a message.
 */
int run_options_resolve(const struct cmd_ctx *ctx, struct run_options *o) must_check_;

#endif
