/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guest/iotlb.h"

static const struct iotlb_msg update = {
	.version = 1,
	.iova = UINT64_C(0x1122334455667788),
	.size = UINT64_C(0x99aabbccddeeff00),
	.uaddr = UINT64_C(0x0123456789abcdef),
	.perm = VHOST_ACCESS_WO,
	.type = VHOST_IOTLB_UPDATE,
};

/* Bytes that the layouts of include/uapi/linux/vhost_types.h leave to padding. */
static bool is_padding(int version, size_t at)
{
	if (at < 4)
		return false; /* type */
	if (at < 8)
		return version == 1; /* asid in version 2 */
	/* iova, size, uaddr, perm, type; the rest pads the union to 64 bytes */
	return at >= 8 + 26;
}

static void test_the_layout_is_that_of_the_kernel(void **state)
{
	unsigned char buf[IOTLB_MSG_BYTES];
	struct iotlb_msg v2 = update;

	(void)state;
	assert_int_equal(IOTLB_MSG_BYTES, 72);
	memset(buf, 0xa5, sizeof(buf));
	iotlb_encode(&update, buf);
	assert_memory_equal(buf, "\x01\0\0\0\0\0\0\0", 8);
	assert_memory_equal(buf + 8, &update.iova, 8);
	assert_memory_equal(buf + 16, &update.size, 8);
	assert_memory_equal(buf + 24, &update.uaddr, 8);
	assert_int_equal(buf[32], VHOST_ACCESS_WO);
	assert_int_equal(buf[33], VHOST_IOTLB_UPDATE);
	for (size_t i = 34; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	v2.version = 2;
	v2.asid = 7;
	memset(buf, 0xa5, sizeof(buf));
	iotlb_encode(&v2, buf);
	assert_memory_equal(buf, "\x02\0\0\0\x07\0\0\0", 8);
	assert_memory_equal(buf + 8, &update.iova, 8);
	assert_int_equal(buf[32], VHOST_ACCESS_WO);
	assert_int_equal(buf[33], VHOST_IOTLB_UPDATE);
	for (size_t i = 34; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
}

static void test_what_was_encoded_is_decoded(void **state)
{
	unsigned char buf[IOTLB_MSG_BYTES];

	(void)state;
	for (int version = 1; version <= 2; version++) {
		struct iotlb_msg in = update;
		struct iotlb_msg out;
		bool clean = false;

		in.version = version;
		in.asid = version == 2 ? 0xdeadbeef : 0;
		iotlb_encode(&in, buf);
		memset(&out, 0xa5, sizeof(out));
		assert_int_equal(iotlb_decode(buf, &out, &clean), 0);
		assert_true(clean);
		assert_int_equal(out.version, version);
		assert_int_equal(out.asid, in.asid);
		assert_true(out.iova == in.iova && out.size == in.size &&
			    out.uaddr == in.uaddr);
		assert_int_equal(out.perm, in.perm);
		assert_int_equal(out.type, in.type);
	}
}

static void test_a_set_byte_of_padding_is_seen_at_every_place(void **state)
{
	unsigned char buf[IOTLB_MSG_BYTES];
	size_t padding = 0;

	(void)state;
	for (int version = 1; version <= 2; version++) {
		struct iotlb_msg in = update;

		in.version = version;
		for (size_t i = 4; i < sizeof(buf); i++) {
			struct iotlb_msg out;
			bool clean = is_padding(version, i);

			iotlb_encode(&in, buf);
			buf[i] ^= 0x80;
			assert_int_equal(iotlb_decode(buf, &out, &clean), 0);
			if (clean == is_padding(version, i))
				fail_msg("version %d, byte %zu", version, i);
			padding += !clean;
		}
	}
	assert_int_equal(padding, 4 + 38 + 38);
}

static void test_another_type_is_no_message(void **state)
{
	unsigned char buf[IOTLB_MSG_BYTES] = { 0 };
	struct iotlb_msg out = { .version = 77 };
	bool clean = true;

	(void)state;
	for (int type = 0; type < 256; type++) {
		buf[0] = (unsigned char)type;
		assert_int_equal(iotlb_decode(buf, &out, &clean),
				 type == 1 || type == 2 ? 0 : -EBADMSG);
	}
	buf[0] = 1;
	buf[3] = 1;
	assert_int_equal(iotlb_decode(buf, &out, &clean), -EBADMSG);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(iotlb_msg_word(VHOST_IOTLB_MISS), EV_MISS);
	assert_int_equal(iotlb_msg_word(VHOST_IOTLB_UPDATE), EV_UPDATE);
	assert_int_equal(iotlb_msg_word(VHOST_IOTLB_INVALIDATE), EV_INVALIDATE);
	assert_int_equal(iotlb_msg_word(VHOST_IOTLB_ACCESS_FAIL), EV_ACCESS_FAIL);
	assert_int_equal(iotlb_msg_word(VHOST_IOTLB_BATCH_BEGIN), EV_BATCH_BEGIN);
	assert_int_equal(iotlb_msg_word(VHOST_IOTLB_BATCH_END), EV_BATCH_END);
	assert_int_equal(iotlb_msg_word(0), EV_OTHER_MSG);
	assert_int_equal(iotlb_msg_word(255), EV_OTHER_MSG);
	assert_int_equal(iotlb_perm_word(0), EV_PERM_NONE);
	assert_int_equal(iotlb_perm_word(VHOST_ACCESS_RO), EV_PERM_RO);
	assert_int_equal(iotlb_perm_word(VHOST_ACCESS_WO), EV_PERM_WO);
	assert_int_equal(iotlb_perm_word(VHOST_ACCESS_RW), EV_PERM_RW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_layout_is_that_of_the_kernel),
		cmocka_unit_test(test_what_was_encoded_is_decoded),
		cmocka_unit_test(test_a_set_byte_of_padding_is_seen_at_every_place),
		cmocka_unit_test(test_another_type_is_no_message),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
