/* SPDX-License-Identifier: MIT */
/* The built-in policies, and what the tests of them share. */
#ifndef STACKS_FIXTURE_H
#define STACKS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stacks/library.h"

/** struct fixture - all built-in policies, and the evidence of the last play */
struct fixture {
	struct arena arena;
	struct rec_list library;
	struct evidence e;
};

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct written_error err = { 0 };

	assert_non_null(f);
	if (stack_library(&f->arena, &f->library, &err) < 0)
		fail_msg("line %zu %s: %s", err.line, err.pointer, err.text);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	free(f);
	return 0;
}

static inline const struct stack_guest *guest_of(const struct stack *s,
						 enum guest_kind kind)
{
	for (size_t i = 0; i < s->guests.count; i++) {
		const struct stack_guest *g = s->guests.item[i];

		if (g->guest == (int)kind)
			return g;
	}
	fail_msg("%s has no guest %s", s->name, guest_kind_names[kind]);
	return NULL;
}

#endif
