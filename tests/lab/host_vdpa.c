/* SPDX-License-Identifier: MIT */
/*
 * In a guest: the real other end of vhost-vdpa, a block device of VDUSE: made and taken
 * down by whoever is left to do it, with a daemon that dies or never answers, and what is
 * told where it cannot be made or is in use. Called by the daemon's name it is a daemon
 * that is of no use; with arguments it makes a device and runs vhostcheck with them. TAP.
 */
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/payload.h"
#include "guest/vdpa.h"
#include "tests/lab/host.h"

#define DAEMON "qemu-storage-daemon"
#define PLACE "/tmp/daemon"
#define SEED 7u
#define BYTES 5000u
#define OTHER_DRIVER "/usr/bin/virtio_vdpa.ko"
#define ROOM (256u << 10)

/* What a device that does not answer may cost: msg_timeout is 2 s. */
#define LATE_MS 6000u

static int open_device(struct end *e)
{
	struct peer_target t = { 0 };
	int r = end_start(e, FAMILY_VDPA);

	if (r == 0)
		r = e->seam.peer->ops->target(e->seam.peer, &t);
	return r < 0 ? r : e->seam.dev->ops->open(e->seam.dev, t.path);
}

static int set_status(struct end *e, uint8_t status)
{
	return e->seam.dev->ops->ioctl(e->seam.dev, VHOST_VDPA_SET_STATUS, &status);
}

/* Whether the device took a status: the order itself does not say. */
static bool takes_status(struct end *e, uint8_t status)
{
	struct dev *dev = e->seam.dev;
	uint8_t now = 0;

	return set_status(e, status) == 0 &&
	       dev->ops->ioctl(dev, VHOST_VDPA_GET_STATUS, &now) == 0 && now == status;
}

static void test_store(struct tap *tap)
{
	struct peer_request store = {
		.op = PEER_STORE, .seed = SEED, .offset = 512, .len = BYTES
	};
	struct peer_request stored = { .op = PEER_STORED, .offset = 512, .len = BYTES };
	unsigned char bytes[BYTES];
	struct peer_reply wrote = { 0 }, read_back = { 0 };
	struct peer_target t = { 0 };
	struct end e = { 0 };

	payload_fill(SEED, 0, bytes, sizeof(bytes));
	report(tap, open_device(&e) == 0, "a device is made and opened");
	report(tap,
	       e.seam.peer->ops->target(e.seam.peer, &t) == 0 && t.block == 512 &&
		       t.blocks == 1024 && !t.luns && !*t.wwpn,
	       "and described");
	report(tap,
	       e.seam.twin->ops->open(e.seam.twin, t.path) == -EBUSY &&
		       takes_status(&e, 1),
	       "it is in use, and answers");
	report(tap,
	       end_order(&e, &store, &wrote) == 0 && wrote.bytes == BYTES &&
		       wrote.digest == digest_add(DIGEST_START, bytes, BYTES),
	       "its file is written");
	report(tap,
	       end_order(&e, &stored, &read_back) == 0 && read_back.bytes == BYTES &&
		       read_back.digest == wrote.digest,
	       "and read");
	stored.offset = t.blocks * t.block;
	report(tap, end_order(&e, &stored, &read_back) == -ERANGE, "not beyond its end");
	end_stop(&e);
}

static void test_rounds(struct tap *tap, const struct traces *before)
{
	unsigned int made = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct end e = { 0 };

		made += open_device(&e) == 0;
		end_stop(&e);
	}
	report(tap, made == ROUNDS, "devices are made and opened 100 times");
	report(tap, traces_same(before), "and nothing is left on the bus or of vduse");
}

/* --------------------------------------------------------- a bad other end */

static bool in_time(uint64_t since)
{
	uint64_t ms = (mono_now_ns() - since) / 1000000;

	if (ms >= LATE_MS)
		printf("# %llu ms\n", (unsigned long long)ms);
	return ms < LATE_MS;
}

static void test_death(struct tap *tap, const struct traces *before)
{
	struct peer_request hangup = { .op = PEER_HANGUP };
	struct peer_reply reply = { 0 };
	uint64_t since = 0;
	struct end e = { 0 };

	report(tap, open_device(&e) == 0 && end_order(&e, &hangup, &reply) == 0,
	       "a daemon dies whose device is open");
	since = mono_now_ns();
	report(tap, !takes_status(&e, 1) && in_time(since),
	       "what it is asked is not done, and not waited for");
	end_stop(&e);
	report(tap, in_time(since) && traces_same(before), "and nothing is left");
}

/* A request is on its way when the daemon falls silent, and then dies. */
static int die_in_request(struct session *s, const void *arg)
{
	static const struct vdpa_config plain = { 0 };
	const struct vdpa_request request = vdpa_sectors(8, VDPA_SECTOR);
	pid_t daemon = 0;
	struct vdpa v;
	int r = vdpa_begin(&v, s, &plain);

	(void)arg;
	if (r == 0)
		r = vdpa_do(&v, "served", &request);
	daemon = child_of(child_of(getpid()));
	if (r < 0 || daemon <= 0 || kill(daemon, SIGSTOP) < 0)
		_exit(1);
	(void)vdpa_put(&v, &request);
	(void)vdpa_kick(&v);
	(void)kill(daemon, SIGKILL);
	if (vdpa_quiet(&v, "lost") != -ENODATA || vdpa_set_status(&v, "reset", 0) != -EIO)
		_exit(1);
	return 0;
}

static void test_death_in_request(struct tap *tap, const struct traces *before)
{
	static const struct bound unbound = { FAMILY_VDPA, PEER_NODE, NULL };
	const char *left = NULL;

	report(tap, run_task(&unbound, die_in_request, 20000, &left) == TASK_FINISHED,
	       "a daemon dies with a request: it is not answered, and a reset says so");
	report(tap, !left && traces_same(before), "and nothing is left");
}

static void test_silence(struct tap *tap, const struct traces *before)
{
	uint64_t since = 0;
	struct end e = { 0 };
	bool open = open_device(&e) == 0;
	pid_t daemon = child_of(child_of(getpid()));

	report(tap, open && daemon > 0 && kill(daemon, SIGSTOP) == 0,
	       "a daemon falls silent whose device is open");
	since = mono_now_ns();
	report(tap, !takes_status(&e, 1) && in_time(since),
	       "what it is asked is not done, and not waited for");
	end_stop(&e);
	report(tap, in_time(since) && traces_same(before), "and nothing is left");
}

/* Of no use, as the file beside it says: it complains, or says nothing for ever. */
static int be_daemon(void)
{
	if (access(PLACE "/silent", F_OK) == 0)
		hang_about();
	(void)fprintf(stderr, "no such export type\n");
	return 1;
}

/* What is never made is waited for in here. */
static int make_only(struct session *s, const void *arg)
{
	(void)arg;
	return session_peer(s);
}

static void test_daemons(struct tap *tap, const struct traces *before)
{
	static const struct bound unbound = { FAMILY_VDPA, PEER_NODE, NULL };
	const char *was = getenv("PATH");
	cleanup_free char *path = strdup(was ? was : "");
	const char *left = NULL;
	FILE *silent = NULL;

	(void)mkdir(PLACE, 0755);
	(void)setenv("PATH", PLACE, 1);
	report(tap, end_lacks(FAMILY_VDPA, -ENOENT, "install it: "),
	       "a daemon that is not installed is named with its package");
	report(tap,
	       symlink("/usr/bin/host_vdpa", PLACE "/" DAEMON) == 0 &&
		       end_lacks(FAMILY_VDPA, -ECHILD, "ended: no such export type"),
	       "one that ends at once with what it said");
	silent = fopen(PLACE "/silent", "we");
	if (silent)
		(void)fclose(silent);
	report(tap, run_task(&unbound, make_only, 2000, &left) == TASK_DEADLINE,
	       "one that never makes its device costs no more than the deadline");
	report(tap, !left && traces_same(before), "and nothing is left");
	(void)setenv("PATH", path ? path : "", 1);
}

/* What @words do while the device of this process is open, or there is none. */
static bool says(const char *const *words, int status, const char *text)
{
	cleanup_free char *said = malloc(ROOM);
	int is = said ? vhostcheck(words, said, ROOM) : -1;
	bool ok = is == status && strstr(said, text);

	if (!ok)
		printf("# %d, %s\n", is, said ? said : "");
	return ok;
}

static void test_in_use(struct tap *tap, const struct traces *before)
{
	struct peer_target t = { 0 };
	struct end e = { 0 };
	bool open =
		open_device(&e) == 0 && e.seam.peer->ops->target(e.seam.peer, &t) == 0;

	report(tap, open && says(WORDS("run", t.path), 2, "in use by another process"),
	       "a device that is in use is told, and not checked");
	report(tap, takes_status(&e, 1), "and goes on");
	end_stop(&e);
	report(tap, traces_same(before), "nothing is left");
}

/* With a second driver on the bus it would be up to chance who gets the device. */
static void test_other_driver(struct tap *tap, const struct traces *before)
{
	cleanup_close int fd = open(OTHER_DRIVER, O_RDONLY | O_CLOEXEC);
	struct end e = { 0 };

	report(tap, fd >= 0 && syscall(SYS_finit_module, fd, "", 0) == 0,
	       "virtio_vdpa is loaded");
	report(tap, end_lacks(FAMILY_VDPA, -EBUSY, "modprobe -r virtio_vdpa"),
	       "beside it no device is made, and why is told");
	report(tap,
	       says(WORDS("run", "vdpa", "--create", "vdpa"), 2,
		    "modprobe -r virtio_vdpa"),
	       "by a run, too");
	report(tap,
	       traces_same(before) &&
		       syscall(SYS_delete_module, "virtio_vdpa", O_NONBLOCK) == 0,
	       "nothing was made, and it goes again");
	report(tap, open_device(&e) == 0, "then a device is made");
	end_stop(&e);
}

static bool loaded(const char *module)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

static void test_load_modules(struct tap *tap)
{
	static const char *const modules[] = { "vhost_vdpa", "vduse", "vhost_scsi" };
	bool gone = true, stay = false;

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		gone = gone && syscall(SYS_delete_module, modules[i], O_NONBLOCK) == 0;
	report(tap, gone, "nothing holds the drivers: they can be unloaded");
	report(tap,
	       says(WORDS("run", "vdpa", "scsi", "--create", "scsi,vdpa", "--check",
			  "vdpa.family.capacity", "--check", "scsi.transfer.call"),
		    2, "--load-modules"),
	       "without them nothing is made, and what loads them is told");
	report(tap,
	       says(WORDS("run", "vdpa", "scsi", "--create", "scsi,vdpa",
			  "--load-modules", "--check", "vdpa.family.capacity", "--check",
			  "scsi.transfer.call", "--require", "vdpa.family.capacity",
			  "--require", "scsi.transfer.call"),
		    0, "2 pass"),
	       "--load-modules --create scsi,vdpa makes both");
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		stay = stay || loaded(modules[i]);
	report(tap, !stay, "and unloads them again");
}

static void test_name_in_use(struct tap *tap, const struct traces *before)
{
	struct end first = { 0 };
	bool made = open_device(&first) == 0;

	report(tap, made && end_lacks(FAMILY_VDPA, -EEXIST, "it is in use"),
	       "a name that is in use is told");
	report(tap, takes_status(&first, 1), "and whose it is keeps it");
	end_stop(&first);
	report(tap, traces_same(before), "until it goes");
}

/* --------------------------------------------- by whoever is left to do it */

static int open_in_session(struct session *s)
{
	uint8_t status = 1;
	int r = session_open(s);

	return r < 0 ? r
		     : s->seam->dev->ops->ioctl(s->seam->dev, VHOST_VDPA_SET_STATUS,
						&status);
}

static const struct bound vdpa = { FAMILY_VDPA, PEER_NODE, open_in_session };

/* At its end the device is closed while nobody answers for it. */
static int silence(struct session *s, const void *arg)
{
	int r = ((const struct bound *)arg)->bind(s);
	pid_t daemon = child_of(child_of(getpid()));

	if (r == 0)
		r = daemon > 0 ? kill(daemon, SIGSTOP) : -ESRCH;
	if (r == 0)
		hang_about();
	return r;
}

/* vhostcheck with @argv on the device of this process, which nobody has open */
static int run_on_device(char **argv)
{
	struct end e = { 0 };
	int status = 0;
	pid_t pid = 0;

	if (end_start(&e, FAMILY_VDPA) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
		(void)execv("/init", argv);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	end_stop(&e);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	struct tap tap = { 0 };
	struct traces before;

	if (argc > 1 && strstr(argv[0], DAEMON))
		return be_daemon();
	if (argc > 1)
		return run_on_device(argv);
	traces_take(&before);
	test_store(&tap);
	report(&tap, traces_same(&before), "nothing is left of it");
	test_rounds(&tap, &before);
	test_name_in_use(&tap, &before);
	test_in_use(&tap, &before);
	test_death(&tap, &before);
	test_death_in_request(&tap, &before);
	test_silence(&tap, &before);
	test_daemons(&tap, &before);
	test_ends(&tap, &vdpa, &before);
	test_end(&tap, &vdpa, silence, TASK_DEADLINE,
		 "a check is killed whose device does not answer any more", &before);
	test_leftovers(&tap, FAMILY_VDPA, &before);
	test_other_driver(&tap, &before);
	test_load_modules(&tap);
	return report_all(&tap);
}
