/* SPDX-License-Identifier: MIT */
/* A runner, and what the tests of it share. */
#ifndef RUNNER_FIXTURE_H
#define RUNNER_FIXTURE_H

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "run/runner.h"

#define SHORT_MS 300u
#define LONG_MS 20000u
#define HALF_OF_LONG_US (UINT64_C(500) * LONG_MS)

/** struct page - what a child tells the test past the runner, in shared memory */
struct page {
	volatile pid_t child, grandchild;
};

/** struct fixture - a runner, and what one task made */
struct fixture {
	struct runner *runner;
	struct arena arena;
	struct outcome o;
	struct page *page;
};

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->page = mmap(NULL, sizeof(*f->page), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	f->runner = runner_new();
	*state = f;
	return f->page == MAP_FAILED || !f->runner ? -1 : 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	runner_free(f->runner);
	arena_done(&f->arena);
	(void)munmap(f->page, sizeof(*f->page));
	free(f);
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : -1;
}

static inline int run(struct fixture *f, int (*act)(struct session *, const void *),
		      const void *arg, unsigned int timeout_ms)
{
	const struct task t = {
		.device = "vsock",
		.family = FAMILY_VSOCK,
		.path = "/dev/vhost-vsock",
		.act = act,
		.arg = arg,
		.timeout_ms = timeout_ms,
	};

	return runner_task(f->runner, &f->arena, &t, &f->o);
}

static inline const char *fact(const struct fixture *f, const char *step)
{
	const struct ev *ev = ev_find(&f->o.evidence, EV_FACT, step);

	return ev ? ev->fact.value : NULL;
}

static inline void nap(void)
{
	(void)poll(NULL, 0, 1);
}

/* Until a process is gone or a zombie; false after 5 s. */
static inline bool ends(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 5000; i++, nap()) {
		char text[256] = "";
		FILE *stat = fopen(path, "re");
		const char *paren = NULL;

		if (!stat)
			return true;
		(void)!fgets(text, sizeof(text), stat);
		(void)fclose(stat);
		paren = strrchr(text, ')');
		if (!paren || paren[2] == 'Z' || paren[2] == 'X')
			return true;
	}
	return false;
}

static inline void at(struct session *s, const char *step, const char *call)
{
	s->rec->begin(s->rec, step, call);
}

_Noreturn static inline void hang(void)
{
	for (;;)
		pause();
}

#endif
