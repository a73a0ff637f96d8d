/* SPDX-License-Identifier: MIT */
/* Area features: VHOST_GET_FEATURES_ARRAY and VHOST_SET_FEATURES_ARRAY, for bits
 * above 63. */
#include <inttypes.h>
#include <string.h>

#include "checks/rows.h"

/* words that are asked for, from 0 on: more than any kernel has, fewer than the buffer */
#define COUNT_MAX 5u

/* what the drivers know; further words are zero (VIRTIO_FEATURES_BITS) */
#define KNOWN_WORDS 2u

static const char *count_step(struct arena *a, unsigned int count)
{
	const char *step = arena_printf(a, "count %u", count);

	return step ? step : "count";
}

/* The offered bits, both words, by one call each: steps "features" and "count 2". */
static int get_offered(struct session *s, struct session_array *ret)
{
	uint64_t low = 0;
	int r = session_get_u64(s, "features", VHOST_GET_FEATURES, &low);

	return r < 0 ? r : session_get_array(s, count_step(&s->arena, 2), 2, ret);
}

/* The words that were offered, as a judge knows them; false settles the verdict. */
static bool offered_at(struct judge *j, uint64_t ret[KNOWN_WORDS])
{
	const char *step = count_step(j->arena, 2);
	const struct ev *ev = judge_need(j, EV_IOCTL, step);
	const char *wrote = ev && ev->ioctl.arg ? ev->ioctl.arg : "nothing";
	const char *second = strstr(wrote, " 0x");
	bool both = false;

	second = second ? strstr(second + 1, " 0x") : NULL;
	both = second && !strncmp(wrote, "2: 0x", 5);

	if (!ev || !judge_mask(j, "features", &ret[0]))
		return false;
	judge_ok(j, step);
	judge_that(j, both, "%s with room for 2 words wrote \"%s\"", ev->ioctl.name,
		   wrote);
	if (both)
		ret[1] = strtoull(second, NULL, 16);
	return both;
}

static int collect_agrees(struct session *s)
{
	struct session_array array;
	uint64_t low = 0;
	int r = session_open(s);

	if (r < 0)
		return r;
	(void)session_get_u64(s, "features", VHOST_GET_FEATURES, &low);
	for (unsigned int count = 0; count <= COUNT_MAX; count++)
		(void)session_get_array(s, count_step(&s->arena, count), count, &array);
	return 0;
}

/* What is to be in the evidence of a call that asked for @count words. */
static const char *expected(struct arena *a, const uint64_t offered[KNOWN_WORDS],
			    unsigned int count)
{
	const char *text = arena_printf(a, "%u:", count);

	for (unsigned int i = 0; i < count && text; i++)
		text = arena_printf(a, "%s 0x%" PRIx64, text,
				    i < KNOWN_WORDS ? offered[i] : 0);
	return text;
}

static void judge_agrees(struct judge *j)
{
	uint64_t offered[KNOWN_WORDS] = { 0 };

	if (!offered_at(j, offered))
		return;
	for (unsigned int count = 0; count <= COUNT_MAX; count++) {
		const char *step = count_step(j->arena, count);
		const char *want = expected(j->arena, offered, count);
		const struct ev *ev = judge_need(j, EV_IOCTL, step);

		if (!ev || !want)
			return;
		judge_ok(j, step);
		judge_that(j, ev->ioctl.arg && !strcmp(ev->ioctl.arg, want),
			   "%s with room for %u words wrote \"%s\" where \"%s\" was due "
			   "(\"-\" is a word that it left alone)",
			   ev->ioctl.name, count,
			   ev->ioctl.arg ? ev->ioctl.arg : "nothing", want);
	}
}

const struct check features_array_agrees = {
	.area = "features",
	.name = "array_agrees",
	.families = ON_NET,
	.title = "the features array agrees with the mask, whatever count is asked for",
	.contract =
		"VHOST_GET_FEATURES_ARRAY writes as many words as it is asked for and none "
		"more: the first is the mask of VHOST_GET_FEATURES, the second has bits 64 "
		"to 127, all others are 0.",
	.harm = "A VMM that asks for more words than the kernel knows sees features vanish, "
		"or has its memory overwritten.",
	.judged =
		"One call for each count from 0 to 5, each into a poisoned buffer of eight "
		"words, compared word by word.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_array = true,
	.refs = WORDS("VHOST_GET_FEATURES_ARRAY", "commit 333c515d1896",
		      "vhost_net_ioctl() in drivers/vhost/net.c"),
	.faults = WORDS("array_low_differs", "array_overrun"),
	.collect = collect_agrees,
	.judge = judge_agrees,
};

static int collect_set(struct session *s)
{
	struct session_array offered = { 0 };
	int r = session_open(s);

	if (r < 0)
		return r;
	r = get_offered(s, &offered);
	if (r < 0)
		return 0;
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
		struct session_array one = { .count = 2 };

		one.word[bit / 64] = BIT64(bit % 64);
		if (offered.word[bit / 64] & one.word[bit / 64])
			(void)session_set_array(s, bit_step(&s->arena, bit), &one);
	}
	(void)session_set_array(s, "all", &offered);
	(void)session_set_array(s, "short",
				&(struct session_array){ 1, { offered.word[0] } });
	(void)session_set_array(s, "long",
				&(struct session_array){ 4, { offered.word[0] } });
	(void)session_set_array(s, "none", &(struct session_array){ 0 });
	return 0;
}

static void judge_set(struct judge *j)
{
	uint64_t offered[KNOWN_WORDS] = { 0 };

	if (!offered_at(j, offered))
		return;
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++)
		if (offered[bit / 64] & BIT64(bit % 64))
			judge_ok(j, bit_step(j->arena, bit));
	judge_ok(j, "all");
	judge_ok(j, "short");
	judge_ok(j, "long");
	judge_ok(j, "none");
}

const struct check features_array_set = {
	.area = "features",
	.name = "array_set",
	.families = ON_NET,
	.title = "each offered bit is accepted alone through the features array",
	.contract =
		"VHOST_SET_FEATURES_ARRAY takes each offered bit by itself, all of them "
		"together, and none; words that are not given are 0, and zero words past "
		"those that the kernel knows do no harm.",
	.harm = "A VMM cannot switch on what has no bit below 64, or fails on a kernel with "
		"fewer words than it knows itself.",
	.judged = "One call a bit, below and above 63; then all, the low word alone, the "
		  "low word and three of zero, and no word at all.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_array = true,
	.refs = WORDS("VHOST_SET_FEATURES_ARRAY", "commit 333c515d1896",
		      "vhost_net_ioctl() in drivers/vhost/net.c"),
	.faults = WORDS("array_set_refused"),
	.collect = collect_set,
	.judge = judge_set,
};

static int collect_unknown(struct session *s)
{
	struct session_array offered = { 0 };
	int r = session_open(s);

	if (r < 0)
		return r;
	r = get_offered(s, &offered);
	if (r < 0)
		return 0;
	for (unsigned int bit = 64; bit < FEATURE_BITS; bit++) {
		struct session_array one = { 2, { 0, BIT64(bit - 64) } };

		if (!(offered.word[1] & one.word[1]))
			(void)session_set_array(s, bit_step(&s->arena, bit), &one);
	}
	(void)session_set_array(s, "low",
				&(struct session_array){ 2, { ~offered.word[0] } });
	(void)session_set_array(s, "third word",
				&(struct session_array){ 3, { 0, 0, BIT64(0) } });
	(void)session_set_array(s, "fourth word",
				&(struct session_array){ 4, { 0, 0, 0, BIT64(63) } });
	return 0;
}

static void judge_unknown(struct judge *j)
{
	uint64_t offered[KNOWN_WORDS] = { 0 };

	if (!offered_at(j, offered))
		return;
	for (unsigned int bit = 64; bit < FEATURE_BITS; bit++)
		if (!(offered[1] & BIT64(bit - 64)))
			judge_errno(j, bit_step(j->arena, bit), EOPNOTSUPP);
	judge_errno(j, "low", EOPNOTSUPP);
	judge_errno(j, "third word", EOPNOTSUPP);
	judge_errno(j, "fourth word", EOPNOTSUPP);
}

const struct check features_array_unknown_refused = {
	.area = "features",
	.name = "array_unknown_refused",
	.families = ON_NET,
	.title = "the features array refuses what is not offered with EOPNOTSUPP",
	.contract =
		"VHOST_SET_FEATURES_ARRAY refuses every bit outside "
		"VHOST_GET_FEATURES_ARRAY with EOPNOTSUPP, in words past those that the "
		"kernel knows too.",
	.harm = "A VMM believes in a feature that the device does not have, and its guest's "
		"frames are misread.",
	.judged =
		"One call for each bit from 64 to 127 that is not offered, one with all "
		"that are not below, and one bit each in a third and a fourth word.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_array = true,
	.refs = WORDS("VHOST_SET_FEATURES_ARRAY", "commit 333c515d1896",
		      "vhost_net_ioctl() in drivers/vhost/net.c"),
	.faults = WORDS("array_unknown_taken", "array_unknown_other_errno"),
	.collect = collect_unknown,
	.judge = judge_unknown,
};
