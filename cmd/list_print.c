/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "cmd/list.h"

static enum tone tone_of(int state)
{
	static const enum tone tones[DEVICE_STATE_NUM] = {
		[DEVICE_OK] = TONE_GOOD,        [DEVICE_ABSENT] = TONE_DIM,
		[DEVICE_DENIED] = TONE_BAD,     [DEVICE_BUSY] = TONE_BAD,
		[DEVICE_NO_MODULE] = TONE_WARN, [DEVICE_BLOCKED] = TONE_WARN,
	};

	return tones[state];
}

static const char *module_text(int state)
{
	static const char *const texts[] = {
		[FACT_MODULE_ABSENT] = "not installed",
		[FACT_MODULE_INSTALLED] = "not loaded",
		[FACT_MODULE_LIVE] = "live",
		[FACT_MODULE_BUILTIN] = "built in",
	};

	return texts[state];
}

/* "0660 root:kvm, open to you", or "-" without a node */
static void access_text(const struct list_access *a, char *to, size_t room)
{
	const struct passwd *owner = NULL;
	const struct group *group = NULL;
	char uid[32], gid[32];

	if (!a) {
		(void)snprintf(to, room, "-");
		return;
	}
	owner = getpwuid((uid_t)a->uid);
	group = getgrgid((gid_t)a->gid);
	(void)snprintf(uid, sizeof(uid), "%lld", (long long)a->uid);
	(void)snprintf(gid, sizeof(gid), "%lld", (long long)a->gid);
	(void)snprintf(to, room, "%s %s:%s, %s", a->mode, owner ? owner->pw_name : uid,
		       group ? group->gr_name : gid,
		       a->readable && a->writable ? "open to you" : "closed to you");
}

/** struct columns - where the columns of the table of devices begin */
struct columns {
	size_t state, node, access, module;
};

enum {
	REMARK_INDENT = 4,
	WRAP_INDENT = 8,
	ACCESS_ROOM = 128,
	GAP = 2,
};

static struct columns columns_of(const struct list *list)
{
	struct columns c = { .state = 6, .node = 9, .access = 4, .module = 6 };

	for (size_t i = 0; i < list->devices.count; i++) {
		const struct list_device *d = list->devices.item[i];
		char access[ACCESS_ROOM];

		access_text(d->access, access, sizeof(access));
		c.state = page_wider(c.state, d->name);
		c.access = page_wider(c.access, d->path);
		c.module = page_wider(c.module, access);
	}
	c.state += GAP;
	c.node += c.state + GAP;
	c.access += c.node + GAP;
	c.module += c.access + GAP;
	return c;
}

static void print_remarks(struct page *p, const struct list_device *d)
{
	if (d->about) {
		page_wrap(p, REMARK_INDENT, d->about);
		page_newline(p);
	}
	if (d->reason) {
		page_wrap(p, REMARK_INDENT, d->reason);
		page_newline(p);
	}
	for (size_t i = 0; i < d->holders.count; i++) {
		const struct list_holder *h = d->holders.item[i];

		page_wrapf(p, REMARK_INDENT, "held open by %s (pid %lld)", h->command,
			   (long long)h->pid);
		page_newline(p);
	}
}

static void print_device(struct page *p, const struct columns *c,
			 const struct list_device *d)
{
	char access[ACCESS_ROOM];

	access_text(d->access, access, sizeof(access));
	page_put_toned(p, TONE_BOLD, d->name);
	page_pad_to(p, c->state);
	page_put_toned(p, tone_of(d->state), device_state_names[d->state]);
	page_pad_to(p, c->node);
	page_put(p, d->path);
	page_pad_to(p, c->access);
	page_put(p, access);
	page_pad_to(p, c->module);
	page_put(p, d->module.name);
	page_put(p, " ");
	page_put(p, module_text(d->module.state));
	page_newline(p);
}

static void print_devices(struct page *p, const struct list *list)
{
	static const char *const heads[] = { "DEVICE", "STATE", "NODE", "ACCESS",
					     "MODULE" };
	const struct columns c = columns_of(list);
	const size_t at[] = { 0, c.state, c.node, c.access, c.module };

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		page_pad_to(p, at[i]);
		page_put_toned(p, TONE_DIM, heads[i]);
	}
	page_newline(p);
	for (size_t i = 0; i < list->devices.count; i++) {
		print_device(p, &c, list->devices.item[i]);
		if (p->verbosity >= 0)
			print_remarks(p, list->devices.item[i]);
	}
}

static void print_host(struct page *p, const struct report_host *h)
{
	page_wrapf(p, 0, "Linux %s", h->kernel.release);
	if (h->distro)
		page_wrapf(p, 0, "on %s", h->distro);
	if (h->virt)
		page_wrapf(p, 0, "as a guest of %s", h->virt);
	page_newline(p);
	page_newline(p);
}

static void print_modules(struct page *p, const struct rec_list *modules)
{
	page_heading(p, "Modules");
	for (size_t i = 0; i < modules->count; i++) {
		const struct report_module *m = modules->item[i];

		if (m->state == MODULE_ABSENT)
			continue;
		page_wrapf(p, REMARK_INDENT, "%s: %s", m->name,
			   m->state == MODULE_LIVE ? "live" : "built in");
		for (size_t j = 0; j < m->parameters.count; j++) {
			const struct rec_pair *pair = m->parameters.item[j];

			page_wrapf(p, WRAP_INDENT, "%s=%s", pair->key,
				   pair->value ? pair->value : "?");
		}
		page_newline(p);
	}
}

static void print_vmms(struct page *p, const struct rec_list *vmms)
{
	page_wrap(p, 0, "VMMs in PATH whose policy is known:");
	for (size_t i = 0; i < vmms->count; i++)
		page_wrapf(p, 0, "%s%s", ((const struct list_vmm *)vmms->item[i])->name,
			   i + 1 < vmms->count ? "," : "");
	page_wrap(p, 0, vmms->count ? "" : "none");
	page_newline(p);
}

static void print_findings(struct page *p, const struct list_host *h)
{
	page_newline(p);
	print_vmms(p, &h->vmms);
	if (!h->all_holders) {
		page_wrap(
			p, 0,
			"Not all processes could be looked at: run as root to see every "
			"holder.");
		page_newline(p);
	}
	if (h->guest_to_host) {
		page_wrapf(p, 0,
			   "This machine is a guest that reaches its host by vsock (%s).",
			   h->guest_to_host);
		page_newline(p);
	}
	if (h->newer_kernel) {
		page_wrapf(
			p, 0,
			"Kernel %s is installed and newer than the running one. Before you "
			"boot it: %s",
			h->newer_kernel->release, h->newer_kernel->judge);
		page_newline(p);
	}
	if (h->leftovers.count) {
		page_wrapf(
			p, 0,
			"Killed runs left %zu thing%s behind: vhostcheck list --leftovers",
			h->leftovers.count, h->leftovers.count == 1 ? "" : "s");
		page_newline(p);
	}
}

void list_print(const struct list *list, struct page *p)
{
	if (p->verbosity >= 0)
		print_host(p, &list->host.base);
	print_devices(p, list);
	if (p->verbosity > 0)
		print_modules(p, &list->host.base.modules);
	if (p->verbosity >= 0)
		print_findings(p, &list->host);
}
