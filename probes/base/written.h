/* SPDX-License-Identifier: MIT */
/*
 * JSON files that a person writes: policies, expectations. What is wrong in one is told
 * with its line, its JSON Pointer and the word at fault.
 */
#ifndef BASE_WRITTEN_H
#define BASE_WRITTEN_H

#include "base/cleanup.h"
#include "base/json_lines.h"
#include "base/record.h"

/** WRITTEN_MAX - bytes of the longest file that is read */
#define WRITTEN_MAX (1u << 20)

/**
 * struct written_error - why a file was refused
 * @line:	from 1; 0 if the fault has no place in the text
 * @pointer:	JSON Pointer to the place
 * @word:	the word there that is at fault, "" if none is
 * @text:	what is wrong and what would be right, one line without the file's name
 */
struct written_error {
	size_t line;
	char pointer[JSON_POINTER_ROOM];
	char word[64];
	char text[320];
};

/**
 * struct written_kind - what a file has to be
 * @shape:	of the structure that it is read as
 * @rules:	looks at that structure; its refusals are given their line
 */
struct written_kind {
	const struct rec_shape *shape;
	int (*rules)(struct written_error *err, const void *obj);
};

/**
 * written_refuse() - say what breaks a rule that no shape can hold
 * @err:	filled in but for @line, for which written_read() looks
 * @pointer:	JSON Pointer to the place
 * @word:	the word at fault
 * @fmt:	what is wrong
 *
 * Return: -EINVAL.
 */
int written_refuse(struct written_error *err, const char *pointer, const char *word,
		   const char *fmt, ...) printf_(4, 5);

/**
 * written_read() - read a text as a structure
 * @a:		arena of the result
 * @kind:	what it has to be
 * @text, @len:	JSON, need not end in NUL
 * @obj:	bytes of the kind's shape; indeterminate on failure
 * @err:	filled in on failure
 *
 * Return: 0; -EINVAL if it has not this shape or breaks a rule; -ENOMEM.
 */
int written_read(struct arena *a, const struct written_kind *kind, const char *text,
		 size_t len, void *obj, struct written_error *err) must_check_;

/**
 * written_slurp() - read the text of such a file
 * @path:	file
 * @ret:	text, to be freed by the caller; untouched on failure
 * @ret_len:	its bytes
 * @err:	filled in on failure
 *
 * Return: 0; -errno of open(2) or read(2); -EFBIG above WRITTEN_MAX; -ENOMEM.
 */
int written_slurp(const char *path, char **ret, size_t *ret_len,
		  struct written_error *err) must_check_;

#endif
