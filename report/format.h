/* SPDX-License-Identifier: MIT */
/*
 * Renderings of a report for those who have a reader of another format. They can say
 * nothing that the report does not, and no string of it can break them: what a format
 * does not bear is written as '?'.
 */
#ifndef REPORT_FORMAT_H
#define REPORT_FORMAT_H

#include "report/report.h"

/**
 * struct format - one format
 * @name:	word of --to
 * @help:	who reads it
 * @write:	prints a report with its summary; 0, or -ENOMEM. What @out does not take
 *		its owner finds out
 */
struct format {
	const char *name, *help;
	int (*write)(const struct report *r, FILE *out);
};

/** formats - all of them, ended by NULL */
extern const struct format *const formats[];

/** format_find() - a format by its name, or NULL */
const struct format *format_find(const char *name);

#endif
