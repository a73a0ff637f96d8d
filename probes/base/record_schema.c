/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/record.h"

/* A schema is built depth first; the first failed allocation leaves bad set. */
struct builder {
	struct json_object *defs;
	bool bad;
};

static void put(struct builder *b, struct json_object *to, const char *key,
		struct json_object *value)
{
	if (!to || !value || json_object_object_add(to, key, value) < 0) {
		json_object_put(value);
		b->bad = true;
	}
}

static void push(struct builder *b, struct json_object *to, struct json_object *value)
{
	if (!to || !value || json_object_array_add(to, value) < 0) {
		json_object_put(value);
		b->bad = true;
	}
}

static struct json_object *text(const char *s)
{
	return json_object_new_string(s);
}

static struct json_object *typed(struct builder *b, const char *type, bool nullable)
{
	struct json_object *o = json_object_new_object();

	if (nullable) {
		struct json_object *both = json_object_new_array();

		push(b, both, text(type));
		push(b, both, text("null"));
		put(b, o, "type", both);
	} else {
		put(b, o, "type", text(type));
	}
	return o;
}

static void define(struct builder *b, const struct rec_shape *shape);

static struct json_object *reference(struct builder *b, const struct rec_shape *shape)
{
	struct json_object *o = json_object_new_object();
	char path[128];

	define(b, shape);
	(void)snprintf(path, sizeof(path), "#/$defs/%s", shape->name);
	put(b, o, "$ref", text(path));
	return o;
}

static struct json_object *nullable_reference(struct builder *b,
					      const struct rec_shape *s)
{
	struct json_object *o = json_object_new_object();
	struct json_object *any = json_object_new_array();

	push(b, any, reference(b, s));
	push(b, any, typed(b, "null", false));
	put(b, o, "anyOf", any);
	return o;
}

static struct json_object *words(struct builder *b, const char *const *names,
				 bool nullable)
{
	struct json_object *o = json_object_new_object();
	struct json_object *all = json_object_new_array();

	for (; *names; names++)
		push(b, all, text(*names));
	if (nullable && (!all || json_object_array_add(all, NULL) < 0))
		b->bad = true;
	put(b, o, "enum", all);
	return o;
}

static struct json_object *array_of(struct builder *b, struct json_object *item)
{
	struct json_object *o = typed(b, "array", false);

	put(b, o, "items", item);
	return o;
}

static struct json_object *integer(struct builder *b, bool nullable)
{
	struct json_object *o = typed(b, "integer", nullable);

	put(b, o, "minimum", json_object_new_int64(-REC_INT_MAX));
	put(b, o, "maximum", json_object_new_int64(REC_INT_MAX));
	return o;
}

static struct json_object *pattern(struct builder *b, const char *regex, bool nullable)
{
	struct json_object *o = typed(b, "string", nullable);

	put(b, o, "pattern", text(regex));
	return o;
}

static struct json_object *field_schema(struct builder *b, const struct rec_field *f)
{
	struct json_object *o = NULL;

	switch (f->type) {
	case REC_STR:
		return typed(b, "string", f->nullable);
	case REC_BOOL:
		return typed(b, "boolean", false);
	case REC_INT:
	case REC_OPT_INT:
		return integer(b, f->type == REC_OPT_INT);
	case REC_HEX:
		return pattern(b, "^0x(0|[1-9a-f][0-9a-f]{0,15})$", false);
	case REC_ENUM:
		return words(b, f->sub, f->nullable);
	case REC_ERRNO:
		return pattern(b, "^E[A-Z0-9]+$", true);
	case REC_OBJ:
		return reference(b, f->sub);
	case REC_PTR:
		return f->nullable ? nullable_reference(b, f->sub) : reference(b, f->sub);
	case REC_LIST:
		return array_of(b, reference(b, f->sub));
	case REC_STRS:
		return array_of(b, typed(b, "string", false));
	case REC_INTS:
		return array_of(b, integer(b, false));
	case REC_PAIRS:
		o = typed(b, "object", false);
		put(b, o, "additionalProperties", typed(b, "string", true));
		return o;
	case REC_CONST:
		o = json_object_new_object();
		put(b, o, "const", text(f->sub));
		return o;
	case REC_INLINE: /* add_fields() */
		break;
	}
	return NULL;
}

static void add_fields(struct builder *b, const struct rec_field *f,
		       struct json_object *props, struct json_object *required)
{
	for (; f->name; f++) {
		if (f->type == REC_INLINE) {
			add_fields(b, ((const struct rec_shape *)f->sub)->field, props,
				   required);
			continue;
		}
		put(b, props, f->name, field_schema(b, f));
		if (f->nullable != REC_OPTIONAL)
			push(b, required, text(f->name));
	}
}

/* One object: @shape's fields, the tag narrowed to @tag, then those of @variant. */
static struct json_object *object_schema(struct builder *b, const struct rec_shape *shape,
					 const struct rec_shape *variant, const char *tag)
{
	struct json_object *o = typed(b, "object", false);
	struct json_object *props = json_object_new_object();
	struct json_object *required = json_object_new_array();

	add_fields(b, shape->field, props, required);
	if (variant) {
		struct json_object *narrowed = json_object_new_object();

		put(b, narrowed, "const", text(tag));
		put(b, props, shape->field[0].name, narrowed);
		add_fields(b, variant->field, props, required);
	}
	put(b, o, "properties", props);
	put(b, o, "required", required);
	put(b, o, "additionalProperties", json_object_new_boolean(false));
	return o;
}

static void define(struct builder *b, const struct rec_shape *shape)
{
	struct json_object *o = NULL;
	struct json_object *one_of = NULL;
	const char *const *names = NULL;

	if (json_object_object_get_ex(b->defs, shape->name, NULL))
		return;
	/* holds the place, so that a shape may contain itself */
	put(b, b->defs, shape->name, json_object_new_object());
	if (!shape->variant) {
		put(b, b->defs, shape->name, object_schema(b, shape, NULL, NULL));
		return;
	}
	names = shape->field[0].sub;
	o = json_object_new_object();
	one_of = json_object_new_array();
	for (int i = 0; names[i]; i++)
		push(b, one_of, object_schema(b, shape, shape->variant[i], names[i]));
	put(b, o, "oneOf", one_of);
	put(b, b->defs, shape->name, o);
}

struct json_object *rec_schema(const struct rec_shape *shape, const char *id)
{
	struct json_object *root = json_object_new_object();
	struct builder b = { .defs = json_object_new_object(), .bad = false };
	char path[128];

	if (!root || !b.defs) {
		json_object_put(root);
		json_object_put(b.defs);
		return NULL;
	}
	put(&b, root, "$schema", text("https://json-schema.org/draft/2020-12/schema"));
	put(&b, root, "$id", text(id));
	(void)snprintf(path, sizeof(path), "#/$defs/%s", shape->name);
	put(&b, root, "$ref", text(path));
	define(&b, shape);
	put(&b, root, "$defs", b.defs);
	if (b.bad) {
		json_object_put(root);
		return NULL;
	}
	return root;
}
