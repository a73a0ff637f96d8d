/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* Length of the sequence that @lead begins, 0 if none does. */
static size_t sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Bytes of the well-formed sequence at @s, 0 if there is none. */
static size_t sequence(const char *s, size_t len)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)*s;
	size_t n = sequence_length(lead);
	uint32_t code = n == 1 ? lead : lead & (0xffu >> (n + 1));

	if (!n || n > len)
		return 0;
	for (size_t k = 1; k < n; k++) {
		unsigned char c = (unsigned char)s[k];

		if ((c & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c & 0x3f);
	}
	if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

/* Bytes of ASCII at @s, as far as they are easily told: none, one or eight. */
static size_t ascii(const char *s, size_t len)
{
	uint64_t word = 0;

	if (len < sizeof(word))
		return (unsigned char)*s < 0x80;
	memcpy(&word, s, sizeof(word));
	if (!(word & UINT64_C(0x8080808080808080)))
		return sizeof(word);
	return (unsigned char)*s < 0x80;
}

bool utf8_valid(const char *s, size_t len)
{
	for (size_t i = 0, n = 0; i < len; i += n) {
		n = ascii(s + i, len - i);
		n = n ? n : sequence(s + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

void utf8_mend(char *s)
{
	for (size_t n = 0, len = strlen(s); len; s += n, len -= n) {
		n = sequence(s, len);
		if (n)
			continue;
		*s = '?';
		n = 1;
	}
}
