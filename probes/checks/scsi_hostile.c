/* SPDX-License-Identifier: MIT */
/* Areas hostile and log: what vhost-scsi refuses and logs. */
#include <string.h>

#include "checks/hostile.h"
#include "checks/scsi.h"
#include "guest/dirty.h"

#define CDB_VARIABLE 0x7f

static const struct vring_desc *desc_at(const struct session *s, unsigned int i)
{
	const struct vring_desc *table = mem_ptr(&s->mem, s->ring[QUEUE_IO].desc, 0);

	return &table[i];
}

/* Descriptor @i as it is, but for its flags and its next. */
static void relink(struct session *s, unsigned int i, uint16_t flags, uint16_t next)
{
	const struct vring_desc d = *desc_at(s, i);

	ring_desc(&s->ring[QUEUE_IO], i, d.addr, d.len, flags, next);
}

/* --------------------------------------------------------------------- ring */

static void loop(struct session *s)
{
	relink(s, 0, RING_NEXT, 0);
}

static void next_beyond(struct session *s)
{
	relink(s, 0, RING_NEXT, (uint16_t)(s->ring[QUEUE_IO].size + 1));
}

static void head_beyond(struct session *s)
{
	struct ring *r = &s->ring[QUEUE_IO];

	r->next_avail--;
	ring_avail_put(r, (uint16_t)r->size);
	ring_publish(r);
}

static void order(struct session *s)
{
	const struct vring_desc request = *desc_at(s, 0);

	ring_desc(&s->ring[QUEUE_IO], 0, mem_gpa(&s->mem, MEM_RX_BUF, 0), SCSI_RESPONSE,
		  RING_NEXT | RING_WRITE, 1);
	ring_desc(&s->ring[QUEUE_IO], 1, request.addr, request.len, 0, 0);
}

static void beyond_memory(struct session *s)
{
	ring_desc(&s->ring[QUEUE_IO], 1, MEM_GPA + s->mem.len - 4, SCSI_RESPONSE,
		  RING_WRITE, 0);
}

/** struct twist - one thing wrong with the request ring; as struct bend */
struct twist {
	const char *step;
	void (*make)(struct session *s);
};

static const struct twist twists[] = {
	{ "loop", loop },   { "next", next_beyond },     { "head", head_beyond },
	{ "order", order }, { "memory", beyond_memory },
};

/* What the device has not taken, the target has not: there is nothing to drain. */
static int look_at_ring(struct session *s, const char *step)
{
	int r = session_kick(s, QUEUE_IO);

	if (r == 0)
		r = session_barrier(s);
	if (r < 0)
		return r;
	session_note_ring(s, step, QUEUE_IO);
	session_note_eventfds(s, step, QUEUE_IO);
	return 0;
}

/* Each in the place of the one before, which the device must not have taken. */
static int collect_ring(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	if (r == 0)
		r = hostile_open(&l, s, &plain_start);
	for (size_t i = 0; i < ARRAY_SIZE(twists) && r == 0; i++) {
		s->ring[QUEUE_IO].next_avail = 0;
		link_queue(&l);
		twists[i].make(s);
		r = look_at_ring(s, twists[i].step);
	}
	return r < 0 ? r : hostile_fresh(s);
}

static void judge_ring(struct judge *j)
{
	judge_started(j);
	for (size_t i = 0; i < ARRAY_SIZE(twists); i++) {
		judge_moved(j, twists[i].step, 0, 0);
		judge_signalled(j, twists[i].step);
	}
	judge_fresh(j);
}

const struct check scsi_hostile_ring = {
	.area = "hostile",
	.name = "request_ring",
	.families = ON_SCSI,
	.title = "a request ring that no driver may write is refused",
	.contract =
		"A chain that is a loop, that leaves the table or begins outside it, that "
		"is to be read behind what is to be written, or that leaves the guest's "
		"memory is not taken: the error eventfd is signalled at each kick, no index "
		"moves, and a fresh descriptor works.",
	.harm = "A guest keeps a worker of the host busy for ever, or has it read or write "
		"what is not the guest's.",
	.judged =
		"Each in the place of the one before, which was not taken: kick, flush, "
		"indices and error eventfd; then data both ways on a fresh descriptor.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.4, 2.7.5",
		      "vhost_get_vq_desc(), translate_desc() in "
		      "drivers/vhost/vhost.c"),
	.faults = WORDS("chain_loop_taken", "chain_next_wraps", "head_wraps",
			"chain_order_ignored", "mapping_end_open", "error_silent",
			"error_once"),
	.collect = collect_ring,
	.judge = judge_ring,
};

/* -------------------------------------------------------------------- sizes */

/* One request that was put already; notes what came, or the stall. */
static int note_one(struct session *s, const char *step)
{
	struct scsi_answer answers[SCSI_SLOTS] = { 0 };
	int r = session_stalled(s, step, QUEUE_IO);

	if (r >= 0)
		r = scsi_take(s, answers);
	if (r > 0)
		scsi_note(s, step, &answers[0]);
	return r < 0 ? r : 0;
}

static int collect_sizes(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	if (r == 0)
		r = hostile_open(&l, s, &plain_start);
	if (r < 0)
		return r;
	link_queue(&l);
	ring_desc(&s->ring[QUEUE_IO], 1, desc_at(s, 1)->addr, SCSI_RESPONSE - 1,
		  RING_WRITE, 0);
	r = note_one(s, "room");
	session_fact(s, "room", "behind", "%s",
		     canary_whole((unsigned char *)scsi_in(s, 0) - 1, 1 + SCSI_DATA_MAX)
			     ? "untouched"
			     : "written");
	if (r == 0)
		r = hostile_open(&l, s, &plain_start);
	if (r < 0)
		return r;
	link_queue(&l);
	ring_desc(&s->ring[QUEUE_IO], 0, desc_at(s, 0)->addr, SCSI_REQUEST - 1, RING_NEXT,
		  1);
	r = note_one(s, "request");
	return r < 0 ? r : hostile_fresh(s);
}

static void judge_sizes(struct judge *j)
{
	const char *response = judge_fact_value(j, "request", "response");

	judge_started(j);
	judge_fact(j, "room", "behind", "untouched");
	judge_signalled(j, "room");
	if (response)
		judge_that(j, strcmp(response, "0") != 0,
			   "a request of 50 bytes was carried out as if it were whole");
	else
		judge_signalled(j, "request");
	judge_fresh(j);
}

const struct check scsi_hostile_sizes = {
	.area = "hostile",
	.name = "request_size",
	.families = ON_SCSI,
	.title = "a request or a response that is too short is refused",
	.contract =
		"A request with room for less than a response makes the error eventfd be "
		"signalled, and nothing is written behind that room. One that is shorter than "
		"its header is not carried out: it comes back with another response than OK, "
		"BAD_TARGET on every kernel known, or makes the error eventfd be signalled. "
		"Whether the former comes back is left open: vhost keeps it. A fresh descriptor "
		"works.",
	.harm = "The device reads or writes behind a guest's buffer.",
	.judged =
		"Room for 107 bytes with a canary behind it, then a request of 50, each on a "
		"fresh device; then data both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.1",
		      "vhost_scsi_chk_size() in drivers/vhost/scsi.c"),
	.faults = WORDS("room_ignored", "refused_silently", "request_short_taken"),
	.collect = collect_sizes,
	.judge = judge_sizes,
};

static struct scsi_command long_cdb(const struct session *s)
{
	struct scsi_command c = scsi_command(s, 0, CDB_VARIABLE);

	c.cdb[7] = UINT8_MAX; /* of a CDB of 263 bytes, where there is room for 32 */
	return c;
}

static int collect_long_cdb(struct session *s)
{
	return scsi_trials(s, &(struct trial){ "long", long_cdb }, 1);
}

static void judge_long_cdb(struct judge *j)
{
	judge_response(j, "long", "3");
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_hostile_cdb = {
	.area = "hostile",
	.name = "long_cdb",
	.families = ON_SCSI,
	.title = "a command that says to be longer than its header is refused",
	.contract =
		"A command of variable length that says to be longer than the 32 bytes "
		"there are is answered with BAD_TARGET, and the next one is served.",
	.harm = "The target reads the kernel's memory as a command.",
	.judged = "A command of 263 bytes by its own word, then data both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("SPC-4 4.3.3", "vhost_scsi_handle_vq() in drivers/vhost/scsi.c"),
	.faults = WORDS("cdb_long_taken"),
	.collect = collect_long_cdb,
	.judge = judge_long_cdb,
};

/* ---------------------------------------------------------------------- log */

static int read_logged(struct session *s, struct dirty *dirty)
{
	static const struct session_config c = { .features = F_VERSION_1 |
							     BIT64(VHOST_F_LOG_ALL) };
	static const unsigned int flags[SESSION_QUEUES] = { 1, 1, 1 };
	struct scsi_command read;
	struct scsi_answer answer;
	struct link l;
	int r = link_prepare(&l, s, &c);

	if (r == 0)
		r = dirty_base(s, "log_base", dirty);
	if (r >= 0)
		r = dirty_rings(s, "log_rings", flags);
	if (r == 0)
		r = link_start(&l);
	if (r == 0)
		r = scsi_ready(s, 0);
	if (r < 0)
		return r;
	dirty_note(s, "before", dirty);
	read = scsi_rw(s, 0, SCSI_READ_10, 0, 1);
	r = scsi_try(s, "read", &read, &answer);
	dirty_note(s, "moved", dirty);
	return r;
}

static int collect_log(struct session *s)
{
	struct dirty dirty = { 0 };
	int r = dirty_init(&dirty);

	if (r == 0)
		r = read_logged(s, &dirty);
	session_close(s);
	dirty_done(&dirty);
	return r;
}

static void judge_log_used(struct judge *j)
{
	const char *pages = judge_fact_value(j, "moved", "pages");

	judge_answer(j, "read", "0", GOOD, "none");
	judge_that(j, pages && strstr(pages, "gpa:io.used+0x0"),
		   "the pages that were logged are %s; that of the used ring is missing",
		   pages ? pages : "unknown");
}

const struct check scsi_log_used = {
	.area = "log",
	.name = "used_ring",
	.families = ON_SCSI,
	.title = "the page of a used ring is logged as dirty",
	.contract =
		"With VHOST_F_LOG_ALL, and VHOST_VRING_F_LOG for the ring, the page of "
		"the used ring is set in the log when a request is answered.",
	.harm = "A guest that is migrated finds its ring as it was: its disk hangs.",
	.judged = "READ(10) with a log; the pages in it.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = BIT64(VHOST_F_LOG_ALL),
	.need_peer = true,
	.refs = WORDS("log_used() in drivers/vhost/vhost.c", "VHOST_F_LOG_ALL"),
	.faults = WORDS("log_used_lost"),
	.collect = collect_log,
	.judge = judge_log_used,
};

static void judge_log_data(struct judge *j)
{
	judge_answer(j, "read", "0", GOOD, "none");
	judge_fact(j, "moved", "pages", "gpa:in+0x0 gpa:in+0x1000 gpa:io.used+0x0");
}

const struct check scsi_log_data = {
	.area = "log",
	.name = "data",
	.families = ON_SCSI,
	.title = "the pages that a read fills are logged as dirty",
	.contract =
		"With VHOST_F_LOG_ALL the pages of a request's response and of its data "
		"are set in the log, and no others but those of its rings.",
	.harm = "A guest that is migrated while it reads goes on with old bytes.",
	.judged = "READ(10) of a block with a log; the pages in it: response, data, used "
		  "ring.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = BIT64(VHOST_F_LOG_ALL),
	.need_peer = true,
	.refs = WORDS("vhost_scsi_log_write() in drivers/vhost/scsi.c"),
	.faults = WORDS("log_data_lost", "log_used_lost", "log_wide"),
	.collect = collect_log,
	.judge = judge_log_data,
};
