/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/execute.h"
#include "cmd/explain.h"
#include "cmd/features.h"
#include "cmd/features_explain.h"
#include "cmd/vdpa_about.h"
#include "report/summary.h"
#include "run/look.h"

/** struct features_options - run's options, of which only the devices are taken */
struct features_options {
	struct run_options run;
	bool toggle, explain;
};

/** struct features_bit - one bit of a device, by toggling it */
struct features_bit {
	int64_t bit;
	const char *name;
	int err; /* of setting it alone; 0: accepted */
};

/**
 * struct features_device - one device of "vhostcheck-features/1"
 * @vdpa:	what is told of a vDPA device without opening it, else NULL
 * @toggled:	struct features_bit, with --toggle
 * @explained:	with --explain
 */
struct features_device {
	struct report_device device;
	struct vdpa_about *vdpa;
	struct rec_list toggled;
	struct features_duties explained;
};

/** struct features_document - all of it */
struct features_document {
	struct rec_list devices;
};

static const struct rec_field bit_fields[] = {
	REC_FIELD(struct features_bit, bit, REC_INT),
	{ "name", REC_STR, offsetof(struct features_bit, name), true, NULL },
	{ "errno", REC_ERRNO, offsetof(struct features_bit, err), true, NULL },
	{ 0 },
};

static const struct rec_shape bit_shape = {
	.name = "features_bit",
	.size = sizeof(struct features_bit),
	.field = bit_fields,
};

static const struct rec_field device_fields[] = {
	{ "device", REC_INLINE, offsetof(struct features_device, device), false,
	  &report_device_shape },
	{ "vdpa", REC_PTR, offsetof(struct features_device, vdpa), true,
	  &vdpa_about_shape },
	{ "toggled", REC_LIST, offsetof(struct features_device, toggled), false,
	  &bit_shape },
	{ "duties", REC_LIST, offsetof(struct features_device, explained.duties), false,
	  &explain_listed_shape },
	{ "without_iotlb", REC_PTR,
	  offsetof(struct features_device, explained.without_iotlb), true, &mask_shape },
	{ 0 },
};

static const struct rec_shape device_shape = {
	.name = "features_device",
	.size = sizeof(struct features_device),
	.field = device_fields,
};

static const struct rec_field document_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-features/1" },
	{ "devices", REC_LIST, offsetof(struct features_document, devices), false,
	  &device_shape },
	{ 0 },
};

const struct rec_shape features_shape = {
	.name = "features",
	.size = sizeof(struct features_document),
	.field = document_fields,
};

enum {
	OPT_TOGGLE = 0x300,
	OPT_EXPLAIN
};

static const struct argp_option options[] = {
	{ "toggle", OPT_TOGGLE, NULL, 0,
	  "Tell for each bit how VHOST_SET_FEATURES (above 63: _ARRAY) took it alone",
	  1 },
	{ "explain", OPT_EXPLAIN, NULL, 0,
	  "Tell of each bit what sending it obliges to, and which bits a VMM without IOTLB "
	  "support may send",
	  1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct features_options *o = state->input;

	switch (key) {
	case OPT_TOGGLE:
		o->toggle = true;
		return 0;
	case OPT_EXPLAIN:
		o->explain = true;
		return 0;
	case ARGP_KEY_ARG:
		return run_options_device(state, &o->run, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp features_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[DEV...]",
	.doc = "Tell which feature bits the vhost devices of this host offer: all but vDPA, or "
	       "those named.",
};

static int add_toggled(struct execution *x, struct features_device *d,
		       const struct evidence *e)
{
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
		int err = look_bit_errno(e, bit);
		struct features_bit *b = NULL;

		if (err < 0)
			continue;
		b = rec_list_new(&x->arena, &d->toggled, sizeof(*b));
		if (!b)
			return -ENOMEM;
		b->bit = bit;
		b->name = bit_name(BITS_FEATURES, (enum family)d->device.kind, bit);
		b->err = err;
	}
	return 0;
}

static int collect(struct execution *x, const struct features_options *o,
		   struct features_document *doc)
{
	for (size_t i = 0; i < x->report.devices.count; i++) {
		struct report_device *known = x->report.devices.item[i];
		struct features_device *d =
			rec_list_new(&x->arena, &doc->devices, sizeof(*d));
		struct evidence seen = { 0 };
		int status = 0;

		if (!d)
			return cmd_fail_memory(x->ctx);
		if (known->kind == FAMILY_VDPA &&
		    vdpa_about(&x->arena, known->path, &d->vdpa) < 0)
			return cmd_fail_memory(x->ctx);
		if (known->state == DEVICE_OK)
			status = execute_look_at(x, known, &seen);
		if (status)
			return status;
		d->device = *known;
		if (o->toggle && add_toggled(x, d, &seen) < 0)
			return cmd_fail_memory(x->ctx);
		if (o->explain &&
		    features_explain(&x->arena, &d->device, &d->explained) < 0)
			return cmd_fail_memory(x->ctx);
		if (runner_signal(x->runner))
			return EXIT_SIGNAL + runner_signal(x->runner);
	}
	return 0;
}

static void print_mask(const char *label, enum bit_space space,
		       const struct report_device *d, const struct mask *m)
{
	struct feature_set bits;

	if (!m)
		return;
	bits = mask_set(m);
	printf("  %-17s %s\n", label, m->hex);
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
		const char *name = bit_name(space, (enum family)d->kind, bit);

		if (feature_set_has(&bits, bit))
			printf("  %17u %s%s\n", bit, name ? name : "(no name known)",
			       space == BITS_FEATURES && bit == 33
				       ? "  arms the device IOTLB"
				       : "");
	}
}

static void print_device(struct arena *a, const struct features_device *f, bool toggle)
{
	const struct report_device *d = &f->device;
	const char *about = f->vdpa ? vdpa_about_text(a, f->vdpa) : NULL;

	if (about)
		printf("%s: %s\n", d->name, about);
	if (d->state != DEVICE_OK) {
		printf("%s: %s: %s\n", d->name, device_state_names[d->state],
		       d->reason ? d->reason : "");
		return;
	}
	printf("%s: %s\n", d->name, d->path);
	print_mask("features", BITS_FEATURES, d, d->features);
	print_mask("backend features", BITS_BACKEND, d, d->backend_features);
	for (size_t i = 0; toggle && i < f->toggled.count; i++) {
		const struct features_bit *b = f->toggled.item[i];

		printf("  set bit %-9d %s%s%s\n", (int)b->bit,
		       b->err ? "refused with " : "accepted",
		       b->err ? strerrorname_np(b->err) : "",
		       b->err ? "; it is offered, so this is a bug of the driver" : "");
	}
}

static void print_all(struct execution *x, const struct features_document *doc,
		      const struct features_options *o)
{
	struct page page;

	cmd_page(x->ctx, stdout, &page);
	for (size_t i = 0; i < doc->devices.count; i++) {
		const struct features_device *d = doc->devices.item[i];

		print_device(&x->arena, d, o->toggle);
		if (o->explain)
			features_explain_print(&page, &d->device, &d->explained);
	}
}

/* What was named and cannot be asked is inconclusive; nothing at all is 77. */
static int exit_status(const struct execution *x)
{
	bool any = false;
	bool named = x->options->selection.devices.count > 0;

	if (x->report.devices.count < x->options->selection.devices.count)
		return EXIT_INCONCLUSIVE;
	for (size_t i = 0; i < x->report.devices.count; i++) {
		const struct report_device *d = x->report.devices.item[i];

		any = any || d->state == DEVICE_OK;
		if (named && d->state != DEVICE_OK)
			return EXIT_INCONCLUSIVE;
	}
	return any ? 0 : EXIT_NOTHING_HERE;
}

static int run_features(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct features_options o = { 0 };
	struct features_document doc = { 0 };
	struct execution x = { .ctx = ctx, .options = &o.run };
	int status = 0;

	if (run_options_init(&o.run, argc, argv) < 0)
		return cmd_fail_memory(ctx);
	status = cmd_parse(ctx, &features_argp, argc, argv, &o);
	if (status == CMD_GO_ON) {
		status = execute_begin(&x);
		if (!status)
			status = collect(&x, &o, &doc);
		if (!status && ctx->json)
			status = cmd_print_json(ctx, &features_shape, &doc);
		else if (!status)
			print_all(&x, &doc, &o);
		if (!status)
			status = exit_status(&x);
		execute_done(&x);
	}
	run_options_done(&o.run);
	return status;
}

const struct cmd cmd_features = {
	.name = "features",
	.help = "tell which feature bits the devices offer, and prove them",
	.run = run_features,
};
