/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <time.h>

#include "base/deadline.h"

#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull

uint64_t mono_now_ns(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

struct deadline deadline_after_ms(unsigned int ms)
{
	return deadline_from(mono_now_ns(), ms);
}

struct deadline deadline_from(uint64_t now_ns, unsigned int ms)
{
	return (struct deadline){ .mono_ns = now_ns + ms * NS_PER_MS };
}

int deadline_left_ms(struct deadline d)
{
	uint64_t now = mono_now_ns();
	uint64_t ms;

	if (d.mono_ns <= now)
		return 0;
	ms = (d.mono_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

bool deadline_passed(struct deadline d)
{
	return mono_now_ns() >= d.mono_ns;
}

struct deadline deadline_earlier(struct deadline a, struct deadline b)
{
	return a.mono_ns < b.mono_ns ? a : b;
}
