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

const char *const report_where_names[] = { "host", "vm", NULL };

static const struct rec_field report_tool_fields[] = {
	REC_FIELD(struct report_tool, name, REC_STR),
	REC_FIELD(struct report_tool, version, REC_STR),
	REC_FIELD(struct report_tool, git_commit, REC_STR),
	REC_FIELD(struct report_tool, build_flags, REC_STR),
	REC_FIELD(struct report_tool, libraries, REC_PAIRS),
	{ 0 },
};

static const struct rec_field report_vm_fields[] = {
	REC_FIELD(struct report_vm, accel, REC_STR),
	REC_FIELD(struct report_vm, qemu, REC_STR),
	REC_FIELD(struct report_vm, cmdline, REC_STR),
	REC_FIELD(struct report_vm, cpus, REC_INT),
	REC_FIELD(struct report_vm, memory, REC_INT),
	{ 0 },
};

static const struct rec_shape vm_shape = REC_SHAPE(report_vm);

static const struct rec_field report_finding_fields[] = {
	REC_FIELD(struct report_finding, id, REC_STR),
	REC_FIELD(struct report_finding, device, REC_STR),
	REC_FIELD(struct report_finding, text, REC_STR),
	{ 0 },
};

static const struct rec_shape finding_shape = REC_SHAPE(report_finding);

static const struct rec_field report_baseline_fields[] = {
	REC_FIELD(struct report_baseline, release, REC_STR),
	REC_OF(struct report_baseline, known, REC_LIST, &finding_shape),
	{ 0 },
};

static const struct rec_shape baseline_shape = REC_SHAPE(report_baseline);

static const struct rec_field report_selection_fields[] = {
	REC_FIELD(struct report_selection, devices, REC_STRS),
	REC_FIELD(struct report_selection, checks, REC_STRS),
	REC_FIELD(struct report_selection, exclude, REC_STRS),
	REC_FIELD(struct report_selection, stacks, REC_STRS),
	REC_FIELD(struct report_selection, require, REC_STRS),
	REC_OF(struct report_selection, fail_on, REC_ENUM, severity_names),
	REC_FIELD(struct report_selection, strict, REC_BOOL),
	REC_FIELD(struct report_selection, intrusive, REC_BOOL),
	REC_FIELD(struct report_selection, deterministic, REC_BOOL),
	REC_NULL_OF(struct report_selection, baseline, REC_PTR, &baseline_shape),
	{ 0 },
};

static const struct rec_shape selection_shape = REC_SHAPE(report_selection);

static const struct rec_field report_run_fields[] = {
	REC_FIELD(struct report_run, argv, REC_STRS),
	REC_OF(struct report_run, selection, REC_OBJ, &selection_shape),
	REC_NULL(struct report_run, started, REC_STR),
	REC_FIELD(struct report_run, duration_us, REC_OPT_INT),
	REC_OF(struct report_run, where, REC_ENUM, report_where_names),
	REC_NULL_OF(struct report_run, vm, REC_PTR, &vm_shape),
	REC_FIELD(struct report_run, privileges, REC_STR),
	REC_FIELD(struct report_run, reduced, REC_STRS),
	REC_FIELD(struct report_run, unexpected, REC_STRS),
	{ 0 },
};

static const struct rec_field report_kernel_fields[] = {
	REC_FIELD(struct report_kernel, release, REC_STR),
	REC_FIELD(struct report_kernel, version, REC_STR),
	REC_NULL(struct report_kernel, build_id, REC_STR),
	REC_FIELD(struct report_kernel, config, REC_PAIRS),
	REC_NULL(struct report_kernel, cmdline, REC_STR),
	REC_FIELD(struct report_kernel, taint, REC_OPT_INT),
	{ 0 },
};

static const struct rec_shape kernel_shape = REC_SHAPE(report_kernel);

static const struct rec_field report_module_fields[] = {
	REC_FIELD(struct report_module, name, REC_STR),
	REC_OF(struct report_module, state, REC_ENUM, module_state_names),
	REC_NULL(struct report_module, build_id_loaded, REC_STR),
	REC_NULL(struct report_module, build_id_disk, REC_STR),
	REC_NULL(struct report_module, srcversion_loaded, REC_STR),
	REC_NULL(struct report_module, srcversion_disk, REC_STR),
	REC_NULL(struct report_module, signer, REC_STR),
	REC_FIELD(struct report_module, parameters, REC_PAIRS),
	{ 0 },
};

static const struct rec_field report_host_fields[] = {
	REC_OF(struct report_host, kernel, REC_OBJ, &kernel_shape),
	REC_NULL(struct report_host, distro, REC_STR),
	REC_NULL(struct report_host, cpu, REC_STR),
	REC_NULL(struct report_host, virt, REC_STR),
	REC_OF(struct report_host, modules, REC_LIST, &report_module_shape),
	{ 0 },
};

static const struct rec_field report_device_fields[] = {
	REC_FIELD(struct report_device, name, REC_STR),
	REC_FIELD(struct report_device, path, REC_STR),
	REC_OF(struct report_device, kind, REC_ENUM, family_names),
	REC_OF(struct report_device, state, REC_ENUM, device_state_names),
	REC_NULL(struct report_device, reason, REC_STR),
	REC_NULL_OF(struct report_device, features, REC_PTR, &mask_shape),
	REC_NULL_OF(struct report_device, backend_features, REC_PTR, &mask_shape),
	REC_NULL_OF(struct report_device, features_accepted, REC_PTR, &mask_shape),
	REC_NULL_OF(struct report_device, iotlb_policy, REC_ENUM, iotlb_policy_names),
	{ 0 },
};

static const struct rec_field report_reason_fields[] = {
	REC_OF(struct report_reason, code, REC_ENUM, reason_names),
	REC_FIELD(struct report_reason, text, REC_STR),
	{ 0 },
};

static const struct rec_shape reason_shape = REC_SHAPE(report_reason);

static const struct rec_field report_known_fields[] = {
	REC_NULL(struct report_known, since, REC_STR),
	REC_NULL(struct report_known, fixed_by, REC_STR),
	REC_FIELD(struct report_known, text, REC_STR),
	{ 0 },
};

const struct rec_shape report_known_shape = REC_SHAPE(report_known);

static const struct rec_field report_expected_fields[] = {
	REC_FIELD(struct report_expected, verdict, REC_STR),
	REC_FIELD(struct report_expected, reason, REC_STR),
	REC_FIELD(struct report_expected, source, REC_STR),
	{ 0 },
};

static const struct rec_shape expected_shape = REC_SHAPE(report_expected);

static const struct rec_field report_check_fields[] = {
	REC_FIELD(struct report_check, id, REC_STR),
	REC_FIELD(struct report_check, title, REC_STR),
	REC_FIELD(struct report_check, device, REC_STR),
	REC_OF(struct report_check, status, REC_ENUM, status_names),
	REC_OF(struct report_check, severity, REC_ENUM, severity_names),
	REC_OF(struct report_check, risk, REC_ENUM, risk_names),
	REC_FIELD(struct report_check, since, REC_STR),
	REC_NULL_OF(struct report_check, reason, REC_PTR, &reason_shape),
	REC_NULL_OF(struct report_check, known, REC_PTR, &report_known_shape),
	REC_NULL_OF(struct report_check, expected, REC_PTR, &expected_shape),
	REC_OF(struct report_check, evidence, REC_LIST, &ev_shape),
	REC_FIELD(struct report_check, duration_us, REC_OPT_INT),
	REC_FIELD(struct report_check, refs, REC_STRS),
	{ 0 },
};

static const struct rec_field report_transfer_fields[] = {
	REC_FIELD(struct report_transfer, tx_bytes, REC_INT),
	REC_FIELD(struct report_transfer, rx_bytes, REC_INT),
	{ 0 },
};

static const struct rec_shape transfer_shape = REC_SHAPE(report_transfer);

static const struct rec_field report_stack_fields[] = {
	REC_FIELD(struct report_stack, stack, REC_STR),
	REC_FIELD(struct report_stack, vmm, REC_STR),
	REC_FIELD(struct report_stack, device, REC_STR),
	REC_OF(struct report_stack, guest, REC_ENUM, guest_kind_names),
	REC_OF(struct report_stack, verdict, REC_ENUM, stack_verdict_names),
	REC_NULL(struct report_stack, signature, REC_STR),
	REC_NULL_OF(struct report_stack, reason, REC_PTR, &reason_shape),
	REC_NULL_OF(struct report_stack, expected, REC_PTR, &expected_shape),
	REC_OF(struct report_stack, transfer, REC_OBJ, &transfer_shape),
	REC_OF(struct report_stack, evidence, REC_LIST, &ev_shape),
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

static const struct rec_shape counts_shape = REC_SHAPE(report_counts);

static const struct rec_field report_summary_fields[] = {
	REC_OF(struct report_summary, counts, REC_OBJ, &counts_shape),
	REC_FIELD(struct report_summary, known, REC_INT),
	REC_OF(struct report_summary, verdict, REC_ENUM, report_verdict_names),
	REC_FIELD(struct report_summary, exit_code, REC_INT),
	{ 0 },
};

static const struct rec_field report_fields[] = {
	{ "schema", REC_CONST, 0, false, REPORT_SCHEMA },
	REC_OF(struct report, tool, REC_OBJ, &report_tool_shape),
	REC_OF(struct report, run, REC_OBJ, &report_run_shape),
	REC_OF(struct report, host, REC_OBJ, &report_host_shape),
	REC_OF(struct report, devices, REC_LIST, &report_device_shape),
	REC_OF(struct report, checks, REC_LIST, &report_check_shape),
	REC_OF(struct report, stacks, REC_LIST, &report_stack_shape),
	REC_OF(struct report, summary, REC_OBJ, &report_summary_shape),
	{ 0 },
};

static const struct rec_field reports_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-reports/1" },
	REC_OF(struct reports, reports, REC_LIST, &report_shape),
	{ 0 },
};

const struct rec_shape report_tool_shape = REC_SHAPE(report_tool);
const struct rec_shape report_run_shape = REC_SHAPE(report_run);
const struct rec_shape report_module_shape = REC_SHAPE(report_module);
const struct rec_shape report_host_shape = REC_SHAPE(report_host);
const struct rec_shape report_device_shape = REC_SHAPE(report_device);
const struct rec_shape report_check_shape = REC_SHAPE(report_check);
const struct rec_shape report_stack_shape = REC_SHAPE(report_stack);
const struct rec_shape report_summary_shape = REC_SHAPE(report_summary);
const struct rec_shape report_shape = REC_SHAPE(report);
const struct rec_shape reports_shape = REC_SHAPE(reports);
