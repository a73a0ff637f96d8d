/* SPDX-License-Identifier: MIT */
/* Area isolation: which bytes of the guest's vhost-scsi leaves alone. */
#include <endian.h>
#include <string.h>

#include "checks/hostile.h"
#include "checks/scsi.h"

#define BLOCK 512u

/* Bytes of a response in its first descriptor: up to the one that says how it went. */
#define FIRST 12u

static int collect_tail(struct session *s)
{
	struct scsi_command c;
	struct scsi_answer answer;
	const unsigned char *in = NULL;
	size_t before = MEM_PAGE - SCSI_RESPONSE;
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	c = scsi_rw(s, 0, SCSI_READ_10, 0, 1);
	c.in = 3 * BLOCK;
	canary_lay(s, MEM_RX_BUF);
	canary_lay(s, MEM_SPARE);
	r = scsi_try(s, "read", &c, &answer);
	if (r < 0)
		return r;
	in = mem_ptr(&s->mem, MEM_RX_BUF, 0);
	session_fact(s, "read", "before", "%s",
		     canary_whole(in, before) ? "untouched" : "written");
	session_fact(s, "read", "behind", "%s",
		     canary_whole(in + MEM_PAGE + BLOCK,
				  s->mem.region[MEM_RX_BUF].len - MEM_PAGE - BLOCK)
			     ? "untouched"
			     : "written");
	canary_note(s, "read", MEM_SPARE);
	return 0;
}

static void judge_tail(struct judge *j)
{
	judge_answer(j, "read", "0", GOOD, "none");
	judge_fact(j, "read", "residual", "1024");
	judge_fact(j, "read", "before", "untouched");
	judge_fact(j, "read", "behind", "untouched");
	judge_fact(j, "read", "spare", "untouched");
}

const struct check scsi_read_tail = {
	.area = "isolation",
	.name = "read_tail",
	.families = ON_SCSI,
	.title = "a read touches no byte but its response and what it asked for",
	.contract = "A READ of one block writes its response and that block; what its "
		    "buffer has behind it, and all else of the guest's memory, is left "
		    "alone, and the residual says so.",
	.harm = "A guest's memory is overwritten by its disk.",
	.judged = "READ(10) of one block into room for three among canaries.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.1", "target_cmd_size_check() in "
					    "drivers/target/target_core_transport.c"),
	.faults = WORDS("read_tail", "residual_lost"),
	.collect = collect_tail,
	.judge = judge_tail,
};

/* ------------------------------------------------------------------ refusals */

static void note_behind(struct session *s, const char *step, const unsigned char *at,
			size_t len)
{
	session_fact(s, step, "behind", "%s",
		     canary_whole(at, len) ? "untouched" : "written");
}

/* A request to no target, with room for its response in two places. */
static int refuse_request(struct session *s)
{
	struct scsi_command c = scsi_command(s, 0, SCSI_TEST_UNIT_READY);
	const struct scsi_shape split = { .response = FIRST };
	struct scsi_answer answers[SCSI_SLOTS] = { 0 };
	const unsigned char *response = (unsigned char *)scsi_in(s, 0) - SCSI_RESPONSE;
	int r = 0;

	c.lun[1]++;
	scsi_put(s, 0, &c, &split);
	ring_desc(&s->ring[QUEUE_IO], scsi_head(s, 0) + 2u,
		  mem_gpa(&s->mem, MEM_SPARE, 0), SCSI_RESPONSE - FIRST, RING_WRITE, 0);
	r = session_kick(s, QUEUE_IO);
	if (r == 0)
		r = session_barrier(s);
	if (r >= 0)
		r = scsi_take(s, answers);
	if (r < 0)
		return r;
	if (answers[0].came)
		session_fact(s, "request", "response", "%u", answers[0].response);
	note_behind(s, "request", response + FIRST, SCSI_RESPONSE - FIRST);
	return 0;
}

/* A function of task management for no target: the response is one byte. */
static int refuse_function(struct session *s)
{
	struct scsi_command c = scsi_command(s, 0, 0);
	struct virtio_scsi_ctrl_tmf_req req = {
		.type = htole32(VIRTIO_SCSI_T_TMF),
		.subtype = htole32(VIRTIO_SCSI_T_TMF_ABORT_TASK),
	};
	struct virtio_scsi_ctrl_tmf_resp resp = { 0 };
	int r = 0;

	c.lun[1]++;
	memcpy(req.lun, c.lun, sizeof(req.lun));
	memset(scsi_control_in(s), CANARY, SCSI_RESPONSE);
	r = scsi_control(s, &req, sizeof(req), &resp, sizeof(resp));
	if (r < 0)
		return r;
	session_fact(s, "function", "response", "%u", resp.response);
	note_behind(s, "function", (unsigned char *)scsi_control_in(s) + sizeof(resp),
		    SCSI_RESPONSE - sizeof(resp));
	return 0;
}

static int collect_refusal(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	if (r == 0)
		r = refuse_request(s);
	if (r == 0)
		r = refuse_function(s);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static void judge_refused(struct judge *j, const char *step)
{
	const char *behind = judge_fact_value(j, step, "behind");

	judge_response(j, step, "3");
	judge_that(j, behind && !strcmp(behind, "untouched"),
		   "behind the room for the response at step \"%s\" memory is %s", step,
		   behind ? behind : "not compared");
}

static void judge_refusal(struct judge *j)
{
	judge_refused(j, "request");
	judge_refused(j, "function");
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_refusal = {
	.area = "isolation",
	.name = "refusal",
	.families = ON_SCSI,
	.title = "a refusal is written where there is room for it, and nowhere else",
	.contract =
		"The answer to a request, or to a task management function, for a target that "
		"is not there is BAD_TARGET, in the form and length of what was asked. Of a "
		"response that lies in several descriptors no byte is written behind the "
		"first one.",
	.harm = "Up to 107 bytes behind a buffer are overwritten: what a guest's driver keeps "
		"there, or the VMM's own memory behind the end of the guest's.",
	.judged =
		"TEST UNIT READY to another target, with 12 bytes of room in one place and 96 "
		"in another; ABORT TASK to another target, with one byte of room; canaries "
		"behind both, then data both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_GUARDED,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.4, 5.6.6.1, 5.6.6.2", "commit b18268713547",
		      "vhost_scsi_send_bad_target() in drivers/vhost/scsi.c"),
	.faults = WORDS("refusal_whole", "response_whole", "target_any"),
	.collect = collect_refusal,
	.judge = judge_refusal,
};
