/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "vm/bzimage.h"
#include "vm/kernel.h"
#include "vm_fakes.h"

static struct bzimage probe(const unsigned char *p, size_t len, uint64_t size)
{
	struct bzimage z;

	bzimage_probe(p, len, size, &z);
	return z;
}

static void a_whole_image_tells_its_release(void **state)
{
	unsigned char p[FAKE_IMAGE];
	struct bzimage z;

	(void)state;
	fake_image(p, "6.1.0-56-amd64 (debian) #1 SMP");
	z = probe(p, FAKE_IMAGE, FAKE_IMAGE);
	assert_int_equal(z.kind, BZIMAGE_KERNEL);
	assert_string_equal(z.release, "6.1.0-56-amd64");
	assert_string_equal(z.banner, "6.1.0-56-amd64 (debian) #1 SMP");
	assert_int_equal(z.need, FAKE_IMAGE);
	p[0x1f1] = 0; /* means 4 */
	assert_int_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).need, FAKE_IMAGE);
}

static void an_image_of_every_shorter_size_is_none(void **state)
{
	unsigned char p[FAKE_IMAGE];

	(void)state;
	fake_image(p, "6.1.0");
	for (size_t len = 0; len < FAKE_IMAGE; len++) {
		enum bzimage_kind want =
			len < 0x238 ? BZIMAGE_UNKNOWN : BZIMAGE_TRUNCATED;

		assert_int_equal(probe(p, len, len).kind, want);
	}
}

static void a_release_that_is_no_file_name_is_refused(void **state)
{
	static const char *const bad[] = { "",        " x",     "../../etc",
					   ".hidden", "a/b #1", "a\tb",
					   "a;b",     "-a",     "rc1" };
	unsigned char p[FAKE_IMAGE];
	char longer[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		fake_image(p, bad[i]);
		assert_int_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).kind,
				 BZIMAGE_NO_RELEASE);
	}
	memset(longer, '6', sizeof(longer));
	longer[65] = '\0';
	fake_image(p, longer);
	assert_int_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).kind, BZIMAGE_NO_RELEASE);
	longer[64] = '\0';
	fake_image(p, longer);
	assert_int_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).kind, BZIMAGE_KERNEL);
	fake_put16(p + 0x20e, 0xffff); /* outside of the setup code */
	assert_int_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).kind, BZIMAGE_NO_RELEASE);
}

static void kernels_of_other_machines_are_named(void **state)
{
	unsigned char p[FAKE_IMAGE];
	struct bzimage z;

	(void)state;
	fake_image(p, "5.10");
	fake_put16(p + 0x236, 0);
	z = probe(p, FAKE_IMAGE, FAKE_IMAGE);
	assert_int_equal(z.kind, BZIMAGE_FOREIGN);
	assert_string_equal(z.arch, "32-bit x86");

	memset(p, 0, sizeof(p));
	fake_put(p, "MZ", 2);
	fake_put(p + 0x38, "ARM\x64", 4);
	assert_string_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).arch, "arm64");

	memset(p, 0, sizeof(p));
	fake_put(p, "MZ", 2);
	fake_put16(p + 0x3c, 0x80);
	fake_put(p + 0x80, "PE\0\0\x64\x50", 6);
	assert_string_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).arch, "riscv64");
	fake_put16(p + 0x3c, FAKE_IMAGE - 5); /* a PE header that does not fit */
	assert_int_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).kind, BZIMAGE_UNKNOWN);

	memset(p, 0, sizeof(p));
	fake_put(p, "\177ELF\2\1", 6);
	fake_put16(p + 18, 62);
	assert_int_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).kind, BZIMAGE_ELF);
	fake_put16(p + 18, 183);
	assert_string_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).arch, "arm64");
	fake_put(p, "\177ELF\2\2", 6);
	fake_put16(p + 18, 22 << 8);
	assert_string_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).arch, "s390x");
	fake_put16(p + 18, 0xfffe);
	assert_string_equal(probe(p, FAKE_IMAGE, FAKE_IMAGE).arch,
			    "an unknown processor");
}

static void packages_are_known_by_their_magic(void **state)
{
	static const unsigned char deb[] = "!<arch>\ndebian-binary   1342943816";
	static const unsigned char rpm[] = "\xed\xab\xee\xdb\3\0";

	(void)state;
	assert_int_equal(probe(deb, sizeof(deb), 100).kind, BZIMAGE_DEB);
	assert_int_equal(probe(rpm, sizeof(rpm), 100).kind, BZIMAGE_RPM);
	assert_int_equal(probe(deb, 9, 9).kind, BZIMAGE_UNKNOWN);
}

/* xorshift: the same bytes in every run */
static void random_bytes_are_no_kernel(void **state)
{
	unsigned char p[FAKE_IMAGE];
	uint32_t x = 2463534242U;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		enum bzimage_kind kind;

		for (size_t i = 0; i < sizeof(p); i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			p[i] = x & 0xff;
		}
		if (round % 2) { /* a header whose fields are random */
			fake_put16(p + 0x1fe, 0xaa55);
			fake_put(p + 0x202, "HdrS", 4);
		}
		kind = probe(p, sizeof(p), sizeof(p)).kind;
		assert_int_not_equal(kind, BZIMAGE_DEB);
		assert_int_not_equal(kind, BZIMAGE_KERNEL);
		assert_true(round % 2 || kind == BZIMAGE_UNKNOWN);
	}
}

/* What vm_kernel_open() makes of files */

static struct vm_workdir work;
static struct vm_error err;

static int make_work(void **state)
{
	(void)state;
	return vm_workdir_make(&work, -1, &err);
}

static int remove_work(void **state)
{
	(void)state;
	vm_workdir_done(&work);
	return 0;
}

static char *put_file(const char *name, const void *bytes, size_t len)
{
	char *path = vm_path("%s/%s", work.path, name);

	assert_non_null(path);
	assert_int_equal(vm_write_file(path, bytes, len), 0);
	return path;
}

static void expect_refusal(const char *path, const char *modules, enum vm_fault fault,
			   const char *says)
{
	struct vm_kernel k;

	memset(&err, 0, sizeof(err));
	assert_true(vm_kernel_open(&k, path, modules, &err) < 0);
	assert_int_equal(err.fault, fault);
	assert_non_null(strstr(err.text, says));
	assert_null(strchr(err.text, '\n'));
	vm_kernel_done(&k);
}

static void a_file_that_is_no_kernel_is_refused_by_name(void **state)
{
	unsigned char p[FAKE_IMAGE];
	cleanup_free char *garbage = put_file("garbage", "not a kernel", 12);
	cleanup_free char *empty = put_file("empty", "", 0);
	cleanup_free char *absent = vm_path("%s/absent", work.path);
	cleanup_free char *cut = NULL;
	cleanup_free char *line = put_file("two\nlines", "x", 1);

	(void)state;
	fake_image(p, "6.1.0");
	cut = put_file("cut", p, FAKE_IMAGE - 1);
	expect_refusal(garbage, NULL, VM_FAULT_BAD_FILE,
		       "garbage: is not a Linux kernel");
	expect_refusal(empty, NULL, VM_FAULT_BAD_FILE, "empty: is not a Linux kernel");
	expect_refusal(absent, NULL, VM_FAULT_UNREADABLE, "absent: is not there");
	expect_refusal(work.path, NULL, VM_FAULT_BAD_FILE,
		       "is a directory with no kernel");
	expect_refusal("/dev/null", NULL, VM_FAULT_BAD_FILE, "is not a regular file");
	expect_refusal(cut, NULL, VM_FAULT_TRUNCATED, "header asks for 6656 bytes");
	expect_refusal(line, NULL, VM_FAULT_BAD_FILE, "two?lines");
}

static void modules_are_named_or_found_beside_the_image(void **state)
{
	unsigned char p[FAKE_IMAGE];
	cleanup_free char *image = NULL, *config = NULL, *dir = NULL, *parent = NULL;
	struct vm_kernel k;

	(void)state;
	free(put_file("tree/6.1.0/kernel/a.ko", "", 0));
	fake_image(p, "6.1.0 #1");
	image = put_file("boot/vmlinuz-6.1.0", p, FAKE_IMAGE);
	assert_int_equal(vm_kernel_open(&k, image, NULL, &err), 0);
	assert_string_equal(k.release, "6.1.0");
	assert_string_equal(k.image, image);
	assert_null(k.modules);
	assert_null(k.config);
	assert_null(k.package);
	vm_kernel_done(&k);

	parent = vm_path("%s/tree", work.path);
	dir = vm_path("%s/tree/6.1.0", work.path);
	assert_int_equal(vm_kernel_open(&k, image, parent, &err), 0);
	assert_string_equal(k.modules, dir);
	vm_kernel_done(&k);
	assert_int_equal(vm_kernel_open(&k, image, dir, &err), 0);
	assert_string_equal(k.modules, dir);
	vm_kernel_done(&k);

	free(put_file("lib/modules/6.1.0/kernel/a.ko", "", 0));
	config = put_file("boot/config-6.1.0", "", 0);
	assert_int_equal(vm_kernel_open(&k, image, NULL, &err), 0);
	assert_non_null(strstr(k.modules, "/lib/modules/6.1.0"));
	assert_string_equal(k.config, config);
	vm_kernel_done(&k);

	expect_refusal(image, work.path, VM_FAULT_NO_MODULES,
		       "neither kernel/ nor 6.1.0/");
	expect_refusal(image, "/nonexistent", VM_FAULT_NO_MODULES,
		       "/nonexistent: is not a");
}

static void modules_go_with_a_file_of_a_kernel_only(void **state)
{
	(void)state;
	expect_refusal("running", "/lib/modules", VM_FAULT_USAGE, "--modules");
	expect_refusal(work.path, "/lib/modules", VM_FAULT_USAGE,
		       "is a directory, which brings its own modules");
}

static void an_unpacked_directory_or_one_of_modules_is_one_kernel(void **state)
{
	unsigned char p[FAKE_IMAGE];
	cleanup_free char *modules = NULL;
	struct vm_kernel k;

	(void)state;
	fake_image(p, "6.1.0 #1");
	free(put_file("usr/lib/modules/6.1.0/vmlinuz", p, FAKE_IMAGE));
	free(put_file("usr/lib/modules/6.1.0/kernel/a.ko", "", 0));
	free(put_file("usr/lib/modules/6.1.0/config", "", 0));
	free(put_file("boot/vmlinuz-6.1.0", p, FAKE_IMAGE)); /* the same once more */
	assert_int_equal(vm_kernel_open(&k, work.path, NULL, &err), 0);
	assert_string_equal(k.arg, work.path);
	assert_string_equal(k.release, "6.1.0");
	assert_non_null(strstr(k.modules, "/usr/lib/modules/6.1.0"));
	assert_non_null(strstr(k.config, "/config"));
	vm_kernel_done(&k);

	modules = vm_path("%s/usr/lib/modules/6.1.0", work.path);
	assert_non_null(modules);
	assert_int_equal(vm_kernel_open(&k, modules, NULL, &err), 0);
	assert_string_equal(k.release, "6.1.0");
	assert_non_null(strstr(k.modules, "/usr/lib/modules/6.1.0/../6.1.0"));
	assert_non_null(strstr(k.config, "/6.1.0/config"));
	vm_kernel_done(&k);

	fake_image(p, "6.1.1 #1");
	free(put_file("lib/modules/6.1.1/vmlinuz", p, FAKE_IMAGE));
	expect_refusal(work.path, NULL, VM_FAULT_USAGE,
		       "holds more than one kernel: 6.1.0 and 6.1.1");
}

static void expect_config(const char *text, const char *says)
{
	cleanup_free char *config = vm_path("%s/config", work.path);
	char arg[] = "kernel", release[] = "6.1.0";
	const struct vm_kernel k = { .arg = arg, .release = release, .config = config };
	int r = 0;

	(void)unlink(config);
	free(put_file("config", text, strlen(text)));
	r = vm_kernel_check_config(&k, &err);
	assert_int_equal(r, says ? -EINVAL : 0);
	if (says)
		assert_non_null(strstr(err.text, says));
}

static void a_kernel_that_could_not_be_heard_is_refused(void **state)
{
	static const char *const lines[] = { "CONFIG_SERIAL_8250",
					     "CONFIG_SERIAL_8250_CONSOLE",
					     "CONFIG_BLK_DEV_INITRD", "CONFIG_DEVTMPFS" };
	const struct vm_kernel unknown = { 0 };

	(void)state;
	assert_int_equal(vm_kernel_check_config(&unknown, &err), 0);
	expect_config(FAKE_CONFIG, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char text[] = FAKE_CONFIG, without[64];
		char *y = strstr(text, lines[i]) + strlen(lines[i]) + 1;

		(void)snprintf(without, sizeof(without),
			       "the kernel 6.1.0 is built without %s: ", lines[i]);
		*y = 'm';
		expect_config(text, without);
	}
	expect_config("CONFIG_SERIAL_8250=y\nCONFIG_SERIAL_8250_CONSOLE=y\n"
		      "CONFIG_SERIAL_8250_NR_UARTS=1\nCONFIG_BLK_DEV_INITRD=y\n"
		      "CONFIG_DEVTMPFS=y\n",
		      "fewer than the 4 serial ports");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_image_tells_its_release),
		cmocka_unit_test(an_image_of_every_shorter_size_is_none),
		cmocka_unit_test(a_release_that_is_no_file_name_is_refused),
		cmocka_unit_test(kernels_of_other_machines_are_named),
		cmocka_unit_test(packages_are_known_by_their_magic),
		cmocka_unit_test(random_bytes_are_no_kernel),
		cmocka_unit_test_setup_teardown(
			a_file_that_is_no_kernel_is_refused_by_name, make_work,
			remove_work),
		cmocka_unit_test_setup_teardown(
			modules_are_named_or_found_beside_the_image, make_work,
			remove_work),
		cmocka_unit_test_setup_teardown(modules_go_with_a_file_of_a_kernel_only,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(
			an_unpacked_directory_or_one_of_modules_is_one_kernel, make_work,
			remove_work),
		cmocka_unit_test_setup_teardown(
			a_kernel_that_could_not_be_heard_is_refused, make_work,
			remove_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
