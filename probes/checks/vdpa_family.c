/* SPDX-License-Identifier: MIT */
/* vDPA devices: what the device is, its configuration space, groups and address spaces.
 */
#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "checks/vdpa_judges.h"

static int collect_identity(struct session *s)
{
	uint64_t value = 0;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	if (v.target.type)
		session_fact(s, "device_id", "netlink", "%" PRIu32, v.target.type);
	(void)vdpa_get(&v, "device_id", VHOST_VDPA_GET_DEVICE_ID, &value);
	(void)vdpa_get(&v, "rings", VHOST_VDPA_GET_VQS_COUNT, &value);
	(void)vdpa_get(&v, "ring_size", VHOST_VDPA_GET_VRING_NUM, &value);
	(void)vdpa_get(&v, "config_size", VHOST_VDPA_GET_CONFIG_SIZE, &value);
	(void)vdpa_get(&v, "groups", VHOST_VDPA_GET_GROUP_NUM, &value);
	(void)vdpa_get(&v, "spaces", VHOST_VDPA_GET_AS_NUM, &value);
	return 0;
}

static void judge_identity(struct judge *j)
{
	const char *told = judge_fact_value(j, "device_id", "netlink");

	judge_positive(j, "device_id");
	if (told)
		judge_said(j, "device_id", told);
	judge_positive(j, "rings");
	judge_positive(j, "ring_size");
	judge_positive(j, "config_size");
	judge_positive(j, "groups");
	judge_positive(j, "spaces");
}

const struct check vdpa_identity = {
	.area = "family",
	.name = "identity",
	.families = ON_VDPA,
	.title = "a device says what it is, without an owner",
	.contract =
		"GET_DEVICE_ID, GET_VQS_COUNT, GET_VRING_NUM, GET_CONFIG_SIZE, GET_GROUP_NUM "
		"and GET_AS_NUM work on a fresh descriptor, and none says 0. Of a device "
		"that was made for the run the first agrees with what the kernel tells by "
		"netlink.",
	.harm = "A VMM cannot tell which device to show its guest, or with how many rings.",
	.judged = "Each of the six calls; the buffer is poisoned before each.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_unlocked_ioctl() in drivers/vhost/vdpa.c",
		      "vdpa_dev_fill() in drivers/vdpa/vdpa.c", "virtio-1.2 5"),
	.faults = WORDS("vdpa_no_rings"),
	.collect = collect_identity,
	.judge = judge_identity,
};

/* -------------------------------------------------------- configuration space */

/*
 * The whole of it, as far as it is looked at; 0 bytes if it cannot be had. Its size,
 * which may be more.
 */
static uint32_t get_whole(struct vdpa *v, const char *step, struct vdpa_piece *whole)
{
	uint64_t size = 0;

	*whole = (struct vdpa_piece){ 0 };
	if (vdpa_get(v, "size", VHOST_VDPA_GET_CONFIG_SIZE, &size) < 0)
		return 0;
	whole->len = size > VDPA_CONFIG_MAX ? VDPA_CONFIG_MAX : (uint32_t)size;
	if (vdpa_get_config(v, step, whole) < 0)
		whole->len = 0;
	return (uint32_t)size;
}

/* Whether each byte is the same read alone as in the whole. */
static bool bytes_agree(struct vdpa *v, const struct vdpa_piece *whole)
{
	for (uint32_t i = 0; i < whole->len; i++) {
		struct vdpa_piece one = { .off = i, .len = 1 };

		if (vdpa_get_config(v, "byte", &one) < 0 ||
		    one.bytes[0] != whole->bytes[i])
			return false;
	}
	return whole->len > 0;
}

static int collect_config_pieces(struct session *s)
{
	struct vdpa_piece whole;
	struct vdpa_piece tail = { 0 };
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)get_whole(&v, "whole", &whole);
	session_fact(s, "bytes", "alone", "%s",
		     bytes_agree(&v, &whole) ? "as in the whole" : "not as in the whole");
	tail.off = whole.len / 2;
	tail.len = whole.len - tail.off;
	(void)vdpa_get_config(&v, "tail", &tail);
	session_fact(s, "tail", "tail", "%s",
		     !memcmp(tail.bytes, whole.bytes + tail.off, tail.len)
			     ? "as in the whole"
			     : "not as in the whole");
	return 0;
}

static void judge_config_pieces(struct judge *j)
{
	judge_ok(j, "size");
	judge_ok(j, "whole");
	judge_ok(j, "tail");
	judge_fact(j, "bytes", "alone", "as in the whole");
	judge_fact(j, "tail", "tail", "as in the whole");
}

const struct check vdpa_config_pieces = {
	.area = "family",
	.name = "config_pieces",
	.families = ON_VDPA,
	.title = "the configuration can be read in pieces",
	.contract =
		"VHOST_VDPA_GET_CONFIG gives the same bytes whether they are read alone, "
		"as a tail, or with all others.",
	.harm = "A guest reads its capacity, or its MAC address, in two halves that do not "
		"belong together.",
	.judged =
		"The whole, each byte of it, and its second half are compared; the bytes "
		"themselves are not recorded.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_get_config() in drivers/vhost/vdpa.c",
		      "virtio-1.2 2.5"),
	.faults = WORDS("vdpa_config_start"),
	.collect = collect_config_pieces,
	.judge = judge_config_pieces,
};

/* @len bytes from @off on, which may all be somebody else's */
static void get_piece(struct vdpa *v, const char *step, uint32_t off, uint32_t len)
{
	struct vdpa_piece piece = { .off = off, .len = len };

	(void)vdpa_get_config(v, step, &piece);
}

static void set_piece(struct vdpa *v, const char *step, uint32_t off, uint32_t len)
{
	const struct vdpa_piece piece = { .off = off, .len = len };

	(void)vdpa_put_config(v, step, &piece);
}

static int collect_config_bounds(struct session *s)
{
	struct vdpa_piece whole;
	struct vdpa v;
	uint32_t end = 0;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	end = get_whole(&v, "whole", &whole);
	get_piece(&v, "nothing", 0, 0);
	get_piece(&v, "one_more", end - 1, 2);
	get_piece(&v, "behind", end, 1);
	get_piece(&v, "wraps", UINT32_MAX, 2);
	set_piece(&v, "set_behind", end, 2);
	set_piece(&v, "set_across", end - 1, 2);
	return 0;
}

static void judge_config_bounds(struct judge *j)
{
	judge_ok(j, "whole");
	judge_errno(j, "nothing", EINVAL);
	judge_errno_either(j, "one_more", EINVAL, E2BIG);
	judge_errno_either(j, "behind", EINVAL, E2BIG);
	judge_errno_either(j, "wraps", EINVAL, E2BIG);
	judge_errno_either(j, "set_behind", EINVAL, E2BIG);
	judge_errno_either(j, "set_across", EINVAL, E2BIG);
}

const struct check vdpa_config_bounds = {
	.area = "family",
	.name = "config_bounds",
	.families = ON_VDPA,
	.title = "nothing behind the configuration can be read or set",
	.contract = "VHOST_VDPA_GET_CONFIG and SET_CONFIG give EINVAL (or E2BIG) for no "
		    "bytes, and for any that lie behind VHOST_VDPA_GET_CONFIG_SIZE.",
	.harm = "A guest reads, or overwrites, memory of the host's kernel.",
	.judged = "Reads of 0 bytes, across and behind the end and around 2^32; writes "
		  "across and behind the end.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_config_validate() in drivers/vhost/vdpa.c"),
	.faults = WORDS("vdpa_config_open"),
	.collect = collect_config_bounds,
	.judge = judge_config_bounds,
};

static int collect_config_stable(struct session *s)
{
	struct vdpa_piece before;
	struct vdpa_piece after;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)get_whole(&v, "before", &before);
	r = vdpa_prepare(&v, &vdpa_plain);
	if (r == 0)
		r = vdpa_start(&v);
	if (r == 0)
		r = vdpa_both_ways(&v, "first");
	if (r < 0)
		return r;
	(void)get_whole(&v, "after", &after);
	session_fact(s, "after", "config", "%s",
		     after.len == before.len &&
				     !memcmp(after.bytes, before.bytes, after.len)
			     ? "as before"
			     : "changed");
	return 0;
}

static void judge_config_stable(struct judge *j)
{
	judge_ok(j, "before");
	judge_vdpa_both(j, "first");
	judge_ok(j, "after");
	judge_fact(j, "after", "config", "as before");
}

const struct check vdpa_config_stable = {
	.area = "family",
	.name = "config_stable",
	.families = ON_VDPA,
	.title = "the configuration does not change by itself",
	.contract =
		"What was read before the driver came is what is read while it runs, as "
		"long as nobody changes the device.",
	.harm = "The size of the guest's disk changes between probing and using it.",
	.judged = "The whole read on a fresh descriptor and after data went both ways.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.5.1"),
	.faults = WORDS("vdpa_config_changes"),
	.collect = collect_config_stable,
	.judge = judge_config_stable,
};

static int collect_capacity(struct session *s)
{
	struct vdpa_piece piece = { .len = sizeof(uint64_t) };
	uint64_t sectors = 0;
	struct vdpa v;
	int r = vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)vdpa_get_config(&v, "capacity", &piece);
	memcpy(&sectors, piece.bytes, sizeof(sectors));
	session_fact(s, "capacity", "device", "%" PRIu64 " sectors", le64toh(sectors));
	session_fact(s, "capacity", "file", "%" PRIu64 " sectors",
		     v.target.blocks * v.target.block / VDPA_SECTOR);
	return 0;
}

static void judge_capacity(struct judge *j)
{
	const char *file = judge_fact_value(j, "capacity", "file");

	judge_ok(j, "capacity");
	judge_that(j, file && strcmp(file, "0 sectors") != 0,
		   "the size of the file behind the device is not known");
	judge_fact(j, "capacity", "device", file ? file : "?");
}

const struct check vdpa_capacity = {
	.area = "family",
	.name = "capacity",
	.families = ON_VDPA,
	.title = "the capacity is that of the file, in sectors of 512 bytes",
	.contract = "The first eight bytes of a block device's configuration are its "
		    "capacity, counted in sectors of 512 bytes, little-endian.",
	.harm = "The guest writes behind the end of its disk, or does not see all of it.",
	.judged = "The eight bytes against the size of the peer's file.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 5.2.4"),
	.faults = WORDS("vdpa_capacity"),
	.collect = collect_capacity,
	.judge = judge_capacity,
};

static int collect_config_call(struct session *s)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int closed = 1000000;
	int none = -1;
	struct vdpa v;
	int r = null < 0 ? -errno : vdpa_open(&v, s);

	if (r < 0)
		return r;
	(void)session_owner(s, "owner");
	(void)session_ioctl(s, "eventfd", VHOST_VDPA_SET_CONFIG_CALL, &s->err[VDPA_RING]);
	(void)session_ioctl(s, "closed", VHOST_VDPA_SET_CONFIG_CALL, &closed);
	(void)session_ioctl(s, "again", VHOST_VDPA_SET_CONFIG_CALL, &s->err[VDPA_RING]);
	(void)session_ioctl(s, "file", VHOST_VDPA_SET_CONFIG_CALL, &null);
	(void)session_ioctl(s, "unbind", VHOST_VDPA_SET_CONFIG_CALL, &none);
	r = vdpa_reopen(&v);
	(void)vdpa_get_status(&v, "status");
	return r;
}

static void judge_config_call(struct judge *j)
{
	judge_ok(j, "owner");
	judge_ok(j, "eventfd");
	judge_errno(j, "closed", EBADF);
	judge_ok(j, "again");
	judge_errno(j, "file", EINVAL);
	judge_ok(j, "unbind");
	judge_said(j, "status", "0");
}

const struct check vdpa_config_call = {
	.area = "family",
	.name = "config_call",
	.families = ON_VDPA,
	.title = "the eventfd for configuration changes is an eventfd, or -1",
	.contract =
		"VHOST_VDPA_SET_CONFIG_CALL takes an eventfd, and -1 for none; a "
		"descriptor that is not open gives EBADF, another file EINVAL, and the "
		"descriptor can be closed and opened as ever.",
	.harm = "On kernels before 5.12 (CVE-2021-29266) a bad descriptor is used after it "
		"was refused: the host crashes.",
	.judged = "An eventfd, a closed descriptor, the eventfd, /dev/null, -1; then a "
		  "fresh descriptor.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_GUARDED,
	.since = FIRST_VERSION,
	.refs = WORDS("vhost_vdpa_set_config_call() in drivers/vhost/vdpa.c",
		      "CVE-2021-29266"),
	.faults = WORDS("eventfd_any_file"),
	.collect = collect_config_call,
	.judge = judge_config_call,
};
