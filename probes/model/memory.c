/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model/memory.h"

#define PAGE UINT64_C(4096)
#define USER_END (UINT64_C(1) << 63)
#define SIGSET_BYTES 8ul

bool memory_is_user(uint64_t addr, uint64_t len)
{
	return len <= USER_END && addr <= USER_END - len;
}

/* The kernel reads the set before it looks at an operation that there is not; without a
 * set there is nothing to read. */
static bool page_is_there(uint64_t page)
{
	return page &&
	       (syscall(SYS_rt_sigprocmask, ~0ul, page, NULL, SIGSET_BYTES) == 0 ||
		errno != EFAULT);
}

static bool is_there(uint64_t addr, size_t len)
{
	uint64_t page = addr & ~(PAGE - 1);

	if (!memory_is_user(addr, len))
		return false;
	for (; page < addr + len; page += PAGE)
		if (!page_is_there(page))
			return false;
	return true;
}

void *memory_at(uint64_t addr)
{
	return (void *)(uintptr_t)addr; /* NOLINT(performance-no-int-to-ptr) */
}

int memory_read(void *to, uint64_t addr, size_t len)
{
	if (!is_there(addr, len))
		return -EFAULT;
	memcpy(to, memory_at(addr), len);
	return 0;
}

int memory_write(uint64_t addr, const void *from, size_t len)
{
	if (!is_there(addr, len))
		return -EFAULT;
	memcpy(memory_at(addr), from, len);
	return 0;
}

int memory_load16(uint64_t addr, uint16_t *ret)
{
	if (addr % sizeof(*ret) || !is_there(addr, sizeof(*ret)))
		return -EFAULT;
	*ret = le16toh(
		__atomic_load_n((const uint16_t *)memory_at(addr), __ATOMIC_ACQUIRE));
	return 0;
}

int memory_store16(uint64_t addr, uint16_t value)
{
	if (addr % sizeof(value) || !is_there(addr, sizeof(value)))
		return -EFAULT;
	__atomic_store_n((uint16_t *)memory_at(addr), htole16(value), __ATOMIC_RELEASE);
	return 0;
}
