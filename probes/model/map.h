/* SPDX-License-Identifier: MIT */
/*
 * Private to probes/model: a table of address ranges. The memory table and the device
 * IOTLB are one each.
 *
 * Source: drivers/vhost/iotlb.c; vhost-abi 3.3
 */
#ifndef MODEL_MAP_H
#define MODEL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct map - one range
 * @start, @last: first and last address
 * @addr:	address in this process that @start stands for
 * @perm:	VHOST_ACCESS_*
 * @kept:	map_remove() leaves it
 */
struct map {
	uint64_t start, last, addr;
	uint8_t perm;
	bool kept;
};

/**
 * struct map_table - ranges, oldest first
 * @map, @count, @room: growable array
 * @limit:	most entries, 0 for no limit
 */
struct map_table {
	struct map *map;
	size_t count, room, limit;
};

/**
 * map_add() - add a range, overlap or not
 * @t:	table; at its limit the oldest entry goes
 * @m:	range
 *
 * Return: 0; -EFAULT if it wraps around; -ENOMEM.
 */
int map_add(struct map_table *t, const struct map *m);

/** map_remove() - remove each entry that overlaps @start to @last, as a whole */
void map_remove(struct map_table *t, uint64_t start, uint64_t last);

/**
 * map_find() - the entry that answers for an address
 * @t:		table
 * @start, @last: range
 *
 * Return: of those that overlap the one that begins lowest, the oldest of equals; NULL.
 */
struct map *map_find(const struct map_table *t, uint64_t start, uint64_t last);

/** map_clear() - remove and free all; the limit stays */
void map_clear(struct map_table *t);

#endif
