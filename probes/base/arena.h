/* SPDX-License-Identifier: MIT */
/*
 * Memory that is freed all at once. A report, a plan or the evidence of one check
 * is built into an arena; nothing inside is freed alone, so that borrowed pointers
 * between its parts need no owner.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct arena_block;

/**
 * struct arena - a growing pool
 * @head:	newest block, NULL while empty
 *
 * Zero-initialise it; arena_done() frees all.
 */
struct arena {
	struct arena_block *head;
};

/**
 * arena_alloc() - zeroed memory that lives as long as the arena
 * @a:		arena
 * @size:	bytes
 *
 * Return: memory aligned for any object, or NULL when memory is exhausted.
 */
void *arena_alloc(struct arena *a, size_t size) must_check_;

/**
 * arena_strdup() - copy a string into the arena
 * @a:	arena
 * @s:	string, or NULL
 *
 * Return: the copy; NULL if @s is NULL or memory is exhausted.
 */
char *arena_strdup(struct arena *a, const char *s) must_check_;

/**
 * arena_memdup() - copy @size bytes and end them with a NUL
 * @a:		arena
 * @bytes:	what to copy; may hold NULs
 * @size:	bytes
 *
 * Return: the copy, or NULL when memory is exhausted.
 */
char *arena_memdup(struct arena *a, const void *bytes, size_t size) must_check_;

/**
 * arena_printf() - format into the arena
 * @a:		arena
 * @fmt:	printf format
 *
 * Return: the text, or NULL when memory is exhausted.
 */
char *arena_printf(struct arena *a, const char *fmt, ...) printf_(2, 3) must_check_;

/**
 * arena_vprintf() - arena_printf() with the arguments in @args
 * @a:		arena
 * @fmt:	printf format
 * @args:	its arguments; indeterminate afterwards
 */
char *arena_vprintf(struct arena *a, const char *fmt, va_list args) printf_(2, 0)
	must_check_;

/**
 * arena_done() - free all that came from the arena
 * @a:	arena, empty afterwards and ready for use again
 */
void arena_done(struct arena *a);

#define cleanup_arena cleanup_(arena_done)

#endif
