/* SPDX-License-Identifier: MIT */
#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "vm/initramfs.h"

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

/* One entry of the archive, described in a line; "" if it is not there once */
struct look {
	const char *want;
	size_t count;
	mode_t mode;
	dev_t rdev;
	char link[256], data[256];
	la_int64_t size;
};

static void look(const char *path, struct look *l)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;

	assert_int_equal(archive_read_support_format_cpio(a), ARCHIVE_OK);
	assert_int_equal(archive_read_open_filename(a, path, 65536), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		const char *link = archive_entry_symlink(e);

		if (strcmp(archive_entry_pathname(e), l->want) != 0)
			continue;
		l->count++;
		l->mode = archive_entry_mode(e);
		l->rdev = archive_entry_rdev(e);
		l->size = archive_entry_size(e);
		(void)snprintf(l->link, sizeof(l->link), "%s", link ? link : "");
		assert_true(archive_read_data(a, l->data, sizeof(l->data)) >= 0);
	}
	assert_int_equal(archive_read_free(a), ARCHIVE_OK);
}

static struct look find(const char *path, const char *want)
{
	struct look l = { .want = want };

	look(path, &l);
	if (l.count != 1)
		fail_msg("%s is there %zu times", want, l.count);
	return l;
}

static void the_archive_holds_a_root_that_can_run_init(void **state)
{
	static char one[] = "vhostcheck", two[] = "", three[] = "a b";
	char *argv[] = { one, two, three, NULL };
	const struct vm_initramfs spec = { .init = "/proc/self/exe", .argv = argv };
	cleanup_free char *path = vm_path("%s/initrd", work.path);
	struct stat self;
	struct look l;

	(void)state;
	assert_int_equal(vm_initramfs_write(&spec, &work, path, &err), 0);
	assert_int_equal(stat("/proc/self/exe", &self), 0);
	l = find(path, "init");
	assert_int_equal(l.mode, S_IFREG | 0755);
	assert_int_equal(l.size, self.st_size);
	assert_memory_equal(l.data, "\177ELF", 4);
	l = find(path, "dev/console");
	assert_int_equal(l.mode, S_IFCHR | 0600);
	assert_int_equal(l.rdev, makedev(5, 1));
	assert_string_equal(find(path, "lib64").link, "usr/lib64");
	assert_int_equal(find(path, "tmp").mode, S_IFDIR | 01777);
	assert_true(S_ISREG(find(path, "usr/lib64/ld-linux-x86-64.so.2").mode));
	l = find(path, "vhostcheck.argv");
	assert_int_equal(l.size, 16);
	assert_memory_equal(l.data, "vhostcheck\0\0a b", 16);
}

static void staged_trees_and_named_files_come_along(void **state)
{
	cleanup_free char *file = vm_path("%s/stage/etc/modprobe.d/x.conf", work.path);
	cleanup_free char *lib = vm_path("%s/stage/lib", work.path);
	cleanup_free char *other = vm_path("%s/stage/link", work.path);
	cleanup_free char *staging = vm_path("%s/stage", work.path);
	cleanup_free char *path = vm_path("%s/initrd", work.path);
	char *argv[] = { NULL };
	const struct vm_file files[] = {
		{ file, "/deep/er/copy", false },
		{ file, "/lib/x/copy", false },
		{ "/bin/true", "/bin/true", true },
	};
	const struct vm_initramfs spec = { .init = "/bin/true",
					   .staging = staging,
					   .argv = argv,
					   .file = files,
					   .file_count = ARRAY_SIZE(files) };

	(void)state;
	assert_int_equal(vm_write_file(file, "options", 7), 0);
	assert_int_equal(symlink("usr/lib", lib), 0);
	assert_int_equal(symlink("/absolute", other), 0);
	assert_int_equal(vm_initramfs_write(&spec, &work, path, &err), 0);
	assert_memory_equal(find(path, "etc/modprobe.d/x.conf").data, "options", 7);
	assert_string_equal(find(path, "link").link, "/absolute");
	assert_string_equal(find(path, "lib").link, "usr/lib");
	assert_int_equal(find(path, "deep/er").mode, S_IFDIR | 0755);
	assert_memory_equal(find(path, "deep/er/copy").data, "options", 7);
	assert_memory_equal(find(path, "usr/lib/x/copy").data, "options", 7);
	assert_int_equal(find(path, "usr/bin/true").mode, S_IFREG | 0755);
	assert_int_equal(find(path, "etc").mode, S_IFDIR | 0755);
}

static void expect_refusal(const char *init, int code, enum vm_fault fault)
{
	char *argv[] = { NULL };
	const struct vm_initramfs spec = { .init = init, .argv = argv };
	cleanup_free char *path = vm_path("%s/initrd", work.path);

	assert_int_equal(vm_initramfs_write(&spec, &work, path, &err), code);
	assert_int_equal(err.fault, fault);
	assert_string_equal(err.file, init);
}

static void an_init_that_is_no_program_is_refused(void **state)
{
	cleanup_free char *script = vm_path("%s/script", work.path);

	(void)state;
	assert_int_equal(vm_write_file(script, "#!/bin/sh\n", 10), 0);
	expect_refusal(script, -ENOEXEC, VM_FAULT_BAD_FILE);
	expect_refusal("/nonexistent", -ENOENT, VM_FAULT_UNREADABLE);
	expect_refusal("/", -ENOEXEC, VM_FAULT_BAD_FILE);
}

static void a_named_file_that_is_none_is_refused(void **state)
{
	char *argv[] = { NULL };
	const struct vm_file device = { "/dev/zero", "/zero", false };
	const struct vm_initramfs spec = {
		.init = "/bin/true", .argv = argv, .file = &device, .file_count = 1
	};
	cleanup_free char *path = vm_path("%s/initrd", work.path);

	(void)state;
	assert_int_equal(vm_initramfs_write(&spec, &work, path, &err), -EINVAL);
	assert_non_null(strstr(err.text, "/dev/zero: is not a regular file"));
}

static void the_libraries_are_those_that_the_loader_names(void **state)
{
	cleanup_vm_names struct vm_names libs = { 0 };
	bool libc = false;

	(void)state;
	assert_int_equal(vm_libraries("/proc/self/exe", &libs, &err), 0);
	for (size_t i = 0; i < libs.count; i++) {
		assert_int_equal(libs.name[i][0], '/');
		assert_int_equal(access(libs.name[i], R_OK), 0);
		libc = libc || strstr(libs.name[i], "/libc.so.6");
	}
	assert_true(libc);
	assert_non_null(strstr(libs.name[0], "ld-linux"));
}

static void a_disk_that_is_full_is_told(void **state)
{
	char *argv[] = { NULL };
	const struct vm_initramfs spec = { .init = "/bin/true", .argv = argv };

	(void)state;
	assert_int_equal(vm_initramfs_write(&spec, &work, "/dev/full", &err), -ENOSPC);
	assert_non_null(
		strstr(err.text, "/dev/full: cannot write the initramfs: No space"));
	assert_non_null(strstr(err.hint, "TMPDIR"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_archive_holds_a_root_that_can_run_init, make_work,
			remove_work),
		cmocka_unit_test_setup_teardown(staged_trees_and_named_files_come_along,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(an_init_that_is_no_program_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_named_file_that_is_none_is_refused,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(
			the_libraries_are_those_that_the_loader_names, make_work,
			remove_work),
		cmocka_unit_test_setup_teardown(a_disk_that_is_full_is_told, make_work,
						remove_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
