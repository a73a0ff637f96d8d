/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <linux/vhost.h>
#include <string.h>

#include "core/duty.h"
#include "trace/lines.h"

#define PAGE 4096u
/* what lies below is no address of a program's memory by the usual layouts */
#define LOW (UINT64_C(1) << 40)

void trace_symbols_done(struct trace_symbols *s)
{
	free(s->page);
	s->page = NULL;
	s->pages = 0;
}

/* --------------------------------------------------------------- addresses */

static const char *page_symbol(const struct trace_where *w, uint64_t at)
{
	struct trace_symbols *s = w->symbols;
	uint64_t *grown = NULL;
	size_t i = 0;

	while (i < s->pages && s->page[i] != at / PAGE)
		i++;
	if (i == s->pages) {
		grown = reallocarray(s->page, s->pages + 1, sizeof(*grown));
		if (!grown)
			return NULL;
		s->page = grown;
		s->page[s->pages++] = at / PAGE;
	}
	return arena_printf(w->a, "page%zu+0x%" PRIx64, i, at % PAGE);
}

/*
 * An address of the program, or where the IOTLB is on of its guest. In a clean trace it
 * is named by the region of memory that it is in, or by its page in order of appearance.
 */
static const char *address(const struct trace_where *w, uint64_t at)
{
	const struct trace_state *s = &w->device->state;

	for (size_t i = 0; w->symbols->on && i < s->regions; i++)
		if (at >= s->region[i].user && at - s->region[i].user < s->region[i].size)
			return arena_printf(w->a, "memory%zu+0x%" PRIx64, i,
					    at - s->region[i].user);
	if (w->symbols->on && at >= LOW && at < UINT64_MAX - PAGE)
		return page_symbol(w, at);
	return arena_printf(w->a, "0x%" PRIx64, at);
}

/* -------------------------------------------------------------------- call */

static int put_mask(const struct trace_where *w, enum bit_space space,
		    const struct feature_set *set, struct mask *ret)
{
	struct mask *m = mask_make(w->a, space, w->device->state.family, set);

	if (!m)
		return -ENOMEM;
	*ret = *m;
	return 0;
}

/* The table that the call sets names the addresses in it. */
static int put_regions(const struct trace_where *w, const struct trace_op *op,
		       struct line_arg *arg)
{
	for (size_t i = 0; i < op->regions; i++) {
		struct line_region *r = rec_list_new(w->a, &arg->regions, sizeof(*r));
		bool same = op->region[i].guest == op->region[i].user;

		if (!r)
			return -ENOMEM;
		r->size = op->region[i].size;
		r->user = w->symbols->on
				  ? arena_printf(w->a, "memory%zu+0x0", i)
				  : arena_printf(w->a, "0x%" PRIx64, op->region[i].user);
		r->guest = same ? r->user
				: arena_printf(w->a, "0x%" PRIx64, op->region[i].guest);
		if (!r->user || !r->guest)
			return -ENOMEM;
	}
	return 0;
}

static int put_status(const struct trace_where *w, uint64_t bits, struct line_arg *arg)
{
	int e = 0;

	arg->value = bits;
	for (size_t i = 0; i < ARRAY_SIZE(trace_status_names) && e == 0; i++)
		if (bits & BIT64(i) && trace_status_names[i])
			e = rec_list_add(w->a, &arg->status, trace_status_names[i]);
	return e;
}

static int put_ring_addresses(const struct trace_where *w, const struct trace_op *op,
			      struct line_arg *arg)
{
	arg->flags = op->flags;
	arg->desc = address(w, op->desc);
	arg->avail = address(w, op->avail);
	arg->used = address(w, op->used);
	arg->log = address(w, op->log);
	return arg->desc && arg->avail && arg->used && arg->log ? 0 : -ENOMEM;
}

static int put_arg(const struct trace_where *w, const struct trace_op *op,
		   struct line_arg *arg)
{
	*arg = (struct line_arg){
		.kind = (int)op->arg,
		.value = op->number,
		.number = (int64_t)op->number,
		.index = op->index,
		.num = op->num,
		.fd = op->fd,
	};
	switch (op->arg) {
	case ARG_FEATURES:
	case ARG_ARRAY:
		return put_mask(w, BITS_FEATURES, &op->features, &arg->mask);
	case ARG_BACKEND:
		return put_mask(w, BITS_BACKEND, &op->features, &arg->mask);
	case ARG_MEMORY:
		return put_regions(w, op, arg);
	case ARG_VRING_ADDR:
		return put_ring_addresses(w, op, arg);
	case ARG_STATUS:
		return put_status(w, op->number, arg);
	case ARG_SCSI:
		arg->wwpn = arena_strdup(w->a, op->wwpn);
		return arg->wwpn ? 0 : -ENOMEM;
	case ARG_RANGE:
		arg->first = arena_printf(w->a, "0x%" PRIx64, op->first);
		arg->last = arena_printf(w->a, "0x%" PRIx64, op->last);
		return arg->first && arg->last ? 0 : -ENOMEM;
	case ARG_NONE:
	case ARG_U64:
	case ARG_U32:
	case ARG_U16:
	case ARG_U8:
	case ARG_INT:
	case ARG_FD:
	case ARG_VRING:
	case ARG_VRING_FD:
	case ARG_CONFIG:
	case ARG_UNKNOWN:
	case ARG_UNREADABLE:
	case ARG_NUM:
		break;
	}
	return 0;
}

static struct opt_int process(const struct trace_where *w)
{
	struct opt_int none = { 0 };

	return w->symbols->on ? none : opt_int(w->call->pid);
}

int trace_line_call(const struct trace_where *w, const struct trace_op *op,
		    struct trace_line *ret)
{
	struct line_call *c = &ret->call;

	*ret = (struct trace_line){ .type = LINE_CALL };
	*c = (struct line_call){
		.seq = w->seq,
		.pid = process(w),
		.device = w->device->name,
		.fd = (int32_t)w->call->arg[0],
		.name = op->request ? op->request->name
				    : arena_printf(w->a, "0x%" PRIx32, op->cmd),
		.err = w->call->returned ? w->call->err : 0,
	};
	if (w->call->returned)
		c->ret = opt_int(w->call->ret);
	return c->name ? put_arg(w, op, &c->arg) : -ENOMEM;
}

/* ----------------------------------------------------------------- message */

static const char *message_name(uint8_t type)
{
	static const char *const names[] = {
		[VHOST_IOTLB_MISS] = "VHOST_IOTLB_MISS",
		[VHOST_IOTLB_UPDATE] = "VHOST_IOTLB_UPDATE",
		[VHOST_IOTLB_INVALIDATE] = "VHOST_IOTLB_INVALIDATE",
		[VHOST_IOTLB_ACCESS_FAIL] = "VHOST_IOTLB_ACCESS_FAIL",
		[VHOST_IOTLB_BATCH_BEGIN] = "VHOST_IOTLB_BATCH_BEGIN",
		[VHOST_IOTLB_BATCH_END] = "VHOST_IOTLB_BATCH_END",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "unknown";
}

int trace_line_message(const struct trace_where *w, const struct trace_message *m,
		       bool written, struct trace_line *ret)
{
	*ret = (struct trace_line){ .type = LINE_MESSAGE };
	ret->message = (struct line_message){
		.seq = w->seq,
		.pid = process(w),
		.device = w->device->name,
		.fd = (int32_t)w->call->arg[0],
		.way = !written,
		.version = m->version,
		.name = message_name(m->type),
		.iova = address(w, m->iova),
		.user = address(w, m->uaddr),
		.size = m->size,
		.perm = m->perm,
		.asid = m->asid,
		.err = w->call->returned ? w->call->err : 0,
	};
	return ret->message.iova && ret->message.user ? 0 : -ENOMEM;
}

/* --------------------------------------------------------------------- end */

static struct mask *features_mask(struct arena *a, const struct trace_state *s,
				  const struct feature_set *set)
{
	return mask_make(a, BITS_FEATURES, s->family, set);
}

static struct mask *backend_mask(struct arena *a, const struct trace_state *s,
				 uint64_t bits)
{
	const struct feature_set set = { { bits } };

	return mask_make(a, BITS_BACKEND, s->family, &set);
}

static bool some_kernel_offers(enum family family, unsigned int bit)
{
	const struct duty *d = duty_find(BITS_FEATURES, family, bit);

	return d && duty_since(d, family);
}

static int put_features(struct arena *a, const struct trace_state *s,
			struct line_end *end)
{
	struct line_features *f = arena_alloc(a, sizeof(*f));
	struct feature_set shown = { 0 }, would = { 0 }, unobserved = { 0 };

	if (!f)
		return -ENOMEM;
	for (int i = 0; i < FEATURE_WORDS; i++) {
		shown.word[i] = s->shown.word[i] & ~s->offered.word[i];
		would.word[i] = shown.word[i] & s->sent.word[i];
	}
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++)
		if (some_kernel_offers(s->family, bit) &&
		    !feature_set_has(&s->offered, bit) &&
		    !feature_set_has(&s->sent, bit) &&
		    !(s->tried && feature_set_has(&shown, bit)))
			unobserved.word[bit / 64] |= BIT64(bit % 64);
	*f = (struct line_features){
		.offered = features_mask(a, s, &s->offered),
		.sent = features_mask(a, s, &s->sent),
		.backend_offered = backend_mask(a, s, s->backend_offered),
		.backend_sent = backend_mask(a, s, s->backend_sent),
		.shown = features_mask(a, s, &shown),
		.would_send = features_mask(a, s, &would),
	};
	end->features = f;
	end->unobserved = features_mask(a, s, &unobserved);
	return f->offered && f->sent && f->backend_offered && f->backend_sent &&
			       f->shown && f->would_send && end->unobserved
		       ? 0
		       : -ENOMEM;
}

static int put_what_if(struct arena *a, const struct trace_state *s, struct line_end *end)
{
	struct trace_ruling r;

	if (!(s->shown.word[0] & ~s->offered.word[0]) &&
	    !(s->shown.word[1] & ~s->offered.word[1]))
		return 0;
	trace_judge_what_if(s, &r);
	end->what_if = arena_alloc(a, sizeof(*end->what_if));
	if (!end->what_if)
		return -ENOMEM;
	end->what_if->verdict = r.verdict;
	end->what_if->signature = r.signature;
	end->what_if->text = arena_strdup(a, r.text);
	return end->what_if->text ? 0 : -ENOMEM;
}

int trace_line_end(struct arena *a, const struct trace_device *d, struct trace_line *ret)
{
	struct line_end *end = &ret->end;
	struct trace_ruling r;
	int e = 0;

	*ret = (struct trace_line){ .type = LINE_END };
	if (!d) {
		end->verdict = STACK_NOT_APPLICABLE;
		end->text = "No vhost device was used.";
		return 0;
	}
	trace_judge_device(&d->state, &r);
	end->device = d->name;
	end->verdict = r.verdict;
	end->signature = r.signature;
	end->text = arena_strdup(a, r.text);
	e = end->text ? put_features(a, &d->state, end) : -ENOMEM;
	if (e == 0)
		e = put_what_if(a, &d->state, end);
	return e < 0 ? e : trace_judge_notes(a, &d->state, &end->notes);
}
