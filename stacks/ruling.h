/* SPDX-License-Identifier: MIT */
/* Private to stacks/verdict*.c: one judgement on its way through the rules. */
#ifndef STACKS_RULING_H
#define STACKS_RULING_H

#include <string.h>

#include "stacks/verdict.h"

/**
 * struct ruling - one judgement
 * @e:		evidence
 * @a:		arena of the texts
 * @ret:	verdict
 */
struct ruling {
	const struct evidence *e;
	struct arena *a;
	struct stack_result *ret;
};

/* Settles the verdict; true, so that rules may end in it. */
static inline bool rule(struct ruling *r, int verdict, const char *signature, int code,
			const char *fmt, ...) printf_(5, 6);

static inline bool rule(struct ruling *r, int verdict, const char *signature, int code,
			const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	r->ret->verdict = verdict;
	r->ret->signature = signature;
	r->ret->code = code;
	r->ret->reason = arena_vprintf(r->a, fmt, args);
	va_end(args);
	if (!r->ret->reason)
		r->ret->reason = "memory is exhausted";
	return true;
}

static inline bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static inline const char *errno_text(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "an unknown error";
}

/* A call is repeated when a CID is taken: the last one at a step is what counts. */
static inline const struct ev *last_call(const struct ruling *r, const char *step)
{
	const struct ev *ev = NULL, *last = NULL;

	while ((ev = ev_find_next(r->e, ev, EV_IOCTL, step)))
		last = ev;
	return last;
}

static inline const char *fact(const struct ruling *r, const char *step, const char *name)
{
	const struct ev *ev = NULL;

	while ((ev = ev_find_next(r->e, ev, EV_FACT, step)))
		if (same(ev->fact.name, name))
			return ev->fact.value;
	return NULL;
}

/* Bits 0 to 63 of what was sent; an array begins with its length: "2: 0x800000000 0x2" */
static inline uint64_t sent_bits(const struct ev *features)
{
	const char *arg = features->ioctl.arg ? strstr(features->ioctl.arg, "0x") : NULL;

	return arg ? strtoull(arg, NULL, 16) : 0;
}

/* ------------------------------------------------- rules of stacks/verdict_vdpa.c */

/** ruling_vdpa() - whether a vDPA device was played on */
bool ruling_vdpa(const struct ruling *r);

/** ruling_vdpa_kind() - settles it for a VMM that is for devices of another kind */
bool ruling_vdpa_kind(struct ruling *r);

/** ruling_vdpa_status() - settles it where the device took status bits back */
bool ruling_vdpa_status(struct ruling *r);

/** ruling_vdpa_features() - settles it where features lack what vDPA parents want */
bool ruling_vdpa_features(struct ruling *r, const struct ev *refused);

/** ruling_vdpa_stall() - settles it for a request that was never answered; true */
bool ruling_vdpa_stall(struct ruling *r);

#endif
