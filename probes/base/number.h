/* SPDX-License-Identifier: MIT */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

/**
 * number_of() - read a decimal number that is the whole of a text
 * @text:	digits only: no sign, no blank
 *
 * Return: the number; -1 if @text is none, or one above INT64_MAX.
 */
int64_t number_of(const char *text);

#endif
