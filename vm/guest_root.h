/* SPDX-License-Identifier: MIT */
/* Inside the guest: a directory of the host as the root. */
#ifndef VM_GUEST_ROOT_H
#define VM_GUEST_ROOT_H

#include "vm/guest.h"

/** VM_ROOT_TAG - name under which QEMU shows the directory, as a 9p file system */
#define VM_ROOT_TAG "vhostcheck-root"

/**
 * GUEST_COMMAND - there if a command runs in place of the checks: words (guest_words())
 *
 * The first is the directory that it begins in, as the directory of the host has it, or
 * empty: then the guest's root is its initramfs. Then its environment, NAME=VALUE each.
 */
#define GUEST_COMMAND "/vhostcheck.command"

/**
 * guest_root_enter() - make the host's directory this system's root
 * @g:	ports
 *
 * As pid 1, after guest_setup(), which loaded the modules for it. A tmpfs above the
 * directory takes what is written; proc, sysfs (with configfs), devtmpfs (with devpts and
 * shm), and tmpfs on /run and /tmp are mounted in it; the modules that the guest came
 * with stand in /lib/modules if the directory has none of this release; the loopback
 * interface is up. The root is moved, not only changed: to the kernel nobody in it is in
 * a chroot, so that user namespaces can be made.
 * Return: 0; -errno of mount() and the like, after a line on @g->err. What is mounted in
 * the new root and fails is told there, too, and is no failure of this call.
 * Source: Documentation/filesystems/overlayfs.rst, 9p.rst; current_chrooted() in
 * fs/namespace.c.
 */
int guest_root_enter(const struct guest *g) must_check_;

/**
 * guest_root_dress() - make environment and directory those of the command
 * @words:	of GUEST_COMMAND
 *
 * Called in the command's process. What the kernel gave pid 1 is dropped. A directory
 * that is not there, as one below /tmp, becomes /.
 * Return: 0; -errno of chdir().
 */
int guest_root_dress(char *const *words) must_check_;

#endif
