/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/number.h"
#include "base/slurp.h"
#include "cmd/list.h"
#include "seam/made.h"

/* ----------------------------------------------------------------- holders */

static int add_holder(struct arena *a, struct list_device *d, const char *pid)
{
	struct list_holder *h = NULL;
	char path[64], comm[32];

	for (size_t i = 0; i < d->holders.count; i++)
		if (((struct list_holder *)d->holders.item[i])->pid == number_of(pid))
			return 0;
	h = rec_list_new(a, &d->holders, sizeof(*h));
	if (!h)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	if (slurp_line(path, comm, sizeof(comm)) < 0)
		(void)snprintf(comm, sizeof(comm), "?");
	h->pid = number_of(pid);
	h->command = arena_strdup(a, comm);
	return h->command ? 0 : -ENOMEM;
}

/* AT_STATX_DONT_SYNC: a descriptor on a dead file server must not stop us. */
static int look_at_fd(struct arena *a, const struct rec_list *devices, const char *pid,
		      int dir, const char *fd)
{
	struct statx st;

	if (statx(dir, fd, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0 ||
	    !S_ISCHR(st.stx_mode))
		return 0;
	for (size_t i = 0; i < devices->count; i++) {
		struct list_device *d = devices->item[i];

		if (d->present && d->major == (int64_t)st.stx_rdev_major &&
		    d->minor == (int64_t)st.stx_rdev_minor)
			return add_holder(a, d, pid);
	}
	return 0;
}

static int look_at_process(struct arena *a, const struct rec_list *devices,
			   const char *pid, bool *ret_all)
{
	char path[64];
	cleanup_dir DIR *dir = NULL;
	struct dirent *e = NULL;
	int r = 0;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	if (!dir) {
		if (errno == EACCES || errno == EPERM)
			*ret_all = false;
		return 0; /* else it has gone */
	}
	while (r == 0 && (e = readdir(dir)))
		if (number_of(e->d_name) >= 0)
			r = look_at_fd(a, devices, pid, dirfd(dir), e->d_name);
	return r;
}

int list_find_holders(struct arena *a, const struct rec_list *devices, bool *ret_all)
{
	cleanup_dir DIR *proc = opendir("/proc");
	struct dirent *e = NULL;
	int r = 0;

	/* mounted with hidepid, /proc does not even show them */
	*ret_all = proc && (geteuid() == 0 || access("/proc/1", F_OK) == 0);
	while (proc && r == 0 && (e = readdir(proc)))
		if (number_of(e->d_name) >= 0)
			r = look_at_process(a, devices, e->d_name, ret_all);
	return r;
}

/* -------------------------------------------------------------------- VMMs */

static bool has_vmm(const struct rec_list *vmms, const char *name)
{
	for (size_t i = 0; i < vmms->count; i++)
		if (!strcmp(((struct list_vmm *)vmms->item[i])->name, name))
			return true;
	return false;
}

static bool is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int find_vmm(struct arena *a, const char *name, struct rec_list *ret)
{
	const char *search = getenv("PATH");
	char *dirs = arena_strdup(a, search ? search : "/usr/sbin:/usr/bin:/sbin:/bin");
	char *rest = NULL;

	if (!dirs)
		return -ENOMEM;
	for (char *d = strtok_r(dirs, ":", &rest); d; d = strtok_r(NULL, ":", &rest)) {
		const char *path = arena_printf(a, "%s/%s", d, name);
		struct list_vmm *vmm = NULL;

		if (!path)
			return -ENOMEM;
		if (!is_executable(path))
			continue;
		vmm = rec_list_new(a, ret, sizeof(*vmm));
		if (!vmm)
			return -ENOMEM;
		*vmm = (struct list_vmm){ .name = name, .path = path };
		break;
	}
	return 0;
}

int list_find_vmms(struct arena *a, const struct rec_list *names, struct rec_list *ret)
{
	int r = 0;

	for (size_t i = 0; i < names->count && r == 0; i++)
		if (!has_vmm(ret, names->item[i]))
			r = find_vmm(a, names->item[i], ret);
	return r;
}

/* ------------------------------------------------------------ newer kernel */

/* The numbers that a release begins with: what follows names a flavour, not an age. */
static void version_of(const char *release, char *ret, size_t room)
{
	size_t len = strspn(release, "0123456789.-");

	while (len && !strchr("0123456789", release[len - 1]))
		len--;
	(void)snprintf(ret, room, "%.*s", (int)len, release);
}

static bool is_newer(const char *release, const char *than)
{
	char a[128], b[128];

	version_of(release, a, sizeof(a));
	version_of(than, b, sizeof(b));
	return *a && strverscmp(a, b) > 0;
}

/* /boot/vmlinuz-RELEASE or /lib/modules/RELEASE/vmlinuz */
static const char *release_of(struct arena *a, const char *path)
{
	static const char prefix[] = "vmlinuz-";
	const char *name = strrchr(path, '/') + 1;
	const char *before = name - 1;

	if (!strncmp(name, prefix, sizeof(prefix) - 1))
		return arena_strdup(a, name + sizeof(prefix) - 1);
	while (before > path && before[-1] != '/')
		before--;
	return arena_printf(a, "%.*s", (int)(name - 1 - before), before);
}

static int consider(struct arena *a, const char *path, const char *running,
		    struct list_kernel **best)
{
	const char *release = release_of(a, path);
	size_t len = release ? strlen(release) : 0;
	struct list_kernel *k = NULL;

	if (!release)
		return -ENOMEM;
	if (!is_newer(release, *best ? (*best)->release : running) ||
	    (len > 4 && !strcmp(release + len - 4, ".old")))
		return 0;
	k = arena_alloc(a, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->release = release;
	k->path = arena_strdup(a, path);
	k->judge = arena_printf(a, "vhostcheck vm %s", path);
	if (!k->path || !k->judge)
		return -ENOMEM;
	*best = k;
	return 0;
}

int list_find_newer_kernel(struct arena *a, const char *root, const char *running,
			   struct list_kernel **ret)
{
	static const char *const places[] = { "/boot/vmlinuz-*",
					      "/lib/modules/*/vmlinuz" };
	char pattern[PATH_MAX];
	int r = 0;

	*ret = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		glob_t found = { 0 };

		(void)snprintf(pattern, sizeof(pattern), "%s%s", root, places[i]);
		(void)glob(pattern, 0, NULL, &found);
		for (size_t j = 0; j < found.gl_pathc && r == 0; j++)
			r = consider(a, found.gl_pathv[j], running, ret);
		globfree(&found);
	}
	return r;
}

/* --------------------------------------------------------------- leftovers */

static bool is_vhostcheck(const char *pid)
{
	char path[64], comm[32];

	(void)snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	return slurp_line(path, comm, sizeof(comm)) > 0 &&
	       !strncmp(comm, "vhostcheck", strlen("vhostcheck"));
}

static int add_leftover(struct arena *a, const char *path, const char *pid,
			struct rec_list *ret)
{
	struct list_leftover *l = NULL;

	if (is_vhostcheck(pid))
		return 0;
	l = rec_list_new(a, ret, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->path = arena_strdup(a, path);
	l->pid = number_of(pid);
	return l->path ? 0 : -ENOMEM;
}

static int consider_leftover(struct arena *a, const char *path, struct rec_list *ret)
{
	const char *number = strrchr(path, '/') + 1 + strlen("vhostcheck-");
	size_t digits = strspn(number, "0123456789");
	char pid[24];

	if (!digits || digits >= sizeof(pid) || number[digits] != '-')
		return 0;
	(void)snprintf(pid, sizeof(pid), "%.*s", (int)digits, number);
	return add_leftover(a, path, pid, ret);
}

/** struct found_made - where to put what made_find() finds */
struct found_made {
	struct arena *a;
	struct rec_list *ret;
};

static int consider_made(void *ctx, pid_t pid, const char *path)
{
	const struct found_made *f = ctx;
	char text[24];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	return add_leftover(f->a, path, text, f->ret);
}

int list_find_leftovers(struct arena *a, struct rec_list *ret)
{
	struct found_made made = { a, ret };
	const char *tmp = getenv("TMPDIR");
	cleanup_dir DIR *dir = NULL;
	struct dirent *e = NULL;
	int r = 0;

	tmp = tmp && *tmp ? tmp : "/tmp";
	dir = opendir(tmp);
	while (dir && r == 0 && (e = readdir(dir))) {
		const char *path = NULL;

		if (fnmatch("vhostcheck-[0-9]*-*", e->d_name, 0) != 0)
			continue;
		path = arena_printf(a, "%s/%s", tmp, e->d_name);
		r = path ? consider_leftover(a, path, ret) : -ENOMEM;
	}
	return r ? r : made_find("", consider_made, &made);
}
