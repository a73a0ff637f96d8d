/* SPDX-License-Identifier: MIT */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/**
 * utf8_valid() - whether bytes are well-formed UTF-8
 * @s:		bytes
 * @len:	their number
 *
 * Overlong forms, surrogates and code points above U+10FFFF are not (RFC 3629 4).
 */
bool utf8_valid(const char *s, size_t len);

/** utf8_mend() - put '?' for each byte of a string that is not of well-formed UTF-8 */
void utf8_mend(char *s);

#endif
