/* SPDX-License-Identifier: MIT */
/* Area log: what vhost writes is marked for a VMM that migrates its guest. */
#include <string.h>
#include <sys/eventfd.h>

#include "checks/rows.h"
#include "guest/dirty.h"
#include "guest/vsock.h"

#define F_LOG BIT64(VHOST_F_LOG_ALL)
#define LOGGED (1u << VHOST_VRING_F_LOG)

/* No address of user space on any architecture with 64 bits. */
#define NO_USER_ADDRESS UINT64_C(0xffff800000000000)

static const struct session_config log_start = { .features = F_VERSION_1 | F_LOG };
static const struct session_config log_start_iotlb = {
	.features = F_VERSION_1 | F_LOG | F_IOTLB,
};
static const unsigned int log_none[SESSION_QUEUES] = { 0 };
static const unsigned int log_tx[SESSION_QUEUES] = { [QUEUE_TX] = LOGGED };
static const unsigned int log_both[SESSION_QUEUES] = { LOGGED, LOGGED };

/** struct log_case - a started device with a bitmap */
struct log_case {
	struct link l;
	struct dirty dirty;
};

/* Starts with the log set up as a VMM does that migrates: base, then the rings. */
static int log_begin(struct log_case *c, struct session *s,
		     const struct session_config *config, const unsigned int *flags)
{
	int r = link_prepare(&c->l, s, config);

	if (r == 0)
		r = dirty_init(&c->dirty);
	if (r == 0)
		r = dirty_base(s, "log_base", &c->dirty);
	if (r >= 0)
		r = dirty_rings(s, "log_rings", flags);
	if (r >= 0 && s->iotlb)
		r = session_map_all(s, "map");
	if (r >= 0)
		r = link_start(&c->l);
	return r < 0 ? r : session_barrier(s);
}

/* Something goes each way: payload, or a connection that is refused. */
static int traffic(struct log_case *c)
{
	int r = 0;

	if (c->l.s->family == FAMILY_VSOCK)
		return vsock_closed_port(&c->l);
	r = link_tx(&c->l, "tx", SHORT_BYTES);
	return r < 0 ? r : link_rx(&c->l, "rx", SHORT_BYTES);
}

/* The guest sends something that nobody answers; the bits that this set. */
static int note_tx_alone(struct log_case *c, const char *step)
{
	struct session *s = c->l.s;
	int r = 0;

	dirty_note(s, "earlier", &c->dirty);
	if (s->family == FAMILY_VSOCK)
		r = vsock_send(&c->l, VIRTIO_VSOCK_OP_RST, VSOCK_GUEST_PORT, NULL, 0);
	else
		r = link_tx(&c->l, "tx", SHORT_BYTES);
	if (r == 0)
		r = session_barrier(s);
	dirty_note(s, step, &c->dirty);
	return r;
}

static bool has_page(const char *pages, const char *page)
{
	size_t len = strlen(page);

	for (const char *at = strstr(pages, page); at; at = strstr(at + 1, page))
		if ((at == pages || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

static void judge_page(struct judge *j, const char *step, const char *page)
{
	const char *pages = judge_fact_value(j, step, "pages");

	judge_that(j, pages && has_page(pages, page),
		   "%s was written but is not in the log, which has: %s", page,
		   pages ? pages : "nothing recorded");
}

/* ------------------------------------------------------------------ rings */

static int collect_sent(struct session *s, const struct session_config *config)
{
	struct log_case c = { 0 };
	int r = log_begin(&c, s, config, log_tx);

	if (r == 0)
		r = note_tx_alone(&c, "sent");
	dirty_done(&c.dirty);
	return r;
}

static int collect_used_ring(struct session *s)
{
	return collect_sent(s, &log_start);
}

static void judge_used_ring(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "sent", "pages", "gpa:tx.used+0x0");
}

const struct check log_used_ring = {
	.area = "log",
	.name = "used_ring",
	.families = ON_BOTH,
	.title = "the page of a used ring is logged, and no other",
	.contract =
		"With VHOST_F_LOG_ALL, and VHOST_VRING_F_LOG on a ring, a write to its used "
		"ring sets the bit of the page at log_guest_addr in the bitmap. Pages that "
		"the device does not write stay clear.",
	.harm = "After a live migration the guest's used ring is an old one: it waits for "
		"buffers that are back already, or takes them twice.",
	.judged =
		"The transmit ring alone is logged; a packet without answer is sent; the "
		"whole bitmap is read.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_LOG,
	.need_peer = true,
	.refs = WORDS("VHOST_VRING_F_LOG in include/uapi/linux/vhost_types.h",
		      "log_used() in drivers/vhost/vhost.c"),
	.faults = WORDS("log_used_lost", "log_wide"),
	.collect = collect_used_ring,
	.judge = judge_used_ring,
};

static int collect_iotlb_used_ring(struct session *s)
{
	return collect_sent(s, &log_start_iotlb);
}

const struct check log_iotlb_used_ring = {
	.area = "log",
	.name = "iotlb_used_ring",
	.families = ON_BOTH,
	.title = "with the IOTLB on, a used ring is logged at its guest-physical address",
	.contract =
		"With VIRTIO_F_ACCESS_PLATFORM the ring's address is an IOVA; the bit that "
		"is set is that of the guest-physical page behind it, by IOTLB and memory "
		"table. log_guest_addr is not looked at.",
	.harm = "After a live migration of a guest with an IOMMU the used ring is an old "
		"one, and another page was sent in its place.",
	.judged = "As log.used_ring, with IOVAs that differ from all guest-physical "
		  "addresses; the bitmap has room for both.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_LOG | F_IOTLB,
	.need_peer = true,
	.refs = WORDS("log_used(), log_write_hva() in drivers/vhost/vhost.c",
		      "vhost_virtqueue_set_addr() in QEMU's hw/virtio/vhost.c"),
	.faults = WORDS("log_used_lost", "log_iova", "log_wide"),
	.collect = collect_iotlb_used_ring,
	.judge = judge_used_ring,
};

/* ------------------------------------------------------------------- data */

static int collect_with_data(struct session *s, const struct session_config *config)
{
	struct log_case c = { 0 };
	int r = log_begin(&c, s, config, log_both);

	if (r == 0)
		r = traffic(&c);
	if (r == 0)
		r = session_barrier(s);
	dirty_note(s, "moved", &c.dirty);
	dirty_done(&c.dirty);
	return r;
}

static int collect_data(struct session *s)
{
	return collect_with_data(s, &log_start);
}

static void judge_data(struct judge *j)
{
	judge_ok(j, "start");
	judge_page(j, "moved", "gpa:rx.buf+0x0");
	judge_fact(j, "moved", "pages", "gpa:rx.used+0x0 gpa:tx.used+0x0 gpa:rx.buf+0x0");
}

const struct check log_data = {
	.area = "log",
	.name = "data",
	.families = ON_BOTH,
	.title = "the pages of received data are logged",
	.contract =
		"VHOST_F_LOG_ALL logs all writable descriptors: what the device writes to a "
		"receive buffer sets the bits of its pages, and of no others.",
	.harm = "What the guest receives during a live migration is lost: it finds old "
		"bytes in buffers that it was told are filled.",
	.judged = "Both rings are logged while something arrives in the first receive "
		  "buffer: its page and those of both used rings, nothing else.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_LOG,
	.need_peer = true,
	.refs = WORDS("VHOST_F_LOG_ALL in include/uapi/linux/vhost_types.h",
		      "vhost_log_write() in drivers/vhost/vhost.c",
		      "vhost_transport_do_send_pkt() in drivers/vhost/vsock.c"),
	.faults = WORDS("log_data_lost", "log_used_lost", "log_wide"),
	.collect = collect_data,
	.judge = judge_data,
};

static int collect_iotlb_data(struct session *s)
{
	return collect_with_data(s, &log_start_iotlb);
}

const struct check log_iotlb_data = {
	.area = "log",
	.name = "iotlb_data",
	.families = ON_BOTH,
	.title = "with the IOTLB on, received data is logged at guest-physical addresses",
	.contract =
		"With VIRTIO_F_ACCESS_PLATFORM, what the device writes through an IOVA sets "
		"the bits of the guest-physical pages behind it, and of no others.",
	.harm = "What a guest with an IOMMU receives during a live migration is lost.",
	.judged =
		"As log.data, with IOVAs that differ from all guest-physical addresses.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_LOG | F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_log_write(), log_write_hva() in drivers/vhost/vhost.c",
		      "vhost_transport_do_send_pkt() in drivers/vhost/vsock.c"),
	.faults = WORDS("log_data_lost", "log_used_lost", "log_iova", "log_wide"),
	.collect = collect_iotlb_data,
	.judge = judge_data,
};

/* ----------------------------------------------------------------- on, off */

static int collect_switched_on(struct session *s)
{
	struct log_case c = { 0 };
	int r = log_begin(&c, s, &plain_start, log_none);

	if (r == 0)
		r = note_tx_alone(&c, "before");
	if (r == 0)
		r = session_features(s, "on", log_start.features);
	if (r == 0)
		r = dirty_rings(s, "on_rings", log_tx);
	if (r == 0)
		r = note_tx_alone(&c, "after");
	dirty_done(&c.dirty);
	return r;
}

static void judge_switched_on(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "before", "pages", "none");
	judge_ok(j, "on");
	judge_ok(j, "on_rings");
	judge_page(j, "after", "gpa:tx.used+0x0");
}

const struct check log_switched_on = {
	.area = "log",
	.name = "switched_on",
	.families = ON_BOTH,
	.title = "the log can be switched on while the device runs",
	.contract =
		"VHOST_F_LOG_ALL and VHOST_VRING_F_LOG can be set on a running device; from "
		"then on, and not before, its writes are logged.",
	.harm = "A migration has to stop the guest's devices first, or misses what they "
		"write.",
	.judged =
		"The bitmap after a packet before, and after one behind SET_FEATURES and "
		"SET_VRING_ADDR on the running device.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_LOG,
	.need_peer = true,
	.refs = WORDS("VHOST_F_LOG_ALL in include/uapi/linux/vhost_types.h",
		      "vhost_dev_set_log() in QEMU's hw/virtio/vhost.c"),
	.faults = WORDS("log_late_ignored", "log_used_lost"),
	.collect = collect_switched_on,
	.judge = judge_switched_on,
};

static int collect_switched_off(struct session *s)
{
	struct log_case c = { 0 };
	int r = log_begin(&c, s, &log_start, log_both);

	if (r == 0)
		r = session_features(s, "off", plain_start.features);
	if (r == 0)
		r = dirty_rings(s, "off_rings", log_none);
	if (r == 0)
		r = session_barrier(s);
	dirty_note(s, "before", &c.dirty);
	if (r == 0)
		r = traffic(&c);
	if (r == 0)
		r = session_barrier(s);
	dirty_note(s, "after", &c.dirty);
	dirty_done(&c.dirty);
	return r;
}

static void judge_switched_off(struct judge *j)
{
	judge_ok(j, "start");
	judge_page(j, "before", "gpa:rx.used+0x0");
	judge_ok(j, "off");
	judge_ok(j, "off_rings");
	judge_fact(j, "after", "pages", "none");
}

const struct check log_switched_off = {
	.area = "log",
	.name = "switched_off",
	.families = ON_BOTH,
	.title = "once switched off, nothing is logged any more",
	.contract =
		"After VHOST_SET_FEATURES without VHOST_F_LOG_ALL and VHOST_SET_VRING_ADDR "
		"without VHOST_VRING_F_LOG on a running device, no bit is set any more: "
		"the bitmap's memory is the VMM's again.",
	.harm = "vhost writes to memory that the VMM has freed and uses for something "
		"else.",
	.judged = "The bitmap after the log was switched off and something moved each "
		  "way.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_LOG,
	.need_peer = true,
	.refs = WORDS("VHOST_F_LOG_ALL in include/uapi/linux/vhost_types.h",
		      "vhost_dev_set_log() in QEMU's hw/virtio/vhost.c"),
	.faults = WORDS("log_stays_on", "log_used_lost"),
	.collect = collect_switched_off,
	.judge = judge_switched_off,
};

/* ----------------------------------------------------------------- eventfd */

/* Flushes the worker; session_barrier() would take the eventfd away. */
static int set_log_fd(struct session *s, const char *step, int fd)
{
	return session_ioctl(s, step, VHOST_SET_LOG_FD, &fd);
}

static void note_signal(struct session *s, const char *step, int fd)
{
	eventfd_t count = 0;

	session_fact(s, step, "log_signalled", "%s",
		     eventfd_read(fd, &count) == 0 ? "yes" : "no");
}

static int collect_eventfd(struct session *s)
{
	struct log_case c = { 0 };
	cleanup_close int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = fd < 0 ? -errno : log_begin(&c, s, &log_start, log_both);

	if (r == 0)
		r = set_log_fd(s, "log_fd", fd);
	if (r < 0)
		goto done;
	note_signal(s, "idle", fd);
	link_queue(&c.l);
	r = session_kick(s, QUEUE_TX);
	if (r == 0)
		r = set_log_fd(s, "flush", fd);
	note_signal(s, "sent", fd);
	session_note_ring(s, "sent", QUEUE_TX);
done:
	dirty_done(&c.dirty);
	return r < 0 ? r : 0;
}

static void judge_eventfd(struct judge *j)
{
	judge_ok(j, "start");
	judge_ok(j, "log_fd");
	judge_fact(j, "idle", "log_signalled", "no");
	judge_moved(j, "sent", 0, 1);
	judge_fact(j, "sent", "log_signalled", "yes");
}

const struct check log_eventfd = {
	.area = "log",
	.name = "eventfd",
	.families = ON_BOTH,
	.title = "the eventfd of the log is signalled when something was logged",
	.contract = "VHOST_SET_LOG_FD's is signalled after a used ring was logged.",
	.harm = "A VMM that sleeps until there is something to send misses pages.",
	.judged = "The eventfd before and after one packet; it is set anew to flush the "
		  "worker.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_LOG,
	.need_peer = true,
	.refs = WORDS("VHOST_SET_LOG_FD in include/uapi/linux/vhost.h",
		      "vhost_add_used_n() in drivers/vhost/vhost.c"),
	.faults = WORDS("log_silent"),
	.collect = collect_eventfd,
	.judge = judge_eventfd,
};

/* -------------------------------------------------------------------- base */

static int collect_base_refused(struct session *s)
{
	struct log_case c = { 0 };
	int r = link_prepare(&c.l, s, &plain_start);

	if (r == 0)
		r = dirty_init(&c.dirty);
	if (r < 0)
		return r;
	(void)session_set_u64(s, "stopped.bad", VHOST_SET_LOG_BASE, NO_USER_ADDRESS);
	(void)session_features(s, "stopped.on", log_start.features);
	(void)session_running(s, "start.bad", 1);
	(void)session_features(s, "stopped.off", plain_start.features);
	r = link_start(&c.l);
	if (r < 0)
		goto done;
	(void)session_features(s, "on.bad", log_start.features);
	(void)dirty_base(s, "base.good", &c.dirty);
	(void)session_features(s, "on.good", log_start.features);
	(void)session_set_u64(s, "base.bad", VHOST_SET_LOG_BASE, NO_USER_ADDRESS);
	r = dirty_rings(s, "rings", log_tx);
	if (r == 0)
		r = note_tx_alone(&c, "sent");
done:
	dirty_done(&c.dirty);
	return r;
}

static void judge_base_refused(struct judge *j)
{
	judge_errno(j, "start.bad", EFAULT);
	judge_ok(j, "start");
	judge_errno(j, "on.bad", EFAULT);
	judge_ok(j, "base.good");
	judge_ok(j, "on.good");
	judge_errno(j, "base.bad", EFAULT);
	judge_fact(j, "sent", "pages", "gpa:tx.used+0x0");
}

const struct check log_base_refused = {
	.area = "log",
	.name = "base_refused",
	.families = ON_BOTH,
	.title = "a log outside user space is refused, and the one before it stays",
	.contract =
		"With VHOST_F_LOG_ALL no device runs with a bitmap that does not lie in "
		"user space: the start, SET_FEATURES on a running device and SET_LOG_BASE "
		"give EFAULT, whichever comes last, and change nothing.",
	.harm = "A VMM with a wrong address learns of it only after the migration, from a "
		"broken guest.",
	.judged = "An address of the kernel, by each of the three; then a packet must be "
		  "logged in the good bitmap. What SET_LOG_BASE says to it while the "
		  "device is stopped is left open.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_LOG,
	.need_peer = true,
	.refs = WORDS("vhost_log_access_ok(), vhost_vq_access_ok(), vhost_dev_ioctl() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("log_unchecked", "log_used_lost", "log_wide"),
	.collect = collect_base_refused,
	.judge = judge_base_refused,
};
