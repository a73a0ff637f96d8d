/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/build_info.h"
#include "report/journal.h"
#include "report/load.h"
#include "report/load_parts.h"
#include "report/lookup.h"

#define KILLED                                                                           \
	"the run ended without a word: vhostcheck, or the machine under it, was killed"

/* --------------------------------------------------------- rules beyond the shape */

static bool is_id(const char *id)
{
	size_t parts = 1;

	for (const char *c = id; *c; c++) {
		if (*c == '.' && (c == id || c[1] == '.' || !c[1]))
			return false;
		parts += *c == '.';
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_.", *c))
			return false;
	}
	return parts == 3 && *id;
}

static bool is_hex(const char *hex)
{
	size_t digits = 0;

	if (strncmp(hex, "0x", 2) != 0)
		return false;
	digits = strspn(hex + 2, "0123456789abcdef");
	return digits && !hex[2 + digits] && (hex[2] != '0' || digits == 1);
}

static int check_mask(struct written_error *err, size_t device, const char *key,
		      const struct mask *m)
{
	char pointer[JSON_POINTER_ROOM];

	if (!m || is_hex(m->hex))
		return 0;
	(void)snprintf(pointer, sizeof(pointer), "/devices/%zu/%s/hex", device, key);
	return written_refuse(err, pointer, m->hex,
			      "\"%s\" is no feature mask: lower-case hex, as 0x33d000002",
			      m->hex);
}

static int check_devices(struct written_error *err, const struct report *r)
{
	int e = 0;

	for (size_t i = 0; i < r->devices.count && e == 0; i++) {
		const struct report_device *d = r->devices.item[i];

		e = check_mask(err, i, "features", d->features);
		if (e == 0)
			e = check_mask(err, i, "backend_features", d->backend_features);
		if (e == 0)
			e = check_mask(err, i, "features_accepted", d->features_accepted);
	}
	return e;
}

static int check_twice(struct written_error *err, const char *list,
		       const struct report_index *x)
{
	const struct report_key *second = report_twice(x);
	char pointer[JSON_POINTER_ROOM];

	if (!second)
		return 0;
	(void)snprintf(pointer, sizeof(pointer), "/%s/%zu", list, second->place);
	return written_refuse(err, pointer, second->name, "a second result of %s on %s",
			      second->name, second->device);
}

static int check_ids(struct written_error *err, const struct rec_list *checks)
{
	for (size_t i = 0; i < checks->count; i++) {
		const struct report_check *c = checks->item[i];
		char pointer[JSON_POINTER_ROOM];

		if (is_id(c->id))
			continue;
		(void)snprintf(pointer, sizeof(pointer), "/checks/%zu/id", i);
		return written_refuse(err, pointer, c->id,
				      "\"%s\" is no id of a check: family.area.contract",
				      c->id);
	}
	return 0;
}

static int check_results(struct written_error *err, const struct report *r)
{
	cleanup_arena struct arena a = { 0 };
	struct report_index checks, stacks;
	int e = 0;

	if (report_index_checks(&a, &r->checks, &checks) < 0 ||
	    report_index_stacks(&a, &r->stacks, &stacks) < 0)
		return -ENOMEM;
	e = check_ids(err, &r->checks);
	if (e == 0)
		e = check_twice(err, "checks", &checks);
	return e == 0 ? check_twice(err, "stacks", &stacks) : e;
}

static int check_rules(struct written_error *err, const void *obj)
{
	const struct report *r = obj;
	int e = check_devices(err, r);

	if (e == 0)
		e = check_results(err, r);
	if (e == 0 && (r->summary.exit_code < 0 || r->summary.exit_code > 255))
		e = written_refuse(err, "/summary/exit_code", "",
				   "no exit status: those are 0 to 255");
	return e;
}

/* ---------------------------------------------- what else the text may have been */

static const char *string_at(struct json_object *json, const char *key)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(json, key, &v) ? json_object_get_string(v)
							: NULL;
}

/* What a text calls itself, as far as it is JSON at all. */
static void explain_schema(struct arena *a, const char *schema, struct load_error *err)
{
	static const char kind[] = "vhostcheck-report/";
	const char *text = NULL;

	if (!schema) {
		text = "it is no report of vhostcheck: it has no \"schema\"";
		err->hint = "name a file that run or vm wrote with -o";
	} else if (!strncmp(schema, kind, strlen(kind))) {
		text = arena_printf(
			a, "it is a \"%s\", and this version reads " REPORT_SCHEMA,
			schema);
		err->hint = "use a vhostcheck of the version that wrote it";
	} else if (!strcmp(schema, "vhostcheck-reports/1")) {
		text = "it holds the reports of several kernels";
		err->hint =
			"give vm a directory, -o DIR, or take one out: jq .reports[0]";
	} else {
		text = arena_printf(a, "it is a \"%s\", not a report", schema);
		err->hint = "name a file that run or vm wrote with -o";
	}
	(void)written_refuse(&err->at, "/schema", schema ? schema : "", "%s",
			     text ? text : "?");
}

static void explain(struct arena *a, const char *text, size_t len, struct load_error *err)
{
	struct json_tokener *tok = json_tokener_new_ex(16);
	struct json_object *json =
		tok ? json_tokener_parse_ex(tok, text, (int)len) : NULL;
	struct json_object *tool = NULL;
	const char *schema = json_object_is_type(json, json_type_object)
				     ? string_at(json, "schema")
				     : NULL;
	const char *version = NULL;

	if (json_object_is_type(json, json_type_object) &&
	    (!schema || strcmp(schema, REPORT_SCHEMA) != 0))
		explain_schema(a, schema, err);
	else if (json_object_object_get_ex(json, "tool", &tool) &&
		 json_object_is_type(tool, json_type_object))
		version = string_at(tool, "version");
	if (version && strcmp(version, build_version) != 0)
		err->hint =
			arena_printf(a,
				     "vhostcheck %s wrote it, and this is %s: use that "
				     "one, or boot the kernel again",
				     version, build_version);
	json_object_put(json);
	json_tokener_free(tok);
}

/* ------------------------------------------------------------------ both kinds */

/* A journal's lines begin with their type, which no report has. */
static bool is_journal(const char *text, size_t len)
{
	static const char *const tokens[] = { "{", "\"type\"", ":" };
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		size_t n = strlen(tokens[i]);

		while (at < len && (text[at] == ' ' || text[at] == '\t'))
			at++;
		if (len - at < n || memcmp(text + at, tokens[i], n) != 0)
			return false;
		at += n;
	}
	return true;
}

static int load_journal(struct arena *a, const char *text, size_t len, struct report *ret,
			struct load_error *err)
{
	struct journal_error why = { 0 };
	struct journal j;
	int e = 0;

	journal_init(&j, a);
	e = journal_read(&j, text, len, &why);
	if (e == -EINVAL) {
		err->at.line = why.line;
		err->hint = "it is a journal that something else wrote to";
		(void)snprintf(err->at.pointer, sizeof(err->at.pointer), "%s",
			       why.at.pointer);
		(void)snprintf(err->at.text, sizeof(err->at.text), "%s", why.at.text);
		return e;
	}
	if (e == 0)
		e = journal_finish(&j, REASON_CRASHED, KILLED);
	if (e == -EINVAL) {
		err->hint = "run it again";
		return written_refuse(
			&err->at, "", "",
			"it is the journal of a run that ended before it began");
	}
	if (e == 0) {
		*ret = j.report;
		e = check_rules(&err->at, ret);
	}
	return e;
}

int report_load(struct arena *a, const char *text, size_t len, struct report *ret,
		struct load_error *err)
{
	static const struct written_kind kind = { &report_shape, check_rules };
	int e = 0;

	*err = (struct load_error){ 0 };
	if (!len) {
		err->hint = "name a file that run or vm wrote with -o";
		return written_refuse(&err->at, "", "", "it is empty");
	}
	if (is_journal(text, len))
		return load_journal(a, text, len, ret, err);
	e = load_in_parts(a, text, len, ret);
	if (e == 0) {
		e = check_rules(&err->at, ret);
		if (e == -EINVAL)
			err->at.line = json_line(text, len, err->at.pointer);
		return e;
	}
	if (e == -EINVAL)
		e = written_read(a, &kind, text, len, ret, &err->at);
	if (e == -EINVAL && len <= INT32_MAX)
		explain(a, text, len, err);
	return e;
}
