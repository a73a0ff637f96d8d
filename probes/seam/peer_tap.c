/* SPDX-License-Identifier: MIT */
/*
 * The host's end of vhost-net: a tap in a network namespace of the process's own, and a
 * packet socket on it. One is handed over as back end, the process has the other: what
 * goes into the tap comes out of the packet socket, and the other way round. Nothing of
 * it is seen outside. All of it goes with the namespace, which ends with the process and
 * the descriptor of the tap that it hands over; the kernel takes it down a moment later
 * (cleanup_net() in net/core/net_namespace.c).
 */
#include <endian.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include "base/payload.h"
#include "seam/kernel.h"
#include "seam/uapi.h"

#define TUN_NODE "/dev/net/tun"

/* struct virtio_net_hdr_v1 of a frame that is read from or written to a tap */
#define TAP_HEADER 12

/* A virtio header and a frame that is to be cut. */
#define SEGMENTS_ROOM                                                                    \
	(sizeof(struct virtio_net_hdr) + PEER_SEGMENTS_HEADER + PEER_SEGMENTS_MAX)

/**
 * struct tap - the interface and the socket on it, -1 while there is none
 * @segments:	another socket, for frames that are to be cut, each behind a header; -1
 *		until it is needed
 * @index:	of the interface
 * @given:	which of them was handed over; the process uses the other
 */
struct tap {
	int fd, packet, segments, index;
	enum peer_backend given;
};

/* Opening a node loads its module: neither is touched unless its driver is there. */
int peer_tap_probe(const char **ret_lacks)
{
	if (access("/sys/class/misc/tun", F_OK) < 0) {
		*ret_lacks = "driver tun (modprobe tun)";
		return -errno;
	}
	if (access("/proc/net/packet", F_OK) < 0) {
		*ret_lacks = "packet sockets (modprobe af_packet)";
		return -errno;
	}
	return 0;
}

static int write_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

static int map_id(const char *path, unsigned int id)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "0 %u 1", id);
	return write_file(path, text);
}

/* As root a network namespace alone; a user needs a user namespace to own it. */
static int enter_namespace(void)
{
	unsigned int uid = geteuid();
	unsigned int gid = getegid();
	int r = 0;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -errno;
	r = write_file("/proc/self/setgroups", "deny");
	if (r == 0)
		r = map_id("/proc/self/uid_map", uid);
	return r < 0 ? r : map_id("/proc/self/gid_map", gid);
}

static int make_tap(struct tap *t, struct ifreq *ifr)
{
	int header = TAP_HEADER;

	ifr->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(t->fd, TUNSETIFF, ifr) < 0 ||
	    ioctl(t->fd, TUNSETVNETHDRSZ, &header) < 0)
		return -errno;
	/*
	 * The last close of a tap waits for rcu_barrier() in netdev_run_todo(). Left to
	 * the end of its namespace (default_device_exit_batch()) it goes all the same,
	 * in cleanup_net(), for which nobody waits.
	 */
	return ioctl(t->fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;
}

/* Up, and without what would send frames of its own. */
static int bring_up(struct tap *t, struct ifreq *ifr)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htobe16(PEER_ETHERTYPE),
	};
	int on = 1;

	ifr->ifr_flags = IFF_UP | IFF_NOARP;
	if (setsockopt(t->packet, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
	    ioctl(t->packet, SIOCSIFFLAGS, ifr) < 0 ||
	    ioctl(t->packet, SIOCGIFINDEX, ifr) < 0)
		return -errno;
	at.sll_ifindex = t->index = ifr->ifr_ifindex;
	return bind(t->packet, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
}

/* What a namespace that could not be had lacks: unshare(2) on its errno. */
static const char *lacks_namespace(int r)
{
	if (r == -ENOSPC)
		return "network namespace (a limit is reached: raise sysctl "
		       "user.max_net_namespaces and user.max_user_namespaces)";
	if (r == -EPERM || r == -EACCES)
		return "network namespace (run as root, or allow user namespaces: sysctl "
		       "kernel.unprivileged_userns_clone=1, "
		       "kernel.apparmor_restrict_unprivileged_userns=0)";
	return "network namespace";
}

static const char *lacks_node(int r)
{
	if (r == -ENOENT)
		return TUN_NODE " (mknod " TUN_NODE " c 10 200)";
	if (r == -EACCES || r == -EPERM)
		return TUN_NODE " (run as root, or chmod 0666 " TUN_NODE ")";
	return TUN_NODE;
}

/* Makes all of it; on an error @ret_lacks says what could not be made. */
static int make(struct tap *t, const char **ret_lacks)
{
	struct ifreq ifr = { 0 };
	int r = 0;

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "vhc%d", (int)getpid());
	r = enter_namespace();
	*ret_lacks = lacks_namespace(r);
	if (r < 0)
		return r;
	/* a descriptor of the tun driver belongs to the namespace it was opened in */
	t->fd = open(TUN_NODE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	r = t->fd < 0 ? -errno : 0;
	*ret_lacks = lacks_node(r);
	if (r < 0)
		return r;
	(void)write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	*ret_lacks = "tap interface";
	r = make_tap(t, &ifr);
	if (r < 0)
		return r;
	*ret_lacks = "packet socket";
	t->packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htobe16(PEER_ETHERTYPE));
	return t->packet < 0 ? -errno : bring_up(t, &ifr);
}

/* 0, or -errno */
static int put_frame(const struct tap *t, const unsigned char *frame, size_t len)
{
	unsigned char bytes[TAP_HEADER + ETH_HLEN + ETH_DATA_LEN] = { 0 };

	if (t->given == BACKEND_TAP)
		return send(t->packet, frame, len, 0) < 0 ? -errno : 0;
	memcpy(bytes + TAP_HEADER, frame, len);
	return write(t->fd, bytes, TAP_HEADER + len) < 0 ? -errno : 0;
}

/* Receives from the packet socket, with what the kernel says of the frame. */
/* @frame is written through the iovec */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static ssize_t get_packet(const struct tap *t, unsigned char *frame, size_t room,
			  struct tpacket_auxdata *ret_aux)
{
	struct iovec iov = { frame, room };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(*ret_aux))];
	} control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	ssize_t n = recvmsg(t->packet, &msg, 0);
	const struct cmsghdr *head = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

	if (n < 0)
		return -errno;
	if (head && head->cmsg_type == PACKET_AUXDATA)
		memcpy(ret_aux, CMSG_DATA(head), sizeof(*ret_aux));
	return n;
}

/* Waits for a frame of PEER_ETHERTYPE; its bytes, or -errno. */
static ssize_t get_frame(const struct tap *t, unsigned char *frame, size_t room,
			 struct tpacket_auxdata *ret_aux)
{
	unsigned char bytes[TAP_HEADER + ETH_HLEN + ETH_DATA_LEN];
	struct pollfd tap = { .fd = t->fd, .events = POLLIN };
	ssize_t n = 0;

	if (t->given == BACKEND_TAP)
		return get_packet(t, frame, room, ret_aux);
	for (;;) {
		if (poll(&tap, 1, -1) < 0)
			return -errno;
		n = read(t->fd, bytes, sizeof(bytes));
		if (n < 0 && errno != EAGAIN)
			return -errno;
		n -= TAP_HEADER;
		if (n < ETH_HLEN || (size_t)n > room ||
		    (bytes[TAP_HEADER + 12] << 8 | bytes[TAP_HEADER + 13]) !=
			    PEER_ETHERTYPE)
			continue;
		memcpy(frame, bytes + TAP_HEADER, (size_t)n);
		return n;
	}
}

static int do_send(const struct tap *t, const struct peer_request *request,
		   struct peer_reply *reply)
{
	unsigned char frame[ETH_HLEN + ETH_DATA_LEN];
	int r = 0;

	if (request->frame < PEER_PAYLOAD_MIN || request->frame > ETH_DATA_LEN)
		return -EMSGSIZE;
	while (reply->bytes < request->len) {
		uint64_t left = request->len - reply->bytes;
		size_t n = left < request->frame ? (size_t)left : request->frame;

		peer_ethernet(frame, PEER_ETHERTYPE);
		payload_fill(request->seed, request->offset + reply->bytes,
			     frame + ETH_HLEN, n);
		r = put_frame(t, frame, ETH_HLEN + n);
		if (r < 0)
			return r;
		reply->digest = digest_add(reply->digest, frame + ETH_HLEN, n);
		reply->bytes += n;
	}
	return 0;
}

static int do_recv(const struct tap *t, const struct peer_request *request,
		   struct peer_reply *reply)
{
	unsigned char frame[ETH_HLEN + ETH_DATA_LEN];

	while (reply->bytes < request->len) {
		struct tpacket_auxdata aux = { 0 };
		ssize_t n = get_frame(t, frame, sizeof(frame), &aux);

		if (n < 0)
			return (int)n;
		if (n <= ETH_HLEN)
			continue;
		reply->digest =
			digest_add(reply->digest, frame + ETH_HLEN, (size_t)n - ETH_HLEN);
		reply->bytes += (uint64_t)n - ETH_HLEN;
		reply->unsummed += (aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
	}
	return 0;
}

/* A packet socket that shows, and takes, the virtio header of each frame. */
static int open_segments(struct tap *t)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htobe16(ETHERTYPE_IP),
		.sll_ifindex = t->index,
	};
	int on = 1;

	if (t->segments >= 0)
		return 0;
	t->segments = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htobe16(ETHERTYPE_IP));
	if (t->segments < 0 ||
	    setsockopt(t->segments, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    bind(t->segments, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	return 0;
}

/* What the guest agreed to take, as a VMM tells the tap. */
static int agree(const struct tap *t, uint32_t type)
{
	unsigned long offload = type == VIRTIO_NET_HDR_GSO_UDP_L4
					? TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6
					: TUN_F_CSUM | TUN_F_TSO4;

	if (t->given != BACKEND_TAP)
		return -EOPNOTSUPP;
	if (ioctl(t->fd, TUNSETOFFLOAD, offload) < 0)
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	return 0;
}

static int do_send_segments(struct tap *t, const struct peer_request *request,
			    struct peer_reply *reply)
{
	unsigned char bytes[SEGMENTS_ROOM];
	unsigned char *frame = bytes + sizeof(struct virtio_net_hdr);
	struct peer_offload o;
	size_t len = request->len;
	int r = agree(t, request->segments);

	if (r == 0)
		r = open_segments(t);
	if (r < 0 || !len)
		return r;
	if (len > PEER_SEGMENTS_MAX)
		return -EMSGSIZE;
	o = peer_segments(frame, (uint8_t)request->segments, (uint16_t)request->frame,
			  (uint32_t)len);
	peer_offload_put(&o, bytes);
	payload_fill(request->seed, request->offset, frame + o.header, len);
	reply->digest = digest_add(reply->digest, frame + o.header, len);
	reply->bytes = len;
	if (send(t->segments, bytes, (size_t)(frame - bytes) + o.header + len, 0) < 0)
		return -errno;
	return 0;
}

static int do_recv_segments(struct tap *t, struct peer_reply *reply)
{
	unsigned char bytes[SEGMENTS_ROOM];
	unsigned char frame[PEER_SEGMENTS_HEADER];
	int r = open_segments(t);
	ssize_t n = r < 0 ? r : recv(t->segments, bytes, sizeof(bytes), 0);
	size_t before = sizeof(struct virtio_net_hdr);

	if (n < 0)
		return r < 0 ? r : -errno;
	if (n < (ssize_t)before)
		return -EPROTO;
	reply->offload = peer_offload_get(bytes);
	before += peer_segments(frame, reply->offload.type, 0, 0).header;
	if (n <= (ssize_t)before)
		return -EPROTO;
	reply->bytes = (uint64_t)n - before;
	reply->digest = digest_add(reply->digest, bytes + before, reply->bytes);
	return 0;
}

static int obey(void *ctx, const struct peer_request *request, struct peer_reply *reply)
{
	struct tap *t = ctx;

	if (request->op == PEER_SEND)
		return request->segments ? do_send_segments(t, request, reply)
					 : do_send(t, request, reply);
	if (request->op == PEER_RECV)
		return request->segments ? do_recv_segments(t, reply)
					 : do_recv(t, request, reply);
	return -EOPNOTSUPP;
}

static int hand_over(int sock, int err, const char *lacks, int fd)
{
	struct peer_hello hello = { .err = err };
	struct iovec iov = { &hello, sizeof(hello) };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)snprintf(hello.lacks, sizeof(hello.lacks), "%s", lacks);
	if (!err) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void peer_tap_serve(int sock, enum peer_backend backend)
{
	struct tap t = { .fd = -1, .packet = -1, .segments = -1, .given = backend };
	const char *lacks = "";
	int r = make(&t, &lacks);

	/* a change of credentials may have taken it away */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (hand_over(sock, -r, lacks, backend == BACKEND_TAP ? t.fd : t.packet) < 0 ||
	    r < 0)
		return;
	peer_answer_orders(sock, obey, &t);
	fd_close(&t.segments);
	fd_close(&t.packet);
	fd_close(&t.fd);
}
