/* SPDX-License-Identifier: MIT */
/* Absolute points on CLOCK_MONOTONIC. A wait is given one of these, never a duration. */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct deadline - a point in time that a wait must not outlast
 * @mono_ns:	nanoseconds of CLOCK_MONOTONIC
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
