/* SPDX-License-Identifier: MIT */
#include <seccomp.h>

#include "trace/filter.h"

/* One comparison of an argument is all that libseccomp takes: each is of masked bits. */
static const struct rule {
	int call;
	enum trace_kind kind;
	unsigned int arg;
	scmp_datum_t mask, value;
} rules[] = {
	{ SCMP_SYS(ioctl), KIND_IOCTL, 1, 0xff00, 0xaf00 },
	{ SCMP_SYS(read), KIND_READ, 2, ~UINT64_C(63), 64 },
	{ SCMP_SYS(write), KIND_WRITE, 2, ~UINT64_C(63), 64 },
	{ SCMP_SYS(readv), KIND_READV, 2, ~(scmp_datum_t)TRACE_IOVECS_MAX, 0 },
	{ SCMP_SYS(writev), KIND_WRITEV, 2, ~(scmp_datum_t)TRACE_IOVECS_MAX, 0 },
};

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int add_rules(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct rule *r = &rules[i];
		int e = seccomp_rule_add(
			filter, SCMP_ACT_TRACE((uint32_t)r->kind), r->call, 1,
			SCMP_CMP(r->arg, SCMP_CMP_MASKED_EQ, r->mask, r->value));

		if (e < 0)
			return e;
	}
	return 0;
}

int trace_filter_load(void)
{
	cleanup_(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int e = filter ? 0 : -ENOMEM;

	if (e == 0)
		e = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	if (e == 0 && seccomp_arch_native() == SCMP_ARCH_X86_64)
		e = seccomp_arch_add(filter, SCMP_ARCH_X86);
	if (e == 0)
		e = add_rules(filter);
	return e == 0 ? seccomp_load(filter) : e;
}
