/* SPDX-License-Identifier: MIT */
/* Area node: is the device there, may it be opened, and is its driver the installed one.
 */
#include <string.h>

#include "checks/rows.h"

static int collect_present(struct session *s)
{
	struct node_info n = { 0 };
	int r = s->seam->facts->ops->node(s->seam->facts, s->family, &n);

	if (r < 0)
		return r;
	session_fact(s, "node", "exists", n.exists ? "yes" : "no");
	session_fact(s, "node", "type", n.is_device ? "character device" : "other");
	session_fact(s, "node", "numbers", "%d:%d", n.major, n.minor);
	if (n.class_major >= 0)
		session_fact(s, "driver", "numbers", "%d:%d", n.class_major,
			     n.class_minor);
	return 0;
}

static void judge_present(struct judge *j)
{
	const char *node = judge_fact_value(j, "node", "numbers");
	const char *driver = judge_fact_value(j, "driver", "numbers");

	judge_fact(j, "node", "exists", "yes");
	judge_fact(j, "node", "type", "character device");
	judge_that(j, driver != NULL,
		   "no driver has registered the device: the node is there without one");
	judge_that(
		j, node && driver && !strcmp(node, driver),
		"the node is device %s but the driver registered %s: recreate the node "
		"(systemd-tmpfiles --create, or udevadm trigger)",
		node ? node : "?", driver ? driver : "?");
}

const struct check node_present = {
	.area = "node",
	.name = "present",
	.families = ON_ALL,
	.title = "the device node leads to the driver",
	.contract = "The node is a character device with the major and minor number that "
		    "the driver registered.",
	.harm = "A node with stale numbers opens another driver or none: the VMM fails with "
		"an error that names the right path.",
	.judged =
		"stat(2) of the node is compared with what /sys/class/misc says; nothing "
		"is opened.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("misc_register() in drivers/char/misc.c",
		      "VHOST_VSOCK_MINOR, VHOST_NET_MINOR in "
		      "include/linux/miscdevice.h"),
	.faults = WORDS("node_gone", "node_other_number"),
	.collect = collect_present,
	.judge = judge_present,
};

static int collect_openable(struct session *s)
{
	struct session other;
	struct seam seam;
	int r = session_open(s);

	if (r < 0)
		return 0;
	session_twin(s, &other, &seam);
	r = session_open(&other);
	session_fact(s, "twin", "open", "%s", r < 0 ? strerrorname_np(-r) : "0");
	session_done(&other);
	return 0;
}

static void judge_openable(struct judge *j)
{
	judge_ok(j, "open");
	judge_fact(j, "twin", "open", "0");
}

const struct check node_openable = {
	.area = "node",
	.name = "openable",
	.families = ON_ALL,
	.title = "the device can be opened for reading and writing",
	.contract =
		"open(2) with O_RDWR succeeds for a user with access to the node, any "
		"number of times.",
	.harm = "No VMM can use the device.",
	.judged = "The node is opened, and opened again while it is open.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vsock_dev_open() in drivers/vhost/vsock.c",
		      "vhost_net_open() in drivers/vhost/net.c"),
	.faults = WORDS("open_fails", "second_open_fails", "one_descriptor"),
	.collect = collect_openable,
	.judge = judge_openable,
};

static const char *const module_words[] = { "absent", "installed", "live", "builtin" };

static int collect_module(struct session *s)
{
	struct module_info m = { 0 };
	int r = s->seam->facts->ops->module(s->seam->facts, family_module(s->family), &m);

	if (r < 0)
		return r;
	session_fact(s, "module", "state", "%s", module_words[m.status]);
	session_fact(s, "module", "build_id_loaded", "%s", m.build_id_loaded);
	session_fact(s, "module", "build_id_disk", "%s", m.build_id_disk);
	session_fact(s, "module", "srcversion_loaded", "%s", m.srcversion_loaded);
	session_fact(s, "module", "srcversion_disk", "%s", m.srcversion_disk);
	return 0;
}

static void judge_module_live(struct judge *j)
{
	const char *state = judge_fact_value(j, "module", "state");

	judge_that(j, state && (!strcmp(state, "live") || !strcmp(state, "builtin")),
		   "the driver's module is %s; it must be live or built in",
		   state ? state : "unknown");
}

const struct check node_module_live = {
	.area = "node",
	.name = "module_live",
	.families = ON_ALL | ON_VDPA,
	.title = "the driver is loaded or built in",
	.contract = "A device that can be opened has its driver in the kernel: as a live "
		    "module of exactly that name, or built in.",
	.harm = "Tools that look for the module alone take a built-in driver for a missing "
		"one, and tools that compare prefixes take vhost for vhost_net.",
	.judged = "The module's state as libkmod gives it.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("/sys/module/NAME/initstate", "modules.builtin"),
	.faults = WORDS("module_gone"),
	.collect = collect_module,
	.judge = judge_module_live,
};

static bool differ(const char *a, const char *b)
{
	return a && b && *a && *b && strcmp(a, b) != 0;
}

static bool known(const char *a, const char *b)
{
	return a && b && *a && *b;
}

static void judge_module_current(struct judge *j)
{
	const char *id_loaded = judge_fact_value(j, "module", "build_id_loaded");
	const char *id_disk = judge_fact_value(j, "module", "build_id_disk");
	const char *src_loaded = judge_fact_value(j, "module", "srcversion_loaded");
	const char *src_disk = judge_fact_value(j, "module", "srcversion_disk");
	const char *state = judge_fact_value(j, "module", "state");

	judge_that(j, state && strcmp(state, "absent") != 0,
		   "the driver's module is absent: there is nothing to compare");
	if (!known(id_loaded, id_disk) && !known(src_loaded, src_disk))
		judge_skip(j, REASON_NO_MODULE,
			   "the running module or the one on disk tells neither build-id "
			   "(a compressed one does not) nor srcversion: there is nothing "
			   "to compare");
	judge_that(j, !differ(id_loaded, id_disk),
		   "the running module (build-id %s) is not the one on disk (%s): this "
		   "report judges what runs; reboot to run what is installed",
		   id_loaded ? id_loaded : "?", id_disk ? id_disk : "?");
	judge_that(
		j, !differ(src_loaded, src_disk),
		"the running module (srcversion %s) is not the one on disk (%s): reboot "
		"to run what is installed",
		src_loaded ? src_loaded : "?", src_disk ? src_disk : "?");
}

const struct check node_module_current = {
	.area = "node",
	.name = "module_current",
	.families = ON_ALL | ON_VDPA,
	.title = "the running driver is the installed one",
	.contract =
		"The module in the kernel has the GNU build-id (or srcversion) of the "
		"file that modprobe would load.",
	.harm = "After an upgrade without a reboot all other results speak of a driver that "
		"will be gone after the next one.",
	.judged =
		"The build-id of /sys/module/NAME/notes is compared with that of the file, and "
		"the srcversion of both; of a compressed file only the latter is known.",
	.severity = SEVERITY_LOW,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("/sys/module/NAME/notes/.note.gnu.build-id"),
	.faults = WORDS("module_other_build"),
	.collect = collect_module,
	.judge = judge_module_current,
};
