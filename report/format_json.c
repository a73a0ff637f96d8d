/* SPDX-License-Identifier: MIT */
/* The report itself, also where it was a journal. */
#include "report/format_parts.h"
#include "report/json.h"

const struct format format_json = {
	.name = "json",
	.help = "the report itself, also that of a journal",
	.write = report_print,
};
