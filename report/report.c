/* SPDX-License-Identifier: MIT */
#include "report/report.h"

const char *const module_state_names[] = { "absent", "live", "builtin", NULL };
const char *const iotlb_policy_names[] = { "strict", "lenient", "gated", "none", NULL };
const char *const report_verdict_names[] = { "pass", "fail", "inconclusive", NULL };

const char *const device_state_names[] = {
	[DEVICE_OK] = "ok",
	[DEVICE_ABSENT] = "absent",
	[DEVICE_DENIED] = "denied",
	[DEVICE_BUSY] = "busy",
	[DEVICE_NO_MODULE] = "no_module",
	[DEVICE_BLOCKED] = "blocked",
	[DEVICE_STATE_NUM] = NULL,
};

static const char *const where_names[] = { "host", "vm", NULL };

/* A row whose key is the member's name: plain, with null allowed, with a sub-table. */
#define ROW(s, member, type) REC_FIELD(struct s, member, type)
#define ROW_NULL(s, member, type)                                                        \
	{                                                                                \
#member, type, offsetof(struct s, member), true, NULL                    \
	}
#define ROW_OF(s, member, type, sub)                                                     \
	{                                                                                \
#member, type, offsetof(struct s, member), false, sub                    \
	}
#define ROW_NULL_OF(s, member, type, sub)                                                \
	{                                                                                \
#member, type, offsetof(struct s, member), true, sub                     \
	}

#define SHAPE(s)                                                                         \
	{                                                                                \
		.name = #s, .size = sizeof(struct s), .field = s##_fields                \
	}

static const struct rec_field report_tool_fields[] = {
	ROW(report_tool, name, REC_STR),        ROW(report_tool, version, REC_STR),
	ROW(report_tool, git_commit, REC_STR),  ROW(report_tool, build_flags, REC_STR),
	ROW(report_tool, libraries, REC_PAIRS), { 0 },
};

static const struct rec_field report_vm_fields[] = {
	ROW(report_vm, accel, REC_STR),   ROW(report_vm, qemu, REC_STR),
	ROW(report_vm, cmdline, REC_STR), ROW(report_vm, cpus, REC_INT),
	ROW(report_vm, memory, REC_INT),  { 0 },
};

static const struct rec_shape vm_shape = SHAPE(report_vm);

static const struct rec_field report_finding_fields[] = {
	ROW(report_finding, id, REC_STR),
	ROW(report_finding, device, REC_STR),
	ROW(report_finding, text, REC_STR),
	{ 0 },
};

static const struct rec_shape finding_shape = SHAPE(report_finding);

static const struct rec_field report_baseline_fields[] = {
	ROW(report_baseline, release, REC_STR),
	ROW_OF(report_baseline, known, REC_LIST, &finding_shape),
	{ 0 },
};

static const struct rec_shape baseline_shape = SHAPE(report_baseline);

static const struct rec_field report_selection_fields[] = {
	ROW(report_selection, devices, REC_STRS),
	ROW(report_selection, checks, REC_STRS),
	ROW(report_selection, exclude, REC_STRS),
	ROW(report_selection, stacks, REC_STRS),
	ROW(report_selection, require, REC_STRS),
	ROW_OF(report_selection, fail_on, REC_ENUM, severity_names),
	ROW(report_selection, strict, REC_BOOL),
	ROW(report_selection, intrusive, REC_BOOL),
	ROW(report_selection, deterministic, REC_BOOL),
	ROW_NULL_OF(report_selection, baseline, REC_PTR, &baseline_shape),
	{ 0 },
};

static const struct rec_shape selection_shape = SHAPE(report_selection);

static const struct rec_field report_run_fields[] = {
	ROW(report_run, argv, REC_STRS),
	ROW_OF(report_run, selection, REC_OBJ, &selection_shape),
	ROW_NULL(report_run, started, REC_STR),
	ROW(report_run, duration_us, REC_OPT_INT),
	ROW_OF(report_run, where, REC_ENUM, where_names),
	ROW_NULL_OF(report_run, vm, REC_PTR, &vm_shape),
	ROW(report_run, privileges, REC_STR),
	ROW(report_run, reduced, REC_STRS),
	ROW(report_run, unexpected, REC_STRS),
	{ 0 },
};

static const struct rec_field report_kernel_fields[] = {
	ROW(report_kernel, release, REC_STR),
	ROW(report_kernel, version, REC_STR),
	ROW_NULL(report_kernel, build_id, REC_STR),
	ROW(report_kernel, config, REC_PAIRS),
	ROW_NULL(report_kernel, cmdline, REC_STR),
	ROW(report_kernel, taint, REC_OPT_INT),
	{ 0 },
};

static const struct rec_shape kernel_shape = SHAPE(report_kernel);

static const struct rec_field report_module_fields[] = {
	ROW(report_module, name, REC_STR),
	ROW_OF(report_module, state, REC_ENUM, module_state_names),
	ROW_NULL(report_module, build_id_loaded, REC_STR),
	ROW_NULL(report_module, build_id_disk, REC_STR),
	ROW_NULL(report_module, srcversion_loaded, REC_STR),
	ROW_NULL(report_module, srcversion_disk, REC_STR),
	ROW_NULL(report_module, signer, REC_STR),
	ROW(report_module, parameters, REC_PAIRS),
	{ 0 },
};

static const struct rec_field report_host_fields[] = {
	ROW_OF(report_host, kernel, REC_OBJ, &kernel_shape),
	ROW_NULL(report_host, distro, REC_STR),
	ROW_NULL(report_host, cpu, REC_STR),
	ROW_NULL(report_host, virt, REC_STR),
	ROW_OF(report_host, modules, REC_LIST, &report_module_shape),
	{ 0 },
};

static const struct rec_field report_device_fields[] = {
	ROW(report_device, name, REC_STR),
	ROW(report_device, path, REC_STR),
	ROW_OF(report_device, kind, REC_ENUM, family_names),
	ROW_OF(report_device, state, REC_ENUM, device_state_names),
	ROW_NULL(report_device, reason, REC_STR),
	ROW_NULL_OF(report_device, features, REC_PTR, &mask_shape),
	ROW_NULL_OF(report_device, backend_features, REC_PTR, &mask_shape),
	ROW_NULL_OF(report_device, features_accepted, REC_PTR, &mask_shape),
	ROW_NULL_OF(report_device, iotlb_policy, REC_ENUM, iotlb_policy_names),
	{ 0 },
};

static const struct rec_field report_reason_fields[] = {
	ROW_OF(report_reason, code, REC_ENUM, reason_names),
	ROW(report_reason, text, REC_STR),
	{ 0 },
};

static const struct rec_shape reason_shape = SHAPE(report_reason);

static const struct rec_field report_known_fields[] = {
	ROW_NULL(report_known, since, REC_STR),
	ROW_NULL(report_known, fixed_by, REC_STR),
	ROW(report_known, text, REC_STR),
	{ 0 },
};

const struct rec_shape report_known_shape = SHAPE(report_known);

static const struct rec_field report_expected_fields[] = {
	ROW(report_expected, verdict, REC_STR),
	ROW(report_expected, reason, REC_STR),
	ROW(report_expected, source, REC_STR),
	{ 0 },
};

static const struct rec_shape expected_shape = SHAPE(report_expected);

static const struct rec_field report_check_fields[] = {
	ROW(report_check, id, REC_STR),
	ROW(report_check, title, REC_STR),
	ROW(report_check, device, REC_STR),
	ROW_OF(report_check, status, REC_ENUM, status_names),
	ROW_OF(report_check, severity, REC_ENUM, severity_names),
	ROW_OF(report_check, risk, REC_ENUM, risk_names),
	ROW(report_check, since, REC_STR),
	ROW_NULL_OF(report_check, reason, REC_PTR, &reason_shape),
	ROW_NULL_OF(report_check, known, REC_PTR, &report_known_shape),
	ROW_NULL_OF(report_check, expected, REC_PTR, &expected_shape),
	ROW_OF(report_check, evidence, REC_LIST, &ev_shape),
	ROW(report_check, duration_us, REC_OPT_INT),
	ROW(report_check, refs, REC_STRS),
	{ 0 },
};

static const struct rec_field report_transfer_fields[] = {
	ROW(report_transfer, tx_bytes, REC_INT),
	ROW(report_transfer, rx_bytes, REC_INT),
	{ 0 },
};

static const struct rec_shape transfer_shape = SHAPE(report_transfer);

static const struct rec_field report_stack_fields[] = {
	ROW(report_stack, stack, REC_STR),
	ROW(report_stack, vmm, REC_STR),
	ROW(report_stack, device, REC_STR),
	ROW_OF(report_stack, guest, REC_ENUM, guest_kind_names),
	ROW_OF(report_stack, verdict, REC_ENUM, stack_verdict_names),
	ROW_NULL(report_stack, signature, REC_STR),
	ROW_NULL_OF(report_stack, reason, REC_PTR, &reason_shape),
	ROW_NULL_OF(report_stack, expected, REC_PTR, &expected_shape),
	ROW_OF(report_stack, transfer, REC_OBJ, &transfer_shape),
	ROW_OF(report_stack, evidence, REC_LIST, &ev_shape),
	{ 0 },
};

#define COUNT(key, status)                                                               \
	{                                                                                \
		key, REC_INT,                                                            \
			offsetof(struct report_counts, n) + (status) * sizeof(int64_t),  \
			false, NULL                                                      \
	}

static const struct rec_field report_counts_fields[] = {
	COUNT("pass", STATUS_PASS),   COUNT("fail", STATUS_FAIL),
	COUNT("skip", STATUS_SKIP),   COUNT("blocked", STATUS_BLOCKED),
	COUNT("error", STATUS_ERROR), COUNT("timeout", STATUS_TIMEOUT),
	COUNT("crash", STATUS_CRASH), COUNT("xfail", STATUS_XFAIL),
	COUNT("xpass", STATUS_XPASS), { 0 },
};

static const struct rec_shape counts_shape = SHAPE(report_counts);

static const struct rec_field report_summary_fields[] = {
	ROW_OF(report_summary, counts, REC_OBJ, &counts_shape),
	ROW(report_summary, known, REC_INT),
	ROW_OF(report_summary, verdict, REC_ENUM, report_verdict_names),
	ROW(report_summary, exit_code, REC_INT),
	{ 0 },
};

static const struct rec_field report_fields[] = {
	{ "schema", REC_CONST, 0, false, REPORT_SCHEMA },
	ROW_OF(report, tool, REC_OBJ, &report_tool_shape),
	ROW_OF(report, run, REC_OBJ, &report_run_shape),
	ROW_OF(report, host, REC_OBJ, &report_host_shape),
	ROW_OF(report, devices, REC_LIST, &report_device_shape),
	ROW_OF(report, checks, REC_LIST, &report_check_shape),
	ROW_OF(report, stacks, REC_LIST, &report_stack_shape),
	ROW_OF(report, summary, REC_OBJ, &report_summary_shape),
	{ 0 },
};

static const struct rec_field reports_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-reports/1" },
	ROW_OF(reports, reports, REC_LIST, &report_shape),
	{ 0 },
};

const struct rec_shape report_tool_shape = SHAPE(report_tool);
const struct rec_shape report_run_shape = SHAPE(report_run);
const struct rec_shape report_module_shape = SHAPE(report_module);
const struct rec_shape report_host_shape = SHAPE(report_host);
const struct rec_shape report_device_shape = SHAPE(report_device);
const struct rec_shape report_check_shape = SHAPE(report_check);
const struct rec_shape report_stack_shape = SHAPE(report_stack);
const struct rec_shape report_summary_shape = SHAPE(report_summary);
const struct rec_shape report_shape = SHAPE(report);
const struct rec_shape reports_shape = SHAPE(reports);
