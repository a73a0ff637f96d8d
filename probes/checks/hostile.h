/* SPDX-License-Identifier: MIT */
/* Private to probes/checks: a device that has to do with a bad driver or a bad VMM. */
#ifndef CHECKS_HOSTILE_H
#define CHECKS_HOSTILE_H

#include "checks/rows.h"

/** hostile_close() - stop and close what was opened; harmless on what was not */
void hostile_close(struct session *s);

/**
 * hostile_open() - a fresh descriptor with rings that run and are at rest
 * @l:	receives it
 * @s:	session whose peer was started; its device is closed first
 * @c:	configuration
 *
 * Return: 0 or the first -errno.
 */
int hostile_open(struct link *l, struct session *s, const struct session_config *c);

/**
 * hostile_fresh() - the device works on a fresh descriptor: steps "fresh", "tx", "rx"
 *
 * Return: 0, -ENODATA or -errno.
 */
int hostile_fresh(struct session *s);

/** judge_fresh() - it did */
void judge_fresh(struct judge *j);

/** CANARY - what canary_lay() fills with, and scsi_put() where something is to come */
#define CANARY 0xa5

/** canary_whole() - whether bytes are the pattern still */
bool canary_whole(const unsigned char *at, size_t len);

/** canary_lay() - fill a region with a pattern */
void canary_lay(struct session *s, enum mem_region_id id);

/** canary_note() - record whether it is there still: fact REGION "untouched", "written"
 */
void canary_note(struct session *s, const char *step, enum mem_region_id id);

/**
 * struct bend - one thing wrong with the transmit ring
 * @step:	its name
 * @make:	makes it of a good packet that lies in descriptor 0 and was published
 */
struct bend {
	const char *step;
	void (*make)(struct link *l);
};

/** bend_good() - descriptor 0, as long as it is good */
struct vring_desc bend_good(const struct link *l);

/**
 * bend_each() - each on a fresh descriptor, then hostile_fresh(); the peer runs
 *
 * Of each a proof of the stall, at its step: nobody looks at the ring before the kick.
 * Return: 0 or -errno.
 */
int bend_each(struct session *s, const struct session_config *c, const struct bend *bends,
	      size_t n);

/** judge_bent() - none was taken or used, all were told of, a fresh descriptor works */
void judge_bent(struct judge *j, const struct bend *bends, size_t n);

#endif
