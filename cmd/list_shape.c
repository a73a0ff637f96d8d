/* SPDX-License-Identifier: MIT */
#include "cmd/list.h"

const char *const list_module_names[] = {
	[FACT_MODULE_ABSENT] = "absent",  [FACT_MODULE_INSTALLED] = "installed",
	[FACT_MODULE_LIVE] = "live",      [FACT_MODULE_BUILTIN] = "builtin",
	[FACT_MODULE_BUILTIN + 1] = NULL,
};

static const struct rec_field list_holder_fields[] = {
	REC_FIELD(struct list_holder, pid, REC_INT),
	REC_FIELD(struct list_holder, command, REC_STR),
	{ 0 },
};
static const struct rec_shape holder_shape = REC_SHAPE(list_holder);

static const struct rec_field list_module_fields[] = {
	REC_FIELD(struct list_module, name, REC_STR),
	REC_OF(struct list_module, state, REC_ENUM, list_module_names),
	{ 0 },
};
static const struct rec_shape module_shape = REC_SHAPE(list_module);

static const struct rec_field list_access_fields[] = {
	REC_FIELD(struct list_access, mode, REC_STR),
	REC_FIELD(struct list_access, uid, REC_INT),
	REC_FIELD(struct list_access, gid, REC_INT),
	REC_FIELD(struct list_access, readable, REC_BOOL),
	REC_FIELD(struct list_access, writable, REC_BOOL),
	{ 0 },
};
static const struct rec_shape access_shape = REC_SHAPE(list_access);

static const struct rec_field list_device_fields[] = {
	REC_FIELD(struct list_device, name, REC_STR),
	REC_FIELD(struct list_device, path, REC_STR),
	REC_OF(struct list_device, kind, REC_ENUM, family_names),
	REC_OF(struct list_device, state, REC_ENUM, device_state_names),
	REC_NULL(struct list_device, reason, REC_STR),
	REC_FIELD(struct list_device, present, REC_BOOL),
	REC_OF(struct list_device, module, REC_OBJ, &module_shape),
	{ "access", REC_PTR, offsetof(struct list_device, access), true, &access_shape },
	{ "vdpa", REC_PTR, offsetof(struct list_device, vdpa), true, &vdpa_about_shape },
	REC_OF(struct list_device, holders, REC_LIST, &holder_shape),
	{ 0 },
};
static const struct rec_shape device_shape = REC_SHAPE(list_device);

static const struct rec_field list_vmm_fields[] = {
	REC_FIELD(struct list_vmm, name, REC_STR),
	REC_FIELD(struct list_vmm, path, REC_STR),
	{ 0 },
};
static const struct rec_shape vmm_shape = REC_SHAPE(list_vmm);

static const struct rec_field list_kernel_fields[] = {
	REC_FIELD(struct list_kernel, release, REC_STR),
	REC_FIELD(struct list_kernel, path, REC_STR),
	REC_FIELD(struct list_kernel, judge, REC_STR),
	{ 0 },
};
static const struct rec_shape kernel_shape = REC_SHAPE(list_kernel);

static const struct rec_field list_leftover_fields[] = {
	REC_FIELD(struct list_leftover, path, REC_STR),
	REC_FIELD(struct list_leftover, pid, REC_INT),
	REC_FIELD(struct list_leftover, removed, REC_BOOL),
	{ 0 },
};
static const struct rec_shape leftover_shape = REC_SHAPE(list_leftover);

static const struct rec_field list_host_fields[] = {
	REC_OF(struct list_host, base, REC_INLINE, &report_host_shape),
	REC_NULL(struct list_host, guest_to_host, REC_STR),
	REC_OF(struct list_host, vmms, REC_LIST, &vmm_shape),
	{ "newer_kernel", REC_PTR, offsetof(struct list_host, newer_kernel), true,
	  &kernel_shape },
	REC_FIELD(struct list_host, all_holders, REC_BOOL),
	REC_OF(struct list_host, leftovers, REC_LIST, &leftover_shape),
	{ 0 },
};
static const struct rec_shape host_shape = REC_SHAPE(list_host);

static const struct rec_field list_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-list/1" },
	REC_OF(struct list, host, REC_OBJ, &host_shape),
	REC_OF(struct list, devices, REC_LIST, &device_shape),
	{ 0 },
};

const struct rec_shape list_shape = REC_SHAPE(list);
