/* SPDX-License-Identifier: MIT */
/* Any text as expectations: what is taken is laid to a report, and its writing is taken,
 * too. */
#include "fuzz.h"
#include "report/expect.h"

static void apply(struct arena *a, const struct expectations *x)
{
	struct report_check check = { .id = "vsock.node.present", .device = "vsock" };
	struct report_stack stack = { .stack = "qemu", .vmm = "qemu", .device = "vsock" };
	struct report r = { .host.kernel.release = "6.12.107+deb13-cloud-amd64" };

	MUST(rec_list_add(a, &r.checks, &check) == 0);
	MUST(rec_list_add(a, &r.stacks, &stack) == 0);
	MUST(expect_apply(a, x, 0, &r) == 0);
	MUST(r.run.unexpected.count <= x->rules.count + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = { 0 };
	const struct expectations *x = NULL, *again = NULL;
	struct written_error err;
	size_t len = 0;
	char *text = NULL;
	int e = expect_parse(&a, (const char *)data, size, &x, &err);

	MUST(e == 0 || e == -EINVAL);
	if (e < 0) {
		MUST_TELL(err.text);
		return 0;
	}
	apply(&a, x);
	text = text_of(&expectations_shape, x, &len);
	MUST(expect_parse(&a, text, len, &again, &err) == 0);
	MUST(again->rules.count == x->rules.count);
	free(text);
	return 0;
}
