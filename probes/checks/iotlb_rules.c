/* SPDX-License-Identifier: MIT */
/* Area iotlb: permissions, and which messages are taken. */
#include "checks/iotlb_start.h"

static int collect_permission(struct session *s)
{
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	if (r == 0)
		r = session_unmap(s, "unmap", MEM_TX_BUF);
	if (r == 0)
		r = session_map(s, "write_only", MEM_TX_BUF, VHOST_ACCESS_WO);
	if (r < 0)
		return r;
	session_note_ring(s, "before", QUEUE_TX);
	session_note_eventfds(s, "before", QUEUE_TX);
	link_queue(&l);
	(void)session_stalled(s, "after", QUEUE_TX);
	return 0;
}

static void judge_permission(struct judge *j)
{
	const struct ev *before = NULL;

	judge_both(j, SHORT_BYTES);
	judge_message(j, "write_only");
	judge_errors(j, "before", 0);
	before = judge_need(j, EV_RING, "before");
	if (before)
		judge_moved(j, "after", (uint16_t)before->ring.used.v, 0);
	judge_no_miss(j, "after");
	judge_signalled(j, "after");
}

const struct check iotlb_permission = {
	.area = "iotlb",
	.name = "permission",
	.families = ON_BOTH,
	.title = "a buffer mapped write-only is not read",
	.contract =
		"A transmit buffer whose mapping does not allow reading is not sent: the "
		"head is not consumed and the error eventfd is signalled; no miss is "
		"reported, since there is a mapping.",
	.harm = "The device sends memory that it was only allowed to write.",
	.judged =
		"The buffers are mapped anew write-only; kick, flush: indices stand, one "
		"error, no message.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("translate_desc() in drivers/vhost/vhost.c"),
	.faults = WORDS("update_perm_flipped", "err_lost", "error_silent",
			"permission_ignored", "permission_missed", "invalidate_keeps"),
	.collect = collect_permission,
	.judge = judge_permission,
};

static int collect_message_rules(struct session *s)
{
	unsigned char odd[IOTLB_MSG_BYTES] = { 9 };
	const struct iotlb_msg update = {
		.iova = mem_iova(MEM_SPARE, 0),
		.size = MEM_PAGE,
		.perm = VHOST_ACCESS_RW,
		.type = VHOST_IOTLB_UPDATE,
	};
	struct iotlb_msg msg = update;
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r < 0)
		return r;
	msg.uaddr = mem_hva(&s->mem, MEM_SPARE, 0);
	(void)session_iotlb(s, "good", msg);
	msg.size = 0;
	(void)session_iotlb(s, "size_zero", msg);
	msg.size = MEM_PAGE;
	msg.iova = UINT64_MAX - 100;
	(void)session_iotlb(s, "wraps", msg);
	msg = update;
	msg.uaddr = UINT64_C(0xffff800000000000);
	(void)session_iotlb(s, "kernel_address", msg);
	msg = update;
	msg.type = VHOST_IOTLB_MISS;
	(void)session_iotlb(s, "wrong_way", msg);
	(void)session_write(s, "short", odd, 8);
	(void)session_write(s, "no_version", odd, sizeof(odd));
	return 0;
}

static void judge_message_rules(struct judge *j)
{
	judge_message(j, "good");
	judge_message_errno(j, "size_zero", EINVAL, EFAULT);
	judge_message_errno(j, "wraps", EFAULT, EINVAL);
	judge_message_errno(j, "kernel_address", EFAULT, EFAULT);
	judge_message_errno(j, "wrong_way", EFAULT, EFAULT);
	judge_errno(j, "short", EINVAL);
	judge_errno(j, "no_version", EINVAL);
}

const struct check iotlb_message_rules = {
	.area = "iotlb",
	.name = "message_rules",
	.families = ON_BOTH,
	.title = "IOTLB messages that make no sense are refused",
	.contract =
		"An update of size 0, one that wraps around, one of a kernel address, a "
		"message that only the kernel may send, a short one and one of no known "
		"version give EINVAL or EFAULT, and map nothing.",
	.harm = "The device is given memory that the VMM does not own, or the worker loops.",
	.judged =
		"One good update, then each bad message once. An update of address 0 and "
		"size 0 is never sent: unfixed kernels hang on it (e2ae38cf3d91).",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_chr_write_iter(), vhost_process_iotlb_msg() in "
		      "drivers/vhost/vhost.c",
		      "commit e2ae38cf3d91"),
	.faults =
		WORDS("message_errors_forgiven", "update_refused", "update_wraps_taken",
		      "update_kernel_taken", "message_miss_taken", "message_any_version"),
	.collect = collect_message_rules,
	.judge = judge_message_rules,
};

static int collect_without(struct session *s)
{
	struct link l;
	int r = link_prepare(&l, s, &plain_start);

	if (r < 0)
		return r;
	(void)session_map(s, "update", MEM_RX_USED, VHOST_ACCESS_RW);
	(void)session_unmap(s, "invalidate", MEM_RX_USED);
	(void)session_running(s, "start", 1);
	return 0;
}

static void judge_without(struct judge *j)
{
	judge_message_errno(j, "update", EFAULT, EFAULT);
	judge_message_errno(j, "invalidate", EFAULT, EFAULT);
	judge_ok(j, "start");
}

const struct check iotlb_message_without = {
	.area = "iotlb",
	.name = "message_without",
	.families = ON_BOTH,
	.title = "without bit 33 IOTLB messages are refused and change nothing",
	.contract =
		"On a device that did not accept VIRTIO_F_ACCESS_PLATFORM updates and "
		"invalidates give EFAULT, and it starts on plain addresses.",
	.harm = "A VMM takes its messages for served and lets go of its own bookkeeping.",
	.judged = "Both messages, then a start with host addresses.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg() in drivers/vhost/vhost.c"),
	.faults = WORDS("message_errors_forgiven", "bit33_flipped",
			"message_unarmed_taken"),
	.collect = collect_without,
	.judge = judge_without,
};
