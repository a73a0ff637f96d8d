/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/stored.h"
#include "cmd/trace.h"

#define HINT                                                                             \
	"bits as `--what-if 33,40', names of bits, or the file of a report, with a '/' " \
	"or a '.' in its name"

static int take_report(const struct cmd_ctx *ctx, struct arena *a,
		       struct trace_options *o)
{
	struct report r = { 0 };
	int status = stored_read(ctx, a, o->what_if, &r);

	for (size_t i = 0; status == 0 && i < r.devices.count; i++) {
		const struct report_device *d = r.devices.item[i];

		if (d->features && d->kind >= 0 && d->kind < FAMILY_NUM)
			o->shown[d->kind] = mask_set(d->features);
	}
	return status;
}

/* A bit of any device: one name may be another bit elsewhere. */
static bool take_bit(struct trace_options *o, const char *word)
{
	bool found = false;

	for (int f = 0; f < FAMILY_NUM; f++) {
		int bit = bit_number((enum family)f, word);

		if (bit < 0)
			continue;
		o->shown[f].word[bit / 64] |= BIT64(bit % 64);
		found = true;
	}
	return found;
}

int trace_what_if(const struct cmd_ctx *ctx, struct arena *a, struct trace_options *o)
{
	char *rest = NULL;

	if (!o->what_if)
		return 0;
	if (strchr(o->what_if, '/') || strchr(o->what_if, '.'))
		return take_report(ctx, a, o);
	rest = arena_strdup(a, o->what_if);
	if (!rest)
		return cmd_fail_memory(ctx);
	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ","))
		if (!take_bit(o, word))
			return cmd_fail(ctx, CMD_EXIT_USAGE, "usage", HINT,
					"--what-if: '%s' is no feature bit", word);
	return 0;
}
