/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/page.h"
#include "report/text.h"
#include "sample_report.h"

struct fixture {
	struct arena arena;
	struct report r;
	char *text;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	sample_report(&f->arena, &f->r);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->text);
	arena_done(&f->arena);
	free(f);
	return 0;
}

static void print(struct fixture *f, struct text_options o)
{
	size_t size = 0;
	FILE *out = NULL;

	free(f->text);
	f->text = NULL;
	out = open_memstream(&f->text, &size);
	assert_non_null(out);
	assert_int_equal(report_text(&f->r, &o, out), 0);
	assert_int_equal(fclose(out), 0);
}

static void says(const struct fixture *f, const char *what)
{
	if (!strstr(f->text, what))
		fail_msg("the text does not say \"%s\":\n%s", what, f->text);
}

static void is_silent_on(const struct fixture *f, const char *what)
{
	if (strstr(f->text, what))
		fail_msg("the text says \"%s\":\n%s", what, f->text);
}

static void the_whole_text_is_this(void **state)
{
	static const char expected[] =
		"vhostcheck 0.1.0\n"
		"  Linux 6.1.0-56-amd64, in a virtual machine (tcg, QEMU 7.2.22)\n"
		"\n"
		"Devices\n"
		"  net    /dev/vhost-net    no_module\n"
		"         The module vhost_net is not loaded and nothing was opened: modprobe\n"
		"         vhost_net, or run again with --load-modules.\n"
		"  vsock  /dev/vhost-vsock  ok (IOTLB lenient)\n"
		"         features 0x233d000002 SEQPACKET VERSION_1 ACCESS_PLATFORM SR_IOV\n"
		"\n"
		"Checks  2 pass, 2 fail, 1 timeout, 1 blocked, 2 skip (1 known finding)\n"
		"  skip     net.features.enumerate\n"
		"  skip     net.features.each_alone\n"
		"           The module vhost_net is not loaded: modprobe vhost_net.\n"
		"  fail     vsock.iotlb.miss_is_served       critical\n"
		"           A miss was answered with VHOST_IOTLB_UPDATE and the transfer did not\n"
		"           resume: a VMM that serves misses stalls here.\n"
		"  fail     vsock.lifecycle.set_owner_twice  low\n"
		"           The second VHOST_SET_OWNER answered 0.\n"
		"           Known finding: Owner is not kept. Since 5.5. Fixed by 6.6\n"
		"           (0123456789ab).\n"
		"  timeout  vsock.transfer.wrap              high\n"
		"           No byte after 10 s; raise --timeout on a slow machine.\n"
		"  blocked  vsock.transfer.seqpacket\n"
		"           No AF_VSOCK socket can be made here: load the module vsock.\n"
		"  What a check asks and why: vhostcheck explain vsock.iotlb.miss_is_served\n"
		"\n"
		"Stacks              guest      device  verdict\n"
		"  crosvm-2022       plain      vsock   works        65536 bytes out, 65536 in\n"
		"  crosvm-2022       protected  vsock   fails_start  used_ring_unmapped_at_start\n"
		"                    VHOST_VSOCK_SET_RUNNING answered EFAULT after one miss for\n"
		"                    the used ring.\n"
		"  passthrough-late  protected  vsock   stalls       miss_unanswered\n"
		"                    Every call succeeded, no byte moved.\n"
		"  qemu              viommu     vsock   works        65536 bytes out, 65536 in\n"
		"\n"
		"Limits of this run\n"
		"  - The kernel log cannot be read here (/dev/kmsg answered EPERM), so that a\n"
		"    warning in it fails no check.\n"
		"\n"
		"1 known finding is not counted (--strict counts them).\n"
		"2 stacks would not work here; a stack counts only when --stack names it.\n"
		"FAIL: 2 checks failed (exit status 1)\n"
		"This judged a kernel's code, not a host's policy and hardware.\n";
	struct fixture *f = *state;

	print(f, (struct text_options){ .width = 80 });
	assert_string_equal(f->text, expected);
	print(f, (struct text_options){ 0 });
	assert_string_equal(f->text, expected);
}

static void no_line_is_wider_than_the_page(void **state)
{
	struct fixture *f = *state;

	for (int width = 56; width <= 120; width++) {
		print(f, (struct text_options){ .width = width, .verbosity = 1 });
		for (const char *s = f->text; *s; s += strcspn(s, "\n") + 1)
			if (strcspn(s, "\n") > (size_t)width &&
			    !memmem(s, strcspn(s, "\n"), "What a check", 12))
				fail_msg("wider than %d: %.*s", width,
					 (int)strcspn(s, "\n"), s);
	}
}

static void verbosity_adds_passes_then_evidence(void **state)
{
	struct fixture *f = *state;

	print(f, (struct text_options){ .verbosity = 0 });
	is_silent_on(f, "vsock.node.openable");
	is_silent_on(f, "EVENT_IDX");
	is_silent_on(f, "VHOST_SET_FEATURES");
	print(f, (struct text_options){ .verbosity = 1 });
	says(f, "  pass     vsock.node.openable\n");
	says(f, "EVENT_IDX");
	is_silent_on(f, "VHOST_SET_FEATURES");
	print(f, (struct text_options){ .verbosity = 2 });
	says(f, "ioctl    set_features  VHOST_SET_FEATURES 0x200000000 = 0\n");
	says(f, "ioctl    start         VHOST_VSOCK_SET_RUNNING 1 = EFAULT\n");
	says(f, "iotlb    miss          received miss iova used0+0x0 wo version 2\n");
	says(f, "ring     after         tx avail 1 used 0 base 0\n");
	says(f, "eventfd  after         tx kick 0 call 0\n");
	says(f, "worker   after         kthread 1\n");
	says(f, "kmsg     after         a line\n");
	says(f, "bytes    echo          tx sent 4096 received 0\n");
	says(f, "measure  rate          t: 17 us\n");
	says(f, "fact     node          mode = 0660\n");
}

static void colours_only_when_asked(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *plain = NULL;
	char *to = NULL;

	print(f, (struct text_options){ .verbosity = 2 });
	is_silent_on(f, "\033");
	plain = strdup(f->text);
	print(f, (struct text_options){ .verbosity = 2, .color = true });
	says(f, "\033[1;31mfail\033[0m");
	says(f, "\033[32mworks\033[0m");
	/* without its colours the text is the same, so columns do not count them */
	to = f->text;
	for (const char *s = f->text; *s; s++) {
		if (*s == '\033')
			s += strcspn(s, "m");
		else
			*to++ = *s;
	}
	*to = '\0';
	assert_string_equal(f->text, plain);
}

static void a_foreign_string_cannot_drive_the_terminal(void **state)
{
	struct fixture *f = *state;
	struct report_check *c = f->r.checks.item[4];

	c->reason->text = "a\033[2Jb\tc\x7f\xc2\x9b"
			  "31m \xc3\xa9";
	print(f, (struct text_options){ 0 });
	is_silent_on(f, "\033");
	says(f, "a?[2Jb c??31m \xc3\xa9\n");
}

static void expectations_are_told_where_they_belong(void **state)
{
	static const struct report_expected fails = { "fail", "the kernel refuses it",
						      "a commit" };
	static const struct report_expected late = { "fails_start", "it never worked",
						     "a mail" };
	struct fixture *f = *state;
	struct report_check *c = f->r.checks.item[4];

	c->status = STATUS_XFAIL;
	c->expected = &fails;
	for (size_t i = 0; i < f->r.stacks.count; i++) {
		struct report_stack *s = f->r.stacks.item[i];

		if (s->verdict == STACK_FAILS_START)
			s->expected = &late;
	}
	sample_word(&f->arena, &f->r.run.unexpected, "rule 3 was not used");
	report_summarize(&f->r, 0);
	print(f, (struct text_options){ 0 });
	says(f, "\n  xfail ");
	says(f, "Expected fail: the kernel refuses it (a commit)\n");
	says(f, "Expected fails_start: it never worked (a mail)\n");
	says(f, "\nNot as expected\n  - rule 3 was not used\n");
}

static void bits_that_went_out_unknown_stand_below_their_stack(void **state)
{
	struct fixture *f = *state;
	struct report_stack *s = f->r.stacks.item[0];
	struct ev *ev = sample_new(&f->arena, &s->evidence, sizeof(*ev));

	*ev = (struct ev){ .kind = EV_FACT, .step = "setup.features" };
	ev->fact.name = "unknown";
	ev->fact.value = "0x0";
	print(f, (struct text_options){ 0 });
	is_silent_on(f, "without knowing");
	ev->fact.value = "0x200800000000";
	print(f, (struct text_options){ 0 });
	says(f, "Sent without knowing it: IN_ORDER bit 45\n");
}

static void the_verdict_tells_its_reason(void **state)
{
	struct fixture *f = *state;
	struct report_selection *sel = &f->r.run.selection;

	sample_word(&f->arena, &sel->stacks, "crosvm-2022");
	report_summarize(&f->r, 0);
	print(f, (struct text_options){ 0 });
	says(f, "\nFAIL: 1 counted stack did not work (exit status 1)\n");
	report_summarize(&f->r, 2);
	print(f, (struct text_options){ 0 });
	says(f,
	     "\nFAIL: cut by SIGINT; 1 counted stack did not work (exit status 130)\n");
	sel->stacks.count = 0;
	sample_word(&f->arena, &sel->stacks, "qemu");
	report_summarize(&f->r, 0);
	print(f, (struct text_options){ 0 });
	says(f, "\nPASS: every stack that was named works (exit status 0)\n");
	sample_word(&f->arena, &sel->devices, "net");
	report_summarize(&f->r, 0);
	print(f, (struct text_options){ 0 });
	says(f,
	     "\nINCONCLUSIVE: net: asked for and not to be had here (exit status 2)\n");
}

static void the_verdict_tells_what_is_open_or_not_here(void **state)
{
	struct fixture *f = *state;
	struct report_device *d = f->r.devices.item[1];

	for (size_t i = 0; i < f->r.checks.count; i++)
		((struct report_check *)f->r.checks.item[i])->status = STATUS_SKIP;
	f->r.stacks.count = 0;
	report_summarize(&f->r, 0);
	print(f, (struct text_options){ 0 });
	says(f,
	     "\nINCONCLUSIVE: nothing that was asked for exists here (exit status 77)\n");
	is_silent_on(f, "Stacks");
	((struct report_check *)f->r.checks.item[0])->status = STATUS_BLOCKED;
	report_summarize(&f->r, 0);
	print(f, (struct text_options){ 0 });
	says(f, "\nINCONCLUSIVE: 1 check undecided (exit status 2)\n");
	((struct report_check *)f->r.checks.item[0])->status = STATUS_PASS;
	d->state = DEVICE_OK;
	report_summarize(&f->r, 0);
	print(f, (struct text_options){ 0 });
	says(f, "\nPASS: no check of severity high or above failed (exit status 0)\n");
	for (size_t i = 0; i < f->r.checks.count; i++) {
		struct report_check *c = f->r.checks.item[i];

		c->status = c->known ? STATUS_FAIL : STATUS_PASS;
		c->severity = SEVERITY_HIGH;
	}
	report_summarize(&f->r, 0);
	print(f, (struct text_options){ 0 });
	says(f, "\nPASS: only known findings failed at severity high or above (exit "
		"status 0)\n");
}

static void a_full_disk_is_told(void **state)
{
	struct fixture *f = *state;
	cleanup_file FILE *out = fopen("/dev/full", "we");

	assert_non_null(out);
	assert_int_equal(report_text(&f->r, &(struct text_options){ 0 }, out), -ENOSPC);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_whole_text_is_this),
		TEST(no_line_is_wider_than_the_page),
		TEST(verbosity_adds_passes_then_evidence),
		TEST(colours_only_when_asked),
		TEST(a_foreign_string_cannot_drive_the_terminal),
		TEST(expectations_are_told_where_they_belong),
		TEST(bits_that_went_out_unknown_stand_below_their_stack),
		TEST(the_verdict_tells_its_reason),
		TEST(the_verdict_tells_what_is_open_or_not_here),
		TEST(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
