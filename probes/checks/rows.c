/* SPDX-License-Identifier: MIT */
#include "checks/rows.h"

const struct session_config plain_start = { .features = F_VERSION_1 };

void judge_both(struct judge *j, int64_t len)
{
	judge_ok(j, "start");
	judge_bytes(j, "tx", len);
	judge_bytes(j, "rx", len);
}

int collect_full_transfer(struct session *s)
{
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r == 0)
		r = link_both_ways(&l, TRANSFER_BYTES);
	if (r == 0)
		session_note_worker(s, "running");
	return r;
}

void judge_full_transfer(struct judge *j)
{
	const struct ev *worker = NULL;

	judge_both(j, TRANSFER_BYTES);
	worker = judge_need(j, EV_WORKER, "running");
	if (worker)
		judge_that(j, worker->worker.count > 0,
			   "bytes moved but no vhost worker of this process was found");
}

bool judge_mask(struct judge *j, const char *step, uint64_t *ret)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, step);

	if (!ev)
		return false;
	judge_ok(j, step);
	judge_that(j, ev->ioctl.arg != NULL,
		   "%s at step \"%s\" succeeded and wrote nothing", ev->ioctl.name, step);
	if (!ev->ioctl.arg)
		return false;
	*ret = strtoull(ev->ioctl.arg, NULL, 16);
	return true;
}

const char *bit_step(struct arena *a, unsigned int bit)
{
	const char *step = arena_printf(a, "bit %u", bit);

	return step ? step : "bit";
}
