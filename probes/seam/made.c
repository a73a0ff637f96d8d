/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <glob.h>
#include <linux/vduse.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/dir.h"
#include "base/number.h"
#include "seam/made.h"
#include "seam/vdpa_netlink.h"

#define VDPA_DEVICES "/sys/bus/vdpa/devices"
#define VDUSE_DEVICES "/sys/class/vduse"
#define TARGET MADE_CONFIGFS "/target"
#define PAUSE_NS 2000000

/*
 * Both end in nine digits of the PID, which has at most seven (PID_MAX_LIMIT in
 * include/linux/threads.h). The number of an adapter is its user's choice, 32 bits wide
 * (target_core_call_addhbatotarget() in drivers/target/target_core_configfs.c).
 */
#define WWPN_PREFIX "naa.3766863"
#define HBA_PREFIX "rd_mcp_2"
#define PID_DIGITS 9
#define NAME_PREFIX "vhostcheck-"

void made_wwpn(pid_t pid, char *ret, size_t room)
{
	(void)snprintf(ret, room, WWPN_PREFIX "%0*d", PID_DIGITS, (int)pid);
}

void made_hba(pid_t pid, char *ret, size_t room)
{
	(void)snprintf(ret, room, HBA_PREFIX "%0*d", PID_DIGITS, (int)pid);
}

void made_name(pid_t pid, unsigned int n, char *ret, size_t room)
{
	(void)snprintf(ret, room, NAME_PREFIX "%d-%u", (int)pid, n);
}

void made_mark(pid_t pid, char *ret, size_t room)
{
	(void)snprintf(ret, room, NAME_PREFIX "%d-fabric", (int)pid);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* ----------------------------------------------------------- one at a time */

/* What is gone by now was taken down by somebody else. */
static void drop(const char *path, int (*call)(const char *), int *first)
{
	if (call(path) < 0 && errno != ENOENT && !*first)
		*first = -errno;
}

/**
 * struct place - what was made for a process
 * @name:	of the vDPA device
 * @vdpa, @vduse, @target, @hba: paths
 * @mark:	path of what marks target/vhost
 */
struct place {
	char name[64];
	char vdpa[MADE_PATH], vduse[MADE_PATH], target[MADE_PATH], hba[MADE_PATH];
	char mark[MADE_PATH + 64];
};

static void place_of(const char *root, pid_t pid, struct place *ret)
{
	char wwpn[32], hba[32], mark[64];

	made_wwpn(pid, wwpn, sizeof(wwpn));
	made_hba(pid, hba, sizeof(hba));
	made_mark(pid, mark, sizeof(mark));
	(void)snprintf(ret->target, sizeof(ret->target), "%s" TARGET "/vhost/%s", root,
		       wwpn);
	(void)snprintf(ret->hba, sizeof(ret->hba), "%s" TARGET "/core/%s", root, hba);
	(void)snprintf(ret->mark, sizeof(ret->mark), "%s/%s", ret->hba, mark);
	made_name(pid, 0, ret->name, sizeof(ret->name));
	(void)snprintf(ret->vdpa, sizeof(ret->vdpa), "%s" VDPA_DEVICES "/%s", root,
		       ret->name);
	(void)snprintf(ret->vduse, sizeof(ret->vduse), "%s" VDUSE_DEVICES "/%s", root,
		       ret->name);
}

/* A LUN is a directory with a link to its store. */
static void drop_lun(const char *lun, int *first)
{
	char path[MADE_PATH + 512];
	cleanup_dir DIR *dir = opendir(lun);
	const struct dirent *e = NULL;

	while (dir && (e = readdir(dir))) {
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s", lun, e->d_name);
		if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
			drop(path, unlink, first);
	}
	drop(lun, rmdir, first);
}

static void drop_target(const char *target, int *first)
{
	char path[MADE_PATH + 64];
	glob_t luns = { 0 };

	(void)snprintf(path, sizeof(path), "%s/tpgt_1/lun/lun_*", target);
	(void)glob(path, 0, NULL, &luns);
	for (size_t i = 0; i < luns.gl_pathc; i++)
		drop_lun(luns.gl_pathv[i], first);
	globfree(&luns);
	(void)snprintf(path, sizeof(path), "%s/tpgt_1", target);
	drop(path, rmdir, first);
	drop(target, rmdir, first);
}

/* While a target of its own stands there, the mark stays for who tries again. */
static void drop_fabric(const char *root, const struct place *place, int *first)
{
	char fabric[MADE_PATH];

	if (!exists(place->mark) || exists(place->target))
		return;
	(void)snprintf(fabric, sizeof(fabric), "%s" TARGET "/vhost", root);
	(void)rmdir(fabric); /* it may have other targets */
	drop(place->mark, rmdir, first);
}

static void drop_hba(const char *hba, int *first)
{
	char path[MADE_PATH + 64];
	glob_t stores = { 0 };

	(void)snprintf(path, sizeof(path), "%s/vhostcheck-*-[0-9]*", hba);
	(void)glob(path, 0, NULL, &stores);
	for (size_t i = 0; i < stores.gl_pathc; i++)
		drop(stores.gl_pathv[i], rmdir, first);
	globfree(&stores);
	drop(hba, rmdir, first);
}

static int delete_vdpa(const char *name)
{
	int r = vdpa_netlink_delete(name);

	if (r == 0 || r == -ENODEV)
		return 0;
	errno = -r;
	return -1;
}

/* EBUSY while it is on the bus, or while the process that serves it has it open. */
static int destroy_vduse(const char *name)
{
	char arg[VDUSE_NAME_MAX] = "";
	cleanup_close int fd = open("/dev/vduse/control", O_RDWR | O_CLOEXEC);

	(void)snprintf(arg, sizeof(arg), "%s", name);
	if (fd < 0)
		return -1;
	/* EINVAL: there is none of that name any more (vduse_destroy_dev()) */
	return ioctl(fd, VDUSE_DESTROY_DEV, arg) < 0 && errno != EINVAL ? -1 : 0;
}

int made_lun_remove(const char *root, pid_t pid, unsigned int lun)
{
	struct place place = { 0 };
	char path[MADE_PATH + 64], name[64];
	int first = 0;

	place_of(root, pid, &place);
	(void)snprintf(path, sizeof(path), "%s/tpgt_1/lun/lun_%u", place.target, lun);
	drop_lun(path, &first);
	made_name(pid, lun, name, sizeof(name));
	(void)snprintf(path, sizeof(path), "%s/%s", place.hba, name);
	drop(path, rmdir, &first);
	return first;
}

/* --------------------------------------------------------------- all of it */

bool made_any(const char *root, pid_t pid)
{
	struct place place = { 0 };

	place_of(root, pid, &place);
	return exists(place.vdpa) || exists(place.vduse) || exists(place.target) ||
	       exists(place.hba);
}

bool made_fabric(const char *root)
{
	char pattern[MADE_PATH];
	glob_t marks = { 0 };
	bool any = false;

	(void)snprintf(pattern, sizeof(pattern),
		       "%s" TARGET "/core/" HBA_PREFIX "*/" NAME_PREFIX "*-fabric", root);
	any = glob(pattern, 0, NULL, &marks) == 0;
	globfree(&marks);
	return any;
}

static int remove_once(const char *root, const struct place *place)
{
	int first = 0;

	if (exists(place->vdpa))
		drop(place->name, delete_vdpa, &first);
	if (exists(place->vduse))
		drop(place->name, destroy_vduse, &first);
	if (exists(place->target))
		drop_target(place->target, &first);
	drop_fabric(root, place, &first);
	if (exists(place->hba))
		drop_hba(place->hba, &first);
	return first;
}

int made_remove(const char *root, pid_t pid, struct deadline until)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct place place = { 0 };
	int r = 0;

	place_of(root, pid, &place);
	r = remove_once(root, &place);
	while (r == -EBUSY && !deadline_passed(until)) {
		(void)nanosleep(&pause, NULL);
		r = remove_once(root, &place);
	}
	return r;
}

/* ------------------------------------------------------------------ search */

/* The PID behind a prefix, -1 if what stands there is none of ours. */
static int64_t pid_in(const char *path, const char *prefix)
{
	const char *name = strrchr(path, '/') + 1;

	if (strncmp(name, prefix, strlen(prefix)) != 0 ||
	    strlen(name) != strlen(prefix) + PID_DIGITS)
		return -1;
	return number_of(name + strlen(prefix));
}

/* vhostcheck-PID-0 */
static int64_t pid_of_name(const char *path)
{
	const char *number = strrchr(path, '/') + 1 + strlen(NAME_PREFIX);
	size_t len = strspn(number, "0123456789");
	char digits[16];

	if (len >= sizeof(digits) || strcmp(number + len, "-0") != 0)
		return -1;
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)len, number);
	return number_of(digits);
}

static int find_in(const char *root, const char *dir, const char *prefix, made_fn *fn,
		   void *ctx)
{
	char pattern[MADE_PATH];
	glob_t found = { 0 };
	int r = 0;

	(void)snprintf(pattern, sizeof(pattern), "%s%s/%s*", root, dir, prefix);
	(void)glob(pattern, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && r == 0; i++) {
		const char *path = found.gl_pathv[i];
		int64_t pid = strcmp(prefix, NAME_PREFIX) != 0 ? pid_in(path, prefix)
							       : pid_of_name(path);

		if (pid > 0)
			r = fn(ctx, (pid_t)pid, path);
	}
	globfree(&found);
	return r;
}

int made_find(const char *root, made_fn *fn, void *ctx)
{
	static const struct {
		const char *dir, *prefix;
	} places[] = {
		{ VDPA_DEVICES, NAME_PREFIX },
		{ VDUSE_DEVICES, NAME_PREFIX },
		{ TARGET "/vhost", WWPN_PREFIX },
		{ TARGET "/core", HBA_PREFIX },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++)
		r = find_in(root, places[i].dir, places[i].prefix, fn, ctx);
	return r;
}
