/* SPDX-License-Identifier: MIT */
/* Area transfer: blocks written to and read from the LUNs of a target, byte for byte. */
#include "base/payload.h"
#include "checks/scsi.h"

#define WRAP_BASE 65530u
#define WRAP_ROUNDS 6u

static int write_and_read(struct session *s, const struct scsi_area *a, size_t n,
			  const char *const *steps)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = scsi_write(s, "write", &a[i], NULL);
	for (size_t i = 0; i < n && r == 0; i++)
		r = scsi_read(s, steps[i], EV_TX, &a[i], NULL);
	return r;
}

/* -------------------------------------------------------------- 10 and 16 */

static const char *const two_areas[] = { "first", "second" };

/* 20 blocks, and the one behind them. */
static const struct scsi_area narrow[] = {
	{ .lba = 300, .len = TRANSFER_BYTES, .seed = 1 },
	{ .lba = 320, .len = SHORT_BYTES, .seed = 2 },
};

/* Told apart by what is above the lowest byte of their LBA. */
static const struct scsi_area wide[] = {
	{ .lba = 0x123, .len = TRANSFER_BYTES, .seed = 3, .wide = true },
	{ .lba = 0x23, .len = SHORT_BYTES, .seed = 4, .wide = true },
};

static int collect_ten(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	return r < 0 ? r : write_and_read(s, narrow, ARRAY_SIZE(narrow), two_areas);
}

static int collect_sixteen(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	return r < 0 ? r : write_and_read(s, wide, ARRAY_SIZE(wide), two_areas);
}

static void judge_two_areas(struct judge *j)
{
	judge_ok(j, "start");
	judge_bytes(j, "first", TRANSFER_BYTES);
	judge_bytes(j, "second", SHORT_BYTES);
}

const struct check scsi_read_write_10 = {
	.area = "transfer",
	.name = "read_write_10",
	.families = ON_SCSI,
	.title = "what WRITE(10) writes READ(10) reads back",
	.contract = "WRITE(10) puts the bytes of its buffer on the blocks that it names "
		    "and no others; READ(10) gives them back.",
	.harm = "A guest's disk holds other bytes than it was given.",
	.judged =
		"10000 bytes on 20 blocks and 1000 on those behind them are written, then "
		"read; the digests are compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.1", "SBC-3 5.10, 5.32",
		      "vhost_scsi_handle_vq() in drivers/vhost/scsi.c"),
	.faults = WORDS("start_swallowed", "kick_lost", "write_cut"),
	.collect = collect_ten,
	.judge = judge_two_areas,
};

const struct check scsi_read_write_16 = {
	.area = "transfer",
	.name = "read_write_16",
	.families = ON_SCSI,
	.title = "what WRITE(16) writes READ(16) reads back",
	.contract = "WRITE(16) and READ(16) do what those with 10 bytes do, at LBAs of "
		    "eight bytes.",
	.harm = "A guest's disk beyond 2 TiB, or with a driver that always uses them, holds "
		"other bytes than it was given.",
	.judged =
		"Two areas at LBAs that differ above their lowest byte are written, then "
		"read; the digests are compared.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.1", "SBC-3 5.13, 5.34"),
	.faults = WORDS("wide_truncated", "write_cut"),
	.collect = collect_sixteen,
	.judge = judge_two_areas,
};

/* --------------------------------------------------------------------- LUNs */

static const struct scsi_area on_luns[] = {
	{ .lun = 0, .lba = 400, .len = SHORT_BYTES, .seed = 5 },
	{ .lun = SCSI_SECOND_LUN, .lba = 400, .len = SHORT_BYTES, .seed = 6 },
};

static int collect_luns(struct session *s)
{
	struct link l;
	int r = scsi_begin_two(&l, s);

	if (r == 0)
		r = scsi_ready(s, SCSI_SECOND_LUN);
	return r < 0 ? r : write_and_read(s, on_luns, ARRAY_SIZE(on_luns), two_areas);
}

static void judge_luns(struct judge *j)
{
	judge_bytes(j, "first", SHORT_BYTES);
	judge_bytes(j, "second", SHORT_BYTES);
}

const struct check scsi_luns = {
	.area = "transfer",
	.name = "luns",
	.families = ON_SCSI,
	.title = "each LUN of a target is a disk of its own",
	.contract = "A request reaches the LUN that it names: the same block of two LUNs "
		    "holds what was written to each.",
	.harm = "A guest's second disk overwrites its first.",
	.judged = "Different bytes at one LBA of LUN 0 and 1 are written, then read.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.1", "vhost_buf_to_lun() in drivers/vhost/scsi.c"),
	.faults = WORDS("lun_first"),
	.collect = collect_luns,
	.judge = judge_luns,
};

/* ------------------------------------------------------------------ at once */

static const struct scsi_area three[SCSI_SLOTS] = {
	{ .lba = 500, .len = 512, .seed = 11 },
	{ .lba = 501, .len = 512, .seed = 12 },
	{ .lba = 502, .len = 512, .seed = 13 },
};

static const char *const slots[SCSI_SLOTS] = { "one", "two", "three" };

static void compare_slot(struct session *s, unsigned int slot,
			 const struct scsi_answer *answer)
{
	unsigned char want[512];
	struct session_moved sent = { .bytes = sizeof(want) };
	struct session_moved got = { .digest = DIGEST_START };

	payload_fill(three[slot].seed, 0, want, sizeof(want));
	sent.digest = digest_add(DIGEST_START, want, sizeof(want));
	if (answer->came && answer->response == VIRTIO_SCSI_S_OK && !answer->status) {
		got.bytes = sizeof(want) - answer->residual;
		got.digest = digest_add(DIGEST_START, scsi_in(s, slot), sizeof(want));
	}
	session_bytes(s, slots[slot], EV_RX, sent, got);
}

static int collect_at_once(struct session *s)
{
	struct scsi_answer answers[SCSI_SLOTS] = { 0 };
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	for (unsigned int i = 0; i < SCSI_SLOTS && r == 0; i++)
		r = scsi_write(s, "write", &three[i], NULL);
	for (unsigned int i = 0; i < SCSI_SLOTS && r == 0; i++) {
		struct scsi_command c = scsi_rw(s, 0, SCSI_READ_10, three[i].lba, 1);

		c.tag = i + 1;
		scsi_put(s, i, &c, NULL);
	}
	if (r == 0)
		r = session_kick(s, QUEUE_IO);
	if (r == 0)
		r = session_barrier(s);
	if (r >= 0)
		r = scsi_wait(s, QUEUE_IO, SCSI_SLOTS);
	if (r >= 0)
		r = scsi_take(s, answers);
	if (r < 0)
		return r;
	session_fact(s, "taken", "answers", "%d", r);
	for (unsigned int i = 0; i < SCSI_SLOTS; i++)
		compare_slot(s, i, &answers[i]);
	return 0;
}

static void judge_at_once(struct judge *j)
{
	judge_fact(j, "taken", "answers", "3");
	for (unsigned int i = 0; i < SCSI_SLOTS; i++)
		judge_bytes(j, slots[i], 512);
}

const struct check scsi_at_once = {
	.area = "transfer",
	.name = "at_once",
	.families = ON_SCSI,
	.title = "of several requests that are out each gets its own answer",
	.contract = "Requests with tags of their own that are published together are all "
		    "answered, in any order, each in its own buffers.",
	.harm = "A guest reads another file's blocks.",
	.judged = "Three reads of different blocks with one kick; all three must come "
		  "back, and in each buffer the bytes of its block.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.1",
		      "vhost_scsi_complete_cmd_work() in drivers/vhost/scsi.c"),
	.faults = WORDS("answers_swapped"),
	.collect = collect_at_once,
	.judge = judge_at_once,
};

/* -------------------------------------------------------------------- calls */

/* One more request, once all that was called for before has been. */
static int be_called(struct link *l)
{
	struct session *s = l->s;
	int r = session_barrier(s);

	if (r < 0)
		return r;
	scsi_forget_calls(s, QUEUE_IO);
	link_queue(l);
	r = session_kick(s, QUEUE_IO);
	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	scsi_wait_call(s, QUEUE_IO);
	session_note_eventfds(s, "after", QUEUE_IO);
	return 0;
}

static int collect_call(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	return r < 0 ? r : be_called(&l);
}

static void judge_call(struct judge *j)
{
	judge_called(j, "after");
	judge_errors(j, "after", 0);
}

const struct check scsi_call = {
	.area = "transfer",
	.name = "call",
	.families = ON_SCSI,
	.title = "the driver is called when a request is answered",
	.contract =
		"The call eventfd of a request ring is signalled when an answer lies in "
		"the used ring.",
	.harm = "A guest waits for its disk until it gives up.",
	.judged = "The eventfd is read empty; one request later it must be signalled.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.7.2", "vhost_signal() in drivers/vhost/vhost.c"),
	.faults = WORDS("call_lost", "ring_call_swallowed"),
	.collect = collect_call,
	.judge = judge_call,
};

static const struct session_config event_start = { .features =
							   F_VERSION_1 | F_EVENT_IDX };

static int collect_event_idx(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &event_start);

	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	return r < 0 ? r : be_called(&l);
}

static void judge_event_idx(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_called(j, "after");
}

const struct check scsi_event_idx = {
	.area = "transfer",
	.name = "event_idx",
	.families = ON_SCSI,
	.title = "with EVENT_IDX the driver is called where it asked to be",
	.contract = "With VIRTIO_RING_F_EVENT_IDX requests are answered, and the call "
		    "eventfd is signalled for the used element that used_event names.",
	.harm = "A guest waits for its disk until it gives up.",
	.judged =
		"Data both ways with used_event at the next element each time; then the "
		"eventfd is read empty, and one request later it must be signalled.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_EVENT_IDX,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.7.1", "vhost_notify() in drivers/vhost/vhost.c"),
	.faults = WORDS("event_ignored", "call_lost"),
	.collect = collect_event_idx,
	.judge = judge_event_idx,
};

/* -------------------------------------------------------------------- rings */

static int collect_index_wrap(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1, .base = WRAP_BASE };
	struct link l;
	int r = link_begin(&l, s, &c);

	if (r < 0)
		return r;
	/* each is at least one request */
	for (unsigned int i = 0; i < WRAP_ROUNDS && r == 0; i++)
		r = scsi_ready(s, 0);
	if (r == 0)
		r = link_both_ways(&l, SHORT_BYTES);
	session_note_ring(s, "end", QUEUE_IO);
	return r;
}

static void judge_index_wrap(struct judge *j)
{
	const struct ev *ring = judge_need(j, EV_RING, "end");

	judge_both(j, SHORT_BYTES);
	if (ring)
		judge_that(
			j,
			ring->ring.used.v == ring->ring.avail.v &&
				ring->ring.base.v == ring->ring.avail.v &&
				ring->ring.used.v < WRAP_BASE,
			"the used index is %d and the device's own %d; both must be %d",
			(int)ring->ring.used.v, (int)ring->ring.base.v,
			(int)ring->ring.avail.v);
}

const struct check scsi_index_wrap = {
	.area = "transfer",
	.name = "index_wrap",
	.families = ON_SCSI,
	.title = "a ring's indices go on from 65535 to 0",
	.contract = "Requests are answered across the wrap of the 16-bit indices.",
	.harm = "A guest's disk stops after 65536 requests.",
	.judged = "Requests from index 65530 on, and data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.8", "vhost_add_used_n() in drivers/vhost/vhost.c"),
	.faults = WORDS("index_no_wrap"),
	.collect = collect_index_wrap,
	.judge = judge_index_wrap,
};

/* The least and a large one; every other check runs on one of 16. */
static const unsigned int sizes[] = { 2, 256 };

static const char *size_step(struct arena *a, unsigned int size)
{
	const char *step = arena_printf(a, "size %u", size);

	return step ? step : "size";
}

static int collect_ring_sizes(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	for (size_t i = 0; i < ARRAY_SIZE(sizes) && r == 0; i++) {
		const struct session_config c = { .features = F_VERSION_1,
						  .ring_size = sizes[i] };

		session_close(s);
		r = link_open(&l, s, &c);
		if (r == 0)
			r = session_running(s, size_step(&s->arena, sizes[i]), 1);
		if (r >= 0)
			r = scsi_ready(s, 0);
		if (r == 0)
			session_note_ring(s, size_step(&s->arena, sizes[i]), QUEUE_IO);
	}
	return r;
}

static void judge_ring_sizes(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const char *step = size_step(j->arena, sizes[i]);
		const struct ev *ring = NULL;

		judge_ok(j, step);
		ring = ev_find(j->evidence, EV_RING, step);
		judge_that(j,
			   ring && ring->ring.used.v > 0 &&
				   ring->ring.used.v == ring->ring.avail.v,
			   "a ring of %u descriptors was not served", sizes[i]);
	}
}

const struct check scsi_ring_sizes = {
	.area = "transfer",
	.name = "ring_sizes",
	.families = ON_SCSI,
	.title = "request rings of all sizes are served",
	.contract =
		"A ring of any power of two descriptors is served, also one that holds "
		"a single request.",
	.harm = "A VMM with small rings has a disk that never answers.",
	.judged = "TEST UNIT READY on rings of 2 and 256 descriptors, each on a fresh "
		  "descriptor.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7",
		      "vhost_scsi_setup_vq_cmds() in drivers/vhost/scsi.c"),
	.faults = WORDS("small_ring_ignored"),
	.collect = collect_ring_sizes,
	.judge = judge_ring_sizes,
};
