/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "run/child.h"

#define CHILD_SOCKET 3
#define CHILD_NICE 5
/* The session's waits end this much before the parent's kill, to tell why. */
#define MARGIN_MS 500u

/** struct child_recorder - evidence as JSON Lines on a socket, one datagram each */
struct child_recorder {
	struct recorder rec;
	int sock;
	struct child_place *place;
};

static int child_emit(struct recorder *rec, const struct ev *ev)
{
	struct child_recorder *c = (struct child_recorder *)rec;
	struct json_object *json = rec_to_json(&ev_shape, ev);
	const char *line = NULL;
	size_t len = 0;
	int r = 0;

	if (!json)
		return -ENOMEM;
	line = json_object_to_json_string_length(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (!line)
		r = -ENOMEM;
	else if (send(c->sock, line, len, MSG_NOSIGNAL) < 0)
		r = -errno;
	json_object_put(json);
	return r;
}

static void child_begin(struct recorder *rec, const char *step, const char *call)
{
	struct child_place *place = ((struct child_recorder *)rec)->place;

	(void)snprintf(place->step, sizeof(place->step), "%s", step);
	(void)snprintf(place->call, sizeof(place->call), "%s", call);
}

static int write_text(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/* Nothing of the parent's but the socket: a stuck child must not hold a reader up. */
static int let_go(int sock)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	for (int fd = 0; fd < CHILD_SOCKET; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	if (dup2(sock, CHILD_SOCKET) < 0)
		return -errno;
	fd_close(&null);
	return close_range(CHILD_SOCKET + 1, ~0u, 0) < 0 ? -errno : 0;
}

/*
 * A core limit of 1 byte stops dumps to files and, unlike 0, also to a pipe handler
 * (core(5)). The rest is a courtesy to the host: first to go when memory is short.
 */
static void be_modest(void)
{
	static const struct rlimit no_core = { 1, 1 };

	/* the runner's, which is not for a peer or a worker */
	if (sched_getscheduler(0) == SCHED_BATCH)
		(void)sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 });
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)write_text("/proc/self/oom_score_adj", "1000");
	if (getpriority(PRIO_PROCESS, 0) < CHILD_NICE)
		(void)setpriority(PRIO_PROCESS, 0, CHILD_NICE);
}

static void default_signals(const sigset_t *mask)
{
	static const int usual[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		(void)signal(usual[i], SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
}

static int child_work(const struct task *t, struct recorder *rec, const struct seam *seam)
{
	unsigned int soft = t->timeout_ms > 2 * MARGIN_MS ? t->timeout_ms - MARGIN_MS
							  : t->timeout_ms / 2;
	const struct session_init init = {
		.seam = seam,
		.rec = rec,
		.until = deadline_from(seam->clock->ops->now_ns(seam->clock), soft),
		.family = t->family,
		.path = t->path,
	};
	struct session s;
	int failed = 0;
	int r = 0;

	session_init(&s, &init);
	r = t->act(&s, t->arg);
	if (r < 0) {
		const char *name = strerrorname_np(-r);

		session_fact(&s, "end", GAVE_UP, "%s", name ? name : "unknown");
	}
	failed = s.failed;
	session_done(&s);
	return failed;
}

_Noreturn void child_main(const struct task *t, int sock, struct child_place *place,
			  pid_t parent, const sigset_t *mask)
{
	struct child_recorder rec = {
		.rec = { child_emit, child_begin },
		.sock = CHILD_SOCKET,
		.place = place,
	};
	struct seam_kernel *kernel = NULL;
	struct fault_seam *faulty = NULL;
	struct seam seam;
	int status = 1;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || let_go(sock) < 0)
		_exit(1);
	be_modest();
	default_signals(mask);
	kernel = seam_kernel_new(t->family);
	if (kernel) {
		seam = seam_kernel_tables(kernel);
		faulty = t->fault ? fault_seam_new(t->fault, &seam) : NULL;
		if (faulty)
			seam = fault_seam_tables(faulty);
		if (faulty || !t->fault)
			status = child_work(t, &rec.rec, &seam) < 0;
		fault_seam_free(faulty);
		seam_kernel_free(kernel);
	}
	_exit(status);
}
