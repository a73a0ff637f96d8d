/* SPDX-License-Identifier: MIT */
/*
 * Of which parts a report is read and written. json-c needs ten times the bytes of a text
 * for its values, and most of the time of a command that reads a report; and a report says
 * the same few things again and again: of 10,325 observations of the golden one of 6.1
 * 1,312 differ. So json-c is given one result at a time, without its evidence, and each
 * observation once.
 */
#ifndef REPORT_PARTS_H
#define REPORT_PARTS_H

#include "report/report.h"

/** REPORT_PARTS_MAX - the most lists that one structure has in parts */
#define REPORT_PARTS_MAX 2u

/**
 * struct report_part - a list that is read and written by its elements
 * @key:	its name; a table is in the order of the keys, and NULL ends it
 * @shape:	of an element
 * @offset:	of the struct rec_list in the structure that has it
 * @parts:	lists of an element that are in parts, too; NULL: elements have none, and
 *		many of them are the same
 */
struct report_part {
	const char *key;
	const struct rec_shape *shape;
	size_t offset;
	const struct report_part *parts;
};

/** report_parts - those of a struct report */
extern const struct report_part report_parts[];

/** report_part_list() - the list of @part in the structure @obj */
static inline const struct rec_list *report_part_list(const struct report_part *part,
						      const void *obj)
{
	return (const void *)((const char *)obj + part->offset);
}

#endif
