/* SPDX-License-Identifier: MIT */
/* Debian packages, and what a set of packages comes to. */
#include "vm_package_fixture.h"

static void expect_whole(const struct deb *d)
{
	cleanup_free char *deb = make_deb("good.deb", d);
	cleanup_free char *path = vm_path("%s/p/config", work.path), *config = NULL;
	struct vm_package p;

	assert_int_equal(vm_package_unpack(&p, &work, "p", deb, BZIMAGE_DEB, &err), 0);
	assert_string_equal(p.name, "linux-image-6.1.0-9-amd64 6.1.9-1");
	assert_string_equal(p.release, "6.1.0-9-amd64");
	assert_int_equal(vm_read_file(path, 1000, &config), 0);
	assert_string_equal(config, FAKE_CONFIG);
	assert_true(there("vmlinuz"));
	assert_true(there("modules/modules.order"));
	assert_true(there("modules/modules.builtin"));
	assert_true(there("modules/modules.builtin.modinfo"));
	assert_true(there("modules/kernel/drivers/vhost/vhost.ko"));
	assert_true(there("modules/kernel/net/a.ko.xz"));
	assert_false(there("modules/kernel/net/link.ko"));
	assert_false(there("modules/build"));
	vm_package_done(&p);
}

static void what_a_boot_needs_is_unpacked_and_nothing_else(void **state)
{
	(void)state;
	expect_whole(&good);
}

static void compression_is_told_from_the_data(void **state)
{
	struct deb gzipped = good;

	(void)state;
	gzipped.gzip = true;
	expect_whole(&gzipped);
}

static int add(struct vm_kernels *ks, const struct vm_workdir *w, const char *arg)
{
	return vm_kernels_add(ks, w, &arg, 1, NULL, &err);
}

static void a_package_makes_a_kernel(void **state)
{
	cleanup_free char *deb = make_deb("good.deb", &good);
	cleanup_vm_kernels struct vm_kernels ks = { 0 };

	(void)state;
	assert_int_equal(add(&ks, &work, deb), 0);
	assert_int_equal(vm_kernels_finish(&ks, &err), 0);
	assert_int_equal(ks.count, 1);
	assert_string_equal(ks.kernel[0].arg, deb);
	assert_string_equal(ks.kernel[0].release, "6.1.0-9-amd64");
	assert_string_equal(ks.kernel[0].package, "linux-image-6.1.0-9-amd64 6.1.9-1");
	assert_non_null(ks.kernel[0].modules);
	assert_non_null(ks.kernel[0].config);
}

static void expect_refusal(const struct deb *d, enum vm_fault fault, const char *says)
{
	cleanup_free char *deb = make_deb("bad.deb", d);
	struct vm_kernels ks = { 0 };
	int r = add(&ks, &work, deb);

	if (r == 0)
		r = vm_kernels_finish(&ks, &err);
	assert_true(r < 0);
	assert_int_equal(err.fault, fault);
	assert_string_equal(err.file, deb);
	assert_non_null(strstr(err.text, says));
	vm_kernels_done(&ks);
	vm_workdir_done(&work);
	assert_int_equal(vm_workdir_make(&work, -1, &err), 0);
}

static void a_package_for_another_machine_is_refused(void **state)
{
	struct deb d = good;

	(void)state;
	d.control = "Package: a\nVersion: 1\nArchitecture: arm64\n";
	expect_refusal(&d, VM_FAULT_FOREIGN, "is for arm64");
	d.control = "Package: a\nVersion: 1\n";
	expect_refusal(&d, VM_FAULT_BAD_FILE,
		       "names no package, version or architecture");
}

static void a_package_with_a_part_missing_is_refused(void **state)
{
	struct deb d = good;

	(void)state;
	d.count = 3;
	expect_refusal(&d, VM_FAULT_USAGE,
		       "(linux-image-6.1.0-9-amd64 6.1.9-1) holds no modules of the "
		       "kernel 6.1.0-9-amd64");
	assert_string_equal(err.hint,
			    "name linux-modules-6.1.0-9-amd64, too; linux-image "
			    "before 6.19 has all in one");
	d.member = whole + 3;
	d.count = ARRAY_SIZE(whole) - 3;
	expect_refusal(&d, VM_FAULT_USAGE, "holds no image of");
	d.count = 0;
	expect_refusal(&d, VM_FAULT_USAGE, "holds no image of");
	d.control = "Package: linux-image-amd64\nVersion: 1\nArchitecture: amd64\n";
	expect_refusal(&d, VM_FAULT_BAD_FILE, "holds nothing of a kernel");
}

static void a_package_of_two_kernels_is_refused(void **state)
{
	const struct member two[] = {
		whole[0],
		{ "./lib/modules/6.1.0-9-cloud-amd64/kernel/a.ko", NULL, "ko", 2 },
	};
	const struct deb d = { amd64, two, ARRAY_SIZE(two), false };

	(void)state;
	expect_refusal(&d, VM_FAULT_BAD_FILE,
		       "holds two kernels: 6.1.0-9-amd64 and 6.1.0-9-cloud-amd64");
}

static void a_kernel_of_another_release_than_its_modules_is_refused(void **state)
{
	unsigned char other[FAKE_IMAGE];
	const struct member mixed[] = {
		{ "./boot/vmlinuz-6.1.0-9-amd64", NULL, other, sizeof(other) },
		whole[4],
		whole[7],
	};
	const struct deb d = { amd64, mixed, ARRAY_SIZE(mixed), false };

	(void)state;
	fake_image(other, "6.1.0-8-amd64");
	expect_refusal(&d, VM_FAULT_MISMATCH,
		       "6.1.0-8-amd64 with the modules of 6.1.0-9-amd64");
}

static void a_path_that_climbs_writes_nothing(void **state)
{
	static const char *const paths[] = {
		"lib/modules/6.1/kernel/../../../../../escaped.ko",
		"../lib/modules/6.1/kernel/escaped.ko/../..",
		"boot/../escaped",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct member climb = { paths[i], NULL, "x", 1 };
		const struct deb d = { amd64, &climb, 1, false };

		expect_refusal(&d, VM_FAULT_BAD_FILE, "climbs out");
	}
}

static void a_package_that_is_cut_anywhere_is_refused(void **state)
{
	cleanup_free char *deb = make_deb("good.deb", &good);
	char buf[8192];
	size_t len = slurp(deb, buf, sizeof(buf));

	(void)state;
	for (size_t cut = 0; cut + 1 < len; cut++) /* the last byte may be padding */
		expect_damage(BZIMAGE_DEB, buf, cut, "cut", cut);
	assert_int_equal(err.fault, VM_FAULT_TRUNCATED);
}

/* In the compressed data; an ar header has fields that nobody reads */
static void a_package_with_one_wrong_byte_is_refused(void **state)
{
	cleanup_free char *deb = make_deb("good.deb", &good);
	char buf[8192];
	size_t len = slurp(deb, buf, sizeof(buf));
	const char *data = memmem(buf, len, "data.tar", 8);

	(void)state;
	assert_non_null(data);
	for (size_t at = (size_t)(data - buf) + 60; at + 1 < len; at++) {
		buf[at] ^= 0x10;
		expect_damage(BZIMAGE_DEB, buf, len, "flip", at);
		buf[at] ^= 0x10;
	}
}

/* Each would be written over, or through, the other */
static void paths_that_do_not_go_together_are_refused(void **state)
{
	static const struct member twice[] = {
		{ "lib/modules/6.1.0-9-amd64/kernel/a.ko", NULL, "x", 1 },
		{ "lib/modules/6.1.0-9-amd64/kernel/a.ko", NULL, "y", 1 },
	};
	static const struct member through[] = {
		{ "lib/modules/6.1.0-9-amd64/kernel/a.ko", NULL, "x", 1 },
		{ "lib/modules/6.1.0-9-amd64/kernel/a.ko/b.ko", NULL, "y", 1 },
	};
	struct deb d = { amd64, twice, 2, false };

	(void)state;
	expect_refusal(&d, VM_FAULT_BAD_FILE, "kernel/a.ko, which cannot be unpacked: ");
	d.member = through;
	expect_refusal(&d, VM_FAULT_BAD_FILE, "a.ko/b.ko, which cannot be unpacked: ");
}

static void a_release_given_twice_is_one_kernel_or_refused(void **state)
{
	unsigned char changed[FAKE_IMAGE];
	struct member two[ARRAY_SIZE(whole)];
	const struct deb d = { amd64, two, ARRAY_SIZE(two), true };
	cleanup_free char *a = make_deb("a.deb", &good);
	cleanup_free char *same = NULL, *other = NULL, *bare = NULL;
	cleanup_vm_kernels struct vm_kernels once = { 0 }, twice = { 0 }, both = { 0 };

	(void)state;
	memcpy(two, whole, sizeof(two));
	same = make_deb("same.deb", &d);
	assert_int_equal(add_all(&once, (const char *const[]){ a, same, NULL }), 0);
	assert_int_equal(once.count, 1);

	two[7].bytes = "KO";
	other = make_deb("other.deb", &d);
	assert_int_equal(add_all(&twice, (const char *const[]){ a, other, NULL }),
			 -EEXIST);
	assert_int_equal(err.fault, VM_FAULT_USAGE);
	assert_non_null(strstr(err.text, "other.deb: holds another "
					 "modules/kernel/drivers/vhost/vhost.ko of the "
					 "kernel 6.1.0-9-amd64"));

	memcpy(changed, image, sizeof(changed));
	changed[FAKE_IMAGE - 1] = 1;
	bare = vm_path("%s/bare", work.path);
	assert_int_equal(vm_write_file(bare, changed, sizeof(changed)), 0);
	assert_int_equal(add_all(&both, (const char *const[]){ a, bare, NULL }), -EEXIST);
	assert_int_equal(err.fault, VM_FAULT_USAGE);
	assert_non_null(strstr(err.text, "both the kernel 6.1.0-9-amd64, but differ in "
					 "image"));
}

static void a_stop_in_the_middle_is_obeyed(void **state)
{
	cleanup_free char *deb = make_deb("good.deb", &good);
	struct vm_package p;
	int stop[2];

	(void)state;
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(write(stop[1], "x", 1), 1);
	work.stop_fd = stop[0];
	assert_int_equal(vm_package_unpack(&p, &work, "p", deb, BZIMAGE_DEB, &err),
			 -EINTR);
	assert_int_equal(err.fault, VM_FAULT_STOPPED);
	vm_package_done(&p);
	work.stop_fd = -1;
	assert_int_equal(close(stop[0]) + close(stop[1]), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_work, remove_work)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_boot_needs_is_unpacked_and_nothing_else),
		TEST(compression_is_told_from_the_data),
		TEST(a_package_makes_a_kernel),
		TEST(a_package_for_another_machine_is_refused),
		TEST(a_package_with_a_part_missing_is_refused),
		TEST(a_package_of_two_kernels_is_refused),
		TEST(a_kernel_of_another_release_than_its_modules_is_refused),
		TEST(a_path_that_climbs_writes_nothing),
		TEST(a_package_that_is_cut_anywhere_is_refused),
		TEST(a_package_with_one_wrong_byte_is_refused),
		TEST(paths_that_do_not_go_together_are_refused),
		TEST(a_release_given_twice_is_one_kernel_or_refused),
		TEST(a_stop_in_the_middle_is_obeyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
