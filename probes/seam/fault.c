/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/eventfd.h>

#include <linux/vhost.h>

#include "seam/fault.h"

/* struct vhost_msg: type of the message proper, the same place in version 2 */
#define AT_TYPE 33u

struct fault_seam;

/** struct fault_dev - a device with the fault in front */
struct fault_dev {
	struct dev dev;
	struct fault_seam *f;
	struct dev *inner;
};

/** struct fault_peer - a peer with the fault in front */
struct fault_peer {
	struct peer peer;
	struct fault_seam *f;
};

/** struct fault_facts - facts with the fault in front */
struct fault_facts {
	struct facts facts;
	struct fault_seam *f;
};

struct fault_seam {
	const struct fault *fault;
	unsigned int hits; /* selected calls so far */
	unsigned int nth;  /* which of them are hit, as struct fault has it */
	uint32_t random;   /* state of some_errno() */
	int lost;          /* eventfd for FAULT_IOCTL_FD, -1 before */
	struct fault_dev dev, twin;
	struct fault_peer peer;
	struct fault_facts facts;
	struct seam inner;
};

static struct fault_dev *fault_dev(struct dev *dev)
{
	return (struct fault_dev *)dev;
}

static struct fault_seam *of_peer(struct peer *peer)
{
	return ((struct fault_peer *)peer)->f;
}

static struct fault_seam *of_facts(struct facts *facts)
{
	return ((struct fault_facts *)facts)->f;
}

/* Counts a selected call; whether it is one that the fault hits. */
static bool hit(struct fault_seam *f, enum fault_act act)
{
	if (f->fault->act != act)
		return false;
	f->hits++;
	return !f->nth || f->nth == f->hits;
}

/* ---------------------------------------------------------------- dev */

static int faulty_open(struct dev *dev, const char *path)
{
	struct fault_dev *d = fault_dev(dev);

	if (d->f->fault->act == FAULT_DEAD)
		return -EIO;
	if (hit(d->f, FAULT_OPEN_ERRNO))
		return -d->f->fault->err;
	return d->inner->ops->open(d->inner, path);
}

/* Reproducible, and each as likely: those that a VMM knows (Numerical Recipes, ranqd1).
 */
static int some_errno(struct fault_seam *f)
{
	static const int known[] = { EPERM, EINVAL, EFAULT, EBUSY,  EOPNOTSUPP, ENOBUFS,
				     E2BIG, ENOTTY, EAGAIN, ENOMEM, EADDRINUSE, EBADF };

	f->random = f->random * 1664525u + 1013904223u;
	return -known[(f->random >> 16) % ARRAY_SIZE(known)];
}

static int pass(struct fault_dev *d, unsigned long request, void *arg)
{
	return d->inner->ops->ioctl(d->inner, request, arg);
}

/* The 64 bits of an argument that the fault is about. */
static uint64_t *at_fault(struct fault_dev *d, uint64_t *arg)
{
	return arg + d->f->fault->at / sizeof(*arg);
}

static int pass_flipped(struct fault_dev *d, unsigned long request, uint64_t *arg)
{
	int r = 0;

	*at_fault(d, arg) ^= d->f->fault->bits;
	r = pass(d, request, arg);
	*at_fault(d, arg) ^= d->f->fault->bits;
	return r;
}

static int pass_result(struct fault_dev *d, unsigned long request, uint64_t *arg)
{
	int r = pass(d, request, arg);

	if (r >= 0)
		*at_fault(d, arg) ^= d->f->fault->bits;
	return r;
}

static int pass_lost_fd(struct fault_dev *d, unsigned long request, void *arg)
{
	struct vhost_vring_file file = *(const struct vhost_vring_file *)arg;

	if (d->f->lost < 0)
		d->f->lost = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->f->lost < 0)
		return -errno;
	file.fd = d->f->lost;
	return pass(d, request, &file);
}

static int altered(struct fault_dev *d, unsigned long request, void *arg)
{
	int r = 0;

	switch ((int)d->f->fault->act) {
	case FAULT_IOCTL_ERRNO:
		return -d->f->fault->err;
	case FAULT_IOCTL_SWALLOW:
		return 0;
	case FAULT_IOCTL_FORGIVE:
		r = pass(d, request, arg);
		return r < 0 ? 0 : r;
	case FAULT_IOCTL_OTHER:
		r = pass(d, request, arg);
		return r < 0 ? -d->f->fault->err : r;
	case FAULT_IOCTL_RESULT:
		return arg ? pass_result(d, request, arg) : pass(d, request, arg);
	case FAULT_IOCTL_INPUT:
		return arg ? pass_flipped(d, request, arg) : pass(d, request, arg);
	case FAULT_IOCTL_FD:
		return arg ? pass_lost_fd(d, request, arg) : pass(d, request, arg);
	default:
		return pass(d, request, arg);
	}
}

static int faulty_ioctl(struct dev *dev, unsigned long request, void *arg)
{
	struct fault_dev *d = fault_dev(dev);
	const struct fault *fault = d->f->fault;
	int r = 0;
	bool named = fault->request == request ||
		     (fault->net_request && fault->net_request == request) ||
		     (fault->scsi_request && fault->scsi_request == request);

	if (fault->act == FAULT_DEAD)
		return -EIO;
	if (fault->act == FAULT_MUTE)
		return 0;
	if (fault->act == FAULT_RANDOM)
		return some_errno(d->f);
	if (fault->act == FAULT_LIAR) {
		r = pass(d, request, arg);
		return r < 0 ? 0 : -EIO;
	}
	if (named && request == fault->net_request)
		d->f->nth = fault->net_nth;
	if (named && fault->act <= FAULT_IOCTL_FD && hit(d->f, fault->act))
		return altered(d, request, arg);
	return pass(d, request, arg);
}

static void flip(unsigned char *buf, size_t len, const struct fault *fault)
{
	uint64_t word = 0;

	if (fault->at + sizeof(word) > len)
		return;
	memcpy(&word, buf + fault->at, sizeof(word));
	word ^= fault->bits;
	memcpy(buf + fault->at, &word, sizeof(word));
}

static ssize_t faulty_read(struct dev *dev, void *buf, size_t len)
{
	struct fault_dev *d = fault_dev(dev);
	ssize_t n = 0;

	if (d->f->fault->act == FAULT_DEAD)
		return -EIO;
	if (d->f->fault->act == FAULT_MUTE)
		return 0;
	if (d->f->fault->act == FAULT_RANDOM)
		return some_errno(d->f);
	n = d->inner->ops->read(d->inner, buf, len);
	if (d->f->fault->act == FAULT_LIAR)
		return n < 0 ? (ssize_t)len : -EAGAIN;
	if (n == -EAGAIN && hit(d->f, FAULT_READ_ZERO))
		return 0;
	if (n <= 0)
		return n;
	if (hit(d->f, FAULT_READ_DROP)) {
		memset(buf, 0, len);
		return -EAGAIN;
	}
	if (hit(d->f, FAULT_READ_FLIP))
		flip(buf, (size_t)n, d->f->fault);
	return n;
}

static bool selected(const struct fault *fault, const unsigned char *buf, size_t len)
{
	return !fault->message || (len > AT_TYPE && buf[AT_TYPE] == fault->message);
}

static ssize_t faulty_write(struct dev *dev, const void *buf, size_t len)
{
	struct fault_dev *d = fault_dev(dev);
	const struct fault *fault = d->f->fault;
	unsigned char copy[128];
	ssize_t n = 0;

	if (fault->act == FAULT_DEAD)
		return -EIO;
	if (fault->act == FAULT_MUTE)
		return (ssize_t)len;
	if (fault->act == FAULT_RANDOM)
		return some_errno(d->f);
	if (fault->act == FAULT_LIAR) {
		n = d->inner->ops->write(d->inner, buf, len);
		return n < 0 ? (ssize_t)len : -EIO;
	}
	if (len > sizeof(copy) || !selected(fault, buf, len))
		return d->inner->ops->write(d->inner, buf, len);
	if (hit(d->f, FAULT_WRITE_ERRNO))
		return -fault->err;
	if (hit(d->f, FAULT_WRITE_DROP))
		return (ssize_t)len;
	memcpy(copy, buf, len);
	if (hit(d->f, FAULT_WRITE_FLIP))
		flip(copy, len, fault);
	n = d->inner->ops->write(d->inner, copy, len);
	return n < 0 && hit(d->f, FAULT_WRITE_FORGIVE) ? (ssize_t)len : n;
}

static int faulty_poll(struct dev *dev, struct pollfd *fds, size_t n,
		       struct deadline until)
{
	struct fault_dev *d = fault_dev(dev);

	if (d->f->fault->act == FAULT_DEAD)
		return -EIO;
	if (d->f->fault->act == FAULT_MUTE || hit(d->f, FAULT_POLL_LATE))
		return 0;
	return d->inner->ops->poll(d->inner, fds, n, until);
}

static void faulty_close(struct dev *dev)
{
	struct fault_dev *d = fault_dev(dev);

	d->inner->ops->close(d->inner);
}

static const struct dev_ops dev_ops = {
	.open = faulty_open,
	.ioctl = faulty_ioctl,
	.read = faulty_read,
	.write = faulty_write,
	.poll = faulty_poll,
	.close = faulty_close,
};

/* --------------------------------------------------------------- peer */

static int faulty_start(struct peer *peer, enum peer_backend backend)
{
	struct peer *inner = of_peer(peer)->inner.peer;
	int r = inner->ops->start(inner, backend);

	peer->lacks = inner->lacks;
	return r;
}

static int faulty_request(struct peer *peer, const struct peer_request *request)
{
	struct peer *inner = of_peer(peer)->inner.peer;

	return inner->ops->request(inner, request);
}

static int faulty_reply(struct peer *peer, struct peer_reply *ret_reply)
{
	struct fault_seam *f = of_peer(peer);
	int r = f->inner.peer->ops->reply(f->inner.peer, ret_reply);

	if (r < 0)
		return r;
	if (hit(f, FAULT_PEER_ERRNO))
		ret_reply->err = f->fault->err;
	if (ret_reply->bytes && hit(f, FAULT_PEER_FLIP))
		ret_reply->digest ^= f->fault->bits;
	if (ret_reply->bytes && hit(f, FAULT_PEER_SHORT))
		ret_reply->bytes--;
	return r;
}

static int faulty_fd(struct peer *peer)
{
	struct peer *inner = of_peer(peer)->inner.peer;

	return inner->ops->fd(inner);
}

static void faulty_stop(struct peer *peer)
{
	struct peer *inner = of_peer(peer)->inner.peer;

	inner->ops->stop(inner);
}

static int faulty_backend(struct peer *peer, unsigned int header)
{
	struct peer *inner = of_peer(peer)->inner.peer;

	return inner->ops->backend(inner, header);
}

static int faulty_target(struct peer *peer, struct peer_target *ret_target)
{
	struct peer *inner = of_peer(peer)->inner.peer;

	return inner->ops->target(inner, ret_target);
}

static const struct peer_ops peer_ops = {
	.start = faulty_start,
	.request = faulty_request,
	.reply = faulty_reply,
	.fd = faulty_fd,
	.stop = faulty_stop,
	.backend = faulty_backend,
	.target = faulty_target,
};

/* -------------------------------------------------------------- facts */

static int faulty_node(struct facts *facts, enum family family, struct node_info *ret)
{
	struct fault_seam *f = of_facts(facts);
	int r = f->inner.facts->ops->node(f->inner.facts, family, ret);

	if (r == 0 && hit(f, FAULT_NODE_GONE))
		ret->exists = ret->is_device = false;
	if (r == 0 && hit(f, FAULT_NODE_OTHER))
		ret->minor++;
	return r;
}

static int faulty_module(struct facts *facts, const char *name, struct module_info *ret)
{
	struct fault_seam *f = of_facts(facts);
	int r = f->inner.facts->ops->module(f->inner.facts, name, ret);

	if (r == 0 && hit(f, FAULT_MODULE_GONE))
		ret->status = FACT_MODULE_ABSENT;
	if (r == 0 && hit(f, FAULT_MODULE_OTHER)) {
		ret->build_id_loaded[0] = ret->build_id_loaded[0] == 'f' ? '0' : 'f';
		ret->srcversion_loaded[0] = ret->srcversion_loaded[0] == 'F' ? '0' : 'F';
	}
	return r;
}

static int faulty_workers(struct facts *facts, pid_t pid, struct worker_info *ret)
{
	struct fault_seam *f = of_facts(facts);

	if (!hit(f, FAULT_WORKER_GONE))
		return f->inner.facts->ops->workers(f->inner.facts, pid, ret);
	*ret = (struct worker_info){ .type = WORKER_NONE };
	return 0;
}

static int faulty_guest_to_host(struct facts *facts, char *ret)
{
	struct facts *inner = of_facts(facts)->inner.facts;

	return inner->ops->guest_to_host(inner, ret);
}

static int faulty_release(struct facts *facts, char *ret)
{
	struct facts *inner = of_facts(facts)->inner.facts;

	return inner->ops->release(inner, ret);
}

static int faulty_parameter(struct facts *facts, const char *module, const char *name,
			    char *ret)
{
	struct facts *inner = of_facts(facts)->inner.facts;

	return inner->ops->parameter(inner, module, name, ret);
}

static const struct facts_ops facts_ops = {
	.node = faulty_node,
	.module = faulty_module,
	.workers = faulty_workers,
	.guest_to_host = faulty_guest_to_host,
	.release = faulty_release,
	.parameter = faulty_parameter,
};

struct fault_seam *fault_seam_new(const struct fault *fault, const struct seam *inner)
{
	struct fault_seam *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->fault = fault;
	f->nth = fault->nth;
	f->lost = -1;
	f->inner = *inner;
	f->dev = (struct fault_dev){ { &dev_ops }, f, inner->dev };
	f->twin = (struct fault_dev){ { &dev_ops }, f, inner->twin };
	f->peer = (struct fault_peer){ { .ops = &peer_ops }, f };
	f->facts = (struct fault_facts){ { &facts_ops }, f };
	return f;
}

struct seam fault_seam_tables(struct fault_seam *f)
{
	return (struct seam){
		.dev = &f->dev.dev,
		.twin = &f->twin.dev,
		.peer = &f->peer.peer,
		.facts = &f->facts.facts,
		.clock = f->inner.clock,
	};
}

void fault_seam_free(struct fault_seam *f)
{
	if (!f)
		return;
	fd_close(&f->lost);
	free(f);
}
