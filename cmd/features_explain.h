/* SPDX-License-Identifier: MIT */
/* What the bits of one device oblige to, and what may be sent without IOTLB support. */
#ifndef CMD_FEATURES_EXPLAIN_H
#define CMD_FEATURES_EXPLAIN_H

#include "report/page.h"
#include "report/report.h"

/**
 * struct features_duties - of the bits that a device offers
 * @duties:	struct explain_meaning, by space and number; of all that some kernel
 *		offers on such a device if it could not be asked
 * @without_iotlb: of those what a VMM without IOTLB support may send; NULL on vDPA
 */
struct features_duties {
	struct rec_list duties;
	struct mask *without_iotlb;
};

/**
 * features_explain() - find the duties of a device
 * @a:		arena of the result
 * @d:		device
 * @ret:	receives them
 *
 * Return: 0; -ENOMEM.
 */
int features_explain(struct arena *a, const struct report_device *d,
		     struct features_duties *ret) must_check_;

/** features_explain_print() - them in prose, and the set as a C and a Rust constant */
void features_explain_print(struct page *p, const struct report_device *d,
			    const struct features_duties *f);

#endif
