/* SPDX-License-Identifier: MIT */
/* This program is its own QEMU: started with a QEMU's arguments, it plays the guest that
 * the last word of -append asks for. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "report/journal.h"
#include "vm/machine.h"

/* The guest's side */

struct fake {
	int port[VM_STREAM_NUM];
	const char *act, *accel;
};

static void say(int fd, const char *text)
{
	if (vm_write(fd, text, strlen(text)))
		_exit(99);
}

static void say_hello(const struct fake *f)
{
	say(f->port[VM_JOURNAL], "{\"type\":\"hello\",\"release\":\"1.2.3\"}\n");
}

_Noreturn static void leave(const struct fake *f, int status)
{
	(void)dprintf(f->port[VM_JOURNAL], "\n{\"type\":\"exit\",\"status\":%d}\n",
		      status);
	_exit(1); /* as isa-debug-exit does */
}

_Noreturn static void stay(void)
{
	for (;;)
		(void)pause();
}

static void flood(const struct fake *f)
{
	char buf[4096];

	memset(buf, 'x', sizeof(buf));
	for (size_t sent = 0; sent <= VM_LINE_MAX; sent += sizeof(buf)) {
		if (vm_write(f->port[VM_JOURNAL], buf, sizeof(buf)))
			_exit(99);
	}
	say(f->port[VM_JOURNAL], "\n");
}

_Noreturn static void play(const struct fake *f)
{
	bool slow_kvm = !strcmp(f->act, "silent_kvm") && !strcmp(f->accel, "kvm");

	say(f->port[VM_CONSOLE], "Decompressing\nBooting\n");
	if (slow_kvm)
		stay();
	if (!strcmp(f->act, "panic")) {
		say(f->port[VM_CONSOLE], "[ 1.2] Kernel panic - not syncing: no init\r\n"
					 "[ 1.3] Kernel Offset: 0x1\r\n");
		_exit(0);
	}
	if (!strcmp(f->act, "complain")) {
		say(2, "qemu: cannot set up guest memory\nmore\n");
		_exit(1);
	}
	if (f->act[0] == '/') { /* dies once: when this file is not there yet */
		int fd = open(f->act, O_WRONLY | O_CREAT | O_EXCL, 0600);

		if (fd >= 0)
			_exit(0);
	}
	say_hello(f);
	if (!strcmp(f->act, "die_after_hello"))
		_exit(0);
	if (!strcmp(f->act, "stay"))
		stay();
	if (!strcmp(f->act, "flood"))
		flood(f);
	say(f->port[VM_JOURNAL], "{\"type\":\"check_start\"}\n");
	if (!strcmp(f->act, "ask"))
		leave(f, journal_sync(f->port[VM_JOURNAL]) ? 1 : 0);
	if (!strcmp(f->act, "die_in_check"))
		_exit(0);
	if (!strcmp(f->act, "killed_in_check"))
		(void)raise(SIGKILL);
	if (!strcmp(f->act, "forged")) {
		say(f->port[VM_JOURNAL], "{\"type\":\"exit\",\"status\":256}\n"
					 "{\"type\":\"exit\",\"status\":-1}\n"
					 "{\"type\":\"exit\",\"status\":}\n"
					 "{\"type\":\"exit\",\"status\":1} \n");
		_exit(0);
	}
	say(f->port[VM_OUT], "to out");
	say(f->port[VM_ERR], "to err");
	leave(f, 77);
}

_Noreturn static void be_qemu(int argc, char **argv)
{
	struct fake f = { .accel = "", .act = "" };
	int port = 0;

	for (int i = 1; i + 1 < argc; i++) {
		const char *fd = strstr(argv[i + 1], ",fd=");

		if (!strcmp(argv[i], "-accel"))
			f.accel = argv[i + 1];
		if (!strcmp(argv[i], "-append"))
			f.act = strrchr(argv[i + 1], ' ') + 1;
		if (!strcmp(argv[i], "-chardev") && fd && port < VM_STREAM_NUM)
			f.port[port++] = (int)strtol(fd + 4, NULL, 10);
	}
	play(&f);
}

/* The host's side */

struct host {
	struct vm vm;
	struct vm_spec spec;
	struct vm_events ev;
	struct vm_error err;
	char bytes[VM_STREAM_NUM][4096];
	char lines[4096], restarts[4096];
	bool kill_at_hello;
};

static void gather(char *to, size_t size, const char *buf, size_t len)
{
	size_t used = strlen(to);

	assert_true(used + len < size);
	memcpy(to + used, buf, len);
	to[used + len] = '\0';
}

static int on_bytes(void *ctx, enum vm_stream from, const char *buf, size_t len)
{
	struct host *h = ctx;

	gather(h->bytes[from], sizeof(h->bytes[from]), buf, len);
	return 0;
}

static int on_line(void *ctx, const char *line, size_t len)
{
	struct host *h = ctx;

	gather(h->lines, sizeof(h->lines), line, len);
	gather(h->lines, sizeof(h->lines), "|", 1);
	if (strstr(line, "check_start"))
		vm_settle(&h->vm);
	if (h->kill_at_hello)
		vm_kill(&h->vm);
	return 0;
}

static int on_restart(void *ctx, const char *why)
{
	struct host *h = ctx;

	gather(h->restarts, sizeof(h->restarts), why, strlen(why));
	gather(h->restarts, sizeof(h->restarts), "|", 1);
	memset(h->bytes, 0, sizeof(h->bytes));
	h->lines[0] = '\0';
	return 0;
}

static int make_host(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return -1;
	h->spec = (struct vm_spec){ .qemu = "/proc/self/exe",
				    .image = "vmlinuz",
				    .initrd = "initrd",
				    .accel = VM_ACCEL_TCG,
				    .cpus = 1,
				    .memory_mib = 64 };
	h->ev = (struct vm_events){
		.ctx = h, .bytes = on_bytes, .line = on_line, .restart = on_restart
	};
	*state = h;
	return 0;
}

static int free_host(void **state)
{
	struct host *h = *state;

	vm_done(&h->vm);
	free(h);
	return 0;
}

/* Waits once; @stop_fd ends the wait, too, unless it is -1 */
static int step(struct host *h, struct deadline until, int stop_fd)
{
	struct pollfd p[VM_POLL_NUM + 1];

	until = vm_poll_set(&h->vm, p, until);
	p[VM_POLL_NUM] = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
	assert_true(poll(p, VM_POLL_NUM + 1, deadline_left_ms(until)) >= 0);
	return vm_deliver(&h->vm, p, &h->err);
}

static int run_to_end(struct host *h, const char *act)
{
	struct deadline until = deadline_after_ms(20000);
	int r;

	h->spec.append = act;
	r = vm_start(&h->vm, &h->spec, &h->ev, &h->err);
	while (!r) {
		assert_false(deadline_passed(until));
		r = step(h, until, -1);
	}
	return r;
}

static void a_guest_that_ends_well_is_heard_to_the_last_byte(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "well"), 1);
	assert_int_equal(h->vm.end, VM_END_EXIT);
	assert_int_equal(h->vm.status, 77);
	assert_int_equal(h->vm.boots, 1);
	assert_int_equal(h->vm.accel, VM_ACCEL_TCG);
	assert_string_equal(h->vm.fallback, "");
	assert_string_equal(h->bytes[VM_CONSOLE], "Decompressing\nBooting\n");
	assert_string_equal(h->bytes[VM_OUT], "to out");
	assert_string_equal(h->bytes[VM_ERR], "to err");
	assert_string_equal(h->lines, "{\"type\":\"hello\",\"release\":\"1.2.3\"}|"
				      "{\"type\":\"check_start\"}|"
				      "{\"type\":\"exit\",\"status\":77}|");
	assert_int_equal(step(h, deadline_after_ms(0), -1), 1);
}

static void a_guest_that_always_dies_early_is_booted_twice(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "panic"), -EIO);
	assert_int_equal(h->err.fault, VM_FAULT_GUEST_DIED);
	assert_int_equal(h->vm.boots, 2);
	assert_string_equal(h->restarts, "the guest ended before it said hello|");
	assert_non_null(strstr(h->err.text, "vmlinuz: "));
	assert_string_equal(
		h->err.text,
		"vmlinuz: did not get as far as its first check in 2 boots (tcg): "
		"the guest ended before it said hello; its console: "
		"Kernel panic - not syncing: no init");
	assert_non_null(strstr(h->vm.console, "Booting\n"));
}

static void a_guest_that_dies_before_its_first_check_is_booted_twice(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "die_after_hello"), -EIO);
	assert_int_equal(h->vm.boots, 2);
	assert_string_equal(
		h->err.text,
		"vmlinuz: did not get as far as its first check in 2 boots (tcg): "
		"the guest ended before it told an exit status; its console: "
		"Booting");
}

static void the_second_boot_may_go_well(void **state)
{
	struct host *h = *state;
	cleanup_vm_workdir struct vm_workdir w = { 0 };
	cleanup_free char *mark = NULL;

	assert_int_equal(vm_workdir_make(&w, -1, &h->err), 0);
	mark = vm_path("%s/mark", w.path);
	assert_int_equal(run_to_end(h, mark), 1);
	assert_int_equal(h->vm.boots, 2);
	assert_int_equal(h->vm.end, VM_END_EXIT);
	assert_string_equal(h->bytes[VM_CONSOLE], "Decompressing\nBooting\n");
}

static void a_guest_that_dies_in_a_check_is_not_booted_again(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "die_in_check"), 1);
	assert_int_equal(h->vm.end, VM_END_DIED);
	assert_int_equal(h->vm.boots, 1);
	assert_string_equal(h->vm.why, "the guest ended before it told an exit status");
}

static void a_qemu_killed_from_outside_is_told_with_the_signal(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "killed_in_check"), 1);
	assert_int_equal(h->vm.end, VM_END_DIED);
	assert_non_null(strstr(h->vm.why, "signal 9 ended QEMU"));
}

static void what_qemu_complains_of_is_in_the_reason(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "complain"), -EIO);
	assert_non_null(strstr(h->err.text, "qemu: cannot set up guest memory"));
	assert_null(strstr(h->err.text, "more"));
}

static void an_exit_line_that_is_not_exact_is_none(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "forged"), 1);
	assert_int_equal(h->vm.end, VM_END_DIED);
}

static void a_flood_on_the_journal_costs_one_line(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "flood"), 1);
	assert_int_equal(h->vm.end, VM_END_EXIT);
	assert_int_equal(h->vm.lines.lost, 1);
	assert_non_null(strstr(h->lines, "check_start"));
}

/* It waits for the answer before it leaves; the question is no line of the journal */
static void a_guest_that_asks_is_answered(void **state)
{
	struct host *h = *state;

	assert_int_equal(run_to_end(h, "ask"), 1);
	assert_int_equal(h->vm.end, VM_END_EXIT);
	assert_int_equal(h->vm.status, 0);
	assert_string_equal(h->lines, "{\"type\":\"hello\",\"release\":\"1.2.3\"}|"
				      "{\"type\":\"check_start\"}|"
				      "{\"type\":\"exit\",\"status\":0}|");
}

static void a_guest_can_be_killed(void **state)
{
	struct host *h = *state;

	h->kill_at_hello = true;
	assert_int_equal(run_to_end(h, "stay"), 1);
	assert_int_equal(h->vm.end, VM_END_KILLED);
	assert_int_equal(h->vm.boots, 1);
}

static void the_stop_descriptor_and_the_deadline_end_a_step(void **state)
{
	struct host *h = *state;
	struct deadline far = deadline_after_ms(20000);
	int stop[2];
	uint64_t before;

	h->spec.append = "stay";
	assert_int_equal(vm_start(&h->vm, &h->spec, &h->ev, &h->err), 0);
	while (h->vm.state == VM_BOOTING)
		assert_int_equal(step(h, far, -1), 0);
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(write(stop[1], "x", 1), 1);
	before = mono_now_ns();
	assert_int_equal(step(h, far, stop[0]), 0);
	assert_int_equal(step(h, deadline_after_ms(10), -1), 0);
	assert_true(mono_now_ns() - before < UINT64_C(10000000000));
	assert_int_equal(close(stop[0]), 0);
	assert_int_equal(close(stop[1]), 0);
}

/* Two guests in one loop: each is heard to its own end */
static void guests_run_side_by_side(void **state)
{
	struct host *h = *state;
	struct host *other = NULL;
	void *made = NULL;
	const nfds_t count = (nfds_t)2 * VM_POLL_NUM;
	struct deadline until = deadline_after_ms(20000);
	int r = 0, s = 0;

	assert_int_equal(make_host(&made), 0);
	other = made;
	if (!other)
		abort(); /* the analyzer does not know that assertions end the test */
	h->spec.append = "well";
	other->spec.append = "die_in_check";
	assert_int_equal(vm_start(&h->vm, &h->spec, &h->ev, &h->err), 0);
	assert_int_equal(vm_start(&other->vm, &other->spec, &other->ev, &other->err), 0);
	while (!r || !s) {
		struct pollfd p[2 * VM_POLL_NUM];
		struct deadline wake = vm_poll_set(&h->vm, p, until);

		wake = vm_poll_set(&other->vm, p + VM_POLL_NUM, wake);
		assert_false(deadline_passed(until));
		assert_true(poll(p, count, deadline_left_ms(wake)) >= 0);
		r = r ? r : vm_deliver(&h->vm, p, &h->err);
		s = s ? s : vm_deliver(&other->vm, p + VM_POLL_NUM, &other->err);
	}
	assert_int_equal(h->vm.end, VM_END_EXIT);
	assert_string_equal(h->bytes[VM_OUT], "to out");
	assert_int_equal(other->vm.end, VM_END_DIED);
	assert_string_equal(other->bytes[VM_OUT], "");
	assert_int_equal(free_host(&made), 0);
}

/* Under auto, silence of 3 s under KVM; where /dev/kvm cannot be opened, TCG at once */
static void auto_ends_up_with_tcg_where_kvm_boots_nothing(void **state)
{
	struct host *h = *state;
	bool kvm = !access("/dev/kvm", R_OK | W_OK);

	h->spec.accel = VM_ACCEL_AUTO;
	assert_int_equal(run_to_end(h, "silent_kvm"), 1);
	assert_int_equal(h->vm.end, VM_END_EXIT);
	assert_int_equal(h->vm.accel, VM_ACCEL_TCG);
	assert_int_equal(h->vm.boots, kvm ? 2 : 1);
	assert_non_null(strstr(h->vm.fallback,
			       kvm ? "no hello from the guest within 3 s under kvm"
				   : "/dev/kvm"));
}

static void a_qemu_that_cannot_be_executed_is_told(void **state)
{
	struct host *h = *state;

	h->spec.qemu = "/nonexistent/qemu";
	assert_int_equal(run_to_end(h, "well"), -EIO);
	assert_non_null(strstr(h->err.text, "/nonexistent/qemu: No such file"));
}

/* A process that starts a guest and dies; its QEMU is a grandchild, reaped by us */
static void qemu_dies_with_the_process_that_started_it(void **state)
{
	struct host *h = *state;
	int tell[2], hold[2];
	pid_t child, qemu = 0;
	char end;

	h->spec.append = "stay";
	assert_int_equal(pipe(tell), 0);
	assert_int_equal(pipe(hold), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (vm_start(&h->vm, &h->spec, &h->ev, &h->err) ||
		    vm_write(tell[1], &h->vm.pid, sizeof(h->vm.pid)))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(close(hold[1]), 0);
	assert_int_equal(read(tell[0], &qemu, sizeof(qemu)), sizeof(qemu));
	/* hold[1] is inherited by QEMU alone now: its end is QEMU's end */
	assert_int_equal(read(hold[0], &end, 1), 0);
	assert_true(qemu > 0);
	assert_int_equal(close(hold[0]) + close(tell[0]) + close(tell[1]), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_guest_that_ends_well_is_heard_to_the_last_byte, make_host,
			free_host),
		cmocka_unit_test_setup_teardown(
			a_guest_that_always_dies_early_is_booted_twice, make_host,
			free_host),
		cmocka_unit_test_setup_teardown(
			a_guest_that_dies_before_its_first_check_is_booted_twice,
			make_host, free_host),
		cmocka_unit_test_setup_teardown(the_second_boot_may_go_well, make_host,
						free_host),
		cmocka_unit_test_setup_teardown(
			a_guest_that_dies_in_a_check_is_not_booted_again, make_host,
			free_host),
		cmocka_unit_test_setup_teardown(
			a_qemu_killed_from_outside_is_told_with_the_signal, make_host,
			free_host),
		cmocka_unit_test_setup_teardown(what_qemu_complains_of_is_in_the_reason,
						make_host, free_host),
		cmocka_unit_test_setup_teardown(an_exit_line_that_is_not_exact_is_none,
						make_host, free_host),
		cmocka_unit_test_setup_teardown(a_flood_on_the_journal_costs_one_line,
						make_host, free_host),
		cmocka_unit_test_setup_teardown(a_guest_that_asks_is_answered, make_host,
						free_host),
		cmocka_unit_test_setup_teardown(a_guest_can_be_killed, make_host,
						free_host),
		cmocka_unit_test_setup_teardown(
			the_stop_descriptor_and_the_deadline_end_a_step, make_host,
			free_host),
		cmocka_unit_test_setup_teardown(guests_run_side_by_side, make_host,
						free_host),
		cmocka_unit_test_setup_teardown(
			auto_ends_up_with_tcg_where_kvm_boots_nothing, make_host,
			free_host),
		cmocka_unit_test_setup_teardown(a_qemu_that_cannot_be_executed_is_told,
						make_host, free_host),
		cmocka_unit_test_setup_teardown(
			qemu_dies_with_the_process_that_started_it, make_host, free_host),
	};

	if (argc > 2 && !strcmp(argv[1], "-name"))
		be_qemu(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
