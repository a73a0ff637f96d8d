/* SPDX-License-Identifier: MIT */
/*
 * Known findings: what released kernels are known to do wrong. They are matched by what
 * was observed, never by the kernel's version, which a vendor's patches make worthless.
 * A row belongs to one check and says of one way to fail it that it is understood; the
 * same check failing in another way is no known finding.
 */
#ifndef CHECKS_FINDINGS_H
#define CHECKS_FINDINGS_H

#include "core/check.h"

/** FINDING_SIGNS - room for the signs of one finding */
#define FINDING_SIGNS 4u

/**
 * struct finding_sign - an observation that must have been made
 * @kind:	EV_IOCTL, EV_IOTLB or EV_FACT
 * @step:	its step; NULL ends the list
 * @text:	glob over the argument of a call, the iova of a message, or the value of a
 *		fact; NULL for any
 * @err:	errno of the call or the message, 0 for success; of no meaning with a fact
 */
struct finding_sign {
	int kind;
	const char *step, *text;
	int err;
};

/**
 * struct finding - one row
 * @check:	the check that fails
 * @since:	first release that has it, and how that is known
 * @fixed_by:	upstream's commit or the first release seen without it; NULL if none
 * @text:	one or two sentences: what the kernel does, and what a VMM is to do
 * @source:	where in the kernel
 * @sign:	all of these were observed
 */
struct finding {
	const struct check *check;
	const char *since, *fixed_by, *text, *source;
	struct finding_sign sign[FINDING_SIGNS];
};

/** findings - the table, and its rows */
extern const struct finding findings[];
extern const size_t finding_count;

/**
 * finding_of() - the known finding that explains why a check failed
 * @check:	row
 * @evidence:	what its collector recorded
 *
 * Return: a row of @findings, or NULL.
 */
const struct finding *finding_of(const struct check *check,
				 const struct evidence *evidence);

#endif
