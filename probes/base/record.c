/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "base/record.h"
#include "base/utf8.h"

#define LIST_FIRST_ROOM 8u
#define DEPTH_MAX 32
#define ERRNO_END 4096 /* MAX_ERRNO + 1, include/linux/err.h */

void rec_list_set(struct rec_list *list, size_t i, const void *item)
{
	/* lists do not own their items; no reader writes through a string */
	memcpy(&list->item[i], &item, sizeof(item));
}

int rec_list_add(struct arena *a, struct rec_list *list, const void *item)
{
	if (!item)
		return -ENOMEM;
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : LIST_FIRST_ROOM;
		void **grown = arena_alloc(a, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (list->count)
			memcpy(grown, list->item, list->count * sizeof(*grown));
		list->item = grown;
		list->room = room;
	}
	rec_list_set(list, list->count++, item);
	return 0;
}

void *rec_list_new(struct arena *a, struct rec_list *list, size_t size)
{
	void *item = arena_alloc(a, size);

	return rec_list_add(a, list, item) < 0 ? NULL : item;
}

static const void *field_at(const struct rec_field *f, const void *obj)
{
	return (const char *)obj + f->offset;
}

/* Of a REC_INLINE row: those that stand in its place. */
static const struct rec_field *fields_of(const struct rec_field *f)
{
	return ((const struct rec_shape *)f->sub)->field;
}

static const struct rec_shape *variant_of(const struct rec_shape *shape, int tag)
{
	const struct rec_shape *const *v = shape->variant;

	for (int i = 0; v[i]; i++)
		if (i == tag)
			return v[i];
	return NULL;
}

/* ------------------------------------------------------------------ writer */

/* @s itself if it is UTF-8, else "hex:..." in memory that *@ret_hex owns, or NULL. */
static const char *as_utf8(const char *s, char **ret_hex)
{
	size_t len = strlen(s);
	char *hex = NULL;

	if (utf8_valid(s, len))
		return s;
	hex = calloc(1, sizeof("hex:") + 2 * len);
	if (!hex)
		return NULL;
	memcpy(hex, "hex:", strlen("hex:"));
	for (size_t i = 0; i < len; i++)
		(void)snprintf(hex + 4 + 2 * i, 3, "%02x", (unsigned char)s[i]);
	*ret_hex = hex;
	return hex;
}

static struct json_object *string_json(const char *s)
{
	cleanup_free char *hex = NULL;
	const char *text = as_utf8(s, &hex);

	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *hex_json(uint64_t v)
{
	char text[sizeof("0x") + 16];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, v);
	return json_object_new_string(text);
}

/* The kernel also leaks numbers that have no name for user space (ENOTSUPP is 524). */
static struct json_object *errno_json(int e)
{
	const char *name = strerrorname_np(e);
	char number[16];

	(void)snprintf(number, sizeof(number), "E%d", e);
	return json_object_new_string(name ? name : number);
}

static bool field_is_null(const struct rec_field *f, const void *at)
{
	switch ((int)f->type) {
	case REC_STR:
	case REC_PTR:
		return *(const void *const *)at == NULL;
	case REC_OPT_INT:
		return !((const struct opt_int *)at)->set;
	case REC_ENUM:
		return f->nullable && *(const int *)at < 0;
	case REC_ERRNO:
		return *(const int *)at == 0;
	default:
		return false;
	}
}

static struct json_object *list_json(const struct rec_field *f,
				     const struct rec_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < list->count; i++) {
		const void *item = list->item[i];
		struct json_object *one = NULL;

		if (f->type == REC_STRS)
			one = string_json(item);
		else if (f->type == REC_INTS)
			one = json_object_new_int64(*(const int64_t *)item);
		else
			one = rec_to_json(f->sub, item);
		if (!one || json_object_array_add(array, one) < 0) {
			json_object_put(one);
			json_object_put(array);
			return NULL;
		}
	}
	return array;
}

static struct json_object *pairs_json(const struct rec_list *list)
{
	struct json_object *json = json_object_new_object();

	for (size_t i = 0; json && i < list->count; i++) {
		const struct rec_pair *p = list->item[i];
		struct json_object *v = p->value ? string_json(p->value) : NULL;
		cleanup_free char *hex = NULL;
		const char *key = as_utf8(p->key, &hex);

		if ((p->value && !v) || !key ||
		    json_object_object_add(json, key, v) < 0) {
			json_object_put(v);
			json_object_put(json);
			return NULL;
		}
	}
	return json;
}

static struct json_object *field_json(const struct rec_field *f, const void *at)
{
	switch (f->type) {
	case REC_STR:
		return string_json(*(const char *const *)at);
	case REC_BOOL:
		return json_object_new_boolean(*(const bool *)at);
	case REC_INT:
		return json_object_new_int64(*(const int64_t *)at);
	case REC_OPT_INT:
		return json_object_new_int64(((const struct opt_int *)at)->v);
	case REC_HEX:
		return hex_json(*(const uint64_t *)at);
	case REC_ENUM:
		return json_object_new_string(
			((const char *const *)f->sub)[*(const int *)at]);
	case REC_ERRNO:
		return errno_json(*(const int *)at);
	case REC_OBJ:
		return rec_to_json(f->sub, at);
	case REC_PTR:
		return rec_to_json(f->sub, *(const void *const *)at);
	case REC_LIST:
	case REC_STRS:
	case REC_INTS:
		return list_json(f, at);
	case REC_PAIRS:
		return pairs_json(at);
	case REC_CONST:
		return json_object_new_string(f->sub);
	case REC_INLINE: /* fields_write() */
		break;
	}
	return NULL;
}

static int fields_write(const struct rec_field *f, const void *obj,
			struct json_object *json)
{
	for (; f->name; f++) {
		const void *at = field_at(f, obj);
		struct json_object *v = NULL;

		if (f->type == REC_INLINE) {
			int r = fields_write(fields_of(f), at, json);

			if (r < 0)
				return r;
			continue;
		}
		if (!field_is_null(f, at)) {
			v = field_json(f, at);
			if (!v)
				return -ENOMEM;
		} else if (f->nullable == REC_OPTIONAL) {
			continue;
		}
		if (json_object_object_add(json, f->name, v) < 0) {
			json_object_put(v);
			return -ENOMEM;
		}
	}
	return 0;
}

struct json_object *rec_to_json(const struct rec_shape *shape, const void *obj)
{
	struct json_object *json = json_object_new_object();
	int r = json ? fields_write(shape->field, obj, json) : -ENOMEM;

	if (r == 0 && shape->variant) {
		const struct rec_shape *v =
			variant_of(shape, *(const int *)field_at(&shape->field[0], obj));

		r = v ? fields_write(v->field, obj, json) : 0;
	}
	if (r < 0) {
		json_object_put(json);
		return NULL;
	}
	return json;
}

/* ------------------------------------------------------------------ reader */

struct reader {
	struct arena *arena;
	struct rec_error *err;
	size_t len;     /* of err->pointer */
	size_t members; /* read so far, of all objects */
	bool missing;   /* refused for a key that is not there */
	int depth;
};

static int read_shape(struct reader *r, const struct rec_shape *shape,
		      struct json_object *json, void *obj);

static int printf_(2, 3) refuse(struct reader *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(r->err->text, sizeof(r->err->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* Appends to the pointer; what has no room is cut. */
static void point(struct reader *r, char c)
{
	if (r->len + 1 < sizeof(r->err->pointer))
		r->err->pointer[r->len++] = c;
}

/* Steps down to a key or index (RFC 6901 escapes); returns what leave() needs. */
static size_t enter(struct reader *r, const char *key, size_t index)
{
	size_t was = r->len;
	char number[24];

	if (!key) {
		(void)snprintf(number, sizeof(number), "%zu", index);
		key = number;
	}
	point(r, '/');
	for (; *key; key++) {
		if (*key != '~' && *key != '/') {
			point(r, *key);
			continue;
		}
		point(r, '~');
		point(r, *key == '~' ? '0' : '1');
	}
	r->err->pointer[r->len] = '\0';
	return was;
}

static void leave(struct reader *r, size_t was)
{
	r->len = was;
	r->err->pointer[was] = '\0';
}

static int expect(struct reader *r, struct json_object *json, enum json_type type)
{
	if (!json_object_is_type(json, type))
		return refuse(r, "expected %s", json_type_to_name(type));
	if (type == json_type_string && strlen(json_object_get_string(json)) !=
						(size_t)json_object_get_string_len(json))
		return refuse(r, "the string holds a NUL");
	return 0;
}

static int read_string(struct reader *r, struct json_object *json, const char **ret)
{
	*ret = arena_strdup(r->arena, json_object_get_string(json));
	return *ret ? 0 : -ENOMEM;
}

static int read_int(struct reader *r, struct json_object *json, int64_t *ret)
{
	int64_t v = json_object_get_int64(json);

	if (v > REC_INT_MAX || v < -REC_INT_MAX)
		return refuse(r, "the number is beyond 2^53");
	*ret = v;
	return 0;
}

static int read_hex(struct reader *r, struct json_object *json, uint64_t *ret)
{
	const char *s = json_object_get_string(json);
	size_t digits = strlen(s) > 2 ? strlen(s) - 2 : 0;

	if (strncmp(s, "0x", 2) != 0 || !digits || digits > 16 ||
	    strspn(s + 2, "0123456789abcdef") != digits || (s[2] == '0' && digits > 1))
		return refuse(r, "\"%s\" is not a 64-bit number in hex", s);
	*ret = strtoull(s, NULL, 16);
	return 0;
}

static int read_enum(struct reader *r, const struct rec_field *f,
		     struct json_object *json, int *ret)
{
	const char *s = json_object_get_string(json);
	const char *const *names = f->sub;

	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], s)) {
			*ret = i;
			return 0;
		}
	}
	return refuse(r, "\"%s\" is not one of the words allowed here", s);
}

static int read_errno(struct reader *r, struct json_object *json, int *ret)
{
	const char *s = json_object_get_string(json);

	for (int e = 1; e < ERRNO_END; e++) {
		const char *name = strerrorname_np(e);
		char number[16];

		if (!name) {
			(void)snprintf(number, sizeof(number), "E%d", e);
			name = number;
		}
		if (!strcmp(name, s)) {
			*ret = e;
			return 0;
		}
	}
	return refuse(r, "\"%s\" is not the name of an errno", s);
}

static int read_item(struct reader *r, const struct rec_field *f,
		     struct json_object *json, void **ret)
{
	const struct rec_shape *shape = f->sub;
	enum json_type want = f->type == REC_STRS   ? json_type_string
			      : f->type == REC_INTS ? json_type_int
						    : json_type_object;
	const char *s = NULL;
	int ret_read = 0;

	ret_read = expect(r, json, want);
	if (ret_read < 0)
		return ret_read;
	if (f->type == REC_STRS) {
		ret_read = read_string(r, json, &s);
		memcpy(ret, &s, sizeof(s));
		return ret_read;
	}
	*ret = arena_alloc(r->arena, f->type == REC_INTS ? sizeof(int64_t) : shape->size);
	if (!*ret)
		return -ENOMEM;
	return f->type == REC_INTS ? read_int(r, json, *ret)
				   : read_shape(r, shape, json, *ret);
}

static int read_list(struct reader *r, const struct rec_field *f,
		     struct json_object *json, struct rec_list *list)
{
	size_t n = json_object_array_length(json);

	for (size_t i = 0; i < n; i++) {
		size_t was = enter(r, NULL, i);
		void *item = NULL;
		int e = read_item(r, f, json_object_array_get_idx(json, i), &item);

		if (e == 0)
			e = rec_list_add(r->arena, list, item);
		if (e < 0)
			return e;
		leave(r, was);
	}
	return 0;
}

static int read_pairs(struct reader *r, struct json_object *json, struct rec_list *list)
{
	json_object_object_foreach(json, key, val)
	{
		size_t was = enter(r, key, 0);
		struct rec_pair *p = rec_list_new(r->arena, list, sizeof(*p));
		int e = 0;

		if (!p)
			return -ENOMEM;
		p->key = arena_strdup(r->arena, key);
		if (!p->key)
			return -ENOMEM;
		if (val)
			e = expect(r, val, json_type_string);
		if (val && e == 0)
			e = read_string(r, val, &p->value);
		if (e < 0)
			return e;
		r->members++;
		leave(r, was);
	}
	return 0;
}

static enum json_type json_type_of(enum rec_type type)
{
	switch (type) {
	case REC_BOOL:
		return json_type_boolean;
	case REC_INT:
	case REC_OPT_INT:
		return json_type_int;
	case REC_OBJ:
	case REC_PTR:
	case REC_PAIRS:
		return json_type_object;
	case REC_LIST:
	case REC_STRS:
	case REC_INTS:
		return json_type_array;
	case REC_STR:
	case REC_HEX:
	case REC_ENUM:
	case REC_ERRNO:
	case REC_CONST:
	case REC_INLINE:
		break;
	}
	return json_type_string;
}

static int read_null(struct reader *r, const struct rec_field *f, void *at)
{
	if (f->type == REC_ENUM && f->nullable)
		*(int *)at = -1;
	else if (f->type != REC_OPT_INT && f->type != REC_ERRNO && !f->nullable)
		return refuse(r, "null is not allowed here");
	return 0;
}

static int read_field(struct reader *r, const struct rec_field *f,
		      struct json_object *json, void *at)
{
	int e = 0;

	if (!json)
		return read_null(r, f, at);
	e = expect(r, json, json_type_of(f->type));
	if (e < 0)
		return e;
	switch (f->type) {
	case REC_STR:
		return read_string(r, json, at);
	case REC_BOOL:
		*(bool *)at = json_object_get_boolean(json);
		return 0;
	case REC_INT:
		return read_int(r, json, at);
	case REC_OPT_INT:
		((struct opt_int *)at)->set = true;
		return read_int(r, json, &((struct opt_int *)at)->v);
	case REC_HEX:
		return read_hex(r, json, at);
	case REC_ENUM:
		return read_enum(r, f, json, at);
	case REC_ERRNO:
		return read_errno(r, json, at);
	case REC_OBJ:
		return read_shape(r, f->sub, json, at);
	case REC_PTR: {
		const struct rec_shape *shape = f->sub;
		void *obj = arena_alloc(r->arena, shape->size);

		*(void **)at = obj;
		return obj ? read_shape(r, shape, json, obj) : -ENOMEM;
	}
	case REC_LIST:
	case REC_STRS:
	case REC_INTS:
		return read_list(r, f, json, at);
	case REC_PAIRS:
		return read_pairs(r, json, at);
	case REC_CONST:
		if (strcmp(json_object_get_string(json), f->sub) != 0)
			return refuse(r, "expected \"%s\"", (const char *)f->sub);
		return 0;
	case REC_INLINE: /* read_fields() */
		break;
	}
	return -EINVAL;
}

static int read_key(struct reader *r, const struct rec_field *f, struct json_object *json,
		    void *at, int *keys)
{
	struct json_object *v = NULL;
	size_t was = 0;
	int e = 0;

	if (!json_object_object_get_ex(json, f->name, &v)) {
		if (f->nullable == REC_OPTIONAL)
			return read_null(r, f, at);
		r->missing = true;
		return refuse(r, "the key \"%s\" is missing", f->name);
	}
	(*keys)++;
	was = enter(r, f->name, 0);
	e = read_field(r, f, v, at);
	if (e == 0)
		leave(r, was);
	return e;
}

static int read_fields(struct reader *r, const struct rec_field *f,
		       struct json_object *json, void *obj, int *keys)
{
	for (; f->name; f++) {
		void *at = (char *)obj + f->offset;
		int e = f->type == REC_INLINE
				? read_fields(r, fields_of(f), json, at, keys)
				: read_key(r, f, json, at, keys);

		if (e < 0)
			return e;
	}
	return 0;
}

static bool fields_know(const struct rec_field *f, const char *key)
{
	for (; f->name; f++)
		if (f->type == REC_INLINE ? fields_know(fields_of(f), key)
					  : !strcmp(f->name, key))
			return true;
	return false;
}

static bool shape_knows(const struct rec_shape *shape, const struct rec_shape *variant,
			const char *key)
{
	return fields_know(shape->field, key) ||
	       (variant && fields_know(variant->field, key));
}

static int refuse_unknown(struct reader *r, const struct rec_shape *shape,
			  const struct rec_shape *variant, struct json_object *json)
{
	json_object_object_foreach(json, key, val)
	{
		(void)val;
		if (!shape_knows(shape, variant, key)) {
			(void)enter(r, key, 0);
			return refuse(r, "the key \"%s\" is not known", key);
		}
	}
	return 0;
}

static int read_shape(struct reader *r, const struct rec_shape *shape,
		      struct json_object *json, void *obj)
{
	const struct rec_shape *variant = NULL;
	int keys = 0;
	int e = 0;

	if (++r->depth > DEPTH_MAX)
		return refuse(r, "nested deeper than %d", DEPTH_MAX);
	if (!json_object_is_type(json, json_type_object))
		return refuse(r, "expected object");
	memset(obj, 0, shape->size);
	e = read_fields(r, shape->field, json, obj, &keys);
	if (e == 0 && shape->variant) {
		variant =
			variant_of(shape, *(const int *)field_at(&shape->field[0], obj));
		e = variant ? read_fields(r, variant->field, json, obj, &keys) : 0;
	}
	/* a key with a typo is told before the one that it should have been */
	if (e == 0 ? json_object_object_length(json) != keys
		   : r->missing && !shape->variant)
		e = refuse_unknown(r, shape, variant, json) < 0 ? -EINVAL : e;
	r->missing = false;
	r->members += (size_t)keys;
	r->depth--;
	return e;
}

int rec_from_json(struct arena *a, const struct rec_shape *shape,
		  struct json_object *json, void *obj, struct rec_error *err)
{
	struct reader r = { .arena = a, .err = err };

	memset(err, 0, sizeof(*err));
	return read_shape(&r, shape, json, obj);
}

/*
 * What json-c lets pass even when it is strict: 'single quotes', control characters
 * in strings, and the end of a key at \u0000. Counts the members of all objects, from
 * which a key that stands twice is told: json-c keeps the last.
 */
static const char *text_flaw(const char *text, size_t len, size_t *ret_members)
{
	bool quoted = false;

	*ret_members = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"') {
			quoted = !quoted;
		} else if (!quoted) {
			*ret_members += c == ':';
			if (c == '\'')
				return "a string in single quotes";
		} else if (c < 0x20) {
			return "a control character in a string";
		} else if (c == '\\') {
			if (len - i > 5 && !memcmp(text + i, "\\u0000", 6))
				return "a string holds a NUL";
			i++;
		}
	}
	return NULL;
}

static int read_text(struct json_tokener *tok, struct reader *r,
		     const struct rec_shape *shape, const char *text, size_t len,
		     void *obj)
{
	struct json_object *json = json_tokener_parse_ex(tok, text, (int)len);
	enum json_tokener_error bad = json_tokener_get_error(tok);
	size_t end = json_tokener_get_parse_end(tok);
	size_t members = 0;
	const char *flaw = text_flaw(text, len, &members);
	int e = 0;

	if (bad == json_tokener_continue)
		e = refuse(r, "not JSON: it ends too early, at byte %zu", end);
	else if (bad != json_tokener_success)
		e = refuse(r, "not JSON at byte %zu: %s", end,
			   json_tokener_error_desc(bad));
	else if (!utf8_valid(text, len)) /* json-c lets surrogates pass */
		e = refuse(r, "not JSON: it is not UTF-8");
	else if (flaw || end != len)
		e = refuse(r, "not JSON: %s", flaw ? flaw : "a NUL follows it");
	else
		e = read_shape(r, shape, json, obj);
	if (e == 0 && r->members != members)
		e = refuse(r, "a key stands twice in one object");
	json_object_put(json);
	return e;
}

int rec_parser_init(struct rec_parser *p, struct arena *a)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);

	*p = (struct rec_parser){ .arena = a, .tok = tok };
	if (!tok)
		return -ENOMEM;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	return 0;
}

void rec_parser_done(struct rec_parser *p)
{
	if (p->tok)
		json_tokener_free(p->tok);
	p->tok = NULL;
}

int rec_parse(struct rec_parser *p, const struct rec_shape *shape, const char *text,
	      size_t len, void *obj, struct rec_error *err)
{
	struct reader r = { .arena = p->arena, .err = err };
	int e = 0;

	memset(err, 0, sizeof(*err));
	json_tokener_reset(p->tok);
	if (len > INT_MAX)
		e = refuse(&r, "longer than 2 GiB");
	else
		e = read_text(p->tok, &r, shape, text, len, obj);
	utf8_mend(err->pointer); /* what was quoted may be cut, or no UTF-8 at all */
	utf8_mend(err->text);
	return e;
}

int rec_from_text(struct arena *a, const struct rec_shape *shape, const char *text,
		  size_t len, void *obj, struct rec_error *err)
{
	cleanup_(rec_parser_done) struct rec_parser p;

	memset(err, 0, sizeof(*err));
	if (rec_parser_init(&p, a) < 0)
		return -ENOMEM;
	return rec_parse(&p, shape, text, len, obj, err);
}
