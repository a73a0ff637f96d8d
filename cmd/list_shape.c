/* SPDX-License-Identifier: MIT */
#include "cmd/list.h"

const char *const list_module_names[] = {
	[FACT_MODULE_ABSENT] = "absent",  [FACT_MODULE_INSTALLED] = "installed",
	[FACT_MODULE_LIVE] = "live",      [FACT_MODULE_BUILTIN] = "builtin",
	[FACT_MODULE_BUILTIN + 1] = NULL,
};

#define ROW(s, member, type) REC_FIELD(struct s, member, type)
#define ROW_NULL(s, member, type)                                                        \
	{                                                                                \
#member, type, offsetof(struct s, member), true, NULL                    \
	}
#define ROW_OF(s, member, type, sub)                                                     \
	{                                                                                \
#member, type, offsetof(struct s, member), false, sub                    \
	}
#define SHAPE(s)                                                                         \
	{                                                                                \
		.name = #s, .size = sizeof(struct s), .field = s##_fields                \
	}

static const struct rec_field list_holder_fields[] = {
	ROW(list_holder, pid, REC_INT),
	ROW(list_holder, command, REC_STR),
	{ 0 },
};
static const struct rec_shape holder_shape = SHAPE(list_holder);

static const struct rec_field list_module_fields[] = {
	ROW(list_module, name, REC_STR),
	ROW_OF(list_module, state, REC_ENUM, list_module_names),
	{ 0 },
};
static const struct rec_shape module_shape = SHAPE(list_module);

static const struct rec_field list_access_fields[] = {
	ROW(list_access, mode, REC_STR),      ROW(list_access, uid, REC_INT),
	ROW(list_access, gid, REC_INT),       ROW(list_access, readable, REC_BOOL),
	ROW(list_access, writable, REC_BOOL), { 0 },
};
static const struct rec_shape access_shape = SHAPE(list_access);

static const struct rec_field list_device_fields[] = {
	ROW(list_device, name, REC_STR),
	ROW(list_device, path, REC_STR),
	ROW_OF(list_device, kind, REC_ENUM, family_names),
	ROW_OF(list_device, state, REC_ENUM, device_state_names),
	ROW_NULL(list_device, reason, REC_STR),
	ROW(list_device, present, REC_BOOL),
	ROW_OF(list_device, module, REC_OBJ, &module_shape),
	{ "access", REC_PTR, offsetof(struct list_device, access), true, &access_shape },
	{ "vdpa", REC_PTR, offsetof(struct list_device, vdpa), true, &vdpa_about_shape },
	ROW_OF(list_device, holders, REC_LIST, &holder_shape),
	{ 0 },
};
static const struct rec_shape device_shape = SHAPE(list_device);

static const struct rec_field list_vmm_fields[] = {
	ROW(list_vmm, name, REC_STR),
	ROW(list_vmm, path, REC_STR),
	{ 0 },
};
static const struct rec_shape vmm_shape = SHAPE(list_vmm);

static const struct rec_field list_kernel_fields[] = {
	ROW(list_kernel, release, REC_STR),
	ROW(list_kernel, path, REC_STR),
	ROW(list_kernel, judge, REC_STR),
	{ 0 },
};
static const struct rec_shape kernel_shape = SHAPE(list_kernel);

static const struct rec_field list_leftover_fields[] = {
	ROW(list_leftover, path, REC_STR),
	ROW(list_leftover, pid, REC_INT),
	ROW(list_leftover, removed, REC_BOOL),
	{ 0 },
};
static const struct rec_shape leftover_shape = SHAPE(list_leftover);

static const struct rec_field list_host_fields[] = {
	ROW_OF(list_host, base, REC_INLINE, &report_host_shape),
	ROW_NULL(list_host, guest_to_host, REC_STR),
	ROW_OF(list_host, vmms, REC_LIST, &vmm_shape),
	{ "newer_kernel", REC_PTR, offsetof(struct list_host, newer_kernel), true,
	  &kernel_shape },
	ROW(list_host, all_holders, REC_BOOL),
	ROW_OF(list_host, leftovers, REC_LIST, &leftover_shape),
	{ 0 },
};
static const struct rec_shape host_shape = SHAPE(list_host);

static const struct rec_field list_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-list/1" },
	ROW_OF(list, host, REC_OBJ, &host_shape),
	ROW_OF(list, devices, REC_LIST, &device_shape),
	{ 0 },
};

const struct rec_shape list_shape = SHAPE(list);
