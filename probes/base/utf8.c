/* SPDX-License-Identifier: MIT */
#include <stdint.h>

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

bool utf8_valid(const char *s, size_t len)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i = 0;

	while (i < len) {
		unsigned char lead = (unsigned char)s[i];
		size_t n = sequence_length(lead);
		uint32_t code = n == 1 ? lead : lead & (0xffu >> (n + 1));

		if (!n || n > len - i)
			return false;
		for (size_t k = 1; k < n; k++) {
			unsigned char c = (unsigned char)s[i + k];

			if ((c & 0xc0) != 0x80)
				return false;
			code = code << 6 | (c & 0x3f);
		}
		if (code < smallest[n] || code > 0x10ffff ||
		    (code >= 0xd800 && code <= 0xdfff))
			return false;
		i += n;
	}
	return true;
}
