/* SPDX-License-Identifier: MIT */
/* The tables that duty_find() looks through. */
#ifndef CORE_DUTY_ROWS_H
#define CORE_DUTY_ROWS_H

#include "core/duty.h"

#define OLD "5.10 or earlier"

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a list */
#define CHECKS(...) ((const char *const[]){ __VA_ARGS__, NULL })

extern const struct duty duty_vhost[], duty_vdpa[];
extern const size_t duty_vhost_count, duty_vdpa_count;

#endif
