/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trace/judge.h"

#define VSOCK UINT64_C(0x33d000002)
#define PLAIN UINT64_C(0x120000000)
#define WITH_33 UINT64_C(0x320000000)

#define USED(ring) (UINT64_C(0x3000) + (ring)*UINT64_C(0x10000))

/** struct dialogue - a device and how many calls were made */
struct dialogue {
	struct trace_state s;
	unsigned int seq;
};

static int set_up(void **state)
{
	static struct dialogue d;

	d.seq = 0;
	trace_state_init(&d.s, FAMILY_VSOCK);
	*state = &d;
	return 0;
}

static int tear_down(void **state)
{
	struct dialogue *d = *state;

	trace_state_done(&d->s);
	return 0;
}

static int call(struct dialogue *d, struct trace_op op, unsigned long cmd, int err)
{
	const struct trace_end end = {
		.pid = 1, .seq = ++d->seq, .ret = err ? -1 : 0, .err = err
	};
	int r = 0;

	op.cmd = (uint32_t)cmd;
	op.request = trace_request_find(op.cmd);
	assert_non_null(op.request);
	op.arg = op.request->arg;
	r = trace_state_call(&d->s, &op, &end);
	assert_in_range(r, 0, 2);
	return r;
}

static void owner(struct dialogue *d)
{
	(void)call(d, (struct trace_op){ 0 }, VHOST_SET_OWNER, 0);
}

static void offer(struct dialogue *d, uint64_t bits)
{
	(void)call(d, (struct trace_op){ .features = { { bits } } }, VHOST_GET_FEATURES,
		   0);
}

static int send_features(struct dialogue *d, uint64_t bits, int err)
{
	return call(d, (struct trace_op){ .features = { { bits } } }, VHOST_SET_FEATURES,
		    err);
}

static void rings(struct dialogue *d)
{
	for (uint32_t i = 0; i < 2; i++) {
		(void)call(d, (struct trace_op){ .index = i, .num = 64 },
			   VHOST_SET_VRING_NUM, 0);
		(void)call(d,
			   (struct trace_op){ .index = i,
					      .desc = 0x1000 + i * 0x10000u,
					      .avail = 0x2000 + i * 0x10000u,
					      .used = USED(i) },
			   VHOST_SET_VRING_ADDR, 0);
	}
}

static int run(struct dialogue *d, int err)
{
	return call(d, (struct trace_op){ .number = 1 }, VHOST_VSOCK_SET_RUNNING, err);
}

static void message(struct dialogue *d, uint8_t type, uint64_t iova, uint64_t size,
		    uint8_t perm)
{
	const struct trace_message m = {
		.version = 2, .type = type, .iova = iova, .size = size, .perm = perm
	};

	assert_int_equal(trace_state_message(&d->s, &m, type != VHOST_IOTLB_MISS, 0), 0);
}

static void map(struct dialogue *d, uint64_t iova, uint64_t size, uint8_t perm)
{
	message(d, VHOST_IOTLB_UPDATE, iova, size, perm);
}

static void verdict(struct dialogue *d, enum stack_verdict verdict, const char *signature)
{
	struct trace_ruling r;

	trace_judge_device(&d->s, &r);
	assert_int_equal(r.verdict, verdict);
	if (signature)
		assert_string_equal(r.signature, signature);
	else
		assert_null(r.signature);
	assert_true(strlen(r.text) > 40);
	/* whole: it ends in a full stop, and nothing was cut off */
	assert_true(strlen(r.text) < sizeof(r.text) - 1);
	assert_int_equal(r.text[strlen(r.text) - 1], '.');
}

static size_t notes(struct dialogue *d)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list list = { 0 };

	assert_int_equal(trace_judge_notes(&a, &d->s, &list), 0);
	return list.count;
}

/* ------------------------------------------------------------------- tests */

static void test_no_order_is_expected_of_the_start_of_2022(void **state)
{
	struct dialogue *d = *state;

	/* crosvm's */
	owner(d);
	offer(d, VSOCK);
	assert_int_equal(send_features(d, WITH_33, 0), 0);
	rings(d);
	assert_int_equal(run(d, EFAULT), 1);
	verdict(d, STACK_FAILS_START, "used_ring_unmapped_at_start");
	/* and features last before the start, with the owner between */
	assert_int_equal(tear_down(state), 0);
	assert_int_equal(set_up(state), 0);
	offer(d, VSOCK);
	rings(d);
	owner(d);
	assert_int_equal(send_features(d, WITH_33, 0), 0);
	assert_int_equal(run(d, EFAULT), 1);
	verdict(d, STACK_FAILS_START, "used_ring_unmapped_at_start");
}

static void test_the_last_features_count(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	rings(d);
	(void)send_features(d, PLAIN, 0);
	(void)send_features(d, WITH_33, 0);
	(void)run(d, EFAULT);
	verdict(d, STACK_FAILS_START, "used_ring_unmapped_at_start");
	/* a VMM that gives in and starts without it: only new kernels let it */
	(void)send_features(d, PLAIN, 0);
	(void)run(d, EFAULT);
	verdict(d, STACK_FAILS_START, "used_ring_unmapped_at_start");
	assert_non_null(strstr(d->s.start.text, "does not switch"));
	(void)run(d, 0);
	verdict(d, STACK_WORKS, NULL);
}

static void test_every_used_ring_must_be_mapped(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	(void)send_features(d, WITH_33, 0);
	rings(d);
	map(d, USED(0), 0x1000, VHOST_ACCESS_RW);
	assert_int_equal(trace_state_unmapped(&d->s, -1), 1);
	(void)run(d, EFAULT);
	verdict(d, STACK_FAILS_START, "used_ring_unmapped_at_start");
	assert_non_null(strstr(d->s.start.text, "ring 1"));
	map(d, USED(1), 0x1000, VHOST_ACCESS_RW);
	assert_int_equal(trace_state_unmapped(&d->s, -1), -1);
	(void)run(d, 0);
	verdict(d, STACK_WORKS, NULL);
}

static void test_sending_bit_33_again_empties_the_iotlb(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	(void)send_features(d, WITH_33, 0);
	rings(d);
	map(d, 0, UINT64_C(0x100000), VHOST_ACCESS_RW);
	assert_int_equal(trace_state_unmapped(&d->s, -1), -1);
	(void)send_features(d, WITH_33, 0);
	assert_int_equal(trace_state_unmapped(&d->s, -1), 0);
}

static void test_a_used_ring_that_is_write_only(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	(void)send_features(d, WITH_33, 0);
	rings(d);
	map(d, USED(0), 0x1000, VHOST_ACCESS_WO);
	map(d, USED(1), 0x1000, VHOST_ACCESS_WO);
	(void)run(d, EFAULT);
	verdict(d, STACK_FAILS_START, "ring_permission");
}

static void test_an_invalidate_takes_whole_mappings(void **state)
{
	struct dialogue *d = *state;
	uint8_t perm = 0;

	map(d, 0x1000, 0x1000, VHOST_ACCESS_RW);
	map(d, 0x2000, 0x1000, VHOST_ACCESS_RO);
	assert_true(trace_state_mapped(&d->s, 0x1800, 0x1000, &perm));
	assert_int_equal(perm, VHOST_ACCESS_RO);
	assert_false(trace_state_mapped(&d->s, 0x2800, 0x1000, &perm));
	message(d, VHOST_IOTLB_INVALIDATE, 0x1fff, 1, 0);
	assert_false(trace_state_mapped(&d->s, 0x1000, 1, &perm));
	assert_true(trace_state_mapped(&d->s, 0x2000, 0x1000, &perm));
	/* the whole range, in both forms that VMMs use */
	message(d, VHOST_IOTLB_INVALIDATE, 0, 0, 0);
	assert_int_equal(d->s.maps, 0);
	map(d, UINT64_MAX - 0x1000, 0x1000, VHOST_ACCESS_RW);
	message(d, VHOST_IOTLB_INVALIDATE, 0, UINT64_MAX, 0);
	assert_int_equal(d->s.maps, 0);
}

static void test_a_message_that_was_refused_maps_nothing(void **state)
{
	struct dialogue *d = *state;
	const struct trace_message m = {
		.version = 1, .type = VHOST_IOTLB_UPDATE, .size = 1, .perm = 3
	};

	assert_int_equal(trace_state_message(&d->s, &m, true, EFAULT), 0);
	assert_int_equal(d->s.maps, 0);
}

static void test_bit_33_after_the_start_stalls(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	rings(d);
	(void)run(d, 0);
	assert_int_equal(send_features(d, WITH_33, 0), 2);
	verdict(d, STACK_STALLS, "miss_unanswered");
	d->s.look = (struct trace_look){ .known = true, .readable = true };
	verdict(d, STACK_STALLS, "miss_unanswered");
	d->s.look = (struct trace_look){ .known = true, .kicked = true };
	verdict(d, STACK_STALLS, "ring_addresses_wiped");
	map(d, 0, UINT64_C(0x100000), VHOST_ACCESS_RW);
	verdict(d, STACK_WORKS, NULL);
}

static void test_bit_33_after_a_stop_is_none_after_the_start(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	rings(d);
	(void)run(d, 0);
	(void)call(d, (struct trace_op){ .number = 0 }, VHOST_VSOCK_SET_RUNNING, 0);
	assert_int_equal(send_features(d, WITH_33, 0), 0);
	assert_false(d->s.armed_late);
}

static void test_a_miss_that_nobody_reads(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	(void)send_features(d, WITH_33, 0);
	rings(d);
	map(d, USED(0), 0x1000, VHOST_ACCESS_RW);
	map(d, USED(1), 0x1000, VHOST_ACCESS_RW);
	(void)run(d, 0);
	verdict(d, STACK_WORKS, NULL);
	d->s.look = (struct trace_look){ .known = true, .readable = true };
	verdict(d, STACK_STALLS, "miss_unanswered");
	/* of a VMM that reads them one may be on its way at any time */
	message(d, VHOST_IOTLB_MISS, 0x9000, 0, VHOST_ACCESS_RO);
	verdict(d, STACK_WORKS, NULL);
}

static void test_efault_without_the_iotlb(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	(void)send_features(d, PLAIN, 0);
	rings(d);
	(void)run(d, EFAULT);
	verdict(d, STACK_FAILS_START, "ring_unreachable");
	(void)run(d, ENODEV);
	verdict(d, STACK_FAILS_START, "start_refused");
}

static void test_features_set_after_the_rings_wipe_them(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK);
	rings(d);
	(void)send_features(d, WITH_33, 0);
	map(d, 0, UINT64_C(0x100000), VHOST_ACCESS_RW);
	(void)run(d, EFAULT);
	verdict(d, STACK_FAILS_START, "ring_addresses_wiped");
}

static void test_refused_features(void **state)
{
	struct dialogue *d = *state;

	offer(d, PLAIN);
	(void)send_features(d, WITH_33, EOPNOTSUPP);
	verdict(d, STACK_REFUSED, "features_refused");
	assert_non_null(strstr(d->s.refused.text, "0x200000000"));
	(void)send_features(d, PLAIN, 0);
	verdict(d, STACK_UNKNOWN, NULL);
}

static void test_a_set_up_that_is_refused(void **state)
{
	struct dialogue *d = *state;

	(void)call(d, (struct trace_op){ .number = 3 }, VHOST_VSOCK_SET_GUEST_CID,
		   EADDRINUSE);
	verdict(d, STACK_FAILS_START, "setup_refused");
	(void)call(d, (struct trace_op){ .number = 4 }, VHOST_VSOCK_SET_GUEST_CID, 0);
	verdict(d, STACK_UNKNOWN, NULL);
	/* what VMMs only try is no failure */
	(void)call(d, (struct trace_op){ 0 }, VHOST_GET_BACKEND_FEATURES, ENOTTY);
	verdict(d, STACK_UNKNOWN, NULL);
}

static void test_vdpa_is_the_reverse(void **state)
{
	struct dialogue *d = *state;

	trace_state_init(&d->s, FAMILY_VDPA);
	offer(d, WITH_33);
	(void)send_features(d, PLAIN, EINVAL);
	verdict(d, STACK_REFUSED, "features_refused");
	assert_non_null(strstr(d->s.refused.text, "needs bit 33"));
	(void)send_features(d, WITH_33, 0);
	rings(d);
	assert_int_equal(
		call(d, (struct trace_op){ .number = 15 }, VHOST_VDPA_SET_STATUS, 0), 1);
	assert_false(d->s.armed);
	verdict(d, STACK_WORKS, NULL);
	/* it sends all that is offered */
	assert_int_equal(notes(d), 1);
	(void)call(d, (struct trace_op){ .num = 1 }, VHOST_VDPA_SET_VRING_ENABLE, 0);
	assert_int_equal(notes(d), 2);
	(void)call(d, (struct trace_op){ .features = { { BIT64(6) } } },
		   VHOST_SET_BACKEND_FEATURES, 0);
	assert_int_equal(notes(d), 1);
}

static void test_a_net_device_starts_ring_by_ring(void **state)
{
	struct dialogue *d = *state;

	trace_state_init(&d->s, FAMILY_NET);
	offer(d, VSOCK);
	rings(d);
	(void)call(d, (struct trace_op){ .index = 0, .fd = 9 }, VHOST_NET_SET_BACKEND, 0);
	assert_true(d->s.ring[0].running);
	assert_false(d->s.ring[1].running);
	/* kvmtool's order: the features once a ring runs */
	assert_int_equal(send_features(d, WITH_33, 0), 2);
	(void)call(d, (struct trace_op){ .index = 0, .fd = -1 }, VHOST_NET_SET_BACKEND,
		   0);
	assert_false(d->s.ring[0].running);
}

static void test_a_ring_that_is_started_must_be_mapped_and_no_other(void **state)
{
	struct dialogue *d = *state;
	const struct trace_op zero = { .index = 0, .fd = 9 },
			      one = { .index = 1, .fd = 9 };

	trace_state_init(&d->s, FAMILY_NET);
	offer(d, VSOCK);
	(void)send_features(d, WITH_33, 0);
	rings(d);
	map(d, USED(0), 0x1000, VHOST_ACCESS_RW);
	(void)call(d, zero, VHOST_NET_SET_BACKEND, 0);
	assert_int_equal(d->s.unmapped_at_start, -1);
	(void)call(d, one, VHOST_NET_SET_BACKEND, EFAULT);
	verdict(d, STACK_FAILS_START, "used_ring_unmapped_at_start");
	assert_non_null(strstr(d->s.start.text, "ring 1"));
	/* of a ring that is mapped something else is wrong */
	(void)call(d, zero, VHOST_NET_SET_BACKEND, EFAULT);
	verdict(d, STACK_FAILS_START, "ring_unreachable");
}

static void test_reset_owner_begins_anew(void **state)
{
	struct dialogue *d = *state;

	owner(d);
	(void)call(d, (struct trace_op){ 0 }, VHOST_RESET_OWNER, 0);
	assert_false(d->s.asked);
	owner(d);
	offer(d, VSOCK);
	(void)send_features(d, WITH_33, 0);
	rings(d);
	(void)call(d, (struct trace_op){ 0 }, VHOST_RESET_OWNER, 0);
	assert_true(d->s.asked);
	assert_false(d->s.owned);
	assert_false(d->s.armed);
	assert_int_equal(d->s.offered.word[0], VSOCK);
	assert_int_equal(trace_state_unmapped(&d->s, -1), -1);
}

static void what_if(struct dialogue *d, enum stack_verdict verdict)
{
	struct trace_ruling r;

	trace_judge_what_if(&d->s, &r);
	assert_int_equal(r.verdict, verdict);
	assert_true(strlen(r.text) > 40 && strlen(r.text) < sizeof(r.text) - 1);
}

static void test_what_if_tells_of_a_kernel_that_offers_more(void **state)
{
	struct dialogue *d = *state;

	d->s.shown.word[0] = BIT64(33) | BIT64(40);
	offer(d, PLAIN);
	what_if(d, STACK_UNKNOWN);
	/* the kernel did not get the bit, and the start succeeds */
	assert_int_equal(send_features(d, WITH_33, 0), 0);
	assert_false(d->s.armed);
	rings(d);
	(void)run(d, 0);
	verdict(d, STACK_WORKS, NULL);
	what_if(d, STACK_FAILS_START);
	(void)send_features(d, PLAIN, 0);
	what_if(d, STACK_WORKS);
	(void)send_features(d, PLAIN | BIT64(40), 0);
	what_if(d, STACK_UNKNOWN);
	(void)send_features(d, WITH_33, 0);
	what_if(d, STACK_STALLS);
}

static void test_what_if_of_a_vmm_that_maps(void **state)
{
	struct dialogue *d = *state;
	const struct trace_message m = { .version = 2,
					 .type = VHOST_IOTLB_UPDATE,
					 .size = 0x100000,
					 .perm = VHOST_ACCESS_RW };

	d->s.shown.word[0] = BIT64(33);
	offer(d, PLAIN);
	(void)send_features(d, WITH_33, 0);
	rings(d);
	/* a kernel without the IOTLB refuses it */
	assert_int_equal(trace_state_message(&d->s, &m, true, EINVAL), 0);
	(void)run(d, 0);
	what_if(d, STACK_WORKS);
}

static void test_what_a_vmm_cannot_know_is_noted(void **state)
{
	struct dialogue *d = *state;

	offer(d, VSOCK | BIT64(50));
	(void)send_features(d, PLAIN, 0);
	rings(d);
	(void)run(d, 0);
	assert_int_equal(notes(d), 0);
	/* a bit without a name */
	(void)send_features(d, PLAIN | BIT64(50), 0);
	assert_int_equal(notes(d), 1);
	/* all of it: that, the bit, and a log that is nowhere */
	(void)send_features(d, VSOCK | BIT64(50), 0);
	assert_int_equal(notes(d), 3);
	(void)call(d, (struct trace_op){ .number = 1 }, VHOST_SET_LOG_BASE, 0);
	assert_int_equal(notes(d), 2);
	(void)call(d, (struct trace_op){ .features = { { BIT64(40) } } },
		   VHOST_SET_BACKEND_FEATURES, 0);
	assert_int_equal(notes(d), 3);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_no_order_is_expected_of_the_start_of_2022),
		CASE(test_the_last_features_count),
		CASE(test_every_used_ring_must_be_mapped),
		CASE(test_sending_bit_33_again_empties_the_iotlb),
		CASE(test_a_used_ring_that_is_write_only),
		CASE(test_an_invalidate_takes_whole_mappings),
		CASE(test_a_message_that_was_refused_maps_nothing),
		CASE(test_bit_33_after_the_start_stalls),
		CASE(test_bit_33_after_a_stop_is_none_after_the_start),
		CASE(test_a_miss_that_nobody_reads),
		CASE(test_efault_without_the_iotlb),
		CASE(test_features_set_after_the_rings_wipe_them),
		CASE(test_refused_features),
		CASE(test_a_set_up_that_is_refused),
		CASE(test_vdpa_is_the_reverse),
		CASE(test_a_net_device_starts_ring_by_ring),
		CASE(test_a_ring_that_is_started_must_be_mapped_and_no_other),
		CASE(test_reset_owner_begins_anew),
		CASE(test_what_if_tells_of_a_kernel_that_offers_more),
		CASE(test_what_if_of_a_vmm_that_maps),
		CASE(test_what_a_vmm_cannot_know_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
