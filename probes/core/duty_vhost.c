/* SPDX-License-Identifier: MIT */
/* The bits of vhost-net, vhost-vsock and vhost-scsi, whose rings vhost works on. */
#include "core/duty_rows.h"

#define NET FAMILY_BIT(FAMILY_NET)
#define VSOCK FAMILY_BIT(FAMILY_VSOCK)
#define SCSI FAMILY_BIT(FAMILY_SCSI)
#define KERNEL (NET | VSOCK | SCSI)
#define NOT_OFFERED_OTHERWISE "VHOST_SET_FEATURES fails with EOPNOTSUPP."

const struct duty duty_vhost[] = {
	{
		.space = BITS_FEATURES,
		.bit = 0,
		.families = NET,
		.meaning = "The device takes frames whose checksum is not yet complete.",
		.host = "Nothing: vhost-net does not offer it.",
		.obliges = "Switch it on at the tap with TUNSETOFFLOAD, which completes "
			   "checksums, and leave the bit out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 5.1.3; drivers/vhost/net.c: vhost_net_bits",
	},
	{
		.space = BITS_FEATURES,
		.bit = 0,
		.families = SCSI,
		.meaning = "A request may have data in both directions.",
		.host = "Nothing: vhost-scsi does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 5.6.3; drivers/vhost/scsi.c: VHOST_SCSI_FEATURES",
	},
	{
		.space = BITS_FEATURES,
		.bit = 1,
		.families = NET,
		.meaning = "The guest takes frames whose checksum is not yet complete.",
		.host = "Nothing: vhost-net does not offer it.",
		.obliges = "Switch it on at the tap with TUNSETOFFLOAD, which decides "
			   "what it passes on, and leave the bit out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 5.1.3; drivers/vhost/net.c: vhost_net_bits",
	},
	{
		.space = BITS_FEATURES,
		.bit = 1,
		.families = VSOCK,
		.meaning = "Sockets that keep message boundaries work.",
		.host = "Sockets of type SOCK_SEQPACKET may use this guest's CID.",
		.obliges = "Nothing; the guest and the host's applications do the rest.",
		.otherwise = "A guest that has the bit cannot move to a host older than "
			     "5.14, which refuses it with EOPNOTSUPP.",
		.pass = true,
		.since = { { VSOCK, "5.14", "ced7b713711f" } },
		.checks = CHECKS("features.each_accepted", "family.seqpacket_tx",
				 "family.seqpacket_rx"),
		.source = "drivers/vhost/vsock.c: vhost_vsock_set_features(), "
			  "vhost_transport_seqpacket_allow(); net/vmw_vsock/af_vsock.c: "
			  "vsock_assign_transport()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 1,
		.families = SCSI,
		.meaning = "The device tells when a LUN comes or goes.",
		.host = "A LUN that is linked or unlinked in configfs is reported in "
			"the event ring.",
		.obliges = "Give the event ring (ring 1) to the device too. Read "
			   "VHOST_SCSI_GET_EVENTS_MISSED before a migration and set it "
			   "again after.",
		.otherwise = "An event for which the guest has posted no buffer is "
			     "dropped, and the next one says that some were missed.",
		.pass = true,
		.since = { { SCSI, OLD, NULL } },
		.checks = CHECKS("family.hotplug", "family.no_hotplug",
				 "family.events_missed", "family.events_flag"),
		.source = "drivers/vhost/scsi.c: vhost_scsi_do_plug(), "
			  "vhost_scsi_allocate_evt()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 2,
		.families = SCSI,
		.meaning = "The device tells when a LUN's parameters change.",
		.host = "Nothing: vhost-scsi does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 5.6.3; drivers/vhost/scsi.c: VHOST_SCSI_FEATURES",
	},
	{
		.space = BITS_FEATURES,
		.bit = 3,
		.families = SCSI,
		.meaning = "Requests carry protection information.",
		.host = "The request header is read as struct virtio_scsi_cmd_req_pi, "
			"which is longer, and so much of the data as the guest says in "
			"it is mapped as protection information.",
		.obliges = "Leave it out, of what the guest is shown too: kernels before "
			   "7.2 count the pages of such a request wrongly (fixed by "
			   "d876c493fc4b), and do not compare that length with the data, "
			   "as 7.3.4 does. From then on send it exactly if the guest "
			   "acknowledged it.",
		.otherwise = "A guest that says more than it sends has the host's kernel "
			     "work with a length below zero. Where guest and vhost "
			     "differ the command is read from the wrong place: it is "
			     "another one, or is refused.",
		.since = { { SCSI, OLD, NULL } },
		.source = "drivers/vhost/scsi.c: vhost_scsi_handle_vq(), "
			  "vhost_scsi_mapal()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 15,
		.families = NET,
		.meaning = "A received frame may fill several buffers.",
		.host = "Frames are spread over as many buffers as they need, and the "
			"header has 12 bytes, with their number at its end.",
		.obliges = "Send it exactly if the guest acknowledged it, and tell the "
			   "tap the length of the header with TUNSETVNETHDRSZ: 12, or "
			   "10 without this bit and VERSION_1.",
		.otherwise = "With another length at the tap every frame is shifted by "
			     "two bytes. A guest that has posted less room in all than "
			     "a frame needs makes the worker spin, on kernels without "
			     "the fix that 7.2 and 6.12.97 carry.",
		.pass = true,
		.since = { { NET, OLD, NULL } },
		.checks = CHECKS("transfer.mergeable", "transfer.header_legacy"),
		.source = "virtio 1.2, 5.1.6; drivers/vhost/net.c: "
			  "vhost_net_set_features(), get_rx_bufs()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 24,
		.families = KERNEL,
		.meaning = "A call is sent when a ring runs empty, even if suppressed.",
		.host = "The call eventfd is signalled whenever the device has taken "
			"the last buffer made available.",
		.obliges = "Nothing; a legacy bit.",
		.otherwise = "The guest gets calls that it had suppressed, which costs "
			     "time alone.",
		.pass = true,
		.since = { { KERNEL, OLD, NULL } },
		.checks = CHECKS("features.each_accepted"),
		.source = "virtio 0.9.5, 2.2.2; drivers/vhost/vhost.c: vhost_notify()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 26,
		.families = KERNEL,
		.meaning = "The device marks every page that it writes in a bitmap.",
		.host = "Written pages are marked in the bitmap at the address of "
			"VHOST_SET_LOG_BASE, one bit for 4 KiB: by vhost-net the "
			"buffers of received frames, by vhost-vsock no buffer, by "
			"vhost-scsi those of answers where it has "
			"vhost_scsi_log_write(), which 6.12 has not. Used rings are "
			"marked where VHOST_SET_VRING_ADDR has VHOST_VRING_F_LOG.",
		.obliges = "Set VHOST_SET_LOG_BASE first, with room up to the highest "
			   "guest address. The bit is the VMM's own, for the time of a "
			   "migration: take it out of what a guest acknowledged.",
		.otherwise = "Without a base the bitmap is taken to lie at address 0. "
			     "The start succeeds, and each mark fails unseen, or "
			     "changes bits in what the VMM has mapped there.",
		.since = { { KERNEL, OLD, NULL } },
		.checks = CHECKS("log.used_ring", "log.data", "log.switched_on",
				 "log.switched_off", "log.base_refused"),
		.source = "drivers/vhost/vhost.c: vhost_log_write(), log_write(), "
			  "set_bit_to_user(), vq_log_access_ok(); vsock.c passes no log",
	},
	{
		.space = BITS_FEATURES,
		.bit = 27,
		.families = NET,
		.meaning = "vhost-net itself makes and drops the header that stands "
			   "before each frame.",
		.host = "The header is cut off every frame sent, and one that is zero but "
			"for the number of buffers is put before every frame received; "
			"the back end is taken to have none.",
		.obliges = "Send it only with a back end that has no such header: a "
			   "packet socket, or a tap without IFF_VNET_HDR. The number is "
			   "that of VIRTIO_F_ANY_LAYOUT: take a guest's out.",
		.otherwise = "A tap that has the header takes the first bytes of each "
			     "frame for one, and frames reach the guest shifted by a "
			     "header.",
		.since = { { NET, OLD, NULL } },
		.checks = CHECKS("transfer.packet_socket", "iotlb.packet_socket"),
		.source = "include/uapi/linux/vhost.h; drivers/vhost/net.c: "
			  "vhost_net_set_features(), handle_rx(), init_iov_iter()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 27,
		.families = VSOCK | SCSI,
		.meaning = "Buffers may be cut anywhere, headers too.",
		.host = "Nothing: the drivers take any layout in any case.",
		.obliges = "Nothing; VERSION_1 implies it.",
		.otherwise = "Nothing.",
		.pass = true,
		.since = { { VSOCK | SCSI, OLD, NULL } },
		.checks = CHECKS("features.each_accepted"),
		.source = "virtio 1.2, 2.7.4; drivers/vhost/vhost.h: VHOST_FEATURES",
	},
	{
		.space = BITS_FEATURES,
		.bit = 28,
		.families = KERNEL,
		.meaning = "A descriptor may point to a table of descriptors.",
		.host = "Nothing: vhost follows such a descriptor whether or not the "
			"bit was sent.",
		.obliges = "Nothing; with the device IOTLB on, the table must be mapped "
			   "as a buffer is.",
		.otherwise = "A table that is not mapped is missed like a buffer.",
		.pass = true,
		.since = { { KERNEL, OLD, NULL } },
		.checks = CHECKS("transfer.indirect"),
		.source = "virtio 1.2, 2.7.5.3; drivers/vhost/vhost.c: "
			  "vhost_get_vq_desc(), get_indirect()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 29,
		.families = KERNEL,
		.meaning = "Kicks and calls are suppressed by index.",
		.host = "Calls are sent when the index that the guest left behind its "
			"available ring is passed, and vhost writes the index at which "
			"it wants a kick behind the used ring: two bytes more of each "
			"ring.",
		.obliges = "Send it exactly if the guest acknowledged it.",
		.otherwise = "One side waits for a notification that the other has "
			     "suppressed; sent to a guest that did not acknowledge it, "
			     "vhost also writes two bytes behind a ring that ends "
			     "earlier.",
		.pass = true,
		.since = { { KERNEL, OLD, "8ea8cf89e19a" } },
		.checks = CHECKS("transfer.event_idx"),
		.source = "virtio 1.2, 2.7.7; drivers/vhost/vhost.c: vhost_notify(), "
			  "vhost_update_avail_event(), vhost_get_used_size()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 32,
		.families = NET,
		.meaning = "Rings are little-endian and headers have the form of virtio "
			   "1.0.",
		.host = "Rings are read as little-endian, and the header has 12 bytes, "
			"mergeable or not.",
		.obliges = "Send it exactly if the guest acknowledged it, and tell the "
			   "tap the length of the header with TUNSETVNETHDRSZ.",
		.otherwise = "A guest that has it and a vhost that has not differ by "
			     "two bytes in each frame; on a big-endian host they differ "
			     "in every field of a ring.",
		.pass = true,
		.since = { { NET, OLD, NULL } },
		.checks = CHECKS("features.version_1", "transfer.header_legacy"),
		.source = "virtio 1.2, 6.1; drivers/vhost/net.c: "
			  "vhost_net_set_features(); vhost.c: vhost_init_is_le()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 32,
		.families = VSOCK | SCSI,
		.meaning = "Rings are little-endian and headers have the form of virtio "
			   "1.0.",
		.host = "Rings are read as little-endian; without the bit in the host's "
			"byte order, or in that of VHOST_SET_VRING_ENDIAN.",
		.obliges = "Send it exactly if the guest acknowledged it.",
		.otherwise = "On a big-endian host guest and vhost differ in every "
			     "field of a ring; on a little-endian one nothing happens.",
		.pass = true,
		.since = { { VSOCK | SCSI, OLD, NULL } },
		.checks = CHECKS("features.version_1"),
		.source = "virtio 1.2, 6.1; drivers/vhost/vhost.c: vhost_init_is_le()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 33,
		.families = NET | VSOCK,
		.alias = "device IOTLB",
		.meaning = "In virtio: the device reaches memory as the platform lets "
			   "it. In vhost: the device IOTLB.",
		.host = "The device IOTLB is armed at once, and empty: every address of "
			"a ring and of a descriptor is an I/O virtual one from then on, "
			"and nothing is reachable. Sent again it forgets all mappings. "
			"From 7.3, and in stable kernels with the commit e4f4761879a2, "
			"switching it on or off also forgets the ring addresses.",
		.obliges = "Write VHOST_IOTLB_UPDATE for every used ring before the "
			   "start, read every VHOST_IOTLB_MISS and answer it, and write "
			   "VHOST_IOTLB_INVALIDATE when the guest unmaps. Set ring "
			   "addresses after the features. A VMM that has no vIOMMU "
			   "takes the bit out, whatever its guest acknowledged.",
		.otherwise = "Sent before the start, the start call fails with EFAULT. "
			     "Sent later, every call succeeds and no byte moves.",
		.since = { { NET, "4.8", "6b1e6cc7855b" },
			   { VSOCK, "5.11", "e13a6915a03f" } },
		.checks = CHECKS("isolation.armed_at_once", "iotlb.start_unmapped",
				 "iotlb.start_after_mapping", "iotlb.late_switch_on",
				 "iotlb.rearm_empties", "iotlb.miss_driven",
				 "iotlb.invalidate_stops"),
		.source = "drivers/vhost/vhost.c: vhost_init_device_iotlb(), "
			  "vhost_clear_device_iotlb(), vhost_vq_init_access(), "
			  "vq_meta_prefetch()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 33,
		.families = SCSI,
		.meaning = "The device reaches memory as the platform lets it.",
		.host = "Nothing: vhost-scsi has no IOTLB and does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "drivers/vhost/scsi.c: VHOST_SCSI_FEATURES",
	},
	{
		.space = BITS_FEATURES,
		.bit = 34,
		.families = KERNEL,
		.meaning = "Rings have the packed layout.",
		.host = "Nothing: vhost does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 2.8; drivers/vhost/vhost.h: VHOST_FEATURES",
	},
	{
		.space = BITS_FEATURES,
		.bit = 35,
		.families = NET,
		.meaning = "Buffers are used in the order in which they were made "
			   "available.",
		.host = "A batch of buffers gets one used entry, at the place of its "
			"first; the entries between are not written.",
		.obliges = "Send it exactly if the guest acknowledged it.",
		.otherwise = "A guest that did not acknowledge it reads used entries "
			     "that were never written.",
		.pass = true,
		.since = { { NET, "6.17", "67a873df0c41" } },
		.checks = CHECKS("family.in_order"),
		.source = "virtio 1.2, 2.7.9; drivers/vhost/vhost.c: "
			  "vhost_add_used_n_in_order()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 35,
		.families = VSOCK | SCSI,
		.meaning = "Buffers are used in the order in which they were made "
			   "available.",
		.host = "Nothing: the drivers do not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 2.7.9; drivers/vhost/vsock.c, scsi.c",
	},
	{
		.space = BITS_FEATURES,
		.bit = 36,
		.families = KERNEL,
		.meaning = "Memory is ordered as for real devices.",
		.host = "Nothing: vhost does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 6",
	},
	{
		.space = BITS_FEATURES,
		.bit = 37,
		.families = KERNEL,
		.meaning = "The device has virtual functions.",
		.host = "Nothing: vhost does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 6",
	},
	{
		.space = BITS_FEATURES,
		.bit = 38,
		.families = KERNEL,
		.meaning = "A kick carries the ring's index.",
		.host = "Nothing: vhost does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 2.9",
	},
	{
		.space = BITS_FEATURES,
		.bit = 39,
		.families = KERNEL,
		.meaning = "The device chooses the number that a kick carries.",
		.host = "Nothing: vhost does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 6",
	},
	{
		.space = BITS_FEATURES,
		.bit = 40,
		.families = NET,
		.meaning = "One ring can be reset alone.",
		.host = "Nothing: vhost-net offers the bit and never asks for it.",
		.obliges = "Offer it to the guest only if the VMM can stop one ring "
			   "with VHOST_NET_SET_BACKEND and -1, set it up again and give "
			   "the back end back.",
		.otherwise = "The guest resets a ring that vhost goes on using.",
		.since = { { NET, "6.3", "313389be06ff" } },
		.checks = CHECKS("family.ring_reset"),
		.source = "virtio 1.2, 2.6.1; drivers/vhost/net.c: vhost_net_bits",
	},
	{
		.space = BITS_FEATURES,
		.bit = 40,
		.families = VSOCK | SCSI,
		.meaning = "One ring can be reset alone.",
		.host = "Nothing: the drivers do not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.2, 2.6.1; drivers/vhost/vsock.c, scsi.c",
	},
	{
		.space = BITS_FEATURES,
		.bit = 41,
		.families = KERNEL,
		.meaning = "The device has an administration queue.",
		.host = "Nothing: vhost does not offer it.",
		.obliges = "Leave it out.",
		.otherwise = NOT_OFFERED_OTHERWISE,
		.source = "virtio 1.3, 2.13",
	},
	{
		.space = BITS_FEATURES,
		.bit = 65,
		.families = NET,
		.meaning = "The guest takes large UDP frames that carry a tunnel.",
		.host = "The header has 24 bytes, struct virtio_net_hdr_v1_hash_tunnel.",
		.obliges = "Tell the tap with TUNSETVNETHDRSZ and TUNSETOFFLOAD, and "
			   "set bits from 64 on with VHOST_SET_FEATURES_ARRAY: "
			   "VHOST_SET_FEATURES has no room for them.",
		.otherwise = "With another length at the tap every frame is shifted by "
			     "12 bytes. A VMM that reads VHOST_GET_FEATURES alone never "
			     "sees the bit.",
		.since = { { NET, "6.17", "bbca931fce26" } },
		.checks = CHECKS("features.array_set", "transfer.header_tunnel"),
		.source = "drivers/vhost/net.c: vhost_net_set_features(), "
			  "VHOST_SET_FEATURES_ARRAY",
	},
	{
		.space = BITS_FEATURES,
		.bit = 66,
		.families = NET,
		.meaning = "As GUEST_UDP_TUNNEL_GSO, with the outer checksum left to "
			   "the guest.",
		.host = "Nothing: vhost-net does not offer it.",
		.obliges = "Switch it on at the tap with TUNSETOFFLOAD and leave the "
			   "bit out.",
		.otherwise = "VHOST_SET_FEATURES_ARRAY fails with EOPNOTSUPP.",
		.source = "include/uapi/linux/virtio_net.h; drivers/vhost/net.c: "
			  "vhost_net_bits",
	},
	{
		.space = BITS_FEATURES,
		.bit = 67,
		.families = NET,
		.meaning = "The device takes large UDP frames that carry a tunnel.",
		.host = "The header has 24 bytes, struct virtio_net_hdr_v1_hash_tunnel.",
		.obliges = "Tell the tap with TUNSETVNETHDRSZ and TUNSETOFFLOAD, and "
			   "set bits from 64 on with VHOST_SET_FEATURES_ARRAY: "
			   "VHOST_SET_FEATURES has no room for them.",
		.otherwise = "With another length at the tap every frame is shifted by "
			     "12 bytes. A VMM that reads VHOST_GET_FEATURES alone never "
			     "sees the bit.",
		.since = { { NET, "6.17", "bbca931fce26" } },
		.checks = CHECKS("features.array_set", "transfer.header_tunnel"),
		.source = "drivers/vhost/net.c: vhost_net_set_features(), "
			  "VHOST_SET_FEATURES_ARRAY",
	},
	{
		.space = BITS_FEATURES,
		.bit = 68,
		.families = NET,
		.meaning = "As HOST_UDP_TUNNEL_GSO, with the outer checksum left to the "
			   "device.",
		.host = "Nothing: vhost-net does not offer it.",
		.obliges = "Switch it on at the tap with TUNSETOFFLOAD and leave the "
			   "bit out.",
		.otherwise = "VHOST_SET_FEATURES_ARRAY fails with EOPNOTSUPP.",
		.source = "include/uapi/linux/virtio_net.h; drivers/vhost/net.c: "
			  "vhost_net_bits",
	},
	{
		.space = BITS_BACKEND,
		.bit = 1,
		.families = NET | VSOCK,
		.meaning = "IOTLB messages have the second form.",
		.host = "Misses are read as struct vhost_msg_v2. Messages of both forms "
			"may be written in any case.",
		.obliges = "Send it only if the VMM reads misses, and read them by "
			   "their type: 2 in place of 1.",
		.otherwise = "A reader of the first form takes each miss for an unknown "
			     "message and drops it: the ring stalls.",
		.since = { { NET, "4.19", "429711aec282" },
			   { VSOCK, "5.11", "e13a6915a03f" } },
		.checks = CHECKS("iotlb.static_map_v2", "iotlb.message_version",
				 "features.backend_v2"),
		.source = "include/uapi/linux/vhost_types.h; drivers/vhost/vhost.c: "
			  "vhost_iotlb_miss(), vhost_chr_write_iter()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 1,
		.families = SCSI,
		.meaning = "IOTLB messages have the second form.",
		.host = "Nothing: vhost-scsi has no IOTLB and does not know "
			"VHOST_SET_BACKEND_FEATURES.",
		.obliges = "Leave it out.",
		.otherwise = "The call fails: vhost-scsi does not know it.",
		.source = "drivers/vhost/scsi.c: vhost_scsi_ioctl()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 2,
		.families = KERNEL,
		.meaning = "IOTLB messages may be grouped.",
		.host = "Nothing: only vDPA devices offer it.",
		.obliges = "Leave it out.",
		.otherwise = "VHOST_SET_BACKEND_FEATURES fails with EOPNOTSUPP; "
			     "vhost-scsi does not know the call.",
		.source = "drivers/vhost/net.c: VHOST_NET_BACKEND_FEATURES; vsock.c: "
			  "VHOST_VSOCK_BACKEND_FEATURES",
	},
	{
		.space = BITS_BACKEND,
		.bit = 3,
		.families = KERNEL,
		.meaning = "There are several address spaces.",
		.host = "Nothing: only vDPA devices offer it.",
		.obliges = "Leave it out.",
		.otherwise = "VHOST_SET_BACKEND_FEATURES fails with EOPNOTSUPP; "
			     "vhost-scsi does not know the call.",
		.source = "drivers/vhost/net.c: VHOST_NET_BACKEND_FEATURES; vsock.c: "
			  "VHOST_VSOCK_BACKEND_FEATURES",
	},
	{
		.space = BITS_BACKEND,
		.bit = 4,
		.families = KERNEL,
		.meaning = "VHOST_VDPA_SUSPEND works.",
		.host = "Nothing: only vDPA devices offer it.",
		.obliges = "Leave it out.",
		.otherwise = "VHOST_SET_BACKEND_FEATURES fails with EOPNOTSUPP; "
			     "vhost-scsi does not know the call.",
		.source = "drivers/vhost/net.c: VHOST_NET_BACKEND_FEATURES; vsock.c: "
			  "VHOST_VSOCK_BACKEND_FEATURES",
	},
	{
		.space = BITS_BACKEND,
		.bit = 5,
		.families = KERNEL,
		.meaning = "VHOST_VDPA_RESUME works.",
		.host = "Nothing: only vDPA devices offer it.",
		.obliges = "Leave it out.",
		.otherwise = "VHOST_SET_BACKEND_FEATURES fails with EOPNOTSUPP; "
			     "vhost-scsi does not know the call.",
		.source = "drivers/vhost/net.c: VHOST_NET_BACKEND_FEATURES; vsock.c: "
			  "VHOST_VSOCK_BACKEND_FEATURES",
	},
	{
		.space = BITS_BACKEND,
		.bit = 6,
		.families = KERNEL,
		.meaning = "Rings may be enabled when the device already runs.",
		.host = "Nothing: only vDPA devices offer it.",
		.obliges = "Leave it out.",
		.otherwise = "VHOST_SET_BACKEND_FEATURES fails with EOPNOTSUPP; "
			     "vhost-scsi does not know the call.",
		.source = "drivers/vhost/net.c: VHOST_NET_BACKEND_FEATURES; vsock.c: "
			  "VHOST_VSOCK_BACKEND_FEATURES",
	},
	{
		.space = BITS_BACKEND,
		.bit = 7,
		.families = KERNEL,
		.meaning = "Descriptor tables may have an address space of their own.",
		.host = "Nothing: only vDPA devices offer it.",
		.obliges = "Leave it out.",
		.otherwise = "VHOST_SET_BACKEND_FEATURES fails with EOPNOTSUPP; "
			     "vhost-scsi does not know the call.",
		.source = "drivers/vhost/net.c: VHOST_NET_BACKEND_FEATURES; vsock.c: "
			  "VHOST_VSOCK_BACKEND_FEATURES",
	},
	{
		.space = BITS_BACKEND,
		.bit = 8,
		.families = KERNEL,
		.meaning = "Mappings outlive a reset of the device.",
		.host = "Nothing: only vDPA devices offer it.",
		.obliges = "Leave it out.",
		.otherwise = "VHOST_SET_BACKEND_FEATURES fails with EOPNOTSUPP; "
			     "vhost-scsi does not know the call.",
		.source = "drivers/vhost/net.c: VHOST_NET_BACKEND_FEATURES; vsock.c: "
			  "VHOST_VSOCK_BACKEND_FEATURES",
	},
};

const size_t duty_vhost_count = ARRAY_SIZE(duty_vhost);
