/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "cmd/trace.h"
#include "report/json.h"

#define HINT "bits as `--what-if 33,40', names of bits, or the file of a report"
/* as for reports elsewhere: beyond that it is none */
#define REPORT_MAX (64 << 20)

static int read_all(const char *path, char **ret, size_t *ret_len)
{
	cleanup_file FILE *f = fopen(path, "re");
	struct stat st;
	char *text = NULL;

	if (!f || fstat(fileno(f), &st) < 0)
		return -errno;
	if (st.st_size > REPORT_MAX)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	*ret_len = fread(text, 1, (size_t)st.st_size, f);
	*ret = text;
	return 0;
}

static int take_report(const struct cmd_ctx *ctx, struct arena *a,
		       struct trace_options *o)
{
	cleanup_free char *text = NULL;
	struct rec_error err = { 0 };
	struct report r = { 0 };
	size_t len = 0;
	int e = read_all(o->what_if, &text, &len);

	if (e == 0)
		e = report_read_text(a, text, len, &r, &err);
	if (e == -ENOMEM)
		return cmd_fail_memory(ctx);
	if (e < 0)
		return cmd_fail(ctx, CMD_EXIT_LAB, "bad_report",
				"name a file that vhostcheck run -o or vm -o wrote",
				"%s is no report: %s%s%s", o->what_if, err.pointer,
				*err.pointer ? ": " : "",
				*err.text ? err.text : strerror(-e));
	for (size_t i = 0; i < r.devices.count; i++) {
		const struct report_device *d = r.devices.item[i];

		if (d->features && d->kind >= 0 && d->kind < FAMILY_NUM)
			o->shown[d->kind] = mask_set(d->features);
	}
	return 0;
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
