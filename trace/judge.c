/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <string.h>

#include "trace/judge.h"

/* VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK, newer than this host's header may be */
#define ENABLE_LATE 6
#define MASK_33                                                                          \
	"The VMM must leave bit 33 out of VHOST_SET_FEATURES unless it serves the "      \
	"IOTLB."
#define WHAT_33                                                                          \
	"To the guest bit 33 (VIRTIO_F_ACCESS_PLATFORM) says how it may address "        \
	"memory; in VHOST_SET_FEATURES it switches on the device IOTLB of the host's "   \
	"kernel, which from then on reaches only what the VMM maps by "                  \
	"VHOST_IOTLB_UPDATE messages. "

static void rule(struct trace_ruling *r, int verdict, const char *signature,
		 const char *fmt, ...) printf_(4, 5);

static void rule(struct trace_ruling *r, int verdict, const char *signature,
		 const char *fmt, ...)
{
	va_list args;

	r->verdict = verdict;
	r->signature = signature;
	va_start(args, fmt);
	(void)vsnprintf(r->text, sizeof(r->text), fmt, args);
	va_end(args);
}

static const char *errno_text(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "an unknown error";
}

/* ------------------------------------------------------------------- start */

static void judge_unmapped(struct trace_state *s, const struct trace_end *end, int ring)
{
	const char *name = s->start_name, *err = errno_text(end->err);

	if (s->updates)
		rule(&s->start, STACK_FAILS_START, "used_ring_unmapped_at_start",
		     "%s was refused with %s. The VMM sent bit 33. " WHAT_33
		     "It mapped %u ranges before the start, but none that holds the used "
		     "ring of ring %d, which the kernel writes when a device starts. Every "
		     "used ring must be mapped read-write before.",
		     name, err, s->updates, ring);
	else
		rule(&s->start, STACK_FAILS_START, "used_ring_unmapped_at_start",
		     "%s was refused with %s, so the guest's device is dead. The VMM sent "
		     "bit 33 (call %u). " WHAT_33
		     "It mapped nothing, so the kernel could not write the used ring of "
		     "ring %d at the start. " MASK_33,
		     name, err, s->armed_at, ring);
}

static void judge_efault(struct trace_state *s, const struct trace_end *end)
{
	int ring = trace_state_unmapped(s, s->start_ring);
	uint8_t perm = 0;

	if (!s->armed && !s->dropped) {
		rule(&s->start, STACK_FAILS_START, "ring_unreachable",
		     "%s was refused with EFAULT, with the IOTLB off: there is no memory "
		     "table, or a ring lies outside the VMM's memory.",
		     s->start_name);
		return;
	}
	if (s->dropped) {
		rule(&s->start, STACK_FAILS_START, "used_ring_unmapped_at_start",
		     "%s was refused with EFAULT. The VMM had sent bit 33 before and then "
		     "sent features without it, which does not switch the device IOTLB "
		     "off on this kernel (kernels since 7.2.7 do): the used rings are still "
		     "looked up there. Send VHOST_RESET_OWNER, or open the device anew.",
		     s->start_name);
		return;
	}
	if (ring >= 0 && trace_state_mapped(s, s->ring[ring].used, 1, &perm)) {
		rule(&s->start, STACK_FAILS_START, "ring_permission",
		     "%s was refused with EFAULT: the used ring of ring %d is mapped in "
		     "the device IOTLB, but not read-write. Map it read-write.",
		     s->start_name, ring);
		return;
	}
	if (ring >= 0)
		judge_unmapped(s, end, ring);
	else if (s->toggled)
		rule(&s->start, STACK_FAILS_START, "ring_addresses_wiped",
		     "%s was refused with EFAULT, though every used ring is mapped: "
		     "VHOST_SET_FEATURES switched the device IOTLB after the ring "
		     "addresses were set, which kernels since 7.2.7 answer by wiping them. Send "
		     "VHOST_SET_VRING_ADDR after VHOST_SET_FEATURES.",
		     s->start_name);
	else
		rule(&s->start, STACK_FAILS_START, "ring_unreachable",
		     "%s was refused with EFAULT, though every used ring is mapped: there "
		     "is no memory table, or a mapping leads outside the VMM's memory.",
		     s->start_name);
}

void trace_judge_start(struct trace_state *s, const struct trace_op *op,
		       const struct trace_end *end)
{
	if (end->err == EFAULT && op->request->id != REQ_VDPA_STATUS)
		judge_efault(s, end);
	else
		rule(&s->start, STACK_FAILS_START, "start_refused",
		     "%s was refused with %s, so the device does not run.", s->start_name,
		     errno_text(end->err));
}

/* ------------------------------------------------------- calls before the start */

/* Calls without which no device starts. Others VMMs try, to see what a kernel has. */
static bool is_needed(const struct trace_op *op)
{
	switch (op->request->id) {
	case REQ_SET_OWNER:
	case REQ_MEM_TABLE:
	case REQ_VRING_NUM:
	case REQ_VRING_ADDR:
	case REQ_VRING_BASE:
	case REQ_VRING_KICK:
	case REQ_VRING_CALL:
	case REQ_VSOCK_CID:
	case REQ_SET_BACKEND:
	case REQ_SET_FEATURES:
		return true;
	case REQ_OTHER:
	case REQ_FORK_FROM_OWNER:
	case REQ_VRING_ERR:
	case REQ_GET_FEATURES:
	case REQ_GET_BACKEND:
	case REQ_RESET_OWNER:
	case REQ_LOG_BASE:
	case REQ_LOG_FD:
	case REQ_NET_BACKEND:
	case REQ_VSOCK_RUNNING:
	case REQ_SCSI_SET:
	case REQ_SCSI_CLEAR:
	case REQ_SCSI_ABI:
	case REQ_VDPA_DEVICE_ID:
	case REQ_VDPA_IOVA_RANGE:
	case REQ_VDPA_STATUS:
	case REQ_VDPA_GET_STATUS:
	case REQ_VDPA_ENABLE:
	case REQ_VDPA_CONFIG_CALL:
		break;
	}
	return false;
}

static void judge_features_refused(struct trace_state *s, const struct trace_op *op,
				   const struct trace_end *end)
{
	const char *err = errno_text(end->err), *name = op->request->name;
	const struct feature_set *sent = &op->features;
	uint64_t more = sent->word[0] & ~s->offered.word[0];

	if (s->family == FAMILY_VDPA && end->err == EINVAL &&
	    !feature_set_has(sent, VIRTIO_F_ACCESS_PLATFORM))
		rule(&s->refused, STACK_REFUSED, "features_refused",
		     "%s was refused with EINVAL: a vDPA device, unlike the kernel's own "
		     "vhost devices, needs bit 33 (VIRTIO_F_ACCESS_PLATFORM), which the "
		     "VMM did not send.",
		     name);
	else if (s->asked && op->request->id == REQ_SET_FEATURES && more)
		rule(&s->refused, STACK_REFUSED, "features_refused",
		     "%s was refused with %s: the VMM sent 0x%" PRIx64
		     ", which the kernel does not offer.",
		     name, err, more);
	else
		rule(&s->refused, STACK_REFUSED, "features_refused",
		     "%s was refused with %s.", name, err);
}

void trace_judge_call(struct trace_state *s, const struct trace_op *op,
		      const struct trace_end *end)
{
	if (!is_needed(op))
		return;
	if (!end->err) {
		if (s->refused.signature && s->refused_id == op->request->id)
			s->refused = (struct trace_ruling){ 0 };
		return;
	}
	s->refused_id = op->request->id;
	if (op->request->id == REQ_SET_FEATURES || op->request->id == REQ_SET_BACKEND)
		judge_features_refused(s, op, end);
	else
		rule(&s->refused, STACK_FAILS_START, "setup_refused",
		     "%s was refused with %s, and the device was not started.",
		     op->request->name, errno_text(end->err));
}

/* --------------------------------------------------------------------- end */

static void judge_armed_late(const struct trace_state *s, struct trace_ruling *r)
{
	if (s->look.known && !s->look.readable && s->look.kicked)
		rule(r, STACK_STALLS, "ring_addresses_wiped",
		     "Every call succeeded, and the device does nothing any more: the VMM "
		     "sent bit 33 (call %u) after the device was started. " WHAT_33
		     "On kernels since 7.2.7 the switch wipes the ring addresses too, so the guest's "
		     "kicks lead nowhere, without a word from the kernel. " MASK_33,
		     s->armed_at);
	else
		rule(r, STACK_STALLS, "miss_unanswered",
		     "Every call succeeded, and the device does nothing any more: the VMM "
		     "sent bit 33 (call %u) after the device was started. " WHAT_33
		     "It has not mapped the rings, and %s. " MASK_33,
		     s->armed_at,
		     s->look.readable
			     ? "a VHOST_IOTLB_MISS, by which the kernel asks for a "
			       "mapping, waits to be read"
			     : "the kernel will ask for a mapping with the first kick, "
			       "which no one answers");
}

static void judge_running(const struct trace_state *s, struct trace_ruling *r)
{
	if (s->armed_late && trace_state_unmapped(s, -1) >= 0) {
		judge_armed_late(s, r);
	} else if (s->armed && s->look.readable && !s->misses) {
		rule(r, STACK_STALLS, "miss_unanswered",
		     "Every call succeeded, and the device waits: the device IOTLB is on, "
		     "and a VHOST_IOTLB_MISS, by which the kernel asks for a mapping, "
		     "waits on the vhost descriptor. The VMM has never read one. It must "
		     "answer them, or leave bit 33 out of VHOST_SET_FEATURES.");
	} else if (s->armed) {
		rule(r, STACK_WORKS, NULL,
		     "The device was started with the device IOTLB on; the VMM had mapped "
		     "every used ring, as it must. Messages: %u updates, %u misses read.",
		     s->updates, s->misses);
	} else {
		rule(r, STACK_WORKS, NULL,
		     "The device was started%s. Nothing was seen that would keep it from "
		     "working; whether bytes move no call tells.",
		     s->family == FAMILY_VDPA ? "" : " with the device IOTLB off");
	}
}

void trace_judge_device(const struct trace_state *s, struct trace_ruling *ret)
{
	*ret = (struct trace_ruling){ 0 };
	if (s->start_tried && s->start_err)
		*ret = s->start;
	else if (s->started)
		judge_running(s, ret);
	else if (s->refused.signature)
		*ret = s->refused;
	else
		rule(ret, STACK_UNKNOWN, NULL,
		     "The device was opened and never started: the VMM may start it only "
		     "when its guest's driver does.");
}

static void judge_as_here(const struct trace_state *s, struct trace_ruling *r)
{
	trace_judge_device(s, r);
	(void)snprintf(r->text, sizeof(r->text),
		       "The VMM sends none of the bits that only --what-if shows: where "
		       "they are offered, all is as it was here.");
}

/* Only bit 33 is known to break a VMM that sends it unserved. */
void trace_judge_what_if(const struct trace_state *s, struct trace_ruling *ret)
{
	struct feature_set would = s->sent;
	bool any = false;

	*ret = (struct trace_ruling){ 0 };
	for (int i = 0; i < FEATURE_WORDS; i++) {
		would.word[i] &= s->shown.word[i] & ~s->offered.word[i];
		any = any || would.word[i];
	}
	if (!s->tried)
		rule(ret, STACK_UNKNOWN, NULL,
		     "The VMM sent no features: its guest's driver must get as far.");
	else if (!any)
		judge_as_here(s, ret);
	else if (s->family == FAMILY_VDPA ||
		 !feature_set_has(&would, VIRTIO_F_ACCESS_PLATFORM))
		rule(ret, STACK_UNKNOWN, NULL,
		     "The VMM sends bits that only --what-if shows. Whether it serves "
		     "them no call tells: see vhostcheck explain BIT.");
	else if (s->late && s->unmapped_at_start >= 0)
		rule(ret, STACK_STALLS, "miss_unanswered",
		     "The VMM sends bit 33, which it was shown, after it started the "
		     "device, and maps nothing. " WHAT_33
		     "On a kernel that offers bit 33 no call would fail, and no byte "
		     "would move. " MASK_33);
	else if (!s->start_tried)
		rule(ret, STACK_UNKNOWN, NULL,
		     "The VMM sends bit 33, which it was shown, and did not start the "
		     "device.");
	else if (s->unmapped_at_start >= 0)
		rule(ret, STACK_FAILS_START, "used_ring_unmapped_at_start",
		     "The VMM sends bit 33, which it was shown, and maps no used ring "
		     "before it starts the device. " WHAT_33
		     "On a kernel that offers bit 33 %s would be refused with EFAULT. " MASK_33,
		     s->start_name);
	else
		rule(ret, STACK_WORKS, NULL,
		     "The VMM sends bit 33, which it was shown, and maps every used ring "
		     "before it starts the device.");
}

/* ------------------------------------------------------------------- notes */

static int note(struct arena *a, struct rec_list *list, const char *fmt, ...)
	printf_(3, 4);

static int note(struct arena *a, struct rec_list *list, const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	text = arena_vprintf(a, fmt, args);
	va_end(args);
	return rec_list_add(a, list, text);
}

static bool echoes(const struct trace_state *s)
{
	bool all = s->asked && s->tried && s->offered.word[0];

	for (int i = 0; i < FEATURE_WORDS && all; i++)
		all = s->sent.word[i] == (s->offered.word[i] | s->shown.word[i]);
	return all;
}

int trace_judge_notes(struct arena *a, const struct trace_state *s, struct rec_list *ret)
{
	uint64_t unknown = 0;
	int e = 0;

	if (echoes(s))
		e = note(
			a, ret,
			"The VMM sends back all that it was offered: it will send any bit "
			"that a later kernel offers, too, whether it knows it or not.");
	for (unsigned int bit = 0; bit < FEATURE_BITS && e == 0; bit++)
		if (feature_set_has(&s->sent, bit) && !trace_state_known(s, bit))
			e = note(
				a, ret,
				"The VMM sends bit %u, which has no name known here: can "
				"it know what the bit obliges it to?",
				bit);
	if (e == 0 && s->started && !s->logged && s->family != FAMILY_VDPA &&
	    feature_set_has(&s->sent, VHOST_F_LOG_ALL))
		e = note(a, ret,
			 "The VMM sends VHOST_F_LOG_ALL (bit 26) and has set no log: "
			 "whatever the device writes is to be logged at address 0.");
	if (e == 0 && s->enabled_late && !(s->backend_sent & BIT64(ENABLE_LATE)))
		e = note(
			a, ret,
			"The VMM enabled a ring after DRIVER_OK and did not acknowledge "
			"VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK: a device may have looked "
			"at its rings by then, and never look at this one.");
	for (unsigned int bit = 0; bit < 64; bit++)
		if (s->backend_sent & BIT64(bit) &&
		    !bit_name(BITS_BACKEND, s->family, bit))
			unknown |= BIT64(bit);
	if (e == 0 && unknown)
		e = note(a, ret,
			 "The VMM sends backend features 0x%" PRIx64
			 ", which have no name known here.",
			 unknown);
	return e;
}

int trace_severity(int verdict)
{
	switch ((enum stack_verdict)verdict) {
	case STACK_FAILS_START:
	case STACK_STALLS:
	case STACK_REFUSED:
		return SEVERITY_HIGH;
	case STACK_DEGRADED:
		return SEVERITY_MEDIUM;
	case STACK_UNKNOWN:
	case STACK_WORKS:
	case STACK_NOT_APPLICABLE:
	case STACK_ERROR:
	case STACK_VERDICT_NUM:
		break;
	}
	return -1;
}
