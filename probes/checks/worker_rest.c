/* SPDX-License-Identifier: MIT */
/* Area worker: with nothing to do it does nothing. */
#include "checks/rows.h"

/** READS - how often in a row the worker must be seen asleep, with the same counts */
#define READS 4

/** ROUNDS - of a millisecond each, within which it must have come to rest */
#define ROUNDS 2000u

/*
 * Asleep in each of some reads, with no switch in between. One read proves nothing: a
 * task that is about to look whether there is work, and to go on, is said to sleep.
 */
static bool asleep_throughout(struct session *s, uint64_t *ret_switches)
{
	struct facts *facts = s->seam->facts;
	struct worker_info w = { 0 };

	for (int i = 0; i < READS; i++) {
		if (facts->ops->workers(facts, getpid(), &w) < 0 || !w.count ||
		    w.asleep != w.count || (i && w.switches != *ret_switches))
			return false;
		*ret_switches = w.switches;
	}
	return true;
}

/*
 * Whether it slept before and after a moment in which a task that is ready to run would
 * have run, and was not switched to meanwhile. A worker that has just been flushed may
 * still be on its way to sleep: it is looked for again and again.
 */
static bool comes_to_rest(struct session *s)
{
	for (unsigned int i = 0; i < ROUNDS && !session_passed(s, s->until); i++) {
		uint64_t before = 0;
		uint64_t after = 0;
		bool asleep = asleep_throughout(s, &before);

		(void)s->seam->dev->ops->poll(s->seam->dev, NULL, 0,
					      session_deadline(s, 1));
		if (asleep && asleep_throughout(s, &after) && before == after)
			return true;
	}
	return false;
}

static void note_rest(struct session *s, const char *step)
{
	session_fact(s, step, "worker", "%s", comes_to_rest(s) ? "at rest" : "busy");
}

static int collect_rest(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	note_rest(s, "started");
	r = link_both_ways(&l, SHORT_BYTES);
	if (r < 0)
		return r;
	note_rest(s, "moved");
	r = link_tx(&l, "tx again", SHORT_BYTES);
	if (r == 0)
		r = link_rx(&l, "rx again", SHORT_BYTES);
	if (r < 0)
		return r;
	(void)session_running(s, "stop", 0);
	note_rest(s, "stopped");
	return 0;
}

static void judge_rest(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_fact(j, "started", "worker", "at rest");
	judge_fact(j, "moved", "worker", "at rest");
	judge_bytes(j, "tx again", SHORT_BYTES);
	judge_bytes(j, "rx again", SHORT_BYTES);
	judge_ok(j, "stop");
	judge_fact(j, "stopped", "worker", "at rest");
}

const struct check worker_rests = {
	.area = "worker",
	.name = "rests",
	.families = ON_BOTH,
	.title = "a worker that has nothing to do sleeps",
	.contract =
		"With receive buffers posted and nothing to transmit, before the first "
		"byte, between transfers and after a stop, the worker sleeps until it is "
		"kicked or something arrives; it polls nothing unless it was asked to "
		"(VHOST_SET_VRING_BUSYLOOP_TIMEOUT).",
	.harm = "Idle guests keep the processors of their host at full load.",
	.judged =
		"The state of the worker in /proc, 4 times before and after a moment "
		"in which it could run, with the same count of context switches; retried "
		"for 2 s. Payload each way twice.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_worker(), vhost_run_work_list() in drivers/vhost/vhost.c",
		      "vhost_poll_queue()", "/proc/PID/task/TID/status"),
	.faults = WORDS("worker_spins", "worker_gone", "payload_flipped"),
	.collect = collect_rest,
	.judge = judge_rest,
};
