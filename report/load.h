/* SPDX-License-Identifier: MIT */
/*
 * A stored report, whoever wrote it: a report, or the journal of a run that did not get
 * to its end. Nothing in it is trusted.
 */
#ifndef REPORT_LOAD_H
#define REPORT_LOAD_H

#include "base/written.h"
#include "report/report.h"

/** LOAD_MAX - bytes of the longest text that is read */
#define LOAD_MAX (256u << 20)

/**
 * struct load_error - why a text was refused
 * @at:		place, word and reason
 * @hint:	what to do about it, of the arena or static; NULL if there is no more to
 * say
 */
struct load_error {
	struct written_error at;
	const char *hint;
};

/**
 * report_load() - read a report or a journal, strictly
 * @a:		arena of all that @ret will point to
 * @text, @len:	its bytes, need not end in NUL
 * @ret:	indeterminate on failure
 * @err:	filled in on failure
 *
 * A journal without its end gives the report of a run that was killed: what was running
 * is a crash, and what never ran is blocked (report/journal.h). Beyond its shape a report
 * is held to this: ids are those of checks, feature masks are hex, and no result stands
 * twice.
 * Return: 0; -EINVAL if it is not exactly a vhostcheck-report/1 or its journal; -ENOMEM.
 */
int report_load(struct arena *a, const char *text, size_t len, struct report *ret,
		struct load_error *err) must_check_;

#endif
