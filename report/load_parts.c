/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * One walk over the text finds where the lists of report/parts.h and their elements begin
 * and end, and gives json-c each element, and then the rest with nothing between the
 * brackets of these lists. It judges nothing but brackets, commas and blanks between
 * elements: all other bytes are read by json-c, or are the same as bytes that were.
 */
#include <json-c/printbuf.h>
#include <limits.h>
#include <string.h>

#include "base/memo.h"
#include "report/load_parts.h"
#include "report/parts.h"

/**
 * struct scan - a walk over the text
 * @seen:	elements without parts, by their text
 * @element:	what json-c is given of the one that is being read
 */
struct scan {
	struct arena *arena;
	const char *text;
	size_t len, at;
	struct memo seen;
	struct rec_parser parser;
	struct printbuf *element;
};

static void scan_done(struct scan *s)
{
	memo_done(&s->seen);
	rec_parser_done(&s->parser);
	printbuf_free(s->element);
}

/**
 * struct object - one that is being read
 * @rest:	its text without what is in its lists
 * @from:	what of it is not in @rest yet
 * @list:	elements, by the place of their part
 */
struct object {
	const struct report_part *parts;
	struct printbuf *rest;
	size_t from;
	struct rec_list list[REPORT_PARTS_MAX];
	bool met[REPORT_PARTS_MAX];
};

/* --------------------------------------------------------------------- the walk */

static char here(const struct scan *s)
{
	if (s->at >= s->len)
		return '\0';
	return s->text[s->at];
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void skip_blanks(struct scan *s)
{
	while (is_blank(here(s)))
		s->at++;
}

static bool take(struct scan *s, char c)
{
	if (here(s) != c)
		return false;
	s->at++;
	return true;
}

static bool is_escaped(const struct scan *s, const char *quote)
{
	const char *c = quote;

	while (c > s->text && c[-1] == '\\')
		c--;
	return (quote - c) % 2;
}

static bool skip_string(struct scan *s)
{
	const char *quote = NULL;

	if (!take(s, '"'))
		return false;
	do {
		quote = memchr(s->text + s->at, '"', s->len - s->at);
		if (!quote)
			return false;
		s->at = (size_t)(quote - s->text) + 1;
	} while (is_escaped(s, quote));
	return true;
}

/* An object or an array. Whether it is well formed inside, whoever reads it finds out. */
static bool skip_nested(struct scan *s)
{
	static const bool stop[UCHAR_MAX + 1] = {
		['"'] = true, ['{'] = true, ['['] = true, ['}'] = true, [']'] = true,
	};
	size_t depth = 0;

	do {
		while (s->at < s->len && !stop[(unsigned char)s->text[s->at]])
			s->at++;
		switch (here(s)) {
		case '"':
			if (!skip_string(s))
				return false;
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth--;
			break;
		default:
			return false;
		}
		s->at++;
	} while (depth);
	return true;
}

static bool skip_value(struct scan *s)
{
	size_t begin = s->at;

	switch (here(s)) {
	case '{':
	case '[':
		return skip_nested(s);
	case '"':
		return skip_string(s);
	default:
		while (here(s) && !strchr(",]} \n\t\r", here(s)))
			s->at++;
		return s->at > begin;
	}
}

/*
 * An element that is laid out as run does it: its last line is the first with a brace as
 * far in as its own. False if it is not so, or longer than any that run writes. Where that
 * is not its end, what json-c is given is no value, or more than one.
 */
static bool skip_lines(struct scan *s)
{
	const size_t most = 1 << 14, left = s->len - s->at;
	const char *brace = s->text + s->at, *line = brace;
	const char *end = brace + (left < most ? left : most);
	size_t indent = 0;

	while (line > s->text && line[-1] == ' ')
		line--;
	indent = (size_t)(brace - line);
	if (end - brace < 2 || brace[0] != '{' || brace[1] != '\n')
		return false;
	for (const char *at = brace; (at = memchr(at, '\n', (size_t)(end - at)));) {
		at++;
		if ((size_t)(end - at) > indent && at[indent] == '}' &&
		    !memcmp(at, line, indent)) {
			s->at = (size_t)(at + indent + 1 - s->text);
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------ what is read */

static int read_object(struct scan *s, const struct rec_shape *shape,
		       const struct report_part *parts, void *obj);

/*
 * Without the blanks that lines begin with, half of what run writes. Line breaks stay: in
 * a string they are an error, which json-c is to find.
 */
static int keep(struct printbuf *to, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *line_break = memchr(text, '\n', (size_t)(end - text));
		const char *next = line_break ? line_break + 1 : end;

		if (printbuf_memappend(to, text, (int)(next - text)) < 0)
			return -ENOMEM;
		while (next < end && *next == ' ' && line_break)
			next++;
		text = next;
	}
	return 0;
}

static int read_kept(struct scan *s, const struct rec_shape *shape,
		     const struct printbuf *kept, void *obj)
{
	struct rec_error unused;

	return rec_parse(&s->parser, shape, kept->buf, (size_t)kept->bpos, obj, &unused);
}

/* Of the same text the same is made: a structure of its own that shares what it points to. */
static int read_once(struct scan *s, const struct rec_shape *shape, void *item)
{
	const char *text = s->text + s->at;
	const void *seen = NULL;
	size_t len = 0;
	int e = 0;

	if (!skip_lines(s) && !skip_value(s))
		return -EINVAL;
	len = (size_t)(s->text + s->at - text);
	seen = memo_find(&s->seen, text, len);
	if (seen) {
		memcpy(item, seen, shape->size);
		return 0;
	}
	printbuf_reset(s->element);
	e = keep(s->element, text, len);
	if (e == 0)
		e = read_kept(s, shape, s->element, item);
	return e == 0 ? memo_add(&s->seen, text, len, item) : e;
}

static int read_list(struct scan *s, const struct report_part *part, struct rec_list *ret)
{
	int e = 0;

	skip_blanks(s);
	while (e == 0 && here(s) != ']') {
		void *item = NULL;

		if (ret->count && !take(s, ','))
			return -EINVAL;
		skip_blanks(s);
		item = rec_list_new(s->arena, ret, part->shape->size);
		if (!item)
			return -ENOMEM;
		e = part->parts ? read_object(s, part->shape, part->parts, item)
				: read_once(s, part->shape, item);
		skip_blanks(s);
	}
	return e;
}

static int read_part(struct scan *s, struct object *o, size_t part)
{
	int e = 0;

	if (o->met[part] || !take(s, '['))
		return -EINVAL;
	o->met[part] = true;
	e = keep(o->rest, s->text + o->from, s->at - o->from);
	if (e == 0)
		e = read_list(s, &o->parts[part], &o->list[part]);
	o->from = s->at;
	return e == 0 && !take(s, ']') ? -EINVAL : e;
}

static int read_member(struct scan *s, struct object *o)
{
	const char *key = NULL;
	size_t len = 0;

	skip_blanks(s);
	key = s->text + s->at + 1;
	if (!skip_string(s))
		return -EINVAL;
	len = (size_t)(s->text + s->at - 1 - key);
	skip_blanks(s);
	if (!take(s, ':'))
		return -EINVAL;
	skip_blanks(s);
	for (size_t i = 0; o->parts[i].key; i++)
		if (strlen(o->parts[i].key) == len && !memcmp(o->parts[i].key, key, len))
			return read_part(s, o, i);
	return skip_value(s) ? 0 : -EINVAL;
}

static int read_members(struct scan *s, struct object *o)
{
	int e = 0;

	if (!take(s, '{'))
		return -EINVAL;
	do {
		e = read_member(s, o);
		skip_blanks(s);
	} while (e == 0 && take(s, ','));
	return e == 0 && !take(s, '}') ? -EINVAL : e;
}

static int read_object(struct scan *s, const struct rec_shape *shape,
		       const struct report_part *parts, void *obj)
{
	struct object o = { .parts = parts, .rest = printbuf_new(), .from = s->at };
	int e = o.rest ? read_members(s, &o) : -ENOMEM;

	if (e == 0)
		e = keep(o.rest, s->text + o.from, s->at - o.from);
	if (e == 0)
		e = read_kept(s, shape, o.rest, obj);
	for (size_t i = 0; parts[i].key && e == 0; i++)
		if (o.met[i])
			memcpy((char *)obj + parts[i].offset, &o.list[i],
			       sizeof(o.list[i]));
	printbuf_free(o.rest);
	return e;
}

int load_in_parts(struct arena *a, const char *text, size_t len, struct report *ret)
{
	cleanup_(scan_done) struct scan s = {
		.arena = a,
		.text = text,
		.len = len,
		.seen = { .arena = a },
		.element = printbuf_new(),
	};
	int e = s.element ? rec_parser_init(&s.parser, a) : -ENOMEM;

	skip_blanks(&s);
	if (e == 0)
		e = read_object(&s, &report_shape, report_parts, ret);
	skip_blanks(&s);
	return e == 0 && s.at != len ? -EINVAL : e;
}
