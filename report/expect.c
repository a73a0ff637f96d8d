/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>

#include "report/expect.h"
#include "report/lookup.h"

/* ------------------------------------------------------------------ shapes */

static const struct rec_field expect_range_fields[] = {
	REC_NULL(struct expect_range, min, REC_STR),
	REC_NULL(struct expect_range, max, REC_STR),
	{ 0 },
};

static const struct rec_shape range_shape = REC_SHAPE(expect_range);

static const struct rec_field expect_when_fields[] = {
	REC_NULL_OF(struct expect_when, release, REC_PTR, &range_shape),
	REC_FIELD(struct expect_when, config, REC_PAIRS),
	REC_FIELD(struct expect_when, modules, REC_PAIRS),
	{ 0 },
};

static const struct rec_shape when_shape = REC_SHAPE(expect_when);

static const struct rec_field expect_rule_fields[] = {
	REC_OPTIONAL_OF(struct expect_rule, check, REC_STR, NULL),
	REC_OPTIONAL_OF(struct expect_rule, stack, REC_STR, NULL),
	REC_OPTIONAL_OF(struct expect_rule, device, REC_STR, NULL),
	REC_OPTIONAL_OF(struct expect_rule, guest, REC_ENUM, guest_kind_names),
	REC_OPTIONAL_OF(struct expect_rule, when, REC_PTR, &when_shape),
	REC_FIELD(struct expect_rule, expect, REC_STR),
	REC_FIELD(struct expect_rule, reason, REC_STR),
	REC_FIELD(struct expect_rule, source, REC_STR),
	REC_OPTIONAL_OF(struct expect_rule, until, REC_STR, NULL),
	{ 0 },
};

static const struct rec_shape rule_shape = REC_SHAPE(expect_rule);

static const struct rec_field expectations_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-expectations/1" },
	REC_OF(struct expectations, rules, REC_LIST, &rule_shape),
	{ 0 },
};

const struct rec_shape expectations_shape = REC_SHAPE(expectations);

/* ------------------------------------------------------------------- rules */

static int printf_(5, 6) refuse(struct written_error *err, size_t rule, const char *key,
				const char *word, const char *fmt, ...);

static int refuse(struct written_error *err, size_t rule, const char *key,
		  const char *word, const char *fmt, ...)
{
	char pointer[JSON_POINTER_ROOM];
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)snprintf(pointer, sizeof(pointer), "/rules/%zu%s", rule, key);
	return written_refuse(err, pointer, word, "%s", text);
}

static int word_number(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return i;
	return -ENOENT;
}

static int check_subject(struct written_error *err, size_t i, const struct expect_rule *r)
{
	if (r->check && r->stack)
		return refuse(err, i, "/stack", r->stack,
			      "a rule speaks of a check or of a stack, and not of both: "
			      "leave one of the two out");
	if (!r->check && !r->stack)
		return refuse(err, i, "/check", "",
			      "a rule speaks of a check or of a stack: one of the two is "
			      "a glob");
	if (r->check && r->guest >= 0)
		return refuse(err, i, "/guest", guest_kind_names[r->guest],
			      "\"%s\" is of stacks; leave it out with a check",
			      guest_kind_names[r->guest]);
	return 0;
}

static bool is_device(const char *name)
{
	int family = word_number(family_names, name);

	if (family >= 0 && family != FAMILY_VDPA)
		return true;
	return !strncmp(name, "vdpa", 4) &&
	       strspn(name + 4, "0123456789") == strlen(name + 4);
}

static int check_device(struct written_error *err, size_t i, const struct expect_rule *r)
{
	if (r->device && !is_device(r->device))
		return refuse(err, i, "/device", r->device,
			      "\"%.60s\" is no device: net, vsock, scsi, vdpa or vdpaN",
			      r->device);
	return 0;
}

static int check_word(struct written_error *err, size_t i, const struct expect_rule *r)
{
	int word = word_number(r->check ? status_names : stack_verdict_names, r->expect);

	if (r->check && (word < 0 || word == STATUS_ERROR || word == STATUS_XFAIL ||
			 word == STATUS_XPASS))
		return refuse(err, i, "/expect", r->expect,
			      "\"%.60s\" is nothing to expect of a check: pass, fail, "
			      "skip, blocked, timeout or crash",
			      r->expect);
	if (!r->check && (word < 0 || word == STACK_ERROR))
		return refuse(err, i, "/expect", r->expect,
			      "\"%.60s\" is no verdict of a stack: works, degraded, "
			      "fails_start, stalls, refused, not_applicable or unknown",
			      r->expect);
	if (!*r->reason)
		return refuse(err, i, "/reason", "", "say why this is right");
	if (!*r->source)
		return refuse(err, i, "/source", "", "say where that was learnt");
	return 0;
}

/* A day that there is, written as it sorts. */
static bool is_day(const char *day)
{
	struct tm tm = { 0 };
	const char *end = strptime(day, "%Y-%m-%d", &tm);
	int mday = tm.tm_mday;

	return strlen(day) == strlen("2026-12-31") && end && !*end && timegm(&tm) != -1 &&
	       tm.tm_mday == mday;
}

static int check_until(struct written_error *err, size_t i, const struct expect_rule *r)
{
	if (r->until && !is_day(r->until))
		return refuse(err, i, "/until", r->until,
			      "\"%.60s\" is no day: a rule's last one, as 2026-12-31",
			      r->until);
	return 0;
}

static bool is_release(const char *bound)
{
	const char *c = bound;

	for (;;) {
		size_t digits = strspn(c, "0123456789");

		if (!digits || digits > 9)
			return false;
		c += digits;
		if (!*c)
			return true;
		if (*c != '.' && *c != '-')
			return false;
		c++;
	}
}

static int check_range(struct written_error *err, size_t i, const struct expect_range *g)
{
	if (g->min && !is_release(g->min))
		return refuse(err, i, "/when/release/min", g->min,
			      "\"%.60s\" is no release: numbers joined by '.' or '-'",
			      g->min);
	if (g->max && !is_release(g->max))
		return refuse(err, i, "/when/release/max", g->max,
			      "\"%.60s\" is no release: numbers joined by '.' or '-'",
			      g->max);
	return 0;
}

static int check_when(struct written_error *err, size_t i, const struct expect_when *w)
{
	char key[JSON_POINTER_ROOM - 32];
	int e = w->release ? check_range(err, i, w->release) : 0;

	for (size_t k = 0; k < w->config.count && e == 0; k++) {
		const struct rec_pair *p = w->config.item[k];

		(void)snprintf(key, sizeof(key), "/when/config/%s", p->key);
		if (strncmp(p->key, "CONFIG_", 7) != 0 || !p->value)
			e = refuse(
				err, i, key, p->key,
				"\"%.60s\": an option is CONFIG_..., with a value like "
				"y, m or n",
				p->key);
	}
	for (size_t k = 0; k < w->modules.count && e == 0; k++) {
		const struct rec_pair *p = w->modules.item[k];
		const char *word = p->value ? p->value : "";

		(void)snprintf(key, sizeof(key), "/when/modules/%s", p->key);
		if (word_number(module_state_names, word) < 0)
			e = refuse(err, i, key, word,
				   "\"%.60s\" is no state of a module: absent, live or "
				   "builtin",
				   word);
	}
	return e;
}

static int check_rules(struct written_error *err, const void *obj)
{
	static int (*const rules[])(struct written_error *, size_t,
				    const struct expect_rule *) = {
		check_subject,
		check_device,
		check_word,
		check_until,
	};
	const struct expectations *x = obj;
	int e = 0;

	for (size_t i = 0; i < x->rules.count; i++) {
		const struct expect_rule *r = x->rules.item[i];

		for (size_t k = 0; k < ARRAY_SIZE(rules) && e == 0; k++)
			e = rules[k](err, i, r);
		if (e == 0 && r->when)
			e = check_when(err, i, r->when);
		if (e < 0)
			return e;
	}
	return 0;
}

/* ----------------------------------------------------------------- reading */

int expect_parse(struct arena *a, const char *text, size_t len,
		 const struct expectations **ret, struct written_error *err)
{
	static const struct written_kind kind = { &expectations_shape, check_rules };
	struct expectations *x = arena_alloc(a, sizeof(*x));
	int e = 0;

	if (!x)
		return -ENOMEM;
	e = written_read(a, &kind, text, len, x, err);
	if (e == 0)
		*ret = x;
	return e;
}

int expect_file_read(struct arena *a, const char *path, const struct expectations **ret,
		     struct written_error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int e = written_slurp(path, &text, &len, err);

	return e < 0 ? e : expect_parse(a, text, len, ret, err);
}

/* -------------------------------------------------------------- conditions */

/* The next number of "6.12.107+deb13-amd64"; 0 where no more are. */
static unsigned long next_number(const char **at)
{
	const char *c = *at;
	char *end = NULL;
	unsigned long n = 0;

	if (*c == '.' || *c == '-')
		c++;
	if (*c < '0' || *c > '9')
		return 0;
	n = strtoul(c, &end, 10);
	*at = end;
	return n;
}

/* As many numbers as @bound has: below 0, 0 or above 0 as @release is to it. */
static int compare_release(const char *release, const char *bound)
{
	while (*bound) {
		unsigned long b = next_number(&bound);
		unsigned long n = next_number(&release);

		if (n != b)
			return n < b ? -1 : 1;
	}
	return 0;
}

static bool release_fits(const struct expect_range *g, const char *release)
{
	if (g->min && compare_release(release, g->min) < 0)
		return false;
	return !g->max || compare_release(release, g->max) <= 0;
}

static const char *config_value(const struct report *r, const char *option)
{
	const struct rec_list *config = &r->host.kernel.config;

	for (size_t i = 0; i < config->count; i++) {
		const struct rec_pair *p = config->item[i];

		if (!strcmp(p->key, option))
			return p->value;
	}
	return NULL;
}

static const char *module_state(const struct report *r, const char *name)
{
	const struct report_module *m = report_module_of(r, name);

	return m ? module_state_names[m->state] : NULL;
}

/* 1, 0, or -ENOENT with the name in @ret_unknown of what the report does not tell. */
static int pairs_fit(const struct report *r, const struct rec_list *pairs,
		     const char *(*look_up)(const struct report *, const char *),
		     const char **ret_unknown)
{
	for (size_t i = 0; i < pairs->count; i++) {
		const struct rec_pair *p = pairs->item[i];
		const char *value = look_up(r, p->key);

		if (!value) {
			*ret_unknown = p->key;
			return -ENOENT;
		}
		if (strcmp(value, p->value) != 0)
			return 0;
	}
	return 1;
}

static int holds_here(const struct report *r, const struct expect_when *w,
		      const char **ret_unknown)
{
	int fits = 1;

	if (!w)
		return 1;
	if (w->release && !release_fits(w->release, r->host.kernel.release))
		return 0;
	fits = pairs_fit(r, &w->config, config_value, ret_unknown);
	return fits == 1 ? pairs_fit(r, &w->modules, module_state, ret_unknown) : fits;
}

/* ---------------------------------------------------------------- applying */

static const char *subject(const struct expect_rule *rule)
{
	return rule->check ? rule->check : rule->stack;
}

static int add_sentence(struct arena *a, struct report *r, const char *sentence)
{
	return rec_list_add(a, &r->run.unexpected, sentence);
}

static const struct report_expected *expected_of(struct arena *a,
						 const struct expect_rule *rule)
{
	struct report_expected *x = arena_alloc(a, sizeof(*x));

	if (x)
		*x = (struct report_expected){ rule->expect, rule->reason, rule->source };
	return x;
}

static bool names_device(const struct expect_rule *rule, const char *device)
{
	return !rule->device || !strcmp(rule->device, device);
}

static bool is_failure(int status)
{
	return status == STATUS_FAIL || status == STATUS_TIMEOUT ||
	       status == STATUS_CRASH;
}

static int apply_to_check(struct arena *a, const struct expect_rule *rule,
			  struct report *r, struct report_check *c)
{
	int expected = word_number(status_names, rule->expect);

	c->expected = expected_of(a, rule);
	if (!c->expected)
		return -ENOMEM;
	if (c->status == expected) {
		if (is_failure(expected))
			c->status = STATUS_XFAIL;
		return 0;
	}
	if (c->status == STATUS_PASS && is_failure(expected))
		c->status = STATUS_XPASS;
	return add_sentence(a, r,
			    arena_printf(a, "%s on %s: %s was expected, and it is %s",
					 c->id, c->device, rule->expect,
					 status_names[c->status]));
}

static int apply_to_stack(struct arena *a, const struct expect_rule *rule,
			  struct report *r, struct report_stack *s)
{
	const char *verdict = stack_verdict_names[s->verdict];

	s->expected = expected_of(a, rule);
	if (!s->expected)
		return -ENOMEM;
	if (!strcmp(verdict, rule->expect))
		return 0;
	return add_sentence(
		a, r,
		arena_printf(a, "%s on %s, guest %s: %s was expected, and it is %s",
			     s->stack, s->device, guest_kind_names[s->guest],
			     rule->expect, verdict));
}

static int apply_check_rule(struct arena *a, const struct expect_rule *rule,
			    struct report *r, size_t *ret_used)
{
	for (size_t i = 0; i < r->checks.count; i++) {
		struct report_check *c = r->checks.item[i];

		if (c->expected || !names_device(rule, c->device) ||
		    fnmatch(rule->check, c->id, 0) != 0)
			continue;
		if (apply_to_check(a, rule, r, c) < 0)
			return -ENOMEM;
		(*ret_used)++;
	}
	return 0;
}

static int apply_stack_rule(struct arena *a, const struct expect_rule *rule,
			    struct report *r, size_t *ret_used)
{
	for (size_t i = 0; i < r->stacks.count; i++) {
		struct report_stack *s = r->stacks.item[i];

		if (s->expected || !names_device(rule, s->device) ||
		    (rule->guest >= 0 && rule->guest != s->guest) ||
		    fnmatch(rule->stack, s->stack, 0) != 0)
			continue;
		if (apply_to_stack(a, rule, r, s) < 0)
			return -ENOMEM;
		(*ret_used)++;
	}
	return 0;
}

static bool is_over(const struct expect_rule *rule, time_t now)
{
	char today[sizeof("2026-12-31")];
	struct tm tm;

	return rule->until && gmtime_r(&now, &tm) &&
	       strftime(today, sizeof(today), "%Y-%m-%d", &tm) &&
	       strcmp(today, rule->until) > 0;
}

static int apply_rule(struct arena *a, const struct expect_rule *rule, size_t number,
		      time_t now, struct report *r)
{
	const char *unknown = NULL;
	size_t used = 0;
	int here = holds_here(r, rule->when, &unknown);
	int e = 0;

	if (here < 0)
		return add_sentence(a, r,
				    arena_printf(a,
						 "rule %zu (%s) was not used: %s is not "
						 "known here",
						 number, subject(rule), unknown));
	if (!here)
		return 0;
	if (is_over(rule, now))
		return add_sentence(
			a, r,
			arena_printf(a,
				     "rule %zu (%s) was not used: its last day "
				     "was %s; see whether it still holds",
				     number, subject(rule), rule->until));
	e = rule->check ? apply_check_rule(a, rule, r, &used)
			: apply_stack_rule(a, rule, r, &used);
	if (e == 0 && !used)
		e = add_sentence(
			a, r,
			arena_printf(a, "rule %zu (%s) was not used: no result fits it",
				     number, subject(rule)));
	return e;
}

int expect_apply(struct arena *a, const struct expectations *e, time_t now,
		 struct report *r)
{
	for (size_t i = 0; e && i < e->rules.count; i++)
		if (apply_rule(a, e->rules.item[i], i, now, r) < 0)
			return -ENOMEM;
	return 0;
}
