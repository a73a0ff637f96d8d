/* SPDX-License-Identifier: MIT */
/* The host's end, obeying as the peer process does: one order at a time. */
#include <string.h>
#include <sys/eventfd.h>

#include "base/payload.h"
#include "model/model_private.h"

static struct model_peer *self(struct peer *peer)
{
	return (struct model_peer *)peer;
}

static int model_start(struct peer *peer, enum peer_backend backend)
{
	struct model_peer *p = self(peer);

	if (p->started)
		return -EBUSY;
	p->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->event < 0)
		return -errno;
	if (p->m->family == FAMILY_SCSI)
		target_make(p);
	if (p->m->family == FAMILY_NET) {
		/* any descriptor of its own stands for the tap or the socket */
		p->tap.headless = backend == BACKEND_PACKET;
		p->tap.header = 0;
		p->tap.fd = eventfd(0, EFD_CLOEXEC);
		if (p->tap.fd < 0) {
			int r = -errno;

			fd_close(&p->event);
			return r;
		}
	}
	if (p->m->family == FAMILY_VDPA && disk_start(p) < 0) {
		fd_close(&p->event);
		return -ENOMEM;
	}
	p->started = true;
	return 0;
}

static void model_stop(struct peer *peer)
{
	struct model_peer *p = self(peer);

	if (!p->started)
		return;
	host_close(p);
	tap_done(&p->tap);
	target_done(&p->target);
	disk_done(p);
	fd_close(&p->event);
	p->started = p->busy = p->answered = false;
}

void peer_answer(struct model_peer *p, int err)
{
	p->reply.err = err;
	p->busy = false;
	p->answered = true;
	(void)eventfd_write(p->event, 1);
}

bool peer_work(struct model_peer *p)
{
	if (!p->busy)
		return false;
	if (p->m->family == FAMILY_SCSI)
		return target_work(p);
	return p->m->family == FAMILY_NET ? tap_work(p) : host_work(p);
}

static int model_request(struct peer *peer, const struct peer_request *request)
{
	struct model_peer *p = self(peer);

	if (!p->started)
		return -EPIPE;
	if (p->busy || p->answered)
		return -EBUSY;
	p->request = *request;
	p->reply = (struct peer_reply){ .op = request->op, .digest = DIGEST_START };
	p->busy = true;
	if (p->m->family == FAMILY_NET)
		tap_begin(p);
	else if (p->m->family == FAMILY_VDPA)
		disk_order(p);
	else if (p->m->family == FAMILY_VSOCK)
		host_begin(p);
	model_run(p->m);
	return 0;
}

static int model_reply(struct peer *peer, struct peer_reply *ret_reply)
{
	struct model_peer *p = self(peer);
	eventfd_t count = 0;

	if (!p->started)
		return -EPIPE;
	model_run(p->m);
	if (!p->answered)
		return -EAGAIN;
	(void)eventfd_read(p->event, &count);
	p->answered = false;
	*ret_reply = p->reply;
	return 0;
}

static int model_fd(struct peer *peer)
{
	return self(peer)->event;
}

static int model_target(struct peer *peer, struct peer_target *ret_target)
{
	struct model_peer *p = self(peer);

	return p->m->family == FAMILY_VDPA ? disk_target(p, ret_target)
					   : target_describe(peer, ret_target);
}

static const struct peer_ops peer_ops = {
	.start = model_start,
	.request = model_request,
	.reply = model_reply,
	.fd = model_fd,
	.stop = model_stop,
	.backend = tap_backend,
	.target = model_target,
};

void peer_init(struct model_peer *p, struct seam_model *m)
{
	*p = (struct model_peer){
		.peer = { .ops = &peer_ops },
		.m = m,
		.event = -1,
		.tap = { .fd = -1 },
		.vsock = { .next_port = 1025 },
	};
}
