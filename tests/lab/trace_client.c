/* SPDX-License-Identifier: MIT */
/*
 * Drives /dev/vhost-vsock (`array`: /dev/vhost-net) as a VMM does, without a guest: `trace_client POLICY GUEST`.
 * The VMMs are those of stacks/ by their orders and the features that they send.
 * Linked statically, so that nothing of the C library's can be put before it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BIT64(n) (UINT64_C(1) << (n))
#define RING 64u
#define MEMORY 65536u
#define GUEST_AT UINT64_C(0x100000)

#define KNOWN (BIT64(VIRTIO_RING_F_EVENT_IDX) | BIT64(VIRTIO_F_VERSION_1))

/**
 * struct policy - what a VMM does
 * @order:	O owner, G get features, F set features, B backend features, M memory, C
 *		CID, R rings, U map, S start, K kick and wait for the worker, P go on in a
 *		child that gets the descriptor by a socket, W say so and wait to be ended,
 *		Z close and open anew, A get all features that are offered and set them,
 *		both by the array forms
 * @all:	sends all that is offered, whatever the guest acknowledges
 * @mask:	bits that it leaves out
 */
static const struct policy {
	const char *name, *order;
	bool all;
	uint64_t mask;
} policies[] = {
	{ "crosvm-2022", "OGFMRCS", false, 0 },
	{ "crosvm", "OGFMRCSK", false, BIT64(VIRTIO_F_ACCESS_PLATFORM) },
	{ "kvmtool-2021", "OMGFCRS", true, 0 },
	{ "passthrough-late", "OGMCRSFK", false, 0 },
	{ "mapping", "OGCFBMRUSK", false, 0 },
	{ "waiting-late", "OGMCRSFKW", false, 0 },
	{ "waiting", "OGFMRCSKW", false, BIT64(VIRTIO_F_ACCESS_PLATFORM) },
	{ "reopened", "OGFMRCSZOGFMRCS", false, BIT64(VIRTIO_F_ACCESS_PLATFORM) },
	{ "passed-on", "GPOGFMRCS", false, 0 },
	{ "array", "OA", true, 0 },
	{ "eighteen", "OGGFMRCSK", false, BIT64(VIRTIO_F_ACCESS_PLATFORM) },
};

/** struct vmm - one device */
struct vmm {
	const struct policy *policy;
	int fd, kick[2];
	uint64_t offered, acks, sent;
	uint8_t *memory;
};

static int fail(const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return -1;
}

static uint64_t user(const struct vmm *v, uint64_t ring, uint64_t part)
{
	return (uint64_t)(uintptr_t)v->memory + ring * 16384u + part * 4096u;
}

/* Like a VMM that goes by a guest: what is acknowledged is among what is offered. */
static int set_features(struct vmm *v)
{
	v->sent = v->policy->all ? v->offered : v->offered & v->acks & ~v->policy->mask;
	return ioctl(v->fd, VHOST_SET_FEATURES, &v->sent) < 0 ? fail("SET_FEATURES") : 0;
}

/* As the kernel has it since 6.17, which the C library's headers may not know. */
static int array_features(struct vmm *v)
{
	uint64_t all[3] = { 2 }; /* words, then these */

	if (ioctl(v->fd, _IOR(VHOST_VIRTIO, 0x83, uint64_t), all) < 0)
		return fail("GET_FEATURES_ARRAY");
	return ioctl(v->fd, _IOW(VHOST_VIRTIO, 0x83, uint64_t), all) < 0
		       ? fail("SET_FEATURES_ARRAY")
		       : 0;
}

static int set_backend(struct vmm *v)
{
	uint64_t bits = 0;

	if (ioctl(v->fd, VHOST_GET_BACKEND_FEATURES, &bits) < 0)
		return 0;
	bits &= BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2);
	return ioctl(v->fd, VHOST_SET_BACKEND_FEATURES, &bits) < 0 ? fail("BACKEND") : 0;
}

static int set_memory(struct vmm *v)
{
	struct {
		uint32_t regions, padding; /* struct vhost_memory */
		struct vhost_memory_region region;
	} table = { .regions = 1,
		    .region = { .guest_phys_addr = GUEST_AT,
				.memory_size = MEMORY,
				.userspace_addr = user(v, 0, 0) } };

	return ioctl(v->fd, VHOST_SET_MEM_TABLE, &table) < 0 ? fail("MEM_TABLE") : 0;
}

/* The guest of the lab has no other. */
static int set_cid(struct vmm *v)
{
	uint64_t cid = 0x80001234u;

	return ioctl(v->fd, VHOST_VSOCK_SET_GUEST_CID, &cid) < 0 ? fail("CID") : 0;
}

static int set_rings(struct vmm *v)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct vhost_vring_state num = { i, RING }, base = { i, 0 };
		struct vhost_vring_addr addr = { .index = i,
						 .desc_user_addr = user(v, i, 0),
						 .avail_user_addr = user(v, i, 1),
						 .used_user_addr = user(v, i, 2) };
		struct vhost_vring_file kick = { i, eventfd(0, EFD_NONBLOCK) };
		struct vhost_vring_file called = { i, eventfd(0, EFD_NONBLOCK) };

		v->kick[i] = kick.fd;
		if (ioctl(v->fd, VHOST_SET_VRING_NUM, &num) < 0 ||
		    ioctl(v->fd, VHOST_SET_VRING_BASE, &base) < 0 ||
		    ioctl(v->fd, VHOST_SET_VRING_ADDR, &addr) < 0 ||
		    ioctl(v->fd, VHOST_SET_VRING_KICK, &kick) < 0 ||
		    ioctl(v->fd, VHOST_SET_VRING_CALL, &called) < 0)
			return fail("VRING");
	}
	return 0;
}

static int map_all(struct vmm *v)
{
	struct vhost_msg_v2 m = { .type = VHOST_IOTLB_MSG_V2,
				  .iotlb = { .iova = user(v, 0, 0),
					     .size = MEMORY,
					     .uaddr = user(v, 0, 0),
					     .perm = VHOST_ACCESS_RW,
					     .type = VHOST_IOTLB_UPDATE } };

	if (!(v->sent & BIT64(VIRTIO_F_ACCESS_PLATFORM)))
		return 0;
	return write(v->fd, &m, sizeof(m)) < 0 ? fail("UPDATE") : 0;
}

static int start(struct vmm *v)
{
	int on = 1;

	return ioctl(v->fd, VHOST_VSOCK_SET_RUNNING, &on) < 0
		       ? fail("VhostVsockStart(IoctlError)")
		       : 0;
}

/* The second call waits for the worker, which has then seen the kick. */
static int kick(struct vmm *v)
{
	uint64_t one = 1;
	int none = -1;

	for (int i = 0; i < 2; i++)
		if (write(v->kick[i], &one, sizeof(one)) < 0)
			return fail("kick");
	return ioctl(v->fd, VHOST_SET_LOG_FD, &none) < 0 ? fail("SET_LOG_FD") : 0;
}

static int send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &m, 0) < 0 ? fail("sendmsg") : 0;
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(socket, &m, 0) < 0 || !CMSG_FIRSTHDR(&m))
		return fail("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* As libvirt and QEMU: one opens the device, another that inherits nothing uses it. */
static int pass_on(struct vmm *v)
{
	int pair[2], status = 0;
	pid_t pid = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		return fail("socketpair");
	pid = fork();
	if (pid == 0) {
		(void)dup2(STDERR_FILENO, v->fd); /* so that it gets another number */
		v->fd = receive_fd(pair[1]);
		return v->fd < 0 ? -1 : 0;
	}
	if (pid < 0 || send_fd(pair[0], v->fd) < 0)
		return fail("fork");
	(void)close(v->fd);
	if (waitpid(pid, &status, 0) < 0)
		return fail("waitpid");
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static int step(struct vmm *v, char what)
{
	switch (what) {
	case 'O':
		return ioctl(v->fd, VHOST_SET_OWNER) < 0 ? fail("SET_OWNER") : 0;
	case 'G':
		return ioctl(v->fd, VHOST_GET_FEATURES, &v->offered) < 0
			       ? fail("GET_FEATURES")
			       : 0;
	case 'F':
		return set_features(v);
	case 'A':
		return array_features(v);
	case 'B':
		return set_backend(v);
	case 'M':
		return set_memory(v);
	case 'C':
		return set_cid(v);
	case 'R':
		return set_rings(v);
	case 'U':
		return map_all(v);
	case 'S':
		return start(v);
	case 'K':
		return kick(v);
	case 'P':
		return pass_on(v);
	case 'Z':
		(void)close(v->fd);
		v->fd = open("/dev/vhost-vsock", O_RDWR);
		return v->fd < 0 ? fail("open") : 0;
	case 'W':
		(void)puts("waiting");
		(void)fflush(stdout);
		return pause();
	default:
		return -1;
	}
}

static long now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	struct vmm v = { .fd = -1, .acks = KNOWN };
	long begin = 0;

	for (size_t i = 0; argc > 1 && i < sizeof(policies) / sizeof(policies[0]); i++)
		if (!strcmp(policies[i].name, argv[1]))
			v.policy = &policies[i];
	if (!v.policy)
		return 64;
	if (argc > 2 && !strcmp(argv[2], "protected"))
		v.acks |= BIT64(VIRTIO_F_ACCESS_PLATFORM);
	v.fd = open(v.policy->order[1] == 'A' ? "/dev/vhost-net" : "/dev/vhost-vsock",
		    O_RDWR);
	v.memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (v.fd < 0 || v.memory == MAP_FAILED)
		return fail("open") < 0;
	begin = now_us();
	for (const char *c = v.policy->order; *c; c++)
		if (step(&v, *c) < 0)
			return 1;
	printf("started in %ld us, offered 0x%llx\n", now_us() - begin,
	       (unsigned long long)v.offered);
	return 0;
}
