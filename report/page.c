/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <string.h>

#include "report/page.h"

#define WIDTH_DEFAULT 80u
#define WIDTH_MIN 40u

void page_init(struct page *p, FILE *out, int width, bool color)
{
	*p = (struct page){ .out = out, .color = color, .width = WIDTH_DEFAULT };
	if (width > 0)
		p->width = (size_t)width < WIDTH_MIN ? WIDTH_MIN : (size_t)width;
}

void page_tone(struct page *p, enum tone t)
{
	static const char *const code[] = {
		[TONE_PLAIN] = "0", [TONE_BOLD] = "1",  [TONE_DIM] = "2",
		[TONE_GOOD] = "32", [TONE_WARN] = "33", [TONE_BAD] = "1;31",
	};

	if (p->color)
		(void)fprintf(p->out, "\033[%sm", code[t]);
}

static size_t columns(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* C0, DEL and C1 (0xc2 0x80-0x9f) would reach the terminal as commands. */
static void put_bytes(struct page *p, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned char next = i + 1 < len ? (unsigned char)s[i + 1] : 0;
		bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;

		(void)fputc(c < 0x20 || c == 0x7f || c1 ? '?' : c, p->out);
		i += c1;
	}
	p->column += columns(s, len);
}

void page_put(struct page *p, const char *s)
{
	put_bytes(p, s, strlen(s));
}

void page_newline(struct page *p)
{
	(void)fputc('\n', p->out);
	p->column = 0;
}

void page_pad_to(struct page *p, size_t column)
{
	while (p->column < column)
		page_put(p, " ");
}

void page_put_toned(struct page *p, enum tone t, const char *s)
{
	page_tone(p, t);
	page_put(p, s);
	page_tone(p, TONE_PLAIN);
}

void page_wrap(struct page *p, size_t indent, const char *s)
{
	page_pad_to(p, indent);
	for (;;) {
		size_t len = 0;

		s += strspn(s, " \n\t");
		len = strcspn(s, " \n\t");
		if (!len)
			return;
		if (p->column > indent) {
			if (p->column + 1 + columns(s, len) > p->width)
				page_newline(p);
			else
				page_put(p, " ");
		}
		page_pad_to(p, indent);
		put_bytes(p, s, len);
		s += len;
	}
}

void page_wrapf(struct page *p, size_t indent, const char *fmt, ...)
{
	char text[PAGE_WRAPF_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	page_wrap(p, indent, text);
}

void page_heading(struct page *p, const char *s)
{
	page_newline(p);
	page_put_toned(p, TONE_BOLD, s);
	page_newline(p);
}

size_t page_wider(size_t width, const char *s)
{
	size_t n = columns(s, strlen(s));

	return n > width ? n : width;
}

int page_end(struct page *p)
{
	errno = 0;
	if (fflush(p->out) || ferror(p->out))
		return errno ? -errno : -EIO;
	return 0;
}
