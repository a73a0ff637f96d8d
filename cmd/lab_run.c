/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <sched.h>
#include <string.h>

#include "cmd/lab.h"
#include "report/summary.h"

enum {
	/* What QEMU takes beside the guest's memory: its own, and code that TCG made */
	QEMU_MIB = 256,
};

/** struct runs - all trials on their way */
struct runs {
	struct lab *lab;
	struct reports reports;
	struct pollfd *p; /* VM_POLL_NUM a trial, one for signals */
	size_t at_a_time;
	size_t begun, told; /* trials before these have begun, have been told */
	int status;         /* of those told; -1 if none was */
	bool enough;        /* no more is told */
};

/* The first that applies, over all kernels: design of the exit status. */
static int worse(int a, int b)
{
	static const int order[] = { CMD_EXIT_USAGE,    CMD_EXIT_LAB, EXIT_BROKEN,
				     EXIT_INCONCLUSIVE, CMD_EXIT_OK,  EXIT_NOTHING_HERE };

	if (a >= EXIT_SIGNAL || b >= EXIT_SIGNAL)
		return a > b ? a : b;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a > b ? a : b;
}

/* ------------------------------------------------------------ how many at a time */

static size_t fit_in_memory(const struct lab *lab)
{
	static const char key[] = "MemAvailable:";
	cleanup_file FILE *f = fopen("/proc/meminfo", "re");
	size_t each = ((size_t)lab->options.memory_mib + QEMU_MIB) * 1024;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			return strtoul(line + strlen(key), NULL, 10) / each;
	return 1;
}

static size_t fit_on_cores(const struct lab *lab)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (size_t)CPU_COUNT(&set) / lab->options.cpus;
}

static size_t at_a_time(const struct lab *lab)
{
	size_t cores = fit_on_cores(lab), memory = fit_in_memory(lab);
	size_t n = cores < memory ? cores : memory;

	return n ? n : 1;
}

/* -------------------------------------------------------------------- their ends */

static int tell_one(struct lab *lab, struct trial *t, bool *ret_report)
{
	int status = lab_boot_end(t, ret_report);

	if (!*ret_report)
		return status;
	if (lab->trials.count > 1 && lab->ctx->json)
		return (int)t->watch.journal.report.summary.exit_code;
	return output_report(lab->ctx, &t->output, &t->watch.journal.report);
}

/* In JSON the object of an error stands in place of all others: the first ends it. */
static void tell_next(struct runs *r)
{
	const struct cmd_ctx *ctx = r->lab->ctx;
	struct trial *t = r->lab->trials.item[r->told];
	bool has_report = false;
	int one = 0;

	cmd_progress_end(ctx);
	if (r->told++ > 0 && !ctx->json && !ctx->quiet)
		(void)putchar('\n');
	one = tell_one(r->lab, t, &has_report);
	r->status = r->status < 0 ? one : worse(r->status, one);
	if (has_report && rec_list_add(&r->lab->arena, &r->reports.reports,
				       &t->watch.journal.report) < 0) {
		r->status = cmd_fail_memory(ctx);
		r->enough = true;
	}
	if (!has_report && ctx->json)
		r->enough = true;
}

/* The rest was not begun. */
static int tell_stopped(const struct runs *r)
{
	const struct trial *t = r->lab->trials.item[r->begun];

	return cmd_fail(r->lab->ctx, EXIT_SIGNAL + r->lab->stopped, "stopped", NULL,
			"%s: stopped by SIG%s before it was booted", t->kernel->release,
			sigabbrev_np(r->lab->stopped));
}

/* In the order of the command line, each as soon as those before it are told. */
static void tell_ended(struct runs *r)
{
	while (!r->enough && r->told < r->begun &&
	       lab_boot_over(r->lab->trials.item[r->told]))
		tell_next(r);
}

/* ---------------------------------------------------------------------- the loop */

static bool on_its_way(const struct runs *r, size_t i)
{
	return !lab_boot_over(r->lab->trials.item[i]);
}

static size_t count_on_their_way(const struct runs *r)
{
	size_t n = 0;

	for (size_t i = r->told; i < r->begun; i++)
		n += on_its_way(r, i);
	return n;
}

static bool begin_more(struct runs *r)
{
	const struct rec_list *trials = &r->lab->trials;

	while (r->begun < trials->count && !lab_signal(r->lab) &&
	       count_on_their_way(r) < r->at_a_time)
		if (lab_boot_begin(r->lab, trials->item[r->begun++]) < 0) {
			r->status = cmd_fail_memory(r->lab->ctx);
			r->begun--;
			return false;
		}
	return true;
}

static int wait_once(struct runs *r)
{
	struct deadline until = deadline_after_ms(INT_MAX);
	nfds_t n = 0;
	int found = 0;

	r->p[n++] = (struct pollfd){ .fd = r->lab->stop_fd, .events = POLLIN };
	for (size_t i = r->told; i < r->begun; i++)
		if (on_its_way(r, i)) {
			until = deadline_earlier(
				until,
				lab_boot_wait_for(r->lab->trials.item[i], r->p + n));
			n += VM_POLL_NUM;
		}
	found = poll(r->p, n, deadline_left_ms(until));
	if (found < 0 && errno != EINTR)
		return -errno;
	for (nfds_t i = 0; i < n && found < 0; i++)
		r->p[i].revents = 0;
	return 0;
}

static void hear_all(struct runs *r)
{
	const struct pollfd *p = r->p + 1;

	for (size_t i = r->told; i < r->begun; i++)
		if (on_its_way(r, i)) {
			lab_boot_hear(r->lab->trials.item[i], p);
			p += VM_POLL_NUM;
		}
}

static void run(struct runs *r)
{
	while (!r->enough && begin_more(r) && r->told < r->begun) {
		int e = count_on_their_way(r) ? wait_once(r) : 0;

		if (e < 0) {
			r->status =
				cmd_fail(r->lab->ctx, CMD_EXIT_LAB, "internal", NULL,
					 "cannot wait for the guests: %s", strerror(-e));
			return;
		}
		hear_all(r);
		tell_ended(r);
	}
}

int lab_run(struct lab *lab)
{
	size_t count = lab->trials.count;
	struct runs r = {
		.lab = lab,
		.p = arena_alloc(&lab->arena,
				 (count * VM_POLL_NUM + 1) * sizeof(struct pollfd)),
		.at_a_time = at_a_time(lab),
		.status = -1,
	};

	if (!r.p)
		return cmd_fail_memory(lab->ctx);
	run(&r);
	if (!r.enough && r.begun < count && lab->stopped)
		r.status = tell_stopped(&r);
	if (count > 1 && lab->ctx->json && r.reports.reports.count &&
	    r.status != CMD_EXIT_LAB) {
		int failed = cmd_print_json(lab->ctx, &reports_shape, &r.reports);

		return failed ? failed : r.status;
	}
	return r.status;
}
