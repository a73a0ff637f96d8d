/* SPDX-License-Identifier: MIT */
/*
 * A seam in which every answer is a member that a test sets, and every call is counted.
 * It keeps what a session records. Included by one test program each.
 */
#ifndef TESTS_FAKE_SEAM_H
#define TESTS_FAKE_SEAM_H

#include <string.h>
#include <sys/ioctl.h>

#include "core/recorder.h"
#include "guest/iotlb.h"
#include "seam/seam.h"

/** FAKE_OF() - the struct fake that a table is embedded in as @member */
#define FAKE_OF(member, ptr)                                                             \
	((struct fake *)(void *)((char *)(ptr)-offsetof(struct fake, member)))

/**
 * struct fake - the world of a test
 * @on_ioctl:	answers ioctls instead of @ioctl_r, if set; likewise @on_poll
 * @asked:	the last order to the peer
 * @open_r, @ioctl_r, @read_r, @write_r, @poll_r: answers; @read_r > 0 gives @message
 * @value:	what an ioctl that returns 64 bits writes, if @writes
 * @got:	the 64 bits that the last ioctl with an argument read
 * @file:	the last VHOST_SET_VRING_* file
 * @written:	bytes of the last write
 * @reply, @reply_r: of the peer
 * @target:	what the peer says that it made
 * @randoms:	given out in turn, then counting on from the last
 * @emit_r:	answer of the recorder
 * @e:		what was recorded, in @arena
 */
struct fake {
	struct dev dev, twin;
	struct peer peer;
	struct facts facts;
	struct clock clock;
	struct recorder rec;
	int (*on_ioctl)(struct fake *f, unsigned long request, void *arg);
	int (*on_poll)(struct fake *f, struct pollfd *fds, size_t n);
	int open_r, ioctl_r, poll_r, reply_r, emit_r, start_r;
	ssize_t read_r, write_r;
	unsigned int opens, ioctls, reads, writes, polls, closes, twins;
	unsigned int starts, requests, replies, stops;
	enum peer_backend backend;
	unsigned long request;
	bool writes_value;
	uint64_t value, got;
	unsigned char message[IOTLB_MSG_BYTES], written[IOTLB_MSG_BYTES];
	struct peer_request asked;
	struct peer_reply reply;
	struct peer_target target;
	struct node_info node;
	struct module_info module;
	struct worker_info worker;
	uint32_t random;
	struct arena arena;
	struct evidence e;
	char step[64], call[64];
};

static int fake_open(struct dev *dev, const char *path)
{
	struct fake *f = FAKE_OF(dev, dev);

	(void)path;
	f->opens++;
	return f->open_r;
}

static int fake_ioctl(struct dev *dev, unsigned long request, void *arg)
{
	struct fake *f = FAKE_OF(dev, dev);

	f->ioctls++;
	f->request = request;
	if (f->on_ioctl)
		return f->on_ioctl(f, request, arg);
	if (f->writes_value)
		*(uint64_t *)arg = f->value;
	else if (arg)
		memcpy(&f->got, arg,
		       _IOC_SIZE(request) < sizeof(f->got) ? _IOC_SIZE(request)
							   : sizeof(f->got));
	return f->ioctl_r;
}

static ssize_t fake_read(struct dev *dev, void *buf, size_t len)
{
	struct fake *f = FAKE_OF(dev, dev);

	f->reads++;
	if (f->read_r > 0)
		memcpy(buf, f->message,
		       len < sizeof(f->message) ? len : sizeof(f->message));
	return f->read_r;
}

static ssize_t fake_write(struct dev *dev, const void *buf, size_t len)
{
	struct fake *f = FAKE_OF(dev, dev);

	f->writes++;
	memcpy(f->written, buf, len < sizeof(f->written) ? len : sizeof(f->written));
	return f->write_r ? f->write_r : (ssize_t)len;
}

static int fake_poll(struct dev *dev, struct pollfd *fds, size_t n, struct deadline until)
{
	struct fake *f = FAKE_OF(dev, dev);

	(void)until;
	f->polls++;
	return f->on_poll ? f->on_poll(f, fds, n) : f->poll_r;
}

static void fake_close(struct dev *dev)
{
	FAKE_OF(dev, dev)->closes++;
}

static int fake_twin_open(struct dev *dev, const char *path)
{
	(void)path;
	FAKE_OF(twin, dev)->twins++;
	return 0;
}

static int fake_twin_ioctl(struct dev *dev, unsigned long request, void *arg)
{
	(void)request;
	(void)arg;
	FAKE_OF(twin, dev)->twins++;
	return 0;
}

static void fake_twin_close(struct dev *dev)
{
	(void)dev;
}

static int fake_start(struct peer *peer, enum peer_backend backend)
{
	FAKE_OF(peer, peer)->starts++;
	FAKE_OF(peer, peer)->backend = backend;
	return FAKE_OF(peer, peer)->start_r;
}

static int fake_request(struct peer *peer, const struct peer_request *request)
{
	FAKE_OF(peer, peer)->asked = *request;
	FAKE_OF(peer, peer)->requests++;
	return 0;
}

static int fake_reply(struct peer *peer, struct peer_reply *ret_reply)
{
	struct fake *f = FAKE_OF(peer, peer);

	f->replies++;
	if (f->reply_r == 0)
		*ret_reply = f->reply;
	return f->reply_r;
}

static int fake_fd(struct peer *peer)
{
	(void)peer;
	return 77;
}

static void fake_stop(struct peer *peer)
{
	FAKE_OF(peer, peer)->stops++;
}

static int fake_backend(struct peer *peer, unsigned int header)
{
	(void)peer;
	(void)header;
	return 78;
}

static int fake_target(struct peer *peer, struct peer_target *ret_target)
{
	*ret_target = FAKE_OF(peer, peer)->target;
	return 0;
}

static int fake_node(struct facts *facts, enum family family, struct node_info *ret)
{
	(void)family;
	*ret = FAKE_OF(facts, facts)->node;
	return 0;
}

static int fake_module(struct facts *facts, const char *name, struct module_info *ret)
{
	(void)name;
	*ret = FAKE_OF(facts, facts)->module;
	return 0;
}

static int fake_workers(struct facts *facts, pid_t pid, struct worker_info *ret)
{
	(void)pid;
	*ret = FAKE_OF(facts, facts)->worker;
	return 0;
}

static int fake_text(struct facts *facts, char *ret)
{
	(void)facts;
	(void)snprintf(ret, NAME_ROOM, "6.1.0");
	return 0;
}

static int fake_parameter(struct facts *facts, const char *module, const char *name,
			  char *ret)
{
	(void)facts;
	(void)module;
	(void)name;
	*ret = '\0';
	return 0;
}

static uint64_t fake_now(struct clock *clock)
{
	(void)clock;
	return 7;
}

static uint32_t fake_random(struct clock *clock)
{
	return FAKE_OF(clock, clock)->random++;
}

static int fake_emit(struct recorder *rec, const struct ev *ev)
{
	struct fake *f = FAKE_OF(rec, rec);
	struct json_object *json = rec_to_json(&ev_shape, ev);
	struct ev *copy = rec_list_new(&f->arena, &f->e.ev, sizeof(*copy));
	struct rec_error err;
	int r = json && copy ? rec_from_json(&f->arena, &ev_shape, json, copy, &err)
			     : -ENOMEM;

	/* by way of its JSON, as a child sends it */
	json_object_put(json);
	return r < 0 ? r : f->emit_r;
}

static void fake_begin(struct recorder *rec, const char *step, const char *call)
{
	struct fake *f = FAKE_OF(rec, rec);

	(void)snprintf(f->step, sizeof(f->step), "%s", step);
	(void)snprintf(f->call, sizeof(f->call), "%s", call);
}

static const struct dev_ops fake_dev_ops = { fake_open,  fake_ioctl, fake_read,
					     fake_write, fake_poll,  fake_close };
static const struct dev_ops fake_twin_ops = { fake_twin_open, fake_twin_ioctl, NULL, NULL,
					      NULL,           fake_twin_close };
static const struct peer_ops fake_peer_ops = {
	.start = fake_start,
	.request = fake_request,
	.reply = fake_reply,
	.fd = fake_fd,
	.stop = fake_stop,
	.backend = fake_backend,
	.target = fake_target,
};
static const struct facts_ops fake_facts_ops = { fake_node, fake_module, fake_workers,
						 fake_text, fake_text,   fake_parameter };
static const struct clock_ops fake_clock_ops = { fake_now, fake_random };

/* A world where every call succeeds, the queue of messages is empty and nothing moves. */
static void fake_init(struct fake *f)
{
	*f = (struct fake){
		.dev = { &fake_dev_ops },
		.twin = { &fake_twin_ops },
		.peer = { .ops = &fake_peer_ops },
		.facts = { &fake_facts_ops },
		.clock = { &fake_clock_ops },
		.rec = { fake_emit, fake_begin },
		.target = { .path = "/dev/vhost-vdpa-0", .block = 512, .blocks = 1024 },
		.read_r = -EAGAIN,
		.reply_r = -EAGAIN,
	};
}

static struct seam fake_tables(struct fake *f)
{
	return (struct seam){ .dev = &f->dev,
			      .twin = &f->twin,
			      .peer = &f->peer,
			      .facts = &f->facts,
			      .clock = &f->clock };
}

#endif
