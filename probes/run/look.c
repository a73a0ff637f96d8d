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

/* The start call, and what the device says it lacks if that is refused. */
static int try_start(struct session *s, const char *step, const char *miss)
{
	int r = session_running(s, step, 1);

	if (r < 0)
		(void)session_read_miss(s, miss, NULL);
	return r;
}

/*
 * What crosvm did in 2022: bit 33, ring addresses that know of no IOTLB, no mapping. With
 * backend features beside it, it is the same of a VMM that says it knows the messages.
 */
static int start_unmapped(struct session *s, uint64_t backend, const char *step,
			  const char *miss)
{
	const struct session_config c = {
		.features = BIT64(VIRTIO_F_VERSION_1) | IOTLB_BIT,
	};
	int r = session_open(s);

	s->addresses = ADDRESSES_PHYSICAL;
	if (r == 0 && backend)
		r = session_backend(s, "knowing.backend", backend);
	if (r >= 0)
		r = session_setup(s, &c);
	return r < 0 ? r : try_start(s, step, miss);
}

/*
 * What arms the IOTLB: bit 33 alone, bit 33 once backend features were set, or the first
 * message. Each try has a fresh descriptor: before 7.3 nothing switches the IOTLB off
 * again. The second and third are made only where the one before did start.
 */
static void try_policies(struct session *s, uint64_t backend)
{
	if (start_unmapped(s, 0, "unmapped", "unmapped.miss") < 0)
		return;
	(void)session_running(s, "unmapped.stop", 0);
	session_close(s);
	if (start_unmapped(s, backend, "knowing", "knowing.miss") < 0)
		return;
	(void)session_running(s, "knowing.stop", 0);
	/* of a region that no ring lies in */
	if (session_map(s, "message", MEM_SPARE, VHOST_ACCESS_RW) == 0)
		(void)try_start(s, "told", "told.miss");
	(void)session_running(s, "told.stop", 0);
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
	uint64_t type = 0;
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
	if (s->family == FAMILY_VDPA)
		(void)session_get_u64(s, "type", VHOST_VDPA_GET_DEVICE_ID, &type);
	session_close(s);
	if ((s->family != FAMILY_VSOCK && s->family != FAMILY_NET) ||
	    !(features & IOTLB_BIT))
		return 0;
	/* vhost-net is started by a back end, which the peer has */
	if (s->family == FAMILY_NET && session_peer(s) < 0)
		return 0;
	try_policies(s, backend);
	return 0;
}

static bool number(const struct evidence *e, const char *step, int base, uint64_t *ret)
{
	const struct ev *ev = ev_find(e, EV_IOCTL, step);

	if (!ev || ev->ioctl.err || !ev->ioctl.arg)
		return false;
	*ret = strtoull(ev->ioctl.arg, NULL, base);
	return true;
}

static bool mask(const struct evidence *e, const char *step, uint64_t *ret)
{
	return number(e, step, 16, ret);
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

/* Whether the start of a step was made and taken. */
static bool started(const struct evidence *e, const char *step)
{
	const struct ev *ev = ev_find(e, EV_IOCTL, step);

	return ev && !ev->ioctl.err;
}

/*
 * Whether it was refused for want of a mapping: the errno alone is also that of a ring
 * or of a memory table that the kernel does not like.
 */
static bool lacked_mapping(const struct evidence *e, const char *step, const char *miss)
{
	const struct ev *ev = ev_find(e, EV_IOCTL, step);
	const struct ev *msg = ev_find(e, EV_IOTLB, miss);

	return ev && ev->ioctl.err == EFAULT && msg && msg->iotlb.msg == EV_MISS;
}

static int policy_of(const struct evidence *e)
{
	if (lacked_mapping(e, "unmapped", "unmapped.miss"))
		return LOOK_STRICT;
	if (!started(e, "unmapped"))
		return LOOK_UNKNOWN;
	if (lacked_mapping(e, "knowing", "knowing.miss"))
		return LOOK_GATED;
	if (!started(e, "knowing"))
		return LOOK_UNKNOWN;
	return lacked_mapping(e, "told", "told.miss") ? LOOK_LENIENT : LOOK_UNKNOWN;
}

void look_read(const struct evidence *e, struct look *ret)
{
	const struct ev *open = ev_find(e, EV_IOCTL, "open");
	uint64_t type = 0;

	*ret = (struct look){ .err = open ? open->ioctl.err : EIO };
	ret->opened = open && !open->ioctl.err;
	ret->has_features = mask(e, "features", &ret->features.word[0]);
	ret->has_array = array_high(e, &ret->features.word[1]);
	ret->has_backend = mask(e, "backend", &ret->backend);
	if (number(e, "type", 10, &type))
		ret->type = (uint32_t)type;
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++)
		if (feature_set_has(&ret->features, bit) && look_bit_errno(e, bit) == 0)
			ret->accepted.word[bit / 64] |= BIT64(bit % 64);
	if (ret->has_features && !(ret->features.word[0] & IOTLB_BIT))
		ret->policy = LOOK_NO_IOTLB;
	else
		ret->policy = policy_of(e);
}
