/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <limits.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "base/build_id.h"
#include "base/tree.h"
#include "seam/facts_kernel.h"

/* A root directory with a /proc and a /sys of the test's own making. */
struct fake {
	char root[64];
	struct facts *facts;
};

static void write_bytes(const char *root, const char *path, const void *bytes, size_t len)
{
	char full[PATH_MAX];
	FILE *f = NULL;

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void write_text(const char *root, const char *path, const char *text)
{
	write_bytes(root, path, text, strlen(text));
}

static int make_fake(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));

	(void)umask(022);

	assert_non_null(f);
	(void)snprintf(f->root, sizeof(f->root), "/tmp/vhostcheck-%d-test-XXXXXX",
		       getpid());
	assert_non_null(mkdtemp(f->root));
	f->facts = facts_kernel_at(f->root);
	assert_non_null(f->facts);
	*state = f;
	return 0;
}

static int remove_fake(void **state)
{
	struct fake *f = *state;
	int r = tree_remove(f->root);

	facts_kernel_free(f->facts);
	free(f);
	return r;
}

static struct module_info module_of(const struct fake *f, const char *name)
{
	struct module_info m = { 0 };

	assert_int_equal(f->facts->ops->module(f->facts, name, &m), 0);
	return m;
}

/* --------------------------------------------------------------- build-id */

static const unsigned char id_bytes[20] = { 0x30, 0xa8, 0x27, 0x00, 0xff };
static const char id_text[] = "30a82700ff000000000000000000000000000000";

static size_t put_note(unsigned char *to, uint32_t type, const char *name,
		       const void *desc, uint32_t len)
{
	ElfW(Nhdr) n = { .n_namesz = (uint32_t)strlen(name) + 1,
			 .n_descsz = len,
			 .n_type = type };
	size_t name_room = (n.n_namesz + 3u) & ~3u;

	memcpy(to, &n, sizeof(n));
	memset(to + sizeof(n), 0, name_room);
	memcpy(to + sizeof(n), name, n.n_namesz);
	memcpy(to + sizeof(n) + name_room, desc, len);
	return sizeof(n) + name_room + ((len + 3u) & ~3u);
}

static void the_build_id_is_found_behind_other_notes(void **state)
{
	unsigned char notes[256] = { 0 };
	char id[BUILD_ID_ROOM];
	size_t n = put_note(notes, 1, "Linux", "xy", 2);

	(void)state;
	n += put_note(notes + n, NT_GNU_BUILD_ID, "XEN", id_bytes, sizeof(id_bytes));
	assert_int_equal(build_id_of_notes(notes, n, id), -ENOENT);
	n += put_note(notes + n, NT_GNU_BUILD_ID, "GNU", id_bytes, sizeof(id_bytes));
	assert_int_equal(build_id_of_notes(notes, n, id), 0);
	assert_string_equal(id, id_text);
}

static void a_note_cut_short_has_no_build_id(void **state)
{
	unsigned char notes[256] = { 0 };
	char id[BUILD_ID_ROOM];
	size_t n = put_note(notes, NT_GNU_BUILD_ID, "GNU", id_bytes, sizeof(id_bytes));

	(void)state;
	for (size_t len = 0; len < n; len++) {
		unsigned char *exact = malloc(len ? len : 1);

		assert_non_null(exact);
		memcpy(exact, notes, len);
		assert_int_equal(build_id_of_notes(exact, len, id), -ENOENT);
		free(exact);
	}
}

static void note_sizes_near_the_largest_number_are_refused(void **state)
{
	ElfW(Nhdr)
		n = { .n_namesz = UINT32_MAX, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID };
	char id[BUILD_ID_ROOM];

	(void)state;
	assert_int_equal(build_id_of_notes(&n, sizeof(n), id), -ENOENT);
	n = (ElfW(Nhdr)){ .n_namesz = 0,
			  .n_descsz = UINT32_MAX,
			  .n_type = NT_GNU_BUILD_ID };
	assert_int_equal(build_id_of_notes(&n, sizeof(n), id), -ENOENT);
}

/* An ELF file of one section; returns its size. */
static size_t make_elf(unsigned char *to, uint64_t section_size)
{
	size_t at = sizeof(ElfW(Ehdr)) + sizeof(ElfW(Shdr));
	ElfW(Ehdr) e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
				      sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32,
				      __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
					      ? ELFDATA2LSB
					      : ELFDATA2MSB },
			 .e_shoff = sizeof(ElfW(Ehdr)),
			 .e_shentsize = sizeof(ElfW(Shdr)),
			 .e_shnum = 1 };
	ElfW(Shdr) s = { .sh_type = SHT_NOTE, .sh_offset = at };
	size_t n = put_note(to + at, NT_GNU_BUILD_ID, "GNU", id_bytes, sizeof(id_bytes));

	s.sh_size = section_size ? section_size : n;
	memcpy(to, &e, sizeof(e));
	memcpy(to + sizeof(e), &s, sizeof(s));
	return at + n;
}

static int file_id(const struct fake *f, const void *bytes, size_t len, char *id)
{
	char path[PATH_MAX];

	write_bytes(f->root, "/module.ko", bytes, len);
	(void)snprintf(path, sizeof(path), "%s/module.ko", f->root);
	return build_id_of_file(path, id);
}

static void a_module_file_tells_its_build_id(void **state)
{
	unsigned char elf[512] = { 0 };
	char id[BUILD_ID_ROOM];
	size_t len = make_elf(elf, 0);

	assert_int_equal(file_id(*state, elf, len, id), 0);
	assert_string_equal(id, id_text);
	assert_int_equal(file_id(*state, elf, sizeof(ElfW(Ehdr)), id), -ENOEXEC);
	assert_int_equal(file_id(*state,
				 "\xfd"
				 "7zXZ",
				 5, id),
			 -ENOEXEC);
	assert_int_equal(file_id(*state, "", 0, id), -ENOEXEC);
	len = make_elf(elf, UINT64_MAX - 8);
	assert_int_equal(file_id(*state, elf, len, id), -ENOENT);
}

/* ----------------------------------------------------------------- module */

static void a_live_module_is_found_without_proc_modules(void **state)
{
	const struct fake *f = *state;
	unsigned char notes[256] = { 0 };
	size_t n = put_note(notes, NT_GNU_BUILD_ID, "GNU", id_bytes, sizeof(id_bytes));
	struct module_info m;

	write_text(f->root, "/sys/module/vhost_vsock/initstate", "live\n");
	write_text(f->root, "/sys/module/vhost_vsock/srcversion",
		   "533BB7E5866E52F63B9ACCB\n");
	write_bytes(f->root, "/sys/module/vhost_vsock/notes/.note.gnu.build-id", notes,
		    n);
	m = module_of(f, "vhost-vsock");
	assert_int_equal(m.status, FACT_MODULE_LIVE);
	assert_string_equal(m.srcversion_loaded, "533BB7E5866E52F63B9ACCB");
	assert_string_equal(m.build_id_loaded, id_text);
	assert_string_equal(m.build_id_disk, "");
	assert_string_equal(m.signer, "");
}

static void a_longer_name_is_another_module(void **state)
{
	const struct fake *f = *state;

	write_text(f->root, "/sys/module/vhost_net/initstate", "live\n");
	assert_int_equal(module_of(f, "vhost").status, FACT_MODULE_ABSENT);
	assert_int_equal(module_of(f, "vhost_n").status, FACT_MODULE_ABSENT);
	assert_int_equal(module_of(f, "vhost_net").status, FACT_MODULE_LIVE);
}

static void a_module_on_its_way_in_or_out_is_not_live(void **state)
{
	const struct fake *f = *state;

	write_text(f->root, "/sys/module/vhost/initstate", "going\n");
	assert_int_equal(module_of(f, "vhost").status, FACT_MODULE_ABSENT);
	write_text(f->root, "/sys/module/vhost/initstate", "coming\n");
	assert_int_equal(module_of(f, "vhost").status, FACT_MODULE_ABSENT);
}

static void built_in_is_told_by_parameters_or_by_the_class(void **state)
{
	const struct fake *f = *state;

	write_text(f->root, "/sys/module/vhost/parameters/max_mem_regions", "64\n");
	write_text(f->root, "/sys/class/misc/vhost-vsock/dev", "10:241\n");
	assert_int_equal(module_of(f, "vhost").status, FACT_MODULE_BUILTIN);
	assert_int_equal(module_of(f, "vhost_vsock").status, FACT_MODULE_BUILTIN);
	assert_int_equal(module_of(f, "vhost_net").status, FACT_MODULE_ABSENT);
	assert_int_equal(module_of(f, "vhost_vdpa").status, FACT_MODULE_ABSENT);
}

/* ------------------------------------------------------------------- node */

static void a_node_is_described_with_the_numbers_of_its_driver(void **state)
{
	const struct fake *f = *state;
	struct node_info n;

	write_text(f->root, "/sys/class/misc/vhost-vsock/dev", "10:241\n");
	assert_int_equal(f->facts->ops->node(f->facts, FAMILY_VSOCK, &n), 0);
	assert_string_equal(n.path, "/dev/vhost-vsock");
	assert_false(n.exists);
	assert_int_equal(n.class_major, 10);
	assert_int_equal(n.class_minor, 241);
	assert_int_equal(n.major, -1);

	write_text(f->root, "/dev/vhost-vsock", "");
	assert_int_equal(f->facts->ops->node(f->facts, FAMILY_VSOCK, &n), 0);
	assert_true(n.exists);
	assert_false(n.is_device);
	assert_true(n.readable && n.writable);
	assert_int_equal(n.mode, 0644);
}

static void a_real_character_device_is_known_as_one(void **state)
{
	struct node_info n;

	(void)state;
	node_describe("", "/dev/null", &n);
	assert_true(n.exists && n.is_device && n.readable && n.writable);
	assert_int_equal(n.major, 1);
	assert_int_equal(n.minor, 3);
	assert_int_equal(n.class_major, -1);
}

static void the_first_vdpa_node_stands_for_its_family(void **state)
{
	const struct fake *f = *state;
	struct node_info n;

	assert_int_equal(f->facts->ops->node(f->facts, FAMILY_VDPA, &n), 0);
	assert_string_equal(n.path, "/dev/vhost-vdpa-0");
	assert_false(n.exists);
	write_text(f->root, "/dev/vhost-vdpa-3", "");
	write_text(f->root, "/sys/bus/vdpa/devices/vd0/vhost-vdpa-3/dev", "511:3\n");
	assert_int_equal(f->facts->ops->node(f->facts, FAMILY_VDPA, &n), 0);
	assert_string_equal(n.path, "/dev/vhost-vdpa-3");
	assert_true(n.exists);
	assert_int_equal(n.class_major, 511);
}

/* ---------------------------------------------------------------- workers */

static void a_thread_of_the_owner_is_a_task(void **state)
{
	const struct fake *f = *state;
	struct worker_info w;

	write_text(f->root, "/proc/77/task/77/comm", "vhost-77\n");
	write_text(f->root, "/proc/77/task/78/comm", "vhost-12345\n");
	write_text(f->root, "/proc/77/task/79/comm", "vhost-x\n");
	assert_int_equal(f->facts->ops->workers(f->facts, 77, &w), 0);
	assert_int_equal(w.type, WORKER_TASK);
	assert_int_equal(w.count, 1);
}

static void only_a_kernel_thread_of_that_pid_is_a_kthread(void **state)
{
	const struct fake *f = *state;
	struct worker_info w;

	write_text(f->root, "/proc/77/task/77/comm", "owner\n");
	write_text(f->root, "/proc/90/comm", "vhost-77\n");
	write_text(f->root, "/proc/90/stat",
		   "90 (vhost-77) S 1 90 90 0 -1 4194560 0 0\n");
	assert_int_equal(f->facts->ops->workers(f->facts, 77, &w), 0);
	assert_int_equal(w.type, WORKER_NONE);
	assert_int_equal(w.count, 0);
	write_text(f->root, "/proc/91/comm", "vhost-77\n");
	write_text(f->root, "/proc/91/stat", "91 (vhost-77) S 2 0 0 0 -1 2129984 0 0\n");
	write_text(f->root, "/proc/92/comm", "vhost-771\n");
	write_text(f->root, "/proc/92/stat", "92 (vhost-771) S 2 0 0 0 -1 2129984 0 0\n");
	assert_int_equal(f->facts->ops->workers(f->facts, 77, &w), 0);
	assert_int_equal(w.type, WORKER_KTHREAD);
	assert_int_equal(w.count, 1);
}

static void a_worker_sleeps_or_not_and_was_switched_so_often(void **state)
{
	const struct fake *f = *state;
	struct worker_info w;

	write_text(f->root, "/proc/77/task/78/comm", "vhost-77\n");
	write_text(f->root, "/proc/77/task/78/status",
		   "Name:\tvhost-77\nState:\tS (sleeping)\n"
		   "voluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n");
	write_text(f->root, "/proc/77/task/79/comm", "vhost-77\n");
	write_text(f->root, "/proc/77/task/79/status",
		   "Name:\tvhost-77\nState:\tR (running)\n"
		   "voluntary_ctxt_switches:\t300\nnonvoluntary_ctxt_switches:\t0\n");
	write_text(f->root, "/proc/77/task/80/comm", "vhost-77\n");
	assert_int_equal(f->facts->ops->workers(f->facts, 77, &w), 0);
	assert_int_equal(w.count, 3);
	assert_int_equal(w.asleep, 1);
	assert_int_equal(w.switches, 342);
}

static void a_process_that_is_gone_is_an_error(void **state)
{
	const struct fake *f = *state;
	struct worker_info w;

	assert_int_equal(f->facts->ops->workers(f->facts, 77, &w), -ENOENT);
}

/* ---------------------------------------------------------- guest to host */

static const char *transport_of(const struct fake *f, char *room)
{
	assert_int_equal(f->facts->ops->guest_to_host(f->facts, room), 0);
	return room;
}

static void a_virtio_vsock_device_counts_once_its_driver_is_bound(void **state)
{
	const struct fake *f = *state;
	char name[NAME_ROOM];

	write_text(f->root, "/sys/bus/virtio/devices/virtio0/device", "0x0001\n");
	write_text(f->root, "/sys/bus/virtio/devices/virtio0/driver", "");
	write_text(f->root, "/sys/bus/virtio/devices/virtio1/device", "0x0013\n");
	assert_string_equal(transport_of(f, name), "");
	write_text(f->root, "/sys/bus/virtio/devices/virtio1/driver", "");
	assert_string_equal(transport_of(f, name), "vmw_vsock_virtio_transport");
}

static void a_vmci_transport_needs_its_device(void **state)
{
	const struct fake *f = *state;
	char name[NAME_ROOM];

	write_text(f->root, "/sys/module/vmw_vsock_vmci_transport/initstate", "live\n");
	assert_string_equal(transport_of(f, name), "");
	write_text(f->root, "/sys/bus/pci/drivers/vmw_vmci/0000:00:07.7", "");
	assert_string_equal(transport_of(f, name), "vmw_vsock_vmci_transport");
}

static void hyper_v_sockets_need_its_bus(void **state)
{
	const struct fake *f = *state;
	char name[NAME_ROOM];

	write_text(f->root, "/sys/module/hv_sock/initstate", "live\n");
	assert_string_equal(transport_of(f, name), "");
	write_text(f->root, "/sys/bus/vmbus/devices/0e0b6031", "");
	assert_string_equal(transport_of(f, name), "hv_sock");
}

/* ------------------------------------------------------------ this machine */

static void this_machine_answers(void **state)
{
	struct facts *facts = facts_kernel_new();
	struct utsname u;
	char name[NAME_ROOM];
	struct worker_info w;
	struct module_info m;

	(void)state;
	assert_non_null(facts);
	assert_int_equal(uname(&u), 0);
	assert_int_equal(facts->ops->release(facts, name), 0);
	assert_string_equal(name, u.release);
	assert_int_equal(facts->ops->workers(facts, getpid(), &w), 0);
	assert_int_equal(w.type, WORKER_NONE);
	assert_int_equal(facts->ops->module(facts, "no_such_module", &m), 0);
	assert_int_equal(m.status, FACT_MODULE_ABSENT);
	assert_int_equal(facts->ops->parameter(facts, "no_such_module", "x", name), 0);
	assert_string_equal(name, "");
	facts_kernel_free(facts);
}

static void each_family_has_a_module_and_all_but_vdpa_a_path(void **state)
{
	(void)state;
	assert_string_equal(family_module(FAMILY_NET), "vhost_net");
	assert_string_equal(family_module(FAMILY_VDPA), "vhost_vdpa");
	assert_string_equal(family_path(FAMILY_SCSI), "/dev/vhost-scsi");
	assert_null(family_path(FAMILY_VDPA));
}

#define IN_FAKE(test) cmocka_unit_test_setup_teardown(test, make_fake, remove_fake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_build_id_is_found_behind_other_notes),
		cmocka_unit_test(a_note_cut_short_has_no_build_id),
		cmocka_unit_test(note_sizes_near_the_largest_number_are_refused),
		IN_FAKE(a_module_file_tells_its_build_id),
		IN_FAKE(a_live_module_is_found_without_proc_modules),
		IN_FAKE(a_longer_name_is_another_module),
		IN_FAKE(a_module_on_its_way_in_or_out_is_not_live),
		IN_FAKE(built_in_is_told_by_parameters_or_by_the_class),
		IN_FAKE(a_node_is_described_with_the_numbers_of_its_driver),
		cmocka_unit_test(a_real_character_device_is_known_as_one),
		IN_FAKE(the_first_vdpa_node_stands_for_its_family),
		IN_FAKE(a_thread_of_the_owner_is_a_task),
		IN_FAKE(only_a_kernel_thread_of_that_pid_is_a_kthread),
		IN_FAKE(a_worker_sleeps_or_not_and_was_switched_so_often),
		IN_FAKE(a_process_that_is_gone_is_an_error),
		IN_FAKE(a_virtio_vsock_device_counts_once_its_driver_is_bound),
		IN_FAKE(a_vmci_transport_needs_its_device),
		IN_FAKE(hyper_v_sockets_need_its_bus),
		cmocka_unit_test(this_machine_answers),
		cmocka_unit_test(each_family_has_a_module_and_all_but_vdpa_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
