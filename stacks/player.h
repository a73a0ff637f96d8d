/* SPDX-License-Identifier: MIT */
/*
 * Plays a VMM's policy against a real device: its calls in its order, then the
 * transfer as its guest would drive it. Has no opinion: stacks/verdict.h has.
 *
 * Steps that are recorded: "peer"; "open"; "setup.*" for every call before or after the
 * start, with the facts "acked", "unknown" and "iotlb" at "setup.features"; "start";
 * after a refused start "start.miss" with all that the device has to say, "start.rx" and
 * "start.tx"; else what guest/link.h records, "transfer" with the fact "result", ok or
 * the name of an errno; and "pace" where the IOTLB is on.
 *
 * Of a vDPA device there is no fact "iotlb" and no "pace"; "setup.device_id" has a fact
 * "wanted" where the VMM is for devices of another kind, "setup.status" a fact "lost"
 * where the device took status bits back; requests are recorded as "tx" and "rx",
 * mappings of their buffers as "tx.map" and "rx.map", and one that is never answered
 * leaves ring and eventfds as step "stall".
 *
 * One pair of rings is played, on one descriptor: a VMM with several pairs opens the
 * device once for each and does the same there. On scsi the three rings of a device with
 * one request queue are, on vdpa the first ring. VHOST_SET_VRING_ERR is made before the
 * start where the VMM does not: it changes nothing, and errors of the device are heard.
 */
#ifndef STACKS_PLAYER_H
#define STACKS_PLAYER_H

#include "core/stack.h"
#include "guest/session.h"

/** STACK_TRANSFER_BYTES - payload that goes each way */
#define STACK_TRANSFER_BYTES 16384u

/** STACK_SCSI_BYTES - the same on scsi: what one request takes */
#define STACK_SCSI_BYTES 12288u

/**
 * struct stack_play - a policy and the kind of guest that it is played for
 * @stack:	borrowed
 * @guest:	one of its guests, borrowed
 */
struct stack_play {
	const struct stack *stack;
	const struct stack_guest *guest;
};

/**
 * stack_collect() - play a policy, in the child that owns the session
 * @s:		session, device not open yet; of vdpa with PEER_NODE as its path
 * @play:	what to play
 *
 * What the device or the host refuses is evidence. Return: 0; -errno if memory or
 * descriptors for the session ran out.
 */
int stack_collect(struct session *s, const struct stack_play *play) must_check_;

#endif
