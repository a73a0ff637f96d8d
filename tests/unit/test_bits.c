/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"

static void test_a_name_depends_on_the_device(void **state)
{
	(void)state;
	assert_string_equal(bit_name(BITS_FEATURES, FAMILY_NET, 27),
			    "VHOST_NET_F_VIRTIO_NET_HDR");
	assert_string_equal(bit_name(BITS_FEATURES, FAMILY_VSOCK, 27),
			    "VIRTIO_F_ANY_LAYOUT");
	assert_string_equal(bit_name(BITS_FEATURES, FAMILY_VSOCK, 1),
			    "VIRTIO_VSOCK_F_SEQPACKET");
	assert_string_equal(bit_name(BITS_FEATURES, FAMILY_SCSI, 1),
			    "VIRTIO_SCSI_F_HOTPLUG");
	assert_string_equal(bit_name(BITS_BACKEND, FAMILY_VSOCK, 1),
			    "VHOST_BACKEND_F_IOTLB_MSG_V2");
	assert_null(bit_name(BITS_BACKEND, FAMILY_VSOCK, 33));
	assert_null(bit_name(BITS_FEATURES, FAMILY_VSOCK, 63));
	assert_null(bit_name(BITS_FEATURES, FAMILY_VSOCK, 1000));
}

static void test_every_name_leads_back_to_its_bit(void **state)
{
	size_t found = 0;

	(void)state;
	for (int family = 0; family < FAMILY_NUM; family++) {
		for (unsigned int bit = 0; bit < 64 * FEATURE_WORDS; bit++) {
			const char *name =
				bit_name(BITS_FEATURES, (enum family)family, bit);

			if (!name)
				continue;
			found++;
			assert_int_equal(bit_number((enum family)family, name), bit);
			if (!strncmp(name, "VIRTIO_", 7))
				assert_int_equal(
					bit_number((enum family)family, name + 7), bit);
		}
	}
	assert_true(found > 48);
}

static void test_numbers_are_decimal_and_in_range(void **state)
{
	static const char *const wrong[] = {
		"",
		"-1",
		"+1",
		" 1",
		"1 ",
		"0x21",
		"128",
		"1000",
		"F_NO_SUCH_BIT",
		"18446744073709551617",
		"virtio_f_version_1",
	};

	(void)state;
	assert_int_equal(bit_number(FAMILY_VSOCK, "0"), 0);
	assert_int_equal(bit_number(FAMILY_VSOCK, "33"), 33);
	assert_int_equal(bit_number(FAMILY_NET, "127"), 127);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(bit_number(FAMILY_VSOCK, wrong[i]), -ENOENT);
	/* a name of another device is none here */
	assert_int_equal(bit_number(FAMILY_VSOCK, "VIRTIO_NET_F_MRG_RXBUF"), -ENOENT);
}

static void test_a_mask_shows_hex_names_and_what_has_no_name(void **state)
{
	static const struct feature_set vsock = { { UINT64_C(0x33d000002) } };
	static const struct feature_set odd = { { BIT64(63) | BIT64(33) | BIT64(60) } };
	static const struct feature_set wide = { { BIT64(0), BIT64(65 - 64) } };
	static const struct feature_set none = { { 0 } };
	cleanup_arena struct arena a = { 0 };
	struct mask *m = mask_make(&a, BITS_FEATURES, FAMILY_VSOCK, &vsock);

	(void)state;
	assert_non_null(m);
	assert_string_equal(m->hex, "0x33d000002");
	assert_int_equal(m->names.count, 8);
	assert_string_equal(m->names.item[0], "VIRTIO_VSOCK_F_SEQPACKET");
	assert_string_equal(m->names.item[7], "VIRTIO_F_ACCESS_PLATFORM");
	assert_int_equal(m->unknown_bits.count, 0);

	m = mask_make(&a, BITS_FEATURES, FAMILY_VSOCK, &odd);
	assert_string_equal(m->hex, "0x9000000200000000");
	assert_int_equal(m->names.count, 1);
	assert_int_equal(m->unknown_bits.count, 2);
	assert_int_equal(*(int64_t *)m->unknown_bits.item[0], 60);
	assert_int_equal(*(int64_t *)m->unknown_bits.item[1], 63);

	/* bits above 63, with the zeros between */
	m = mask_make(&a, BITS_FEATURES, FAMILY_NET, &wide);
	assert_string_equal(m->hex, "0x20000000000000001");
	assert_int_equal(m->names.count, 2);
	assert_string_equal(m->names.item[1], "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO");

	m = mask_make(&a, BITS_FEATURES, FAMILY_VSOCK, &none);
	assert_string_equal(m->hex, "0x0");
	assert_int_equal(m->names.count + m->unknown_bits.count, 0);
}

static void test_the_bits_of_a_mask_are_read_at_any_width(void **state)
{
	static const struct row {
		const char *hex;
		struct feature_set set;
	} rows[] = {
		{ "0x0", { { 0 } } },
		{ "0x33d000002", { { UINT64_C(0x33d000002) } } },
		{ "0xffffffffffffffff", { { UINT64_MAX } } },
		{ "0x10000000000000000", { { 0, 1 } } },
		{ "0xa0000010b3d008000", { { UINT64_C(0x10b3d008000), 10 } } },
		{ "0x80000000000000000000000000000001", { { 1, BIT64(63) } } },
		/* what is wider keeps the bits that are known */
		{ "0xf00000000000000020000000000000001", { { 1, 2 } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct feature_set set = mask_set(&(struct mask){ .hex = rows[i].hex });

		assert_memory_equal(&set, &rows[i].set, sizeof(set));
	}
	assert_true(feature_set_has(&rows[4].set, 67));
	assert_false(feature_set_has(&rows[4].set, 66));
	assert_true(feature_set_has(&rows[4].set, 15));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_depends_on_the_device),
		cmocka_unit_test(test_every_name_leads_back_to_its_bit),
		cmocka_unit_test(test_numbers_are_decimal_and_in_range),
		cmocka_unit_test(test_a_mask_shows_hex_names_and_what_has_no_name),
		cmocka_unit_test(test_the_bits_of_a_mask_are_read_at_any_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
