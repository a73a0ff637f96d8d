/* SPDX-License-Identifier: MIT */
#include <linux/vhost.h>
#include <string.h>

#include "trace/decode.h"

#define IOTLB_AT 8u
/* up to and with the type; the message ends in padding */
#define MESSAGE_LEAST 34u

const char *const trace_status_names[8] = {
	"ACKNOWLEDGE", "DRIVER", "DRIVER_OK",          "FEATURES_OK",
	NULL,          NULL,     "DEVICE_NEEDS_RESET", "FAILED",
};

/** struct source - where an argument lies */
struct source {
	const struct trace_memory *memory;
	uint64_t at;
};

static bool get(const struct source *s, size_t offset, void *buf, size_t len)
{
	uint64_t at = 0;

	memset(buf, 0, len);
	return !__builtin_add_overflow(s->at, (uint64_t)offset, &at) &&
	       s->memory->read(s->memory->ctx, at, buf, len) == 0;
}

static bool get_number(const struct source *s, struct trace_op *op)
{
	uint8_t u8 = 0;
	uint16_t u16 = 0;
	uint32_t u32 = 0;
	bool ok = false;

	if (op->arg == ARG_U64)
		return get(s, 0, &op->number, sizeof(op->number));
	if (op->arg == ARG_U8 || op->arg == ARG_STATUS) {
		ok = get(s, 0, &u8, sizeof(u8));
		op->number = u8;
	} else if (op->arg == ARG_U16) {
		ok = get(s, 0, &u16, sizeof(u16));
		op->number = u16;
	} else {
		ok = get(s, 0, &u32, sizeof(u32));
		op->number = op->arg == ARG_U32 ? u32 : (uint64_t)(int64_t)(int32_t)u32;
	}
	return ok;
}

/* Words past the second are no feature that any kernel has; it refuses them. */
static bool get_array(const struct source *s, struct trace_op *op)
{
	uint64_t count = 0;

	if (!get(s, 0, &count, sizeof(count)))
		return false;
	for (size_t i = 0; i < FEATURE_WORDS && i < count; i++)
		if (!get(s, 8 + 8 * i, &op->features.word[i], 8))
			return false;
	return true;
}

static bool get_regions(const struct source *s, struct trace_region *room,
			struct trace_op *op)
{
	struct vhost_memory head;
	struct vhost_memory_region r;

	if (!get(s, 0, &head, sizeof(head)))
		return false;
	op->region = room;
	for (size_t i = 0; i < head.nregions && i < TRACE_REGIONS_MAX; i++) {
		if (!get(s, sizeof(head) + i * sizeof(r), &r, sizeof(r)))
			return false;
		room[op->regions++] = (struct trace_region){ .guest = r.guest_phys_addr,
							     .size = r.memory_size,
							     .user = r.userspace_addr };
	}
	return true;
}

static bool get_vring(const struct source *s, struct trace_op *op)
{
	struct vhost_vring_state state;
	bool ok = get(s, 0, &state, sizeof(state));

	op->index = state.index;
	op->num = state.num;
	op->fd = (int32_t)state.num; /* struct vhost_vring_file has an fd in its place */
	return ok;
}

static bool get_vring_addr(const struct source *s, struct trace_op *op)
{
	struct vhost_vring_addr addr;
	bool ok = get(s, 0, &addr, sizeof(addr));

	op->index = addr.index;
	op->flags = addr.flags;
	op->desc = addr.desc_user_addr;
	op->used = addr.used_user_addr;
	op->avail = addr.avail_user_addr;
	op->log = addr.log_guest_addr;
	return ok;
}

static bool get_scsi(const struct source *s, struct trace_op *op)
{
	struct vhost_scsi_target target;
	bool ok = get(s, 0, &target, sizeof(target));

	op->index = (uint32_t)target.abi_version;
	op->num = target.vhost_tpgt;
	memcpy(op->wwpn, target.vhost_wwpn, sizeof(target.vhost_wwpn));
	op->wwpn[sizeof(op->wwpn) - 1] = '\0';
	return ok;
}

static bool get_range(const struct source *s, struct trace_op *op)
{
	return get(s, 0, &op->first, 8) && get(s, 8, &op->last, 8);
}

static bool get_config(const struct source *s, struct trace_op *op)
{
	return get(s, 0, &op->index, 4) && get(s, 4, &op->num, 4);
}

static bool get_argument(const struct source *s, struct trace_region *room,
			 struct trace_op *op)
{
	switch (op->arg) {
	case ARG_FEATURES:
	case ARG_BACKEND:
		return get(s, 0, &op->features.word[0], 8);
	case ARG_ARRAY:
		return get_array(s, op);
	case ARG_MEMORY:
		return get_regions(s, room, op);
	case ARG_VRING:
	case ARG_VRING_FD:
		return get_vring(s, op);
	case ARG_VRING_ADDR:
		return get_vring_addr(s, op);
	case ARG_SCSI:
		return get_scsi(s, op);
	case ARG_CONFIG:
		return get_config(s, op);
	case ARG_RANGE:
		return get_range(s, op);
	case ARG_U64:
	case ARG_U32:
	case ARG_U16:
	case ARG_U8:
	case ARG_INT:
	case ARG_STATUS:
	case ARG_FD:
		return get_number(s, op);
	case ARG_NONE:
	case ARG_UNKNOWN:
	case ARG_UNREADABLE:
	case ARG_NUM:
		break;
	}
	return true;
}

void trace_decode(const struct trace_memory *memory, uint32_t cmd, uint64_t value,
		  bool failed, struct trace_region *room, struct trace_op *ret)
{
	const struct trace_request *request = trace_request_find(cmd);
	const struct source s = { .memory = memory, .at = value };

	*ret = (struct trace_op){ .request = request, .cmd = cmd, .number = value };
	ret->arg = request ? request->arg : ARG_UNKNOWN;
	if (ret->arg == ARG_UNKNOWN)
		return;
	ret->number = 0;
	if (request->result && failed) {
		ret->arg = ARG_NONE;
		return;
	}
	if (!get_argument(&s, room, ret))
		ret->arg = ARG_UNREADABLE;
}

struct trace_message trace_decode_message(const uint8_t *bytes, size_t len)
{
	struct trace_message m = { 0 };
	struct vhost_iotlb_msg iotlb;
	uint32_t type = 0;

	if (len < MESSAGE_LEAST)
		return m;
	memcpy(&type, bytes, sizeof(type));
	if (type != VHOST_IOTLB_MSG && type != VHOST_IOTLB_MSG_V2)
		return m;
	memset(&iotlb, 0, sizeof(iotlb));
	memcpy(&iotlb, bytes + IOTLB_AT, MESSAGE_LEAST - IOTLB_AT);
	m = (struct trace_message){
		.version = type == VHOST_IOTLB_MSG ? 1 : 2,
		.type = iotlb.type,
		.perm = iotlb.perm,
		.iova = iotlb.iova,
		.size = iotlb.size,
		.uaddr = iotlb.uaddr,
	};
	if (m.version == 2)
		memcpy(&m.asid, bytes + sizeof(type), sizeof(m.asid));
	return m;
}
