/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

#include "trace/watch.h"

/**
 * struct pending - a call that is being done
 * @device:	on which
 * @edited:	@sent was put in place of @own in the argument
 * @at:		address of the features
 * @own:	what the VMM wrote
 */
struct pending {
	struct trace_device *device;
	bool edited;
	uint64_t at;
	size_t words;
	uint64_t own[FEATURE_WORDS];
};

/* ------------------------------------------------------------------ memory */

static int read_memory(void *ctx, uint64_t at, void *buf, size_t len)
{
	const pid_t *tid = ctx;
	struct iovec here = { .iov_base = buf, .iov_len = len };
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): of another process */
	struct iovec there = { .iov_base = (void *)(uintptr_t)at, .iov_len = len };
	ssize_t n = process_vm_readv(*tid, &here, 1, &there, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

/* Unlike process_vm_writev() this writes to constants too. */
static int write_memory(pid_t tid, uint64_t at, const void *buf, size_t len)
{
	char path[64];
	cleanup_close int fd = -1;
	ssize_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pwrite(fd, buf, len, (off_t)at);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

/* ------------------------------------------------------------------ what-if */

static bool shows(const struct trace_state *s)
{
	return s->shown.word[0] || s->shown.word[1];
}

/* Where the feature words of an argument are, and how many: 0 if it has none. */
static size_t feature_words(const struct tracer_call *call,
			    const struct trace_request *request, uint64_t *ret_at)
{
	pid_t tid = call->tid;
	uint64_t count = 0;

	*ret_at = call->arg[2];
	if (request->arg == ARG_FEATURES)
		return 1;
	*ret_at += sizeof(count);
	if (request->arg != ARG_ARRAY ||
	    read_memory(&tid, call->arg[2], &count, sizeof(count)) < 0)
		return 0;
	return count < FEATURE_WORDS ? (size_t)count : FEATURE_WORDS;
}

/* Before VHOST_SET_FEATURES: what the kernel does not offer it does not get. */
static void keep_from_kernel(struct pending *p, const struct tracer_call *call,
			     const struct trace_request *request)
{
	const struct trace_state *s = &p->device->state;
	pid_t tid = call->tid;
	uint64_t sent[FEATURE_WORDS] = { 0 };
	bool differs = false;

	p->words = feature_words(call, request, &p->at);
	if (!p->words || !s->asked ||
	    read_memory(&tid, p->at, p->own, p->words * sizeof(p->own[0])) < 0)
		return;
	for (size_t i = 0; i < p->words; i++) {
		sent[i] = p->own[i] & ~(s->shown.word[i] & ~s->offered.word[i]);
		differs = differs || sent[i] != p->own[i];
	}
	p->edited = differs &&
		    write_memory(tid, p->at, sent, p->words * sizeof(sent[0])) == 0;
}

/* After VHOST_GET_FEATURES: the VMM sees more. */
static void show_more(const struct trace_state *s, const struct tracer_call *call,
		      const struct trace_request *request)
{
	pid_t tid = call->tid;
	uint64_t at = 0, seen[FEATURE_WORDS] = { 0 };
	size_t words = feature_words(call, request, &at);

	if (!words || read_memory(&tid, at, seen, words * sizeof(seen[0])) < 0)
		return;
	for (size_t i = 0; i < words; i++)
		seen[i] |= s->shown.word[i];
	(void)write_memory(tid, at, seen, words * sizeof(seen[0]));
}

/* -------------------------------------------------------------------- lines */

static void emit(struct watch *w, const struct trace_line *line)
{
	w->options.line(w->options.ctx, line);
}

static void judge(struct watch *w, const struct trace_device *d,
		  const struct trace_ruling *r)
{
	struct trace_line line = { .type = LINE_JUDGE };

	line.judge = (struct line_judge){ .seq = w->seq,
					  .device = d->name,
					  .verdict = r->verdict,
					  .signature = r->signature,
					  .text = r->text };
	emit(w, &line);
}

/* By the calls alone: that a miss waits at this moment is as it should be. */
static void judge_after(struct watch *w, struct trace_device *d, int news)
{
	const struct trace_look look = d->state.look;
	struct trace_ruling r;

	if (!news)
		return;
	d->state.look = (struct trace_look){ 0 };
	trace_judge_device(&d->state, &r);
	d->state.look = look;
	judge(w, d, &r);
}

/* A second owner that is accepted: the number is that of another file by now. */
static int settle_device(struct watch *w, struct pending *p, const struct trace_op *op,
			 const struct tracer_call *call)
{
	if (!call->returned || call->err || !op->request ||
	    op->request->id != REQ_SET_OWNER || !p->device->state.owned)
		return 0;
	return trace_files_renew(&w->files, p->device, &p->device);
}

/* Who started it may be a shell, or libvirt, which hands over what it has opened. */
static void note_program(struct trace_device *d, pid_t pid)
{
	char link[64], program[PATH_MAX];
	ssize_t n = 0;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, program, sizeof(program) - 1);
	program[n < 0 ? 0 : n] = '\0';
	(void)snprintf(d->program, sizeof(d->program), "%.63s", basename(program));
}

static int apply_ioctl(struct watch *w, struct pending *p, const struct trace_op *op,
		       const struct tracer_call *call)
{
	const struct trace_end end = { .pid = call->pid,
				       .seq = (unsigned int)w->seq,
				       .ret = call->ret,
				       .err = call->err };
	struct trace_state *s = &p->device->state;
	bool refused = s->refused.signature;
	int e = trace_state_call(s, op, &end);

	if (!call->err && op->request && op->request->id == REQ_SET_OWNER)
		note_program(p->device, call->pid);
	if (!call->err && op->request && op->request->id == REQ_GET_FEATURES && shows(s))
		show_more(s, call, op->request);
	if (!refused && s->refused.verdict == STACK_REFUSED)
		judge(w, p->device, &s->refused);
	judge_after(w, p->device, e > 0);
	return e;
}

static int after_ioctl(struct watch *w, struct pending *p, const struct tracer_call *call)
{
	cleanup_arena struct arena a = { 0 };
	struct trace_where where = { &a, &w->symbols, NULL, ++w->seq, call };
	pid_t tid = call->tid;
	const struct trace_memory memory = { read_memory, &tid };
	struct trace_line line;
	struct trace_op op;
	int e = 0;

	trace_decode(&memory, (uint32_t)call->arg[1], call->arg[2],
		     !call->returned || call->err, w->room, &op);
	e = settle_device(w, p, &op, call);
	where.device = p->device;
	if (e == 0)
		e = trace_line_call(&where, &op, &line);
	if (e < 0)
		return e;
	emit(w, &line);
	return call->returned ? apply_ioctl(w, p, &op, call) : 0;
}

/** struct part - a struct iovec of the program */
struct part {
	uint64_t at, len;
};

static int read_part(const struct tracer_call *call, size_t i, struct part *ret)
{
	pid_t tid = call->tid;
	uint32_t narrow[2] = { 0 };
	int e = 0;

	if (call->kind == KIND_READ || call->kind == KIND_WRITE) {
		*ret = (struct part){ call->arg[1], call->arg[2] };
		return 0;
	}
	if (call->wide)
		return read_memory(&tid, call->arg[1] + i * sizeof(*ret), ret,
				   sizeof(*ret));
	e = read_memory(&tid, call->arg[1] + i * sizeof(narrow), narrow, sizeof(narrow));
	*ret = (struct part){ narrow[0], narrow[1] };
	return e;
}

/* The bytes of a message, of one part or of several. */
static size_t message_bytes(const struct tracer_call *call, uint8_t *bytes)
{
	bool one = call->kind == KIND_READ || call->kind == KIND_WRITE;
	size_t len = 0, parts = one ? 1 : (size_t)call->arg[2];
	pid_t tid = call->tid;

	for (size_t i = 0; i < parts && len < TRACE_MESSAGE_SIZE; i++) {
		size_t room = TRACE_MESSAGE_SIZE - len;
		struct part part = { 0 };

		if (read_part(call, i, &part) < 0)
			return 0;
		room = part.len < room ? (size_t)part.len : room;
		if (room && read_memory(&tid, part.at, bytes + len, room) < 0)
			return 0;
		len += room;
	}
	return len;
}

static int after_message(struct watch *w, struct pending *p,
			 const struct tracer_call *call)
{
	bool written = call->kind == KIND_WRITE || call->kind == KIND_WRITEV;
	cleanup_arena struct arena a = { 0 };
	struct trace_where where = { &a, &w->symbols, p->device, 0, call };
	uint8_t bytes[TRACE_MESSAGE_SIZE] = { 0 };
	struct trace_message m;
	struct trace_line line;
	int e = 0;

	if (!call->returned || (!written && call->ret <= 0))
		return 0;
	m = trace_decode_message(bytes, message_bytes(call, bytes));
	if (!m.version)
		return 0;
	where.seq = ++w->seq;
	e = trace_line_message(&where, &m, written, &line);
	if (e < 0)
		return e;
	emit(w, &line);
	return trace_state_message(&p->device->state, &m, written, call->err);
}

/* ------------------------------------------------------------------- reader */

static bool enter(void *ctx, struct tracer_call *call)
{
	struct watch *w = ctx;
	struct trace_device *d = NULL;
	struct pending *p = NULL;
	const struct trace_request *request = NULL;

	if (trace_files_find(&w->files, call->tid, call->pid, (int32_t)call->arg[0], &d) <
	    0)
		w->failed = -ENOMEM;
	if (!d)
		return false;
	d->state.shown = w->options.shown[d->state.family];
	p = calloc(1, sizeof(*p));
	if (!p) {
		w->failed = -ENOMEM;
		return false;
	}
	p->device = d;
	call->own = p;
	if (call->kind == KIND_IOCTL)
		request = trace_request_find((uint32_t)call->arg[1]);
	if (request && request->id == REQ_SET_FEATURES && shows(&d->state))
		keep_from_kernel(p, call, request);
	return true;
}

static void leave(void *ctx, struct tracer_call *call)
{
	struct watch *w = ctx;
	struct pending *p = call->own;
	int e = 0;

	if (p->edited)
		(void)write_memory(call->tid, p->at, p->own,
				   p->words * sizeof(p->own[0]));
	e = call->kind == KIND_IOCTL ? after_ioctl(w, p, call)
				     : after_message(w, p, call);
	if (e < 0)
		w->failed = e;
}

static void exiting(void *ctx, pid_t tid)
{
	struct watch *w = ctx;

	(void)tid;
	trace_files_look(&w->files);
}

int watch_init(struct watch *w, const struct watch_options *options,
	       struct tracer_reader *ret)
{
	*w = (struct watch){ .options = *options, .files = { .epoll = -1 } };
	w->symbols.on = options->clean;
	*ret = (struct tracer_reader){ enter, leave, exiting, w };
	w->room = calloc(TRACE_REGIONS_MAX, sizeof(*w->room));
	return w->room ? trace_files_init(&w->files) : -ENOMEM;
}

int watch_end(struct watch *w)
{
	for (size_t i = 0; i < w->files.devices || i == 0; i++) {
		cleanup_arena struct arena a = { 0 };
		struct trace_line line;
		int e = trace_line_end(
			&a, i < w->files.devices ? w->files.device[i] : NULL, &line);

		if (e < 0)
			return e;
		emit(w, &line);
	}
	return w->failed;
}

void watch_done(struct watch *w)
{
	trace_files_done(&w->files);
	trace_symbols_done(&w->symbols);
	free(w->room);
	w->room = NULL;
}
