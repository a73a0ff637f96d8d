/* SPDX-License-Identifier: MIT */
/* The guest of vhost-scsi, against a device that the test plays by hand. */
#include <endian.h>
#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/payload.h"
#include "fake_seam.h"
#include "guest/scsi.h"

#define NODE "/dev/vhost-scsi"
#define WWPN "naa.5001405000000abc"

/**
 * struct fixture - a session with its rings set up
 * @answer:	what the device answers the next request with, once it is flushed
 * @data:	and the data before it
 * @given:	as @answer is, to be answered by
 * @late:	it is answered when the endpoint is cleared
 * @behind:	the request in slot 1 is answered when it is flushed
 * @kicks, @clears: VHOST_SET_VRING_KICK and VHOST_SCSI_CLEAR_ENDPOINT seen
 */
struct fixture {
	struct fake fake;
	struct seam seam;
	struct session s;
	struct virtio_scsi_cmd_resp answer;
	const void *data;
	uint32_t len;
	bool given, late, behind;
	unsigned int kicks, clears;
};

static struct fixture *of_fake(struct fake *f)
{
	return (struct fixture *)(void *)((char *)f - offsetof(struct fixture, fake));
}

static const struct vring_desc *desc(const struct fixture *f, unsigned int i)
{
	const struct vring_desc *table = mem_ptr(&f->s.mem, MEM_IO_DESC, 0);

	return &table[i];
}

static unsigned char *at_gpa(const struct fixture *f, uint64_t gpa)
{
	assert_in_range(gpa, MEM_GPA, MEM_GPA + f->s.mem.len - 1);
	return f->s.mem.base + (gpa - MEM_GPA);
}

static void use(const struct fixture *f, enum mem_region_id region, uint32_t id)
{
	struct vring_used *used = mem_ptr(&f->s.mem, region, 0);

	used->ring[le16toh(used->idx) % SESSION_RING_SIZE].id = htole32(id);
	used->idx = htole16((uint16_t)(le16toh(used->idx) + 1));
}

/* The first descriptor that the device may write is the response, then comes data. */
static void serve(struct fixture *f)
{
	unsigned int i = 0;

	while (!(le16toh(desc(f, i)->flags) & VRING_DESC_F_WRITE))
		i = le16toh(desc(f, i)->next);
	memcpy(at_gpa(f, le64toh(desc(f, i)->addr)), &f->answer, sizeof(f->answer));
	if (f->len)
		memcpy(at_gpa(f, le64toh(desc(f, i + 1)->addr)), f->data, f->len);
	use(f, MEM_IO_USED, 0);
	f->given = false;
}

static int on_ioctl(struct fake *fake, unsigned long request, void *arg)
{
	struct fixture *f = of_fake(fake);
	struct vhost_vring_state *base = arg;

	if (request == VHOST_SET_VRING_KICK)
		f->kicks++;
	if (request == VHOST_SCSI_CLEAR_ENDPOINT)
		f->clears++;
	if (request == VHOST_GET_VRING_BASE)
		base->num = ring_avail_idx(&f->s.ring[base->index]);
	if (request == VHOST_SET_VRING_KICK && f->behind) {
		use(f, MEM_IO_USED, scsi_head(&f->s, 1));
		f->behind = false;
	}
	if (f->given &&
	    request == (f->late ? VHOST_SCSI_CLEAR_ENDPOINT : VHOST_SET_VRING_KICK))
		serve(f);
	return fake->ioctl_r;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	*state = f;
	fake_init(&f->fake);
	f->fake.on_ioctl = on_ioctl;
	f->fake.target = (struct peer_target){
		.wwpn = WWPN, .tpgt = 3, .luns = 2, .block = 512, .blocks = 512
	};
	f->seam = fake_tables(&f->fake);
	session_init(&f->s, &(struct session_init){ .seam = &f->seam,
						    .rec = &f->fake.rec,
						    .until = deadline_after_ms(1000),
						    .family = FAMILY_SCSI,
						    .path = NODE });
	if (session_peer(&f->s) < 0 || session_open(&f->s) < 0)
		return -1;
	if (session_setup(&f->s, &(struct session_config){ .features = 0 }) < 0)
		return -1;
	f->kicks = 0;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	session_done(&f->s);
	arena_done(&f->fake.arena);
	free(f);
	return 0;
}

static const struct ev *at(struct fixture *f, enum ev_kind kind, const char *step)
{
	const struct ev *ev = ev_find(&f->fake.e, kind, step);

	if (!ev)
		fail_msg("no %s at step %s", ev_kind_names[kind], step);
	return ev;
}

static void fact_is(struct fixture *f, const char *step, const char *name,
		    const char *value)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(&f->fake.e, ev, EV_FACT, step)))
		if (!strcmp(ev->fact.name, name)) {
			assert_string_equal(ev->fact.value, value);
			return;
		}
	fail_msg("no fact %s at step %s", name, step);
}

/* ------------------------------------------------------------------ set-up */

static void test_three_rings_are_set_up_by_their_names(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(session_queues(&f->s), 3);
	assert_string_equal(at(f, EV_IOCTL, "setup.ctl.num")->ioctl.arg, "ctl 16");
	assert_string_equal(at(f, EV_IOCTL, "setup.evt.base")->ioctl.arg, "evt 0");
	assert_string_equal(at(f, EV_IOCTL, "setup.io.addr")->ioctl.arg,
			    "io flags=0x0 desc=hva:io.desc+0x0 avail=hva:io.avail+0x0 "
			    "used=hva:io.used+0x0");
	assert_string_equal(at(f, EV_IOCTL, "setup.io.kick")->ioctl.arg, "io eventfd");
}

static void test_no_target_is_named_in_evidence(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(session_running(&f->s, "start", 1), 0);
	assert_string_equal(at(f, EV_IOCTL, "start")->ioctl.name,
			    "VHOST_SCSI_SET_ENDPOINT");
	assert_string_equal(at(f, EV_IOCTL, "start")->ioctl.arg, "own target");
	(void)scsi_endpoint(&f->s, "other", VHOST_SCSI_CLEAR_ENDPOINT, WWPN "0");
	assert_string_equal(at(f, EV_IOCTL, "other")->ioctl.arg, "another target");
	/* no name at all is nobody's */
	f->s.target.wwpn[0] = '\0';
	(void)scsi_endpoint(&f->s, "none", VHOST_SCSI_CLEAR_ENDPOINT, "");
	assert_string_equal(at(f, EV_IOCTL, "none")->ioctl.arg, "another target");
}

static void test_what_a_call_did_not_write_is_not_shown(void **state)
{
	struct fixture *f = *state;
	uint32_t version = 7;

	assert_int_equal(scsi_get_u32(&f->s, "abi", VHOST_SCSI_GET_ABI_VERSION, &version),
			 0);
	assert_null(at(f, EV_IOCTL, "abi")->ioctl.arg);
}

/* ---------------------------------------------------------------- requests */

static void test_a_lun_is_addressed_by_target_and_number(void **state)
{
	const struct fixture *f = *state;
	const struct scsi_command c = scsi_command(&f->s, 0x123, SCSI_INQUIRY);
	const uint8_t lun[8] = { 1, 3, 0x41, 0x23 };

	assert_memory_equal(c.lun, lun, sizeof(lun));
	assert_int_equal(c.cdb[0], SCSI_INQUIRY);
}

static void test_blocks_are_named_in_ten_and_in_sixteen_bytes(void **state)
{
	const struct fixture *f = *state;
	const uint8_t ten[] = { 0x2a, 0, 1, 2, 3, 4, 0, 0x5, 0x6, 0 };
	const uint8_t sixteen[] = { 0x88, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 2, 0, 0 };
	struct scsi_command c = scsi_rw(&f->s, 0, SCSI_WRITE_10, 0x01020304, 0x0506);

	assert_memory_equal(c.cdb, ten, sizeof(ten));
	assert_int_equal(c.out, 0x0506 * 512);
	assert_int_equal(c.in, 0);
	c = scsi_rw(&f->s, 0, SCSI_READ_16, UINT64_C(0x0102030405060708), 2);
	assert_memory_equal(c.cdb, sixteen, sizeof(sixteen));
	assert_int_equal(c.in, 1024);
	assert_int_equal(c.out, 0);
}

/* The descriptors of slot 0, as "51r 108w" */
static const char *shape_of(struct fixture *f, const struct vring_desc *table)
{
	const char *text = "";
	unsigned int i = 0;

	for (;;) {
		unsigned int flags = le16toh(table[i].flags);

		text = arena_printf(&f->fake.arena, "%s%s%u%s", text, *text ? " " : "",
				    le32toh(table[i].len),
				    flags & VRING_DESC_F_WRITE ? "w" : "r");
		if (!(flags & VRING_DESC_F_NEXT))
			return text;
		i = le16toh(table[i].next);
	}
}

static const char *shaped(struct fixture *f, const struct scsi_command *c,
			  struct scsi_shape shape)
{
	scsi_put(&f->s, 0, c, &shape);
	return shape_of(f, desc(f, 0));
}

static void test_a_request_lies_as_it_was_asked_to(void **state)
{
	struct fixture *f = *state;
	const struct scsi_command none = scsi_command(&f->s, 0, SCSI_TEST_UNIT_READY);
	const struct scsi_command in = scsi_rw(&f->s, 0, SCSI_READ_10, 0, 2);
	const struct scsi_command out = scsi_rw(&f->s, 0, SCSI_WRITE_10, 0, 1);

	scsi_put(&f->s, 0, &none, NULL);
	assert_string_equal(shape_of(f, desc(f, 0)), "51r 108w");
	assert_string_equal(shaped(f, &in, (struct scsi_shape){ 0 }), "51r 108w 1024w");
	assert_string_equal(shaped(f, &out, (struct scsi_shape){ 0 }), "51r 512r 108w");
	assert_string_equal(shaped(f, &out, (struct scsi_shape){ .request = 19 }),
			    "19r 32r 512r 108w");
	assert_string_equal(shaped(f, &in, (struct scsi_shape){ .response = 12 }),
			    "51r 12w 96w 1024w");
	assert_string_equal(shaped(f, &out, (struct scsi_shape){ .joined = true }),
			    "563r 108w");
	assert_string_equal(shaped(f, &in, (struct scsi_shape){ .joined = true }),
			    "51r 1132w");
}

static void test_an_indirect_table_holds_all_of_a_request(void **state)
{
	struct fixture *f = *state;
	const struct scsi_command in = scsi_rw(&f->s, 0, SCSI_READ_10, 0, 1);

	scsi_put(&f->s, 0, &in, &(struct scsi_shape){ .indirect = true });
	assert_int_equal(le16toh(desc(f, 0)->flags), VRING_DESC_F_INDIRECT);
	assert_int_equal(le32toh(desc(f, 0)->len), 48);
	assert_string_equal(shape_of(f, mem_ptr(&f->s.mem, MEM_INDIRECT, 0)),
			    "51r 108w 512w");
}

static void test_slots_share_neither_descriptors_nor_buffers(void **state)
{
	struct fixture *f = *state;
	const struct scsi_command in = scsi_rw(&f->s, 0, SCSI_READ_10, 0, 24);

	for (unsigned int i = 0; i < SCSI_SLOTS; i++) {
		scsi_put(&f->s, i, &in, NULL);
		assert_int_equal(scsi_head(&f->s, i), i * SCSI_PIECES);
	}
	for (unsigned int i = 1; i < SCSI_SLOTS; i++) {
		unsigned char *before = scsi_in(&f->s, i - 1);
		unsigned char *now = scsi_in(&f->s, i);

		assert_true(now - SCSI_RESPONSE >= before + SCSI_DATA_MAX);
	}
}

/* ----------------------------------------------------------------- answers */

static void test_answers_are_told_apart_by_their_descriptors(void **state)
{
	struct fixture *f = *state;
	const struct scsi_command c = scsi_command(&f->s, 0, SCSI_TEST_UNIT_READY);
	struct scsi_answer answers[SCSI_SLOTS] = { 0 };

	for (unsigned int i = 0; i < SCSI_SLOTS; i++)
		scsi_put(&f->s, i, &c, NULL);
	memset((unsigned char *)scsi_in(&f->s, 2) - SCSI_RESPONSE, 0, SCSI_RESPONSE);
	use(f, MEM_IO_USED, scsi_head(&f->s, 2));
	assert_int_equal(scsi_take(&f->s, answers), 1);
	assert_true(answers[2].came && !answers[0].came && !answers[1].came);
	assert_int_equal(answers[2].response, VIRTIO_SCSI_S_OK);
	/* a buffer that came back unwritten says so */
	use(f, MEM_IO_USED, scsi_head(&f->s, 0));
	assert_int_equal(scsi_take(&f->s, answers), 1);
	assert_int_equal(answers[0].response, 0xa5);
	use(f, MEM_IO_USED, 1);
	assert_int_equal(scsi_take(&f->s, answers), -EPROTO);
}

static void test_sense_of_both_formats_is_shown(void **state)
{
	struct fixture *f = *state;
	struct scsi_answer fixed = { .sense_len = 18,
				     .status = 2,
				     .residual = 9,
				     .sense = { 0x70, 0, 5, [12] = 0x21 } };
	struct scsi_answer other = { .sense_len = 8, .sense = { 0x72, 6, 0x3f, 0x0e } };

	scsi_note(&f->s, "fixed", &fixed);
	fact_is(f, "fixed", "response", "0");
	fact_is(f, "fixed", "status", "0x02");
	fact_is(f, "fixed", "residual", "9");
	fact_is(f, "fixed", "sense", "5/21/00");
	scsi_note(&f->s, "descriptor", &other);
	fact_is(f, "descriptor", "sense", "6/3f/0e");
	other.sense_len = 1000;
	scsi_note(&f->s, "too_long", &other);
	fact_is(f, "too_long", "sense", "?");
}

static void test_a_read_is_compared_with_its_seed(void **state)
{
	const struct scsi_area area = { .len = 700, .seed = 5 };
	struct fixture *f = *state;
	unsigned char data[1024] = { 0 };

	payload_fill(5, 0, data, 700);
	f->given = true;
	f->data = data;
	f->len = sizeof(data);
	assert_int_equal(scsi_read(&f->s, "same", EV_RX, &area, NULL), 0);
	assert_int_equal(at(f, EV_BYTES, "same")->bytes.received, 700);
	assert_string_equal(at(f, EV_BYTES, "same")->bytes.received_digest,
			    at(f, EV_BYTES, "same")->bytes.sent_digest);
	data[699] ^= 1;
	f->given = true;
	assert_int_equal(scsi_read(&f->s, "flipped", EV_RX, &area, NULL), 0);
	assert_string_not_equal(at(f, EV_BYTES, "flipped")->bytes.received_digest,
				at(f, EV_BYTES, "flipped")->bytes.sent_digest);
	/* one byte too few */
	f->given = true;
	f->answer.resid = htole32(1024 - 699);
	assert_int_equal(scsi_read(&f->s, "short", EV_RX, &area, NULL), 0);
	assert_int_equal(at(f, EV_BYTES, "short")->bytes.received, 699);
	/* refused */
	f->given = true;
	f->answer.status = 2;
	assert_int_equal(scsi_read(&f->s, "refused", EV_RX, &area, NULL), 0);
	assert_int_equal(at(f, EV_BYTES, "refused")->bytes.received, 0);
	fact_is(f, "refused", "status", "0x02");
}

static void test_a_lun_that_is_never_ready_is_given_up(void **state)
{
	struct fixture *f = *state;

	f->given = true;
	assert_int_equal(scsi_ready(&f->s, 0), 0);
	f->given = true;
	f->answer.status = 2;
	/* the device answers once, with CHECK CONDITION, and then no more */
	assert_int_equal(scsi_ready(&f->s, 0), -ENODATA);
}

/* ------------------------------------------------------------------ stalls */

static void test_a_request_that_is_lost_is_proved_to_be(void **state)
{
	struct fixture *f = *state;
	const struct scsi_command c = scsi_command(&f->s, 0, SCSI_TEST_UNIT_READY);
	struct scsi_answer answer;

	assert_int_equal(scsi_do(&f->s, &c, NULL, &answer), -ENODATA);
	/* waited for once, then all that the device has was asked back */
	assert_int_equal(f->fake.polls, 1);
	assert_int_equal(f->clears, 1);
	assert_int_equal(at(f, EV_RING, "stall")->ring.used.v, 0);
	assert_int_equal(at(f, EV_RING, "stall")->ring.base.v, 1);
	assert_string_equal(at(f, EV_RING, "stall")->ring.queue, "io");
	assert_int_equal(f->fake.reads, 0); /* there is no read(2) */
}

static void test_a_lost_answer_is_not_waited_for_if_a_later_one_is_back(void **state)
{
	const struct scsi_shape shape = { .followed = true };
	struct fixture *f = *state;
	const struct scsi_command c = scsi_command(&f->s, 0, SCSI_INQUIRY);
	struct scsi_answer answer;

	f->behind = true;
	assert_int_equal(scsi_do(&f->s, &c, &shape, &answer), -ENODATA);
	assert_int_equal(f->fake.polls, 0);
	assert_int_equal(f->clears, 1);
	assert_int_equal(at(f, EV_RING, "stall")->ring.used.v, 1);
	assert_int_equal(at(f, EV_RING, "stall")->ring.base.v, 2);
}

static void test_both_answers_are_taken_where_both_come(void **state)
{
	const struct scsi_shape shape = { .followed = true };
	struct fixture *f = *state;
	const struct scsi_command c = scsi_command(&f->s, 0, SCSI_INQUIRY);
	struct scsi_answer answer;

	f->behind = true;
	f->given = true;
	assert_int_equal(scsi_do(&f->s, &c, &shape, &answer), 0);
	assert_true(answer.came);
	assert_int_equal(f->s.ring[QUEUE_IO].last_used, 2);
	assert_int_equal(f->fake.polls, 0);
	assert_int_equal(f->clears, 0);
}

static void test_a_late_answer_is_not_lost_and_the_device_runs_on(void **state)
{
	struct fixture *f = *state;
	const struct scsi_command c = scsi_command(&f->s, 0, SCSI_TEST_UNIT_READY);
	struct scsi_answer answer;

	f->given = true;
	f->late = true;
	assert_int_equal(scsi_do(&f->s, &c, NULL, &answer), 0);
	assert_true(answer.came);
	assert_int_equal(f->clears, 1);
	assert_string_equal(at(f, EV_IOCTL, "late")->ioctl.name,
			    "VHOST_SCSI_SET_ENDPOINT");
}

static void test_a_barrier_flushes_by_the_kick_of_the_control_ring(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(session_barrier(&f->s), 0);
	assert_int_equal(f->kicks, 2);
	f->fake.ioctl_r = -EIO;
	assert_int_equal(session_barrier(&f->s), -EIO);
}

/* ------------------------------------------------------ control and events */

static void test_an_event_is_taken_with_its_address(void **state)
{
	struct fixture *f = *state;
	const struct virtio_scsi_event event = {
		.event = htole32(VIRTIO_SCSI_T_TRANSPORT_RESET),
		.lun = { 1, 3, 0x41, 5 },
		.reason = htole32(VIRTIO_SCSI_EVT_RESET_REMOVED),
	};
	const struct vring_desc *d = mem_ptr(&f->s.mem, MEM_TX_DESC, 0);

	scsi_note_event(&f->s, "early");
	fact_is(f, "early", "event", "none");
	assert_int_equal(scsi_post_event(&f->s), 0);
	assert_int_equal(le32toh(d->len), sizeof(event));
	memcpy(at_gpa(f, le64toh(d->addr)), &event, sizeof(event));
	use(f, MEM_TX_USED, 0);
	scsi_note_event(&f->s, "came");
	fact_is(f, "came", "event", "0x1");
	fact_is(f, "came", "reason", "2");
	fact_is(f, "came", "lun", "own target 261");
}

static void test_a_function_that_is_not_answered_is_no_answer(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(scsi_tmf(&f->s, "tmf", 0, VIRTIO_SCSI_T_TMF_ABORT_TASK),
			 -ENODATA);
	assert_null(ev_find(&f->fake.e, EV_FACT, "tmf"));
	assert_string_equal(at(f, EV_RING, "stall")->ring.queue, "ctl");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_three_rings_are_set_up_by_their_names),
		TEST(test_no_target_is_named_in_evidence),
		TEST(test_what_a_call_did_not_write_is_not_shown),
		TEST(test_a_lun_is_addressed_by_target_and_number),
		TEST(test_blocks_are_named_in_ten_and_in_sixteen_bytes),
		TEST(test_a_request_lies_as_it_was_asked_to),
		TEST(test_an_indirect_table_holds_all_of_a_request),
		TEST(test_slots_share_neither_descriptors_nor_buffers),
		TEST(test_answers_are_told_apart_by_their_descriptors),
		TEST(test_sense_of_both_formats_is_shown),
		TEST(test_a_read_is_compared_with_its_seed),
		TEST(test_a_lun_that_is_never_ready_is_given_up),
		TEST(test_a_request_that_is_lost_is_proved_to_be),
		TEST(test_a_lost_answer_is_not_waited_for_if_a_later_one_is_back),
		TEST(test_both_answers_are_taken_where_both_come),
		TEST(test_a_late_answer_is_not_lost_and_the_device_runs_on),
		TEST(test_a_barrier_flushes_by_the_kick_of_the_control_ring),
		TEST(test_an_event_is_taken_with_its_address),
		TEST(test_a_function_that_is_not_answered_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
