/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "checks/catalogue.h"
#include "checks/findings.h"
#include "cmd/execute_parts.h"
#include "cmd/facts_report.h"
#include "report/summary.h"
#include "run/check_act.h"
#include "run/verdict.h"

bool execute_in_guest(const struct execution *x)
{
	return x->ctx->journal_fd >= 0;
}

bool execute_may_make(const struct execution *x, enum family family)
{
	const struct rec_list *create = &x->options->create;

	for (size_t i = 0; i < create->count; i++)
		if (!strcmp(create->item[i], family_names[family]))
			return true;
	return execute_in_guest(x);
}

/* ------------------------------------------------------------------ begin */

static const char *now_text(struct arena *a)
{
	struct tm tm;
	time_t now = time(NULL);

	if (!gmtime_r(&now, &tm))
		return NULL;
	return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
			    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static int reduced(struct execution *x, const char *text)
{
	return rec_list_add(&x->arena, &x->report.run.reduced, text);
}

int execute_left(struct execution *x, const struct outcome *o)
{
	return o->left ? reduced(x, o->left) : 0;
}

static int fill_run(struct execution *x)
{
	struct report_run *run = &x->report.run;

	run->argv = x->options->argv;
	run->selection = x->options->selection;
	run->where = execute_in_guest(x) ? WHERE_VM : WHERE_HOST;
	run->privileges = geteuid() == 0 ? "root" : "user";
	if (!run->selection.deterministic)
		run->started = now_text(&x->arena);
	if (geteuid() != 0)
		return reduced(
			x, "not run as root: what other users' processes do could not "
			   "be looked at");
	return 0;
}

static bool is_named(const struct execution *x, const char *name)
{
	const struct rec_list *named = &x->options->selection.devices;

	for (size_t i = 0; i < named->count; i++)
		if (!strcmp(named->item[i], name))
			return true;
	return false;
}

/* A vDPA device that is made for the run, check by check; or why it is not. */
static int choose_made(struct execution *x)
{
	bool may = execute_may_make(x, FAMILY_VDPA);
	bool wanted = x->options->selection.devices.count ? is_named(x, "vdpa") : may;
	struct report_device *d = NULL;

	if (!wanted)
		return 0;
	d = rec_list_new(&x->arena, &x->report.devices, sizeof(*d));
	return d ? facts_fill_made(&x->arena, x->facts, may, d) : -ENOMEM;
}

/*
 * The devices of the report: those named, or all but the vDPA devices that are there,
 * which must be named.
 */
static int choose_devices(struct execution *x)
{
	const struct rec_list *named = &x->options->selection.devices;
	struct rec_list all = { 0 };
	int r = facts_list_devices(&x->arena, x->facts, &all);

	for (size_t i = 0; i < all.count && r == 0; i++) {
		struct report_device *d = all.item[i];
		bool wanted = !named->count && d->kind != FAMILY_VDPA;

		if (wanted || is_named(x, d->name))
			r = rec_list_add(&x->arena, &x->report.devices, d);
	}
	return r < 0 ? r : choose_made(x);
}

/*
 * What the other ends take, and making a first target would load (seam/peer_scsi.c). No
 * kernel has to have it: if it was not loaded nothing is made, and why is told.
 */
static void load_for_peers(struct execution *x)
{
	static const struct {
		enum family family;
		const char *name;
	} modules[] = {
		{ FAMILY_SCSI, "target_core_iblock" },
		{ FAMILY_SCSI, "target_core_file" },
		{ FAMILY_SCSI, "target_core_pscsi" },
		{ FAMILY_SCSI, "target_core_user" },
		{ FAMILY_VDPA, "vduse" },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(modules) && r != -ENOMEM; i++)
		if (execute_may_make(x, modules[i].family))
			r = modules_load(&x->modules, modules[i].name);
}

static int tell_config(struct execution *x)
{
	const struct report_kernel *k = &x->report.host.kernel;

	return k->config.count
		       ? 0
		       : reduced(x,
				 arena_printf(&x->arena,
					      "the kernel's configuration is not known: "
					      "there is neither /boot/config-%s nor "
					      "/lib/modules/%s/config",
					      k->release, k->release));
}

/* A module that cannot be loaded is told in the report; its device stays no_module. */
static int load_modules(struct execution *x)
{
	load_for_peers(x);
	for (size_t i = 0; i < x->report.devices.count; i++) {
		const struct report_device *d = x->report.devices.item[i];
		const char *name = family_module((enum family)d->kind);
		int r = d->state == DEVICE_NO_MODULE || d->state == DEVICE_ABSENT
				? modules_load(&x->modules, name)
				: 0;

		if (r < 0 &&
		    reduced(x, arena_printf(&x->arena,
					    "--load-modules: %s was not loaded: %s", name,
					    strerror(-r))) < 0)
			return -ENOMEM;
	}
	/* both are looked at again */
	x->report.devices = (struct rec_list){ 0 };
	x->report.host = (struct report_host){ 0 };
	return 0;
}

static int open_journal(struct execution *x)
{
	int status = 0;

	if (execute_in_guest(x)) {
		x->journal_fd = x->ctx->journal_fd;
		return 0;
	}
	status = output_begin(x->ctx, &x->arena, x->options->output, &x->output);
	x->journal_fd = x->output.journal_fd;
	return status;
}

int execute_tell(struct execution *x, const struct journal_line *line)
{
	int r = x->journal_fd < 0 ? 0 : journal_write(x->journal_fd, line);

	return r < 0 ? output_fail_journal(x->ctx, &x->output, -r) : 0;
}

int execute_tell_synced(struct execution *x, const struct journal_line *line)
{
	int status = execute_tell(x, line);

	if (!status && x->journal_fd >= 0 && journal_sync(x->journal_fd) < 0)
		return cmd_fail(x->ctx, CMD_EXIT_LAB, "output", NULL,
				"cannot sync the journal: %m");
	return status;
}

int execute_begin(struct execution *x)
{
	int r = 0;
	int status = 0;

	x->journal_fd = x->output.journal_fd = x->kmsg.fd = x->kmsg.taint_fd = -1;
	x->started_ns = mono_now_ns();
	x->facts = facts_kernel_new();
	if (!x->facts)
		return cmd_fail_memory(x->ctx);
	r = facts_fill_tool(&x->arena, &x->report.tool);
	if (r == 0)
		r = facts_fill_host(&x->arena, x->facts, &x->report.host);
	if (r == 0)
		r = fill_run(x);
	if (r == 0)
		r = tell_config(x);
	if (r == 0)
		r = choose_devices(x);
	if (r == 0 && x->options->load_modules && !x->options->dry_run) {
		r = load_modules(x);
		if (r == 0)
			r = facts_fill_host(&x->arena, x->facts, &x->report.host);
		if (r == 0)
			r = choose_devices(x);
	}
	if (r < 0)
		return cmd_fail(x->ctx, CMD_EXIT_LAB, "internal", NULL,
				"cannot find out about this host: %s", strerror(-r));
	if (x->options->dry_run)
		return 0;
	if (kmsg_open(&x->kmsg, execute_in_guest(x)) < 0 &&
	    reduced(x,
		    "the kernel log cannot be read: what the kernel complains of is not "
		    "seen") < 0)
		return cmd_fail_memory(x->ctx);
	status = open_journal(x);
	if (status)
		return status;
	x->runner = runner_new();
	if (!x->runner)
		return cmd_fail(x->ctx, CMD_EXIT_LAB, "internal", NULL,
				"cannot get ready to run checks: %m");
	return execute_tell(
		x, &(struct journal_line){ .type = JOURNAL_START,
					   .start = { &x->report.tool, &x->report.run,
						      &x->report.host } });
}

void execute_done(struct execution *x)
{
	int r = modules_unload(&x->modules);

	if (r < 0)
		(void)cmd_fail(x->ctx, CMD_EXIT_LAB, "module_in_use",
			       "remove it with modprobe -r when it is no longer in use",
			       "a module that was loaded for this run stays: %s",
			       strerror(-r));
	kmsg_close(&x->kmsg);
	runner_free(x->runner);
	facts_kernel_free(x->facts);
	output_end(&x->output, x->began);
	arena_done(&x->arena);
}

/* ------------------------------------------------------------------- plan */

struct verdict execute_unusable(const struct report_device *d)
{
	static const struct verdict by_state[DEVICE_STATE_NUM] = {
		[DEVICE_ABSENT] = { STATUS_SKIP, REASON_NO_DEVICE, NULL },
		[DEVICE_NO_MODULE] = { STATUS_SKIP, REASON_NO_MODULE, NULL },
		[DEVICE_DENIED] = { STATUS_BLOCKED, REASON_DENIED, NULL },
		[DEVICE_BUSY] = { STATUS_BLOCKED, REASON_BUSY, NULL },
		[DEVICE_BLOCKED] = { STATUS_BLOCKED, REASON_INTERNAL, NULL },
	};
	struct verdict v = by_state[d->state];

	if (d->state == DEVICE_BLOCKED)
		v.code = d->blocked_by;
	v.text = d->reason;
	return v;
}

const char *execute_not_ours(const struct report_device *d)
{
	if (d->kind != FAMILY_VDPA || !strcmp(d->path, PEER_NODE))
		return NULL;
	return "it would be written to, and it is somebody's: `--create vdpa` makes one "
	       "for the run";
}

static int plan_device(struct execution *x, struct report_device *d,
		       struct rec_list *list)
{
	static const struct feature_set all = { { ~0ull, ~0ull } };
	const struct verdict v = execute_unusable(d);
	struct plan_device *p = rec_list_new(&x->arena, list, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct plan_device){
		.name = d->name,
		.path = d->path,
		.family = (enum family)d->kind,
		.usable = d->state == DEVICE_OK,
		.status = v.status,
		.code = v.code,
		.reason = v.text,
		.array = d->features_array,
		.type = d->type,
		.no_peer = execute_not_ours(d),
	};
	if (d->features) {
		p->offered = mask_set(d->features);
	} else if (x->options->dry_run) {
		/* unknown: nothing is skipped for what is not offered */
		p->offered = all;
		p->array = true;
	}
	return 0;
}

/* Why a check that needs @module cannot have its other end, as @text; NULL if it can. */
static const char *without(struct execution *x, const char *module, const char *text)
{
	struct module_info m = { 0 };

	if (x->facts->ops->module(x->facts, module, &m) == 0 &&
	    (m.status == FACT_MODULE_LIVE || m.status == FACT_MODULE_BUILTIN))
		return NULL;
	return text;
}

/* On a host nothing is made that was not asked for. */
static const char *unasked(const struct execution *x, enum family family)
{
	return execute_may_make(x, family)
		       ? NULL
		       : "a target is made on a host only with --create scsi";
}

int execute_plan(struct execution *x, struct rec_list *ret)
{
	const struct report_selection *sel = &x->options->selection;
	const struct plan_choice choice = {
		.check = sel->checks,
		.exclude = sel->exclude,
		.profile = x->options->profile,
		.intrusive = sel->intrusive,
		.anything = execute_in_guest(x),
		.no_peer = {
			[FAMILY_NET] = without(x, "tun",
					       "there are no taps: the module tun is not "
					       "loaded (modprobe tun)"),
			[FAMILY_VSOCK] = without(x, "vsock",
						 "AF_VSOCK sockets are not there: the "
						 "module vsock is not loaded (modprobe "
						 "vsock)"),
			[FAMILY_SCSI] = unasked(x, FAMILY_SCSI),
		},
	};
	struct rec_list devices = { 0 };

	for (size_t i = 0; i < x->report.devices.count; i++)
		if (plan_device(x, x->report.devices.item[i], &devices) < 0)
			return -ENOMEM;
	return plan_make(&x->arena, check_catalogue, check_catalogue_count, &devices,
			 &choice, ret);
}

/* ----------------------------------------------------------------- checks */

int execute_reason(struct execution *x, struct report_reason **ret, int code,
		   const char *text)
{
	struct report_reason *r = arena_alloc(&x->arena, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->code = code;
	r->text = text ? text : "?";
	*ret = r;
	return 0;
}

static int set_verdict(struct execution *x, struct report_check *c,
		       const struct verdict *v)
{
	c->status = v->status;
	c->reason = NULL;
	if (v->status == STATUS_PASS)
		return 0;
	return execute_reason(x, &c->reason, v->code, v->text);
}

static int add_check(struct execution *x, const struct plan_entry *e)
{
	struct report_check *c = rec_list_new(&x->arena, &x->report.checks, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->id = e->id;
	c->title = e->check->title;
	c->device = e->device->name;
	c->severity = e->check->severity;
	c->risk = e->check->risk;
	c->since = e->check->since;
	for (size_t i = 0; e->check->refs[i]; i++)
		if (rec_list_add(&x->arena, &c->refs, e->check->refs[i]) < 0)
			return -ENOMEM;
	return 0;
}

bool execute_unasked(struct execution *x, const char *device, struct verdict *ret)
{
	const char *wedged = runner_wedged(x->runner, device);
	int sig = runner_signal(x->runner);

	if (sig) {
		*ret = (struct verdict){
			STATUS_BLOCKED, REASON_NOT_SELECTED,
			arena_printf(&x->arena, "the run was stopped by SIG%s before it",
				     sigabbrev_np(sig))
		};
		return true;
	}
	if (wedged)
		*ret = (struct verdict){ STATUS_BLOCKED, REASON_WEDGED, wedged };
	return wedged != NULL;
}

/* The judge alone tells a broken contract from a kernel that complained or hung. */
static int set_known(struct execution *x, struct report_check *c,
		     const struct check *check, const struct evidence *evidence)
{
	const struct finding *f = finding_of(check, evidence);

	if (!f)
		return 0;
	c->known = arena_alloc(&x->arena, sizeof(*c->known));
	if (!c->known)
		return -ENOMEM;
	*c->known = (struct report_known){ f->since, f->fixed_by, f->text };
	return 0;
}

static int run_check(struct execution *x, const struct plan_entry *e,
		     struct report_check *c, struct verdict *ret)
{
	const struct task task = {
		.device = e->device->name,
		.family = e->device->family,
		.path = e->device->path,
		.act = check_act,
		.arg = e->check,
		.timeout_ms = x->options->timeout_s * 1000,
	};
	struct outcome o;
	int r = 0;

	if (execute_tell_synced(
		    x, &(struct journal_line){ .type = JOURNAL_CHECK_START,
					       .check_start = { c->id, c->device } }))
		return -EIO;
	x->began = true;
	kmsg_skip(&x->kmsg);
	r = runner_task(x->runner, &x->arena, &task, &o);
	if (r < 0) {
		*ret = (struct verdict){ STATUS_ERROR, REASON_INTERNAL,
					 arena_printf(&x->arena, "no child: %s",
						      strerror(-r)) };
		return 0;
	}
	if (execute_left(x, &o) < 0)
		return -ENOMEM;
	c->evidence = o.evidence.ev;
	if (!x->options->selection.deterministic)
		c->duration_us = opt_int((int64_t)o.duration_us);
	*ret = verdict_of(&x->arena, e->check, task.path, task.timeout_ms, &o);
	if (ret->status == STATUS_FAIL && set_known(x, c, e->check, &o.evidence) < 0)
		return -ENOMEM;
	r = kmsg_blame(&x->kmsg, &x->arena, o.pid, &c->evidence, ret);
	if (c->evidence.count > o.evidence.ev.count)
		c->known = NULL; /* the kernel complained: more than is known */
	return r;
}

static int run_checks(struct execution *x, const struct rec_list *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_entry *e = plan->item[i];
		struct report_check *c = x->report.checks.item[i];
		struct verdict v = e->verdict;
		int r = 0;

		cmd_progress(x->ctx, "%zu/%zu %s", i + 1, plan->count, c->id);
		if (e->run && !execute_unasked(x, c->device, &v))
			r = run_check(x, e, c, &v);
		if (r < 0)
			return r == -ENOMEM ? cmd_fail_memory(x->ctx) : CMD_EXIT_LAB;
		if (set_verdict(x, c, &v) < 0)
			return cmd_fail_memory(x->ctx);
		if (execute_tell(x, &(struct journal_line){ .type = JOURNAL_CHECK,
							    .check = c }))
			return CMD_EXIT_LAB;
	}
	return 0;
}

/* -------------------------------------------------------------------- run */

int execute_run(struct execution *x)
{
	struct rec_list plan = { 0 };
	struct rec_list plays = { 0 };
	int status = 0;
	int r = x->options->policies_only ? 0 : execute_plan(x, &plan);

	for (size_t i = 0; i < plan.count && r == 0; i++)
		r = add_check(x, plan.item[i]);
	if (r == 0)
		r = execute_add_stacks(x, &plays);
	if (r < 0)
		return cmd_fail_memory(x->ctx);
	status = execute_tell(x, &(struct journal_line){ .type = JOURNAL_PLAN,
							 .plan = { x->report.checks,
								   x->report.stacks } });
	if (!status)
		status = run_checks(x, &plan);
	if (!status)
		status = execute_stacks(x, &plays);
	cmd_progress_end(x->ctx);
	if (status)
		return status;
	if (!x->options->selection.deterministic)
		x->report.run.duration_us =
			opt_int((int64_t)((mono_now_ns() - x->started_ns) / 1000));
	if (expect_apply(&x->arena, x->options->expectations, time(NULL), &x->report) < 0)
		return cmd_fail_memory(x->ctx);
	report_summarize(&x->report, runner_signal(x->runner));
	return execute_tell_synced(
		x, &(struct journal_line){
			   .type = JOURNAL_END,
			   .end = { &x->report.summary, x->report.run.duration_us } });
}
