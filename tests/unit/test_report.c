/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/json.h"
#include "sample_report.h"

static struct json_object *sample_json(struct arena *a)
{
	struct report r;
	struct json_object *json = NULL;

	sample_report(a, &r);
	json = rec_to_json(&report_shape, &r);
	assert_non_null(json);
	return json;
}

/* The keys of an object in their order, joined by blanks. */
static void keys_are(struct json_object *json, const char *expected)
{
	char keys[512] = "";
	size_t len = 0;

	assert_true(json_object_is_type(json, json_type_object));
	json_object_object_foreach(json, key, val)
	{
		(void)val;
		len += (size_t)snprintf(keys + len, sizeof(keys) - len, "%s ", key);
		assert_true(len < sizeof(keys));
	}
	assert_string_equal(keys, expected);
}

static struct json_object *at(struct json_object *json, const char *pointer)
{
	struct json_object *v = NULL;

	if (json_pointer_get(json, pointer, &v))
		fail_msg("nothing at %s", pointer);
	return v;
}

static void keys_and_their_order_are_the_contract(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct json_object *json = sample_json(&a);

	(void)state;
	keys_are(json, "schema tool run host devices checks stacks summary ");
	assert_string_equal(json_object_get_string(at(json, "/schema")),
			    "vhostcheck-report/1");
	keys_are(at(json, "/tool"), "name version git_commit build_flags libraries ");
	keys_are(
		at(json, "/run"),
		"argv selection started duration_us where vm privileges reduced unexpected ");
	keys_are(at(json, "/run/selection"),
		 "devices checks exclude stacks require fail_on "
		 "strict intrusive deterministic baseline ");
	keys_are(at(json, "/run/vm"), "accel qemu cmdline cpus memory ");
	keys_are(at(json, "/host"), "kernel distro cpu virt modules ");
	keys_are(at(json, "/host/kernel"),
		 "release version build_id config cmdline taint ");
	keys_are(at(json, "/host/kernel/config"),
		 "CONFIG_VHOST_VSOCK CONFIG_VHOST_SCSI ");
	keys_are(
		at(json, "/host/modules/0"),
		"name state build_id_loaded build_id_disk srcversion_loaded srcversion_disk "
		"signer parameters ");
	keys_are(at(json, "/devices/1"),
		 "name path kind state reason features "
		 "backend_features features_accepted iotlb_policy ");
	assert_string_equal(json_object_get_string(at(json, "/devices/1/kind")), "vsock");
	keys_are(at(json, "/devices/1/features"), "hex names unknown_bits ");
	assert_string_equal(json_object_get_string(at(json, "/devices/1/features/hex")),
			    "0x233d000002");
	keys_are(at(json, "/checks/5"),
		 "id title device status severity risk since reason known "
		 "expected evidence duration_us refs ");
	keys_are(at(json, "/checks/5/reason"), "code text ");
	keys_are(at(json, "/checks/5/known"), "since fixed_by text ");
	assert_string_equal(json_object_get_string(at(json, "/checks/5/refs/0")),
			    "VHOST_SET_FEATURES");
	keys_are(at(json, "/checks/3/evidence/0"), "kind step name arg ret errno ");
	keys_are(at(json, "/stacks/1"), "stack vmm device guest verdict signature reason "
					"expected transfer evidence ");
	keys_are(at(json, "/stacks/1/transfer"), "tx_bytes rx_bytes ");
	keys_are(at(json, "/summary"), "counts known verdict exit_code ");
	keys_are(at(json, "/summary/counts"),
		 "pass fail skip blocked error timeout crash xfail xpass ");
	json_object_put(json);
}

static void every_status_has_its_own_count(void **state)
{
	struct report_summary s = { 0 };
	struct json_object *json = NULL;

	(void)state;
	for (int i = 0; i < STATUS_NUM; i++)
		s.counts.n[i] = 100 + i;
	json = rec_to_json(&report_summary_shape, &s);
	assert_non_null(json);
	for (int i = 0; i < STATUS_NUM; i++) {
		char pointer[32];

		(void)snprintf(pointer, sizeof(pointer), "/counts/%s", status_names[i]);
		assert_int_equal(json_object_get_int(at(json, pointer)), 100 + i);
	}
	json_object_put(json);
}

static void every_word_of_an_enum_is_written_and_read(void **state)
{
	static const struct {
		const char *const *names;
		int count;
	} tables[] = {
		{ status_names, STATUS_NUM },
		{ reason_names, REASON_NUM },
		{ stack_verdict_names, STACK_VERDICT_NUM },
		{ guest_kind_names, GUEST_KIND_NUM },
		{ device_state_names, DEVICE_STATE_NUM },
		{ severity_names, SEVERITY_CRITICAL + 1 },
		{ risk_names, RISK_GUARDED + 1 },
		{ module_state_names, MODULE_BUILTIN + 1 },
		{ iotlb_policy_names, IOTLB_NONE + 1 },
		{ report_verdict_names, VERDICT_INCONCLUSIVE + 1 },
		{ family_names, FAMILY_NUM },
	};

	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (int i = 0; i < tables[t].count; i++)
			assert_non_null(tables[t].names[i]);
		assert_null(tables[t].names[tables[t].count]);
	}
}

static void a_report_survives_the_round_trip(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct json_object *json = sample_json(&a);
	struct json_object *again = NULL;
	cleanup_free char *text =
		strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	struct rec_error err;
	struct report r;

	(void)state;
	if (rec_from_text(&a, &report_shape, text, strlen(text), &r, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.text);
	again = rec_to_json(&report_shape, &r);
	assert_string_equal(json_object_to_json_string_ext(again, JSON_C_TO_STRING_PLAIN),
			    text);
	json_object_put(again);
	json_object_put(json);
}

static void a_report_of_nothing_survives_the_round_trip(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct report r = { 0 };
	struct report back;
	struct rec_error err;
	struct json_object *json = NULL;

	(void)state;
	r.tool = (struct report_tool){
		.name = "", .version = "", .git_commit = "", .build_flags = ""
	};
	r.run.privileges = "user";
	r.host.kernel.release = r.host.kernel.version = "";
	json = rec_to_json(&report_shape, &r);
	if (rec_from_json(&a, &report_shape, json, &back, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.text);
	assert_null(back.run.vm);
	assert_null(back.run.started);
	assert_false(back.host.kernel.taint.set);
	json_object_put(json);
}

/* ------------------------------------------------------------------ mutants */

struct mutants {
	struct json_object *root;
	size_t tried;
};

static void must_be_refused(struct mutants *m, const char *what, const char *key)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_error err;
	struct report r;

	m->tried++;
	if (rec_from_json(&a, &report_shape, m->root, &r, &err) != -EINVAL)
		fail_msg("%s %s is not refused", what, key);
	assert_true(err.text[0] != '\0');
}

/* Puts something of another type, or garbage, in place of a value; {} for null. */
static struct json_object *other_value(struct json_object *v, int n)
{
	static const enum json_type types[] = { json_type_string,  json_type_int,
						json_type_boolean, json_type_array,
						json_type_object,  json_type_double };

	if (json_object_is_type(v, types[n]) ||
	    (!v && types[n] != json_type_object && types[n] != json_type_array))
		return NULL;
	switch (n) {
	case 0:
		return json_object_new_string("@garbage@");
	case 1:
		return json_object_new_int(7);
	case 2:
		return json_object_new_boolean(1);
	case 3:
		return json_object_new_array();
	case 4:
		return json_object_new_object();
	default:
		return json_object_new_double(7.5);
	}
}

static bool is_word(const char *key, struct json_object *v)
{
	static const char *const words[] = {
		"schema",   "where", "fail_on", "state", "kind",    "status",
		"severity", "risk",  "code",    "guest", "verdict", "iotlb_policy",
		"way",      "msg",   "perm",    "dir",   "errno"
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(key, words[i]))
			return json_object_is_type(v, json_type_string);
	return false;
}

static bool is_free(const char *key)
{
	return !strcmp(key, "libraries") || !strcmp(key, "config") ||
	       !strcmp(key, "parameters");
}

static void mutate(struct mutants *m, struct json_object *json, bool free_keys);

static void mutate_key(struct mutants *m, struct json_object *json, const char *key,
		       bool free_keys)
{
	struct json_object *v = json_object_get(json_object_object_get(json, key));

	if (!free_keys) {
		json_object_object_del(json, key);
		must_be_refused(m, "without", key);
		json_object_object_add(json, "renamed", json_object_get(v));
		must_be_refused(m, "renamed", key);
		json_object_object_del(json, "renamed");
	}
	for (int n = 0; n < 6; n++) {
		struct json_object *other = other_value(v, n);

		if (!other)
			continue;
		json_object_object_add(json, key, other);
		must_be_refused(m, "retyped", key);
	}
	if (is_word(key, v)) {
		json_object_object_add(json, key, json_object_new_string("@garbage@"));
		must_be_refused(m, "garbage in", key);
	}
	json_object_object_add(json, key, v);
	mutate(m, v, is_free(key));
}

static void mutate(struct mutants *m, struct json_object *json, bool free_keys)
{
	char *keys[32];
	size_t n = 0;

	if (json_object_is_type(json, json_type_array))
		for (size_t i = 0; i < json_object_array_length(json); i++)
			mutate(m, json_object_array_get_idx(json, i), false);
	if (!json_object_is_type(json, json_type_object))
		return;
	json_object_object_foreach(json, key, val)
	{
		(void)val;
		assert_true(n < ARRAY_SIZE(keys));
		keys[n++] = strdup(key);
	}
	for (size_t i = 0; i < n; i++)
		mutate_key(m, json, keys[i], free_keys);
	for (size_t i = 0; i < n; i++)
		free(keys[i]);
	if (!free_keys) {
		json_object_object_add(json, "added", NULL);
		must_be_refused(m, "added", "");
		json_object_object_del(json, "added");
	}
}

static void no_mutant_of_a_report_is_read(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct mutants m = { .root = sample_json(&a) };
	struct rec_error err;
	struct report r;

	(void)state;
	mutate(&m, m.root, false);
	assert_true(m.tried > 1500);
	assert_int_equal(rec_from_json(&a, &report_shape, m.root, &r, &err), 0);
	json_object_put(m.root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_their_order_are_the_contract),
		cmocka_unit_test(every_status_has_its_own_count),
		cmocka_unit_test(every_word_of_an_enum_is_written_and_read),
		cmocka_unit_test(a_report_survives_the_round_trip),
		cmocka_unit_test(a_report_of_nothing_survives_the_round_trip),
		cmocka_unit_test(no_mutant_of_a_report_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
