/* SPDX-License-Identifier: MIT */
/*
 * Any text as a journal, also as one that is cut at any byte: each check and stack of its
 * plan has one result in the end, and what has none was cut.
 */
#include "fuzz.h"
#include "report/journal.h"

static void must_be_whole(const struct journal *j)
{
	size_t crashes = 0;

	for (size_t i = 0; i < j->report.checks.count; i++) {
		const struct report_check *c = j->report.checks.item[i];

		if (j->check_state[i])
			continue;
		crashes += c->status == STATUS_CRASH;
		MUST(j->ended || (c->reason && (c->status == STATUS_CRASH ||
						c->status == STATUS_BLOCKED)));
	}
	MUST(crashes <= 1 || j->ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = { 0 };
	struct journal_error err = { 0 };
	struct journal j;
	int e = 0;

	journal_init(&j, &a);
	e = journal_read(&j, (const char *)data, size, &err);
	MUST(e == 0 || e == -EINVAL);
	if (e < 0)
		MUST_TELL(err.at.text);
	e = journal_finish(&j, REASON_CRASHED, "cut");
	MUST(e == 0 || (e == -EINVAL && !j.started));
	if (e == 0)
		must_be_whole(&j);
	return 0;
}
