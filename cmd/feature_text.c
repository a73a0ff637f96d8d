/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/feature_text.h"

static const struct feature_text texts[] = {
	{ "VIRTIO_NET_F_CSUM",
	  "The device takes frames whose checksum is not yet complete.",
	  "The backend (tap) completes checksums, not vhost-net, which does not offer the "
	  "bit: switch it on at the tap with TUNSETOFFLOAD and leave it out here.",
	  "virtio 1.2, 5.1.3; drivers/vhost/net.c: VHOST_NET_FEATURES" },
	{ "VIRTIO_NET_F_GUEST_CSUM",
	  "The guest takes frames whose checksum is not yet complete.",
	  "The backend (tap) decides what it passes on, not vhost-net, which does not offer "
	  "the bit: switch it on at the tap with TUNSETOFFLOAD and leave it out here.",
	  "virtio 1.2, 5.1.3; drivers/vhost/net.c: VHOST_NET_FEATURES" },
	{ "VIRTIO_NET_F_MRG_RXBUF", "A received frame may fill several buffers.",
	  "The header has 12 bytes, with num_buffers at its end: the tap must be told by "
	  "TUNSETVNETHDRSZ, and the guest must have acknowledged the bit. Post room for a "
	  "whole frame: kernels before 7.2 and 6.12.97 spin when there is less.",
	  "virtio 1.2, 5.1.6; drivers/vhost/net.c: vhost_net_set_features()" },
	{ "VHOST_NET_F_VIRTIO_NET_HDR",
	  "vhost-net itself makes and drops the header that stands before each frame.",
	  "Send it only with a backend that has no such header (a packet socket, or a tap "
	  "without IFF_VNET_HDR). The number is that of VIRTIO_F_ANY_LAYOUT: pass a guest's "
	  "ANY_LAYOUT on, and every frame is shifted by the size of a header.",
	  "include/uapi/linux/vhost.h; drivers/vhost/net.c: vhost_net_set_features()" },
	{ "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO",
	  "The guest takes large UDP frames that carry a tunnel.",
	  "The header grows to 24 bytes and TUNSETVNETHDRSZ must say so; bits from 64 on go "
	  "by VHOST_SET_FEATURES_ARRAY only (6.17).",
	  "drivers/vhost/net.c: VHOST_NET_FEATURES, commit bbca931fce26" },
	{ "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM",
	  "As GUEST_UDP_TUNNEL_GSO, with the outer checksum left to the guest.",
	  "Needs GUEST_UDP_TUNNEL_GSO, and what that obliges to.",
	  "include/uapi/linux/virtio_net.h" },
	{ "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO",
	  "The device takes large UDP frames that carry a tunnel.",
	  "The header grows to 24 bytes and TUNSETVNETHDRSZ must say so; bits from 64 on go "
	  "by VHOST_SET_FEATURES_ARRAY only (6.17).",
	  "drivers/vhost/net.c: VHOST_NET_FEATURES, commit bbca931fce26" },
	{ "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM",
	  "As HOST_UDP_TUNNEL_GSO, with the outer checksum left to the device.",
	  "Needs HOST_UDP_TUNNEL_GSO, and what that obliges to.",
	  "include/uapi/linux/virtio_net.h" },
	{ "VIRTIO_VSOCK_F_SEQPACKET", "Sockets that keep message boundaries work.",
	  "The guest may then open connections of type 2. Nothing else changes for a VMM, but "
	  "a guest that has it cannot move to a host older than 5.14.",
	  "virtio 1.2, 5.10.3; drivers/vhost/vsock.c: VHOST_VSOCK_FEATURES" },
	{ "VIRTIO_SCSI_F_INOUT", "A request may have data in both directions.",
	  "vhost-scsi does not offer it: leave it out.",
	  "virtio 1.2, 5.6.3; drivers/vhost/scsi.c: VHOST_SCSI_FEATURES" },
	{ "VIRTIO_SCSI_F_HOTPLUG", "The device tells when a LUN comes or goes.",
	  "Give the event ring buffers, and read VHOST_SCSI_GET_EVENTS_MISSED after a stop.",
	  "virtio 1.2, 5.6.6.3; drivers/vhost/scsi.c: vhost_scsi_do_plug()" },
	{ "VIRTIO_SCSI_F_CHANGE", "The device tells when a LUN's parameters change.",
	  "vhost-scsi does not offer it: leave it out.",
	  "virtio 1.2, 5.6.3; drivers/vhost/scsi.c: VHOST_SCSI_FEATURES" },
	{ "VIRTIO_SCSI_F_T10_PI", "Requests carry protection information.",
	  "The layout of the request header changes: send it only if the guest has "
	  "acknowledged it.",
	  "virtio 1.2, 5.6.6.1; drivers/vhost/scsi.c: vhost_scsi_handle_vq()" },
	{ "VIRTIO_F_NOTIFY_ON_EMPTY",
	  "A call is sent when a ring runs empty, even if suppressed.",
	  "Nothing more; a legacy bit that harms nobody.",
	  "virtio 0.9.5, 2.2.2; drivers/vhost/vhost.c: vhost_notify()" },
	{ "VHOST_F_LOG_ALL", "The device marks every page that it writes in a bitmap.",
	  "Set VHOST_SET_LOG_BASE first. It is for the time of a migration and is never the "
	  "guest's: a VMM that passes it on has a device that logs to address 0, or fails at "
	  "its start.",
	  "include/uapi/linux/vhost.h; drivers/vhost/vhost.c: vhost_log_write()" },
	{ "VIRTIO_F_ANY_LAYOUT", "Buffers may be cut anywhere, headers too.",
	  "Nothing more with VERSION_1, which implies it. On vhost-net the same number is "
	  "VHOST_NET_F_VIRTIO_NET_HDR.",
	  "virtio 1.2, 2.7.4" },
	{ "VIRTIO_RING_F_INDIRECT_DESC",
	  "A descriptor may point to a table of descriptors.",
	  "Nothing from the VMM; the table must be in memory that was mapped for the device.",
	  "virtio 1.2, 2.7.5.3; drivers/vhost/vhost.c: get_indirect()" },
	{ "VIRTIO_RING_F_EVENT_IDX", "Kicks and calls are suppressed by index.",
	  "Send it exactly if the guest has acknowledged it: else one side waits for a "
	  "notification that the other has suppressed.",
	  "virtio 1.2, 2.7.7; drivers/vhost/vhost.c: vhost_notify()" },
	{ "VIRTIO_F_VERSION_1",
	  "Rings are little-endian and headers have the form of virtio 1.0.",
	  "Send it if the guest has acknowledged it. Without it headers are the guest's "
	  "endianness and the network header may have 10 bytes.",
	  "virtio 1.2, 6.1; drivers/vhost/vhost.c: vhost_init_is_le()" },
	{ "VIRTIO_F_ACCESS_PLATFORM",
	  "In vhost it switches the device IOTLB on: all addresses become I/O virtual.",
	  "Write VHOST_IOTLB_UPDATE for every used ring before the start, read every "
	  "VHOST_IOTLB_MISS and answer it. A VMM that has no vIOMMU must take the bit out, "
	  "whatever its guest acknowledged: with no mapping the start fails with EFAULT, or, "
	  "with the bit sent late, every call succeeds and no byte moves. vDPA devices are the "
	  "reverse: they demand the bit.",
	  "drivers/vhost/vhost.c: vhost_init_device_iotlb(), iotlb_access_ok(); vsock since "
	  "5.11, commit e13a6915a03f" },
	{ "VIRTIO_F_RING_PACKED", "Rings have the packed layout.",
	  "Only vDPA devices offer it. VHOST_SET_VRING_BASE then carries two wrap counters.",
	  "virtio 1.2, 2.8; drivers/vhost/vdpa.c" },
	{ "VIRTIO_F_IN_ORDER",
	  "Buffers are used in the order in which they were made available.",
	  "Send it only if the guest has acknowledged it: the device then writes one used "
	  "entry for a batch, and any other guest reads stale ones.",
	  "virtio 1.2, 2.7.9; drivers/vhost/vhost.c, commit 67a873df0c41 (6.17)" },
	{ "VIRTIO_F_ORDER_PLATFORM", "Memory is ordered as for real devices.",
	  "Nothing in vhost, which does not offer it but through vDPA.",
	  "virtio 1.2, 6" },
	{ "VIRTIO_F_SR_IOV", "The device has virtual functions.",
	  "Nothing in vhost, which does not offer it but through vDPA.",
	  "virtio 1.2, 6" },
	{ "VIRTIO_F_NOTIFICATION_DATA", "A kick carries the ring's index.",
	  "Only vDPA devices offer it; kicks must then be written to the doorbell.",
	  "virtio 1.2, 2.9" },
	{ "VIRTIO_F_NOTIF_CONFIG_DATA",
	  "The device chooses the number that a kick carries.",
	  "Nothing in vhost, which does not offer it but through vDPA.",
	  "virtio 1.2, 6" },
	{ "VIRTIO_F_RING_RESET", "One ring can be reset alone.",
	  "If the guest has acknowledged it, the VMM must stop and restart a single ring: "
	  "backend -1, then VHOST_SET_VRING_* and the backend again.",
	  "virtio 1.2, 2.6.1; drivers/vhost/net.c, commit 313389be06ff (6.3)" },
	{ "VIRTIO_F_ADMIN_VQ", "The device has an administration queue.",
	  "Nothing in vhost, which does not offer it but through vDPA.",
	  "virtio 1.3, 2.13" },
	{ "VHOST_BACKEND_F_IOTLB_MSG_V2", "IOTLB messages have the second form.",
	  "Once it is set VHOST_IOTLB_MISS is read as struct vhost_msg_v2. Its size differs "
	  "from that of the first: a reader of the other form reads nonsense.",
	  "include/uapi/linux/vhost_types.h; drivers/vhost/vhost.c: vhost_chr_read_iter()" },
	{ "VHOST_BACKEND_F_IOTLB_BATCH", "IOTLB messages may be grouped.",
	  "Send VHOST_IOTLB_BATCH_BEGIN and _END in pairs; between them nothing is mapped yet.",
	  "include/uapi/linux/vhost_types.h; drivers/vhost/vdpa.c" },
	{ "VHOST_BACKEND_F_IOTLB_ASID", "There are several address spaces.",
	  "Put the address space into each message, and each ring group into one by "
	  "VHOST_VDPA_SET_GROUP_ASID.",
	  "include/uapi/linux/vhost_types.h; drivers/vhost/vdpa.c" },
	{ "VHOST_BACKEND_F_SUSPEND", "VHOST_VDPA_SUSPEND works.",
	  "Nothing; suspend before reading the ring bases for a migration.",
	  "include/uapi/linux/vhost_types.h; drivers/vhost/vdpa.c" },
	{ "VHOST_BACKEND_F_RESUME", "VHOST_VDPA_RESUME works.", "Nothing.",
	  "include/uapi/linux/vhost_types.h; drivers/vhost/vdpa.c" },
	{ "VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK",
	  "Rings may be enabled when the device already runs.", "Nothing.",
	  "include/uapi/linux/vhost_types.h; drivers/vhost/vdpa.c" },
	{ "VHOST_BACKEND_F_DESC_ASID",
	  "Descriptor tables may have an address space of their own.",
	  "Needs IOTLB_ASID, else EINVAL.",
	  "include/uapi/linux/vhost_types.h; drivers/vhost/vdpa.c" },
	{ "VHOST_BACKEND_F_IOTLB_PERSIST", "Mappings outlive a reset of the device.",
	  "Take down by yourself what is to be gone after a reset.",
	  "include/uapi/linux/vhost_types.h; drivers/vhost/vdpa.c" },
};

const struct feature_text *feature_text_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(texts[i].name, name))
			return &texts[i];
	return NULL;
}
