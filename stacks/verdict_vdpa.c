/* SPDX-License-Identifier: MIT */
/*
 * What is different on a vDPA device: it reports no miss and no error, so that a request
 * which is never answered has to be explained by what the VMM did before.
 */
#include <linux/virtio_config.h>

#include "stacks/ruling.h"

bool ruling_vdpa(const struct ruling *r)
{
	const struct ev *start = last_call(r, "start");

	return start && same(start->ioctl.name, "VHOST_VDPA_SET_STATUS");
}

bool ruling_vdpa_kind(struct ruling *r)
{
	const char *wanted = fact(r, "setup.device_id", "wanted");
	const struct ev *id = last_call(r, "setup.device_id");

	return wanted && id &&
	       rule(r, STACK_NOT_APPLICABLE, NULL, REASON_NOT_OFFERED,
		    "the VMM takes a device of kind %s only, and this one is of another "
		    "(VHOST_VDPA_GET_DEVICE_ID: %s)",
		    wanted, id->ioctl.arg ? id->ioctl.arg : "?");
}

bool ruling_vdpa_status(struct ruling *r)
{
	const char *lost = fact(r, "setup.status", "lost");

	return lost && rule(r, STACK_REFUSED, "features_refused", REASON_CONTRACT,
			    "the device took status bits %s back: it does not agree to "
			    "the features that were sent.",
			    lost);
}

/* Here bit 33 is to be sent: without it some parents refuse all others. */
bool ruling_vdpa_features(struct ruling *r, const struct ev *refused)
{
	const char *arg = refused->ioctl.arg;
	bool asked = last_call(r, "setup.device_id") || last_call(r, "setup.status") ||
		     last_call(r, "setup.iova_range");

	return asked && same(refused->step, "setup.features") &&
	       refused->ioctl.err == EINVAL && arg &&
	       !(sent_bits(refused) & BIT64(VIRTIO_F_ACCESS_PLATFORM)) &&
	       rule(r, STACK_REFUSED, "platform_missing", REASON_CONTRACT,
		    "%s of %s was refused with EINVAL: it lacks bit 33 "
		    "(VIRTIO_F_ACCESS_PLATFORM), without which vDPA devices take no "
		    "features. Send it always, also for a guest that did not acknowledge "
		    "it.",
		    refused->ioctl.name, arg);
}

static bool maps_all(const struct ruling *r)
{
	static const char *const parts[] = { "ring.desc", "ring.avail", "ring.used" };
	size_t seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct ev *ev = NULL;
		bool mapped = false;

		while ((ev = ev_find_next(r->e, ev, EV_IOTLB, "setup.map")))
			mapped = mapped ||
				 (ev->iotlb.msg == EV_UPDATE && ev->iotlb.iova &&
				  !strncmp(ev->iotlb.iova, parts[i], strlen(parts[i])));
		seen += mapped;
	}
	return seen == ARRAY_SIZE(parts);
}

/* Whether the ring was enabled, and if so only once the device ran. */
static bool enabled_late(const struct ruling *r)
{
	bool running = false;

	for (size_t i = 0; i < r->e->ev.count; i++) {
		const struct ev *ev = r->e->ev.item[i];

		if (ev->kind != EV_IOCTL || ev->ioctl.err)
			continue;
		if (same(ev->ioctl.name, "VHOST_VDPA_SET_VRING_ENABLE"))
			return running;
		running = running || same(ev->step, "start");
	}
	return false;
}

bool ruling_vdpa_stall(struct ruling *r)
{
	if (enabled_late(r))
		return rule(
			r, STACK_STALLS, "ring_enabled_late", REASON_CONTRACT,
			"every call succeeded and nothing moves: the ring was enabled "
			"after DRIVER_OK, when the device had looked at its rings. Call "
			"VHOST_VDPA_SET_VRING_ENABLE before DRIVER_OK, unless "
			"VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK was acknowledged.");
	if (!maps_all(r))
		return rule(
			r, STACK_STALLS, "ring_unmapped", REASON_CONTRACT,
			"every call succeeded and nothing moves: the ring was not mapped "
			"as a whole, and a vDPA device reports no miss. Map all of the "
			"guest's memory by VHOST_IOTLB_UPDATE before DRIVER_OK.");
	return rule(r, STACK_STALLS, "stalled_silently", REASON_CONTRACT,
		    "every call succeeded and nothing moves: the device does not answer "
		    "a request, and says nothing of why.");
}
