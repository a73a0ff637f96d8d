/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "stacks/ruling.h"

#define MASK_33 "Mask bit 33 in VHOST_SET_FEATURES unless the VMM serves the IOTLB."

/* ---------------------------------------------------------------- evidence */

static const struct ev *ev_at(const struct ruling *r, size_t i)
{
	return r->e->ev.item[i];
}

static bool iotlb_on(const struct ruling *r)
{
	return same(fact(r, "setup.features", "iotlb"), "on");
}

/* Whether the features went out after a call at @step that succeeded. */
static bool features_after(const struct ruling *r, const char *step)
{
	bool seen = false;

	for (size_t i = 0; i < r->e->ev.count; i++) {
		const struct ev *ev = ev_at(r, i);

		if (ev->kind != EV_IOCTL || ev->ioctl.err)
			continue;
		if (same(ev->step, step))
			seen = true;
		else if (seen && same(ev->step, "setup.features"))
			return true;
	}
	return false;
}

/* Whether the VMM sent VIRTIO_F_IN_ORDER for a guest that did not acknowledge it. */
static bool in_order_unacked(const struct ruling *r)
{
	const struct ev *sent = last_call(r, "setup.features");
	const char *acked = fact(r, "setup.features", "acked");

	return sent && acked &&
	       sent_bits(sent) & ~strtoull(acked, NULL, 16) & BIT64(VIRTIO_F_IN_ORDER);
}

static const struct ev *miss_at(const struct ruling *r, const char *step)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(r->e, ev, EV_IOTLB, step)))
		if (ev->iotlb.way == EV_RECEIVED && ev->iotlb.msg == EV_MISS)
			return ev;
	return NULL;
}

static bool mapped_anything(const struct ruling *r)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(r->e, ev, EV_IOTLB, NULL)))
		if (ev->iotlb.way == EV_SENT && ev->iotlb.msg == EV_UPDATE &&
		    !ev->iotlb.err)
			return true;
	return false;
}

/* Whether the VMM mapped something that the device may not read and write. */
static bool mapped_less(const struct ruling *r)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(r->e, ev, EV_IOTLB, NULL)))
		if (ev->iotlb.way == EV_SENT && ev->iotlb.msg == EV_UPDATE &&
		    ev->iotlb.perm != EV_PERM_RW)
			return true;
	return false;
}

static const struct ev *transfer(const struct ruling *r, enum ev_dir dir)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(r->e, ev, EV_BYTES, NULL)))
		if (ev->bytes.dir == (int)dir)
			return ev;
	return NULL;
}

static bool arrived(const struct ev *ev)
{
	return ev && ev->bytes.sent > 0 && ev->bytes.received == ev->bytes.sent &&
	       same(ev->bytes.sent_digest, ev->bytes.received_digest);
}

/* ------------------------------------------------------------------- rules */

static bool rule_peer(struct ruling *r)
{
	const struct ev *ev = ev_find(r->e, EV_FACT, "peer");

	return ev && rule(r, STACK_UNKNOWN, NULL, REASON_PEER_MISSING,
			  "the host's end could not be made (%s: %s): load the module "
			  "vsock, tun for net, target_core_mod for scsi, or vduse for "
			  "vdpa, then try again",
			  ev->fact.name, ev->fact.value ? ev->fact.value : "?");
}

static bool rule_open(struct ruling *r)
{
	const struct ev *ev = last_call(r, "open");
	int err = ev ? ev->ioctl.err : 0;

	if (!ev)
		return rule(
			r, STACK_UNKNOWN, NULL, REASON_INTERNAL,
			"the evidence ends before the device was opened: run it again");
	if (!err)
		return false;
	if (err == ENOENT || err == ENODEV || err == ENXIO)
		return rule(r, STACK_NOT_APPLICABLE, NULL, REASON_NO_DEVICE,
			    "the device is not here (%s): load its module",
			    errno_text(err));
	if (err == EACCES || err == EPERM)
		return rule(r, STACK_UNKNOWN, NULL, REASON_DENIED,
			    "the device cannot be opened (%s): run as a user who may",
			    errno_text(err));
	return rule(r, STACK_UNKNOWN, NULL, err == EBUSY ? REASON_BUSY : REASON_INTERNAL,
		    "the device cannot be opened (%s)", errno_text(err));
}

static bool started(const struct ruling *r)
{
	const struct ev *start = last_call(r, "start");

	return start && !start->ioctl.err;
}

static bool rule_refused_call(struct ruling *r, const struct ev *ev)
{
	const char *err = errno_text(ev->ioctl.err);
	const char *arg = ev->ioctl.arg ? ev->ioctl.arg : "no argument";

	if (ruling_vdpa_features(r, ev))
		return true;
	if (same(ev->step, "setup.features") || same(ev->step, "setup.backend"))
		return rule(r, STACK_REFUSED, "features_refused", REASON_CONTRACT,
			    "%s of %s was refused with %s. Send no bit that the kernel "
			    "does not offer.",
			    ev->ioctl.name, arg, err);
	if (same(ev->step, "setup.cid") && ev->ioctl.err == EADDRINUSE)
		return rule(r, STACK_UNKNOWN, NULL, REASON_BUSY,
			    "no free CID was found in 16 tries: run it again");
	if (ev->ioctl.err == EBUSY && started(r))
		return rule(
			r, STACK_FAILS_START, "rings_after_start", REASON_CONTRACT,
			"%s (%s) was refused with EBUSY: the device runs already, and a "
			"ring of a running device cannot be set up. Set all rings up "
			"before the start.",
			ev->ioctl.name, arg);
	return rule(r, STACK_FAILS_START, "setup_refused", REASON_CONTRACT,
		    "%s (%s) was refused with %s, so the VMM cannot start the device.",
		    ev->ioctl.name, arg, err);
}

/* Calls that older kernels do not have, and CIDs that somebody else had. */
static bool done_without(const char *step)
{
	return same(step, "setup.backend_offered") ||
	       same(step, "setup.fork_from_owner") || same(step, "setup.cid.taken");
}

/* Any call around the start but the start itself, and but what a VMM does without. */
static bool rule_setup(struct ruling *r)
{
	for (size_t i = 0; i < r->e->ev.count; i++) {
		const struct ev *ev = ev_at(r, i);

		if (ev->kind == EV_IOTLB && same(ev->step, "setup.map") && ev->iotlb.err)
			return rule(r, STACK_FAILS_START, "setup_refused",
				    REASON_CONTRACT, "%s of %s was refused with %s.",
				    ev->iotlb.msg == EV_UPDATE ? "VHOST_IOTLB_UPDATE"
							       : "An IOTLB message",
				    ev->iotlb.iova ? ev->iotlb.iova : "?",
				    errno_text(ev->iotlb.err));
		if (ev->kind != EV_IOCTL || strncmp(ev->step, "setup.", 6) != 0 ||
		    done_without(ev->step))
			continue;
		if (ev->ioctl.err && ev == last_call(r, ev->step))
			return rule_refused_call(r, ev);
	}
	return false;
}

static bool rule_start_miss(struct ruling *r, const struct ev *start,
			    const struct ev *miss)
{
	const char *err = errno_text(start->ioctl.err), *name = start->ioctl.name;
	const char *where = miss->iotlb.iova ? miss->iotlb.iova : "?";

	if (same(where, "0x0") && features_after(r, "setup.rx.addr"))
		return rule(
			r, STACK_FAILS_START, "ring_addresses_wiped", REASON_CONTRACT,
			"%s was refused with %s: switching the device IOTLB has wiped "
			"the ring addresses, and the device looks for a ring at 0. "
			"Send VHOST_SET_VRING_ADDR after VHOST_SET_FEATURES.",
			name, err);
	if (!strstr(where, ".used"))
		return rule(r, STACK_FAILS_START, "miss_unanswered", REASON_CONTRACT,
			    "%s was refused with %s: the device IOTLB is on and has no "
			    "translation of %s. " MASK_33,
			    name, err, where);
	if (mapped_anything(r))
		return rule(
			r, STACK_FAILS_START, "used_ring_unmapped_at_start",
			REASON_CONTRACT,
			"%s was refused with %s: the device IOTLB is on, and what the "
			"VMM mapped does not cover the used ring (%s). Map every used "
			"ring read-write before the start.",
			name, err, where);
	return rule(
		r, STACK_FAILS_START, "used_ring_unmapped_at_start", REASON_CONTRACT,
		"%s was refused with %s: the VMM sent VIRTIO_F_ACCESS_PLATFORM, which "
		"arms the device IOTLB, and mapped no used ring. " MASK_33,
		name, err);
}

static bool rule_start(struct ruling *r)
{
	const struct ev *start = last_call(r, "start"), *miss = miss_at(r, "start.miss");

	if (!start)
		return rule(r, STACK_UNKNOWN, NULL, REASON_INTERNAL,
			    "the evidence ends before the start: run it again");
	if (!start->ioctl.err)
		return false;
	if (miss)
		return rule_start_miss(r, start, miss);
	if (start->ioctl.err == EFAULT && mapped_less(r))
		return rule(
			r, STACK_FAILS_START, "ring_permission", REASON_CONTRACT,
			"%s was refused with EFAULT and no miss: the used ring is mapped "
			"in the device IOTLB, but not read-write. Map it read-write.",
			start->ioctl.name);
	if (start->ioctl.err == EFAULT)
		return rule(
			r, STACK_FAILS_START, "ring_unreachable", REASON_CONTRACT,
			"%s was refused with EFAULT: a ring lies at an address that the "
			"device cannot reach, or there is no memory table.",
			start->ioctl.name);
	return rule(r, STACK_FAILS_START, "start_refused", REASON_CONTRACT,
		    "%s was refused with %s.", start->ioctl.name,
		    errno_text(start->ioctl.err));
}

static bool rule_stall_miss(struct ruling *r, const struct ev *miss)
{
	const char *where = miss->iotlb.iova ? miss->iotlb.iova : "?";

	if (same(fact(r, "setup.features", "misses"), "unobserved"))
		return rule(
			r, STACK_UNKNOWN, NULL, REASON_NOT_OFFERED,
			"the device waits for a translation of %s, and in the policy's "
			"trace no miss came up to show whether the VMM answers: trace it "
			"with a guest that sends a packet",
			where);
	if (features_after(r, "start"))
		return rule(r, STACK_STALLS, "miss_unanswered", REASON_CONTRACT,
			    "every call succeeded and nothing moves: VHOST_SET_FEATURES "
			    "after the start armed the device IOTLB (bit 33, "
			    "VIRTIO_F_ACCESS_PLATFORM), and the device waits for a "
			    "translation of %s that the VMM never gives. " MASK_33,
			    where);
	return rule(
		r, STACK_STALLS, "miss_unanswered", REASON_CONTRACT,
		"every call succeeded and nothing moves: the device IOTLB is on, and the "
		"device waits for a translation of %s that the VMM never gives. Read "
		"VHOST_IOTLB_MISS and answer it, or mask bit 33 in VHOST_SET_FEATURES.",
		where);
}

/* What a device does that goes by an order to which the guest does not keep. */
static bool rule_in_order(struct ruling *r, const char *harm)
{
	return in_order_unacked(r) &&
	       rule(r, STACK_STALLS, "in_order_unacked", REASON_CONTRACT,
		    "the VMM sent VIRTIO_F_IN_ORDER (bit 35), which the guest did not "
		    "acknowledge: the device takes descriptors by a count of its own "
		    "instead of from the avail ring, and %s. Send no bit that the guest "
		    "did not acknowledge.",
		    harm);
}

static bool scsi(const struct ruling *r)
{
	const struct ev *start = last_call(r, "start");

	return start && same(start->ioctl.name, "VHOST_SCSI_SET_ENDPOINT");
}

/* The classes that post no miss (vhost-abi 3.7), as far as the counters tell them apart.
 */
static bool rule_stall(struct ruling *r)
{
	const struct ev *fds = ev_find(r->e, EV_EVENTFD, "stall");
	const struct ev *miss = miss_at(r, "stall");
	/* vhost-scsi, which has no IOTLB, has no messages either */
	bool read = ev_find(r->e, EV_IOTLB, "stall") || scsi(r);

	if (ruling_vdpa(r) && fds)
		return ruling_vdpa_stall(r);
	if (!read || !fds)
		return rule(r, STACK_UNKNOWN, NULL, REASON_INTERNAL,
			    "a stall was met, but its proof is missing: run it again");
	if (miss)
		return rule_stall_miss(r, miss);
	if (iotlb_on(r) && features_after(r, "start"))
		return rule(
			r, STACK_STALLS, "ring_addresses_wiped", REASON_CONTRACT,
			"every call succeeded and nothing moves, without a miss: "
			"VHOST_SET_FEATURES after the start armed the device IOTLB (bit "
			"33, VIRTIO_F_ACCESS_PLATFORM) and wiped the ring "
			"addresses. " MASK_33);
	if (mapped_less(r))
		return rule(
			r, STACK_STALLS, "ring_permission", REASON_CONTRACT,
			"every call succeeded and nothing moves, without a miss: a ring "
			"or buffer is mapped in the device IOTLB, but not read-write. "
			"Map rings read-write.");
	if (fds->eventfd.err.set && fds->eventfd.err.v > 0)
		return rule_in_order(r, "met one that the guest had not filled in") ||
		       rule(r, STACK_STALLS, "descriptor_refused", REASON_CONTRACT,
			    "every call succeeded and nothing moves: the device signals an "
			    "error of ring %s and posts no miss. It met a descriptor that "
			    "it cannot use.",
			    fds->eventfd.queue);
	return rule(r, STACK_STALLS, "stalled_silently", REASON_CONTRACT,
		    "every call succeeded and nothing moves, without a miss or an error: "
		    "the device does not look at ring %s.",
		    fds->eventfd.queue);
}

/* A request that came back with an answer which is not a good one. */
static bool rule_answer(struct ruling *r)
{
	static const char *const steps[] = { "ready", "tx", "rx" };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const char *response = fact(r, steps[i], "response");
		const char *status = fact(r, steps[i], "status");
		const char *request = fact(r, steps[i], "request");

		if (response && status)
			return rule(
				r, STACK_STALLS, "request_failed", REASON_CONTRACT,
				"the device started, but answers the guest's requests "
				"with response %s and SCSI status %s.",
				response, status);
		if (request && strncmp(request, "status 0,", 9) != 0)
			return rule(
				r, STACK_STALLS, "request_failed", REASON_CONTRACT,
				"the device started, but answers the guest's requests "
				"badly (%s).",
				request);
	}
	return false;
}

/* The transfer ended early without a stall; @why is the name of an errno. */
static bool rule_failure(struct ruling *r, const char *why)
{
	static const char *const ours[] = { "EPIPE", "ENOMEM", "EMFILE", "ENFILE",
					    "EIO" };

	if (same(why, "EIO") && rule_answer(r))
		return true;
	if (ruling_vdpa(r) && same(why, "EOPNOTSUPP"))
		return rule(r, STACK_NOT_APPLICABLE, NULL, REASON_NOT_OFFERED,
			    "every call succeeded, but bytes are moved over block and "
			    "network devices only, and this vDPA device is neither");
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (same(why, ours[i]) || (ruling_vdpa(r) && same(why, "ETIME")))
			return rule(
				r, STACK_UNKNOWN, NULL, REASON_INTERNAL,
				"the transfer could not be followed to its end (%s): run "
				"it again",
				why);
	if (same(why, "ETIME"))
		return rule(
			r, STACK_STALLS, "peer_silent", REASON_CONTRACT,
			"the device takes the guest's packets, but what was to come back "
			"had not arrived when the time was up.");
	if (same(why, "ECONNREFUSED"))
		return rule(
			r, STACK_STALLS, "connection_reset", REASON_CONTRACT,
			"the host refused the guest's connection to a port on which it "
			"listens.");
	if (same(why, "EPROTO") &&
	    rule_in_order(r, "used elements came back that the guest cannot tell apart"))
		return true;
	return rule(r, STACK_STALLS, "transfer_failed", REASON_CONTRACT,
		    "the device started, but the transfer failed with %s.", why);
}

/* One direction that went to its end, but not well. */
static bool rule_payload(struct ruling *r, enum ev_dir dir)
{
	const struct ev *ev = transfer(r, dir);
	const char *way = dir == EV_TX ? "guest to host" : "host to guest";

	if (arrived(ev))
		return false;
	if (!ev)
		return rule(r, STACK_UNKNOWN, NULL, REASON_INTERNAL,
			    "no transfer %s was recorded: run it again", way);
	if (ev->bytes.received == 0)
		return rule(r, STACK_STALLS, "payload_lost", REASON_CONTRACT,
			    "every call succeeded, but of %" PRId64
			    " bytes %s none arrived.",
			    ev->bytes.sent, way);
	if (ev->bytes.received != ev->bytes.sent)
		return rule(r, STACK_DEGRADED, "payload_lost", REASON_CONTRACT,
			    "%" PRId64 " bytes were sent %s and %" PRId64 " arrived.",
			    ev->bytes.sent, way, ev->bytes.received);
	return rule(r, STACK_DEGRADED, "payload_corrupted", REASON_CONTRACT,
		    "%" PRId64
		    " bytes went %s, but they are not the bytes that were sent.",
		    ev->bytes.sent, way);
}

static bool rule_transfer(struct ruling *r)
{
	const char *result = fact(r, "transfer", "result");

	if (!result)
		return rule(r, STACK_UNKNOWN, NULL, REASON_INTERNAL,
			    "the evidence ends in the transfer: run it again");
	if (same(result, "ENODATA"))
		return rule_stall(r);
	if (!same(result, "ok"))
		return rule_failure(r, result);
	return rule_payload(r, EV_TX) || rule_payload(r, EV_RX);
}

static bool rule_pace(struct ruling *r)
{
	const char *slow = fact(r, "pace", "rate_below_1_in_50");

	if (!iotlb_on(r))
		return false;
	if (!slow)
		return rule(r, STACK_UNKNOWN, NULL, REASON_INTERNAL,
			    "bytes moved, but the evidence ends before their rate was "
			    "compared: run it again");
	return same(slow, "yes") &&
	       rule(r, STACK_DEGRADED, "iotlb_slow", REASON_CONTRACT,
		    "bytes move at less than 1/50 of the rate of the same device with the "
		    "IOTLB off.");
}

/* "33,40", as --what-if takes them */
static const char *bit_list(struct arena *a, uint64_t bits)
{
	const char *list = "";

	for (int bit = 0; bit < 64 && list; bit++)
		if (bits & BIT64(bit))
			list = arena_printf(a, "%s%s%d", list, *list ? "," : "", bit);
	return list ? list : "?";
}

/* All went well with the bits that the VMM is known to send; it may send more. */
static bool rule_unobserved(struct ruling *r)
{
	const char *bits = fact(r, "setup.features", "unobserved");
	const char *list = bits ? bit_list(r->a, strtoull(bits, NULL, 16)) : NULL;

	return list &&
	       rule(r, STACK_UNKNOWN, NULL, REASON_NOT_OFFERED,
		    "bytes move with what the VMM was seen to send, but this kernel offers "
		    "bits that the policy's trace does not tell of (%s): trace the VMM with "
		    "--what-if %s and a guest that takes them",
		    list, list);
}

void stack_judge(struct arena *a, const struct evidence *evidence,
		 struct stack_result *ret)
{
	static bool (*const rules[])(struct ruling *) = {
		rule_peer,          rule_open,  ruling_vdpa_kind,
		ruling_vdpa_status, rule_setup, rule_start,
		rule_transfer,      rule_pace,  rule_unobserved,
	};
	struct ruling r = { .e = evidence, .a = a, .ret = ret };
	const struct ev *tx = transfer(&r, EV_TX), *rx = transfer(&r, EV_RX);

	*ret = (struct stack_result){
		.tx_bytes = tx ? tx->bytes.received : 0,
		.rx_bytes = rx ? rx->bytes.received : 0,
	};
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i](&r))
			return;
	ret->verdict = STACK_WORKS;
}

/* "net, vsock" */
static const char *devices_text(struct arena *a, const struct stack *stack)
{
	const char *text = stack->devices.count ? stack->devices.item[0] : "nothing";

	for (size_t i = 1; i < stack->devices.count && text; i++)
		text = arena_printf(a, "%s, %s", text,
				    (const char *)stack->devices.item[i]);
	return text ? text : "other devices";
}

bool stack_not_applicable(struct arena *a, const struct stack *stack, enum family family,
			  struct stack_result *ret)
{
	struct stack_result none = { 0 };
	struct ruling r = { .a = a, .ret = &none };
	const char *drives = devices_text(a, stack);

	for (size_t i = 0; i < stack->devices.count; i++)
		if (same(stack->devices.item[i], family_names[family]))
			return false;
	(void)rule(&r, STACK_NOT_APPLICABLE, NULL, REASON_NOT_OFFERED,
		   "the policy does not drive %s: it is for %s%s", family_names[family],
		   drives,
		   same(drives, family_names[FAMILY_VDPA])
			   ? ", of which --create vdpa makes one"
			   : "");
	*ret = none;
	return true;
}
