/* SPDX-License-Identifier: MIT */
/* What became of a policy, from the evidence that stack_collect() left. Pure. */
#ifndef STACKS_VERDICT_H
#define STACKS_VERDICT_H

#include "core/stack.h"

/**
 * struct stack_result - the verdict on one policy, device and guest
 * @verdict:	enum stack_verdict
 * @signature:	the mechanism in a word; NULL when it works or nothing is known:
 *		used_ring_unmapped_at_start miss_unanswered ring_permission
 *		ring_addresses_wiped ring_unreachable start_refused setup_refused
 *		features_refused in_order_unacked descriptor_refused stalled_silently
 *		peer_silent connection_reset transfer_failed payload_lost
 *		payload_corrupted iotlb_slow rings_after_start request_failed; of vDPA
 *		platform_missing ring_enabled_late ring_unmapped
 * @code:	enum reason_code; of no meaning when it works
 * @reason:	what happened and what to do, for a person; NULL when it works
 * @tx_bytes, @rx_bytes: payload that arrived at the host and at the guest
 */
struct stack_result {
	int verdict;
	const char *signature;
	int code;
	const char *reason;
	int64_t tx_bytes, rx_bytes;
};

/**
 * stack_judge() - decide
 * @a:		arena of the texts
 * @evidence:	what was recorded, possibly cut short
 * @ret:	verdict; STACK_UNKNOWN whenever the evidence does not say
 */
void stack_judge(struct arena *a, const struct evidence *evidence,
		 struct stack_result *ret);

/**
 * stack_not_applicable() - whether a policy cannot be played on a device at all
 * @a:		arena of the texts
 * @stack:	policy
 * @family:	device
 * @ret:	STACK_NOT_APPLICABLE and why; untouched if it can be played
 *
 * Return: true if it cannot, so that no child need be made.
 */
bool stack_not_applicable(struct arena *a, const struct stack *stack, enum family family,
			  struct stack_result *ret);

#endif
