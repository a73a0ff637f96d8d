/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <linux/if_tun.h>

#include "base/payload.h"
#include "seam/kernel.h"

/* Longer than a peer that takes down what it made tries to. */
#define TAKE_DOWN_MS 5000u

static struct peer_process *process_of(struct peer *peer)
{
	return (struct peer_process *)peer;
}

static void process_main(struct peer_process *p, int sock, pid_t parent,
			 enum peer_backend backend)
{
	/* what is killed with its maker takes nothing down: it is told by its socket */
	if (p->kind->takes_down)
		(void)setpgid(0, 0);
	else
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* a copy of the child's evidence socket would outlive the child */
	if (sock > 3)
		(void)close_range(3, (unsigned int)sock - 1, 0);
	(void)close_range((unsigned int)sock + 1, ~0u, 0);
	p->kind->serve(sock, backend);
	_exit(0);
}

void peer_answer_orders(int sock, peer_obey_fn *obey, void *ctx)
{
	struct peer_request request;

	while (recv(sock, &request, sizeof(request), 0) == sizeof(request)) {
		struct peer_reply reply = { .op = request.op, .digest = DIGEST_START };

		reply.err = -obey(ctx, &request, &reply);
		if (send(sock, &reply, sizeof(reply), MSG_NOSIGNAL) != sizeof(reply))
			break;
	}
}

void peer_ethernet(unsigned char *frame, uint16_t ethertype)
{
	/* locally administered, from nobody to nobody */
	static const unsigned char macs[] = { 2, 'v', 'h', 'c', 0, 1,
					      2, 'v', 'h', 'c', 0, 2 };

	memcpy(frame, macs, sizeof(macs));
	frame[12] = (unsigned char)(ethertype >> 8);
	frame[13] = (unsigned char)ethertype;
}

/* Takes the struct peer_hello, and the descriptor that comes with a good one. */
static int take_over(struct peer_process *p)
{
	struct iovec iov = { &p->hello, sizeof(p->hello) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	const struct cmsghdr *head = NULL;
	ssize_t n = recvmsg(p->sock, &msg, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	if (n != sizeof(p->hello))
		return -EPIPE;
	if (p->hello.err) {
		p->hello.lacks[sizeof(p->hello.lacks) - 1] = 0;
		p->peer.lacks = p->hello.lacks;
		return -p->hello.err;
	}
	if (!p->kind->hands_over)
		return 0;
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&p->backend, CMSG_DATA(head), sizeof(p->backend));
	return 0;
}

/* Until it has taken down what it made, or is late. */
static void wait_for_end(pid_t pid)
{
	cleanup_close int fd = pidfd_open(pid, 0);
	struct pollfd gone = { .fd = fd, .events = POLLIN };
	struct deadline until = deadline_after_ms(TAKE_DOWN_MS);

	while (fd >= 0 && poll(&gone, 1, deadline_left_ms(until)) < 0 && errno == EINTR)
		;
}

static void process_stop(struct peer *peer)
{
	struct peer_process *p = process_of(peer);

	fd_close(&p->sock);
	fd_close(&p->backend);
	if (p->pid > 0) {
		if (p->kind->takes_down)
			wait_for_end(p->pid);
		(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	p->pid = 0;
}

static int process_start(struct peer *peer, enum peer_backend backend)
{
	struct peer_process *p = process_of(peer);
	pid_t parent = getpid();
	int pair[2] = { -1, -1 };
	int r = p->kind->probe(&peer->lacks);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	p->pid = fork();
	if (p->pid < 0) {
		r = -errno;
		p->pid = 0;
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return r;
	}
	if (p->pid == 0) {
		fd_close(&pair[0]);
		process_main(p, pair[1], parent, backend);
	}
	fd_close(&pair[1]);
	p->sock = pair[0];
	p->is_packet = backend == BACKEND_PACKET;
	r = p->kind->hello ? take_over(p) : 0;
	if (r < 0)
		process_stop(peer);
	return r;
}

static int process_request(struct peer *peer, const struct peer_request *request)
{
	ssize_t n = send(process_of(peer)->sock, request, sizeof(*request), MSG_NOSIGNAL);

	return n < 0 ? -errno : 0;
}

static int process_reply(struct peer *peer, struct peer_reply *ret_reply)
{
	struct peer_reply reply;
	ssize_t n = recv(process_of(peer)->sock, &reply, sizeof(reply), MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if (n != sizeof(reply))
		return -EPIPE;
	*ret_reply = reply;
	return 0;
}

static int process_fd(struct peer *peer)
{
	return process_of(peer)->sock;
}

static int process_backend(struct peer *peer, unsigned int header)
{
	struct peer_process *p = process_of(peer);
	int size = (int)header;

	if (p->backend < 0)
		return -ENOTCONN;
	if (p->is_packet)
		return p->backend;
	return ioctl(p->backend, TUNSETVNETHDRSZ, &size) < 0 ? -errno : p->backend;
}

static int process_target(struct peer *peer, struct peer_target *ret_target)
{
	const struct peer_target *target = &process_of(peer)->hello.target;

	if (process_of(peer)->sock < 0 || (!target->path[0] && !target->wwpn[0]))
		return -ENOTCONN;
	*ret_target = *target;
	return 0;
}

static const struct peer_ops process_ops = {
	.start = process_start,
	.request = process_request,
	.reply = process_reply,
	.fd = process_fd,
	.stop = process_stop,
	.backend = process_backend,
	.target = process_target,
};

void peer_process_init(struct peer_process *p, const struct peer_kind *kind)
{
	*p = (struct peer_process){
		.peer = { .ops = &process_ops },
		.kind = kind,
		.sock = -1,
		.backend = -1,
	};
}
