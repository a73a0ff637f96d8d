/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/eventfd.h>

#include "guest/scsi.h"
#include "guest/session.h"
#include "guest/session_record.h"
#include "seam/uapi.h"

#define CID_FIRST 0x80000000u
#define CID_LAST 0xfffffffeu
#define CID_TRIES 16

void session_init(struct session *s, const struct session_init *init)
{
	*s = (struct session){
		.seam = init->seam,
		.rec = init->rec,
		.until = init->until,
		.family = init->family,
		.path = init->path,
		.msg_version = 1,
	};
	for (unsigned int q = 0; q < SESSION_QUEUES; q++) {
		s->kick[q] = s->call[q] = s->err[q] = -1;
		s->from[q].set = s->family != FAMILY_VDPA;
	}
}

unsigned int session_queues(const struct session *s)
{
	return s->family == FAMILY_SCSI ? 3 : 2;
}

void session_twin(struct session *s, struct session *ret, struct seam *ret_seam)
{
	const struct session_init init = {
		.seam = ret_seam,
		.rec = s->rec,
		.until = s->until,
		.family = s->family,
		.path = s->path,
	};

	*ret_seam = *s->seam;
	ret_seam->dev = s->seam->twin;
	session_init(ret, &init);
	ret->first = s;
	ret->ends = s->ends;
}

/* Of the device's rings there is nothing left, and of the guest's what they were. */
static void forget_from(struct session *s)
{
	for (unsigned int q = 0; q < SESSION_QUEUES; q++)
		if (s->ring[q].mem)
			s->from[q].set = false;
}

void session_done(struct session *s)
{
	session_note_served(s);
	session_close(s);
	if (!s->first)
		s->seam->peer->ops->stop(s->seam->peer);
	else if (!s->first->failed)
		s->first->failed = s->failed;
	for (unsigned int q = 0; q < SESSION_QUEUES; q++) {
		fd_close(&s->kick[q]);
		fd_close(&s->call[q]);
		fd_close(&s->err[q]);
	}
	mem_done(&s->mem);
	arena_done(&s->arena);
}

struct deadline session_deadline(const struct session *s, unsigned int ms)
{
	return deadline_from(s->seam->clock->ops->now_ns(s->seam->clock), ms);
}

bool session_passed(const struct session *s, struct deadline d)
{
	return s->seam->clock->ops->now_ns(s->seam->clock) >= d.mono_ns;
}

static int eventfd_new(int *fd)
{
	*fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

static int session_resources(struct session *s)
{
	enum mem_layout layout =
		s->family == FAMILY_SCSI ? MEM_THREE_RINGS : MEM_TWO_RINGS;
	int r = s->mem.base ? 0 : mem_init_layout(&s->mem, layout);

	for (unsigned int q = 0; q < session_queues(s) && r == 0; q++) {
		if (s->kick[q] >= 0)
			continue;
		r = eventfd_new(&s->kick[q]);
		if (r == 0)
			r = eventfd_new(&s->call[q]);
		if (r == 0)
			r = eventfd_new(&s->err[q]);
	}
	if (r < 0)
		s->failed = r;
	return r;
}

static bool node_is_made(const struct session *s)
{
	return s->path && !strcmp(s->path, PEER_NODE);
}

static int take_made_node(struct session *s)
{
	struct peer_target target;
	int r = s->seam->peer->ops->target(s->seam->peer, &target);

	if (r == 0)
		s->path = arena_strdup(&s->arena, target.path);
	for (unsigned int q = 0; q < SESSION_QUEUES; q++)
		s->from[q] = opt_int(0);
	return r == 0 && !s->path ? -ENOMEM : r;
}

int session_peer(struct session *s)
{
	int r = s->seam->peer->ops->start(s->seam->peer, s->backend);

	if (r == 0 && node_is_made(s))
		r = take_made_node(s);
	if (r < 0)
		session_fact(s, "peer",
			     s->seam->peer->lacks ? s->seam->peer->lacks : "process",
			     "%s", strerrorname_np(-r));
	if (r < 0 || s->family != FAMILY_SCSI)
		return r;
	r = s->seam->peer->ops->target(s->seam->peer, &s->target);
	if (r < 0)
		session_fact(s, "peer", "target", "%s", strerrorname_np(-r));
	return r;
}

int session_open(struct session *s)
{
	int r = session_resources(s);

	if (r == 0 && node_is_made(s))
		r = session_peer(s);
	if (r < 0)
		return r;
	record_begin(s, "open", "open");
	s->calls++;
	r = s->seam->dev->ops->open(s->seam->dev, s->path);
	record_call(s, "open", "open", s->path, r);
	return r;
}

void session_close(struct session *s)
{
	if (s->ends)
		record_ends(s);
	forget_from(s);
	s->seam->dev->ops->close(s->seam->dev);
	s->iotlb = false;
	s->features = s->features_high = 0;
	session_order(s, false);
}

static bool resets(unsigned long request, const void *arg)
{
	return request == VHOST_RESET_OWNER ||
	       (request == VHOST_VDPA_SET_STATUS && arg && *(const uint8_t *)arg == 0);
}

int session_ioctl(struct session *s, const char *step, unsigned long request, void *arg)
{
	const char *name = record_request_name(request);
	int r = 0;

	record_begin(s, step, name);
	s->calls++;
	r = s->seam->dev->ops->ioctl(s->seam->dev, request, arg);
	record_call(s, step, name, record_argument(s, request, arg, r), r);
	if (r >= 0 && resets(request, arg))
		forget_from(s);
	return r;
}

int session_get_u64(struct session *s, const char *step, unsigned long request,
		    uint64_t *ret)
{
	uint64_t value = SESSION_POISON;
	int r = session_ioctl(s, step, request, &value);

	if (r >= 0)
		*ret = value == SESSION_POISON ? 0 : value;
	return r;
}

int session_set_u64(struct session *s, const char *step, unsigned long request,
		    uint64_t value)
{
	return session_ioctl(s, step, request, &value);
}

int session_owner(struct session *s, const char *step)
{
	return session_ioctl(s, step, VHOST_SET_OWNER, NULL);
}

static void features_taken(struct session *s, uint64_t bits, uint64_t high)
{
	s->features = bits;
	s->features_high = high;
	if (bits & BIT64(VIRTIO_F_ACCESS_PLATFORM))
		s->iotlb = true;
	session_order(s, bits & BIT64(VIRTIO_F_IN_ORDER));
	if (s->family == FAMILY_NET) /* a tap that is there already has to follow */
		(void)s->seam->peer->ops->backend(s->seam->peer, session_header(s));
}

int session_features(struct session *s, const char *step, uint64_t bits)
{
	int r = session_set_u64(s, step, VHOST_SET_FEATURES, bits);

	if (r >= 0)
		features_taken(s, bits, 0);
	return r;
}

int session_get_array(struct session *s, const char *step, uint64_t count,
		      struct session_array *ret)
{
	*ret = (struct session_array){ .count = count };
	for (size_t i = 0; i < SESSION_ARRAY_WORDS; i++)
		ret->word[i] = SESSION_POISON;
	return session_ioctl(s, step, VHOST_GET_FEATURES_ARRAY, ret);
}

int session_set_array(struct session *s, const char *step,
		      const struct session_array *array)
{
	struct session_array copy = *array;
	int r = session_ioctl(s, step, VHOST_SET_FEATURES_ARRAY, &copy);

	if (r >= 0)
		features_taken(s, array->count > 0 ? array->word[0] : 0,
			       array->count > 1 ? array->word[1] : 0);
	return r;
}

void session_order(struct session *s, bool in_order)
{
	s->in_order = in_order;
	for (unsigned int q = 0; q < SESSION_QUEUES; q++)
		s->ring[q].in_order = in_order;
}

int session_backend(struct session *s, const char *step, uint64_t bits)
{
	return session_set_u64(s, step, VHOST_SET_BACKEND_FEATURES, bits);
}

int session_mem_table(struct session *s, const char *step)
{
	const struct vhost_memory_region all = {
		.guest_phys_addr = MEM_GPA,
		.memory_size = s->mem.len,
		.userspace_addr = (uint64_t)(uintptr_t)s->mem.base,
	};
	cleanup_free struct vhost_memory *table = calloc(1, sizeof(*table) + sizeof(all));

	if (!table) {
		s->failed = -ENOMEM;
		return -ENOMEM;
	}
	table->nregions = 1;
	table->regions[0] = all;
	return session_ioctl(s, step, VHOST_SET_MEM_TABLE, table);
}

int session_ring_num(struct session *s, const char *step, unsigned int index,
		     unsigned int num)
{
	struct vhost_vring_state state = { .index = index, .num = num };

	return session_ioctl(s, step, VHOST_SET_VRING_NUM, &state);
}

int session_ring_base(struct session *s, const char *step, unsigned int index,
		      unsigned int base)
{
	struct vhost_vring_state state = { .index = index, .num = base };
	int r = session_ioctl(s, step, VHOST_SET_VRING_BASE, &state);

	if (r >= 0 && index < SESSION_QUEUES) {
		s->from[index].v = base;
		s->from[index].set |= s->family != FAMILY_VDPA;
	}
	return r;
}

bool session_writes_iova(const struct session *s)
{
	if (s->addresses == ADDRESSES_AS_ARMED)
		return s->iotlb;
	return s->addresses == ADDRESSES_IOVA;
}

struct session_ring_at session_ring_home(const struct session *s, enum session_queue q)
{
	const struct ring *r = &s->ring[q];

	if (session_writes_iova(s))
		return (struct session_ring_at){
			.desc = mem_iova(r->desc, 0),
			.avail = mem_iova(r->avail, 0),
			.used = mem_iova(r->used, 0),
		};
	return (struct session_ring_at){
		.desc = mem_hva(&s->mem, r->desc, 0),
		.avail = mem_hva(&s->mem, r->avail, 0),
		.used = mem_hva(&s->mem, r->used, 0),
	};
}

int session_ring_addr(struct session *s, const char *step, unsigned int index,
		      struct session_ring_at at)
{
	struct vhost_vring_addr addr = {
		.index = index,
		.flags = at.flags,
		.desc_user_addr = at.desc,
		.used_user_addr = at.used,
		.avail_user_addr = at.avail,
		.log_guest_addr = at.log,
	};

	return session_ioctl(s, step, VHOST_SET_VRING_ADDR, &addr);
}

int session_ring_fd(struct session *s, const char *step, unsigned long request,
		    unsigned int index, int fd)
{
	struct vhost_vring_file file = { .index = index, .fd = fd };

	return session_ioctl(s, step, request, &file);
}

static const char *setup_step(struct session *s, enum session_queue q, const char *what)
{
	const char *step = arena_printf(&s->arena, "setup.%s.%s", s->ring[q].name, what);

	return step ? step : "setup";
}

int session_ring_setup(struct session *s, enum session_queue q, unsigned int size,
		       uint16_t base)
{
	int r = 0;

	ring_init(&s->ring[q], &s->mem, q, size, base);
	s->ring[q].in_order = s->in_order;
	r = session_ring_num(s, setup_step(s, q, "num"), q, size);
	if (r >= 0)
		r = session_ring_base(s, setup_step(s, q, "base"), q, base);
	if (r >= 0)
		r = session_ring_addr(s, setup_step(s, q, "addr"), q,
				      session_ring_home(s, q));
	if (r >= 0)
		r = session_ring_fd(s, setup_step(s, q, "call"), VHOST_SET_VRING_CALL, q,
				    s->call[q]);
	if (r >= 0)
		r = session_ring_fd(s, setup_step(s, q, "err"), VHOST_SET_VRING_ERR, q,
				    s->err[q]);
	if (r >= 0)
		r = session_ring_fd(s, setup_step(s, q, "kick"), VHOST_SET_VRING_KICK, q,
				    s->kick[q]);
	return r < 0 ? r : 0;
}

int session_cid(struct session *s, const char *step)
{
	const char *taken = arena_printf(&s->arena, "%s.taken", step);
	int r = -EADDRINUSE;

	for (int i = 0; i < CID_TRIES && r == -EADDRINUSE; i++) {
		uint32_t pick = s->seam->clock->ops->random(s->seam->clock);
		uint64_t cid = CID_FIRST + pick % (CID_LAST - CID_FIRST + 1);

		s->cid = (uint32_t)cid;
		record_begin(s, step, "VHOST_VSOCK_SET_GUEST_CID");
		s->calls++;
		r = s->seam->dev->ops->ioctl(s->seam->dev, VHOST_VSOCK_SET_GUEST_CID,
					     &cid);
		/* a CID that somebody else has is not this step's result, unless it is
		 * the last */
		record_call(s,
			    r == -EADDRINUSE && i + 1 < CID_TRIES && taken ? taken : step,
			    "VHOST_VSOCK_SET_GUEST_CID", "own", r);
	}
	return r;
}

unsigned int session_header(const struct session *s)
{
	if (s->features_high & (BIT64(VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO - 64) |
				BIT64(VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO - 64)))
		return 24;
	return s->features & (BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_NET_F_MRG_RXBUF))
		       ? 12
		       : 10;
}

int session_net_backend(struct session *s, const char *step, enum session_queue q, int fd)
{
	struct vhost_vring_file file = { .index = q, .fd = fd };

	return session_ioctl(s, step, VHOST_NET_SET_BACKEND, &file);
}

/* A ring before the last is recorded as "@step.rx", unless it is refused. */
static int net_ring(struct session *s, const char *step, enum session_queue q, int fd)
{
	const char *first = arena_printf(&s->arena, "%s.rx", step);
	struct vhost_vring_file file = { .index = q, .fd = fd < 0 ? -1 : fd };
	int r = 0;

	record_begin(s, step, "VHOST_NET_SET_BACKEND");
	s->calls++;
	r = s->seam->dev->ops->ioctl(s->seam->dev, VHOST_NET_SET_BACKEND, &file);
	record_call(s, r < 0 || q + 1 == session_queues(s) || !first ? step : first,
		    "VHOST_NET_SET_BACKEND",
		    record_argument(s, VHOST_NET_SET_BACKEND, &file, r), r);
	return r;
}

int session_ring_start(struct session *s, const char *step, enum session_queue q)
{
	struct peer *peer = s->seam->peer;

	return net_ring(s, step, q, peer->ops->backend(peer, session_header(s)));
}

static int net_running(struct session *s, const char *step, int on)
{
	struct peer *peer = s->seam->peer;
	int fd = on ? peer->ops->backend(peer, session_header(s)) : -1;
	int r = 0;

	for (unsigned int q = 0; q < session_queues(s) && r >= 0; q++)
		r = net_ring(s, step, (enum session_queue)q, fd);
	return r;
}

int session_running(struct session *s, const char *step, int on)
{
	if (s->family == FAMILY_NET)
		return net_running(s, step, on);
	if (s->family == FAMILY_SCSI)
		return scsi_endpoint(
			s, step, on ? VHOST_SCSI_SET_ENDPOINT : VHOST_SCSI_CLEAR_ENDPOINT,
			s->target.wwpn);
	return session_ioctl(s, step, VHOST_VSOCK_SET_RUNNING, &on);
}

int session_setup(struct session *s, const struct session_config *c)
{
	const struct session_array array = { .count = 2,
					     .word = { c->features, c->features_high } };
	unsigned int size = c->ring_size ? c->ring_size : SESSION_RING_SIZE;
	int r = session_owner(s, "setup.owner");

	if (r >= 0)
		r = c->features_high ? session_set_array(s, "setup.features", &array)
				     : session_features(s, "setup.features", c->features);
	if (r >= 0)
		r = session_mem_table(s, "setup.memory");
	for (unsigned int q = 0; q < session_queues(s) && r >= 0; q++)
		r = session_ring_setup(s, q, size, c->base);
	if (r >= 0 && s->family == FAMILY_VSOCK)
		r = session_cid(s, "setup.cid");
	return r < 0 ? r : 0;
}

int session_kick(struct session *s, enum session_queue q)
{
	s->calls++;
	return eventfd_write(s->kick[q], 1) < 0 ? -errno : 0;
}

int session_barrier(struct session *s)
{
	int fd = -1;

	if (s->family == FAMILY_SCSI)
		return scsi_flush(s);
	record_begin(s, "barrier", "VHOST_SET_LOG_FD");
	s->calls++;
	return s->seam->dev->ops->ioctl(s->seam->dev, VHOST_SET_LOG_FD, &fd);
}

static void read_stalled(struct session *s, const char *step)
{
	unsigned char buf[IOTLB_MSG_BYTES] = { 0 };

	s->calls++;
	record_message(s, step, buf,
		       s->seam->dev->ops->read(s->seam->dev, buf, sizeof(buf)), NULL);
}

int session_stalled(struct session *s, const char *step, enum session_queue q)
{
	uint16_t used = ring_used_idx(&s->ring[q]);
	unsigned int calls = 0;
	int r = session_kick(s, q);

	calls = s->calls;
	if (r == 0)
		r = session_barrier(s);
	if (r >= 0 && s->family == FAMILY_SCSI)
		r = scsi_drain(s);
	if (r < 0) {
		record_call(s, step,
			    s->family == FAMILY_SCSI ? "VHOST_SCSI_CLEAR_ENDPOINT"
						     : "VHOST_SET_LOG_FD",
			    NULL, r);
		return r;
	}
	if (s->family != FAMILY_SCSI)
		read_stalled(s, step);
	calls = s->calls - calls;
	session_note_ring(s, step, q);
	session_note_eventfds(s, step, q);
	session_measure(s, step, "calls_after_kick", "system calls", calls);
	return ring_used_idx(&s->ring[q]) == used;
}
