/* SPDX-License-Identifier: MIT */
#include "base/payload.h"

uint64_t digest_add(uint64_t digest, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		digest = (digest ^ p[i]) * UINT64_C(0x100000001b3);
	return digest;
}

/* The finaliser of splitmix64: mixes a counter into 64 unrelated bits. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void payload_fill(uint32_t seed, uint64_t offset, void *bytes, size_t len)
{
	unsigned char *p = bytes;
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++) {
		uint64_t at = offset + i;

		if (i == 0 || at % 8 == 0)
			word = mix((uint64_t)seed << 32 ^ at / 8);
		p[i] = (unsigned char)(word >> 8 * (at % 8));
	}
}
