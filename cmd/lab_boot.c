/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <string.h>

#include "cmd/lab.h"
#include "report/summary.h"
#include "report/write.h"

enum {
	/* A journal line may be this late behind the deadline of what is running: the
	 * runner's own grace, and a host on which others work, too. */
	SILENCE_GRACE_MS = 60000,
	ENDLESS_MS = 24 * 3600 * 1000, /* of one wait, not of the guest */
	TAIL_LINES = 12,
	WHY_MAX = 640,
};

/** struct boot - one guest */
struct boot {
	struct lab *lab;
	struct trial *trial;
	struct vm vm;
	struct vm_spec spec;
	char *qemu_version, *cmdline;
	struct deadline silence; /* the guest has hung if this passes */
	uint64_t started_ns;     /* of the first line of its journal */
	size_t at, of;           /* what began last, of how many, for the progress line */
	char why[WHY_MAX];       /* we killed it for this */
	char said[2048];         /* by the run, on its stderr */
	size_t said_len;
	int failed;        /* exit status of a failure in a receiver, told already */
	int journal_error; /* errno of the journal's file */
	bool over;
	int result;          /* of vm_start() or vm_deliver() when it was over */
	struct vm_error err; /* goes with it */
};

static const struct lab_options *options_of(const struct boot *b)
{
	return &b->lab->options;
}

/* --------------------------------------------------------------- receivers */

static void give_up(struct boot *b, const char *fmt, ...) printf_(2, 3);

static void give_up(struct boot *b, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(b->why, sizeof(b->why), fmt, args);
	va_end(args);
	vm_kill(&b->vm);
}

static void push_silence(struct boot *b)
{
	unsigned int timeout_ms = options_of(b)->run.timeout_s * 1000;

	b->silence = deadline_after_ms(
		options_of(b)->command ? ENDLESS_MS : timeout_ms + SILENCE_GRACE_MS);
}

static void keep_said(struct boot *b, const char *buf, size_t len)
{
	size_t room = sizeof(b->said) - 1 - b->said_len;

	len = len < room ? len : room;
	memcpy(b->said + b->said_len, buf, len);
	b->said_len += len;
}

static int copy_out(struct boot *b, enum vm_stream from, const char *buf, size_t len)
{
	int r = write_all(from == VM_OUT ? STDOUT_FILENO : STDERR_FILENO, buf, len);

	if (r == 0 || from == VM_ERR)
		return 0;
	b->failed = cmd_fail_stdout(b->lab->ctx, -r);
	return r;
}

static int on_bytes(void *ctx, enum vm_stream from, const char *buf, size_t len)
{
	struct boot *b = ctx;

	if (from == VM_CONSOLE)
		return vm_watch_console(&b->trial->watch, buf, len);
	if (options_of(b)->command)
		return copy_out(b, from, buf, len);
	if (from == VM_ERR)
		keep_said(b, buf, len);
	return 0;
}

/* "6.1.0-56-amd64 12/58" */
static int print_where(const struct boot *b, char *to, size_t size)
{
	const char *release = b->trial->kernel->release;

	if (b->at)
		return snprintf(to, size, "%s %zu/%zu", release, b->at, b->of);
	return snprintf(to, size, "%s booting", release);
}

static void show_all(const struct lab *lab)
{
	char text[256] = "";
	size_t len = 0, ended = 0;

	for (size_t i = 0; i < lab->trials.count; i++) {
		const struct trial *t = lab->trials.item[i];
		size_t room = sizeof(text) - len;
		int n = 0;

		ended += t->boot && t->boot->over;
		if (!t->boot || t->boot->over || room < 3)
			continue;
		len += (size_t)snprintf(text + len, room, "; ");
		room = sizeof(text) - len;
		n = print_where(t->boot, text + len, room);
		len += n > 0 && (size_t)n < room ? (size_t)n : room - 1;
	}
	cmd_progress(lab->ctx, "%zu/%zu done%s", ended, lab->trials.count, text);
}

static void show_progress(struct boot *b)
{
	const struct cmd_ctx *ctx = b->lab->ctx;
	const struct journal *j = &b->trial->watch.journal;
	const struct rec_list *list =
		j->running_is_stack ? &j->report.stacks : &j->report.checks;

	if (j->running) {
		b->at = j->running;
		b->of = list->count;
	}
	if (b->lab->trials.count > 1)
		show_all(b->lab);
	else if (j->running)
		cmd_progress(ctx, "%zu/%zu %s", b->at, b->of, journal_running(j));
	else if (!b->at)
		cmd_progress(ctx, "booting %s (%s)", b->trial->kernel->release,
			     vm_accel_name(b->vm.accel));
}

static int keep_line(struct boot *b, const char *line, size_t len)
{
	int fd = b->trial->output.journal_fd;
	int r = fd < 0 ? 0 : write_all(fd, line, len);

	if (r == 0 && fd >= 0)
		r = write_all(fd, "\n", 1);
	b->journal_error = -r;
	return r;
}

static int on_line(void *ctx, const char *line, size_t len)
{
	struct boot *b = ctx;
	struct journal_error err;
	int r = 0;

	push_silence(b);
	if (options_of(b)->command) {
		vm_settle(&b->vm); /* it may have begun: it is not run twice */
		return 0;
	}
	if (*b->why)
		return 0;
	r = keep_line(b, line, len);
	if (r < 0)
		return r;
	r = vm_watch_line(&b->trial->watch, line, len, &err);
	if (r == -EINVAL)
		give_up(b, "line %zu of its journal cannot be used: %s: %s", err.line,
			err.at.pointer, err.at.text);
	else if (r < 0)
		return r;
	if (b->trial->watch.begun)
		vm_settle(&b->vm);
	if (!b->started_ns)
		b->started_ns = mono_now_ns();
	show_progress(b);
	return 0;
}

static int on_restart(void *ctx, const char *why)
{
	struct boot *b = ctx;
	int r = 0;

	(void)why;
	vm_watch_init(&b->trial->watch);
	b->said_len = 0;
	b->at = 0;
	b->started_ns = 0;
	push_silence(b);
	show_progress(b);
	r = lab_begin_journal(b->trial);
	b->journal_error = -r;
	return r;
}

/* ------------------------------------------------------------ to its end */

static void look_after(struct boot *b)
{
	int signal = lab_signal(b->lab);

	if (*b->why || b->vm.state == VM_ENDED)
		return;
	if (signal)
		give_up(b, "stopped by SIG%s", sigabbrev_np(signal));
	else if (b->vm.state == VM_RUNNING && deadline_passed(b->silence))
		give_up(b, "no sign of life from the guest for %u s",
			options_of(b)->run.timeout_s + SILENCE_GRACE_MS / 1000);
}

/* QEMU is gone, or was never there */
static void finish(struct boot *b, int result)
{
	b->over = true;
	b->result = result < 0 ? result : 0;
	vm_done(&b->vm);
	if (b->lab->trials.count > 1)
		show_all(b->lab);
}

bool lab_boot_over(const struct trial *t)
{
	return t->boot->over;
}

struct deadline lab_boot_wait_for(const struct trial *t, struct pollfd *p)
{
	const struct boot *b = t->boot;

	return vm_poll_set(&b->vm, p,
			   *b->why ? deadline_after_ms(ENDLESS_MS) : b->silence);
}

void lab_boot_hear(struct trial *t, const struct pollfd *p)
{
	struct boot *b = t->boot;
	int r = vm_deliver(&b->vm, p, &b->err);

	vm_watch_settle(&t->watch);
	if (r)
		finish(b, r);
	else
		look_after(b);
}

static int start(struct boot *b, struct vm_error *err)
{
	static const struct vm_events receivers = {
		.bytes = on_bytes,
		.line = on_line,
		.restart = on_restart,
	};
	struct vm_events *ev = arena_alloc(&b->lab->arena, sizeof(*ev));
	int r = 0;

	b->cmdline = vm_qemu_cmdline(&b->spec);
	if (!ev || !b->cmdline)
		return vm_fail_errno(err, -ENOMEM, NULL, "cannot boot");
	*ev = receivers;
	ev->ctx = b;
	vm_watch_init(&b->trial->watch);
	push_silence(b);
	r = vm_start(&b->vm, &b->spec, ev, err);
	if (r < 0)
		return r;
	show_progress(b);
	return vm_qemu_version(b->lab->qemu, &b->qemu_version, err);
}

/* --------------------------------------------------------------- the end */

/* A guest that did not get to its work: what it had to say stands in its last lines. */
static void print_tail(const struct boot *b)
{
	const char *console = b->vm.console;
	const char *at = console + strlen(console);
	int lines = 0;

	if (b->lab->ctx->quiet || at == console)
		return;
	while (at > console && (at[-1] != '\n' || lines++ < TAIL_LINES))
		at--;
	(void)fputs("  | ", stderr);
	for (; *at; at++) {
		if (*at == '\n' && at[1])
			(void)fputs("\n  | ", stderr);
		else if (*at >= ' ' && *at <= '~')
			(void)fputc(*at, stderr);
	}
	(void)fputc('\n', stderr);
}

static int fail_guest(const struct boot *b, const char *code, const char *what)
{
	const char *words = vm_watch_words(&b->trial->watch);
	int status = cmd_fail(b->lab->ctx, CMD_EXIT_LAB, code,
			      "try again, or another --accel, --memory or QEMU",
			      "%s: %s: %s%s%s", b->trial->kernel->release, what,
			      *b->why ? b->why : b->vm.why,
			      *words ? "; on its console: " : "", words);

	print_tail(b);
	return status;
}

static int fail_stopped(const struct boot *b)
{
	return cmd_fail(b->lab->ctx, EXIT_SIGNAL + b->lab->stopped, "stopped", NULL,
			"%s: stopped by SIG%s before its first check",
			b->trial->kernel->release, sigabbrev_np(b->lab->stopped));
}

static int end_of_command(const struct boot *b)
{
	if (b->vm.end == VM_END_EXIT)
		return b->vm.status;
	if (b->lab->stopped)
		return EXIT_SIGNAL + b->lab->stopped;
	return fail_guest(b, "guest_died", "the guest died before the command ended");
}

/* The run told an exit status, but not the end of its journal: it has said why. */
static int fail_run(struct boot *b)
{
	b->said[b->said_len] = '\0';
	b->said[strcspn(b->said, "\n")] = '\0';
	return cmd_fail(b->lab->ctx, CMD_EXIT_LAB, "guest_failed", NULL,
			"%s: the run in the guest ended with status %d: %s",
			b->trial->kernel->release, b->vm.status, b->said);
}

static int fill_vm(const struct boot *b, struct arena *a, struct report_run *run)
{
	struct report_vm *vm = arena_alloc(a, sizeof(*vm));

	run->vm = vm;
	if (!vm)
		return -ENOMEM;
	vm->accel = arena_strdup(a, vm_accel_name(b->vm.accel));
	vm->qemu = arena_strdup(a, b->qemu_version);
	vm->cmdline = arena_strdup(a, b->cmdline);
	vm->cpus = b->spec.cpus;
	vm->memory = b->spec.memory_mib;
	if (!vm->accel || !vm->qemu || !vm->cmdline)
		return -ENOMEM;
	if (!*b->vm.fallback)
		return 0;
	return rec_list_add(
		a, &run->reduced,
		arena_printf(a, "KVM was given up for TCG: %s", b->vm.fallback));
}

/*
 * What the host knows better than its guest. The duration is that of the run, without
 * the boot; of a run that was cut, as far as it was heard of.
 */
static int correct(struct boot *b)
{
	struct vm_watch *w = &b->trial->watch;
	struct report_run *run = &w->journal.report.run;
	const struct run_options *o = &options_of(b)->run;

	run->argv = o->argv;
	run->selection = o->selection;
	run->where = WHERE_VM;
	if (!run->duration_us.set && !o->selection.deterministic)
		run->duration_us =
			opt_int((int64_t)((mono_now_ns() - b->started_ns) / 1000));
	return fill_vm(b, &w->arena, run);
}

static int make_report(struct boot *b)
{
	struct vm_watch *w = &b->trial->watch;
	bool cut = b->lab->stopped && !w->journal.ended;
	int r = correct(b);

	if (r == 0)
		r = vm_watch_finish(w, cut ? VM_WATCH_STOPPED : VM_WATCH_DIED,
				    b->lab->stopped, *b->why ? b->why : b->vm.why);
	if (r == 0)
		r = expect_apply(&w->arena, options_of(b)->run.expectations, time(NULL),
				 &w->journal.report);
	if (r < 0)
		return cmd_fail_memory(b->lab->ctx);
	report_summarize(&w->journal.report, cut ? b->lab->stopped : 0);
	return 0;
}

static int end_of_run(struct boot *b, bool *ret_report)
{
	const struct vm_watch *w = &b->trial->watch;
	int status = 0;

	if (!w->journal.ended && b->lab->stopped && !w->journal.started)
		return fail_stopped(b);
	if (!w->journal.ended && b->vm.end == VM_END_EXIT)
		return fail_run(b);
	if (!w->journal.ended && !b->lab->stopped && !w->begun)
		return fail_guest(b, "guest_died",
				  "did not get as far as its first check");
	status = make_report(b);
	*ret_report = status == 0;
	return status;
}

int lab_boot_end(struct trial *t, bool *ret_report)
{
	struct boot *b = t->boot;
	int status = 0;

	*ret_report = false;
	cmd_progress_end(b->lab->ctx);
	if (b->failed)
		return b->failed;
	if (b->journal_error)
		return output_fail_journal(b->lab->ctx, &t->output, b->journal_error);
	if (b->result == -ENOMEM)
		return cmd_fail_memory(b->lab->ctx);
	if (b->result < 0) {
		status = lab_fail(b->lab, &b->err);
		if (b->err.fault == VM_FAULT_GUEST_DIED)
			print_tail(b);
		return status;
	}
	return options_of(b)->command ? end_of_command(b) : end_of_run(b, ret_report);
}

int lab_boot_begin(struct lab *lab, struct trial *t)
{
	const struct lab_options *o = &lab->options;
	struct boot *b = arena_alloc(&lab->arena, sizeof(*b));
	int r = 0;

	if (!b)
		return -ENOMEM;
	t->boot = b;
	b->lab = lab;
	b->trial = t;
	b->spec = (struct vm_spec){
		.qemu = lab->qemu,
		.image = t->kernel->image,
		.initrd = t->initrd,
		.append = o->append,
		.root = o->root,
		.accel = o->accel,
		.cpus = o->cpus,
		.memory_mib = o->memory_mib,
	};
	r = start(b, &b->err);
	if (r < 0)
		finish(b, r);
	return 0;
}

void lab_boot_done(struct trial *t)
{
	if (!t->boot)
		return;
	vm_done(&t->boot->vm);
	free(t->boot->qemu_version);
	free(t->boot->cmdline);
}
