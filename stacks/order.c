/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "stacks/order.h"

static int refuse_step(struct written_error *err, size_t i, const char *word,
		       const char *what)
{
	char pointer[JSON_POINTER_ROOM];

	(void)snprintf(pointer, sizeof(pointer), "/order/%zu", i);
	return written_refuse(err, pointer, word, "\"%.60s\" %s", word, what);
}

static bool drives(const struct stack *s, enum family family)
{
	for (size_t i = 0; i < s->devices.count; i++)
		if (!strcmp(s->devices.item[i], family_names[family]))
			return true;
	return false;
}

/**
 * struct orders - an order on its way through the rules
 * @done:	set of enum stack_call that stood before
 * @rings:	likewise of enum stack_ring_call
 */
struct orders {
	const struct stack *s;
	unsigned int done, rings;
};

#define CALL_BIT(call) (1u << (call))
#define RING_BIT(call) (1u << (call))

static int check_step_words(struct written_error *err, const struct orders *o, size_t i,
			    struct stack_step *step)
{
	char word[STACK_WORD_ROOM];
	int e = stack_step_read(o->s->order.item[i], step, word);

	if (e == -ENOENT)
		return refuse_step(
			err, i, word,
			"is no step: FORK_FROM_OWNER, SET_OWNER, "
			"GET_FEATURES, SET_FEATURES, BACKEND_FEATURES, "
			"SET_MEM_TABLE, SET_GUEST_CID, IOTLB_UPDATE, START, or "
			"VRINGS with some of NUM, BASE, ADDR, CALL, ERR, KICK, "
			"START");
	if (e == -EEXIST)
		return refuse_step(err, i, word, "stands twice in this step");
	if (e < 0)
		return refuse_step(err, i, word,
				   strcmp(word, "VRINGS") ? "goes with VRINGS alone"
							  : "lacks its calls, as in "
							    "\"VRINGS NUM ADDR CALL "
							    "KICK\"");
	if (step->call != CALL_VRINGS && o->done & CALL_BIT(step->call))
		return refuse_step(err, i, stack_call_names[step->call], "stands twice");
	return 0;
}

/* What vhost refuses to whoever has not done another call before (vhost-abi 1.1). */
static int check_step_place(struct written_error *err, const struct orders *o, size_t i,
			    const struct stack_step *step)
{
	const unsigned int owned = CALL_BIT(CALL_SET_MEM_TABLE) | CALL_BIT(CALL_VRINGS) |
				   CALL_BIT(CALL_IOTLB_UPDATE) | CALL_BIT(CALL_START);
	const char *word = stack_call_names[step->call];

	if (CALL_BIT(step->call) & owned && !(o->done & CALL_BIT(CALL_SET_OWNER)))
		return refuse_step(err, i, word,
				   "needs SET_OWNER before it: the kernel refuses it "
				   "to who is not the owner");
	if (step->call == CALL_FORK_FROM_OWNER && o->done & CALL_BIT(CALL_SET_OWNER))
		return refuse_step(err, i, word, "stands before SET_OWNER");
	if (step->call == CALL_SET_FEATURES && o->s->base != STACK_BASE_NONE &&
	    !(o->done & CALL_BIT(CALL_GET_FEATURES)))
		return refuse_step(err, i, word,
				   "needs GET_FEATURES before it, since base is "
				   "not \"none\"");
	return 0;
}

/* @rings: what was done about the ring that is started, or about all of them */
static int check_start(struct written_error *err, const struct orders *o, size_t i,
		       unsigned int rings)
{
	const unsigned int needed = RING_BIT(RING_NUM) | RING_BIT(RING_ADDR);

	if (o->done & CALL_BIT(CALL_START))
		return refuse_step(err, i, "START", "stands twice");
	if ((rings & needed) != needed)
		return refuse_step(err, i, "START",
				   "needs NUM and ADDR of the rings before it: the "
				   "kernel refuses to start a ring that lies nowhere");
	if (!(o->done & CALL_BIT(CALL_SET_MEM_TABLE)))
		return refuse_step(err, i, "START", "needs SET_MEM_TABLE before it");
	return 0;
}

static int check_step_rings(struct written_error *err, struct orders *o, size_t i,
			    const struct stack_step *step)
{
	for (size_t k = 0; k < step->count; k++) {
		int e = step->ring[k] == RING_START ? check_start(err, o, i, o->rings)
						    : 0;

		if (e < 0)
			return e;
		if (step->ring[k] == RING_START && drives(o->s, FAMILY_VSOCK))
			return refuse_step(err, i, "START",
					   "of one ring is of net alone: vsock starts "
					   "as a whole");
		if (step->ring[k] == RING_START)
			o->done |= CALL_BIT(CALL_START);
		o->rings |= RING_BIT(step->ring[k]);
	}
	return 0;
}

/* Without these no VMM can move a byte, whatever its features. */
static int check_order_whole(struct written_error *err, const struct orders *o)
{
	static const enum stack_call calls[] = { CALL_SET_OWNER, CALL_START };
	static const enum stack_ring_call rings[] = { RING_CALL, RING_KICK };
	const char *cid = stack_call_names[CALL_SET_GUEST_CID];

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (!(o->done & CALL_BIT(calls[i])))
			return written_refuse(err, "/order", stack_call_names[calls[i]],
					      "%s is missing",
					      stack_call_names[calls[i]]);
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		if (!(o->rings & RING_BIT(rings[i])))
			return written_refuse(
				err, "/order", stack_ring_call_names[rings[i]],
				"%s of the rings is missing, as in \"VRINGS NUM ADDR "
				"CALL KICK\"",
				stack_ring_call_names[rings[i]]);
	if (drives(o->s, FAMILY_VSOCK) && !(o->done & CALL_BIT(CALL_SET_GUEST_CID)))
		return written_refuse(err, "/order", cid,
				      "%s is missing, which vsock needs", cid);
	return 0;
}

int stack_check_order(struct written_error *err, const struct stack *s)
{
	struct orders o = { .s = s };

	for (size_t i = 0; i < s->order.count; i++) {
		struct stack_step step = { 0 };
		int e = check_step_words(err, &o, i, &step);

		if (e == 0)
			e = check_step_place(err, &o, i, &step);
		if (e == 0)
			e = check_step_rings(err, &o, i, &step);
		if (e == 0 && step.call == CALL_START)
			e = check_start(err, &o, i, o.rings);
		if (e < 0)
			return e;
		o.done |= CALL_BIT(step.call);
	}
	return check_order_whole(err, &o);
}
