/* SPDX-License-Identifier: MIT */
/* vDPA devices: mappings that are taken, refused, and used. */
#include <string.h>

#include "checks/vdpa_judges.h"
#include "seam/uapi.h"

#define ROUNDS 12u
#define BACKEND_BATCH                                                                    \
	(BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2) | BIT64(VHOST_BACKEND_F_IOTLB_BATCH))
#define BACKEND_ASID                                                                     \
	(BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2) | BIT64(VHOST_BACKEND_F_IOTLB_ASID))

/* As vdpa_prepare(), with nothing mapped but the rings. */
static int prepare_rings(struct vdpa *v, const struct vdpa_config *c)
{
	int r = vdpa_negotiate(v, c);

	if (r == 0)
		r = vdpa_map_rings(v, "setup.map");
	return r < 0 ? r : vdpa_ring(v, c);
}

static int map_data(struct vdpa *v, const char *step)
{
	return session_map(v->s, step, VDPA_DATA, VHOST_ACCESS_RW);
}

/* -------------------------------------------------------------------- batch */

static int collect_batch(struct session *s)
{
	static const struct vdpa_config batch = { .backend = BACKEND_BATCH };
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r == 0)
		r = vdpa_negotiate(&v, &batch);
	if (r == 0)
		r = vdpa_message(&v, "begin", VHOST_IOTLB_BATCH_BEGIN);
	if (r == 0)
		r = vdpa_map_all(&v, "setup.map");
	if (r == 0)
		r = vdpa_message(&v, "end", VHOST_IOTLB_BATCH_END);
	if (r == 0)
		r = vdpa_ring(&v, &batch);
	if (r == 0)
		r = vdpa_start(&v);
	return r < 0 ? r : vdpa_both_ways(&v, "first");
}

static void judge_batch(struct judge *j)
{
	judge_ok(j, "setup.backend");
	judge_message(j, "begin");
	judge_message(j, "setup.map");
	judge_message(j, "end");
	judge_ok(j, "start");
	judge_vdpa_both(j, "first");
}

const struct check vdpa_batch = {
	.area = "iotlb",
	.name = "batch",
	.families = ON_VDPA,
	.title = "mappings of a batch are all there once it ends",
	.contract =
		"Between VHOST_IOTLB_BATCH_BEGIN and _END updates are collected; after "
		"the end the device reaches all of them.",
	.harm = "A guest started by QEMU, which maps in batches, has no working device.",
	.judged = "All memory mapped in one batch, then data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_process_iotlb_msg() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_batch_lost"),
	.collect = collect_batch,
	.judge = judge_batch,
};

static int collect_version_1(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	s->msg_version = 1;
	if (r == 0)
		r = vdpa_prepare(&v, &vdpa_plain);
	if (r == 0)
		r = vdpa_start(&v);
	return r < 0 ? r : vdpa_both_ways(&v, "first");
}

static void judge_version_1(struct judge *j)
{
	judge_message(j, "setup.map");
	judge_ok(j, "start");
	judge_vdpa_both(j, "first");
}

const struct check vdpa_message_version = {
	.area = "iotlb",
	.name = "message_version",
	.families = ON_VDPA,
	.title = "messages of version 1 map as those of version 2 do",
	.contract =
		"Without IOTLB_MSG_V2 agreed on, messages are of version 1, and map the "
		"first address space.",
	.harm = "A VMM that does not know version 2 has a device that reaches nothing.",
	.judged = "All memory mapped by version 1 messages, then data both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_chr_write_iter() in drivers/vhost/vhost.c"),
	.faults = WORDS("vdpa_v1_lost"),
	.collect = collect_version_1,
	.judge = judge_version_1,
};

/* ------------------------------------------------------------ what is refused */

static int collect_overlap(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r < 0)
		return r;
	(void)map_data(&v, "same");
	(void)session_iotlb(s, "inside",
			    (struct iotlb_msg){
				    .iova = mem_iova(VDPA_DATA, MEM_PAGE),
				    .size = MEM_PAGE,
				    .uaddr = mem_hva(&s->mem, MEM_SPARE, 0),
				    .perm = VHOST_ACCESS_RW,
				    .type = VHOST_IOTLB_UPDATE,
			    });
	return vdpa_both_ways(&v, "after");
}

static void judge_overlap(struct judge *j)
{
	judge_vdpa_both(j, "first");
	judge_message_errno(j, "same", EFAULT, EFAULT);
	judge_message_errno(j, "inside", EFAULT, EFAULT);
	judge_vdpa_both(j, "after");
}

const struct check vdpa_overlap = {
	.area = "iotlb",
	.name = "overlap",
	.families = ON_VDPA,
	.title = "an address is mapped once",
	.contract =
		"An update that overlaps a mapping is refused with EFAULT, the same one "
		"again included, and what was mapped stays as it was.",
	.harm = "A VMM that did not take a mapping back believes in the new one, while the "
		"device uses either.",
	.judged = "The data region again, and a page of it to another place, while the "
		  "device runs; then data both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_process_iotlb_update() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_overlap_taken", "message_errors_forgiven"),
	.collect = collect_overlap,
	.judge = judge_overlap,
};

/* An update of two pages from @iova on. */
static void map_at(struct vdpa *v, const char *step, uint64_t iova, uint64_t size)
{
	(void)session_iotlb(v->s, step,
			    (struct iotlb_msg){
				    .iova = iova,
				    .size = size,
				    .uaddr = mem_hva(&v->s->mem, MEM_SPARE, 0),
				    .perm = VHOST_ACCESS_RW,
				    .type = VHOST_IOTLB_UPDATE,
			    });
}

static int get_range(struct vdpa *v, struct vhost_vdpa_iova_range *ret)
{
	*ret = (struct vhost_vdpa_iova_range){ SESSION_POISON, SESSION_POISON };
	return session_ioctl(v->s, "range", VHOST_VDPA_GET_IOVA_RANGE, ret);
}

static int collect_range(struct session *s)
{
	struct vhost_vdpa_iova_range range;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	if (get_range(&v, &range) < 0)
		return 0;
	session_fact(s, "range", "first", "%s",
		     range.first <= range.last ? "not behind last" : "behind last");
	if (mem_iova(MEM_SPARE, 0) >= range.first && mem_iova(MEM_SPARE, 0) < range.last)
		map_at(&v, "inside", mem_iova(MEM_SPARE, 0), MEM_PAGE);
	if (range.last != UINT64_MAX)
		map_at(&v, "across_last", range.last - MEM_PAGE + 1,
		       (uint64_t)2 * MEM_PAGE);
	if (range.first)
		map_at(&v, "before_first", 0, MEM_PAGE);
	map_at(&v, "wrap", UINT64_MAX - MEM_PAGE + 1, (uint64_t)2 * MEM_PAGE);
	map_at(&v, "empty", mem_iova(MEM_SPARE, 0), 0);
	return 0;
}

static void judge_range(struct judge *j)
{
	judge_ok(j, "range");
	judge_fact(j, "range", "first", "not behind last");
	judge_message_errno(j, "wrap", EFAULT, EFAULT);
	judge_message_errno(j, "empty", EINVAL, EFAULT);
	if (ev_find(j->evidence, EV_IOTLB, "across_last"))
		judge_message_errno(j, "across_last", EFAULT, EFAULT);
	if (ev_find(j->evidence, EV_IOTLB, "before_first"))
		judge_message_errno(j, "before_first", EFAULT, EFAULT);
	if (ev_find(j->evidence, EV_IOTLB, "inside"))
		judge_message(j, "inside");
}

const struct check vdpa_range = {
	.area = "iotlb",
	.name = "range",
	.families = ON_VDPA,
	.title = "a mapping lies in the range that the device has",
	.contract =
		"VHOST_VDPA_GET_IOVA_RANGE says which addresses the device has. An update "
		"outside, one that wraps around and one of no bytes are refused; one inside "
		"is taken.",
	.harm = "The device's IOMMU maps addresses that it cuts off: another page is "
		"reached.",
	.judged =
		"Updates that wrap, that are empty, across either end of the range where "
		"it has ends, and one inside.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_process_iotlb_update(), vhost_vdpa_set_iova_range() in "
		      "drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_range_ignored", "update_wraps_taken",
			"message_errors_forgiven"),
	.collect = collect_range,
	.judge = judge_range,
};

static int collect_no_read(struct session *s)
{
	struct vdpa v;
	int r = vdpa_begin_plain(&v, s);

	if (r < 0)
		return r;
	(void)session_read_miss(s, "read", NULL);
	return vdpa_both_ways(&v, "after");
}

static void judge_no_read(struct judge *j)
{
	const struct ev *ev = judge_need(j, EV_IOTLB, "read");

	judge_vdpa_both(j, "first");
	if (ev)
		judge_that(j, ev->iotlb.err == EINVAL,
			   "read(2) of the node gave %s; it must give EINVAL",
			   ev->iotlb.err ? strerrorname_np(ev->iotlb.err) : "a message");
	judge_vdpa_both(j, "after");
}

const struct check vdpa_no_read = {
	.area = "iotlb",
	.name = "no_read",
	.families = ON_VDPA,
	.title = "a vDPA device reports no misses",
	.contract =
		"read(2) of the node gives EINVAL: there are no messages to the VMM, and "
		"what is not mapped is not asked for.",
	.harm = "A VMM that serves misses, as it does for vhost-net, waits for the first "
		"one for ever.",
	.judged = "One read of a running device, with data both ways before and after.",
	.severity = SEVERITY_LOW,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_fops in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_read_empty"),
	.collect = collect_no_read,
	.judge = judge_no_read,
};

/* -------------------------------------------------------- while the device runs */

static int collect_map_running(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r == 0)
		r = prepare_rings(&v, &vdpa_plain);
	if (r == 0)
		r = vdpa_start(&v);
	if (r == 0)
		r = map_data(&v, "map");
	return r < 0 ? r : vdpa_both_ways(&v, "mapped");
}

static void judge_map_running(struct judge *j)
{
	judge_ok(j, "start");
	judge_message(j, "map");
	judge_vdpa_both(j, "mapped");
}

const struct check vdpa_map_running = {
	.area = "iotlb",
	.name = "map_running",
	.families = ON_VDPA,
	.title = "memory can be mapped while the device runs",
	.contract = "An update after DRIVER_OK is in effect when the write has returned.",
	.harm = "Memory that was plugged in, or mapped by the guest's own IOMMU driver, "
		"cannot be used for requests.",
	.judged = "A start with the rings mapped alone, an update, then data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_map() in drivers/vhost/vdpa.c",
		      "vduse_vdpa_set_map() in drivers/vdpa/vdpa_user/vduse_dev.c"),
	.faults = WORDS("vdpa_map_late"),
	.collect = collect_map_running,
	.judge = judge_map_running,
};

static int collect_map_per_request(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r == 0)
		r = prepare_rings(&v, &vdpa_plain);
	if (r == 0)
		r = vdpa_start(&v);
	for (unsigned int i = 0; i < ROUNDS && r == 0; i++) {
		const struct vdpa_request request = vdpa_sectors(8 + i, VDPA_SECTOR);
		void *data = mem_ptr(&s->mem, VDPA_DATA, 0);

		r = map_data(&v, "map");
		if (r == 0)
			r = i % 2 ? vdpa_write(&v, "write", &request, data)
				  : vdpa_read(&v, "read", &request, data);
		if (r == 0)
			r = session_unmap(s, "unmap", VDPA_DATA);
	}
	session_fact(s, "rounds", "end", "%s", r < 0 ? strerrorname_np(-r) : "all done");
	return r;
}

/* Each, not the first alone. */
static void judge_all_bytes(struct judge *j, const char *step, size_t n)
{
	const struct ev *ev = NULL;
	size_t seen = 0;

	while ((ev = ev_find_next(j->evidence, ev, EV_BYTES, step)))
		seen += ev->bytes.sent_digest && ev->bytes.received_digest &&
			!strcmp(ev->bytes.sent_digest, ev->bytes.received_digest);
	judge_that(j, seen == n, "%s: in %zu of %zu rounds the data arrived", step, seen,
		   n);
}

static void judge_map_per_request(struct judge *j)
{
	judge_ok(j, "start");
	judge_all_bytes(j, "read", ROUNDS / 2);
	judge_all_bytes(j, "write", ROUNDS / 2);
	judge_fact(j, "rounds", "end", "all done");
}

const struct check vdpa_map_per_request = {
	.area = "iotlb",
	.name = "map_per_request",
	.families = ON_VDPA,
	.title = "data can be mapped for one request and unmapped after it",
	.contract =
		"Mapping and unmapping may go on for ever: each request finds what is "
		"mapped for it, at an address that was used before.",
	.harm = "A guest with an IOMMU of its own works for a while, and then no more.",
	.judged = "Twelve rounds of map, read or write, unmap: digests of all.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vdpa_unmap() in drivers/vhost/vdpa.c",
		      "vduse_domain_set_map() in drivers/vdpa/vdpa_user/iova_domain.c"),
	.faults = WORDS("vdpa_updates_lost", "vdpa_map_late"),
	.collect = collect_map_per_request,
	.judge = judge_map_per_request,
};

/* ------------------------------------------------------------- address spaces */

static int collect_asid(struct session *s)
{
	uint64_t spaces = 0;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	if (vdpa_get(&v, "spaces", VHOST_VDPA_GET_AS_NUM, &spaces) < 0)
		return 0;
	v.asid = (uint32_t)spaces;
	(void)vdpa_map(&v, "not_agreed", MEM_SPARE, MEM_PAGE, VHOST_ACCESS_RW);
	(void)session_backend(s, "agree", BACKEND_ASID);
	(void)vdpa_map(&v, "beyond", VDPA_DATA, MEM_PAGE, VHOST_ACCESS_RW);
	v.asid = 0;
	(void)vdpa_map(&v, "first", VDPA_DATA, MEM_PAGE, VHOST_ACCESS_RW);
	return 0;
}

static void judge_asid(struct judge *j)
{
	uint64_t spaces = 0;

	judge_ok(j, "owner");
	if (!judge_number(j, "spaces", &spaces))
		return;
	judge_that(j, spaces > 0, "the device says that it has no address space at all");
	judge_message(j, "not_agreed");
	judge_ok(j, "agree");
	judge_message_errno(j, "beyond", EFAULT, EFAULT);
	judge_message(j, "first");
}

const struct check vdpa_asid = {
	.area = "iotlb",
	.name = "asid",
	.families = ON_VDPA,
	.title =
		"an address space that there is not is refused, once they were agreed on",
	.contract =
		"A version 2 message names an address space below VHOST_VDPA_GET_AS_NUM, or "
		"is refused with EFAULT; unless IOTLB_ASID was agreed on the field is not "
		"looked at.",
	.harm = "A mapping ends up in another address space than the VMM meant, within "
		"reach of other rings.",
	.judged =
		"An update of one space too many before and after IOTLB_ASID was agreed "
		"on, then one of space 0.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_alloc_as() in drivers/vhost/vdpa.c",
		      "vhost_chr_write_iter() in drivers/vhost/vhost.c"),
	.faults = WORDS("vdpa_asid_any", "message_errors_forgiven"),
	.collect = collect_asid,
	.judge = judge_asid,
};
