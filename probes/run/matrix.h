/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The proof that each check can fail: all checks run on the clean model, then again
 * under each fault. One column is one fault, and one process: what crashes costs one
 * cell, and a new process goes on with the next. Cells lie in memory that the processes
 * share. Nothing waits (model/model.h), so a cell takes well under a millisecond.
 */
#ifndef RUN_MATRIX_H
#define RUN_MATRIX_H

#include "core/check.h"
#include "seam/fault.h"

/** MATRIX_NARROW - most checks of a device that a fault fails for it to be narrow */
#define MATRIX_NARROW 6u

/**
 * struct matrix_row - a check on one of its devices
 * @id:		"vsock.iotlb.permission"
 */
struct matrix_row {
	const struct check *check;
	enum family family;
	const char *id;
};

/**
 * struct matrix_cell - one verdict
 * @status:	enum status; STATUS_ERROR also for a cell that was never run
 * @text:	its reason, cut, "" with STATUS_PASS
 */
struct matrix_cell {
	int status;
	char text[188];
};

/**
 * struct matrix - all verdicts
 * @rows:	struct matrix_row
 * @faults:	const struct fault: a column each, after the clean one
 * @part:	rows or faults were left out: what needs all of them is not judged
 * @cells:	of row r and column c at c * @rows.count + r; column 0 is clean; shared
 *		memory, matrix_done() gives it back
 * @asked:	of row r and rule n at r * RULE_NUM + n: whether the clean cell depends on
 *		the rule; shared memory as well. What does not is not run under it
 */
struct matrix {
	struct rec_list rows, faults;
	bool part;
	struct matrix_cell *cells;
	bool *asked;
	size_t bytes;
};

/**
 * matrix_add_checks() - a row for each device of each check
 * @a:		arena of the rows
 * @m:		matrix
 * @checks:	borrowed
 * @n:		how many
 *
 * Return: 0; -ENOMEM.
 */
int matrix_add_checks(struct arena *a, struct matrix *m,
		      const struct check *const *checks, size_t n) must_check_;

/**
 * matrix_run() - fill all cells
 * @m:		matrix with its rows and faults
 * @jobs:	processes at a time
 *
 * Return: 0; -errno of mmap(2) or fork(2).
 */
int matrix_run(struct matrix *m, unsigned int jobs) must_check_;

/** matrix_done() - give the cells back; harmless before matrix_run() */
void matrix_done(struct matrix *m);

/** matrix_cell() - the verdict on a row under fault @column - 1; column 0 is clean */
const struct matrix_cell *matrix_cell(const struct matrix *m, size_t row, size_t column);

/** matrix_names() - whether a check names a fault that must make it fail, and can */
bool matrix_names(const struct matrix_row *row, const struct fault *fault);

/** matrix_fails() - how many rows of a family are not passed in a column */
size_t matrix_fails(const struct matrix *m, enum family family, size_t column);

/**
 * matrix_judge() - what the matrix says against the checks and the faults
 * @a:		arena of the findings
 * @m:		matrix that has run
 * @ret:	const char * are added, one a finding
 *
 * A check must pass on the clean model; fail under each fault that it names, one of which
 * is narrow; and pass under all others, unless their reach covers it. A fault must fail a
 * check, and each word of its reach must cover one that does not name it. Under a total
 * fault nothing outside area node passes. Return: 0; -ENOMEM.
 */
int matrix_judge(struct arena *a, const struct matrix *m, struct rec_list *ret)
	must_check_;

#endif
