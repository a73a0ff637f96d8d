/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/lab.h"
#include "report/journal.h"
#include "vm/command.h"
#include "vm/jobs.h"

/* Serves vDPA devices: seam/peer_vduse.c. Without it the guest says so. */
#define DAEMON "qemu-storage-daemon"

/* --------------------------------------------------------- the guest's arguments */

static int add_option(struct arena *a, struct rec_list *argv, const char *option,
		      const char *value)
{
	return rec_list_add(a, argv, arena_printf(a, "%s=%s", option, value));
}

static int add_options(struct arena *a, struct rec_list *argv, const char *option,
		       const struct rec_list *values)
{
	int r = 0;

	for (size_t i = 0; i < values->count && r == 0; i++)
		r = add_option(a, argv, option, values->item[i]);
	return r;
}

static int add_flags(struct arena *a, struct rec_list *argv, const struct run_options *o)
{
	const struct {
		bool given;
		const char *option;
	} flags[] = {
		{ o->selection.strict, "--strict" },
		{ o->selection.intrusive, "--intrusive" },
		{ o->selection.deterministic, "--deterministic" },
		{ o->load_modules, "--load-modules" },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags) && r == 0; i++)
		if (flags[i].given)
			r = rec_list_add(a, argv, flags[i].option);
	return r;
}

static int add_file(struct lab *lab, const char *host, const char *guest, bool program)
{
	struct vm_file *f = rec_list_new(&lab->arena, &lab->files, sizeof(*f));

	if (!f || !guest)
		return -ENOMEM;
	*f = (struct vm_file){ .host = host, .guest = guest, .program = program };
	return 0;
}

/* A policy of the user's own goes along as a file; run_options.h: the library ends in
 * those, in the order of stack_files. */
static int add_stack(struct lab *lab, struct rec_list *argv, const char *name)
{
	const struct run_options *o = &lab->options.run;
	size_t built_in = o->library.count - o->stack_files.count;

	for (size_t i = 0; i < o->stack_files.count; i++) {
		const struct stack *s = o->library.item[built_in + i];
		const char *guest = NULL;

		if (strcmp(s->name, name) != 0)
			continue;
		guest = arena_printf(&lab->arena, "/vhostcheck.d/%zu.json", i);
		if (!guest || add_file(lab, o->stack_files.item[i], guest, false) < 0)
			return -ENOMEM;
		return add_option(&lab->arena, argv, "--stack", guest);
	}
	return add_option(&lab->arena, argv, "--stack", name);
}

static int add_run(struct lab *lab, struct rec_list *argv)
{
	const struct run_options *o = &lab->options.run;
	const struct report_selection *sel = &o->selection;
	struct arena *a = &lab->arena;
	char timeout[16];
	int r = rec_list_add(a, argv, "vhostcheck");

	(void)snprintf(timeout, sizeof(timeout), "%u", o->timeout_s);
	if (r == 0)
		r = rec_list_add(a, argv, "run");
	if (r == 0)
		r = add_options(a, argv, "--check", &sel->checks);
	if (r == 0)
		r = add_options(a, argv, "--exclude", &sel->exclude);
	for (size_t i = 0; i < sel->stacks.count && r == 0; i++)
		r = add_stack(lab, argv, sel->stacks.item[i]);
	if (r == 0)
		r = add_options(a, argv, "--require", &sel->require);
	if (r == 0)
		r = add_option(a, argv, "--fail-on", severity_names[sel->fail_on]);
	if (r == 0)
		r = add_option(a, argv, "--timeout", timeout);
	if (r == 0 && o->profile)
		r = add_option(a, argv, "--profile", o->profile);
	if (r == 0)
		r = add_options(a, argv, "--create", &o->create);
	if (r == 0)
		r = add_flags(a, argv, o);
	for (size_t i = 0; i < sel->devices.count && r == 0; i++)
		r = rec_list_add(a, argv, sel->devices.item[i]);
	return r;
}

static int make_argv(struct lab *lab)
{
	struct rec_list argv = { 0 };
	int r = 0;

	if (lab->options.command) {
		lab->argv = lab->options.command;
		return 0;
	}
	r = add_run(lab, &argv);
	lab->argv = arena_alloc(&lab->arena, (argv.count + 1) * sizeof(*lab->argv));
	if (r < 0 || !lab->argv)
		return cmd_fail_memory(lab->ctx);
	memcpy(lab->argv, argv.item, argv.count * sizeof(*lab->argv));
	return 0;
}

static int add_programs(struct lab *lab)
{
	const struct rec_list *add = &lab->options.add;

	for (size_t i = 0; i < add->count; i++) {
		const char *path = add->item[i];
		const char *slash = strrchr(path, '/');
		const char *name = slash ? slash + 1 : path;
		const char *guest = arena_printf(&lab->arena, "/usr/bin/%s", name);

		for (size_t k = 0; k < lab->files.count && guest; k++)
			if (!strcmp(((const struct vm_file *)lab->files.item[k])->guest,
				    guest))
				return cmd_fail(lab->ctx, CMD_EXIT_USAGE, "usage",
						"rename one of them",
						"--add %s: another file of this name "
						"goes into the guest already",
						path);
		if (add_file(lab, path, guest, true) < 0)
			return cmd_fail_memory(lab->ctx);
	}
	return 0;
}

/* ------------------------------------------------------------------ what we are */

/* Beside us in a build, in ../../bin from libexec/vhostcheck. */
static int find_init(struct lab *lab)
{
	static const char *const places[] = { "vhostcheck", "../../bin/vhostcheck" };
	char path[PATH_MAX + 64];
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		r = cmd_beside(places[i], path, sizeof(path));
		if (r < 0)
			break;
		r = access(path, X_OK) ? -errno : 0;
		if (r == 0) {
			lab->init = arena_strdup(&lab->arena, path);
			return lab->init ? 0 : cmd_fail_memory(lab->ctx);
		}
	}
	return cmd_fail(lab->ctx, CMD_EXIT_LAB, "no_lab",
			"install it beside vhostcheck-vm, or build it: ./dev build",
			"cannot find vhostcheck for the guest: %s", strerror(-r));
}

/* ------------------------------------------------------------------ the kernels */

static int open_kernels(struct lab *lab)
{
	const struct rec_list *args = &lab->options.kernels;
	struct vm_error err;
	int r = vm_workdir_make(&lab->workdir, lab->stop_fd, &err);

	if (args->count == 1)
		cmd_progress(lab->ctx, "reading %s", (const char *)args->item[0]);
	else
		cmd_progress(lab->ctx, "reading %zu files", args->count);
	if (r == 0)
		r = vm_kernels_add(&lab->kernels, &lab->workdir,
				   (const char *const *)args->item, args->count,
				   lab->options.modules, &err);
	if (r == 0)
		r = vm_kernels_finish(&lab->kernels, &err);
	cmd_progress_end(lab->ctx);
	if (r < 0)
		return lab_fail(lab, &err);
	if (lab->kernels.count > 1 && lab->options.command)
		return cmd_fail(lab->ctx, CMD_EXIT_USAGE, "usage", "name one KERNEL",
				"-- CMD goes with one kernel, and %zu are named",
				lab->kernels.count);
	return 0;
}

static int add_trial(struct lab *lab, const struct vm_kernel *kernel)
{
	struct trial *t = rec_list_new(&lab->arena, &lab->trials, sizeof(*t));
	struct vm_error err;

	if (!t)
		return cmd_fail_memory(lab->ctx);
	t->output.journal_fd = -1;
	t->kernel = kernel;
	return vm_workdir_make(&t->workdir, lab->stop_fd, &err) ? lab_fail(lab, &err) : 0;
}

/**
 * struct packing - what goes into the guest of each trial
 * @daemon:	what serves a vDPA device, for a kernel that can have one, or NULL
 */
struct packing {
	struct lab *lab;
	const char *daemon;
};

/* Whether the run may come to a vDPA device of its own. */
static bool wants_vdpa(const struct lab_options *o)
{
	const struct rec_list *named = &o->run.selection.devices;

	for (size_t i = 0; i < named->count; i++)
		if (!strcmp(named->item[i], "vdpa"))
			return !o->command;
	return !o->command && !named->count;
}

static bool has_vduse(const struct trial *t, const struct vm_modules *modules)
{
	return vm_names_has(&modules->order, "vduse") ||
	       vm_kernel_option(t->kernel, "CONFIG_VDPA_USER") == 'y';
}

/* FILES_OWN - of one guest alone: the daemon, and how its kernel was built */
#define FILES_OWN 2u

/* All that goes in; @files has room for it. Returns how many. */
static size_t list_files(const struct packing *p, const struct trial *t, bool daemon,
			 const char *config, struct vm_file *files)
{
	const struct rec_list *all = &p->lab->files;
	size_t n = 0;

	while (n < all->count) {
		files[n] = *(const struct vm_file *)all->item[n];
		n++;
	}
	if (daemon)
		files[n++] = (struct vm_file){ p->daemon, "/usr/bin/" DAEMON, true };
	if (t->kernel->config)
		files[n++] = (struct vm_file){ t->kernel->config, config, false };
	return n;
}

static int pack_one(void *ctx, size_t n, void *result, struct vm_error *err)
{
	const struct packing *p = ctx;
	const struct trial *t = p->lab->trials.item[n];
	cleanup_vm_modules struct vm_modules modules = { 0 };
	cleanup_free char *config = vm_path("/boot/config-%s", t->kernel->release);
	cleanup_free struct vm_file *files =
		calloc(p->lab->files.count + FILES_OWN, sizeof(*files));
	struct vm_initramfs i = {
		.init = p->lab->init,
		.argv = p->lab->argv,
		.file = files,
	};
	int r = vm_modules_stage(&modules, &t->workdir, t->kernel, p->lab->options.root,
				 err);

	(void)result;
	if (!config || !files)
		return vm_fail_errno(err, -ENOMEM, t->kernel->arg, "cannot pack");
	i.staging = modules.staging;
	i.file_count =
		list_files(p, t, p->daemon && has_vduse(t, &modules), config, files);
	if (r == 0 && modules.staging) {
		r = lab_root_write_command(&p->lab->options, modules.staging);
		if (r < 0)
			(void)vm_fail_errno(err, r, modules.staging, "cannot write");
	}
	return r ? r : vm_initramfs_write(&i, &t->workdir, t->initrd, err);
}

static int pack_all(struct lab *lab)
{
	size_t count = lab->trials.count;
	struct packing p = { .lab = lab };
	cleanup_free char *daemon = NULL;
	const char **names = arena_alloc(&lab->arena, (count + 1) * sizeof(*names));
	const struct vm_jobs jobs = {
		.count = count,
		.fn = pack_one,
		.ctx = &p,
		.name = names,
		.stop_fd = lab->stop_fd,
	};
	struct vm_error err;

	if (!names)
		return cmd_fail_memory(lab->ctx);
	if (wants_vdpa(&lab->options) && command_find(DAEMON, NULL, &daemon) == 0)
		p.daemon = daemon;
	for (size_t n = 0; n < count; n++) {
		struct trial *t = lab->trials.item[n];

		names[n] = t->kernel->release;
		t->initrd = arena_printf(&lab->arena, "%s/initrd", t->workdir.path);
		if (!t->initrd)
			return cmd_fail_memory(lab->ctx);
	}
	return vm_jobs_run(&jobs, &err) ? lab_fail(lab, &err) : 0;
}

static int check_directory(const struct lab *lab)
{
	const char *path = lab->options.run.output;
	struct stat st;

	if (stat(path, &st) < 0)
		return cmd_fail(lab->ctx, CMD_EXIT_LAB, "output",
				"make the directory first, or name another with -o",
				"cannot write to %s: %m", path);
	if (!S_ISDIR(st.st_mode))
		return cmd_fail(lab->ctx, CMD_EXIT_USAGE, "usage",
				"name a directory, which gets RELEASE.json of each",
				"-o %s is no directory, and %zu kernels are named", path,
				lab->trials.count);
	return 0;
}

/* The first line shows whether there is room, too. */
static int open_output(struct lab *lab, struct trial *t)
{
	const char *path = lab->options.run.output;
	int status = 0;
	int r = 0;

	if (path && strcmp(path, "-") != 0 && lab->trials.count > 1) {
		path = arena_printf(&lab->arena, "%s/%s.json", path, t->kernel->release);
		if (!path)
			return cmd_fail_memory(lab->ctx);
	}
	status = output_begin(lab->ctx, &lab->arena, path, &t->output);
	r = status ? 0 : lab_begin_journal(t);
	return r < 0 ? output_fail_journal(lab->ctx, &t->output, -r) : status;
}

int lab_begin_journal(struct trial *t)
{
	char text[128];
	const struct journal_line line = { .type = JOURNAL_NOTE, .text = text };
	int fd = t->output.journal_fd;
	int r = 0;

	if (fd < 0)
		return 0;
	(void)snprintf(text, sizeof(text), "booting %s", t->kernel->release);
	if (lseek(fd, 0, SEEK_SET) < 0 || ftruncate(fd, 0))
		r = -errno;
	if (r == 0)
		r = journal_write(fd, &line);
	return r;
}

int lab_prepare(struct lab *lab)
{
	const char *output = lab->options.run.output;
	struct vm_error err;
	int status = find_init(lab);

	if (!status && vm_qemu_find(&lab->qemu, &err) < 0)
		status = lab_fail(lab, &err);
	if (!status && lab->options.root && vm_qemu_check_root(lab->qemu, &err) < 0)
		status = lab_fail(lab, &err);
	if (!status)
		status = add_programs(lab);
	if (!status)
		status = make_argv(lab);
	if (!status)
		status = open_kernels(lab);
	for (size_t i = 0; i < lab->kernels.count && !status; i++)
		status = add_trial(lab, &lab->kernels.kernel[i]);
	if (!status && lab->trials.count > 1 && output && strcmp(output, "-") != 0)
		status = check_directory(lab);
	for (size_t i = 0; i < lab->trials.count && !status; i++)
		status = lab->options.run.dry_run ? 0
						  : open_output(lab, lab->trials.item[i]);
	return status ? status : pack_all(lab);
}
