/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A record is a C structure together with a table that names its fields. From that
 * one table come the JSON writer, the strict JSON reader and the JSON Schema, so
 * that the three cannot disagree: every key is always written, in table order, null
 * where nothing is known; the reader refuses a key that is missing, unknown or of
 * another type; the schema says the same.
 */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/** REC_INT_MAX - the largest integer that every JSON reader keeps exactly (2^53) */
#define REC_INT_MAX (INT64_C(1) << 53)

/**
 * enum rec_type - how a field lies in the structure and in JSON
 * @REC_STR:	const char *; string. NULL is null, allowed only with @nullable
 * @REC_BOOL:	bool; true or false
 * @REC_INT:	int64_t; number of at most REC_INT_MAX in size
 * @REC_OPT_INT: struct opt_int; number or null
 * @REC_HEX:	uint64_t; string "0x..." in lower case without leading zeros
 * @REC_ENUM:	int; one of the strings of @sub (NULL-ended const char *const [])
 * @REC_ERRNO:	int; name of the errno ("EFAULT"), 0 is null
 * @REC_OBJ:	embedded structure of shape @sub; object
 * @REC_PTR:	pointer to a structure of shape @sub; object, or null with @nullable
 * @REC_LIST:	struct rec_list of pointers to structures of shape @sub; array
 * @REC_STRS:	struct rec_list of const char *; array of strings
 * @REC_INTS:	struct rec_list of int64_t *; array of numbers
 * @REC_PAIRS:	struct rec_list of struct rec_pair *; object with free keys
 * @REC_CONST:	no storage; always the string @sub
 * @REC_INLINE:	embedded structure of shape @sub, whose fields stand among the others;
 *		the row's name is not a key
 */
enum rec_type {
	REC_STR,
	REC_BOOL,
	REC_INT,
	REC_OPT_INT,
	REC_HEX,
	REC_ENUM,
	REC_ERRNO,
	REC_OBJ,
	REC_PTR,
	REC_LIST,
	REC_STRS,
	REC_INTS,
	REC_PAIRS,
	REC_CONST,
	REC_INLINE,
};

/**
 * struct opt_int - a number that may be unknown
 * @set:	whether @v is known
 * @v:		the number
 */
struct opt_int {
	bool set;
	int64_t v;
};

/** opt_int() - a known number */
static inline struct opt_int opt_int(int64_t v)
{
	return (struct opt_int){ .set = true, .v = v };
}

/**
 * struct rec_list - a list of pointers; the array lives in an arena
 * @item:	@count pointers
 * @count:	number of items
 * @room:	allocated pointers, private
 */
struct rec_list {
	void **item;
	size_t count, room;
};

/**
 * struct rec_pair - one key and its string value, NULL for null
 */
struct rec_pair {
	const char *key, *value;
};

struct rec_shape;

/**
 * enum rec_nullable - whether a value may be null
 * @REC_OPTIONAL: it may, and the key may be left out, which is the same and is how null is
 *		written; of files that people write
 */
enum rec_nullable {
	REC_NEVER_NULL,
	REC_NULLABLE,
	REC_OPTIONAL
};

/**
 * struct rec_field - one row of a shape
 * @name:	JSON key
 * @type:	how the field lies in memory and in JSON
 * @offset:	offsetof() in the structure
 * @nullable:	null is allowed (REC_STR, REC_ENUM (-1), REC_PTR): enum rec_nullable
 * @sub:	shape, names or constant, by @type
 */
struct rec_field {
	const char *name;
	enum rec_type type;
	size_t offset;
	unsigned char nullable;
	const void *sub;
};

/**
 * struct rec_shape - the table of a structure
 * @name:	name of its definition in the schema
 * @size:	sizeof() of the structure
 * @field:	rows, ended by a NULL name
 * @variant:	NULL, or one shape per value of the tag, which is then the first
 *		field (REC_ENUM); a variant's fields follow those of @field
 */
struct rec_shape {
	const char *name;
	size_t size;
	const struct rec_field *field;
	const struct rec_shape *const *variant;
};

/* clang-format off */
/** REC_FIELD() - a row whose key is the name of the member, never null */
#define REC_FIELD(type_, member, kind) { #member, kind, offsetof(type_, member), REC_NEVER_NULL, NULL }
/** REC_NULL() - likewise, and may be null */
#define REC_NULL(type_, member, kind) { #member, kind, offsetof(type_, member), REC_NULLABLE, NULL }
/** REC_OF() - likewise, with names or a shape; never null */
#define REC_OF(type_, member, kind, sub_) { #member, kind, offsetof(type_, member), REC_NEVER_NULL, sub_ }
/** REC_NULL_OF() - likewise, and may be null */
#define REC_NULL_OF(type_, member, kind, sub_) { #member, kind, offsetof(type_, member), REC_NULLABLE, sub_ }
/** REC_OPTIONAL_OF() - likewise, and may be left out */
#define REC_OPTIONAL_OF(type_, member, kind, sub_) { #member, kind, offsetof(type_, member), REC_OPTIONAL, sub_ }
/** REC_SHAPE() - the shape of struct s, whose rows are s_fields */
#define REC_SHAPE(s) { .name = #s, .size = sizeof(struct s), .field = s##_fields }
/* clang-format on */

/**
 * struct rec_error - why a document was refused
 * @pointer:	JSON Pointer (RFC 6901) to the place
 * @text:	what is wrong there, one line
 */
struct rec_error {
	char pointer[256];
	char text[256];
};

/**
 * rec_list_add() - append a pointer
 * @a:		arena that holds the list's array
 * @list:	list
 * @item:	borrowed; must live as long as @a
 *
 * Return: 0; -ENOMEM if memory is exhausted or @item is NULL (so that an
 * allocation may be passed in unchecked).
 */
int rec_list_add(struct arena *a, struct rec_list *list, const void *item) must_check_;

/**
 * rec_list_set() - put another pointer in the place of one
 * @list:	list
 * @i:		below @list->count
 * @item:	borrowed
 */
void rec_list_set(struct rec_list *list, size_t i, const void *item);

/**
 * rec_list_new() - append a zeroed structure
 * @a:		arena
 * @list:	list
 * @size:	bytes of the structure
 *
 * Return: the structure, or NULL when memory is exhausted.
 */
void *rec_list_new(struct arena *a, struct rec_list *list, size_t size) must_check_;

/**
 * rec_to_json() - write a structure
 * @shape:	its table
 * @obj:	the structure
 *
 * Strings that are not UTF-8 are written as "hex:" and their bytes in hex.
 * Return: a new object owned by the caller, or NULL when memory is exhausted.
 */
struct json_object *rec_to_json(const struct rec_shape *shape, const void *obj)
	must_check_;

/**
 * rec_from_json() - read a structure, strictly
 * @a:		arena for all that @obj will point to
 * @shape:	its table
 * @json:	borrowed
 * @obj:	@shape->size bytes; indeterminate on failure
 * @err:	place and reason on failure
 *
 * Return: 0; -EINVAL if @json does not have exactly this shape; -ENOMEM.
 */
int rec_from_json(struct arena *a, const struct rec_shape *shape,
		  struct json_object *json, void *obj, struct rec_error *err) must_check_;

/**
 * rec_from_text() - parse one JSON text and read a structure from it
 * @a:		arena
 * @shape:	table
 * @text:	JSON, need not end in NUL
 * @len:	bytes of @text
 * @obj:	@shape->size bytes
 * @err:	place and reason on failure
 *
 * Return: as rec_from_json(); -EINVAL also for what is not JSON or not UTF-8.
 */
int rec_from_text(struct arena *a, const struct rec_shape *shape, const char *text,
		  size_t len, void *obj, struct rec_error *err) must_check_;

/**
 * struct rec_parser - for many texts: what json-c needs is made once
 * @arena:	of all that the structures will point to; borrowed
 * @tok:	private
 */
struct rec_parser {
	struct arena *arena;
	struct json_tokener *tok;
};

/** rec_parser_init() - Return: 0; -ENOMEM, and there is nothing to be done with @p */
int rec_parser_init(struct rec_parser *p, struct arena *a) must_check_;

/** rec_parse() - rec_from_text() into the parser's arena */
int rec_parse(struct rec_parser *p, const struct rec_shape *shape, const char *text,
	      size_t len, void *obj, struct rec_error *err) must_check_;

/** rec_parser_done() - free what is the parser's own; @p may be { 0 } */
void rec_parser_done(struct rec_parser *p);

/**
 * rec_schema() - the JSON Schema (draft 2020-12) of a shape
 * @shape:	table
 * @id:		value of "$id"
 *
 * Return: a new object owned by the caller, or NULL when memory is exhausted.
 */
struct json_object *rec_schema(const struct rec_shape *shape, const char *id) must_check_;

#endif
