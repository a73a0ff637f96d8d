/* SPDX-License-Identifier: MIT */
/*
 * The peer of vhost-net with a real tap, packet socket and network namespace of this
 * machine: both of its ends, and what it says where it cannot have them. Needs root and
 * the driver tun; says so and is skipped without, which CI=true makes a failure.
 */
#include <endian.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/payload.h"
#include "seam/seam.h"
#include "seam/uapi.h"

#define BYTES 100u
#define WAIT_MS 10000

/** struct fixture - the seam to this kernel */
struct fixture {
	struct seam_kernel *kernel;
	struct peer *peer;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f)
		return -1;
	f->kernel = seam_kernel_new(FAMILY_NET);
	if (!f->kernel)
		return -1;
	f->peer = seam_kernel_tables(f->kernel).peer;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	seam_kernel_free(f->kernel);
	free(f);
	return 0;
}

static void needs_root_and_tun(void)
{
	if (geteuid() == 0 && access("/dev/net/tun", F_OK) == 0)
		return;
	print_message("needs root and /dev/net/tun: run as root, modprobe tun\n");
	skip();
}

static struct peer *start(void **state, enum peer_backend backend)
{
	struct peer *peer = ((struct fixture *)*state)->peer;
	int r = 0;

	needs_root_and_tun();
	r = peer->ops->start(peer, backend);
	if (r < 0)
		fail_msg("the peer lacks %s: %s", peer->lacks ? peer->lacks : "?",
			 strerror(-r));
	return peer;
}

static void order(struct peer *peer, enum peer_op op, uint32_t frame)
{
	const struct peer_request request = {
		.op = op, .len = BYTES, .seed = 2, .frame = frame, .offset = 7
	};

	assert_int_equal(peer->ops->request(peer, &request), 0);
}

static struct peer_reply answer(struct peer *peer)
{
	struct pollfd fd = { .fd = peer->ops->fd(peer), .events = POLLIN };
	struct peer_reply reply;

	assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
	assert_int_equal(peer->ops->reply(peer, &reply), 0);
	return reply;
}

/* BYTES of payload behind @header zeros and an Ethernet header. */
static size_t build(unsigned char *packet, unsigned int header, uint16_t ethertype)
{
	memset(packet, 0, header);
	peer_ethernet(packet + header, ethertype);
	payload_fill(1, 0, packet + header + 14, BYTES);
	return header + 14 + BYTES;
}

/* Reads until a frame of the peer's comes. */
static void expect_frame(int fd, unsigned int header)
{
	unsigned char packet[2048], payload[BYTES];
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t n = 0;

	do {
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		n = read(fd, packet, sizeof(packet));
		assert_true(n > (ssize_t)header + 14);
	} while (memcmp(packet + header + 12, "\x88\xb5", 2) != 0);
	payload_fill(2, 7, payload, BYTES);
	assert_int_equal(n, header + 14 + BYTES);
	assert_memory_equal(packet + header + 14, payload, BYTES);
}

static void both_ways(struct peer *peer, int fd, unsigned int header)
{
	unsigned char packet[2048], payload[BYTES];
	struct peer_reply reply;
	size_t len = 0;

	order(peer, PEER_RECV, 0);
	/* one that is not counted, then one that is */
	len = build(packet, header, PEER_OTHER_ETHERTYPE);
	assert_int_equal(write(fd, packet, len), len);
	len = build(packet, header, PEER_ETHERTYPE);
	assert_int_equal(write(fd, packet, len), len);
	reply = answer(peer);
	payload_fill(1, 0, payload, BYTES);
	assert_int_equal(reply.err, 0);
	assert_int_equal(reply.bytes, BYTES);
	assert_true(reply.digest == digest_add(DIGEST_START, payload, BYTES));

	order(peer, PEER_SEND, BYTES);
	expect_frame(fd, header);
	reply = answer(peer);
	payload_fill(2, 7, payload, BYTES);
	assert_int_equal(reply.err, 0);
	assert_true(reply.digest == digest_add(DIGEST_START, payload, BYTES));
}

static void test_a_tap_speaks_with_headers_of_every_size(void **state)
{
	static const unsigned int headers[] = { 12, 10, 24 };
	struct peer *peer = start(state, BACKEND_TAP);

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		int fd = peer->ops->backend(peer, headers[i]);

		assert_true(fd >= 0);
		both_ways(peer, fd, headers[i]);
	}
}

static void test_a_packet_socket_speaks_without_headers(void **state)
{
	struct peer *peer = start(state, BACKEND_PACKET);
	int fd = peer->ops->backend(peer, 12);
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len), 0);
	assert_int_equal(domain, AF_PACKET);
	assert_int_equal(type, SOCK_RAW);
	both_ways(peer, fd, 0);
}

static void test_frames_that_are_too_short_or_long_are_not_sent(void **state)
{
	struct peer *peer = start(state, BACKEND_TAP);

	order(peer, PEER_SEND, PEER_PAYLOAD_MIN - 1);
	assert_int_equal(answer(peer).err, EMSGSIZE);
	order(peer, PEER_SEND, 1501);
	assert_int_equal(answer(peer).err, EMSGSIZE);
	order(peer, PEER_LISTEN, 0);
	assert_int_equal(answer(peer).err, EOPNOTSUPP);
}

/* What is not right in a checksum is not 0 when all of it is summed up. */
static uint16_t sum_of(const unsigned char *bytes, size_t len)
{
	uint32_t all = 0;

	for (size_t i = 0; i < len; i += 2)
		all += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (all >> 16)
		all = (all & 0xffff) + (all >> 16);
	return (uint16_t)~all;
}

static void test_frames_that_are_to_be_cut_have_their_headers(void **state)
{
	static const struct {
		uint8_t type, protocol;
		uint16_t header, offset;
	} kinds[] = { { VIRTIO_NET_HDR_GSO_TCPV4, IPPROTO_TCP, 54, 16 },
		      { VIRTIO_NET_HDR_GSO_UDP_L4, IPPROTO_UDP, 42, 6 } };
	unsigned char frame[PEER_SEGMENTS_HEADER], header[10];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct peer_offload o = peer_segments(frame, kinds[i].type, 100, 250);
		struct peer_offload copy;

		assert_int_equal(o.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(o.type, kinds[i].type);
		assert_int_equal(o.header, kinds[i].header);
		assert_int_equal(o.size, 100);
		assert_int_equal(o.start, 34);
		assert_int_equal(o.offset, kinds[i].offset);
		assert_memory_equal(frame + 12, "\x08\x00\x45", 3);
		assert_int_equal(frame[16] << 8 | frame[17], kinds[i].header - 14 + 250);
		assert_int_equal(frame[23], kinds[i].protocol);
		assert_int_equal(sum_of(frame + 14, 20), 0);
		peer_offload_put(&o, header);
		copy = peer_offload_get(header);
		assert_memory_equal(&copy, &o, sizeof(o));
	}
}

/* One frame of BYTES bytes of payload out of the tap, and back into it. */
static void cut_both_ways(struct peer *peer, int fd)
{
	struct peer_request request = { .op = PEER_SEND,
					.segments = VIRTIO_NET_HDR_GSO_TCPV4,
					.frame = 40,
					.seed = 2 };
	unsigned char packet[2048];
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct peer_reply reply;
	ssize_t n = 0;

	request.len = BYTES;
	assert_int_equal(peer->ops->request(peer, &request), 0);
	do {
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		n = read(fd, packet, sizeof(packet));
		assert_true(n > 12 + 14);
	} while (memcmp(packet + 12 + 12, "\x08\x00", 2) != 0);
	assert_int_equal(n, 12 + 54 + BYTES);
	reply = answer(peer);
	assert_int_equal(reply.err, 0);
	assert_int_equal(peer_offload_get(packet).type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(peer_offload_get(packet).size, 40);
	assert_true(reply.digest == digest_add(DIGEST_START, packet + 12 + 54, BYTES));
	request.op = PEER_RECV;
	assert_int_equal(peer->ops->request(peer, &request), 0);
	assert_int_equal(write(fd, packet, (size_t)n), n);
	reply = answer(peer);
	assert_int_equal(reply.err, 0);
	assert_int_equal(reply.bytes, BYTES);
	assert_int_equal(reply.offload.type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(reply.offload.size, 40);
}

static void test_frames_that_are_to_be_cut_pass_whole(void **state)
{
	struct peer *peer = start(state, BACKEND_TAP);

	cut_both_ways(peer, peer->ops->backend(peer, 12));
}

static void test_a_packet_socket_hands_over_nothing_that_is_to_be_cut(void **state)
{
	struct peer *peer = start(state, BACKEND_PACKET);
	const struct peer_request request = { .op = PEER_SEND,
					      .segments = VIRTIO_NET_HDR_GSO_TCPV4 };

	assert_int_equal(peer->ops->request(peer, &request), 0);
	assert_int_equal(answer(peer).err, EOPNOTSUPP);
}

static bool interface_is_seen(void)
{
	struct if_nameindex *all = if_nameindex();
	bool seen = false;

	assert_non_null(all);
	for (struct if_nameindex *i = all; i->if_name; i++)
		seen = seen || !strncmp(i->if_name, "vhc", 3);
	if_freenameindex(all);
	return seen;
}

static void test_nothing_is_seen_outside_and_nothing_stays(void **state)
{
	struct peer *peer = start(state, BACKEND_TAP);

	assert_false(interface_is_seen());
	peer->ops->stop(peer);
	assert_int_equal(peer->ops->backend(peer, 12), -ENOTCONN);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	/* and again */
	start(state, BACKEND_TAP);
	both_ways(peer, peer->ops->backend(peer, 12), 12);
	assert_false(interface_is_seen());
}

/* ---------------------------------------------------- what cannot be had, by name */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool cover(const char *path)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", path, "tmpfs", 0, NULL) == 0;
}

static bool cover_node(void)
{
	return cover("/dev/net");
}

static bool cover_driver(void)
{
	return cover("/sys/class/misc");
}

static bool user_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0 &&
	       write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", "0 0 1") &&
	       write_text("/proc/self/gid_map", "0 0 1");
}

static bool no_more_networks(void)
{
	return user_namespace() && write_text("/proc/sys/user/max_net_namespaces", "0");
}

static bool without_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &head, none) == 0;
}

static bool no_more_users(void)
{
	return user_namespace() &&
	       write_text("/proc/sys/user/max_user_namespaces", "0") &&
	       without_capabilities();
}

/* In a process of its own that has spoilt its surroundings: 0 if all is as it should. */
static int start_spoilt(struct peer *peer, bool (*spoil)(void), int err, const char *text)
{
	int r = 0;

	if (!spoil()) {
		print_error("the surroundings cannot be spoilt: %s\n", strerror(errno));
		return 1;
	}
	r = peer->ops->start(peer, BACKEND_TAP);
	if (r != -err || !peer->lacks || !strstr(peer->lacks, text)) {
		print_error("got %s, lacks %s\n", strerrorname_np(-r),
			    peer->lacks ? peer->lacks : "nothing");
		return 1;
	}
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
		print_error("a process is left\n");
		return 1;
	}
	return 0;
}

static void test_what_is_missing_is_named(void **state)
{
	static const struct row {
		bool (*spoil)(void);
		int err;
		const char *text;
	} rows[] = {
		{ cover_driver, ENOENT, "modprobe tun" },
		{ cover_node, ENOENT, "mknod /dev/net/tun c 10 200" },
		{ no_more_networks, ENOSPC, "user.max_net_namespaces" },
		{ no_more_users, ENOSPC, "user.max_user_namespaces" },
	};
	struct fixture *f = *state;

	needs_root_and_tun();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = 0;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(start_spoilt(f->peer, rows[i].spoil, rows[i].err,
					   rows[i].text));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			fail_msg("where \"%s\" was to be named", rows[i].text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_tap_speaks_with_headers_of_every_size),
		TEST(test_a_packet_socket_speaks_without_headers),
		TEST(test_frames_that_are_too_short_or_long_are_not_sent),
		TEST(test_frames_that_are_to_be_cut_have_their_headers),
		TEST(test_frames_that_are_to_be_cut_pass_whole),
		TEST(test_a_packet_socket_hands_over_nothing_that_is_to_be_cut),
		TEST(test_nothing_is_seen_outside_and_nothing_stays),
		TEST(test_what_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
