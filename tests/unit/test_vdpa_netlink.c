/* SPDX-License-Identifier: MIT */
/*
 * The encoder and decoder of the vdpa family against bytes that were recorded on Linux
 * 6.12.107, with one device of vduse.
 */
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "seam/vdpa_netlink.h"

#define FAMILY 0x22

/* Answer to CTRL_CMD_GETFAMILY, up to its list of operations */
_Alignas(4) static const uint8_t family_answer[] = {
	0x40, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x7a,
	0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x09, 0x00, 0x02, 0x00, 0x76, 0x64,
	0x70, 0x61, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x01, 0x00, 0x22, 0x00, 0x00,
	0x00, 0x08, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x08, 0x00, 0x04, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x05, 0x00, 0x25, 0x00, 0x00, 0x00,
};

_Alignas(4) static const uint8_t mgmtdev_answer[] = {
	0x40, 0x00, 0x00, 0x00, 0x22, 0x00, 0x02, 0x00, 0x02, 0x00, 0x00, 0x00, 0x7a,
	0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x0a, 0x00, 0x02, 0x00, 0x76, 0x64,
	0x75, 0x73, 0x65, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x03, 0x00, 0x06, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x0f, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x0c, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

_Alignas(4) static const uint8_t device_answer[] = {
	0x60, 0x00, 0x00, 0x00, 0x22, 0x00, 0x02, 0x00, 0x03, 0x00, 0x00, 0x00,
	0x7a, 0x00, 0x00, 0x00, 0x03, 0x01, 0x00, 0x00, 0x0a, 0x00, 0x02, 0x00,
	0x76, 0x64, 0x75, 0x73, 0x65, 0x00, 0x00, 0x00, 0x15, 0x00, 0x04, 0x00,
	0x76, 0x68, 0x6f, 0x73, 0x74, 0x63, 0x68, 0x65, 0x63, 0x6b, 0x2d, 0x31,
	0x32, 0x32, 0x2d, 0x30, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x05, 0x00,
	0x02, 0x00, 0x00, 0x00, 0x08, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x08, 0x00, 0x07, 0x00, 0x02, 0x00, 0x00, 0x00, 0x06, 0x00, 0x08, 0x00,
	0x00, 0x01, 0x00, 0x00, 0x06, 0x00, 0x09, 0x00, 0x01, 0x00, 0x00, 0x00,
};

/* What the kernel took and answered to */
static const uint8_t family_question[] = {
	0x20, 0x00, 0x00, 0x00, 0x10, 0x00, 0x05, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x01, 0x00, 0x00, 0x09, 0x00,
	0x02, 0x00, 0x76, 0x64, 0x70, 0x61, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t mgmtdevs_question[] = {
	0x14, 0x00, 0x00, 0x00, 0x22, 0x00, 0x01, 0x03, 0x02, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x01, 0x00, 0x00,
};
static const uint8_t devices_question[] = {
	0x14, 0x00, 0x00, 0x00, 0x22, 0x00, 0x01, 0x03, 0x03, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x01, 0x00, 0x00,
};
static const uint8_t add_order[] = {
	0x28, 0x00, 0x00, 0x00, 0x22, 0x00, 0x05, 0x00, 0x04, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x01, 0x00, 0x00,
	0x0b, 0x00, 0x02, 0x00, 0x6e, 0x6f, 0x73, 0x75, 0x63, 0x68,
	0x00, 0x00, 0x08, 0x00, 0x04, 0x00, 0x76, 0x64, 0x30, 0x00,
};
static const uint8_t delete_order[] = {
	0x20, 0x00, 0x00, 0x00, 0x22, 0x00, 0x05, 0x00, 0x05, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x01, 0x00, 0x00, 0x0b, 0x00,
	0x04, 0x00, 0x6e, 0x6f, 0x73, 0x75, 0x63, 0x68, 0x00, 0x00,
};

static void each_order_is_the_bytes_that_the_kernel_took(void **state)
{
	static const struct {
		struct vdpa_message message;
		const uint8_t *bytes;
		size_t len;
	} rows[] = {
		{ { .order = VDPA_ORDER_FAMILY, .family = FAMILY, .seq = 1 },
		  family_question,
		  sizeof(family_question) },
		{ { .order = VDPA_ORDER_MGMTDEVS, .family = FAMILY, .seq = 2 },
		  mgmtdevs_question,
		  sizeof(mgmtdevs_question) },
		{ { .order = VDPA_ORDER_DEVICES, .family = FAMILY, .seq = 3 },
		  devices_question,
		  sizeof(devices_question) },
		{ { VDPA_ORDER_ADD, FAMILY, 4, "vd0", "nosuch" },
		  add_order,
		  sizeof(add_order) },
		{ { VDPA_ORDER_DELETE, FAMILY, 5, "nosuch", NULL },
		  delete_order,
		  sizeof(delete_order) },
	};
	_Alignas(struct nlmsghdr) uint8_t buf[VDPA_MESSAGE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(vdpa_encode(&rows[i].message, buf), rows[i].len);
		assert_memory_equal(buf, rows[i].bytes, rows[i].len);
	}
}

static const struct nlmsghdr *message(const uint8_t *bytes)
{
	return (const struct nlmsghdr *)(const void *)bytes;
}

static void the_longest_names_fit(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t buf[VDPA_MESSAGE];
	char name[VDPA_NAME];
	const struct vdpa_message m = { VDPA_ORDER_ADD, FAMILY, 1, name, name };
	struct vdpa_device device;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_true(vdpa_encode(&m, buf) <= sizeof(buf));
	assert_int_equal(vdpa_decode_device(message(buf), &device), 0);
	assert_string_equal(device.name, name);
	assert_string_equal(device.mgmt, name);
}

static void the_family_has_its_number(void **state)
{
	uint16_t family = 0;

	(void)state;
	assert_int_equal(vdpa_decode_family(message(family_answer), &family), 0);
	assert_int_equal(family, FAMILY);
	assert_int_equal(vdpa_decode_family(message(mgmtdevs_question), &family),
			 -EBADMSG);
}

static void a_device_is_described(void **state)
{
	struct vdpa_device d;

	(void)state;
	assert_int_equal(vdpa_decode_device(message(device_answer), &d), 0);
	assert_string_equal(d.name, "vhostcheck-122-0");
	assert_string_equal(d.mgmt, "vduse");
	assert_int_equal(d.type, 2);
	assert_int_equal(d.vendor, 0);
	assert_int_equal(d.max_vqs, 2);
	assert_int_equal(d.max_vq_size, 256);
	assert_int_equal(d.min_vq_size, 1);
}

static void a_management_device_has_a_name_and_no_device(void **state)
{
	struct vdpa_device d;

	(void)state;
	assert_int_equal(vdpa_decode_device(message(mgmtdev_answer), &d), 0);
	assert_string_equal(d.name, "");
	assert_string_equal(d.mgmt, "vduse");
	assert_int_equal(d.max_vqs, 0);
}

static void what_names_nothing_is_no_device(void **state)
{
	struct vdpa_device d;

	(void)state;
	assert_int_equal(vdpa_decode_device(message(devices_question), &d), -EBADMSG);
}

/* Whatever a message is cut to, in the steps of netlink: nothing beyond it is read. */
static void a_cut_message_is_read_within_its_bounds(void **state)
{
	(void)state;
	for (size_t len = sizeof(struct nlmsghdr); len <= sizeof(device_answer);
	     len += NLMSG_ALIGNTO) {
		cleanup_free uint8_t *bytes = malloc(len);
		struct vdpa_device d;
		uint16_t family = 0;
		const uint32_t total = (uint32_t)len;

		assert_non_null(bytes);
		memcpy(bytes, device_answer, len);
		memcpy(bytes, &total, sizeof(total));
		if (vdpa_decode_device(message(bytes), &d) == 0)
			assert_true(strlen(d.name) < sizeof(d.name));
		(void)vdpa_decode_family(message(bytes), &family);
	}
}

/* A number or name of the wrong size is left out: no kernel sends one. */
static void an_attribute_of_a_wrong_size_counts_as_missing(void **state)
{
	_Alignas(4) uint8_t bytes[sizeof(device_answer)];
	struct vdpa_device d;

	(void)state;
	memcpy(bytes, device_answer, sizeof(bytes));
	bytes[56] = 5; /* nla_len of VDPA_ATTR_DEV_ID: one byte */
	assert_int_equal(vdpa_decode_device(message(bytes), &d), 0);
	assert_int_equal(d.type, 0);
	bytes[52] = 'x'; /* what ended the name */
	assert_int_equal(vdpa_decode_device(message(bytes), &d), 0);
	assert_string_equal(d.name, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_order_is_the_bytes_that_the_kernel_took),
		cmocka_unit_test(the_longest_names_fit),
		cmocka_unit_test(the_family_has_its_number),
		cmocka_unit_test(a_device_is_described),
		cmocka_unit_test(a_management_device_has_a_name_and_no_device),
		cmocka_unit_test(what_names_nothing_is_no_device),
		cmocka_unit_test(a_cut_message_is_read_within_its_bounds),
		cmocka_unit_test(an_attribute_of_a_wrong_size_counts_as_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
