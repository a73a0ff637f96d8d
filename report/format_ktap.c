/* SPDX-License-Identifier: MIT */
/*
 * KTAP version 1 (Documentation/dev-tools/ktap.rst), flat: a line for each result. What
 * went wrong and does not count is "ok ... # XFAIL", as kselftest.h prints it.
 */
#include "report/format_parts.h"

static void put_result(FILE *out, size_t n, const struct result *x)
{
	static const char *const directive[] = {
		[RESULT_ERROR] = "ERROR",
		[RESULT_SKIP] = "SKIP",
		[RESULT_XFAIL] = "XFAIL",
	};
	bool bad = x->kind == RESULT_FAIL || x->kind == RESULT_ERROR;
	bool late = x->check && x->check->status == STATUS_TIMEOUT;

	/* a diagnostic line stands before the result that it speaks of */
	if (x->kind == RESULT_FAIL && !late)
		(void)fprintf(out, "# %s\n", x->why);
	(void)fprintf(out, "%sok %zu %s.%s", bad ? "not " : "", n, x->suite, x->name);
	if (x->kind == RESULT_FAIL && late)
		(void)fprintf(out, " # TIMEOUT %s", x->why);
	else if (x->kind != RESULT_FAIL && x->kind != RESULT_PASS)
		(void)fprintf(out, " # %s %s", directive[x->kind], x->why);
	(void)fputc('\n', out);
}

static int write_ktap(const struct report *r, FILE *out)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list results = { 0 }, pairs = { 0 };
	int e = format_results(&a, r, &results);

	if (e == 0)
		e = format_provenance(&a, r, &pairs);
	if (e < 0)
		return e;
	(void)fprintf(out, "KTAP version 1\n1..%zu\n", results.count);
	for (size_t i = 0; i < pairs.count; i++) {
		const struct rec_pair *p = pairs.item[i];

		(void)fprintf(out, "# %s: %s\n", p->key, p->value);
	}
	for (size_t i = 0; i < results.count; i++)
		put_result(out, i + 1, results.item[i]);
	return 0;
}

const struct format format_ktap = {
	.name = "ktap",
	.help = "KTAP version 1, for the kernel's own tools",
	.write = write_ktap,
};
