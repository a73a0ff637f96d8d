/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/text.h"
#include "report/text_parts.h"

const char *text_plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* ------------------------------------------------------------------ header */

static void put_header(struct page *p, const struct report *r)
{
	const struct report_vm *vm = r->run.vm;

	page_tone(p, TONE_BOLD);
	page_wrapf(p, 0, "%s %s", r->tool.name, r->tool.version);
	page_tone(p, TONE_PLAIN);
	page_newline(p);
	page_wrapf(p, 2, "Linux %s,", r->host.kernel.release);
	if (vm)
		page_wrapf(p, 2, "in a virtual machine (%s, QEMU %s)", vm->accel,
			   vm->qemu);
	else
		page_wrapf(p, 2, "on this host, as %s", r->run.privileges);
	page_newline(p);
}

/* ------------------------------------------------------------------ devices */

static enum tone device_tone(int state)
{
	if (state == DEVICE_OK)
		return TONE_GOOD;
	return state == DEVICE_ABSENT ? TONE_DIM : TONE_WARN;
}

/* VIRTIO_RING_F_EVENT_IDX is EVENT_IDX to those who know it. */
static const char *short_name(const char *name)
{
	const char *f = strstr(name, "_F_");

	return f ? f + strlen("_F_") : name;
}

/* VHOST_FEATURES in drivers/vhost/vhost.h: what every device offers tells nothing. */
static bool bit_is_common(const char *name)
{
	static const char *const common[] = { "NOTIFY_ON_EMPTY", "ANY_LAYOUT",
					      "INDIRECT_DESC", "EVENT_IDX", "LOG_ALL" };

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		if (!strcmp(short_name(name), common[i]))
			return true;
	return false;
}

static void put_mask(struct page *p, size_t indent, const char *what,
		     const struct mask *m)
{
	page_pad_to(p, indent);
	page_put(p, what);
	page_wrap(p, indent + 2, m->hex);
	for (size_t i = 0; i < m->names.count; i++)
		if (p->verbosity > 0 || !bit_is_common(m->names.item[i]))
			page_wrap(p, indent + 2, short_name(m->names.item[i]));
	for (size_t i = 0; i < m->unknown_bits.count; i++)
		page_wrapf(p, indent + 2, "%" PRId64 "?",
			   *(const int64_t *)m->unknown_bits.item[i]);
	page_newline(p);
}

static void put_device(struct page *p, const struct report_device *d, size_t name_width,
		       size_t path_width)
{
	size_t indent = 2 + name_width + 2;

	page_pad_to(p, 2);
	page_put(p, d->name);
	page_pad_to(p, indent);
	page_put(p, d->path);
	page_pad_to(p, indent + path_width + 2);
	page_put_toned(p, device_tone(d->state), device_state_names[d->state]);
	if (d->iotlb_policy >= 0)
		page_wrapf(p, indent, "(IOTLB %s)", iotlb_policy_names[d->iotlb_policy]);
	page_newline(p);
	if (d->reason) {
		page_wrap(p, indent, d->reason);
		page_newline(p);
	}
	if (d->features)
		put_mask(p, indent, "features", d->features);
	if (d->backend_features && p->verbosity > 0)
		put_mask(p, indent, "backend", d->backend_features);
	if (d->features_accepted && p->verbosity > 0)
		put_mask(p, indent, "accepted", d->features_accepted);
}

static void put_devices(struct page *p, const struct report *r)
{
	size_t name_width = 0, path_width = 0;

	if (!r->devices.count)
		return;
	page_heading(p, "Devices");
	for (size_t i = 0; i < r->devices.count; i++) {
		const struct report_device *d = r->devices.item[i];

		name_width = page_wider(name_width, d->name);
		path_width = page_wider(path_width, d->path);
	}
	for (size_t i = 0; i < r->devices.count; i++)
		put_device(p, r->devices.item[i], name_width, path_width);
}

/* ------------------------------------------------------------------ checks */

#define STATUS_COLUMN 2u
#define ID_COLUMN 11u

static enum tone status_tone(int status)
{
	switch ((enum status)status) {
	case STATUS_PASS:
		return TONE_GOOD;
	case STATUS_FAIL:
	case STATUS_TIMEOUT:
	case STATUS_CRASH:
	case STATUS_XPASS:
		return TONE_BAD;
	case STATUS_ERROR:
	case STATUS_BLOCKED:
		return TONE_WARN;
	case STATUS_SKIP:
	case STATUS_XFAIL:
	case STATUS_NUM:
		break;
	}
	return TONE_DIM;
}

static bool check_is_shown(const struct page *p, const struct report_check *c)
{
	return c->status != STATUS_PASS || p->verbosity > 0;
}

static bool same_expected(const struct report_expected *a,
			  const struct report_expected *b)
{
	if (!a || !b)
		return a == b;
	return !strcmp(a->verdict, b->verdict) && !strcmp(a->reason, b->reason) &&
	       !strcmp(a->source, b->source);
}

static bool same_reason(const struct report_check *a, const struct report_check *b)
{
	return a->status == b->status && a->reason && b->reason && !a->known &&
	       !b->known && same_expected(a->expected, b->expected) &&
	       a->reason->code == b->reason->code &&
	       !strcmp(a->reason->text, b->reason->text);
}

/* What the id does not tell: which of several devices of its family, how bad. */
static void put_check_line(struct page *p, const struct report_check *c, size_t id_width)
{
	size_t family = strcspn(c->id, ".");

	page_pad_to(p, STATUS_COLUMN);
	page_put_toned(p, c->known ? TONE_WARN : status_tone(c->status),
		       status_names[c->status]);
	page_pad_to(p, ID_COLUMN);
	page_put(p, c->id);
	if (status_tone(c->status) == TONE_BAD) {
		page_pad_to(p, ID_COLUMN + id_width + 2);
		page_put(p, severity_names[c->severity]);
	}
	if (strlen(c->device) != family || strncmp(c->id, c->device, family) != 0) {
		page_pad_to(p, ID_COLUMN + id_width + 1);
		page_wrapf(p, ID_COLUMN, "on %s", c->device);
	}
	page_newline(p);
}

static void put_known(struct page *p, const struct report_known *k)
{
	page_wrap(p, ID_COLUMN, "Known finding:");
	page_wrap(p, ID_COLUMN, k->text);
	if (k->since)
		page_wrapf(p, ID_COLUMN, "Since %s.", k->since);
	if (k->fixed_by)
		page_wrapf(p, ID_COLUMN, "Fixed by %s.", k->fixed_by);
	page_newline(p);
}

static void put_expected(struct page *p, size_t indent, const struct report_expected *x)
{
	page_wrapf(p, indent, "Expected %s: %s", x->verdict, x->reason);
	page_wrapf(p, indent, "(%s)", x->source);
	page_newline(p);
}

/* A reason that the next check shares is said once, below the last that has it. */
static void put_check(struct page *p, const struct report_check *c,
		      const struct report_check *next, size_t id_width)
{
	put_check_line(p, c, id_width);
	if (c->status == STATUS_PASS && p->verbosity < 2)
		return;
	if (next && same_reason(c, next) && p->verbosity < 2)
		return;
	if (c->reason) {
		page_wrap(p, ID_COLUMN, c->reason->text);
		page_newline(p);
	}
	if (c->known)
		put_known(p, c->known);
	if (c->expected)
		put_expected(p, ID_COLUMN, c->expected);
	text_evidence(p, ID_COLUMN, &c->evidence);
}

static void put_counts(struct page *p, const struct report *r)
{
	static const int order[] = { STATUS_PASS,  STATUS_FAIL,  STATUS_TIMEOUT,
				     STATUS_CRASH, STATUS_ERROR, STATUS_BLOCKED,
				     STATUS_SKIP,  STATUS_XFAIL, STATUS_XPASS };
	bool first = true;

	page_newline(p);
	page_put_toned(p, TONE_BOLD, "Checks");
	page_put(p, "  ");
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		int64_t n = r->summary.counts.n[order[i]];
		char text[48];

		if (!n)
			continue;
		(void)snprintf(text, sizeof(text), "%" PRId64 " %s", n,
			       status_names[order[i]]);
		if (!first)
			page_put(p, ", ");
		page_put_toned(p, status_tone(order[i]), text);
		first = false;
	}
	if (first)
		page_put(p, "none");
	if (r->summary.known)
		page_wrapf(p, 8, "(%" PRId64 " known finding%s)", r->summary.known,
			   text_plural(r->summary.known));
	page_newline(p);
}

static bool is_of_device(const struct report_check *c, const struct report_device *d)
{
	return d->reason && c->reason && !strcmp(c->device, d->name) &&
	       !strcmp(c->reason->text, d->reason);
}

/* What a device's own state keeps from being asked is one line, not one a check. */
static bool stands_at_its_device(const struct page *p, const struct report *r,
				 const struct report_check *c)
{
	for (size_t i = 0; i < r->devices.count && p->verbosity < 1; i++)
		if (is_of_device(c, r->devices.item[i]))
			return true;
	return false;
}

static void put_unasked(struct page *p, const struct report *r)
{
	for (size_t i = 0; i < r->devices.count && p->verbosity < 1; i++) {
		const struct report_device *d = r->devices.item[i];
		int status = STATUS_ERROR;
		size_t n = 0;

		for (size_t k = 0; k < r->checks.count; k++) {
			const struct report_check *c = r->checks.item[k];

			if (is_of_device(c, d)) {
				status = c->status;
				n++;
			}
		}
		if (!n)
			continue;
		page_pad_to(p, STATUS_COLUMN);
		page_put_toned(p, status_tone(status), status_names[status]);
		page_pad_to(p, ID_COLUMN);
		page_wrapf(p, ID_COLUMN,
			   "%s.*: %zu checks, since the device is %s as said above",
			   d->name, n, device_state_names[d->state]);
		page_newline(p);
	}
}

static void put_checks(struct page *p, const struct report *r)
{
	const struct report_check *shown = NULL;
	const struct report_check *broken = NULL;
	size_t id_width = 0;

	put_counts(p, r);
	for (size_t i = 0; i < r->checks.count; i++) {
		const struct report_check *c = r->checks.item[i];

		if (check_is_shown(p, c) && !stands_at_its_device(p, r, c))
			id_width = page_wider(id_width, c->id);
		if (!broken && status_tone(c->status) == TONE_BAD)
			broken = c;
	}
	for (size_t i = 0; i < r->checks.count; i++) {
		const struct report_check *c = r->checks.item[i];

		if (!check_is_shown(p, c) || stands_at_its_device(p, r, c))
			continue;
		if (shown)
			put_check(p, shown, c, id_width);
		shown = c;
	}
	if (shown)
		put_check(p, shown, NULL, id_width);
	put_unasked(p, r);
	if (broken) {
		page_pad_to(p, STATUS_COLUMN);
		page_tone(p, TONE_DIM);
		page_wrapf(p, STATUS_COLUMN, "What a check asks and why: %s explain %s",
			   r->tool.name, broken->id);
		page_tone(p, TONE_PLAIN);
		page_newline(p);
	}
}

/* ------------------------------------------------------------------ stacks */

struct stack_columns {
	size_t guest, device, verdict, rest;
};

enum tone text_verdict_tone(int verdict)
{
	switch ((enum stack_verdict)verdict) {
	case STACK_WORKS:
		return TONE_GOOD;
	case STACK_DEGRADED:
	case STACK_FAILS_START:
	case STACK_STALLS:
	case STACK_REFUSED:
		return TONE_BAD;
	case STACK_UNKNOWN:
	case STACK_ERROR:
		return TONE_WARN;
	case STACK_NOT_APPLICABLE:
	case STACK_VERDICT_NUM:
		break;
	}
	return TONE_DIM;
}

/* Rows that follow each other for one reason show it once, below the last. */
static bool goes_on(const struct report_stack *s, const struct report_stack *next)
{
	return next && next->reason && same_expected(s->expected, next->expected) &&
	       !strcmp(s->reason->text, next->reason->text);
}

/* The fact at @step, or NULL. */
static const char *fact_of(const struct rec_list *evidence, const char *step,
			   const char *name)
{
	for (size_t i = 0; i < evidence->count; i++) {
		const struct ev *ev = evidence->item[i];

		if (ev->kind == EV_FACT && !strcmp(ev->step, step) &&
		    !strcmp(ev->fact.name, name))
			return ev->fact.value;
	}
	return NULL;
}

static enum family family_of(const char *device)
{
	for (int f = 0; f < FAMILY_NUM; f++)
		if (!strncmp(device, family_names[f], strlen(family_names[f])))
			return (enum family)f;
	return FAMILY_NUM;
}

/* The bits that went out without the VMM's knowing them: stacks/player.h. */
static void put_unknown(struct page *p, size_t indent, const struct report_stack *s)
{
	const char *hex = fact_of(&s->evidence, "setup.features", "unknown");
	const struct mask mask = { .hex = hex };
	struct feature_set set = { 0 };

	if (!hex || strncmp(hex, "0x", 2) != 0 || !strcmp(hex, "0x0"))
		return;
	set = mask_set(&mask);
	page_wrap(p, indent, "Sent without knowing it:");
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
		const char *name = bit_name(BITS_FEATURES, family_of(s->device), bit);

		if (feature_set_has(&set, bit) && name)
			page_wrap(p, indent, short_name(name));
		else if (feature_set_has(&set, bit))
			page_wrapf(p, indent, "bit %u", bit);
	}
	page_newline(p);
}

static void put_stack(struct page *p, const struct report_stack *s,
		      const struct report_stack *next, const struct stack_columns *at)
{
	bool moved = s->transfer.tx_bytes || s->transfer.rx_bytes;

	page_pad_to(p, 2);
	page_put(p, s->stack);
	page_pad_to(p, at->guest);
	page_put(p, guest_kind_names[s->guest]);
	page_pad_to(p, at->device);
	page_put(p, s->device);
	page_pad_to(p, at->verdict);
	page_put_toned(p, text_verdict_tone(s->verdict), stack_verdict_names[s->verdict]);
	if (s->signature || moved)
		page_pad_to(p, at->rest - 1);
	if (s->signature)
		page_wrapf(p, at->guest, "%s%s", s->signature, moved ? "," : "");
	if (moved)
		page_wrapf(p, at->guest, "%" PRId64 " bytes out, %" PRId64 " in",
			   s->transfer.tx_bytes, s->transfer.rx_bytes);
	page_newline(p);
	if (s->reason && !goes_on(s, next)) {
		page_wrap(p, at->guest, s->reason->text);
		page_newline(p);
		if (s->expected)
			put_expected(p, at->guest, s->expected);
	}
	put_unknown(p, at->guest, s);
	text_evidence(p, at->guest, &s->evidence);
}

static bool has_rest(const struct report_stack *s)
{
	return s->signature || s->transfer.tx_bytes || s->transfer.rx_bytes;
}

static struct stack_columns stack_columns(const struct report *r)
{
	size_t stack = strlen("Stacks") - 2, guest = strlen("guest"),
	       device = strlen("device");
	size_t verdict = strlen("verdict");

	for (size_t i = 0; i < r->stacks.count; i++) {
		const struct report_stack *s = r->stacks.item[i];

		stack = page_wider(stack, s->stack);
		guest = page_wider(guest, guest_kind_names[s->guest]);
		device = page_wider(device, s->device);
		if (has_rest(s))
			verdict = page_wider(verdict, stack_verdict_names[s->verdict]);
	}
	guest += 2 + stack + 2;
	device += guest + 2;
	return (struct stack_columns){
		.guest = 2 + stack + 2,
		.device = guest + 2,
		.verdict = device + 2,
		.rest = device + 2 + verdict + 2,
	};
}

/* A device that is not here is told already, and nobody asked for this policy. */
static bool is_shown(const struct page *p, const struct report *r,
		     const struct report_stack *s)
{
	return p->verbosity > 0 || r->run.selection.stacks.count ||
	       s->verdict != STACK_NOT_APPLICABLE || !s->reason ||
	       (s->reason->code != REASON_NO_MODULE &&
		s->reason->code != REASON_NO_DEVICE);
}

/* The first one from place *@i on that is shown; moves *@i behind it. */
static const struct report_stack *next_shown(const struct page *p, const struct report *r,
					     size_t *i)
{
	while (*i < r->stacks.count) {
		const struct report_stack *s = r->stacks.item[(*i)++];

		if (is_shown(p, r, s))
			return s;
	}
	return NULL;
}

static void put_stacks(struct page *p, const struct report *r)
{
	struct stack_columns at = stack_columns(r);
	const struct report_stack *next = NULL;
	size_t i = 0, shown = 0;

	if (!r->stacks.count)
		return;
	page_newline(p);
	page_tone(p, TONE_BOLD);
	page_put(p, "Stacks");
	page_pad_to(p, at.guest);
	page_put(p, "guest");
	page_pad_to(p, at.device);
	page_put(p, "device");
	page_pad_to(p, at.verdict);
	page_put(p, "verdict");
	page_tone(p, TONE_PLAIN);
	page_newline(p);
	next = next_shown(p, r, &i);
	for (const struct report_stack *s = next; s; s = next, shown++) {
		next = next_shown(p, r, &i);
		put_stack(p, s, next, &at);
	}
	if (shown == r->stacks.count)
		return;
	page_pad_to(p, 2);
	page_wrapf(p, 2, "%zu not_applicable: their device is not here (-v shows them)",
		   r->stacks.count - shown);
	page_newline(p);
}

/* ------------------------------------------------------------------ the end */

static void put_sentences(struct page *p, const char *heading,
			  const struct rec_list *sentences)
{
	if (!sentences->count)
		return;
	page_heading(p, heading);
	for (size_t i = 0; i < sentences->count; i++) {
		page_pad_to(p, 2);
		page_put(p, "-");
		page_wrap(p, 4, sentences->item[i]);
		page_newline(p);
	}
}

int report_text(const struct report *r, const struct text_options *o, FILE *out)
{
	struct page p = { 0 };

	page_init(&p, out, o->width, o->color);
	p.verbosity = o->verbosity;
	put_header(&p, r);
	put_devices(&p, r);
	put_checks(&p, r);
	put_stacks(&p, r);
	put_sentences(&p, "Limits of this run", &r->run.reduced);
	put_sentences(&p, "Not as expected", &r->run.unexpected);
	text_verdict(&p, r);
	return page_end(&p);
}
