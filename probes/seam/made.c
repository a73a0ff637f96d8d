/* SPDX-License-Identifier: MIT */
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/dir.h"
#include "base/number.h"
#include "seam/made.h"

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
	(void)snprintf(ret, room, "vhostcheck-%d-%u", (int)pid, n);
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

/** struct place - the paths of what was made for a process */
struct place {
	char target[MADE_PATH], hba[MADE_PATH];
};

static void place_of(const char *root, pid_t pid, struct place *ret)
{
	char wwpn[32], hba[32];

	made_wwpn(pid, wwpn, sizeof(wwpn));
	made_hba(pid, hba, sizeof(hba));
	(void)snprintf(ret->target, sizeof(ret->target), "%s" TARGET "/vhost/%s", root,
		       wwpn);
	(void)snprintf(ret->hba, sizeof(ret->hba), "%s" TARGET "/core/%s", root, hba);
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

static void drop_hba(const char *hba, int *first)
{
	char path[MADE_PATH + 64];
	glob_t stores = { 0 };

	(void)snprintf(path, sizeof(path), "%s/vhostcheck-*", hba);
	(void)glob(path, 0, NULL, &stores);
	for (size_t i = 0; i < stores.gl_pathc; i++)
		drop(stores.gl_pathv[i], rmdir, first);
	globfree(&stores);
	drop(hba, rmdir, first);
}

int made_lun_remove(const char *root, pid_t pid, unsigned int lun)
{
	struct place place;
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
	struct place place;

	place_of(root, pid, &place);
	return exists(place.target) || exists(place.hba);
}

static int remove_once(const char *root, const struct place *place)
{
	char fabric[MADE_PATH];
	int first = 0;

	if (exists(place->target)) {
		drop_target(place->target, &first);
		(void)snprintf(fabric, sizeof(fabric), "%s" TARGET "/vhost", root);
		(void)rmdir(fabric); /* it may have other targets */
	}
	if (exists(place->hba))
		drop_hba(place->hba, &first);
	return first;
}

int made_remove(const char *root, pid_t pid, struct deadline until)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct place place;
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

static int find_in(const char *root, const char *dir, const char *prefix, made_fn *fn,
		   void *ctx)
{
	char pattern[MADE_PATH];
	glob_t found = { 0 };
	int r = 0;

	(void)snprintf(pattern, sizeof(pattern), "%s%s/%s*", root, dir, prefix);
	(void)glob(pattern, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && r == 0; i++) {
		int64_t pid = pid_in(found.gl_pathv[i], prefix);

		if (pid > 0)
			r = fn(ctx, (pid_t)pid, found.gl_pathv[i]);
	}
	globfree(&found);
	return r;
}

int made_find(const char *root, made_fn *fn, void *ctx)
{
	int r = find_in(root, TARGET "/vhost", WWPN_PREFIX, fn, ctx);

	return r ? r : find_in(root, TARGET "/core", HBA_PREFIX, fn, ctx);
}
