/* SPDX-License-Identifier: MIT */
/* Area lifecycle: which arguments the set-up calls take, and how they refuse others. */
#include <fcntl.h>
#include <string.h>

#include "checks/rows.h"

static int open_owned(struct session *s)
{
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	return 0;
}

static int collect_ring_size(struct session *s)
{
	int r = open_owned(s);

	if (r < 0)
		return r;
	(void)session_ring_num(s, "zero", QUEUE_RX, 0);
	(void)session_ring_num(s, "three", QUEUE_RX, 3);
	(void)session_ring_num(s, "too_large", QUEUE_RX, 65536);
	(void)session_ring_num(s, "one", QUEUE_RX, 1);
	(void)session_ring_num(s, "largest", QUEUE_RX, 32768);
	return 0;
}

static void judge_ring_size(struct judge *j)
{
	judge_errno(j, "zero", EINVAL);
	judge_errno(j, "three", EINVAL);
	judge_errno(j, "too_large", EINVAL);
	judge_ok(j, "one");
	judge_ok(j, "largest");
}

const struct check lifecycle_ring_size = {
	.area = "lifecycle",
	.name = "ring_size",
	.families = ON_ALL,
	.title = "a ring's size is a power of two up to 32768",
	.contract =
		"VHOST_SET_VRING_NUM takes 1 to 32768 descriptors if they are a power of "
		"two, and gives EINVAL for everything else.",
	.harm = "Indices that wrap at 2^16 no longer fit the ring: descriptors are mixed up.",
	.judged = "0, 3, 65536, 1 and 32768 are tried.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("virtio-1.2 2.7", "vhost_vring_set_num() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_num_swallowed", "ring_num_any"),
	.collect = collect_ring_size,
	.judge = judge_ring_size,
};

unsigned int ring_beyond(const struct session *s)
{
	/* vhost_scsi's parameter max_io_vqs is 1024 at most */
	return s->family == FAMILY_SCSI ? 2 + 1024 : session_queues(s);
}

static int collect_ring_index(struct session *s)
{
	int r = open_owned(s);

	if (r < 0)
		return r;
	(void)session_ring_num(s, "last", session_queues(s) - 1, SESSION_RING_SIZE);
	(void)session_ring_num(s, "beyond", ring_beyond(s), SESSION_RING_SIZE);
	(void)session_ring_num(s, "far_beyond", UINT32_MAX, SESSION_RING_SIZE);
	return 0;
}

static void judge_ring_index(struct judge *j)
{
	judge_ok(j, "last");
	judge_errno(j, "beyond", ENOBUFS);
	judge_errno(j, "far_beyond", ENOBUFS);
}

const struct check lifecycle_ring_index = {
	.area = "lifecycle",
	.name = "ring_index",
	.families = ON_ALL,
	.title = "a ring that does not exist is refused with ENOBUFS",
	.contract =
		"vhost-net and vhost-vsock have rings 0 (host to guest) and 1 (guest to "
		"host), vhost-scsi 0 (control), 1 (events) and from 2 on as many for "
		"requests as its parameter max_io_vqs says; ring calls give ENOBUFS for "
		"every other index.",
	.harm = "A VMM that hands a queue to the host which the host does not have (the event "
		"queue of vsock, the control queue of net) never learns that nobody serves "
		"it.",
	.judged = "SET_VRING_NUM of the last ring that a driver sets up, of one that no "
		  "device has, and of 2^32 - 1.",
	.severity = SEVERITY_LOW,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_get_vq_from_user() in drivers/vhost/vhost.c",
		      "virtio-1.2 5.10.2"),
	.faults = WORDS("ring_index_other_errno", "ring_index_wraps"),
	.collect = collect_ring_index,
	.judge = judge_ring_index,
};

static int collect_ring_address(struct session *s)
{
	struct session_ring_at at = { 0 };
	int r = open_owned(s);

	if (r < 0)
		return r;
	ring_init(&s->ring[QUEUE_RX], &s->mem, QUEUE_RX, SESSION_RING_SIZE, 0);
	at = session_ring_home(s, QUEUE_RX);
	(void)session_ring_num(s, "num", QUEUE_RX, SESSION_RING_SIZE);
	(void)session_ring_addr(s, "home", QUEUE_RX, at);
	at.avail += 1;
	(void)session_ring_addr(s, "odd_avail", QUEUE_RX, at);
	at.avail -= 1;
	at.used += 2;
	(void)session_ring_addr(s, "odd_used", QUEUE_RX, at);
	at.used -= 2;
	at.flags = 2;
	(void)session_ring_addr(s, "odd_flags", QUEUE_RX, at);
	return 0;
}

static void judge_ring_address(struct judge *j)
{
	judge_ok(j, "home");
	judge_errno(j, "odd_avail", EINVAL);
	judge_errno(j, "odd_used", EINVAL);
	judge_errno(j, "odd_flags", EOPNOTSUPP);
}

const struct check lifecycle_ring_address = {
	.area = "lifecycle",
	.name = "ring_address",
	.families = ON_ALL | ON_VDPA,
	.title = "ring addresses are aligned as virtio demands",
	.contract =
		"VHOST_SET_VRING_ADDR gives EINVAL for an avail ring that is not 2-byte "
		"and a used ring that is not 4-byte aligned, and EOPNOTSUPP for flags "
		"that it does not know.",
	.harm = "Indices are torn: the guest reads half of an update.",
	.judged = "The right addresses first, then each with one thing wrong.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("virtio-1.2 2.7",
		      "vhost_vring_set_addr() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_addr_swallowed", "ring_addr_refused", "ring_addr_forgiven",
			"avail_unaligned_taken", "used_unaligned_taken",
			"addr_flags_taken"),
	.collect = collect_ring_address,
	.judge = judge_ring_address,
};

static int get_base(struct session *s, const char *step)
{
	struct vhost_vring_state state = { .index = QUEUE_TX, .num = UINT32_MAX };

	return session_ioctl(s, step, VHOST_GET_VRING_BASE, &state);
}

static int collect_ring_base(struct session *s)
{
	int r = open_owned(s);

	if (r < 0)
		return r;
	(void)session_ring_base(s, "set", QUEUE_TX, 65530);
	(void)get_base(s, "get");
	(void)session_ring_base(s, "too_large", QUEUE_TX, 65536);
	(void)get_base(s, "kept");
	return 0;
}

static void judge_base_at(struct judge *j, const char *step)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, step);
	const char *index = ev && ev->ioctl.arg ? strchr(ev->ioctl.arg, ' ') : NULL;

	judge_ok(j, step);
	if (ev)
		judge_that(
			j, index && !strcmp(index, " 65530"),
			"VHOST_GET_VRING_BASE at step \"%s\" said \"%s\"; 65530 was set",
			step, ev->ioctl.arg ? ev->ioctl.arg : "nothing");
}

static void judge_ring_base(struct judge *j)
{
	judge_ok(j, "set");
	judge_base_at(j, "get");
	judge_errno(j, "too_large", EINVAL);
	judge_base_at(j, "kept");
}

const struct check lifecycle_ring_base = {
	.area = "lifecycle",
	.name = "ring_base",
	.families = ON_ALL,
	.title = "the ring index that was set is the one that is read back",
	.contract =
		"VHOST_GET_VRING_BASE returns what VHOST_SET_VRING_BASE set; an index "
		"above 65535 gives EINVAL and changes nothing.",
	.harm = "A migrated guest's ring goes on at the wrong place.",
	.judged = "65530 is set and read, 65536 is refused, 65530 is read again.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_VRING_BASE",
		      "vhost_vring_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("ring_base_swallowed", "ring_base_truncated", "ring_base_used"),
	.collect = collect_ring_base,
	.judge = judge_ring_base,
};

static int collect_ring_eventfd(struct session *s)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = null < 0 ? -errno : open_owned(s);

	if (r < 0)
		return r;
	(void)session_ring_fd(s, "kick", VHOST_SET_VRING_KICK, QUEUE_RX,
			      s->kick[QUEUE_RX]);
	(void)session_ring_fd(s, "call", VHOST_SET_VRING_CALL, QUEUE_RX,
			      s->call[QUEUE_RX]);
	(void)session_ring_fd(s, "err", VHOST_SET_VRING_ERR, QUEUE_RX, s->err[QUEUE_RX]);
	(void)session_ring_fd(s, "file", VHOST_SET_VRING_CALL, QUEUE_RX, null);
	(void)session_ring_fd(s, "closed", VHOST_SET_VRING_CALL, QUEUE_RX, 1000000);
	(void)session_ring_fd(s, "unbind", VHOST_SET_VRING_CALL, QUEUE_RX, -1);
	return 0;
}

static void judge_ring_eventfd(struct judge *j)
{
	judge_ok(j, "kick");
	judge_ok(j, "call");
	judge_ok(j, "err");
	judge_errno(j, "file", EINVAL);
	judge_errno(j, "closed", EBADF);
	judge_ok(j, "unbind");
}

const struct check lifecycle_ring_eventfd = {
	.area = "lifecycle",
	.name = "ring_eventfd",
	.families = ON_ALL | ON_VDPA,
	.title = "kick, call and err take an eventfd, or -1 to unbind",
	.contract =
		"VHOST_SET_VRING_KICK, _CALL and _ERR take eventfds; another file gives "
		"EINVAL, a descriptor that is not open EBADF, and -1 unbinds.",
	.harm = "A VMM that mixes descriptors up gets no interrupts and no error.",
	.judged =
		"The three with an eventfd, then _CALL with /dev/null, a closed descriptor "
		"and -1.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_VRING_KICK",
		      "vhost_vring_ioctl() in drivers/vhost/vhost.c",
		      "vhost_vdpa_vring_ioctl() in drivers/vhost/vdpa.c"),
	.faults = WORDS("ring_call_swallowed", "ring_err_refused", "eventfd_any_file",
			"eventfd_no_unbind"),
	.collect = collect_ring_eventfd,
	.judge = judge_ring_eventfd,
};

#define REGIONS_TOO_MANY 65536u

static int memory_with(struct session *s, const char *step, uint32_t nregions,
		       uint32_t padding)
{
	cleanup_free struct vhost_memory *table =
		calloc(1, sizeof(*table) + 2 * sizeof(table->regions[0]));

	if (!table)
		return -ENOMEM;
	table->nregions = nregions;
	table->padding = padding;
	for (unsigned int i = 0; i < 2; i++)
		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = MEM_GPA + (uint64_t)i * MEM_PAGE,
			.memory_size = MEM_PAGE,
			.userspace_addr =
				mem_hva(&s->mem, MEM_SPARE, (uint64_t)i * MEM_PAGE),
		};
	return session_ioctl(s, step, VHOST_SET_MEM_TABLE, table);
}

static int collect_memory_table(struct session *s)
{
	int r = open_owned(s);

	if (r < 0)
		return r;
	(void)memory_with(s, "empty", 0, 0);
	(void)memory_with(s, "two", 2, 0);
	(void)memory_with(s, "padding", 1, 1);
	(void)memory_with(s, "too_many", REGIONS_TOO_MANY, 0);
	return 0;
}

static void judge_memory_table(struct judge *j)
{
	judge_ok(j, "empty");
	judge_ok(j, "two");
	judge_errno(j, "padding", EOPNOTSUPP);
	judge_errno(j, "too_many", E2BIG);
}

const struct check lifecycle_memory_table = {
	.area = "lifecycle",
	.name = "memory_table",
	.families = ON_ALL,
	.title = "the memory table takes several regions and refuses nonsense",
	.contract =
		"VHOST_SET_MEM_TABLE takes no, one or several regions; padding that is "
		"not zero gives EOPNOTSUPP, more regions than max_mem_regions E2BIG.",
	.harm = "A guest with many memory slots starts with part of its memory out of the "
		"device's reach.",
	.judged = "Tables of 0, 2 and 65536 regions, and one with padding.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("VHOST_SET_MEM_TABLE",
		      "vhost_set_memory() in drivers/vhost/vhost.c"),
	.faults = WORDS("memory_swallowed", "memory_refused", "memory_padding_taken",
			"memory_one_region"),
	.collect = collect_memory_table,
	.judge = judge_memory_table,
};

static int collect_cid_reserved(struct session *s)
{
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_set_u64(s, "any", VHOST_VSOCK_SET_GUEST_CID, UINT32_MAX);
	(void)session_set_u64(s, "hypervisor", VHOST_VSOCK_SET_GUEST_CID, 0);
	(void)session_set_u64(s, "local", VHOST_VSOCK_SET_GUEST_CID, 1);
	(void)session_set_u64(s, "host", VHOST_VSOCK_SET_GUEST_CID, 2);
	(void)session_set_u64(s, "wide", VHOST_VSOCK_SET_GUEST_CID,
			      UINT64_C(1) << 32 | 77);
	(void)session_cid(s, "own");
	return 0;
}

static void judge_cid_reserved(struct judge *j)
{
	judge_errno(j, "any", EINVAL);
	judge_errno(j, "hypervisor", EINVAL);
	judge_errno(j, "local", EINVAL);
	judge_errno(j, "host", EINVAL);
	judge_errno(j, "wide", EINVAL);
	judge_ok(j, "own");
}

const struct check lifecycle_cid_reserved = {
	.area = "lifecycle",
	.name = "cid_reserved",
	.families = ON_VSOCK,
	.title = "a guest cannot have a reserved CID",
	.contract =
		"VHOST_VSOCK_SET_GUEST_CID gives EINVAL for 0, 1, 2, 2^32 - 1 and all "
		"that does not fit 32 bits, and takes a free CID, also before SET_OWNER.",
	.harm = "A guest answers for the host, or for everyone.",
	.judged = "Each reserved CID, one beyond 32 bits, then a free one.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vsock_set_cid() in drivers/vhost/vsock.c",
		      "virtio-1.2 5.10.4"),
	.faults = WORDS("cid_swallowed", "cid_refused", "cid_reserved_taken",
			"cid_truncated"),
	.collect = collect_cid_reserved,
	.judge = judge_cid_reserved,
};

static int collect_cid_unique(struct session *s)
{
	struct session other;
	struct seam seam;
	int r = session_open(s);

	if (r == 0)
		r = session_cid(s, "first");
	if (r < 0)
		return r;
	session_twin(s, &other, &seam);
	r = session_open(&other);
	other.cid = s->cid;
	if (r == 0)
		(void)session_set_u64(&other, "second", VHOST_VSOCK_SET_GUEST_CID,
				      s->cid);
	session_close(s);
	if (r == 0)
		(void)session_set_u64(&other, "freed", VHOST_VSOCK_SET_GUEST_CID, s->cid);
	session_done(&other);
	return r;
}

static void judge_cid_unique(struct judge *j)
{
	judge_ok(j, "first");
	judge_errno(j, "second", EADDRINUSE);
	judge_ok(j, "freed");
}

const struct check lifecycle_cid_unique = {
	.area = "lifecycle",
	.name = "cid_unique",
	.families = ON_VSOCK,
	.title = "a CID has one guest, and is free again when that is closed",
	.contract =
		"VHOST_VSOCK_SET_GUEST_CID gives EADDRINUSE for the CID of another open "
		"device, and takes it once that one was closed.",
	.harm = "Two guests share an address, or a guest cannot be started again under its "
		"own.",
	.judged = "Two descriptors and one CID: taken, refused, taken after the first is "
		  "closed.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vsock_set_cid() in drivers/vhost/vsock.c"),
	.faults = WORDS("cid_conflict_forgiven", "cid_kept"),
	.collect = collect_cid_unique,
	.judge = judge_cid_unique,
};

static int collect_unknown_request(struct session *s)
{
	/* vhost reads a ring index from the argument before it looks at the number */
	unsigned char arg[128] = { 0 };
	int r = open_owned(s);

	if (r < 0)
		return r;
	(void)session_ioctl(s, "unknown", _IOW(VHOST_VIRTIO, 0xf0, uint64_t), arg);
	(void)session_ring_num(s, "after", QUEUE_RX, SESSION_RING_SIZE);
	return 0;
}

static void judge_unknown_request(struct judge *j)
{
	judge_errno(j, "unknown", ENOTTY);
	judge_ok(j, "after");
}

const struct check lifecycle_unknown_request = {
	.area = "lifecycle",
	.name = "unknown_request",
	.families = ON_ALL,
	.title = "an ioctl that the kernel does not know is refused with ENOTTY",
	.contract = "An owned device gives ENOTTY for a number that it has no call for.",
	.harm = "A VMM that probes for newer calls takes them for present.",
	.judged = "A number that no kernel uses, then a call that must still work.",
	.severity = SEVERITY_LOW,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vring_ioctl() in drivers/vhost/vhost.c"),
	.faults = WORDS("unknown_request_taken"),
	.collect = collect_unknown_request,
	.judge = judge_unknown_request,
};
