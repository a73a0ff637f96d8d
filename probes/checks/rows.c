/* SPDX-License-Identifier: MIT */
#include "checks/rows.h"

const struct session_config plain_start = { .features = F_VERSION_1 };

void judge_both(struct judge *j, int64_t len)
{
	judge_ok(j, "start");
	judge_bytes(j, "tx", len);
	judge_bytes(j, "rx", len);
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
