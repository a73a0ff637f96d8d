/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/memo.h"

struct bytes {
	const void *at;
	size_t len;
};

/* The multiplier is 2^64 divided by the golden ratio. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* Two at a time, as neither waits for the other's multiplication. */
static unsigned long hash_of(const void *key)
{
	const struct bytes *b = key;
	const char *at = b->at;
	size_t left = b->len;
	uint64_t one = left, other = 0, word[2] = { 0 };

	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(word, at, sizeof(word));
		one = mix(one, word[0]);
		other = mix(other, word[1]);
	}
	memset(word, 0, sizeof(word));
	memcpy(word, at, left);
	return mix(mix(one, word[0]), mix(other, word[1]));
}

static int same(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;

	return x->len == y->len && !memcmp(x->at, y->at, x->len);
}

const void *memo_find(const struct memo *m, const void *key, size_t len)
{
	struct bytes want = { key, len };
	const struct lh_entry *e =
		m->table ? lh_table_lookup_entry(m->table, &want) : NULL;

	return e ? lh_entry_v(e) : NULL;
}

int memo_add(struct memo *m, const void *key, size_t len, const void *value)
{
	struct bytes *b = arena_alloc(m->arena, sizeof(*b));

	if (!m->table)
		m->table = lh_table_new(256, NULL, hash_of, same);
	if (!b || !m->table)
		return -ENOMEM;
	*b = (struct bytes){ key, len };
	return lh_table_insert(m->table, b, value) < 0 ? -ENOMEM : 0;
}

void memo_done(struct memo *m)
{
	if (m->table)
		lh_table_free(m->table);
	m->table = NULL;
}
