/* SPDX-License-Identifier: MIT */
/* One task on a model device, in this process: what a child does on a real one. */
#ifndef RUN_CELL_H
#define RUN_CELL_H

#include "model/model.h"
#include "run/runner.h"

/** CELL_TIMEOUT_MS - by the model's clock: what waits in vain has waited that long */
#define CELL_TIMEOUT_MS 20000u

/**
 * struct cell - what is done on which model
 * @model:	the model; its fault may be of any act, and stands in its way
 * @act, @arg:	as in struct task
 */
struct cell {
	struct model_options model;
	int (*act)(struct session *s, const void *arg);
	const void *arg;
};

/** cell_path() - the node of the model's device: the peer says of some which one it is */
const char *cell_path(enum family family);

/**
 * cell_run() - do it
 * @a:		arena of the evidence, which has gone through its codec
 * @c:		what to do
 * @ret:	TASK_FINISHED, or TASK_HARNESS if memory ran out or the recorder failed
 */
void cell_run(struct arena *a, const struct cell *c, struct outcome *ret);

#endif
