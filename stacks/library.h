/* SPDX-License-Identifier: MIT */
/* The policies: those built into the executable, and those in files of the user's. */
#ifndef STACKS_LIBRARY_H
#define STACKS_LIBRARY_H

#include "base/written.h"
#include "core/stack.h"

/**
 * stack_parse() - read one policy and find out whether it can be played
 * @a:		arena of the result
 * @text:	JSON ("vhostcheck-stack/1"), need not end in NUL
 * @len:	bytes of @text
 * @ret:	policy; untouched on failure
 * @err:	filled in on failure
 *
 * Return: 0; -EINVAL if it is not of the schema or contradicts itself; -ENOMEM.
 */
int stack_parse(struct arena *a, const char *text, size_t len, const struct stack **ret,
		struct written_error *err) must_check_;

/**
 * stack_library() - the policies that are built in
 * @a:		arena of the result
 * @ret:	empty; receives struct stack pointers in the order of their names
 * @err:	filled in on failure
 *
 * Return: 0; -EINVAL if one is broken, which tests rule out; -ENOMEM.
 */
int stack_library(struct arena *a, struct rec_list *ret, struct written_error *err)
	must_check_;

/**
 * stack_find() - a policy by its name
 * @library:	struct stack pointers
 * @name:	name
 *
 * Return: the policy, or NULL.
 */
const struct stack *stack_find(const struct rec_list *library, const char *name);

/**
 * stack_file_read() - read a policy from a file of the user's
 * @a:		arena of the result
 * @path:	file
 * @ret:	policy; untouched on failure
 * @err:	filled in on failure
 *
 * Return: 0; -errno of open(2) or read(2); -EFBIG above WRITTEN_MAX; -EEXIST if it
 * has the name of a built-in policy, so that a report names each by one name; as
 * stack_parse() else.
 */
int stack_file_read(struct arena *a, const char *path, const struct stack **ret,
		    struct written_error *err) must_check_;

#endif
