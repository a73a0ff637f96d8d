/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/execute_parts.h"
#include "run/verdict.h"
#include "stacks/verdict.h"

static int add_stack(struct execution *x, struct rec_list *plays,
		     const struct stack *stack, const struct report_device *d)
{
	for (size_t i = 0; i < stack->guests.count; i++) {
		struct stack_entry *e = rec_list_new(&x->arena, plays, sizeof(*e));
		struct report_stack *s =
			rec_list_new(&x->arena, &x->report.stacks, sizeof(*s));

		if (!e || !s)
			return -ENOMEM;
		*e = (struct stack_entry){ { stack, stack->guests.item[i] }, d };
		s->stack = stack->name;
		s->vmm = stack->vmm;
		s->device = d->name;
		s->guest = e->play.guest->guest;
	}
	return 0;
}

static bool is_named(const struct execution *x, const struct stack *stack)
{
	const struct rec_list *named = &x->options->selection.stacks;

	for (size_t i = 0; i < named->count; i++)
		if (!strcmp(named->item[i], stack->name))
			return true;
	return false;
}

static int add_stack_on(struct execution *x, struct rec_list *plays,
			const struct stack *stack, bool applicable, size_t *ret_added)
{
	struct stack_result unused;

	for (size_t i = 0; i < x->report.devices.count; i++) {
		const struct report_device *d = x->report.devices.item[i];

		if (stack_not_applicable(&x->arena, stack, (enum family)d->kind,
					 &unused) == applicable)
			continue;
		if (add_stack(x, plays, stack, d) < 0)
			return -ENOMEM;
		(*ret_added)++;
	}
	return 0;
}

int execute_add_stacks(struct execution *x, struct rec_list *plays)
{
	const struct rec_list *library = &x->options->library;

	for (size_t i = 0; i < library->count; i++) {
		const struct stack *stack = library->item[i];
		size_t added = 0;
		int r = add_stack_on(x, plays, stack, true, &added);

		if (r == 0 && !added && is_named(x, stack))
			r = add_stack_on(x, plays, stack, false, &added);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_result(struct execution *x, struct report_stack *s,
		      const struct stack_result *r)
{
	s->verdict = r->verdict;
	s->signature = r->signature;
	s->transfer = (struct report_transfer){ r->tx_bytes, r->rx_bytes };
	if (r->verdict == STACK_WORKS)
		return 0;
	return execute_reason(x, &s->reason, r->code, r->reason);
}

static int play_act(struct session *s, const void *arg)
{
	return stack_collect(s, arg);
}

/* A policy that works while the kernel complains of us works for nobody. */
static int hear_kernel(struct execution *x, const struct outcome *o,
		       struct report_stack *s, struct stack_result *ret)
{
	struct verdict v = {
		.status = ret->verdict == STACK_WORKS ? STATUS_PASS : STATUS_FAIL,
		.code = ret->code,
		.text = ret->reason,
	};
	size_t before = s->evidence.count;
	int r = kmsg_blame(&x->kmsg, &x->arena, o->pid, &s->evidence, &v);

	if (r < 0 || s->evidence.count == before)
		return r;
	if (ret->verdict == STACK_WORKS)
		ret->verdict = STACK_UNKNOWN;
	ret->code = REASON_CRASHED;
	ret->reason = v.text;
	return 0;
}

static int play_stack(struct execution *x, const struct stack_entry *e,
		      struct report_stack *s, struct stack_result *ret)
{
	const struct task task = {
		.device = e->device->name,
		.family = (enum family)e->device->kind,
		.path = e->device->path,
		.act = play_act,
		.arg = &e->play,
		.timeout_ms = x->options->timeout_s * 1000,
	};
	struct outcome o;
	struct verdict v;
	int r = 0;

	if (execute_tell_synced(
		    x, &(struct journal_line){
			       .type = JOURNAL_STACK_START,
			       .stack_start = { s->stack, s->device, s->guest } }))
		return -EIO;
	x->began = true;
	kmsg_skip(&x->kmsg);
	r = runner_task(x->runner, &x->arena, &task, &o);
	if (r < 0) {
		*ret = (struct stack_result){ .code = REASON_INTERNAL,
					      .reason = strerror(-r) };
		return 0;
	}
	if (execute_left(x, &o) < 0)
		return -ENOMEM;
	s->evidence = o.evidence.ev;
	if (verdict_of_end(&x->arena, e->device->path, task.timeout_ms, &o, &v))
		*ret = (struct stack_result){ .code = v.code, .reason = v.text };
	else
		stack_judge(&x->arena, &o.evidence, ret);
	return hear_kernel(x, &o, s, ret);
}

/* Why a policy is not played at all; @ret is then its result. */
static bool not_played(struct execution *x, const struct stack_entry *e,
		       struct stack_result *ret)
{
	const struct report_device *d = e->device;
	struct verdict v;

	if (stack_not_applicable(&x->arena, e->play.stack, (enum family)d->kind, ret))
		return true;
	if (d->state != DEVICE_OK) {
		v = execute_unusable(d);
		*ret = (struct stack_result){ .verdict = v.status == STATUS_SKIP
								 ? STACK_NOT_APPLICABLE
								 : STACK_UNKNOWN,
					      .code = v.code,
					      .reason = v.text };
		return true;
	}
	if (d->kind == FAMILY_SCSI && !execute_may_make(x, FAMILY_SCSI)) {
		*ret = (struct stack_result){
			.code = REASON_PEER_MISSING,
			.reason = "a target is made on a host only with --create scsi"
		};
		return true;
	}
	if (execute_not_ours(d)) {
		*ret = (struct stack_result){ .code = REASON_PEER_MISSING,
					      .reason = execute_not_ours(d) };
		return true;
	}
	if (plan_held_back((enum risk)e->play.stack->risk,
			   x->options->selection.intrusive, execute_in_guest(x), &v) ||
	    execute_unasked(x, d->name, &v)) {
		*ret = (struct stack_result){ .code = v.code, .reason = v.text };
		return true;
	}
	return false;
}

int execute_stacks(struct execution *x, const struct rec_list *plays)
{
	for (size_t i = 0; i < plays->count; i++) {
		const struct stack_entry *e = plays->item[i];
		struct report_stack *s = x->report.stacks.item[i];
		struct stack_result r = { 0 };
		int failed = 0;

		cmd_progress(x->ctx, "%zu/%zu %s", i + 1, plays->count, s->stack);
		if (!not_played(x, e, &r))
			failed = play_stack(x, e, s, &r);
		if (failed < 0)
			return failed == -ENOMEM ? cmd_fail_memory(x->ctx) : CMD_EXIT_LAB;
		if (set_result(x, s, &r) < 0)
			return cmd_fail_memory(x->ctx);
		if (execute_tell(x, &(struct journal_line){ .type = JOURNAL_STACK,
							    .stack = s }))
			return CMD_EXIT_LAB;
	}
	return 0;
}
