/* SPDX-License-Identifier: MIT */
/* Private to report/text*.c: what the parts of the text share. */
#ifndef REPORT_TEXT_PARTS_H
#define REPORT_TEXT_PARTS_H

#include "report/page.h"
#include "report/report.h"

/** text_plural() - "" or "s" */
const char *text_plural(int64_t n);

/** text_verdict_tone() - how good the verdict of a stack is */
enum tone text_verdict_tone(int verdict);

/**
 * text_evidence() - the observations, a line each; nothing unless the page is very
 * verbose
 *
 * One observation is one line, also where that is longer than the page is wide.
 */
void text_evidence(struct page *p, size_t indent, const struct rec_list *evidence);

/** text_verdict() - the last lines: what was not counted, PASS or FAIL, and why */
void text_verdict(struct page *p, const struct report *r);

#endif
