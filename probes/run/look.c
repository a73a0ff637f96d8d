/* SPDX-License-Identifier: MIT */
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "run/look.h"

#define IOTLB_BIT BIT64(VIRTIO_F_ACCESS_PLATFORM)

static const char *bit_step(struct session *s, unsigned int bit)
{
	const char *step = arena_printf(&s->arena, "bit %u", bit);

	return step ? step : "bit";
}

/* An ordinary start with bit 33 and no mapping: what crosvm did in 2022. */
static void try_unmapped(struct session *s)
{
	const struct session_config c = {
		.features = BIT64(VIRTIO_F_VERSION_1) | IOTLB_BIT,
	};

	if (session_setup(s, &c) < 0)
		return;
	(void)session_running(s, "unmapped", 1);
	(void)session_running(s, "stop", 0);
}

/* Before SET_OWNER a kernel that does not know the call refuses it with EPERM. */
static void look_above_63(struct session *s)
{
	struct session_array array;

	if (session_get_array(s, "array", 2, &array) < 0)
		return;
	for (unsigned int bit = 64; bit < FEATURE_BITS; bit++) {
		struct session_array one = { .count = 2, .word = { 0, BIT64(bit - 64) } };

		if (array.word[1] & one.word[1])
			(void)session_set_array(s, bit_step(s, bit), &one);
	}
}

int look_act(struct session *s, const void *arg)
{
	uint64_t features = 0;
	uint64_t backend = 0;
	int r = session_open(s);

	(void)arg;
	if (r < 0)
		return r;
	r = session_get_u64(s, "features", VHOST_GET_FEATURES, &features);
	if (r < 0)
		return r;
	for (unsigned int bit = 0; bit < 64; bit++)
		if (features & BIT64(bit))
			(void)session_features(s, bit_step(s, bit), BIT64(bit));
	look_above_63(s);
	(void)session_features(s, "none", 0);
	(void)session_get_u64(s, "backend", VHOST_GET_BACKEND_FEATURES, &backend);
	session_close(s);
	if ((s->family != FAMILY_VSOCK && s->family != FAMILY_NET) ||
	    !(features & IOTLB_BIT))
		return 0;
	/* vhost-net is started by a back end, which the peer has */
	if (s->family == FAMILY_NET && session_peer(s) < 0)
		return 0;
	/* a fresh descriptor: before 7.2.7 nothing switches the IOTLB off again */
	r = session_open(s);
	if (r == 0)
		try_unmapped(s);
	return 0;
}

static bool mask(const struct evidence *e, const char *step, uint64_t *ret)
{
	const struct ev *ev = ev_find(e, EV_IOCTL, step);

	if (!ev || ev->ioctl.err || !ev->ioctl.arg)
		return false;
	*ret = strtoull(ev->ioctl.arg, NULL, 16);
	return true;
}

/* The second word of "2: 0x13d000000 0xa"; false if the call did not give it. */
static bool array_high(const struct evidence *e, uint64_t *ret)
{
	const struct ev *ev = ev_find(e, EV_IOCTL, "array");
	const char *at = ev && !ev->ioctl.err && ev->ioctl.arg
				 ? strrchr(ev->ioctl.arg, ' ')
				 : NULL;

	if (!at || strncmp(at, " 0x", 3) != 0)
		return false;
	*ret = strtoull(at, NULL, 16);
	return true;
}

int look_bit_errno(const struct evidence *e, unsigned int bit)
{
	char step[16];
	const struct ev *ev = NULL;

	(void)snprintf(step, sizeof(step), "bit %u", bit);
	ev = ev_find(e, EV_IOCTL, step);
	return ev ? ev->ioctl.err : -1;
}

void look_read(const struct evidence *e, struct look *ret)
{
	const struct ev *open = ev_find(e, EV_IOCTL, "open");
	const struct ev *unmapped = ev_find(e, EV_IOCTL, "unmapped");

	*ret = (struct look){ .err = open ? open->ioctl.err : EIO };
	ret->opened = open && !open->ioctl.err;
	ret->has_features = mask(e, "features", &ret->features.word[0]);
	ret->has_array = array_high(e, &ret->features.word[1]);
	ret->has_backend = mask(e, "backend", &ret->backend);
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++)
		if (feature_set_has(&ret->features, bit) && look_bit_errno(e, bit) == 0)
			ret->accepted.word[bit / 64] |= BIT64(bit % 64);
	if (ret->has_features && !(ret->features.word[0] & IOTLB_BIT))
		ret->policy = LOOK_NO_IOTLB;
	else if (unmapped && unmapped->ioctl.err == EFAULT)
		ret->policy = LOOK_STRICT;
}
