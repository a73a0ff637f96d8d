/* SPDX-License-Identifier: MIT */
#include <archive_entry.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "vm/archive.h"
#include "vm/command.h"
#include "vm/kernels.h"
#include "vm/package.h"
#include "vm_fakes.h"

enum {
	MEMBER_MAX = 65536
};

/* A tar member of a package: "path" and contents, or a link */
struct member {
	const char *path, *link;
	const void *bytes;
	size_t len;
};

/* A package being built */
struct deb {
	const char *control;
	const struct member *member;
	size_t count;
	bool gzip;
};

static struct vm_workdir work;
static struct vm_error err;
static unsigned char image[FAKE_IMAGE];

static int make_work(void **state)
{
	(void)state;
	fake_image(image, "6.1.0-9-amd64 #1");
	memset(&err, 0, sizeof(err));
	return vm_workdir_make(&work, -1, &err);
}

static int remove_work(void **state)
{
	(void)state;
	vm_workdir_done(&work);
	return 0;
}

/* Into MEMBER_MAX bytes at @buf; format and filter are of libarchive */
static size_t make_files(const struct member *m, size_t count,
			 int (*format)(struct archive *), int (*filter)(struct archive *),
			 char *buf)
{
	struct archive *a = archive_write_new();
	size_t used = 0;

	assert_non_null(a);
	assert_int_equal(format(a), ARCHIVE_OK);
	assert_int_equal(filter(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, buf, MEMBER_MAX, &used),
			 ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		struct archive_entry *e = archive_entry_new();

		assert_non_null(e);
		archive_entry_set_pathname(e, m[i].path);
		archive_entry_set_mode(e, m[i].link ? S_IFLNK | 0777 : S_IFREG | 0644);
		archive_entry_set_size(e, (la_int64_t)m[i].len);
		if (m[i].link)
			archive_entry_set_symlink(e, m[i].link);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		assert_int_equal(archive_write_data(a, m[i].bytes, m[i].len), m[i].len);
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	assert_int_equal(archive_write_free(a), ARCHIVE_OK);
	return used;
}

static size_t make_tar(const struct member *m, size_t count, bool gzip, char *buf)
{
	return make_files(
		m, count, archive_write_set_format_ustar,
		gzip ? archive_write_add_filter_gzip : archive_write_add_filter_xz, buf);
}

static void put_ar(int fd, const char *name, const char *bytes, size_t len)
{
	assert_int_equal(dprintf(fd, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0,
				 "100644", len),
			 60);
	assert_int_equal(vm_write(fd, bytes, len), 0);
	assert_int_equal(vm_write(fd, "\n", len % 2), 0);
}

static char *make_deb(const char *name, const struct deb *d)
{
	const struct member control = { "./control", NULL, d->control,
					strlen(d->control) };
	const char *end = d->gzip ? "gz" : "xz";
	char *path = vm_path("%s/%s", work.path, name), *buf = malloc(MEMBER_MAX);
	char ar_name[17];
	int fd;

	assert_non_null(path);
	assert_non_null(buf);
	fd = vm_create(path);
	assert_true(fd >= 0);
	assert_int_equal(vm_write(fd, "!<arch>\n", 8), 0);
	put_ar(fd, "debian-binary", "2.0\n", 4);
	(void)snprintf(ar_name, sizeof(ar_name), "control.tar.%s", end);
	put_ar(fd, ar_name, buf, make_tar(&control, 1, d->gzip, buf));
	(void)snprintf(ar_name, sizeof(ar_name), "data.tar.%s", end);
	put_ar(fd, ar_name, buf, make_tar(d->member, d->count, d->gzip, buf));
	assert_int_equal(close(fd), 0);
	free(buf);
	return path;
}

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

static const char amd64[] = "Package: linux-image-6.1.0-9-amd64\nVersion: 6.1.9-1\n"
			    "Architecture: amd64\nDescription: Linux\n Version: none\n";

static const struct member whole[] = {
	{ "./boot/vmlinuz-6.1.0-9-amd64", NULL, image, sizeof(image) },
	{ "./boot/config-6.1.0-9-amd64", NULL, FAKE_CONFIG, sizeof(FAKE_CONFIG) - 1 },
	{ "./boot/System.map-6.1.0-9-amd64", NULL, "no", 2 },
	{ "./lib/modules/6.1.0-9-amd64/modules.order", NULL, "o", 1 },
	{ "./lib/modules/6.1.0-9-amd64/modules.builtin", NULL, "b", 1 },
	{ "./lib/modules/6.1.0-9-amd64/modules.builtin.modinfo", NULL, "i", 1 },
	{ "./lib/modules/6.1.0-9-amd64/build", "/usr/src/x", "", 0 },
	{ "./lib/modules/6.1.0-9-amd64/kernel/drivers/vhost/vhost.ko", NULL, "ko", 2 },
	{ "./lib/modules/6.1.0-9-amd64/kernel/net/a.ko.xz", NULL, "xz", 2 },
	{ "./lib/modules/6.1.0-9-amd64/kernel/net/link.ko", "/etc/passwd", "", 0 },
	{ "./usr/share/doc/readme", NULL, "doc", 3 },
};

static const struct deb good = { amd64, whole, ARRAY_SIZE(whole), false };

static bool there(const char *name)
{
	cleanup_free char *path = vm_path("%s/p/%s", work.path, name);
	struct stat st;

	assert_non_null(path);
	return !lstat(path, &st);
}

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

/* The package cut or changed at @at; must be refused, and as damaged or cut */
static void expect_damage(enum bzimage_kind kind, const char *bytes, size_t len,
			  const char *what, size_t at)
{
	cleanup_free char *path = vm_path("%s/damaged", work.path);
	struct vm_package p;
	int r;

	assert_int_equal(vm_write_file(path, bytes, len), 0);
	memset(&err, 0, sizeof(err));
	r = vm_package_unpack(&p, &work, "p", path, kind, &err);
	if (!r || (err.fault != VM_FAULT_TRUNCATED && err.fault != VM_FAULT_BAD_FILE &&
		   err.fault != VM_FAULT_FOREIGN))
		fail_msg("%s at %zu: %d, %s", what, at, r, err.text);
	vm_package_done(&p);
	vm_workdir_done(&work);
	assert_int_equal(vm_workdir_make(&work, -1, &err), 0);
}

static size_t slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, size);

	assert_true(n > 0 && (size_t)n < size);
	assert_int_equal(close(fd), 0);
	return (size_t)n;
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

/* Adds all, then finishes; NULL ends the list. Return: of what failed first */
static int add_all(struct vm_kernels *ks, const char *const *args)
{
	cleanup_vm_workdir struct vm_workdir w = { 0 };
	size_t count = 0;
	int r = vm_workdir_make(&w, -1, &err);

	memset(&err, 0, sizeof(err));
	while (args[count])
		count++;
	if (r == 0)
		r = vm_kernels_add(ks, &w, args, count, NULL, &err);
	return r ? r : vm_kernels_finish(ks, &err);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_a_boot_needs_is_unpacked_and_nothing_else, make_work,
			remove_work),
		cmocka_unit_test_setup_teardown(compression_is_told_from_the_data,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_package_makes_a_kernel, make_work,
						remove_work),
		cmocka_unit_test_setup_teardown(a_package_for_another_machine_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_package_with_a_part_missing_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_package_of_two_kernels_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(
			a_kernel_of_another_release_than_its_modules_is_refused,
			make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_path_that_climbs_writes_nothing,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_package_that_is_cut_anywhere_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_package_with_one_wrong_byte_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(an_rpm_of_every_compression_is_unpacked,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(an_rpm_that_is_cut_anywhere_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(an_rpm_with_one_wrong_byte_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(headers_that_point_anywhere_are_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(an_rpm_for_another_machine_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(paths_that_do_not_go_together_are_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_source_rpm_is_refused, make_work,
						remove_work),
		cmocka_unit_test_setup_teardown(parts_in_any_order_make_one_kernel,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(
			a_release_given_twice_is_one_kernel_or_refused, make_work,
			remove_work),
		cmocka_unit_test_setup_teardown(a_stop_in_the_middle_is_obeyed, make_work,
						remove_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
