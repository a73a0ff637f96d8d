/* SPDX-License-Identifier: MIT */
/*
 * vhost-scsi between the rings and a target.
 *
 * Source: virtio-1.2 5.6.6; vhost-abi 2.3, 2.4, 8; vhost_scsi_handle_vq(),
 * vhost_scsi_ctl_handle_vq(), vhost_scsi_do_evt_work(), vhost_scsi_set_endpoint(),
 * vhost_scsi_clear_endpoint() in drivers/vhost/scsi.c; vhost_worker_ioctl() in
 * drivers/vhost/vhost.c
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_scsi.h>

#include "model/memory.h"
#include "model/model_private.h"
#include "seam/uapi.h"

/** enum scsi_ring - indices */
enum scsi_ring {
	RING_CTL,
	RING_EVT,
	RING_IO
};

#define DATA_MAX 16384u
#define CDB_VARIABLE 0x7f
#define AT_CDB_MORE 7u /* additional length of a CDB of variable length */
#define CDB_FIXED 8u

#define REQUEST sizeof(struct virtio_scsi_cmd_req)
#define RESPONSE sizeof(struct virtio_scsi_cmd_resp)

/* ----------------------------------------------------------------- requests */

/** struct job - a request as it was found */
struct job {
	struct chain chain;
	struct virtio_scsi_cmd_req request;
	struct virtio_scsi_cmd_resp response;
	struct task task;
	unsigned char out[DATA_MAX], in[DATA_MAX];
};

static size_t first_bytes(const struct chain *c, bool writable)
{
	unsigned int i = writable ? c->out : 0;

	return (writable ? c->in : c->out) ? c->iov[i].iov_len : 0;
}

/* A refusal, by a device that does not look how its room is laid out. */
static int write_whole(const struct chain *c, const struct virtio_scsi_cmd_resp *refusal)
{
	return memory_write((uint64_t)(uintptr_t)c->iov[c->out].iov_base, refusal,
			    sizeof(*refusal));
}

static bool is_whole(const struct vq *vq, uint8_t response)
{
	return response == VIRTIO_SCSI_S_BAD_TARGET &&
	       device_breaks(vq->dev, RULE_REFUSAL_WHOLE);
}

static int respond(struct vq *vq, struct job *j)
{
	const struct chain *c = &j->chain;
	const struct used used = { .head = c->head };
	size_t len = RESPONSE;
	int r = 0;

	if (device_breaks(vq->dev, RULE_RESPONSE_WHOLE) && len > first_bytes(c, true))
		return 0;
	if (device_breaks(vq->dev, RULE_ROOM_IGNORED) && len > chain_bytes(c, true))
		len = chain_bytes(c, true);
	r = is_whole(vq, j->response.response) ? write_whole(c, &j->response)
					       : chain_write(c, 0, &j->response, len);
	if (r < 0)
		return r;
	log_chain(vq, c, chain_bytes(c, true));
	r = vring_used(vq, &used, 1);
	if (r == 0)
		vring_signal(vq);
	return r;
}

static int bad_target(struct vq *vq, struct job *j)
{
	j->response =
		(struct virtio_scsi_cmd_resp){ .response = VIRTIO_SCSI_S_BAD_TARGET };
	return respond(vq, j);
}

static bool addressed(const struct model_dev *d, const uint8_t lun[8])
{
	struct peer_target t;

	if (lun[0] != 1 && !device_breaks(d, RULE_LUN_BYTE))
		return false;
	if (target_describe(&d->m->peer.peer, &t) < 0)
		return false;
	return lun[1] == t.tpgt || device_breaks(d, RULE_TARGET_ANY);
}

static unsigned int number_of(const uint8_t lun[8])
{
	return ((unsigned int)lun[2] << 8 | lun[3]) & 0x3fff;
}

static bool too_long(const struct vq *vq, const uint8_t *cdb)
{
	return cdb[0] == CDB_VARIABLE &&
	       cdb[AT_CDB_MORE] + CDB_FIXED > VIRTIO_SCSI_CDB_DEFAULT_SIZE &&
	       !device_breaks(vq->dev, RULE_CDB_LONG);
}

/* The data behind the headers. 0 or -EFAULT */
static int find_data(struct vq *vq, struct job *j)
{
	const struct chain *c = &j->chain;
	size_t got = chain_bytes(c, false);
	size_t out = got > REQUEST ? got - REQUEST : 0;
	size_t in = chain_bytes(c, true) - RESPONSE;
	struct task *t = &j->task;

	if (device_breaks(vq->dev, RULE_DATA_APART)) {
		out = first_bytes(c, false) > REQUEST ? 0 : out;
		in = first_bytes(c, true) > RESPONSE ? 0 : in;
	}
	t->out = j->out;
	t->in = j->in;
	if (out > DATA_MAX || in > DATA_MAX)
		return -EFAULT;
	t->out_len = (uint32_t)out;
	t->in_len = out ? 0 : (uint32_t)in; /* one direction only */
	return out ? chain_read(c, REQUEST, j->out, out) : 0;
}

static int deliver(struct vq *vq, struct job *j)
{
	const struct task *t = &j->task;
	bool tail = device_breaks(vq->dev, RULE_READ_TAIL);
	struct virtio_scsi_cmd_resp *resp = &j->response;

	*resp = (struct virtio_scsi_cmd_resp){
		.status = t->status,
		.resid = htole32(
			device_breaks(vq->dev, RULE_RESIDUAL_LOST) ? 0 : t->residual),
	};
	if (!device_breaks(vq->dev, RULE_SENSE_LOST)) {
		resp->sense_len = htole32(t->sense_len);
		memcpy(resp->sense, t->sense, t->sense_len);
	}
	if (chain_write(&j->chain, RESPONSE, j->in, tail ? t->in_len : t->in_used) < 0)
		return -EFAULT;
	return respond(vq, j);
}

static int serve(struct vq *vq, struct job *j)
{
	const struct chain *c = &j->chain;
	bool room = chain_bytes(c, true) >= RESPONSE;
	size_t got = chain_bytes(c, false);

	memset(&j->request, 0, sizeof(j->request));
	memset(&j->task, 0, sizeof(j->task));
	if (!room && !device_breaks(vq->dev, RULE_ROOM_IGNORED)) {
		vring_refuse(vq);
		return 0;
	}
	if (got < REQUEST && !device_breaks(vq->dev, RULE_REQUEST_SHORT)) {
		vring_error(vq);
		return bad_target(vq, j);
	}
	got = got < REQUEST ? got : REQUEST;
	if (device_breaks(vq->dev, RULE_REQUEST_WHOLE) && got > first_bytes(c, false))
		got = first_bytes(c, false);
	if (chain_read(c, 0, &j->request, got) < 0)
		return -EFAULT;
	if (!addressed(vq->dev, j->request.lun) || too_long(vq, j->request.cdb))
		return bad_target(vq, j);
	if (!room)
		return respond(vq, j);
	j->task.lun = number_of(j->request.lun);
	memcpy(j->task.cdb, j->request.cdb, sizeof(j->task.cdb));
	if (find_data(vq, j) < 0)
		return bad_target(vq, j);
	target_execute(vq->dev, &j->task);
	return deliver(vq, j);
}

/* Two that are out at once: what the one is answered lands in the other's buffers. */
static int serve_swapped(struct vq *vq, struct job *one, struct job *two)
{
	struct chain *a = &one->chain;
	struct chain *b = &two->chain;
	int r = 0;

	for (unsigned int i = 0; i < a->in && i < b->in; i++) {
		struct iovec iov = a->iov[a->out + i];

		a->iov[a->out + i] = b->iov[b->out + i];
		b->iov[b->out + i] = iov;
	}
	r = serve(vq, one);
	return r < 0 ? r : serve(vq, two);
}

static void handle_io(struct vq *vq)
{
	bool swapped = device_breaks(vq->dev, RULE_ANSWERS_SWAPPED);
	struct job *j = calloc(swapped ? 2 : 1, sizeof(*j));
	int r = j ? 0 : -ENOMEM;

	vring_quiet(vq);
	while (r == 0) {
		r = vring_next(vq, &j[0].chain);
		if (r == -ENOENT && vring_listen(vq)) {
			vring_quiet(vq);
			r = 0;
			continue;
		}
		if (r < 0)
			break;
		if (swapped && vring_next(vq, &j[1].chain) == 0)
			r = serve_swapped(vq, &j[0], &j[1]);
		else
			r = serve(vq, &j[0]);
	}
	free(j);
}

/* ------------------------------------------------------------------ control */

/** struct control - a request on the control ring */
struct control {
	struct chain chain;
	union {
		uint32_t type;
		struct virtio_scsi_ctrl_tmf_req tmf;
		struct virtio_scsi_ctrl_an_req an;
	} request;
};

static uint8_t manage(const struct model_dev *d,
		      const struct virtio_scsi_ctrl_tmf_req *req)
{
	bool reset = le32toh(req->subtype) == VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET &&
		     target_has(&d->m->peer.target, number_of(req->lun)) &&
		     !device_breaks(d, RULE_RESET_REJECTED);

	if (!addressed(d, req->lun))
		return VIRTIO_SCSI_S_BAD_TARGET;
	return reset || device_breaks(d, RULE_TMF_ANY) ? VIRTIO_SCSI_S_FUNCTION_SUCCEEDED
						       : VIRTIO_SCSI_S_FUNCTION_REJECTED;
}

static int answer_control(struct vq *vq, const struct control *c)
{
	const struct used used = { .head = c->chain.head };
	const struct virtio_scsi_cmd_resp refusal = { .response =
							      VIRTIO_SCSI_S_BAD_TARGET };
	struct virtio_scsi_ctrl_an_resp an = { .response = VIRTIO_SCSI_S_OK };
	uint8_t tmf = 0;
	int r = -EINVAL;

	switch (le32toh(c->request.type)) {
	case VIRTIO_SCSI_T_TMF:
		tmf = manage(vq->dev, &c->request.tmf);
		r = is_whole(vq, tmf) ? write_whole(&c->chain, &refusal)
				      : chain_write(&c->chain, 0, &tmf, sizeof(tmf));
		break;
	case VIRTIO_SCSI_T_AN_QUERY:
	case VIRTIO_SCSI_T_AN_SUBSCRIBE:
		if (device_breaks(vq->dev, RULE_ASYNC_REFUSED))
			an.response = VIRTIO_SCSI_S_FAILURE;
		r = chain_write(&c->chain, 0, &an, sizeof(an));
		break;
	default:
		break;
	}
	if (r < 0) {
		vring_refuse(vq);
		return 0;
	}
	r = vring_used(vq, &used, 1);
	if (r == 0)
		vring_signal(vq);
	return r;
}

static void handle_ctl(struct vq *vq)
{
	struct control c;
	int r = 0;

	vring_quiet(vq);
	while (r == 0) {
		size_t n = 0;

		r = vring_next(vq, &c.chain);
		if (r == -ENOENT && vring_listen(vq)) {
			vring_quiet(vq);
			r = 0;
			continue;
		}
		if (r < 0)
			return;
		memset(&c.request, 0, sizeof(c.request));
		n = chain_bytes(&c.chain, false);
		n = n < sizeof(c.request) ? n : sizeof(c.request);
		r = chain_read(&c.chain, 0, &c.request, n);
		if (r == 0)
			r = answer_control(vq, &c);
	}
}

/* ------------------------------------------------------------------- events */

static void send_event(struct model_dev *d, struct virtio_scsi_event event)
{
	struct vq *vq = &d->vq[RING_EVT];
	struct chain c;
	struct used used = { 0 };
	int r = vring_next(vq, &c);

	if (r < 0 || first_bytes(&c, true) != sizeof(event)) {
		if (r == 0)
			vring_refuse(vq);
		d->events_missed = !device_breaks(d, RULE_MISSED_LOST);
		return;
	}
	if (d->events_missed)
		event.event |= htole32(VIRTIO_SCSI_T_EVENTS_MISSED);
	d->events_missed = false;
	used.head = c.head;
	if (chain_write(&c, 0, &event, sizeof(event)) < 0)
		return;
	log_chain(vq, &c, sizeof(event));
	if (vring_used(vq, &used, 1) == 0)
		vring_signal(vq);
}

void scsi_plugged(struct model_dev *d, unsigned int lun, bool there)
{
	bool came = there || device_breaks(d, RULE_PLUG_REASON);
	struct peer_target t;

	if (!d->vq[RING_EVT].running || device_breaks(d, RULE_PLUG_SILENT) ||
	    target_describe(&d->m->peer.peer, &t) < 0)
		return;
	if (!device_has(d, VIRTIO_SCSI_F_HOTPLUG) && !device_breaks(d, RULE_PLUG_UNASKED))
		return;
	send_event(d, (struct virtio_scsi_event){
			      .event = htole32(VIRTIO_SCSI_T_TRANSPORT_RESET),
			      .lun = { 1, (uint8_t)t.tpgt,
				       (uint8_t)(lun < 256 ? 0 : 0x40 | lun >> 8),
				       (uint8_t)lun },
			      .reason = htole32(came ? VIRTIO_SCSI_EVT_RESET_RESCAN
						     : VIRTIO_SCSI_EVT_RESET_REMOVED),
		      });
}

static void scsi_handle(struct vq *vq)
{
	if (vq->index == RING_CTL)
		handle_ctl(vq);
	else if (vq->index != RING_EVT)
		handle_io(vq);
	else if (vq->dev->events_missed)
		send_event(vq->dev, (struct virtio_scsi_event){ 0 });
}

/* ----------------------------------------------------------------- endpoint */

static void stop_rings(struct model_dev *d)
{
	for (unsigned int q = 0; q < d->family->queues; q++)
		d->vq[q].running = false;
}

static int access_ok(const struct model_dev *d)
{
	for (unsigned int q = 0; q < d->family->queues; q++)
		if (setup_access_ok(&d->vq[q]) < 0)
			return -EFAULT;
	return 0;
}

static bool named(const struct model_dev *d, const struct vhost_scsi_target *name)
{
	struct peer_target t;

	return target_describe(&d->m->peer.peer, &t) == 0 &&
	       strncmp(t.wwpn, name->vhost_wwpn, sizeof(t.wwpn)) == 0;
}

static int set_endpoint(struct model_dev *d, const struct vhost_scsi_target *name)
{
	struct target *t = &d->m->peer.target;
	int r = access_ok(d);

	if (r < 0)
		return r;
	if (d->endpoint)
		return device_breaks(d, RULE_ENDPOINT_TWICE) ? 0 : -EEXIST;
	if (!named(d, name) && !device_breaks(d, RULE_ENDPOINT_ANY))
		return -ENODEV;
	if (t->held ||
	    (t->user && t->user != d && !device_breaks(d, RULE_ENDPOINT_SHARED)))
		return -ENODEV;
	if (d->left_running && device_breaks(d, RULE_REOPEN_BUSY))
		return -EBUSY;
	for (unsigned int q = 0; q < d->family->queues; q++) {
		/* what becomes of the used ring is not looked at */
		(void)vring_start(&d->vq[q]);
		d->vq[q].running = true;
	}
	d->endpoint = true;
	t->user = d;
	return 0;
}

static void let_go(struct model_dev *d)
{
	struct target *t = &d->m->peer.target;

	stop_rings(d);
	d->endpoint = false;
	if (t->user == d)
		t->user = NULL;
}

static int clear_endpoint(struct model_dev *d, const struct vhost_scsi_target *name)
{
	int r = access_ok(d);

	if (r < 0)
		return r;
	if (!d->endpoint)
		return 0;
	if (!named(d, name) && !device_breaks(d, RULE_ENDPOINT_CLEARED))
		return -EINVAL;
	let_go(d);
	device_stopped(d);
	return 0;
}

static int endpoint(struct model_dev *d, unsigned long request, const void *arg)
{
	struct vhost_scsi_target name;

	if (memory_read(&name, (uint64_t)(uintptr_t)arg, sizeof(name)) < 0)
		return -EFAULT;
	if (name.reserved && !device_breaks(d, RULE_ENDPOINT_RESERVED))
		return -EOPNOTSUPP;
	return request == VHOST_SCSI_SET_ENDPOINT ? set_endpoint(d, &name)
						  : clear_endpoint(d, &name);
}

/* ------------------------------------------------------------------ workers */

static int new_worker(struct model_dev *d, void *arg)
{
	struct vhost_worker_state state = { 0 };

	if (!d->fork_owner)
		return -EFAULT;
	while (state.worker_id < WORKERS_MAX && d->workers[state.worker_id])
		state.worker_id++;
	if (state.worker_id == WORKERS_MAX || device_at_limit(d))
		return -ENOMEM;
	d->workers[state.worker_id] = true;
	return memory_write((uint64_t)(uintptr_t)arg, &state, sizeof(state));
}

static int free_worker(struct model_dev *d, const void *arg)
{
	struct vhost_worker_state state;

	if (memory_read(&state, (uint64_t)(uintptr_t)arg, sizeof(state)) < 0)
		return -EFAULT;
	if (state.worker_id >= WORKERS_MAX || !d->workers[state.worker_id])
		return -ENODEV;
	for (unsigned int q = 0; q < d->family->queues; q++)
		if (d->vq[q].worker == state.worker_id &&
		    !device_breaks(d, RULE_WORKER_FREED))
			return -EBUSY;
	d->workers[state.worker_id] = false;
	return 0;
}

static int ring_worker(struct model_dev *d, unsigned long request, void *arg)
{
	uint64_t at = (uint64_t)(uintptr_t)arg;
	struct vhost_vring_worker w;

	if (memory_read(&w, at, sizeof(w)) < 0)
		return -EFAULT;
	if (w.index >= d->family->queues)
		return -ENOBUFS;
	if (request == VHOST_GET_VRING_WORKER) {
		w.worker_id =
			device_breaks(d, RULE_WORKER_FIRST) ? 0 : d->vq[w.index].worker;
		return memory_write(at, &w, sizeof(w));
	}
	if (w.worker_id >= WORKERS_MAX || !d->workers[w.worker_id])
		return device_breaks(d, RULE_WORKER_ANY) ? 0 : -ENODEV;
	d->vq[w.index].worker = w.worker_id;
	return 0;
}

static int worker_ioctl(struct model_dev *d, unsigned long request, void *arg)
{
	int r = device_owned(d);

	if (!d->owner && !device_breaks(d, RULE_WORKER_UNOWNED))
		return -EINVAL;
	if (r < 0 && d->owner)
		return r;
	if (request == VHOST_NEW_WORKER)
		return new_worker(d, arg);
	return request == VHOST_FREE_WORKER ? free_worker(d, arg)
					    : ring_worker(d, request, arg);
}

/* -------------------------------------------------------------------- calls */

static int events_missed(struct model_dev *d, unsigned long request, void *arg)
{
	uint64_t at = (uint64_t)(uintptr_t)arg;
	uint32_t missed = d->events_missed;

	if (request == VHOST_SCSI_GET_EVENTS_MISSED)
		return memory_write(at, &missed, sizeof(missed));
	if (memory_read(&missed, at, sizeof(missed)) < 0)
		return -EFAULT;
	if (!device_breaks(d, RULE_EVENTS_KEPT))
		d->events_missed = missed;
	return 0;
}

static int scsi_ioctl(struct model_dev *d, unsigned long request, void *arg)
{
	const int version = VHOST_SCSI_ABI_VERSION;

	switch (request) {
	case VHOST_SCSI_SET_ENDPOINT:
	case VHOST_SCSI_CLEAR_ENDPOINT:
		return endpoint(d, request, arg);
	case VHOST_SCSI_GET_ABI_VERSION:
		return memory_write((uint64_t)(uintptr_t)arg, &version, sizeof(version));
	case VHOST_SCSI_SET_EVENTS_MISSED:
	case VHOST_SCSI_GET_EVENTS_MISSED:
		return events_missed(d, request, arg);
	case VHOST_RESET_OWNER:
		if (!device_breaks(d, RULE_VSOCK_RESET))
			return -ENOTTY;
		device_wipe(d);
		return 0;
	case VHOST_NEW_WORKER:
	case VHOST_FREE_WORKER:
	case VHOST_ATTACH_VRING_WORKER:
	case VHOST_GET_VRING_WORKER:
		return worker_ioctl(d, request, arg);
	default:
		return -ENOTTY;
	}
}

static void scsi_stop(struct model_dev *d)
{
	if (d->endpoint && device_breaks(d, RULE_ENDPOINT_KEPT))
		d->m->peer.target.held = true;
	let_go(d);
}

const struct family_ops family_scsi = {
	.queues = MODEL_QUEUES_MAX,
	.frozen = true,
	.features = { { BIT64(VIRTIO_F_NOTIFY_ON_EMPTY) | BIT64(VHOST_F_LOG_ALL) |
			BIT64(VIRTIO_F_ANY_LAYOUT) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) |
			BIT64(VIRTIO_RING_F_EVENT_IDX) | BIT64(VIRTIO_F_VERSION_1) |
			BIT64(VIRTIO_SCSI_F_HOTPLUG) | BIT64(VIRTIO_SCSI_F_T10_PI) } },
	.ioctl = scsi_ioctl,
	.handle = scsi_handle,
	.stop = scsi_stop,
};
