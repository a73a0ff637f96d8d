/* SPDX-License-Identifier: MIT */
/*
 * In which order a VMM set a device up, in the steps of a policy. Pure.
 *
 * Theory of operation
 *
 * A step stands where it was made first. Rings are told by the one that was named first:
 * a run of calls about it is a step of its own, which any other step and any call about
 * another ring ends. A stop ends a setup: what is made again after it takes a new place,
 * and the start goes with the first such call, until there is another. Eventfds outlast a
 * stop and stay where they were set first.
 */
#ifndef TRACE_ORDER_H
#define TRACE_ORDER_H

#include "core/stack.h"

/** TRACE_STEPS_MAX - steps that are kept; later ones are left out */
#define TRACE_STEPS_MAX 32u

/**
 * struct trace_step - one step, and when it was made
 * @step:	what
 * @setup:	in which setup
 */
struct trace_step {
	struct stack_step step;
	unsigned int setup;
};

/**
 * struct trace_order - the steps of a device
 * @step:	@steps of them
 * @ring:	the ring that is followed, -1 while none was named
 * @open:	the last step is a run of calls about @ring that may go on
 * @others:	another ring was named after the last call about @ring
 * @running:	it was started, and not stopped
 * @stopped:	the next step begins a new setup
 * @status:	the last of a vDPA device
 * @setup:	number of the setup
 */
struct trace_order {
	struct trace_step step[TRACE_STEPS_MAX];
	size_t steps;
	int64_t ring;
	bool open, others, running, stopped;
	uint8_t status;
	unsigned int setup;
};

/** trace_order_init() - nothing was done yet */
void trace_order_init(struct trace_order *o);

/**
 * trace_order_call() - a step that is made once
 * @o:		order
 * @call:	which; one that stands there already in this setup keeps its place
 */
void trace_order_call(struct trace_order *o, enum stack_call call);

/**
 * trace_order_anew() - a step whose last place is the one that counts
 * @o:		order
 * @call:	which
 */
void trace_order_anew(struct trace_order *o, enum stack_call call);

/**
 * trace_order_ring() - a call about one ring
 * @o:		order
 * @index:	ring
 * @call:	which; left out if it is about an eventfd, or the device runs, and it was
 *		made before
 */
void trace_order_ring(struct trace_order *o, uint32_t index, enum stack_ring_call call);

/**
 * trace_order_status() - the status of a vDPA device was set, to less than DRIVER_OK
 * @o:		order
 * @status:	VIRTIO_CONFIG_S_* bits; none takes all away
 *
 * What it adds is a step of its own, which may come again.
 */
void trace_order_status(struct trace_order *o, uint8_t status);

/** trace_order_ask_status() - the status was read; of use after it was set */
void trace_order_ask_status(struct trace_order *o);

/**
 * trace_order_start() - the device was started, or tried to be
 * @o:		order
 *
 * All of it at once: vhost-net is started ring by ring.
 */
void trace_order_start(struct trace_order *o);

/**
 * trace_order_start_ring() - one ring was started, or tried to be
 * @o:		order
 * @index:	ring
 *
 * Before anything was said about another ring this is a call among those about the ring;
 * else it is the start of the device.
 */
void trace_order_start_ring(struct trace_order *o, uint32_t index);

/** trace_order_stop() - the device was stopped */
void trace_order_stop(struct trace_order *o);

/**
 * trace_order_find() - the place of a step
 * @o:		order
 * @call:	which
 *
 * Return: its index; -ENOENT if it was not made.
 */
int trace_order_find(const struct trace_order *o, enum stack_call call);

/**
 * trace_order_has_ring() - whether a call about the ring was made
 * @o:		order
 * @call:	which
 */
bool trace_order_has_ring(const struct trace_order *o, enum stack_ring_call call);

#endif
