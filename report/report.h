/* SPDX-License-Identifier: MIT */
/*
 * The report, "vhostcheck-report/1": typed, with one table from which it is written,
 * read and described (base/record.h). Every other format renders this structure and
 * can say nothing that it does not. All strings and lists live in the arena of
 * whoever built or read the report.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "core/check.h"
#include "core/stack.h"

/** REPORT_SCHEMA - value of the key "schema" of every report */
#define REPORT_SCHEMA "vhostcheck-report/1"

/**
 * struct report_tool - what wrote the report
 * @libraries:	pairs of library and version
 */
struct report_tool {
	const char *name, *version, *git_commit, *build_flags;
	struct rec_list libraries;
};

/**
 * struct report_vm - the machine in which the checks ran
 * @accel:	"kvm" or "tcg"
 * @qemu:	version of QEMU
 * @cmdline:	kernel command line
 * @memory:	MiB
 */
struct report_vm {
	const char *accel, *qemu, *cmdline;
	int64_t cpus, memory;
};

/** struct report_finding - a known finding of the baseline, as struct report_known has it
 */
struct report_finding {
	const char *id, *device, *text;
};

/**
 * struct report_baseline - what --baseline knew already
 * @release:	of its kernel
 * @known:	struct report_finding
 */
struct report_baseline {
	const char *release;
	struct rec_list known;
};

/**
 * struct report_selection - what the command line chose; with it alone the report says
 * what decides its exit status (report/summary.h)
 * @devices:	names or paths as given; empty: all that are here
 * @checks:	globs of --check; empty: all
 * @exclude:	globs of --exclude
 * @stacks:	names of the policies that --stack counts (for a FILE the name inside it)
 * @require:	globs of --require
 * @fail_on:	enum severity
 * @baseline:	known findings that it does not have decide; NULL: none does
 */
struct report_selection {
	struct rec_list devices, checks, exclude, stacks, require;
	int fail_on;
	bool strict, intrusive, deterministic;
	struct report_baseline *baseline;
};

/** enum report_where - where the checks ran */
enum report_where {
	WHERE_HOST,
	WHERE_VM
};

extern const char *const report_where_names[];

/**
 * struct report_run - one run
 * @started:	UTC, RFC 3339; NULL in a deterministic report
 * @duration_us: microseconds; unset in a deterministic report
 * @vm:		NULL on a host
 * @privileges:	"root", "user" or the names of the capabilities held
 * @reduced:	sentences: what could not be looked at, and why
 * @unexpected:	sentences: which expectations (report/expect.h) were not met or not used
 */
struct report_run {
	struct rec_list argv;
	struct report_selection selection;
	const char *started;
	struct opt_int duration_us;
	int where;
	struct report_vm *vm;
	const char *privileges;
	struct rec_list reduced, unexpected;
};

/**
 * struct report_kernel - the kernel that was judged
 * @build_id:	GNU build-id, NULL where /sys/kernel/notes cannot be read
 * @config:	pairs: options that matter to vhost; none where the config of the running
 *		kernel cannot be read
 * @cmdline:	allow-listed parameters of /proc/cmdline
 * @taint:	/proc/sys/kernel/tainted
 */
struct report_kernel {
	const char *release, *version, *build_id;
	struct rec_list config;
	const char *cmdline;
	struct opt_int taint;
};

/** enum module_state - of a kernel module */
enum module_state {
	MODULE_ABSENT,
	MODULE_LIVE,
	MODULE_BUILTIN
};

extern const char *const module_state_names[];

/**
 * struct report_module - one module that vhost uses
 * @state:	enum module_state
 * @parameters:	pairs, of live modules
 */
struct report_module {
	const char *name;
	int state;
	const char *build_id_loaded, *build_id_disk;
	const char *srcversion_loaded, *srcversion_disk;
	const char *signer;
	struct rec_list parameters;
};

/**
 * struct report_host - the machine
 * @virt:	hypervisor under which it runs, or NULL
 * @modules:	struct report_module
 */
struct report_host {
	struct report_kernel kernel;
	const char *distro, *cpu, *virt;
	struct rec_list modules;
};

/** enum device_state - of a device node */
enum device_state {
	DEVICE_OK,
	DEVICE_ABSENT,
	DEVICE_DENIED,
	DEVICE_BUSY,
	DEVICE_NO_MODULE,
	DEVICE_BLOCKED,
	DEVICE_STATE_NUM
};

/** enum iotlb_policy - what arms the device IOTLB */
enum iotlb_policy {
	IOTLB_STRICT,
	IOTLB_LENIENT,
	IOTLB_GATED,
	IOTLB_NONE
};

extern const char *const device_state_names[], *const iotlb_policy_names[];

/**
 * struct report_device - one vhost device
 * @name:	net, vsock, scsi, vdpaN
 * @path:	of the node
 * @kind:	enum family
 * @state:	enum device_state
 * @reason:	why it is not DEVICE_OK and what to do; NULL if it is
 * @features:	offered; NULL if not read. Likewise @backend_features
 * @features_accepted: the offered bits that VHOST_SET_FEATURES took one by one
 * @iotlb_policy: enum iotlb_policy, -1 if not found out
 * @blocked_by:	enum reason_code of what DEVICE_BLOCKED keeps from being asked
 * @features_array: VHOST_GET_FEATURES_ARRAY exists; like @blocked_by of the run alone, no
 *		report has it
 * @type:	vdpa: virtio device id, 0 if not read; of the run alone
 */
struct report_device {
	const char *name, *path;
	int kind, state;
	const char *reason;
	struct mask *features, *backend_features, *features_accepted;
	int iotlb_policy, blocked_by;
	bool features_array;
	uint32_t type;
};

/** struct report_reason - code: enum reason_code */
struct report_reason {
	int code;
	const char *text;
};

/** struct report_known - a finding that released kernels are known to have */
struct report_known {
	const char *since, *fixed_by, *text;
};

extern const struct rec_shape report_known_shape;

/**
 * struct report_expected - what a file of expectations says of a check or a stack
 * @verdict:	word of enum status or of enum stack_verdict
 * @reason:	why it is right
 * @source:	where that was learnt
 */
struct report_expected {
	const char *verdict, *reason, *source;
};

/**
 * struct report_check - result of one check on one device
 * @status:	enum status; @severity: enum severity; @risk: enum risk
 * @reason:	NULL with a pass
 * @known:	NULL unless a known finding
 * @expected:	NULL unless a file of expectations speaks of it
 * @evidence:	struct ev
 */
struct report_check {
	const char *id, *title, *device;
	int status, severity, risk;
	const char *since;
	struct report_reason *reason;
	struct report_known *known;
	const struct report_expected *expected;
	struct rec_list evidence;
	struct opt_int duration_us;
	struct rec_list refs;
};

/** struct report_transfer - payload bytes that arrived, tx is guest to host */
struct report_transfer {
	int64_t tx_bytes, rx_bytes;
};

/**
 * struct report_stack - one policy played on one device for one kind of guest
 * @guest:	enum guest_kind; @verdict: enum stack_verdict
 * @signature:	mechanism, NULL when it works or nothing is known
 * @reason:	NULL when it works
 * @expected:	NULL unless a file of expectations speaks of it
 */
struct report_stack {
	const char *stack, *vmm, *device;
	int guest, verdict;
	const char *signature;
	struct report_reason *reason;
	const struct report_expected *expected;
	struct report_transfer transfer;
	struct rec_list evidence;
};

/** enum report_verdict - of the whole run */
enum report_verdict {
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_INCONCLUSIVE
};

extern const char *const report_verdict_names[];

/** struct report_counts - checks per status, in the order of enum status */
struct report_counts {
	int64_t n[STATUS_NUM];
};

/**
 * struct report_summary - the end of it
 * @known:	checks that are known findings, counted in counts as fail too
 * @verdict:	enum report_verdict
 */
struct report_summary {
	struct report_counts counts;
	int64_t known;
	int verdict;
	int64_t exit_code;
};

/**
 * struct report - all of it; lists hold struct report_device, report_check and
 * report_stack in the published order
 */
struct report {
	struct report_tool tool;
	struct report_run run;
	struct report_host host;
	struct rec_list devices, checks, stacks;
	struct report_summary summary;
};

/** struct reports - "vhostcheck-reports/1": those of several kernels, struct report */
struct reports {
	struct rec_list reports;
};

extern const struct rec_shape report_shape, reports_shape, report_device_shape,
	report_check_shape, report_stack_shape, report_host_shape, report_module_shape,
	report_run_shape, report_tool_shape, report_summary_shape;

#endif
