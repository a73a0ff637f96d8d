/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/tree.h"
#include "report/json.h"
#include "sample_report.h"

struct fixture {
	struct arena arena;
	struct report r;
	struct report_write_error err;
	char dir[64], file[128];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	sample_report(&f->arena, &f->r);
	strcpy(f->dir, "/tmp/vhostcheck-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->file, sizeof(f->file), "%s/r.json", f->dir);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	assert_int_equal(tree_remove(f->dir), 0);
	free(f);
	return 0;
}

static char *content(const char *path)
{
	cleanup_file FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	return text;
}

static size_t files_in(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	assert_int_equal(closedir(d), 0);
	return n - 2;
}

static void holds_the_report(struct fixture *f, const char *path)
{
	cleanup_free char *text = content(path);
	struct rec_error err;
	struct report r;

	assert_int_equal(
		rec_from_text(&f->arena, &report_shape, text, strlen(text), &r, &err), 0);
	assert_int_equal(r.checks.count, f->r.checks.count);
}

static void a_file_is_written_whole_and_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	mode_t mask = umask(022);

	assert_int_equal(report_write_file(&f->r, f->file, &f->err), 0);
	(void)umask(mask);
	holds_the_report(f, f->file);
	assert_int_equal(files_in(f->dir), 1);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

static void it_is_indented_by_two_and_ends_in_a_newline(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *text = NULL;
	static const char begin[] =
		"{\n  \"schema\": \"vhostcheck-report/1\",\n  \"tool\": {\n    \"name\": ";
	static const char end[] = "\"exit_code\": 1\n  }\n}\n";

	f->r.tool.build_flags = "\"[ ]\" [\n] {  } \\";
	assert_int_equal(report_write_file(&f->r, f->file, &f->err), 0);
	text = content(f->file);
	assert_memory_equal(text, begin, strlen(begin));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	assert_non_null(strstr(text, "\"evidence\": [],"));
	assert_non_null(
		strstr(text, "\"build_flags\": \"\\\"[ ]\\\" [\\n] {  } \\\\\","));
	assert_non_null(strstr(text, "\"path\": \"/dev/vhost-net\""));
}

static void an_old_file_is_replaced_and_a_link_followed(void **state)
{
	struct fixture *f = *state;
	char link[160];
	struct stat st;

	(void)snprintf(link, sizeof(link), "%s/link", f->dir);
	assert_int_equal(report_write_file(&f->r, f->file, &f->err), 0);
	assert_int_equal(symlink("r.json", link), 0);
	assert_int_equal(truncate(f->file, 3), 0);
	assert_int_equal(report_write_file(&f->r, link, &f->err), 0);
	holds_the_report(f, f->file);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(files_in(f->dir), 2);
}

static void a_left_over_temporary_file_is_no_obstacle(void **state)
{
	struct fixture *f = *state;
	char left[160];
	int fd = -1;

	(void)snprintf(left, sizeof(left), "%s/.r.json.vhostcheck-%ld-0", f->dir,
		       (long)getpid());
	fd = open(left, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	fd_close(&fd);
	assert_int_equal(report_write_file(&f->r, f->file, &f->err), 0);
	assert_int_equal(files_in(f->dir), 2);
}

static void a_name_of_full_length_works(void **state)
{
	struct fixture *f = *state;
	char path[512];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s/", f->dir);

	memset(path + len, 'n', 255);
	path[len + 255] = '\0';
	assert_int_equal(report_write_file(&f->r, path, &f->err), 0);
	assert_int_equal(files_in(f->dir), 1);
}

static void a_device_is_written_to_not_replaced(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(report_write_file(&f->r, "/dev/null", &f->err), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(report_write_file(&f->r, "/dev/full", &f->err), -ENOSPC);
	assert_string_equal(f->err.text,
			    "cannot write all of /dev/full: No space left on device");
	assert_non_null(strstr(f->err.hint, "make room"));
}

static void a_missing_directory_is_named(void **state)
{
	struct fixture *f = *state;
	char path[160];
	char expected[400];

	(void)snprintf(path, sizeof(path), "%s/none/r.json", f->dir);
	(void)snprintf(
		expected, sizeof(expected),
		"cannot write %s: the directory %s/none is missing: No such file or "
		"directory",
		path, f->dir);
	assert_int_equal(report_write_file(&f->r, path, &f->err), -ENOENT);
	assert_string_equal(f->err.text, expected);
	assert_non_null(strstr(f->err.hint, "make the directory"));
}

static void a_directory_is_no_file(void **state)
{
	struct fixture *f = *state;
	char path[160];

	assert_int_equal(report_write_file(&f->r, f->dir, &f->err), -EISDIR);
	assert_int_equal(report_write_file(&f->r, "", &f->err), -EISDIR);
	(void)snprintf(path, sizeof(path), "%s/", f->file);
	assert_int_equal(report_write_file(&f->r, path, &f->err), -EISDIR);
	assert_int_equal(report_write_file(&f->r, f->file, &f->err), 0);
	(void)snprintf(path, sizeof(path), "%s/below", f->file);
	assert_int_equal(report_write_file(&f->r, path, &f->err), -ENOTDIR);
	assert_non_null(strstr(f->err.text, "is not a directory"));
}

/* Runs @body in a child, since it changes what the process may do; 0 is good. */
static void in_child(struct fixture *f, int (*body)(struct fixture *))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(body(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int without_rights(struct fixture *f)
{
	if (getuid() == 0 && setresuid(65534, 65534, 65534))
		return 1;
	if (report_write_file(&f->r, f->file, &f->err) != -EACCES)
		return 2;
	return strstr(f->err.text, "no right to make a file in") ? 0 : 3;
}

static void a_directory_without_rights_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->dir, 0555), 0);
	in_child(f, without_rights);
	assert_int_equal(files_in(f->dir), 0);
	assert_int_equal(chmod(f->dir, 0755), 0);
}

static int on_tmpfs(struct fixture *f)
{
	if (unshare(getuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", f->dir, "tmpfs", 0, "size=8k"))
		return 1;
	if (report_write_file(&f->r, f->file, &f->err) != -ENOSPC)
		return 2;
	if (!strstr(f->err.text, "cannot write all of") || files_in(f->dir))
		return 3;
	if (mount("none", f->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL))
		return 4;
	if (report_write_file(&f->r, f->file, &f->err) != -EROFS)
		return 5;
	return strstr(f->err.hint, "writable file system") ? 0 : 6;
}

static void a_full_and_a_read_only_file_system_are_told(void **state)
{
	in_child(*state, on_tmpfs);
}

static int into_closed_pipe(struct fixture *f)
{
	int fds[2];

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || pipe(fds) ||
	    dup2(fds[1], STDOUT_FILENO) < 0)
		return 1;
	(void)close(fds[0]);
	if (report_write_file(&f->r, "-", &f->err) != -EPIPE)
		return 2;
	return strstr(f->err.text, "standard output") ? 0 : 3;
}

static void a_reader_that_left_is_told(void **state)
{
	in_child(*state, into_closed_pipe);
}

static int read_slowly(int fd)
{
	char part[777];
	size_t all = 0;
	ssize_t n = 0;

	while ((n = read(fd, part, sizeof(part))) > 0)
		all += (size_t)n;
	return all > 100000 ? 0 : 1;
}

static void a_slow_pipe_gets_all_of_it(void **state)
{
	struct fixture *f = *state;
	struct json_object *json = NULL;
	int status = 0;
	int fds[2];
	pid_t pid = 0;

	for (int i = 0; i < 400; i++)
		sample_check(&f->arena, &f->r, "vsock.a.b", STATUS_PASS);
	json = rec_to_json(&report_shape, &f->r);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		(void)close(fds[1]);
		(void)fcntl(fds[0], F_SETFL, 0);
		_exit(read_slowly(fds[0]));
	}
	(void)close(fds[0]);
	assert_int_equal(json_write_fd(json, fds[1]), 0);
	(void)close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	json_object_put(json);
}

static void there_is_a_schema_of_each_kind(void **state)
{
	struct json_object *schema = NULL;

	(void)state;
	for (size_t i = 0; report_schema_kinds[i]; i++) {
		assert_int_equal(report_schema_json(report_schema_kinds[i], &schema), 0);
		assert_true(json_object_object_get_ex(schema, "$defs", NULL));
		json_object_put(schema);
	}
	assert_int_equal(report_schema_json("nothing", &schema), -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_written_whole_and_alone),
		TEST(it_is_indented_by_two_and_ends_in_a_newline),
		TEST(an_old_file_is_replaced_and_a_link_followed),
		TEST(a_left_over_temporary_file_is_no_obstacle),
		TEST(a_name_of_full_length_works),
		TEST(a_device_is_written_to_not_replaced),
		TEST(a_missing_directory_is_named),
		TEST(a_directory_is_no_file),
		TEST(a_directory_without_rights_is_named),
		TEST(a_full_and_a_read_only_file_system_are_told),
		TEST(a_reader_that_left_is_told),
		TEST(a_slow_pipe_gets_all_of_it),
		TEST(there_is_a_schema_of_each_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
