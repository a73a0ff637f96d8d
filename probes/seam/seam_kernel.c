/* SPDX-License-Identifier: MIT */
#include <sys/random.h>

#include "seam/kernel.h"

/** struct clock_kernel - CLOCK_MONOTONIC and getrandom(2) */
struct clock_kernel {
	struct clock clock;
};

struct seam_kernel {
	struct dev_kernel dev, twin;
	struct peer_process peer;
	struct clock_kernel clock;
	struct facts *facts;
};

static const struct peer_kind peer_vsock = {
	.serve = peer_vsock_serve,
	.probe = peer_vsock_probe,
};
static const struct peer_kind peer_tap = {
	.serve = peer_tap_serve,
	.probe = peer_tap_probe,
	.hello = true,
	.hands_over = true,
};
static const struct peer_kind peer_scsi = {
	.serve = peer_scsi_serve,
	.probe = peer_scsi_probe,
	.hello = true,
	.takes_down = true,
};
static const struct peer_kind peer_vduse = {
	.serve = peer_vduse_serve,
	.probe = peer_vduse_probe,
	.hello = true,
	.takes_down = true,
};

static const struct peer_kind *const peers[FAMILY_NUM] = {
	[FAMILY_NET] = &peer_tap,
	[FAMILY_VSOCK] = &peer_vsock,
	[FAMILY_SCSI] = &peer_scsi,
	[FAMILY_VDPA] = &peer_vduse,
};

static uint64_t kernel_now_ns(struct clock *clock)
{
	(void)clock;
	return mono_now_ns();
}

static uint32_t kernel_random(struct clock *clock)
{
	uint32_t r = 0;

	(void)clock;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint32_t)mono_now_ns();
	return r;
}

static const struct clock_ops clock_ops = {
	.now_ns = kernel_now_ns,
	.random = kernel_random,
};

struct seam_kernel *seam_kernel_new(enum family family)
{
	struct seam_kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	dev_kernel_init(&k->dev);
	dev_kernel_init(&k->twin);
	peer_process_init(&k->peer, peers[family]);
	k->clock.clock.ops = &clock_ops;
	k->facts = facts_kernel_new();
	if (!k->facts) {
		seam_kernel_free(k);
		return NULL;
	}
	return k;
}

struct seam seam_kernel_tables(struct seam_kernel *k)
{
	return (struct seam){
		.dev = &k->dev.dev,
		.twin = &k->twin.dev,
		.peer = &k->peer.peer,
		.facts = k->facts,
		.clock = &k->clock.clock,
	};
}

void seam_kernel_free(struct seam_kernel *k)
{
	if (!k)
		return;
	k->dev.dev.ops->close(&k->dev.dev);
	k->twin.dev.ops->close(&k->twin.dev);
	k->peer.peer.ops->stop(&k->peer.peer);
	facts_kernel_free(k->facts);
	free(k);
}
