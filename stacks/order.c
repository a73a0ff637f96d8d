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

static bool drives_alone(const struct stack *s, enum family family)
{
	return s->devices.count == 1 && drives(s, family);
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

static int refuse_word(struct written_error *err, size_t i, const char *word, int why)
{
	if (why == -EEXIST)
		return refuse_step(err, i, word, "stands twice in this step");
	if (why == -ENOENT)
		return refuse_step(err, i, word,
				   "is no step of an order, or no word of its step: "
				   "stacks in vhostcheck(1) has them");
	if (!strcmp(word, stack_call_names[CALL_VRINGS]))
		return refuse_step(
			err, i, word,
			"lacks its calls, as in \"VRINGS NUM ADDR CALL KICK\"");
	if (!strcmp(word, stack_call_names[CALL_SET_STATUS]))
		return refuse_step(
			err, i, word,
			"lacks its bits, as in \"SET_STATUS ACKNOWLEDGE DRIVER\"");
	return refuse_step(err, i, word, "does not go with what stands before it");
}

static bool may_be_repeated(int call)
{
	return call == CALL_VRINGS || call == CALL_SET_STATUS || call == CALL_GET_STATUS;
}

static int check_step_words(struct written_error *err, const struct orders *o, size_t i,
			    struct stack_step *step)
{
	char word[STACK_WORD_ROOM];
	int e = stack_step_read(o->s->order.item[i], step, word);

	if (e < 0)
		return refuse_word(err, i, word, e);
	if (!may_be_repeated(step->call) && o->done & CALL_BIT(step->call))
		return refuse_step(err, i, stack_call_names[step->call], "stands twice");
	return 0;
}

/* Calls that only one family has. */
static int check_step_family(struct written_error *err, const struct orders *o, size_t i,
			     const struct stack_step *step)
{
	if (step->call == CALL_GET_ABI_VERSION && !drives(o->s, FAMILY_SCSI))
		return refuse_step(err, i, stack_call_names[step->call],
				   "is a call of scsi alone");
	if (step->call > CALL_GET_ABI_VERSION && !drives(o->s, FAMILY_VDPA))
		return refuse_step(err, i, stack_call_names[step->call],
				   "is a call of vdpa alone");
	return 0;
}

/* What vhost refuses to whoever has not done another call before (vhost-abi 1.1). */
static int check_step_place(struct written_error *err, const struct orders *o, size_t i,
			    const struct stack_step *step)
{
	const unsigned int owned = CALL_BIT(CALL_SET_MEM_TABLE) | CALL_BIT(CALL_VRINGS) |
				   CALL_BIT(CALL_IOTLB_UPDATE) | CALL_BIT(CALL_START) |
				   CALL_BIT(CALL_IOTLB_BATCH_BEGIN) |
				   CALL_BIT(CALL_IOTLB_INVALIDATE);
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
	if (step->call == CALL_IOTLB_BATCH_END &&
	    !(o->done & CALL_BIT(CALL_IOTLB_BATCH_BEGIN)))
		return refuse_step(err, i, word, "needs IOTLB_BATCH_BEGIN before it");
	return 0;
}

/* vhost-net and vhost-vsock look at their rings before they start, the others do not. */
static bool start_looks(const struct stack *s)
{
	return drives(s, FAMILY_NET) || drives(s, FAMILY_VSOCK);
}

/* @rings: what was done about the ring that is started, or about all of them */
static int check_start(struct written_error *err, const struct orders *o, size_t i,
		       unsigned int rings)
{
	const unsigned int needed = RING_BIT(RING_NUM) | RING_BIT(RING_ADDR);

	if (o->done & CALL_BIT(CALL_START))
		return refuse_step(err, i, "START", "stands twice");
	if (start_looks(o->s) && (rings & needed) != needed)
		return refuse_step(err, i, "START",
				   "needs NUM and ADDR of the rings before it: the "
				   "kernel refuses to start a ring that lies nowhere");
	if (!drives(o->s, FAMILY_VDPA) && !(o->done & CALL_BIT(CALL_SET_MEM_TABLE)))
		return refuse_step(err, i, "START", "needs SET_MEM_TABLE before it");
	return 0;
}

static int check_step_rings(struct written_error *err, struct orders *o, size_t i,
			    const struct stack_step *step)
{
	for (size_t k = 0; k < step->count; k++) {
		int e = step->word[k] == RING_START ? check_start(err, o, i, o->rings)
						    : 0;

		if (e < 0)
			return e;
		if (step->word[k] == RING_START && !drives_alone(o->s, FAMILY_NET))
			return refuse_step(err, i, "START",
					   "of one ring is of net alone: other devices "
					   "start as a whole");
		if (step->word[k] == RING_ENABLE && !drives(o->s, FAMILY_VDPA))
			return refuse_step(err, i, "ENABLE", "is a call of vdpa alone");
		if (step->word[k] == RING_START)
			o->done |= CALL_BIT(CALL_START);
		o->rings |= RING_BIT(step->word[k]);
	}
	return 0;
}

static int refuse_missing(struct written_error *err, const char *word, const char *why)
{
	return written_refuse(err, "/order", word, "%s is missing%s", word, why);
}

static int check_rings_whole(struct written_error *err, const struct orders *o)
{
	static const enum stack_ring_call rings[] = { RING_NUM, RING_ADDR, RING_CALL,
						      RING_KICK };

	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		if (!(o->rings & RING_BIT(rings[i])))
			return written_refuse(
				err, "/order", stack_ring_call_names[rings[i]],
				"%s of the rings is missing, as in \"VRINGS NUM ADDR "
				"CALL KICK\"",
				stack_ring_call_names[rings[i]]);
	if (drives(o->s, FAMILY_VDPA) && !(o->rings & RING_BIT(RING_ENABLE)))
		return refuse_missing(err, stack_ring_call_names[RING_ENABLE],
				      " of VRINGS, without which no vDPA ring runs");
	return 0;
}

/* Without these no VMM can move a byte, whatever its features. */
static int check_order_whole(struct written_error *err, const struct orders *o)
{
	static const enum stack_call calls[] = { CALL_SET_OWNER, CALL_START };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (!(o->done & CALL_BIT(calls[i])))
			return refuse_missing(err, stack_call_names[calls[i]], "");
	if (drives(o->s, FAMILY_VSOCK) && !(o->done & CALL_BIT(CALL_SET_GUEST_CID)))
		return refuse_missing(err, stack_call_names[CALL_SET_GUEST_CID],
				      ", which vsock needs");
	if (o->done & CALL_BIT(CALL_IOTLB_BATCH_BEGIN) &&
	    !(o->done & CALL_BIT(CALL_IOTLB_BATCH_END)))
		return refuse_missing(err, stack_call_names[CALL_IOTLB_BATCH_END],
				      ", without which a batch never reaches the device");
	return check_rings_whole(err, o);
}

int stack_check_order(struct written_error *err, const struct stack *s)
{
	struct orders o = { .s = s };

	for (size_t i = 0; i < s->order.count; i++) {
		struct stack_step step = { 0 };
		int e = check_step_words(err, &o, i, &step);

		if (e == 0)
			e = check_step_family(err, &o, i, &step);
		if (e == 0)
			e = check_step_place(err, &o, i, &step);
		if (e == 0 && step.call == CALL_VRINGS)
			e = check_step_rings(err, &o, i, &step);
		if (e == 0 && step.call == CALL_START)
			e = check_start(err, &o, i, o.rings);
		if (e < 0)
			return e;
		o.done |= CALL_BIT(step.call);
	}
	return check_order_whole(err, &o);
}
