/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <sys/mman.h>

#include <linux/vhost.h>

#include "guest/dirty.h"

#define PAGES_PER_BYTE 8u
/* A device that sets more is wrong in any case. */
#define PAGES_SHOWN 16u

int dirty_init(struct dirty *d)
{
	uint64_t end = MEM_IOVA + MEM_REGION_NUM * MEM_IOVA_STRIDE;
	size_t len = end / MEM_PAGE / PAGES_PER_BYTE;
	void *bits = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (bits == MAP_FAILED)
		return -errno;
	*d = (struct dirty){ .bits = bits, .len = len };
	return 0;
}

void dirty_done(struct dirty *d)
{
	if (d->bits)
		(void)munmap(d->bits, d->len);
	d->bits = NULL;
}

int dirty_base(struct session *s, const char *step, const struct dirty *d)
{
	uint64_t base = (uint64_t)(uintptr_t)d->bits;

	return session_ioctl(s, step, VHOST_SET_LOG_BASE, &base);
}

int dirty_rings(struct session *s, const char *step,
		const unsigned int flags[SESSION_QUEUES])
{
	const char *rx = arena_printf(&s->arena, "%s.rx", step);
	int r = 0;

	for (unsigned int q = 0; q < session_queues(s) && r >= 0; q++) {
		struct session_ring_at at = session_ring_home(s, q);

		at.flags = flags[q];
		at.log = session_writes_iova(s) ? at.used
						: mem_gpa(&s->mem, s->ring[q].used, 0);
		r = session_ring_addr(s, q == QUEUE_RX && rx ? rx : step, q, at);
	}
	return r < 0 ? r : 0;
}

static const char *add_page(struct session *s, const char *text, uint64_t page)
{
	const char *where = mem_describe(&s->mem, &s->arena, page * MEM_PAGE);

	if (!text)
		return where;
	return where ? arena_printf(&s->arena, "%s %s", text, where) : text;
}

void dirty_note(struct session *s, const char *step, struct dirty *d)
{
	const char *text = NULL;
	size_t found = 0;

	for (size_t i = 0; i < d->len / sizeof(*d->bits); i++) {
		uint64_t word = le64toh(d->bits[i]);

		if (!word)
			continue;
		d->bits[i] = 0;
		for (unsigned int bit = 0; bit < 64; bit++)
			if (word >> bit & 1 && found++ < PAGES_SHOWN)
				text = add_page(s, text, i * 64 + bit);
	}
	session_fact(s, step, "pages", "%s%s", text ? text : "none",
		     found > PAGES_SHOWN ? " and more" : "");
}
