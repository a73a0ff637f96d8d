/* SPDX-License-Identifier: MIT */
/* vDPA devices: requests of virtio-blk against the file behind the device. */
#include <string.h>

#include "base/payload.h"
#include "checks/vdpa_judges.h"

#define ON_DISK 16u
#define LONGEST 32768u
#define STRANGE_TYPE 0x7fu
#define F_FLUSH BIT64(VIRTIO_BLK_F_FLUSH)

static const struct vdpa_config flushing = { .features = F_FLUSH };

/* ------------------------------------------------------------ read and write */

/** struct transfer - a step, from where on and how much; @last: up to the very end */
struct transfer {
	const char *step;
	uint64_t sector;
	uint32_t len;
	bool last;
};

static const struct transfer reads[] = {
	{ "read_sector", 1, VDPA_SECTOR, false },
	{ "read_page", 8, MEM_PAGE, false },
	{ "read_long", 3, LONGEST, false },
	{ "read_last", 1, VDPA_SECTOR, true },
};

static const struct transfer writes[] = {
	{ "write_sector", 1, VDPA_SECTOR, false },
	{ "write_page", 8, MEM_PAGE, false },
	{ "write_long", 3, LONGEST, false },
	{ "write_last", 1, VDPA_SECTOR, true },
};

/* Its sectors count of 512 bytes, whatever the blocks of the file are. */
static uint64_t capacity(const struct vdpa *v)
{
	return v->target.blocks * v->target.block / VDPA_SECTOR;
}

static struct vdpa_request request_of(const struct vdpa *v, const struct transfer *t)
{
	return vdpa_sectors(t->last ? capacity(v) - t->sector : t->sector, t->len);
}

static int collect_read(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin(&v, s, &vdpa_plain);

	for (size_t i = 0; i < ARRAY_SIZE(reads) && r == 0; i++) {
		const struct vdpa_request request = request_of(&v, &reads[i]);

		r = vdpa_read(&v, reads[i].step, &request,
			      mem_ptr(&s->mem, VDPA_DATA, 0));
	}
	return r;
}

static void judge_read(struct judge *j)
{
	judge_ok(j, "start");
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		judge_bytes(j, reads[i].step, reads[i].len);
		judge_request(j, reads[i].step, VIRTIO_BLK_S_OK, reads[i].len + 1);
	}
}

const struct check vdpa_read_check = {
	.area = "transfer",
	.name = "read",
	.families = ON_VDPA,
	.title = "what is read is what the file holds",
	.contract =
		"VIRTIO_BLK_T_IN gives the bytes of the sectors that were asked for, from "
		"one sector to 32 KiB, up to the last one; the used length counts data and "
		"status byte.",
	.harm = "The guest's file systems are read wrongly.",
	.judged =
		"The peer writes the file, the guest reads by the device: digests of both "
		"ends, status and used length of four requests.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 5.2.6", "virtio-1.2 2.7.8.2"),
	.faults = WORDS("vdpa_read_long", "vdpa_used_short"),
	.collect = collect_read,
	.judge = judge_read,
};

/* A sector of the file, as the peer has it: its digest is recorded at @step. */
static int neighbour(struct vdpa *v, uint64_t sector, enum peer_op op,
		     struct session_moved *ret)
{
	const struct peer_request order = {
		.op = (uint32_t)op,
		.seed = (uint32_t)sector,
		.offset = sector * VDPA_SECTOR,
		.len = VDPA_SECTOR,
	};
	struct peer_reply reply = { 0 };
	int r = vdpa_order(v, &order, &reply);

	*ret = (struct session_moved){ reply.bytes, reply.digest };
	return r;
}

/* The sectors on either side of a page that is written. */
static int write_between(struct vdpa *v)
{
	const uint64_t before = 199;
	const uint64_t after = 200 + MEM_PAGE / VDPA_SECTOR;
	const struct vdpa_request request = vdpa_sectors(200, MEM_PAGE);
	struct session_moved had[2] = { 0 };
	struct session_moved has[2] = { 0 };
	int r = neighbour(v, before, PEER_STORE, &had[0]);

	if (r == 0)
		r = neighbour(v, after, PEER_STORE, &had[1]);
	if (r == 0)
		r = vdpa_write(v, "between", &request, mem_ptr(&v->s->mem, VDPA_DATA, 0));
	if (r == 0)
		r = neighbour(v, before, PEER_STORED, &has[0]);
	if (r == 0)
		r = neighbour(v, after, PEER_STORED, &has[1]);
	if (r < 0)
		return r;
	session_bytes(v->s, "sector_before", EV_TX, had[0], has[0]);
	session_bytes(v->s, "sector_after", EV_TX, had[1], has[1]);
	return 0;
}

static int collect_write(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin(&v, s, &vdpa_plain);

	for (size_t i = 0; i < ARRAY_SIZE(writes) && r == 0; i++) {
		const struct vdpa_request request = request_of(&v, &writes[i]);

		r = vdpa_write(&v, writes[i].step, &request,
			       mem_ptr(&s->mem, VDPA_DATA, 0));
	}
	return r < 0 ? r : write_between(&v);
}

static void judge_write(struct judge *j)
{
	judge_ok(j, "start");
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		judge_bytes(j, writes[i].step, writes[i].len);
		judge_request(j, writes[i].step, VIRTIO_BLK_S_OK, 1);
	}
	judge_bytes(j, "between", MEM_PAGE);
	judge_bytes(j, "sector_before", VDPA_SECTOR);
	judge_bytes(j, "sector_after", VDPA_SECTOR);
}

const struct check vdpa_write_check = {
	.area = "transfer",
	.name = "write",
	.families = ON_VDPA,
	.title = "what is written is in the file, and nothing else is",
	.contract =
		"VIRTIO_BLK_T_OUT writes the bytes to the sectors that were named, from one "
		"sector to 32 KiB, up to the last one, and leaves their neighbours alone; "
		"the used length is the status byte's.",
	.harm = "The guest's file systems are destroyed.",
	.judged =
		"The guest writes by the device, the peer reads the file: digests of both "
		"ends, status and used length; the sectors before and behind a page "
		"have the peer's own bytes still.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 5.2.6", "virtio-1.2 2.7.8.2"),
	.faults = WORDS("vdpa_write_long"),
	.collect = collect_write,
	.judge = judge_write,
};

/* ----------------------------------------------------------- other requests */

static int collect_flush(struct session *s)
{
	const struct vdpa_request flush = { .type = VIRTIO_BLK_T_FLUSH };
	struct vdpa v;
	int r = vdpa_begin(&v, s, &flushing);

	if (r == 0)
		r = vdpa_both_ways(&v, "first");
	return r < 0 ? r : vdpa_do(&v, "flush", &flush);
}

static void judge_flush(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_request(j, "flush", VIRTIO_BLK_S_OK, 1);
}

const struct check vdpa_flush = {
	.area = "transfer",
	.name = "flush",
	.families = ON_VDPA,
	.title = "a flush succeeds",
	.contract =
		"With VIRTIO_BLK_F_FLUSH agreed on VIRTIO_BLK_T_FLUSH ends with status "
		"OK.",
	.harm = "The guest's journal fails, and its file systems go read-only.",
	.judged = "Data both ways, then a flush: status and used length.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_FLUSH,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 5.2.6"),
	.faults = WORDS("vdpa_flush_refused"),
	.collect = collect_flush,
	.judge = judge_flush,
};

/* Whether an id is text up to its end or the first NUL. */
static const char *id_word(const unsigned char *id)
{
	for (size_t i = 0; i < VIRTIO_BLK_ID_BYTES && id[i]; i++)
		if (id[i] < ' ' || id[i] > '~')
			return "other bytes";
	return "text";
}

static int collect_get_id(struct session *s)
{
	const struct vdpa_request ask = {
		.type = VIRTIO_BLK_T_GET_ID,
		.data = mem_iova(VDPA_DATA, 0),
		.len = VIRTIO_BLK_ID_BYTES,
	};
	unsigned char *data = NULL;
	struct vdpa v;
	int r = vdpa_begin(&v, s, &vdpa_plain);

	if (r < 0)
		return r;
	data = mem_ptr(&s->mem, VDPA_DATA, 0);
	memset(data, UINT8_MAX, MEM_PAGE);
	r = vdpa_do(&v, "id", &ask);
	session_fact(s, "id", "id", "%s", id_word(data));
	session_fact(s, "id", "behind", "%s",
		     data[VIRTIO_BLK_ID_BYTES] == UINT8_MAX ? "untouched" : "written");
	return r < 0 ? r : vdpa_both_ways(&v, "after");
}

static void judge_get_id(struct judge *j)
{
	judge_status_byte(j, "id", VIRTIO_BLK_S_OK);
	judge_fact(j, "id", "id", "text");
	judge_fact(j, "id", "behind", "untouched");
	judge_vdpa_both(j, "after");
}

const struct check vdpa_get_id = {
	.area = "transfer",
	.name = "get_id",
	.families = ON_VDPA,
	.title = "a device tells its serial number",
	.contract =
		"VIRTIO_BLK_T_GET_ID writes text of up to 20 bytes, ended by NUL if it is "
		"shorter, and not a byte more.",
	.harm = "The guest's /dev/disk/by-id does not name the disk that it boots from.",
	.judged =
		"The request's status and used length, whether the 20 bytes are text, and "
		"the byte behind them.",
	.severity = SEVERITY_LOW,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 5.2.6"),
	.faults = WORDS("vdpa_id_refused"),
	.collect = collect_get_id,
	.judge = judge_get_id,
};

static int collect_refused(struct session *s)
{
	struct vdpa_request strange = vdpa_sectors(ON_DISK, 0);
	struct vdpa_request across = vdpa_sectors(0, 2 * VDPA_SECTOR);
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r < 0)
		return r;
	strange.type = STRANGE_TYPE;
	across.sector = capacity(&v) - 1;
	(void)vdpa_do(&v, "strange_type", &strange);
	across.type = VIRTIO_BLK_T_IN;
	(void)vdpa_do(&v, "read_across_end", &across);
	across.type = VIRTIO_BLK_T_OUT;
	(void)vdpa_do(&v, "write_across_end", &across);
	across.sector = capacity(&v);
	(void)vdpa_do(&v, "write_behind_end", &across);
	across.sector = UINT64_MAX / VDPA_SECTOR;
	(void)vdpa_do(&v, "write_far_behind", &across);
	return vdpa_both_ways(&v, "after");
}

static void judge_request_refused(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_status_byte(j, "strange_type", VIRTIO_BLK_S_UNSUPP);
	judge_status_byte(j, "read_across_end", VIRTIO_BLK_S_IOERR);
	judge_status_byte(j, "write_across_end", VIRTIO_BLK_S_IOERR);
	judge_status_byte(j, "write_behind_end", VIRTIO_BLK_S_IOERR);
	judge_status_byte(j, "write_far_behind", VIRTIO_BLK_S_IOERR);
	judge_vdpa_both(j, "after");
}

const struct check vdpa_request_refused = {
	.area = "transfer",
	.name = "refused",
	.families = ON_VDPA,
	.title = "a request that cannot be served says so",
	.contract =
		"A request of no known type ends with UNSUPP, one that reaches behind the "
		"last sector with IOERR, and the device goes on.",
	.harm = "The guest believes that data are on the disk that never arrived there.",
	.judged =
		"A type of 0x7f; reads and writes across and behind the end: the status of "
		"each, then data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 5.2.6.2"),
	.faults = WORDS("vdpa_type_any", "vdpa_end_open"),
	.collect = collect_refused,
	.judge = judge_request_refused,
};
