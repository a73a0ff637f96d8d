/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "cmd/trace.h"
#include "trace/attach.h"

enum {
	EXIT_BAD = 1,
	EXIT_INCONCLUSIVE = 2,
	EXIT_NOTHING = 77,
	MORE_LOOKS = 20,
};

static const struct timespec between_looks = { .tv_sec = 1 };
static const struct timespec between_more = { .tv_nsec = 10000000 };

/** struct seen - the first and the last look at a device */
struct seen {
	const struct attach_device *device;
	enum attach_look look[2];
};

/* A miss that is read is gone at once: one that waits at every look nobody reads. */
static int verdict_of(const struct seen *s)
{
	return s->look[0] == LOOK_PENDING && s->look[1] == LOOK_PENDING ? STACK_STALLS
									: STACK_UNKNOWN;
}

static const char *text_of(const struct seen *s)
{
	if (verdict_of(s) == STACK_STALLS)
		return "A VHOST_IOTLB_MISS, by which the kernel asks for a mapping, waits on "
		       "the descriptor now as it did a second ago: the VMM does not "
		       "read it, and the device waits. It sent bit 33 "
		       "(VIRTIO_F_ACCESS_PLATFORM), which switches on the device IOTLB, and "
		       "must leave it out of VHOST_SET_FEATURES unless it serves the IOTLB. "
		       "Start it with vhostcheck trace -- CMD to see where.";
	switch (s->look[1]) {
	case LOOK_NONE:
		return "This device does not tell whether a miss waits.";
	case LOOK_GONE:
		return "The device was closed meanwhile.";
	case LOOK_DENIED:
		return "The descriptor may not be looked at: it needs the right to trace the "
		       "process. Run as root.";
	case LOOK_QUIET:
	case LOOK_PENDING:
		break;
	}
	return s->look[0] == LOOK_PENDING || s->look[1] == LOOK_PENDING
		       ? "A miss waited at one look and not at another: the VMM reads them."
		       : "No miss waits. What was said to the device before cannot be seen: "
			 "start the VMM with vhostcheck trace -- CMD.";
}

static void print_seen(const struct cmd_ctx *ctx, const struct seen *s)
{
	struct line_end end = { .device = s->device->name,
				.verdict = verdict_of(s),
				.text = text_of(s) };

	if (end.verdict == STACK_STALLS)
		end.signature = "miss_unanswered";
	else if (ctx->quiet)
		return;
	trace_text_end(ctx, &end);
}

static void print_workers(pid_t pid)
{
	unsigned int own = 0, kernel = 0;

	attach_workers(pid, &own, &kernel);
	if (!own && !kernel)
		(void)fputs("; no worker: no device has an owner here\n", stderr);
	else if (own + kernel == 1)
		(void)fprintf(stderr, "; worker: a thread of %s\n",
			      own ? "its own" : "the kernel");
	else
		(void)fprintf(stderr,
			      "; workers: %u threads of its own, %u of the kernel\n", own,
			      kernel);
}

static void print_process(const struct cmd_ctx *ctx, pid_t pid,
			  const struct rec_list *devices)
{
	if (ctx->quiet)
		return;
	(void)fprintf(stderr, "vhostcheck: process %d has", pid);
	for (size_t i = 0; i < devices->count; i++) {
		const struct attach_device *d = devices->item[i];

		(void)fprintf(stderr, "%s %s open as descriptor %d", i ? "," : "",
			      d->name, d->fd);
	}
	print_workers(pid);
}

static void look(struct seen *seen, size_t n, pid_t pid, int which)
{
	for (size_t i = 0; i < n; i++)
		seen[i].look[which] = attach_look_at(pid, seen[i].device);
}

/* A VMM that serves many misses has one waiting often, but not each time. */
static void look_closer(struct seen *s, pid_t pid)
{
	for (int i = 0; i < MORE_LOOKS && verdict_of(s) == STACK_STALLS; i++) {
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &between_more, NULL);
		s->look[1] = attach_look_at(pid, s->device);
	}
}

static int look_twice(const struct cmd_ctx *ctx, const struct trace_options *o,
		      struct arena *a, const struct rec_list *devices)
{
	struct seen *seen = arena_alloc(a, devices->count * sizeof(*seen));
	int status = CMD_EXIT_OK;

	if (!seen)
		return cmd_fail_memory(ctx);
	for (size_t i = 0; i < devices->count; i++)
		seen[i].device = devices->item[i];
	look(seen, devices->count, o->attach, 0);
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &between_looks, NULL);
	look(seen, devices->count, o->attach, 1);
	for (size_t i = 0; i < devices->count; i++)
		look_closer(&seen[i], o->attach);
	for (size_t i = 0; i < devices->count; i++) {
		print_seen(ctx, &seen[i]);
		if (o->fail_on >= 0 && trace_severity(verdict_of(&seen[i])) >= o->fail_on)
			status = EXIT_BAD;
		else if (seen[i].look[1] == LOOK_DENIED && !status)
			status = EXIT_INCONCLUSIVE;
	}
	return status;
}

int trace_attach(const struct cmd_ctx *ctx, const struct trace_options *o)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list devices = { 0 };
	struct utsname u;
	int e = attach_find(&a, o->attach, &devices);

	if (e == -ENOMEM)
		return cmd_fail_memory(ctx);
	if (e == -ESRCH)
		return cmd_fail(ctx, EXIT_NOTHING, "no_process", NULL,
				"there is no process %d", o->attach);
	if (e < 0)
		return cmd_fail(ctx, EXIT_INCONCLUSIVE, "denied", "run as root",
				"the descriptors of process %d cannot be listed: %s",
				o->attach, strerror(-e));
	if (!devices.count)
		return cmd_fail(
			ctx, EXIT_NOTHING, "no_device",
			"a VMM may have handed them to a child: see vhostcheck list",
			"process %d has no vhost device open", o->attach);
	print_process(ctx, o->attach, &devices);
	if (uname(&u) < 0 || !trace_close_proved(u.release))
		return cmd_fail(
			ctx, EXIT_INCONCLUSIVE, "unsafe_kernel",
			"start the VMM with vhostcheck trace -- CMD",
			"not looked at: kernel %s is not known to have a58da53ffd70 "
			"and 8e6ed963763f (5.17), without which a look could end the "
			"device of a VMM that closes it just then",
			u.release);
	return look_twice(ctx, o, &a, &devices);
}
