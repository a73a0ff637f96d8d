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

	if (device_breaks(d, RULE_LOG_WIDE))
		last++;
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

/* Logs bytes of this process's memory, by the memory table. */
static void log_own(const struct model_dev *d, uint64_t addr, uint64_t len)
{
	for (size_t i = 0; i < d->memory.count; i++) {
		const struct map *m = &d->memory.map[i];
		uint64_t end = m->addr + (m->last - m->start);
		uint64_t from = addr > m->addr ? addr : m->addr;
		uint64_t to = addr + len - 1 < end ? addr + len - 1 : end;

		if (len && from <= to)
			(void)set_bits(d, m->start + (from - m->addr), to - from + 1);
	}
}

void log_chain(const struct vq *vq, const struct chain *c, size_t len)
{
	const struct model_dev *d = vq->dev;

	if (!d->log.on || device_breaks(d, RULE_LOG_DATA_LOST))
		return;
	for (unsigned int i = c->out; i < c->out + c->in && len; i++) {
		size_t n = c->iov[i].iov_len < len ? c->iov[i].iov_len : len;

		log_own(d, (uint64_t)(uintptr_t)c->iov[i].iov_base, n);
		len -= n;
	}
}

void log_used_part(struct vq *vq, uint64_t offset, uint64_t len)
{
	struct model_dev *d = vq->dev;
	uint64_t at = 0;

	if (!vq->log_used || !d->log.on)
		return;
	if (device_breaks(d, RULE_LOG_USED_LOST))
		;
	else if (!device_armed(d))
		(void)set_bits(d, vq->log_addr + offset, len);
	else if (device_breaks(d, RULE_LOG_IOVA))
		(void)set_bits(d, vq->used + offset, len);
	else if (translate_ring(vq, vq->used + offset, len, &at) == 0)
		log_own(d, at, len);
	if (d->log.fd >= 0 && !device_breaks(d, RULE_LOG_SILENT))
		(void)eventfd_write(d->log.fd, 1);
}

bool log_access_ok(const struct model_dev *d, uint64_t base)
{
	if (device_breaks(d, RULE_LOG_UNCHECKED))
		return true;
	for (size_t i = 0; i < d->memory.count; i++) {
		const struct map *m = &d->memory.map[i];
		uint64_t from = base + (m->start >> PAGE_SHIFT) / 8;

		if (!memory_is_user(from, ((m->last - m->start) >> PAGE_SHIFT) / 8 + 1))
			return false;
	}
	return true;
}

int log_set_base(struct model_dev *d, const void *arg)
{
	uint64_t base = 0;

	if (memory_read(&base, (uint64_t)(uintptr_t)arg, sizeof(base)) < 0)
		return -EFAULT;
	/* of rings without back end it is looked at when they start */
	for (unsigned int q = 0; q < d->family->queues; q++)
		if (d->vq[q].running && d->log.on && !log_access_ok(d, base))
			return -EFAULT;
	d->log.base = base;
	return 0;
}
