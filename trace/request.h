/* SPDX-License-Identifier: MIT */
/* The ioctl requests of vhost, by number. Pure. */
#ifndef TRACE_REQUEST_H
#define TRACE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum trace_arg - what a request's argument is, and how it is shown
 * @ARG_NONE:		nothing
 * @ARG_FEATURES:	u64 of feature bits
 * @ARG_ARRAY:		u64 count, then that many u64 of feature bits
 * @ARG_BACKEND:	u64 of backend feature bits
 * @ARG_U64, @ARG_U32, @ARG_U16, @ARG_U8, @ARG_INT: one number
 * @ARG_STATUS:		u8 of virtio status bits
 * @ARG_FD:		int, a descriptor
 * @ARG_MEMORY:		struct vhost_memory
 * @ARG_VRING:		struct vhost_vring_state
 * @ARG_VRING_FD:	struct vhost_vring_file
 * @ARG_VRING_ADDR:	struct vhost_vring_addr
 * @ARG_SCSI:		struct vhost_scsi_target
 * @ARG_CONFIG:		struct vhost_vdpa_config, without the bytes
 * @ARG_RANGE:		struct vhost_vdpa_iova_range
 * @ARG_UNKNOWN:	a request that is not in the table: the argument as it is
 * @ARG_UNREADABLE:	the address could not be read
 */
enum trace_arg {
	ARG_NONE,
	ARG_FEATURES,
	ARG_ARRAY,
	ARG_BACKEND,
	ARG_U64,
	ARG_U32,
	ARG_U16,
	ARG_U8,
	ARG_INT,
	ARG_STATUS,
	ARG_FD,
	ARG_MEMORY,
	ARG_VRING,
	ARG_VRING_FD,
	ARG_VRING_ADDR,
	ARG_SCSI,
	ARG_CONFIG,
	ARG_RANGE,
	ARG_UNKNOWN,
	ARG_UNREADABLE,
	ARG_NUM
};

/** enum trace_id - requests that mean something to the state of a device */
enum trace_id {
	REQ_OTHER,
	REQ_FORK_FROM_OWNER,
	REQ_GET_FEATURES,
	REQ_SET_FEATURES,
	REQ_GET_BACKEND,
	REQ_SET_BACKEND,
	REQ_SET_OWNER,
	REQ_RESET_OWNER,
	REQ_MEM_TABLE,
	REQ_LOG_BASE,
	REQ_LOG_FD,
	REQ_VRING_NUM,
	REQ_VRING_ADDR,
	REQ_VRING_BASE,
	REQ_VRING_KICK,
	REQ_VRING_CALL,
	REQ_VRING_ERR,
	REQ_NET_BACKEND,
	REQ_VSOCK_CID,
	REQ_VSOCK_RUNNING,
	REQ_SCSI_SET,
	REQ_SCSI_CLEAR,
	REQ_SCSI_ABI,
	REQ_VDPA_DEVICE_ID,
	REQ_VDPA_IOVA_RANGE,
	REQ_VDPA_STATUS,
	REQ_VDPA_GET_STATUS,
	REQ_VDPA_ENABLE,
	REQ_VDPA_CONFIG_CALL,
};

/**
 * struct trace_request - one request
 * @cmd:	number as ioctl(2) takes it
 * @name:	of <linux/vhost.h>
 * @arg:	enum trace_arg
 * @id:		enum trace_id
 * @result:	the kernel writes the argument: after a refusal it holds nothing
 */
struct trace_request {
	uint32_t cmd;
	const char *name;
	enum trace_arg arg;
	enum trace_id id;
	bool result;
};

/**
 * trace_request_find() - a request by its number
 * @cmd:	32 bits of it, as the kernel looks at them
 *
 * Return: static row, or NULL for a number that no kernel up to 7.3 has.
 */
const struct trace_request *trace_request_find(uint32_t cmd);

/** trace_requests - all rows, and how many */
extern const struct trace_request trace_requests[];
extern const size_t trace_request_count;

#endif
