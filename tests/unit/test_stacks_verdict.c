/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stacks/library.h"
#include "stacks/verdict.h"

#define FULL 16384

struct fixture {
	struct arena arena;
	struct evidence e;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	free(f);
	return 0;
}

/* ------------------------------------------------------- hand-made evidence */

static struct ev *add(struct fixture *f, enum ev_kind kind, const char *step)
{
	struct ev *ev = rec_list_new(&f->arena, &f->e.ev, sizeof(*ev));

	assert_non_null(ev);
	ev->kind = (int)kind;
	ev->step = step;
	return ev;
}

static void call(struct fixture *f, const char *step, const char *name, int err)
{
	struct ev *ev = add(f, EV_IOCTL, step);

	ev->ioctl.name = name;
	ev->ioctl.arg = "0x1";
	ev->ioctl.ret = err ? -1 : 0;
	ev->ioctl.err = err;
}

static void message(struct fixture *f, const char *step, int msg, const char *iova)
{
	struct ev *ev = add(f, EV_IOTLB, step);

	ev->iotlb.way = EV_RECEIVED;
	ev->iotlb.msg = msg;
	ev->iotlb.iova = iova;
	ev->iotlb.err = msg == EV_NO_MSG ? EAGAIN : 0;
}

static void mapped(struct fixture *f, const char *step, const char *iova,
		   enum ev_perm perm)
{
	struct ev *ev = add(f, EV_IOTLB, step);

	ev->iotlb.way = EV_SENT;
	ev->iotlb.msg = EV_UPDATE;
	ev->iotlb.iova = iova;
	ev->iotlb.perm = (int)perm;
}

static void fact(struct fixture *f, const char *step, const char *name, const char *value)
{
	struct ev *ev = add(f, EV_FACT, step);

	ev->fact.name = name;
	ev->fact.value = value;
}

static void errors(struct fixture *f, const char *step, int64_t n)
{
	struct ev *ev = add(f, EV_EVENTFD, step);

	ev->eventfd.queue = "tx";
	ev->eventfd.err = opt_int(n);
}

static void bytes(struct fixture *f, enum ev_dir dir, int64_t received,
		  const char *digest)
{
	struct ev *ev = add(f, EV_BYTES, dir == EV_TX ? "tx" : "rx");

	ev->bytes.dir = (int)dir;
	ev->bytes.sent = FULL;
	ev->bytes.received = received;
	ev->bytes.sent_digest = "0x01";
	ev->bytes.received_digest = digest;
}

static void features(struct fixture *f, const char *iotlb)
{
	call(f, "setup.features", "VHOST_SET_FEATURES", 0);
	fact(f, "setup.features", "iotlb", iotlb);
}

static void opened(struct fixture *f, const char *iotlb)
{
	call(f, "open", "open", 0);
	call(f, "setup.owner", "VHOST_SET_OWNER", 0);
	features(f, iotlb);
}

static void started(struct fixture *f, int err)
{
	call(f, "start", "VHOST_VSOCK_SET_RUNNING", err);
}

static void moved(struct fixture *f)
{
	bytes(f, EV_TX, FULL, "0x01");
	bytes(f, EV_RX, FULL, "0x01");
	fact(f, "transfer", "result", "ok");
}

static struct stack_result judged(struct fixture *f)
{
	struct stack_result r;

	stack_judge(&f->arena, &f->e, &r);
	if (r.verdict == STACK_WORKS) {
		assert_null(r.reason);
		assert_null(r.signature);
	} else {
		assert_non_null(r.reason);
	}
	return r;
}

static void assert_judged(struct fixture *f, enum stack_verdict verdict,
			  const char *signature, const char *says)
{
	struct stack_result r = judged(f);

	assert_string_equal(stack_verdict_names[r.verdict], stack_verdict_names[verdict]);
	assert_string_equal(r.signature ? r.signature : "none", signature);
	if (!strstr(r.reason, says))
		fail_msg("\"%s\" does not say \"%s\"", r.reason, says);
}

/* ----------------------------------------------------------------- works */

static void test_bytes_both_ways_work(void **state)
{
	struct fixture *f = *state;
	struct stack_result r;

	opened(f, "off");
	started(f, 0);
	moved(f);
	r = judged(f);
	assert_int_equal(r.verdict, STACK_WORKS);
	assert_int_equal(r.tx_bytes, FULL);
	assert_int_equal(r.rx_bytes, FULL);
}

static void test_a_device_without_the_calls_of_later_ones_works(void **state)
{
	struct fixture *f = *state;

	opened(f, "off");
	call(f, "setup.backend_offered", "VHOST_GET_BACKEND_FEATURES", ENOTTY);
	call(f, "setup.fork_from_owner", "VHOST_SET_FORK_FROM_OWNER", EPERM);
	started(f, 0);
	moved(f);
	assert_int_equal(judged(f).verdict, STACK_WORKS);
}

static void test_a_cid_that_was_taken_at_first_works(void **state)
{
	struct fixture *f = *state;

	opened(f, "off");
	call(f, "setup.cid.taken", "VHOST_VSOCK_SET_GUEST_CID", EADDRINUSE);
	call(f, "setup.cid", "VHOST_VSOCK_SET_GUEST_CID", 0);
	started(f, 0);
	moved(f);
	assert_int_equal(judged(f).verdict, STACK_WORKS);
}

static void test_nothing_works_on_part_of_the_evidence(void **state)
{
	struct fixture *f = *state;
	size_t all = 0;

	opened(f, "on");
	mapped(f, "setup.map", "rx.used+0x0", EV_PERM_RW);
	started(f, 0);
	moved(f);
	fact(f, "pace", "rate_below_1_in_50", "no");
	all = f->e.ev.count;
	assert_int_equal(judged(f).verdict, STACK_WORKS);
	for (size_t n = 0; n < all; n++) {
		f->e.ev.count = n;
		assert_int_equal(judged(f).verdict, STACK_UNKNOWN);
	}
}

static void test_without_a_direction_nothing_works(void **state)
{
	struct fixture *f = *state;

	opened(f, "off");
	started(f, 0);
	bytes(f, EV_TX, FULL, "0x01");
	fact(f, "transfer", "result", "ok");
	assert_judged(f, STACK_UNKNOWN, "none", "host to guest");
}

/* --------------------------------------------------------- what goes wrong */

static void test_a_used_ring_that_nobody_mapped_fails_the_start(void **state)
{
	struct fixture *f = *state;

	opened(f, "on");
	started(f, EFAULT);
	message(f, "start.miss", EV_MISS, "hva:rx.used+0x0");
	message(f, "start.miss", EV_NO_MSG, NULL);
	assert_judged(f, STACK_FAILS_START, "used_ring_unmapped_at_start",
		      "mapped no used ring. Mask bit 33");
}

static void test_a_used_ring_mapped_elsewhere_fails_the_start(void **state)
{
	struct fixture *f = *state;

	opened(f, "on");
	mapped(f, "setup.map", "tx.used+0x0", EV_PERM_RW);
	started(f, EFAULT);
	message(f, "start.miss", EV_MISS, "rx.used+0x0");
	assert_judged(f, STACK_FAILS_START, "used_ring_unmapped_at_start",
		      "does not cover the used ring (rx.used+0x0)");
}

static void test_wiped_addresses_fail_the_start(void **state)
{
	struct fixture *f = *state;

	call(f, "open", "open", 0);
	call(f, "setup.rx.addr", "VHOST_SET_VRING_ADDR", 0);
	features(f, "on");
	started(f, EFAULT);
	message(f, "start.miss", EV_MISS, "0x0");
	assert_judged(f, STACK_FAILS_START, "ring_addresses_wiped",
		      "VHOST_SET_VRING_ADDR");
	f->e.ev.count = 0;
	opened(f, "on");
	call(f, "setup.rx.addr", "VHOST_SET_VRING_ADDR", 0);
	started(f, EFAULT);
	message(f, "start.miss", EV_MISS, "0x0");
	assert_judged(f, STACK_FAILS_START, "miss_unanswered", "no translation of 0x0");
}

static void
test_a_start_refused_without_a_miss_is_about_permission_or_memory(void **state)
{
	struct fixture *f = *state;

	opened(f, "on");
	mapped(f, "setup.map", "rx.used+0x0", EV_PERM_WO);
	started(f, EFAULT);
	message(f, "start.miss", EV_NO_MSG, NULL);
	assert_judged(f, STACK_FAILS_START, "ring_permission", "not read-write");
	f->e.ev.count = 0;
	opened(f, "off");
	started(f, EFAULT);
	assert_judged(f, STACK_FAILS_START, "ring_unreachable", "memory table");
	f->e.ev.count = 0;
	opened(f, "off");
	started(f, EPERM);
	assert_judged(f, STACK_FAILS_START, "start_refused", "EPERM");
}

static void test_a_refused_setup_call_fails_the_start(void **state)
{
	struct fixture *f = *state;

	opened(f, "off");
	call(f, "setup.rx.addr", "VHOST_SET_VRING_ADDR", EINVAL);
	assert_judged(f, STACK_FAILS_START, "setup_refused",
		      "VHOST_SET_VRING_ADDR (0x1) was refused with EINVAL");
}

static void test_refused_features_are_refused(void **state)
{
	struct fixture *f = *state;

	call(f, "open", "open", 0);
	call(f, "setup.features", "VHOST_SET_FEATURES", EOPNOTSUPP);
	assert_judged(f, STACK_REFUSED, "features_refused", "EOPNOTSUPP");
}

static void stalled(struct fixture *f, const char *iova, int64_t errors_seen)
{
	message(f, "stall", iova ? EV_MISS : EV_NO_MSG, iova);
	errors(f, "stall", errors_seen);
	fact(f, "transfer", "result", "ENODATA");
}

static void test_a_miss_that_nobody_answers_stalls(void **state)
{
	struct fixture *f = *state;

	opened(f, "on");
	started(f, 0);
	stalled(f, "tx.desc+0x0", 0);
	assert_judged(f, STACK_STALLS, "miss_unanswered", "tx.desc+0x0");
}

static void test_a_miss_that_no_trace_has_shown_is_unknown(void **state)
{
	struct fixture *f = *state;

	opened(f, "on");
	fact(f, "setup.features", "misses", "unobserved");
	started(f, 0);
	stalled(f, "tx.desc+0x0", 0);
	assert_judged(f, STACK_UNKNOWN, "none", "sends a packet");
	/* what stalls without one does so whatever the VMM does */
	f->e.ev.count = 0;
	opened(f, "on");
	fact(f, "setup.features", "misses", "unobserved");
	started(f, 0);
	stalled(f, NULL, 0);
	assert_judged(f, STACK_STALLS, "stalled_silently", "ring");
}

static void test_features_after_the_start_stall(void **state)
{
	struct fixture *f = *state;

	call(f, "open", "open", 0);
	started(f, 0);
	features(f, "on");
	stalled(f, "hva:rx.desc+0x0", 0);
	assert_judged(f, STACK_STALLS, "miss_unanswered", "after the start");
	f->e.ev.count = 0;
	call(f, "open", "open", 0);
	started(f, 0);
	features(f, "on");
	stalled(f, NULL, 0);
	assert_judged(f, STACK_STALLS, "ring_addresses_wiped", "wiped");
}

static void test_stalls_without_a_miss_are_told_by_the_counters(void **state)
{
	struct fixture *f = *state;

	opened(f, "on");
	mapped(f, "setup.map", "rx.used+0x0", EV_PERM_RO);
	started(f, 0);
	stalled(f, NULL, 0);
	assert_judged(f, STACK_STALLS, "ring_permission", "Map rings read-write");
	f->e.ev.count = 0;
	opened(f, "on");
	mapped(f, "setup.map", "rx.used+0x0", EV_PERM_RW);
	started(f, 0);
	stalled(f, NULL, 1);
	assert_judged(f, STACK_STALLS, "descriptor_refused", "ring tx");
	f->e.ev.count = 0;
	opened(f, "off");
	started(f, 0);
	stalled(f, NULL, 0);
	assert_judged(f, STACK_STALLS, "stalled_silently", "ring tx");
}

static void sent_for(struct fixture *f, const char *sent, const char *acked)
{
	call(f, "open", "open", 0);
	fact(f, "setup.features", "acked", acked);
	call(f, "setup.features", "VHOST_SET_FEATURES", 0);
	((struct ev *)f->e.ev.item[f->e.ev.count - 1])->ioctl.arg = sent;
	fact(f, "setup.features", "iotlb", "off");
	started(f, 0);
}

static void test_an_order_that_the_guest_does_not_keep_is_named(void **state)
{
	static const struct {
		const char *sent, *acked;
		int64_t errors_seen;
		const char *signature;
	} rows[] = {
		{ "0x10935008000", "0x10130008000", 1, "in_order_unacked" },
		{ "0x10935008000", "0x10130008000", 0, "stalled_silently" },
		{ "2: 0x10935008000 0xa", "0x10130008000", 1, "in_order_unacked" },
		{ "0x910008000", "0x910008000", 1, "descriptor_refused" },
		{ "0x110008000", "0x910008000", 1, "descriptor_refused" },
		{ "0x10135008000", "0x10130008000", 1, "descriptor_refused" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->e.ev.count = 0;
		sent_for(f, rows[i].sent, rows[i].acked);
		stalled(f, NULL, rows[i].errors_seen);
		assert_judged(f, STACK_STALLS, rows[i].signature, "");
	}
	f->e.ev.count = 0;
	sent_for(f, "0x900000000", "0x100000000");
	fact(f, "transfer", "result", "EPROTO");
	assert_judged(f, STACK_STALLS, "in_order_unacked", "bit 35");
	f->e.ev.count = 0;
	sent_for(f, "0x900000000", "0x100000000");
	fact(f, "transfer", "result", "ETIME");
	assert_judged(f, STACK_STALLS, "peer_silent", "");
}

static void test_a_transfer_that_breaks_off_is_named(void **state)
{
	static const struct {
		const char *result;
		enum stack_verdict verdict;
		const char *signature;
	} rows[] = {
		{ "ETIME", STACK_STALLS, "peer_silent" },
		{ "ECONNREFUSED", STACK_STALLS, "connection_reset" },
		{ "EPROTO", STACK_STALLS, "transfer_failed" },
		{ "EPIPE", STACK_UNKNOWN, "none" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->e.ev.count = 0;
		opened(f, "off");
		started(f, 0);
		bytes(f, EV_TX, 4096, "0x02");
		fact(f, "transfer", "result", rows[i].result);
		assert_judged(f, rows[i].verdict, rows[i].signature, "");
		assert_int_equal(judged(f).tx_bytes, 4096);
		assert_int_equal(judged(f).rx_bytes, 0);
	}
}

static void test_bytes_that_are_not_those_sent_do_not_work(void **state)
{
	struct fixture *f = *state;

	opened(f, "off");
	started(f, 0);
	bytes(f, EV_TX, FULL, "0x01");
	bytes(f, EV_RX, FULL, "0x02");
	fact(f, "transfer", "result", "ok");
	assert_judged(f, STACK_DEGRADED, "payload_corrupted", "host to guest");
	f->e.ev.count = 0;
	opened(f, "off");
	started(f, 0);
	bytes(f, EV_TX, FULL - 1, "0x01");
	fact(f, "transfer", "result", "ok");
	assert_judged(f, STACK_DEGRADED, "payload_lost", "16383 arrived");
	f->e.ev.count = 0;
	opened(f, "off");
	started(f, 0);
	bytes(f, EV_TX, 0, "0x01");
	fact(f, "transfer", "result", "ok");
	assert_judged(f, STACK_STALLS, "payload_lost", "none arrived");
	f->e.ev.count = 0;
	opened(f, "off");
	started(f, 0);
	bytes(f, EV_TX, FULL, NULL);
	fact(f, "transfer", "result", "ok");
	assert_judged(f, STACK_DEGRADED, "payload_corrupted", "guest to host");
}

static void test_a_slow_iotlb_degrades(void **state)
{
	struct fixture *f = *state;

	opened(f, "on");
	started(f, 0);
	moved(f);
	fact(f, "pace", "rate_below_1_in_50", "yes");
	assert_judged(f, STACK_DEGRADED, "iotlb_slow", "1/50");
	f->e.ev.count--;
	fact(f, "pace", "rate_below_1_in_50", "unknown");
	assert_int_equal(judged(f).verdict, STACK_WORKS);
}

static void test_what_could_not_be_asked_has_its_reason(void **state)
{
	static const struct {
		int err;
		enum stack_verdict verdict;
		enum reason_code code;
	} rows[] = {
		{ ENOENT, STACK_NOT_APPLICABLE, REASON_NO_DEVICE },
		{ ENODEV, STACK_NOT_APPLICABLE, REASON_NO_DEVICE },
		{ EACCES, STACK_UNKNOWN, REASON_DENIED },
		{ EBUSY, STACK_UNKNOWN, REASON_BUSY },
		{ EMFILE, STACK_UNKNOWN, REASON_INTERNAL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->e.ev.count = 0;
		call(f, "open", "open", rows[i].err);
		assert_int_equal(judged(f).verdict, rows[i].verdict);
		assert_int_equal(judged(f).code, rows[i].code);
	}
	f->e.ev.count = 0;
	fact(f, "peer", "start", "EAFNOSUPPORT");
	assert_int_equal(judged(f).code, REASON_PEER_MISSING);
	f->e.ev.count = 0;
	opened(f, "off");
	call(f, "setup.cid", "VHOST_VSOCK_SET_GUEST_CID", EADDRINUSE);
	assert_int_equal(judged(f).verdict, STACK_UNKNOWN);
	assert_int_equal(judged(f).code, REASON_BUSY);
}

static void test_what_no_trace_has_shown_is_unknown_where_all_else_works(void **state)
{
	struct fixture *f = *state;

	opened(f, "off");
	fact(f, "setup.features", "unobserved", "0x200000002");
	started(f, 0);
	moved(f);
	assert_judged(f, STACK_UNKNOWN, "none", "--what-if 1,33 ");
}

static void test_what_fails_fails_whatever_else_was_not_shown(void **state)
{
	struct fixture *f = *state;

	opened(f, "off");
	fact(f, "setup.features", "unobserved", "0x2");
	started(f, ENODEV);
	assert_judged(f, STACK_FAILS_START, "start_refused", "ENODEV");
}

static void test_a_policy_applies_to_the_devices_that_it_drives(void **state)
{
	struct fixture *f = *state;
	struct stack_result r = { .verdict = STACK_WORKS };
	struct written_error err = { 0 };
	struct rec_list library = { 0 };

	assert_int_equal(stack_library(&f->arena, &library, &err), 0);
	assert_false(stack_not_applicable(&f->arena, stack_find(&library, "qemu"),
					  FAMILY_VSOCK, &r));
	assert_int_equal(r.verdict, STACK_WORKS);
	assert_true(stack_not_applicable(&f->arena, stack_find(&library, "qemu"),
					 FAMILY_SCSI, &r));
	assert_int_equal(r.verdict, STACK_NOT_APPLICABLE);
	assert_string_equal(r.reason,
			    "the policy does not drive scsi: it is for net, vsock");
	assert_true(stack_not_applicable(&f->arena, stack_find(&library, "qemu-vdpa"),
					 FAMILY_SCSI, &r));
	assert_non_null(strstr(r.reason, "--create vdpa"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_both_ways_work, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_device_without_the_calls_of_later_ones_works, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_a_cid_that_was_taken_at_first_works,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_nothing_works_on_part_of_the_evidence, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_a_direction_nothing_works,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_used_ring_that_nobody_mapped_fails_the_start, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_used_ring_mapped_elsewhere_fails_the_start, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_wiped_addresses_fail_the_start,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_start_refused_without_a_miss_is_about_permission_or_memory,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_refused_setup_call_fails_the_start,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_features_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_miss_that_nobody_answers_stalls,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_features_after_the_start_stall,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_stalls_without_a_miss_are_told_by_the_counters, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_an_order_that_the_guest_does_not_keep_is_named, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_a_transfer_that_breaks_off_is_named,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_bytes_that_are_not_those_sent_do_not_work, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_a_slow_iotlb_degrades, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_could_not_be_asked_has_its_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_miss_that_no_trace_has_shown_is_unknown, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_no_trace_has_shown_is_unknown_where_all_else_works,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_fails_fails_whatever_else_was_not_shown, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_policy_applies_to_the_devices_that_it_drives, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
