/* SPDX-License-Identifier: MIT */
/* The bytes that a chain of descriptors holds. */
#include <errno.h>

#include "model/device.h"
#include "model/memory.h"

/** struct walk - part of a chain and what is done with it; one of @to and @from is set */
struct walk {
	const struct iovec *iov;
	unsigned int n;
	unsigned char *to;
	const unsigned char *from;
};

static int walk(struct walk w, size_t offset, size_t len)
{
	for (unsigned int i = 0; i < w.n && len; i++) {
		size_t n = w.iov[i].iov_len;
		uint64_t at = (uint64_t)(uintptr_t)w.iov[i].iov_base + offset;
		int r = 0;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		n = n - offset < len ? n - offset : len;
		r = w.to ? memory_read(w.to, at, n) : memory_write(at, w.from, n);
		if (r < 0)
			return r;
		if (w.to)
			w.to += n;
		else
			w.from += n;
		len -= n;
		offset = 0;
	}
	return len ? -EFAULT : 0;
}

size_t chain_bytes(const struct chain *c, bool writable)
{
	unsigned int first = writable ? c->out : 0;
	unsigned int n = writable ? c->in : c->out;
	size_t bytes = 0;

	for (unsigned int i = first; i < first + n; i++)
		bytes += c->iov[i].iov_len;
	return bytes;
}

int chain_read(const struct chain *c, size_t offset, void *to, size_t len)
{
	return walk((struct walk){ .iov = c->iov, .n = c->out, .to = to }, offset, len);
}

int chain_write(const struct chain *c, size_t offset, const void *from, size_t len)
{
	return walk((struct walk){ .iov = c->iov + c->out, .n = c->in, .from = from },
		    offset, len);
}

void chain_clear(const struct chain *c, size_t offset)
{
	static const unsigned char zero[512];
	size_t end = chain_bytes(c, true);

	while (offset < end) {
		size_t n = end - offset < sizeof(zero) ? end - offset : sizeof(zero);

		if (chain_write(c, offset, zero, n) < 0)
			return;
		offset += n;
	}
}
