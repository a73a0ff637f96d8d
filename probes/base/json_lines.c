/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/json_lines.h"

#define DEPTH_MAX 32 /* of rec_from_text() */
#define NAME_ROOM 128

/**
 * struct scan - a walk over a text
 * @text, @end, @at: bytes, and the next one to look at
 * @path, @path_len: JSON Pointer to what is being looked at; what has no room is cut
 * @depth:	objects and arrays that are open
 * @want:	JSON Pointer to look for, or NULL
 * @best, @best_len: line and length of the longest path seen that leads to @want
 * @twice:	receives the first member whose name stands twice, or NULL
 * @twice_line:	its line, 0 while there is none
 */
struct scan {
	const char *text, *end, *at;
	char path[JSON_POINTER_ROOM];
	size_t path_len;
	int depth;
	const char *want;
	size_t best, best_len;
	char *twice;
	size_t twice_line;
};

static bool scan_value(struct scan *s);

static size_t line_of(const struct scan *s, const char *at)
{
	size_t line = 1;

	for (const char *c = s->text; c < at; c++)
		line += *c == '\n';
	return line;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end && strchr(" \t\r\n", *s->at) && *s->at)
		s->at++;
}

static bool take(struct scan *s, char c)
{
	skip_space(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character of \uXXXX behind @s->at if it is ASCII, else '?'; -1 if malformed. */
static int take_unicode(struct scan *s)
{
	int code = 0;

	if (s->end - s->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(*s->at++);

		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	return code < 0x80 ? code : '?';
}

static int take_escaped(struct scan *s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = NULL;
	char c = 0;

	if (s->at == s->end)
		return -1;
	c = *s->at++;
	if (c == 'u')
		return take_unicode(s);
	found = c ? strchr(from, c) : NULL;
	return found ? to[found - from] : -1;
}

/* Takes a string; its text goes to @ret (NAME_ROOM bytes, cut) unless that is NULL. */
static bool take_string(struct scan *s, char *ret)
{
	size_t len = 0;

	if (!take(s, '"'))
		return false;
	while (s->at < s->end) {
		int c = (unsigned char)*s->at++;

		if (c == '"') {
			if (ret)
				ret[len] = '\0';
			return true;
		}
		if (c < ' ')
			break;
		if (c == '\\')
			c = take_escaped(s);
		if (c < 0)
			return false;
		if (ret && len + 1 < NAME_ROOM)
			ret[len++] = (char)c;
	}
	s->at--;
	return false;
}

static void path_add(struct scan *s, const char *part)
{
	for (; *part && s->path_len + 1 < sizeof(s->path); part++)
		s->path[s->path_len++] = *part;
	s->path[s->path_len] = '\0';
}

static size_t path_enter(struct scan *s, const char *name)
{
	size_t was = s->path_len;
	char one[2] = { 0 };

	path_add(s, "/");
	for (; *name; name++) {
		one[0] = *name;
		path_add(s, *name == '~' ? "~0" : *name == '/' ? "~1" : one);
	}
	return was;
}

static void path_leave(struct scan *s, size_t was)
{
	s->path_len = was;
	s->path[was] = '\0';
}

/* Notes the line of what begins at @at if it is, or leads to, what is looked for. */
static void note_place(struct scan *s, const char *at)
{
	size_t n = s->path_len;

	if (!s->want || strncmp(s->want, s->path, n) != 0 ||
	    (s->want[n] && s->want[n] != '/') || (s->best && n <= s->best_len))
		return;
	s->best = line_of(s, at);
	s->best_len = n;
}

/* Whether a member of the object that began at @first has this name, before @until. */
static bool named_before(const struct scan *s, const char *first, const char *until,
			 const char *name)
{
	struct scan again = { .text = s->text, .end = s->end, .at = first };
	char other[NAME_ROOM];

	for (;;) {
		skip_space(&again);
		if (again.at >= until || !take_string(&again, other))
			return false;
		if (!strcmp(other, name))
			return true;
		if (!take(&again, ':') || !scan_value(&again) || !take(&again, ','))
			return false;
	}
}

static bool scan_member(struct scan *s, const char *first)
{
	char name[NAME_ROOM];
	const char *begin = NULL;
	size_t was = 0;
	bool good = false;

	skip_space(s);
	begin = s->at;
	if (!take_string(s, name))
		return false;
	was = path_enter(s, name);
	note_place(s, begin);
	if (s->twice && !s->twice_line && named_before(s, first, begin, name)) {
		memcpy(s->twice, s->path, s->path_len + 1);
		s->twice_line = line_of(s, begin);
	}
	good = take(s, ':') && scan_value(s);
	if (good)
		path_leave(s, was);
	return good;
}

static bool scan_object(struct scan *s)
{
	const char *first = s->at;

	if (take(s, '}'))
		return true;
	do {
		if (!scan_member(s, first))
			return false;
	} while (take(s, ','));
	return take(s, '}');
}

static bool scan_element(struct scan *s, size_t index)
{
	char number[24];
	size_t was = 0;

	(void)snprintf(number, sizeof(number), "%zu", index);
	was = path_enter(s, number);
	skip_space(s);
	note_place(s, s->at);
	if (!scan_value(s))
		return false;
	path_leave(s, was);
	return true;
}

static bool scan_array(struct scan *s)
{
	size_t index = 0;

	if (take(s, ']'))
		return true;
	do {
		if (!scan_element(s, index++))
			return false;
	} while (take(s, ','));
	return take(s, ']');
}

/* true, false, null or a number, as far as its characters go. */
static bool scan_word(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };
	const char *begin = s->at;

	while (s->at < s->end && *s->at && strchr("+-.0123456789Eaeflnrstu", *s->at))
		s->at++;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((size_t)(s->at - begin) == strlen(words[i]) &&
		    !memcmp(begin, words[i], strlen(words[i])))
			return true;
	if (s->at > begin && strchr("-0123456789", *begin) &&
	    strchr("0123456789", s->at[-1]))
		return true;
	s->at = begin;
	return false;
}

static bool scan_value(struct scan *s)
{
	bool good = false;

	skip_space(s);
	if (s->at == s->end || s->depth == DEPTH_MAX)
		return false;
	if (*s->at == '"')
		return take_string(s, NULL);
	if (*s->at != '{' && *s->at != '[')
		return scan_word(s);
	s->depth++;
	good = *s->at++ == '{' ? scan_object(s) : scan_array(s);
	s->depth--;
	return good;
}

size_t json_line(const char *text, size_t len, const char *pointer)
{
	struct scan s = { .text = text, .end = text + len, .at = text, .want = pointer };

	skip_space(&s);
	note_place(&s, s.at);
	(void)scan_value(&s);
	return s.best;
}

static size_t column_of(const struct scan *s)
{
	const char *begin = s->at;

	while (begin > s->text && begin[-1] != '\n')
		begin--;
	return (size_t)(s->at - begin) + 1;
}

size_t json_flaw_line(const char *text, size_t len, size_t *ret_column)
{
	struct scan s = { .text = text, .end = text + len, .at = text };

	if (scan_value(&s)) {
		skip_space(&s);
		if (s.at == s.end)
			return 0;
	}
	if (ret_column)
		*ret_column = column_of(&s);
	return line_of(&s, s.at);
}

bool json_duplicate(const char *text, size_t len, char *ret_pointer, size_t *ret_line)
{
	char pointer[JSON_POINTER_ROOM] = { 0 };
	struct scan s = { .text = text, .end = text + len, .at = text, .twice = pointer };

	(void)scan_value(&s);
	if (!s.twice_line)
		return false;
	memcpy(ret_pointer, pointer, sizeof(pointer));
	*ret_line = s.twice_line;
	return true;
}
