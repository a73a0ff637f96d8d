/* SPDX-License-Identifier: MIT */
/*
 * Any text as a report or a journal: what is taken is written, read back and written the
 * same; is judged, compared with itself, and printed in every format. What is taken in
 * parts is taken as a whole, and as the same.
 */
#include "cmd/stored.h"
#include "fuzz.h"
#include "report/diff.h"
#include "report/format.h"
#include "report/load.h"
#include "report/load_parts.h"

static void must_come_back(struct arena *a, const struct report *r)
{
	struct report again;
	struct load_error err;
	size_t len = 0, len_again = 0;
	char *text = text_of(&report_shape, r, &len), *text_again = NULL;

	MUST(report_load(a, text, len, &again, &err) == 0);
	text_again = text_of(&report_shape, &again, &len_again);
	MUST(len == len_again && !memcmp(text, text_again, len));
	free(text);
	free(text_again);
}

static void must_be_the_whole(struct arena *a, const char *text, size_t len)
{
	struct report in_parts, whole;
	struct rec_error err;
	size_t n = 0, n_whole = 0;
	char *one = NULL, *other = NULL;

	if (load_in_parts(a, text, len, &in_parts) < 0)
		return;
	MUST(rec_from_text(a, &report_shape, text, len, &whole, &err) == 0);
	one = text_of(&report_shape, &in_parts, &n);
	other = text_of(&report_shape, &whole, &n_whole);
	MUST(n == n_whole && !memcmp(one, other, n));
	free(one);
	free(other);
}

static void use(struct arena *a, struct report *r, FILE *null)
{
	struct diff d;
	struct page p;

	page_init(&p, null, 80, false);
	for (size_t i = 0; formats[i]; i++)
		MUST(formats[i]->write(r, null) == 0);
	MUST(stored_judge(a, r) == 0);
	MUST(diff_reports(a, r, r, &d) == 0);
	MUST(d.exit_code != 1);
	diff_text(&p, &d);
	must_come_back(a, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = { 0 };
	struct report r;
	struct load_error err;
	FILE *null = NULL;
	int e = report_load(&a, (const char *)data, size, &r, &err);

	MUST(e == 0 || e == -EINVAL);
	must_be_the_whole(&a, (const char *)data, size);
	if (e < 0) {
		MUST_TELL(err.at.text);
		return 0;
	}
	must_come_back(&a, &r);
	null = fopen("/dev/null", "w");
	MUST(null);
	use(&a, &r, null);
	(void)fclose(null);
	return 0;
}
