/* SPDX-License-Identifier: MIT */
#include <linux/vhost.h>

#include "base/cleanup.h"
#include "trace/request.h"

/*
 * By number and size, since the build host's <linux/vhost.h> may be older than the
 * kernel that is traced on. Direction and size are as the header has them, whether or
 * not they say what the kernel does (GET_VRING_ENDIAN is an _IOW).
 */
#define N(nr) _IO(VHOST_VIRTIO, nr)
#define R(nr, size) _IOC(_IOC_READ, VHOST_VIRTIO, nr, size)
#define W(nr, size) _IOC(_IOC_WRITE, VHOST_VIRTIO, nr, size)
#define RW(nr, size) _IOC(_IOC_READ | _IOC_WRITE, VHOST_VIRTIO, nr, size)

#define TARGET sizeof(struct vhost_scsi_target)
#define RING sizeof(struct vhost_vring_state)

const struct trace_request trace_requests[] = {
	{ R(0x00, 8), "VHOST_GET_FEATURES", ARG_FEATURES, REQ_GET_FEATURES, true },
	{ W(0x00, 8), "VHOST_SET_FEATURES", ARG_FEATURES, REQ_SET_FEATURES, false },
	{ N(0x01), "VHOST_SET_OWNER", ARG_NONE, REQ_SET_OWNER, false },
	{ N(0x02), "VHOST_RESET_OWNER", ARG_NONE, REQ_RESET_OWNER, false },
	{ W(0x03, 8), "VHOST_SET_MEM_TABLE", ARG_MEMORY, REQ_MEM_TABLE, false },
	{ W(0x04, 8), "VHOST_SET_LOG_BASE", ARG_U64, REQ_LOG_BASE, false },
	{ W(0x07, 4), "VHOST_SET_LOG_FD", ARG_FD, REQ_LOG_FD, false },
	{ R(0x08, 4), "VHOST_NEW_WORKER", ARG_U32, REQ_OTHER, true },
	{ W(0x09, 4), "VHOST_FREE_WORKER", ARG_U32, REQ_OTHER, false },
	{ W(0x10, RING), "VHOST_SET_VRING_NUM", ARG_VRING, REQ_VRING_NUM, false },
	{ W(0x11, sizeof(struct vhost_vring_addr)), "VHOST_SET_VRING_ADDR",
	  ARG_VRING_ADDR, REQ_VRING_ADDR, false },
	{ W(0x12, RING), "VHOST_SET_VRING_BASE", ARG_VRING, REQ_VRING_BASE, false },
	{ RW(0x12, RING), "VHOST_GET_VRING_BASE", ARG_VRING, REQ_OTHER, true },
	{ W(0x13, RING), "VHOST_SET_VRING_ENDIAN", ARG_VRING, REQ_OTHER, false },
	{ W(0x14, RING), "VHOST_GET_VRING_ENDIAN", ARG_VRING, REQ_OTHER, true },
	{ W(0x15, 8), "VHOST_ATTACH_VRING_WORKER", ARG_VRING, REQ_OTHER, false },
	{ RW(0x16, 8), "VHOST_GET_VRING_WORKER", ARG_VRING, REQ_OTHER, true },
	{ W(0x20, 8), "VHOST_SET_VRING_KICK", ARG_VRING_FD, REQ_VRING_KICK, false },
	{ W(0x21, 8), "VHOST_SET_VRING_CALL", ARG_VRING_FD, REQ_VRING_CALL, false },
	{ W(0x22, 8), "VHOST_SET_VRING_ERR", ARG_VRING_FD, REQ_VRING_ERR, false },
	{ W(0x23, RING), "VHOST_SET_VRING_BUSYLOOP_TIMEOUT", ARG_VRING, REQ_OTHER,
	  false },
	{ W(0x24, RING), "VHOST_GET_VRING_BUSYLOOP_TIMEOUT", ARG_VRING, REQ_OTHER, true },
	{ W(0x25, 8), "VHOST_SET_BACKEND_FEATURES", ARG_BACKEND, REQ_SET_BACKEND, false },
	{ R(0x26, 8), "VHOST_GET_BACKEND_FEATURES", ARG_BACKEND, REQ_GET_BACKEND, true },
	{ W(0x30, 8), "VHOST_NET_SET_BACKEND", ARG_VRING_FD, REQ_NET_BACKEND, false },
	{ W(0x40, TARGET), "VHOST_SCSI_SET_ENDPOINT", ARG_SCSI, REQ_SCSI_SET, false },
	{ W(0x41, TARGET), "VHOST_SCSI_CLEAR_ENDPOINT", ARG_SCSI, REQ_SCSI_CLEAR, false },
	{ W(0x42, 4), "VHOST_SCSI_GET_ABI_VERSION", ARG_INT, REQ_SCSI_ABI, true },
	{ W(0x43, 4), "VHOST_SCSI_SET_EVENTS_MISSED", ARG_U32, REQ_OTHER, false },
	{ W(0x44, 4), "VHOST_SCSI_GET_EVENTS_MISSED", ARG_U32, REQ_OTHER, true },
	{ W(0x60, 8), "VHOST_VSOCK_SET_GUEST_CID", ARG_U64, REQ_VSOCK_CID, false },
	{ W(0x61, 4), "VHOST_VSOCK_SET_RUNNING", ARG_INT, REQ_VSOCK_RUNNING, false },
	{ R(0x70, 4), "VHOST_VDPA_GET_DEVICE_ID", ARG_U32, REQ_VDPA_DEVICE_ID, true },
	{ R(0x71, 1), "VHOST_VDPA_GET_STATUS", ARG_STATUS, REQ_VDPA_GET_STATUS, true },
	{ W(0x72, 1), "VHOST_VDPA_SET_STATUS", ARG_STATUS, REQ_VDPA_STATUS, false },
	{ R(0x73, 8), "VHOST_VDPA_GET_CONFIG", ARG_CONFIG, REQ_OTHER, false },
	{ W(0x74, 8), "VHOST_VDPA_SET_CONFIG", ARG_CONFIG, REQ_OTHER, false },
	{ W(0x75, RING), "VHOST_VDPA_SET_VRING_ENABLE", ARG_VRING, REQ_VDPA_ENABLE,
	  false },
	{ R(0x76, 2), "VHOST_VDPA_GET_VRING_NUM", ARG_U16, REQ_OTHER, true },
	{ W(0x77, 4), "VHOST_VDPA_SET_CONFIG_CALL", ARG_FD, REQ_VDPA_CONFIG_CALL, false },
	{ R(0x78, 16), "VHOST_VDPA_GET_IOVA_RANGE", ARG_RANGE, REQ_VDPA_IOVA_RANGE,
	  true },
	{ R(0x79, 4), "VHOST_VDPA_GET_CONFIG_SIZE", ARG_U32, REQ_OTHER, true },
	{ R(0x7a, 4), "VHOST_VDPA_GET_AS_NUM", ARG_U32, REQ_OTHER, true },
	{ RW(0x7b, RING), "VHOST_VDPA_GET_VRING_GROUP", ARG_VRING, REQ_OTHER, true },
	{ W(0x7c, RING), "VHOST_VDPA_SET_GROUP_ASID", ARG_VRING, REQ_OTHER, false },
	{ N(0x7d), "VHOST_VDPA_SUSPEND", ARG_NONE, REQ_OTHER, false },
	{ N(0x7e), "VHOST_VDPA_RESUME", ARG_NONE, REQ_OTHER, false },
	{ RW(0x7f, RING), "VHOST_VDPA_GET_VRING_DESC_GROUP", ARG_VRING, REQ_OTHER, true },
	{ R(0x80, 4), "VHOST_VDPA_GET_VQS_COUNT", ARG_U32, REQ_OTHER, true },
	{ R(0x81, 4), "VHOST_VDPA_GET_GROUP_NUM", ARG_U32, REQ_OTHER, true },
	{ RW(0x82, RING), "VHOST_VDPA_GET_VRING_SIZE", ARG_VRING, REQ_OTHER, true },
	{ R(0x83, 8), "VHOST_GET_FEATURES_ARRAY", ARG_ARRAY, REQ_GET_FEATURES, true },
	{ W(0x83, 8), "VHOST_SET_FEATURES_ARRAY", ARG_ARRAY, REQ_SET_FEATURES, false },
	/* 6.12.42 and 6.16 to 6.16.4 had these two at 0x83 and 0x84: 24fc631539cc */
	{ W(0x84, 1), "VHOST_SET_FORK_FROM_OWNER", ARG_U8, REQ_FORK_FROM_OWNER, false },
	{ R(0x85, 1), "VHOST_GET_FORK_FROM_OWNER", ARG_U8, REQ_OTHER, true },
	{ W(0x83, 1), "VHOST_SET_FORK_FROM_OWNER", ARG_U8, REQ_FORK_FROM_OWNER, false },
	{ R(0x84, 1), "VHOST_GET_FORK_FROM_OWNER", ARG_U8, REQ_OTHER, true },
};

const size_t trace_request_count = ARRAY_SIZE(trace_requests);

const struct trace_request *trace_request_find(uint32_t cmd)
{
	for (size_t i = 0; i < trace_request_count; i++)
		if (trace_requests[i].cmd == cmd)
			return &trace_requests[i];
	return NULL;
}
