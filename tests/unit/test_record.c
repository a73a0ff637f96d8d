/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/record.h"

/*
 * The arena of this program fails at the call that a test names. Its object defines all
 * that the library's does, so that the linker leaves that one out.
 */
static size_t calls_until_failure;

static void *failing_calloc(size_t n, size_t size)
{
	if (calls_until_failure && --calls_until_failure == 0)
		return NULL;
	return calloc(n, size);
}

#define calloc failing_calloc
#include "base/arena.c" /* NOLINT(bugprone-suspicious-include) */
#undef calloc

struct inner {
	const char *name;
	int64_t n;
};

struct leaf {
	int kind;
	union {
		int64_t number;
		const char *text;
	};
};

struct all {
	const char *str, *str_null;
	bool yes;
	int64_t number;
	struct opt_int opt;
	uint64_t hex;
	int word, word_null;
	int err;
	struct inner obj;
	struct inner *ptr, *ptr_null;
	struct rec_list list, strs, ints, pairs, leaves;
};

static const char *const word_names[] = { "red", "green", NULL };
static const char *const leaf_names[] = { "number", "text", "empty", NULL };

static const struct rec_field inner_fields[] = {
	REC_FIELD(struct inner, name, REC_STR),
	REC_FIELD(struct inner, n, REC_INT),
	{ 0 },
};

static const struct rec_shape inner_shape = { "inner", sizeof(struct inner), inner_fields,
					      NULL };

static const struct rec_field leaf_head[] = {
	{ "kind", REC_ENUM, offsetof(struct leaf, kind), false, leaf_names },
	{ 0 },
};

static const struct rec_field number_fields[] = {
	REC_FIELD(struct leaf, number, REC_INT),
	{ 0 },
};

static const struct rec_field text_fields[] = {
	REC_FIELD(struct leaf, text, REC_STR),
	{ 0 },
};

static const struct rec_field no_fields[] = { { 0 } };

static const struct rec_shape number_shape = { "leaf_number", sizeof(struct leaf),
					       number_fields, NULL };
static const struct rec_shape text_shape = { "leaf_text", sizeof(struct leaf),
					     text_fields, NULL };
static const struct rec_shape empty_shape = { "leaf_empty", sizeof(struct leaf),
					      no_fields, NULL };
static const struct rec_shape *const leaf_variants[] = { &number_shape, &text_shape,
							 &empty_shape, NULL };
static const struct rec_shape leaf_shape = { "leaf", sizeof(struct leaf), leaf_head,
					     leaf_variants };

static const struct rec_field all_fields[] = {
	{ "schema", REC_CONST, 0, false, "all/1" },
	REC_FIELD(struct all, str, REC_STR),
	{ "str_null", REC_STR, offsetof(struct all, str_null), true, NULL },
	REC_FIELD(struct all, yes, REC_BOOL),
	REC_FIELD(struct all, number, REC_INT),
	REC_FIELD(struct all, opt, REC_OPT_INT),
	REC_FIELD(struct all, hex, REC_HEX),
	{ "word", REC_ENUM, offsetof(struct all, word), false, word_names },
	{ "word_null", REC_ENUM, offsetof(struct all, word_null), true, word_names },
	REC_FIELD(struct all, err, REC_ERRNO),
	{ "obj", REC_OBJ, offsetof(struct all, obj), false, &inner_shape },
	{ "ptr", REC_PTR, offsetof(struct all, ptr), false, &inner_shape },
	{ "ptr_null", REC_PTR, offsetof(struct all, ptr_null), true, &inner_shape },
	{ "list", REC_LIST, offsetof(struct all, list), false, &inner_shape },
	REC_FIELD(struct all, strs, REC_STRS),
	REC_FIELD(struct all, ints, REC_INTS),
	REC_FIELD(struct all, pairs, REC_PAIRS),
	{ "leaves", REC_LIST, offsetof(struct all, leaves), false, &leaf_shape },
	{ 0 },
};

static const struct rec_shape all_shape = { "all", sizeof(struct all), all_fields, NULL };

static const char example[] =
	"{\"schema\":\"all/1\",\"str\":\"s\",\"str_null\":null,\"yes\":true,\"number\":-5,"
	"\"opt\":null,\"hex\":\"0xffffffffffffffff\",\"word\":\"green\",\"word_null\":null,"
	"\"err\":\"EFAULT\",\"obj\":{\"name\":\"o\",\"n\":1},\"ptr\":{\"name\":\"p\",\"n\":2},"
	"\"ptr_null\":null,\"list\":[{\"name\":\"l\",\"n\":3}],\"strs\":[\"a\",\"b\"],"
	"\"ints\":[9007199254740992,-9007199254740992],\"pairs\":{\"k\":\"v\",\"null\":null},"
	"\"leaves\":[{\"kind\":\"number\",\"number\":7},{\"kind\":\"text\",\"text\":\"t\"},"
	"{\"kind\":\"empty\"}]}";

static int read_all(struct arena *a, const char *text, size_t len, struct all *ret,
		    struct rec_error *err)
{
	return rec_from_text(a, &all_shape, text, len, ret, err);
}

/* The example with the first @from replaced by @to. */
static char *edited(const char *from, const char *to)
{
	const char *at = strstr(example, from);
	char *text = NULL;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - example), example, to,
			     at + strlen(from)) > 0);
	return text;
}

static void refused(const char *from, const char *to, const char *pointer,
		    const char *reason)
{
	struct arena a = { 0 };
	char *text = edited(from, to);
	struct rec_error err;
	struct all all;

	assert_int_equal(read_all(&a, text, strlen(text), &all, &err), -EINVAL);
	assert_string_equal(err.pointer, pointer);
	if (!strstr(err.text, reason))
		fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
	free(text);
	arena_done(&a);
}

static void accepted(const char *from, const char *to)
{
	struct arena a = { 0 };
	char *text = edited(from, to);
	struct rec_error err;
	struct all all;

	if (read_all(&a, text, strlen(text), &all, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.text);
	free(text);
	arena_done(&a);
}

static void a_record_survives_the_round_trip(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct json_object *json = NULL;
	struct rec_error err;
	struct all all;

	(void)state;
	assert_int_equal(read_all(&a, example, strlen(example), &all, &err), 0);
	assert_true(all.hex == UINT64_MAX);
	assert_int_equal(all.word, 1);
	assert_int_equal(all.word_null, -1);
	assert_int_equal(all.err, EFAULT);
	assert_false(all.opt.set);
	assert_null(all.ptr_null);
	assert_true(*(int64_t *)all.ints.item[0] == REC_INT_MAX);
	assert_int_equal(((struct leaf *)all.leaves.item[0])->number, 7);
	json = rec_to_json(&all_shape, &all);
	assert_non_null(json);
	assert_string_equal(
		json_object_to_json_string_ext(
			json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
		example);
	json_object_put(json);
}

static void every_word_of_the_contract_is_held(void **state)
{
	(void)state;
	refused("\"all/1\"", "\"all/2\"", "/schema", "expected \"all/1\"");
	refused("\"str\":\"s\",", "", "", "the key \"str\" is missing");
	refused("\"str\":", "\"extra\":1,\"str\":", "/extra", "not known");
	refused("\"str\":\"s\"", "\"str\":null", "/str", "null is not allowed");
	refused("\"str\":\"s\"", "\"str\":5", "/str", "expected string");
	refused("\"yes\":true", "\"yes\":1", "/yes", "expected boolean");
	refused("\"yes\":true", "\"yes\":null", "/yes", "null");
	refused("\"number\":-5", "\"number\":5.0", "/number", "expected int");
	refused("\"number\":-5", "\"number\":\"5\"", "/number", "expected int");
	refused("\"number\":-5", "\"number\":NaN", "/number", "expected int");
	refused("\"green\"", "\"blue\"", "/word", "\"blue\" is not one of the words");
	refused("\"green\"", "null", "/word", "null is not allowed");
	refused("\"EFAULT\"", "\"EVERYTHING\"", "/err", "not the name of an errno");
	refused("\"name\":\"o\",", "", "/obj", "the key \"name\" is missing");
	refused("{\"name\":\"o\",\"n\":1}", "null", "/obj", "null is not allowed");
	refused("{\"name\":\"p\",\"n\":2}", "null", "/ptr", "null is not allowed");
	refused("{\"name\":\"p\",\"n\":2}", "[]", "/ptr", "expected object");
	refused("\"n\":3", "\"n\":false", "/list/0/n", "expected int");
	refused("[\"a\",\"b\"]", "[\"a\",null]", "/strs/1", "expected string");
	refused("[\"a\",\"b\"]", "{}", "/strs", "expected array");
	refused("9007199254740992,", "1.5,", "/ints/0", "expected int");
	refused("\"k\":\"v\"", "\"a/b~c\":1", "/pairs/a~1b~0c", "expected string");
	refused("\"kind\":\"number\"", "\"kind\":\"text\"", "/leaves/0",
		"\"text\" is missing");
	refused("\"kind\":\"empty\"", "\"kind\":\"empty\",\"text\":\"\"",
		"/leaves/2/text", "not known");
	refused("\"kind\":\"empty\"", "\"kind\":\"other\"", "/leaves/2/kind",
		"not one of");
}

static void a_number_beyond_2_to_53_is_refused(void **state)
{
	(void)state;
	accepted("\"number\":-5", "\"number\":9007199254740992");
	refused("\"number\":-5", "\"number\":9007199254740993", "/number", "2^53");
	refused("\"number\":-5", "\"number\":-9007199254740993", "/number", "2^53");
	refused("\"number\":-5", "\"number\":18446744073709551616", "/number", "2^53");
	refused("\"opt\":null", "\"opt\":9007199254740993", "/opt", "2^53");
}

static void hex_has_one_spelling(void **state)
{
	static const char *const bad[] = {
		"\"0x\"",   "\"0x00\"", "\"0X1\"", "\"1\"",
		"\"0xF\"",  "\"0x1 \"", "\"\"",    "\"0x1g\"",
		"\"0x01\"", "\"-0x1\"", "\"0\"",   "\"0x10000000000000000\""
	};

	(void)state;
	accepted("\"0xffffffffffffffff\"", "\"0x0\"");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refused("\"0xffffffffffffffff\"", bad[i], "/hex", "64-bit number in hex");
}

static void what_is_not_json_is_refused(void **state)
{
	(void)state;
	refused("{\"schema\"", "{'schema'", "", "single quotes");
	refused("\"str\":\"s\"", "\"str\":\"\n\"", "", "control character");
	refused("\"str\":\"s\"", "\"str\":\"\xff\"", "", "not JSON at byte");
	refused("\"str\":\"s\"", "\"str\":\"a\\u0000b\"", "", "NUL");
	refused("\"green\"", "\"green\\u0000\"", "", "NUL");
	refused("\"k\":", "\"k\\u0000x\":", "", "NUL");
	refused("\"str\":\"s\"", "\"str\":\"s\",\"str\":\"t\"", "", "stands twice");
	refused("{\"k\":\"v\",", "{\"k\":\"v\",\"k\":\"w\",", "", "stands twice");
	refused("\"kind\":\"empty\"}]}", "\"kind\":\"empty\"}]", "", "ends too early");
	refused("\"kind\":\"empty\"}]}", "\"kind\":\"empty\"}]}}", "",
		"not JSON at byte");
	refused("\"number\":-5", "\"number\":-5,", "", "not JSON at byte");
	accepted("\"str\":\"s\"", "\"str\":\"it's: \\\"{\\\" \\\\\"");
	accepted("\"str\":\"s\"", "\"str\":\"\\\\u0000\"");
	accepted("\"kind\":\"empty\"}]}", "\"kind\":\"empty\"}]} \n");
}

static void a_nul_after_the_value_is_refused(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_error err;
	struct all all;
	char text[sizeof(example) + 8];

	(void)state;
	memcpy(text, example, sizeof(example));
	memcpy(text + sizeof(example), "garbage", 8);
	assert_int_equal(read_all(&a, text, sizeof(text), &all, &err), -EINVAL);
	assert_int_equal(read_all(&a, text, sizeof(example), &all, &err), -EINVAL);
	assert_int_equal(read_all(&a, "", 0, &all, &err), -EINVAL);
	assert_int_equal(read_all(&a, "null", 4, &all, &err), -EINVAL);
	assert_int_equal(read_all(&a, "[]", 2, &all, &err), -EINVAL);
}

static void each_cut_of_a_text_is_refused(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_error err;
	struct all all;

	(void)state;
	for (size_t len = 0; len < strlen(example); len++) {
		cleanup_free char *exact =
			malloc(len ? len : 1); /* so that ASan sees overreads */

		assert_non_null(exact);
		memcpy(exact, example, len);
		assert_int_equal(read_all(&a, exact, len, &all, &err), -EINVAL);
		assert_true(err.text[0] != '\0');
	}
}

static void a_deep_text_is_refused(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_error err;
	struct all all;
	char text[200];

	(void)state;
	memset(text, '[', sizeof(text));
	assert_int_equal(read_all(&a, text, sizeof(text), &all, &err), -EINVAL);
	assert_non_null(strstr(err.text, "deep"));
}

static void a_long_pointer_is_cut_not_overrun(void **state)
{
	char name[600] = "\"";
	char to[700];

	(void)state;
	for (size_t i = 1; i < 500; i++)
		name[i] = '/';
	(void)snprintf(to, sizeof(to), "%s\":1", name);
	{
		struct arena a = { 0 };
		char *text = edited("\"k\":\"v\"", to);
		struct rec_error err;
		struct all all;

		assert_int_equal(read_all(&a, text, strlen(text), &all, &err), -EINVAL);
		assert_int_equal(strlen(err.pointer), sizeof(err.pointer) - 1);
		free(text);
		arena_done(&a);
	}
}

static void bytes_that_are_not_utf8_are_written_in_hex(void **state)
{
	static const char *const bad[] = { "\xff", "\xc0\x80", "\xed\xa0\x80",
					   "\xf4\x90\x80\x80", "ab\xc3" };
	static const char *const hex[] = { "hex:ff", "hex:c080", "hex:eda080",
					   "hex:f4908080", "hex:6162c3" };
	struct json_object *json = NULL;
	struct json_object *v = NULL;
	struct inner one = { .n = 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		one.name = bad[i];
		json = rec_to_json(&inner_shape, &one);
		assert_true(json_object_object_get_ex(json, "name", &v));
		assert_string_equal(json_object_get_string(v), hex[i]);
		json_object_put(json);
	}
	one.name = "\xc3\xa9 \xf0\x9f\x98\x80";
	json = rec_to_json(&inner_shape, &one);
	assert_true(json_object_object_get_ex(json, "name", &v));
	assert_string_equal(json_object_get_string(v), one.name);
	json_object_put(json);
}

static void a_free_key_that_is_not_utf8_is_written_in_hex(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_pair pair = { "\xfe", "v" };
	struct json_object *json = NULL;
	struct json_object *pairs = NULL;
	struct rec_error err;
	struct all all;

	(void)state;
	assert_int_equal(read_all(&a, example, strlen(example), &all, &err), 0);
	assert_int_equal(rec_list_add(&a, &all.pairs, &pair), 0);
	json = rec_to_json(&all_shape, &all);
	assert_true(json_object_object_get_ex(json, "pairs", &pairs));
	assert_true(json_object_object_get_ex(pairs, "hex:fe", NULL));
	json_object_put(json);
}

static void an_errno_without_a_name_keeps_its_number(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct json_object *json = NULL;
	struct json_object *v = NULL;
	struct rec_error err;
	struct all all, back;

	(void)state;
	assert_int_equal(read_all(&a, example, strlen(example), &all, &err), 0);
	all.err = 524; /* ENOTSUPP of the kernel */
	json = rec_to_json(&all_shape, &all);
	assert_true(json_object_object_get_ex(json, "err", &v));
	assert_string_equal(json_object_get_string(v), "E524");
	assert_int_equal(rec_from_json(&a, &all_shape, json, &back, &err), 0);
	assert_int_equal(back.err, 524);
	json_object_put(json);
	refused("\"EFAULT\"", "\"E14\"", "/err", "errno");
	refused("\"EFAULT\"", "\"E4096\"", "/err", "errno");
}

static void the_reader_survives_each_failed_allocation(void **state)
{
	struct rec_error err;
	struct all all;
	size_t n = 0;
	int e = -ENOMEM;
	cleanup_free char *long_text = NULL;
	struct json_object *json = json_tokener_parse(example);
	struct json_object *strs = NULL;

	/* enough to need many blocks, so that each kind of place meets a failure */
	(void)state;
	assert_true(json_object_object_get_ex(json, "strs", &strs));
	for (size_t i = 0; i < 3000; i++)
		json_object_array_add(
			strs, json_object_new_string("some text to fill the arena"));
	long_text = strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	assert_non_null(long_text);
	for (n = 1; e == -ENOMEM; n++) {
		struct arena a = { 0 };

		assert_true(n < 1000);
		calls_until_failure = n;
		e = read_all(&a, long_text, strlen(long_text), &all, &err);
		calls_until_failure = 0;
		arena_done(&a);
	}
	assert_int_equal(e, 0);
	assert_true(n > 5);
}

static void a_list_refuses_what_could_not_be_allocated(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list list = { 0 };

	(void)state;
	assert_int_equal(rec_list_add(&a, &list, NULL), -ENOMEM);
	assert_int_equal(list.count, 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(rec_list_add(&a, &list, &list), 0);
	assert_int_equal(list.count, 100);
	assert_ptr_equal(list.item[99], &list);
}

static struct json_object *at(struct json_object *json, const char *key)
{
	struct json_object *v = NULL;

	assert_true(json_object_object_get_ex(json, key, &v));
	return v;
}

static void the_schema_says_what_the_reader_does(void **state)
{
	struct json_object *schema = rec_schema(&all_shape, "urn:test");
	struct json_object *defs = NULL;
	struct json_object *all = NULL;

	(void)state;
	assert_non_null(schema);
	assert_string_equal(json_object_get_string(at(schema, "$ref")), "#/$defs/all");
	defs = at(schema, "$defs");
	all = at(defs, "all");
	assert_int_equal(json_object_array_length(at(all, "required")), 18);
	assert_false(json_object_get_boolean(at(all, "additionalProperties")));
	assert_int_equal(json_object_array_length(at(at(defs, "leaf"), "oneOf")), 3);
	assert_int_equal(json_object_array_length(
				 at(at(at(all, "properties"), "word_null"), "enum")),
			 3);
	json_object_put(schema);
}

struct outer {
	struct inner base;
	bool more;
};

static const struct rec_field outer_fields[] = {
	{ "base", REC_INLINE, offsetof(struct outer, base), false, &inner_shape },
	REC_FIELD(struct outer, more, REC_BOOL),
	{ 0 },
};

static const struct rec_shape outer_shape = { "outer", sizeof(struct outer), outer_fields,
					      NULL };

static void fields_of_an_inline_row_stand_among_the_others(void **state)
{
	static const char text[] = "{\"name\":\"x\",\"n\":7,\"more\":true}";
	static const char *const refused[] = {
		"{\"n\":7,\"more\":true}",
		"{\"name\":\"x\",\"n\":7,\"more\":true,\"base\":1}",
		"{\"base\":{\"name\":\"x\",\"n\":7},\"more\":true}",
	};
	cleanup_arena struct arena a = { 0 };
	struct rec_error err;
	struct outer outer;
	struct json_object *json = NULL;

	(void)state;
	assert_int_equal(
		rec_from_text(&a, &outer_shape, text, strlen(text), &outer, &err), 0);
	assert_string_equal(outer.base.name, "x");
	assert_int_equal(outer.base.n, 7);
	assert_true(outer.more);
	json = rec_to_json(&outer_shape, &outer);
	assert_string_equal(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
			    text);
	json_object_put(json);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(rec_from_text(&a, &outer_shape, refused[i],
					       strlen(refused[i]), &outer, &err),
				 -EINVAL);
	json = rec_schema(&outer_shape, "urn:x");
	assert_non_null(
		strstr(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
		       "\"required\":[\"name\",\"n\",\"more\"]"));
	json_object_put(json);
}

/** struct partly - with a key that may be left out */
struct partly {
	struct opt_int number;
};

static void an_optional_key_that_is_null_is_not_written(void **state)
{
	static const struct rec_field fields[] = {
		REC_OPTIONAL_OF(struct partly, number, REC_OPT_INT, NULL),
		{ 0 },
	};
	static const struct rec_shape shape = { "partly", sizeof(struct partly), fields,
						NULL };
	struct partly value = { { 0 } };
	struct json_object *json = rec_to_json(&shape, &value);

	(void)state;
	assert_int_equal(json_object_object_length(json), 0);
	json_object_put(json);
	value.number = opt_int(0);
	json = rec_to_json(&shape, &value);
	assert_int_equal(json_object_object_length(json), 1);
	json_object_put(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_an_inline_row_stand_among_the_others),
		cmocka_unit_test(a_record_survives_the_round_trip),
		cmocka_unit_test(every_word_of_the_contract_is_held),
		cmocka_unit_test(a_number_beyond_2_to_53_is_refused),
		cmocka_unit_test(hex_has_one_spelling),
		cmocka_unit_test(what_is_not_json_is_refused),
		cmocka_unit_test(a_nul_after_the_value_is_refused),
		cmocka_unit_test(each_cut_of_a_text_is_refused),
		cmocka_unit_test(a_deep_text_is_refused),
		cmocka_unit_test(a_long_pointer_is_cut_not_overrun),
		cmocka_unit_test(bytes_that_are_not_utf8_are_written_in_hex),
		cmocka_unit_test(a_free_key_that_is_not_utf8_is_written_in_hex),
		cmocka_unit_test(an_errno_without_a_name_keeps_its_number),
		cmocka_unit_test(the_reader_survives_each_failed_allocation),
		cmocka_unit_test(a_list_refuses_what_could_not_be_allocated),
		cmocka_unit_test(an_optional_key_that_is_null_is_not_written),
		cmocka_unit_test(the_schema_says_what_the_reader_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
