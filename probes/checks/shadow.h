/* SPDX-License-Identifier: MIT */
/*
 * Private to probes/checks: canaries. A shadow is a copy of the guest's memory; what
 * differs from it later was written by the device, since the guest knows what it wrote.
 */
#ifndef CHECKS_SHADOW_H
#define CHECKS_SHADOW_H

#include "checks/rows.h"

/** SHADOW_UNTOUCHED - value of the fact of a region that is as it was */
#define SHADOW_UNTOUCHED "untouched"

/**
 * struct shadow - the memory of a session as it was
 * @copy:	owned; cleanup_shadow
 */
struct shadow {
	unsigned char *copy;
};

/** shadow_take() - copy all memory; again, to forget the copy before. 0 or -ENOMEM */
int shadow_take(struct session *s, struct shadow *sh) must_check_;

/** shadow_done() - free it */
void shadow_done(struct shadow *sh);

#define cleanup_shadow cleanup_(shadow_done)

/** shadow_paint() - fill a region with bytes that no device would write by chance */
void shadow_paint(struct session *s, enum mem_region_id id);

/**
 * shadow_note() - record what became of a region, as a fact of its name
 * @s:		session; its worker is at rest (session_barrier())
 * @sh:		copy
 * @step:	step
 * @id:		region
 *
 * "untouched", or "touched from +0x0 to +0x1f" with the first and the last byte.
 */
void shadow_note(struct session *s, const struct shadow *sh, const char *step,
		 enum mem_region_id id);

/** shadow_note_all() - shadow_note() of regions @first to @last */
void shadow_note_all(struct session *s, const struct shadow *sh, const char *step,
		     enum mem_region_id first, enum mem_region_id last);

/** judge_untouched() - the fact of a region at @step says that it was not written */
void judge_untouched(struct judge *j, const char *step, const char *region);

/** judge_untouched_each() - judge_untouched() of a NULL-ended list of regions */
void judge_untouched_each(struct judge *j, const char *step, const char *const *regions);

/**
 * judge_still() - the ring at step @after has moved by nothing since @before
 *
 * By the used index and by the device's own.
 */
void judge_still(struct judge *j, const char *before, const char *after);

/** judge_went_on() - the ring at step @after is one element further than at @before */
void judge_went_on(struct judge *j, const char *before, const char *after);

/**
 * judge_miss_in() - the message read at @step is a miss in a region
 * @j:		judge
 * @step:	step
 * @region:	"rx.buf"; at which of its bytes decides nothing
 */
void judge_miss_in(struct judge *j, const char *step, const char *region);

/**
 * note_outcome() - record what became of a transfer that has to be held back
 * @s:		session
 * @step:	step
 * @r:		what link_tx(), link_rx() or arrive() returned
 *
 * Fact "transfer": "held" if the device was found stalled, "done", or an errno.
 */
void note_outcome(struct session *s, const char *step, int r);

/** judge_held() - the outcome at @step is "held" */
void judge_held(struct judge *j, const char *step);

/**
 * arrive() - make the host send something to the guest
 * @l:	running, receive buffers posted; on vsock not connected
 *
 * A connection of the peer's, or a frame. As link_rx(): a stall is recorded as step
 * "stall".
 */
int arrive(struct link *l);

#endif
