/* SPDX-License-Identifier: MIT */
/* vDPA devices: what a mapping does not grant. */
#include <string.h>

#include "checks/shadow.h"
#include "checks/vdpa_judges.h"

#define CANARY 0xc5
/* for an answer that only some devices give */
#define REFUSED_MS 1000u

static const char *const buffers[] = { "data", "tx.buf", "indirect", "spare", NULL };

static int map_region(struct vdpa *v, const char *step, enum mem_region_id id,
		      uint8_t perm)
{
	return session_map(v->s, step, id, perm);
}

/* Runs, with nothing but the rings mapped. */
static int begin_with_rings(struct vdpa *v, struct session *s, bool table)
{
	int r = vdpa_open(v, s);

	if (r == 0)
		r = vdpa_negotiate(v, &vdpa_plain);
	if (r == 0 && table)
		(void)session_mem_table(s, "memory");
	if (r == 0)
		r = vdpa_map_rings(v, "setup.map");
	if (r == 0)
		r = vdpa_ring(v, &vdpa_plain);
	return r < 0 ? r : vdpa_start(v);
}

/* A read that must not reach its data: step "held", and what became of memory, "after" */
static int read_waiting(struct vdpa *v, uint64_t data, unsigned int ms)
{
	cleanup_shadow struct shadow sh = { 0 };
	struct vdpa_request request = vdpa_sectors(64, VDPA_SECTOR);
	uint16_t head = 0;
	int r = 0;

	shadow_paint(v->s, VDPA_DATA);
	request.data = data;
	head = vdpa_put(v, &request);
	r = shadow_take(v->s, &sh);
	if (r == 0)
		r = vdpa_kicked(v, "held", head, ms);
	shadow_note_all(v->s, &sh, "after", MEM_RX_BUF, MEM_SPARE);
	return r == -ENODATA || r == -EIO ? 0 : r;
}

static int read_held(struct vdpa *v, uint64_t data)
{
	return read_waiting(v, data, VDPA_QUIET_MS);
}

/* The same where some devices are known to answer. */
static int read_refused(struct vdpa *v, uint64_t data)
{
	return read_waiting(v, data, REFUSED_MS);
}

static void judge_held_read(struct judge *j)
{
	judge_not_served(j, "held");
	judge_untouched_each(j, "after", buffers);
	judge_vdpa_both(j, "fresh");
}

static int collect_unmapped(struct session *s)
{
	struct vdpa v;
	int r = begin_with_rings(&v, s, true);

	if (r == 0)
		r = read_held(&v, mem_gpa(&s->mem, VDPA_DATA, 0));
	return r < 0 ? r : vdpa_fresh(&v);
}

static void judge_unmapped(struct judge *j)
{
	judge_ok(j, "memory");
	judge_ok(j, "start");
	judge_held_read(j);
}

const struct check vdpa_unmapped = {
	.area = "isolation",
	.name = "unmapped_buffers",
	.families = ON_VDPA,
	.title = "data that were never mapped are not written, memory table or not",
	.contract =
		"A request whose data lie where nothing is mapped is not served and nothing "
		"of it is written. VHOST_SET_MEM_TABLE is taken and maps nothing.",
	.harm = "A device reaches memory of the guest that the VMM never gave it.",
	.judged =
		"A memory table, the rings mapped alone, and a read to a guest-physical "
		"address: not served, canaries in all buffers untouched. A fresh "
		"descriptor works.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 6.1", "vhost_vdpa_map() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_table_mapped"),
	.collect = collect_unmapped,
	.judge = judge_unmapped,
};

static int collect_read_only(struct session *s)
{
	const struct vdpa_request request = vdpa_sectors(8, VDPA_SECTOR);
	struct vdpa v;
	int r = begin_with_rings(&v, s, false);

	if (r == 0)
		r = map_region(&v, "read_only", VDPA_DATA, VHOST_ACCESS_RO);
	if (r == 0)
		r = vdpa_write(&v, "write", &request, mem_ptr(&s->mem, VDPA_DATA, 0));
	if (r == 0)
		r = read_refused(&v, mem_iova(VDPA_DATA, 0));
	return r < 0 ? r : vdpa_fresh(&v);
}

static void judge_read_only(struct judge *j)
{
	judge_message(j, "read_only");
	judge_bytes(j, "write", VDPA_SECTOR);
	judge_held_read(j);
}

const struct check vdpa_read_only = {
	.area = "isolation",
	.name = "read_only_buffer",
	.families = ON_VDPA,
	.title = "data mapped read-only are not written",
	.contract =
		"With data mapped for reading a write request is served; a read request "
		"into them fails or is not served, and no byte of them changes.",
	.harm = "The device overwrites memory that it was only allowed to read.",
	.judged =
		"A write from, and a read into such data: the digests of the former, no "
		"status OK and whole regions compared for the latter. A fresh descriptor "
		"works.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_map() in drivers/vhost/vdpa.c",
		      "VDUSE_IOTLB_GET_FD in Documentation/userspace-api/vduse.rst"),
	.faults = WORDS("permission_ignored", "write_permission_ignored"),
	.collect = collect_read_only,
	.judge = judge_read_only,
};

/* What lies behind the first @from bytes of the data. */
static void note_beyond(struct vdpa *v, uint32_t from)
{
	const unsigned char *data = mem_ptr(&v->s->mem, VDPA_DATA, 0);
	uint64_t len = v->s->mem.region[VDPA_DATA].len;
	uint64_t i = from;

	while (i < len && data[i] == CANARY)
		i++;
	session_fact(v->s, "beyond", "data", i == len ? SHADOW_UNTOUCHED : "written");
}

static int collect_end(struct session *s)
{
	struct vdpa_request request = vdpa_sectors(64, MEM_PAGE + VDPA_SECTOR);
	struct vdpa_request inside = vdpa_sectors(8, MEM_PAGE);
	void *data = NULL;
	struct vdpa v;
	int r = begin_with_rings(&v, s, false);

	if (r == 0)
		r = vdpa_map(&v, "page", VDPA_DATA, MEM_PAGE, VHOST_ACCESS_RW);
	if (r < 0)
		return r;
	data = mem_ptr(&s->mem, VDPA_DATA, 0);
	r = vdpa_read(&v, "inside", &inside, data);
	if (r < 0)
		return r;
	memset(data, CANARY, s->mem.region[VDPA_DATA].len);
	r = vdpa_held(&v, "held", &request);
	note_beyond(&v, MEM_PAGE);
	return r == -ENODATA || r == -EIO ? vdpa_fresh(&v) : r;
}

static void judge_end(struct judge *j)
{
	judge_message(j, "page");
	judge_bytes(j, "inside", MEM_PAGE);
	judge_not_served(j, "held");
	judge_untouched(j, "beyond", "data");
	judge_vdpa_both(j, "fresh");
}

const struct check vdpa_mapping_end = {
	.area = "isolation",
	.name = "mapping_end",
	.families = ON_VDPA,
	.title = "nothing behind the end of a mapping is written",
	.contract =
		"A request whose data go on behind their mapping is not served, and no "
		"byte behind it changes.",
	.harm = "A guest makes the device write what lies behind memory that it was given: "
		"another guest's, or the VMM's.",
	.judged =
		"A page is mapped and read into; then a read of a page and a sector from "
		"the same place: not served, canaries behind the page. A fresh descriptor "
		"works.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_map() in drivers/vhost/vdpa.c"),
	.faults = WORDS("mapping_end_open"),
	.collect = collect_end,
	.judge = judge_end,
};

static int collect_invalidated(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r == 0)
		r = session_unmap(s, "unmap", VDPA_DATA);
	if (r == 0)
		r = read_held(&v, mem_iova(VDPA_DATA, 0));
	return r < 0 ? r : vdpa_fresh(&v);
}

static void judge_invalidated(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_message(j, "unmap");
	judge_held_read(j);
}

const struct check vdpa_invalidated = {
	.area = "isolation",
	.name = "invalidated_buffers",
	.families = ON_VDPA,
	.title = "data that were unmapped are not written any more",
	.contract =
		"Once the write of an invalidate has returned the device does not reach "
		"what it covered.",
	.harm = "The device writes to memory that the guest has long used for something "
		"else.",
	.judged = "Data both ways, an invalidate, a read to the same place: not served, "
		  "canaries in all buffers untouched. A fresh descriptor works.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_unmap() in drivers/vhost/vdpa.c",
		      "vduse_vdpa_set_map() in drivers/vdpa/vdpa_user/vduse_dev.c"),
	.faults = WORDS("invalidate_keeps", "invalidate_dropped"),
	.collect = collect_invalidated,
	.judge = judge_invalidated,
};

static int collect_partial(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r == 0)
		r = session_iotlb(s, "unmap",
				  (struct iotlb_msg){
					  .iova = mem_iova(VDPA_DATA, MEM_PAGE),
					  .size = MEM_PAGE,
					  .type = VHOST_IOTLB_INVALIDATE,
				  });
	if (r == 0)
		r = read_held(&v, mem_iova(VDPA_DATA, MEM_PAGE));
	return r < 0 ? r : vdpa_fresh(&v);
}

const struct check vdpa_partial = {
	.area = "isolation",
	.name = "invalidated_part",
	.families = ON_VDPA,
	.title = "a page unmapped in the middle of a mapping is not written any more",
	.contract = "An invalidate of a part of a mapping takes at least that part away; "
		    "what it does to the rest is not said, and VMMs that know unmap what "
		    "they mapped.",
	.harm = "The device writes to memory that was taken back.",
	.judged = "Data both ways, an invalidate of the second page of a mapping, a read "
		  "into it: not served, canaries untouched. A fresh descriptor works.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_va_unmap() in drivers/vhost/vdpa.c"),
	.faults = WORDS("invalidate_exact", "invalidate_keeps", "invalidate_dropped"),
	.collect = collect_partial,
	.judge = judge_invalidated,
};

/* All of a start but the mappings, on a descriptor of its own. */
static int start_unmapped(struct vdpa *v)
{
	int r = vdpa_crash(v);

	if (r == 0)
		r = vdpa_negotiate(v, &vdpa_plain);
	if (r == 0)
		r = vdpa_ring(v, &vdpa_plain);
	if (r == 0)
		r = vdpa_set_status(v, "start_unmapped", VDPA_RUNNING);
	return r < 0 ? r : 0;
}

static int collect_closed(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r == 0)
		r = start_unmapped(&v);
	if (r == 0)
		r = read_refused(&v, mem_iova(VDPA_DATA, 0));
	return r < 0 ? r : vdpa_fresh(&v);
}

static void judge_closed(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_not_served(j, "held");
	judge_untouched_each(j, "after", buffers);
	judge_vdpa_both(j, "fresh");
}

const struct check vdpa_closed = {
	.area = "isolation",
	.name = "closed",
	.families = ON_VDPA,
	.title = "mappings end with the descriptor that they were made on",
	.contract = "close(2) takes all mappings away: who opens the device next reaches "
		    "nothing of what the one before had mapped.",
	.harm = "The next VMM's guest reads and writes the memory of the one before, with "
		"addresses that it only has to guess.",
	.judged = "Data both ways, close, open, a start without any mapping at the same "
		  "addresses, a read: not served, canaries in all buffers untouched. A "
		  "fresh descriptor with mappings works.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_cleanup(), vhost_vdpa_remove_as() in "
		      "drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_close_keeps"),
	.collect = collect_closed,
	.judge = judge_closed,
};

static const char *const driver_parts[] = { "ring.desc", "ring.avail", "headers",
					    "tx.buf",    "indirect",   "spare",
					    NULL };

/* A read into the middle of a page, with the request laid out before memory is copied. */
static int read_middle(struct vdpa *v, struct shadow *sh)
{
	struct vdpa_request request = vdpa_sectors(8, VDPA_SECTOR);
	struct ring_used used = { 0 };
	int r = 0;

	shadow_paint(v->s, VDPA_DATA);
	request.data = mem_iova(VDPA_DATA, VDPA_SECTOR);
	(void)vdpa_put(v, &request);
	ring_publish(&v->s->ring[VDPA_RING]);
	r = shadow_take(v->s, sh);
	if (r == 0)
		r = session_kick(v->s, VDPA_RING);
	if (r == 0)
		r = vdpa_wait(v, VDPA_ANSWER_MS, &used);
	if (r == 0)
		vdpa_note(v, "middle", &used);
	return r;
}

static int collect_driver_parts(struct session *s)
{
	const struct peer_request store = { .op = PEER_STORE,
					    .seed = 5,
					    .offset = (uint64_t)8 * VDPA_SECTOR,
					    .len = VDPA_SECTOR };
	cleanup_shadow struct shadow sh = { 0 };
	struct peer_reply reply = { 0 };
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r == 0)
		r = vdpa_order(&v, &store, &reply);
	if (r == 0)
		r = read_middle(&v, &sh);
	if (r < 0)
		return r;
	shadow_note_all(s, &sh, "after", MEM_RX_DESC, MEM_RX_AVAIL);
	shadow_note_all(s, &sh, "after", VDPA_HEADERS, VDPA_STATUSES);
	shadow_note_all(s, &sh, "after", VDPA_DATA, MEM_SPARE);
	return 0;
}

static void judge_driver_parts(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_status_byte(j, "middle", VIRTIO_BLK_S_OK);
	judge_untouched_each(j, "after", driver_parts);
	judge_fact(j, "after", "data", "touched from +0x200 to +0x3ff");
	judge_fact(j, "after", "statuses", "touched from +0x20 to +0x20");
}

const struct check vdpa_driver_parts = {
	.area = "isolation",
	.name = "driver_parts",
	.families = ON_VDPA,
	.title =
		"a request writes its data, its status and the used ring, and nothing else",
	.contract =
		"Of what is mapped for writing the device writes the used ring, the data of "
		"a read and its status byte: descriptors, avail ring, headers and all other "
		"bytes of the guest stay as they are.",
	.harm = "Memory of the guest changes under its hands.",
	.judged = "A read of a sector into the middle of a page: every byte of memory "
		  "compared, the used ring's aside.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7.5", "virtio-1.2 2.7.6"),
	.faults = WORDS("descriptor_written"),
	.collect = collect_driver_parts,
	.judge = judge_driver_parts,
};
