/* SPDX-License-Identifier: MIT */
/* What is otherwise about the machine, and what it measured. */
#include <inttypes.h>
#include <string.h>

#include "report/diff_parts.h"

static int add_fact(struct comparison *c, const char *what, const char *old,
		    const char *new)
{
	struct diff_fact *f = NULL;

	if (diff_same(old, new))
		return 0;
	f = rec_list_new(c->a, &c->d->host, sizeof(*f));
	if (!f || !what)
		return -ENOMEM;
	*f = (struct diff_fact){ what, old, new };
	return 0;
}

/* ---------------------------------------------------------------------- pairs */

static const struct rec_pair *pair_of(const struct rec_list *pairs, const char *key)
{
	for (size_t i = 0; i < pairs->count; i++) {
		const struct rec_pair *p = pairs->item[i];

		if (!strcmp(p->key, key))
			return p;
	}
	return NULL;
}

static int add_pairs(struct comparison *c, const char *prefix, const struct rec_list *old,
		     const struct rec_list *new)
{
	int r = 0;

	for (size_t i = 0; i < old->count && r == 0; i++) {
		const struct rec_pair *o = old->item[i];
		const struct rec_pair *n = pair_of(new, o->key);

		r = add_fact(c, arena_printf(c->a, "%s%s", prefix, o->key), o->value,
			     n ? n->value : NULL);
	}
	for (size_t i = 0; i < new->count &&r == 0; i++) {
		const struct rec_pair *n = new->item[i];

		if (!pair_of(old, n->key))
			r = add_fact(c, arena_printf(c->a, "%s%s", prefix, n->key), NULL,
				     n->value);
	}
	return r;
}

/* -------------------------------------------------------------------- modules */

/* Of one kernel release a module has one build; of two it never has. */
static int add_module(struct comparison *c, const struct report_module *o,
		      const struct report_module *n)
{
	bool one_kernel =
		!strcmp(c->old->host.kernel.release, c->new->host.kernel.release);
	const char *prefix = arena_printf(c->a, "module %s: ", n->name);
	int r = add_fact(c, arena_printf(c->a, "module %s", n->name),
			 o ? module_state_names[o->state] : NULL,
			 module_state_names[n->state]);

	if (!prefix)
		return -ENOMEM;
	if (r == 0 && o && one_kernel)
		r = add_fact(c, arena_printf(c->a, "%sbuild", prefix), o->build_id_loaded,
			     n->build_id_loaded);
	if (r == 0 && o && o->state == MODULE_LIVE && n->state == MODULE_LIVE)
		r = add_pairs(c, prefix, &o->parameters, &n->parameters);
	return r;
}

static int add_modules(struct comparison *c)
{
	int r = 0;

	for (size_t i = 0; i < c->new->host.modules.count &&r == 0; i++) {
		const struct report_module *n = c->new->host.modules.item[i];

		r = add_module(c, report_module_of(c->old, n->name), n);
	}
	return r;
}

static int add_devices(struct comparison *c)
{
	int r = 0;

	for (size_t i = 0; i < c->old->devices.count && r == 0; i++) {
		const struct report_device *o = c->old->devices.item[i];
		const struct report_device *n = report_device_of(c->new, o->name);
		const char *what = arena_printf(c->a, "device %s", o->name);

		r = add_fact(c, what, device_state_names[o->state],
			     n ? device_state_names[n->state] : NULL);
		if (r == 0 && n && o->iotlb_policy >= 0 && n->iotlb_policy >= 0)
			r = add_fact(c, arena_printf(c->a, "IOTLB of %s", o->name),
				     iotlb_policy_names[o->iotlb_policy],
				     iotlb_policy_names[n->iotlb_policy]);
	}
	for (size_t i = 0; i < c->new->devices.count &&r == 0; i++) {
		const struct report_device *n = c->new->devices.item[i];

		if (!report_device_of(c->old, n->name))
			r = add_fact(c, arena_printf(c->a, "device %s", n->name), NULL,
				     device_state_names[n->state]);
	}
	return r;
}

/* -------------------------------------------------------------------- machine */

static const char *machine(struct arena *a, const struct report *r)
{
	const struct report_vm *vm = r->run.vm;

	if (!vm)
		return "this host";
	return arena_printf(a, "%s, QEMU %s, %" PRId64 " CPU, %" PRId64 " MiB", vm->accel,
			    vm->qemu, vm->cpus, vm->memory);
}

static const char *taint(struct arena *a, const struct report *r)
{
	struct opt_int t = r->host.kernel.taint;

	return t.set ? arena_printf(a, "%" PRId64, t.v) : NULL;
}

int diff_host(struct comparison *c)
{
	const struct report_host *o = &c->old->host, *n = &c->new->host;
	const char *was = machine(c->a, c->old), *is = machine(c->a, c->new);
	int r = was && is ? 0 : -ENOMEM;

	if (r == 0)
		r = add_fact(c, "kernel", o->kernel.release, n->kernel.release);
	if (r == 0)
		r = add_fact(c, "kernel version", o->kernel.version, n->kernel.version);
	if (r == 0)
		r = add_devices(c);
	if (r == 0)
		r = add_modules(c);
	if (r == 0)
		r = add_pairs(c, "", &o->kernel.config, &n->kernel.config);
	if (r == 0)
		r = add_fact(c, "kernel command line", o->kernel.cmdline,
			     n->kernel.cmdline);
	if (r == 0)
		r = add_fact(c, "taint", taint(c->a, c->old), taint(c->a, c->new));
	if (r == 0)
		r = add_fact(c, "distribution", o->distro, n->distro);
	if (r == 0)
		r = add_fact(c, "CPU", o->cpu, n->cpu);
	if (r == 0)
		r = add_fact(c, "hypervisor", o->virt, n->virt);
	if (r == 0)
		r = add_fact(c, "machine", was, is);
	if (r == 0)
		r = add_fact(c, "privileges", c->old->run.privileges,
			     c->new->run.privileges);
	return r == 0 ? add_fact(c, "vhostcheck", c->old->tool.version,
				 c->new->tool.version)
		      : r;
}

/* ------------------------------------------------------------------- measures */

/** struct spread - of a measure's samples */
struct spread {
	int64_t low, median, high;
};

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Return: 1; 0 if there is no sample; -ENOMEM. */
static int spread_of(const struct ev_measure *m, struct spread *ret)
{
	size_t n = m->samples.count;
	cleanup_free int64_t *v = calloc(n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		v[i] = *(const int64_t *)m->samples.item[i];
	qsort(v, n, sizeof(*v), by_value);
	if (n)
		*ret = (struct spread){ v[0], v[n / 2], v[n - 1] };
	return n > 0;
}

static bool beyond_noise(const struct spread *o, const struct spread *n)
{
	int64_t apart =
		o->median > n->median ? o->median - n->median : n->median - o->median;
	int64_t tenth = (o->median < 0 ? -o->median : o->median) / 10;

	return (o->high < n->low || n->high < o->low) && apart > tenth;
}

static bool is_like(const struct ev *ev, const struct ev *like)
{
	return ev->kind == EV_MEASURE && diff_same(ev->step, like->step) &&
	       diff_same(ev->measure.name, like->measure.name) &&
	       diff_same(ev->measure.unit, like->measure.unit);
}

/* A step may measure the same several times: the second of @old is the second of @new. */
static const struct ev *same_measure(const struct evidence *old, size_t place,
				     const struct evidence *new)
{
	const struct ev *like = old->ev.item[place];
	size_t before = 0;

	for (size_t i = 0; i < place; i++)
		before += is_like(old->ev.item[i], like);
	for (size_t i = 0; i < new->ev.count; i++)
		if (is_like(new->ev.item[i], like) && !before--)
			return new->ev.item[i];
	return NULL;
}

static int add_measures(struct comparison *c, const char *id, const char *device,
			const struct evidence *old, const struct evidence *new)
{
	for (size_t i = 0; i < old->ev.count; i++) {
		const struct ev *o = old->ev.item[i], *n = NULL;
		struct spread was, is;
		struct diff_measure *m = NULL;
		int r = o->kind == EV_MEASURE ? spread_of(&o->measure, &was) : 0;

		if (r > 0)
			n = same_measure(old, i, new);
		if (r > 0)
			r = n ? spread_of(&n->measure, &is) : 0;
		if (r < 0)
			return r;
		if (r == 0 || !beyond_noise(&was, &is))
			continue;
		m = rec_list_new(c->a, &c->d->measures, sizeof(*m));
		if (!m)
			return -ENOMEM;
		*m = (struct diff_measure){
			id,         device,   o->step, o->measure.name, o->measure.unit,
			was.median, is.median
		};
	}
	return 0;
}

static bool equal_machines(const struct report *o, const struct report *n)
{
	const struct report_vm *a = o->run.vm, *b = n->run.vm;

	if (!o->host.cpu || !diff_same(o->host.cpu, n->host.cpu) ||
	    !diff_same(o->host.virt, n->host.virt))
		return false;
	if (!a || !b)
		return a == b;
	return diff_same(a->accel, b->accel) && diff_same(a->qemu, b->qemu) &&
	       a->cpus == b->cpus && a->memory == b->memory;
}

int diff_measures(struct comparison *c)
{
	int r = 0;

	if (!equal_machines(c->old, c->new))
		return 0;
	for (size_t i = 0; i < c->old->checks.count && r == 0; i++) {
		const struct report_check *o = c->old->checks.item[i];
		const struct report_check *n = diff_check_of(c->new, &c->new_checks, o);

		if (n)
			r = add_measures(c, o->id, o->device,
					 &(struct evidence){ o->evidence },
					 &(struct evidence){ n->evidence });
	}
	for (size_t i = 0; i < c->old->stacks.count && r == 0; i++) {
		const struct report_stack *o = c->old->stacks.item[i];
		const struct report_stack *n = diff_stack_of(c->new, &c->new_stacks, o);

		if (n)
			r = add_measures(c, o->stack, o->device,
					 &(struct evidence){ o->evidence },
					 &(struct evidence){ n->evidence });
	}
	return r;
}
