/* SPDX-License-Identifier: MIT */
/*
 * The host's end of vhost-vdpa: a block device in user space (VDUSE) that
 * qemu-storage-daemon serves from a file in memory, added to the bus vdpa by netlink.
 * Device and bus outlive the processes: they are taken down when the socket ends, and
 * what a killed process leaves is found by its name (seam/made.h). The file goes with the
 * last process that has it open.
 */
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/payload.h"
#include "seam/kernel.h"
#include "seam/made.h"
#include "seam/vdpa_netlink.h"

#define DAEMON "qemu-storage-daemon"
#define DAEMON_STORE 3 /* descriptor of the file there */
#define BYTES (512u << 10)
#define BLOCK 512u
#define CHUNK 4096u
#define MAKE_MS 15000u
#define TAKE_DOWN_MS 4000u
#define LOOK_MS 2

/* Seconds in which the device has to answer the kernel; its own default is 30. */
#define ANSWER_S "2"

/**
 * struct device - what was made
 * @pid:	for this process
 * @name:	of the device, on the bus and for VDUSE
 * @store:	the file behind it
 * @daemon, @daemon_fd: the process that serves it, and a pidfd of it; 0 and -1 without
 * @words:	descriptor of what that process says, -1 without
 * @path:	node
 * @type:	virtio device id
 * @lacks:	what could not be made
 */
struct device {
	pid_t pid;
	char name[64];
	int store;
	pid_t daemon;
	int daemon_fd, words;
	char path[64], lacks[188];
	uint32_t type;
};

static void lacks(struct device *d, const char *what)
{
	(void)snprintf(d->lacks, sizeof(d->lacks), "%s", what);
}

/* ------------------------------------------------------------------ before */

int peer_vduse_probe(const char **ret_lacks)
{
	*ret_lacks = "driver vhost_vdpa (modprobe vhost_vdpa)";
	if (access("/sys/bus/vdpa/drivers/vhost_vdpa", F_OK) < 0)
		return -errno;
	*ret_lacks = "driver vduse (modprobe vduse)";
	if (access("/sys/class/vduse/control", F_OK) < 0)
		return -errno;
	*ret_lacks = "bus vdpa without virtio_vdpa, which would take the device "
		     "(modprobe -r virtio_vdpa)";
	if (access("/sys/bus/vdpa/drivers/virtio_vdpa", F_OK) == 0)
		return -EBUSY;
	*ret_lacks = "right to make a VDUSE device (run as root)";
	if (access("/dev/vduse/control", R_OK | W_OK) < 0)
		return -errno;
	return 0;
}

/* ------------------------------------------------------------------ daemon */

_Noreturn static void run_daemon(const struct device *d, int words)
{
	static const char store[] = "driver=file,node-name=store,locking=off,filename="
				    "/proc/self/fd/3";
	char export[192];
	int err = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(export, sizeof(export),
		       "type=vduse-blk,id=export,node-name=store,name=%s,writable=on,"
		       "num-queues=2,queue-size=256,serial=vhostcheck",
		       d->name);
	/* the order matters: what is at DAEMON_STORE may be the other of the two */
	if (dup2(words, STDERR_FILENO) < 0 || dup2(d->store, DAEMON_STORE) < 0)
		_exit(1);
	if (d->store == DAEMON_STORE)
		(void)fcntl(DAEMON_STORE, F_SETFD, 0);
	(void)close_range(DAEMON_STORE + 1, ~0u, 0);
	(void)execlp(DAEMON, DAEMON, "--blockdev", store, "--export", export,
		     (char *)NULL);
	err = errno;
	(void)dprintf(STDERR_FILENO, "%s\n", strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

static int start_daemon(struct device *d)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	d->words = ends[0];
	d->daemon = fork();
	if (d->daemon == 0)
		run_daemon(d, ends[1]);
	fd_close(&ends[1]);
	if (d->daemon < 0) {
		d->daemon = 0;
		return -errno;
	}
	d->daemon_fd = pidfd_open(d->daemon, 0);
	return d->daemon_fd < 0 ? -errno : 0;
}

static void end_daemon(struct device *d)
{
	if (d->daemon > 0) {
		(void)kill(d->daemon, SIGKILL);
		(void)waitpid(d->daemon, NULL, 0);
	}
	d->daemon = 0;
	fd_close(&d->daemon_fd);
}

/* It is gone: its exit status and the first line that it said tell why. */
static int daemon_failed(struct device *d)
{
	char text[128] = "";
	int status = 0;
	ssize_t n = 0;

	(void)waitpid(d->daemon, &status, 0);
	d->daemon = 0;
	n = read(d->words, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		lacks(d, "program " DAEMON " (install it: Debian has it in "
			 "qemu-system-common)");
		return -ENOENT;
	}
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	(void)snprintf(d->lacks, sizeof(d->lacks),
		       "service of " DAEMON ", which ended%s%s", *text ? ": " : "", text);
	return -ECHILD;
}

/* A moment's rest. 0; what daemon_failed() says; -ETIMEDOUT. */
static int rest(struct device *d, struct deadline until)
{
	struct pollfd gone = { .fd = d->daemon_fd, .events = POLLIN };

	if (poll(&gone, 1, LOOK_MS) > 0)
		return daemon_failed(d);
	return deadline_passed(until) ? -ETIMEDOUT : 0;
}

/* -------------------------------------------------------------------- make */

static int wait_for_path(struct device *d, const char *path, struct deadline until)
{
	int r = 0;

	while (r == 0 && access(path, F_OK) < 0)
		r = errno == ENOENT ? rest(d, until) : -errno;
	return r;
}

static void hurry(const struct device *d)
{
	char path[128];
	cleanup_close int fd = -1;

	(void)snprintf(path, sizeof(path), "/sys/class/vduse/%s/msg_timeout", d->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* kernels before it was there wait for their own time */
	if (fd >= 0 && write(fd, ANSWER_S, strlen(ANSWER_S)) < 0)
		return;
}

/* -EINVAL until the daemon has set up every ring (vduse_dev_is_ready()). */
static int add_to_bus(struct device *d, struct deadline until)
{
	int r = vdpa_netlink_add(d->name, "vduse");

	while (r == -EINVAL) {
		r = rest(d, until);
		if (r == 0)
			r = vdpa_netlink_add(d->name, "vduse");
	}
	return r;
}

static int find_node(struct device *d, struct deadline until)
{
	char pattern[160];
	glob_t found = { 0 };
	int r = 0;

	(void)snprintf(pattern, sizeof(pattern),
		       "/sys/bus/vdpa/devices/%s/vhost-vdpa-[0-9]*", d->name);
	if (glob(pattern, 0, NULL, &found) == 0)
		(void)snprintf(d->path, sizeof(d->path), "/dev/%.48s",
			       strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	if (!*d->path)
		return -ENODEV; /* another driver has it */
	lacks(d, "node of the vDPA device (udev makes it)");
	r = wait_for_path(d, d->path, until);
	return r;
}

static int take_type(void *ctx, const struct vdpa_device *device)
{
	struct device *d = ctx;

	if (!strcmp(device->name, d->name))
		d->type = device->type;
	return 0;
}

static int make_store(struct device *d)
{
	d->store = memfd_create(d->name, MFD_CLOEXEC);
	if (d->store < 0 || ftruncate(d->store, BYTES) < 0)
		return -errno;
	return 0;
}

/* Makes all of it; take_down() in any case but -EEXIST. */
static int make(struct device *d)
{
	struct deadline until = deadline_after_ms(MAKE_MS);
	char node[96];
	int r = 0;

	made_name(d->pid, 0, d->name, sizeof(d->name));
	lacks(d, "name of the device: it is in use (vhostcheck list --leftovers "
		 "--remove)");
	if (made_any("", d->pid))
		return -EEXIST;
	lacks(d, "file in memory");
	r = make_store(d);
	if (r == 0)
		r = start_daemon(d);
	if (r < 0)
		return r;
	lacks(d, "VDUSE device of " DAEMON);
	(void)snprintf(node, sizeof(node), "/dev/vduse/%s", d->name);
	r = wait_for_path(d, node, until);
	if (r < 0)
		return r;
	hurry(d);
	lacks(d, "vDPA device of vduse");
	r = add_to_bus(d, until);
	if (r == 0)
		r = vdpa_netlink_each(VDPA_ORDER_DEVICES, take_type, d);
	if (r == 0)
		lacks(d, "vDPA device that vhost_vdpa has");
	return r < 0 ? r : find_node(d, until);
}

static void take_down(struct device *d)
{
	struct deadline until = deadline_after_ms(TAKE_DOWN_MS);

	/* first from the bus, while somebody answers for it */
	(void)made_remove("", d->pid, deadline_after_ms(0));
	end_daemon(d);
	(void)made_remove("", d->pid, until);
	fd_close(&d->words);
	fd_close(&d->store);
}

/* ------------------------------------------------------------------- serve */

static int do_store(const struct device *d, const struct peer_request *request,
		    struct peer_reply *reply)
{
	unsigned char chunk[CHUNK];

	while (reply->bytes < request->len) {
		uint64_t left = request->len - reply->bytes;
		size_t want = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t n = 0;

		payload_fill(request->seed, reply->bytes, chunk, want);
		n = pwrite(d->store, chunk, want,
			   (off_t)(request->offset + reply->bytes));
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		reply->digest = digest_add(reply->digest, chunk, (size_t)n);
		reply->bytes += (uint64_t)n;
	}
	return 0;
}

static int do_stored(const struct device *d, const struct peer_request *request,
		     struct peer_reply *reply)
{
	unsigned char chunk[CHUNK];

	while (reply->bytes < request->len) {
		uint64_t left = request->len - reply->bytes;
		ssize_t n = pread(d->store, chunk, left < CHUNK ? (size_t)left : CHUNK,
				  (off_t)(request->offset + reply->bytes));

		if (n <= 0)
			return n < 0 ? -errno : 0;
		reply->digest = digest_add(reply->digest, chunk, (size_t)n);
		reply->bytes += (uint64_t)n;
	}
	return 0;
}

static int obey(void *ctx, const struct peer_request *request, struct peer_reply *reply)
{
	struct device *d = ctx;

	if (request->offset > BYTES || request->len > BYTES - request->offset)
		return -ERANGE;
	if (request->op == PEER_STORE)
		return do_store(d, request, reply);
	if (request->op == PEER_STORED)
		return do_stored(d, request, reply);
	if (request->op != PEER_HANGUP)
		return -EOPNOTSUPP;
	end_daemon(d);
	return 0;
}

static int say_hello(int sock, const struct device *d, int err)
{
	struct peer_hello hello = { .err = err };

	if (err) {
		(void)snprintf(hello.lacks, sizeof(hello.lacks), "%s", d->lacks);
	} else {
		hello.target.type = d->type;
		hello.target.block = BLOCK;
		hello.target.blocks = BYTES / BLOCK;
		(void)snprintf(hello.target.path, sizeof(hello.target.path), "%s",
			       d->path);
	}
	return send(sock, &hello, sizeof(hello), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void peer_vduse_serve(int sock, enum peer_backend backend)
{
	struct device d = { .store = -1, .daemon_fd = -1, .words = -1 };
	struct ucred maker;
	socklen_t len = sizeof(maker);
	int r = 0;

	(void)backend;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &maker, &len) < 0)
		return;
	d.pid = maker.pid;
	r = make(&d);
	if (say_hello(sock, &d, -r) == 0 && r == 0)
		peer_answer_orders(sock, obey, &d);
	if (r != -EEXIST)
		take_down(&d);
}
