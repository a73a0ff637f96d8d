/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/stacks_unknown.h"
#include "stacks/features.h"

static const struct rec_field unknown_fields[] = {
	{ "stack", REC_STR, offsetof(struct stacks_unknown, stack), false, NULL },
	{ "device", REC_STR, offsetof(struct stacks_unknown, device), false, NULL },
	{ "guest", REC_ENUM, offsetof(struct stacks_unknown, guest), false,
	  guest_kind_names },
	{ "bits", REC_PTR, offsetof(struct stacks_unknown, bits), false, &mask_shape },
	{ 0 },
};

const struct rec_shape stacks_unknown_shape = {
	.name = "stacks_unknown",
	.size = sizeof(struct stacks_unknown),
	.field = unknown_fields,
};

static bool has_name(const struct rec_list *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->item[i], name))
			return true;
	return false;
}

static int add(struct arena *a, const struct stack *stack,
	       const struct stack_guest *guest, const struct stacks_offer *offer,
	       struct rec_list *ret)
{
	const struct stack_features f =
		stack_features(stack, guest, offer->family, &offer->features);
	struct stacks_unknown *u = NULL;

	if (!f.unknown.word[0] && !f.unknown.word[1])
		return 0;
	u = rec_list_new(a, ret, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->stack = stack->name;
	u->device = offer->device;
	u->guest = guest->guest;
	u->bits = mask_make(a, BITS_FEATURES, offer->family, &f.unknown);
	return u->bits ? 0 : -ENOMEM;
}

int stacks_unknown_on(struct arena *a, const struct stack *stack,
		      const struct stacks_offer *offer, struct rec_list *ret)
{
	int r = 0;

	if (!has_name(&stack->devices, family_names[offer->family]))
		return 0;
	for (size_t i = 0; i < stack->guests.count && r == 0; i++)
		r = add(a, stack, stack->guests.item[i], offer, ret);
	return r;
}

int stacks_unknown_anywhere(struct arena *a, const struct stack *stack,
			    struct rec_list *ret)
{
	int r = 0;

	for (int f = 0; f < FAMILY_NUM && r == 0; f++) {
		const struct stacks_offer offer = {
			.device = family_names[f],
			.family = (enum family)f,
			.features = stack_offered_anywhere((enum family)f),
		};

		r = stacks_unknown_on(a, stack, &offer, ret);
	}
	return r;
}

/* ------------------------------------------------------------------ strays */

static struct stacks_stray *stray_of(struct arena *a, struct rec_list *list,
				     const struct duty *duty, const char *name)
{
	struct stacks_stray *s = NULL;

	for (size_t i = 0; i < list->count; i++) {
		s = list->item[i];
		if (s->duty == duty)
			return s;
	}
	s = rec_list_new(a, list, sizeof(*s));
	if (s)
		*s = (struct stacks_stray){ .duty = duty, .name = name };
	return s;
}

static int add_once(struct arena *a, struct rec_list *list, const char *word)
{
	return has_name(list, word) ? 0 : rec_list_add(a, list, word);
}

static enum family family_of(const char *device)
{
	for (int f = 0; f < FAMILY_NUM; f++)
		if (!strncmp(device, family_names[f], strlen(family_names[f])))
			return (enum family)f;
	return FAMILY_NUM;
}

static int add_stray(struct arena *a, const struct stacks_unknown *u, unsigned int bit,
		     struct rec_list *ret)
{
	const enum family family = family_of(u->device);
	const struct feature_set set = mask_set(u->bits);
	const struct duty *d = duty_find(BITS_FEATURES, family, bit);
	struct stacks_stray *s = NULL;
	int r = 0;

	if (!d || !feature_set_has(&set, bit))
		return 0;
	s = stray_of(a, ret, d, bit_name(BITS_FEATURES, family, bit));
	if (!s)
		return -ENOMEM;
	r = add_once(a, &s->devices, u->device);
	return r == 0 ? add_once(a, &s->guests, guest_kind_names[u->guest]) : r;
}

int stacks_strays(struct arena *a, const struct rec_list *unknown, struct rec_list *ret)
{
	int r = 0;

	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++)
		for (size_t i = 0; i < unknown->count && r == 0; i++)
			r = add_stray(a, unknown->item[i], bit, ret);
	return r;
}
