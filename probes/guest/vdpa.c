/* SPDX-License-Identifier: MIT */
/* A vhost-vdpa device from opening to DRIVER_OK. */
#include <string.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "guest/session_record.h"
#include "guest/vdpa_request.h"
#include "seam/uapi.h"

bool vdpa_is_net(const struct vdpa *v)
{
	return v->target.type == VIRTIO_ID_NET;
}

/* As they are used here. */
static void name_regions(const struct vdpa *v, struct mem *m)
{
	m->region[MEM_RX_DESC].name = "ring.desc";
	m->region[MEM_RX_AVAIL].name = "ring.avail";
	m->region[MEM_RX_USED].name = "ring.used";
	m->region[VDPA_DATA].name = "data";
	if (vdpa_is_net(v))
		return;
	m->region[VDPA_HEADERS].name = "headers";
	m->region[VDPA_STATUSES].name = "statuses";
}

static int make_device(struct vdpa *v)
{
	struct peer *peer = v->s->seam->peer;
	int r = session_peer(v->s);

	return r < 0 ? r : peer->ops->target(peer, &v->target);
}

int vdpa_open(struct vdpa *v, struct session *s)
{
	int r = 0;

	*v = (struct vdpa){ .s = s };
	s->msg_version = 2;
	if (!strcmp(s->path, PEER_NODE))
		r = make_device(v);
	if (r == 0)
		r = session_open(s);
	if (s->mem.base)
		name_regions(v, &s->mem);
	return r < 0 ? r : 0;
}

int vdpa_set_status(struct vdpa *v, const char *step, uint8_t status)
{
	unsigned char arg[sizeof(uint64_t)] = { status };

	return session_ioctl(v->s, step, VHOST_VDPA_SET_STATUS, arg);
}

int vdpa_crash(struct vdpa *v)
{
	int r = 0;

	session_close(v->s);
	v->owned = false;
	r = session_open(v->s);
	return r < 0 ? r : 0;
}

int vdpa_reopen(struct vdpa *v)
{
	(void)vdpa_set_status(v, "leave", 0);
	return vdpa_crash(v);
}

/* The number of a call that writes 16, 32 or 64 bits; the rest stays as it was. */
static uint64_t number_of(unsigned long request, uint64_t bytes)
{
	uint32_t word = 0;
	uint16_t half = 0;

	memcpy(&word, &bytes, sizeof(word));
	memcpy(&half, &bytes, sizeof(half));
	if (_IOC_SIZE(request) == sizeof(half))
		return half;
	return _IOC_SIZE(request) == sizeof(word) ? word : bytes;
}

int vdpa_get(struct vdpa *v, const char *step, unsigned long request, uint64_t *ret)
{
	uint64_t value = SESSION_POISON;
	int r = session_ioctl(v->s, step, request, &value);

	if (r >= 0)
		*ret = value == SESSION_POISON ? 0 : number_of(request, value);
	return r;
}

int vdpa_get_status(struct vdpa *v, const char *step)
{
	unsigned char arg[sizeof(uint64_t)] = { UINT8_MAX };

	return session_ioctl(v->s, step, VHOST_VDPA_GET_STATUS, arg);
}

int vdpa_state(struct vdpa *v, const char *step, unsigned long request,
	       unsigned int index, unsigned int num)
{
	struct vhost_vring_state state = { .index = index, .num = num };

	return session_ioctl(v->s, step, request, &state);
}

/** union config - struct vhost_vdpa_config with its bytes */
union config {
	struct vhost_vdpa_config head;
	struct vdpa_piece piece;
};

_Static_assert(offsetof(struct vhost_vdpa_config, buf) ==
		       offsetof(struct vdpa_piece, bytes),
	       "a piece is laid out as the kernel reads it");

int vdpa_get_config(struct vdpa *v, const char *step, struct vdpa_piece *piece)
{
	union config c = { .piece = *piece };
	int r = 0;

	memset(c.piece.bytes, (int)(unsigned char)SESSION_POISON, sizeof(c.piece.bytes));
	r = session_ioctl(v->s, step, VHOST_VDPA_GET_CONFIG, &c);
	*piece = c.piece;
	return r;
}

int vdpa_put_config(struct vdpa *v, const char *step, const struct vdpa_piece *piece)
{
	union config c = { .piece = *piece };

	return session_ioctl(v->s, step, VHOST_VDPA_SET_CONFIG, &c);
}

/* ----------------------------------------------------------------- mappings */

int vdpa_message(struct vdpa *v, const char *step, uint8_t type)
{
	return session_iotlb(v->s, step,
			     (struct iotlb_msg){ .asid = v->asid, .type = type });
}

int vdpa_map(struct vdpa *v, const char *step, enum mem_region_id id, uint64_t len,
	     uint8_t perm)
{
	return session_iotlb(v->s, step,
			     (struct iotlb_msg){
				     .asid = v->asid,
				     .iova = mem_iova(id, 0),
				     .size = len,
				     .uaddr = mem_hva(&v->s->mem, id, 0),
				     .perm = perm,
				     .type = VHOST_IOTLB_UPDATE,
			     });
}

static int map_each(struct vdpa *v, const char *step, const enum mem_region_id *id,
		    size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = vdpa_map(v, step, id[i], v->s->mem.region[id[i]].len,
			     VHOST_ACCESS_RW);
	return r;
}

/** struct maps - regions: those of rings and headers, and the others */
struct maps {
	enum mem_region_id region[8];
	size_t rings;
};

static const struct maps of_block = {
	{ MEM_RX_DESC, MEM_RX_AVAIL, MEM_RX_USED, VDPA_HEADERS, VDPA_STATUSES, VDPA_DATA,
	  MEM_TX_BUF, MEM_INDIRECT },
	5,
};
static const struct maps of_net = {
	{ MEM_RX_DESC, MEM_RX_AVAIL, MEM_RX_USED, MEM_TX_DESC, MEM_TX_AVAIL, MEM_TX_USED,
	  VDPA_FRAMES, VDPA_DATA },
	7,
};

static const struct maps *maps_of(const struct vdpa *v)
{
	return vdpa_is_net(v) ? &of_net : &of_block;
}

int vdpa_map_rings(struct vdpa *v, const char *step)
{
	return map_each(v, step, maps_of(v)->region, maps_of(v)->rings);
}

int vdpa_map_all(struct vdpa *v, const char *step)
{
	return map_each(v, step, maps_of(v)->region, ARRAY_SIZE(of_block.region));
}

int vdpa_unmap_all(struct vdpa *v, const char *step)
{
	return session_iotlb(v->s, step,
			     (struct iotlb_msg){ .asid = v->asid,
						 .size = UINT64_MAX,
						 .type = VHOST_IOTLB_INVALIDATE });
}

/* ------------------------------------------------------------------- set-up */

int vdpa_negotiate(struct vdpa *v, const struct vdpa_config *c)
{
	int r = v->owned ? 0 : session_owner(v->s, "setup.owner");

	v->owned = r >= 0;
	if (r >= 0 && c->backend)
		r = session_backend(v->s, "setup.backend", c->backend);
	if (r >= 0)
		r = vdpa_set_status(v, "setup.acknowledge", VDPA_ACKNOWLEDGED);
	if (r >= 0)
		r = vdpa_set_status(v, "setup.driver", VDPA_DRIVER);
	if (r >= 0)
		r = session_features(v->s, "setup.features",
				     c->features | BIT64(VIRTIO_F_VERSION_1) |
					     BIT64(VIRTIO_F_ACCESS_PLATFORM));
	if (r >= 0)
		r = vdpa_set_status(v, "setup.features_ok", VDPA_FEATURES);
	return r < 0 ? r : 0;
}

static void draw(struct vdpa *v, enum session_queue q, unsigned int size, uint16_t base)
{
	struct ring *ring = &v->s->ring[q];

	ring_init(ring, &v->s->mem, q, size, base);
	if (!vdpa_is_net(v))
		ring->name = "request";
	v->next_desc = v->next_header = 0;
}

unsigned int vdpa_rings(const struct vdpa *v)
{
	return vdpa_is_net(v) ? 2 : 1;
}

void vdpa_draw_rings(struct vdpa *v, unsigned int size)
{
	for (unsigned int q = 0; q < vdpa_rings(v); q++)
		draw(v, (enum session_queue)q, size, 0);
}

static int set_ring(struct vdpa *v, enum session_queue q, const struct vdpa_config *c)
{
	unsigned int size = c->ring_size ? c->ring_size : SESSION_RING_SIZE;
	struct session *s = v->s;
	int r = 0;

	draw(v, q, size, c->base);
	r = session_ring_num(s, "setup.num", q, size);
	if (r >= 0)
		r = session_ring_base(s, "setup.base", q, c->base);
	if (r >= 0)
		r = session_ring_addr(s, "setup.addr", q, session_ring_home(s, q));
	if (r >= 0)
		r = session_ring_fd(s, "setup.call", VHOST_SET_VRING_CALL, q, s->call[q]);
	if (r >= 0)
		r = session_ring_fd(s, "setup.kick", VHOST_SET_VRING_KICK, q, s->kick[q]);
	if (r >= 0 && !c->disabled)
		r = vdpa_state(v, "setup.enable", VHOST_VDPA_SET_VRING_ENABLE, q, 1);
	return r < 0 ? r : 0;
}

int vdpa_ring(struct vdpa *v, const struct vdpa_config *c)
{
	int r = 0;

	for (unsigned int q = 0; q < vdpa_rings(v) && r == 0; q++)
		r = set_ring(v, (enum session_queue)q, c);
	return r;
}

int vdpa_start(struct vdpa *v)
{
	int r = vdpa_set_status(v, "start", VDPA_RUNNING);

	return r < 0 ? r : 0;
}

int vdpa_prepare(struct vdpa *v, const struct vdpa_config *c)
{
	int r = vdpa_negotiate(v, c);

	if (r == 0)
		r = vdpa_map_all(v, "setup.map");
	return r < 0 ? r : vdpa_ring(v, c);
}

int vdpa_begin(struct vdpa *v, struct session *s, const struct vdpa_config *c)
{
	int r = vdpa_open(v, s);

	if (r == 0)
		r = vdpa_prepare(v, c);
	return r < 0 ? r : vdpa_start(v);
}
