/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "vm/qemu.h"

static const struct vm_spec spec = {
	.qemu = "/usr/bin/qemu-system-x86_64",
	.image = "/a b,c/vmlinuz",
	.initrd = "/w/initrd",
	.cpus = 2,
	.memory_mib = 768,
};

static const int fd[VM_STREAM_NUM] = { 11, 12, 13, 14 };

static const char *after(const struct vm_names *argv, const char *option)
{
	for (size_t i = 0; i + 1 < argv->count; i++) {
		if (!strcmp(argv->name[i], option))
			return argv->name[i + 1];
	}
	fail_msg("%s is not there", option);
	return NULL;
}

static size_t count(const struct vm_names *argv, const char *word)
{
	size_t n = 0;

	for (size_t i = 0; i < argv->count; i++)
		n += !strcmp(argv->name[i], word);
	return n;
}

static void tcg_runs_without_the_features_that_crash_its_guests(void **state)
{
	struct vm_names argv;

	(void)state;
	assert_int_equal(vm_qemu_argv(&spec, VM_ACCEL_TCG, fd, &argv), 0);
	assert_string_equal(argv.name[0], spec.qemu);
	assert_string_equal(after(&argv, "-accel"), "tcg");
	assert_string_equal(after(&argv, "-cpu"), "max,-cx16,-la57,-erms");
	assert_string_equal(after(&argv, "-smp"), "2");
	assert_string_equal(after(&argv, "-m"), "768");
	assert_string_equal(after(&argv, "-kernel"), "/a b,c/vmlinuz");
	assert_string_equal(after(&argv, "-initrd"), "/w/initrd");
	assert_string_equal(after(&argv, "-device"),
			    "isa-debug-exit,iobase=0xf4,iosize=4");
	assert_int_equal(count(&argv, "-no-reboot"), 1);
	assert_int_equal(count(&argv, "-nodefaults"), 1);
	assert_int_equal(count(&argv, "-no-user-config"), 1);
	vm_names_done(&argv);
}

static void kvm_runs_on_the_cpu_of_the_host(void **state)
{
	struct vm_names argv;

	(void)state;
	assert_int_equal(vm_qemu_argv(&spec, VM_ACCEL_KVM, fd, &argv), 0);
	assert_string_equal(after(&argv, "-accel"), "kvm");
	assert_string_equal(after(&argv, "-cpu"), "host");
	vm_names_done(&argv);
}

static void every_port_has_its_socket_in_order(void **state)
{
	struct vm_names argv;
	int port = 0;

	(void)state;
	assert_int_equal(vm_qemu_argv(&spec, VM_ACCEL_TCG, fd, &argv), 0);
	assert_int_equal(count(&argv, "-serial"), VM_STREAM_NUM);
	for (size_t i = 0; i + 3 < argv.count; i++) {
		char want[64];

		if (strcmp(argv.name[i], "-chardev") != 0)
			continue;
		(void)snprintf(want, sizeof(want), "socket,id=port%d,fd=%d%s", port,
			       fd[port], port == VM_JOURNAL ? ",mux=on" : "");
		assert_string_equal(argv.name[i + 1], want);
		assert_string_equal(argv.name[i + 2], "-serial");
		(void)snprintf(want, sizeof(want), "chardev:port%d", port++);
		assert_string_equal(argv.name[i + 3], want);
	}
	assert_int_equal(port, VM_STREAM_NUM);
	vm_names_done(&argv);
}

/* One socket for both, so that the guest may use what its kernel has */
static void the_journal_has_a_port_of_virtio_too(void **state)
{
	struct vm_names argv;
	size_t bus = 0, port = 0;

	(void)state;
	assert_int_equal(vm_qemu_argv(&spec, VM_ACCEL_TCG, fd, &argv), 0);
	for (size_t i = 1; i < argv.count; i++) {
		if (!strcmp(argv.name[i], "virtio-serial-pci,ioeventfd=off"))
			bus = i;
		if (!strcmp(argv.name[i], "virtserialport,chardev=port1"))
			port = i;
	}
	assert_true(bus > 0 && port > bus);
	assert_string_equal(argv.name[bus - 1], "-device");
	assert_string_equal(argv.name[port - 1], "-device");
	vm_names_done(&argv);
}

static void a_directory_is_shown_read_only_and_its_commas_are_doubled(void **state)
{
	struct vm_spec shown = spec;
	struct vm_names argv;

	(void)state;
	assert_int_equal(vm_qemu_argv(&spec, VM_ACCEL_TCG, fd, &argv), 0);
	assert_int_equal(count(&argv, "-fsdev"), 0);
	vm_names_done(&argv);
	shown.root = "/a,b,,";
	assert_int_equal(vm_qemu_argv(&shown, VM_ACCEL_TCG, fd, &argv), 0);
	assert_string_equal(after(&argv, "-fsdev"),
			    "local,id=root,path=/a,,b,,,,,security_model=none,"
			    "readonly=on,multidevs=remap");
	assert_int_equal(count(&argv, "virtio-9p-pci,fsdev=root,mount_tag=" VM_ROOT_TAG),
			 1);
	vm_names_done(&argv);
}

static void the_kernel_keeps_its_own_defaults_and_gets_what_is_appended(void **state)
{
	struct vm_spec more = spec;
	cleanup_free char *plain = vm_qemu_cmdline(&spec), *longer = NULL;

	(void)state;
	assert_non_null(plain);
	assert_null(strstr(plain, "mitigations"));
	assert_null(strstr(plain, "nokaslr"));
	assert_non_null(strstr(plain, "console=ttyS0 "));
	assert_non_null(strstr(plain, "panic=-1 "));
	more.append = "vhost.max_mem_regions=32 debug";
	longer = vm_qemu_cmdline(&more);
	assert_non_null(longer);
	assert_memory_equal(longer, plain, strlen(plain));
	assert_string_equal(longer + strlen(plain), " vhost.max_mem_regions=32 debug");
}

static char *save_path(void)
{
	const char *path = getenv("PATH");
	char *saved = strdup(path ? path : "/usr/bin:/bin");

	assert_non_null(saved);
	return saved;
}

static void without_qemu_in_path_the_package_is_named(void **state)
{
	cleanup_free char *path = save_path();
	cleanup_free char *found = NULL;
	struct vm_error err;

	(void)state;
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	assert_int_equal(vm_qemu_find(&found, &err), -ENOENT);
	assert_int_equal(err.fault, VM_FAULT_NO_QEMU);
	assert_non_null(strstr(err.hint, "qemu-system-x86"));
	assert_int_equal(setenv("PATH", path, 1), 0);
}

static void only_an_executable_file_is_qemu(void **state)
{
	cleanup_vm_workdir struct vm_workdir w = { 0 };
	cleanup_free char *path = save_path(), *file = NULL, *found = NULL;
	struct vm_error err;

	(void)state;
	assert_int_equal(vm_workdir_make(&w, -1, &err), 0);
	file = vm_path("%s/qemu-system-x86_64", w.path);
	assert_non_null(file);
	assert_int_equal(setenv("PATH", w.path, 1), 0);
	assert_int_equal(mkdir(file, 0755), 0);
	assert_int_equal(vm_qemu_find(&found, &err), -ENOENT);
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(vm_write_file(file, "#!/bin/sh\n", 10), 0);
	assert_int_equal(vm_qemu_find(&found, &err), -ENOENT);
	assert_int_equal(chmod(file, 0755), 0);
	assert_int_equal(vm_qemu_find(&found, &err), 0);
	assert_string_equal(found, file);
	assert_int_equal(setenv("PATH", path, 1), 0);
}

static void a_qemu_that_tells_no_version_is_an_error(void **state)
{
	struct vm_error err;
	char *version = NULL;

	(void)state;
	assert_true(vm_qemu_version("/bin/true", &version, &err) < 0);
	assert_int_equal(err.fault, VM_FAULT_NO_QEMU);
	assert_true(vm_qemu_version("/nonexistent", &version, &err) < 0);
	assert_non_null(strstr(err.text, "No such file"));
	assert_null(version);
	assert_int_equal(vm_qemu_check_root("/nonexistent", &err), -ENOENT);
	assert_int_equal(err.fault, VM_FAULT_NO_QEMU);
	assert_int_equal(vm_qemu_check_root("/bin/true", &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.hint, "--enable-virtfs"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcg_runs_without_the_features_that_crash_its_guests),
		cmocka_unit_test(kvm_runs_on_the_cpu_of_the_host),
		cmocka_unit_test(every_port_has_its_socket_in_order),
		cmocka_unit_test(the_journal_has_a_port_of_virtio_too),
		cmocka_unit_test(
			a_directory_is_shown_read_only_and_its_commas_are_doubled),
		cmocka_unit_test(
			the_kernel_keeps_its_own_defaults_and_gets_what_is_appended),
		cmocka_unit_test(without_qemu_in_path_the_package_is_named),
		cmocka_unit_test(only_an_executable_file_is_qemu),
		cmocka_unit_test(a_qemu_that_tells_no_version_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
