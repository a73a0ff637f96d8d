/* SPDX-License-Identifier: MIT */
/*
 * Prometheus' text format, for node_exporter's textfile collector. What changes from run
 * to run is a value, never a label, so that a series lasts.
 */
#include <inttypes.h>

#include "report/format_parts.h"

static void put_head(FILE *out, const char *name, const char *help)
{
	(void)fprintf(out, "# HELP vhostcheck_%s %s\n# TYPE vhostcheck_%s gauge\n", name,
		      help, name);
}

static void put_label(FILE *out, const char *before, const char *name, const char *value)
{
	(void)fprintf(out, "%s%s=\"", before, name);
	for (; value && *value; value++) {
		if (*value == '"' || *value == '\\')
			(void)fputc('\\', out);
		(void)fputc(*value, out);
	}
	(void)fputc('"', out);
}

static int put_info(FILE *out, struct arena *a, const struct report *r)
{
	const char *release = format_line(a, r->host.kernel.release);
	const char *version = format_line(a, r->tool.version);
	const char *commit = format_line(a, r->tool.git_commit);

	if (!release || !version || !commit)
		return -ENOMEM;
	put_head(out, "info", "What ran, and on which kernel.");
	(void)fputs("vhostcheck_info", out);
	put_label(out, "{", "version", version);
	put_label(out, ",", "commit", commit);
	put_label(out, ",", "kernel", release);
	(void)fputs("} 1\n", out);
	return 0;
}

static void put_run(FILE *out, const struct report *r)
{
	int64_t seconds = 0;

	put_head(
		out, "exit_status",
		"Exit status of the run: 0 pass, 1 fail, 2 inconclusive, 77 nothing here.");
	(void)fprintf(out, "vhostcheck_exit_status %" PRId64 "\n", r->summary.exit_code);
	if (format_time(r, &seconds)) {
		put_head(out, "last_run_timestamp_seconds", "When the run began.");
		(void)fprintf(out, "vhostcheck_last_run_timestamp_seconds %" PRId64 "\n",
			      seconds);
	}
	if (r->run.duration_us.set) {
		put_head(out, "duration_seconds", "How long the run took.");
		(void)fprintf(out, "vhostcheck_duration_seconds %.6f\n",
			      (double)r->run.duration_us.v / 1e6);
	}
	put_head(out, "checks", "Checks by their status.");
	for (int i = 0; i < STATUS_NUM; i++)
		(void)fprintf(out, "vhostcheck_checks{status=\"%s\"} %" PRId64 "\n",
			      status_names[i], r->summary.counts.n[i]);
	put_head(out, "known_findings", "Failed checks that are known findings.");
	(void)fprintf(out, "vhostcheck_known_findings %" PRId64 "\n", r->summary.known);
}

/* A result that is not there has no series: absent is never zero. */
static bool value_of(const struct result *x, int *ret)
{
	switch ((enum outcome_kind)x->kind) {
	case RESULT_PASS:
		*ret = 0;
		return true;
	case RESULT_FAIL:
		*ret = 1;
		return true;
	case RESULT_ERROR:
		*ret = 2;
		return true;
	case RESULT_XFAIL:
		*ret = 3;
		return true;
	case RESULT_SKIP:
		break;
	}
	return false;
}

static int put_results(FILE *out, struct arena *a, const struct report *r)
{
	struct rec_list results = { 0 };
	int e = format_results(a, r, &results);

	if (e < 0)
		return e;
	if (results.count)
		put_head(
			out, "result",
			"A check or a stack: 0 well, 1 failed, 2 undecided, 3 went wrong "
			"and does not count. What was not asked is not there.");
	for (size_t i = 0; i < results.count; i++) {
		const struct result *x = results.item[i];
		int value = 0;

		if (!value_of(x, &value))
			continue;
		(void)fputs("vhostcheck_result", out);
		put_label(out, "{", "suite", x->suite);
		put_label(out, ",", "name", x->name);
		put_label(out, ",", "severity",
			  x->check ? severity_names[x->check->severity] : "");
		(void)fprintf(out, "} %d\n", value);
	}
	return 0;
}

static int put_bits(FILE *out, struct arena *a, const struct report *r)
{
	bool headed = false;

	for (size_t i = 0; i < r->devices.count; i++) {
		const struct report_device *d = r->devices.item[i];
		const char *name = format_word(a, d->name);
		struct feature_set set = { 0 };

		if (!name)
			return -ENOMEM;
		if (!d->features)
			continue;
		if (!headed)
			put_head(out, "feature_offered",
				 "A feature bit that a device offers.");
		headed = true;
		set = mask_set(d->features);
		for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
			if (!feature_set_has(&set, bit))
				continue;
			(void)fputs("vhostcheck_feature_offered", out);
			put_label(out, "{", "device", name);
			put_label(out, ",", "feature",
				  bit_name(BITS_FEATURES, (enum family)d->kind, bit));
			(void)fprintf(out, ",bit=\"%u\"} 1\n", bit);
		}
	}
	return 0;
}

static int write_prometheus(const struct report *r, FILE *out)
{
	cleanup_arena struct arena a = { 0 };
	int e = put_info(out, &a, r);

	if (e < 0)
		return e;
	put_run(out, r);
	e = put_results(out, &a, r);
	return e < 0 ? e : put_bits(out, &a, r);
}

const struct format format_prometheus = {
	.name = "prometheus",
	.help = "Prometheus' text format, for node_exporter's textfiles",
	.write = write_prometheus,
};
