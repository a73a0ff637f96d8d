/* SPDX-License-Identifier: MIT */
/* Area iotlb: forms of messages that differ between devices and versions. */
#include "checks/iotlb_start.h"

/** struct form - a device of its own, and what is agreed and written there */
struct form {
	const char *agree, *withdraw, *miss, *update, *start;
	int version;
};

/* The version of a miss under that agreement; then an update of that version. */
static int form_of(struct session *s, const struct form *f)
{
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r == 0 && f->agree)
		r = session_backend(s, f->agree, BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2));
	if (r == 0 && f->withdraw)
		r = session_backend(s, f->withdraw, 0);
	if (r < 0)
		return r;
	(void)session_running(s, "refused", 1);
	(void)session_read_miss(s, f->miss, NULL);
	s->msg_version = f->version;
	(void)session_map(s, f->update, MEM_RX_USED, VHOST_ACCESS_RW);
	(void)session_map(s, f->update, MEM_TX_USED, VHOST_ACCESS_RW);
	(void)session_running(s, f->start, 1);
	session_close(s);
	s->seam->peer->ops->stop(s->seam->peer);
	return 0;
}

static int collect_version(struct session *s)
{
	static const struct form forms[] = {
		{ NULL, NULL, "plain", "plain.v2", "plain.start", 2 },
		{ "agreed.set", NULL, "agreed", "agreed.v1", "agreed.start", 1 },
		{ "back.set", "back.clear", "back", "back.v1", "back.start", 1 },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forms) && r == 0; i++)
		r = form_of(s, &forms[i]);
	return r;
}

static void judge_version_of(struct judge *j, const char *step, int version)
{
	const struct ev *ev = judge_need(j, EV_IOTLB, step);

	judge_miss(j, step, "rx.used+0x0", EV_PERM_NONE);
	if (ev)
		judge_that(
			j, ev->iotlb.version.set && ev->iotlb.version.v == version,
			"the miss at step \"%s\" came as a version %d message; it must "
			"be version %d",
			step, (int)ev->iotlb.version.v, version);
}

static void judge_version(struct judge *j)
{
	judge_version_of(j, "plain", 1);
	judge_message(j, "plain.v2");
	judge_ok(j, "plain.start");
	judge_version_of(j, "agreed", 2);
	judge_message(j, "agreed.v1");
	judge_ok(j, "agreed.start");
	judge_ok(j, "back.clear");
	judge_version_of(j, "back", 1);
	judge_message(j, "back.v1");
	judge_ok(j, "back.start");
}

const struct check iotlb_message_version = {
	.area = "iotlb",
	.name = "message_version",
	.families = ON_BOTH,
	.title = "the agreement decides how misses come, not what may be written",
	.contract =
		"Misses are version 1 messages unless VHOST_BACKEND_F_IOTLB_MSG_V2 is set, "
		"version 2 while it is, and version 1 again once it was taken back. Updates "
		"of either version are taken with and without it.",
	.harm = "A VMM reads a message by the wrong layout and maps what was not asked for.",
	.judged =
		"Three devices: without the bit, with it, with it set and taken back. On "
		"each the version of a miss; then both used rings mapped by messages of "
		"the other version, or of version 1, and a start.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_iotlb_miss(), vhost_chr_write_iter() in "
		      "drivers/vhost/vhost.c",
		      "VHOST_BACKEND_F_IOTLB_MSG_V2"),
	.faults = WORDS("v2_needs_bit", "miss_version_kept", "miss_version_1"),
	.collect = collect_version,
	.judge = judge_version,
};

static int collect_vdpa_forms(struct session *s)
{
	struct iotlb_msg msg = { .version = 2 };
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r < 0)
		return r;
	(void)session_iotlb(s, "asid",
			    (struct iotlb_msg){
				    .version = 2,
				    .asid = 1,
				    .iova = mem_iova(MEM_SPARE, 0),
				    .size = MEM_PAGE,
				    .uaddr = mem_hva(&s->mem, MEM_SPARE, 0),
				    .perm = VHOST_ACCESS_RW,
				    .type = VHOST_IOTLB_UPDATE,
			    });
	msg.type = VHOST_IOTLB_BATCH_BEGIN;
	(void)session_iotlb(s, "batch_begin", msg);
	msg.type = VHOST_IOTLB_BATCH_END;
	(void)session_iotlb(s, "batch_end", msg);
	msg.type = VHOST_IOTLB_ACCESS_FAIL;
	(void)session_iotlb(s, "access_fail", msg);
	(void)session_running(s, "start", 1);
	return 0;
}

static void judge_vdpa_forms(struct judge *j)
{
	judge_message_errno(j, "batch_begin", EFAULT, EINVAL);
	judge_message_errno(j, "batch_end", EFAULT, EINVAL);
	judge_message_errno(j, "access_fail", EFAULT, EINVAL);
	judge_errno(j, "start", EFAULT);
}

const struct check iotlb_message_vdpa = {
	.area = "iotlb",
	.name = "message_vdpa",
	.families = ON_BOTH,
	.title = "the ends of a batch, which are vDPA's, are refused",
	.contract =
		"VHOST_IOTLB_BATCH_BEGIN, _BATCH_END and _ACCESS_FAIL give EFAULT or EINVAL "
		"on net and vsock, which do not offer VHOST_BACKEND_F_IOTLB_BATCH, and map "
		"nothing. The address space of a version 2 message is reserved without "
		"VHOST_BACKEND_F_IOTLB_ASID; that every kernel known ignores it is recorded "
		"and not judged.",
	.harm = "A VMM takes the updates of a batch for applied at its end.",
	.judged =
		"An update for address space 1, then each of the other messages once, then "
		"a start, which finds the rings missing.",
	.severity = SEVERITY_LOW,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_chr_write_iter(), vhost_process_iotlb_msg() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("message_errors_forgiven", "message_batch_taken"),
	.collect = collect_vdpa_forms,
	.judge = judge_vdpa_forms,
};
