/* SPDX-License-Identifier: MIT */
/* Private to probes/run: the side of the fork that touches the device. */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include "run/runner.h"

/** GAVE_UP - name of the fact that tells why the work stopped early */
#define GAVE_UP "gave_up"

/**
 * struct child_place - shared page: what the child is doing, for when it hangs
 */
struct child_place {
	char step[64], call[64];
};

/**
 * child_main() - what a child does; never returns
 * @t:		task
 * @sock:	socket to the parent
 * @place:	shared with the parent
 * @parent:	pid of the parent, to notice its death before the fork is complete
 * @mask:	signal mask to restore
 */
_Noreturn void child_main(const struct task *t, int sock, struct child_place *place,
			  pid_t parent, const sigset_t *mask);

#endif
