/* SPDX-License-Identifier: MIT */
#include "base/number.h"

int64_t number_of(const char *text)
{
	int64_t n = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *text - '0', &n))
			return -1;
	}
	return n;
}
