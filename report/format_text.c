/* SPDX-License-Identifier: MIT */
/* As run prints it. */
#include "report/format_parts.h"
#include "report/text.h"

static int write_text(const struct report *r, FILE *out)
{
	const struct text_options o = { .verbosity = 0 };

	int e = report_text(r, &o, out);

	return e == -ENOMEM ? e
			    : 0; /* what the stream does not take its owner finds out */
}

const struct format format_text = {
	.name = "text",
	.help = "as run prints it",
	.write = write_text,
};
