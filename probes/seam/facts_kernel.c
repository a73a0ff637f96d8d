/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * All is read from /proc, /sys and /lib/modules; no device node is opened and nothing
 * is loaded. A module is live if sysfs says so under its exact name: /proc/modules may
 * be missing, and a prefix is another module. It is built in if libkmod finds it in
 * modules.builtin, if sysfs knows it without an initstate, or if what only it
 * registers is there: a kernel without /lib/modules tells no other way.
 */
#include <fcntl.h>
#include <glob.h>
#include <libkmod.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include "base/build_id.h"
#include "base/dir.h"
#include "base/number.h"
#include "base/slurp.h"
#include "seam/facts_kernel.h"

/** struct facts_kernel - @kmod is made at the first use, NULL before */
struct facts_kernel {
	struct facts facts;
	char root[256];
	struct kmod_ctx *kmod;
};

static const struct family_row {
	const char *module, *path;
} families[FAMILY_NUM] = {
	[FAMILY_NET] = { "vhost_net", "/dev/vhost-net" },
	[FAMILY_VSOCK] = { "vhost_vsock", "/dev/vhost-vsock" },
	[FAMILY_SCSI] = { "vhost_scsi", "/dev/vhost-scsi" },
	[FAMILY_VDPA] = { "vhost_vdpa", NULL },
};

/* Entries of sysfs that one module alone makes. */
static const struct class_row {
	const char *module, *entry;
} class_entries[] = {
	{ "vhost_net", "class/misc/vhost-net" },
	{ "vhost_vsock", "class/misc/vhost-vsock" },
	{ "vhost_scsi", "class/misc/vhost-scsi" },
	{ "vhost_vdpa", "bus/vdpa/drivers/vhost_vdpa" },
	{ "vduse", "class/vduse/control" },
	{ "tun", "class/misc/tun" },
};

const char *family_module(enum family family)
{
	return families[family].module;
}

const char *family_path(enum family family)
{
	return families[family].path;
}

static struct facts_kernel *self(struct facts *facts)
{
	return (struct facts_kernel *)facts;
}

static bool exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
}

static void copy(char *to, size_t room, const char *from)
{
	(void)snprintf(to, room, "%s", from);
}

/* -------------------------------------------------------------------- node */

/* vhost_vdpa has no class: its devices are below theirs on the bus (vhost_vdpa_probe())
 */
static bool find_dev_file(const char *root, const char *name, char *ret, size_t room)
{
	char pattern[PATH_MAX];
	glob_t found = { 0 };
	bool any = false;

	if (strncmp(name, "vhost-vdpa-", strlen("vhost-vdpa-")) != 0) {
		(void)snprintf(ret, room, "%s/sys/class/misc/%s/dev", root, name);
		return true;
	}
	(void)snprintf(pattern, sizeof(pattern), "%s/sys/bus/vdpa/devices/*/%s/dev", root,
		       name);
	any = glob(pattern, 0, NULL, &found) == 0;
	if (any)
		copy(ret, room, found.gl_pathv[0]);
	globfree(&found);
	return any;
}

/* Numbers that the driver registered, which are the node's unless it was left over. */
static void read_class(const char *root, const char *path, struct node_info *ret)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char file[PATH_MAX], text[32];
	char *colon = NULL;

	if (!find_dev_file(root, name, file, sizeof(file)) ||
	    slurp_line(file, text, sizeof(text)) < 0)
		return;
	colon = strchr(text, ':');
	if (!colon)
		return;
	*colon = '\0';
	ret->class_major = (int)number_of(text);
	ret->class_minor = (int)number_of(colon + 1);
}

void node_describe(const char *root, const char *path, struct node_info *ret)
{
	char full[PATH_MAX];
	struct stat st;

	*ret = (struct node_info){
		.major = -1, .minor = -1, .class_major = -1, .class_minor = -1
	};
	copy(ret->path, sizeof(ret->path), path);
	read_class(root, path, ret);
	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	if (stat(full, &st) < 0)
		return;
	ret->exists = true;
	ret->is_device = S_ISCHR(st.st_mode);
	if (ret->is_device) {
		ret->major = (int)major(st.st_rdev);
		ret->minor = (int)minor(st.st_rdev);
	}
	ret->mode = st.st_mode & 07777;
	ret->uid = st.st_uid;
	ret->gid = st.st_gid;
	ret->readable = faccessat(AT_FDCWD, full, R_OK, AT_EACCESS) == 0;
	ret->writable = faccessat(AT_FDCWD, full, W_OK, AT_EACCESS) == 0;
}

/* The vDPA node of the lowest name, or the one that a first device would get. */
static void find_vdpa_path(const char *root, char *path, size_t room)
{
	char pattern[PATH_MAX];
	glob_t found = { 0 };

	copy(path, room, "/dev/vhost-vdpa-0");
	(void)snprintf(pattern, sizeof(pattern), "%s/dev/vhost-vdpa-*", root);
	if (glob(pattern, 0, NULL, &found) == 0)
		copy(path, room, found.gl_pathv[0] + strlen(root));
	globfree(&found);
}

static int facts_node(struct facts *facts, enum family family, struct node_info *ret)
{
	const char *root = self(facts)->root;
	char path[sizeof(ret->path)];

	if (family == FAMILY_VDPA)
		find_vdpa_path(root, path, sizeof(path));
	else
		copy(path, sizeof(path), families[family].path);
	node_describe(root, path, ret);
	return 0;
}

/* ------------------------------------------------------------------ module */

/* modprobe's configuration has no say in what a module is, so none is read. */
static struct kmod_ctx *kmod_of(struct facts_kernel *f)
{
	static const char *const no_config[] = { NULL };
	char dir[PATH_MAX];
	struct utsname u;

	if (!f->kmod && uname(&u) == 0) {
		(void)snprintf(dir, sizeof(dir), "%s/lib/modules/%s", f->root, u.release);
		f->kmod = kmod_new(*f->root ? dir : NULL, no_config);
		if (f->kmod)
			kmod_set_log_priority(f->kmod, -1); /* nothing */
	}
	return f->kmod;
}

static void read_disk_info(struct kmod_module *mod, struct module_info *ret)
{
	struct kmod_list *info = NULL, *i = NULL;

	if (kmod_module_get_info(mod, &info) < 0)
		return;
	kmod_list_foreach(i, info)
	{
		const char *key = kmod_module_info_get_key(i);
		const char *value = kmod_module_info_get_value(i);

		if (!strcmp(key, "srcversion"))
			copy(ret->srcversion_disk, sizeof(ret->srcversion_disk), value);
		else if (!strcmp(key, "signer"))
			copy(ret->signer, sizeof(ret->signer), value);
	}
	kmod_module_info_free_list(info);
}

/* What libkmod knows: BUILTIN, INSTALLED or ABSENT, and the file on disk. */
static void ask_libkmod(struct facts_kernel *f, const char *name, struct module_info *ret)
{
	struct kmod_ctx *ctx = kmod_of(f);
	struct kmod_module *mod = NULL;
	const char *path = NULL;

	if (!ctx || kmod_module_new_from_name(ctx, name, &mod) < 0)
		return;
	if (kmod_module_get_initstate(mod) == KMOD_MODULE_BUILTIN)
		ret->status = FACT_MODULE_BUILTIN;
	path = kmod_module_get_path(mod);
	if (path && exists(path)) {
		ret->status = FACT_MODULE_INSTALLED;
		/*
		 * Unknown of a compressed file: the build-id is a note of the ELF file,
		 * and libkmod, which unpacks it for .modinfo, hands out neither bytes
		 * nor sections (libkmod.h of kmod 30). srcversion is in .modinfo.
		 */
		if (build_id_of_file(path, ret->build_id_disk) < 0)
			ret->build_id_disk[0] = '\0';
		read_disk_info(mod, ret);
	}
	(void)kmod_module_unref(mod);
}

static void read_loaded_build_id(const char *module_dir, char *ret)
{
	char path[PATH_MAX + 512], notes[4096];
	cleanup_dir DIR *dir = NULL;
	struct dirent *e = NULL;

	(void)snprintf(path, sizeof(path), "%s/notes", module_dir);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		ssize_t n = 0;

		(void)snprintf(path, sizeof(path), "%s/notes/%s", module_dir, e->d_name);
		n = slurp(path, notes, sizeof(notes));
		if (n > 0 && build_id_of_notes(notes, (size_t)n, ret) == 0)
			return;
	}
}

/* Whether the entry is there that only this module makes. */
static bool made_class_entry(const struct facts_kernel *f, const char *name)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(class_entries); i++) {
		if (strcmp(class_entries[i].module, name) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/sys/%s", f->root,
			       class_entries[i].entry);
		return exists(path);
	}
	return false;
}

static int facts_module(struct facts *facts, const char *name, struct module_info *ret)
{
	struct facts_kernel *f = self(facts);
	char plain[64], dir[PATH_MAX], file[PATH_MAX + 16], state[16];

	*ret = (struct module_info){ .status = FACT_MODULE_ABSENT };
	copy(plain, sizeof(plain), name);
	for (char *c = strchr(plain, '-'); c; c = strchr(c, '-'))
		*c = '_';
	ask_libkmod(f, plain, ret);
	(void)snprintf(dir, sizeof(dir), "%s/sys/module/%s", f->root, plain);
	(void)snprintf(file, sizeof(file), "%s/initstate", dir);
	if (slurp_line(file, state, sizeof(state)) < 0) {
		if (exists(dir) || made_class_entry(f, plain))
			ret->status = FACT_MODULE_BUILTIN;
		return 0;
	}
	if (strcmp(state, "live") != 0)
		return 0; /* coming or going: not to be counted on */
	ret->status = FACT_MODULE_LIVE;
	read_loaded_build_id(dir, ret->build_id_loaded);
	(void)snprintf(file, sizeof(file), "%s/srcversion", dir);
	if (slurp_line(file, ret->srcversion_loaded, sizeof(ret->srcversion_loaded)) < 0)
		ret->srcversion_loaded[0] = '\0';
	return 0;
}

/* ----------------------------------------------------------------- workers */

static bool is_worker_name(const char *comm)
{
	static const char prefix[] = "vhost-";

	return !strncmp(comm, prefix, sizeof(prefix) - 1) &&
	       number_of(comm + sizeof(prefix) - 1) >= 0;
}

/* What stands behind "\n@name:\t" in /proc/TID/status; NULL if it is not there. */
static const char *status_field(const char *status, const char *name)
{
	char line[64];
	const char *at = NULL;

	(void)snprintf(line, sizeof(line), "\n%s:\t", name);
	at = strstr(status, line);
	return at ? at + strlen(line) : NULL;
}

/* Counts a worker; @dir is its directory in /proc. */
static void count_worker(const char *dir, struct worker_info *w)
{
	static const char *const switches[] = { "voluntary_ctxt_switches",
						"nonvoluntary_ctxt_switches" };
	char path[PATH_MAX + 512], status[4096];
	const char *field = NULL;

	w->count++;
	(void)snprintf(path, sizeof(path), "%s/status", dir);
	if (slurp(path, status, sizeof(status)) < 0)
		return;
	field = status_field(status, "State");
	w->asleep += field && *field == 'S';
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		field = status_field(status, switches[i]);
		w->switches += field ? strtoull(field, NULL, 10) : 0;
	}
}

/* The kernel names a worker by the pid in the first pid namespace, which need not be
 * ours: of the process's own threads any such name is one. */
static int count_threads(const char *root, pid_t pid, struct worker_info *w)
{
	char task[PATH_MAX], path[PATH_MAX + 512], comm[32];
	cleanup_dir DIR *dir = NULL;
	struct dirent *e = NULL;

	(void)snprintf(path, sizeof(path), "%s/proc/%d/task", root, (int)pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		int64_t tid = number_of(e->d_name);

		if (tid < 0 || tid == pid)
			continue;
		(void)snprintf(task, sizeof(task), "%s/proc/%d/task/%s", root, (int)pid,
			       e->d_name);
		(void)snprintf(path, sizeof(path), "%s/comm", task);
		if (slurp_line(path, comm, sizeof(comm)) > 0 && is_worker_name(comm))
			count_worker(task, w);
	}
	return 0;
}

/* "90 (comm) S ppid pgrp session tty tpgid flags ...", where comm may hold anything */
static bool is_kernel_thread(const char *root, const char *pid)
{
	enum {
		PF_KTHREAD_BIT = 0x00200000,
		FIELDS_BEFORE_FLAGS = 7
	};
	char path[PATH_MAX], text[512];
	const char *at = NULL;

	(void)snprintf(path, sizeof(path), "%s/proc/%s/stat", root, pid);
	if (slurp(path, text, sizeof(text)) < 0)
		return false;
	at = strrchr(text, ')');
	for (int i = 0; at && i < FIELDS_BEFORE_FLAGS; i++)
		at = strchr(at + 1, ' ');
	return at && strtoul(at, NULL, 10) & PF_KTHREAD_BIT;
}

static int count_kthreads(const char *root, pid_t pid, struct worker_info *w)
{
	char task[PATH_MAX], path[PATH_MAX + 512], comm[32], wanted[32];
	cleanup_dir DIR *dir = NULL;
	struct dirent *e = NULL;

	(void)snprintf(wanted, sizeof(wanted), "vhost-%d", (int)pid);
	(void)snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		if (number_of(e->d_name) < 0)
			continue;
		(void)snprintf(task, sizeof(task), "%s/proc/%s", root, e->d_name);
		(void)snprintf(path, sizeof(path), "%s/comm", task);
		if (slurp_line(path, comm, sizeof(comm)) > 0 && !strcmp(comm, wanted) &&
		    is_kernel_thread(root, e->d_name))
			count_worker(task, w);
	}
	return 0;
}

static int facts_workers(struct facts *facts, pid_t pid, struct worker_info *ret)
{
	const char *root = self(facts)->root;
	struct worker_info w = { .type = WORKER_NONE };
	int r = count_threads(root, pid, &w);

	if (r == 0 && w.count) {
		w.type = WORKER_TASK;
	} else if (r == 0) {
		r = count_kthreads(root, pid, &w);
		w.type = w.count ? WORKER_KTHREAD : WORKER_NONE;
	}
	if (r == 0)
		*ret = w;
	return r;
}

/* --------------------------------------------------------- guest to host */

static bool has_entries(const char *root, const char *pattern)
{
	char full[PATH_MAX];
	glob_t found = { 0 };
	bool any = false;

	(void)snprintf(full, sizeof(full), "%s%s", root, pattern);
	any = glob(full, 0, NULL, &found) == 0;
	globfree(&found);
	return any;
}

/* A virtio device of type 19 (VIRTIO_ID_VSOCK) that has a driver. */
static bool has_virtio_vsock(const char *root)
{
	char path[PATH_MAX], id[16];
	glob_t found = { 0 };
	bool bound = false;

	(void)snprintf(path, sizeof(path), "%s/sys/bus/virtio/devices/*", root);
	(void)glob(path, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && !bound; i++) {
		(void)snprintf(path, sizeof(path), "%s/device", found.gl_pathv[i]);
		if (slurp_line(path, id, sizeof(id)) < 0 || strtoul(id, NULL, 16) != 19)
			continue;
		(void)snprintf(path, sizeof(path), "%s/driver", found.gl_pathv[i]);
		bound = exists(path);
	}
	globfree(&found);
	return bound;
}

static bool is_running(struct facts *facts, const char *module)
{
	struct module_info m;

	return facts_module(facts, module, &m) == 0 &&
	       (m.status == FACT_MODULE_LIVE || m.status == FACT_MODULE_BUILTIN);
}

static int facts_guest_to_host(struct facts *facts, char *ret)
{
	const char *root = self(facts)->root;
	const char *name = "";

	if (has_virtio_vsock(root))
		name = "vmw_vsock_virtio_transport";
	else if (has_entries(root, "/sys/bus/pci/drivers/vmw_vmci/*:*") &&
		 is_running(facts, "vmw_vsock_vmci_transport"))
		name = "vmw_vsock_vmci_transport";
	else if (has_entries(root, "/sys/bus/vmbus/devices/*") &&
		 is_running(facts, "hv_sock"))
		name = "hv_sock";
	copy(ret, NAME_ROOM, name);
	return 0;
}

static int facts_release(struct facts *facts, char *ret)
{
	struct utsname u;

	(void)facts;
	if (uname(&u) < 0)
		return -errno;
	copy(ret, NAME_ROOM, u.release);
	return 0;
}

static int facts_parameter(struct facts *facts, const char *module, const char *name,
			   char *ret)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/sys/module/%s/parameters/%s",
		       self(facts)->root, module, name);
	if (slurp_line(path, ret, NAME_ROOM) < 0)
		*ret = '\0';
	return 0;
}

static const struct facts_ops kernel_ops = {
	.node = facts_node,
	.module = facts_module,
	.workers = facts_workers,
	.guest_to_host = facts_guest_to_host,
	.release = facts_release,
	.parameter = facts_parameter,
};

struct facts *facts_kernel_at(const char *root)
{
	struct facts_kernel *f = NULL;

	if (strlen(root) >= sizeof(f->root))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->facts.ops = &kernel_ops;
	copy(f->root, sizeof(f->root), root);
	return &f->facts;
}

struct facts *facts_kernel_new(void)
{
	return facts_kernel_at("");
}

void facts_kernel_free(struct facts *facts)
{
	if (!facts)
		return;
	(void)kmod_unref(self(facts)->kmod);
	free(facts);
}
