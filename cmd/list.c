/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/tree.h"
#include "cmd/cmd.h"
#include "cmd/facts_report.h"
#include "cmd/list.h"
#include "seam/facts_kernel.h"
#include "seam/made.h"
#include "stacks/library.h"

/** struct list_options - own options of `list` */
struct list_options {
	bool leftovers, remove;
};

/* ----------------------------------------------------------------- gather */

static int add_access(struct arena *a, const struct node_info *n, struct list_device *d)
{
	if (!n->exists)
		return 0;
	d->access = arena_alloc(a, sizeof(*d->access));
	if (!d->access)
		return -ENOMEM;
	*d->access = (struct list_access){ .mode = arena_printf(a, "%04o", n->mode),
					   .uid = n->uid,
					   .gid = n->gid,
					   .readable = n->readable,
					   .writable = n->writable };
	return d->access->mode ? 0 : -ENOMEM;
}

static int add_about(struct arena *a, struct list_device *d)
{
	int r = d->kind == FAMILY_VDPA ? vdpa_about(a, d->path, &d->vdpa) : 0;

	if (r == 0 && d->vdpa) {
		d->about = vdpa_about_text(a, d->vdpa);
		r = d->about ? 0 : -ENOMEM;
	}
	return r;
}

static int add_device(struct arena *a, struct facts *facts,
		      const struct report_device *from, struct rec_list *ret)
{
	struct list_device *d = rec_list_new(a, ret, sizeof(*d));
	struct node_info node;
	struct module_info module;
	int r = 0;

	if (!d)
		return -ENOMEM;
	node_describe("", from->path, &node);
	r = facts->ops->module(facts, family_module((enum family)from->kind), &module);
	if (r < 0)
		return r;
	*d = (struct list_device){
		.name = from->name,
		.path = from->path,
		.kind = from->kind,
		.state = from->state,
		.reason = from->reason,
		.present = node.exists,
		.module = { family_module((enum family)from->kind), module.status },
		.major = node.major,
		.minor = node.minor,
	};
	r = add_about(a, d);
	return r < 0 ? r : add_access(a, &node, d);
}

/* Without any vDPA node there is a row for the family all the same: why there is none. */
static int add_missing_vdpa(struct arena *a, struct facts *facts,
			    struct rec_list *devices)
{
	const struct report_device *last = devices->item[devices->count - 1];
	struct report_device *d = NULL;
	struct node_info node;
	int r = 0;

	if (last->kind == FAMILY_VDPA)
		return 0;
	r = facts->ops->node(facts, FAMILY_VDPA, &node);
	if (r < 0)
		return r;
	d = rec_list_new(a, devices, sizeof(*d));
	return d ? facts_fill_device(a, facts, "vdpa", FAMILY_VDPA, &node, d) : -ENOMEM;
}

static int gather_devices(struct arena *a, struct facts *facts, struct list *ret)
{
	struct rec_list devices = { 0 };
	int r = facts_list_devices(a, facts, &devices);

	if (r == 0)
		r = add_missing_vdpa(a, facts, &devices);
	for (size_t i = 0; i < devices.count && r == 0; i++)
		r = add_device(a, facts, devices.item[i], &ret->devices);
	return r == 0 ? list_find_holders(a, &ret->devices, &ret->host.all_holders) : r;
}

/* The executables that policies name. */
static int gather_vmms(struct arena *a, struct rec_list *ret)
{
	struct rec_list library = { 0 };
	struct written_error err;
	int r = stack_library(a, &library, &err);

	for (size_t i = 0; i < library.count && r == 0; i++) {
		const struct stack *s = library.item[i];

		r = list_find_vmms(a, &s->executables, ret);
	}
	return r;
}

static int gather_host(struct arena *a, struct facts *facts, struct list_host *ret)
{
	char transport[NAME_ROOM];
	int r = facts_fill_host(a, facts, &ret->base);

	if (r == 0)
		r = facts->ops->guest_to_host(facts, transport);
	if (r == 0 && *transport) {
		ret->guest_to_host = arena_strdup(a, transport);
		r = ret->guest_to_host ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = gather_vmms(a, &ret->vmms);
	if (r == 0)
		r = list_find_newer_kernel(a, "", ret->base.kernel.release,
					   &ret->newer_kernel);
	return r == 0 ? list_find_leftovers(a, &ret->leftovers) : r;
}

/* -------------------------------------------------------------- leftovers */

#define TAKE_DOWN_MS 5000u

/* All that was made for its process goes with what lies in the kernel. */
static int remove_one(const struct list_leftover *l)
{
	static const char kernel[] = "/sys/";

	if (strncmp(l->path, kernel, sizeof(kernel) - 1) != 0)
		return tree_remove(l->path);
	return made_remove("", (pid_t)l->pid, deadline_after_ms(TAKE_DOWN_MS));
}

static const char *why_not_removed(int r)
{
	if (r == -EXDEV)
		return "unmount what is mounted in it";
	if (r == -EBUSY)
		return "end what uses it: vhostcheck list tells who has the device open";
	return "remove it as its owner or as root";
}

/* Goes on after a failure; told is the first. */
static int remove_leftovers(const struct cmd_ctx *ctx, const struct rec_list *leftovers)
{
	const struct list_leftover *failed = NULL;
	int first = 0;

	for (size_t i = 0; i < leftovers->count; i++) {
		struct list_leftover *l = leftovers->item[i];
		int r = remove_one(l);

		l->removed = r == 0;
		if (r < 0 && !failed) {
			failed = l;
			first = r;
		}
	}
	if (!failed)
		return 0;
	return cmd_fail(ctx, CMD_EXIT_LAB, "not_removed", why_not_removed(first),
			"cannot remove %s: %s", failed->path, strerror(-first));
}

static void print_leftovers(const struct rec_list *leftovers, struct page *p)
{
	bool left = false;

	for (size_t i = 0; i < leftovers->count; i++) {
		const struct list_leftover *l = leftovers->item[i];

		page_put(p, l->removed ? "removed " : "");
		page_put(p, l->path);
		page_newline(p);
		left = left || !l->removed;
	}
	if (!leftovers->count)
		page_wrap(p, 0, "Nothing was left behind.");
	else if (left && p->verbosity >= 0)
		page_wrap(p, 0, "To remove this: vhostcheck list --leftovers --remove");
	if (p->column)
		page_newline(p);
}

/* ---------------------------------------------------------------- command */

enum {
	KEY_LEFTOVERS = 0x100,
	KEY_REMOVE,
};

static const struct argp_option options[] = {
	{ "leftovers", KEY_LEFTOVERS, NULL, 0, "Print what killed runs left behind, only",
	  0 },
	{ "remove", KEY_REMOVE, NULL, 0, "With --leftovers: remove it", 0 },
	{ 0 },
};

/* NOLINTNEXTLINE(readability-non-const-parameter): the prototype is argp's */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list_options *o = state->input;

	(void)arg;
	switch (key) {
	case KEY_LEFTOVERS:
		o->leftovers = true;
		return 0;
	case KEY_REMOVE:
		o->remove = true;
		return 0;
	case ARGP_KEY_END:
		if (o->remove && !o->leftovers)
			argp_error(state, "--remove goes with --leftovers");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp list_argp = {
	.options = options,
	.parser = parse,
	.doc = "List the vhost devices: their nodes and modules, who may open them and who has "
	       "them open. Opens nothing and loads nothing.",
};

static int gather(struct arena *a, struct list *ret)
{
	struct facts *facts = facts_kernel_new();
	int r = facts ? gather_host(a, facts, &ret->host) : -ENOMEM;

	if (r == 0)
		r = gather_devices(a, facts, ret);
	facts_kernel_free(facts);
	return r;
}

static int run_list(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	struct list_options o = { 0 };
	struct list list = { 0 };
	struct page page;
	int r = cmd_parse(ctx, &list_argp, argc, argv, &o);

	if (r != CMD_GO_ON)
		return r;
	r = gather(&a, &list);
	if (r == -ENOMEM)
		return cmd_fail_memory(ctx);
	if (r < 0)
		return cmd_fail(ctx, CMD_EXIT_LAB, "internal", "is /proc mounted?",
				"cannot look at this machine: %s", strerror(-r));
	if (o.remove)
		r = remove_leftovers(ctx, &list.host.leftovers);
	if (r != 0)
		return r;
	if (ctx->json)
		return cmd_print_json(ctx, &list_shape, &list);
	cmd_page(ctx, stdout, &page);
	if (o.leftovers)
		print_leftovers(&list.host.leftovers, &page);
	else
		list_print(&list, &page);
	return CMD_EXIT_OK;
}

const struct cmd cmd_list = {
	.name = "list",
	.help = "devices, modules, permissions, holders; opens nothing",
	.run = run_list,
};
