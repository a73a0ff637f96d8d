/* SPDX-License-Identifier: MIT */
/*
 * Proof, on a real kernel, that each check can fail: every check runs clean, then once
 * for each fault that its row names, and must fail; then with a device that is dead,
 * answers everything with 0 or some errno, tells the opposite of what it did, or a wrong
 * index of its rings, one of these in turn, where no check outside area node may pass.
 * Faults that only the model can have are not here, and under each of the five all checks
 * are run by vhostcheck selftest. The policies are played clean, with one bit of the payload flipped where the
 * peer tells what it saw, and dead.
 * TAP.
 *
 * Runs as a program in a guest, with the families that are wanted:
 * vhostcheck vm --add fault_matrix KERNEL -- fault_matrix net vsock
 */
#include <string.h>

#include "checks/catalogue.h"
#include "checks/findings.h"
#include "core/plan.h"
#include "run/check_act.h"
#include "run/look.h"
#include "run/verdict.h"
#include "stacks/library.h"
#include "stacks/player.h"
#include "stacks/verdict.h"

#define TIMEOUT_MS 20000u

/**
 * struct matrix - the run and its count
 * @family, @device: at present
 * @turn:	which of the total faults is next
 */
struct matrix {
	struct runner *runner;
	enum family family;
	struct plan_device device;
	unsigned int tests, failed;
	size_t turn;
};

static void report(struct matrix *m, bool ok, const char *what, const char *fault,
		   const char *got)
{
	m->tests++;
	m->failed += !ok;
	printf("%sok %u - %s %s%s%s\n", ok ? "" : "not ", m->tests, what,
	       fault ? "under " : "clean", fault ? fault : "", ok ? "" : ": got ");
	if (!ok)
		printf("# %s\n", got);
	(void)fflush(stdout);
}

static struct task task_with(const struct matrix *m, const struct fault *fault)
{
	return (struct task){
		.device = family_names[m->family],
		.family = m->family,
		.path = m->family == FAMILY_VDPA ? PEER_NODE : family_path(m->family),
		.timeout_ms = TIMEOUT_MS,
		.fault = fault,
	};
}

/* What only the model can do, vhostcheck selftest has. */
static bool can_hit(const struct matrix *m, const struct fault *fault)
{
	return fault->act != FAULT_MODEL &&
	       (!fault->families || fault->families & FAMILY_BIT(m->family));
}

/* The @n-th of the total faults that hit, from 0; NULL behind the last. */
static const struct fault *total_at(const struct matrix *m, size_t n)
{
	const struct fault *fault = NULL;

	for (size_t i = 0; (fault = fault_at(i)); i++)
		if (fault->total && can_hit(m, fault) && n-- == 0)
			break;
	return fault;
}

static const struct fault *next_total(struct matrix *m)
{
	if (!total_at(m, m->turn))
		m->turn = 0;
	return total_at(m, m->turn++);
}

/* @ret_finding: the known finding that explains a failure, or NULL */
static struct verdict run_check(struct matrix *m, struct arena *a, const struct check *c,
				const struct fault *fault,
				const struct finding **ret_finding)
{
	struct task t = task_with(m, fault);
	struct outcome o;

	t.act = check_act;
	t.arg = c;
	*ret_finding = NULL;
	if (runner_task(m->runner, a, &t, &o) < 0)
		return (struct verdict){ .text = "no child could be made" };
	*ret_finding = finding_of(c, &o.evidence);
	return verdict_of(a, c, t.path, t.timeout_ms, &o);
}

static const char *describe(struct arena *a, const struct verdict *v)
{
	const char *text = arena_printf(a, "%s: %s", status_names[v->status],
					v->text ? v->text : "");

	return text ? text : "?";
}

static bool failed(const struct verdict *v)
{
	return v->status == STATUS_FAIL || v->status == STATUS_TIMEOUT;
}

static void test_check(struct matrix *m, const struct check *c)
{
	cleanup_arena struct arena a = { 0 };
	const char *id = check_id(&a, c, m->family);
	const char *lacks = plan_not_offered(&a, c, &m->device);
	const struct finding *known = NULL;
	const struct fault *fault;
	struct verdict v;

	if (!lacks) {
		v = run_check(m, &a, c, NULL, &known);
		if (v.status == STATUS_SKIP)
			lacks = v.text;
		else if (v.status == STATUS_FAIL && known)
			lacks = "this kernel fails it, which is a known finding";
	}
	if (lacks) {
		printf("# %s is not tried: %s\n", id, lacks);
		return;
	}
	report(m, v.status == STATUS_PASS, id, NULL, describe(&a, &v));
	report(m, c->faults[0] != NULL, id, "at least one fault", "no fault in its row");
	for (size_t i = 0; c->faults[i]; i++) {
		fault = fault_find(c->faults[i]);
		if (!fault) {
			report(m, false, id, c->faults[i], "no such fault");
			continue;
		}
		if (!can_hit(m, fault))
			continue;
		v = run_check(m, &a, c, fault, &known);
		report(m, failed(&v), id, fault->name, describe(&a, &v));
	}
	if (!strcmp(c->area, "node"))
		return;
	fault = next_total(m);
	v = run_check(m, &a, c, fault, &known);
	report(m, v.status != STATUS_PASS, id, fault->name, describe(&a, &v));
}

static int play(struct session *s, const void *arg)
{
	return stack_collect(s, arg);
}

static int run_stack(struct matrix *m, struct arena *a, const struct stack_play *p,
		     const char *fault)
{
	struct task t = task_with(m, fault ? fault_find(fault) : NULL);
	struct stack_result r = { 0 };
	struct outcome o;
	struct verdict v;

	t.act = play;
	t.arg = p;
	if (runner_task(m->runner, a, &t, &o) < 0)
		return STACK_UNKNOWN;
	if (!verdict_of_end(a, t.path, t.timeout_ms, &o, &v))
		stack_judge(a, &o.evidence, &r);
	return r.verdict;
}

static void test_stack(struct matrix *m, const struct stack *stack)
{
	static const char *const deadly[] = { "payload_flipped", "dead", "mute" };
	cleanup_arena struct arena a = { 0 };
	struct stack_result none;

	if (stack_not_applicable(&a, stack, m->family, &none))
		return;
	for (size_t g = 0; g < stack->guests.count; g++) {
		const struct stack_play p = { stack, stack->guests.item[g] };
		int got = run_stack(m, &a, &p, NULL);

		report(m, got != STACK_UNKNOWN, stack->name, NULL,
		       stack_verdict_names[got]);
		for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
			if (!can_hit(m, fault_find(deadly[i])))
				continue;
			got = run_stack(m, &a, &p, deadly[i]);
			report(m, got != STACK_WORKS, stack->name, deadly[i],
			       stack_verdict_names[got]);
		}
	}
}

static bool look(struct matrix *m)
{
	cleanup_arena struct arena a = { 0 };
	struct task t = task_with(m, NULL);
	struct outcome o;
	struct look l;

	t.act = look_act;
	if (runner_task(m->runner, &a, &t, &o) < 0)
		return false;
	look_read(&o.evidence, &l);
	m->device = (struct plan_device){ .family = m->family,
					  .offered = l.features,
					  .array = l.has_array,
					  .type = l.type };
	return l.has_features;
}

/* All of one family; false if its device cannot be looked at. */
static bool test_family(struct matrix *m, enum family family,
			const struct rec_list *stacks)
{
	m->family = family;
	if (!look(m))
		return false;
	for (size_t i = 0; i < check_catalogue_count; i++)
		if (check_catalogue[i]->families & FAMILY_BIT(family))
			test_check(m, check_catalogue[i]);
	for (size_t i = 0; i < stacks->count; i++)
		test_stack(m, stacks->item[i]);
	return true;
}

/* FAMILY_NUM if it is none. */
static enum family family_of(const char *name)
{
	int family = 0;

	while (family < FAMILY_NUM && strcmp(family_names[family], name) != 0)
		family++;
	return (enum family)family;
}

int main(int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	struct matrix m = { .runner = runner_new() };
	struct rec_list stacks = { 0 };
	struct written_error err;

	if (!m.runner || stack_library(&a, &stacks, &err) < 0) {
		printf("Bail out! the matrix cannot be set up\n");
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		enum family family = family_of(argv[i]);

		if (family == FAMILY_NUM || !test_family(&m, family, &stacks)) {
			printf("Bail out! %s cannot be looked at\n", argv[i]);
			return 1;
		}
	}
	printf("1..%u\n", m.tests);
	runner_free(m.runner);
	return m.failed != 0;
}
