/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "run/cell.h"
#include "run/check_act.h"
#include "run/matrix.h"
#include "run/verdict.h"

#define JOBS_MAX 64u
/* By the wall's: a cell that takes longer hangs. */
#define CELL_MS 20000u

/* ---------------------------------------------------------------- one cell */

/* NOLINTNEXTLINE(readability-non-const-parameter): the model writes to @asked */
static void run_cell(const struct matrix_row *row, const struct fault *fault, bool *asked,
		     struct matrix_cell *ret)
{
	const struct cell cell = {
		.model = { .family = row->family, .fault = fault, .asked = asked },
		.act = check_act,
		.arg = row->check,
	};
	struct arena a = { 0 };
	struct outcome o;
	struct verdict v;

	cell_run(&a, &cell, &o);
	v = verdict_of(&a, row->check, cell_path(row->family), CELL_TIMEOUT_MS, &o);
	ret->status = v.status;
	(void)snprintf(ret->text, sizeof(ret->text), "%s", v.text ? v.text : "");
	arena_done(&a);
}

/* -------------------------------------------------------------- one column */

/**
 * struct column - one fault and the process that works on it
 * @index:	in the matrix
 * @next:	shared: the row that is being run; @seen: what the parent last saw of it
 * @pid, @pidfd: 0 and -1 while there is none
 */
struct column {
	size_t index, seen;
	size_t *next;
	pid_t pid;
	int pidfd;
	struct deadline until;
};

static struct matrix_cell *cell_of(const struct matrix *m, size_t row, size_t column)
{
	return &m->cells[column * m->rows.count + row];
}

const struct matrix_cell *matrix_cell(const struct matrix *m, size_t row, size_t column)
{
	return cell_of(m, row, column);
}

static bool can_hit(const struct fault *fault, const struct matrix_row *row)
{
	return !fault->families || fault->families & FAMILY_BIT(row->family);
}

/* RULE_NUM flags of a row: the rules that its clean cell depended on. */
static bool *asked_of(const struct matrix *m, size_t row)
{
	return &m->asked[row * RULE_NUM];
}

/* A model that was not asked about a rule does the same when it breaks it. */
static bool can_change(const struct matrix *m, const struct fault *fault, size_t row)
{
	int clean = cell_of(m, row, 0)->status;

	if (!can_hit(fault, m->rows.item[row]))
		return false;
	return fault->act != FAULT_MODEL || asked_of(m, row)[fault->rule] ||
	       clean == STATUS_CRASH || clean == STATUS_TIMEOUT;
}

_Noreturn static void column_main(const struct matrix *m, const struct column *c,
				  pid_t parent)
{
	const struct fault *fault = c->index ? m->faults.item[c->index - 1] : NULL;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	while (*c->next < m->rows.count) {
		size_t row = *c->next;

		if (!fault || can_change(m, fault, row))
			run_cell(m->rows.item[row], fault,
				 fault ? NULL : asked_of(m, row),
				 cell_of(m, row, c->index));
		__atomic_fetch_add(c->next, 1, __ATOMIC_RELEASE);
	}
	_exit(0);
}

static int column_start(const struct matrix *m, struct column *c)
{
	pid_t parent = getpid();

	c->seen = *c->next;
	c->until = deadline_after_ms(CELL_MS);
	c->pid = fork();
	if (c->pid == 0)
		column_main(m, c, parent);
	if (c->pid < 0) {
		c->pid = 0;
		return -errno;
	}
	c->pidfd = pidfd_open(c->pid, 0);
	return c->pidfd < 0 ? -errno : 0;
}

static void column_stop(struct column *c)
{
	if (c->pid)
		(void)kill(c->pid, SIGKILL);
	while (c->pid && waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	fd_close(&c->pidfd);
	c->pid = 0;
}

/* The cell at which its process died or hung. */
static void blame(const struct matrix *m, struct column *c, int status, const char *text)
{
	struct matrix_cell *cell = cell_of(m, *c->next, c->index);

	cell->status = status;
	(void)snprintf(cell->text, sizeof(cell->text), "%s", text);
	(*c->next)++;
}

/* After a look: whether the column is done. A process that ended early is replaced. */
static int column_look(const struct matrix *m, struct column *c, bool gone)
{
	size_t at = __atomic_load_n(c->next, __ATOMIC_ACQUIRE);

	if (!gone && at != c->seen) {
		c->seen = at;
		c->until = deadline_after_ms(CELL_MS);
	}
	if (!gone && !deadline_passed(c->until))
		return 0;
	column_stop(c);
	at = *c->next;
	if (at < m->rows.count)
		blame(m, c, gone ? STATUS_CRASH : STATUS_TIMEOUT,
		      gone ? "its process died" : "it hangs");
	return *c->next < m->rows.count ? column_start(m, c) : 1;
}

/** struct crew - the columns that are being worked on */
struct crew {
	struct column column[JOBS_MAX];
	size_t *next; /* shared, one for each place in @column */
	unsigned int jobs;
	size_t begun, end; /* columns before these were begun, are to be */
};

static int crew_fill(const struct matrix *m, struct crew *c)
{
	for (unsigned int i = 0; i < c->jobs; i++) {
		struct column *col = &c->column[i];
		int r = 0;

		if (col->pid || c->begun == c->end)
			continue;
		*col = (struct column){ .index = c->begun++,
					.next = &c->next[i],
					.pidfd = -1 };
		*col->next = 0;
		r = column_start(m, col);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Waits for one of them; 0 once none is left, else 1 or -errno. */
static int crew_wait(const struct matrix *m, struct crew *c)
{
	struct pollfd fds[JOBS_MAX];
	bool any = false;

	for (unsigned int i = 0; i < c->jobs; i++) {
		fds[i] =
			(struct pollfd){ .fd = c->column[i].pid ? c->column[i].pidfd : -1,
					 .events = POLLIN };
		any |= fds[i].fd >= 0;
	}
	if (!any)
		return 0;
	if (poll(fds, c->jobs, 100) < 0 && errno != EINTR)
		return -errno;
	for (unsigned int i = 0; i < c->jobs; i++) {
		int r = 0;

		if (c->column[i].pid)
			r = column_look(m, &c->column[i], fds[i].revents != 0);
		if (r < 0)
			return r;
	}
	return 1;
}

static void *share(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* What a fault cannot change is as it is without. */
static void copy_clean(const struct matrix *m)
{
	for (size_t c = 1; c <= m->faults.count; c++)
		for (size_t r = 0; r < m->rows.count; r++)
			if (!can_change(m, m->faults.item[c - 1], r))
				*cell_of(m, r, c) = *cell_of(m, r, 0);
}

static int crew_run(const struct matrix *m, struct crew *c, size_t end)
{
	int r = 0;

	c->end = end;
	do {
		r = crew_fill(m, c);
		if (r == 0)
			r = crew_wait(m, c);
	} while (r > 0);
	return r;
}

int matrix_run(struct matrix *m, unsigned int jobs)
{
	struct crew crew = { .jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX };
	size_t next_bytes = JOBS_MAX * sizeof(*crew.next);
	int r = 0;

	m->bytes = (m->faults.count + 1) * m->rows.count * sizeof(*m->cells);
	m->cells = share(m->bytes ? m->bytes : 1);
	m->asked = share(m->rows.count * RULE_NUM + 1);
	crew.next = share(next_bytes);
	if (!m->cells || !m->asked || !crew.next)
		return -ENOMEM;
	/* the others go by what the clean one has asked */
	r = crew_run(m, &crew, 1);
	if (r == 0)
		r = crew_run(m, &crew, m->faults.count + 1);
	for (unsigned int i = 0; i < crew.jobs; i++)
		column_stop(&crew.column[i]);
	(void)munmap(crew.next, next_bytes);
	if (r == 0)
		copy_clean(m);
	return r;
}

void matrix_done(struct matrix *m)
{
	if (m->cells)
		(void)munmap(m->cells, m->bytes);
	m->cells = NULL;
	if (m->asked)
		(void)munmap(m->asked, m->rows.count * RULE_NUM + 1);
	m->asked = NULL;
}

int matrix_add_checks(struct arena *a, struct matrix *m,
		      const struct check *const *checks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (int f = 0; f < FAMILY_NUM; f++) {
			struct matrix_row *row = NULL;

			if (!(checks[i]->families & FAMILY_BIT(f)))
				continue;
			row = rec_list_new(a, &m->rows, sizeof(*row));
			if (!row)
				return -ENOMEM;
			row->check = checks[i];
			row->family = (enum family)f;
			row->id = check_id(a, checks[i], row->family);
			if (!row->id)
				return -ENOMEM;
		}
	}
	return 0;
}

size_t matrix_fails(const struct matrix *m, enum family family, size_t column)
{
	size_t n = 0;

	for (size_t i = 0; i < m->rows.count; i++) {
		const struct matrix_row *row = m->rows.item[i];

		n += row->family == family &&
		     cell_of(m, i, column)->status != STATUS_PASS;
	}
	return n;
}

/* ------------------------------------------------------------ what it says */

/** struct judging - the findings so far; @err is -ENOMEM once one could not be kept */
struct judging {
	struct arena *a;
	const struct matrix *m;
	struct rec_list *ret;
	int err;
};

static void finding(struct judging *j, const char *fmt, ...) printf_(2, 3);

static void finding(struct judging *j, const char *fmt, ...)
{
	const char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = arena_vprintf(j->a, fmt, args);
	va_end(args);
	if (!text || rec_list_add(j->a, j->ret, text) < 0)
		j->err = -ENOMEM;
}

bool matrix_names(const struct matrix_row *row, const struct fault *fault)
{
	if (!can_hit(fault, row))
		return false;
	for (size_t i = 0; row->check->faults && row->check->faults[i]; i++)
		if (!strcmp(row->check->faults[i], fault->name))
			return true;
	return false;
}

/* @glob against "area.name" */
static bool covers(const char *glob, const struct matrix_row *row)
{
	return fnmatch(glob, strchr(row->id, '.') + 1, 0) == 0;
}

static bool reaches(const struct fault *fault, const struct matrix_row *row)
{
	for (size_t i = 0; fault->reach && fault->reach[i]; i++)
		if (covers(fault->reach[i], row))
			return true;
	return false;
}

static bool failed(const struct matrix_cell *cell)
{
	return cell->status == STATUS_FAIL || cell->status == STATUS_TIMEOUT;
}

static void judge_clean(struct judging *j)
{
	for (size_t i = 0; i < j->m->rows.count; i++) {
		const struct matrix_row *row = j->m->rows.item[i];
		const struct matrix_cell *cell = cell_of(j->m, i, 0);

		if (cell->status != STATUS_PASS)
			finding(j, "%s does not pass on the clean model: %s: %s", row->id,
				status_names[cell->status], cell->text);
	}
}

static void judge_total(struct judging *j, const struct fault *fault, size_t column)
{
	for (size_t i = 0; i < j->m->rows.count; i++) {
		const struct matrix_row *row = j->m->rows.item[i];

		if (covers(fault->total, row) && can_hit(fault, row) &&
		    cell_of(j->m, i, column)->status == STATUS_PASS)
			finding(j, "%s passes under %s", row->id, fault->name);
	}
}

static void judge_cell(struct judging *j, size_t r, const struct fault *fault, size_t c)
{
	const struct matrix_row *row = j->m->rows.item[r];
	const struct matrix_cell *cell = cell_of(j->m, r, c);
	const char *status = status_names[cell->status];

	if (cell->status == STATUS_CRASH)
		finding(j, "%s crashes under %s", row->id, fault->name);
	else if (matrix_names(row, fault) && !failed(cell))
		finding(j, "%s names %s and does not fail under it: %s", row->id,
			fault->name, status);
	else if (cell->status != STATUS_PASS && !matrix_names(row, fault) &&
		 !fault->total && !reaches(fault, row))
		finding(j, "%s is %s under %s, which it does not name: %s", row->id,
			status, fault->name, cell->text);
}

/* Each word of a reach must be of use, or it hides what it will cover one day. */
static void judge_reach(struct judging *j, const struct fault *fault, size_t column)
{
	for (size_t k = 0; fault->reach && fault->reach[k]; k++) {
		bool used = false;

		for (size_t i = 0; i < j->m->rows.count && !used; i++) {
			const struct matrix_row *row = j->m->rows.item[i];

			used = covers(fault->reach[k], row) &&
			       !matrix_names(row, fault) &&
			       cell_of(j->m, i, column)->status != STATUS_PASS;
		}
		if (!used)
			finding(j, "%s reaches %s in vain: nothing fails there",
				fault->name, fault->reach[k]);
	}
}

static void judge_fault(struct judging *j, const struct fault *fault, size_t column)
{
	size_t fails = 0;

	for (int f = 0; f < FAMILY_NUM; f++)
		fails += matrix_fails(j->m, (enum family)f, column);
	if (!fails && !j->m->part)
		finding(j, "%s fails no check", fault->name);
	for (size_t i = 0; i < j->m->rows.count; i++)
		judge_cell(j, i, fault, column);
	if (!j->m->part)
		judge_reach(j, fault, column);
	if (fault->total)
		judge_total(j, fault, column);
}

/* A check that nothing narrow fails is not known to look at what it is about. */
static void judge_row(struct judging *j, size_t r)
{
	const struct matrix_row *row = j->m->rows.item[r];

	for (size_t c = 1; c <= j->m->faults.count; c++)
		if (matrix_names(row, j->m->faults.item[c - 1]) &&
		    failed(cell_of(j->m, r, c)) &&
		    matrix_fails(j->m, row->family, c) <= MATRIX_NARROW)
			return;
	finding(j, "%s names no fault that fails it and at most %u checks of the device",
		row->id, MATRIX_NARROW);
}

int matrix_judge(struct arena *a, const struct matrix *m, struct rec_list *ret)
{
	struct judging j = { .a = a, .m = m, .ret = ret };

	judge_clean(&j);
	for (size_t c = 1; c <= m->faults.count; c++)
		judge_fault(&j, m->faults.item[c - 1], c);
	for (size_t r = 0; r < m->rows.count && !m->part; r++)
		judge_row(&j, r);
	return j.err;
}
