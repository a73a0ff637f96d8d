/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "checks/vdpa_judges.h"

const struct vdpa_config vdpa_plain = { 0 };

int vdpa_begin_plain(struct vdpa *v, struct session *s)
{
	int r = vdpa_begin(v, s, &vdpa_plain);

	return r < 0 ? r : vdpa_both_ways(v, "first");
}

int vdpa_again(struct vdpa *v)
{
	int r = vdpa_prepare(v, &vdpa_plain);

	if (r == 0)
		r = vdpa_start(v);
	return r < 0 ? r : vdpa_both_ways(v, "fresh");
}

int vdpa_fresh(struct vdpa *v)
{
	int r = vdpa_reopen(v);

	return r < 0 ? r : vdpa_again(v);
}

static const char *part_of(struct judge *j, const char *step, const char *part)
{
	const char *text = arena_printf(j->arena, "%s.%s", step, part);

	return text ? text : step;
}

void judge_vdpa_both(struct judge *j, const char *step)
{
	judge_bytes(j, part_of(j, step, "write"), VDPA_BYTES);
	judge_bytes(j, part_of(j, step, "read"), VDPA_BYTES);
}

/* What became of a request; NULL settles the verdict. */
static const char *outcome(struct judge *j, const char *step)
{
	const char *is = judge_fact_value(j, step, "request");

	judge_that(j, is != NULL,
		   "no request \"%s\" came about: a step before it did not "
		   "succeed",
		   step);
	return is;
}

void judge_request(struct judge *j, const char *step, unsigned int status, uint32_t used)
{
	const char *is = outcome(j, step);
	const char *want =
		arena_printf(j->arena, "status %u, used %" PRIu32, status, used);

	if (is && want)
		judge_that(j, !strcmp(is, want),
			   "the request at step \"%s\" ended with \"%s\"; it must be "
			   "\"%s\"",
			   step, is, want);
}

void judge_status_byte(struct judge *j, const char *step, unsigned int status)
{
	const char *is = outcome(j, step);
	const char *want = arena_printf(j->arena, "status %u,", status);

	if (is && want)
		judge_that(
			j, !strncmp(is, want, strlen(want)),
			"the request at step \"%s\" ended with \"%s\"; its status must "
			"be %u",
			step, is, status);
}

/* With status OK; of a frame there is none. */
static bool is_served(const char *is)
{
	return !strncmp(is, "status 0,", strlen("status 0,")) ||
	       !strncmp(is, "served,", strlen("served,"));
}

void judge_served(struct judge *j, const char *step)
{
	const char *is = outcome(j, step);

	if (is)
		judge_that(j, is_served(is),
			   "the request at step \"%s\" was not served: %s", step, is);
}

void judge_not_served(struct judge *j, const char *step)
{
	const char *is = outcome(j, step);

	if (!is)
		return;
	judge_that(j, !is_served(is),
		   "the request at step \"%s\" was served (%s); it must not be", step,
		   is);
	judge_that(j,
		   !strcmp(is, "not used") || !strncmp(is, "status ", strlen("status ")),
		   "step \"%s\": %s; that is no answer to a request that must not be "
		   "served",
		   step, is);
}

void judge_not_used(struct judge *j, const char *step)
{
	const char *is = outcome(j, step);

	if (is)
		judge_that(j, !strcmp(is, "not used"),
			   "a buffer was used at step \"%s\" (%s); none may be", step,
			   is);
}

bool judge_number(struct judge *j, const char *step, uint64_t *ret)
{
	const struct ev *ev = judge_need(j, EV_IOCTL, step);

	if (!ev)
		return false;
	judge_ok(j, step);
	judge_that(j, ev->ioctl.arg != NULL,
		   "%s at step \"%s\" succeeded and wrote nothing", ev->ioctl.name, step);
	if (j->settled || !ev->ioctl.arg)
		return false;
	*ret = strtoull(ev->ioctl.arg, NULL, 0);
	return true;
}

void judge_positive(struct judge *j, const char *step)
{
	uint64_t value = 0;

	if (judge_number(j, step, &value))
		judge_that(j, value > 0, "%s is 0; it must be at least 1", step);
}
