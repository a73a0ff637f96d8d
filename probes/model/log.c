/* SPDX-License-Identifier: MIT */
/*
 * The dirty log: one bit for each 4 KiB page of guest-physical memory.
 *
 * Source: vhost-abi 4; log_write(), log_write_hva(), log_used() in drivers/vhost/vhost.c
 */
#include <errno.h>
#include <sys/eventfd.h>

#include <linux/vhost.h>

#include "model/device.h"
#include "model/memory.h"

#define PAGE_SHIFT 12u

/* Sets the bits of a guest-physical range. 0 or -EFAULT */
static int set_bits(const struct model_dev *d, uint64_t gpa, uint64_t len)
{
	uint64_t first = gpa >> PAGE_SHIFT;
	uint64_t last = (gpa + len - 1) >> PAGE_SHIFT;

	for (uint64_t page = first; len && page <= last; page++) {
		unsigned char byte = 0;
		int r = memory_read(&byte, d->log.base + page / 8, 1);

		byte |= (unsigned char)(1u << page % 8);
		if (r == 0)
			r = memory_write(d->log.base + page / 8, &byte, 1);
		if (r < 0)
			return r;
	}
	return 0;
}

void log_memory(struct vq *vq, uint64_t addr, uint64_t len)
{
	const struct model_dev *d = vq->dev;

	if (!device_has(d, VHOST_F_LOG_ALL))
		return;
	for (size_t i = 0; i < d->memory.count; i++) {
		const struct map *m = &d->memory.map[i];
		uint64_t end = m->addr + (m->last - m->start);
		uint64_t from = addr > m->addr ? addr : m->addr;
		uint64_t to = addr + len - 1 < end ? addr + len - 1 : end;

		if (len && from <= to)
			(void)set_bits(d, m->start + (from - m->addr), to - from + 1);
	}
}

void log_used_ring(struct vq *vq, uint64_t offset, uint64_t len)
{
	struct model_dev *d = vq->dev;
	uint64_t at = 0;

	if (!vq->log_used || !device_has(d, VHOST_F_LOG_ALL))
		return;
	if (!device_armed(d))
		(void)set_bits(d, vq->log_addr + offset, len);
	else if (translate_ring(vq, vq->used + offset, len, &at) == 0)
		log_memory(vq, at, len);
	if (d->log.fd >= 0)
		(void)eventfd_write(d->log.fd, 1);
}
