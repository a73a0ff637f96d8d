/* SPDX-License-Identifier: MIT */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/cleanup.h"

/**
 * tree_remove() - remove a file, or a directory with all that is in it
 * @path:	what to remove; its last component is not followed if it is a link
 *
 * Symbolic links inside are removed, never followed, also when another process swaps
 * them in while this one runs: each level is reached from the descriptor of the one
 * above. Mounts are not entered. Goes on after a failure, so that as much as
 * possible is gone.
 * Return: 0, also when there is nothing at @path; the first failure otherwise, among
 * them -EXDEV for a mount inside and -ELOOP below 64 levels.
 */
int tree_remove(const char *path) must_check_;

#endif
