/* SPDX-License-Identifier: MIT */
#include "checks/rows.h"

const struct session_config plain_start = { .features = F_VERSION_1 };

void judge_both(struct judge *j, int64_t len)
{
	judge_ok(j, "start");
	judge_bytes(j, "tx", len);
	judge_bytes(j, "rx", len);
}
