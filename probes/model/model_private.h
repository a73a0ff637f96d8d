/* SPDX-License-Identifier: MIT */
/* Private to probes/model: the whole of it, and the host's end. */
#ifndef MODEL_MODEL_PRIVATE_H
#define MODEL_MODEL_PRIVATE_H

#include <linux/virtio_vsock.h>

#include "model/device.h"
#include "model/model.h"

/* ------------------------------------------------------ the host of vsock */

/** HOST_CID - of the host's end (VMADDR_CID_HOST) */
#define HOST_CID 2u

/** STREAMS_MAX - connections that the host has at once */
#define STREAMS_MAX PEER_SLOTS

/** struct packet - on its way to a guest; @done bytes of its payload are delivered */
struct packet {
	struct packet *next;
	struct virtio_vsock_hdr header;
	bool reply;
	uint32_t done;
	unsigned char payload[];
};

/** MESSAGES_MAX - messages that wait to be taken from a connection */
#define MESSAGES_MAX 8u

/** enum stream_state - of a host socket */
enum stream_state {
	STREAM_FREE,
	STREAM_CONNECTING,
	STREAM_CONNECTED,
	STREAM_RESET
};

/**
 * struct stream - a connection of the host's
 * @state:	enum stream_state
 * @accepted:	the peer has it: PEER_ACCEPT, PEER_CONNECT
 * @seqpacket:	it keeps messages apart; @messages wait, each up to its @end of @data
 * @shut:	what the guest has shut down (enum virtio_vsock_shutdown)
 * @port, @cid, @peer_port: its own port, the guest, the guest's port
 * @peer_alloc, @peer_fwd: credit as the guest gave it; @sent: bytes sent so far
 * @fwd, @told_fwd: bytes that the peer took, and of them those that the guest knows of
 * @data, @len:	received and not taken
 */
struct stream {
	enum stream_state state;
	bool accepted, seqpacket;
	uint32_t shut;
	uint32_t port, cid, peer_port;
	uint32_t peer_alloc, peer_fwd, sent, fwd, told_fwd;
	unsigned char *data;
	size_t len;
	unsigned int messages;
	size_t end[MESSAGES_MAX];
};

/**
 * struct vsock_host - its sockets; @listening on @port, @next_port is given out next
 * @seqpacket:	of the listener
 */
struct vsock_host {
	bool listening, seqpacket;
	uint32_t port, next_port;
	struct stream stream[STREAMS_MAX];
};

/* -------------------------------------------------------- the host of net */

/**
 * struct frame - in a queue of the tap; with Ethernet header, without virtio's
 * @offload:	what that said of it
 */
struct frame {
	struct frame *next;
	uint32_t len;
	struct peer_offload offload;
	unsigned char bytes[];
};

/**
 * struct tap - the interface and the packet socket on it
 * @fd:		what VHOST_NET_SET_BACKEND is given: stands for it, -1 without
 * @headless:	it is the packet socket that the device is given
 * @header:	bytes of the virtio header that it expects and writes (TUNSETVNETHDRSZ)
 * @to_guest, @from_guest: frames, oldest first
 */
struct tap {
	int fd;
	bool headless;
	unsigned int header;
	struct frame *to_guest, *from_guest;
};

/* ------------------------------------------------------- the target of scsi */

/** TARGET_LUNS - most LUNs; those from TARGET_LUNS_FIRST on are added by order */
#define TARGET_LUNS 8u
#define TARGET_LUNS_FIRST 1u

/** SENSE_BYTES - of sense data of the fixed format */
#define SENSE_BYTES 18u

/** struct disk - a LUN: @bytes are there, or NULL; @attention is to be told of first */
struct disk {
	unsigned char *bytes;
	bool attention;
};

/**
 * struct target - its LUNs, and the device that has it, NULL without
 * @held:	nobody has it, and nobody can (RULE_ENDPOINT_KEPT)
 */
struct target {
	struct disk lun[TARGET_LUNS];
	struct model_dev *user;
	bool held;
};

/**
 * struct task - one SCSI command
 * @lun, @cdb:	what is asked of whom
 * @out, @out_len: data that came with it
 * @in, @in_len: room for data; @in_used bytes of it were filled
 * @status, @sense, @sense_len, @residual: the answer
 */
struct task {
	unsigned int lun;
	uint8_t cdb[32];
	const unsigned char *out;
	uint32_t out_len;
	unsigned char *in;
	uint32_t in_len, in_used;
	uint8_t status, sense[SENSE_BYTES];
	uint32_t sense_len, residual;
};

/* ---------------------------------------------------------------- the peer */

/**
 * struct model_peer - the host's end
 * @started:	between start and stop
 * @event:	eventfd, readable while an answer is there
 * @busy:	@request is being worked on, @reply grows; @answered: it is complete
 * @slot:	vsock: what the peer sends on and receives from, NULL without
 * @disk:	vdpa: the file behind the device, NULL without
 */
struct model_peer {
	struct peer peer;
	struct seam_model *m;
	bool started, busy, answered;
	int event;
	struct peer_request request;
	struct peer_reply reply;
	struct vsock_host vsock;
	struct stream *slot[PEER_SLOTS];
	struct tap tap;
	struct target target;
	unsigned char *disk;
};

/** struct model_facts - what the host says */
struct model_facts {
	struct facts facts;
	struct seam_model *m;
};

/** struct model_clock - @now_ns passes in waits only; @state of the generator */
struct model_clock {
	struct clock clock;
	uint64_t now_ns;
	uint32_t state;
};

struct seam_model {
	enum family family;
	enum model_policy policy;
	const struct fault *fault;
	bool *asked; /* as in struct model_options */
	struct model_dev dev, twin;
	struct model_peer peer;
	struct model_facts facts;
	struct model_clock clock;
};

/** model_run() - work until nothing is left to do */
void model_run(struct seam_model *m);

/** peer_init(), facts_init(), clock_init() - make the tables */
void peer_init(struct model_peer *p, struct seam_model *m);
void facts_init(struct model_facts *f, struct seam_model *m);
void clock_init(struct model_clock *c);

/** peer_work() - go on with the order at hand; whether anything came of it */
bool peer_work(struct model_peer *p);

/** peer_answer() - the order is done, with an errno or 0 */
void peer_answer(struct model_peer *p, int err);

/* --------------------------------------------------------- vsock_host.c */

/** host_receive() - a packet of the guest's; @payload has header.len bytes */
void host_receive(struct model_dev *d, const struct virtio_vsock_hdr *header,
		  const unsigned char *payload);

/** host_gone() - a device is closed: its connections are reset */
void host_gone(struct model_dev *d);

/** host_close() - close all sockets; the guest is told */
void host_close(struct model_peer *p);

/** host_begin() - a new order; host_work() - go on with it */
void host_begin(struct model_peer *p);
bool host_work(struct model_peer *p);

/** packet_queue() - a packet for the guest with this CID. 0, -ENODEV or -ENOMEM */
int packet_queue(struct seam_model *m, const struct packet *packet, const void *payload);

/* ----------------------------------------------------------------- tap.c */

/** tap_done() - no interface and no frames */
void tap_done(struct tap *t);

/** tap_send() - the guest transmits; @len with the tap's header. 0 or -EINVAL */
int tap_send(struct model_peer *p, const unsigned char *bytes, size_t len);

/** tap_begin() - a new order; tap_work() - go on with it */
void tap_begin(struct model_peer *p);
bool tap_work(struct model_peer *p);

/** tap_backend() - the descriptor for VHOST_NET_SET_BACKEND, as in struct peer_ops */
int tap_backend(struct peer *peer, unsigned int header);

/* --------------------------------------------------------- scsi_target.c */

/** target_make() - a target with its first LUNs; target_done() - none */
void target_make(struct model_peer *p);
void target_done(struct target *t);

/** target_work() - obey the order at hand: a LUN comes or goes */
bool target_work(struct model_peer *p);

/** target_describe() - as in struct peer_ops; -ENOTCONN but for scsi */
int target_describe(struct peer *peer, struct peer_target *ret_target);

/** target_execute() - a command, from its CDB to its status */
void target_execute(struct model_dev *d, struct task *t);

/** target_has() - whether there is a LUN */
bool target_has(const struct target *t, unsigned int lun);

/* ------------------------------------------------------------------ scsi.c */

/** scsi_plugged() - tell the driver that a LUN came or went */
void scsi_plugged(struct model_dev *d, unsigned int lun, bool there);

#endif
