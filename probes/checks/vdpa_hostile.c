/* SPDX-License-Identifier: MIT */
/* vDPA devices: a bad driver, and a VMM with bad arguments. */
#include <string.h>

#include "checks/shadow.h"
#include "checks/vdpa_judges.h"
#include "seam/uapi.h"

/* a descriptor that requests of these checks do not use */
#define STRAY 5u

static const char *const memory[] = { "ring.desc", "ring.avail", "headers",
				      "statuses",  "data",       "tx.buf",
				      "indirect",  "spare",      NULL };

/** struct bend - a step, and what is wrong with a good request before it is published */
struct bend {
	const char *step;
	void (*make)(struct vdpa *v, uint16_t head);
};

/* The whole of a good request, as vdpa_put() lays it out: header, data, status. */
static struct vring_desc *desc_at(struct vdpa *v, unsigned int i)
{
	struct vring_desc *table = mem_ptr(&v->s->mem, MEM_RX_DESC, 0);

	return &table[i % v->s->ring[VDPA_RING].size];
}

static void make_head(struct vdpa *v, uint16_t head)
{
	struct ring *ring = &v->s->ring[VDPA_RING];

	ring->next_avail--;
	ring_avail_put(ring, (uint16_t)(ring->size + head));
}

/* The last descriptor goes on behind the table: round it lies another status byte. */
static void make_next(struct vdpa *v, uint16_t head)
{
	struct vring_desc *data = desc_at(v, head + 1u);

	*desc_at(v, STRAY) = *desc_at(v, head + 2u);
	data->next = (uint16_t)(v->s->ring[VDPA_RING].size + STRAY);
}

static void make_loop(struct vdpa *v, uint16_t head)
{
	desc_at(v, head + 1u)->next = (uint16_t)(head + 1u);
}

static const struct bend head_bends[] = { { "head_beyond", make_head } };
static const struct bend chain_bends[] = { { "next_beyond", make_next },
					   { "loop", make_loop } };

static int bend_one(struct vdpa *v, const struct bend *bend)
{
	cleanup_shadow struct shadow sh = { 0 };
	const struct vdpa_request request = vdpa_sectors(8, VDPA_SECTOR);
	int r = 0;

	shadow_paint(v->s, VDPA_DATA);
	bend->make(v, vdpa_put(v, &request));
	ring_publish(&v->s->ring[VDPA_RING]);
	r = shadow_take(v->s, &sh);
	if (r == 0)
		r = session_kick(v->s, VDPA_RING);
	if (r < 0)
		return r;
	r = vdpa_quiet(v, bend->step);
	shadow_note_all(v->s, &sh, bend->step, MEM_RX_DESC, MEM_RX_AVAIL);
	shadow_note_all(v->s, &sh, bend->step, VDPA_HEADERS, VDPA_STATUSES);
	shadow_note_all(v->s, &sh, bend->step, VDPA_DATA, MEM_SPARE);
	return r == -ENODATA ? 0 : r;
}

static int bend_each(struct session *s, const struct bend *bends, size_t n)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	for (size_t i = 0; i < n && r == 0; i++) {
		if (i)
			r = vdpa_reopen(&v);
		if (r == 0)
			r = vdpa_prepare(&v, &vdpa_plain);
		if (r == 0)
			r = vdpa_start(&v);
		if (r == 0)
			r = bend_one(&v, &bends[i]);
	}
	return r < 0 ? r : vdpa_fresh(&v);
}

static void judge_bends(struct judge *j, const struct bend *bends, size_t n)
{
	judge_ok(j, "start");
	for (size_t i = 0; i < n; i++) {
		judge_not_served(j, bends[i].step);
		judge_untouched_each(j, bends[i].step, memory);
	}
	judge_vdpa_both(j, "fresh");
}

static int collect_head(struct session *s)
{
	return bend_each(s, head_bends, ARRAY_SIZE(head_bends));
}

static void judge_head(struct judge *j)
{
	judge_bends(j, head_bends, ARRAY_SIZE(head_bends));
}

const struct check vdpa_head_range = {
	.area = "hostile",
	.name = "head_range",
	.families = ON_VDPA,
	.title = "a head beyond the descriptor table is not followed",
	.contract =
		"An entry of the avail ring that names no descriptor leads to no request "
		"and no write, and the device works again on a fresh descriptor.",
	.harm = "A guest makes the device read what lies behind its table.",
	.judged = "A good request whose head is one table too high: no buffer used with "
		  "status OK, no byte written, a fresh descriptor works.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7.6", "virtio-1.2 2.7.13.1"),
	.faults = WORDS("head_wraps"),
	.collect = collect_head,
	.judge = judge_head,
};

static int collect_chain(struct session *s)
{
	return bend_each(s, chain_bends, ARRAY_SIZE(chain_bends));
}

static void judge_chain(struct judge *j)
{
	judge_bends(j, chain_bends, ARRAY_SIZE(chain_bends));
}

const struct check vdpa_chain_range = {
	.area = "hostile",
	.name = "chain_range",
	.families = ON_VDPA,
	.title = "a chain that leaves the table, or never ends, is not served",
	.contract = "A next field beyond the table and a loop lead to no request and no "
		    "write, and the device works again on a fresh descriptor.",
	.harm = "A guest makes the device read what lies behind its table, or keeps it "
		"busy for ever.",
	.judged =
		"A good request with each of the two: no buffer used with status OK, no "
		"byte written, a fresh descriptor works.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7.5.2"),
	.faults = WORDS("chain_next_wraps", "chain_loop_taken"),
	.collect = collect_chain,
	.judge = judge_chain,
};

/* --------------------------------------------------------------- arguments */

/** struct call - one that needs its argument */
struct call {
	const char *step;
	unsigned long request;
};

static const struct call calls[] = {
	{ "get_features", VHOST_GET_FEATURES },
	{ "set_features", VHOST_SET_FEATURES },
	{ "get_backend_features", VHOST_GET_BACKEND_FEATURES },
	{ "set_backend_features", VHOST_SET_BACKEND_FEATURES },
	{ "device_id", VHOST_VDPA_GET_DEVICE_ID },
	{ "get_status", VHOST_VDPA_GET_STATUS },
	{ "set_status", VHOST_VDPA_SET_STATUS },
	{ "get_config", VHOST_VDPA_GET_CONFIG },
	{ "set_config", VHOST_VDPA_SET_CONFIG },
	{ "config_size", VHOST_VDPA_GET_CONFIG_SIZE },
	{ "vqs_count", VHOST_VDPA_GET_VQS_COUNT },
	{ "vring_num", VHOST_VDPA_GET_VRING_NUM },
	{ "vring_enable", VHOST_VDPA_SET_VRING_ENABLE },
	{ "vring_group", VHOST_VDPA_GET_VRING_GROUP },
	{ "group_asid", VHOST_VDPA_SET_GROUP_ASID },
	{ "group_num", VHOST_VDPA_GET_GROUP_NUM },
	{ "as_num", VHOST_VDPA_GET_AS_NUM },
	{ "iova_range", VHOST_VDPA_GET_IOVA_RANGE },
	{ "num", VHOST_SET_VRING_NUM },
	{ "addr", VHOST_SET_VRING_ADDR },
	{ "base", VHOST_SET_VRING_BASE },
	{ "call", VHOST_SET_VRING_CALL },
};

static int collect_null(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		(void)session_ioctl(s, calls[i].step, calls[i].request, NULL);
	(void)vdpa_get_status(&v, "status");
	return 0;
}

static void judge_null(struct judge *j)
{
	judge_ok(j, "owner");
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		judge_errno(j, calls[i].step, EFAULT);
	judge_said(j, "status", "0");
}

const struct check vdpa_null_argument = {
	.area = "hostile",
	.name = "null_argument",
	.families = ON_VDPA,
	.title = "a call without its argument gives EFAULT",
	.contract =
		"Every call that reads or writes an argument gives EFAULT for NULL and "
		"changes nothing.",
	.harm = "A VMM with a bug takes the host down instead of failing.",
	.judged = "22 calls with NULL, then the status.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_unlocked_ioctl(), vhost_vdpa_vring_ioctl() in "
		      "drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_null_taken", "unknown_backend_taken",
			"unknown_feature_taken"),
	.collect = collect_null,
	.judge = judge_null,
};

static int collect_message(struct session *s)
{
	unsigned char bytes[IOTLB_MSG_BYTES];
	const int strange = 7;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	(void)session_map(s, "map", VDPA_DATA, VHOST_ACCESS_RW);
	memset(bytes, 0, sizeof(bytes));
	(void)session_write(s, "short", bytes, 2);
	memcpy(bytes, &strange, sizeof(strange));
	(void)session_write(s, "strange_version", bytes, sizeof(bytes));
	iotlb_encode(&(struct iotlb_msg){ .version = 2,
					  .type = VHOST_IOTLB_INVALIDATE,
					  .iova = mem_iova(VDPA_DATA, 0),
					  .size = MEM_PAGE },
		     bytes);
	(void)session_write(s, "cut", bytes, 20);
	(void)vdpa_message(&v, "miss", VHOST_IOTLB_MISS);
	(void)vdpa_message(&v, "access_fail", VHOST_IOTLB_ACCESS_FAIL);
	(void)vdpa_message(&v, "strange_type", 99);
	(void)session_map(s, "still_mapped", VDPA_DATA, VHOST_ACCESS_RW);
	(void)session_map(s, "other", MEM_SPARE, VHOST_ACCESS_RW);
	return 0;
}

static void judge_messages(struct judge *j)
{
	judge_ok(j, "owner");
	judge_message(j, "map");
	judge_errno(j, "short", EINVAL);
	judge_errno(j, "strange_version", EINVAL);
	judge_errno(j, "cut", EINVAL);
	judge_message_errno(j, "miss", EFAULT, EFAULT);
	judge_message_errno(j, "access_fail", EFAULT, EFAULT);
	judge_message_errno(j, "strange_type", EFAULT, EFAULT);
	judge_message_errno(j, "still_mapped", EFAULT, EFAULT);
	judge_message(j, "other");
}

const struct check vdpa_message_rules = {
	.area = "hostile",
	.name = "message",
	.families = ON_VDPA,
	.title = "a message that makes no sense is refused and changes nothing",
	.contract =
		"A message that is cut short or of no known version gives EINVAL; one of a "
		"type that a VMM does not send gives EFAULT. Mappings stay.",
	.harm = "A VMM with a bug loses its mappings, or believes that it has some.",
	.judged =
		"Two bytes, an outer type of 7, 20 bytes of an invalidate, a miss, an "
		"access failure, type 99: the errno of each. The mapping made before is "
		"there still, and another one can be made.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_chr_write_iter() in drivers/vhost/vhost.c",
		      "vhost_vdpa_process_iotlb_msg() in drivers/vhost/vdpa.c"),
	.faults = WORDS("message_short_taken", "message_unknown_taken",
			"message_any_version", "message_errors_forgiven",
			"vdpa_overlap_taken"),
	.collect = collect_message,
	.judge = judge_messages,
};
