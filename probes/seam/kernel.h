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
 * struct peer_process - a process that owns the other end
 * @peer:	table
 * @serve:	what the process runs; gets its end of the socket pair, never returns
 * @probe:	tells before the fork whether the other end can exist. 0 or -errno
 * @sock:	our end, -1 while stopped
 * @pid:	the process, 0 while stopped
 */
struct peer_process {
	struct peer peer;
	void (*serve)(int sock);
	int (*probe)(void);
	int sock;
	pid_t pid;
};

/** peer_process_init() - a stopped peer */
void peer_process_init(struct peer_process *p, void (*serve)(int sock),
		       int (*probe)(void));

/** peer_vsock_serve() - answer orders with AF_VSOCK stream sockets; never returns */
void peer_vsock_serve(int sock);

/** peer_vsock_probe() - 0 if AF_VSOCK sockets can be made, else -errno */
int peer_vsock_probe(void);

#endif
