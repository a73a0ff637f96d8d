/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The caller polls four sockets (the guest's streams), a pipe (QEMU's stderr) and a
 * pidfd, perhaps of several guests at once. Streams are read until their end only when
 * QEMU is gone: then all is there, and nobody else holds their other ends. How far the
 * guest came is told by the journal: a hello line, an exit line. What follows from an end
 * or a lateness is decided in guest_gone() alone.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "report/journal.h"
#include "vm/machine.h"

enum {
	HELLO_KVM_MS =
		3000, /* by VM_ACCEL_AUTO: /dev/kvm may be there and boot nothing */
	HELLO_MS = 60000,
	LEAVE_MS = 5000, /* from the exit line to the end of QEMU */
	REAP_MS = 5000,  /* from SIGKILL to the end of QEMU */
	TRIES_MAX = 2,
};

static void close_all(struct vm *vm)
{
	for (int i = 0; i < VM_STREAM_NUM; i++)
		fd_close(&vm->fd[i]);
	fd_close(&vm->said_fd);
	fd_close(&vm->pidfd);
}

_Noreturn static void exec_qemu(char *const *argv, int *port, int said, pid_t parent)
{
	const struct rlimit no_core = { 0 };
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* The parent may have died before PDEATHSIG was set */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(127);
	(void)setpgid(0, 0);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	(void)dup2(said, 2);
	for (int i = 0; i < VM_STREAM_NUM; i++)
		(void)fcntl(port[i], F_SETFD, 0);
	(void)execv(argv[0], argv);
	(void)dprintf(2, "%s: %s", argv[0], strerror(errno));
	_exit(127);
}

static int fork_qemu(struct vm *vm, char *const *argv, int *port, int said)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		exec_qemu(argv, port, said, parent);
	vm->pid = pid;
	vm->pidfd = pidfd_open(pid, 0);
	if (vm->pidfd < 0) {
		int r = -errno;

		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		vm->pid = 0;
		return r;
	}
	/* Both sides: whichever is first, the group is there before vm_kill() */
	(void)setpgid(pid, pid);
	return 0;
}

static int open_ports(struct vm *vm, int *port, int *said)
{
	int pair[2];

	for (int i = 0; i < VM_STREAM_NUM; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			return -errno;
		vm->fd[i] = pair[0];
		port[i] = pair[1];
		if (fcntl(vm->fd[i], F_SETFL, O_NONBLOCK))
			return -errno;
	}
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	vm->said_fd = pair[0];
	*said = pair[1];
	return 0;
}

static int spawn(struct vm *vm, struct vm_error *err)
{
	bool wish_auto = vm->spec->accel == VM_ACCEL_AUTO;
	int port[VM_STREAM_NUM] = { -1, -1, -1, -1 }, said = -1;
	struct vm_names argv = { 0 };
	int r;

	vm->state = VM_BOOTING;
	vm->console_len = vm->said_len = 0;
	vm->console[0] = vm->said[0] = vm->why[0] = '\0';
	vm_lines_done(&vm->lines);
	r = open_ports(vm, port, &said);
	if (!r)
		r = vm_qemu_argv(vm->spec, vm->accel, port, &argv);
	if (!r)
		r = fork_qemu(vm, argv.name, port, said);
	for (int i = 0; i < VM_STREAM_NUM; i++)
		fd_close(&port[i]);
	fd_close(&said);
	vm_names_done(&argv);
	if (r)
		return vm_fail_errno(err, r, vm->spec->qemu, "cannot start");
	vm->boots++;
	vm->tries++;
	vm->late = deadline_after_ms(wish_auto && vm->accel == VM_ACCEL_KVM ? HELLO_KVM_MS
									    : HELLO_MS);
	return 0;
}

static int choose_accel(struct vm *vm, struct vm_error *err)
{
	cleanup_close int kvm = -1;
	int r;

	vm->accel = VM_ACCEL_TCG;
	if (vm->spec->accel == VM_ACCEL_TCG)
		return 0;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	r = kvm < 0 ? -errno : 0;
	if (!r)
		vm->accel = VM_ACCEL_KVM;
	else if (vm->spec->accel == VM_ACCEL_KVM)
		return vm_fail(err, VM_FAULT_NO_QEMU, r, "/dev/kvm",
			       "use --accel auto or tcg, or get access to it",
			       "KVM cannot be used: %s", strerror(-r));
	else
		(void)snprintf(vm->fallback, sizeof(vm->fallback), "/dev/kvm: %s",
			       strerror(-r));
	return 0;
}

int vm_start(struct vm *vm, const struct vm_spec *spec, const struct vm_events *ev,
	     struct vm_error *err)
{
	int r;

	*vm = (struct vm){ .spec = spec, .ev = ev, .pidfd = -1, .said_fd = -1 };
	for (int i = 0; i < VM_STREAM_NUM; i++)
		vm->fd[i] = -1;
	r = choose_accel(vm, err);
	return r ? r : spawn(vm, err);
}

/* The last bytes of the console, for the message when the guest dies */
static void keep_tail(struct vm *vm, const char *buf, size_t len)
{
	size_t max = sizeof(vm->console) - 1;

	if (len > max) {
		buf += len - max;
		len = max;
	}
	if (vm->console_len + len > max) {
		size_t drop = vm->console_len + len - max;

		vm->console_len -= drop;
		memmove(vm->console, vm->console + drop, vm->console_len);
	}
	memcpy(vm->console + vm->console_len, buf, len);
	vm->console_len += len;
	vm->console[vm->console_len] = '\0';
}

/* {"type":"exit","status":N}, as vm/guest.c writes it; -1 for anything else */
static int exit_line_status(const char *line)
{
	static const char key[] = "{\"type\":\"exit\",\"status\":";
	char *end;
	unsigned long n;

	if (strncmp(line, key, strlen(key)) != 0)
		return -1;
	line += strlen(key);
	n = strtoul(line, &end, 10);
	return end == line || strcmp(end, "}") != 0 || n > 255 ? -1 : (int)n;
}

static int take_line(void *ctx, const char *line, size_t len)
{
	struct vm *vm = ctx;
	int status = exit_line_status(line);

	if (*line == JOURNAL_ASK)
		return 0; /* answered already */
	if (vm->state == VM_BOOTING && !strncmp(line, "{\"type\":\"hello\"", 15))
		vm->state = VM_RUNNING;
	if (vm->state == VM_RUNNING && status >= 0) {
		vm->state = VM_LEAVING;
		vm->status = status;
		vm->late = deadline_after_ms(LEAVE_MS);
	}
	return vm->ev->line(vm->ev->ctx, line, len);
}

/* What is here cannot be lost any more. A guest that reads no answer needs none */
static void answer(const struct vm *vm, const char *buf, size_t len)
{
	static const char text = JOURNAL_ANSWER;
	const char *end = buf + len;

	while ((buf = memchr(buf, JOURNAL_ASK, (size_t)(end - buf))) != NULL) {
		(void)!send(vm->fd[VM_JOURNAL], &text, 1, MSG_NOSIGNAL);
		buf++;
	}
}

/* Read once. Return: bytes, 0 at the end or when there is nothing now, -errno */
static ssize_t pump(struct vm *vm, enum vm_stream from)
{
	char buf[65536];
	ssize_t n = read(vm->fd[from], buf, sizeof(buf));
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) { /* a reset at QEMU's death is an end, too */
		fd_close(&vm->fd[from]);
		return 0;
	}
	if (from == VM_CONSOLE)
		keep_tail(vm, buf, (size_t)n);
	if (from == VM_JOURNAL) {
		answer(vm, buf, (size_t)n);
		r = vm_lines_feed(&vm->lines, buf, (size_t)n, take_line, vm);
	} else {
		r = vm->ev->bytes(vm->ev->ctx, from, buf, (size_t)n);
	}
	return r ? r : n;
}

static void hear_qemu(struct vm *vm)
{
	char buf[4096];
	ssize_t n = read(vm->said_fd, buf, sizeof(buf));
	size_t room = sizeof(vm->said) - 1 - vm->said_len;
	size_t take;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fd_close(&vm->said_fd);
		return;
	}
	take = (size_t)n < room ? (size_t)n : room;
	memcpy(vm->said + vm->said_len, buf, take);
	vm->said_len += take;
	vm->said[vm->said_len] = '\0';
}

/* All that is left of a QEMU that is gone */
static int drain(struct vm *vm)
{
	for (int i = 0; i < VM_STREAM_NUM; i++) {
		ssize_t n = 1;

		while (n > 0 && vm->fd[i] >= 0)
			n = pump(vm, (enum vm_stream)i);
		if (n < 0)
			return (int)n;
	}
	if (vm->said_fd >= 0)
		hear_qemu(vm);
	return 0;
}

/* Kill, wait, collect. Return: status of waitpid(), -errno */
static int reap(struct vm *vm)
{
	struct deadline until = deadline_after_ms(REAP_MS);
	struct pollfd p = { .fd = vm->pidfd, .events = POLLIN };
	int status = 0, r;

	(void)kill(-vm->pid, SIGKILL);
	do
		r = poll(&p, 1, deadline_left_ms(until));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT; /* stuck in the kernel: left to init */
	if (waitpid(vm->pid, &status, WNOHANG) < 0)
		return -errno;
	vm->pid = 0;
	return status;
}

/* The line of the console that says most: of the panic, or else the last one.
 * Return: its length, without the end of the line */
static int last_words(const struct vm *vm, const char **ret)
{
	const char *start = vm->console, *end = start + strlen(start);
	const char *panic = strstr(start, "Kernel panic");
	const char *newline;

	if (panic) {
		*ret = panic;
		return (int)strcspn(panic, "\r\n");
	}
	while (end > start && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	newline = memrchr(start, '\n', (size_t)(end - start));
	*ret = newline ? newline + 1 : start;
	return (int)(end - *ret);
}

static int restart(struct vm *vm, struct vm_error *err)
{
	int r = vm->ev->restart(vm->ev->ctx, vm->why);

	close_all(vm);
	return r ? r : spawn(vm, err);
}

static enum vm_end how_it_ended(const struct vm *vm)
{
	if (vm->killed)
		return VM_END_KILLED;
	if (vm->state == VM_LEAVING)
		return VM_END_EXIT;
	return vm->settled ? VM_END_DIED : VM_END_NONE;
}

/* QEMU is gone, or was found late and killed; vm->why says how */
static int guest_gone(struct vm *vm, struct vm_error *err)
{
	bool unheard = vm->state == VM_BOOTING;
	const char *words;
	int said;

	vm->end = how_it_ended(vm);
	if (vm->end == VM_END_NONE && vm->accel == VM_ACCEL_KVM &&
	    vm->spec->accel == VM_ACCEL_AUTO) {
		memcpy(vm->fallback, vm->why, sizeof(vm->fallback));
		vm->accel = VM_ACCEL_TCG;
		vm->tries = 0;
		return restart(vm, err);
	}
	if (vm->end == VM_END_NONE && vm->tries < TRIES_MAX)
		return restart(vm, err);
	vm->state = VM_ENDED;
	close_all(vm);
	if (vm->end != VM_END_NONE)
		return 1;
	said = last_words(vm, &words);
	return vm_fail(
		err, VM_FAULT_GUEST_DIED, -EIO, vm->spec->image,
		unheard ? "see that the kernel has CONFIG_SERIAL_8250 for four ports, "
			  "or try another --accel, --memory or QEMU"
			: "look at the console, or try another --accel, --memory or "
			  "QEMU",
		"did not get as far as its first check in %u boots (%s): %s%s%.*s",
		vm->boots, vm_accel_name(vm->accel), vm->why,
		said ? "; its console: " : "", said, words);
}

static int found_gone(struct vm *vm, struct vm_error *err)
{
	static const char *const when[] = {
		[VM_BOOTING] = "before it said hello",
		[VM_RUNNING] = "before it told an exit status",
	};
	int status = reap(vm);
	int r = status < 0 ? vm_fail_errno(err, status, vm->spec->qemu, "cannot end")
			   : drain(vm);

	if (r)
		return r;
	vm->said[strcspn(vm->said, "\n")] = '\0';
	if (vm->state == VM_LEAVING)
		vm->why[0] = '\0';
	else if (WIFSIGNALED(status))
		(void)snprintf(vm->why, sizeof(vm->why), "signal %d ended QEMU %s%s%s",
			       WTERMSIG(status), when[vm->state], vm->said[0] ? ": " : "",
			       vm->said);
	else
		(void)snprintf(vm->why, sizeof(vm->why), "the guest ended %s%s%s",
			       when[vm->state], vm->said[0] ? ": " : "", vm->said);
	return guest_gone(vm, err);
}

static int found_late(struct vm *vm, struct vm_error *err)
{
	bool kvm = vm->accel == VM_ACCEL_KVM && vm->spec->accel == VM_ACCEL_AUTO;
	int r;

	if (vm->state == VM_LEAVING)
		return found_gone(vm, err);
	r = reap(vm);
	if (r < 0)
		return vm_fail_errno(err, r, vm->spec->qemu, "cannot end");
	r = drain(vm);
	if (r)
		return r;
	(void)snprintf(vm->why, sizeof(vm->why),
		       "no hello from the guest within %d s under %s",
		       (kvm ? HELLO_KVM_MS : HELLO_MS) / 1000, vm_accel_name(vm->accel));
	return guest_gone(vm, err);
}

struct deadline vm_poll_set(const struct vm *vm, struct pollfd *p, struct deadline until)
{
	for (int i = 0; i < VM_POLL_NUM; i++)
		p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	for (int i = 0; i < VM_STREAM_NUM; i++)
		p[i].fd = vm->fd[i];
	p[VM_POLL_SAID].fd = vm->said_fd;
	p[VM_POLL_PID].fd = vm->pidfd;
	return vm->state == VM_RUNNING ? until : deadline_earlier(until, vm->late);
}

int vm_deliver(struct vm *vm, const struct pollfd *p, struct vm_error *err)
{
	if (vm->state == VM_ENDED)
		return 1;
	if (p[VM_POLL_PID].revents)
		return found_gone(vm, err);
	for (int i = 0; i < VM_STREAM_NUM; i++) {
		ssize_t n = p[i].revents ? pump(vm, (enum vm_stream)i) : 0;

		if (n < 0)
			return (int)n;
	}
	if (p[VM_POLL_SAID].revents)
		hear_qemu(vm);
	if (vm->state != VM_RUNNING && deadline_passed(vm->late))
		return found_late(vm, err);
	return 0;
}

void vm_settle(struct vm *vm)
{
	vm->settled = true;
}

void vm_kill(struct vm *vm)
{
	vm->killed = true;
	if (vm->pid > 0)
		(void)kill(-vm->pid, SIGKILL);
}

void vm_done(struct vm *vm)
{
	if (!vm->spec)
		return; /* never started */
	if (vm->pid > 0)
		(void)reap(vm);
	close_all(vm);
	vm_lines_done(&vm->lines);
	vm->spec = NULL;
}
