/* SPDX-License-Identifier: MIT */
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "vm/archive.h"
#include "vm/modules.h"
#include "vm_fakes.h"

static char release[] = "6.1.0-9-amd64";

/* A kernel with a modules directory of the test's own making */
struct fixture {
	struct vm_workdir work;
	struct vm_kernel kernel;
	struct vm_modules modules;
	struct vm_error err;
	char *image, *dir;
};

static int make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || vm_workdir_make(&f->work, -1, &f->err))
		return -1;
	f->image = vm_path("%s/vmlinuz", f->work.path);
	f->dir = vm_path("%s/modules", f->work.path);
	f->kernel = (struct vm_kernel){ .release = release,
					.image = f->image,
					.modules = f->dir };
	*state = f;
	return f->image && f->dir ? 0 : -1;
}

static int free_fixture(void **state)
{
	struct fixture *f = *state;

	vm_modules_done(&f->modules);
	vm_workdir_done(&f->work);
	free(f->image);
	free(f->dir);
	free(f);
	return 0;
}

static void put(const struct fixture *f, const char *name, const void *bytes, size_t len)
{
	cleanup_free char *path = vm_path("%s/%s", f->dir, name);

	assert_non_null(path);
	assert_int_equal(vm_write_file(path, bytes, len), 0);
}

static void put_text(const struct fixture *f, const char *name, const char *text)
{
	put(f, name, text, strlen(text));
}

static void put_module(const struct fixture *f, const char *name, const char *depends)
{
	unsigned char bytes[FAKE_MODULE];

	fake_module(bytes, release, depends);
	put(f, name, bytes, sizeof(bytes));
}

static void put_compressed(const struct fixture *f, const char *name, bool zstd)
{
	unsigned char bytes[FAKE_MODULE];
	char packed[4096];
	size_t used = 0;
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	fake_module(bytes, release, "");
	assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
	assert_int_equal(zstd ? archive_write_add_filter_zstd(a)
			      : archive_write_add_filter_xz(a),
			 ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, packed, sizeof(packed), &used),
			 ARCHIVE_OK);
	archive_entry_set_filetype(e, AE_IFREG);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, bytes, sizeof(bytes)), sizeof(bytes));
	archive_entry_free(e);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	assert_int_equal(archive_write_free(a), ARCHIVE_OK);
	put(f, name, packed, used);
}

static int stage(struct fixture *f)
{
	return vm_modules_stage(&f->modules, &f->work, &f->kernel, false, &f->err);
}

static size_t position(const struct vm_names *l, const char *name)
{
	size_t i = 0;

	while (i < l->count && strcmp(l->name[i], name) != 0)
		i++;
	if (i == l->count)
		fail_msg("%s is not in the list", name);
	return i;
}

static char *read_staged(const struct fixture *f, const char *name)
{
	cleanup_free char *path = vm_path("%s/%s", f->modules.staging, name);
	char *text = NULL;

	assert_non_null(path);
	assert_int_equal(vm_read_file(path, 1 << 20, &text), 0);
	return text;
}

static void names_lose_folder_and_suffix_and_keep_no_dash(void **state)
{
	char name[16];

	(void)state;
	assert_int_equal(module_name("kernel/x/crct10dif-pclmul.ko", name, 16),
			 -ENAMETOOLONG);
	assert_int_equal(module_name("kernel/x/crc-t10dif.ko.xz", name, 16), 0);
	assert_string_equal(name, "crc_t10dif");
	assert_int_equal(module_name("tun.ko", name, 16), 0);
	assert_int_equal(module_name("tun.ko.zst", name, 16), 0);
	assert_int_equal(module_name("tun.ko.gz", name, 16), 0);
	assert_string_equal(name, "tun");
	assert_int_equal(module_name("tun.ko.orig", name, 16), -EINVAL);
	assert_int_equal(module_name("tun.o", name, 16), -EINVAL);
	assert_int_equal(module_name("kernel/.ko", name, 16), -EINVAL);
	assert_int_equal(module_name("", name, 16), -EINVAL);
}

static void a_module_comes_after_all_that_it_depends_on(void **state)
{
	struct fixture *f = *state;
	const struct vm_names *order = &f->modules.order, *missing = &f->modules.missing;
	cleanup_free char *list = NULL, *dep = NULL;

	put_module(f, "kernel/drivers/vhost/vhost.ko", "vhost_iotlb");
	put_module(f, "kernel/drivers/vhost/vhost_iotlb.ko", "");
	put_module(f, "kernel/drivers/vhost/vhost_scsi.ko", "vhost,target_core_mod");
	put_module(f, "kernel/drivers/target/target_core_mod.ko", "crc-t10dif,configfs");
	put_module(f, "kernel/lib/crc-t10dif.ko", "");
	put_module(f, "kernel/sound/unwanted.ko", "");
	put_text(f, "modules.builtin",
		 "kernel/fs/configfs/configfs.ko\nkernel/drivers/net/tun.ko\n");
	put_text(f, "modules.order", "");
	assert_int_equal(stage(f), 0);
	assert_int_equal(order->count, 5);
	assert_true(position(order, "vhost_iotlb") < position(order, "vhost"));
	assert_true(position(order, "vhost") < position(order, "vhost_scsi"));
	assert_true(position(order, "crc_t10dif") < position(order, "target_core_mod"));
	assert_true(position(order, "target_core_mod") < position(order, "vhost_scsi"));
	assert_true(vm_names_has(missing, "vhost_vsock"));
	assert_false(vm_names_has(missing, "tun"));
	assert_false(vm_names_has(missing, "configfs"));

	list = read_staged(f, "vhostcheck.modules");
	assert_memory_equal(list, "vhost_iotlb\nvhost\n", 18);
	dep = read_staged(f, "lib/modules/6.1.0-9-amd64/modules.dep");
	assert_non_null(strstr(dep, "kernel/drivers/vhost/vhost_scsi.ko:"));
	assert_null(strstr(dep, "unwanted"));
}

static void modules_that_depend_on_each_other_are_staged_once(void **state)
{
	struct fixture *f = *state;

	put_module(f, "kernel/vhost.ko", "vhost_net");
	put_module(f, "kernel/vhost_net.ko", "vhost,vhost_net");
	(void)!stage(f); /* depmod may refuse the cycle */
	assert_int_equal(f->modules.order.count, 2);
}

static void compressed_modules_are_decompressed(void **state)
{
	static const char *const names[] = { "vhost", "tun" };
	struct fixture *f = *state;

	put_compressed(f, "kernel/vhost.ko.xz", false);
	put_compressed(f, "kernel/tun.ko.zst", true);
	assert_int_equal(stage(f), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = vm_path("%s/lib/modules/%s/kernel/%s.ko",
						  f->modules.staging, release, names[i]);
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, FAKE_MODULE);
	}
}

static void without_vhost_there_is_nothing_to_check(void **state)
{
	struct fixture *f = *state;

	put_module(f, "kernel/tun.ko", "");
	assert_int_equal(stage(f), -ENOENT);
	assert_int_equal(f->err.fault, VM_FAULT_NO_MODULES);
	assert_non_null(strstr(f->err.text, "6.1.0-9-amd64 has no vhost"));
}

static void a_module_that_another_needs_must_be_there(void **state)
{
	struct fixture *f = *state;

	put_module(f, "kernel/vhost.ko", "vhost-iotlb");
	assert_int_equal(stage(f), -ENOENT);
	assert_int_equal(f->err.fault, VM_FAULT_NO_MODULES);
	assert_string_equal(f->err.file, f->dir);
	assert_non_null(strstr(f->err.text, ": holds no module vhost_iotlb, which "
					    "kernel/vhost.ko depends on"));
}

static void of_packages_it_is_the_command_line_that_lacks_one(void **state)
{
	struct fixture *f = *state;
	char names[] = "kernel-core-1, kernel-modules-1", arg[] = "core.rpm";

	f->kernel.package = names;
	f->kernel.arg = arg;
	put_module(f, "kernel/vhost.ko", "vhost_iotlb");
	assert_int_equal(stage(f), -ENOENT);
	assert_int_equal(f->err.fault, VM_FAULT_USAGE);
	assert_string_equal(f->err.text,
			    "core.rpm: (kernel-core-1, kernel-modules-1) holds no module "
			    "vhost_iotlb, which kernel/vhost.ko depends on");
	assert_string_equal(f->err.hint,
			    "name the package of 6.1.0-9-amd64 that holds vhost_iotlb, "
			    "too");
}

static void what_is_built_in_need_not_be_a_module(void **state)
{
	struct fixture *f = *state;

	put_module(f, "kernel/vhost.ko", "vhost_iotlb");
	put_text(f, "modules.builtin", "kernel/drivers/vhost/vhost_iotlb.ko\n");
	assert_int_equal(stage(f), 0);
}

static void vhost_that_was_built_as_a_module_is_told_from_none(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *config = vm_path("%s/config", f->work.path);

	assert_non_null(config);
	assert_int_equal(vm_write_file(config, "CONFIG_VHOST=m\n", 15), 0);
	f->kernel.config = config;
	put_module(f, "kernel/tun.ko", "");
	assert_int_equal(stage(f), -ENOENT);
	assert_int_equal(f->err.fault, VM_FAULT_NO_MODULES);
	assert_non_null(strstr(f->err.text, ": holds no module vhost, though the kernel "
					    "is built with one"));
}

static void vhost_may_be_built_in(void **state)
{
	struct fixture *f = *state;

	put_module(f, "kernel/tun.ko", "");
	put_text(f, "modules.builtin", "kernel/drivers/vhost/vhost.ko\n");
	assert_int_equal(stage(f), 0);
	assert_int_equal(f->modules.order.count, 1);
}

static void a_kernel_without_modules_gets_an_empty_list(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *list = NULL;

	f->kernel.modules = NULL;
	assert_int_equal(stage(f), 0);
	list = read_staged(f, "vhostcheck.modules");
	assert_string_equal(list, "");
}

static void a_root_of_the_host_needs_its_modules_or_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct vm_names *order = &f->modules.order;

	put_module(f, "kernel/vhost.ko", "");
	put_module(f, "kernel/virtio_pci.ko", "virtio");
	put_module(f, "kernel/virtio.ko", "");
	put_module(f, "kernel/9pnet_virtio.ko", "9pnet,virtio");
	put_module(f, "kernel/9pnet.ko", "");
	put_module(f, "kernel/9p.ko", "9pnet");
	put_text(f, "modules.builtin", "kernel/fs/overlayfs/overlay.ko\n");
	assert_int_equal(
		vm_modules_stage(&f->modules, &f->work, &f->kernel, true, &f->err), 0);
	assert_int_equal(position(order, "vhost"), 0);
	assert_true(position(order, "virtio_pci") < position(order, "9pnet_virtio"));
	assert_true(position(order, "9pnet") < position(order, "9pnet_virtio"));
	assert_true(position(order, "9pnet_virtio") < position(order, "9p"));
}

static void a_root_is_refused_by_the_module_that_is_missing(void **state)
{
	struct fixture *f = *state;

	put_module(f, "kernel/vhost.ko", "");
	put_module(f, "kernel/virtio_pci.ko", "");
	put_module(f, "kernel/9p.ko", "");
	assert_int_equal(
		vm_modules_stage(&f->modules, &f->work, &f->kernel, true, &f->err),
		-EOPNOTSUPP);
	assert_int_equal(f->err.fault, VM_FAULT_UNSUPPORTED);
	assert_non_null(strstr(f->err.text, "6.1.0-9-amd64 has no 9pnet_virtio"));
	assert_non_null(strstr(f->err.hint, "CONFIG_NET_9P_VIRTIO"));
}

static void modules_of_another_kernel_are_refused_with_both_names(void **state)
{
	struct fixture *f = *state;
	unsigned char bytes[FAKE_MODULE];

	fake_module(bytes, "6.1.0-9-cloud-amd64", "");
	put(f, "kernel/vhost.ko", bytes, sizeof(bytes));
	assert_int_equal(stage(f), -EINVAL);
	assert_int_equal(f->err.fault, VM_FAULT_MISMATCH);
	assert_string_equal(f->err.file, f->dir);
	assert_non_null(strstr(f->err.text,
			       "kernel/vhost.ko is a module of 6.1.0-9-cloud-amd64"));
	assert_non_null(strstr(f->err.text, "but the kernel is 6.1.0-9-amd64"));
}

static void a_file_that_is_no_module_is_refused(void **state)
{
	struct fixture *f = *state;

	put_text(f, "kernel/vhost.ko", "garbage");
	assert_int_equal(stage(f), -EILSEQ);
	assert_int_equal(f->err.fault, VM_FAULT_BAD_FILE);
	assert_non_null(strstr(f->err.text, "kernel/vhost.ko is not a module"));
}

static void a_damaged_compressed_module_is_refused(void **state)
{
	struct fixture *f = *state;

	put(f, "kernel/vhost.ko.xz",
	    "\xfd"
	    "7zXZ\0\0\4garbage",
	    15);
	assert_int_equal(stage(f), -EILSEQ);
	assert_int_equal(f->err.fault, VM_FAULT_BAD_FILE);
	assert_non_null(strstr(f->err.text, "kernel/vhost.ko.xz is damaged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lose_folder_and_suffix_and_keep_no_dash),
		cmocka_unit_test_setup_teardown(
			a_module_comes_after_all_that_it_depends_on, make_fixture,
			free_fixture),
		cmocka_unit_test_setup_teardown(
			modules_that_depend_on_each_other_are_staged_once, make_fixture,
			free_fixture),
		cmocka_unit_test_setup_teardown(compressed_modules_are_decompressed,
						make_fixture, free_fixture),
		cmocka_unit_test_setup_teardown(without_vhost_there_is_nothing_to_check,
						make_fixture, free_fixture),
		cmocka_unit_test_setup_teardown(a_module_that_another_needs_must_be_there,
						make_fixture, free_fixture),
		cmocka_unit_test_setup_teardown(
			of_packages_it_is_the_command_line_that_lacks_one, make_fixture,
			free_fixture),
		cmocka_unit_test_setup_teardown(what_is_built_in_need_not_be_a_module,
						make_fixture, free_fixture),
		cmocka_unit_test_setup_teardown(
			vhost_that_was_built_as_a_module_is_told_from_none, make_fixture,
			free_fixture),
		cmocka_unit_test_setup_teardown(vhost_may_be_built_in, make_fixture,
						free_fixture),
		cmocka_unit_test_setup_teardown(
			a_kernel_without_modules_gets_an_empty_list, make_fixture,
			free_fixture),
		cmocka_unit_test_setup_teardown(
			a_root_of_the_host_needs_its_modules_or_is_refused, make_fixture,
			free_fixture),
		cmocka_unit_test_setup_teardown(
			a_root_is_refused_by_the_module_that_is_missing, make_fixture,
			free_fixture),
		cmocka_unit_test_setup_teardown(
			modules_of_another_kernel_are_refused_with_both_names,
			make_fixture, free_fixture),
		cmocka_unit_test_setup_teardown(a_file_that_is_no_module_is_refused,
						make_fixture, free_fixture),
		cmocka_unit_test_setup_teardown(a_damaged_compressed_module_is_refused,
						make_fixture, free_fixture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
