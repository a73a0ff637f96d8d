/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/judge.h"

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static void settle(struct judge *j, int status, int code, const char *text)
{
	j->verdict = (struct verdict){
		.status = status,
		.code = code,
		.text = text ? text : "memory is exhausted",
	};
	j->settled = true;
}

void judge_that(struct judge *j, bool holds, const char *fmt, ...)
{
	va_list args;

	if (j->settled)
		return;
	if (holds) {
		j->verdict.status = STATUS_PASS;
		return;
	}
	va_start(args, fmt);
	settle(j, STATUS_FAIL, REASON_CONTRACT, arena_vprintf(j->arena, fmt, args));
	va_end(args);
}

/*
 * Whatever a check is about: a contract that holds on a device whose own indices are wrong
 * is not proved. Evidence that was recorded before there was such a thing has none of it.
 */
static void judge_ends(struct judge *j)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(j->evidence, ev, EV_FACT, EV_CLOSE)))
		judge_that(j, same(ev->fact.value, EV_IN_ORDER),
			   "%s ring: the device's own index is wrong in the end (%s)",
			   ev->fact.name, ev->fact.value ? ev->fact.value : "?");
}

struct verdict judge_run(struct arena *a, void (*judge)(struct judge *),
			 const struct evidence *evidence)
{
	struct judge j = {
		.evidence = evidence,
		.arena = a,
		.verdict = { STATUS_ERROR, REASON_INTERNAL,
			     "the judge expected nothing; please report this" },
	};

	judge(&j);
	if (j.verdict.status == STATUS_PASS)
		judge_ends(&j);
	if (j.verdict.status == STATUS_PASS)
		j.verdict = (struct verdict){ .status = STATUS_PASS };
	return j.verdict;
}

const struct ev *judge_need(struct judge *j, enum ev_kind kind, const char *step)
{
	const struct ev *ev = ev_find(j->evidence, kind, step);

	if (!ev && !j->settled)
		settle(j, STATUS_ERROR, REASON_INTERNAL,
		       arena_printf(j->arena,
				    "the collector recorded no %s at step \"%s\"",
				    ev_kind_names[kind], step));
	return j->settled ? NULL : ev;
}

/* The kernel also leaks numbers that have no name for user space (ENOTSUPP is 524). */
static const char *errno_text(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "an unknown error";
}

static const char *outcome_text(struct judge *j, int64_t ret, int err)
{
	const char *text =
		err ? arena_printf(j->arena, "was refused with %s", errno_text(err))
		    : arena_printf(j->arena, "returned %d", (int)ret);

	return text ? text : "?";
}

static const char *arg_text(struct judge *j, const struct ev *ev)
{
	const char *text = ev->ioctl.arg ? arena_printf(j->arena, "%s(%s)",
							ev->ioctl.name, ev->ioctl.arg)
					 : ev->ioctl.name;

	return text ? text : "?";
}

void judge_ok(struct judge *j, const char *step)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, step);

	if (ev)
		judge_that(j, ev->ioctl.err == 0, "%s %s at step \"%s\"; it must succeed",
			   arg_text(j, ev), outcome_text(j, ev->ioctl.ret, ev->ioctl.err),
			   step);
}

void judge_errno_either(struct judge *j, const char *step, int err, int other)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, step);

	if (ev)
		judge_that(j, ev->ioctl.err == err || ev->ioctl.err == other,
			   "%s %s at step \"%s\"; it must be refused with %s%s%s",
			   arg_text(j, ev), outcome_text(j, ev->ioctl.ret, ev->ioctl.err),
			   step, strerrorname_np(err), err == other ? "" : " or ",
			   err == other ? "" : strerrorname_np(other));
}

void judge_errno(struct judge *j, const char *step, int err)
{
	judge_errno_either(j, step, err, err);
}

void judge_said(struct judge *j, const char *step, const char *text)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, step);

	judge_ok(j, step);
	if (ev)
		judge_that(j, same(ev->ioctl.arg, text),
			   "%s at step \"%s\" said %s; it must say %s", ev->ioctl.name,
			   step, ev->ioctl.arg ? ev->ioctl.arg : "nothing", text);
}

/* The message that was read at a step, or the fact that none was. */
static const struct ev *message_at(struct judge *j, const char *step, int way)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(j->evidence, ev, EV_IOTLB, step)))
		if (ev->iotlb.way == way)
			return j->settled ? NULL : ev;
	if (!j->settled)
		settle(j, STATUS_ERROR, REASON_INTERNAL,
		       arena_printf(j->arena,
				    "the collector recorded no message at step \"%s\"",
				    step));
	return NULL;
}

static const char *message_text(struct judge *j, const struct ev *ev)
{
	const char *text = NULL;

	if (ev->iotlb.msg == EV_NO_MSG)
		text = ev->iotlb.err == EAGAIN ? "no message" : errno_text(ev->iotlb.err);
	else
		text = arena_printf(j->arena, "%s of %s (%s)",
				    ev_msg_names[ev->iotlb.msg],
				    ev->iotlb.iova ? ev->iotlb.iova : "?",
				    ev_perm_names[ev->iotlb.perm]);
	return text ? text : "?";
}

void judge_miss(struct judge *j, const char *step, const char *iova, enum ev_perm perm)
{
	const struct ev *ev = message_at(j, step, EV_RECEIVED);

	if (ev)
		judge_that(
			j,
			ev->iotlb.msg == EV_MISS && ev->iotlb.iova &&
				!strcmp(ev->iotlb.iova, iova) &&
				(perm == EV_PERM_NONE || ev->iotlb.perm == (int)perm),
			"reading the device at step \"%s\" gave %s; it must give a miss "
			"of %s",
			step, message_text(j, ev), iova);
}

void judge_no_miss(struct judge *j, const char *step)
{
	const struct ev *ev = message_at(j, step, EV_RECEIVED);

	if (ev)
		judge_that(j, ev->iotlb.msg == EV_NO_MSG && ev->iotlb.err == EAGAIN,
			   "reading the device at step \"%s\" gave %s; there must be no "
			   "message",
			   step, message_text(j, ev));
}

void judge_message(struct judge *j, const char *step)
{
	const struct ev *ev = message_at(j, step, EV_SENT);

	if (ev)
		judge_that(
			j, ev->iotlb.err == 0,
			"the IOTLB message at step \"%s\" (%s) was refused with %s; it "
			"must be taken",
			step, message_text(j, ev), errno_text(ev->iotlb.err));
}

void judge_message_errno(struct judge *j, const char *step, int err, int other)
{
	const struct ev *ev = message_at(j, step, EV_SENT);

	if (ev)
		judge_that(j, ev->iotlb.err == err || ev->iotlb.err == other,
			   "the IOTLB message at step \"%s\" %s; it must be refused with "
			   "%s%s%s",
			   step, outcome_text(j, 0, ev->iotlb.err), strerrorname_np(err),
			   err == other ? "" : " or ",
			   err == other ? "" : strerrorname_np(other));
}

void judge_bytes(struct judge *j, const char *step, int64_t len)
{
	const struct ev *ev = ev_find(j->evidence, EV_BYTES, step);

	if (!ev) {
		judge_that(j, false, "no transfer \"%s\" came about: %s", step,
			   "a step before it did not succeed");
		return;
	}
	judge_that(j, ev->bytes.sent == len && ev->bytes.received == len,
		   "%s: %d of %d bytes were sent and %d received", step,
		   (int)ev->bytes.sent, (int)len, (int)ev->bytes.received);
	judge_that(j, same(ev->bytes.sent_digest, ev->bytes.received_digest),
		   "%s: all %d bytes arrived, but they are not the bytes that were sent",
		   step, (int)len);
}

const char *judge_fact_value(struct judge *j, const char *step, const char *name)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(j->evidence, ev, EV_FACT, step)))
		if (same(ev->fact.name, name))
			return ev->fact.value;
	return NULL;
}

void judge_skip(struct judge *j, enum reason_code code, const char *text)
{
	if (!j->settled)
		settle(j, STATUS_SKIP, (int)code, text);
}

void judge_fact(struct judge *j, const char *step, const char *name, const char *value)
{
	const char *is = judge_fact_value(j, step, name);

	judge_that(j, same(is, value), "%s at step \"%s\" is %s; it must be %s", name,
		   step, is ? is : "missing", value);
}

void judge_fact_count(struct judge *j, const char *name, const char *value, size_t n)
{
	const struct ev *ev = NULL;
	size_t seen = 0;

	while ((ev = ev_find_next(j->evidence, ev, EV_FACT, NULL))) {
		if (!same(ev->fact.name, name))
			continue;
		judge_that(j, same(ev->fact.value, value),
			   "%s at step \"%s\" is %s; it must be %s", name, ev->step,
			   ev->fact.value ? ev->fact.value : "missing", value);
		seen++;
	}
	judge_that(j, seen == n, "%s was seen %zu times; it must be seen %zu times", name,
		   seen, n);
}

void judge_moved(struct judge *j, const char *step, uint16_t from, uint16_t n)
{
	const struct ev *ev = judge_need(j, EV_RING, step);
	uint16_t want = (uint16_t)(from + n);

	if (!ev)
		return;
	judge_that(j, ev->ring.used.set && ev->ring.used.v == want,
		   "%s ring at step \"%s\": used index is %d; it must be %d",
		   ev->ring.queue, step, (int)ev->ring.used.v, want);
	judge_that(j, ev->ring.base.set && ev->ring.base.v == want,
		   "%s ring at step \"%s\": the device's own index is %d; it must be %d",
		   ev->ring.queue, step, (int)ev->ring.base.v, want);
}

void judge_errors(struct judge *j, const char *step, int64_t n)
{
	const struct ev *ev = judge_need(j, EV_EVENTFD, step);

	if (ev)
		judge_that(j, ev->eventfd.err.set && ev->eventfd.err.v == n,
			   "the error eventfd of %s counted %d at step \"%s\"; it must "
			   "count %d",
			   ev->eventfd.queue, (int)ev->eventfd.err.v, step, (int)n);
}

void judge_signalled(struct judge *j, const char *step)
{
	const struct ev *ev = judge_need(j, EV_EVENTFD, step);

	if (ev)
		judge_that(j, ev->eventfd.err.set && ev->eventfd.err.v > 0,
			   "the error eventfd of %s was not signalled at step \"%s\"",
			   ev->eventfd.queue, step);
}

void judge_called(struct judge *j, const char *step)
{
	const struct ev *ev = judge_need(j, EV_EVENTFD, step);

	if (ev)
		judge_that(j, ev->eventfd.call.set && ev->eventfd.call.v > 0,
			   "the call eventfd of %s was not signalled at step \"%s\"",
			   ev->eventfd.queue, step);
}
