/* SPDX-License-Identifier: MIT */
/* What policies send of what is offered without knowing it. */
#ifndef CMD_STACKS_UNKNOWN_H
#define CMD_STACKS_UNKNOWN_H

#include "core/duty.h"
#include "core/stack.h"

/**
 * struct stacks_unknown - what a policy sends so for a guest on a device
 * @stack, @device: their names
 * @guest:	enum guest_kind
 * @bits:	never empty
 */
struct stacks_unknown {
	const char *stack, *device;
	int guest;
	struct mask *bits;
};

extern const struct rec_shape stacks_unknown_shape;

/** struct stacks_offer - a device, by its name, and what VHOST_GET_FEATURES returns */
struct stacks_offer {
	const char *device;
	enum family family;
	struct feature_set features;
};

/**
 * stacks_unknown_on() - add what a policy sends so on a device
 * @a:		arena of what is added
 * @stack:	borrowed
 * @offer:	borrowed
 * @ret:	struct stacks_unknown are added, one for each guest that has any; none for
 *		a device that the policy does not drive
 *
 * Return: 0; -ENOMEM.
 */
int stacks_unknown_on(struct arena *a, const struct stack *stack,
		      const struct stacks_offer *offer, struct rec_list *ret) must_check_;

/** stacks_unknown_anywhere() - the same of all that some kernel offers. 0; -ENOMEM */
int stacks_unknown_anywhere(struct arena *a, const struct stack *stack,
			    struct rec_list *ret) must_check_;

/**
 * struct stacks_stray - a bit that a policy sends without knowing it
 * @duty:	what it obliges to
 * @name:	of the bit
 * @devices, @guests: const char *: where
 */
struct stacks_stray {
	const struct duty *duty;
	const char *name;
	struct rec_list devices, guests;
};

/**
 * stacks_strays() - such bits, from the lowest, with what their sender meets
 * @a:		arena of the result
 * @unknown:	struct stacks_unknown of one policy
 * @ret:	struct stacks_stray are added
 *
 * Return: 0; -ENOMEM.
 */
int stacks_strays(struct arena *a, const struct rec_list *unknown, struct rec_list *ret)
	must_check_;

#endif
