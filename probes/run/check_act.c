/* SPDX-License-Identifier: MIT */
#include "run/check_act.h"
#include "core/check.h"

int check_act(struct session *s, const void *arg)
{
	const struct check *check = arg;
	int r = 0;

	s->ends = true;
	r = check->collect(s);
	if (r < 0) /* its device may no longer answer, and there is no time left */
		s->ends = false;
	return r;
}
