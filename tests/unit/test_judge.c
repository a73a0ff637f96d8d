/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/judge.h"

/* What the judge of a test reads; judges have no argument of their own. */
static struct ev pool[8];
static void *items[8];
static struct evidence evidence;
static struct arena arena;

static int empty(void **state)
{
	(void)state;
	evidence = (struct evidence){ { items, 0, ARRAY_SIZE(items) } };
	return 0;
}

static int release(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void saw(struct ev ev)
{
	size_t n = evidence.ev.count++;

	assert_true(n < ARRAY_SIZE(pool));
	pool[n] = ev;
	items[n] = &pool[n];
}

static void saw_call(const char *step, int err)
{
	saw((struct ev){ .kind = EV_IOCTL,
			 .step = step,
			 .ioctl = { "VHOST_SET_OWNER", "7", err ? -1 : 0, err } });
}

static void saw_message(const char *step, int way, int msg, const char *iova, int perm,
			int err)
{
	saw((struct ev){ .kind = EV_IOTLB,
			 .step = step,
			 .iotlb = { .way = way,
				    .msg = msg,
				    .iova = iova,
				    .perm = perm,
				    .err = err } });
}

static void saw_fact(const char *step, const char *name, const char *value)
{
	saw((struct ev){ .kind = EV_FACT, .step = step, .fact = { name, value } });
}

static void saw_bytes(const char *step, int64_t sent, int64_t received, const char *a,
		      const char *b)
{
	saw((struct ev){ .kind = EV_BYTES,
			 .step = step,
			 .bytes = { EV_TX, sent, received, a, b } });
}

static void judged(void (*judge)(struct judge *), int status, const char *text)
{
	struct verdict v = judge_run(&arena, judge, &evidence);

	if (v.status != status)
		fail_msg("%s (%s), not %s", status_names[v.status],
			 v.text ? v.text : "no text", status_names[status]);
	if (status == STATUS_PASS)
		assert_null(v.text);
	else if (!strstr(v.text, text))
		fail_msg("no \"%s\" in: %s", text, v.text);
	if (status == STATUS_FAIL)
		assert_int_equal(v.code, REASON_CONTRACT);
}

static void expects_nothing(struct judge *j)
{
	(void)j;
}

static void test_a_judge_that_expects_nothing_has_not_passed(void **state)
{
	(void)state;
	saw_call("a", 0);
	judged(expects_nothing, STATUS_ERROR, "expected nothing");
}

static void one_call(struct judge *j)
{
	judge_ok(j, "a");
}

static void saw_end(const char *value)
{
	assert_int_equal(empty(NULL), 0);
	saw_call("a", 0);
	saw((struct ev){ .kind = EV_FACT, .step = EV_CLOSE, .fact = { "tx", value } });
}

static void test_no_judge_passes_where_a_ring_ended_wrongly(void **state)
{
	(void)state;
	saw_end(EV_IN_ORDER);
	judged(one_call, STATUS_PASS, NULL);
	saw_end("from 0, avail 0, base 65535, used 0");
	judged(one_call, STATUS_FAIL, "tx ring: the device's own index is wrong");
	/* what the check itself is about comes first, and is there to be judged */
	judged(expects_nothing, STATUS_ERROR, "expected nothing");
	pool[0].ioctl.err = EPERM;
	judged(one_call, STATUS_FAIL, "EPERM");
}

static void two_calls(struct judge *j)
{
	judge_ok(j, "a");
	judge_ok(j, "b");
}

static void test_the_first_expectation_that_does_not_hold_decides(void **state)
{
	(void)state;
	saw_call("a", 0);
	judged(two_calls, STATUS_ERROR, "no ioctl at step \"b\"");
	saw_call("b", EPERM);
	judged(two_calls, STATUS_FAIL,
	       "VHOST_SET_OWNER(7) was refused with EPERM at step \"b\"; it must succeed");
	saw_call("a", EIO); /* the first of a step is what counts */
	judged(two_calls, STATUS_FAIL, "step \"b\"");
	pool[0].ioctl.err = EBUSY;
	judged(two_calls, STATUS_FAIL, "EBUSY at step \"a\"");
	pool[0].ioctl.err = pool[1].ioctl.err = 0;
	judged(two_calls, STATUS_PASS, NULL);
	pool[1].ioctl.err = 524; /* ENOTSUPP, which has no name for user space */
	judged(two_calls, STATUS_FAIL, "was refused with an unknown error at step \"b\"");
}

static void refused(struct judge *j)
{
	judge_errno(j, "a", EPERM);
}

static void refused_either(struct judge *j)
{
	judge_errno_either(j, "a", EINVAL, EFAULT);
}

static void test_errnos_must_be_the_ones_of_the_contract(void **state)
{
	(void)state;
	judged(refused, STATUS_ERROR, "no ioctl");
	saw_call("a", EPERM);
	judged(refused, STATUS_PASS, NULL);
	judged(refused_either, STATUS_FAIL, "it must be refused with EINVAL or EFAULT");
	pool[0].ioctl.err = EFAULT;
	judged(refused_either, STATUS_PASS, NULL);
	pool[0].ioctl.err = EINVAL;
	judged(refused_either, STATUS_PASS, NULL);
	judged(refused, STATUS_FAIL, "was refused with EINVAL");
	pool[0].ioctl.err = 0;
	pool[0].ioctl.ret = 0;
	judged(refused, STATUS_FAIL, "returned 0");
	judged(refused_either, STATUS_FAIL, "returned 0");
}

static void missed(struct judge *j)
{
	judge_miss(j, "a", "rx.used+0x0", EV_PERM_WO);
}

static void missed_somehow(struct judge *j)
{
	judge_miss(j, "a", "rx.used+0x0", EV_PERM_NONE);
}

static void nothing_missed(struct judge *j)
{
	judge_no_miss(j, "a");
}

static void test_misses(void **state)
{
	(void)state;
	judged(missed, STATUS_ERROR, "no message");
	judged(nothing_missed, STATUS_ERROR, "no message");
	/* one that was sent is none that was received */
	saw_message("a", EV_SENT, EV_MISS, "rx.used+0x0", EV_PERM_WO, 0);
	judged(missed, STATUS_ERROR, "no message");
	saw_message("a", EV_RECEIVED, EV_MISS, "rx.used+0x0", EV_PERM_WO, 0);
	judged(missed, STATUS_PASS, NULL);
	judged(missed_somehow, STATUS_PASS, NULL);
	judged(nothing_missed, STATUS_FAIL, "gave miss of rx.used+0x0 (wo)");
	pool[1].iotlb.perm = EV_PERM_RW;
	judged(missed, STATUS_FAIL, "gave miss of rx.used+0x0 (rw)");
	judged(missed_somehow, STATUS_PASS, NULL);
	pool[1].iotlb.iova = "rx.used+0x8";
	judged(missed_somehow, STATUS_FAIL, "it must give a miss of rx.used+0x0");
	pool[1].iotlb.iova = NULL;
	judged(missed_somehow, STATUS_FAIL, "miss of ?");
	pool[1].iotlb = (struct ev_iotlb){ .way = EV_RECEIVED, .err = EAGAIN };
	judged(missed, STATUS_FAIL, "gave no message");
	judged(nothing_missed, STATUS_PASS, NULL);
	/* an error, or nothing at all, is not an empty queue */
	pool[1].iotlb.err = EIO;
	judged(nothing_missed, STATUS_FAIL, "gave EIO");
	pool[1].iotlb.err = 0;
	judged(nothing_missed, STATUS_FAIL, "there must be no message");
}

static void taken(struct judge *j)
{
	judge_message(j, "a");
}

static void not_taken(struct judge *j)
{
	judge_message_errno(j, "a", EFAULT, EINVAL);
}

static void test_messages_that_were_sent(void **state)
{
	(void)state;
	saw_message("a", EV_RECEIVED, EV_UPDATE, "tx.buf+0x0", EV_PERM_RW, 0);
	judged(taken, STATUS_ERROR, "no message");
	judged(not_taken, STATUS_ERROR, "no message");
	saw_message("a", EV_SENT, EV_UPDATE, "tx.buf+0x0", EV_PERM_RW, 0);
	judged(taken, STATUS_PASS, NULL);
	judged(not_taken, STATUS_FAIL, "it must be refused with EFAULT or EINVAL");
	pool[1].iotlb.err = EINVAL;
	judged(taken, STATUS_FAIL, "(update of tx.buf+0x0 (rw)) was refused with EINVAL");
	judged(not_taken, STATUS_PASS, NULL);
	pool[1].iotlb.err = 524;
	judged(taken, STATUS_FAIL, "was refused with an unknown error");
	judged(not_taken, STATUS_FAIL, "was refused with an unknown error");
}

static void moved_10(struct judge *j)
{
	judge_bytes(j, "a", 10);
}

static void test_bytes_arrive_whole_and_unchanged(void **state)
{
	(void)state;
	judged(moved_10, STATUS_FAIL, "no transfer \"a\" came about");
	saw_bytes("a", 10, 10, "0x1", "0x1");
	judged(moved_10, STATUS_PASS, NULL);
	pool[0].bytes.received_digest = "0x2";
	judged(moved_10, STATUS_FAIL, "they are not the bytes that were sent");
	pool[0].bytes.received_digest = NULL;
	judged(moved_10, STATUS_FAIL, "they are not the bytes that were sent");
	pool[0].bytes.sent_digest = NULL; /* two unknowns are not equal */
	judged(moved_10, STATUS_FAIL, "they are not the bytes that were sent");
	pool[0].bytes.received = 9;
	judged(moved_10, STATUS_FAIL, "10 of 10 bytes were sent and 9 received");
	pool[0].bytes = (struct ev_bytes){ EV_TX, 0, 0, "0x1", "0x1" };
	judged(moved_10, STATUS_FAIL, "0 of 10 bytes were sent");
}

static void is_x(struct judge *j)
{
	judge_fact(j, "a", "n", "x");
}

static void twice_x(struct judge *j)
{
	judge_fact_count(j, "n", "x", 2);
}

static void test_facts(void **state)
{
	(void)state;
	judged(is_x, STATUS_FAIL, "n at step \"a\" is missing; it must be x");
	judged(twice_x, STATUS_FAIL, "seen 0 times");
	saw_fact("b", "n", "x");
	saw_fact("a", "m", "x");
	judged(is_x, STATUS_FAIL, "is missing");
	judged(twice_x, STATUS_FAIL, "seen 1 times");
	saw_fact("a", "n", "x");
	judged(is_x, STATUS_PASS, NULL);
	judged(twice_x, STATUS_PASS, NULL);
	saw_fact("c", "n", "x");
	judged(twice_x, STATUS_FAIL, "seen 3 times; it must be seen 2 times");
	pool[0].fact.value = "y";
	judged(twice_x, STATUS_FAIL, "n at step \"b\" is y; it must be x");
	pool[2].fact.value = NULL;
	judged(is_x, STATUS_FAIL, "is missing");
}

static void moved(struct judge *j)
{
	judge_moved(j, "a", 65535, 2);
}

static void test_indices_move_by_just_so_much_and_wrap(void **state)
{
	(void)state;
	judged(moved, STATUS_ERROR, "no ring");
	saw((struct ev){
		.kind = EV_RING,
		.step = "a",
		.ring = { .queue = "tx", .used = opt_int(1), .base = opt_int(1) } });
	judged(moved, STATUS_PASS, NULL);
	pool[0].ring.base = opt_int(2);
	judged(moved, STATUS_FAIL, "the device's own index is 2; it must be 1");
	pool[0].ring.base = (struct opt_int){ 0 };
	judged(moved, STATUS_FAIL, "the device's own index");
	pool[0].ring.used = opt_int(65537); /* no index */
	judged(moved, STATUS_FAIL, "used index");
	pool[0].ring.used = (struct opt_int){ .set = false, .v = 1 };
	judged(moved, STATUS_FAIL, "used index");
}

static void one_error(struct judge *j)
{
	judge_errors(j, "a", 1);
}

static void no_error(struct judge *j)
{
	judge_errors(j, "a", 0);
}

static void called(struct judge *j)
{
	judge_called(j, "a");
}

static void test_eventfds(void **state)
{
	(void)state;
	judged(one_error, STATUS_ERROR, "no eventfd");
	judged(no_error, STATUS_ERROR, "no eventfd");
	judged(called, STATUS_ERROR, "no eventfd");
	saw((struct ev){ .kind = EV_EVENTFD, .step = "a", .eventfd = { .queue = "tx" } });
	/* unknown is never zero */
	judged(no_error, STATUS_FAIL, "error eventfd of tx");
	judged(one_error, STATUS_FAIL, "it must count 1");
	judged(called, STATUS_FAIL, "was not signalled");
	pool[0].eventfd.err = opt_int(0);
	pool[0].eventfd.call = opt_int(0);
	judged(no_error, STATUS_PASS, NULL);
	judged(called, STATUS_FAIL, "was not signalled");
	pool[0].eventfd.err = opt_int(1);
	pool[0].eventfd.call = opt_int(5);
	judged(one_error, STATUS_PASS, NULL);
	judged(no_error, STATUS_FAIL, "counted 1");
	judged(called, STATUS_PASS, NULL);
}

static void skips_after(struct judge *j)
{
	judge_ok(j, "a");
	judge_skip(j, REASON_NOT_OFFERED, "no such thing here");
	judge_that(j, false, "never reached");
}

static void test_a_skip_is_final_but_no_way_out_of_a_failure(void **state)
{
	(void)state;
	saw_call("a", 0);
	judged(skips_after, STATUS_SKIP, "no such thing here");
	pool[0].ioctl.err = EIO;
	judged(skips_after, STATUS_FAIL, "EIO");
}

static void test_evidence_is_found_in_its_order(void **state)
{
	const struct ev *ev = NULL;

	(void)state;
	saw_fact("a", "n", "1");
	saw_call("a", 0);
	saw_fact("b", "n", "2");
	saw_fact("a", "n", "3");
	assert_ptr_equal(ev_find(&evidence, EV_FACT, "a"), &pool[0]);
	assert_ptr_equal(ev_find(&evidence, EV_IOCTL, "a"), &pool[1]);
	assert_null(ev_find(&evidence, EV_IOCTL, "b"));
	assert_null(ev_find(&evidence, EV_FACT, ""));
	ev = ev_find_next(&evidence, NULL, EV_FACT, NULL);
	assert_ptr_equal(ev, &pool[0]);
	ev = ev_find_next(&evidence, ev, EV_FACT, NULL);
	assert_ptr_equal(ev, &pool[2]);
	ev = ev_find_next(&evidence, ev, EV_FACT, NULL);
	assert_ptr_equal(ev, &pool[3]);
	assert_null(ev_find_next(&evidence, ev, EV_FACT, NULL));
	assert_ptr_equal(ev_find_next(&evidence, &pool[0], EV_FACT, "a"), &pool[3]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, empty, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_judge_that_expects_nothing_has_not_passed),
		TEST(test_the_first_expectation_that_does_not_hold_decides),
		TEST(test_errnos_must_be_the_ones_of_the_contract),
		TEST(test_no_judge_passes_where_a_ring_ended_wrongly),
		TEST(test_misses),
		TEST(test_messages_that_were_sent),
		TEST(test_bytes_arrive_whole_and_unchanged),
		TEST(test_facts),
		TEST(test_indices_move_by_just_so_much_and_wrap),
		TEST(test_eventfds),
		TEST(test_a_skip_is_final_but_no_way_out_of_a_failure),
		TEST(test_evidence_is_found_in_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
