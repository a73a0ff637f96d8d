/* SPDX-License-Identifier: MIT */
/* vDPA devices: how requests lie in descriptors and rings. */
#include <string.h>

#include "base/payload.h"
#include "checks/vdpa_judges.h"

#define WRAP_BASE 65530u
#define WRAP_REQUESTS 12u
#define SIZE_REQUESTS 6u
#define IN_FLIGHT 5u
#define SEED 77u

static void *data_of(const struct vdpa *v)
{
	return mem_ptr(&v->s->mem, VDPA_DATA, 0);
}

/* A write and a read of a page, laid out like @shape. */
static int both_like(struct vdpa *v, const struct vdpa_request *shape)
{
	struct vdpa_request r = vdpa_sectors(16, MEM_PAGE);
	int e = 0;

	r.pieces = shape->pieces;
	r.cut_header = shape->cut_header;
	r.indirect = shape->indirect;
	e = vdpa_write(v, "write", &r, data_of(v));
	return e < 0 ? e : vdpa_read(v, "read", &r, data_of(v));
}

static void judge_both_like(struct judge *j)
{
	judge_ok(j, "start");
	judge_bytes(j, "write", MEM_PAGE);
	judge_bytes(j, "read", MEM_PAGE);
	judge_status_byte(j, "write", VIRTIO_BLK_S_OK);
	judge_status_byte(j, "read", VIRTIO_BLK_S_OK);
}

static int collect_chain(struct session *s)
{
	static const struct vdpa_request shape = { .pieces = 3, .cut_header = true };
	struct vdpa v;
	int r = vdpa_begin(&v, s, &vdpa_plain);

	return r < 0 ? r : both_like(&v, &shape);
}

const struct check vdpa_chain = {
	.area = "transfer",
	.name = "chain",
	.families = ON_VDPA,
	.title = "a request may be cut anywhere",
	.contract =
		"With VIRTIO_F_VERSION_1 the device does not care where descriptors end: "
		"a header in two, and a page of data in three of unequal length, are "
		"served like whole ones.",
	.harm = "A driver that gathers pages gets other data than it asked for.",
	.judged = "A page written and read in such descriptors: digests of both ends, "
		  "status.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7.4.1", "virtio-1.2 5.2.6"),
	.faults = WORDS("vdpa_header_whole", "vdpa_one_piece"),
	.collect = collect_chain,
	.judge = judge_both_like,
};

static int collect_indirect(struct session *s)
{
	static const struct vdpa_config indirect = { .features = F_INDIRECT };
	static const struct vdpa_request shape = { .pieces = 2, .indirect = true };
	struct vdpa v;
	int r = vdpa_begin(&v, s, &indirect);

	return r < 0 ? r : both_like(&v, &shape);
}

const struct check vdpa_indirect = {
	.area = "transfer",
	.name = "indirect",
	.families = ON_VDPA,
	.title = "a request may lie in an indirect table",
	.contract =
		"With VIRTIO_F_INDIRECT_DESC one descriptor leads to a table of them, "
		"and the request in it is served like any other.",
	.harm = "Linux drivers use them whenever they may: no request is served.",
	.judged = "A page written and read in four descriptors of a table each: digests, "
		  "status, used length.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_INDIRECT,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7.5.3"),
	.faults = WORDS("indirect_cut"),
	.collect = collect_indirect,
	.judge = judge_both_like,
};

/* --------------------------------------------------------------------- calls */

static int called_each(struct vdpa *v, const struct vdpa_config *c)
{
	static const char *const steps[] = { "first", "second", "third" };
	const struct vdpa_request request = vdpa_sectors(8, VDPA_SECTOR);
	int r = vdpa_prepare(v, c);

	if (r == 0)
		r = vdpa_start(v);
	for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++) {
		ring_event(&v->s->ring[VDPA_RING]);
		r = vdpa_do(v, steps[i], &request);
		if (r == 0)
			session_fact(v->s, steps[i], "call", "%s",
				     vdpa_called(v) ? "signalled" : "not signalled");
	}
	return r;
}

static int collect_call(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	return r < 0 ? r : called_each(&v, &vdpa_plain);
}

static int collect_event_idx(struct session *s)
{
	static const struct vdpa_config events = { .features = F_EVENT_IDX };
	struct vdpa v;
	int r = vdpa_open(&v, s);

	return r < 0 ? r : called_each(&v, &events);
}

static void judge_called_each(struct judge *j)
{
	judge_ok(j, "start");
	judge_status_byte(j, "third", VIRTIO_BLK_S_OK);
	judge_fact_count(j, "call", "signalled", 3);
}

const struct check vdpa_call = {
	.area = "transfer",
	.name = "call",
	.families = ON_VDPA,
	.title = "the guest is called for each request that was served",
	.contract = "The eventfd of VHOST_SET_VRING_CALL is signalled when a buffer was "
		    "used.",
	.harm = "The guest waits for requests that have long been done.",
	.judged = "Three requests, one after the other, and the call eventfd after each.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7.7.2",
		      "vhost_vdpa_virtqueue_cb() in drivers/vhost/vdpa.c"),
	.faults = WORDS("call_rx_missing", "call_lost", "ring_call_swallowed"),
	.collect = collect_call,
	.judge = judge_called_each,
};

const struct check vdpa_event_idx = {
	.area = "transfer",
	.name = "event_idx",
	.families = ON_VDPA,
	.title = "with event indices the guest is called when it asked to be",
	.contract =
		"With VIRTIO_F_EVENT_IDX the call eventfd is signalled for the buffer "
		"that used_event names.",
	.harm = "The guest waits for requests that have long been done.",
	.judged = "Three requests, each asked to be told of, and the call eventfd after "
		  "each.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_EVENT_IDX,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7.7.2"),
	.faults = WORDS("event_ignored", "call_rx_missing", "call_lost"),
	.collect = collect_event_idx,
	.judge = judge_called_each,
};

/* --------------------------------------------------------------------- rings */

static int read_some(struct vdpa *v, const char *step, unsigned int n, bool indirect)
{
	int r = 0;

	for (unsigned int i = 0; i < n && r == 0; i++) {
		struct vdpa_request request = vdpa_sectors(8 + i, VDPA_SECTOR);

		request.indirect = indirect;
		r = vdpa_read(v, step, &request, data_of(v));
	}
	return r;
}

/* All transfers of a step arrived, and there were so many. */
static void judge_some(struct judge *j, const char *step, size_t n)
{
	const struct ev *ev = NULL;
	size_t seen = 0;

	while ((ev = ev_find_next(j->evidence, ev, EV_BYTES, step))) {
		judge_that(
			j,
			ev->bytes.sent == VDPA_SECTOR &&
				ev->bytes.received == VDPA_SECTOR &&
				ev->bytes.sent_digest && ev->bytes.received_digest &&
				!strcmp(ev->bytes.sent_digest, ev->bytes.received_digest),
			"%s: transfer %zu did not bring the bytes of the file", step,
			seen + 1);
		seen++;
	}
	judge_that(j, seen == n, "%s: %zu requests were served; it must be %zu", step,
		   seen, n);
}

static int collect_index_wrap(struct session *s)
{
	static const struct vdpa_config high = { .base = WRAP_BASE };
	struct vdpa v;
	int r = vdpa_begin(&v, s, &high);

	if (r == 0)
		r = read_some(&v, "wrap", WRAP_REQUESTS, false);
	if (r == 0)
		session_note_ring(s, "after", VDPA_RING);
	return r;
}

static void judge_index_wrap(struct judge *j)
{
	judge_ok(j, "setup.base");
	judge_ok(j, "start");
	judge_some(j, "wrap", WRAP_REQUESTS);
	judge_moved(j, "after", WRAP_BASE, WRAP_REQUESTS);
}

const struct check vdpa_index_wrap = {
	.area = "transfer",
	.name = "index_wrap",
	.families = ON_VDPA,
	.title = "indices begin where they were set, and go on past 65535 at 0",
	.contract =
		"VHOST_SET_VRING_BASE says at which index a ring goes on; the indices wrap "
		"at 2^16, and VHOST_GET_VRING_BASE follows.",
	.harm = "A guest that was migrated, or ran for long, gets no answer any more.",
	.judged =
		"From index 65530 twelve reads: digests of all, then used index and "
		"GET_VRING_BASE at 6. A device of libvduse, as qemu-storage-daemon's, "
		"takes its index from the used ring: of it a lost SET_VRING_BASE is not "
		"seen.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7",
		      "vhost_vdpa_vring_ioctl() in drivers/vhost/vdpa.c"),
	.faults = WORDS("index_no_wrap", "ring_base_forgotten"),
	.collect = collect_index_wrap,
	.judge = judge_index_wrap,
};

/** struct size - of a ring; @step NULL-ended */
struct size {
	const char *step;
	unsigned int size;
};

static const struct size sizes[] = {
	{ "size_2", 2 }, { "size_4", 4 }, { "size_64", 64 }, { "size_256", 256 }
};

static int collect_ring_sizes(struct session *s)
{
	struct vdpa v;
	int r = vdpa_open(&v, s);

	for (size_t i = 0; i < ARRAY_SIZE(sizes) && r == 0; i++) {
		const struct vdpa_config c = { .features = F_INDIRECT,
					       .ring_size = sizes[i].size };

		if (i)
			r = vdpa_reopen(&v);
		if (r == 0)
			r = vdpa_prepare(&v, &c);
		if (r == 0)
			r = vdpa_start(&v);
		if (r == 0)
			r = read_some(&v, sizes[i].step, SIZE_REQUESTS, true);
	}
	return r;
}

static void judge_ring_sizes(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		judge_some(j, sizes[i].step, SIZE_REQUESTS);
}

const struct check vdpa_ring_sizes = {
	.area = "transfer",
	.name = "ring_sizes",
	.families = ON_VDPA,
	.title = "rings of 2 to 256 descriptors work",
	.contract = "A ring of any size that the device takes is served, the smallest "
		    "included.",
	.harm = "A guest firmware with small rings, or a guest with large ones, has no "
		"disk.",
	.judged = "Six reads each with rings of 2, 4, 64 and 256 descriptors, each on a "
		  "fresh descriptor: digests of all.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_INDIRECT,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7"),
	.faults = WORDS("small_ring_ignored", "indirect_cut"),
	.collect = collect_ring_sizes,
	.judge = judge_ring_sizes,
};

/* A page each from consecutive sectors, all made available at once. */
static int ask_all(struct vdpa *v)
{
	for (unsigned int i = 0; i < IN_FLIGHT; i++) {
		struct vdpa_request r =
			vdpa_sectors((uint64_t)i * (MEM_PAGE / VDPA_SECTOR), MEM_PAGE);

		r.data = mem_iova(VDPA_DATA, (uint64_t)i * MEM_PAGE);
		(void)vdpa_put(v, &r);
	}
	return vdpa_kick(v);
}

static int collect_in_flight(struct session *s)
{
	const struct peer_request store = { .op = PEER_STORE,
					    .seed = SEED,
					    .len = (uint64_t)IN_FLIGHT * MEM_PAGE };
	struct session_moved got = { 0 };
	struct peer_reply reply = { 0 };
	unsigned int done = 0;
	struct ring_used used;
	struct vdpa v;
	int r = vdpa_begin(&v, s, &vdpa_plain);

	if (r == 0)
		r = vdpa_order(&v, &store, &reply);
	if (r == 0)
		r = ask_all(&v);
	while (r == 0 && done < IN_FLIGHT) {
		r = vdpa_wait(&v, VDPA_ANSWER_MS, &used);
		done += r == 0;
	}
	session_fact(s, "all", "used", "%u", done);
	if (r == 0)
		got = (struct session_moved){
			store.len, digest_add(DIGEST_START, data_of(&v), store.len)
		};
	session_bytes(s, "all", EV_RX,
		      (struct session_moved){ reply.bytes, reply.digest }, got);
	return r;
}

static void judge_in_flight(struct judge *j)
{
	judge_ok(j, "start");
	judge_fact(j, "all", "used", "5");
	judge_bytes(j, "all", (int64_t)IN_FLIGHT * MEM_PAGE);
}

const struct check vdpa_in_flight = {
	.area = "transfer",
	.name = "in_flight",
	.families = ON_VDPA,
	.title = "one kick serves all requests that are there",
	.contract = "Requests that were made available together are all served after one "
		    "kick, each with its own data.",
	.harm = "A guest that batches its requests stalls until the next one.",
	.judged =
		"Five reads of a page each, one kick: five used buffers, and one digest "
		"over all pages.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.need_type = VIRTIO_ID_BLOCK,
	.refs = WORDS("virtio-1.2 2.7.13", "virtio-1.2 2.7.10"),
	.faults = WORDS("one_a_kick"),
	.collect = collect_in_flight,
	.judge = judge_in_flight,
};
