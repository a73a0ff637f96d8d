/* SPDX-License-Identifier: MIT */
#ifndef BASE_DIR_H
#define BASE_DIR_H

#include <dirent.h>

#include "base/cleanup.h"

static inline void cleanup_dir_fn_(DIR **dir)
{
	int saved = errno;

	if (*dir)
		(void)closedir(*dir);
	errno = saved;
}

#define cleanup_dir cleanup_(cleanup_dir_fn_)

#endif
