/* SPDX-License-Identifier: MIT */
/*
 * What is different on a vDPA device: it has a status to be led through, mappings
 * instead of a memory table, rings that are enabled one by one, and a kind. A block
 * device that was made for the play is driven on its first ring, a network device that
 * sends back what it is sent (guest/vdpa_net.c) on its first two.
 *
 * Source: virtio-1.2 2.1, 3.1; vhost_vdpa_unlocked_ioctl() in drivers/vhost/vdpa.c
 */
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <string.h>

#include "seam/uapi.h"
#include "stacks/player_parts.h"

#define SECTOR_TX 8u
#define SECTOR_RX 64u

static const uint32_t ids[KIND_NUM] = {
	[KIND_NET] = VIRTIO_ID_NET,
	[KIND_BLOCK] = VIRTIO_ID_BLOCK,
};

static int device_id(struct player *p, const char *step, uint32_t *ret)
{
	uint64_t value = 0;
	int r = vdpa_get(&p->vdpa, step, VHOST_VDPA_GET_DEVICE_ID, &value);

	*ret = (uint32_t)value;
	return r;
}

/* A VMM for devices of one kind gives up on another. */
static int play_device_id(struct player *p, const struct stack_step *step)
{
	uint32_t id = 0;
	int r = device_id(p, "setup.device_id", &id);

	if (r < 0 || !step->count || id == ids[step->word[0]])
		return r;
	session_fact(p->s, "setup.device_id", "wanted", "%s",
		     stack_kind_names[step->word[0]]);
	return -ENODEV;
}

static int play_iova_range(struct player *p)
{
	struct vhost_vdpa_iova_range range = { 0 };

	return session_ioctl(p->s, "setup.iova_range", VHOST_VDPA_GET_IOVA_RANGE, &range);
}

static int play_set_status(struct player *p, const struct stack_step *step)
{
	static const uint8_t bits[STACK_STATUS_NUM] = {
		[STACK_STATUS_ACKNOWLEDGE] = VIRTIO_CONFIG_S_ACKNOWLEDGE,
		[STACK_STATUS_DRIVER] = VIRTIO_CONFIG_S_DRIVER,
		[STACK_STATUS_FEATURES_OK] = VIRTIO_CONFIG_S_FEATURES_OK,
	};

	for (size_t i = 0; i < step->count; i++)
		p->status = step->word[i] == STACK_STATUS_RESET
				    ? 0
				    : (uint8_t)(p->status | bits[step->word[i]]);
	return vdpa_set_status(&p->vdpa, "setup.status", p->status);
}

/* A device that does not take the features takes FEATURES_OK away (virtio-1.2 3.1.1). */
static int play_get_status(struct player *p)
{
	unsigned char arg[sizeof(uint64_t)] = { 0 };
	int r = session_ioctl(p->s, "setup.status", VHOST_VDPA_GET_STATUS, arg);

	if (r < 0 || (arg[0] & p->status) == p->status)
		return r;
	session_fact(p->s, "setup.status", "lost", "0x%x", p->status & ~arg[0]);
	return -EIO;
}

static int play_batch(struct player *p, uint8_t type)
{
	if (!(p->backend & BIT64(VHOST_BACKEND_F_IOTLB_BATCH)) ||
	    p->play->guest->map == STACK_MAP_AS_USED)
		return 0;
	return vdpa_message(&p->vdpa, "setup.map", type);
}

static int play_update(struct player *p)
{
	struct mem *m = &p->s->mem;

	switch ((enum stack_map)p->play->guest->map) {
	case STACK_MAP_NONE:
		return 0;
	case STACK_MAP_USED_RINGS:
		return vdpa_map(&p->vdpa, "setup.map", MEM_RX_USED,
				m->region[MEM_RX_USED].len, VHOST_ACCESS_RW);
	case STACK_MAP_AS_USED:
		return vdpa_map_rings(&p->vdpa, "setup.map");
	case STACK_MAP_ALL:
		break;
	}
	return vdpa_map_all(&p->vdpa, "setup.map");
}

/* Nothing need be mapped yet: nobody looks at what becomes of it. */
static int play_invalidate(struct player *p)
{
	(void)vdpa_unmap_all(&p->vdpa, "setup.unmap");
	return 0;
}

static int play_start(struct player *p)
{
	p->status = VDPA_RUNNING;
	return vdpa_start(&p->vdpa);
}

int player_vdpa_step(struct player *p, const struct stack_step *step)
{
	switch (step->call) {
	case CALL_GET_DEVICE_ID:
		return play_device_id(p, step);
	case CALL_GET_IOVA_RANGE:
		return play_iova_range(p);
	case CALL_SET_STATUS:
		return play_set_status(p, step);
	case CALL_GET_STATUS:
		return play_get_status(p);
	case CALL_SET_CONFIG_CALL:
		return session_ioctl(p->s, "setup.config_call",
				     VHOST_VDPA_SET_CONFIG_CALL, &p->s->err[VDPA_RING]);
	case CALL_IOTLB_BATCH_BEGIN:
		return play_batch(p, VHOST_IOTLB_BATCH_BEGIN);
	case CALL_IOTLB_BATCH_END:
		return play_batch(p, VHOST_IOTLB_BATCH_END);
	case CALL_IOTLB_INVALIDATE:
		return play_invalidate(p);
	case CALL_IOTLB_UPDATE:
		return play_update(p);
	case CALL_START:
		return play_start(p);
	default:
		return -EINVAL;
	}
}

int player_vdpa_enable(struct player *p, const char *step, enum session_queue q)
{
	return vdpa_state(&p->vdpa, step, VHOST_VDPA_SET_VRING_ENABLE, q, 1);
}

/* --------------------------------------------------------------- the guest */

/* What a guest behind an IOMMU does around a request, and its VMM after it. */
static int map_buffer(struct player *p, const char *step, uint8_t perm)
{
	if (p->play->guest->map != STACK_MAP_AS_USED)
		return 0;
	return vdpa_map(&p->vdpa, step, VDPA_DATA, STACK_TRANSFER_BYTES, perm);
}

static int unmap_buffer(struct player *p, const char *step)
{
	if (p->play->guest->map != STACK_MAP_AS_USED)
		return 0;
	return session_iotlb(p->s, step,
			     (struct iotlb_msg){ .iova = mem_iova(VDPA_DATA, 0),
						 .size = STACK_TRANSFER_BYTES,
						 .type = VHOST_IOTLB_INVALIDATE });
}

static int write_and_read(struct player *p)
{
	struct vdpa_request tx = vdpa_sectors(SECTOR_TX, STACK_TRANSFER_BYTES);
	struct vdpa_request rx = vdpa_sectors(SECTOR_RX, STACK_TRANSFER_BYTES);
	void *data = mem_ptr(&p->s->mem, VDPA_DATA, 0);
	int e = map_buffer(p, "tx.map", VHOST_ACCESS_RO);

	if (e == 0)
		e = vdpa_write(&p->vdpa, "tx", &tx, data);
	if (e == 0)
		e = unmap_buffer(p, "tx.map");
	if (e == 0)
		e = map_buffer(p, "rx.map", VHOST_ACCESS_WO);
	if (e == 0)
		e = vdpa_read(&p->vdpa, "rx", &rx, data);
	return e < 0 ? e : unmap_buffer(p, "rx.map");
}

static int drive(struct player *p)
{
	uint32_t id = 0;
	int e = device_id(p, "transfer", &id);

	if (e < 0)
		return e;
	return id == VIRTIO_ID_BLOCK || id == VIRTIO_ID_NET ? write_and_read(p)
							    : -EOPNOTSUPP;
}

static void play_transfer(struct player *p)
{
	int e = drive(p);
	const char *name = e < 0 ? strerrorname_np(-e) : "ok";

	/* nobody says why: what is known is what the ring and the eventfds say */
	if (e == -ENODATA) {
		session_note_ring(p->s, "stall", VDPA_RING);
		session_note_eventfds(p->s, "stall", VDPA_RING);
	}
	session_fact(p->s, "transfer", "result", "%s", name ? name : "unknown errno");
}

int player_vdpa(struct player *p)
{
	struct session *s = p->s;

	/* what is behind a device that was there before is somebody's */
	if (strcmp(s->path, PEER_NODE) != 0) {
		session_fact(s, "peer", "device made for the play", "ENODEV");
		return s->failed;
	}
	s->addresses = ADDRESSES_IOVA;
	if (vdpa_open(&p->vdpa, s) < 0)
		return s->failed;
	vdpa_draw_rings(&p->vdpa, SESSION_RING_SIZE);
	p->drawn = true;
	if (player_calls(p) >= 0)
		play_transfer(p);
	return s->failed;
}
