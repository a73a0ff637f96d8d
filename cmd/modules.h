/* SPDX-License-Identifier: MIT */
/* --load-modules: load what the devices need, and unload just that again. */
#ifndef CMD_MODULES_H
#define CMD_MODULES_H

#include "base/record.h"

struct kmod_ctx;

/**
 * struct loaded_modules - what this run loaded
 * @kmod:	owned; NULL while nothing was loaded
 * @names:	const char *, in the order in which they were inserted
 * @arena:	of the names
 */
struct loaded_modules {
	struct kmod_ctx *kmod;
	struct rec_list names;
	struct arena arena;
};

/**
 * modules_load() - load a module and what it depends on
 * @m:		zeroed at first; modules_unload() in any case
 * @name:	module
 *
 * Obeys the blacklists and options of modprobe.d. What was live or built in before is
 * not touched and not remembered.
 * Return: 0; -ENOENT if it is not installed or blacklisted; -EPERM without the right;
 * -errno of init_module(2); -ENOMEM.
 */
int modules_load(struct loaded_modules *m, const char *name) must_check_;

/**
 * modules_unload() - unload in reverse what modules_load() inserted
 * @m:		empty afterwards
 *
 * Return: 0; the first -errno of delete_module(2) (-EAGAIN: in use by now).
 */
int modules_unload(struct loaded_modules *m);

#endif
