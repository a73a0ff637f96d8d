/* SPDX-License-Identifier: MIT */
/*
 * Private to probes/model: access to this process's memory by address, as a kernel has
 * it: what cannot be reached is -EFAULT, not a crash.
 */
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * memory_is_user() - whether a range lies in the half of the address space that processes
 * have; it need not be mapped
 *
 * Source: valid_user_address() in arch/x86/include/asm/uaccess_64.h
 */
bool memory_is_user(uint64_t addr, uint64_t len);

/** memory_at() - an address as a pointer, reachable or not */
void *memory_at(uint64_t addr);

/** memory_read() - copy from @addr. 0, or -EFAULT */
int memory_read(void *to, uint64_t addr, size_t len);

/** memory_write() - copy to @addr. 0, or -EFAULT */
int memory_write(uint64_t addr, const void *from, size_t len);

/** memory_load16() - acquire load of a little-endian index. 0, or -EFAULT */
int memory_load16(uint64_t addr, uint16_t *ret);

/** memory_store16() - release store of one. 0, or -EFAULT */
int memory_store16(uint64_t addr, uint16_t value);

#endif
