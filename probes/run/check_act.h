/* SPDX-License-Identifier: MIT */
#ifndef RUN_CHECK_ACT_H
#define RUN_CHECK_ACT_H

#include "guest/session.h"

/**
 * check_act() - the act of a task that is a check: its collector, and where rings ended
 * @s:		session with nothing open
 * @arg:	const struct check
 *
 * Return: that of the collector.
 */
int check_act(struct session *s, const void *arg);

#endif
