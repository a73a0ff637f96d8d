/* SPDX-License-Identifier: MIT */
#include "stacks/features.h"
#include "stacks/sources.h"
#include "stacks_fixture.h"

static void test_built_in_policies_have_the_names_of_their_files(void **state)
{
	static const char *const expected[] = {
		"acrn",
		"acrn-vsock",
		"alioth",
		"alioth-2024",
		"cloud-hypervisor",
		"crosvm",
		"crosvm-2022",
		"crosvm-vhost-user",
		"dpdk-vdpa",
		"dpdk-virtio-user",
		"dragonball",
		"kvmtool",
		"kvmtool-2021",
		"kvmtool-scsi",
		"kvmtool-scsi-2023",
		"kvmtool-vsock",
		"nebula",
		"openvmm",
		"passthrough-late",
		"qemu",
		"qemu-2017",
		"qemu-scsi",
		"qemu-vdpa",
		"qemu-vdpa-2023",
		"seastar",
		"stratovirt",
		"stratovirt-2023",
		"stratovirt-vsock",
		"vpp",
	};
	struct fixture *f = *state;

	assert_int_equal(f->library.count, ARRAY_SIZE(expected));
	assert_int_equal(stack_source_count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < f->library.count; i++) {
		const struct stack *s = f->library.item[i];

		assert_string_equal(s->name, expected[i]);
		assert_true(s->sources.count > 0);
		assert_non_null(stack_find(&f->library, stack_sources[i].name));
	}
	assert_null(stack_find(&f->library, "crosvm-2023"));
}

static uint64_t sent(struct fixture *f, const char *name, enum guest_kind kind,
		     enum family family, uint64_t offered)
{
	const struct stack *s = stack_find(&f->library, name);
	const struct feature_set set = { { offered } };

	assert_non_null(s);
	return stack_features(s, guest_of(s, kind), family, &set).sent.word[0];
}

/* The net of Linux 6.12 and of 6.18 (its first 64 bits), as they offer it. */
#define OLD_NET UINT64_C(0x1033d008000)
#define NET UINT64_C(0x10b3d008000)

/* Its scsi, and a block device of qemu-storage-daemon behind VDUSE. */
#define SCSI UINT64_C(0x13d00000a)
#define VDPA UINT64_C(0x331006644)

/* The vsock of Linux 5.10 and of 6.12, as they offer it. */
#define OLD_VSOCK UINT64_C(0x13d000000)
#define VSOCK UINT64_C(0x33d000002)

static void test_each_policy_sends_its_own_features(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sent(f, "crosvm-2022", GUEST_PLAIN, FAMILY_VSOCK, VSOCK),
			 0x120000000);
	assert_int_equal(sent(f, "crosvm-2022", GUEST_PROTECTED, FAMILY_VSOCK, VSOCK),
			 0x320000000);
	assert_int_equal(sent(f, "crosvm", GUEST_PROTECTED, FAMILY_VSOCK, VSOCK),
			 0x120000000);
	assert_int_equal(sent(f, "kvmtool-2021", GUEST_PLAIN, FAMILY_VSOCK, VSOCK),
			 VSOCK);
	assert_int_equal(
		sent(f, "crosvm-vhost-user", GUEST_PROTECTED, FAMILY_VSOCK, VSOCK),
		0x320000002);
	assert_int_equal(sent(f, "kvmtool-vsock", GUEST_PLAIN, FAMILY_VSOCK, VSOCK),
			 0x130000000);
	assert_int_equal(sent(f, "stratovirt-2023", GUEST_PLAIN, FAMILY_VSOCK, VSOCK),
			 0x330000002);
	assert_int_equal(sent(f, "stratovirt-vsock", GUEST_PLAIN, FAMILY_VSOCK, VSOCK),
			 0x130000002);
	assert_int_equal(sent(f, "alioth", GUEST_PROTECTED, FAMILY_VSOCK, VSOCK),
			 0x330000002);
	assert_int_equal(sent(f, "alioth-2024", GUEST_PROTECTED, FAMILY_VSOCK, VSOCK),
			 0x130000002);
	assert_int_equal(sent(f, "openvmm", GUEST_PLAIN, FAMILY_VSOCK, VSOCK),
			 0x130000002);
	assert_int_equal(sent(f, "acrn-vsock", GUEST_PLAIN, FAMILY_VSOCK, VSOCK),
			 0x130000000);
	assert_int_equal(sent(f, "acrn", GUEST_PLAIN, FAMILY_NET, NET), 0x138008000);
	assert_int_equal(sent(f, "seastar", GUEST_PLAIN, FAMILY_NET, NET), 0x30008000);
	assert_int_equal(sent(f, "nebula", GUEST_PLAIN, FAMILY_NET, NET), 0x100008000);
	assert_int_equal(sent(f, "qemu", GUEST_PROTECTED, FAMILY_VSOCK, VSOCK),
			 0x130000002);
	assert_int_equal(sent(f, "qemu", GUEST_VIOMMU, FAMILY_VSOCK, VSOCK), 0x330000002);
}

static void test_bit_33_is_sent_to_vdpa_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sent(f, "qemu-scsi", GUEST_PROTECTED, FAMILY_SCSI, SCSI),
			 0x130000002);
	assert_int_equal(sent(f, "qemu-scsi", GUEST_VIOMMU, FAMILY_SCSI, SCSI),
			 0x330000002);
	assert_int_equal(sent(f, "kvmtool-scsi", GUEST_PLAIN, FAMILY_SCSI, SCSI),
			 0x130000000);
	assert_int_equal(sent(f, "kvmtool-scsi-2023", GUEST_PLAIN, FAMILY_SCSI, SCSI),
			 SCSI);
	assert_int_equal(sent(f, "qemu-vdpa", GUEST_PLAIN, FAMILY_VDPA, VDPA),
			 0x330006644);
	assert_int_equal(
		sent(f, "qemu-vdpa", GUEST_PLAIN, FAMILY_VDPA, VDPA & ~BIT64(33)),
		0x330006644);
	assert_int_equal(sent(f, "cloud-hypervisor", GUEST_PLAIN, FAMILY_VDPA, VDPA),
			 0x330006644);
	assert_int_equal(
		sent(f, "cloud-hypervisor", GUEST_PLAIN, FAMILY_VDPA, VDPA & ~BIT64(33)),
		0x130006644);
	assert_int_equal(sent(f, "dpdk-vdpa", GUEST_PLAIN, FAMILY_VDPA, BIT64(32)),
			 0x300000000);
}

static void test_in_order_is_sent_where_it_is_offered(void **state)
{
	struct fixture *f = *state;
	const struct feature_set net = { { NET } };
	const struct stack *s = stack_find(&f->library, "stratovirt");

	assert_int_equal(sent(f, "dpdk-virtio-user", GUEST_PLAIN, FAMILY_NET, OLD_NET),
			 0x110008000);
	assert_int_equal(sent(f, "dpdk-virtio-user", GUEST_PLAIN, FAMILY_NET, NET),
			 0x910008000);
	assert_int_equal(sent(f, "stratovirt", GUEST_PLAIN, FAMILY_NET, OLD_NET),
			 0x10135008000);
	assert_int_equal(sent(f, "stratovirt", GUEST_PLAIN, FAMILY_NET, NET),
			 0x10935008000);
	assert_int_equal(stack_features(s, guest_of(s, GUEST_PLAIN), FAMILY_NET, &net)
				 .acked.word[0],
			 0x10130008000);
	assert_int_equal(s->risk, RISK_INTRUSIVE);
}

static void test_no_guest_acknowledges_what_is_not_offered(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sent(f, "crosvm-2022", GUEST_PROTECTED, FAMILY_VSOCK, OLD_VSOCK),
			 0x120000000);
	assert_int_equal(sent(f, "kvmtool-2021", GUEST_PLAIN, FAMILY_VSOCK, OLD_VSOCK),
			 OLD_VSOCK);
	/* QEMU sends bit 33 for a guest with a vIOMMU whether it is offered or not */
	assert_int_equal(sent(f, "qemu", GUEST_VIOMMU, FAMILY_VSOCK, OLD_VSOCK),
			 0x330000000);
}

static void test_bits_of_other_devices_and_of_later_kernels_stay_out(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sent(f, "qemu", GUEST_PLAIN, FAMILY_VSOCK, UINT64_MAX),
			 0x10130000002);
	assert_int_equal(sent(f, "qemu", GUEST_PLAIN, FAMILY_NET, UINT64_MAX),
			 0x10130008000);
}

static uint64_t unknown(struct fixture *f, const char *name, enum guest_kind kind,
			enum family family, uint64_t offered)
{
	const struct stack *s = stack_find(&f->library, name);
	const struct feature_set set = { { offered } };

	assert_non_null(s);
	return stack_features(s, guest_of(s, kind), family, &set).unknown.word[0];
}

static void test_what_is_sent_unknown_is_sent_offered_and_not_known(void **state)
{
	struct fixture *f = *state;
	const uint64_t iotlb = BIT64(33), log = BIT64(26), order = BIT64(35);

	assert_int_equal(unknown(f, "crosvm-2022", GUEST_PLAIN, FAMILY_NET, NET), 0);
	assert_int_equal(unknown(f, "crosvm-2022", GUEST_PROTECTED, FAMILY_NET, NET),
			 iotlb);
	assert_int_equal(unknown(f, "crosvm", GUEST_PROTECTED, FAMILY_NET, NET), 0);
	assert_int_equal(
		unknown(f, "crosvm-vhost-user", GUEST_PROTECTED, FAMILY_VSOCK, VSOCK),
		iotlb);
	assert_int_equal(unknown(f, "stratovirt", GUEST_PLAIN, FAMILY_NET, NET),
			 log | order | BIT64(24) | BIT64(40));
	assert_int_equal(unknown(f, "stratovirt", GUEST_PLAIN, FAMILY_NET, OLD_NET),
			 log | BIT64(24) | BIT64(40));
	assert_int_equal(unknown(f, "kvmtool-2021", GUEST_PLAIN, FAMILY_VSOCK, VSOCK),
			 VSOCK & ~(BIT64(28) | BIT64(29)));
	/* known to QEMU, and sent whether it is offered or not */
	assert_int_equal(unknown(f, "qemu", GUEST_VIOMMU, FAMILY_VSOCK, VSOCK), 0);
	assert_int_equal(unknown(f, "qemu", GUEST_VIOMMU, FAMILY_VSOCK, 0), 0);
}

static void test_what_some_kernel_offers_is_known(void **state)
{
	const struct feature_set net = stack_offered_anywhere(FAMILY_NET);
	const struct feature_set vsock = stack_offered_anywhere(FAMILY_VSOCK);

	(void)state;
	assert_int_equal(net.word[0], NET);
	assert_int_equal(net.word[1], 0);
	assert_int_equal(vsock.word[0], VSOCK);
	assert_int_equal(vsock.word[1], 0);
}

static void test_all_backend_features_are_those_offered(void **state)
{
	struct fixture *f = *state;
	const struct stack *s = stack_find(&f->library, "alioth");

	assert_int_equal(stack_backend(s, FAMILY_VSOCK, 0x106), 0x106);
	assert_int_equal(stack_backend(s, FAMILY_VSOCK, 0), 0);
}

static void test_backend_features_are_those_offered(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(stack_backend(stack_find(&f->library, "qemu"), FAMILY_VSOCK, 6),
			 2);
	assert_int_equal(stack_backend(stack_find(&f->library, "qemu"), FAMILY_VSOCK, 4),
			 0);
	assert_int_equal(
		stack_backend(stack_find(&f->library, "crosvm"), FAMILY_VSOCK, 2), 0);
}

/* ------------------------------------------------------------ broken policies */

static const char *crosvm_text(void)
{
	for (size_t i = 0; i < stack_source_count; i++)
		if (!strcmp(stack_sources[i].name, "crosvm"))
			return stack_sources[i].text;
	fail_msg("there is no crosvm");
	return NULL;
}

/* The text of crosvm with the first @from replaced. */
static char *spoilt(struct arena *a, const char *from, const char *to)
{
	const char *text = crosvm_text(), *at = strstr(text, from);
	char *made = NULL;

	assert_non_null(at);
	made = arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	assert_non_null(made);
	return made;
}

/* A change to the text of crosvm, and what is to be said of it. */
struct broken {
	const char *from, *to;
	size_t line;
	const char *pointer, *word, *text;
};

static void assert_refused(struct fixture *f, const struct broken *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = spoilt(&f->arena, b[i].from, b[i].to);
		const struct stack *s = NULL;
		struct written_error err;

		assert_int_equal(stack_parse(&f->arena, text, strlen(text), &s, &err),
				 -EINVAL);
		assert_null(s);
		assert_string_equal(err.pointer, b[i].pointer);
		assert_string_equal(err.word, b[i].word);
		assert_int_equal(err.line, b[i].line);
		if (!strstr(err.text, b[i].text))
			fail_msg("\"%s\" does not say \"%s\"", err.text, b[i].text);
	}
}

static void test_what_is_not_of_the_schema_is_refused(void **state)
{
	static const struct broken rows[] = {
		{ "vhostcheck-stack/1", "vhostcheck-stack/2", 2, "/schema", "schema",
		  "vhostcheck-stack/1" },
		{ "\"base\"", "\"bass\"", 12, "/bass", "bass", "\"bass\" is not known" },
		{ "\"force\": []", "\"force\": [], \"extra\": 1", 21, "/guests/0/extra",
		  "extra", "not known" },
		{ "\"map\": \"none\"", "\"map\": \"some\"", 22, "/guests/0/map", "map",
		  "\"some\"" },
		{ "\"risk\": \"safe\"", "\"risk\": \"none\"", 7, "/risk", "risk",
		  "\"none\"" },
		{ "\"about\": \"", "\"about\": 7, \"more\": \"", 8, "/about", "about",
		  "expected string" },
		{ "\"devices\": [", "\"devices\": [7, ", 9, "/devices/0", "0",
		  "expected string" },
	};

	assert_refused(*state, rows, ARRAY_SIZE(rows));
}

static void test_what_is_not_json_is_refused_with_its_line(void **state)
{
	static const struct broken rows[] = {
		{ "\"base\": \"acked\",", "\"base\": \"acked\"", 13, "", "", "not JSON" },
		{ "\"base\": \"acked\",", "\"base\": \"acked\", \"base\": \"none\",", 12,
		  "/base", "base", "twice" },
	};

	assert_refused(*state, rows, ARRAY_SIZE(rows));
}

static void test_a_policy_is_refused_whose_words_are_unknown(void **state)
{
	static const struct broken rows[] = {
		{ "\"stack\": \"crosvm\"", "\"stack\": \"cros vm\"", 3, "/stack",
		  "cros vm", "no name" },
		{ "\"net\"", "\"nett\"", 9, "/devices/0", "nett", "no device" },
		{ "\"net\"", "\"vsock\"", 9, "/devices/1", "vsock", "twice" },
		{ "\"packages\": []",
		  "\"packages\": [{\"name\": \"x\", \"since\": \"v1\", \"before\": null}]",
		  11, "/packages/0/since", "v1", "no version" },
		{ "\"known\": [", "\"known\": [\"VIRTIO_F_X\", ", 13, "/known/0",
		  "VIRTIO_F_X", "no feature bit" },
		{ "\"backend\": []", "\"backend\": [\"V2\"]", 14, "/backend/0", "V2",
		  "no backend feature" },
		{ "\"backend\": []",
		  "\"backend\": [\"VHOST_BACKEND_F_IOTLB_MSG_V2\", \"all\"]", 14,
		  "/backend/1", "all", "alone" },
		{ "[\"VIRTIO_F_ACCESS_PLATFORM\"]", "[\"33\", \"VIRTIO_F_X\"]", 20,
		  "/guests/0/mask/1", "VIRTIO_F_X", "no feature bit" },
		{ "\"acks\": [", "\"acks\": [\"128\", ", 19, "/guests/0/acks/0", "128",
		  "no feature bit" },
		{ "\"force\": []", "\"force\": [\"VIRTIO_SCSI_F_INOUT\"]", 21,
		  "/guests/0/force/0", "VIRTIO_SCSI_F_INOUT", "no feature bit" },
	};

	assert_refused(*state, rows, ARRAY_SIZE(rows));
}

static void test_a_step_is_refused_that_is_none(void **state)
{
	static const struct broken rows[] = {
		{ "SET_OWNER", "SET_OWNR", 15, "/order/0", "SET_OWNR", "no step" },
		{ "VRINGS NUM", "VRINGS NUMB", 15, "/order/4", "NUMB", "no step" },
		{ "VRINGS NUM", "VRINGS  NUM", 15, "/order/4", "", "no step" },
		{ "VRINGS NUM", "VRINGS NUM NUM", 15, "/order/4", "NUM",
		  "twice in this step" },
		{ "\"VRINGS NUM", "\"VRINGS\", \"VRINGS NUM", 15, "/order/4", "VRINGS",
		  "lacks its calls" },
		{ "SET_OWNER", "SET_OWNER NUM", 15, "/order/0", "NUM",
		  "does not go with what stands before it" },
		{ "\"SET_GUEST_CID\"", "\"SET_GUEST_CID\", \"SET_GUEST_CID\"", 15,
		  "/order/6", "SET_GUEST_CID", "twice" },
		{ "\"START\"", "\"START\", \"START\"", 15, "/order/7", "START", "twice" },
	};

	assert_refused(*state, rows, ARRAY_SIZE(rows));
}

static void test_a_policy_is_refused_whose_order_cannot_be_played(void **state)
{
	static const struct broken rows[] = {
		{ ", \"START\"]", "]", 15, "/order", "START", "START is missing" },
		{ " CALL KICK", " CALL", 15, "/order", "KICK", "KICK of the rings" },
		{ " CALL KICK", " KICK", 15, "/order", "CALL", "CALL of the rings" },
		{ "NUM ERR ADDR", "NUM ERR", 15, "/order/6", "START",
		  "needs NUM and ADDR" },
		{ "\"SET_MEM_TABLE\", ", "", 15, "/order/5", "START",
		  "needs SET_MEM_TABLE" },
		{ "\"SET_GUEST_CID\", ", "", 15, "/order", "SET_GUEST_CID",
		  "vsock needs" },
		{ "\"GET_FEATURES\", ", "", 15, "/order/1", "SET_FEATURES",
		  "needs GET_FEATURES before it" },
		{ "\"SET_OWNER\", ", "", 15, "/order/2", "SET_MEM_TABLE",
		  "needs SET_OWNER" },
		{ "\"GET_FEATURES\", ", "\"GET_FEATURES\", \"FORK_FROM_OWNER\", ", 15,
		  "/order/2", "FORK_FROM_OWNER", "stands before SET_OWNER" },
		{ "KICK\"", "KICK START\"", 15, "/order/4", "START",
		  "of one ring is of net alone" },
	};

	assert_refused(*state, rows, ARRAY_SIZE(rows));
}

static void test_a_ring_is_not_started_before_it_is_there(void **state)
{
	static const char *const rings[] = { "\"VRINGS START NUM ERR ADDR",
					     "\"VRINGS NUM ERR START ADDR" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rings); i++) {
		char *text = spoilt(&f->arena, "\"VRINGS NUM ERR ADDR", rings[i]);
		const struct stack *s = NULL;
		struct written_error err;

		assert_int_equal(stack_parse(&f->arena, text, strlen(text), &s, &err),
				 -EINVAL);
		assert_null(s);
		assert_string_equal(err.pointer, "/order/4");
		assert_string_equal(err.word, "START");
		assert_non_null(strstr(err.text, "needs NUM and ADDR"));
	}
}

static void test_a_policy_is_refused_whose_guests_contradict_it(void **state)
{
	static const struct broken rows[] = {
		{ "\"plain\"", "\"protected\"", 26, "/guests/1/guest", "protected",
		  "twice" },
		{ "\"map\": \"none\"", "\"map\": \"all\"", 22, "/guests/0/map", "map",
		  "IOTLB_UPDATE is not in the order" },
	};

	assert_refused(*state, rows, ARRAY_SIZE(rows));
}

static void test_a_base_of_nothing_needs_no_features(void **state)
{
	struct fixture *f = *state;
	const char *text = spoilt(&f->arena, "\"base\": \"acked\"", "\"base\": \"none\"");
	const struct feature_set offered = { { VSOCK } };
	const struct stack *s = NULL;
	struct written_error err;

	assert_int_equal(stack_parse(&f->arena, text, strlen(text), &s, &err), 0);
	assert_int_equal(
		stack_features(s, s->guests.item[0], FAMILY_VSOCK, &offered).sent.word[0],
		0);
}

/* ----------------------------------------------------------------------- files */

static int read_text(struct fixture *f, const char *text, size_t len,
		     const struct stack **ret, struct written_error *err)
{
	char path[] = "vhostcheck-test-stack-XXXXXX";
	int fd = mkstemp(path), r = 0;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(close(fd), 0);
	r = stack_file_read(&f->arena, path, ret, err);
	assert_int_equal(unlink(path), 0);
	return r;
}

static void test_a_file_is_read(void **state)
{
	struct fixture *f = *state;
	const char *text =
		spoilt(&f->arena, "\"stack\": \"crosvm\"", "\"stack\": \"mine\"");
	const struct stack *s = NULL;
	struct written_error err;

	assert_int_equal(read_text(f, text, strlen(text), &s, &err), 0);
	assert_string_equal(s->name, "mine");
}

static void test_a_file_must_not_take_a_built_in_name(void **state)
{
	struct fixture *f = *state;
	const char *text = crosvm_text();
	const struct stack *s = NULL;
	struct written_error err;

	assert_int_equal(read_text(f, text, strlen(text), &s, &err), -EEXIST);
	assert_null(s);
	assert_int_equal(err.line, 3);
	assert_string_equal(err.pointer, "/stack");
}

static void test_a_file_that_cannot_be_read_says_why(void **state)
{
	struct fixture *f = *state;
	char *large = arena_alloc(&f->arena, WRITTEN_MAX + 1);
	const struct stack *s = NULL;
	struct written_error err;

	assert_int_equal(stack_file_read(&f->arena, "no/such/file", &s, &err), -ENOENT);
	assert_string_equal(err.text, strerror(ENOENT));
	assert_int_equal(err.line, 0);
	assert_int_equal(stack_file_read(&f->arena, "/", &s, &err), -EISDIR);
	assert_non_null(large);
	memset(large, ' ', WRITTEN_MAX + 1);
	assert_int_equal(read_text(f, large, WRITTEN_MAX + 1, &s, &err), -EFBIG);
	assert_int_equal(read_text(f, large, WRITTEN_MAX, &s, &err), -EINVAL);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built_in_policies_have_the_names_of_their_files),
		cmocka_unit_test(test_each_policy_sends_its_own_features),
		cmocka_unit_test(test_bit_33_is_sent_to_vdpa_alone),
		cmocka_unit_test(test_in_order_is_sent_where_it_is_offered),
		cmocka_unit_test(test_no_guest_acknowledges_what_is_not_offered),
		cmocka_unit_test(
			test_bits_of_other_devices_and_of_later_kernels_stay_out),
		cmocka_unit_test(test_what_is_sent_unknown_is_sent_offered_and_not_known),
		cmocka_unit_test(test_what_some_kernel_offers_is_known),
		cmocka_unit_test(test_all_backend_features_are_those_offered),
		cmocka_unit_test(test_backend_features_are_those_offered),
		cmocka_unit_test(test_what_is_not_of_the_schema_is_refused),
		cmocka_unit_test(test_what_is_not_json_is_refused_with_its_line),
		cmocka_unit_test(test_a_policy_is_refused_whose_words_are_unknown),
		cmocka_unit_test(test_a_step_is_refused_that_is_none),
		cmocka_unit_test(test_a_policy_is_refused_whose_order_cannot_be_played),
		cmocka_unit_test(test_a_ring_is_not_started_before_it_is_there),
		cmocka_unit_test(test_a_policy_is_refused_whose_guests_contradict_it),
		cmocka_unit_test(test_a_base_of_nothing_needs_no_features),
		cmocka_unit_test(test_a_file_is_read),
		cmocka_unit_test(test_a_file_must_not_take_a_built_in_name),
		cmocka_unit_test(test_a_file_that_cannot_be_read_says_why),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
