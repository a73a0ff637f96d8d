/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/map.h"

#define ROOM_FIRST 16u

static void remove_at(struct map_table *t, size_t i)
{
	t->count--;
	memmove(t->map + i, t->map + i + 1, (t->count - i) * sizeof(*t->map));
}

static int grow(struct map_table *t)
{
	size_t room = t->room ? 2 * t->room : ROOM_FIRST;
	struct map *grown = reallocarray(t->map, room, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	t->map = grown;
	t->room = room;
	return 0;
}

int map_add(struct map_table *t, const struct map *m)
{
	if (m->last < m->start)
		return -EFAULT;
	if (t->limit && t->count >= t->limit)
		remove_at(t, 0);
	if (t->count == t->room && grow(t) < 0)
		return -ENOMEM;
	t->map[t->count++] = *m;
	return 0;
}

static bool overlaps(const struct map *m, uint64_t start, uint64_t last)
{
	return m->start <= last && start <= m->last;
}

void map_remove(struct map_table *t, uint64_t start, uint64_t last)
{
	for (size_t i = t->count; i-- > 0;)
		if (!t->map[i].kept && overlaps(&t->map[i], start, last))
			remove_at(t, i);
}

struct map *map_find(const struct map_table *t, uint64_t start, uint64_t last)
{
	struct map *found = NULL;

	for (size_t i = 0; i < t->count; i++)
		if (overlaps(&t->map[i], start, last) &&
		    (!found || t->map[i].start < found->start))
			found = &t->map[i];
	return found;
}

void map_clear(struct map_table *t)
{
	free(t->map);
	t->map = NULL;
	t->count = t->room = 0;
}
