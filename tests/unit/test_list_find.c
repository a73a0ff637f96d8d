/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/tree.h"
/* cmd/ is no library: the unit is compiled here */
#include "cmd/list_find.c" /* NOLINT(bugprone-suspicious-include) */

struct place {
	char root[64];
	struct arena arena;
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->root, sizeof(p->root), "/tmp/vhostcheck-%d-test-XXXXXX",
		       getpid());
	assert_non_null(mkdtemp(p->root));
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;
	int r = tree_remove(p->root);

	arena_done(&p->arena);
	free(p);
	return r;
}

static void make_file(const struct place *p, const char *path, mode_t mode)
{
	char full[PATH_MAX];
	FILE *f = NULL;

	(void)snprintf(full, sizeof(full), "%s%s", p->root, path);
	for (char *slash = strchr(full + strlen(p->root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(full, mode), 0);
}

static const char *newer_than(struct place *p, const char *running)
{
	struct list_kernel *k = NULL;

	assert_int_equal(list_find_newer_kernel(&p->arena, p->root, running, &k), 0);
	return k ? k->release : "";
}

static void the_newest_kernel_of_both_places_is_offered(void **state)
{
	struct place *p = *state;
	struct list_kernel *k = NULL;
	char path[PATH_MAX], judge[PATH_MAX + 32];

	make_file(p, "/boot/vmlinuz-6.1.0-9-amd64", 0644);
	make_file(p, "/boot/vmlinuz-6.1.0-56-amd64", 0644);
	make_file(p, "/lib/modules/6.12.0-1.fc41.x86_64/vmlinuz", 0644);
	assert_int_equal(list_find_newer_kernel(&p->arena, p->root, "6.1.0-10-amd64", &k),
			 0);
	assert_non_null(k);
	assert_string_equal(k->release, "6.12.0-1.fc41.x86_64");
	(void)snprintf(path, sizeof(path), "%s/lib/modules/6.12.0-1.fc41.x86_64/vmlinuz",
		       p->root);
	assert_string_equal(k->path, path);
	(void)snprintf(judge, sizeof(judge), "vhostcheck vm %s", path);
	assert_string_equal(k->judge, judge);
}

static void nine_is_older_than_ten(void **state)
{
	make_file(*state, "/boot/vmlinuz-6.1.0-9-amd64", 0644);
	assert_string_equal(newer_than(*state, "6.1.0-10-amd64"), "");
	assert_string_equal(newer_than(*state, "6.1.0-8-amd64"), "6.1.0-9-amd64");
}

static void another_flavour_or_rescue_image_is_not_newer(void **state)
{
	make_file(*state, "/boot/vmlinuz-6.1.0-56-cloud-amd64", 0644);
	make_file(*state, "/boot/vmlinuz-0-rescue-8a5e", 0644);
	make_file(*state, "/boot/vmlinuz-linux", 0644);
	make_file(*state, "/boot/vmlinuz-6.9.1.old", 0644);
	assert_string_equal(newer_than(*state, "6.1.0-56-amd64"), "");
}

static void the_release_is_not_newer_than_its_candidate_by_its_suffix(void **state)
{
	make_file(*state, "/boot/vmlinuz-6.12.0-rc3", 0644);
	assert_string_equal(newer_than(*state, "6.12.0"), "");
	assert_string_equal(newer_than(*state, "6.11.9"), "6.12.0-rc3");
}

static void a_vmm_is_found_once_where_path_has_it_first(void **state)
{
	struct place *p = *state;
	struct rec_list names = { 0 }, found = { 0 };
	char path[256];
	const struct list_vmm *vmm = NULL;

	make_file(p, "/a/crosvm", 0644);
	make_file(p, "/b/crosvm", 0755);
	make_file(p, "/c/crosvm", 0755);
	(void)snprintf(path, sizeof(path), "%s/a:%s/b:%s/c", p->root, p->root, p->root);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_int_equal(rec_list_add(&p->arena, &names, "crosvm"), 0);
	assert_int_equal(rec_list_add(&p->arena, &names, "crosvm"), 0);
	assert_int_equal(rec_list_add(&p->arena, &names, "lkvm"), 0);
	assert_int_equal(list_find_vmms(&p->arena, &names, &found), 0);
	assert_int_equal(found.count, 1);
	vmm = found.count ? found.item[0] : NULL;
	(void)snprintf(path, sizeof(path), "%s/b/crosvm", p->root);
	assert_string_equal(vmm ? vmm->path : "", path);
}

static void a_holder_is_found_by_the_number_of_the_device(void **state)
{
	struct place *p = *state;
	struct list_device zero = { .present = true, .major = 1, .minor = 5 };
	struct list_device other = { .present = true, .major = 1, .minor = 250 };
	struct rec_list devices = { 0 };
	cleanup_close int fd = open("/dev/zero", O_RDONLY);
	const struct list_holder *me = NULL;
	bool all = false;

	assert_true(fd >= 0);
	assert_int_equal(rec_list_add(&p->arena, &devices, &other), 0);
	assert_int_equal(rec_list_add(&p->arena, &devices, &zero), 0);
	assert_int_equal(list_find_holders(&p->arena, &devices, &all), 0);
	for (size_t i = 0; i < zero.holders.count; i++)
		if (((const struct list_holder *)zero.holders.item[i])->pid == getpid())
			me = zero.holders.item[i];
	assert_non_null(me);
	assert_string_equal(me ? me->command : "", "test_list_find");
	assert_int_equal(other.holders.count, 0);
}

static void what_a_dead_run_left_is_found_and_nothing_else(void **state)
{
	struct place *p = *state;
	struct rec_list found = { 0 };
	const struct list_leftover *l = NULL;
	char expected[128];

	make_file(p, "/vhostcheck-4194305-vm-x/initramfs",
		  0644); /* above the largest pid */
	make_file(p, "/vhostcheck-vm-1/x", 0644);
	make_file(p, "/vhostcheck-12", 0644);
	make_file(p, "/other-4194305-x", 0644);
	assert_int_equal(setenv("TMPDIR", p->root, 1), 0);
	assert_int_equal(list_find_leftovers(&p->arena, &found), 0);
	assert_int_equal(found.count, 1);
	l = found.count ? found.item[0] : NULL;
	(void)snprintf(expected, sizeof(expected), "%s/vhostcheck-4194305-vm-x", p->root);
	assert_string_equal(l ? l->path : "", expected);
	assert_int_equal(l ? l->pid : 0, 4194305);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(the_newest_kernel_of_both_places_is_offered),
		IN_PLACE(nine_is_older_than_ten),
		IN_PLACE(another_flavour_or_rescue_image_is_not_newer),
		IN_PLACE(the_release_is_not_newer_than_its_candidate_by_its_suffix),
		IN_PLACE(a_vmm_is_found_once_where_path_has_it_first),
		IN_PLACE(a_holder_is_found_by_the_number_of_the_device),
		IN_PLACE(what_a_dead_run_left_is_found_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
