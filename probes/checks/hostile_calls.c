/* SPDX-License-Identifier: MIT */
/* Area hostile: ioctl arguments and IOTLB messages that make no sense. */
#include <string.h>

#include "checks/hostile.h"
#include "seam/uapi.h"

#define KERNEL_ADDRESS UINT64_C(0xffff800000000000)

/* ------------------------------------------------------------------- NULL */

/** struct request_name - a call and the step that it is recorded as */
struct request_name {
	const char *step;
	unsigned long request;
	unsigned int families;
};

static const struct request_name pointers[] = {
	{ "get_features", VHOST_GET_FEATURES, ON_ALL },
	{ "set_features", VHOST_SET_FEATURES, ON_ALL },
	{ "get_backend_features", VHOST_GET_BACKEND_FEATURES, ON_BOTH },
	{ "set_backend_features", VHOST_SET_BACKEND_FEATURES, ON_BOTH },
	{ "memory", VHOST_SET_MEM_TABLE, ON_ALL },
	{ "log_base", VHOST_SET_LOG_BASE, ON_ALL },
	{ "log_fd", VHOST_SET_LOG_FD, ON_ALL },
	{ "num", VHOST_SET_VRING_NUM, ON_ALL },
	{ "addr", VHOST_SET_VRING_ADDR, ON_ALL },
	{ "base", VHOST_SET_VRING_BASE, ON_ALL },
	{ "get_base", VHOST_GET_VRING_BASE, ON_ALL },
	{ "kick", VHOST_SET_VRING_KICK, ON_ALL },
	{ "call", VHOST_SET_VRING_CALL, ON_ALL },
	{ "err", VHOST_SET_VRING_ERR, ON_ALL },
	{ "cid", VHOST_VSOCK_SET_GUEST_CID, ON_VSOCK },
	{ "running", VHOST_VSOCK_SET_RUNNING, ON_VSOCK },
	{ "set_endpoint", VHOST_SCSI_SET_ENDPOINT, ON_SCSI },
	{ "clear_endpoint", VHOST_SCSI_CLEAR_ENDPOINT, ON_SCSI },
	{ "abi_version", VHOST_SCSI_GET_ABI_VERSION, ON_SCSI },
	{ "set_missed", VHOST_SCSI_SET_EVENTS_MISSED, ON_SCSI },
	{ "get_missed", VHOST_SCSI_GET_EVENTS_MISSED, ON_SCSI },
	{ "net_backend", VHOST_NET_SET_BACKEND, ON_NET },
};

static int collect_null_argument(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	if (r == 0)
		r = hostile_open(&l, s, &plain_start);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
		if (pointers[i].families & FAMILY_BIT(s->family))
			(void)session_ioctl(s, pointers[i].step, pointers[i].request,
					    NULL);
	return link_both_ways(&l, SHORT_BYTES);
}

/* By the start call of the set-up, which comes before anything that is judged. */
static unsigned int family_of(struct judge *j)
{
	const struct ev *start = ev_find(j->evidence, EV_IOCTL, "start");

	if (start && !strcmp(start->ioctl.name, "VHOST_SCSI_SET_ENDPOINT"))
		return ON_SCSI;
	return start && !strcmp(start->ioctl.name, "VHOST_NET_SET_BACKEND") ? ON_NET
									    : ON_VSOCK;
}

static void judge_null_argument(struct judge *j)
{
	unsigned int family = family_of(j);

	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
		if (pointers[i].families & family)
			judge_errno(j, pointers[i].step, EFAULT);
	judge_both(j, SHORT_BYTES);
}

const struct check hostile_null_argument = {
	.area = "hostile",
	.name = "null_argument",
	.families = ON_ALL,
	.title = "a call without its argument gives EFAULT and changes nothing",
	.contract = "Each call that reads or writes an argument gives EFAULT for NULL, "
		    "while the device runs, and traffic goes on.",
	.harm = "A VMM with a bug takes the host down with it, or changes its device "
		"without noticing.",
	.judged = "Each call of the family once with NULL on a running device, then a "
		  "transfer both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_dev_ioctl(), vhost_vring_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("log_base_unchecked"),
	.collect = collect_null_argument,
	.judge = judge_null_argument,
};

/* ------------------------------------------------------------ ring index */

static const struct request_name ring_calls[] = {
	{ "num", VHOST_SET_VRING_NUM, ON_ALL },
	{ "addr", VHOST_SET_VRING_ADDR, ON_ALL },
	{ "base", VHOST_SET_VRING_BASE, ON_ALL },
	{ "get_base", VHOST_GET_VRING_BASE, ON_ALL },
	{ "kick", VHOST_SET_VRING_KICK, ON_ALL },
	{ "call", VHOST_SET_VRING_CALL, ON_ALL },
	{ "err", VHOST_SET_VRING_ERR, ON_ALL },
	{ "net_backend", VHOST_NET_SET_BACKEND, ON_NET },
};

/* All that these calls read is 0 behind the index: what is taken does harm. */
static int ring_call(struct session *s, const struct request_name *call, uint32_t index)
{
	struct vhost_vring_addr arg = { .index = index };

	return session_ioctl(s, call->step, call->request, &arg);
}

static int collect_ring_index(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	if (r == 0)
		r = hostile_open(&l, s, &plain_start);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(ring_calls); i++) {
		if (!(ring_calls[i].families & FAMILY_BIT(s->family)))
			continue;
		(void)ring_call(s, &ring_calls[i], ring_beyond(s));
		(void)ring_call(s, &ring_calls[i], ring_beyond(s) + 1);
		(void)ring_call(s, &ring_calls[i], INT32_MAX);
		(void)ring_call(s, &ring_calls[i], UINT32_MAX);
	}
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_ring_index(struct judge *j)
{
	static const unsigned int tries = 4;
	unsigned int family = family_of(j);

	for (size_t i = 0; i < ARRAY_SIZE(ring_calls); i++) {
		const struct ev *ev = NULL;
		unsigned int refused = 0;

		if (!(ring_calls[i].families & family))
			continue;
		judge_errno(j, ring_calls[i].step, ENOBUFS);
		while ((ev = ev_find_next(j->evidence, ev, EV_IOCTL, ring_calls[i].step)))
			refused += ev->ioctl.err == ENOBUFS;
		judge_that(j, refused == tries,
			   "step \"%s\": %u of %u indices were refused with ENOBUFS",
			   ring_calls[i].step, refused, tries);
	}
	judge_both(j, SHORT_BYTES);
}

const struct check hostile_ring_index = {
	.area = "hostile",
	.name = "ring_index",
	.families = ON_ALL,
	.title = "no ring call reaches a ring that does not exist",
	.contract = "Each call that names a ring gives ENOBUFS for an index that the "
		    "device does not have, while it runs, and traffic goes on.",
	.harm = "A VMM writes to the host's memory behind the device's rings.",
	.judged = "Each ring call with the first two indices that the device does not "
		  "have (on vhost-scsi: that none can have), 2^31 - 1 and 2^32 - 1 while "
		  "it runs, then a transfer both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_get_vq_from_user() in drivers/vhost/vhost.c",
		      "vhost_net_set_backend() in drivers/vhost/net.c"),
	.faults = WORDS("ring_index_wraps"),
	.collect = collect_ring_index,
	.judge = judge_ring_index,
};

/* ---------------------------------------------------------- memory table */

/** struct bad_table - a memory table of one region, and how it is refused */
struct bad_table {
	const char *step;
	uint32_t nregions, padding;
	uint64_t gpa, size, hva;
	int err;
};

static const struct bad_table bad_tables[] = {
	{ "padding", 1, 1, MEM_GPA, MEM_PAGE, 0, EOPNOTSUPP },
	{ "most_regions", UINT32_MAX, 0, MEM_GPA, MEM_PAGE, 0, E2BIG },
	{ "wraps", 1, 0, UINT64_MAX - 100, MEM_PAGE, 0, EFAULT },
	{ "no_size", 1, 0, MEM_GPA, 0, 0, EFAULT },
	{ "kernel_address", 1, 0, MEM_GPA, MEM_PAGE, KERNEL_ADDRESS, EFAULT },
	{ "into_kernel", 1, 0, MEM_GPA, KERNEL_ADDRESS, 0, EFAULT },
};

static void set_bad_table(struct session *s, const struct bad_table *bad)
{
	const struct vhost_memory_region region = {
		.guest_phys_addr = bad->gpa,
		.memory_size = bad->size,
		/* where the guest's memory begins: whatever is taken leads to no other */
		.userspace_addr = bad->hva ? bad->hva : (uint64_t)(uintptr_t)s->mem.base,
	};
	cleanup_free struct vhost_memory *t = calloc(1, sizeof(*t) + sizeof(region));

	if (!t)
		return;
	t->nregions = bad->nregions;
	t->padding = bad->padding;
	t->regions[0] = region;
	(void)session_ioctl(s, bad->step, VHOST_SET_MEM_TABLE, t);
}

static int collect_memory_running(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	if (r == 0)
		r = hostile_open(&l, s, &plain_start);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(bad_tables); i++)
		set_bad_table(s, &bad_tables[i]);
	return link_both_ways(&l, SHORT_BYTES);
}

static void judge_memory_running(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_tables); i++)
		judge_errno(j, bad_tables[i].step, bad_tables[i].err);
	judge_both(j, SHORT_BYTES);
}

const struct check hostile_memory_running = {
	.area = "hostile",
	.name = "memory_running",
	.families = ON_ALL,
	.title = "a bad memory table is refused while running, and the old one stays",
	.contract =
		"On a running device VHOST_SET_MEM_TABLE gives EOPNOTSUPP for padding, "
		"E2BIG for too many regions, EFAULT for a region that wraps around, has no "
		"size or reaches into the kernel's half; the table before it stays in "
		"force.",
	.harm = "A guest is given the kernel's memory, or loses its own while it runs.",
	.judged = "Each table once on a running device, then a transfer both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_set_memory(), memory_access_ok() in drivers/vhost/vhost.c"),
	.faults = WORDS("memory_wraps_taken", "memory_kernel_taken"),
	.collect = collect_memory_running,
	.judge = judge_memory_running,
};

/* ---------------------------------------------------------- ring address */

static struct session_ring_at with(struct session_ring_at at, unsigned int part)
{
	uint64_t *parts[] = { &at.desc, &at.avail, &at.used };

	*parts[part] = KERNEL_ADDRESS;
	return at;
}

static const char *const ring_parts[] = { "desc", "avail", "used" };
static const char *const ring_starts[] = { "start.desc", "start.avail", "start.used" };

static int collect_ring_kernel(struct session *s)
{
	struct session_ring_at home = { 0 };
	struct link l;
	int r = session_peer(s);

	if (r == 0)
		r = hostile_open(&l, s, &plain_start);
	if (r < 0)
		return r;
	home = session_ring_home(s, QUEUE_TX);
	for (unsigned int i = 0; i < ARRAY_SIZE(ring_parts); i++)
		(void)session_ring_addr(s, ring_parts[i], QUEUE_TX, with(home, i));
	r = link_connect(&l);
	if (r == 0)
		r = link_tx(&l, "running.tx", SHORT_BYTES);
	if (r == 0)
		r = link_rx(&l, "running.rx", SHORT_BYTES);
	if (r < 0)
		return r;
	(void)session_running(s, "stop", 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(ring_parts); i++) {
		(void)session_ring_addr(s, "stopped", QUEUE_TX, with(home, i));
		(void)session_running(s, ring_starts[i], 1);
	}
	return hostile_fresh(s);
}

static void judge_ring_kernel(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(ring_parts); i++)
		judge_errno_either(j, ring_parts[i], EINVAL, EFAULT);
	judge_bytes(j, "running.tx", SHORT_BYTES);
	judge_bytes(j, "running.rx", SHORT_BYTES);
	judge_ok(j, "stop");
	for (size_t i = 0; i < ARRAY_SIZE(ring_starts); i++)
		judge_errno(j, ring_starts[i], EFAULT);
	judge_fresh(j);
}

const struct check hostile_ring_kernel = {
	.area = "hostile",
	.name = "ring_kernel",
	.families = ON_BOTH,
	.title = "no part of a ring may lie in the kernel's half",
	.contract =
		"VHOST_SET_VRING_ADDR with an address of the kernel's half gives EINVAL or "
		"EFAULT while the device runs, and the ring stays where it is; set while "
		"stopped, it makes the start give EFAULT.",
	.harm = "A VMM has the kernel read or write its own memory.",
	.judged = "desc, avail and used in their turn, running with a transfer after "
		  "them, then stopped with a start; then a fresh descriptor.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vring_set_addr(), vq_access_ok() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_kernel_taken", "start_other_errno", "start_forgiven"),
	.collect = collect_ring_kernel,
	.judge = judge_ring_kernel,
};
