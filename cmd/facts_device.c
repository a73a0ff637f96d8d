/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <string.h>

#include "base/dir.h"
#include "cmd/facts_report.h"
#include "seam/facts_kernel.h"

/** struct view - all that decides a device's state */
struct view {
	struct arena *a;
	struct facts *facts;
	enum family family;
	const struct node_info *node;
	struct module_info module;
	struct report_device *ret;
};

/* Ends a rule: the state, with its reason. */
static int printf_(3, 4)
	settle(const struct view *v, enum device_state state, const char *fmt, ...)
{
	va_list args;

	v->ret->state = (int)state;
	va_start(args, fmt);
	v->ret->reason = arena_vprintf(v->a, fmt, args);
	va_end(args);
	return v->ret->reason ? 0 : -ENOMEM;
}

static bool module_runs(const struct view *v)
{
	return v->module.status == FACT_MODULE_LIVE ||
	       v->module.status == FACT_MODULE_BUILTIN;
}

static int without_module(const struct view *v)
{
	const char *module = family_module(v->family);
	char release[NAME_ROOM];
	int r = v->facts->ops->release(v->facts, release);

	if (r < 0)
		return r;
	if (v->module.status == FACT_MODULE_INSTALLED && v->node->exists)
		return settle(
			v, DEVICE_NO_MODULE,
			"the module %s is not loaded, and opening %s would load it: "
			"modprobe %s, or run with --load-modules",
			module, v->node->path, module);
	if (v->module.status == FACT_MODULE_INSTALLED)
		return settle(v, DEVICE_NO_MODULE,
			      "the module %s is not loaded: modprobe %s, or run with "
			      "--load-modules",
			      module, module);
	if (v->node->exists)
		return settle(
			v, DEVICE_NO_MODULE,
			"%s is there without a driver: kernel %s has no %s, neither loaded nor "
			"built in nor in /lib/modules; look at another by vhostcheck vm",
			v->node->path, release, module);
	return settle(
		v, DEVICE_ABSENT,
		"kernel %s has no %s, neither built in nor in /lib/modules: install its "
		"package that has it, or look at another kernel by vhostcheck vm",
		release, module);
}

static int without_node(const struct view *v)
{
	const struct node_info *n = v->node;

	if (n->class_major < 0)
		return settle(
			v, DEVICE_ABSENT,
			"the driver runs and has no device: add one, for a trial with "
			"modprobe vdpa_sim_blk and vdpa dev add name vdpa0 mgmtdev "
			"vdpasim_blk");
	return settle(
		v, DEVICE_ABSENT,
		"the driver runs, the node does not exist: mknod %s c %d %d, or pass the "
		"host's node into this container",
		n->path, n->class_major, n->class_minor);
}

/* The mode allows it, and yet access(2) says no. */
static bool mode_allows(const struct node_info *n)
{
	unsigned int shift = 0;

	if (geteuid() == n->uid)
		shift = 6;
	else if (group_member(n->gid))
		shift = 3;
	return (n->mode >> shift & 06) == 06;
}

static int without_right(const struct view *v)
{
	const struct node_info *n = v->node;
	const struct group *g = getgrgid(n->gid);

	if (mode_allows(n))
		return settle(
			v, DEVICE_DENIED,
			"the mode %04o of %s lets you open it, an access list or a security "
			"module does not: see getfacl %s and the kernel's log",
			n->mode, n->path, n->path);
	if ((n->mode & 060) == 060 && n->gid != 0 && g)
		return settle(
			v, DEVICE_DENIED,
			"%s is open to the group %s, in which you are not: usermod -aG %s and "
			"your name, then log in again; or run as root",
			n->path, g->gr_name, g->gr_name);
	return settle(
		v, DEVICE_DENIED,
		"%s has mode %04o and is not open to you: run as root, or give it a group "
		"of yours and mode 0660 by a udev rule",
		n->path, n->mode);
}

/*
 * Closing vhost-vsock reset every connection of the machine it ran on from 5.5
 * (c0cfa2d8a788) until 8e6ed963763f in 5.17. A vendor's kernel may carry the fix at a
 * lower number; that cannot be seen from outside, and so it counts as unfixed.
 */
static bool close_may_reset(const char *release)
{
	char *end = NULL;
	unsigned long major_nr = strtoul(release, &end, 10), minor_nr = 0;

	if (end == release || *end != '.')
		return true;
	minor_nr = strtoul(end + 1, NULL, 10);
	return major_nr == 5 && minor_nr >= 5 && minor_nr < 17;
}

static int own_connections(const struct view *v)
{
	char transport[NAME_ROOM], release[NAME_ROOM];
	int r = v->facts->ops->guest_to_host(v->facts, transport);

	if (r == 0)
		r = v->facts->ops->release(v->facts, release);
	if (r < 0)
		return r;
	if (!*transport || !close_may_reset(release))
		return 0;
	v->ret->blocked_by = REASON_WOULD_RESET;
	return settle(
		v, DEVICE_BLOCKED,
		"closing the node may reset this machine's own vsock connections, which %s "
		"carries: kernel %s is not known to have 8e6ed963763f; run it in a guest by "
		"vhostcheck vm",
		transport, release);
}

static int find_state(const struct view *v)
{
	const struct node_info *n = v->node;

	if (!module_runs(v))
		return without_module(v);
	if (!n->exists)
		return without_node(v);
	if (!n->is_device)
		return settle(
			v, DEVICE_ABSENT,
			"%s is no character device: remove it and run udevadm trigger",
			n->path);
	if (n->class_major >= 0 &&
	    (n->major != n->class_major || n->minor != n->class_minor))
		return settle(
			v, DEVICE_ABSENT,
			"%s is %d:%d, the driver has %d:%d: rm %s; mknod %s c %d %d",
			n->path, n->major, n->minor, n->class_major, n->class_minor,
			n->path, n->path, n->class_major, n->class_minor);
	if (!n->readable || !n->writable)
		return without_right(v);
	return v->family == FAMILY_VSOCK ? own_connections(v) : 0;
}

int facts_fill_device(struct arena *a, struct facts *facts, const char *name,
		      enum family family, const struct node_info *node,
		      struct report_device *ret)
{
	struct view v = {
		.a = a, .facts = facts, .family = family, .node = node, .ret = ret
	};
	int r = facts->ops->module(facts, family_module(family), &v.module);

	if (r < 0)
		return r;
	*ret = (struct report_device){ .name = arena_strdup(a, name),
				       .path = arena_strdup(a, node->path),
				       .kind = (int)family,
				       .state = DEVICE_OK,
				       .iotlb_policy = -1 };
	return ret->name && ret->path ? find_state(&v) : -ENOMEM;
}

static int find_made_state(struct view *v, bool may)
{
	int r = 0;

	if (!may)
		return settle(v, DEVICE_ABSENT,
			      "no vDPA device is made on a host without --create vdpa of "
			      "vhostcheck run");
	if (!module_runs(v)) {
		r = without_module(v);
		v->ret->state = DEVICE_NO_MODULE; /* the device is not what is lacking */
		return r;
	}
	r = v->facts->ops->module(v->facts, "vduse", &v->module);
	if (r < 0 || module_runs(v))
		return r;
	return settle(
		v, DEVICE_NO_MODULE,
		v->module.status == FACT_MODULE_INSTALLED
			? "the module vduse is not loaded: modprobe vduse, or run "
			  "with --load-modules"
			: "this kernel has no vduse, neither built in nor in "
			  "/lib/modules: build it with CONFIG_VDPA_USER, or look at "
			  "another kernel by vhostcheck vm");
}

int facts_fill_made(struct arena *a, struct facts *facts, bool may,
		    struct report_device *ret)
{
	const struct node_info node = { .path = PEER_NODE };
	struct view v = {
		.a = a, .facts = facts, .family = FAMILY_VDPA, .node = &node, .ret = ret
	};
	int r = facts->ops->module(facts, family_module(FAMILY_VDPA), &v.module);

	if (r < 0)
		return r;
	*ret = (struct report_device){ .name = arena_strdup(a, "vdpa"),
				       .path = arena_strdup(a, node.path),
				       .kind = FAMILY_VDPA,
				       .state = DEVICE_OK,
				       .iotlb_policy = -1 };
	return ret->name && ret->path ? find_made_state(&v, may) : -ENOMEM;
}

/* ------------------------------------------------------------- enumeration */

static int add_device(struct arena *a, struct facts *facts, enum family family,
		      const char *name, const struct node_info *node,
		      struct rec_list *ret)
{
	struct report_device *d = rec_list_new(a, ret, sizeof(*d));

	return d ? facts_fill_device(a, facts, name, family, node, d) : -ENOMEM;
}

static int is_vdpa_node(const struct dirent *e)
{
	static const char prefix[] = "vhost-vdpa-";
	const char *n = e->d_name + sizeof(prefix) - 1;

	return !strncmp(e->d_name, prefix, sizeof(prefix) - 1) && *n &&
	       n[strspn(n, "0123456789")] == '\0';
}

static int add_vdpa_devices(struct arena *a, struct facts *facts, struct rec_list *ret)
{
	struct dirent **found = NULL;
	int n = scandir("/dev", &found, is_vdpa_node, versionsort);
	int r = 0;

	for (int i = 0; i < n; i++) {
		struct node_info node;
		char path[sizeof(node.path)], name[32];

		(void)snprintf(path, sizeof(path), "/dev/%.50s", found[i]->d_name);
		(void)snprintf(name, sizeof(name), "vdpa%.20s",
			       found[i]->d_name + strlen("vhost-vdpa-"));
		node_describe("", path, &node);
		if (r == 0)
			r = add_device(a, facts, FAMILY_VDPA, name, &node, ret);
		free(found[i]);
	}
	free(found);
	return r;
}

int facts_list_devices(struct arena *a, struct facts *facts, struct rec_list *ret)
{
	static const enum family fixed[] = { FAMILY_NET, FAMILY_VSOCK, FAMILY_SCSI };

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		struct node_info node;
		int r = facts->ops->node(facts, fixed[i], &node);

		if (r == 0)
			r = add_device(a, facts, fixed[i], family_names[fixed[i]], &node,
				       ret);
		if (r < 0)
			return r;
	}
	return add_vdpa_devices(a, facts, ret);
}
