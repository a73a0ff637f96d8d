/* SPDX-License-Identifier: MIT */
/* Private to stacks/player*.c: what a play is made of. */
#ifndef STACKS_PLAYER_PARTS_H
#define STACKS_PLAYER_PARTS_H

#include "guest/vdpa.h"
#include "stacks/player.h"

/**
 * struct player - one play
 * @s, @play:	borrowed
 * @offered:	what VHOST_GET_FEATURES returned
 * @sent:	what VHOST_SET_FEATURES was given
 * @backend:	what VHOST_SET_BACKEND_FEATURES took
 * @drawn:	the rings were laid out in the guest's memory
 * @started:	a start call was taken
 * @hears:	of each ring, whether its error eventfd is set
 * @vdpa:	of a vDPA device: what it adds to @s
 * @status:	of a vDPA device: the bits set so far
 */
struct player {
	struct session *s;
	const struct stack_play *play;
	struct feature_set offered;
	uint64_t sent, backend;
	bool drawn, started, hears[SESSION_QUEUES];
	struct vdpa vdpa;
	uint8_t status;
};

/** player_calls() - the calls of the policy in their order. 0 or the first -errno */
int player_calls(struct player *p);

/**
 * player_vdpa() - stack_collect() of a vDPA device
 *
 * Return: 0; -errno if memory or descriptors for the session ran out.
 */
int player_vdpa(struct player *p) must_check_;

/** player_vdpa_step() - a step that a vDPA device has of its own, or its own way of */
int player_vdpa_step(struct player *p, const struct stack_step *step);

/** player_vdpa_enable() - VHOST_VDPA_SET_VRING_ENABLE of a ring */
int player_vdpa_enable(struct player *p, const char *step, enum session_queue q);

#endif
