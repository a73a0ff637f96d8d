/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>

#include "guest/session_record.h"
#include "seam/uapi.h"

/** enum arg_kind - how an ioctl's argument is shown */
enum arg_kind {
	ARG_NONE,
	ARG_U64_IN,
	ARG_U64_OUT,
	ARG_U8_IN,
	ARG_U8_OUT,
	ARG_U16_OUT,
	ARG_U32_OUT,
	ARG_RANGE_OUT,
	ARG_CONFIG,
	ARG_ARRAY_IN,
	ARG_ARRAY_OUT,
	ARG_CID,
	ARG_INT,
	ARG_FD,
	ARG_PLACE,
	ARG_STATE_IN,
	ARG_STATE_OUT,
	ARG_ADDR,
	ARG_FILE,
	ARG_MEMORY,
	ARG_TARGET,
	ARG_U32_IN,
	ARG_WORKER_IN,
	ARG_WORKER_OUT
};

/** struct request - one ioctl number */
struct request {
	unsigned long number;
	const char *name;
	enum arg_kind arg;
};

#define REQUEST(name_, kind)                                                             \
	{                                                                                \
		name_, #name_, kind                                                      \
	}

static const struct request requests[] = {
	REQUEST(VHOST_GET_FEATURES, ARG_U64_OUT),
	REQUEST(VHOST_SET_FEATURES, ARG_U64_IN),
	REQUEST(VHOST_GET_FEATURES_ARRAY, ARG_ARRAY_OUT),
	REQUEST(VHOST_SET_FEATURES_ARRAY, ARG_ARRAY_IN),
	REQUEST(VHOST_SET_OWNER, ARG_NONE),
	REQUEST(VHOST_RESET_OWNER, ARG_NONE),
	REQUEST(VHOST_SET_FORK_FROM_OWNER, ARG_U8_IN),
	REQUEST(VHOST_GET_FORK_FROM_OWNER, ARG_U8_OUT),
	REQUEST(VHOST_SET_MEM_TABLE, ARG_MEMORY),
	REQUEST(VHOST_SET_LOG_BASE, ARG_PLACE),
	REQUEST(VHOST_SET_LOG_FD, ARG_FD),
	REQUEST(VHOST_SET_VRING_NUM, ARG_STATE_IN),
	REQUEST(VHOST_SET_VRING_ADDR, ARG_ADDR),
	REQUEST(VHOST_SET_VRING_BASE, ARG_STATE_IN),
	REQUEST(VHOST_GET_VRING_BASE, ARG_STATE_OUT),
	REQUEST(VHOST_SET_VRING_BUSYLOOP_TIMEOUT, ARG_STATE_IN),
	REQUEST(VHOST_GET_VRING_BUSYLOOP_TIMEOUT, ARG_STATE_OUT),
	REQUEST(VHOST_SET_VRING_KICK, ARG_FILE),
	REQUEST(VHOST_SET_VRING_CALL, ARG_FILE),
	REQUEST(VHOST_SET_VRING_ERR, ARG_FILE),
	REQUEST(VHOST_SET_BACKEND_FEATURES, ARG_U64_IN),
	REQUEST(VHOST_GET_BACKEND_FEATURES, ARG_U64_OUT),
	REQUEST(VHOST_NET_SET_BACKEND, ARG_FILE),
	REQUEST(VHOST_VSOCK_SET_GUEST_CID, ARG_CID),
	REQUEST(VHOST_VSOCK_SET_RUNNING, ARG_INT),
	REQUEST(VHOST_SCSI_SET_ENDPOINT, ARG_TARGET),
	REQUEST(VHOST_SCSI_CLEAR_ENDPOINT, ARG_TARGET),
	REQUEST(VHOST_SCSI_GET_ABI_VERSION, ARG_U32_OUT),
	REQUEST(VHOST_SCSI_SET_EVENTS_MISSED, ARG_U32_IN),
	REQUEST(VHOST_SCSI_GET_EVENTS_MISSED, ARG_U32_OUT),
	REQUEST(VHOST_NEW_WORKER, ARG_U32_OUT),
	REQUEST(VHOST_FREE_WORKER, ARG_U32_IN),
	REQUEST(VHOST_ATTACH_VRING_WORKER, ARG_WORKER_IN),
	REQUEST(VHOST_GET_VRING_WORKER, ARG_WORKER_OUT),
	REQUEST(VHOST_VDPA_GET_DEVICE_ID, ARG_U32_OUT),
	REQUEST(VHOST_VDPA_GET_STATUS, ARG_U8_OUT),
	REQUEST(VHOST_VDPA_SET_STATUS, ARG_U8_IN),
	REQUEST(VHOST_VDPA_GET_CONFIG, ARG_CONFIG),
	REQUEST(VHOST_VDPA_SET_CONFIG, ARG_CONFIG),
	REQUEST(VHOST_VDPA_SET_VRING_ENABLE, ARG_STATE_IN),
	REQUEST(VHOST_VDPA_GET_VRING_NUM, ARG_U16_OUT),
	REQUEST(VHOST_VDPA_SET_CONFIG_CALL, ARG_FD),
	REQUEST(VHOST_VDPA_GET_IOVA_RANGE, ARG_RANGE_OUT),
	REQUEST(VHOST_VDPA_GET_CONFIG_SIZE, ARG_U32_OUT),
	REQUEST(VHOST_VDPA_GET_VQS_COUNT, ARG_U32_OUT),
	REQUEST(VHOST_VDPA_GET_GROUP_NUM, ARG_U32_OUT),
	REQUEST(VHOST_VDPA_GET_AS_NUM, ARG_U32_OUT),
	REQUEST(VHOST_VDPA_GET_VRING_GROUP, ARG_STATE_OUT),
	REQUEST(VHOST_VDPA_SET_GROUP_ASID, ARG_STATE_IN),
	REQUEST(VHOST_VDPA_GET_VRING_SIZE, ARG_STATE_OUT),
	REQUEST(VHOST_VDPA_SUSPEND, ARG_NONE),
	REQUEST(VHOST_VDPA_RESUME, ARG_NONE),
};

static const struct request *request_find(unsigned long number)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].number == number)
			return &requests[i];
	return NULL;
}

const char *record_request_name(unsigned long request)
{
	const struct request *row = request_find(request);

	return row ? row->name : "ioctl";
}

void record_emit(struct session *s, const struct ev *ev)
{
	int r = s->rec->emit(s->rec, ev);

	if (r < 0 && !s->failed)
		s->failed = r;
}

void record_begin(struct session *s, const char *step, const char *call)
{
	if (s->rec->begin)
		s->rec->begin(s->rec, step, call);
}

void record_call(struct session *s, const char *step, const char *name, const char *arg,
		 int r)
{
	record_emit(s, &(struct ev){
			       .kind = EV_IOCTL,
			       .step = step,
			       .ioctl = { .name = name,
					  .arg = arg,
					  .ret = r < 0 ? -1 : r,
					  .err = r < 0 ? -r : 0 },
		       });
}

static const char *out_u64(struct session *s, uint64_t value, int r)
{
	if (r < 0 || value == SESSION_POISON)
		return NULL;
	return arena_printf(&s->arena, "0x%" PRIx64, value);
}

/* @room: words of the array that may have been written, past its count too */
static const char *array_text(struct session *s, const struct session_array *array,
			      size_t room)
{
	const char *text = arena_printf(&s->arena, "%" PRIu64 ":", array->count);
	size_t words = room;

	while (words > array->count && array->word[words - 1] == SESSION_POISON)
		words--;
	for (size_t i = 0; i < words && text; i++)
		text = array->word[i] == SESSION_POISON
			       ? arena_printf(&s->arena, "%s -", text)
			       : arena_printf(&s->arena, "%s 0x%" PRIx64, text,
					      array->word[i]);
	return text;
}

/* An address of this process's own is no evidence: it differs from run to run. */
static const char *place_text(struct session *s, uint64_t value)
{
	if (value >= MEM_PAGE && value <= INT64_MAX)
		return "memory";
	return arena_printf(&s->arena, "0x%" PRIx64, value);
}

static const char *queue_name(const struct session *s, unsigned int index)
{
	/* the rings of a vDPA device are the device's own affair: they have numbers */
	return s->family == FAMILY_VDPA ? NULL : ring_name(s->mem.layout, index);
}

static const char *queue_text(struct session *s, unsigned int index)
{
	const char *name = queue_name(s, index);

	if (name || s->family != FAMILY_VDPA)
		return name ? name : "other";
	return arena_printf(&s->arena, "%u", index);
}

static const char *state_text(struct session *s, const struct vhost_vring_state *state)
{
	const char *queue = queue_name(s, state->index);

	if (queue)
		return arena_printf(&s->arena, "%s %u", queue, state->num);
	return arena_printf(&s->arena, "%u %u", state->index, state->num);
}

static const char *file_text(struct session *s, const struct vhost_vring_file *file)
{
	const char *what = file->fd < 0 ? "-1" : "fd";

	for (unsigned int q = 0; q < SESSION_QUEUES; q++) {
		if (file->fd >= 0 && (file->fd == s->kick[q] || file->fd == s->call[q] ||
				      file->fd == s->err[q]))
			what = "eventfd";
	}
	return arena_printf(&s->arena, "%s %s", queue_text(s, file->index), what);
}

static const char *addr_text(struct session *s, const struct vhost_vring_addr *addr)
{
	return arena_printf(&s->arena, "%s flags=0x%x desc=%s avail=%s used=%s",
			    queue_text(s, addr->index), addr->flags,
			    mem_describe(&s->mem, &s->arena, addr->desc_user_addr),
			    mem_describe(&s->mem, &s->arena, addr->avail_user_addr),
			    mem_describe(&s->mem, &s->arena, addr->used_user_addr));
}

/* Names hold a process id: whose a target is, is all that is shown. */
static const char *target_text(struct session *s, const struct vhost_scsi_target *t)
{
	bool own = t->vhost_wwpn[0] &&
		   strncmp(t->vhost_wwpn, s->target.wwpn, sizeof(t->vhost_wwpn)) == 0;

	return arena_printf(&s->arena, "%s%s", own ? "own target" : "another target",
			    t->reserved ? " reserved" : "");
}

static const char *worker_text(struct session *s, const struct vhost_vring_worker *w)
{
	return arena_printf(&s->arena, "%s worker %u", queue_text(s, w->index),
			    w->worker_id);
}

static const char *range_text(struct session *s,
			      const struct vhost_vdpa_iova_range *range, int r)
{
	if (r < 0 || (range->first == SESSION_POISON && range->last == SESSION_POISON))
		return NULL;
	return arena_printf(&s->arena, "0x%" PRIx64 " to 0x%" PRIx64,
			    (uint64_t)range->first, (uint64_t)range->last);
}

static const char *config_text(struct session *s, const struct vhost_vdpa_config *config)
{
	return arena_printf(&s->arena, "%u from %u", config->len, config->off);
}

static const char *memory_text(struct session *s, const struct vhost_memory *table)
{
	return arena_printf(&s->arena, "%u region%s", table->nregions,
			    table->nregions == 1 ? "" : "s");
}

const char *record_argument(struct session *s, unsigned long request, const void *arg,
			    int r)
{
	const struct request *row = request_find(request);

	if (!row)
		return arena_printf(&s->arena, "request 0x%lx", request);
	if (!arg)
		return NULL;
	switch (row->arg) {
	case ARG_NONE:
		return NULL;
	case ARG_U64_IN:
		return arena_printf(&s->arena, "0x%" PRIx64, *(const uint64_t *)arg);
	case ARG_U64_OUT:
		return out_u64(s, *(const uint64_t *)arg, r);
	case ARG_U8_OUT:
		if (r < 0 || *(const uint8_t *)arg == UINT8_MAX)
			return NULL;
		return arena_printf(&s->arena, "%u", *(const uint8_t *)arg);
	case ARG_U8_IN:
		return arena_printf(&s->arena, "%u", *(const uint8_t *)arg);
	case ARG_U16_OUT:
		if (r < 0 || *(const uint16_t *)arg == (uint16_t)SESSION_POISON)
			return NULL;
		return arena_printf(&s->arena, "%u", *(const uint16_t *)arg);
	case ARG_RANGE_OUT:
		return range_text(s, arg, r);
	case ARG_CONFIG:
		return config_text(s, arg);
	case ARG_ARRAY_IN:
		return array_text(s, arg, ((const struct session_array *)arg)->count);
	case ARG_ARRAY_OUT:
		return r < 0 ? NULL : array_text(s, arg, SESSION_ARRAY_WORDS);
	case ARG_CID:
		if (s->cid && *(const uint64_t *)arg == s->cid)
			return "own";
		return arena_printf(&s->arena, "0x%" PRIx64, *(const uint64_t *)arg);
	case ARG_INT:
		return arena_printf(&s->arena, "%d", *(const int *)arg);
	case ARG_FD:
		return *(const int *)arg < 0 ? "-1" : "fd";
	case ARG_PLACE:
		return place_text(s, *(const uint64_t *)arg);
	case ARG_STATE_IN:
		return state_text(s, arg);
	case ARG_STATE_OUT:
		return r < 0 ? NULL : state_text(s, arg);
	case ARG_ADDR:
		return addr_text(s, arg);
	case ARG_FILE:
		return file_text(s, arg);
	case ARG_MEMORY:
		return memory_text(s, arg);
	case ARG_TARGET:
		return target_text(s, arg);
	case ARG_U32_IN:
		return arena_printf(&s->arena, "%u", *(const uint32_t *)arg);
	case ARG_U32_OUT:
		if (r < 0 || *(const uint32_t *)arg == (uint32_t)SESSION_POISON)
			return NULL;
		return arena_printf(&s->arena, "%u", *(const uint32_t *)arg);
	case ARG_WORKER_IN:
		return worker_text(s, arg);
	case ARG_WORKER_OUT:
		return r < 0 ? NULL : worker_text(s, arg);
	}
	return NULL;
}

void record_iotlb(struct session *s, const char *step, enum ev_iotlb_way way,
		  const struct iotlb_msg *msg, int r)
{
	record_emit(
		s, &(struct ev){
			   .kind = EV_IOTLB,
			   .step = step,
			   .iotlb = { .way = (int)way,
				      .version = opt_int(msg->version),
				      .msg = (int)iotlb_msg_word(msg->type),
				      .iova = mem_describe(&s->mem, &s->arena, msg->iova),
				      .size = arena_printf(&s->arena, "0x%" PRIx64,
							   msg->size),
				      .perm = (int)iotlb_perm_word(msg->perm),
				      .err = r < 0 ? -r : 0 },
		   });
}

static void record_no_message(struct session *s, const char *step, int err)
{
	record_emit(s,
		    &(struct ev){
			    .kind = EV_IOTLB,
			    .step = step,
			    .iotlb = { .way = EV_RECEIVED, .msg = EV_NO_MSG, .err = err },
		    });
}

int record_message(struct session *s, const char *step, const unsigned char *buf,
		   ssize_t n, struct iotlb_msg *ret_msg)
{
	struct iotlb_msg msg = { 0 };
	bool clean = false;
	int r = n < 0 ? (int)n : 0;

	if (n >= 0)
		r = n == (ssize_t)IOTLB_MSG_BYTES ? iotlb_decode(buf, &msg, &clean)
						  : -EBADMSG;
	if (r < 0) {
		record_no_message(s, step, -r);
		return r == -EAGAIN ? 0 : r;
	}
	record_iotlb(s, step, EV_RECEIVED, &msg, 0);
	if (!clean)
		session_fact(s, step, "padding", "not zero");
	if (ret_msg)
		*ret_msg = msg;
	return 1;
}

void session_fact(struct session *s, const char *step, const char *name, const char *fmt,
		  ...)
{
	struct ev ev = { .kind = EV_FACT, .step = step, .fact = { .name = name } };
	va_list args;

	va_start(args, fmt);
	ev.fact.value = arena_vprintf(&s->arena, fmt, args);
	va_end(args);
	record_emit(s, &ev);
}

void session_measure(struct session *s, const char *step, const char *name,
		     const char *unit, int64_t sample)
{
	void *item[] = { &sample };

	record_emit(s, &(struct ev){
			       .kind = EV_MEASURE,
			       .step = step,
			       .measure = { .name = name,
					    .unit = unit,
					    .samples = { .item = item, .count = 1 } },
		       });
}

void session_bytes(struct session *s, const char *step, enum ev_dir dir,
		   struct session_moved sent, struct session_moved received)
{
	struct ev ev = {
		.kind = EV_BYTES,
		.step = step,
		.bytes = { .dir = (int)dir,
			   .sent = (int64_t)sent.bytes,
			   .received = (int64_t)received.bytes },
	};

	ev.bytes.sent_digest = arena_printf(&s->arena, "0x%016" PRIx64, sent.digest);
	ev.bytes.received_digest =
		arena_printf(&s->arena, "0x%016" PRIx64, received.digest);
	record_emit(s, &ev);
}

/* @ret: stays unset if the device wrote nothing, or of another ring. */
static int get_base(struct session *s, const char *step, unsigned int q,
		    struct opt_int *ret)
{
	struct vhost_vring_state state = { .index = q, .num = UINT32_MAX };
	int r = 0;

	record_begin(s, step, "VHOST_GET_VRING_BASE");
	r = s->seam->dev->ops->ioctl(s->seam->dev, VHOST_GET_VRING_BASE, &state);
	if (r >= 0 && state.index == q && state.num != UINT32_MAX)
		*ret = opt_int(state.num);
	return r;
}

void session_note_ring(struct session *s, const char *step, enum session_queue q)
{
	const struct ring *r = &s->ring[q];
	struct ev ev = {
		.kind = EV_RING,
		.step = step,
		.ring = { .queue = r->name,
			  .avail = opt_int(ring_avail_idx(r)),
			  .used = opt_int(ring_used_idx(r)),
			  .flags = opt_int(ring_used_flags(r)) },
	};

	(void)get_base(s, step, q, &ev.ring.base);
	record_emit(s, &ev);
}

/* The used index first and the avail index last: the device may be at work. */
static int record_end(struct session *s, unsigned int q)
{
	const struct ring *ring = &s->ring[q];
	const char *name = ring_name(s->mem.layout, q);
	uint16_t from = (uint16_t)s->from[q].v, used = from, offered = from;
	struct opt_int base = { 0 };
	int r = -ENODATA;

	if (!s->from[q].set)
		return r;
	if (ring->mem)
		used = ring_used_idx(ring);
	r = get_base(s, EV_CLOSE, q, &base);
	if (r < 0)
		return r;
	if (ring->mem)
		offered = ring_avail_idx(ring);
	if (!base.set)
		session_fact(s, EV_CLOSE, name,
			     "VHOST_GET_VRING_BASE wrote nothing, or of another ring");
	else if ((uint16_t)(used - from) <= (uint16_t)(base.v - from) &&
		 (uint16_t)(base.v - from) <= (uint16_t)(offered - from))
		session_fact(s, EV_CLOSE, name, EV_IN_ORDER);
	else
		session_fact(s, EV_CLOSE, name, "from %u, avail %u, base %d, used %u",
			     from, offered, (int)base.v, used);
	return r;
}

void record_ends(struct session *s)
{
	int r = record_end(s, 0);

	if (r == -EPERM &&
	    s->seam->dev->ops->ioctl(s->seam->dev, VHOST_SET_OWNER, NULL) >= 0)
		r = record_end(s, 0);
	for (unsigned int q = 1; q < session_queues(s) && r >= 0; q++)
		r = record_end(s, q);
}

static struct opt_int eventfd_count(int fd)
{
	eventfd_t count = 0;

	if (eventfd_read(fd, &count) < 0)
		return errno == EAGAIN ? opt_int(0) : (struct opt_int){ 0 };
	return opt_int((int64_t)count);
}

/* How many calls fall together depends on the worker's pace: whether one came counts. */
static struct opt_int signalled(int fd)
{
	struct opt_int count = eventfd_count(fd);

	if (count.v > 1)
		count.v = 1;
	return count;
}

void session_note_eventfds(struct session *s, const char *step, enum session_queue q)
{
	record_emit(s, &(struct ev){
			       .kind = EV_EVENTFD,
			       .step = step,
			       .eventfd = { .queue = s->ring[q].name,
					    .call = signalled(s->call[q]),
					    .err = eventfd_count(s->err[q]) },
		       });
}

void session_note_worker(struct session *s, const char *step)
{
	static const char *const names[] = { "none", "task", "kthread" };
	struct worker_info info = { 0 };
	int r = s->seam->facts->ops->workers(s->seam->facts, getpid(), &info);

	if (r < 0) {
		session_fact(s, step, "worker", "unknown: %s", strerrorname_np(-r));
		return;
	}
	record_emit(s,
		    &(struct ev){
			    .kind = EV_WORKER,
			    .step = step,
			    .worker = { .type = names[info.type], .count = info.count },
		    });
}
