/* SPDX-License-Identifier: MIT */
/*
 * KCIDB 5.3, the KernelCI database's exchange format (kernelci/kcidb-io): one checkout,
 * one build, a test for each result. Statuses are what was seen, not what counts: KCIDB
 * has issues of its own for what is known.
 */
#include <inttypes.h>
#include <string.h>

#include "report/format_parts.h"
#include "report/json.h"

#define ORIGIN "vhostcheck"

/** struct ids - as KCIDB links its objects */
struct ids {
	const char *checkout, *build, *run;
};

/* Nothing in KCIDB may be null: what is unknown is left out. Return: 0; -ENOMEM. */
static int add(struct json_object *to, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(to, key, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

static int add_string(struct json_object *to, const char *key, const char *value)
{
	return value ? add(to, key, json_object_new_string(value)) : 0;
}

static const char *status_of(const struct result *x)
{
	static const char *const by_status[STATUS_NUM] = {
		[STATUS_ERROR] = "ERROR",  [STATUS_PASS] = "PASS",
		[STATUS_FAIL] = "FAIL",    [STATUS_SKIP] = "SKIP",
		[STATUS_BLOCKED] = "MISS", [STATUS_TIMEOUT] = "FAIL",
		[STATUS_CRASH] = "FAIL",   [STATUS_XFAIL] = "FAIL",
		[STATUS_XPASS] = "PASS",
	};
	/* that an old VMM does not work is no fault of the kernel unless it was asked */
	static const char *const by_kind[] = {
		[RESULT_PASS] = "PASS", [RESULT_FAIL] = "FAIL",  [RESULT_ERROR] = "MISS",
		[RESULT_SKIP] = "SKIP", [RESULT_XFAIL] = "DONE",
	};

	return x->check ? by_status[x->check->status] : by_kind[x->kind];
}

static struct json_object *misc_of(const struct result *x)
{
	struct json_object *misc = json_object_new_object();
	int e = misc ? add_string(misc, "status", x->word) : -ENOMEM;

	if (e == 0 && x->check)
		e = add_string(misc, "severity", severity_names[x->check->severity]);
	if (e == 0 && x->check)
		e = add(misc, "known", json_object_new_boolean(x->check->known != NULL));
	if (e == 0)
		return misc;
	json_object_put(misc);
	return NULL;
}

static int fill_test(struct arena *a, const struct report *r, const struct ids *ids,
		     const struct result *x, struct json_object *t)
{
	char duration[32];
	int64_t seconds = 0;
	const char *id = arena_printf(a, "%s:%s.%s", ids->run, x->suite, x->name);
	const char *path = arena_printf(a, ORIGIN ".%s.%s", x->suite, x->name);
	int e = id && path ? add_string(t, "build_id", ids->build) : -ENOMEM;

	if (e == 0)
		e = add_string(t, "id", id);
	if (e == 0)
		e = add_string(t, "origin", ORIGIN);
	if (e == 0)
		e = add_string(t, "path", path);
	if (e == 0)
		e = add_string(t, "status", status_of(x));
	if (e == 0 && *x->why)
		e = add_string(t, "comment", x->why);
	if (e == 0 && format_time(r, &seconds))
		e = add_string(t, "start_time", r->run.started);
	if (e == 0 && x->duration_us.set) {
		(void)snprintf(duration, sizeof(duration), "%.6f",
			       (double)x->duration_us.v / 1e6);
		e = add(t, "duration",
			json_object_new_double_s((double)x->duration_us.v / 1e6,
						 duration));
	}
	return e == 0 ? add(t, "misc", misc_of(x)) : e;
}

static int add_tests(struct arena *a, const struct report *r, const struct ids *ids,
		     struct json_object *tests)
{
	struct rec_list results = { 0 };
	int e = format_results(a, r, &results);

	for (size_t i = 0; i < results.count && e == 0; i++) {
		struct json_object *t = json_object_new_object();

		e = t ? fill_test(a, r, ids, results.item[i], t) : -ENOMEM;
		if (e == 0 && json_object_array_add(tests, t) != 0)
			e = -ENOMEM;
		if (e < 0)
			json_object_put(t);
	}
	return e;
}

static struct json_object *provenance(struct arena *a, const struct report *r)
{
	struct json_object *misc = json_object_new_object();
	struct rec_list pairs = { 0 };
	int e = misc ? format_provenance(a, r, &pairs) : -ENOMEM;

	for (size_t i = 0; i < pairs.count && e == 0; i++) {
		const struct rec_pair *p = pairs.item[i];

		e = add_string(misc, p->key, p->value);
	}
	if (e == 0)
		return misc;
	json_object_put(misc);
	return NULL;
}

/* A list of one object, which has @more beside its id and origin. */
static int add_one(struct json_object *to, const char *key, const char *id,
		   const char *checkout, struct json_object *misc)
{
	struct json_object *list = json_object_new_array();
	struct json_object *one = json_object_new_object();
	int e = list && one && misc ? add_string(one, "id", id) : -ENOMEM;

	if (e == 0)
		e = add_string(one, "origin", ORIGIN);
	if (e == 0)
		e = add_string(one, "checkout_id", checkout);
	if (e == 0) {
		e = add(one, "misc", misc);
		misc = NULL;
	}
	if (e == 0 && json_object_array_add(list, one) == 0)
		one = NULL;
	json_object_put(one);
	json_object_put(misc);
	if (e == 0 && !one)
		return add(to, key, list);
	json_object_put(list);
	return -ENOMEM;
}

static int fill(struct arena *a, const struct report *r, const struct ids *ids,
		struct json_object *to)
{
	struct json_object *version = json_object_new_object();
	struct json_object *tests = NULL;
	int e = version ? add(version, "major", json_object_new_int(5)) : -ENOMEM;

	if (e == 0)
		e = add(version, "minor", json_object_new_int(3));
	if (e == 0)
		e = add(to, "version", version);
	else
		json_object_put(version);
	if (e == 0)
		e = add_one(to, "checkouts", ids->checkout, NULL,
			    json_object_new_object());
	if (e == 0)
		e = add_one(to, "builds", ids->build, ids->checkout, provenance(a, r));
	if (e == 0)
		tests = json_object_new_array();
	if (!tests)
		return -ENOMEM;
	e = add_tests(a, r, ids, tests);
	if (e == 0)
		return add(to, "tests", tests);
	json_object_put(tests);
	return e;
}

static int write_kcidb(const struct report *r, FILE *out)
{
	cleanup_arena struct arena a = { 0 };
	const struct report_kernel *k = &r->host.kernel;
	const char *release = format_word(&a, k->release);
	const char *build = k->build_id ? format_word(&a, k->build_id) : release;
	const char *started =
		format_word(&a, r->run.started ? r->run.started : "untimed");
	const struct ids ids = {
		.checkout = arena_printf(&a, ORIGIN ":%s", release ? release : ""),
		.build = arena_printf(&a, ORIGIN ":%s", build ? build : ""),
		.run = arena_printf(&a, ORIGIN ":%s:%s", build ? build : "",
				    started ? started : ""),
	};
	struct json_object *json = json_object_new_object();
	int e = release && build && started && ids.checkout && ids.build && ids.run &&
				json
			? fill(&a, r, &ids, json)
			: -ENOMEM;

	if (e == 0)
		e = json_print(json, out);
	json_object_put(json);
	return e;
}

const struct format format_kcidb = {
	.name = "kcidb",
	.help = "KCIDB 5.3, for KernelCI's database",
	.write = write_kcidb,
};
