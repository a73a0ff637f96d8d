/* SPDX-License-Identifier: MIT */
/* Private to stacks/: whether the calls of a policy can be played in their order. */
#ifndef STACKS_ORDER_H
#define STACKS_ORDER_H

#include "base/written.h"
#include "core/stack.h"

/**
 * stack_check_order() - refuse an order that no kernel lets through
 * @err:	filled in on failure: the place in "/order", the word, and why
 * @s:		policy, whose devices are known to be devices
 *
 * Return: 0; -EINVAL.
 */
int stack_check_order(struct written_error *err, const struct stack *s) must_check_;

#endif
