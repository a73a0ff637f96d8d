/* SPDX-License-Identifier: MIT */
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "trace/policy.h"

/* ------------------------------------------------------------------- lists */

static int add_bit(struct arena *a, enum bit_space space, enum family family,
		   unsigned int bit, struct rec_list *ret)
{
	const char *name = bit_name(space, family, bit);

	return rec_list_add(a, ret, name ? name : arena_printf(a, "%u", bit));
}

static int add_bits(struct arena *a, const struct trace_state *s,
		    const struct feature_set *set, struct rec_list *ret)
{
	int e = 0;

	for (unsigned int bit = 0; bit < FEATURE_BITS && e == 0; bit++)
		if (feature_set_has(set, bit))
			e = add_bit(a, BITS_FEATURES, s->family, bit, ret);
	return e;
}

/* A policy has names only; what has none is nothing that a VMM could know. */
static int add_backend(struct arena *a, const struct trace_state *s, struct rec_list *ret)
{
	int e = 0;

	for (unsigned int bit = 0; bit < 64 && e == 0; bit++)
		if (s->backend_sent & BIT64(bit) &&
		    bit_name(BITS_BACKEND, s->family, bit))
			e = add_bit(a, BITS_BACKEND, s->family, bit, ret);
	return e;
}

/*
 * Of what it sends, all that the trace gives no reason to doubt: bit 33 where nothing is
 * mapped, a log that is nowhere, and what has no name are those of a VMM that does not
 * know them.
 */
static int add_known(struct arena *a, const struct trace_state *s, struct rec_list *ret)
{
	struct feature_set known = s->sent;

	if (!s->updates_at_start && !s->misses)
		known.word[0] &= ~BIT64(VIRTIO_F_ACCESS_PLATFORM);
	if (!s->logged)
		known.word[0] &= ~BIT64(VHOST_F_LOG_ALL);
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++)
		if (!trace_state_known(s, bit))
			known.word[bit / 64] &= ~BIT64(bit % 64);
	return add_bits(a, s, &known, ret);
}

/* ------------------------------------------------------------------- order */

static int add_step(struct arena *a, const struct stack_step *step, struct rec_list *ret)
{
	const char *const *words = step->call == CALL_SET_STATUS ? stack_status_names
								 : stack_ring_call_names;
	const char *text = stack_call_names[step->call];

	for (size_t i = 0; i < step->count && text; i++)
		text = arena_printf(a, "%s %s", text, words[step->word[i]]);
	return rec_list_add(a, ret, text);
}

/* What is mapped once the device runs is no step of its start. */
static bool maps_before_start(const struct trace_state *s)
{
	int start = trace_order_find(&s->order, CALL_START);
	int map = trace_order_find(&s->order, CALL_IOTLB_UPDATE);

	return s->updates_at_start && map >= 0 && (start < 0 || map < start);
}

/* The start of a device that was set up anew and not started again is still to come. */
static bool lacks_start(const struct trace_order *o)
{
	return trace_order_find(o, CALL_START) < 0 &&
	       !trace_order_has_ring(o, RING_START);
}

static int add_order(struct arena *a, const struct trace_state *s, struct rec_list *ret)
{
	const struct stack_step start = { .call = CALL_START };
	/* a VMM that polls sets none, and is not harmed by one that nobody reads */
	const struct stack_step call = { .call = CALL_VRINGS,
					 .word = { RING_CALL },
					 .count = 1 };
	const struct trace_order *o = &s->order;
	int e = 0;

	for (size_t i = 0; i < o->steps && e == 0; i++)
		if (o->step[i].step.call != CALL_IOTLB_UPDATE || maps_before_start(s))
			e = add_step(a, &o->step[i].step, ret);
	if (e == 0 && lacks_start(o))
		e = add_step(a, &start, ret);
	if (e == 0 && !trace_order_has_ring(o, RING_CALL))
		e = add_step(a, &call, ret);
	return e;
}

/* A VMM that does not ask first sends what it sends, whatever is offered. */
static enum stack_base base_of(const struct trace_state *s)
{
	int get = trace_order_find(&s->order, CALL_GET_FEATURES);
	int set = trace_order_find(&s->order, CALL_SET_FEATURES);

	return set >= 0 && (get < 0 || set < get) ? STACK_BASE_NONE : STACK_BASE_OBSERVED;
}

/* ------------------------------------------------------------------- guest */

static enum guest_kind guest_of(const struct trace_state *s)
{
	/* a vDPA device has bit 33 and mappings whatever its guest */
	if (s->family == FAMILY_VDPA ||
	    !feature_set_has(&s->sent, VIRTIO_F_ACCESS_PLATFORM))
		return GUEST_PLAIN;
	return s->updates_at_start || s->misses ? GUEST_VIOMMU : GUEST_PROTECTED;
}

static enum stack_map map_of(const struct trace_state *s)
{
	if (!maps_before_start(s))
		return STACK_MAP_NONE;
	return s->all_mapped_at_start ? STACK_MAP_ALL : STACK_MAP_USED_RINGS;
}

/* That no miss came up says nothing of what a VMM that maps does about one. */
static enum stack_miss miss_of(const struct trace_state *s)
{
	if (s->misses)
		return STACK_MISS_SERVED;
	return s->updates && !s->look.readable && s->family != FAMILY_VDPA
		       ? STACK_MISS_UNOBSERVED
		       : STACK_MISS_UNREAD;
}

static int add_guest(struct arena *a, const struct trace_state *s, struct rec_list *ret)
{
	struct stack_guest *g = rec_list_new(a, ret, sizeof(*g));
	struct feature_set acks = s->sent, mask = { 0 }, force = s->sent;
	int e = 0;

	if (!g)
		return -ENOMEM;
	for (int i = 0; i < FEATURE_WORDS; i++) {
		uint64_t seen = base_of(s) == STACK_BASE_NONE
					? 0
					: s->offered.word[i] | s->shown.word[i];

		acks.word[i] &= seen;
		force.word[i] &= ~seen;
		mask.word[i] = seen & ~s->sent.word[i];
	}
	g->guest = (int)guest_of(s);
	/* addresses behind an IOMMU mean nothing without it: it is sent, offered or not */
	if (g->guest == GUEST_VIOMMU)
		force.word[0] |= BIT64(VIRTIO_F_ACCESS_PLATFORM);
	g->map = (int)map_of(s);
	g->miss = (int)miss_of(s);
	e = add_bits(a, s, &acks, &g->acks);
	if (e == 0)
		e = add_bits(a, s, &mask, &g->mask);
	return e < 0 ? e : add_bits(a, s, &force, &g->force);
}

int policy_make(struct arena *a, const struct trace_state *s,
		const struct policy_origin *origin, struct stack *ret)
{
	struct stack p = {
		.name = arena_strdup(a, origin->name),
		.vmm = arena_strdup(a, origin->vmm),
		.versions = arena_printf(a, "as traced on Linux %s", origin->kernel),
		.summary = "Seen by vhostcheck trace: one device with one guest.",
		.about =
			"What the VMM does for other guests, or with other options, this "
			"policy does not tell. A bit that is in none of its lists was "
			"neither offered by that kernel nor shown by --what-if. Known is "
			"what it sends and the trace gives no reason to doubt.",
		.risk = RISK_SAFE,
		.base = (int)base_of(s),
		.confidence = STACK_RUN,
	};
	int e = 0;

	if (!s->start_tried)
		return -ENODATA;
	if (!p.name || !p.vmm || !p.versions)
		return -ENOMEM;
	e = rec_list_add(a, &p.devices, family_names[s->family]);
	if (e == 0)
		e = rec_list_add(a, &p.executables, p.vmm);
	if (e == 0)
		e = add_known(a, s, &p.known);
	if (e == 0)
		e = add_backend(a, s, &p.backend);
	if (e == 0)
		e = add_order(a, s, &p.order);
	if (e == 0)
		e = add_guest(a, s, &p.guests);
	if (e == 0)
		*ret = p;
	return e;
}
