/* SPDX-License-Identifier: MIT */
/* Area hostile: IOTLB messages that no VMM should write. */
#include "checks/hostile.h"
#include "checks/iotlb_start.h"

/** struct bad_type - the type of a message, and its step */
struct bad_type {
	const char *step;
	uint8_t type;
};

static const struct bad_type bad_types[] = {
	{ "type.none", 0 },
	{ "type.access_fail", VHOST_IOTLB_ACCESS_FAIL },
	{ "type.batch_begin", VHOST_IOTLB_BATCH_BEGIN },
	{ "type.batch_end", VHOST_IOTLB_BATCH_END },
	{ "type.7", 7 },
	{ "type.255", UINT8_MAX },
};

/** struct part - so many bytes of a good update, and their step */
struct part {
	const char *step;
	size_t len;
};

/* The fields end at byte 34; kernels read on to the end of their structure, 40. */
static const struct part parts[] = {
	{ "bytes.1", 1 },   { "bytes.4", 4 },   { "bytes.8", 8 },
	{ "bytes.24", 24 }, { "bytes.32", 32 },
};

/* All but the type would map the spare region. */
static void write_types(struct session *s, struct iotlb_msg msg, int version)
{
	msg.version = version;
	for (size_t i = 0; i < ARRAY_SIZE(bad_types); i++) {
		msg.type = bad_types[i].type;
		(void)session_iotlb(s, bad_types[i].step, msg);
	}
}

static void write_parts(struct session *s, struct iotlb_msg msg)
{
	unsigned char buf[IOTLB_MSG_BYTES];

	msg.version = 1;
	iotlb_encode(&msg, buf);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		(void)session_write(s, parts[i].step, buf, parts[i].len);
}

/* A packet in the spare region, where nothing may have been mapped. */
static int send_from_spare(struct link *l)
{
	link_queue(l);
	ring_desc(&l->s->ring[QUEUE_TX], 0, link_address(l, MEM_SPARE, 0), MEM_PAGE, 0,
		  0);
	return session_stalled(l->s, "spare", QUEUE_TX);
}

static int collect_message(struct session *s)
{
	struct iotlb_msg msg = {
		.iova = mem_iova(MEM_SPARE, 0),
		.size = MEM_PAGE,
		.perm = VHOST_ACCESS_RW,
		.type = VHOST_IOTLB_UPDATE,
	};
	struct link l;
	int r = iotlb_start_mapped(s, &l);

	if (r < 0)
		return r;
	msg.uaddr = mem_hva(&s->mem, MEM_SPARE, 0);
	write_types(s, msg, 1);
	write_types(s, msg, 2);
	write_parts(s, msg);
	r = link_connect(&l);
	if (r == 0)
		r = link_tx(&l, "mapped.tx", SHORT_BYTES);
	if (r == 0)
		r = link_rx(&l, "mapped.rx", SHORT_BYTES);
	if (r == 0)
		r = send_from_spare(&l);
	return r < 0 ? r : hostile_fresh(s);
}

/* Both versions of it were refused. */
static void judge_type(struct judge *j, const char *step)
{
	const struct ev *ev = NULL;
	unsigned int refused = 0;

	while ((ev = ev_find_next(j->evidence, ev, EV_IOTLB, step)))
		refused += ev->iotlb.way == EV_SENT && ev->iotlb.err == EFAULT;
	judge_that(j, refused == 2,
		   "step \"%s\": %u of 2 messages were refused with EFAULT", step,
		   refused);
}

static void judge_message_types(struct judge *j)
{
	judge_ok(j, "start");
	for (size_t i = 0; i < ARRAY_SIZE(bad_types); i++)
		judge_type(j, bad_types[i].step);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		judge_errno(j, parts[i].step, EINVAL);
	judge_bytes(j, "mapped.tx", SHORT_BYTES);
	judge_bytes(j, "mapped.rx", SHORT_BYTES);
	judge_miss(j, "spare", "spare+0x0", EV_PERM_RO);
	judge_fresh(j);
}

const struct check hostile_message = {
	.area = "hostile",
	.name = "message",
	.families = ON_BOTH,
	.title = "a message of a type that the device does not know maps nothing",
	.contract =
		"IOTLB messages of no known type, those of other devices (batches) and "
		"those that only the kernel sends give EFAULT, in both versions; a message "
		"cut short gives EINVAL. What is mapped stays, nothing else is mapped, and "
		"a fresh descriptor works.",
	.harm = "A device is given memory by a message that means something else, or loses "
		"its mappings.",
	.judged = "Each message is a good update but for its type, or its length; then a "
		  "transfer both ways, and a packet in memory that only they could have "
		  "mapped, which must be missed.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_process_iotlb_msg(), vhost_chr_write_iter() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("message_unknown_taken", "message_short_taken"),
	.collect = collect_message,
	.judge = judge_message_types,
};
