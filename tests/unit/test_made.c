/* SPDX-License-Identifier: MIT */
/* What was made is found and removed by its names, in a tree that looks like configfs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/tree.h"
#include "seam/made.h"

#define PID 4712
#define FOUND 8

/** struct fixture - a root of our own, and what was found in it */
struct fixture {
	char root[64];
	struct found {
		pid_t pid;
		char path[MADE_PATH];
	} found[FOUND];
	size_t count;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f)
		return -1;
	(void)snprintf(f->root, sizeof(f->root), "/tmp/vhostcheck-made-XXXXXX");
	return mkdtemp(f->root) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int r = tree_remove(f->root);

	free(f);
	return r;
}

static void make_dirs(const struct fixture *f, const char *path)
{
	char full[MADE_PATH];

	(void)snprintf(full, sizeof(full), "%s%s", f->root, path);
	for (char *c = full + strlen(f->root) + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*c = '/';
	}
	assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
}

static bool there(const struct fixture *f, const char *path)
{
	char full[MADE_PATH];
	struct stat st;

	(void)snprintf(full, sizeof(full), "%s%s", f->root, path);
	return lstat(full, &st) == 0;
}

#define TARGET MADE_CONFIGFS "/target"

/* A target of @pid with LUNs 0 and 1 and their stores. */
static void make_target(const struct fixture *f, pid_t pid)
{
	char wwpn[32], hba[32], name[64], path[MADE_PATH], link[MADE_PATH];

	made_wwpn(pid, wwpn, sizeof(wwpn));
	made_hba(pid, hba, sizeof(hba));
	for (unsigned int lun = 0; lun < 2; lun++) {
		made_name(pid, lun, name, sizeof(name));
		(void)snprintf(path, sizeof(path), TARGET "/core/%s/%s", hba, name);
		make_dirs(f, path);
		(void)snprintf(path, sizeof(path), TARGET "/vhost/%s/tpgt_1/lun/lun_%u",
			       wwpn, lun);
		make_dirs(f, path);
		(void)snprintf(link, sizeof(link), "%s%.256s/store", f->root, path);
		assert_int_equal(symlink("/nowhere", link), 0);
	}
}

/* What says that the directory of all targets was made for @pid. */
static void mark_fabric(const struct fixture *f, pid_t pid)
{
	char hba[32], mark[64], path[MADE_PATH];

	made_hba(pid, hba, sizeof(hba));
	made_mark(pid, mark, sizeof(mark));
	(void)snprintf(path, sizeof(path), TARGET "/core/%s/%s", hba, mark);
	make_dirs(f, path);
}

static void names_carry_the_pid(void **state)
{
	char text[64];

	(void)state;
	made_wwpn(PID, text, sizeof(text));
	assert_string_equal(text, "naa.3766863000004712");
	made_wwpn(4194304, text, sizeof(text));
	assert_string_equal(text, "naa.3766863004194304");
	made_hba(PID, text, sizeof(text));
	assert_string_equal(text, "rd_mcp_2000004712");
	made_name(PID, 3, text, sizeof(text));
	assert_string_equal(text, "vhostcheck-4712-3");
	made_mark(PID, text, sizeof(text));
	assert_string_equal(text, "vhostcheck-4712-fabric");
}

static int note(void *ctx, pid_t pid, const char *path)
{
	struct fixture *f = ctx;

	if (f->count == FOUND)
		return -ENOSPC;
	f->found[f->count].pid = pid;
	(void)snprintf(f->found[f->count++].path, MADE_PATH, "%s",
		       path + strlen(f->root));
	return 0;
}

static void all_that_was_made_is_found_and_nothing_else(void **state)
{
	static const char *const others[] = {
		TARGET "/vhost/naa.37668630000047120",
		TARGET "/vhost/naa.376686300000471",
		TARGET "/vhost/naa.376686300000471x",
		TARGET "/vhost/naa.5001405000004712",
		TARGET "/core/rd_mcp_0",
		TARGET "/core/rd_mcp_20000",
		"/sys/bus/vdpa/devices/vdpa0",
		"/sys/bus/vdpa/devices/vhostcheck-1",
		"/sys/bus/vdpa/devices/vhostcheck-1-1",
		"/sys/bus/vdpa/devices/vhostcheck--0",
		"/sys/class/vduse/control",
	};
	struct fixture *f = *state;

	make_target(f, PID);
	make_dirs(f, "/sys/bus/vdpa/devices/vhostcheck-99-0");
	make_dirs(f, "/sys/class/vduse/vhostcheck-99-0");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		make_dirs(f, others[i]);
	assert_int_equal(made_find(f->root, note, f), 0);
	assert_int_equal(f->count, 4);
	assert_string_equal(f->found[0].path, "/sys/bus/vdpa/devices/vhostcheck-99-0");
	assert_string_equal(f->found[1].path, "/sys/class/vduse/vhostcheck-99-0");
	assert_string_equal(f->found[2].path, TARGET "/vhost/naa.3766863000004712");
	assert_string_equal(f->found[3].path, TARGET "/core/rd_mcp_2000004712");
	assert_int_equal(f->found[1].pid, 99);
	assert_int_equal(f->found[3].pid, PID);
	assert_true(made_any(f->root, PID) && made_any(f->root, 99));
	assert_false(made_any(f->root, 47));
}

static int stop(void *ctx, pid_t pid, const char *path)
{
	(void)ctx;
	(void)pid;
	(void)path;
	return -ENOMEM;
}

static void a_search_ends_when_it_is_told_to(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(made_find(f->root, stop, NULL), 0);
	make_target(f, PID);
	assert_int_equal(made_find(f->root, stop, NULL), -ENOMEM);
}

/* The directories that configfs makes by itself go with their parents there. */
static void drop_defaults(const struct fixture *f)
{
	char path[MADE_PATH];

	(void)snprintf(path, sizeof(path),
		       "%s" TARGET "/vhost/naa.3766863000004712/tpgt_1/lun", f->root);
	assert_int_equal(rmdir(path), 0);
}

static void a_target_is_taken_down_and_its_neighbour_stays(void **state)
{
	struct fixture *f = *state;

	make_target(f, PID);
	make_target(f, PID + 1);
	assert_int_equal(made_lun_remove(f->root, PID, 0), 0);
	assert_false(there(f, TARGET "/vhost/naa.3766863000004712/tpgt_1/lun/lun_0"));
	assert_false(there(f, TARGET "/core/rd_mcp_2000004712/vhostcheck-4712-0"));
	assert_true(there(f, TARGET "/vhost/naa.3766863000004712/tpgt_1/lun/lun_1"));
	assert_int_equal(made_lun_remove(f->root, PID, 0), 0);
	assert_int_equal(made_lun_remove(f->root, PID, 1), 0);
	drop_defaults(f);
	assert_int_equal(made_remove(f->root, PID, deadline_after_ms(0)), 0);
	assert_false(made_any(f->root, PID));
	assert_true(
		there(f, TARGET "/vhost/naa.3766863000004713/tpgt_1/lun/lun_1/store"));
	assert_true(there(f, TARGET "/core/rd_mcp_2000004713/vhostcheck-4713-1"));
	assert_int_equal(made_remove(f->root, PID, deadline_after_ms(0)), 0);
}

static void empty_target(const struct fixture *f)
{
	make_target(f, PID);
	(void)made_lun_remove(f->root, PID, 0);
	(void)made_lun_remove(f->root, PID, 1);
	drop_defaults(f);
}

static void the_last_target_takes_a_fabric_along_that_was_made(void **state)
{
	struct fixture *f = *state;

	empty_target(f);
	assert_false(made_fabric(f->root));
	mark_fabric(f, PID);
	assert_true(made_fabric(f->root));
	assert_int_equal(made_remove(f->root, PID, deadline_after_ms(0)), 0);
	assert_false(there(f, TARGET "/vhost"));
	assert_false(made_any(f->root, PID));
	assert_true(there(f, TARGET "/core"));
}

static void a_fabric_that_was_there_before_stays(void **state)
{
	struct fixture *f = *state;

	empty_target(f);
	assert_int_equal(made_remove(f->root, PID, deadline_after_ms(0)), 0);
	assert_false(made_any(f->root, PID));
	assert_true(there(f, TARGET "/vhost"));
}

static void a_fabric_with_another_target_stays_and_its_mark_goes(void **state)
{
	struct fixture *f = *state;

	empty_target(f);
	mark_fabric(f, PID);
	make_target(f, PID + 1);
	assert_int_equal(made_remove(f->root, PID, deadline_after_ms(0)), 0);
	assert_false(made_any(f->root, PID));
	assert_false(made_fabric(f->root));
	assert_true(there(f, TARGET "/vhost/naa.3766863000004713"));
}

/* Who tries again must know. */
static void the_mark_stays_as_long_as_the_target(void **state)
{
	struct fixture *f = *state;

	empty_target(f);
	mark_fabric(f, PID);
	make_dirs(f, TARGET "/vhost/naa.3766863000004712/other");
	assert_int_equal(made_remove(f->root, PID, deadline_after_ms(0)), -ENOTEMPTY);
	assert_true(made_fabric(f->root));
}

/* Somebody put a directory in: what can go goes, and the first failure is told. */
static void what_cannot_go_is_told_and_the_rest_goes(void **state)
{
	struct fixture *f = *state;

	make_target(f, PID);
	make_dirs(f, TARGET "/vhost/naa.3766863000004712/tpgt_1/other");
	assert_int_equal(made_remove(f->root, PID, deadline_after_ms(0)), -ENOTEMPTY);
	assert_true(there(f, TARGET "/vhost/naa.3766863000004712/tpgt_1/other"));
	assert_false(there(f, TARGET "/vhost/naa.3766863000004712/tpgt_1/lun/lun_1"));
	assert_false(there(f, TARGET "/core/rd_mcp_2000004712"));
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_carry_the_pid),
		IN_TREE(all_that_was_made_is_found_and_nothing_else),
		IN_TREE(a_search_ends_when_it_is_told_to),
		IN_TREE(a_target_is_taken_down_and_its_neighbour_stays),
		IN_TREE(the_last_target_takes_a_fabric_along_that_was_made),
		IN_TREE(a_fabric_that_was_there_before_stays),
		IN_TREE(a_fabric_with_another_target_stays_and_its_mark_goes),
		IN_TREE(the_mark_stays_as_long_as_the_target),
		IN_TREE(what_cannot_go_is_told_and_the_rest_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
