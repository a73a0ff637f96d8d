/* SPDX-License-Identifier: MIT */
/* Private to probes/checks/iotlb*.c: the starts that they share. */
#ifndef CHECKS_IOTLB_START_H
#define CHECKS_IOTLB_START_H

#include "checks/rows.h"

/** iotlb_set_up() - open and set up, IOTLB armed; nothing mapped, nothing started */
static inline int iotlb_set_up(struct session *s, struct link *l)
{
	const struct session_config c = { .features = F_VERSION_1 | F_IOTLB };

	return link_prepare(l, s, &c);
}

/** iotlb_start_mapped() - the same, all regions mapped read-write, and started */
static inline int iotlb_start_mapped(struct session *s, struct link *l)
{
	int r = iotlb_set_up(s, l);

	if (r == 0)
		r = session_map_all(s, "map");
	if (r == 0)
		r = link_start(l);
	/* what the start itself queued must not be the first to miss later on */
	return r < 0 ? r : session_barrier(s);
}

/** iotlb_warm() - payload both ways on a device that runs; the worker is at rest then */
static inline int iotlb_warm(struct link *l)
{
	int r = link_both_ways(l, SHORT_BYTES);

	return r < 0 ? r : session_barrier(l->s);
}

/** iotlb_start_warm() - iotlb_start_mapped() and iotlb_warm() */
static inline int iotlb_start_warm(struct session *s, struct link *l)
{
	int r = iotlb_start_mapped(s, l);

	return r < 0 ? r : iotlb_warm(l);
}

/** iotlb_map_used() - map the used rings only, as a start needs them */
static inline int iotlb_map_used(struct session *s)
{
	int r = session_map(s, "map.rx", MEM_RX_USED, VHOST_ACCESS_RW);

	return r < 0 ? r : session_map(s, "map.tx", MEM_TX_USED, VHOST_ACCESS_RW);
}

#endif
