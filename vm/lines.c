/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "vm/lines.h"

static int append(struct vm_lines *l, const char *buf, size_t len)
{
	if (l->skipping)
		return 0;
	if (len > VM_LINE_MAX - l->len) {
		l->skipping = true;
		l->lost++;
		return 0;
	}
	if (l->room - l->len < len + 1) {
		size_t room = (l->len + len + 1) * 2;
		char *grown = realloc(l->buf, room);

		if (!grown)
			return -ENOMEM;
		l->buf = grown;
		l->room = room;
	}
	memcpy(l->buf + l->len, buf, len);
	l->len += len;
	return 0;
}

static int deliver(struct vm_lines *l, vm_line_fn *fn, void *ctx)
{
	size_t len = l->skipping ? 0 : l->len;

	l->skipping = false;
	l->len = 0;
	if (len && l->buf[len - 1] == '\r')
		len--;
	if (!len)
		return 0;
	l->buf[len] = '\0';
	return fn(ctx, l->buf, len);
}

int vm_lines_feed(struct vm_lines *l, const char *buf, size_t len, vm_line_fn *fn,
		  void *ctx)
{
	while (len) {
		const char *nl = memchr(buf, '\n', len);
		size_t n = nl ? (size_t)(nl - buf) : len;
		int r = append(l, buf, n);

		if (!r && nl)
			r = deliver(l, fn, ctx);
		if (r)
			return r;
		n += nl ? 1 : 0;
		buf += n;
		len -= n;
	}
	return 0;
}

void vm_lines_done(struct vm_lines *l)
{
	free(l->buf);
	*l = (struct vm_lines){ 0 };
}
