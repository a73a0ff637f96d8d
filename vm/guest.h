/* SPDX-License-Identifier: MIT */
/* Inside the guest: what pid 1 does before and after the command that it is there for. */
#ifndef VM_GUEST_H
#define VM_GUEST_H

#include "base/cleanup.h"

/**
 * struct guest - the ports that lead to the host; owned
 * @journal:	JSON Lines: ttyS1, or a port of virtio where the kernel has a driver
 * @out:	ttyS2: stdout of the command
 * @err:	ttyS3: stderr of the command
 *
 * All raw: a byte written is a byte received. -1 where there is no such port.
 */
struct guest {
	int journal, out, err;
};

/**
 * guest_setup() - make a running system out of an initramfs
 * @g:	receives the ports
 *
 * As pid 1: mounts devtmpfs, proc, sysfs, and tmpfs on /tmp and /run; says hello on the
 * journal as soon as there is one; shows kernel warnings on the console; makes RCU grace
 * periods short; loads the modules that /vhostcheck.modules names, in this order, with
 * the options in /etc/modprobe.d; mounts configfs where there is one; moves the journal
 * to the port of virtio. A mount or a module that fails is told by a note in the journal
 * and is no failure of this call, but for vhost itself.
 *
 * Return: 0; -errno of open() on /dev/ttyS1 to ttyS3 (nothing can reach the host); the
 * code of libkmod if vhost cannot be loaded.
 */
int guest_setup(struct guest *g) must_check_;

/**
 * guest_note() - write {"type":"note","text":...} to the journal
 * @g:		ports
 * @fmt:	one line; anything but printable ASCII without '"' and '\' becomes '?'
 */
void guest_note(const struct guest *g, const char *fmt, ...) printf_(2, 3);

/** GUEST_ARGV - what is to be run, as vm_initramfs_write() left it */
#define GUEST_ARGV "/vhostcheck.argv"

/**
 * guest_words() - read words that the host left, each ended by a NUL
 * @path:	file
 * @ret_count:	receives their number, at least 1
 * @ret_words:	receives them, NULL-ended; one allocation with the strings at the end,
 *		owned by the caller: free() it
 *
 * Return: 0; -errno of open() or read(); -EINVAL if there are none; -ENOMEM.
 */
int guest_words(const char *path, int *ret_count, char ***ret_words) must_check_;

/**
 * guest_finish() - tell the exit status, and end the machine
 * @g:		ports
 * @status:	exit status, 0 to 255
 *
 * Waits until every byte has left; leaves through QEMU's isa-debug-exit, and by power-off
 * where that is not there.
 */
_Noreturn void guest_finish(const struct guest *g, int status);

#endif
