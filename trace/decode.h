/* SPDX-License-Identifier: MIT */
/* What a traced call says, from its numbers and the memory that they point to. Pure. */
#ifndef TRACE_DECODE_H
#define TRACE_DECODE_H

#include <sys/types.h>

#include "base/bits.h"
#include "trace/request.h"

/** TRACE_REGIONS_MAX - memory regions that are kept of one table; kernels take 64 */
#define TRACE_REGIONS_MAX 512u

/** TRACE_MESSAGE_SIZE - bytes of an IOTLB message, struct vhost_msg and _v2 */
#define TRACE_MESSAGE_SIZE 72u

/**
 * struct trace_memory - the memory of the traced process
 * @read:	copy @len bytes at @at; 0, or -errno if any of them cannot be read
 * @ctx:	of @read
 */
struct trace_memory {
	int (*read)(void *ctx, uint64_t at, void *buf, size_t len);
	void *ctx;
};

/** struct trace_region - one region of a memory table */
struct trace_region {
	uint64_t guest, size, user;
};

/**
 * struct trace_op - one decoded ioctl
 * @request:	its row, NULL if unknown
 * @cmd:	its number
 * @arg:	enum trace_arg: what of the rest is set; ARG_NONE also for a result that
 *		was refused
 * @features:	ARG_FEATURES, ARG_ARRAY (bits above 127 are dropped), ARG_BACKEND
 * @number:	ARG_U64 and smaller, ARG_STATUS, ARG_UNKNOWN; ARG_INT and ARG_FD
 *		sign-extended
 * @index:	ARG_VRING*: ring; ARG_SCSI: abi version; ARG_CONFIG: offset
 * @num:	ARG_VRING: value; ARG_CONFIG: length; ARG_SCSI: tpgt
 * @fd:		ARG_VRING_FD
 * @flags, @desc, @used, @avail, @log: ARG_VRING_ADDR
 * @first, @last: ARG_RANGE
 * @wwpn:	ARG_SCSI
 * @region:	ARG_MEMORY: @regions of them, in memory of the caller's
 * @regions:	entries of @region
 */
struct trace_op {
	const struct trace_request *request;
	uint32_t cmd;
	enum trace_arg arg;
	struct feature_set features;
	uint64_t number;
	uint32_t index, num;
	int32_t fd;
	uint32_t flags;
	uint64_t desc, used, avail, log;
	uint64_t first, last;
	char wwpn[225];
	struct trace_region *region;
	size_t regions;
};

/**
 * trace_decode() - decode a request that has returned
 * @memory:	of the caller
 * @cmd:	request
 * @value:	third argument of ioctl(2)
 * @failed:	it was refused: what the kernel would have written is not read
 * @room:	TRACE_REGIONS_MAX regions, for @ret->region
 * @ret:	filled in
 */
void trace_decode(const struct trace_memory *memory, uint32_t cmd, uint64_t value,
		  bool failed, struct trace_region *room, struct trace_op *ret);

/**
 * struct trace_message - one IOTLB message
 * @version:	1 (struct vhost_msg) or 2; 0 if it is neither
 * @type:	VHOST_IOTLB_*
 * @perm:	VHOST_ACCESS_*
 * @asid:	address space, version 2 only
 * @iova, @size, @uaddr: as sent
 */
struct trace_message {
	int version;
	uint8_t type, perm;
	uint32_t asid;
	uint64_t iova, size, uaddr;
};

/**
 * trace_decode_message() - decode the bytes of a read or write
 * @bytes:	of the message, as many as came
 * @len:	their number; fewer than 34 are version 0
 *
 * The layout is that of a 64-bit kernel, whatever the program: vhost reads messages of
 * 32-bit programs by it too (drivers/vhost/vhost.c: vhost_chr_write_iter()).
 */
struct trace_message trace_decode_message(const uint8_t *bytes, size_t len);

/** trace_status_names - "ACKNOWLEDGE" and so on by bit of the virtio status, or NULL */
extern const char *const trace_status_names[8];

#endif
