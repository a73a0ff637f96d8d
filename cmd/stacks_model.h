/* SPDX-License-Identifier: MIT */
/* What would become of policies, and of isolation, if the kernel did something else. */
#ifndef CMD_STACKS_MODEL_H
#define CMD_STACKS_MODEL_H

#include "cmd/cmd.h"
#include "core/stack.h"

/** stacks_model_names - of enum model_policy, those that can be asked for; NULL-ended */
extern const char *const stacks_model_names[];

/**
 * struct stacks_lost - an isolation check that a behaviour breaks
 * @id:		of the check
 * @text:	what the check says
 */
struct stacks_lost {
	const char *id, *text;
};

/**
 * struct stacks_model - one behaviour
 * @model:	enum model_policy
 * @verdicts:	struct report_stack
 * @isolation:	how many checks of area isolation there are
 * @lost:	struct stacks_lost
 */
struct stacks_model {
	int model;
	struct rec_list verdicts;
	int64_t isolation;
	struct rec_list lost;
};

extern const struct rec_shape stacks_model_shape;

/**
 * stacks_model_play() - play policies on the model, and run its isolation checks
 * @a:		arena of the result
 * @model:	enum model_policy
 * @stacks:	struct stack
 * @ret:	the result; what drives neither net nor vsock is not in it
 *
 * All in this process; nothing of the host is opened. Return: 0; -ENOMEM.
 */
int stacks_model_play(struct arena *a, int model, const struct rec_list *stacks,
		      struct stacks_model *ret) must_check_;

/** stacks_model_print() - a column for each struct stacks_model of @models, at least one
 */
void stacks_model_print(const struct cmd_ctx *ctx, const struct rec_list *models);

/** stacks_model_fails() - whether a policy does not work under one of them */
bool stacks_model_fails(const struct rec_list *models);

#endif
