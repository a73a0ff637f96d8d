/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "checks/shadow.h"
#include "guest/vsock.h"

#define CANARY 0xc5

int shadow_take(struct session *s, struct shadow *sh)
{
	if (!sh->copy)
		sh->copy = malloc(s->mem.len);
	if (!sh->copy)
		return -ENOMEM;
	memcpy(sh->copy, s->mem.base, s->mem.len);
	return 0;
}

void shadow_done(struct shadow *sh)
{
	free(sh->copy);
	sh->copy = NULL;
}

void shadow_paint(struct session *s, enum mem_region_id id)
{
	memset(mem_ptr(&s->mem, id, 0), CANARY, s->mem.region[id].len);
}

void shadow_note(struct session *s, const struct shadow *sh, const char *step,
		 enum mem_region_id id)
{
	const struct mem_region *region = &s->mem.region[id];
	const unsigned char *now = mem_ptr(&s->mem, id, 0);
	const unsigned char *then = sh->copy + region->offset;
	uint64_t first = 0;
	uint64_t end = region->len;

	if (!memcmp(now, then, end))
		first = end;
	while (first < end && now[first] == then[first])
		first++;
	while (end > first && now[end - 1] == then[end - 1])
		end--;
	if (first == end)
		session_fact(s, step, region->name, SHADOW_UNTOUCHED);
	else
		session_fact(s, step, region->name, "touched from +0x%llx to +0x%llx",
			     (unsigned long long)first, (unsigned long long)end - 1);
}

void shadow_note_all(struct session *s, const struct shadow *sh, const char *step,
		     enum mem_region_id first, enum mem_region_id last)
{
	for (int id = (int)first; id <= (int)last; id++)
		shadow_note(s, sh, step, (enum mem_region_id)id);
}

void judge_untouched(struct judge *j, const char *step, const char *region)
{
	const char *is = judge_fact_value(j, step, region);

	judge_that(j, is && !strcmp(is, SHADOW_UNTOUCHED),
		   "%s, which the device may not touch, is %s at step \"%s\"", region,
		   is ? is : "not recorded", step);
}

void judge_untouched_each(struct judge *j, const char *step, const char *const *regions)
{
	for (size_t i = 0; regions[i]; i++)
		judge_untouched(j, step, regions[i]);
}

static void judge_by(struct judge *j, const char *before, const char *after, uint16_t n)
{
	const struct ev *ev = judge_need(j, EV_RING, before);

	if (!ev)
		return;
	judge_that(j, ev->ring.used.set, "the used index at step \"%s\" is not known",
		   before);
	judge_moved(j, after, (uint16_t)ev->ring.used.v, n);
}

void judge_still(struct judge *j, const char *before, const char *after)
{
	judge_by(j, before, after, 0);
}

void judge_went_on(struct judge *j, const char *before, const char *after)
{
	judge_by(j, before, after, 1);
}

void judge_miss_in(struct judge *j, const char *step, const char *region)
{
	const struct ev *ev = judge_need(j, EV_IOTLB, step);

	if (ev)
		judge_that(j,
			   ev->iotlb.msg == EV_MISS && ev->iotlb.iova &&
				   !strncmp(ev->iotlb.iova, region, strlen(region)) &&
				   ev->iotlb.iova[strlen(region)] == '+',
			   "reading the device at step \"%s\" gave no miss in %s", step,
			   region);
}

void note_outcome(struct session *s, const char *step, int r)
{
	const char *name = r < 0 ? strerrorname_np(-r) : "done";

	session_fact(s, step, "transfer", "%s", r == -ENODATA ? "held" : name);
}

void judge_held(struct judge *j, const char *step)
{
	const char *is = judge_fact_value(j, step, "transfer");

	judge_that(
		j, is && !strcmp(is, "held"),
		"what the device may not transfer at step \"%s\" was not held back: %s",
		step, is ? is : "not recorded");
}

int arrive(struct link *l)
{
	if (l->s->family == FAMILY_VSOCK)
		return vsock_host_connects(l);
	return link_rx(l, "arrive", SHORT_BYTES);
}
