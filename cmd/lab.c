/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "cmd/lab.h"
#include "report/summary.h"

/* ----------------------------------------------------------------- options */

enum {
	OPT_DEVICE = 0x300,
	OPT_MODULES,
	OPT_ACCEL,
	OPT_CPUS,
	OPT_MEMORY,
	OPT_APPEND,
	OPT_ADD,
	OPT_ROOT,
};

enum {
	CPUS_MAX = 64,
	MEMORY_MIN_MIB = 128,
	MEMORY_MIB = 512,
	MEMORY_ROOT_MIB = 1024, /* VMMs and DPDK run there, and write to a tmpfs */
	MEMORY_MAX_MIB = 1 << 20,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "The machine:", 4 },
	{ "device", OPT_DEVICE, "DEV", 0,
	  "Run on this device: net, vsock, scsi, vdpaN (default: all but vDPA)", 4 },
	{ "modules", OPT_MODULES, "DIR", 0,
	  "Modules of a bzImage: the directory that holds kernel/, or its parent "
	  "(default: where they are beside the image)",
	  4 },
	{ "accel", OPT_ACCEL, "HOW", 0,
	  "kvm, tcg, or auto: KVM where it boots this kernel, else TCG", 4 },
	{ "cpus", OPT_CPUS, "N", 0, "CPUs (default: 1)", 4 },
	{ "memory", OPT_MEMORY, "MIB", 0,
	  "Memory in MiB (default: 512, with --root 1024)", 4 },
	{ "append", OPT_APPEND, "ARGS", 0, "Further arguments for the kernel", 4 },
	{ "add", OPT_ADD, "FILE", 0,
	  "Put this program and its libraries into the guest, in /usr/bin", 4 },
	{ "root", OPT_ROOT, "DIR", 0,
	  "Run CMD in DIR, of which the guest sees a copy: nothing in it is changed", 4 },
	{ 0 },
};

static error_t take_accel(struct argp_state *state, struct lab_options *o,
			  const char *word)
{
	for (int i = 0; i < VM_ACCEL_NUM; i++) {
		if (!strcmp(vm_accel_name((enum vm_accel)i), word)) {
			o->accel = (enum vm_accel)i;
			return 0;
		}
	}
	argp_error(state, "--accel is auto, kvm or tcg, not '%s'", word);
	return EINVAL;
}

static error_t take_number(struct argp_state *state, const char *option, const char *word,
			   unsigned int min, unsigned int max, unsigned int *ret)
{
	char *end = NULL;
	unsigned long n = 0;

	errno = 0;
	n = strtoul(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || errno || n < min || n > max) {
		argp_error(state, "%s: '%s' is not a number from %u to %u", option, word,
			   min, max);
		return EINVAL;
	}
	*ret = (unsigned int)n;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct lab_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->run;
		return 0;
	case ARGP_KEY_ARG:
		return -rec_list_add(&o->run.arena, &o->kernels, arg);
	case OPT_DEVICE:
		return run_options_device(state, &o->run, arg);
	case OPT_MODULES:
		o->modules = arg;
		return 0;
	case OPT_ACCEL:
		return take_accel(state, o, arg);
	case OPT_CPUS:
		return take_number(state, "--cpus", arg, 1, CPUS_MAX, &o->cpus);
	case OPT_MEMORY:
		return take_number(state, "--memory", arg, MEMORY_MIN_MIB, MEMORY_MAX_MIB,
				   &o->memory_mib);
	case OPT_APPEND:
		o->append = arg;
		return 0;
	case OPT_ADD:
		return -rec_list_add(&o->run.arena, &o->add, arg);
	case OPT_ROOT:
		o->root = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &run_options_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp lab_argp = {
	.options = options,
	.parser = parse,
	.args_doc =
		"KERNEL...\nKERNEL -- CMD [ARG...]\n--root DIR KERNEL -- CMD [ARG...]",
	.doc = "Boot each KERNEL (a bzImage, Debian or RPM packages, a directory that they were "
	       "unpacked in, or `running`) in a small virtual machine, run the checks and the "
	       "VMM policies there, and bring the report back; or run CMD there in place of "
	       "them.\v"
	       "Packages that hold parts of one kernel are put together. "
	       "With several kernels -o names a directory, which gets RELEASE.json of each. "
	       "Everything is checked before the first boot. Of CMD, output and exit status "
	       "are handed through, and its standard input is empty; it is looked up in DIR, or "
	       "in the guest, which holds what --add put there. `vhostcheck` is this one.\n\n"
	       "Exit status: as that of run; of several kernels the worst: 3, 1, 2, 0, and "
	       "77 if nothing that was asked exists in any.",
	.children = children,
};

static int check_options(const struct cmd_ctx *ctx, struct lab_options *o)
{
	bool asks_for_report = o->run.output || ctx->json;
	int status = 0;

	if (!o->kernels.count)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage", "see vhostcheck vm --help",
				"no KERNEL is named");
	if (o->command && !*o->command)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage", "see vhostcheck vm --help",
				"no command stands behind --");
	if (o->command && asks_for_report)
		return cmd_fail(ctx, CMD_EXIT_USAGE, "usage", "leave one of the two out",
				"a command in place of run leaves no report for %s",
				ctx->json ? "--json" : "-o");
	if (!o->memory_mib)
		o->memory_mib = o->root ? MEMORY_ROOT_MIB : MEMORY_MIB;
	status = o->root ? lab_root_resolve(ctx, o) : 0;
	return status ? status : run_options_resolve(ctx, &o->run);
}

/*
 * What stands behind "--" is taken off: getopt would mix it with the kernels. Return:
 * CMD_GO_ON, or the exit status to end with.
 */
static int parse_options(struct cmd_ctx *ctx, int argc, char **argv,
			 struct lab_options *o)
{
	int own = 1;
	int status = 0;

	while (own < argc && strcmp(argv[own], "--") != 0)
		own++;
	if (own < argc) {
		o->command = argv + own + 1;
		argv[own] = NULL;
	}
	status = cmd_parse(ctx, &lab_argp, own, argv, o);
	if (status != CMD_GO_ON)
		return status;
	status = check_options(ctx, o);
	return status ? status : CMD_GO_ON;
}

/* ----------------------------------------------------------------- signals */

static int watch_signals(struct lab *lab)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	lab->stop_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (lab->stop_fd >= 0)
		return 0;
	return cmd_fail(lab->ctx, CMD_EXIT_LAB, "internal", NULL,
			"cannot wait for signals: %m");
}

int lab_signal(struct lab *lab)
{
	struct signalfd_siginfo info;

	if (!lab->stopped && read(lab->stop_fd, &info, sizeof(info)) == sizeof(info))
		lab->stopped = (int)info.ssi_signo;
	return lab->stopped;
}

int lab_fail(struct lab *lab, const struct vm_error *err)
{
	int status = err->fault == VM_FAULT_USAGE ? CMD_EXIT_USAGE : CMD_EXIT_LAB;

	if (err->fault == VM_FAULT_STOPPED && lab_signal(lab))
		return cmd_fail(lab->ctx, EXIT_SIGNAL + lab->stopped, "stopped", NULL,
				"stopped by SIG%s", sigabbrev_np(lab->stopped));
	return cmd_fail(lab->ctx, status, vm_fault_name(err->fault),
			err->hint[0] ? err->hint : NULL, "%s", err->text);
}

/* -------------------------------------------------------------------- runs */

static int print_plan(const struct lab *lab)
{
	for (size_t i = 0; i < lab->trials.count; i++) {
		const struct trial *t = lab->trials.item[i];

		printf("boot %s:", t->kernel->release);
		for (char **word = lab->argv; *word; word++)
			printf(" %s", *word);
		(void)putchar('\n');
	}
	return 0;
}

static void lab_done(struct lab *lab)
{
	for (size_t i = 0; i < lab->trials.count; i++) {
		struct trial *t = lab->trials.item[i];

		lab_boot_done(t);
		output_end(&t->output, t->watch.begun);
		vm_watch_done(&t->watch);
		vm_workdir_done(&t->workdir);
	}
	vm_kernels_done(&lab->kernels);
	vm_workdir_done(&lab->workdir);
	free(lab->qemu);
	fd_close(&lab->stop_fd);
	arena_done(&lab->arena);
	run_options_done(&lab->options.run);
}

static int run_lab(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct lab lab = {
		.ctx = ctx,
		.options = { .accel = VM_ACCEL_AUTO, .cpus = 1 },
		.stop_fd = -1,
	};
	int status = 0;

	if (run_options_init(&lab.options.run, argc, argv) < 0)
		return cmd_fail_memory(ctx);
	status = parse_options(ctx, argc, argv, &lab.options);
	if (status == CMD_GO_ON) {
		status = watch_signals(&lab);
		if (!status)
			status = lab_prepare(&lab);
		if (!status)
			status = lab.options.run.dry_run ? print_plan(&lab)
							 : lab_run(&lab);
	}
	lab_done(&lab);
	return status;
}

int main(int argc, char **argv)
{
	char name[] = "vhostcheck vm", *alone[] = { name, NULL };
	struct cmd_ctx ctx = { .name = name, .journal_fd = -1 };

	cmd_start();
	if (argc < 1) {
		argc = 1;
		argv = alone;
	}
	argv[0] = name;
	ctx.json = cmd_wants_json(argc, argv);
	return cmd_finish(&ctx, run_lab(&ctx, argc, argv));
}
