/* SPDX-License-Identifier: MIT */
#include <linux/vhost.h>
#include <string.h>

#include "trace/judge.h"
#include "trace/state.h"

/* VHOST_FORK_OWNER_KTHREAD, which the build host's <linux/vhost.h> may not have */
#define FORK_KTHREAD 0u
/* the last bit that each kind of virtio device has for itself */
#define DEVICE_BITS_LAST 23u
/* flags and index, which the start of a ring touches */
#define USED_HEAD 4u

void trace_state_init(struct trace_state *s, enum family family)
{
	*s = (struct trace_state){ .family = family };
	s->unmapped_at_start = -1;
	trace_order_init(&s->order);
	for (size_t i = 0; i < TRACE_RINGS_MAX; i++)
		s->ring[i].kick_fd = -1;
}

void trace_state_done(struct trace_state *s)
{
	free(s->region);
	free(s->map);
	s->region = NULL;
	s->map = NULL;
	s->regions = s->maps = s->maps_room = 0;
}

bool trace_state_known(const struct trace_state *s, unsigned int bit)
{
	return bit_name(BITS_FEATURES, s->family, bit) ||
	       (s->family == FAMILY_VDPA && bit <= DEVICE_BITS_LAST);
}

bool trace_state_kept(const struct trace_state *s, unsigned int bit)
{
	return s->asked && feature_set_has(&s->shown, bit) &&
	       !feature_set_has(&s->offered, bit);
}

/* ---------------------------------------------------------------- mappings */

static int map_add(struct trace_state *s, const struct trace_message *m)
{
	struct trace_map *grown = NULL;

	if (s->maps ==
	    TRACE_MAPS_MAX) /* the kernel evicts the oldest: max_iotlb_entries */
		memmove(s->map, s->map + 1, --s->maps * sizeof(*s->map));
	if (s->maps == s->maps_room) {
		grown = reallocarray(s->map, s->maps_room ? 2 * s->maps_room : 16,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->map = grown;
		s->maps_room = s->maps_room ? 2 * s->maps_room : 16;
	}
	s->map[s->maps++] =
		(struct trace_map){ .iova = m->iova, .size = m->size, .perm = m->perm };
	return 0;
}

static uint64_t last_of(uint64_t iova, uint64_t size)
{
	uint64_t last = 0;

	return size == 0 || __builtin_add_overflow(iova, size - 1, &last) ? UINT64_MAX
									  : last;
}

/* Whole entries go that overlap: vhost_iotlb_del_range() */
static void map_remove(struct trace_state *s, const struct trace_message *m)
{
	uint64_t last = last_of(m->iova, m->size);
	size_t kept = 0;

	for (size_t i = 0; i < s->maps; i++) {
		const struct trace_map *e = &s->map[i];

		if (e->iova > last || last_of(e->iova, e->size) < m->iova)
			s->map[kept++] = *e;
	}
	s->maps = kept;
}

bool trace_state_mapped(const struct trace_state *s, uint64_t iova, uint64_t size,
			uint8_t *ret_perm)
{
	uint64_t at = iova, last = last_of(iova, size);
	uint8_t perm = VHOST_ACCESS_RW;
	bool found = true;

	while (found) {
		found = false;
		for (size_t i = 0; i < s->maps && !found; i++) {
			uint64_t end = last_of(s->map[i].iova, s->map[i].size);

			if (s->map[i].iova > at || end < at)
				continue;
			found = true;
			perm &= s->map[i].perm;
			if (end >= last) {
				if (ret_perm)
					*ret_perm = perm;
				return true;
			}
			at = end + 1;
		}
	}
	return false;
}

int trace_state_unmapped(const struct trace_state *s, int ring)
{
	uint8_t perm = 0;

	for (size_t i = 0; i < TRACE_RINGS_MAX; i++)
		if (s->ring[i].addressed && (ring < 0 || i == (size_t)ring) &&
		    (!trace_state_mapped(s, s->ring[i].used, USED_HEAD, &perm) ||
		     perm != VHOST_ACCESS_RW))
			return (int)i;
	return -1;
}

/* Of the messages before the start a vDPA device's policy has more than the mappings. */
static void place_message(struct trace_state *s, const struct trace_message *m)
{
	if (m->type == VHOST_IOTLB_BATCH_BEGIN)
		trace_order_call(&s->order, CALL_IOTLB_BATCH_BEGIN);
	else if (m->type == VHOST_IOTLB_BATCH_END)
		trace_order_anew(&s->order, CALL_IOTLB_BATCH_END);
	else if (m->type == VHOST_IOTLB_INVALIDATE && !m->iova &&
		 last_of(m->iova, m->size) >= UINT64_MAX - 1)
		trace_order_call(&s->order, CALL_IOTLB_INVALIDATE);
}

int trace_state_message(struct trace_state *s, const struct trace_message *m,
			bool written, int err)
{
	/* where bit 33 is kept from the kernel it has no IOTLB to write to */
	if (!m->version || (err && !trace_state_kept(s, VIRTIO_F_ACCESS_PLATFORM)))
		return 0;
	if (!written) {
		s->misses += m->type == VHOST_IOTLB_MISS;
		return 0;
	}
	if (s->family == FAMILY_VDPA && !s->order.running)
		place_message(s, m);
	if (m->type == VHOST_IOTLB_INVALIDATE)
		map_remove(s, m);
	if (m->type != VHOST_IOTLB_UPDATE)
		return 0;
	s->updates++;
	trace_order_call(&s->order, CALL_IOTLB_UPDATE);
	return map_add(s, m);
}

/* ------------------------------------------------------------------- calls */

static bool any_addressed(const struct trace_state *s)
{
	for (size_t i = 0; i < TRACE_RINGS_MAX; i++)
		if (s->ring[i].addressed)
			return true;
	return false;
}

static bool any_running(const struct trace_state *s)
{
	for (size_t i = 0; i < TRACE_RINGS_MAX; i++)
		if (s->ring[i].running)
			return true;
	return false;
}

static int features_sent(struct trace_state *s, const struct trace_op *op,
			 const struct trace_end *end)
{
	bool bit33 = feature_set_has(&op->features, VIRTIO_F_ACCESS_PLATFORM);
	bool changed = memcmp(&s->sent, &op->features, sizeof(s->sent)) != 0;

	/* sent again the same, as some VMMs do before and after: the first counts */
	if (s->tried && !changed)
		trace_order_call(&s->order, CALL_SET_FEATURES);
	else
		trace_order_anew(&s->order, CALL_SET_FEATURES);
	s->late = any_running(s);
	s->tried = true;
	s->set = !end->err;
	s->sent = op->features;
	if (end->err || s->family == FAMILY_VDPA)
		return 0;
	bit33 = bit33 && !trace_state_kept(s, VIRTIO_F_ACCESS_PLATFORM);
	if (bit33 != s->armed && any_addressed(s))
		s->toggled = true;
	s->dropped = !bit33 && (s->dropped || s->armed);
	if (bit33) {
		s->maps = 0;
		if (!s->armed)
			s->armed_at = end->seq;
		s->armed = true;
		s->armed_late = s->armed_late || any_running(s);
		return any_running(s) ? 2 : 0;
	}
	s->armed = s->armed_late = false;
	return 0;
}

static int table_set(struct trace_state *s, const struct trace_op *op)
{
	struct trace_region *copy = NULL;

	if (op->arg != ARG_MEMORY)
		return 0;
	if (op->regions) {
		copy = reallocarray(NULL, op->regions, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, op->region, op->regions * sizeof(*copy));
	}
	free(s->region);
	s->region = copy;
	s->regions = op->regions;
	return 0;
}

static void ring_set(struct trace_state *s, const struct trace_op *op, int pid)
{
	static const enum stack_ring_call calls[] = {
		[REQ_VDPA_ENABLE] = RING_ENABLE, [REQ_VRING_NUM] = RING_NUM,
		[REQ_VRING_BASE] = RING_BASE,    [REQ_VRING_ADDR] = RING_ADDR,
		[REQ_VRING_CALL] = RING_CALL,    [REQ_VRING_ERR] = RING_ERR,
		[REQ_VRING_KICK] = RING_KICK,
	};
	struct trace_ring *ring = NULL;

	if (op->index >= TRACE_RINGS_MAX)
		return;
	trace_order_ring(&s->order, op->index, calls[op->request->id]);
	ring = &s->ring[op->index];
	if (op->request->id == REQ_VRING_NUM) {
		ring->num = op->num;
	} else if (op->request->id == REQ_VRING_KICK) {
		ring->kick_fd = op->fd;
		ring->kick_pid = pid;
	} else if (op->request->id == REQ_VRING_ADDR) {
		ring->desc = op->desc;
		ring->avail = op->avail;
		ring->used = op->used;
		ring->addressed = true;
	}
}

/* Even what no start needs. */
static bool all_mapped(const struct trace_state *s)
{
	for (size_t i = 0; i < TRACE_RINGS_MAX; i++)
		if (s->ring[i].addressed &&
		    (!trace_state_mapped(s, s->ring[i].desc, 1, NULL) ||
		     !trace_state_mapped(s, s->ring[i].avail, 1, NULL)))
			return false;
	return true;
}

/* Whether a call starts the device, or a ring of it. */
static bool is_start(const struct trace_op *op)
{
	enum trace_id id = op->request->id;

	return (id == REQ_NET_BACKEND && op->fd >= 0) ||
	       (id == REQ_VSOCK_RUNNING && op->number != 0) || id == REQ_SCSI_SET ||
	       (id == REQ_VDPA_STATUS && op->number & VIRTIO_CONFIG_S_DRIVER_OK);
}

static void run(struct trace_state *s, const struct trace_op *op, bool on)
{
	for (size_t i = 0; i < TRACE_RINGS_MAX; i++)
		if (op->request->id == REQ_NET_BACKEND ? i == op->index
						       : s->ring[i].addressed)
			s->ring[i].running = on;
}

static int start(struct trace_state *s, const struct trace_op *op,
		 const struct trace_end *end)
{
	bool one = op->request->id == REQ_NET_BACKEND;

	if (one)
		trace_order_start_ring(&s->order, op->index);
	else
		trace_order_start(&s->order);
	s->start_tried = true;
	s->start_err = end->err;
	s->start_ring = one && op->index < TRACE_RINGS_MAX ? (int)op->index : -1;
	s->start_name = op->request->name;
	s->updates_at_start = s->updates;
	s->all_mapped_at_start = all_mapped(s);
	s->unmapped_at_start = trace_state_unmapped(s, s->start_ring);
	if (!end->err) {
		s->started = true;
		run(s, op, true);
		s->start = (struct trace_ruling){ 0 };
	} else {
		trace_order_stop(&s->order);
		trace_judge_start(s, op, end);
	}
	return 1;
}

static void stop(struct trace_state *s, const struct trace_op *op)
{
	run(s, op, false);
	if (!any_running(s))
		trace_order_stop(&s->order);
}

/* A reset ends what runs, and is a step of its own where nothing does. */
static void status_set(struct trace_state *s, const struct trace_op *op)
{
	if (op->number == 0 && any_running(s))
		stop(s, op);
	else
		trace_order_status(&s->order, (uint8_t)op->number);
}

static void reset(struct trace_state *s)
{
	enum family family = s->family;
	const struct feature_set offered = s->offered, shown = s->shown;
	uint64_t backend_offered = s->backend_offered;
	bool asked = s->asked;

	trace_state_done(s);
	trace_state_init(s, family);
	s->offered = offered;
	s->shown = shown;
	s->backend_offered = backend_offered;
	s->asked = asked;
}

/* Those calls of a policy that are made once. */
static void place(struct trace_state *s, enum trace_id id)
{
	static const struct {
		enum trace_id id;
		enum stack_call call;
	} steps[] = {
		{ REQ_SET_OWNER, CALL_SET_OWNER },
		{ REQ_GET_FEATURES, CALL_GET_FEATURES },
		{ REQ_SET_BACKEND, CALL_BACKEND_FEATURES },
		{ REQ_MEM_TABLE, CALL_SET_MEM_TABLE },
		{ REQ_VSOCK_CID, CALL_SET_GUEST_CID },
		{ REQ_SCSI_ABI, CALL_GET_ABI_VERSION },
		{ REQ_VDPA_DEVICE_ID, CALL_GET_DEVICE_ID },
		{ REQ_VDPA_IOVA_RANGE, CALL_GET_IOVA_RANGE },
		{ REQ_VDPA_CONFIG_CALL, CALL_SET_CONFIG_CALL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].id == id)
			trace_order_call(&s->order, steps[i].call);
}

static int accepted(struct trace_state *s, const struct trace_op *op,
		    const struct trace_end *end)
{
	place(s, op->request->id);
	switch (op->request->id) {
	case REQ_GET_FEATURES:
		for (size_t i = 0; i < FEATURE_WORDS; i++)
			s->offered.word[i] |= op->features.word[i];
		s->asked = true;
		return 0;
	case REQ_GET_BACKEND:
		s->backend_offered = op->features.word[0];
		return 0;
	case REQ_SET_BACKEND:
		s->backend_sent = op->features.word[0];
		return 0;
	case REQ_SET_OWNER:
		s->owned = true;
		return 0;
	case REQ_RESET_OWNER:
		reset(s);
		return 0;
	case REQ_MEM_TABLE:
		return table_set(s, op);
	case REQ_LOG_BASE:
		s->logged = true;
		return 0;
	case REQ_VRING_NUM:
	case REQ_VRING_ADDR:
	case REQ_VRING_BASE:
	case REQ_VRING_KICK:
	case REQ_VRING_CALL:
	case REQ_VRING_ERR:
		ring_set(s, op, end->pid);
		return 0;
	case REQ_VDPA_ENABLE:
		if (!op->num)
			return 0;
		s->enabled_late = s->enabled_late || any_running(s);
		ring_set(s, op, end->pid);
		return 0;
	case REQ_VDPA_GET_STATUS:
		trace_order_ask_status(&s->order);
		return 0;
	case REQ_NET_BACKEND:
	case REQ_VSOCK_RUNNING:
	case REQ_SCSI_CLEAR:
		stop(s, op);
		return 0;
	case REQ_VDPA_STATUS:
		status_set(s, op);
		return 0;
	case REQ_OTHER:
	case REQ_FORK_FROM_OWNER:
	case REQ_SET_FEATURES:
	case REQ_LOG_FD:
	case REQ_VSOCK_CID:
	case REQ_SCSI_SET:
	case REQ_SCSI_ABI:
	case REQ_VDPA_DEVICE_ID:
	case REQ_VDPA_IOVA_RANGE:
	case REQ_VDPA_CONFIG_CALL:
		break;
	}
	return 0;
}

int trace_state_call(struct trace_state *s, const struct trace_op *op,
		     const struct trace_end *end)
{
	if (!op->request || op->arg == ARG_UNREADABLE)
		return 0;
	if (op->request->id == REQ_SET_FEATURES) {
		int r = features_sent(s, op, end);

		trace_judge_call(s, op, end);
		return r;
	}
	if (is_start(op))
		return start(s, op, end);
	/* a VMM that is refused this does without it */
	if (op->request->id == REQ_FORK_FROM_OWNER && op->number == FORK_KTHREAD)
		trace_order_call(&s->order, CALL_FORK_FROM_OWNER);
	trace_judge_call(s, op, end);
	return end->err ? 0 : accepted(s, op, end);
}
