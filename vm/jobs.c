/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * What a job answers comes back in memory that is shared with it. Decompression is what
 * the jobs spend their time on, so there are as many at a time as cores.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "vm/jobs.h"

/* What a job answers; its result lies behind all of these */
struct answer {
	_Alignas(max_align_t) bool given;
	int r;
	struct vm_error err;
};

struct process {
	pid_t pid;
	int fd; /* pidfd; -1 before its start and after its end */
	size_t job;
};

struct jobs {
	const struct vm_jobs *j;
	struct answer *answer; /* j->count, shared */
	char *result;          /* shared */
	struct process *process;
	struct pollfd *poll;
	size_t room, running; /* of @process */
	size_t begun, end;    /* jobs before @begun were begun; those from @end are not */
	bool stopped;
};

static size_t cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (size_t)CPU_COUNT(&set);
}

static _Noreturn void work(const struct jobs *s, size_t i, pid_t parent)
{
	struct answer *a = &s->answer[i];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	a->r = s->j->fn(s->j->ctx, i, s->result + i * s->j->size, &a->err);
	a->given = true;
	_exit(0);
}

static int begin(struct jobs *s)
{
	struct process *p = &s->process[s->running];
	pid_t parent = getpid();

	p->job = s->begun;
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (p->pid == 0)
		work(s, p->job, parent);
	p->fd = pidfd_open(p->pid, 0);
	if (p->fd < 0) {
		int r = -errno;

		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
		return r;
	}
	s->running++;
	s->begun++;
	return 0;
}

/* No job from @end on counts any more */
static void give_up_from(struct jobs *s, size_t end)
{
	s->end = end < s->end ? end : s->end;
	for (size_t i = 0; i < s->running; i++)
		if (s->process[i].job >= end)
			(void)kill(s->process[i].pid, SIGTERM);
}

static int died(struct vm_error *err, const char *name, int status)
{
	static const char hint[] = "see whether memory ran out, or the file is damaged";

	if (WIFSIGNALED(status))
		return vm_fail(err, VM_FAULT_INTERNAL, -ECHILD, name, hint,
			       "the process that read it was ended by SIG%s",
			       sigabbrev_np(WTERMSIG(status)));
	return vm_fail(err, VM_FAULT_INTERNAL, -ECHILD, name, hint,
		       "the process that read it ended with status %d",
		       WEXITSTATUS(status));
}

/* The process at @at is gone; the last one takes its place */
static void reap(struct jobs *s, size_t at)
{
	struct process *p = &s->process[at];
	struct answer *a = &s->answer[p->job];
	size_t job = p->job;
	int status = 0;

	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!a->given)
		a->r = died(&a->err, s->j->name[job], status);
	fd_close(&p->fd);
	*p = s->process[--s->running];
	if (a->r)
		give_up_from(s, job + 1);
}

static void wait_once(struct jobs *s)
{
	nfds_t n = 0;
	int found = 0;

	for (; n < s->running; n++)
		s->poll[n] = (struct pollfd){ .fd = s->process[n].fd, .events = POLLIN };
	s->poll[n] = (struct pollfd){ .fd = s->stopped ? -1 : s->j->stop_fd,
				      .events = POLLIN };
	found = poll(s->poll, n + 1, -1);
	if (found < 0 && errno != EINTR)
		reap(s, 0); /* poll() has no memory: wait for any */
	if (found < 0)
		return;
	if (s->poll[n].revents) {
		s->stopped = true;
		give_up_from(s, 0);
	}
	while (n-- > 0)
		if (s->poll[n].revents)
			reap(s, n);
}

static int run(struct jobs *s)
{
	int r = 0;

	while (s->running || s->begun < s->end) {
		while (!r && s->begun < s->end && s->running < s->room)
			r = begin(s);
		if (r)
			give_up_from(s, 0);
		if (s->running)
			wait_once(s);
	}
	return r;
}

static int first_failure(const struct jobs *s, struct vm_error *err)
{
	if (s->stopped)
		return vm_fail_errno(err, -EINTR, NULL, "cannot go on");
	for (size_t i = 0; i < s->begun; i++) {
		if (!s->answer[i].r)
			continue;
		*err = s->answer[i].err;
		return s->answer[i].r;
	}
	if (s->j->size)
		memcpy(s->j->result, s->result, s->j->count * s->j->size);
	return 0;
}

int vm_jobs_run(const struct vm_jobs *j, struct vm_error *err)
{
	struct jobs s = { .j = j, .room = cores(), .end = j->count };
	size_t len = j->count * (sizeof(*s.answer) + j->size);
	cleanup_free struct process *process = calloc(s.room, sizeof(*process));
	cleanup_free struct pollfd *fds = calloc(s.room + 1, sizeof(*fds));
	void *shared = NULL;
	int r = 0;

	if (!j->count)
		return 0;
	shared = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || !process || !fds) {
		if (shared != MAP_FAILED)
			(void)munmap(shared, len);
		return vm_fail_errno(err, -ENOMEM, NULL, "cannot read the kernels");
	}
	s.answer = shared;
	s.result = (char *)shared + j->count * sizeof(*s.answer);
	s.process = process;
	s.poll = fds;
	r = run(&s);
	r = r ? vm_fail_errno(err, r, NULL, "cannot read the kernels")
	      : first_failure(&s, err);
	(void)munmap(shared, len);
	return r;
}
