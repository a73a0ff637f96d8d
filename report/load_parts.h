/* SPDX-License-Identifier: MIT */
/* Private to report/load*.c */
#ifndef REPORT_LOAD_PARTS_H
#define REPORT_LOAD_PARTS_H

#include "report/report.h"

/**
 * load_in_parts() - read a report by its parts (report/parts.h)
 * @a:		arena of all that @ret will point to
 * @text, @len:	JSON
 * @ret:	indeterminate on failure
 *
 * Takes what rec_from_text() takes of the whole, and nothing else; what is wrong, and
 * where, that is to tell. Return: 0; -EINVAL; -ENOMEM.
 */
int load_in_parts(struct arena *a, const char *text, size_t len, struct report *ret)
	must_check_;

#endif
