/* SPDX-License-Identifier: MIT */
/*
 * Where in a JSON text something stands. json-c keeps no lines and the last of two
 * members of one name; people who write policies want to be told the line.
 */
#ifndef BASE_JSON_LINES_H
#define BASE_JSON_LINES_H

#include <stdbool.h>
#include <stddef.h>

/** JSON_POINTER_ROOM - bytes of the JSON Pointers given and returned, with the NUL */
#define JSON_POINTER_ROOM 256

/**
 * json_line() - the line of what a JSON Pointer names
 * @text:	JSON, need not end in NUL
 * @len:	bytes of @text
 * @pointer:	RFC 6901; "" is the whole
 *
 * Return: line, from 1: of the member or element; where there is none, of the nearest
 * thing above it that is there.
 */
size_t json_line(const char *text, size_t len, const char *pointer);

/**
 * json_flaw_line() - where a text stops being JSON
 * @text:	bytes
 * @len:	their number
 * @ret_column:	receives the byte of its line, from 1; untouched without a flaw; or NULL
 *
 * Looks at brackets, quotes, separators and words only. Return: line, from 1; 0 if no
 * flaw of that kind is found.
 */
size_t json_flaw_line(const char *text, size_t len, size_t *ret_column);

/**
 * json_duplicate() - find a member whose name stands twice in its object
 * @text:	JSON
 * @len:	bytes of @text
 * @ret_pointer: JSON_POINTER_ROOM bytes: the second of the two
 * @ret_line:	its line, from 1
 *
 * Return: whether there is one; the results are untouched otherwise.
 */
bool json_duplicate(const char *text, size_t len, char *ret_pointer, size_t *ret_line);

#endif
