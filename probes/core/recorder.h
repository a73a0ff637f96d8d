/* SPDX-License-Identifier: MIT */
#ifndef CORE_RECORDER_H
#define CORE_RECORDER_H

#include "core/evidence.h"

/**
 * struct recorder - where a child's observations go
 * @emit:	take one observation, which is borrowed for the call only. 0 or -errno
 * @begin:	note which step is about to run, so that a hang can name it; may be NULL
 */
struct recorder {
	int (*emit)(struct recorder *rec, const struct ev *ev);
	void (*begin)(struct recorder *rec, const char *step, const char *call);
};

#endif
