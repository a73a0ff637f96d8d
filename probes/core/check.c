/* SPDX-License-Identifier: MIT */
#include "core/check.h"

const char *const status_names[] = {
	[STATUS_ERROR] = "error",     [STATUS_PASS] = "pass",
	[STATUS_FAIL] = "fail",       [STATUS_SKIP] = "skip",
	[STATUS_BLOCKED] = "blocked", [STATUS_TIMEOUT] = "timeout",
	[STATUS_CRASH] = "crash",     [STATUS_XFAIL] = "xfail",
	[STATUS_XPASS] = "xpass",     [STATUS_NUM] = NULL,
};

const char *const severity_names[] = { "low", "medium", "high", "critical", NULL };
const char *const risk_names[] = { "safe", "intrusive", "guarded", NULL };

const char *const reason_names[] = {
	[REASON_CONTRACT] = "contract_broken",
	[REASON_NOT_OFFERED] = "not_offered",
	[REASON_NO_DEVICE] = "no_device",
	[REASON_NO_MODULE] = "no_module",
	[REASON_DENIED] = "denied",
	[REASON_BUSY] = "busy",
	[REASON_PEER_MISSING] = "peer_missing",
	[REASON_UNSAFE_KERNEL] = "unsafe_kernel",
	[REASON_WOULD_RESET] = "would_reset_connections",
	[REASON_NOT_SELECTED] = "not_selected",
	[REASON_WEDGED] = "device_wedged",
	[REASON_GUEST_DIED] = "guest_died",
	[REASON_DEADLINE] = "deadline",
	[REASON_CRASHED] = "crashed",
	[REASON_INTERNAL] = "internal",
	[REASON_NUM] = NULL,
};

const char *check_id(struct arena *a, const struct check *check, enum family family)
{
	return arena_printf(a, "%s.%s.%s", family_names[family], check->area,
			    check->name);
}
