/* SPDX-License-Identifier: MIT */
/*
 * JUnit XML, as Jenkins and GitLab read it: a suite for each area, the reason in the text
 * of failure, error and skipped (GitLab shows no message attribute), provenance as
 * properties.
 */
#include <inttypes.h>
#include <string.h>

#include "report/format_parts.h"

/** struct totals - of a suite, or of all */
struct totals {
	size_t tests, failures, errors, skipped;
	int64_t us;
};

static void put_xml(FILE *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			(void)fputs("&lt;", out);
			break;
		case '>':
			(void)fputs("&gt;", out);
			break;
		case '&':
			(void)fputs("&amp;", out);
			break;
		case '"':
			(void)fputs("&quot;", out);
			break;
		default:
			(void)fputc(*s, out);
		}
	}
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
	(void)fprintf(out, " %s=\"", name);
	put_xml(out, value);
	(void)fputc('"', out);
}

static void put_time(FILE *out, int64_t us)
{
	(void)fprintf(out, " time=\"%" PRId64 ".%06d\"", us / 1000000,
		      (int)(us % 1000000));
}

static void count(struct totals *t, const struct result *x)
{
	t->tests++;
	t->failures += x->kind == RESULT_FAIL;
	t->errors += x->kind == RESULT_ERROR;
	t->skipped += x->kind == RESULT_SKIP || x->kind == RESULT_XFAIL;
	if (x->duration_us.set && x->duration_us.v > 0 &&
	    x->duration_us.v < REC_INT_MAX - t->us)
		t->us += x->duration_us.v;
}

static void put_totals(FILE *out, const struct totals *t)
{
	(void)fprintf(out,
		      " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
		      t->tests, t->failures, t->errors, t->skipped);
	put_time(out, t->us);
}

static void put_case(FILE *out, const struct result *x)
{
	static const char *const element[] = {
		[RESULT_PASS] = NULL,       [RESULT_FAIL] = "failure",
		[RESULT_ERROR] = "error",   [RESULT_SKIP] = "skipped",
		[RESULT_XFAIL] = "skipped",
	};
	const struct report_reason *reason =
		x->check ? x->check->reason : x->stack->reason;

	(void)fputs("    <testcase classname=\"vhostcheck.", out);
	put_xml(out, x->suite);
	(void)fputc('"', out);
	put_attribute(out, "name", x->name);
	put_time(out, x->duration_us.set && x->duration_us.v > 0 ? x->duration_us.v : 0);
	if (!element[x->kind]) {
		(void)fputs("/>\n", out);
		return;
	}
	(void)fprintf(out, ">\n      <%s", element[x->kind]);
	put_attribute(out, "message", x->why);
	if (reason && strcmp(element[x->kind], "skipped") != 0)
		put_attribute(out, "type", reason_names[reason->code]);
	(void)fputc('>', out);
	put_xml(out, x->why);
	(void)fprintf(out, "</%s>\n    </testcase>\n", element[x->kind]);
}

/* The results of one suite follow each other only by chance: areas of two devices mix. */
static int by_suite(const void *a, const void *b)
{
	const struct result *x = *(const struct result *const *)a;
	const struct result *y = *(const struct result *const *)b;
	int order = (x->stack != NULL) - (y->stack != NULL);

	if (!order)
		order = strcmp(x->suite, y->suite);
	return order ? order : strcmp(x->name, y->name);
}

static void put_properties(FILE *out, const struct rec_list *pairs)
{
	(void)fputs("    <properties>\n", out);
	for (size_t i = 0; i < pairs->count; i++) {
		const struct rec_pair *p = pairs->item[i];

		(void)fputs("      <property", out);
		put_attribute(out, "name", p->key);
		put_attribute(out, "value", p->value);
		(void)fputs("/>\n", out);
	}
	(void)fputs("    </properties>\n", out);
}

/* Return: the place behind the suite that begins at @from. */
static size_t put_suite(FILE *out, const struct report *r, const struct rec_list *results,
			size_t from, const struct rec_list *pairs)
{
	const struct result *first = results->item[from];
	struct totals t = { 0 };
	size_t to = from;
	int64_t seconds = 0;

	while (to < results->count &&
	       !strcmp(((const struct result *)results->item[to])->suite, first->suite))
		count(&t, results->item[to++]);
	(void)fputs("  <testsuite name=\"vhostcheck.", out);
	put_xml(out, first->suite);
	(void)fputc('"', out);
	put_totals(out, &t);
	if (format_time(r, &seconds))
		(void)fprintf(out, " timestamp=\"%.19s\"", r->run.started);
	(void)fputs(">\n", out);
	put_properties(out, pairs);
	for (size_t i = from; i < to; i++)
		put_case(out, results->item[i]);
	(void)fputs("  </testsuite>\n", out);
	return to;
}

static int write_junit(const struct report *r, FILE *out)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list results = { 0 }, pairs = { 0 };
	struct totals all = { 0 };
	int e = format_results(&a, r, &results);

	if (e == 0)
		e = format_provenance(&a, r, &pairs);
	if (e < 0)
		return e;
	if (results.count)
		qsort(results.item, results.count, sizeof(*results.item), by_suite);
	for (size_t i = 0; i < results.count; i++)
		count(&all, results.item[i]);
	(void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<testsuites name=\"vhostcheck\"",
		    out);
	put_totals(out, &all);
	(void)fputs(">\n", out);
	for (size_t i = 0; i < results.count;)
		i = put_suite(out, r, &results, i, &pairs);
	(void)fputs("</testsuites>\n", out);
	return 0;
}

const struct format format_junit = {
	.name = "junit",
	.help = "JUnit XML, for Jenkins and GitLab",
	.write = write_junit,
};
