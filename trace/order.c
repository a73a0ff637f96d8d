/* SPDX-License-Identifier: MIT */
#include <linux/virtio_config.h>
#include <string.h>

#include "base/cleanup.h"
#include "trace/order.h"

void trace_order_init(struct trace_order *o)
{
	*o = (struct trace_order){ .ring = -1 };
}

int trace_order_find(const struct trace_order *o, enum stack_call call)
{
	for (size_t i = 0; i < o->steps; i++)
		if (o->step[i].step.call == (int)call)
			return (int)i;
	return -ENOENT;
}

static bool has(const struct stack_step *step, enum stack_ring_call call)
{
	for (size_t i = 0; i < step->count && step->call == CALL_VRINGS; i++)
		if (step->word[i] == (int)call)
			return true;
	return false;
}

bool trace_order_has_ring(const struct trace_order *o, enum stack_ring_call call)
{
	for (size_t i = 0; i < o->steps; i++)
		if (has(&o->step[i].step, call))
			return true;
	return false;
}

/* ------------------------------------------------------------------ places */

static void remove_step(struct trace_order *o, size_t i)
{
	o->steps--;
	memmove(&o->step[i], &o->step[i + 1], (o->steps - i) * sizeof(o->step[0]));
}

/* Takes a call about the ring out of all steps before the setup @before. */
static void remove_ring_call(struct trace_order *o, enum stack_ring_call call,
			     unsigned int before)
{
	for (size_t i = o->steps; i-- > 0;) {
		struct stack_step *step = &o->step[i].step;
		size_t kept = 0;

		if (o->step[i].setup >= before || !has(step, call))
			continue;
		for (size_t k = 0; k < step->count; k++)
			if (step->word[k] != (int)call)
				step->word[kept++] = step->word[k];
		step->count = kept;
		if (!kept)
			remove_step(o, i);
	}
}

static struct stack_step *append(struct trace_order *o, enum stack_call call)
{
	struct trace_step *last = NULL;

	o->open = false;
	if (o->steps == TRACE_STEPS_MAX)
		return NULL;
	last = &o->step[o->steps++];
	*last = (struct trace_step){ .step = { .call = (int)call }, .setup = o->setup };
	return &last->step;
}

static void begin(struct trace_order *o)
{
	int start = trace_order_find(o, CALL_START);

	if (!o->stopped)
		return;
	o->stopped = false;
	o->setup++;
	if (start >= 0)
		remove_step(o, (size_t)start);
	remove_ring_call(o, RING_START, o->setup);
}

/* ------------------------------------------------------------------- calls */

void trace_order_anew(struct trace_order *o, enum stack_call call)
{
	int at = 0;

	begin(o);
	at = trace_order_find(o, call);
	if (at >= 0)
		remove_step(o, (size_t)at);
	(void)append(o, call);
}

void trace_order_call(struct trace_order *o, enum stack_call call)
{
	int at = 0;

	begin(o);
	at = trace_order_find(o, call);
	if (at < 0 || o->step[at].setup != o->setup)
		trace_order_anew(o, call);
}

/* They are exchanged at any time, as when a VMM masks an interrupt: the first counts. */
static bool is_eventfd(enum stack_ring_call call)
{
	return call == RING_CALL || call == RING_ERR || call == RING_KICK;
}

void trace_order_ring(struct trace_order *o, uint32_t index, enum stack_ring_call call)
{
	struct stack_step *step = NULL;

	if (o->ring < 0)
		o->ring = index;
	if (index != o->ring) {
		o->open = false;
		o->others = true;
	}
	if (trace_order_has_ring(o, call) && (o->running || is_eventfd(call)))
		return;
	begin(o);
	if (index != o->ring)
		return;
	remove_ring_call(o, call, o->setup);
	step = o->open ? &o->step[o->steps - 1].step : append(o, CALL_VRINGS);
	o->open = step != NULL;
	o->others = false;
	if (step && !has(step, call))
		step->word[step->count++] = (int)call;
}

/* Those of a setup that has ended are of no use for the next. */
static void remove_old(struct trace_order *o, enum stack_call call)
{
	for (size_t i = o->steps; i-- > 0;)
		if (o->step[i].step.call == (int)call && o->step[i].setup < o->setup)
			remove_step(o, i);
}

void trace_order_status(struct trace_order *o, uint8_t status)
{
	static const struct {
		uint8_t bit;
		enum stack_status word;
	} words[] = {
		{ VIRTIO_CONFIG_S_ACKNOWLEDGE, STACK_STATUS_ACKNOWLEDGE },
		{ VIRTIO_CONFIG_S_DRIVER, STACK_STATUS_DRIVER },
		{ VIRTIO_CONFIG_S_FEATURES_OK, STACK_STATUS_FEATURES_OK },
	};
	struct stack_step step = { .call = CALL_SET_STATUS };
	struct stack_step *last = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (status & ~o->status & words[i].bit)
			step.word[step.count++] = (int)words[i].word;
	if (!status)
		step.word[step.count++] = STACK_STATUS_RESET;
	o->status = status;
	if (!step.count)
		return;
	begin(o);
	remove_old(o, CALL_SET_STATUS);
	remove_old(o, CALL_GET_STATUS);
	last = append(o, CALL_SET_STATUS);
	if (last)
		*last = step;
}

void trace_order_ask_status(struct trace_order *o)
{
	if (o->steps && o->step[o->steps - 1].step.call == CALL_SET_STATUS)
		(void)append(o, CALL_GET_STATUS);
}

void trace_order_start(struct trace_order *o)
{
	trace_order_call(o, CALL_START);
	o->running = true;
}

void trace_order_start_ring(struct trace_order *o, uint32_t index)
{
	begin(o);
	if (trace_order_find(o, CALL_START) >= 0 || trace_order_has_ring(o, RING_START))
		return;
	if (index == o->ring && !o->others)
		trace_order_ring(o, index, RING_START);
	else
		(void)append(o, CALL_START);
	o->running = true;
}

void trace_order_stop(struct trace_order *o)
{
	o->stopped = o->stopped || o->running;
	o->running = false;
	o->status = 0;
}
