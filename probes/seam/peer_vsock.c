/* SPDX-License-Identifier: MIT */
/*
 * The host's end of vhost-vsock: AF_VSOCK sockets in a process of their own.
 * It talks to the CID and port that an order names and to ports that it bound itself.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/vm_sockets.h>

#include "base/payload.h"
#include "seam/kernel.h"

#define CHUNK 4096u

/* The default of 2 s would end a slow machine's handshake; the check has a deadline. */
#define CONNECT_TIMEOUT_S 120

/** struct ends - the sockets of the process, -1 where there is none */
struct ends {
	int listener, slot[PEER_SLOTS];
};

int peer_vsock_probe(const char **ret_lacks)
{
	int fd = -1;

	*ret_lacks = "socket";
	fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	fd_close(&fd);
	return 0;
}

static int bound_socket(int type, uint32_t *ret_port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = VMADDR_PORT_ANY,
	};
	socklen_t len = sizeof(addr);
	cleanup_close int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	*ret_port = addr.svm_port;
	return take_fd(&fd);
}

static int do_listen(struct ends *e, int type, struct peer_reply *reply)
{
	int fd = bound_socket(type, &reply->port);

	if (fd < 0)
		return fd;
	fd_close(&e->listener);
	e->listener = fd;
	return listen(fd, (int)PEER_SLOTS) < 0 ? -errno : 0;
}

static int do_closed_port(struct peer_reply *reply)
{
	int fd = bound_socket(SOCK_STREAM, &reply->port);

	if (fd < 0)
		return fd;
	fd_close(&fd);
	return 0;
}

static int do_accept(struct ends *e, uint32_t slot)
{
	int fd = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	fd_close(&e->slot[slot]);
	e->slot[slot] = fd;
	return 0;
}

static int do_connect(struct ends *e, const struct peer_request *request)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = request->cid,
		.svm_port = request->port,
	};
	struct timeval timeout = { .tv_sec = CONNECT_TIMEOUT_S };
	cleanup_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &timeout,
				 sizeof(timeout)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	fd_close(&e->slot[request->slot]);
	e->slot[request->slot] = take_fd(&fd);
	return 0;
}

static int do_send(const struct ends *e, const struct peer_request *request,
		   struct peer_reply *reply)
{
	unsigned char chunk[CHUNK];

	while (reply->bytes < request->len) {
		uint64_t left = request->len - reply->bytes;
		size_t want = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t n = 0;

		payload_fill(request->seed, request->offset + reply->bytes, chunk, want);
		n = send(e->slot[request->slot], chunk, want, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
		reply->digest = digest_add(reply->digest, chunk, (size_t)n);
		reply->bytes += (uint64_t)n;
	}
	return 0;
}

static int do_recv(const struct ends *e, const struct peer_request *request,
		   struct peer_reply *reply)
{
	unsigned char chunk[CHUNK];

	while (reply->bytes < request->len) {
		uint64_t left = request->len - reply->bytes;
		ssize_t n = recv(e->slot[request->slot], chunk,
				 left < CHUNK ? left : CHUNK, 0);

		if (n <= 0)
			return n < 0 ? -errno : 0;
		reply->digest = digest_add(reply->digest, chunk, (size_t)n);
		reply->bytes += (uint64_t)n;
	}
	return 0;
}

static int do_recv_once(const struct ends *e, const struct peer_request *request,
			struct peer_reply *reply)
{
	unsigned char chunk[CHUNK];
	ssize_t n = recv(e->slot[request->slot], chunk, CHUNK, 0);

	if (n < 0)
		return -errno;
	reply->digest = digest_add(reply->digest, chunk, (size_t)n);
	reply->bytes = (uint64_t)n;
	return 0;
}

static int obey(void *ctx, const struct peer_request *request, struct peer_reply *reply)
{
	struct ends *e = ctx;

	if (request->slot >= PEER_SLOTS)
		return -EINVAL;
	switch ((enum peer_op)request->op) {
	case PEER_LISTEN:
		return do_listen(e, SOCK_STREAM, reply);
	case PEER_LISTEN_SEQPACKET:
		return do_listen(e, SOCK_SEQPACKET, reply);
	case PEER_ACCEPT:
		return do_accept(e, request->slot);
	case PEER_CONNECT:
		return do_connect(e, request);
	case PEER_SEND:
		return do_send(e, request, reply);
	case PEER_RECV:
		return do_recv(e, request, reply);
	case PEER_RECV_ONCE:
		return do_recv_once(e, request, reply);
	case PEER_CLOSED_PORT:
		return do_closed_port(reply);
	case PEER_HANGUP:
		fd_close(&e->slot[request->slot]);
		return 0;
	case PEER_STORE:
	case PEER_STORED:
	case PEER_LUN_ADD:
	case PEER_LUN_REMOVE:
		break;
	}
	return -EOPNOTSUPP;
}

void peer_vsock_serve(int sock, enum peer_backend backend)
{
	struct ends e = { .listener = -1 };

	(void)backend;
	for (unsigned int i = 0; i < PEER_SLOTS; i++)
		e.slot[i] = -1;
	peer_answer_orders(sock, obey, &e);
	for (unsigned int i = 0; i < PEER_SLOTS; i++)
		fd_close(&e.slot[i]);
	fd_close(&e.listener);
}
