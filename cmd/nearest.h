/* SPDX-License-Identifier: MIT */
#ifndef CMD_NEAREST_H
#define CMD_NEAREST_H

#include "base/record.h"

/**
 * nearest_hint() - what somebody may have meant
 * @a:		arena of the result
 * @word:	what was typed
 * @known:	const char *: what there is
 * @otherwise:	where to look when nothing is near
 *
 * Return: "did you mean 'x' or 'y'?" with at most three words, of those that hold it or
 * something that few changes make out of it; else @otherwise.
 */
const char *nearest_hint(struct arena *a, const char *word, const struct rec_list *known,
			 const char *otherwise);

#endif
