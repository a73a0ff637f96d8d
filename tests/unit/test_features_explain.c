/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* cmd/ is no library: the units are compiled here */
#include "cmd/explain_bits.c"     /* NOLINT(bugprone-suspicious-include) */
#include "cmd/features_explain.c" /* NOLINT(bugprone-suspicious-include) */

/** struct fixture - what is told of one device */
struct fixture {
	struct arena arena;
	struct report_device device;
	struct features_duties f;
	char *text;
	size_t len;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	free(f->text);
	free(f);
	return 0;
}

static void explain(struct fixture *f, enum family family, struct feature_set features,
		    uint64_t backend)
{
	const struct feature_set backend_set = { { backend } };
	struct page page;
	FILE *out = NULL;

	f->device.kind = (int)family;
	f->device.features = mask_make(&f->arena, BITS_FEATURES, family, &features);
	f->device.backend_features =
		mask_make(&f->arena, BITS_BACKEND, family, &backend_set);
	assert_true(f->device.features && f->device.backend_features);
	assert_int_equal(features_explain(&f->arena, &f->device, &f->f), 0);
	out = open_memstream(&f->text, &f->len);
	assert_non_null(out);
	page_init(&page, out, 100, false);
	features_explain_print(&page, &f->device, &f->f);
	assert_int_equal(fclose(out), 0);
}

static void has(const struct fixture *f, const char *text)
{
	if (!strstr(f->text, text))
		fail_msg("'%s' is not in:\n%s", text, f->text);
}

static void lacks(const struct fixture *f, const char *text)
{
	if (strstr(f->text, text))
		fail_msg("'%s' is in:\n%s", text, f->text);
}

static void test_what_is_offered_and_nothing_else(void **state)
{
	struct fixture *f = *state;

	explain(f, FAMILY_VSOCK, (struct feature_set){ { BIT64(33) | BIT64(32) } }, 2);
	assert_int_equal(f->f.duties.count, 3);
	has(f, "Feature bit 33: device IOTLB (VIRTIO_F_ACCESS_PLATFORM)");
	has(f, "Backend feature bit 1: VHOST_BACKEND_F_IOTLB_MSG_V2");
	lacks(f, "SEQPACKET");
	lacks(f, "What some kernel offers");
	has(f, "#define VHOST_VSOCK_FEATURES_WITHOUT_IOTLB UINT64_C(0x100000000)");
}

static void test_bits_without_a_name_and_of_the_vmm_are_left_out(void **state)
{
	const uint64_t low = BIT64(15) | BIT64(26) | BIT64(27) | BIT64(32) | BIT64(33) |
			     BIT64(40) | BIT64(60);
	struct fixture *f = *state;

	/* 65 is bit 1 of the second word, 64 has no name */
	explain(f, FAMILY_NET, (struct feature_set){ { low, 3 } }, 0);
	has(f,
	    "Feature bit 60 has no name here: a VMM does not send what it does not know.");
	has(f, "Feature bit 64 has no name here");
	has(f, "Feature bit 65: VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO");
	has(f, "Feature bit 27: VHOST_NET_F_VIRTIO_NET_HDR");
	has(f, "pub const VHOST_NET_FEATURES_WITHOUT_IOTLB: u64 = 0x100008000;");
	lacks(f, "Backend feature bit");
}

static void test_a_vdpa_device_has_no_such_set(void **state)
{
	struct fixture *f = *state;

	explain(f, FAMILY_VDPA,
		(struct feature_set){ { BIT64(9) | BIT64(33) | BIT64(50) } }, 14);
	assert_null(f->f.without_iotlb);
	has(f, "Feature bit 9 is of the device's type");
	has(f, "Feature bit 50 has no name here");
	has(f, "Feature bit 33: VIRTIO_F_ACCESS_PLATFORM");
	has(f, "Send it always");
	has(f, "No VMM without IOTLB support drives a vDPA device.");
	lacks(f, "#define");
}

#define EXPLAIN(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXPLAIN(test_what_is_offered_and_nothing_else),
		EXPLAIN(test_bits_without_a_name_and_of_the_vmm_are_left_out),
		EXPLAIN(test_a_vdpa_device_has_no_such_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
