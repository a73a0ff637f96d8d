/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>

#include "checks/findings.h"
#include "checks/rows.h"

const struct finding findings[] = {
	{
		.check = &features_array_agrees,
		.since = "6.17 (the call's first release; seen on 6.18.15)",
		.fixed_by = "7.3 (92a7b138f245; seen on 7.3.4)",
		.text = "Asked for three words or more, VHOST_GET_FEATURES_ARRAY clears the "
			"words that it just wrote, from the first on, in place of those "
			"behind them, which it leaves alone. A VMM must ask for two words "
			"at most.",
		.source =
			"vhost_net_ioctl() in drivers/vhost/net.c, as of 333c515d1896: "
			"clear_user() on the start of the array; mended by \"vhost/net: "
			"fix clear_user start address in VHOST_GET_FEATURES_ARRAY\"",
		.sign = { { EV_IOCTL, "count 2", "2: 0x*[1-9a-f]* 0x*", 0 },
			  { EV_IOCTL, "count 3", "3: 0x0 0x* -", 0 },
			  { EV_IOCTL, "count 4", "4: 0x0 0x0 - -", 0 },
			  { EV_IOCTL, "count 5", "5: 0x0 0x0 0x0 - -", 0 } },
	},
	{
		.check = &iotlb_invalidate_all_zero,
		.since = "7.3 (seen on 7.3.4; 6.18.15 does not have it)",
		.text = "The kernel refuses VHOST_IOTLB_INVALIDATE of iova 0 and size 0, "
			"which older ones take for the whole range, and all mappings stay. "
			"A VMM that flushes so must look at what write() returns, and use "
			"iova 0 with size 2^64 - 1, which every kernel takes.",
		.source = "vhost_process_iotlb_msg() in drivers/vhost/vhost.c: EINVAL if "
			  "!msg->size, which vhost_chr_write_iter() turns into EFAULT",
		.sign = { { EV_IOTLB, "invalidate", "0x0", EFAULT } },
	},
	{
		.check = &isolation_readdressed_ring,
		.since = "5.10.223 and 6.18.15 at least, where it was seen",
		.fixed_by =
			"stable 6.12.104 and 6.1.183 (Debian's changelogs); seen without it "
			"on 6.1.192, 6.12.107, 7.3.4",
		.text = "VHOST_SET_VRING_ADDR and _NUM leave the cached mapping of the old "
			"ring in place, and a start writes the used ring's flags at the new "
			"address by it, as far outside the mapping as the guest likes. A VMM "
			"must send an IOTLB message, which empties the cache, between the "
			"address and the start; whoever lets a guest choose ring addresses "
			"needs the fix.",
		.source = "vhost_vring_num_addr(), vhost_vq_meta_fetch() in "
			  "drivers/vhost/vhost.c: 6.12.107 calls __vhost_vq_meta_reset() "
			  "there, 5.10.223 does not",
		.sign = { { EV_IOCTL, "again", NULL, 0 },
			  { EV_FACT, "after", "touched from +0x0 to*", 0 } },
	},
	{
		.check = &isolation_remapped_ring,
		.since = "5.10.223 and 6.18.15 at least, where it was seen",
		.fixed_by =
			"stable 6.12.104 and 6.1.183 (Debian's changelogs); seen without it "
			"on 6.1.192, 6.12.107, 7.3.4",
		.text = "As isolation.readdressed_ring, on a running device: the used elements of "
			"every buffer are written at the new address by the cached mapping of "
			"the old one, although the new one is mapped. A VMM must send an IOTLB "
			"message after VHOST_SET_VRING_ADDR.",
		.source = "vhost_vring_num_addr(), vhost_vq_meta_fetch() in "
			  "drivers/vhost/vhost.c: 6.12.107 calls __vhost_vq_meta_reset() "
			  "there, 5.10.223 does not",
		.sign = { { EV_IOCTL, "readdress", NULL, 0 },
			  { EV_FACT, "after", "touched from +0x0 to*", 0 } },
	},
	{
		.check = &hostile_avail_jump,
		.since =
			"4.10 at the latest (read in 5.10.223, seen there and on 6.18.15)",
		.fixed_by =
			"7.2 (09861858a683), stable 6.12.97 and 6.1.191 (CVE-2026-74356)",
		.text = "The kernel keeps the avail index before it looks whether that is "
			"too far ahead. The first kick is refused, with an error; with the "
			"next one it takes all heads up to that index, those of the past "
			"again. The guest does it to itself: its own packets are sent, and "
			"its own buffers written, once more.",
		.source =
			"vhost_get_vq_desc() in drivers/vhost/vhost.c of 5.10.223: "
			"vq->avail_idx is stored, then compared, and not read again "
			"while it differs from last_avail_idx; since \"vhost: fix "
			"vhost_get_avail_idx for a non empty ring\" it is kept only once "
			"it was compared; Debian's changelogs of 6.12.100 and 6.1.192",
		.sign = { { EV_FACT, "again", "[1-9]*", 0 } },
	},
	{
		.check = &log_data,
		.since = "before 5.10.223, where it was seen first; 7.3.4 has it still",
		.text = "vhost-vsock offers VHOST_F_LOG_ALL and logs its used rings, but not "
			"the buffers that it fills: what a guest receives by vsock during "
			"a live migration may be missing at its end. A VMM must stop the "
			"device before its last pass over memory and send the receive "
			"buffers whatever the log says, or reset all connections.",
		.source = "vhost_transport_do_send_pkt() in drivers/vhost/vsock.c: "
			  "vhost_get_vq_desc() with no log, and no vhost_log_write()",
		.sign = { { EV_FACT, "closed_port", "rst", 0 },
			  { EV_FACT, "moved", "gpa:rx.used+0x0 gpa:tx.used+0x0", 0 } },
	},
	{
		.check = &log_iotlb_data,
		.since = "before 6.1.192, where it was seen first; 7.3.4 has it still",
		.text = "As log.data: vhost-vsock logs its used rings, but not the buffers "
			"that it fills, with the IOTLB on too.",
		.source = "vhost_transport_do_send_pkt() in drivers/vhost/vsock.c: "
			  "vhost_get_vq_desc() with no log, and no vhost_log_write()",
		.sign = { { EV_FACT, "closed_port", "rst", 0 },
			  { EV_FACT, "moved", "gpa:rx.used+0x0 gpa:tx.used+0x0", 0 } },
	},
	{
		.check = &vdpa_closed,
		.since = "6.12.107 at the latest, where it was seen first; 6.18.15 and "
			 "7.3.4 have it still",
		.text = "A VDUSE device keeps the mappings of a vhost-vdpa descriptor that "
			"was closed, and the files behind them, until the next descriptor "
			"maps something: it can be started without any mapping and reaches "
			"the memory of the VMM before. A VMM must send an invalidate of all "
			"addresses before it closes a device, and whoever opens one should "
			"map before DRIVER_OK.",
		.source =
			"vhost_vdpa_cleanup(), vhost_vdpa_remove_as(), "
			"vhost_vdpa_general_unmap() in drivers/vhost/vdpa.c: with set_map "
			"the parent is not told; vduse_vdpa_config_ops has no reset_map",
		.sign = { { EV_IOCTL, "start_unmapped", "15", 0 },
			  { EV_FACT, "held", "s*, used 5[12][34]", 0 },
			  { EV_FACT, "after", "touched from +0x0 to +0x1ff", 0 } },
	},
	{
		.check = &net_num_buffers,
		.since = "before 5.10.223, where it was seen first",
		.fixed_by = "6.14 (a3b9c053d82a; 6.12.107 does not have it)",
		.text = "vhost-net sets num_buffers with VIRTIO_NET_F_MRG_RXBUF only; "
			"without it the field stays 0 in the header of VIRTIO_F_VERSION_1. "
			"A driver must not look at it then, or take 0 for 1.",
		.source =
			"handle_rx() in drivers/vhost/net.c: `mergeable` where 7.3 has "
			"set_num_buffers, which VIRTIO_F_VERSION_1 sets too; \"vhost/net: "
			"Set num_buffers for virtio 1.0\", lkml "
			"20250127095138-mutt-send-email-mst@kernel.org",
		.sign = { { EV_FACT, "header", "0", 0 } },
	},
	{
		.check = &vsock_credit_request,
		.since = "before 5.10.223, where it was seen",
		.fixed_by = "5.14 (e3ea110d6e79; 5.10.223 does not have it)",
		.text = "The host's sockets do not answer CREDIT_REQUEST. A guest gets to "
			"know of new room from the updates that the host sends on its own "
			"when its process reads, and from the header of each packet.",
		.source =
			"virtio_transport_recv_connected() in "
			"net/vmw_vsock/virtio_transport_common.c of 5.10.223: no case for "
			"it; \"VSOCK: handle VIRTIO_VSOCK_OP_CREDIT_REQUEST\", netdev "
			"20210805154335.1070064-1-kuba@kernel.org",
		.sign = { { EV_FACT, "asked", "none", 0 } },
	},
	{
		.check = &scsi_features_running,
		.since = "before 5.10.223, where it was seen first; 6.18.15 has it still",
		.fixed_by = "7.3 at the latest (read and seen on 7.3.4)",
		.text = "The kernel takes any features that vhost-scsi offers while it runs, "
			"and reads the next request by them: with T10_PI, say, by a header "
			"of another length. A VMM must clear the endpoint before it sends "
			"features, but for VHOST_F_LOG_ALL.",
		.source = "vhost_scsi_set_features() in drivers/vhost/scsi.c: 7.3 gives "
			  "EBUSY there, 6.12 looks at the mask alone",
		.sign = { { EV_IOCTL, "start", "own target", 0 },
			  { EV_IOCTL, "more", "0x110000000", 0 },
			  { EV_IOCTL, "same", "0x100000000", 0 } },
	},
	{
		.check = &scsi_response_split,
		.since = "before 5.10.223, where it was seen",
		.fixed_by = "6.2, stable 6.1.11 (seen without it on 6.1.192)",
		.text = "A response whose header lies in several descriptors is never given "
			"back: the kernel keeps the first of them and finds it too short "
			"when the command is done. The guest's driver must lay the 108 "
			"bytes in one.",
		.source = "vhost_scsi_complete_cmd_work() in drivers/vhost/scsi.c of "
			  "5.10.223: one iovec, tvc_resp_iov",
		.sign = { { EV_IOCTL, "start", "own target", 0 },
			  { EV_FACT, "write", "lost", 0 } },
	},
	{
		.check = &scsi_refusal,
		.since = "before 5.10.223, where it was seen first; 6.1.192 has it still",
		.fixed_by = "b18268713547, stable 6.12.26 (seen without it on 6.12.107)",
		.text = "When the kernel refuses a request or a task management function it writes "
			"the 108 bytes of a response in one piece to where the first "
			"descriptor begins, whatever room there is. Where a driver has one "
			"byte for the answer to a function, as virtio says, 107 more are "
			"overwritten, in the VMM's own memory if that byte is the last of the "
			"guest's; and the driver reads that the function was done. A VMM "
			"cannot prevent it: leave a page unmapped behind the guest's memory.",
		.source =
			"vhost_scsi_send_bad_target() in drivers/vhost/scsi.c of 5.10.223: "
			"__copy_to_user() of struct virtio_scsi_cmd_resp, from either ring",
		.sign = { { EV_IOCTL, "start", "own target", 0 },
			  { EV_FACT, "request", "written", 0 },
			  { EV_FACT, "function", "written", 0 } },
	},
	{
		.check = &scsi_log_data,
		.since =
			"before 5.10.223, where it was seen first; 6.12.107 has it still",
		.fixed_by = "6.18.15 at the latest (seen)",
		.text = "vhost-scsi offers VHOST_F_LOG_ALL and logs its used rings, but not "
			"the buffers that it fills: what a guest reads from its disk during "
			"a live migration may be missing at its end. A VMM must stop the "
			"device before its last pass over memory and send the buffers of "
			"reads whatever the log says.",
		.source =
			"drivers/vhost/scsi.c of 6.12: vhost_get_vq_desc() with no log, "
			"and no vhost_log_write()",
		.sign = { { EV_FACT, "read", "0x00", 0 },
			  { EV_FACT, "moved", "gpa:io.used+0x0", 0 } },
	},
};

const size_t finding_count = ARRAY_SIZE(findings);

static bool says(const struct ev *ev, const struct finding_sign *sign)
{
	const char *text = NULL;
	int err = 0;

	switch (ev->kind) {
	case EV_IOCTL:
		text = ev->ioctl.arg;
		err = ev->ioctl.err;
		break;
	case EV_IOTLB:
		text = ev->iotlb.iova;
		err = ev->iotlb.err;
		break;
	case EV_FACT:
		text = ev->fact.value;
		break;
	default:
		return false;
	}
	if (ev->kind != EV_FACT && err != sign->err)
		return false;
	return !sign->text || (text && fnmatch(sign->text, text, 0) == 0);
}

static bool observed(const struct evidence *e, const struct finding_sign *sign)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(e, ev, (enum ev_kind)sign->kind, sign->step)))
		if (says(ev, sign))
			return true;
	return false;
}

const struct finding *finding_of(const struct check *check,
				 const struct evidence *evidence)
{
	for (size_t i = 0; i < finding_count; i++) {
		const struct finding *f = &findings[i];
		bool all = f->check == check;

		for (size_t k = 0; k < FINDING_SIGNS && f->sign[k].step && all; k++)
			all = observed(evidence, &f->sign[k]);
		if (all)
			return f;
	}
	return NULL;
}
