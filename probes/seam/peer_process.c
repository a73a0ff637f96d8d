/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "seam/kernel.h"

static struct peer_process *process_of(struct peer *peer)
{
	return (struct peer_process *)peer;
}

static void process_main(struct peer_process *p, int sock, pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* a copy of the child's evidence socket would outlive the child */
	if (sock > 3)
		(void)close_range(3, (unsigned int)sock - 1, 0);
	(void)close_range((unsigned int)sock + 1, ~0u, 0);
	p->serve(sock);
	_exit(0);
}

static int process_start(struct peer *peer)
{
	struct peer_process *p = process_of(peer);
	pid_t parent = getpid();
	int pair[2] = { -1, -1 };
	int r = p->probe();

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
		process_main(p, pair[1], parent);
	}
	fd_close(&pair[1]);
	p->sock = pair[0];
	return 0;
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

static void process_stop(struct peer *peer)
{
	struct peer_process *p = process_of(peer);

	fd_close(&p->sock);
	if (p->pid > 0) {
		(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	p->pid = 0;
}

static const struct peer_ops process_ops = {
	.start = process_start,
	.request = process_request,
	.reply = process_reply,
	.fd = process_fd,
	.stop = process_stop,
};

void peer_process_init(struct peer_process *p, void (*serve)(int sock),
		       int (*probe)(void))
{
	*p = (struct peer_process){
		.peer = { &process_ops },
		.serve = serve,
		.probe = probe,
		.sock = -1,
	};
}
