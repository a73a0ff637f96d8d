/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/klog.h"
#include "run/kmsg.h"

static void reports_begin_and_end_where_the_kernel_says_so(void **state)
{
	static const char *const begin[] = {
		"WARNING: CPU: 0 PID: 71 at drivers/vhost/vhost.c:1 vhost_vq_reset+0x1/0x2",
		"BUG: KASAN: slab-out-of-bounds in vhost_copy+0x1/0x2",
		"invalid opcode: 0000 [#1] PREEMPT SMP NOPTI",
		"Oops: 0002 [#1] SMP",
		"Kernel panic - not syncing: Fatal exception",
	};
	static const char *const none[] = { "", "vhost_vsock: loaded",
					    "audit: WARNING: x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		assert_true(klog_begins(begin[i]));
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(klog_begins(none[i]));
	assert_true(klog_ends("---[ end trace 0000000000000000 ]---"));
	assert_false(klog_ends("Call Trace:"));
}

static void what_differs_from_run_to_run_is_taken_out(void **state)
{
	char clean[128];
	char tiny[8];

	(void)state;
	klog_scrub(clean, sizeof(clean),
		   "CPU: 0 PID: 71 Comm: vhost-70 at ffff888003c00000");
	assert_string_equal(clean, "CPU: 0 PID: * Comm: vhost-* at *");
	klog_scrub(clean, sizeof(clean), "a\x1b[31m\xc3");
	assert_string_equal(clean, "a?[31m?");
	klog_scrub(tiny, sizeof(tiny), "0: a long line");
	assert_string_equal(tiny, "0: a lo");
}

static void only_what_names_us_or_vhost_is_ours(void **state)
{
	(void)state;
	assert_true(kmsg_is_ours("CPU: 0 PID: 71 Comm: vhostcheck", 71));
	assert_true(kmsg_is_ours("CPU: 0 PID: 99 Comm: vhost-71", 71));
	assert_true(kmsg_is_ours("RIP: 0010:vhost_worker+0x1/0x2 [vhost]", 71));
	assert_false(kmsg_is_ours("CPU: 0 PID: 710 Comm: vhost-711", 71));
	assert_false(kmsg_is_ours("WARNING: CPU: 0 PID: 5 at fs/ext4/inode.c:1", 71));
}

static void without_a_log_nothing_is_taken(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct kmsg k = { .fd = -1, .taint_fd = -1 };
	struct rec_list evidence = { 0 };
	struct verdict v = { .status = STATUS_PASS };

	(void)state;
	kmsg_skip(&k);
	assert_int_equal(kmsg_blame(&k, &a, 1, &evidence, &v), 0);
	assert_int_equal(evidence.count, 0);
	assert_int_equal(v.status, STATUS_PASS);
	kmsg_close(&k);
}

/* A pipe in place of /dev/kmsg: one record a read, as long as it is written so. */
static void reports_of_others_are_left_to_them(void **state)
{
	static const char *const records[] = {
		"4,1,1,-;WARNING: CPU: 0 PID: 5 at fs/ext4/inode.c:1 ext4_x+0x1/0x2",
		"4,2,1,-;---[ end trace 0000000000000000 ]---",
		"4,3,1,-;WARNING: CPU: 0 PID: 9 at drivers/vhost/vhost.c:1",
		"4,4,1,-;CPU: 0 PID: 9 Comm: vhost-71 Not tainted\n SUBSYSTEM=x",
		"4,5,1,-;---[ end trace 0000000000000000 ]---",
		"6,6,1,-;something else",
	};
	cleanup_arena struct arena a = { 0 };
	struct rec_list evidence = { 0 };
	struct verdict v = { .status = STATUS_PASS };
	const struct ev *ev = NULL;
	int pair[2];
	struct kmsg k = { .taint_fd = -1 };

	(void)state;
	assert_int_equal(pipe2(pair, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
	k.fd = pair[0];
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		assert_true(write(pair[1], records[i], strlen(records[i])) > 0);
	assert_int_equal(kmsg_blame(&k, &a, 71, &evidence, &v), 0);
	assert_int_equal(evidence.count, 2);
	ev = evidence.item[1];
	assert_string_equal(ev->kmsg.text, "CPU: 0 PID: * Comm: vhost-* Not tainted");
	assert_int_equal(v.status, STATUS_FAIL);
	assert_non_null(strstr(v.text, "drivers/vhost/vhost.c"));
	kmsg_close(&k);
	fd_close(&pair[1]);
}

static void set_taint(int fd, const char *text)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

static int taint_file(void)
{
	int fd = memfd_create("tainted", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void a_flag_that_is_gained_in_a_guest_fails(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct kmsg k = { .fd = -1, .taint_fd = taint_file(), .alone = true };
	struct rec_list evidence = { 0 };
	struct verdict v = { .status = STATUS_PASS };
	const struct ev *ev = NULL;

	(void)state;
	set_taint(k.taint_fd, "64\n"); /* U, set by somebody's write */
	kmsg_skip(&k);
	set_taint(k.taint_fd, "577\n"); /* W, and P of a module */
	assert_int_equal(kmsg_blame(&k, &a, 71, &evidence, &v), 0);
	assert_int_equal(evidence.count, 1);
	ev = evidence.item[0];
	assert_string_equal(ev->kmsg.text, "taint flag gained: W (warning)");
	assert_int_equal(v.status, STATUS_FAIL);
	assert_non_null(strstr(v.text, "W (warning)"));
	/* flags are sticky: the next check did not do it */
	v = (struct verdict){ .status = STATUS_PASS };
	assert_int_equal(kmsg_blame(&k, &a, 71, &evidence, &v), 0);
	assert_int_equal(evidence.count, 1);
	assert_int_equal(v.status, STATUS_PASS);
	kmsg_close(&k);
}

static void a_flag_on_a_host_may_be_of_others(void **state)
{
	cleanup_arena struct arena a = { 0 };
	struct kmsg k = { .fd = -1, .taint_fd = taint_file() };
	struct rec_list evidence = { 0 };
	struct verdict v = { .status = STATUS_PASS };

	(void)state;
	set_taint(k.taint_fd, "0\n");
	kmsg_skip(&k);
	set_taint(k.taint_fd, "512\n");
	assert_int_equal(kmsg_blame(&k, &a, 71, &evidence, &v), 0);
	assert_int_equal(evidence.count, 0);
	assert_int_equal(v.status, STATUS_PASS);
	kmsg_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_begin_and_end_where_the_kernel_says_so),
		cmocka_unit_test(what_differs_from_run_to_run_is_taken_out),
		cmocka_unit_test(only_what_names_us_or_vhost_is_ours),
		cmocka_unit_test(without_a_log_nothing_is_taken),
		cmocka_unit_test(reports_of_others_are_left_to_them),
		cmocka_unit_test(a_flag_that_is_gained_in_a_guest_fails),
		cmocka_unit_test(a_flag_on_a_host_may_be_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
