/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Each package is unpacked into a directory of its own, all of them side by side, each by
 * a process. Then, in their order, each directory is merged into that of the kernel which
 * it belongs to: what is not there yet is moved, what is there must
 * be the same. So one rule covers a set of packages, one named twice, and one of another
 * build. What a kernel lacks is looked for at the end.
 */
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "vm/jobs.h"
#include "vm/kernels.h"
#include "vm/package.h"

enum {
	BLOCK = 65536
};

/* ----------------------------------------------------------------- comparison */

/* Return: 1 if both files hold the same, 0 if not, -errno */
static int same_file(const char *a, const char *b)
{
	cleanup_file FILE *fa = fopen(a, "re"), *fb = fopen(b, "re");
	char ba[BLOCK], bb[BLOCK];
	size_t na = 0;

	if (!fa || !fb)
		return -errno;
	do {
		size_t nb = fread(bb, 1, sizeof(bb), fb);

		na = fread(ba, 1, sizeof(ba), fa);
		if (ferror(fa) || ferror(fb))
			return -EIO;
		if (na != nb || memcmp(ba, bb, na) != 0)
			return 0;
	} while (na > 0);
	return 1;
}

/* What is done with each regular file of a tree; @rel is its path in it */
typedef int each_file_fn(void *ctx, const char *path, const char *rel);

static int each_file(const char *top, each_file_fn *fn, void *ctx)
{
	cleanup_free char *copy = strdup(top);
	char *paths[] = { copy, NULL };
	FTS *fts = copy ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
	FTSENT *e = NULL;
	int r = 0;

	if (!fts)
		return -ENOMEM;
	errno = 0;
	while (r == 0 && (e = fts_read(fts))) {
		if (e->fts_info == FTS_F)
			r = fn(ctx, e->fts_path, e->fts_path + strlen(top) + 1);
		else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
			r = -e->fts_errno;
		errno = 0;
	}
	if (r == 0 && errno && errno != ENOENT)
		r = -errno;
	(void)fts_close(fts);
	return r;
}

static int count_file(void *ctx, const char *path, const char *rel)
{
	size_t *count = ctx;

	(void)path;
	(void)rel;
	(*count)++;
	return 0;
}

/* A tree that another one is compared with; -ESTALE: they differ */
struct twin {
	const char *top;
	size_t count;
};

static int compare_file(void *ctx, const char *path, const char *rel)
{
	struct twin *t = ctx;
	cleanup_free char *other = vm_path("%s/%s", t->top, rel);
	int same = other ? same_file(path, other) : -ENOMEM;

	t->count++;
	return same == 1 ? 0 : same == 0 || same == -ENOENT ? -ESTALE : same;
}

static int same_tree(const char *a, const char *b)
{
	struct twin t = { .top = b };
	size_t count = 0;
	int r = each_file(a, compare_file, &t);

	if (r == -ESTALE)
		return 0;
	if (r == 0)
		r = each_file(b, count_file, &count);
	return r ? r : count == t.count;
}

/* ------------------------------------------------------------------- packages */

struct merge {
	const char *file, *release, *to;
	struct vm_error *err;
};

static int merge_file(void *ctx, const char *path, const char *rel)
{
	const struct merge *m = ctx;
	cleanup_free char *to = vm_path("%s/%s", m->to, rel);
	int r = to ? vm_make_parents(to) : -ENOMEM;
	int same = 1;

	if (r == 0 && access(to, F_OK) && rename(path, to))
		r = -errno;
	else if (r == 0 && !access(path, F_OK))
		same = same_file(path, to);
	if (r || same < 0)
		return vm_fail_errno(m->err, r ? r : same, m->file, "cannot unpack");
	if (same)
		return 0;
	return vm_fail(m->err, VM_FAULT_USAGE, -EEXIST, m->file,
		       "name the packages of one build only",
		       "holds another %s of the kernel %s than a package before it", rel,
		       m->release);
}

static struct vm_kernel *add_kernel(struct vm_kernels *ks)
{
	struct vm_kernel *grown = reallocarray(ks->kernel, ks->count + 1, sizeof(*grown));
	char **sets = NULL;

	if (!grown)
		return NULL;
	ks->kernel = grown;
	sets = reallocarray(ks->set, ks->count + 1, sizeof(*sets));
	if (!sets)
		return NULL;
	ks->set = sets;
	ks->set[ks->count] = NULL;
	ks->kernel[ks->count] = (struct vm_kernel){ 0 };
	return &ks->kernel[ks->count++];
}

/* The first package of its release */
static int begin_set(struct vm_kernels *ks, struct vm_package *p, const char *arg)
{
	struct vm_kernel *k = add_kernel(ks);

	if (!k)
		return -ENOMEM;
	k->arg = strdup(arg);
	k->release = p->release;
	k->package = p->name;
	ks->set[ks->count - 1] = p->dir;
	*p = (struct vm_package){ 0 };
	return k->arg ? 0 : -ENOMEM;
}

static int join_set(struct vm_kernels *ks, size_t i, const struct vm_package *p,
		    const char *arg, struct vm_error *err)
{
	struct vm_kernel *k = &ks->kernel[i];
	struct merge m = {
		.file = arg, .release = p->release, .to = ks->set[i], .err = err
	};
	char *names = vm_path("%s, %s", k->package, p->name);

	if (!names)
		return vm_fail_errno(err, -ENOMEM, arg, "cannot unpack");
	free(k->package);
	k->package = names;
	if (access(p->dir, F_OK))
		return 0;
	return each_file(p->dir, merge_file, &m);
}

static int add_package(struct vm_kernels *ks, struct vm_package *p, const char *arg,
		       struct vm_error *err)
{
	int r = 0;

	for (size_t i = 0; i < ks->count; i++)
		if (ks->set[i] && !strcmp(ks->kernel[i].release, p->release))
			return join_set(ks, i, p, arg, err);
	r = begin_set(ks, p, arg);
	return r ? vm_fail_errno(err, r, arg, "cannot unpack") : 0;
}

/* ------------------------------------------------------------------ arguments */

/* What a job has to say of a package */
struct unpacked {
	char name[256], release[128];
};

/* All arguments; those before @good can be used as far as was looked */
struct args {
	const struct vm_workdir *w;
	const char *const *arg;
	const char *modules;
	size_t count, good;
	enum bzimage_kind *kind;
	struct vm_kernel *kernel; /* of what is no package */
	size_t *package;          /* @packages numbers of arguments */
	const char **file;        /* their names */
	struct unpacked *unpacked;
	size_t packages;
};

static void args_done(struct args *a)
{
	for (size_t i = 0; a->kernel && i < a->count; i++)
		vm_kernel_done(&a->kernel[i]);
	free(a->kind);
	free(a->kernel);
	free(a->package);
	free(a->file);
	free(a->unpacked);
}

static char *package_dir(size_t i)
{
	return vm_path("package-%zu", i);
}

static int unpack_one(void *ctx, size_t i, void *result, struct vm_error *err)
{
	const struct args *a = ctx;
	struct unpacked *u = result;
	cleanup_vm_package struct vm_package p = { 0 };
	cleanup_free char *dir = package_dir(i);
	int r = 0;

	if (!dir)
		return vm_fail_errno(err, -ENOMEM, a->file[i], "cannot unpack");
	r = vm_package_unpack(&p, a->w, dir, a->file[i], a->kind[a->package[i]], err);
	if (r)
		return r;
	if (!p.release)
		return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, a->file[i],
			       "name the packages that it depends on",
			       "(%s) holds nothing of a kernel", p.name);
	(void)snprintf(u->name, sizeof(u->name), "%s", p.name);
	if (strlen(p.release) >= sizeof(u->release))
		return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, a->file[i],
			       "fetch it again", "has a release of %zu bytes",
			       strlen(p.release));
	(void)snprintf(u->release, sizeof(u->release), "%s", p.release);
	return 0;
}

/* One argument: a kernel is opened, a package only put down */
static int look_at(struct args *a, size_t i, struct vm_error *err)
{
	const char *arg = a->arg[i];
	struct bzimage z = { .kind = BZIMAGE_UNKNOWN };
	struct stat st;

	if (!stat(arg, &st) && S_ISREG(st.st_mode)) {
		int r = vm_kernel_probe(arg, &z, err);

		if (r)
			return r;
	}
	a->kind[i] = z.kind;
	if (z.kind != BZIMAGE_DEB && z.kind != BZIMAGE_RPM)
		return vm_kernel_open(&a->kernel[i], arg, a->modules, err);
	if (a->modules)
		return vm_fail(err, VM_FAULT_USAGE, -EINVAL, arg,
			       "leave --modules out, or name a bzImage",
			       "is a package, which brings its own modules");
	a->file[a->packages] = arg;
	a->package[a->packages++] = i;
	return 0;
}

/* Package @n, which is unpacked, or the kernel that argument @i is */
static int take_in(struct vm_kernels *ks, struct args *a, size_t i, size_t *n,
		   struct vm_error *err)
{
	cleanup_vm_package struct vm_package p = { 0 };
	cleanup_free char *dir = NULL;
	struct vm_kernel *k = NULL;

	if (*n < a->packages && a->package[*n] == i) {
		dir = package_dir(*n);
		p.dir = dir ? vm_path("%s/%s", a->w->path, dir) : NULL;
		p.name = strdup(a->unpacked[*n].name);
		p.release = strdup(a->unpacked[*n].release);
		(*n)++;
		if (p.dir && p.name && p.release)
			return add_package(ks, &p, a->arg[i], err);
	} else {
		k = add_kernel(ks);
	}
	if (!k)
		return vm_fail_errno(err, -ENOMEM, a->arg[i], "cannot read");
	*k = a->kernel[i];
	a->kernel[i] = (struct vm_kernel){ 0 };
	return 0;
}

static int take_all(struct vm_kernels *ks, struct args *a, struct vm_error *err)
{
	const struct vm_jobs jobs = {
		.count = a->packages,
		.fn = unpack_one,
		.ctx = a,
		.result = a->unpacked,
		.size = sizeof(*a->unpacked),
		.name = a->file,
		.stop_fd = a->w->stop_fd,
	};
	size_t n = 0;
	int r = vm_jobs_run(&jobs, err);

	for (size_t i = 0; i < a->good && r == 0; i++)
		r = take_in(ks, a, i, &n, err);
	return r;
}

int vm_kernels_add(struct vm_kernels *ks, const struct vm_workdir *w,
		   const char *const *args, size_t count, const char *modules,
		   struct vm_error *err)
{
	struct args a = {
		.w = w,
		.arg = args,
		.modules = modules,
		.count = count,
		.kind = calloc(count, sizeof(*a.kind)),
		.kernel = calloc(count, sizeof(*a.kernel)),
		.package = calloc(count, sizeof(*a.package)),
		.file = calloc(count, sizeof(*a.file)),
		.unpacked = calloc(count, sizeof(*a.unpacked)),
	};
	struct vm_error late = { .fault = VM_FAULT_NONE };
	int r = 0, looked = 0;

	if (!a.kind || !a.kernel || !a.package || !a.file || !a.unpacked) {
		r = vm_fail_errno(err, -ENOMEM, NULL, "cannot read the kernels");
	} else {
		while (a.good < count && !(looked = look_at(&a, a.good, &late)))
			a.good++;
		r = take_all(ks, &a, err);
	}
	if (!r && looked) {
		*err = late;
		r = looked;
	}
	args_done(&a);
	return r;
}

/* --------------------------------------------------------------------- the end */

/* What a kernel consists of, and the packages that have it where each part has its own */
static const struct part {
	const char *path, *what, *deb, *rpm;
} parts[] = {
	{ "vmlinuz", "image", "linux-binary", "kernel-core" },
	{ "modules/kernel", "modules", "linux-modules",
	  "kernel-modules-core and kernel-modules" },
	{ "modules/modules.builtin", "list of what is built in", "linux-base",
	  "kernel-core" },
};

static int fail_missing(const struct vm_kernel *k, const struct part *p,
			struct vm_error *err)
{
	bool deb = !strncmp(k->package, "linux-", 6);
	char hint[256];

	(void)snprintf(hint, sizeof(hint), "name %s%s%s, too; %s has all in one",
		       deb ? p->deb : p->rpm, deb ? "-" : " of ", k->release,
		       deb ? "linux-image before 6.19" : "openSUSE's kernel-default");
	return vm_fail(err, VM_FAULT_USAGE, -ENOENT, k->arg, hint,
		       "(%s) holds no %s of the kernel %s", k->package, p->what,
		       k->release);
}

static int find_parts(const struct vm_kernel *k, const char *set, struct vm_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		cleanup_free char *path = vm_path("%s/%s", set, parts[i].path);

		if (!path)
			return vm_fail_errno(err, -ENOMEM, k->arg, "cannot unpack");
		if (access(path, F_OK))
			return fail_missing(k, &parts[i], err);
	}
	return 0;
}

static int finish_set(struct vm_kernel *k, const char *set, struct vm_error *err)
{
	cleanup_free char *image = vm_path("%s/vmlinuz", set), *release = NULL;
	int r = find_parts(k, set, err);

	if (r)
		return r;
	k->modules = vm_path("%s/modules", set);
	k->config = vm_path("%s/config", set);
	if (!image || !k->modules || !k->config)
		return vm_fail_errno(err, -ENOMEM, k->arg, "cannot unpack");
	if (access(k->config, F_OK)) {
		free(k->config);
		k->config = NULL;
	}
	release = k->release;
	k->release = NULL;
	r = vm_kernel_take_image(k, image, k->arg, err);
	if (r || !strcmp(k->release, release))
		return r;
	return vm_fail(err, VM_FAULT_MISMATCH, -EINVAL, k->arg, "fetch it again",
		       "holds the kernel %s with the modules of %s", k->release, release);
}

/* Return: 1 if both are the same, 0 if not, with what differs in @ret_part; -errno */
static int compare(const struct vm_kernel *a, const struct vm_kernel *b,
		   const char **ret_part)
{
	int same = same_file(a->image, b->image);

	*ret_part = "image";
	if (same <= 0)
		return same;
	*ret_part = "modules";
	if (!a->modules || !b->modules)
		return a->modules == b->modules;
	return same_tree(a->modules, b->modules);
}

static void drop(struct vm_kernels *ks, size_t i)
{
	vm_kernel_done(&ks->kernel[i]);
	free(ks->set[i]);
	ks->count--;
	for (; i < ks->count; i++) {
		ks->kernel[i] = ks->kernel[i + 1];
		ks->set[i] = ks->set[i + 1];
	}
}

/* Whether kernel @i has been named before */
static int find_before(struct vm_kernels *ks, size_t i, bool *ret, struct vm_error *err)
{
	const struct vm_kernel *k = &ks->kernel[i];

	*ret = false;
	for (size_t n = 0; n < i; n++) {
		const struct vm_kernel *other = &ks->kernel[n];
		const char *part = NULL;
		int same = 0;

		if (strcmp(k->release, other->release) != 0)
			continue;
		same = compare(other, k, &part);
		*ret = same > 0;
		if (same < 0)
			return vm_fail_errno(err, same, k->arg, "cannot compare");
		if (!same)
			return vm_fail(err, VM_FAULT_USAGE, -EEXIST, NULL,
				       "leave one of them out",
				       "%s and %s are both the kernel %s, but differ in "
				       "%s",
				       other->arg, k->arg, k->release, part);
		return 0;
	}
	return 0;
}

int vm_kernels_finish(struct vm_kernels *ks, struct vm_error *err)
{
	for (size_t i = 0; i < ks->count; i++) {
		int r = ks->set[i] ? finish_set(&ks->kernel[i], ks->set[i], err) : 0;

		if (r == 0)
			r = vm_kernel_check_config(&ks->kernel[i], err);
		if (r)
			return r;
	}
	for (size_t i = 0; i < ks->count;) {
		bool again = false;
		int r = find_before(ks, i, &again, err);

		if (r)
			return r;
		if (again)
			drop(ks, i);
		else
			i++;
	}
	return 0;
}

void vm_kernels_done(struct vm_kernels *ks)
{
	for (size_t i = 0; i < ks->count; i++) {
		vm_kernel_done(&ks->kernel[i]);
		free(ks->set[i]);
	}
	free(ks->kernel);
	free(ks->set);
	*ks = (struct vm_kernels){ 0 };
}
