/* SPDX-License-Identifier: MIT */
/* What was made of some bytes, found again when the same bytes come. */
#ifndef BASE_MEMO_H
#define BASE_MEMO_H

#include <json-c/linkhash.h>

#include "base/arena.h"

/**
 * struct memo - values by the bytes that they were made of; { 0 } is empty
 * @arena:	of the entries; borrowed
 * @table:	private
 */
struct memo {
	struct arena *arena;
	struct lh_table *table;
};

/**
 * memo_find() - the value of these bytes
 * @m:		memo
 * @key, @len:	bytes
 *
 * Return: what memo_add() was given, or NULL.
 */
const void *memo_find(const struct memo *m, const void *key, size_t len);

/**
 * memo_add() - keep a value
 * @m:		memo
 * @key, @len:	bytes that it was made of and that it does not know yet; borrowed, as
 *		long as @m lives
 * @value:	borrowed likewise; not NULL
 *
 * Return: 0; -ENOMEM.
 */
int memo_add(struct memo *m, const void *key, size_t len, const void *value) must_check_;

/** memo_done() - forget all; @m may be empty */
void memo_done(struct memo *m);

#endif
