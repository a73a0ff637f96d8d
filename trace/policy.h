/* SPDX-License-Identifier: MIT */
/* The dialogue of a trace as a policy that can be played on another kernel. Pure. */
#ifndef TRACE_POLICY_H
#define TRACE_POLICY_H

#include "trace/state.h"

/**
 * struct policy_origin - what a trace itself does not tell
 * @name:	of the policy
 * @vmm:	program, a base name
 * @kernel:	release on which it was traced
 */
struct policy_origin {
	const char *name, *vmm, *kernel;
};

/**
 * policy_make() - a device's dialogue as a policy
 * @a:		arena of the result
 * @s:		state of the device
 * @origin:	names
 * @ret:	policy with one guest, that of the trace. Its acks are what the VMM sent of
 *		what was offered or shown, its mask what it left out; a bit that was
 *		neither is in no list, and base "observed" says that nothing is known of
 *		it. A VMM that did not ask for features first has base "none", and all
 *		that it sends is forced
 *
 * Return: 0; -ENODATA if no start was tried, so that there is nothing to play; -ENOMEM.
 * A dialogue of which parts are missing, as when another process set the device up, makes
 * a policy that stack_parse() refuses.
 */
int policy_make(struct arena *a, const struct trace_state *s,
		const struct policy_origin *origin, struct stack *ret) must_check_;

#endif
