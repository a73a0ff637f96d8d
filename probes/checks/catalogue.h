/* SPDX-License-Identifier: MIT */
/* All checks, in the published order. A new check is a row here and in its file. */
#ifndef CHECKS_CATALOGUE_H
#define CHECKS_CATALOGUE_H

#include "core/check.h"

/** check_catalogue - rows in the order in which reports list them */
extern const struct check *const check_catalogue[];
extern const size_t check_catalogue_count;

#endif
