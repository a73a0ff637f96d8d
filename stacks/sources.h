/* SPDX-License-Identifier: MIT */
/* The policies of this folder as the build put them into the executable. */
#ifndef STACKS_SOURCES_H
#define STACKS_SOURCES_H

#include <stddef.h>

/**
 * struct stack_source - one built-in policy, not parsed yet
 * @name:	name of its file without ".json"
 * @text:	content of the file, JSON, NUL-terminated
 */
struct stack_source {
	const char *name;
	const char *text;
};

/* In the order of their files; written by cmake/embed.cmake. */
extern const struct stack_source stack_sources[];

/* Number of elements of stack_sources. */
extern const size_t stack_source_count;

#endif
