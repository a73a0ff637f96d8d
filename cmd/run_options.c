/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/build_info.h"
#include "checks/catalogue.h"
#include "cmd/nearest.h"
#include "cmd/run_options.h"
#include "cmd/stacks.h"
#include "cmd/stored.h"
#include "core/plan.h"
#include "stacks/library.h"

enum {
	OPT_CHECK = 0x200,
	OPT_EXCLUDE,
	OPT_STACK,
	OPT_REQUIRE,
	OPT_FAIL_ON,
	OPT_STRICT,
	OPT_EXPECT,
	OPT_BASELINE,
	OPT_PROFILE,
	OPT_TIMEOUT,
	OPT_INTRUSIVE,
	OPT_LOAD_MODULES,
	OPT_CREATE,
	OPT_DETERMINISTIC,
	OPT_DRY_RUN,
};

static const struct argp_option options[] = {
	{ "check", OPT_CHECK, "GLOB", 0, "Run only the checks whose id matches", 1 },
	{ "exclude", OPT_EXCLUDE, "GLOB", 0, "Leave these checks out", 1 },
	{ "stack", OPT_STACK, "NAME|FILE|host", 0,
	  "Let the verdict of this VMM policy decide; a FILE holds one of your own; host: of "
	  "those that match a VMM installed or running here",
	  1 },
	{ "require", OPT_REQUIRE, "GLOB", 0, "Inconclusive (2) unless these checks ran",
	  1 },
	{ "fail-on", OPT_FAIL_ON, "SEVERITY", 0,
	  "Count checks from low, medium, high or critical on (default: high)", 1 },
	{ "expect", OPT_EXPECT, "FILE", 0,
	  "Do not count what this file says to expect of the kernel", 1 },
	{ "baseline", OPT_BASELINE, "REPORT", 0,
	  "Known findings that this report does not have decide", 1 },
	{ "profile", OPT_PROFILE, "VERSION", 0,
	  "Only checks that this version of vhostcheck had: newer ones break no gate",
	  1 },
	{ "strict", OPT_STRICT, NULL, 0, "Known findings decide, too", 1 },
	{ "timeout", OPT_TIMEOUT, "SECONDS", 0, "Deadline of each check (default: 30)",
	  2 },
	{ "intrusive", OPT_INTRUSIVE, NULL, 0,
	  "Run also checks and stacks that do what no ordinary VMM does", 2 },
	{ "load-modules", OPT_LOAD_MODULES, NULL, 0,
	  "Load the modules of the devices, and unload them again", 2 },
	{ "create", OPT_CREATE, "FAMILY,...", 0, "Make scsi or vdpa devices for the run",
	  2 },
	{ "output", 'o', "FILE", 0, "Write the report there; - is standard output", 3 },
	{ "deterministic", OPT_DETERMINISTIC, NULL, 0,
	  "Leave out times: two runs on one stack give the same bytes", 3 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0, "Say what would be run, and open nothing", 3 },
	{ 0 },
};

/* A parser's answer to argp: 0, or ENOMEM. */
static error_t keep(struct run_options *o, struct rec_list *list, const char *word)
{
	return -rec_list_add(&o->arena, list, arena_strdup(&o->arena, word));
}

static error_t take_timeout(struct argp_state *state, struct run_options *o,
			    const char *word)
{
	char *end = NULL;
	unsigned long seconds = 0;

	errno = 0;
	seconds = strtoul(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || errno || !seconds ||
	    seconds > RUN_TIMEOUT_MAX_S) {
		argp_error(state,
			   "--timeout: '%s' is not a number of seconds from 1 to %u",
			   word, RUN_TIMEOUT_MAX_S);
		return EINVAL;
	}
	o->timeout_s = (unsigned int)seconds;
	return 0;
}

error_t run_options_create(struct argp_state *state, struct arena *a,
			   struct rec_list *list, const char *word)
{
	char *rest = arena_strdup(a, word);
	char *one = NULL;

	if (!rest)
		return ENOMEM;
	while ((one = strsep(&rest, ",")) != NULL) {
		if (strcmp(one, "scsi") != 0 && strcmp(one, "vdpa") != 0) {
			argp_error(state, "--create: '%s' is neither scsi nor vdpa", one);
			return EINVAL;
		}
		if (rec_list_add(a, list, one) < 0)
			return ENOMEM;
	}
	return 0;
}

/* Three numbers, as the versions of the checks. */
static bool is_version(const char *word)
{
	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(word, "0123456789");

		if (!digits || digits > 6 || (*word == '0' && digits > 1) ||
		    word[digits] != (i < 2 ? '.' : '\0'))
			return false;
		word += digits + 1;
	}
	return true;
}

static error_t take_profile(struct argp_state *state, struct run_options *o,
			    const char *word)
{
	if (!is_version(word)) {
		argp_error(state, "--profile: '%s' is no version such as %s", word,
			   build_version);
		return EINVAL;
	}
	if (strverscmp(word, build_version) > 0) {
		argp_error(state, "--profile: %s is newer than this vhostcheck, %s", word,
			   build_version);
		return EINVAL;
	}
	o->profile = word;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *o = state->input;

	switch (key) {
	case OPT_CHECK:
		return keep(o, &o->selection.checks, arg);
	case OPT_EXCLUDE:
		return keep(o, &o->selection.exclude, arg);
	case OPT_STACK:
		return keep(o, &o->selection.stacks, arg);
	case OPT_REQUIRE:
		return keep(o, &o->selection.require, arg);
	case OPT_FAIL_ON:
		return cmd_take_severity(state, arg, &o->selection.fail_on);
	case OPT_STRICT:
		o->selection.strict = true;
		return 0;
	case OPT_EXPECT:
		o->expect = arg;
		return 0;
	case OPT_BASELINE:
		o->baseline = arg;
		return 0;
	case OPT_PROFILE:
		return take_profile(state, o, arg);
	case OPT_TIMEOUT:
		return take_timeout(state, o, arg);
	case OPT_INTRUSIVE:
		o->selection.intrusive = true;
		return 0;
	case OPT_LOAD_MODULES:
		o->load_modules = true;
		return 0;
	case OPT_CREATE:
		return run_options_create(state, &o->arena, &o->create, arg);
	case OPT_DETERMINISTIC:
		o->selection.deterministic = true;
		return 0;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp run_options_argp = { .options = options, .parser = parse };

/* "--stack=some/where/x.json" is shown as "--stack=x.json": reports are passed on. */
static const char *shown(struct arena *a, const char *arg)
{
	const char *slash = strrchr(arg, '/');
	const char *equals = strchr(arg, '=');

	if (!slash)
		return arena_strdup(a, arg);
	if (*arg == '-' && equals && equals < slash)
		return arena_printf(a, "%.*s=%s", (int)(equals - arg), arg, slash + 1);
	return arena_strdup(a, slash + 1);
}

int run_options_init(struct run_options *o, int argc, char **argv)
{
	*o = (struct run_options){ .timeout_s = RUN_TIMEOUT_S };
	o->selection.fail_on = SEVERITY_HIGH;
	for (int i = 0; i < argc; i++) {
		if (rec_list_add(&o->arena, &o->argv, shown(&o->arena, argv[i])) < 0) {
			run_options_done(o);
			return -ENOMEM;
		}
	}
	return 0;
}

void run_options_done(struct run_options *o)
{
	arena_done(&o->arena);
}

/* "vdpa0" and up; a bare "vdpa" is a device made for the run. */
static bool is_vdpa(const char *name)
{
	return !strncmp(name, "vdpa", 4) && name[4] &&
	       strspn(name + 4, "0123456789") == strlen(name + 4);
}

error_t run_options_device(struct argp_state *state, struct run_options *o,
			   const char *name)
{
	static const char node[] = "/dev/vhost-";
	const char *word = name;
	char vdpa[32];

	if (!strncmp(name, node, sizeof(node) - 1)) {
		word = name + sizeof(node) - 1;
		if (!strncmp(word, "vdpa-", 5)) {
			(void)snprintf(vdpa, sizeof(vdpa), "vdpa%s", word + 5);
			word = vdpa;
		}
	}
	if (strcmp(word, "net") != 0 && strcmp(word, "vsock") != 0 &&
	    strcmp(word, "scsi") != 0 && strcmp(word, "vdpa") != 0 && !is_vdpa(word)) {
		argp_error(
			state,
			"unknown device '%s': it is net, vsock, scsi, vdpaN, or the path "
			"of a node like /dev/vhost-vsock",
			name);
		return EINVAL;
	}
	for (size_t i = 0; i < o->selection.devices.count; i++)
		if (!strcmp(o->selection.devices.item[i], word))
			return 0;
	return keep(o, &o->selection.devices, word);
}

static int all_ids(struct arena *a, struct rec_list *ret)
{
	for (size_t i = 0; i < check_catalogue_count; i++)
		for (int f = 0; f < FAMILY_NUM; f++)
			if (check_catalogue[i]->families & FAMILY_BIT(f) &&
			    rec_list_add(
				    a, ret,
				    check_id(a, check_catalogue[i], (enum family)f)) < 0)
				return -ENOMEM;
	return 0;
}

static int check_globs(const struct cmd_ctx *ctx, struct run_options *o,
		       const char *option, const struct rec_list *globs)
{
	struct rec_list ids = { 0 };

	if (all_ids(&o->arena, &ids) < 0)
		return cmd_fail_memory(ctx);
	for (size_t i = 0; i < globs->count; i++) {
		struct rec_list one = { .item = &globs->item[i], .count = 1 };
		bool found = false;

		for (size_t k = 0; k < ids.count && !found; k++)
			found = plan_matches(&one, ids.item[k]);
		if (!found)
			return cmd_fail(ctx, CMD_EXIT_USAGE, "unknown_check",
					nearest_hint(&o->arena, globs->item[i], &ids,
						     "vhostcheck checks lists them"),
					"%s: no check matches '%s'", option,
					(const char *)globs->item[i]);
	}
	return 0;
}

/* A policy of a file joins the library; reports know it by its name. */
static int add_stack(const struct cmd_ctx *ctx, struct run_options *o, const char *word,
		     struct rec_list *ret)
{
	const struct stack *stack = NULL;
	int status = stacks_pick(ctx, &o->arena, &o->library, word, &stack);

	if (status)
		return status;
	if (stack_find(&o->library, stack->name) != stack) {
		if (stack_find(&o->library, stack->name))
			return cmd_fail(ctx, CMD_EXIT_USAGE, "bad_stack",
					"give one of them another name",
					"%s: a second policy is called '%s'", word,
					stack->name);
		if (rec_list_add(&o->arena, &o->library, stack) < 0 ||
		    rec_list_add(&o->arena, &o->stack_files, word) < 0)
			return cmd_fail_memory(ctx);
	}
	return rec_list_add(&o->arena, ret, stack->name) < 0 ? cmd_fail_memory(ctx) : 0;
}

static int add_host(const struct cmd_ctx *ctx, struct run_options *o,
		    const struct rec_list *built_in, struct rec_list *ret)
{
	struct rec_list here = { 0 };
	int status = stacks_host(ctx, &o->arena, built_in, &here);

	for (size_t i = 0; i < here.count && !status; i++)
		if (rec_list_add(&o->arena, ret,
				 ((const struct stack *)here.item[i])->name) < 0)
			status = cmd_fail_memory(ctx);
	return status;
}

static int resolve_stacks(const struct cmd_ctx *ctx, struct run_options *o)
{
	struct rec_list built_in = { 0 }, names = { 0 };
	int status = stacks_load(ctx, &o->arena, &o->library);

	built_in = o->library;
	for (size_t i = 0; i < o->selection.stacks.count && !status; i++) {
		const char *word = o->selection.stacks.item[i];

		status = !strcmp(word, STACKS_HOST) ? add_host(ctx, o, &built_in, &names)
						    : add_stack(ctx, o, word, &names);
	}
	o->selection.stacks = names;
	return status;
}

static int read_expectations(const struct cmd_ctx *ctx, struct run_options *o)
{
	struct written_error err = { 0 };
	int r = o->expect ? expect_file_read(&o->arena, o->expect, &o->expectations, &err)
			  : 0;

	return r < 0 ? cmd_fail_written(ctx, r, "bad_expectations", "expectations",
					o->expect, &err)
		     : 0;
}

/* Judged by this version's rules: what was not known then may be known now. */
static int read_baseline(const struct cmd_ctx *ctx, struct run_options *o)
{
	struct report_baseline *b = arena_alloc(&o->arena, sizeof(*b));
	struct report r;
	int status = 0;

	if (!b)
		return cmd_fail_memory(ctx);
	status = stored_read(ctx, &o->arena, o->baseline, &r);
	if (status)
		return status;
	if (stored_judge(&o->arena, &r) < 0)
		return cmd_fail_memory(ctx);
	b->release = r.host.kernel.release;
	for (size_t i = 0; i < r.checks.count; i++) {
		const struct report_check *c = r.checks.item[i];
		struct report_finding *f = NULL;

		if (!c->known)
			continue;
		f = rec_list_new(&o->arena, &b->known, sizeof(*f));
		if (!f)
			return cmd_fail_memory(ctx);
		*f = (struct report_finding){ c->id, c->device, c->known->text };
	}
	o->selection.baseline = b;
	return 0;
}

int run_options_resolve(const struct cmd_ctx *ctx, struct run_options *o)
{
	int status = check_globs(ctx, o, "--check", &o->selection.checks);

	if (!status)
		status = check_globs(ctx, o, "--exclude", &o->selection.exclude);
	if (!status)
		status = check_globs(ctx, o, "--require", &o->selection.require);
	if (!status)
		status = resolve_stacks(ctx, o);
	if (!status)
		status = read_expectations(ctx, o);
	if (!status && o->baseline)
		status = read_baseline(ctx, o);
	if (!status && ctx->json) {
		if (o->output && strcmp(o->output, "-") != 0)
			return cmd_fail(ctx, CMD_EXIT_USAGE, "usage",
					"give one of the two",
					"--json is -o -, and -o %s was given", o->output);
		o->output = "-";
	}
	return status;
}
