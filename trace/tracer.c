/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "trace/tracer.h"

#define OPTIONS                                                                          \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |            \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |                \
	 PTRACE_O_TRACEEXIT)

/* of the kernel, seen by tracers only: a signal ended the call, or it is done again */
#define RESTART_FIRST 512
#define RESTART_LAST 516

/**
 * struct tracer_task - one traced thread
 * @tid:	thread
 * @in_call:	@call was entered and its end is wanted
 */
struct tracer_task {
	pid_t tid;
	bool in_call;
	struct tracer_call call;
};

static const int passed_on[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 };

/* ------------------------------------------------------------------- tasks */

static struct tracer_task *task_find(const struct tracer *t, pid_t tid)
{
	for (size_t i = 0; i < t->tasks; i++)
		if (t->task[i].tid == tid)
			return &t->task[i];
	return NULL;
}

static struct tracer_task *task_get(struct tracer *t, pid_t tid)
{
	struct tracer_task *task = task_find(t, tid), *grown = NULL;

	if (task)
		return task;
	if (t->tasks == t->room) {
		grown = reallocarray(t->task, t->room ? 2 * t->room : 16, sizeof(*grown));
		if (!grown)
			return NULL;
		t->task = grown;
		t->room = t->room ? 2 * t->room : 16;
	}
	task = &t->task[t->tasks++];
	*task = (struct tracer_task){ .tid = tid };
	return task;
}

static void call_over(struct tracer *t, struct tracer_task *task)
{
	if (!task->in_call)
		return;
	task->in_call = false;
	t->reader.leave(t->reader.ctx, &task->call);
	free(task->call.own);
	task->call.own = NULL;
}

static void task_remove(struct tracer *t, pid_t tid)
{
	struct tracer_task *task = task_find(t, tid);

	if (!task)
		return;
	call_over(t, task);
	*task = t->task[--t->tasks];
}

static pid_t process_of(pid_t tid)
{
	char path[64], line[128];
	cleanup_file FILE *f = NULL;
	long pid = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Tgid:", 5)) {
			pid = strtol(line + 5, NULL, 10);
			break;
		}
	return pid > 0 ? (pid_t)pid : tid;
}

/* ------------------------------------------------------------------- stops */

/* A task that is gone by now (ESRCH) is told by waitpid(). */
static void resume(enum __ptrace_request how, pid_t tid, int signal)
{
	(void)ptrace(how, tid, NULL, (unsigned long)signal);
}

static void stopped_at_call(struct tracer *t, struct tracer_task *task)
{
	struct __ptrace_syscall_info info = { 0 };
	struct tracer_call *call = &task->call;

	t->stops++;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_SECCOMP) {
		resume(PTRACE_CONT, task->tid, 0);
		return;
	}
	*call = (struct tracer_call){
		.tid = task->tid,
		.pid = call->pid ? call->pid : process_of(task->tid),
		.kind = (int)info.seccomp.ret_data,
		.wide = info.arch & __AUDIT_ARCH_64BIT,
	};
	for (size_t i = 0; i < ARRAY_SIZE(call->arg); i++)
		call->arg[i] = info.seccomp.args[i];
	task->in_call = t->reader.enter(t->reader.ctx, call);
	resume(task->in_call ? PTRACE_SYSCALL : PTRACE_CONT, task->tid, 0);
}

static void stopped_after_call(struct tracer *t, struct tracer_task *task)
{
	struct __ptrace_syscall_info info = { 0 };
	struct tracer_call *call = &task->call;

	t->stops++;
	if (task->in_call &&
	    ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_EXIT) {
		call->returned = true;
		call->err = info.exit.is_error ? (int)-info.exit.rval : 0;
		if (call->err >= RESTART_FIRST && call->err <= RESTART_LAST)
			call->err = EINTR;
		call->ret = info.exit.is_error ? -1 : info.exit.rval;
	}
	call_over(t, task);
	resume(PTRACE_CONT, task->tid, 0);
}

/* After an exec by another thread than the first, that thread has the first one's id. */
static void stopped_after_exec(struct tracer *t, pid_t tid)
{
	unsigned long old = 0;

	if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &old) == 0 && (pid_t)old != tid)
		task_remove(t, (pid_t)old);
	resume(PTRACE_CONT, tid, 0);
}

static void stopped_at_end(struct tracer *t, struct tracer_task *task)
{
	call_over(t, task);
	t->reader.exiting(t->reader.ctx, task->tid);
	resume(PTRACE_CONT, task->tid, 0);
}

static bool stops_group(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
	       signal == SIGTTOU;
}

static void stopped(struct tracer *t, struct tracer_task *task, int status)
{
	int signal = WSTOPSIG(status);

	switch (status >> 16) {
	case PTRACE_EVENT_SECCOMP:
		stopped_at_call(t, task);
		return;
	case PTRACE_EVENT_EXEC:
		stopped_after_exec(t, task->tid);
		return;
	case PTRACE_EVENT_EXIT:
		stopped_at_end(t, task);
		return;
	case PTRACE_EVENT_STOP:
		resume(stops_group(signal) ? PTRACE_LISTEN : PTRACE_CONT, task->tid, 0);
		return;
	case 0:
		if (signal == (SIGTRAP | 0x80))
			stopped_after_call(t, task);
		else
			resume(task->in_call ? PTRACE_SYSCALL : PTRACE_CONT, task->tid,
			       signal);
		return;
	default: /* the birth of a task, which stops by itself */
		resume(PTRACE_CONT, task->tid, 0);
		return;
	}
}

static void ended(struct tracer *t, pid_t tid, int status)
{
	task_remove(t, tid);
	if (tid != t->main)
		return;
	t->status = status;
	t->main_ended = true;
}

static int one_change(struct tracer *t, pid_t tid, int status)
{
	struct tracer_task *task = NULL;

	if (!WIFSTOPPED(status)) {
		ended(t, tid, status);
		return 0;
	}
	task = task_get(t, tid);
	if (!task)
		return -ENOMEM;
	stopped(t, task, status);
	return 0;
}

/* ----------------------------------------------------------------- signals */

/* What the program left running when it ended is not of the terminal's any more. */
static void tell_all(const struct tracer *t, int signal)
{
	for (size_t i = 0; i < t->tasks; i++)
		(void)kill(t->task[i].tid, signal);
}

static void pass_on(const struct tracer *t)
{
	struct signalfd_siginfo info;

	while (read(t->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (t->main_ended)
			tell_all(t, (int)info.ssi_signo);
		else if (info.ssi_code != SI_KERNEL)
			(void)kill(t->main, (int)info.ssi_signo);
	}
}

static int block_signals(struct tracer *t)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		(void)sigaddset(&set, passed_on[i]);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, no change of a child would be told */
	if (sigprocmask(SIG_BLOCK, &set, &t->mask) < 0)
		return -errno;
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals < 0) {
		int e = -errno;

		(void)sigprocmask(SIG_SETMASK, &t->mask, NULL);
		return e;
	}
	return 0;
}

int tracer_run(struct tracer *t)
{
	struct pollfd p = { .fd = t->signals, .events = POLLIN };
	int status = 0, e = 0;
	pid_t tid = 0;

	for (;;) {
		while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
			e = one_change(t, tid, status);
			if (e < 0)
				return e;
		}
		if (tid < 0 && errno == ECHILD)
			return 0;
		if (tid < 0 && errno != EINTR)
			return -errno;
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return -errno;
		pass_on(t);
	}
}

/* ------------------------------------------------------------------- start */

/** struct failure - what a child tells before it gives up */
struct failure {
	int step, err;
};

/* In the child, which shares nothing but the two pipes with its parent. */
_Noreturn static void child(const struct tracer *t, int go[2], int tell, char **argv)
{
	struct failure f = { .step = TRACER_START, .err = EIO };
	char byte = 0;

	(void)close(go[1]);
	if (read(go[0], &byte, 1) == 1) {
		f.step = TRACER_FILTER;
		f.err = -trace_filter_load();
	}
	if (!f.err) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, &t->mask, NULL);
		(void)execvp(argv[0], argv);
		f = (struct failure){ .step = TRACER_EXEC, .err = errno };
	}
	(void)!write(tell, &f, sizeof(f));
	_exit(127);
}

/*
 * Follows the child until it has executed the program, when the pipe closes, or told why
 * it cannot.
 */
static int await_exec(struct tracer *t, int told, enum tracer_step *ret_step)
{
	struct failure f = { 0 };
	struct pollfd p[] = { { .fd = told, .events = POLLIN },
			      { .fd = t->signals, .events = POLLIN } };
	int status = 0;
	ssize_t n = 0;

	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid > 0 && one_change(t, tid, status) < 0)
			return -ENOMEM;
		if (tid > 0)
			continue;
		(void)poll(p, ARRAY_SIZE(p), -1);
		pass_on(t);
		if (!p[0].revents)
			continue;
		n = read(told, &f, sizeof(f));
		if (n == (ssize_t)sizeof(f)) {
			*ret_step = (enum tracer_step)f.step;
			status = tracer_run(t);
			return status < 0 ? status : -f.err;
		}
		return 0;
	}
}

int tracer_start(struct tracer *t, const struct tracer_reader *reader, char **argv,
		 enum tracer_step *ret_step)
{
	int go[2] = { -1, -1 }, tell[2] = { -1, -1 };
	cleanup_close int go_out = -1, told = -1;
	int e = 0;

	*t = (struct tracer){ .reader = *reader, .signals = -1 };
	*ret_step = TRACER_START;
	e = block_signals(t);
	if (e < 0)
		return e;
	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	go_out = go[1];
	if (pipe2(tell, O_CLOEXEC) < 0) {
		e = -errno;
		fd_close(&go[0]);
		return e;
	}
	told = tell[0];
	t->main = fork();
	if (t->main == 0)
		child(t, go, tell[1], argv);
	e = t->main < 0 ? -errno : 0;
	fd_close(&go[0]);
	fd_close(&tell[1]);
	if (e == 0 && ptrace(PTRACE_SEIZE, t->main, NULL, (unsigned long)OPTIONS) < 0)
		e = -errno;
	if (e == 0 && (!task_get(t, t->main) || write(go_out, "", 1) != 1))
		e = -ENOMEM;
	if (e == 0)
		return await_exec(t, told, ret_step);
	fd_close(&go_out); /* it ends */
	if (t->main > 0)
		(void)waitpid(t->main, NULL, __WALL);
	return e;
}

void tracer_done(struct tracer *t)
{
	for (size_t i = 0; i < t->tasks; i++)
		free(t->task[i].call.own);
	free(t->task);
	t->task = NULL;
	t->tasks = t->room = 0;
	if (t->signals >= 0)
		(void)sigprocmask(SIG_SETMASK, &t->mask, NULL);
	fd_close(&t->signals);
}
