/* SPDX-License-Identifier: MIT */
/* Private to probes/checks: what the checks of vDPA devices share. */
#ifndef CHECKS_VDPA_JUDGES_H
#define CHECKS_VDPA_JUDGES_H

#include <linux/virtio_ids.h>

#include "checks/rows.h"
#include "guest/vdpa.h"

/** vdpa_plain - an ordinary start: VERSION_1, bit 33, everything mapped */
extern const struct vdpa_config vdpa_plain;

/** vdpa_begin_plain() - such a start, and vdpa_both_ways() as "first" */
int vdpa_begin_plain(struct vdpa *v, struct session *s);

/** vdpa_again() - the same on a fresh descriptor that is open, as "fresh" */
int vdpa_again(struct vdpa *v);

/** vdpa_fresh() - vdpa_reopen() and vdpa_again() */
int vdpa_fresh(struct vdpa *v);

/** judge_vdpa_both() - what vdpa_both_ways() moved arrived */
void judge_vdpa_both(struct judge *j, const char *step);

/** judge_request() - the request at @step has this status and used length */
void judge_request(struct judge *j, const char *step, unsigned int status, uint32_t used);

/** judge_status_byte() - the request at @step was answered with this status */
void judge_status_byte(struct judge *j, const char *step, unsigned int status);

/** judge_served() - the request at @step was served */
void judge_served(struct judge *j, const char *step);

/** judge_not_served() - the request at @step was not used, or used with another status
 * than OK
 */
void judge_not_served(struct judge *j, const char *step);

/** judge_not_used() - no buffer was used at @step */
void judge_not_used(struct judge *j, const char *step);

/** judge_number() - the number that the call at @step wrote. false settles the verdict */
bool judge_number(struct judge *j, const char *step, uint64_t *ret);

/** judge_positive() - the number that the call at @step wrote is not 0 */
void judge_positive(struct judge *j, const char *step);

#endif
