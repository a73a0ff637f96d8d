/* SPDX-License-Identifier: MIT */
#ifndef CMD_FEATURES_H
#define CMD_FEATURES_H

#include "base/record.h"

/** features_shape - "vhostcheck-features/1" */
extern const struct rec_shape features_shape;

#endif
