/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/vhost.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stacks/features.h"
#include "stacks/library.h"
#include "trace/policy.h"

#define RINGS "VRINGS NUM ADDR BASE CALL KICK"
#define OLD UINT64_C(0x13d000000)
#define VSOCK UINT64_C(0x33d000002)

struct fixture {
	struct arena arena;
	struct trace_state s;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	trace_state_init(&f->s, FAMILY_VSOCK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	trace_state_done(&f->s);
	arena_done(&f->arena);
	free(f);
	return 0;
}

static void call(struct fixture *f, unsigned long cmd, struct trace_op op)
{
	const struct trace_end end = { .pid = 1, .seq = 1 };

	op.cmd = (uint32_t)cmd;
	op.request = trace_request_find(op.cmd);
	op.arg = op.request->arg;
	assert_true(trace_state_call(&f->s, &op, &end) >= 0);
}

static void features(struct fixture *f, unsigned long cmd, uint64_t bits)
{
	call(f, cmd, (struct trace_op){ .features = { { bits } } });
}

/* crosvm's order, with what it was offered and sent */
static void drive(struct fixture *f, uint64_t offered, uint64_t sent)
{
	static const unsigned long calls[] = { VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR,
					       VHOST_SET_VRING_BASE, VHOST_SET_VRING_CALL,
					       VHOST_SET_VRING_KICK };

	call(f, VHOST_SET_OWNER, (struct trace_op){ 0 });
	features(f, VHOST_GET_FEATURES, offered);
	features(f, VHOST_SET_FEATURES, sent);
	call(f, VHOST_SET_MEM_TABLE, (struct trace_op){ 0 });
	for (uint32_t i = 0; i < 2; i++)
		for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
			call(f, calls[k],
			     (struct trace_op){ .index = i,
						.num = 64,
						.fd = 9,
						.desc = 0x1000 + i * 0x10000u,
						.avail = 0x2000 + i * 0x10000u,
						.used = 0x3000 + i * 0x10000u });
	call(f, VHOST_VSOCK_SET_GUEST_CID, (struct trace_op){ .number = 5 });
}

static void start(struct fixture *f)
{
	call(f, VHOST_VSOCK_SET_RUNNING, (struct trace_op){ .number = 1 });
}

static void map(struct fixture *f, uint64_t iova, uint64_t size)
{
	const struct trace_message m = { .version = 2,
					 .type = VHOST_IOTLB_UPDATE,
					 .iova = iova,
					 .size = size,
					 .perm = VHOST_ACCESS_RW };

	assert_int_equal(trace_state_message(&f->s, &m, true, 0), 0);
}

/* The policy, by way of the text that a file has: the library takes it. */
static const struct stack *policy(struct fixture *f)
{
	static const struct policy_origin origin = { "mine", "vmm", "6.1" };
	struct stack made;
	const struct stack *read = NULL;
	struct written_error err = { 0 };
	struct json_object *json = NULL;
	const char *text = NULL;

	assert_int_equal(policy_make(&f->arena, &f->s, &origin, &made), 0);
	json = rec_to_json(&stack_shape, &made);
	assert_non_null(json);
	text = json_object_to_json_string(json);
	if (stack_parse(&f->arena, text, strlen(text), &read, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.text);
	json_object_put(json);
	return read;
}

static void list_is(const struct rec_list *list, const char *expected)
{
	char all[512] = "";

	for (size_t i = 0; i < list->count; i++) {
		size_t len = strlen(all);

		(void)snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "",
			       (const char *)list->item[i]);
	}
	assert_string_equal(all, expected);
}

static void test_a_dialogue_becomes_a_policy_that_sends_the_same(void **state)
{
	struct fixture *f = *state;
	const struct feature_set vsock = { { VSOCK } };
	const struct stack *s = NULL;
	struct stack_features sent;

	drive(f, VSOCK, 0x320000000);
	start(f);
	s = policy(f);
	list_is(&s->order, "SET_OWNER, GET_FEATURES, SET_FEATURES, SET_MEM_TABLE, " RINGS
			   ", SET_GUEST_CID, START");
	list_is(&s->known, "VIRTIO_RING_F_EVENT_IDX, VIRTIO_F_VERSION_1");
	assert_int_equal(s->packages.count, 0);
	sent = stack_features(s, s->guests.item[0], FAMILY_VSOCK, &vsock);
	assert_int_equal(sent.sent.word[0], 0x320000000);
	assert_int_equal(sent.unobserved.word[0], 0);
	assert_int_equal(((const struct stack_guest *)s->guests.item[0])->guest,
			 GUEST_PROTECTED);
	assert_int_equal(s->confidence, STACK_RUN);
}

static void test_what_was_not_offered_is_not_observed(void **state)
{
	struct fixture *f = *state;
	const struct feature_set vsock = { { VSOCK | BIT64(50) } };
	const struct stack *s = NULL;
	struct stack_features sent;

	drive(f, OLD, 0x120000000);
	start(f);
	s = policy(f);
	sent = stack_features(s, s->guests.item[0], FAMILY_VSOCK, &vsock);
	assert_int_equal(sent.sent.word[0], 0x120000000);
	assert_int_equal(sent.unobserved.word[0], BIT64(1) | BIT64(33) | BIT64(50));
	assert_int_equal(((const struct stack_guest *)s->guests.item[0])->guest,
			 GUEST_PLAIN);
}

static void test_what_was_shown_is_observed(void **state)
{
	struct fixture *f = *state;
	const struct feature_set vsock = { { VSOCK } };
	const struct stack *s = NULL;
	struct stack_features sent;

	f->s.shown.word[0] = BIT64(33) | BIT64(1);
	drive(f, OLD, 0x320000000);
	start(f);
	s = policy(f);
	sent = stack_features(s, s->guests.item[0], FAMILY_VSOCK, &vsock);
	assert_int_equal(sent.sent.word[0], 0x320000000);
	assert_int_equal(sent.unobserved.word[0], 0);
}

static void test_what_is_sent_unasked_is_forced(void **state)
{
	struct fixture *f = *state;
	const struct feature_set old = { { OLD } };
	const struct stack *s = NULL;

	drive(f, OLD, 0x320000000);
	start(f);
	s = policy(f);
	assert_int_equal(
		stack_features(s, s->guests.item[0], FAMILY_VSOCK, &old).sent.word[0],
		0x320000000);
}

static void test_features_after_the_start_stand_after_it(void **state)
{
	struct fixture *f = *state;

	drive(f, VSOCK, 0x120000000);
	start(f);
	features(f, VHOST_SET_FEATURES, 0x320000000);
	list_is(&policy(f)->order, "SET_OWNER, GET_FEATURES, SET_MEM_TABLE, " RINGS
				   ", SET_GUEST_CID, START, SET_FEATURES");
}

static void test_what_is_mapped_before_the_start(void **state)
{
	struct fixture *f = *state;
	const struct stack_guest *g = NULL;

	drive(f, VSOCK, 0x320000000);
	map(f, 0x3000, 0x1000);
	map(f, 0x13000, 0x1000);
	start(f);
	list_is(&policy(f)->order,
		"SET_OWNER, GET_FEATURES, SET_FEATURES, SET_MEM_TABLE, " RINGS
		", SET_GUEST_CID, IOTLB_UPDATE, START");
	list_is(&policy(f)->known, "VIRTIO_RING_F_EVENT_IDX, VIRTIO_F_VERSION_1, "
				   "VIRTIO_F_ACCESS_PLATFORM");
	g = policy(f)->guests.item[0];
	assert_int_equal(g->map, STACK_MAP_USED_RINGS);
	assert_int_equal(g->guest, GUEST_VIOMMU);
	list_is(&g->force, "VIRTIO_F_ACCESS_PLATFORM");
	assert_int_equal(g->miss, STACK_MISS_UNOBSERVED);
	f->s.look = (struct trace_look){ .known = true, .readable = true };
	g = policy(f)->guests.item[0];
	assert_int_equal(g->miss, STACK_MISS_UNREAD);
	f->s.misses = 1;
	g = policy(f)->guests.item[0];
	assert_int_equal(g->miss, STACK_MISS_SERVED);
	/* what is mapped by misses is not mapped for the start */
	map(f, 0, 0x20000);
	g = policy(f)->guests.item[0];
	assert_int_equal(g->map, STACK_MAP_USED_RINGS);
	start(f);
	g = policy(f)->guests.item[0];
	assert_int_equal(g->map, STACK_MAP_ALL);
}

static void test_what_a_vmm_does_not_know_is_not_known(void **state)
{
	struct fixture *f = *state;

	drive(f, VSOCK | BIT64(50), VSOCK | BIT64(50));
	start(f);
	list_is(&policy(f)->known,
		"VIRTIO_VSOCK_F_SEQPACKET, VIRTIO_F_NOTIFY_ON_EMPTY, VIRTIO_F_ANY_LAYOUT, "
		"VIRTIO_RING_F_INDIRECT_DESC, VIRTIO_RING_F_EVENT_IDX, VIRTIO_F_VERSION_1");
	call(f, VHOST_SET_LOG_BASE, (struct trace_op){ .number = 0x1000 });
	assert_non_null(strstr(policy(f)->known.item[2], "LOG_ALL"));
}

static void test_a_vmm_that_does_not_ask_first_sends_a_fixed_set(void **state)
{
	struct fixture *f = *state;
	const struct feature_set old = { { OLD } };
	const struct stack *s = NULL;

	features(f, VHOST_SET_FEATURES, 0x320000000);
	drive(f, VSOCK, 0x320000000);
	start(f);
	s = policy(f);
	assert_int_equal(s->base, STACK_BASE_NONE);
	assert_int_equal(
		stack_features(s, s->guests.item[0], FAMILY_VSOCK, &old).sent.word[0],
		0x320000000);
}

static void test_a_device_that_was_set_up_anew_starts_after_it(void **state)
{
	struct fixture *f = *state;

	drive(f, VSOCK, 0x120000000);
	start(f);
	call(f, VHOST_VSOCK_SET_RUNNING, (struct trace_op){ .number = 0 });
	features(f, VHOST_SET_FEATURES, 0x320000000);
	list_is(&policy(f)->order, "SET_OWNER, GET_FEATURES, SET_MEM_TABLE, " RINGS
				   ", SET_GUEST_CID, SET_FEATURES, START");
}

static void test_rings_that_start_one_by_one(void **state)
{
	static const unsigned long calls[] = { VHOST_SET_VRING_KICK, VHOST_SET_VRING_NUM,
					       VHOST_SET_VRING_ADDR,
					       VHOST_NET_SET_BACKEND };
	struct fixture *f = *state;

	trace_state_init(&f->s, FAMILY_NET);
	call(f, VHOST_SET_OWNER, (struct trace_op){ 0 });
	call(f, VHOST_SET_MEM_TABLE, (struct trace_op){ 0 });
	features(f, VHOST_GET_FEATURES, OLD);
	for (uint32_t i = 0; i < 2; i++)
		for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
			call(f, calls[k], (struct trace_op){ .index = i, .fd = 9 });
	features(f, VHOST_SET_FEATURES, 0x120000000);
	/* it polls, and the player does not */
	list_is(&policy(f)->order,
		"SET_OWNER, SET_MEM_TABLE, GET_FEATURES, VRINGS KICK NUM ADDR START, "
		"SET_FEATURES, VRINGS CALL");
}

static void batch(struct fixture *f, uint8_t type)
{
	const struct trace_message m = { .version = 2, .type = type };

	assert_int_equal(trace_state_message(&f->s, &m, true, 0), 0);
}

static void status(struct fixture *f, uint8_t bits)
{
	call(f, VHOST_VDPA_SET_STATUS, (struct trace_op){ .number = bits });
}

static void test_a_vdpa_device_is_led_through_its_status(void **state)
{
	static const unsigned long calls[] = { VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR,
					       VHOST_SET_VRING_CALL, VHOST_SET_VRING_KICK,
					       VHOST_VDPA_SET_VRING_ENABLE };
	struct fixture *f = *state;
	const struct stack *s = NULL;
	const struct stack_guest *g = NULL;

	trace_state_init(&f->s, FAMILY_VDPA);
	call(f, VHOST_VDPA_GET_DEVICE_ID, (struct trace_op){ .number = 2 });
	call(f, VHOST_VDPA_GET_IOVA_RANGE, (struct trace_op){ .last = 9 });
	features(f, VHOST_GET_FEATURES, 0x300000200 | BIT64(50));
	status(f, 3);
	call(f, VHOST_SET_OWNER, (struct trace_op){ 0 });
	features(f, VHOST_SET_FEATURES, 0x300000200 | BIT64(50));
	status(f, 11);
	call(f, VHOST_VDPA_GET_STATUS, (struct trace_op){ .number = 11 });
	for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
		call(f, calls[k], (struct trace_op){ .num = 64, .fd = 9 });
	batch(f, VHOST_IOTLB_BATCH_BEGIN);
	map(f, 0, 0x20000);
	batch(f, VHOST_IOTLB_BATCH_END);
	status(f, 15);
	call(f, VHOST_VDPA_SET_CONFIG_CALL, (struct trace_op){ .number = 9 });
	s = policy(f);
	list_is(&s->order,
		"GET_DEVICE_ID, GET_IOVA_RANGE, GET_FEATURES, SET_STATUS ACKNOWLEDGE "
		"DRIVER, SET_OWNER, SET_FEATURES, SET_STATUS FEATURES_OK, GET_STATUS, "
		"VRINGS NUM ADDR CALL KICK ENABLE, IOTLB_BATCH_BEGIN, IOTLB_UPDATE, "
		"IOTLB_BATCH_END, START, SET_CONFIG_CALL");
	list_is(&s->known, "9, VIRTIO_F_VERSION_1, VIRTIO_F_ACCESS_PLATFORM");
	g = s->guests.item[0];
	assert_int_equal(g->guest, GUEST_PLAIN);
	assert_int_equal(g->map, STACK_MAP_ALL);
	assert_int_equal(g->miss, STACK_MISS_UNREAD);
}

static void test_what_is_mapped_later_is_no_step_of_the_start(void **state)
{
	struct fixture *f = *state;
	const struct stack_guest *g = NULL;

	drive(f, VSOCK, 0x120000000);
	start(f);
	map(f, 0, 0x20000);
	g = policy(f)->guests.item[0];
	assert_int_equal(g->map, STACK_MAP_NONE);
}

static void test_without_a_start_there_is_nothing_to_play(void **state)
{
	static const struct policy_origin origin = { "mine", "vmm", "6.1" };
	struct fixture *f = *state;
	struct stack made;

	drive(f, VSOCK, 0x120000000);
	assert_int_equal(policy_make(&f->arena, &f->s, &origin, &made), -ENODATA);
	start(f);
	assert_int_equal(policy_make(&f->arena, &f->s, &origin, &made), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_dialogue_becomes_a_policy_that_sends_the_same),
		CASE(test_what_was_not_offered_is_not_observed),
		CASE(test_what_was_shown_is_observed),
		CASE(test_what_is_sent_unasked_is_forced),
		CASE(test_features_after_the_start_stand_after_it),
		CASE(test_what_is_mapped_before_the_start),
		CASE(test_what_a_vmm_does_not_know_is_not_known),
		CASE(test_a_vmm_that_does_not_ask_first_sends_a_fixed_set),
		CASE(test_a_device_that_was_set_up_anew_starts_after_it),
		CASE(test_rings_that_start_one_by_one),
		CASE(test_a_vdpa_device_is_led_through_its_status),
		CASE(test_what_is_mapped_later_is_no_step_of_the_start),
		CASE(test_without_a_start_there_is_nothing_to_play),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
