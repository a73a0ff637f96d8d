/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/evidence.h"

const char *const ev_kind_names[] = {
	[EV_IOCTL] = "ioctl",     [EV_IOTLB] = "iotlb",     [EV_RING] = "ring",
	[EV_EVENTFD] = "eventfd", [EV_WORKER] = "worker",   [EV_KMSG] = "kmsg",
	[EV_BYTES] = "bytes",     [EV_MEASURE] = "measure", [EV_FACT] = "fact",
	[EV_KIND_NUM] = NULL,
};

const char *const ev_perm_names[] = { "none", "ro", "wo", "rw", NULL };
const char *const ev_way_names[] = { "sent", "received", NULL };
const char *const ev_dir_names[] = { "tx", "rx", NULL };
const char *const ev_msg_names[] = {
	"none",        "miss",      "update", "invalidate", "access_fail",
	"batch_begin", "batch_end", "other",  NULL,
};

static const struct rec_field head_fields[] = {
	{ "kind", REC_ENUM, offsetof(struct ev, kind), false, ev_kind_names },
	{ "step", REC_STR, offsetof(struct ev, step), false, NULL },
	{ 0 },
};

static const struct rec_field ioctl_fields[] = {
	{ "name", REC_STR, offsetof(struct ev, ioctl.name), false, NULL },
	{ "arg", REC_STR, offsetof(struct ev, ioctl.arg), true, NULL },
	{ "ret", REC_INT, offsetof(struct ev, ioctl.ret), false, NULL },
	{ "errno", REC_ERRNO, offsetof(struct ev, ioctl.err), true, NULL },
	{ 0 },
};

static const struct rec_field iotlb_fields[] = {
	{ "way", REC_ENUM, offsetof(struct ev, iotlb.way), false, ev_way_names },
	{ "version", REC_OPT_INT, offsetof(struct ev, iotlb.version), true, NULL },
	{ "msg", REC_ENUM, offsetof(struct ev, iotlb.msg), false, ev_msg_names },
	{ "iova", REC_STR, offsetof(struct ev, iotlb.iova), true, NULL },
	{ "size", REC_STR, offsetof(struct ev, iotlb.size), true, NULL },
	{ "perm", REC_ENUM, offsetof(struct ev, iotlb.perm), false, ev_perm_names },
	{ "errno", REC_ERRNO, offsetof(struct ev, iotlb.err), true, NULL },
	{ 0 },
};

static const struct rec_field ring_fields[] = {
	{ "queue", REC_STR, offsetof(struct ev, ring.queue), false, NULL },
	{ "avail", REC_OPT_INT, offsetof(struct ev, ring.avail), true, NULL },
	{ "used", REC_OPT_INT, offsetof(struct ev, ring.used), true, NULL },
	{ "base", REC_OPT_INT, offsetof(struct ev, ring.base), true, NULL },
	{ "flags", REC_OPT_INT, offsetof(struct ev, ring.flags), true, NULL },
	{ 0 },
};

static const struct rec_field eventfd_fields[] = {
	{ "queue", REC_STR, offsetof(struct ev, eventfd.queue), false, NULL },
	{ "kick", REC_OPT_INT, offsetof(struct ev, eventfd.kick), true, NULL },
	{ "call", REC_OPT_INT, offsetof(struct ev, eventfd.call), true, NULL },
	{ "err", REC_OPT_INT, offsetof(struct ev, eventfd.err), true, NULL },
	{ 0 },
};

static const struct rec_field worker_fields[] = {
	{ "type", REC_STR, offsetof(struct ev, worker.type), false, NULL },
	{ "count", REC_INT, offsetof(struct ev, worker.count), false, NULL },
	{ 0 },
};

static const struct rec_field kmsg_fields[] = {
	{ "text", REC_STR, offsetof(struct ev, kmsg.text), false, NULL },
	{ 0 },
};

static const struct rec_field bytes_fields[] = {
	{ "dir", REC_ENUM, offsetof(struct ev, bytes.dir), false, ev_dir_names },
	{ "sent", REC_INT, offsetof(struct ev, bytes.sent), false, NULL },
	{ "received", REC_INT, offsetof(struct ev, bytes.received), false, NULL },
	{ "sent_digest", REC_STR, offsetof(struct ev, bytes.sent_digest), true, NULL },
	{ "received_digest", REC_STR, offsetof(struct ev, bytes.received_digest), true,
	  NULL },
	{ 0 },
};

static const struct rec_field measure_fields[] = {
	{ "name", REC_STR, offsetof(struct ev, measure.name), false, NULL },
	{ "unit", REC_STR, offsetof(struct ev, measure.unit), false, NULL },
	{ "samples", REC_INTS, offsetof(struct ev, measure.samples), false, NULL },
	{ 0 },
};

static const struct rec_field fact_fields[] = {
	{ "name", REC_STR, offsetof(struct ev, fact.name), false, NULL },
	{ "value", REC_STR, offsetof(struct ev, fact.value), true, NULL },
	{ 0 },
};

#define KIND(kind_)                                                                      \
	{                                                                                \
		"ev_" #kind_, sizeof(struct ev), kind_##_fields, NULL                    \
	}

static const struct rec_shape kind_shape[EV_KIND_NUM] = {
	[EV_IOCTL] = KIND(ioctl),   [EV_IOTLB] = KIND(iotlb),
	[EV_RING] = KIND(ring),     [EV_EVENTFD] = KIND(eventfd),
	[EV_WORKER] = KIND(worker), [EV_KMSG] = KIND(kmsg),
	[EV_BYTES] = KIND(bytes),   [EV_MEASURE] = KIND(measure),
	[EV_FACT] = KIND(fact),
};

static const struct rec_shape *const kind_shapes[EV_KIND_NUM + 1] = {
	&kind_shape[EV_IOCTL],  &kind_shape[EV_IOTLB],
	&kind_shape[EV_RING],   &kind_shape[EV_EVENTFD],
	&kind_shape[EV_WORKER], &kind_shape[EV_KMSG],
	&kind_shape[EV_BYTES],  &kind_shape[EV_MEASURE],
	&kind_shape[EV_FACT],   NULL,
};

const struct rec_shape ev_shape = {
	.name = "evidence",
	.size = sizeof(struct ev),
	.field = head_fields,
	.variant = kind_shapes,
};

const struct ev *ev_find_next(const struct evidence *e, const struct ev *after,
			      enum ev_kind kind, const char *step)
{
	bool on = !after;

	for (size_t i = 0; i < e->ev.count; i++) {
		const struct ev *ev = e->ev.item[i];

		if (on && ev->kind == (int)kind && (!step || !strcmp(ev->step, step)))
			return ev;
		if (ev == after)
			on = true;
	}
	return NULL;
}

const struct ev *ev_find(const struct evidence *e, enum ev_kind kind, const char *step)
{
	return ev_find_next(e, NULL, kind, step);
}
