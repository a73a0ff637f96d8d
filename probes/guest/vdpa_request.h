/* SPDX-License-Identifier: MIT */
/* Private to probes/guest: what a request is to a network device (vdpa_net.c). */
#ifndef GUEST_VDPA_REQUEST_H
#define GUEST_VDPA_REQUEST_H

#include "guest/vdpa.h"

/** VDPA_FRAMES - region of the headers, and of the end of a frame that no check names */
#define VDPA_FRAMES MEM_TX_BUF

/** vdpa_net_put() - enter a frame into either ring; the head of the receive ring */
uint16_t vdpa_net_put(struct vdpa *v, const struct vdpa_request *request);

/** vdpa_net_kick() - publish and kick both rings. 0 or -errno */
int vdpa_net_kick(struct vdpa *v);

/** vdpa_net_other_end() - the bytes of a frame at its end that is not @request->data */
struct session_moved vdpa_net_other_end(const struct vdpa *v,
					const struct vdpa_request *request);

#endif
