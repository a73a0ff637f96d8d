/* SPDX-License-Identifier: MIT */
/*
 * TAP version 14: reasons as YAML behind what failed. What went wrong and does not count
 * is TODO, which no consumer takes for a failure.
 */
#include "report/format_parts.h"

/* A double-quoted scalar: of what it may not hold, only \ and " are left in a line. */
static void put_yaml(FILE *out, const char *key, const char *value)
{
	(void)fprintf(out, "  %s: \"", key);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			(void)fputc('\\', out);
		(void)fputc(*value, out);
	}
	(void)fputs("\"\n", out);
}

/* In a directive a '#' and a backslash are escaped. */
static void put_directive(FILE *out, const char *word, const char *why)
{
	(void)fprintf(out, " # %s ", word);
	for (; *why; why++) {
		if (*why == '#' || *why == '\\')
			(void)fputc('\\', out);
		(void)fputc(*why, out);
	}
}

static void put_result(FILE *out, size_t n, const struct result *x)
{
	bool bad = x->kind != RESULT_PASS && x->kind != RESULT_SKIP;

	(void)fprintf(out, "%sok %zu - %s.%s", bad ? "not " : "", n, x->suite, x->name);
	if (x->kind == RESULT_SKIP)
		put_directive(out, "SKIP", x->why);
	else if (x->kind == RESULT_XFAIL)
		put_directive(out, "TODO", x->why);
	(void)fputc('\n', out);
	if (x->kind != RESULT_FAIL && x->kind != RESULT_ERROR)
		return;
	(void)fputs("  ---\n", out);
	put_yaml(out, "message", x->why);
	put_yaml(out, "severity", x->kind == RESULT_FAIL ? "fail" : "error");
	put_yaml(out, "status", x->word);
	(void)fputs("  ...\n", out);
}

static int write_tap(const struct report *r, FILE *out)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list results = { 0 }, pairs = { 0 };
	int e = format_results(&a, r, &results);

	if (e == 0)
		e = format_provenance(&a, r, &pairs);
	if (e < 0)
		return e;
	(void)fprintf(out, "TAP version 14\n1..%zu\n", results.count);
	for (size_t i = 0; i < pairs.count; i++) {
		const struct rec_pair *p = pairs.item[i];

		(void)fprintf(out, "# %s: %s\n", p->key, p->value);
	}
	for (size_t i = 0; i < results.count; i++)
		put_result(out, i + 1, results.item[i]);
	return 0;
}

const struct format format_tap = {
	.name = "tap",
	.help = "TAP version 14, for prove, meson and automake",
	.write = write_tap,
};
