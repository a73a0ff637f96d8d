/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Checks act on the world through four tables only: dev (the vhost device), peer (the
 * other end of what the device moves), facts (what the host says about modules, nodes,
 * workers and its log) and clock. Each has a kernel side, and a fault wrapper
 * (seam/fault.h) that alters one answer, so that a check can be shown to fail.
 *
 * Every call returns a value >= 0 or -errno; none prints. A seam belongs to the child
 * that runs one check, and is used by one thread.
 */
#ifndef SEAM_SEAM_H
#define SEAM_SEAM_H

#include <poll.h>
#include <sys/types.h>

#include "base/bits.h"
#include "base/deadline.h"

struct dev;
struct peer;

/**
 * struct dev_ops - the system calls on a vhost device
 * @open:	open the node O_RDWR | O_NONBLOCK | O_CLOEXEC. -errno of open(2)
 * @ioctl:	ioctl(2); >= 0 or -errno
 * @read:	read(2): IOTLB messages; never blocks (-EAGAIN)
 * @write:	write(2): IOTLB messages
 * @poll:	poll(2) until @until over @fds; an entry with fd == DEV_SELF means the
 *		device itself. Number of ready entries, 0 once @until has passed
 * @close:	close(2); harmless on a device that is not open
 */
struct dev_ops {
	int (*open)(struct dev *dev, const char *path);
	int (*ioctl)(struct dev *dev, unsigned long request, void *arg);
	ssize_t (*read)(struct dev *dev, void *buf, size_t len);
	ssize_t (*write)(struct dev *dev, const void *buf, size_t len);
	int (*poll)(struct dev *dev, struct pollfd *fds, size_t n, struct deadline until);
	void (*close)(struct dev *dev);
};

/** DEV_SELF - fd of a pollfd that stands for the device */
#define DEV_SELF (-2)

/** struct dev - embedded first in each implementation */
struct dev {
	const struct dev_ops *ops;
};

/**
 * enum peer_op - what the process at the other end is asked to do
 *
 * Connections of vsock are kept by the @slot of the order, below PEER_SLOTS.
 * @PEER_LISTEN:	bind to a free port and listen; reply.port
 * @PEER_LISTEN_SEQPACKET: the same with a socket that keeps messages apart
 * @PEER_ACCEPT:	wait for one connection and keep it
 * @PEER_CONNECT:	connect to @cid and @port and keep the connection
 * @PEER_SEND:		send @len bytes of payload_fill(@seed) from @offset on;
 *		reply.bytes, reply.digest. On net in frames with @frame bytes of payload each
 * @PEER_RECV:		receive @len bytes, or up to the end; reply.bytes, reply.digest.
 *			On net the payload of frames of PEER_ETHERTYPE
 * @PEER_RECV_ONCE:	receive what one call gives, a message of a seqpacket socket, up
 *		to 4096 bytes; reply.bytes, reply.digest
 * @PEER_CLOSED_PORT:	bind to a free port and close it again; reply.port
 * @PEER_HANGUP:	close the connection; vdpa: kill the process that serves the
 *		device
 * @PEER_STORE:		vdpa: write @len bytes of payload_fill(@seed) at @offset of the
 *		file behind the device; reply.bytes, reply.digest
 * @PEER_STORED:	vdpa: read @len bytes at @offset of that file; reply.bytes,
 *			reply.digest
 * @PEER_LUN_ADD:	scsi: give the target LUN @slot, with a store of its own
 * @PEER_LUN_REMOVE:	scsi: take LUN @slot away
 */
enum peer_op {
	PEER_LISTEN,
	PEER_LISTEN_SEQPACKET,
	PEER_ACCEPT,
	PEER_CONNECT,
	PEER_SEND,
	PEER_RECV,
	PEER_RECV_ONCE,
	PEER_CLOSED_PORT,
	PEER_HANGUP,
	PEER_STORE,
	PEER_STORED,
	PEER_LUN_ADD,
	PEER_LUN_REMOVE
};

/**
 * enum peer_backend - which of its two ends the peer of vhost-net hands over
 * @BACKEND_TAP:	a tap with headers; the peer keeps a packet socket on it
 * @BACKEND_PACKET:	the packet socket, which has no headers: vhost-net must make them
 *			(VHOST_NET_F_VIRTIO_NET_HDR); the peer keeps the tap
 */
enum peer_backend {
	BACKEND_TAP,
	BACKEND_PACKET
};

/**
 * struct peer_request - one order to the peer process
 * @segments:	net, of PEER_SEND and PEER_RECV: VIRTIO_NET_HDR_GSO_* of one frame with
 *		@len bytes of payload that is to be cut into segments of @frame bytes; a
 *		PEER_SEND without @len tries only whether the tap can. EOPNOTSUPP if not
 */
struct peer_request {
	uint32_t op, cid, port, seed, frame, slot, segments;
	uint64_t offset, len;
};

/** PEER_SLOTS - connections that the peer of vhost-vsock keeps */
#define PEER_SLOTS 16u

/** PEER_ETHERTYPE - of the frames that carry payload (IEEE 802, local experimental) */
#define PEER_ETHERTYPE 0x88b5u

/** PEER_OTHER_ETHERTYPE - of frames that the peer does not look at */
#define PEER_OTHER_ETHERTYPE 0x88b6u

/** PEER_PAYLOAD_MIN - of a frame: shorter ones crash unfixed kernels (CVE-2024-41090) */
#define PEER_PAYLOAD_MIN 46u

/** peer_ethernet() - write the 14 bytes of an Ethernet header */
void peer_ethernet(unsigned char *frame, uint16_t ethertype);

/** PEER_SEGMENTS_HEADER - bytes that peer_segments() may write */
#define PEER_SEGMENTS_HEADER 54u

/** PEER_SEGMENTS_MAX - payload of a frame that is to be cut */
#define PEER_SEGMENTS_MAX 4000u

/**
 * struct peer_offload - what the header of a frame says, in the host's byte order
 * @flags, @type: flags, gso_type
 * @header, @size: hdr_len, gso_size
 * @start, @offset: csum_start, csum_offset
 */
struct peer_offload {
	uint8_t flags, type;
	uint16_t header, size, start, offset;
};

/**
 * peer_segments() - write the headers of a frame that is to be cut into segments
 * @frame:	Ethernet, IPv4, and TCP or UDP; PEER_SEGMENTS_HEADER bytes of room
 * @type:	VIRTIO_NET_HDR_GSO_TCPV4 or _UDP_L4
 * @size:	payload of a segment
 * @len:	payload behind the headers, which the caller adds
 *
 * Return: what the virtio header has to say of it (virtio-1.2 5.1.6.2); its @header is
 * the length of what was written.
 */
struct peer_offload peer_segments(unsigned char *frame, uint8_t type, uint16_t size,
				  uint32_t len);

/** peer_offload_get(), peer_offload_put() - from and to a struct virtio_net_hdr */
struct peer_offload peer_offload_get(const unsigned char *header);
void peer_offload_put(const struct peer_offload *o, unsigned char *header);

/**
 * struct peer_reply - its answer
 * @op:		of the request
 * @err:	0 or an errno
 * @unsummed:	net, with a tap as back end: frames received whose checksum the guest left
 *		to the host (TP_STATUS_CSUMNOTREADY)
 * @offload:	of the frame that PEER_RECV with segments received
 * @digest:	over the bytes as the peer sent or received them, by its own count
 */
struct peer_reply {
	uint32_t op, port;
	int32_t err;
	uint32_t unsummed;
	struct peer_offload offload;
	uint64_t bytes, digest;
};

/**
 * struct peer_target - what the peer made for the device to be opened on or bound to
 * @path:	vdpa: the node of the device ("/dev/vhost-vdpa-0"); else ""
 * @wwpn, @tpgt: scsi: for VHOST_SCSI_SET_ENDPOINT; else "" and 0
 * @luns:	scsi: LUNs 0 to @luns - 1 are there; vdpa: 0
 * @type:	vdpa: virtio device id that the kernel tells by netlink; else 0
 * @block:	bytes of a block
 * @blocks:	capacity of each LUN, or of the device
 */
struct peer_target {
	char path[64], wwpn[224];
	uint16_t tpgt;
	uint32_t luns, type, block;
	uint64_t blocks;
};

/**
 * PEER_NODE - path of a node that is not there yet: the peer makes its device, and
 * struct peer_target then has the path
 */
#define PEER_NODE "/dev/vhost-vdpa-N"

/**
 * struct peer_ops - the process that owns the other end
 * @start:	fork it, on net with @backend to hand over; must come before the device
 *		is opened, so that it holds no copy of its descriptor. -errno when the
 *		other end cannot be made; @lacks of struct peer then says what of it
 * @request:	send an order; one may be outstanding
 * @reply:	take the answer; -EAGAIN while there is none, -EPIPE when the peer died
 * @fd:		descriptor that is readable when an answer is there
 * @stop:	end the process and reap it
 * @backend:	descriptor for VHOST_NET_SET_BACKEND, borrowed until @stop, after making
 *		a tap expect headers of @header bytes; -ENOTCONN if there is none, -errno
 * @target:	scsi, vdpa: what @start made. 0, or -ENOTCONN if there is none
 */
struct peer_ops {
	int (*start)(struct peer *peer, enum peer_backend backend);
	int (*request)(struct peer *peer, const struct peer_request *request);
	int (*reply)(struct peer *peer, struct peer_reply *ret_reply);
	int (*fd)(struct peer *peer);
	void (*stop)(struct peer *peer);
	int (*backend)(struct peer *peer, unsigned int header);
	int (*target)(struct peer *peer, struct peer_target *ret_target);
};

/**
 * struct peer - embedded first in each implementation
 * @lacks:	what a start that failed could not make, in a word or two; else NULL
 */
struct peer {
	const struct peer_ops *ops;
	const char *lacks;
};

/**
 * struct node_info - a device node, found without opening it
 * @path:	"/dev/vhost-vsock"
 * @exists:	the path is there
 * @is_device:	it is a character device
 * @major, @minor: of the node
 * @class_major, @class_minor: what the driver registered (/sys/class/misc, of vDPA
 *		below the device on its bus), -1 if the driver is not there
 * @mode, @uid, @gid: permissions
 * @readable, @writable: access(2) of the effective user
 */
struct node_info {
	char path[64];
	bool exists, is_device;
	int major, minor, class_major, class_minor;
	unsigned int mode, uid, gid;
	bool readable, writable;
};

/** enum module_status - of a kernel module, as facts know it */
enum module_status {
	FACT_MODULE_ABSENT,    /* neither loaded nor installed */
	FACT_MODULE_INSTALLED, /* on disk, not loaded */
	FACT_MODULE_LIVE,
	FACT_MODULE_BUILTIN
};

/**
 * struct module_info - a kernel module
 * @status:	enum module_status
 * @build_id_loaded, @build_id_disk: GNU build-id in hex, "" if unknown, as that of a
 *		compressed file (.ko.xz, .ko.zst) always is
 * @srcversion_loaded, @srcversion_disk: "" if unknown
 * @signer:	of the file on disk, "" if none
 */
struct module_info {
	int status;
	char build_id_loaded[64], build_id_disk[64];
	char srcversion_loaded[32], srcversion_disk[32];
	char signer[128];
};

/** enum worker_type - what runs a device's rings */
enum worker_type {
	WORKER_NONE,
	WORKER_TASK,   /* a thread of the owner (6.4 and later) */
	WORKER_KTHREAD /* a kernel thread of its own */
};

/**
 * struct worker_info - the vhost workers of a process
 * @asleep:	how many of them sleep
 * @switches:	how often they were switched to something else, all together
 */
struct worker_info {
	int type;
	unsigned int count, asleep;
	uint64_t switches;
};

struct facts;

/**
 * struct facts_ops - what the host says
 * @node:	describe the node of a device family. 0
 * @module:	state and identity of a module; '-' and '_' in @name are the same. 0
 * @workers:	threads named vhost-PID of process @pid. 0, or -errno of /proc
 * @guest_to_host: name of a live guest-to-host vsock transport of this machine into
 *		@ret (NAME_ROOM bytes), "" if none. 0
 * @release:	uname -r into @ret (NAME_ROOM bytes). 0
 * @parameter:	value of a module's parameter into @ret (NAME_ROOM bytes), "" if it cannot
 *		be read. 0
 */
struct facts_ops {
	int (*node)(struct facts *facts, enum family family, struct node_info *ret);
	int (*module)(struct facts *facts, const char *name, struct module_info *ret);
	int (*workers)(struct facts *facts, pid_t pid, struct worker_info *ret);
	int (*guest_to_host)(struct facts *facts, char *ret);
	int (*release)(struct facts *facts, char *ret);
	int (*parameter)(struct facts *facts, const char *module, const char *name,
			 char *ret);
};

/** NAME_ROOM - bytes of the small text results of facts */
#define NAME_ROOM 128

/** struct facts - embedded first in each implementation */
struct facts {
	const struct facts_ops *ops;
};

struct clock;

/**
 * struct clock_ops - time and chance
 * @now_ns:	CLOCK_MONOTONIC in nanoseconds
 * @random:	32 random bits
 */
struct clock_ops {
	uint64_t (*now_ns)(struct clock *clock);
	uint32_t (*random)(struct clock *clock);
};

/** struct clock - embedded first in each implementation */
struct clock {
	const struct clock_ops *ops;
};

/**
 * struct seam - the four tables that one child acts through; all borrowed
 * @twin:	a second device of the same kind, closed until it is opened
 */
struct seam {
	struct dev *dev, *twin;
	struct peer *peer;
	struct facts *facts;
	struct clock *clock;
};

/**
 * struct seam_kernel - a seam to the running kernel
 *
 * Opaque to its users; seam_kernel_new() fills @seam, which points into it.
 */
struct seam_kernel;

/**
 * seam_kernel_new() - the seam to the running kernel
 * @family:	device family: decides what the peer is
 *
 * Opens nothing. Return: the seam, or NULL when memory is exhausted.
 */
struct seam_kernel *seam_kernel_new(enum family family) must_check_;

/** seam_kernel_tables() - the tables of a kernel seam, borrowed from it */
struct seam seam_kernel_tables(struct seam_kernel *k);

/** seam_kernel_free() - close and free all; NULL is fine */
void seam_kernel_free(struct seam_kernel *k);

/**
 * facts_kernel_new() - the facts table alone, for a parent that opens no device
 *
 * Return: owned by the caller, or NULL when memory is exhausted.
 */
struct facts *facts_kernel_new(void) must_check_;

/** facts_kernel_free() - free it; NULL is fine */
void facts_kernel_free(struct facts *facts);

/** family_module() - name of the module that provides a family's device node */
const char *family_module(enum family family);

/** family_path() - path of a family's device node; NULL for vdpa, which has several */
const char *family_path(enum family family);

#endif
