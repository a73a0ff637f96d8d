/* SPDX-License-Identifier: MIT */
/*
 * Absolute points on a monotonic clock. A wait is given one of these, never a duration.
 * The clock is CLOCK_MONOTONIC; behind a seam it is the seam's, which a model may keep
 * by itself (session_deadline() in guest/session.h).
 */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct deadline - a point in time that a wait must not outlast
 * @mono_ns:	nanoseconds of the clock
 */
struct deadline {
	uint64_t mono_ns;
};

/**
 * mono_now_ns() - read CLOCK_MONOTONIC
 *
 * Return: nanoseconds since an arbitrary point, never decreasing.
 */
uint64_t mono_now_ns(void);

/**
 * deadline_after_ms() - the point @ms milliseconds from now
 * @ms:	distance in milliseconds
 */
struct deadline deadline_after_ms(unsigned int ms);

/**
 * deadline_from() - the point @ms milliseconds from a moment
 * @now_ns:	the moment, by the clock in question
 * @ms:		distance in milliseconds
 */
struct deadline deadline_from(uint64_t now_ns, unsigned int ms);

/**
 * deadline_left_ms() - how long until @d, as poll() wants it
 * @d:	deadline
 *
 * Return: milliseconds, rounded up, 0 once @d has passed, never above INT_MAX.
 */
int deadline_left_ms(struct deadline d);

/**
 * deadline_passed() - whether @d lies in the past
 * @d:	deadline
 */
bool deadline_passed(struct deadline d);

/**
 * deadline_earlier() - the earlier of two deadlines
 * @a:	one
 * @b:	other
 */
struct deadline deadline_earlier(struct deadline a, struct deadline b);

#endif
