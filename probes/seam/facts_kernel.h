/* SPDX-License-Identifier: MIT */
/* More of the kernel's facts than the table of seam.h holds. */
#ifndef SEAM_FACTS_KERNEL_H
#define SEAM_FACTS_KERNEL_H

#include "seam/seam.h"

/**
 * facts_kernel_at() - facts_kernel_new() on another root directory
 * @root:	what stands before /dev, /lib/modules, /proc and /sys; "" for this
 *		machine; copied, of at most 255 bytes
 *
 * Return: owned by the caller, facts_kernel_free() ends it; NULL when memory is
 * exhausted or @root is too long.
 */
struct facts *facts_kernel_at(const char *root) must_check_;

/**
 * node_describe() - describe any vhost device node, without opening it
 * @root:	as for facts_kernel_at()
 * @path:	"/dev/vhost-vdpa-0"; without @root, and cut in @ret where it is too long
 * @ret:	receives the description
 */
void node_describe(const char *root, const char *path, struct node_info *ret);

#endif
