/* SPDX-License-Identifier: MIT */
/* Text in columns for a terminal: wrapped, aligned, and coloured when asked. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/** PAGE_WRAPF_MAX - bytes of one page_wrapf(), its NUL included; the rest is cut */
#define PAGE_WRAPF_MAX 512

/** enum tone - what a colour means */
enum tone {
	TONE_PLAIN,
	TONE_BOLD,
	TONE_DIM,
	TONE_GOOD,
	TONE_WARN,
	TONE_BAD
};

/**
 * struct page - where text goes
 * @out:	stream; what it fails to take page_end() tells
 * @color:	use the colours of ECMA-48
 * @width:	columns of a line
 * @column:	columns that stand on the present line
 * @verbosity:	how much is to be said; for those who write the page
 *
 * Control characters in all text are printed as '?', so that no foreign string can
 * drive the terminal.
 */
struct page {
	FILE *out;
	bool color;
	size_t width, column;
	int verbosity;
};

/**
 * page_init() - begin a page
 * @p:		page
 * @out:	borrowed
 * @width:	columns, 0 for 80; below 40 is taken as 40
 * @color:	use colours
 */
void page_init(struct page *p, FILE *out, int width, bool color);

/** page_tone() - colour of what follows, until TONE_PLAIN */
void page_tone(struct page *p, enum tone t);

/** page_put() - text as it is, without a line break */
void page_put(struct page *p, const char *s);

/** page_put_toned() - page_put() in a colour */
void page_put_toned(struct page *p, enum tone t, const char *s);

/** page_pad_to() - blanks up to a column; none if it is passed already */
void page_pad_to(struct page *p, size_t column);

/** page_newline() - end the line */
void page_newline(struct page *p);

/** page_heading() - an empty line, then @s alone on one, bold */
void page_heading(struct page *p, const char *s);

/**
 * page_wrap() - words, after what stands on the line, broken at the width
 * @p:		page
 * @indent:	column at which lines begin
 * @s:		words; a run of blanks is one
 */
void page_wrap(struct page *p, size_t indent, const char *s);

/** page_wrapf() - page_wrap() of a formatted text */
void page_wrapf(struct page *p, size_t indent, const char *fmt, ...) printf_(3, 4);

/** page_wider() - the larger of @width and the columns of @s */
size_t page_wider(size_t width, const char *s);

/**
 * page_end() - flush the stream
 * @p:	page
 *
 * Return: 0; -errno if the stream did not take all.
 */
int page_end(struct page *p) must_check_;

#endif
