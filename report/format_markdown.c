/* SPDX-License-Identifier: MIT */
/*
 * Markdown for a bug tracker (GitHub's and GitLab's kind): what went wrong first, in less
 * than a hundred lines whatever the report holds; all results folded below.
 */
#include <inttypes.h>
#include <string.h>

#include "report/format_parts.h"
#include "report/page.h"

/* Bullets of one heading; the fold has the rest. */
#define BULLETS_MAX 15u
#define WHY_MAX 400

/* All that Markdown or HTML could take for its own inside a line. */
static void put_text(FILE *out, const char *s, int max)
{
	for (int n = 0; *s && n < max; s++, n++) {
		if (*s == '&')
			(void)fputs("&amp;", out);
		else if (*s == '<')
			(void)fputs("&lt;", out);
		else
			(void)fprintf(out, "%s%c", strchr("\\`*_[]~$|", *s) ? "\\" : "",
				      *s);
		if (*s == '@' || *s == '#')
			(void)fputs("&#8203;", out); /* neither a person nor an issue */
		while (((unsigned char)s[1] & 0xc0) == 0x80)
			(void)fputc(*++s, out);
	}
	if (*s)
		(void)fputs(" ...", out);
}

/* Names hold nothing that would end a code span. */
static void put_bullet(FILE *out, const struct result *x)
{
	(void)fprintf(out, "- `%s.%s`", x->suite, x->name);
	if (x->check)
		(void)fprintf(out, " (%s)", severity_names[x->check->severity]);
	(void)fputs(": ", out);
	put_text(out, x->why, WHY_MAX);
	(void)fputc('\n', out);
}

static void put_kind(FILE *out, const char *heading, const struct rec_list *results,
		     int kind)
{
	size_t n = 0;

	for (size_t i = 0; i < results->count; i++) {
		const struct result *x = results->item[i];

		if (x->kind != kind)
			continue;
		if (n++ == 0)
			(void)fprintf(out, "\n### %s\n\n", heading);
		if (n <= BULLETS_MAX)
			put_bullet(out, x);
	}
	if (n > BULLETS_MAX)
		(void)fprintf(out, "- and %zu more, below\n", n - BULLETS_MAX);
}

static void put_devices(FILE *out, const struct report *r, struct arena *a)
{
	if (r->devices.count)
		(void)fputs("\n### Devices\n\n", out);
	for (size_t i = 0; i < r->devices.count && i < BULLETS_MAX; i++) {
		const struct report_device *d = r->devices.item[i];
		const char *name = format_word(a, d->name);

		(void)fprintf(out, "- `%s`: %s", name ? name : "?",
			      device_state_names[d->state]);
		if (d->features)
			(void)fprintf(out, ", features `%.64s`", d->features->hex);
		if (d->iotlb_policy >= 0)
			(void)fprintf(out, ", IOTLB %s",
				      iotlb_policy_names[d->iotlb_policy]);
		(void)fputc('\n', out);
	}
}

/* Each line begins with a status, so that none can end the fence. */
static void put_all(FILE *out, const struct rec_list *results)
{
	(void)fprintf(out,
		      "\n<details>\n<summary>All %zu results</summary>\n\n~~~~~text\n",
		      results->count);
	for (size_t i = 0; i < results->count; i++) {
		const struct result *x = results->item[i];

		(void)fprintf(out, "%-12s %s.%s\n", x->word, x->suite, x->name);
		if (*x->why)
			(void)fprintf(out, "%12s %s\n", "", x->why);
	}
	(void)fputs("~~~~~\n\n</details>\n", out);
}

static void put_fold(FILE *out, const char *summary, const struct rec_list *pairs)
{
	(void)fprintf(out, "\n<details>\n<summary>%s</summary>\n\n", summary);
	for (size_t i = 0; i < pairs->count; i++) {
		const struct rec_pair *p = pairs->item[i];

		(void)fprintf(out, "- %s: ", p->key);
		put_text(out, p->value, INT32_MAX);
		(void)fputc('\n', out);
	}
	(void)fputs("\n</details>\n", out);
}

static void put_head(FILE *out, const struct report *r, const char *release)
{
	static const char *const word[] = { "PASS", "FAIL", "INCONCLUSIVE" };
	const int64_t *n = r->summary.counts.n;
	bool first = true;

	(void)fprintf(out, "## vhostcheck: %s on Linux ", word[r->summary.verdict]);
	put_text(out, release, 128);
	(void)fprintf(out, "\n\nExit status %" PRId64 ". Checks: ", r->summary.exit_code);
	for (int i = 0; i < STATUS_NUM; i++) {
		if (!n[i])
			continue;
		(void)fprintf(out, "%s%" PRId64 " %s", first ? "" : ", ", n[i],
			      status_names[i]);
		first = false;
	}
	(void)fprintf(out, "%s", first ? "none" : "");
	if (r->summary.known)
		(void)fprintf(out, " (%" PRId64 " known)", r->summary.known);
	(void)fputs(".\n", out);
}

static int write_markdown(const struct report *r, FILE *out)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list results = { 0 }, pairs = { 0 };
	const char *release = format_line(&a, r->host.kernel.release);
	int e = release ? format_results(&a, r, &results) : -ENOMEM;

	if (e == 0)
		e = format_provenance(&a, r, &pairs);
	if (e < 0)
		return e;
	put_head(out, r, release);
	put_kind(out, "Failed", &results, RESULT_FAIL);
	put_kind(out, "Undecided", &results, RESULT_ERROR);
	put_kind(out, "Went wrong and does not count", &results, RESULT_XFAIL);
	put_devices(out, r, &a);
	put_fold(out, "Where this is from", &pairs);
	put_all(out, &results);
	return 0;
}

const struct format format_markdown = {
	.name = "markdown",
	.help = "Markdown, for a bug tracker",
	.write = write_markdown,
};
