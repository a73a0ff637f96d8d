/* SPDX-License-Identifier: MIT */
#ifndef RUN_VERDICT_H
#define RUN_VERDICT_H

#include "core/check.h"
#include "run/runner.h"

/**
 * verdict_of() - the result of a check from what became of its child
 * @a:		arena of the text
 * @check:	row
 * @path:	of the device node, for the text
 * @timeout_ms:	of the task, for the text
 * @o:		outcome
 *
 * In this order: how the child ended; what kept the device from being opened or its
 * peer from being made; the judge. A pass of a collector that gave up is no pass.
 */
struct verdict verdict_of(struct arena *a, const struct check *check, const char *path,
			  unsigned int timeout_ms, const struct outcome *o);

/**
 * verdict_of_end() - the part of it that does not depend on a judge
 * @a, @path, @timeout_ms, @o: as in verdict_of()
 * @ret:	verdict, if true is returned
 *
 * Return: whether the child's end, or the refusal of its device or peer, decides.
 */
bool verdict_of_end(struct arena *a, const char *path, unsigned int timeout_ms,
		    const struct outcome *o, struct verdict *ret);

#endif
