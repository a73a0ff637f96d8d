/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "report/load_parts.h"

/** struct extent - some bytes of the text */
struct extent {
	size_t at, end;
};

/** struct list - a list of the report that is read by its elements */
struct list {
	const char *key;
	const struct rec_shape *shape;
	struct extent inside; /* of its brackets; .end is 0 until it was met */
	struct extent *element;
	size_t count, room;
};

/** struct scan - a walk over the report's own members */
struct scan {
	const char *text;
	size_t len, at;
	struct list list[2];
};

static char here(const struct scan *s)
{
	if (s->at >= s->len)
		return '\0';
	return s->text[s->at];
}

static void skip_blanks(struct scan *s)
{
	while (here(s) && strchr(" \t\n\r", here(s)))
		s->at++;
}

static bool take(struct scan *s, char c)
{
	if (here(s) != c)
		return false;
	s->at++;
	return true;
}

static bool skip_string(struct scan *s)
{
	if (!take(s, '"'))
		return false;
	while (s->at < s->len && s->text[s->at] != '"')
		s->at += s->text[s->at] == '\\' ? 2 : 1;
	return take(s, '"');
}

/* Whether it is well formed inside, whoever reads it finds out. */
static bool skip_value(struct scan *s)
{
	size_t depth = 0, begin = s->at;

	do {
		char c = here(s);

		if (c == '"') {
			if (!skip_string(s))
				return false;
			continue;
		}
		if (!depth && (c == ',' || c == ']' || c == '}'))
			break;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		if (s->at++ >= s->len)
			return false;
	} while (depth || !here(s) || !strchr(",]} \t\n\r", here(s)));
	return s->at > begin;
}

static int add_element(struct list *l, struct extent e)
{
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 256;
		struct extent *grown = realloc(l->element, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->element = grown;
		l->room = room;
	}
	l->element[l->count++] = e;
	return 0;
}

static int scan_list(struct scan *s, struct list *l)
{
	int e = 0;

	if (l->inside.end || !take(s, '['))
		return -EINVAL;
	l->inside.at = s->at;
	skip_blanks(s);
	while (here(s) != ']') {
		struct extent x = { .at = s->at };

		if (l->count && !take(s, ','))
			return -EINVAL;
		skip_blanks(s);
		x.at = s->at;
		if (!skip_value(s))
			return -EINVAL;
		x.end = s->at;
		e = add_element(l, x);
		if (e < 0)
			return e;
		skip_blanks(s);
	}
	l->inside.end = s->at++;
	return 0;
}

static struct list *list_of(struct scan *s, const struct extent *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->list); i++)
		if (strlen(s->list[i].key) == key->end - key->at &&
		    !memcmp(s->text + key->at, s->list[i].key, key->end - key->at))
			return &s->list[i];
	return NULL;
}

static int scan_report(struct scan *s)
{
	skip_blanks(s);
	if (!take(s, '{'))
		return -EINVAL;
	do {
		struct extent key;
		struct list *l = NULL;
		int e = 0;

		skip_blanks(s);
		key.at = s->at + 1;
		if (!skip_string(s))
			return -EINVAL;
		key.end = s->at - 1;
		skip_blanks(s);
		if (!take(s, ':'))
			return -EINVAL;
		skip_blanks(s);
		l = list_of(s, &key);
		e = l ? scan_list(s, l) : skip_value(s) ? 0 : -EINVAL;
		if (e < 0)
			return e;
		skip_blanks(s);
	} while (take(s, ','));
	return here(s) == '}' ? 0 : -EINVAL;
}

/* The text with nothing between the brackets of the lists. */
static int read_rest(struct arena *a, const struct scan *s, struct report *ret)
{
	bool in_order = s->list[0].inside.at < s->list[1].inside.at;
	const struct extent *first = &s->list[!in_order].inside;
	const struct extent *second = &s->list[in_order].inside;
	cleanup_free char *rest = malloc(s->len + 1);
	struct rec_error unused;
	size_t n = first->at;

	if (!rest)
		return -ENOMEM;
	memcpy(rest, s->text, n);
	memcpy(rest + n, s->text + first->end, second->at - first->end);
	n += second->at - first->end;
	memcpy(rest + n, s->text + second->end, s->len - second->end);
	n += s->len - second->end;
	return rec_from_text(a, &report_shape, rest, n, ret, &unused);
}

static int read_list(struct arena *a, const char *text, const struct list *l,
		     struct rec_list *ret)
{
	struct rec_error unused;
	int e = 0;

	for (size_t i = 0; i < l->count && e == 0; i++) {
		const struct extent *x = &l->element[i];
		void *item = rec_list_new(a, ret, l->shape->size);

		e = item ? rec_from_text(a, l->shape, text + x->at, x->end - x->at, item,
					 &unused)
			 : -ENOMEM;
	}
	return e;
}

int load_in_parts(struct arena *a, const char *text, size_t len, struct report *ret)
{
	struct scan s = {
		.text = text,
		.len = len,
		.list = { { .key = "checks", .shape = &report_check_shape },
			  { .key = "stacks", .shape = &report_stack_shape } },
	};
	int e = scan_report(&s);

	if (e == 0 && (!s.list[0].inside.end || !s.list[1].inside.end))
		e = -EINVAL;
	if (e == 0)
		e = read_rest(a, &s, ret);
	if (e == 0)
		e = read_list(a, text, &s.list[0], &ret->checks);
	if (e == 0)
		e = read_list(a, text, &s.list[1], &ret->stacks);
	free(s.list[0].element);
	free(s.list[1].element);
	return e;
}
