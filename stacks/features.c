/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/duty.h"
#include "stacks/features.h"

static struct feature_set set_of(const struct rec_list *names, enum family family)
{
	struct feature_set set = { 0 };

	for (size_t i = 0; i < names->count; i++) {
		int bit = bit_number(family, names->item[i]);

		if (bit >= 0)
			set.word[bit / 64] |= BIT64(bit % 64);
	}
	return set;
}

static struct feature_set base_of(const struct stack *stack,
				  const struct feature_set *offered,
				  const struct feature_set *acked)
{
	switch ((enum stack_base)stack->base) {
	case STACK_BASE_ACKED:
	case STACK_BASE_OBSERVED:
		return *acked;
	case STACK_BASE_OFFERED:
		return *offered;
	case STACK_BASE_NONE:
		break;
	}
	return (struct feature_set){ 0 };
}

struct stack_features stack_features(const struct stack *stack,
				     const struct stack_guest *guest, enum family family,
				     const struct feature_set *offered)
{
	const struct feature_set acks = set_of(&guest->acks, family);
	const struct feature_set mask = set_of(&guest->mask, family);
	const struct feature_set force = set_of(&guest->force, family);
	const struct feature_set known = set_of(&stack->known, family);
	struct stack_features f = { 0 };

	for (int i = 0; i < FEATURE_WORDS; i++)
		f.acked.word[i] = offered->word[i] & acks.word[i];
	f.sent = base_of(stack, offered, &f.acked);
	for (int i = 0; i < FEATURE_WORDS; i++) {
		f.sent.word[i] = (f.sent.word[i] & ~mask.word[i]) | force.word[i];
		f.unknown.word[i] = f.sent.word[i] & offered->word[i] & ~known.word[i];
		if (stack->base == STACK_BASE_OBSERVED)
			f.unobserved.word[i] =
				offered->word[i] &
				~(acks.word[i] | mask.word[i] | force.word[i]);
	}
	return f;
}

int stack_backend_number(enum family family, const char *name)
{
	for (int bit = 0; bit < 64; bit++) {
		const char *known = bit_name(BITS_BACKEND, family, (unsigned int)bit);

		if (known && !strcmp(known, name))
			return bit;
	}
	return -ENOENT;
}

uint64_t stack_backend(const struct stack *stack, enum family family, uint64_t offered)
{
	uint64_t set = 0;

	if (stack->backend.count && !strcmp(stack->backend.item[0], STACK_ALL))
		return offered;
	for (size_t i = 0; i < stack->backend.count; i++) {
		int bit = stack_backend_number(family, stack->backend.item[i]);

		if (bit >= 0)
			set |= BIT64(bit);
	}
	return set & offered;
}

struct feature_set stack_offered_anywhere(enum family family)
{
	struct feature_set set = { 0 };

	for (unsigned int bit = 0; bit < 64; bit++) {
		const struct duty *d = duty_find(BITS_FEATURES, family, bit);

		if (d && duty_since(d, family))
			set.word[0] |= BIT64(bit);
	}
	return set;
}
