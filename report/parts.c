/* SPDX-License-Identifier: MIT */
#include "report/parts.h"

#define PART(type, member, shape, parts)                                                 \
	{                                                                                \
#member, shape, offsetof(type, member), parts                            \
	}

static const struct report_part check_parts[] = {
	PART(struct report_check, evidence, &ev_shape, NULL),
	{ 0 },
};

static const struct report_part stack_parts[] = {
	PART(struct report_stack, evidence, &ev_shape, NULL),
	{ 0 },
};

const struct report_part report_parts[] = {
	PART(struct report, checks, &report_check_shape, check_parts),
	PART(struct report, stacks, &report_stack_shape, stack_parts),
	{ 0 },
};
