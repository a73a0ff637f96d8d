/* SPDX-License-Identifier: MIT */
/* A recorded journal and what a console has said meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "sample_report.h"
#include "vm/watch.h"

struct fixture {
	struct arena arena;
	struct report r;
	struct vm_watch w;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	sample_report(&f->arena, &f->r);
	vm_watch_init(&f->w);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	vm_watch_done(&f->w);
	arena_done(&f->arena);
	free(f);
	return 0;
}

static void tell(struct fixture *f, struct journal_line l)
{
	cleanup_close int fd = memfd_create("line", MFD_CLOEXEC);
	struct journal_error err;
	char buf[65536];
	ssize_t n = 0;

	assert_int_equal(journal_write(fd, &l), 0);
	n = pread(fd, buf, sizeof(buf), 0);
	assert_in_range(n, 2, sizeof(buf) - 1);
	assert_int_equal(vm_watch_line(&f->w, buf, (size_t)n - 1, &err), 0);
}

static void tell_start(struct fixture *f)
{
	struct report_run run = f->r.run;

	run.duration_us = (struct opt_int){ 0 };
	run.reduced = (struct rec_list){ 0 };
	tell(f, (struct journal_line){ .type = JOURNAL_START,
				       .start = { &f->r.tool, &run, &f->r.host } });
	tell(f, (struct journal_line){ .type = JOURNAL_PLAN,
				       .plan = { f->r.checks, f->r.stacks } });
}

static void tell_check_start(struct fixture *f, size_t i)
{
	const struct report_check *c = f->r.checks.item[i];

	tell(f, (struct journal_line){ .type = JOURNAL_CHECK_START,
				       .check_start = { c->id, c->device } });
}

static void tell_check(struct fixture *f, size_t i, int status)
{
	struct report_check c = *(const struct report_check *)f->r.checks.item[i];
	struct report_reason why = { REASON_DEADLINE, "it was too slow" };

	c.status = status;
	c.reason = status == STATUS_PASS ? NULL : &why;
	c.evidence = (struct rec_list){ 0 };
	tell(f, (struct journal_line){ .type = JOURNAL_CHECK, .check = &c });
}

static void tell_stack(struct fixture *f, size_t i)
{
	struct report_stack s = *(const struct report_stack *)f->r.stacks.item[i];

	tell(f, (struct journal_line){ .type = JOURNAL_STACK_START,
				       .stack_start = { s.stack, s.device, s.guest } });
	s.verdict = STACK_WORKS;
	s.reason = NULL;
	s.evidence = (struct rec_list){ 0 };
	tell(f, (struct journal_line){ .type = JOURNAL_STACK, .stack = &s });
}

static void print(struct fixture *f, const char *text)
{
	assert_int_equal(vm_watch_console(&f->w, text, strlen(text)), 0);
}

static void finish(struct fixture *f, const char *why)
{
	assert_int_equal(vm_watch_finish(&f->w, VM_WATCH_DIED, 0, why), 0);
}

static const struct report_check *check(const struct fixture *f, size_t i)
{
	return f->w.journal.report.checks.item[i];
}

static const char *kmsg(const struct report_check *c, size_t i)
{
	const struct ev *e = c->evidence.item[i];

	assert_in_range(i, 0, c->evidence.count - 1);
	assert_int_equal(e->kind, EV_KMSG);
	return e->kmsg.text;
}

static const char oops[] =
	"[    3.123456] BUG: kernel NULL pointer dereference, address: 0000000000000008\r\n"
	"[    3.123457] Oops: 0002 [#1] PREEMPT SMP NOPTI\r\n"
	"[    3.123458] CPU: 0 PID: 71 Comm: vhost-70 Not tainted 6.1.0\r\n"
	"[    3.123459] RIP: 0010:vhost_poke+0x5/0x420 [vhost]\r\n"
	"[    3.123460] RAX: ffffffffffffffda RBX: 0000000000000003\r\n"
	"[    3.123461] R10: ffff8880011dd000\r\n"
	"[    3.123462]  worker of ffff8880011dd000 hangs\r\n"
	"[    3.123463] ---[ end trace 0000000000000000 ]---\r\n"
	"[    3.123464] Kernel panic - not syncing: Fatal exception\r\n";

static void test_a_death_is_the_running_checks_with_what_where_and_evidence(void **state)
{
	struct fixture *f = *state;

	tell_start(f);
	tell_check_start(f, 0);
	tell_check(f, 0, STATUS_PASS);
	tell_check_start(f, 1);
	print(f, oops);
	vm_watch_settle(&f->w);
	finish(f, "the guest ended");

	assert_int_equal(check(f, 0)->status, STATUS_PASS);
	assert_int_equal(check(f, 0)->evidence.count, 0);
	assert_int_equal(check(f, 1)->status, STATUS_CRASH);
	assert_int_equal(check(f, 1)->reason->code, REASON_CRASHED);
	assert_string_equal(check(f, 1)->reason->text,
			    "the kernel died: BUG: kernel NULL pointer dereference, "
			    "address: * in vhost_poke+0x5/0x420 [vhost]");
	assert_string_equal(kmsg(check(f, 1), 2),
			    "CPU: 0 PID: * Comm: vhost-* Not tainted 6.1.0");
	assert_string_equal(kmsg(check(f, 1), 3),
			    "RIP: 0010:vhost_poke+0x5/0x420 [vhost]");
	assert_string_equal(kmsg(check(f, 1), 4), "worker of * hangs");
	assert_string_equal(kmsg(check(f, 1), 5),
			    "Kernel panic - not syncing: Fatal exception");
	assert_int_equal(check(f, 1)->evidence.count, 6);
}

static void test_a_silent_death_is_told_by_how_qemu_ended(void **state)
{
	struct fixture *f = *state;

	tell_start(f);
	tell_check_start(f, 0);
	print(f, "[    1.000000] all is well\r\n");
	finish(f, "signal 9 ended QEMU");
	assert_int_equal(check(f, 0)->status, STATUS_CRASH);
	assert_int_equal(check(f, 0)->reason->code, REASON_GUEST_DIED);
	assert_string_equal(check(f, 0)->reason->text,
			    "signal 9 ended QEMU; on its console: all is well");
	assert_int_equal(check(f, 0)->evidence.count, 0);
}

static void test_a_warning_fails_the_check_in_which_it_came(void **state)
{
	struct fixture *f = *state;

	tell_start(f);
	tell_check_start(f, 0);
	print(f,
	      "[    3.1] ------------[ cut here ]------------\n"
	      "[    3.2] WARNING: CPU: 0 PID: 71 at drivers/vhost/vhost.c:12 vhost_x+0x1/"
	      "0x2\n[    3.3] RIP: 0010:vhost_x+0x1/0x2\n");
	tell_check(f, 0, STATUS_PASS);
	tell_check_start(f, 1);
	tell_check(f, 1, STATUS_PASS);
	vm_watch_settle(&f->w);
	finish(f, "");
	assert_int_equal(check(f, 0)->status, STATUS_FAIL);
	assert_int_equal(check(f, 0)->reason->code, REASON_CONTRACT);
	assert_string_equal(check(f, 0)->reason->text,
			    "the kernel complained: WARNING: CPU: 0 PID: * at "
			    "drivers/vhost/vhost.c:12 vhost_x+0x1/0x2");
	assert_int_equal(check(f, 1)->status, STATUS_PASS);
}

static void test_trouble_keeps_a_worse_status_and_its_reason(void **state)
{
	struct fixture *f = *state;

	tell_start(f);
	tell_check_start(f, 0);
	print(f, "BUG: sleeping function called from invalid context\n");
	tell_check(f, 0, STATUS_TIMEOUT);
	finish(f, "");
	assert_int_equal(check(f, 0)->status, STATUS_TIMEOUT);
	assert_int_equal(check(f, 0)->reason->code, REASON_DEADLINE);
	assert_string_equal(check(f, 0)->reason->text,
			    "it was too slow; the kernel complained: BUG: sleeping "
			    "function called from invalid context");
}

static void test_trouble_between_checks_is_the_next_ones_of_its_delivery(void **state)
{
	struct fixture *f = *state;

	tell_start(f);
	tell_check_start(f, 0);
	tell_check(f, 0, STATUS_PASS);
	vm_watch_settle(&f->w);
	print(f, "WARNING: bad unlock balance detected!\n");
	tell_check_start(f, 1);
	tell_check(f, 1, STATUS_PASS);
	vm_watch_settle(&f->w);
	finish(f, "");
	assert_int_equal(check(f, 0)->status, STATUS_PASS);
	assert_int_equal(check(f, 1)->status, STATUS_FAIL);
}

static void test_trouble_after_a_check_is_that_ones(void **state)
{
	struct fixture *f = *state;

	tell_start(f);
	tell_check_start(f, 0);
	tell_check(f, 0, STATUS_PASS);
	vm_watch_settle(&f->w);
	print(f, "WARNING: bad unlock balance detected!\n");
	vm_watch_settle(&f->w);
	tell_check_start(f, 1);
	tell_check(f, 1, STATUS_PASS);
	finish(f, "");
	assert_int_equal(check(f, 0)->status, STATUS_FAIL);
	assert_int_equal(check(f, 1)->status, STATUS_PASS);
}

static void test_trouble_before_the_first_check_and_notes_are_of_the_run(void **state)
{
	struct fixture *f = *state;
	const struct rec_list *reduced = &f->w.journal.report.run.reduced;

	print(f, "WARNING: at boot\n");
	vm_watch_settle(&f->w);
	tell(f, (struct journal_line){ .type = JOURNAL_NOTE, .text = "no /sys" });
	tell_start(f);
	tell_check_start(f, 0);
	tell_check(f, 0, STATUS_PASS);
	finish(f, "");
	assert_int_equal(check(f, 0)->status, STATUS_PASS);
	assert_int_equal(reduced->count, 2);
	assert_string_equal(reduced->item[0], "no /sys");
	assert_string_equal(reduced->item[1],
			    "the kernel complained before the first check: WARNING: at "
			    "boot");
}

static void test_a_stack_in_which_the_kernel_complains_does_not_work(void **state)
{
	struct fixture *f = *state;
	const struct report_stack *s = NULL;

	tell_start(f);
	tell_stack(f, 0);
	print(f, oops);
	vm_watch_settle(&f->w);
	finish(f, "");
	s = f->w.journal.report.stacks.item[0];
	assert_int_equal(s->verdict, STACK_UNKNOWN);
	assert_int_equal(s->reason->code, REASON_CRASHED);
	assert_true(s->evidence.count > 0);
}

static void test_stopped_is_blocked_and_never_a_crash(void **state)
{
	struct fixture *f = *state;

	tell_start(f);
	tell_check_start(f, 0);
	assert_int_equal(vm_watch_finish(&f->w, VM_WATCH_STOPPED, 2, ""), 0);
	assert_int_equal(check(f, 0)->status, STATUS_BLOCKED);
	assert_string_equal(check(f, 0)->reason->text,
			    "the run was stopped in this check");
	assert_string_equal(check(f, 1)->reason->text,
			    "the run was stopped by SIGINT before it");
	assert_int_equal(f->w.journal.report.summary.exit_code, 130);
}

static void test_ordinary_lines_and_floods_are_no_trouble(void **state)
{
	struct fixture *f = *state;

	tell_start(f);
	tell_check_start(f, 0);
	print(f, "Spectre V2 : WARNING: Unprivileged eBPF is enabled\n"
		 "vhost_vsock: module verification failed\nlist [# of 3]\n\n\x01\xff\n");
	tell_check(f, 0, STATUS_PASS);
	tell_check_start(f, 1);
	for (int i = 0; i < 5000; i++)
		print(f, "WARNING: again\nand again\n---[ end trace 0 ]---\n");
	tell_check(f, 1, STATUS_PASS);
	finish(f, "");
	assert_int_equal(check(f, 1)->status, STATUS_FAIL);
	assert_in_range(check(f, 1)->evidence.count, 2, 32 * 40);
}

static void test_without_a_start_there_is_no_report(void **state)
{
	struct fixture *f = *state;

	print(f, oops);
	assert_int_equal(vm_watch_finish(&f->w, VM_WATCH_DIED, 0, "x"), -EINVAL);
	assert_string_equal(vm_watch_words(&f->w),
			    "BUG: kernel NULL pointer dereference, address: * in "
			    "vhost_poke+0x5/0x420 [vhost]");
	vm_watch_init(&f->w);
	assert_string_equal(vm_watch_words(&f->w), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_death_is_the_running_checks_with_what_where_and_evidence),
		TEST(a_silent_death_is_told_by_how_qemu_ended),
		TEST(a_warning_fails_the_check_in_which_it_came),
		TEST(trouble_keeps_a_worse_status_and_its_reason),
		TEST(trouble_between_checks_is_the_next_ones_of_its_delivery),
		TEST(trouble_after_a_check_is_that_ones),
		TEST(trouble_before_the_first_check_and_notes_are_of_the_run),
		TEST(a_stack_in_which_the_kernel_complains_does_not_work),
		TEST(stopped_is_blocked_and_never_a_crash),
		TEST(ordinary_lines_and_floods_are_no_trouble),
		TEST(without_a_start_there_is_no_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
