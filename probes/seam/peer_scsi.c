/* SPDX-License-Identifier: MIT */
/*
 * The host's end of vhost-scsi: a target with a RAM disk of the target core, made through
 * configfs. Nothing in it belongs to a process: it is taken down in reverse when the
 * socket ends, and what a killed process leaves is found by its name (seam/made.h).
 */
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/payload.h"
#include "seam/kernel.h"
#include "seam/made.h"

/* CONFIGFS_MAGIC of fs/configfs/mount.c, which no header of user space has */
#define CONFIGFS_MAGIC 0x62656570
#define TARGET MADE_CONFIGFS "/target"
#define TPGT 1
#define LUNS 1u /* of each the kernel awaits a grace period when it goes */
#define PAGES 64u
#define BLOCK 512u
#define TAKE_DOWN_MS 4000u
#define FABRIC_TRIES 8

/* An initiator's name of the protocol of the target's: NAA 3, "vhd" */
#define INITIATOR "naa.3766864000000000"

/**
 * struct target - what was made
 * @pid:	for this process
 * @wwpn:	name of the target; @path: its directory
 * @hba:	directory of the stores
 * @lacks:	what could not be made
 */
struct target {
	pid_t pid;
	char wwpn[32], path[MADE_PATH], hba[MADE_PATH];
	const char *lacks;
};

/* ------------------------------------------------------------------ before */

/*
 * The first adapter of all makes the kernel load the back ends that it was built with
 * (transport_subsystem_check_init() in drivers/target/target_core_transport.c): no
 * module is to be loaded unasked.
 */
static int would_load(bool *ret)
{
	static const char *const back_ends[] = { "target_core_iblock", "target_core_file",
						 "target_core_pscsi",
						 "target_core_user" };
	struct facts *facts = NULL;
	glob_t adapters = { 0 };
	int r = 0;

	*ret = false;
	r = glob(TARGET "/core/*_[0-9]*", 0, NULL, &adapters);
	globfree(&adapters);
	if (r == 0)
		return 0; /* it is not the first */
	facts = facts_kernel_new();
	if (!facts)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(back_ends) && !*ret; i++) {
		struct module_info m;

		*ret = facts->ops->module(facts, back_ends[i], &m) == 0 &&
		       m.status == FACT_MODULE_INSTALLED;
	}
	facts_kernel_free(facts);
	return 0;
}

int peer_scsi_probe(const char **ret_lacks)
{
	struct statfs fs;
	bool loads = false;
	int r = 0;

	*ret_lacks = "configfs on " MADE_CONFIGFS
		     " (mount -t configfs none " MADE_CONFIGFS ")";
	if (statfs(MADE_CONFIGFS, &fs) < 0)
		return -errno;
	if ((unsigned long)fs.f_type != CONFIGFS_MAGIC)
		return -ENOENT;
	*ret_lacks = "target core (modprobe target_core_mod)";
	if (access(TARGET "/core", F_OK) < 0)
		return -errno;
	*ret_lacks = "driver vhost_scsi (modprobe vhost_scsi)";
	if (access("/sys/class/misc/vhost-scsi", F_OK) < 0)
		return -errno;
	*ret_lacks = "back ends of the target core, which a first target would load "
		     "(--load-modules, or modprobe -a target_core_iblock "
		     "target_core_file target_core_pscsi target_core_user)";
	r = would_load(&loads);
	return r < 0 || !loads ? r : -ENODEV;
}

/* -------------------------------------------------------------------- make */

static int write_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

static int printf_(3, 4)
	write_attribute(const char *dir, const char *name, const char *fmt, ...)
{
	char path[MADE_PATH + 128], text[64];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return write_file(path, text);
}

static int make_directory(const char *path)
{
	return mkdir(path, 0755) < 0 ? -errno : 0;
}

/* A store of its own for LUN @lun, and the link that makes the LUN of it. */
static int lun_add(struct target *t, unsigned int lun)
{
	char store[MADE_PATH + 64], dir[MADE_PATH + 64], link[MADE_PATH + 128], name[64];
	int r = 0;

	made_name(t->pid, lun, name, sizeof(name));
	(void)snprintf(store, sizeof(store), "%s/%s", t->hba, name);
	(void)snprintf(dir, sizeof(dir), "%s/tpgt_%d/lun/lun_%u", t->path, TPGT, lun);
	(void)snprintf(link, sizeof(link), "%s/store", dir);
	t->lacks = "RAM disk of the target core";
	r = make_directory(store);
	if (r < 0)
		return r;
	r = write_attribute(store, "control", "rd_pages=%u", PAGES);
	if (r == 0)
		r = write_attribute(store, "wwn/vpd_unit_serial", "vhostcheck-%u", lun);
	if (r == 0)
		r = write_attribute(store, "enable", "1");
	if (r == 0) {
		t->lacks = "LUN of the target";
		r = make_directory(dir);
	}
	if (r == 0 && symlink(store, link) < 0)
		r = -errno;
	if (r < 0)
		(void)made_lun_remove("", t->pid, lun);
	return r;
}

/* The directory of the fabric goes when another run takes its last target away. */
static int make_target(const struct target *t)
{
	char mark[64], path[MADE_PATH + 64];
	bool fabric = false, ours = false;
	int r = -ENOENT;

	for (int i = 0; i < FABRIC_TRIES && r == -ENOENT; i++) {
		fabric = mkdir(TARGET "/vhost", 0755) == 0;
		if (!fabric && errno != EEXIST)
			return -errno;
		ours = fabric || made_fabric("");
		r = make_directory(t->path);
	}
	if (r == 0 && ours) {
		made_mark(t->pid, mark, sizeof(mark));
		(void)snprintf(path, sizeof(path), "%s/%s", t->hba, mark);
		r = make_directory(path);
		if (r < 0)
			(void)rmdir(t->path);
	}
	if (r < 0 && fabric)
		(void)rmdir(TARGET "/vhost");
	return r;
}

static const char *lacks_of(int r, const char *what)
{
	if (r == -EEXIST)
		return "target name: it is in use (vhostcheck list --leftovers --remove)";
	if (r == -EACCES || r == -EPERM)
		return "right to make a target (run as root)";
	return what;
}

/* On an error nothing of it is left. */
static int make(struct target *t)
{
	char dir[MADE_PATH + 64];
	int r = 0;

	made_wwpn(t->pid, t->wwpn, sizeof(t->wwpn));
	(void)snprintf(t->path, sizeof(t->path), TARGET "/vhost/%s", t->wwpn);
	made_hba(t->pid, dir, sizeof(dir));
	(void)snprintf(t->hba, sizeof(t->hba), TARGET "/core/%.64s", dir);
	r = made_any("", t->pid) ? -EEXIST : make_directory(t->hba);
	t->lacks = lacks_of(r, "adapter of the target core");
	if (r < 0)
		return r;
	r = make_target(t);
	t->lacks = lacks_of(r, "target in configfs");
	if (r < 0) {
		(void)rmdir(t->hba);
		return r;
	}
	(void)snprintf(dir, sizeof(dir), "%s/tpgt_%d", t->path, TPGT);
	r = make_directory(dir);
	if (r == 0)
		r = write_attribute(dir, "nexus", INITIATOR);
	for (unsigned int lun = 0; lun < LUNS && r == 0; lun++)
		r = lun_add(t, lun);
	if (r < 0)
		(void)made_remove("", t->pid, deadline_after_ms(TAKE_DOWN_MS));
	return r;
}

/* ------------------------------------------------------------------- serve */

static int lun_remove(const struct target *t, unsigned int lun)
{
	char dir[MADE_PATH + 64];

	(void)snprintf(dir, sizeof(dir), "%s/tpgt_%d/lun/lun_%u", t->path, TPGT, lun);
	if (access(dir, F_OK) < 0)
		return -errno;
	return made_lun_remove("", t->pid, lun);
}

static int obey(void *ctx, const struct peer_request *request, struct peer_reply *reply)
{
	struct target *t = ctx;

	(void)reply;
	if (request->op == PEER_LUN_ADD)
		return lun_add(t, request->slot);
	if (request->op == PEER_LUN_REMOVE)
		return lun_remove(t, request->slot);
	return -EOPNOTSUPP;
}

static int say_hello(int sock, const struct target *t, int err)
{
	struct peer_hello hello = { .err = err };

	if (err) {
		(void)snprintf(hello.lacks, sizeof(hello.lacks), "%s", t->lacks);
	} else {
		hello.target = (struct peer_target){
			.tpgt = TPGT,
			.luns = LUNS,
			.block = BLOCK,
			.blocks = PAGES * (uint64_t)sysconf(_SC_PAGESIZE) / BLOCK,
		};
		(void)snprintf(hello.target.wwpn, sizeof(hello.target.wwpn), "%s",
			       t->wwpn);
	}
	return send(sock, &hello, sizeof(hello), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void peer_scsi_serve(int sock, enum peer_backend backend)
{
	struct target t = { 0 };
	struct ucred maker;
	socklen_t len = sizeof(maker);
	int r = 0;

	(void)backend;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &maker, &len) < 0)
		return;
	t.pid = maker.pid;
	r = make(&t);
	if (say_hello(sock, &t, -r) == 0 && r == 0)
		peer_answer_orders(sock, obey, &t);
	if (r == 0)
		(void)made_remove("", t.pid, deadline_after_ms(TAKE_DOWN_MS));
}
