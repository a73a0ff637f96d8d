/* SPDX-License-Identifier: MIT */
#include <fts.h>
#include <libkmod.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "vm/archive.h"
#include "vm/command.h"
#include "vm/modules.h"

/* What the checks need; vhost-abi.md 8. Without the first one there is nothing to check
 */
static const char *const wanted[] = {
	"vhost",
	"vhost_net",
	"vhost_vsock",
	"vhost_scsi",
	"vhost_vdpa",
	"vduse",
	"tun",
	"vsock",
	"target_core_mod",
	"vmw_vsock_virtio_transport_common",
	/* The port that the journal leaves by; vm/guest.c */
	"virtio_pci",
	"virtio_console",
};

/* What a directory of the host becomes the guest's root with; vm/guest_root.c */
static const char *const wanted_by_root[] = {
	"virtio_pci",
	"9pnet_virtio",
	"9p",
	"overlay",
};

enum {
	MODULE_NAME_MAX = 64,
	BUILTIN_MAX = 1 << 20,
	DEPMOD_MS = 30000
};

struct entry {
	char name[MODULE_NAME_MAX];
	char *path; /* owned; below the modules directory: "kernel/.../tun.ko.xz" */
};

struct stage {
	struct vm_modules *m;
	const struct vm_workdir *w;
	const struct vm_kernel *k;
	struct vm_error *err;
	struct kmod_ctx *kmod;
	char *tree;          /* STAGING/usr/lib/modules/RELEASE */
	struct entry *entry; /* sorted by name */
	size_t count, room;
	struct vm_names builtin, seen;
};

/* '-' and '_' are the same in the name of a module */
static void take_name(char *to, const char *from, size_t len)
{
	memcpy(to, from, len);
	to[len] = '\0';
	for (char *dash = strchr(to, '-'); dash; dash = strchr(dash, '-'))
		*dash = '_';
}

int module_name(const char *file, char *ret, size_t size)
{
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	const char *dot = strstr(base, ".ko");
	size_t len;

	if (!dot || dot == base)
		return -EINVAL;
	if (strcmp(dot, ".ko") != 0 && strcmp(dot, ".ko.xz") != 0 &&
	    strcmp(dot, ".ko.zst") != 0 && strcmp(dot, ".ko.gz") != 0)
		return -EINVAL;
	len = (size_t)(dot - base);
	if (len >= size)
		return -ENAMETOOLONG;
	take_name(ret, base, len);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static const struct entry *find(const struct stage *s, const char *name)
{
	struct entry key = { .path = NULL };

	if (strlen(name) >= sizeof(key.name) || !s->count)
		return NULL;
	(void)snprintf(key.name, sizeof(key.name), "%s", name);
	return bsearch(&key, s->entry, s->count, sizeof(key), by_name);
}

static int index_add(struct stage *s, const char *path)
{
	struct entry e = { .path = NULL };

	if (module_name(path, e.name, sizeof(e.name)))
		return 0; /* not a module, or none with a name like ours */
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 1024;
		struct entry *grown = reallocarray(s->entry, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->entry = grown;
		s->room = room;
	}
	e.path = strdup(path);
	if (!e.path)
		return -ENOMEM;
	s->entry[s->count++] = e;
	return 0;
}

static int index_walk(struct stage *s, FTS *fts, size_t skip)
{
	for (;;) {
		FTSENT *e;
		int r;

		errno = 0;
		e = fts_read(fts);
		if (!e)
			return errno ? vm_fail_open(s->err, -errno, s->k->modules) : 0;
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
			return vm_fail_open(s->err, -e->fts_errno, e->fts_path);
		if (e->fts_info == FTS_D || e->fts_info == FTS_DP)
			continue;
		r = index_add(s, e->fts_path + skip);
		if (r)
			return vm_fail_errno(s->err, r, s->k->modules, "cannot read");
	}
}

static int index_make(struct stage *s)
{
	cleanup_free char *top = vm_path("%s/kernel", s->k->modules);
	char *paths[] = { top, NULL };
	FTS *fts;
	int r;

	if (!top)
		return vm_fail_errno(s->err, -ENOMEM, s->k->modules, "cannot read");
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOSTAT | FTS_NOCHDIR, NULL);
	if (!fts)
		return vm_fail_open(s->err, -errno, s->k->modules);
	r = index_walk(s, fts, strlen(s->k->modules) + 1);
	(void)fts_close(fts);
	if (!r && s->count)
		qsort(s->entry, s->count, sizeof(*s->entry), by_name);
	return r;
}

static int read_builtin(struct stage *s)
{
	cleanup_free char *path = vm_path("%s/modules.builtin", s->k->modules);
	cleanup_free char *text = NULL;
	char *save = NULL;
	int r = path ? vm_read_file(path, BUILTIN_MAX, &text) : -ENOMEM;

	if (r == -ENOENT)
		return 0;
	if (r)
		return vm_fail_open(s->err, r, path);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char name[MODULE_NAME_MAX];

		if (module_name(l, name, sizeof(name)))
			continue;
		if (vm_names_add(&s->builtin, name, strlen(name)))
			return vm_fail_errno(s->err, -ENOMEM, path, "cannot read");
	}
	return 0;
}

/* Where the modules are from, as the user named it */
static const char *holder(const struct stage *s)
{
	return s->k->package ? s->k->arg : s->k->modules;
}

/* "6.1.0-56-amd64 SMP preempt mod_unload modversions": the first word */
static int check_vermagic(struct stage *s, const struct entry *e, const char *magic)
{
	size_t len = strcspn(magic, " ");

	if (strlen(s->k->release) == len && !strncmp(s->k->release, magic, len))
		return 0;
	return vm_fail(s->err, VM_FAULT_MISMATCH, -EINVAL, holder(s),
		       "name the modules of this very kernel with --modules",
		       "%s is a module of %.*s, but the kernel is %s", e->path, (int)len,
		       magic, s->k->release);
}

/* A module that another package of the set has, or that was deleted from a directory */
static int fail_absent(const struct stage *s, const char *name, const char *why)
{
	bool set = s->k->package;
	char hint[128];

	(void)snprintf(hint, sizeof(hint),
		       set ? "name the package of %s that holds %s, too"
			   : "install all modules of %s, %s among them",
		       s->k->release, name);
	return vm_fail(s->err, set ? VM_FAULT_USAGE : VM_FAULT_NO_MODULES, -ENOENT,
		       holder(s), hint, "%s%s%sholds no module %s, %s", set ? "(" : "",
		       set ? s->k->package : "", set ? ") " : "", name, why);
}

static int stage_one(struct stage *s, const char *name);

/* modpost names modules only in "depends", nothing that is built in */
static int stage_depends(struct stage *s, const struct entry *e, const char *depends)
{
	while (*depends) {
		size_t len = strcspn(depends, ",");
		char name[MODULE_NAME_MAX];

		if (len > 0 && len < sizeof(name)) {
			int r;

			take_name(name, depends, len);
			if (!find(s, name) && !vm_names_has(&s->builtin, name)) {
				cleanup_free char *why =
					vm_path("which %s depends on", e->path);

				return fail_absent(s, name,
						   why ? why : "which is needed");
			}
			r = stage_one(s, name);
			if (r)
				return r;
		}
		depends += len + (depends[len] == ',');
	}
	return 0;
}

static int stage_info(struct stage *s, const struct entry *e,
		      const struct kmod_list *info)
{
	const struct kmod_list *i;

	kmod_list_foreach(i, info)
	{
		const char *key = kmod_module_info_get_key(i);
		const char *value = kmod_module_info_get_value(i);
		int r = 0;

		if (!strcmp(key, "vermagic"))
			r = check_vermagic(s, e, value);
		else if (!strcmp(key, "depends"))
			r = stage_depends(s, e, value);
		if (r)
			return r;
	}
	return 0;
}

static int read_info(struct stage *s, const struct entry *e, const char *path)
{
	struct kmod_list *info = NULL;
	struct kmod_module *mod;
	int r = kmod_module_new_from_path(s->kmod, path, &mod);

	if (r < 0)
		return vm_fail_errno(s->err, r, path, "cannot read the module");
	r = kmod_module_get_info(mod, &info);
	if (r < 0)
		r = vm_fail(s->err, VM_FAULT_BAD_FILE, -EILSEQ, holder(s),
			    "fetch the kernel again", "%s is not a module: %s", e->path,
			    strerror(-r));
	else
		r = stage_info(s, e, info);
	kmod_module_info_free_list(info);
	(void)kmod_module_unref(mod);
	return r;
}

static int stage_file(struct stage *s, const struct entry *e)
{
	cleanup_free char *from = vm_path("%s/%s", s->k->modules, e->path);
	size_t len = (size_t)(strstr(strrchr(e->path, '/'), ".ko") + 3 - e->path);
	cleanup_free char *to = vm_path("%s/%.*s", s->tree, (int)len, e->path);
	int r;

	if (!from || !to)
		return vm_fail_errno(s->err, -ENOMEM, e->path, "cannot unpack");
	if (vm_workdir_stopped(s->w))
		return vm_fail_errno(s->err, -EINTR, e->path, "cannot unpack");
	r = archive_unpack_file(from, to, s->err);
	if (r == -EILSEQ)
		return vm_fail(s->err, VM_FAULT_BAD_FILE, r, holder(s), "fetch it again",
			       "%s is damaged or cut off", e->path);
	return r ? r : read_info(s, e, to);
}

/* A module after all that it depends on; each once, cycles included */
static int stage_one(struct stage *s, const char *name)
{
	const struct entry *e = find(s, name);
	struct vm_names *missing = &s->m->missing;
	int r;

	if (vm_names_has(&s->seen, name))
		return 0;
	if (vm_names_add(&s->seen, name, strlen(name)))
		return vm_fail_errno(s->err, -ENOMEM, name, "cannot stage");
	if (!e && vm_names_has(&s->builtin, name))
		return 0;
	if (e) {
		r = stage_file(s, e);
		if (r)
			return r;
	}
	r = vm_names_add(e ? &s->m->order : missing, name, strlen(name));
	return r ? vm_fail_errno(s->err, r, name, "cannot stage") : 0;
}

static int fail_vhost(const struct stage *s)
{
	if (vm_kernel_option(s->k, "CONFIG_VHOST") == 'm')
		return fail_absent(s, wanted[0], "though the kernel is built with one");
	return vm_fail(s->err, VM_FAULT_NO_MODULES, -ENOENT, holder(s),
		       "name a kernel built with CONFIG_VHOST_NET or CONFIG_VHOST_VSOCK",
		       "the kernel %s has no vhost, neither as a module nor built in",
		       s->k->release);
}

static int stage_wanted(struct stage *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		int r = stage_one(s, wanted[i]);

		if (r)
			return r;
		if (i == 0 && s->m->missing.count)
			return fail_vhost(s);
	}
	return 0;
}

/* Debian's cloud kernels are built without 9p; the full ones differ by name in that word
 */
static int refuse_root(struct stage *s, const char *module)
{
	static const char flavour[] = "-cloud";
	const char *release = s->k->release;
	const char *cloud = strstr(release, flavour);
	char hint[256] = "name a kernel with CONFIG_VIRTIO_PCI, CONFIG_NET_9P_VIRTIO, "
			 "CONFIG_9P_FS and CONFIG_OVERLAY_FS";

	if (cloud)
		(void)snprintf(hint, sizeof(hint),
			       "use the full flavour package linux-image-%.*s%s",
			       (int)(cloud - release), release, cloud + strlen(flavour));
	return vm_fail(s->err, VM_FAULT_UNSUPPORTED, -EOPNOTSUPP, s->k->arg, hint,
		       "the kernel %s has no %s, so it cannot mount a directory of this "
		       "machine",
		       release, module);
}

static int stage_for_root(struct stage *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted_by_root); i++) {
		int r = stage_one(s, wanted_by_root[i]);

		if (r)
			return r;
		if (vm_names_has(&s->m->missing, wanted_by_root[i]))
			return refuse_root(s, wanted_by_root[i]);
	}
	return 0;
}

static int copy_lists(struct stage *s)
{
	static const char *const lists[] = { "modules.order", "modules.builtin",
					     "modules.builtin.modinfo" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		cleanup_free char *from = vm_path("%s/%s", s->k->modules, lists[i]);
		cleanup_free char *to = vm_path("%s/%s", s->tree, lists[i]);
		int r = from && to ? vm_copy_file(from, to) : -ENOMEM;

		if (r && r != -ENOENT)
			return vm_fail_errno(s->err, r, from, "cannot copy");
	}
	return 0;
}

/* Options of the host's own configuration, so that the guest's vhost is set up alike */
static bool option_wanted(const char *module)
{
	return !strncmp(module, "vhost", 5) || !strcmp(module, "tun") ||
	       !strcmp(module, "tap") || !strcmp(module, "vsock") ||
	       !strncmp(module, "vmw_vsock", 9);
}

static int print_options(struct kmod_ctx *host, FILE *out)
{
	struct kmod_config_iter *i = kmod_config_get_options(host);

	if (!i)
		return -ENOMEM;
	while (kmod_config_iter_next(i)) {
		const char *module = kmod_config_iter_get_key(i);

		if (option_wanted(module))
			(void)fprintf(out, "options %s %s\n", module,
				      kmod_config_iter_get_value(i));
	}
	kmod_config_iter_free_iter(i);
	return ferror(out) ? -EIO : 0;
}

static int write_options(struct stage *s)
{
	cleanup_free char *path =
		vm_path("%s/etc/modprobe.d/vhostcheck.conf", s->m->staging);
	cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (!path || !out) {
		if (out)
			(void)fclose(out);
		return vm_fail_errno(s->err, -ENOMEM, path, "cannot write");
	}
	r = print_options(s->kmod, out);
	if (fclose(out) && !r)
		r = -ENOMEM;
	if (!r)
		r = vm_write_file(path, text, len);
	return r ? vm_fail_errno(s->err, r, path, "cannot write") : 0;
}

static int write_order(struct stage *s)
{
	cleanup_free char *path = vm_path("%s/vhostcheck.modules", s->m->staging);
	cleanup_close int fd = path ? vm_create(path) : -ENOMEM;
	int r = fd < 0 ? fd : 0;

	for (size_t i = 0; !r && i < s->m->order.count; i++) {
		if (dprintf(fd, "%s\n", s->m->order.name[i]) < 0)
			r = -errno;
	}
	return r ? vm_fail_errno(s->err, r, path, "cannot write") : 0;
}

static int run_depmod(struct stage *s)
{
	cleanup_free char *depmod = NULL, *text = NULL;
	char base[] = "-b", *env[] = { NULL };
	int r = command_find("depmod", "/usr/sbin:/sbin", &depmod);

	if (r)
		return vm_fail(s->err, VM_FAULT_INTERNAL, r, NULL,
			       "install the package kmod", "depmod is not installed");
	r = command_run((char *[]){ depmod, base, s->m->staging, s->k->release, NULL },
			env, deadline_after_ms(DEPMOD_MS), &text);
	if (!r)
		return 0;
	return vm_fail(s->err, VM_FAULT_INTERNAL, r < 0 ? r : -EIO, depmod, NULL,
		       "failed on the modules of %s: %s", s->k->release,
		       r < 0 ? strerror(-r) : text);
}

/* As on a merged-usr host, where every version of kmod finds its modules */
static int make_tree(struct stage *s)
{
	cleanup_free char *link = vm_path("%s/lib", s->m->staging);
	int r;

	s->tree = vm_path("%s/usr/lib/modules/%s", s->m->staging, s->k->release);
	if (!link || !s->tree)
		return vm_fail_errno(s->err, -ENOMEM, NULL, "cannot stage the modules");
	r = vm_make_parents(s->tree);
	if (!r && mkdir(s->tree, 0755))
		r = -errno;
	if (!r && symlink("usr/lib", link))
		r = -errno;
	return r ? vm_fail_errno(s->err, r, s->tree, "cannot make the directory") : 0;
}

static int stage_tree(struct stage *s, bool root)
{
	int r = make_tree(s);

	if (!r && s->k->modules) {
		r = index_make(s);
		if (!r)
			r = read_builtin(s);
		if (!r)
			r = stage_wanted(s);
		if (!r && root)
			r = stage_for_root(s);
		if (!r)
			r = copy_lists(s);
	}
	if (!r)
		r = write_options(s);
	if (!r)
		r = write_order(s);
	return r ? r : run_depmod(s);
}

int vm_modules_stage(struct vm_modules *m, const struct vm_workdir *w,
		     const struct vm_kernel *k, bool root, struct vm_error *err)
{
	struct stage s = { .m = m, .w = w, .k = k, .err = err };
	int r;

	*m = (struct vm_modules){ .staging = vm_path("%s/root", w->path) };
	s.kmod = kmod_new(NULL, NULL);
	if (s.kmod)
		kmod_set_log_priority(s.kmod,
				      LOG_EMERG); /* its errors come back as codes */
	if (m->staging && s.kmod)
		r = stage_tree(&s, root);
	else
		r = vm_fail_errno(err, -ENOMEM, NULL, "cannot stage the modules");
	(void)kmod_unref(s.kmod);
	for (size_t i = 0; i < s.count; i++)
		free(s.entry[i].path);
	free(s.entry);
	free(s.tree);
	vm_names_done(&s.builtin);
	vm_names_done(&s.seen);
	return r;
}

void vm_modules_done(struct vm_modules *m)
{
	free(m->staging);
	vm_names_done(&m->order);
	vm_names_done(&m->missing);
	*m = (struct vm_modules){ 0 };
}
