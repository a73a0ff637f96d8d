/* SPDX-License-Identifier: MIT */
/* RPM packages. */
#include "vm_package_fixture.h"

static void put32(unsigned char *p, size_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* A value in the header of an RPM: of text, or, without it, of number */
struct tag {
	unsigned int tag;
	const char *text;
	size_t number;
};

/* Into @buf, padded to 8 bytes. Return: its size */
static size_t make_header(const struct tag *t, size_t count, unsigned char *buf)
{
	static const unsigned char magic[4] = { 0x8e, 0xad, 0xe8, 0x01 };
	unsigned char *store = buf + 16 + 16 * count;
	size_t used = 0;

	memset(buf, 0, 1024);
	memcpy(buf, magic, sizeof(magic));
	for (size_t i = 0; i < count; i++) {
		unsigned char *e = buf + 16 + 16 * i;

		used = (used + 3) & ~(size_t)3;
		put32(e, t[i].tag);
		put32(e + 4, t[i].text ? 6 : 4);
		put32(e + 8, used);
		put32(e + 12, 1);
		if (t[i].text)
			memcpy(store + used, t[i].text, strlen(t[i].text) + 1);
		else
			put32(store + used, t[i].number);
		used += t[i].text ? strlen(t[i].text) + 1 : 4;
	}
	used = (used + 7) & ~(size_t)7;
	put32(buf + 8, count);
	put32(buf + 12, used);
	return 16 + 16 * count + used;
}

/* What coreutils say; @hex of 65 bytes */
static void sum(const char *bytes, size_t len, char *hex)
{
	cleanup_free char *path = vm_path("%s/summed", work.path), *text = NULL;
	cleanup_free char *program = NULL;
	char *env[] = { NULL };

	assert_int_equal(vm_write_file(path, bytes, len), 0);
	assert_int_equal(command_find("sha256sum", NULL, &program), 0);
	assert_int_equal(command_run((char *[]){ program, path, NULL }, env,
				     deadline_after_ms(10000), &text),
			 0);
	(void)snprintf(hex, 65, "%.64s", text);
	assert_int_equal(unlink(path), 0);
}

/* An RPM being built: name "kernel-core", architecture "x86_64" unless told */
struct rpm {
	const char *file, *name, *arch;
	const struct member *member;
	size_t count;
	int (*filter)(struct archive *);
	bool old; /* no size and no digests in it */
};

static char *make_rpm_of(const struct rpm *d)
{
	char lead[96] = "\xed\xab\xee\xdb\x03", hex[2][65];
	unsigned char sig[1024], head[1024];
	char *path = vm_path("%s/%s", work.path, d->file), *buf = malloc(MEMBER_MAX);
	size_t len = make_files(d->member, d->count, archive_write_set_format_cpio_newc,
				d->filter, buf);
	size_t head_len = 0;
	int fd = vm_create(path);

	assert_true(fd >= 0);
	sum(buf, len, hex[0]);
	head_len = make_header(
		(const struct tag[]){ { 1000, d->name, 0 },
				      { 1001, "6.1.0", 0 },
				      { 1002, "9", 0 },
				      { 1022, d->arch ? d->arch : "x86_64", 0 },
				      { 5092, hex[0], 0 },
				      { 5093, NULL, 8 } },
		d->old ? 4 : 6, head);
	sum((const char *)head, head_len, hex[1]);
	assert_int_equal(vm_write(fd, lead, sizeof(lead)), 0);
	assert_int_equal(vm_write(fd, sig,
				  make_header((const struct tag[]){ { 273, hex[1], 0 },
								    { 1000, NULL,
								      head_len + len } },
					      d->old ? 0 : 2, sig)),
			 0);
	assert_int_equal(vm_write(fd, head, head_len), 0);
	assert_int_equal(vm_write(fd, buf, len), 0);
	assert_int_equal(close(fd), 0);
	free(buf);
	return path;
}

static char *make_rpm(const char *file, const char *name, const struct member *m,
		      size_t count, int (*filter)(struct archive *))
{
	return make_rpm_of(&(const struct rpm){ .file = file,
						.name = name,
						.member = m,
						.count = count,
						.filter = filter });
}

/* As Fedora and openSUSE lay it out */
static const struct member core[] = {
	{ "./lib/modules/6.1.0-9-amd64/vmlinuz", NULL, image, sizeof(image) },
	{ "./lib/modules/6.1.0-9-amd64/config", NULL, FAKE_CONFIG,
	  sizeof(FAKE_CONFIG) - 1 },
	{ "./lib/modules/6.1.0-9-amd64/modules.builtin", NULL, "b", 1 },
	{ "./boot/vmlinuz-6.1.0-9-amd64", "../lib/modules/6.1.0-9-amd64/vmlinuz", "", 0 },
};
static const struct member modules[] = {
	{ "./lib/modules/6.1.0-9-amd64/kernel/drivers/vhost/vhost.ko.zst", NULL, "z", 1 },
	{ "./lib/modules/6.1.0-9-amd64/kernel/net/a.ko.xz", NULL, "xz", 2 },
};

static int (*const filters[])(struct archive *) = {
	archive_write_add_filter_xz,
	archive_write_add_filter_zstd,
	archive_write_add_filter_gzip,
	archive_write_add_filter_none,
};

static void an_rpm_of_every_compression_is_unpacked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		cleanup_free char *rpm = make_rpm("core.rpm", "kernel-core", core,
						  ARRAY_SIZE(core), filters[i]);
		struct vm_package p;

		assert_int_equal(
			vm_package_unpack(&p, &work, "p", rpm, BZIMAGE_RPM, &err), 0);
		assert_string_equal(p.name, "kernel-core-6.1.0-9");
		assert_string_equal(p.release, "6.1.0-9-amd64");
		assert_true(there("vmlinuz"));
		assert_true(there("config"));
		assert_true(there("modules/modules.builtin"));
		vm_package_done(&p);
		vm_workdir_done(&work);
		assert_int_equal(vm_workdir_make(&work, -1, &err), 0);
	}
}

static void an_rpm_that_is_cut_anywhere_is_refused(void **state)
{
	struct rpm d = {
		.file = "m.rpm", .name = "kernel-modules", .member = modules, .count = 2
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		cleanup_free char *rpm = NULL;
		char buf[8192];
		size_t len = 0;

		d.filter = filters[i % 3];
		d.old = i <
			3; /* the last one has a size; an old one has checksums at most */
		rpm = make_rpm_of(&d);
		len = slurp(rpm, buf, sizeof(buf));
		for (size_t at = 0; at < len; at += d.old ? 1 : 11)
			expect_damage(BZIMAGE_RPM, buf, at, "cut", at);
		assert_int_equal(err.fault, VM_FAULT_TRUNCATED);
	}
}

/* zstd as rpm makes it has no checksum; the digests of the headers cover all */
static void an_rpm_with_one_wrong_byte_is_refused(void **state)
{
	const struct rpm d = { .file = "m.rpm",
			       .name = "kernel-modules",
			       .member = modules,
			       .count = 2,
			       .filter = archive_write_add_filter_none };
	cleanup_free char *rpm = make_rpm_of(&d);
	char buf[8192];
	size_t len = slurp(rpm, buf, sizeof(buf));
	const char *head = memmem(buf + 100, len - 100, "\x8e\xad\xe8\x01", 4);

	(void)state;
	assert_non_null(head);
	for (size_t at = (size_t)(head - buf); at < len; at++) {
		buf[at] ^= 0x10;
		expect_damage(BZIMAGE_RPM, buf, len, "flip", at);
		buf[at] ^= 0x10;
	}
	buf[len] = 'x';
	expect_damage(BZIMAGE_RPM, buf, len + 1, "one more", len);
	assert_non_null(strstr(err.text, "the SHA-256 of its payload is another"));
}

static void expect_rpm_refused(const char *bytes, size_t len, enum vm_fault fault)
{
	cleanup_free char *path = vm_path("%s/bad", work.path);
	struct vm_package p;

	assert_int_equal(vm_write_file(path, bytes, len), 0);
	assert_true(vm_package_unpack(&p, &work, "p", path, BZIMAGE_RPM, &err) < 0);
	assert_int_equal(err.fault, fault);
	vm_package_done(&p);
	assert_int_equal(unlink(path), 0);
}

/* Offsets and sizes of the headers are anybody's */
static void headers_that_point_anywhere_are_refused(void **state)
{
	cleanup_free char *rpm = make_rpm_of(&(const struct rpm){ .file = "o.rpm",
								  .name = "kernel-core",
								  .member = core,
								  .count = 1,
								  .filter = filters[0],
								  .old = true });
	char buf[8192], kept[16];
	size_t len = slurp(rpm, buf, sizeof(buf));
	const size_t head = 96 + 16; /* the signature header is empty */

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char *offset = buf + head + 16 + 16 * i + 8;

		memcpy(kept, offset, 4);
		memset(offset, 0xff, 4);
		expect_rpm_refused(buf, len, VM_FAULT_BAD_FILE);
		put32((unsigned char *)offset, 100000);
		expect_rpm_refused(buf, len, VM_FAULT_BAD_FILE);
		memcpy(offset, kept, 4);
	}
	memcpy(kept, buf + head + 8, 8);
	memset(buf + head + 8, 0xff, 8);
	expect_rpm_refused(buf, len, VM_FAULT_BAD_FILE);
	put32((unsigned char *)buf + head + 8, 60000);
	put32((unsigned char *)buf + head + 12, 0);
	expect_rpm_refused(buf, len, VM_FAULT_TRUNCATED);
	memcpy(buf + head + 8, kept, 8);
	buf[head] = 0;
	expect_rpm_refused(buf, len, VM_FAULT_BAD_FILE);
}

static void an_rpm_for_another_machine_is_refused(void **state)
{
	cleanup_free char *rpm = make_rpm_of(&(const struct rpm){ .file = "a.rpm",
								  .name = "kernel-core",
								  .arch = "aarch64",
								  .member = core,
								  .count = 1,
								  .filter = filters[0] });
	struct vm_package p;

	(void)state;
	assert_int_equal(vm_package_unpack(&p, &work, "p", rpm, BZIMAGE_RPM, &err),
			 -EINVAL);
	assert_int_equal(err.fault, VM_FAULT_FOREIGN);
	assert_non_null(strstr(err.text, "a.rpm: is for aarch64, not for x86_64"));
	vm_package_done(&p);
}

static void a_source_rpm_is_refused(void **state)
{
	cleanup_free char *rpm = make_rpm("k.src.rpm", "kernel", core, 1, filters[0]);
	struct vm_package p;
	int fd = open(rpm, O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(pwrite(fd, "\x01", 1, 7), 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(vm_package_unpack(&p, &work, "p", rpm, BZIMAGE_RPM, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "k.src.rpm: is a source package"));
	vm_package_done(&p);
}

static void parts_in_any_order_make_one_kernel(void **state)
{
	cleanup_free char *a =
		make_rpm("a.rpm", "kernel-core", core, ARRAY_SIZE(core), filters[1]);
	cleanup_free char *b =
		make_rpm("b.rpm", "kernel-modules", modules, 2, filters[1]);
	cleanup_free char *meta = make_rpm("c.rpm", "kernel", NULL, 0, filters[1]);
	cleanup_free char *deb = make_deb("c.deb", &good);
	cleanup_vm_kernels struct vm_kernels ks = { 0 }, other = { 0 }, empty = { 0 };

	(void)state;
	assert_int_equal(add_all(&ks, (const char *const[]){ b, a, b, NULL }), 0);
	assert_int_equal(ks.count, 1);
	if (!ks.kernel)
		abort(); /* the analyzer does not know that assertions end the test */
	assert_string_equal(ks.kernel[0].arg, b);
	assert_string_equal(ks.kernel[0].release, "6.1.0-9-amd64");
	assert_non_null(strstr(ks.kernel[0].package,
			       "kernel-modules-6.1.0-9, kernel-core-6.1.0-9"));
	assert_non_null(ks.kernel[0].config);

	assert_int_equal(add_all(&other, (const char *const[]){ a, NULL }), -ENOENT);
	assert_int_equal(err.fault, VM_FAULT_USAGE);
	assert_non_null(strstr(err.text, "holds no modules of the kernel 6.1.0-9-amd64"));
	assert_non_null(strstr(err.hint, "kernel-modules-core"));

	assert_int_equal(add_all(&empty, (const char *const[]){ deb, meta, NULL }),
			 -ENOENT);
	assert_non_null(strstr(err.text, "holds no image of the kernel 6.1.0-9.x86_64"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_work, remove_work)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_rpm_of_every_compression_is_unpacked),
		TEST(an_rpm_that_is_cut_anywhere_is_refused),
		TEST(an_rpm_with_one_wrong_byte_is_refused),
		TEST(headers_that_point_anywhere_are_refused),
		TEST(an_rpm_for_another_machine_is_refused),
		TEST(a_source_rpm_is_refused),
		TEST(parts_in_any_order_make_one_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
