/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "run/child.h"
#include "seam/made.h"

#define LINE_MAX_BYTES 65536u
#define EVIDENCE_MAX 20000u
#define EVIDENCE_MAX_BYTES (16u << 20)
/* A child that is killed closes its device first: one of VDUSE that does not answer any
 * more keeps it for the time that peer_vduse.c sets, 2 s. */
#define GRACE_MS 4000u

/** struct wedged - a device held by an abandoned child */
struct wedged {
	const char *device, *text;
};

struct runner {
	sigset_t old_mask;
	int signals; /* signalfd */
	int stop;    /* the signal that came, 0 if none */
	struct arena arena;
	struct rec_list wedged;
	struct child_place *place;
	char line[LINE_MAX_BYTES];
};

/** struct running - one child while it lives */
struct running {
	struct runner *r;
	struct arena *arena;
	const struct task *task;
	struct outcome *out;
	pid_t pid;
	int sock, pidfd;
	struct deadline until;
	uint64_t started_ns;
	size_t bytes; /* of evidence so far */
	bool over;    /* the verdict on its end is in out->end */
};

/*
 * A task of SCHED_BATCH does not take the processor from another when it wakes (sched(7)):
 * evidence is read by what fits the queue, not by one switch there and back a line.
 */
static void collect_patiently(void)
{
	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 });
}

struct runner *runner_new(void)
{
	struct runner *r = calloc(1, sizeof(*r));
	sigset_t set;

	if (!r)
		return NULL;
	r->signals = -1;
	/* no fast bins: a child's first large free() would walk those of the parent, and
	 * so copy page after page of its heap */
	(void)mallopt(M_MXFAST, 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	r->place = mmap(NULL, sizeof(*r->place), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->place == MAP_FAILED) {
		free(r);
		return NULL;
	}
	collect_patiently();
	(void)sigprocmask(SIG_BLOCK, &set, &r->old_mask);
	r->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (r->signals < 0) {
		runner_free(r);
		return NULL;
	}
	return r;
}

void runner_free(struct runner *r)
{
	struct signalfd_siginfo info;

	if (!r)
		return;
	/* told to stop once is told: a second ^C must not cut the cleaning up short */
	while (r->stop && read(r->signals, &info, sizeof(info)) == sizeof(info))
		;
	fd_close(&r->signals);
	(void)munmap(r->place, sizeof(*r->place));
	(void)sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
	arena_done(&r->arena);
	free(r);
}

int runner_signal(struct runner *r)
{
	struct signalfd_siginfo info;

	if (!r->stop && read(r->signals, &info, sizeof(info)) == sizeof(info))
		r->stop = (int)info.ssi_signo;
	return r->stop;
}

const char *runner_wedged(const struct runner *r, const char *device)
{
	for (size_t i = 0; i < r->wedged.count; i++) {
		const struct wedged *w = r->wedged.item[i];

		if (w->device && !strcmp(w->device, device))
			return w->text ? w->text : "a process that does not die holds it";
	}
	return NULL;
}

static void end_with(struct running *x, enum task_end end, int number)
{
	if (!x->over) {
		x->out->end = (int)end;
		x->out->number = number;
		x->over = true;
	}
}

static void garbled(struct running *x, const char *what)
{
	end_with(x, TASK_GARBLED, 0);
	x->out->garbled = arena_strdup(x->arena, what);
}

/* The collector's own word that it stopped early; it is not for judges. */
static bool take_gave_up(struct running *x, const struct ev *ev)
{
	if (ev->kind != EV_FACT || strcmp(ev->fact.name, GAVE_UP) != 0 || !ev->fact.value)
		return false;
	x->out->gave_up = EIO;
	for (int e = 1; e < 4096; e++) {
		const char *name = strerrorname_np(e);

		if (name && !strcmp(name, ev->fact.value))
			x->out->gave_up = e;
	}
	return true;
}

static void take_line(struct running *x, size_t len)
{
	struct ev *ev = NULL;
	struct rec_error err;
	int r = -ENOMEM;

	x->bytes += len;
	if (x->bytes > EVIDENCE_MAX_BYTES) {
		garbled(x, "it sent more than 16 MiB");
		return;
	}
	ev = arena_alloc(x->arena, sizeof(*ev));
	if (ev)
		r = rec_from_text(x->arena, &ev_shape, x->r->line, len, ev, &err);
	if (r == 0 && take_gave_up(x, ev))
		return;
	if (r == 0 && x->out->evidence.ev.count >= EVIDENCE_MAX) {
		garbled(x, "it sent more than 20000 observations");
		return;
	}
	if (r == 0)
		r = rec_list_add(x->arena, &x->out->evidence.ev, ev);
	if (r < 0)
		garbled(x, r == -EINVAL ? err.text : "memory is exhausted");
}

/* Reads all that is queued; closes the socket at its end. */
static void drain(struct running *x)
{
	while (x->sock >= 0 && !x->over) {
		ssize_t n = recv(x->sock, x->r->line, sizeof(x->r->line),
				 MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			fd_close(&x->sock);
		} else if ((size_t)n > sizeof(x->r->line)) {
			garbled(x, "it sent a line of more than 64 KiB");
		} else {
			take_line(x, (size_t)n);
		}
	}
}

/* Reaps the child if it is gone, and ends what it left running; true then. */
static bool reap(struct running *x)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)x->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno == ECHILD;
	if (!info.si_pid)
		return false;
	/* before it is reaped: until then nobody else can have the number */
	(void)kill(-x->pid, SIGKILL);
	(void)waitid(P_PID, (id_t)x->pid, &info, WEXITED | WNOHANG);
	if (info.si_code == CLD_EXITED)
		end_with(x, info.si_status ? TASK_HARNESS : TASK_FINISHED,
			 info.si_status);
	else
		end_with(x, TASK_SIGNALLED, info.si_status);
	return true;
}

static const char *proc_word(struct running *x, const char *file)
{
	char path[64];
	char text[128] = "";
	cleanup_close int fd = -1;
	ssize_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)x->pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0 || text[0] == '0')
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return arena_strdup(x->arena, text);
}

static int poll_child(struct running *x, struct deadline until)
{
	struct pollfd fds[] = {
		{ .fd = x->sock, .events = POLLIN },
		{ .fd = x->pidfd, .events = POLLIN },
		{ .fd = x->r->signals, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), deadline_left_ms(until)) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

/* The child writes the page, and may have written nonsense: no NUL, no UTF-8. */
static const char *place_text(struct running *x, const char *text, size_t room)
{
	size_t len = strnlen(text, room);
	char *copy = arena_memdup(x->arena, text, len);

	for (size_t i = 0; copy && i < len; i++)
		if (copy[i] < ' ' || copy[i] > '~')
			copy[i] = '?';
	return copy;
}

static void note_place(struct running *x)
{
	const struct child_place *place = x->r->place;

	x->out->step = place_text(x, place->step, sizeof(place->step));
	x->out->call = place_text(x, place->call, sizeof(place->call));
}

static void abandon(struct running *x)
{
	struct wedged *w = rec_list_new(&x->r->arena, &x->r->wedged, sizeof(*w));

	x->out->end = TASK_ABANDONED;
	if (!w)
		return;
	w->device = arena_strdup(&x->r->arena, x->task->device);
	w->text =
		arena_printf(&x->r->arena,
			     "process %d does not die; it hangs in %s at step \"%s\" and "
			     "still holds %s",
			     (int)x->pid, x->out->where ? x->out->where : "the kernel",
			     x->out->step ? x->out->step : "?", x->task->path);
}

/* Kills the child's group and gives it a moment to go. */
static void put_down(struct running *x)
{
	struct deadline grace = deadline_after_ms(GRACE_MS);

	x->out->where = proc_word(x, "wchan");
	note_place(x);
	(void)kill(-x->pid, SIGKILL);
	(void)kill(x->pid, SIGKILL);
	while (!reap(x)) {
		if (deadline_passed(grace)) {
			abandon(x);
			return;
		}
		/* the signalfd is not polled: once told to stop, it stays readable */
		struct pollfd gone = { .fd = x->pidfd, .events = POLLIN };

		(void)poll(&gone, 1, x->pidfd < 0 ? 1 : deadline_left_ms(grace));
	}
}

static void watch(struct running *x)
{
	while (!x->over) {
		if (runner_signal(x->r)) {
			end_with(x, TASK_INTERRUPTED, x->r->stop);
		} else if (deadline_passed(x->until)) {
			end_with(x, TASK_DEADLINE, 0);
		} else if (poll_child(x, x->until) < 0) {
			garbled(x, "poll failed");
		} else {
			struct pollfd gone = { .fd = x->pidfd, .events = POLLIN };

			/* the child's last words may still be queued when it is gone */
			bool dead = poll(&gone, 1, 0) > 0;

			drain(x);
			if (dead && !x->over && reap(x))
				return;
		}
	}
	put_down(x);
}

static int start_child(struct running *x)
{
	pid_t parent = getpid();
	int pair[2] = { -1, -1 };

	memset(x->r->place, 0, sizeof(*x->r->place));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	x->pid = fork();
	if (x->pid == 0)
		child_main(x->task, pair[1], x->r->place, parent, &x->r->old_mask);
	fd_close(&pair[1]);
	x->sock = pair[0];
	if (x->pid < 0)
		return -errno;
	(void)setpgid(x->pid, x->pid);
	x->pidfd = pidfd_open(x->pid, 0);
	if (x->pidfd < 0) {
		int r = -errno;

		put_down(x);
		return r;
	}
	return 0;
}

/* ------------------------------------------------------------- afterwards */

_Noreturn static void take_down_main(pid_t pid)
{
	(void)close_range(0, ~0u, 0);
	(void)made_remove("", pid, deadline_after_ms(GRACE_MS));
	_exit(0);
}

/*
 * What a child that was killed had made in the kernel, its peer takes down as soon as it
 * notices; or this does, if that was killed, too. In a process of its own: the kernel may
 * hang in it.
 */
static void take_down(struct running *x)
{
	struct pollfd gone = { .events = POLLIN };
	struct deadline until = deadline_after_ms(2 * GRACE_MS);
	pid_t pid = fork();

	if (pid == 0)
		take_down_main(x->pid);
	if (pid > 0) {
		gone.fd = pidfd_open(pid, 0);
		while (gone.fd >= 0 && poll(&gone, 1, deadline_left_ms(until)) < 0 &&
		       errno == EINTR)
			;
		(void)kill(pid, SIGKILL);
		/* one that hangs in the kernel is not waited for */
		(void)waitpid(pid, NULL, poll(&gone, 1, 0) > 0 ? 0 : WNOHANG);
		fd_close(&gone.fd);
	}
	if (made_any("", x->pid))
		x->out->left = arena_printf(
			x->arena,
			"what was made for %s could not be taken down: vhostcheck list "
			"--leftovers --remove",
			x->task->device);
}

int runner_task(struct runner *r, struct arena *a, const struct task *t,
		struct outcome *ret)
{
	struct running x = {
		.r = r,
		.arena = a,
		.task = t,
		.out = ret,
		.sock = -1,
		.pidfd = -1,
		.until = deadline_after_ms(t->timeout_ms),
		.started_ns = mono_now_ns(),
	};
	int e = 0;

	*ret = (struct outcome){ 0 };
	e = start_child(&x);
	if (e == 0)
		watch(&x);
	if (e == 0 && made_any("", x.pid))
		take_down(&x);
	note_place(&x);
	ret->pid = x.pid;
	ret->duration_us = (mono_now_ns() - x.started_ns) / 1000;
	fd_close(&x.sock);
	fd_close(&x.pidfd);
	return e;
}
