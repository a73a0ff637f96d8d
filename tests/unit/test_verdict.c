/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/judge.h"
#include "run/verdict.h"

#define NODE "/dev/vhost-vsock"
#define TIMEOUT_MS 30000u

/** struct fixture - an outcome, and the observations that it points to */
struct fixture {
	struct arena arena;
	struct outcome o;
	struct check check;
};

static void passes(struct judge *j)
{
	judge_that(j, true, "never");
}

static void fails(struct judge *j)
{
	judge_that(j, false, "the contract is broken");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->o.step = "start";
	f->o.call = "VHOST_VSOCK_SET_RUNNING";
	f->check.judge = passes;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	free(f);
	return 0;
}

static void saw(struct fixture *f, struct ev ev)
{
	struct ev *copy = rec_list_new(&f->arena, &f->o.evidence.ev, sizeof(*copy));

	assert_non_null(copy);
	*copy = ev;
}

static void saw_call(struct fixture *f, const char *step, int err)
{
	saw(f, (struct ev){ .kind = EV_IOCTL,
			    .step = step,
			    .ioctl = { .name = step, .ret = err ? -1 : 0, .err = err } });
}

static void forget(struct fixture *f)
{
	f->o.evidence = (struct evidence){ 0 };
}

static void is(struct fixture *f, int status, int code, const char *text)
{
	struct verdict v = verdict_of(&f->arena, &f->check, NODE, TIMEOUT_MS, &f->o);

	if (v.status != status)
		fail_msg("%s (%s), not %s", status_names[v.status],
			 v.text ? v.text : "no text", status_names[status]);
	if (status == STATUS_PASS)
		return;
	assert_string_equal(reason_names[v.code], reason_names[code]);
	if (!strstr(v.text, text))
		fail_msg("no '%s' in: %s", text, v.text);
}

static void test_a_child_that_finished_is_judged(void **state)
{
	struct fixture *f = *state;

	f->o.end = TASK_FINISHED;
	is(f, STATUS_PASS, 0, "");
	f->check.judge = fails;
	is(f, STATUS_FAIL, REASON_CONTRACT, "the contract is broken");
}

static void test_any_other_end_decides_before_a_judge(void **state)
{
	static const struct row {
		enum task_end end;
		int number, status, code;
		const char *text;
	} rows[] = {
		{ TASK_HARNESS, 1, STATUS_ERROR, REASON_INTERNAL,
		  "could not set itself up" },
		{ TASK_SIGNALLED, SIGSEGV, STATUS_CRASH, REASON_CRASHED,
		  "died of Segmentation fault in VHOST_VSOCK_SET_RUNNING at step \"start\"" },
		{ TASK_SIGNALLED, SIGKILL, STATUS_CRASH, REASON_CRASHED,
		  "died of Killed" },
		{ TASK_DEADLINE, 0, STATUS_TIMEOUT, REASON_DEADLINE,
		  "not finished after 30 s: VHOST_VSOCK_SET_RUNNING at step \"start\"" },
		{ TASK_ABANDONED, 0, STATUS_TIMEOUT, REASON_DEADLINE,
		  "cannot be killed: VHOST_VSOCK_SET_RUNNING at step \"start\", asleep in the "
		  "kernel" },
		{ TASK_GARBLED, 0, STATUS_ERROR, REASON_INTERNAL,
		  "cannot be used: noise" },
		{ TASK_INTERRUPTED, SIGTERM, STATUS_BLOCKED, REASON_NOT_SELECTED,
		  "was stopped" },
	};
	struct fixture *f = *state;

	f->o.garbled = "noise";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->o.end = (int)rows[i].end;
		f->o.number = rows[i].number;
		is(f, rows[i].status, rows[i].code, rows[i].text);
	}
}

static void test_where_a_child_hung_is_told(void **state)
{
	struct fixture *f = *state;

	f->o.where = "vhost_dev_flush";
	f->o.end = TASK_DEADLINE;
	is(f, STATUS_TIMEOUT, REASON_DEADLINE,
	   "step \"start\", asleep in vhost_dev_flush");
	f->o.end = TASK_ABANDONED;
	is(f, STATUS_TIMEOUT, REASON_DEADLINE,
	   "asleep in vhost_dev_flush; the process is");
	f->o.step = "";
	is(f, STATUS_TIMEOUT, REASON_DEADLINE, "cannot be killed: its first step");
}

static void test_a_device_that_cannot_be_opened_is_not_judged(void **state)
{
	static const struct row {
		int err, status, code;
		const char *text;
	} rows[] = {
		{ EACCES, STATUS_BLOCKED, REASON_DENIED, NODE " cannot be opened" },
		{ EPERM, STATUS_BLOCKED, REASON_DENIED, "run as root" },
		{ EBUSY, STATUS_BLOCKED, REASON_BUSY, NODE " is in use" },
		{ ENOENT, STATUS_SKIP, REASON_NO_DEVICE, NODE " is gone" },
		{ ENODEV, STATUS_SKIP, REASON_NO_MODULE, "no driver behind it" },
		{ ENXIO, STATUS_SKIP, REASON_NO_MODULE, "no driver behind it" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		forget(f);
		saw_call(f, "open", rows[i].err);
		f->o.gave_up = rows[i].err;
		is(f, rows[i].status, rows[i].code, rows[i].text);
	}
	/* what the device itself says is for the judge */
	forget(f);
	saw_call(f, "open", EIO);
	f->o.gave_up = EIO;
	f->check.judge = fails;
	is(f, STATUS_FAIL, REASON_CONTRACT, "");
	/* the same errno at another step is the device's answer */
	forget(f);
	saw_call(f, "open", 0);
	saw_call(f, "setup.owner", EBUSY);
	is(f, STATUS_FAIL, REASON_CONTRACT, "");
}

static void test_a_missing_peer_blocks(void **state)
{
	struct fixture *f = *state;

	saw(f, (struct ev){ .kind = EV_FACT,
			    .step = "peer",
			    .fact = { "socket", "EAFNOSUPPORT" } });
	f->o.gave_up = EAFNOSUPPORT;
	is(f, STATUS_BLOCKED, REASON_PEER_MISSING, "EAFNOSUPPORT");
	f->check.judge = fails;
	is(f, STATUS_BLOCKED, REASON_PEER_MISSING, "EAFNOSUPPORT");
}

static void test_no_free_cid_blocks_only_if_the_last_try_failed(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 16; i++)
		saw_call(f, "setup.cid", EADDRINUSE);
	f->o.gave_up = EADDRINUSE;
	is(f, STATUS_BLOCKED, REASON_BUSY, "no free CID");
	forget(f);
	f->o.gave_up = 0;
	saw_call(f, "setup.cid", EADDRINUSE);
	saw_call(f, "setup.cid", 0);
	is(f, STATUS_PASS, 0, "");
	/* CIDs that a check sets as its subject are the judge's */
	forget(f);
	saw_call(f, "second", EADDRINUSE);
	is(f, STATUS_PASS, 0, "");
}

static void test_a_pass_of_a_collector_that_gave_up_is_none(void **state)
{
	struct fixture *f = *state;

	f->o.gave_up = EPROTO;
	is(f, STATUS_ERROR, REASON_INTERNAL, "gave up with EPROTO");
	f->o.gave_up = ETIME;
	is(f, STATUS_ERROR, REASON_INTERNAL, "gave up with ETIME");
	/* but what it saw up to there can break the contract */
	f->o.gave_up = EPROTO;
	f->check.judge = fails;
	is(f, STATUS_FAIL, REASON_CONTRACT, "the contract is broken");
}

static void test_a_wait_in_vain_is_a_timeout_with_what_it_broke(void **state)
{
	struct fixture *f = *state;

	f->check.judge = fails;
	f->o.gave_up = ETIME;
	is(f, STATUS_TIMEOUT, REASON_DEADLINE,
	   "in vain until the deadline: the contract is");
}

static void test_the_part_without_a_judge_decides_nothing_more(void **state)
{
	struct fixture *f = *state;
	struct verdict v = { STATUS_PASS, 0, "untouched" };

	f->o.gave_up = EPROTO;
	assert_false(verdict_of_end(&f->arena, NODE, TIMEOUT_MS, &f->o, &v));
	assert_string_equal(v.text, "untouched");
	f->o.end = TASK_HARNESS;
	assert_true(verdict_of_end(&f->arena, NODE, TIMEOUT_MS, &f->o, &v));
	assert_int_equal(v.status, STATUS_ERROR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_child_that_finished_is_judged),
		TEST(test_any_other_end_decides_before_a_judge),
		TEST(test_where_a_child_hung_is_told),
		TEST(test_a_device_that_cannot_be_opened_is_not_judged),
		TEST(test_a_missing_peer_blocks),
		TEST(test_no_free_cid_blocks_only_if_the_last_try_failed),
		TEST(test_a_pass_of_a_collector_that_gave_up_is_none),
		TEST(test_a_wait_in_vain_is_a_timeout_with_what_it_broke),
		TEST(test_the_part_without_a_judge_decides_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
