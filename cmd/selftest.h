/* SPDX-License-Identifier: MIT */
#ifndef CMD_SELFTEST_H
#define CMD_SELFTEST_H

#include "base/record.h"

/** selftest_shape - "vhostcheck-selftest/1" */
extern const struct rec_shape selftest_shape;

#endif
