/* SPDX-License-Identifier: MIT */
/* The proof that each check can fail: all of them against the model and its faults. */
#include <fnmatch.h>
#include <string.h>

#include "checks/catalogue.h"
#include "cmd/cmd.h"
#include "cmd/nearest.h"
#include "cmd/selftest.h"
#include "run/matrix.h"

enum {
	OPTION_CHECK = 256,
	OPTION_FAULT
};

/** struct selftest_options - lists of const char *: globs; empty for all */
struct selftest_options {
	struct arena *a;
	struct rec_list checks, faults;
};

/**
 * struct selftest_cell - a check that does not pass under a fault
 * @status:	enum status
 * @named:	the check names the fault
 */
struct selftest_cell {
	const char *id;
	int status;
	bool named;
	const char *text;
};

/**
 * struct selftest_column - one fault; all NULL for the clean model
 * @reach:	const char *
 * @fails:	struct selftest_cell
 */
struct selftest_column {
	const char *fault, *text, *source;
	struct rec_list reach, fails;
};

/**
 * struct selftest - "vhostcheck-selftest/1"
 * @checks, @faults: how many
 * @columns:	struct selftest_column, the clean one first
 * @findings:	const char *: what is not as it has to be
 */
struct selftest {
	int64_t checks, faults;
	struct rec_list columns, findings;
	int64_t exit_code;
};

static const struct rec_field cell_fields[] = {
	{ "id", REC_STR, offsetof(struct selftest_cell, id), false, NULL },
	{ "status", REC_ENUM, offsetof(struct selftest_cell, status), false,
	  status_names },
	{ "named", REC_BOOL, offsetof(struct selftest_cell, named), false, NULL },
	{ "text", REC_STR, offsetof(struct selftest_cell, text), false, NULL },
	{ 0 },
};

static const struct rec_shape cell_shape = {
	.name = "selftest_cell",
	.size = sizeof(struct selftest_cell),
	.field = cell_fields,
};

static const struct rec_field column_fields[] = {
	{ "fault", REC_STR, offsetof(struct selftest_column, fault), true, NULL },
	{ "text", REC_STR, offsetof(struct selftest_column, text), true, NULL },
	{ "source", REC_STR, offsetof(struct selftest_column, source), true, NULL },
	{ "reach", REC_STRS, offsetof(struct selftest_column, reach), false, NULL },
	{ "fails", REC_LIST, offsetof(struct selftest_column, fails), false,
	  &cell_shape },
	{ 0 },
};

static const struct rec_shape column_shape = {
	.name = "selftest_column",
	.size = sizeof(struct selftest_column),
	.field = column_fields,
};

static const struct rec_field selftest_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-selftest/1" },
	{ "checks", REC_INT, offsetof(struct selftest, checks), false, NULL },
	{ "faults", REC_INT, offsetof(struct selftest, faults), false, NULL },
	{ "matrix", REC_LIST, offsetof(struct selftest, columns), false, &column_shape },
	{ "findings", REC_STRS, offsetof(struct selftest, findings), false, NULL },
	{ "exit_code", REC_INT, offsetof(struct selftest, exit_code), false, NULL },
	{ 0 },
};

const struct rec_shape selftest_shape = {
	.name = "selftest",
	.size = sizeof(struct selftest),
	.field = selftest_fields,
};

/* ----------------------------------------------------------------- options */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct selftest_options *o = state->input;
	struct rec_list *list = key == OPTION_CHECK ? &o->checks : &o->faults;

	if (key == ARGP_KEY_ARG)
		argp_error(state, "takes no argument, not '%s' either", arg);
	if (key != OPTION_CHECK && key != OPTION_FAULT)
		return ARGP_ERR_UNKNOWN;
	return rec_list_add(o->a, list, arg) < 0 ? ENOMEM : 0;
}

static const struct argp_option options[] = {
	{ "check", OPTION_CHECK, "GLOB", 0, "only the checks whose id matches", 0 },
	{ "fault", OPTION_FAULT, "GLOB", 0, "only the faults whose name matches", 0 },
	{ 0 },
};

static const struct argp selftest_argp = {
	.options = options,
	.parser = parse,
	.doc = "Prove that each check can fail: all of them run against a model device in "
	       "this process, then again under each of its faults. No device of the host "
	       "is touched. The exit status is 1 if a check and a fault do not agree.",
};

static bool wanted(const struct rec_list *globs, const char *name)
{
	for (size_t i = 0; i < globs->count; i++)
		if (fnmatch(globs->item[i], name, 0) == 0)
			return true;
	return globs->count == 0;
}

/* Each glob must match one of the names. 0 or an exit status. */
static int check_globs(const struct cmd_ctx *ctx, struct arena *a, const char *what,
		       const char *code, const struct rec_list *globs,
		       const struct rec_list *names)
{
	for (size_t i = 0; i < globs->count; i++) {
		const char *glob = globs->item[i];
		bool any = false;

		for (size_t k = 0; k < names->count && !any; k++)
			any = fnmatch(glob, names->item[k], 0) == 0;
		if (!any)
			return cmd_fail(ctx, CMD_EXIT_USAGE, code,
					nearest_hint(a, glob, names,
						     "vhostcheck checks --json names the "
						     "checks and their faults"),
					"no %s matches '%s'", what, glob);
	}
	return 0;
}

static int choose_checks(const struct cmd_ctx *ctx, const struct selftest_options *o,
			 struct matrix *ret)
{
	struct matrix all = { 0 };
	struct rec_list names = { 0 };

	if (matrix_add_checks(o->a, &all, check_catalogue, check_catalogue_count) < 0)
		return cmd_fail_memory(ctx);
	for (size_t i = 0; i < all.rows.count; i++) {
		const struct matrix_row *row = all.rows.item[i];

		if (rec_list_add(o->a, &names, row->id) < 0 ||
		    (wanted(&o->checks, row->id) &&
		     rec_list_add(o->a, &ret->rows, row) < 0))
			return cmd_fail_memory(ctx);
	}
	return check_globs(ctx, o->a, "check", "unknown_check", &o->checks, &names);
}

static int choose_faults(const struct cmd_ctx *ctx, const struct selftest_options *o,
			 struct matrix *ret)
{
	struct rec_list names = { 0 };
	const struct fault *fault;

	for (size_t i = 0; (fault = fault_at(i)); i++)
		if (rec_list_add(o->a, &names, fault->name) < 0 ||
		    (wanted(&o->faults, fault->name) &&
		     rec_list_add(o->a, &ret->faults, fault) < 0))
			return cmd_fail_memory(ctx);
	return check_globs(ctx, o->a, "fault", "unknown_fault", &o->faults, &names);
}

/* ------------------------------------------------------------------ result */

static int add_cell(struct arena *a, const struct matrix *m, size_t r, size_t c,
		    struct selftest_column *column)
{
	const struct matrix_row *row = m->rows.item[r];
	const struct matrix_cell *cell = matrix_cell(m, r, c);
	struct selftest_cell *x = NULL;

	if (cell->status == STATUS_PASS)
		return 0;
	x = rec_list_new(a, &column->fails, sizeof(*x));
	if (!x)
		return -ENOMEM;
	*x = (struct selftest_cell){
		.id = row->id,
		.status = cell->status,
		.named = c && matrix_names(row, m->faults.item[c - 1]),
		.text = cell->text,
	};
	return 0;
}

static int add_column(struct arena *a, const struct matrix *m, size_t c,
		      struct selftest *s)
{
	const struct fault *fault = c ? m->faults.item[c - 1] : NULL;
	struct selftest_column *column = rec_list_new(a, &s->columns, sizeof(*column));
	int r = 0;

	if (!column)
		return -ENOMEM;
	if (fault) {
		column->fault = fault->name;
		column->text = fault->text;
		column->source = fault->source;
		for (size_t i = 0; fault->reach && fault->reach[i] && r == 0; i++)
			r = rec_list_add(a, &column->reach, fault->reach[i]);
	}
	for (size_t i = 0; i < m->rows.count && r == 0; i++)
		r = add_cell(a, m, i, c, column);
	return r;
}

static int describe(struct arena *a, const struct matrix *m, struct selftest *ret)
{
	int r = 0;

	*ret = (struct selftest){
		.checks = (int64_t)m->rows.count,
		.faults = (int64_t)m->faults.count,
	};
	for (size_t c = 0; c <= m->faults.count && r == 0; c++)
		r = add_column(a, m, c, ret);
	if (r == 0)
		r = matrix_judge(a, m, &ret->findings);
	ret->exit_code = ret->findings.count ? 1 : 0;
	return r;
}

static const char *contract(const struct selftest_cell *x)
{
	return strchr(x->id, '.') + 1;
}

/* Another device's cell of the same contract among those from @from to @to, or NULL. */
static const struct selftest_cell *same(const struct selftest_column *c, size_t i,
					size_t from, size_t to)
{
	for (size_t k = from; k < to; k++)
		if (k != i &&
		    !strcmp(contract(c->fails.item[k]), contract(c->fails.item[i])))
			return c->fails.item[k];
	return NULL;
}

/* What fails on both devices stands once, without the device's name. */
static void print_fails(const struct selftest_column *c, struct page *p, size_t indent)
{
	size_t n = c->fails.count;
	bool all = n <= (size_t)2 * MATRIX_NARROW || p->verbosity > 0;

	for (size_t i = 0; i < n && all; i++) {
		const struct selftest_cell *x = c->fails.item[i];

		if (!same(c, i, 0, i))
			page_wrapf(p, indent, x->named ? "%s " : "(%s) ",
				   same(c, i, i, n) ? contract(x) : x->id);
	}
	if (!all)
		page_wrapf(p, indent, "%zu checks (-v names them)", n);
	page_newline(p);
}

static void print_matrix(const struct selftest *s, struct page *p)
{
	size_t at = 0;

	for (size_t i = 1; i < s->columns.count; i++)
		at = page_wider(
			at, ((const struct selftest_column *)s->columns.item[i])->fault);
	at += 2;
	for (size_t i = 1; i < s->columns.count; i++) {
		const struct selftest_column *c = s->columns.item[i];

		page_put(p, c->fault);
		page_pad_to(p, at);
		print_fails(c, p, at);
	}
}

static void print_findings(const struct selftest *s, struct page *p)
{
	for (size_t i = 0; i < s->findings.count; i++) {
		page_put_toned(p, TONE_BAD, "wrong: ");
		page_wrap(p, 8, s->findings.item[i]);
		page_newline(p);
	}
	page_wrapf(p, 0, "%d checks on the model and under %d faults: %s", (int)s->checks,
		   (int)s->faults,
		   s->findings.count ? "they do not agree" : "each does as it is named");
	page_newline(p);
}

/* Describes and prints it; the exit status. */
static int tell(const struct cmd_ctx *ctx, struct arena *a, const struct matrix *m)
{
	struct selftest s;
	struct page page;
	int r = describe(a, m, &s);

	if (r < 0)
		return cmd_fail_memory(ctx);
	if (ctx->json) {
		r = cmd_print_json(ctx, &selftest_shape, &s);
		return r != 0 ? r : (int)s.exit_code;
	}
	cmd_page(ctx, stdout, &page);
	if (page.verbosity >= 0)
		print_matrix(&s, &page);
	print_findings(&s, &page);
	return (int)s.exit_code;
}

static int run_selftest(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	struct selftest_options o = { .a = &a };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct matrix m = { 0 };
	int r = cmd_parse(ctx, &selftest_argp, argc, argv, &o);

	if (r != CMD_GO_ON)
		return r;
	m.part = o.checks.count || o.faults.count;
	r = choose_checks(ctx, &o, &m);
	if (r == 0)
		r = choose_faults(ctx, &o, &m);
	if (r != 0)
		return r;
	cmd_progress(ctx, "%zu checks under %zu faults", m.rows.count, m.faults.count);
	r = matrix_run(&m, cores > 0 ? (unsigned int)cores : 1);
	cmd_progress_end(ctx);
	if (r < 0) {
		matrix_done(&m);
		return cmd_fail(ctx, CMD_EXIT_LAB, "no_process",
				"is memory or the number of processes limited?",
				"the matrix cannot be run: %s", strerror(-r));
	}
	r = tell(ctx, &a, &m);
	matrix_done(&m);
	return r;
}

const struct cmd cmd_selftest = {
	.name = "selftest",
	.help = "prove that each check can fail, on a model device",
	.run = run_selftest,
};
