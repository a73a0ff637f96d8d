/* SPDX-License-Identifier: MIT */
/* Any text as a policy: what is taken names who it is, and its writing is taken, too. */
#include "fuzz.h"
#include "stacks/library.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = { 0 };
	const struct stack *s = NULL, *again = NULL;
	struct written_error err;
	size_t len = 0;
	char *text = NULL;
	int e = stack_parse(&a, (const char *)data, size, &s, &err);

	MUST(e == 0 || e == -EINVAL);
	if (e < 0) {
		MUST_TELL(err.text);
		return 0;
	}
	MUST(*s->name);
	text = text_of(&stack_shape, s, &len);
	MUST(stack_parse(&a, text, len, &again, &err) == 0);
	free(text);
	return 0;
}
