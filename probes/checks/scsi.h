/* SPDX-License-Identifier: MIT */
/* Private to probes/checks: what the checks of vhost-scsi share. */
#ifndef CHECKS_SCSI_H
#define CHECKS_SCSI_H

#include "checks/rows.h"
#include "guest/scsi.h"

#define F_HOTPLUG BIT64(VIRTIO_SCSI_F_HOTPLUG)

/** SCSI_SECOND_LUN - that scsi_prepare_two() has the peer make */
#define SCSI_SECOND_LUN 1u

/** SCSI_OTHER_LUN - of which the peer's target has none until it is told to */
#define SCSI_OTHER_LUN 5u

/** GOOD, CHECK_CONDITION - status as scsi_note() writes it */
#define GOOD "0x00"
#define CHECK_CONDITION "0x02"

/** scsi_other_name() - the name of a target that there is not */
const char *scsi_other_name(struct session *s);

/**
 * scsi_prove() - show that SET_ENDPOINT is mended, before the start, as step "proof"
 *
 * The commit that gives ENODEV for a name without a target (5dd639a1646e, 6.15) is the
 * one that refuses a second endpoint without harm (CVE-2025-22083). It came to every
 * stable series after the one for AN_QUERY (CVE-2024-49863), and proves that too.
 * Return: whether it is.
 */
bool scsi_prove(struct session *s);

/** judge_proved() - whether it was; else the verdict is settled: blocked */
bool judge_proved(struct judge *j);

/** judge_started() - the device started, and no LUN failed to become ready */
void judge_started(struct judge *j);

/** judge_response() - judge_started(), and the request at @step has this response */
void judge_response(struct judge *j, const char *step, const char *response);

/** judge_answer() - judge_response(), and this status and sense */
void judge_answer(struct judge *j, const char *step, const char *response,
		  const char *status, const char *sense);

/** struct trial - a command that is refused, or the like: its step, and what it is */
struct trial {
	const char *step;
	struct scsi_command (*make)(const struct session *s);
};

/** scsi_trials() - scsi_begin(), scsi_try() of each, and data both ways. 0 or -errno */
int scsi_trials(struct session *s, const struct trial *trials, size_t n);

/**
 * scsi_order() - have the peer give the target a LUN, or take it
 *
 * What the peer could not do is recorded as the other end that cannot be made.
 * Return: 0 or -errno.
 */
int scsi_order(struct link *l, enum peer_op op, unsigned int lun);

/** scsi_prepare_two() - link_prepare(), of a target that is given SCSI_SECOND_LUN */
int scsi_prepare_two(struct link *l, struct session *s);

/** scsi_begin_two() - that, link_start() and scsi_ready() of LUN 0 */
int scsi_begin_two(struct link *l, struct session *s);

#endif
