/* SPDX-License-Identifier: MIT */
/* The report as a person reads it. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "report/report.h"

/**
 * struct text_options - how to print
 * @color:	use the colours of ECMA-48
 * @width:	columns, 0 for 80; below 40 is taken as 40
 * @verbosity:	0: what is not well; 1: also checks that passed, and all feature names;
 *		2: also the evidence, one observation a line
 */
struct text_options {
	bool color;
	int width;
	int verbosity;
};

/**
 * report_text() - print a report
 * @r:		report with its summary
 * @o:		how
 * @out:	stream, flushed
 *
 * Control characters in the report's strings are printed as '?', so that a foreign
 * report cannot drive the terminal.
 * Return: 0; -errno if @out took not all.
 */
int report_text(const struct report *r, const struct text_options *o, FILE *out)
	must_check_;

#endif
