/* SPDX-License-Identifier: MIT */
/* Private to probes/seam: the parts of the seam to the running kernel. */
#ifndef SEAM_KERNEL_H
#define SEAM_KERNEL_H

#include "seam/seam.h"

/** struct dev_kernel - a device node; @fd is -1 while closed */
struct dev_kernel {
	struct dev dev;
	int fd;
};

/** dev_kernel_init() - a closed device */
void dev_kernel_init(struct dev_kernel *d);

/**
 * struct peer_kind - what a peer process is
 * @serve:	what it runs; gets its end of the socket pair, and on net what to hand
 *		over
 * @probe:	tells before the fork whether the other end can exist. 0 or -errno, and
 *		what is lacking
 * @hello:	it begins with a struct peer_hello
 * @hands_over:	and with it comes the descriptor of a back end
 * @takes_down:	it makes what outlives a process (seam/made.h): it is not killed but told
 *		by the end of its socket, and has the time to take it down
 */
struct peer_kind {
	void (*serve)(int sock, enum peer_backend backend);
	int (*probe)(const char **ret_lacks);
	bool hello, hands_over, takes_down;
};

/**
 * struct peer_hello - whether the other end came about
 * @err:	0 or an errno; @lacks: what of it did not
 * @target:	what there is to open or to bind to, zeroes if nothing
 */
struct peer_hello {
	int32_t err;
	char lacks[188];
	struct peer_target target;
};

/**
 * struct peer_process - a process that owns the other end
 * @peer:	table
 * @kind:	borrowed
 * @hello:	what it began with
 * @sock:	our end, -1 while stopped
 * @backend:	what it handed over, -1 without
 * @is_packet:	that is a packet socket
 * @pid:	the process, 0 while stopped
 */
struct peer_process {
	struct peer peer;
	const struct peer_kind *kind;
	struct peer_hello hello;
	int sock, backend;
	bool is_packet;
	pid_t pid;
};

/** peer_process_init() - a stopped peer */
void peer_process_init(struct peer_process *p, const struct peer_kind *kind);

/**
 * typedef peer_obey_fn - carry one order out
 * @ctx:	of the peer
 * @request:	order
 * @reply:	op and the digest of no bytes are set
 *
 * Return: 0 or -errno, which is the answer's.
 */
typedef int peer_obey_fn(void *ctx, const struct peer_request *request,
			 struct peer_reply *reply);

/** peer_answer_orders() - in the peer's process: answer orders until the socket ends */
void peer_answer_orders(int sock, peer_obey_fn *obey, void *ctx);

/** peer_vsock_serve() - answer orders with AF_VSOCK stream sockets */
void peer_vsock_serve(int sock, enum peer_backend backend);

/** peer_vsock_probe() - 0 if AF_VSOCK sockets can be made, else -errno */
int peer_vsock_probe(const char **ret_lacks);

/** peer_tap_serve() - hand a tap or the packet socket on it over, and answer orders with
 * the other of the two
 */
void peer_tap_serve(int sock, enum peer_backend backend);

/** peer_tap_probe() - 0 if taps and packet sockets are there, else -errno; loads nothing
 */
int peer_tap_probe(const char **ret_lacks);

/** peer_scsi_serve() - make a target with RAM disks, add and remove LUNs, take it down */
void peer_scsi_serve(int sock, enum peer_backend backend);

/** peer_scsi_probe() - 0 if a target can be made, else -errno; makes and loads nothing */
int peer_scsi_probe(const char **ret_lacks);

/** peer_vduse_serve() - make a block device of VDUSE, look after its file, take it down
 */
void peer_vduse_serve(int sock, enum peer_backend backend);

/** peer_vduse_probe() - 0 if one can be made, else -errno; makes and loads nothing */
int peer_vduse_probe(const char **ret_lacks);

#endif
