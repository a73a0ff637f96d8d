/* SPDX-License-Identifier: MIT */
#ifndef CMD_STACKS_H
#define CMD_STACKS_H

#include "cmd/cmd.h"
#include "core/stack.h"

/**
 * struct stacks_document - "vhostcheck-stacks/1"
 * @stacks:	struct stack
 * @verdicts:	struct report_stack: what became of them here; empty if not played
 * @unknown:	struct stacks_unknown: what they send without knowing it, of what the
 *		devices offer that they were played on; if not played, of what some kernel offers
 */
struct stacks_document {
	struct rec_list stacks, verdicts, unknown, models;
};

extern const struct rec_shape stacks_shape;

/**
 * stacks_load() - the built-in policies
 * @ctx:	for the message on failure
 * @a:		arena of the result
 * @ret:	empty; receives struct stack pointers in the order of their names
 *
 * Return: 0, or the exit status after a failure that has been told.
 */
int stacks_load(const struct cmd_ctx *ctx, struct arena *a, struct rec_list *ret)
	must_check_;

/**
 * stacks_pick() - the policy that a word of the command line means
 * @ctx:	for the message on failure
 * @a:		arena of the result
 * @library:	the built-in policies
 * @word:	NAME of one, or FILE, which holds a '/' or ends in ".json"
 * @ret:	policy; untouched on failure
 *
 * Return: 0, or the exit status after a failure that has been told.
 */
int stacks_pick(const struct cmd_ctx *ctx, struct arena *a,
		const struct rec_list *library, const char *word,
		const struct stack **ret) must_check_;

/** STACKS_HOST - the word for the policies that match a VMM installed or running here */
#define STACKS_HOST "host"

/**
 * stacks_host() - those policies; says on stderr by what each was matched
 * @ctx:	for the messages
 * @a:		arena of the result
 * @library:	the built-in policies
 * @ret:	struct stack are added, those that are in it left out
 *
 * Return: 0; or the exit status after a failure that has been told, 77 if none matches.
 */
int stacks_host(const struct cmd_ctx *ctx, struct arena *a,
		const struct rec_list *library, struct rec_list *ret) must_check_;

#endif
