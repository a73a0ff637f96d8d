/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <string.h>

#include "base/slurp.h"
#include "base/utf8.h"
#include "base/written.h"

int written_refuse(struct written_error *err, const char *pointer, const char *word,
		   const char *fmt, ...)
{
	va_list args;

	(void)snprintf(err->pointer, sizeof(err->pointer), "%s", pointer);
	(void)snprintf(err->word, sizeof(err->word), "%s", word);
	va_start(args, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	utf8_mend(err->pointer);
	utf8_mend(err->word);
	utf8_mend(err->text);
	return -EINVAL;
}

static void set_last_word(struct written_error *err)
{
	const char *last = strrchr(err->pointer, '/');

	(void)snprintf(err->word, sizeof(err->word), "%s", last ? last + 1 : "");
	utf8_mend(err->word);
}

/* What the strict reader refused: as said there, with a place in the text. */
static void explain_reader(struct written_error *err, const struct rec_error *why,
			   const char *text, size_t len)
{
	size_t column = 0;

	(void)snprintf(err->pointer, sizeof(err->pointer), "%s", why->pointer);
	(void)snprintf(err->text, sizeof(err->text), "%s", why->text);
	set_last_word(err);
	if (*why->pointer)
		return;
	err->line = json_flaw_line(text, len, &column);
	if (err->line)
		(void)snprintf(err->text, sizeof(err->text), "%s (column %zu)", why->text,
			       column);
	if (!err->line && json_duplicate(text, len, err->pointer, &err->line))
		set_last_word(err);
}

int written_read(struct arena *a, const struct written_kind *kind, const char *text,
		 size_t len, void *obj, struct written_error *err)
{
	struct rec_error why;
	int e = 0;

	memset(err, 0, sizeof(*err));
	e = rec_from_text(a, kind->shape, text, len, obj, &why);
	if (e == -EINVAL)
		explain_reader(err, &why, text, len);
	else if (e == 0)
		e = kind->rules(err, obj);
	if (e == -ENOMEM)
		(void)snprintf(err->text, sizeof(err->text), "memory is exhausted");
	else if (e < 0 && !err->line)
		err->line = json_line(text, len, err->pointer);
	return e;
}

int written_slurp(const char *path, char **ret, size_t *ret_len,
		  struct written_error *err)
{
	cleanup_free char *text = malloc(WRITTEN_MAX + 2);
	ssize_t len = text ? slurp(path, text, WRITTEN_MAX + 2) : -ENOMEM;

	memset(err, 0, sizeof(*err));
	if (len < 0) {
		(void)snprintf(err->text, sizeof(err->text), "%s", strerror((int)-len));
		return (int)len;
	}
	if ((size_t)len > WRITTEN_MAX) {
		(void)snprintf(err->text, sizeof(err->text),
			       "longer than %u MiB, which no such file is",
			       WRITTEN_MAX >> 20);
		return -EFBIG;
	}
	*ret = text;
	text = NULL;
	*ret_len = (size_t)len;
	return 0;
}
