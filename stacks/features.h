/* SPDX-License-Identifier: MIT */
/* Which features a policy sends. Pure. */
#ifndef STACKS_FEATURES_H
#define STACKS_FEATURES_H

#include "core/stack.h"

/**
 * struct stack_features - feature sets on their way from the device to it
 * @acked:	what the guest acknowledges of what is offered
 * @sent:	what the VMM puts into VHOST_SET_FEATURES
 * @unknown:	what it sends of what is offered without knowing it
 * @unobserved:	what is offered and no trace has shown what the VMM does with
 */
struct stack_features {
	struct feature_set acked, sent, unknown, unobserved;
};

/**
 * stack_features() - work out what is acknowledged and sent
 * @stack:	policy
 * @guest:	one of its guests
 * @family:	device; names of bits that only other devices have are passed over
 * @offered:	what VHOST_GET_FEATURES returned
 */
struct stack_features stack_features(const struct stack *stack,
				     const struct stack_guest *guest, enum family family,
				     const struct feature_set *offered);

/**
 * stack_backend_number() - the number of a backend feature from its name
 * @family:	device
 * @name:	VHOST_BACKEND_F_*
 *
 * Return: the number, below 64; -ENOENT for another name.
 */
int stack_backend_number(enum family family, const char *name);

/**
 * stack_backend() - the backend features that a policy acknowledges
 * @stack:	policy
 * @family:	device
 * @offered:	what VHOST_GET_BACKEND_FEATURES returned
 */
uint64_t stack_backend(const struct stack *stack, enum family family, uint64_t offered);

/**
 * stack_offered_anywhere() - all that VHOST_GET_FEATURES of some kernel returns
 * @family:	device
 *
 * Source: core/duty.h
 */
struct feature_set stack_offered_anywhere(enum family family);

#endif
