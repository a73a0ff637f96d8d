/* SPDX-License-Identifier: MIT */
/* The report itself, also where it was a journal. */
#include "report/format_parts.h"
#include "report/json.h"

static int write_json(const struct report *r, FILE *out)
{
	struct json_object *json = rec_to_json(&report_shape, r);
	int e = json ? json_print(json, out) : -ENOMEM;

	json_object_put(json);
	return e;
}

const struct format format_json = {
	.name = "json",
	.help = "the report itself, also that of a journal",
	.write = write_json,
};
