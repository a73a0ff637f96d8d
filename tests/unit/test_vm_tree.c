/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/tree.h"
#include "vm/workdir.h"

static struct vm_workdir work;

static int make_work(void **state)
{
	struct vm_error err;

	(void)state;
	return vm_workdir_make(&work, -1, &err);
}

static int remove_work(void **state)
{
	(void)state;
	vm_workdir_done(&work);
	return 0;
}

static void put(const char *name)
{
	cleanup_free char *path = vm_path("%s/%s", work.path, name);

	assert_non_null(path);
	assert_int_equal(vm_write_file(path, "x", 1), 0);
}

static void a_tree_goes_and_what_its_links_name_stays(void **state)
{
	cleanup_free char *top = vm_path("%s/top", work.path);
	cleanup_free char *dirlink = vm_path("%s/top/sub/dirlink", work.path);
	cleanup_free char *link = vm_path("%s/top/link", work.path);
	cleanup_free char *kept = vm_path("%s/keep/file", work.path);
	struct stat st;

	(void)state;
	put("keep/file");
	put("top/a");
	put("top/sub/deeper/b");
	assert_int_equal(symlink("../../keep", dirlink), 0);
	assert_int_equal(symlink(kept, link), 0);
	assert_int_equal(tree_remove(top), 0);
	assert_int_equal(lstat(top, &st), -1);
	assert_int_equal(stat(kept, &st), 0);
}

static void a_link_itself_is_removed_and_not_followed(void **state)
{
	cleanup_free char *link = vm_path("%s/link", work.path);
	cleanup_free char *kept = vm_path("%s/keep/file", work.path);
	struct stat st;

	(void)state;
	put("keep/file");
	assert_int_equal(symlink("keep", link), 0);
	assert_int_equal(tree_remove(link), 0);
	assert_int_equal(lstat(link, &st), -1);
	assert_int_equal(stat(kept, &st), 0);
}

static void what_is_not_there_is_gone(void **state)
{
	cleanup_free char *path = vm_path("%s/none", work.path);

	(void)state;
	assert_int_equal(tree_remove(path), 0);
}

static void a_file_is_removed_and_a_path_through_a_file_is_an_error(void **state)
{
	cleanup_free char *file = vm_path("%s/file", work.path);
	cleanup_free char *below = vm_path("%s/file/x", work.path);

	(void)state;
	put("file");
	assert_int_equal(tree_remove(below), -ENOTDIR);
	assert_int_equal(tree_remove(file), 0);
}

static void a_tree_too_deep_is_an_error_and_its_rest_goes(void **state)
{
	cleanup_free char *top = vm_path("%s/top", work.path);
	cleanup_free char *file = vm_path("%s/top/file", work.path);
	char deep[400] = "";
	cleanup_free char *path = NULL;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < 70; i++)
		(void)snprintf(deep + i * 2, sizeof(deep) - i * 2, "/d");
	path = vm_path("%s%s/f", top, deep);
	assert_int_equal(vm_write_file(path, "x", 1), 0);
	put("top/file");
	assert_int_equal(tree_remove(top), -ELOOP);
	assert_int_equal(stat(file, &st), -1);
	/* For the teardown: make it shallow enough */
	deep[20] = '\0';
	free(path);
	path = vm_path("%s%s", top, deep);
	assert_int_equal(rename(path, file), 0);
	assert_int_equal(tree_remove(file), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tree_goes_and_what_its_links_name_stays,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(a_link_itself_is_removed_and_not_followed,
						make_work, remove_work),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_gone, make_work,
						remove_work),
		cmocka_unit_test_setup_teardown(
			a_file_is_removed_and_a_path_through_a_file_is_an_error,
			make_work, remove_work),
		cmocka_unit_test_setup_teardown(
			a_tree_too_deep_is_an_error_and_its_rest_goes, make_work,
			remove_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
