/* SPDX-License-Identifier: MIT */
#include "trace/lines.h"

static const char *const type_names[] = {
	"start", "call", "message", "judge", "end", NULL
};

const char *const line_way_names[] = { "written", "read", NULL };

const char *const trace_arg_names[] = {
	[ARG_NONE] = "none",
	[ARG_FEATURES] = "features",
	[ARG_ARRAY] = "features_array",
	[ARG_BACKEND] = "backend_features",
	[ARG_U64] = "u64",
	[ARG_U32] = "u32",
	[ARG_U16] = "u16",
	[ARG_U8] = "u8",
	[ARG_INT] = "int",
	[ARG_STATUS] = "status",
	[ARG_FD] = "fd",
	[ARG_MEMORY] = "memory",
	[ARG_VRING] = "ring",
	[ARG_VRING_FD] = "ring_fd",
	[ARG_VRING_ADDR] = "ring_addresses",
	[ARG_SCSI] = "scsi_target",
	[ARG_CONFIG] = "config",
	[ARG_RANGE] = "range",
	[ARG_UNKNOWN] = "unknown",
	[ARG_UNREADABLE] = "unreadable",
	[ARG_NUM] = NULL,
};

#define ARG(member, type)                                                                \
	{                                                                                \
#member, type, offsetof(struct line_arg, member), false, NULL            \
	}

static const struct rec_field no_fields[] = { { 0 } };
static const struct rec_field mask_arg_fields[] = {
	{ "mask", REC_INLINE, offsetof(struct line_arg, mask), false, &mask_shape },
	{ 0 },
};
static const struct rec_field value_fields[] = { ARG(value, REC_HEX), { 0 } };
static const struct rec_field number_fields[] = { ARG(number, REC_INT), { 0 } };
static const struct rec_field status_fields[] = { ARG(value, REC_HEX),
						  ARG(status, REC_STRS),
						  { 0 } };

static const struct rec_field region_fields[] = {
	REC_FIELD(struct line_region, guest, REC_STR),
	REC_FIELD(struct line_region, user, REC_STR),
	REC_FIELD(struct line_region, size, REC_HEX),
	{ 0 },
};
static const struct rec_shape region_shape = { "trace_region", sizeof(struct line_region),
					       region_fields, NULL };
static const struct rec_field memory_fields[] = {
	{ "regions", REC_LIST, offsetof(struct line_arg, regions), false, &region_shape },
	{ 0 },
};
static const struct rec_field ring_fields[] = { ARG(index, REC_INT),
						ARG(num, REC_INT),
						{ 0 } };
static const struct rec_field ring_fd_fields[] = { ARG(index, REC_INT),
						   ARG(fd, REC_INT),
						   { 0 } };
static const struct rec_field ring_addr_fields[] = {
	ARG(index, REC_INT),
	ARG(flags, REC_INT),
	ARG(desc, REC_STR),
	ARG(avail, REC_STR),
	ARG(used, REC_STR),
	ARG(log, REC_STR),
	{ 0 },
};
static const struct rec_field scsi_fields[] = { ARG(wwpn, REC_STR), { 0 } };
static const struct rec_field config_fields[] = {
	{ "offset", REC_INT, offsetof(struct line_arg, index), false, NULL },
	{ "length", REC_INT, offsetof(struct line_arg, num), false, NULL },
	{ 0 },
};
static const struct rec_field range_fields[] = { ARG(first, REC_STR),
						 ARG(last, REC_STR),
						 { 0 } };

#define SHAPE(name_, fields_)                                                            \
	{                                                                                \
		"trace_arg_" name_, sizeof(struct line_arg), fields_, NULL               \
	}

static const struct rec_shape arg_shape[ARG_NUM] = {
	[ARG_NONE] = SHAPE("none", no_fields),
	[ARG_FEATURES] = SHAPE("features", mask_arg_fields),
	[ARG_ARRAY] = SHAPE("features_array", mask_arg_fields),
	[ARG_BACKEND] = SHAPE("backend_features", mask_arg_fields),
	[ARG_U64] = SHAPE("u64", value_fields),
	[ARG_U32] = SHAPE("u32", number_fields),
	[ARG_U16] = SHAPE("u16", number_fields),
	[ARG_U8] = SHAPE("u8", number_fields),
	[ARG_INT] = SHAPE("int", number_fields),
	[ARG_STATUS] = SHAPE("status", status_fields),
	[ARG_FD] = SHAPE("fd", number_fields),
	[ARG_MEMORY] = SHAPE("memory", memory_fields),
	[ARG_VRING] = SHAPE("ring", ring_fields),
	[ARG_VRING_FD] = SHAPE("ring_fd", ring_fd_fields),
	[ARG_VRING_ADDR] = SHAPE("ring_addresses", ring_addr_fields),
	[ARG_SCSI] = SHAPE("scsi_target", scsi_fields),
	[ARG_CONFIG] = SHAPE("config", config_fields),
	[ARG_RANGE] = SHAPE("range", range_fields),
	[ARG_UNKNOWN] = SHAPE("unknown", value_fields),
	[ARG_UNREADABLE] = SHAPE("unreadable", no_fields),
};

static const struct rec_shape *const arg_shapes[ARG_NUM + 1] = {
	&arg_shape[ARG_NONE],    &arg_shape[ARG_FEATURES],   &arg_shape[ARG_ARRAY],
	&arg_shape[ARG_BACKEND], &arg_shape[ARG_U64],        &arg_shape[ARG_U32],
	&arg_shape[ARG_U16],     &arg_shape[ARG_U8],         &arg_shape[ARG_INT],
	&arg_shape[ARG_STATUS],  &arg_shape[ARG_FD],         &arg_shape[ARG_MEMORY],
	&arg_shape[ARG_VRING],   &arg_shape[ARG_VRING_FD],   &arg_shape[ARG_VRING_ADDR],
	&arg_shape[ARG_SCSI],    &arg_shape[ARG_CONFIG],     &arg_shape[ARG_RANGE],
	&arg_shape[ARG_UNKNOWN], &arg_shape[ARG_UNREADABLE], NULL,
};

static const struct rec_field arg_head[] = {
	{ "kind", REC_ENUM, offsetof(struct line_arg, kind), false, trace_arg_names },
	{ 0 },
};

static const struct rec_shape line_arg_shape = {
	.name = "trace_arg",
	.size = sizeof(struct line_arg),
	.field = arg_head,
	.variant = arg_shapes,
};

/* ------------------------------------------------------------------- lines */

#define AT(path, key, type)                                                              \
	{                                                                                \
		key, type, offsetof(struct trace_line, path), false, NULL                \
	}
#define NULLABLE(path, key, type)                                                        \
	{                                                                                \
		key, type, offsetof(struct trace_line, path), true, NULL                 \
	}

static const struct rec_field start_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-trace/1" },
	AT(start.command, "command", REC_STR),
	NULLABLE(start.kernel, "kernel", REC_STR),
	AT(start.what_if, "what_if", REC_INTS),
	{ 0 },
};

static const struct rec_field call_fields[] = {
	AT(call.seq, "seq", REC_INT),
	AT(call.pid, "pid", REC_OPT_INT),
	AT(call.device, "device", REC_STR),
	AT(call.fd, "fd", REC_INT),
	AT(call.name, "name", REC_STR),
	{ "arg", REC_OBJ, offsetof(struct trace_line, call.arg), false, &line_arg_shape },
	AT(call.ret, "ret", REC_OPT_INT),
	NULLABLE(call.err, "errno", REC_ERRNO),
	{ 0 },
};

static const struct rec_field message_fields[] = {
	AT(message.seq, "seq", REC_INT),
	AT(message.pid, "pid", REC_OPT_INT),
	AT(message.device, "device", REC_STR),
	AT(message.fd, "fd", REC_INT),
	{ "way", REC_ENUM, offsetof(struct trace_line, message.way), false,
	  line_way_names },
	AT(message.version, "version", REC_INT),
	AT(message.name, "name", REC_STR),
	AT(message.iova, "iova", REC_STR),
	AT(message.size, "size", REC_HEX),
	AT(message.user, "user", REC_STR),
	AT(message.perm, "perm", REC_INT),
	AT(message.asid, "asid", REC_INT),
	NULLABLE(message.err, "errno", REC_ERRNO),
	{ 0 },
};

static const struct rec_field judge_fields[] = {
	AT(judge.seq, "seq", REC_INT),
	AT(judge.device, "device", REC_STR),
	{ "verdict", REC_ENUM, offsetof(struct trace_line, judge.verdict), false,
	  stack_verdict_names },
	NULLABLE(judge.signature, "signature", REC_STR),
	AT(judge.text, "text", REC_STR),
	{ 0 },
};

#define MASK(member)                                                                     \
	{                                                                                \
#member, REC_PTR, offsetof(struct line_features, member), false,         \
			&mask_shape                                                      \
	}

static const struct rec_field features_fields[] = {
	MASK(offered),
	MASK(sent),
	MASK(backend_offered),
	MASK(backend_sent),
	MASK(shown),
	MASK(would_send),
	{ 0 },
};
static const struct rec_shape features_shape = { "trace_features",
						 sizeof(struct line_features),
						 features_fields, NULL };

static const struct rec_field what_if_fields[] = {
	{ "verdict", REC_ENUM, offsetof(struct line_what_if, verdict), false,
	  stack_verdict_names },
	{ "signature", REC_STR, offsetof(struct line_what_if, signature), true, NULL },
	REC_FIELD(struct line_what_if, text, REC_STR),
	{ 0 },
};
static const struct rec_shape what_if_shape = { "trace_what_if",
						sizeof(struct line_what_if),
						what_if_fields, NULL };

static const struct rec_field end_fields[] = {
	NULLABLE(end.device, "device", REC_STR),
	{ "verdict", REC_ENUM, offsetof(struct trace_line, end.verdict), false,
	  stack_verdict_names },
	NULLABLE(end.signature, "signature", REC_STR),
	AT(end.text, "text", REC_STR),
	{ "features", REC_PTR, offsetof(struct trace_line, end.features), true,
	  &features_shape },
	{ "unobserved", REC_PTR, offsetof(struct trace_line, end.unobserved), true,
	  &mask_shape },
	{ "what_if", REC_PTR, offsetof(struct trace_line, end.what_if), true,
	  &what_if_shape },
	AT(end.notes, "notes", REC_STRS),
	{ 0 },
};

#define LINE(name_, fields_)                                                             \
	{                                                                                \
		"trace_" name_, sizeof(struct trace_line), fields_, NULL                 \
	}

static const struct rec_shape line_shape[LINE_TYPE_NUM] = {
	[LINE_START] = LINE("start", start_fields),
	[LINE_CALL] = LINE("call", call_fields),
	[LINE_MESSAGE] = LINE("message", message_fields),
	[LINE_JUDGE] = LINE("judge", judge_fields),
	[LINE_END] = LINE("end", end_fields),
};

static const struct rec_shape *const line_shapes[LINE_TYPE_NUM + 1] = {
	&line_shape[LINE_START], &line_shape[LINE_CALL], &line_shape[LINE_MESSAGE],
	&line_shape[LINE_JUDGE], &line_shape[LINE_END],  NULL,
};

static const struct rec_field line_head[] = {
	{ "type", REC_ENUM, offsetof(struct trace_line, type), false, type_names },
	{ 0 },
};

const struct rec_shape trace_line_shape = {
	.name = "trace_line",
	.size = sizeof(struct trace_line),
	.field = line_head,
	.variant = line_shapes,
};
