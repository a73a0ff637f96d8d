/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/tree.h"
/* cmd/ is no library: the units are compiled here */
#include "cmd/list_find.c" /* NOLINT(bugprone-suspicious-include) */

#include "cmd/host_vmms.c" /* NOLINT(bugprone-suspicious-include) */

struct place {
	char root[64];
	struct arena arena;
	struct rec_list library;
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->root, sizeof(p->root), "/tmp/vhostcheck-%d-test-XXXXXX",
		       getpid());
	assert_non_null(mkdtemp(p->root));
	assert_int_equal(setenv("PATH", p->root, 1), 0);
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

/* The directories of a path below the root, and the path itself. */
static const char *place_of(struct place *p, const char *path)
{
	char *full = arena_printf(&p->arena, "%s%s", p->root, path);

	assert_non_null(full);
	for (char *slash = strchr(full + strlen(p->root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	return full;
}

static void make_file(struct place *p, const char *path, mode_t mode, const char *text)
{
	const char *full = place_of(p, path);
	FILE *f = fopen(full, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(full, mode), 0);
}

static void make_link(struct place *p, const char *path, const char *to)
{
	assert_int_equal(symlink(to, place_of(p, path)), 0);
}

static void add_stack(struct place *p, const char *name, const char *executable,
		      const char *package, const char *since, const char *before)
{
	struct stack *s = rec_list_new(&p->arena, &p->library, sizeof(*s));
	struct stack_package *q = NULL;

	assert_non_null(s);
	s->name = name;
	assert_int_equal(rec_list_add(&p->arena, &s->executables, executable), 0);
	if (!package)
		return;
	q = rec_list_new(&p->arena, &s->packages, sizeof(*q));
	assert_non_null(q);
	*q = (struct stack_package){ package, since, before };
}

static void assert_matches(struct place *p, const char *const *expected, size_t n)
{
	struct rec_list matches = { 0 };

	assert_int_equal(host_matches(&p->arena, p->root, &p->library, &matches), 0);
	assert_int_equal(matches.count, n);
	for (size_t i = 0; i < n && matches.item; i++) {
		const struct host_match *m = matches.item[i];

		assert_string_equal(
			arena_printf(&p->arena, "%s: %s", m->stack->name, m->how),
			expected[i]);
	}
}

#define DPKG(name, status, version)                                                      \
	"Package: " name "\nStatus: " status "\nVersion: " version "\nDescription: x\n"  \
	" Version: 99\n\n"

static void the_installed_version_chooses_the_policy(void **state)
{
	static const char *const old[] = { "old: package vmm 1:4.2+dfsg-7" };
	struct place *p = *state;

	add_stack(p, "new", "vmm", "vmm", "5.2", NULL);
	add_stack(p, "old", "vmm", "vmm", "2.9", "5.0");
	make_file(p, "/var/lib/dpkg/status", 0644,
		  DPKG("other", "install ok installed", "6.0")
			  DPKG("vmm", "install ok installed", "1:4.2+dfsg-7"));
	/* the executable is there too, of the version that the package tells */
	make_file(p, "/vmm", 0755, "");
	assert_matches(p, old, 1);
}

static void a_version_of_no_policy_matches_none(void **state)
{
	struct place *p = *state;

	add_stack(p, "new", "vmm", "vmm", "5.2", NULL);
	add_stack(p, "old", "vmm", "vmm", "2.9", "5.0");
	make_file(p, "/var/lib/dpkg/status", 0644,
		  DPKG("vmm", "install ok installed", "5.1-1"));
	make_file(p, "/vmm", 0755, "");
	assert_matches(p, NULL, 0);
}

static void what_was_removed_is_not_installed(void **state)
{
	struct place *p = *state;

	add_stack(p, "any", "vmm", "vmm", NULL, NULL);
	make_file(p, "/var/lib/dpkg/status", 0644,
		  DPKG("vmm", "deinstall ok config-files", "5.1-1"));
	assert_matches(p, NULL, 0);
}

static void without_a_package_all_versions_may_be_meant(void **state)
{
	struct place *p = *state;
	const char *expected[2];

	add_stack(p, "new", "vmm", "vmm", "5.2", NULL);
	add_stack(p, "old", "vmm", NULL, NULL, NULL);
	add_stack(p, "other", "other", NULL, NULL, NULL);
	make_file(p, "/vmm", 0755, "");
	expected[0] = arena_printf(
		&p->arena, "new: %s/vmm, of a version that no package tells", p->root);
	expected[1] = arena_printf(
		&p->arena, "old: %s/vmm, of a version that no package tells", p->root);
	assert_matches(p, expected, 2);
}

static void a_process_is_known_by_its_executable(void **state)
{
	static const char *const expected[] = {
		"new: /opt/vmm runs (pid 17), of a version that no package tells"
	};
	struct place *p = *state;

	add_stack(p, "new", "vmm", NULL, NULL, NULL);
	make_link(p, "/proc/17/exe", "/opt/vmm (deleted)");
	make_link(p, "/proc/18/exe", "/opt/vmm-2");
	make_link(p, "/proc/self/exe", "/opt/vmm");
	make_file(p, "/proc/19/comm", 0644, "vmm");
	assert_matches(p, expected, 1);
}

static void rpm_is_asked_where_it_has_a_database(void **state)
{
	static const char *const expected[] = { "new: package vmm 8.2.0" };
	struct place *p = *state;

	add_stack(p, "new", "vmm", "vmm", "5.2", NULL);
	add_stack(p, "none", "x", "vmm-tools", NULL, NULL);
	make_file(
		p, "/usr/bin/rpm", 0755,
		"#!/bin/sh\n[ \"$1 $2\" = '-q --qf' ] || exit 1\n"
		"[ \"$4 $5\" = 'vmm vmm-tools' ] || exit 1\n"
		"echo 'vmm 8.2.0'\necho 'package vmm-tools is not installed'\nexit 1\n");
	assert_matches(p, NULL, 0);
	make_file(p, "/usr/lib/sysimage/rpm/rpmdb.sqlite", 0644, "");
	assert_matches(p, expected, 1);
}

static void versions_are_compared_by_their_numbers(void **state)
{
	(void)state;
	assert_true(host_version_in("1:7.2+dfsg-7", "5.2", NULL));
	assert_true(host_version_in("10.0.2", "5.2", NULL));
	assert_false(host_version_in("4.2", "5.2", NULL));
	assert_false(host_version_in("5.0~rc1", "2.9", "5.0"));
	assert_true(host_version_in("0.20210318-1", "0.20210318", "0.20230608"));
	assert_true(host_version_in("1", NULL, NULL));
	assert_false(host_version_in("git", NULL, NULL));
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(the_installed_version_chooses_the_policy),
		IN_PLACE(a_version_of_no_policy_matches_none),
		IN_PLACE(what_was_removed_is_not_installed),
		IN_PLACE(without_a_package_all_versions_may_be_meant),
		IN_PLACE(a_process_is_known_by_its_executable),
		IN_PLACE(rpm_is_asked_where_it_has_a_database),
		IN_PLACE(versions_are_compared_by_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
