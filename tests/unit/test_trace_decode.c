/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/vhost.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seam/uapi.h"
#include "trace/decode.h"

#define AT UINT64_C(0x7f0000001000)

/** struct tracee - what can be read at AT */
struct tracee {
	uint8_t bytes[512];
	size_t len;
	unsigned int reads;
};

static int read_tracee(void *ctx, uint64_t at, void *buf, size_t len)
{
	struct tracee *t = ctx;

	t->reads++;
	if (at < AT || at - AT > t->len || len > t->len - (at - AT))
		return -EFAULT;
	memcpy(buf, t->bytes + (at - AT), len);
	return 0;
}

static struct trace_region room[TRACE_REGIONS_MAX];

static struct trace_op decode(struct tracee *t, unsigned long cmd, const void *arg,
			      size_t len, bool failed)
{
	const struct trace_memory memory = { read_tracee, t };
	struct trace_op op;

	assert_in_range(len, 0, sizeof(t->bytes));
	memset(t->bytes, 0xa5, sizeof(t->bytes));
	if (len)
		memcpy(t->bytes, arg, len);
	t->len = len;
	t->reads = 0;
	trace_decode(&memory, (uint32_t)cmd, AT, failed, room, &op);
	return op;
}

static void test_numbers_of_the_header_have_their_names(void **state)
{
	static const struct {
		unsigned long cmd;
		const char *name;
	} known[] = {
		{ VHOST_GET_FEATURES, "VHOST_GET_FEATURES" },
		{ VHOST_SET_FEATURES, "VHOST_SET_FEATURES" },
		{ VHOST_SET_OWNER, "VHOST_SET_OWNER" },
		{ VHOST_RESET_OWNER, "VHOST_RESET_OWNER" },
		{ VHOST_SET_MEM_TABLE, "VHOST_SET_MEM_TABLE" },
		{ VHOST_SET_LOG_BASE, "VHOST_SET_LOG_BASE" },
		{ VHOST_SET_LOG_FD, "VHOST_SET_LOG_FD" },
		{ VHOST_SET_VRING_NUM, "VHOST_SET_VRING_NUM" },
		{ VHOST_SET_VRING_ADDR, "VHOST_SET_VRING_ADDR" },
		{ VHOST_SET_VRING_BASE, "VHOST_SET_VRING_BASE" },
		{ VHOST_GET_VRING_BASE, "VHOST_GET_VRING_BASE" },
		{ VHOST_SET_VRING_ENDIAN, "VHOST_SET_VRING_ENDIAN" },
		{ VHOST_GET_VRING_ENDIAN, "VHOST_GET_VRING_ENDIAN" },
		{ VHOST_SET_VRING_KICK, "VHOST_SET_VRING_KICK" },
		{ VHOST_SET_VRING_CALL, "VHOST_SET_VRING_CALL" },
		{ VHOST_SET_VRING_ERR, "VHOST_SET_VRING_ERR" },
		{ VHOST_SET_VRING_BUSYLOOP_TIMEOUT, "VHOST_SET_VRING_BUSYLOOP_TIMEOUT" },
		{ VHOST_GET_VRING_BUSYLOOP_TIMEOUT, "VHOST_GET_VRING_BUSYLOOP_TIMEOUT" },
		{ VHOST_SET_BACKEND_FEATURES, "VHOST_SET_BACKEND_FEATURES" },
		{ VHOST_GET_BACKEND_FEATURES, "VHOST_GET_BACKEND_FEATURES" },
		{ VHOST_NET_SET_BACKEND, "VHOST_NET_SET_BACKEND" },
		{ VHOST_SCSI_SET_ENDPOINT, "VHOST_SCSI_SET_ENDPOINT" },
		{ VHOST_SCSI_CLEAR_ENDPOINT, "VHOST_SCSI_CLEAR_ENDPOINT" },
		{ VHOST_SCSI_GET_ABI_VERSION, "VHOST_SCSI_GET_ABI_VERSION" },
		{ VHOST_SCSI_SET_EVENTS_MISSED, "VHOST_SCSI_SET_EVENTS_MISSED" },
		{ VHOST_SCSI_GET_EVENTS_MISSED, "VHOST_SCSI_GET_EVENTS_MISSED" },
		{ VHOST_VSOCK_SET_GUEST_CID, "VHOST_VSOCK_SET_GUEST_CID" },
		{ VHOST_VSOCK_SET_RUNNING, "VHOST_VSOCK_SET_RUNNING" },
		{ VHOST_VDPA_GET_DEVICE_ID, "VHOST_VDPA_GET_DEVICE_ID" },
		{ VHOST_VDPA_GET_STATUS, "VHOST_VDPA_GET_STATUS" },
		{ VHOST_VDPA_SET_STATUS, "VHOST_VDPA_SET_STATUS" },
		{ VHOST_VDPA_GET_CONFIG, "VHOST_VDPA_GET_CONFIG" },
		{ VHOST_VDPA_SET_CONFIG, "VHOST_VDPA_SET_CONFIG" },
		{ VHOST_VDPA_SET_VRING_ENABLE, "VHOST_VDPA_SET_VRING_ENABLE" },
		{ VHOST_VDPA_GET_VRING_NUM, "VHOST_VDPA_GET_VRING_NUM" },
		{ VHOST_VDPA_SET_CONFIG_CALL, "VHOST_VDPA_SET_CONFIG_CALL" },
		{ VHOST_VDPA_GET_IOVA_RANGE, "VHOST_VDPA_GET_IOVA_RANGE" },
		{ VHOST_VDPA_GET_CONFIG_SIZE, "VHOST_VDPA_GET_CONFIG_SIZE" },
		{ VHOST_VDPA_GET_VQS_COUNT, "VHOST_VDPA_GET_VQS_COUNT" },
		{ VHOST_VDPA_GET_GROUP_NUM, "VHOST_VDPA_GET_GROUP_NUM" },
		{ VHOST_VDPA_GET_AS_NUM, "VHOST_VDPA_GET_AS_NUM" },
		{ VHOST_VDPA_GET_VRING_GROUP, "VHOST_VDPA_GET_VRING_GROUP" },
		{ VHOST_VDPA_SET_GROUP_ASID, "VHOST_VDPA_SET_GROUP_ASID" },
		{ VHOST_VDPA_SUSPEND, "VHOST_VDPA_SUSPEND" },
		/* by the numbers of vhost-abi, where this header may be too old */
		{ 0x8004af08, "VHOST_NEW_WORKER" },
		{ 0x4004af09, "VHOST_FREE_WORKER" },
		{ 0x4008af15, "VHOST_ATTACH_VRING_WORKER" },
		{ 0xc008af16, "VHOST_GET_VRING_WORKER" },
		{ 0xaf7e, "VHOST_VDPA_RESUME" },
		{ 0xc008af7f, "VHOST_VDPA_GET_VRING_DESC_GROUP" },
		{ 0xc008af82, "VHOST_VDPA_GET_VRING_SIZE" },
		{ VHOST_GET_FEATURES_ARRAY, "VHOST_GET_FEATURES_ARRAY" },
		{ VHOST_SET_FEATURES_ARRAY, "VHOST_SET_FEATURES_ARRAY" },
		{ VHOST_SET_FORK_FROM_OWNER, "VHOST_SET_FORK_FROM_OWNER" },
		{ VHOST_GET_FORK_FROM_OWNER, "VHOST_GET_FORK_FROM_OWNER" },
		{ 0x4001af83, "VHOST_SET_FORK_FROM_OWNER" },
		{ 0x8001af84, "VHOST_GET_FORK_FROM_OWNER" },
	};

	(void)state;
	assert_int_equal(trace_request_count, sizeof(known) / sizeof(known[0]));
	for (size_t i = 0; i < trace_request_count; i++) {
		const struct trace_request *r =
			trace_request_find((uint32_t)known[i].cmd);

		assert_non_null(r);
		assert_string_equal(r->name, known[i].name);
		/* the filter goes by it */
		assert_int_equal(r->cmd & 0xff00, 0xaf00);
	}
	assert_null(trace_request_find(0x4008af99));
}

static void test_features_are_read_in_both_forms(void **state)
{
	static const uint64_t one = 0x33d000002, many[] = { 3, 7, 8, 9 },
			      short_array[] = { 1, 5 };
	struct tracee t = { 0 };
	struct trace_op op = decode(&t, VHOST_SET_FEATURES, &one, sizeof(one), false);

	(void)state;
	assert_int_equal(op.arg, ARG_FEATURES);
	assert_int_equal(op.features.word[0], one);
	op = decode(&t, VHOST_GET_FEATURES_ARRAY, many, sizeof(many), false);
	assert_int_equal(op.arg, ARG_ARRAY);
	assert_int_equal(op.features.word[0], 7);
	assert_int_equal(op.features.word[1], 8);
	op = decode(&t, VHOST_SET_FEATURES_ARRAY, short_array, sizeof(short_array),
		    false);
	assert_int_equal(op.features.word[0], 5);
	assert_int_equal(op.features.word[1], 0);
}

static void test_what_a_refused_call_would_return_is_not_read(void **state)
{
	static const uint64_t rubbish = 0xa5a5;
	struct tracee t = { 0 };
	struct trace_op op =
		decode(&t, VHOST_GET_FEATURES, &rubbish, sizeof(rubbish), true);

	(void)state;
	assert_int_equal(op.arg, ARG_NONE);
	assert_int_equal(t.reads, 0);
	/* what was handed in is there all the same */
	op = decode(&t, VHOST_SET_FEATURES, &rubbish, sizeof(rubbish), true);
	assert_int_equal(op.features.word[0], rubbish);
}

static void test_an_address_that_cannot_be_read_is_told(void **state)
{
	struct tracee t = { 0 };
	struct trace_op op = decode(&t, VHOST_SET_FEATURES, NULL, 0, false);

	(void)state;
	assert_int_equal(op.arg, ARG_UNREADABLE);
	op = decode(&t, VHOST_SET_VRING_ADDR, "1234", 4, false);
	assert_int_equal(op.arg, ARG_UNREADABLE);
}

static void test_a_memory_table_has_its_regions(void **state)
{
	struct {
		uint32_t regions, padding; /* struct vhost_memory */
		struct vhost_memory_region region[2];
	} table = { .regions = 2,
		    .region = { { 0x1000, 0x2000, 0x7f0000, 0 },
				{ 0x100000, 0x3000, 0x8f0000, 0 } } };
	struct tracee t = { 0 };
	struct trace_op op =
		decode(&t, VHOST_SET_MEM_TABLE, &table, sizeof(table), false);

	(void)state;
	assert_int_equal(op.regions, 2);
	assert_int_equal(op.region[1].guest, 0x100000);
	assert_int_equal(op.region[1].size, 0x3000);
	assert_int_equal(op.region[1].user, 0x8f0000);
	/* a count that leads out of what can be read */
	table.regions = UINT32_MAX;
	op = decode(&t, VHOST_SET_MEM_TABLE, &table, sizeof(table), false);
	assert_int_equal(op.arg, ARG_UNREADABLE);
}

static void test_ring_arguments_are_told_apart(void **state)
{
	static const struct vhost_vring_state num = { 1, 256 };
	static const struct vhost_vring_file backend = { 1, -1 };
	static const struct vhost_vring_addr addr = { .index = 1,
						      .flags = 1,
						      .desc_user_addr = 0x10,
						      .used_user_addr = 0x20,
						      .avail_user_addr = 0x30,
						      .log_guest_addr = 0x40 };
	struct tracee t = { 0 };
	struct trace_op op = decode(&t, VHOST_SET_VRING_NUM, &num, sizeof(num), false);

	(void)state;
	assert_int_equal(op.index, 1);
	assert_int_equal(op.num, 256);
	op = decode(&t, VHOST_NET_SET_BACKEND, &backend, sizeof(backend), false);
	assert_int_equal(op.arg, ARG_VRING_FD);
	assert_int_equal(op.fd, -1);
	op = decode(&t, VHOST_SET_VRING_ADDR, &addr, sizeof(addr), false);
	assert_int_equal(op.index, 1);
	assert_int_equal(op.flags, 1);
	assert_int_equal(op.desc, 0x10);
	assert_int_equal(op.used, 0x20);
	assert_int_equal(op.avail, 0x30);
	assert_int_equal(op.log, 0x40);
}

static void test_numbers_have_their_widths_and_signs(void **state)
{
	static const uint64_t cid = UINT64_C(0xfffffffffff), range[] = { 1, 9 };
	static const uint32_t config[] = { 4, 8 };
	static const int minus = -1;
	static const uint8_t ok = 15;
	struct tracee t = { 0 };

	(void)state;
	assert_int_equal(
		decode(&t, VHOST_VSOCK_SET_GUEST_CID, &cid, sizeof(cid), false).number,
		cid);
	assert_int_equal(
		decode(&t, VHOST_SET_LOG_FD, &minus, sizeof(minus), false).number,
		(uint64_t)-1);
	assert_int_equal(
		decode(&t, VHOST_SCSI_GET_EVENTS_MISSED, &minus, 4, false).number,
		UINT32_MAX);
	assert_int_equal(decode(&t, VHOST_VDPA_SET_STATUS, &ok, 1, false).number, 15);
	assert_int_equal(decode(&t, VHOST_VDPA_GET_IOVA_RANGE, range, 16, false).last, 9);
	assert_int_equal(decode(&t, VHOST_VDPA_SET_CONFIG, config, 8, false).num, 8);
}

static void test_a_scsi_target_ends_in_a_nul(void **state)
{
	struct vhost_scsi_target target = { .abi_version = 1, .vhost_tpgt = 1 };
	struct tracee t = { 0 };
	struct trace_op op;

	(void)state;
	memset(target.vhost_wwpn, 'n', sizeof(target.vhost_wwpn));
	op = decode(&t, VHOST_SCSI_SET_ENDPOINT, &target, sizeof(target), false);
	assert_int_equal(strlen(op.wwpn), sizeof(target.vhost_wwpn));
	assert_int_equal(op.num, 1);
}

static void test_an_unknown_request_keeps_its_argument(void **state)
{
	struct tracee t = { 0 };
	struct trace_op op = decode(&t, 0x4008af99, NULL, 0, false);

	(void)state;
	assert_null(op.request);
	assert_int_equal(op.arg, ARG_UNKNOWN);
	assert_int_equal(op.number, AT);
	assert_int_equal(t.reads, 0);
}

static void test_messages_of_both_versions(void **state)
{
	const struct vhost_msg one = { .type = VHOST_IOTLB_MSG,
				       .iotlb = { .iova = 0x1000,
						  .perm = VHOST_ACCESS_RO,
						  .type = VHOST_IOTLB_MISS } };
	const struct vhost_msg_v2 two = { .type = VHOST_IOTLB_MSG_V2,
					  .asid = 3,
					  .iotlb = { .iova = 0x1000,
						     .size = 0x2000,
						     .uaddr = 0x7f00,
						     .perm = VHOST_ACCESS_RW,
						     .type = VHOST_IOTLB_UPDATE } };
	struct trace_message m = trace_decode_message((const uint8_t *)&one, sizeof(one));

	(void)state;
	assert_int_equal(sizeof(one), TRACE_MESSAGE_SIZE);
	assert_int_equal(m.version, 1);
	assert_int_equal(m.type, VHOST_IOTLB_MISS);
	assert_int_equal(m.iova, 0x1000);
	assert_int_equal(m.perm, VHOST_ACCESS_RO);
	m = trace_decode_message((const uint8_t *)&two, sizeof(two));
	assert_int_equal(m.version, 2);
	assert_int_equal(m.asid, 3);
	assert_int_equal(m.size, 0x2000);
	assert_int_equal(m.uaddr, 0x7f00);
	assert_int_equal(m.type, VHOST_IOTLB_UPDATE);
	/* 40 bytes are enough for the kernel */
	assert_int_equal(trace_decode_message((const uint8_t *)&two, 40).version, 2);
	assert_int_equal(trace_decode_message((const uint8_t *)&two, 33).version, 0);
	assert_int_equal(trace_decode_message((const uint8_t *)"no message at all, "
							       "but text of some length",
					      42)
				 .version,
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_of_the_header_have_their_names),
		cmocka_unit_test(test_features_are_read_in_both_forms),
		cmocka_unit_test(test_what_a_refused_call_would_return_is_not_read),
		cmocka_unit_test(test_an_address_that_cannot_be_read_is_told),
		cmocka_unit_test(test_a_memory_table_has_its_regions),
		cmocka_unit_test(test_ring_arguments_are_told_apart),
		cmocka_unit_test(test_numbers_have_their_widths_and_signs),
		cmocka_unit_test(test_a_scsi_target_ends_in_a_nul),
		cmocka_unit_test(test_an_unknown_request_keeps_its_argument),
		cmocka_unit_test(test_messages_of_both_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
