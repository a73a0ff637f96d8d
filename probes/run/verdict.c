/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/judge.h"
#include "run/verdict.h"

static struct verdict verdict(enum status status, enum reason_code code, const char *text)
{
	return (struct verdict){
		.status = (int)status,
		.code = (int)code,
		.text = text ? text : "memory is exhausted",
	};
}

static const char *doing(struct arena *a, const struct outcome *o)
{
	const char *text = o->step && *o->step ? arena_printf(a, "%s at step \"%s\"",
							      o->call, o->step)
					       : "its first step";

	return text ? text : "?";
}

/* How the child ended, unless it finished. */
static bool by_end(struct arena *a, unsigned int timeout_ms, const struct outcome *o,
		   struct verdict *ret)
{
	switch ((enum task_end)o->end) {
	case TASK_FINISHED:
		return false;
	case TASK_HARNESS:
		*ret = verdict(
			STATUS_ERROR, REASON_INTERNAL,
			"the child could not set itself up or send what it saw; is "
			"memory or the number of descriptors limited?");
		return true;
	case TASK_SIGNALLED:
		*ret = verdict(STATUS_CRASH, REASON_CRASHED,
			       arena_printf(a, "the child died of %s in %s",
					    strsignal(o->number), doing(a, o)));
		return true;
	case TASK_DEADLINE:
		*ret = verdict(STATUS_TIMEOUT, REASON_DEADLINE,
			       arena_printf(a, "not finished after %u s: %s%s%s",
					    timeout_ms / 1000, doing(a, o),
					    o->where ? ", asleep in " : "",
					    o->where ? o->where : ""));
		return true;
	case TASK_ABANDONED:
		*ret = verdict(
			STATUS_TIMEOUT, REASON_DEADLINE,
			arena_printf(a,
				     "not finished after %u s and cannot be killed: "
				     "%s, asleep in %s; the process is left behind "
				     "and holds the device",
				     timeout_ms / 1000, doing(a, o),
				     o->where ? o->where : "the kernel"));
		return true;
	case TASK_GARBLED:
		*ret = verdict(STATUS_ERROR, REASON_INTERNAL,
			       arena_printf(a, "what the child sent cannot be used: %s",
					    o->garbled));
		return true;
	case TASK_INTERRUPTED:
		*ret = verdict(STATUS_BLOCKED, REASON_NOT_SELECTED,
			       "the run was stopped in this check");
		return true;
	}
	return false;
}

/* Why the device could not be opened, where that is not the device's fault. */
static bool by_open(struct arena *a, const char *path, const struct outcome *o,
		    struct verdict *ret)
{
	const struct ev *open = ev_find(&o->evidence, EV_IOCTL, "open");

	switch (open ? open->ioctl.err : 0) {
	case EACCES:
	case EPERM:
		*ret = verdict(
			STATUS_BLOCKED, REASON_DENIED,
			arena_printf(a,
				     "%s cannot be opened: permission denied; run as "
				     "root or as a member of its group",
				     path));
		return true;
	case EBUSY:
		*ret = verdict(STATUS_BLOCKED, REASON_BUSY,
			       arena_printf(a, "%s is in use by another process", path));
		return true;
	case ENOENT:
		*ret = verdict(STATUS_SKIP, REASON_NO_DEVICE,
			       arena_printf(a, "%s is gone", path));
		return true;
	case ENODEV:
	case ENXIO:
		*ret = verdict(STATUS_SKIP, REASON_NO_MODULE,
			       arena_printf(a, "%s has no driver behind it", path));
		return true;
	default:
		return false;
	}
}

static bool by_surroundings(struct arena *a, const struct outcome *o, struct verdict *ret)
{
	const struct ev *peer = ev_find(&o->evidence, EV_FACT, "peer");
	const struct ev *cid = ev_find(&o->evidence, EV_IOCTL, "setup.cid");
	const struct ev *last = cid;

	if (peer) {
		*ret = verdict(STATUS_BLOCKED, REASON_PEER_MISSING,
			       arena_printf(a, "the other end cannot be made: %s: %s",
					    peer->fact.name,
					    peer->fact.value ? peer->fact.value : "?"));
		return true;
	}
	while ((cid = ev_find_next(&o->evidence, cid, EV_IOCTL, "setup.cid")))
		last = cid;
	if (last && last->ioctl.err == EADDRINUSE) {
		*ret = verdict(STATUS_BLOCKED, REASON_BUSY,
			       "no free CID was found in 16 tries: every one was taken");
		return true;
	}
	return false;
}

bool verdict_of_end(struct arena *a, const char *path, unsigned int timeout_ms,
		    const struct outcome *o, struct verdict *ret)
{
	return by_end(a, timeout_ms, o, ret) || by_open(a, path, o, ret) ||
	       by_surroundings(a, o, ret);
}

struct verdict verdict_of(struct arena *a, const struct check *check, const char *path,
			  unsigned int timeout_ms, const struct outcome *o)
{
	struct verdict v;

	if (verdict_of_end(a, path, timeout_ms, o, &v))
		return v;
	v = judge_run(a, check->judge, &o->evidence);
	if (o->gave_up == ETIME && v.status != STATUS_PASS)
		return verdict(
			STATUS_TIMEOUT, REASON_DEADLINE,
			arena_printf(a, "waited in vain until the deadline: %s", v.text));
	if (o->gave_up && v.status == STATUS_PASS)
		return verdict(STATUS_ERROR, REASON_INTERNAL,
			       arena_printf(a,
					    "the collector gave up with %s after all "
					    "that its judge reads; please report this",
					    strerrorname_np(o->gave_up)));
	return v;
}
