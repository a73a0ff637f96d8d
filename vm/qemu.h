/* SPDX-License-Identifier: MIT */
/* QEMU as a program: where it is, and the command line that it is given. */
#ifndef VM_QEMU_H
#define VM_QEMU_H

#include "vm/guest_root.h"
#include "vm/workdir.h"

/**
 * enum vm_accel - how the guest's instructions are run
 * @VM_ACCEL_AUTO:	KVM where it works, else TCG; only as a wish
 */
enum vm_accel {
	VM_ACCEL_AUTO,
	VM_ACCEL_KVM,
	VM_ACCEL_TCG,
	VM_ACCEL_NUM
};

/**
 * enum vm_stream - the guest's serial ports, ttyS0 to ttyS3
 * @VM_JOURNAL:	comes by a port of virtio from a kernel that has its driver
 */
enum vm_stream {
	VM_CONSOLE,
	VM_JOURNAL,
	VM_OUT,
	VM_ERR,
	VM_STREAM_NUM
};

/**
 * struct vm_spec - the machine; all borrowed
 * @qemu:	path of qemu-system-x86_64
 * @image:	bzImage
 * @initrd:	archive of vm_initramfs_write()
 * @append:	further kernel arguments, or NULL
 * @root:	directory that the guest may read as VM_ROOT_TAG, or NULL
 * @accel:	wish
 * @cpus:	number of CPUs, at least 1
 * @memory_mib:	memory, MiB
 */
struct vm_spec {
	const char *qemu, *image, *initrd, *append, *root;
	enum vm_accel accel;
	unsigned int cpus, memory_mib;
};

/**
 * vm_qemu_find() - where QEMU is
 * @ret:	receives the path of qemu-system-x86_64, owned by the caller
 * @err:	reason on failure
 *
 * Return: 0; -ENOENT (VM_FAULT_NO_QEMU); -ENOMEM.
 */
int vm_qemu_find(char **ret, struct vm_error *err) must_check_;

/**
 * vm_qemu_version() - which QEMU it is ("7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)")
 * @qemu:	path
 * @ret:	receives the version, owned by the caller
 * @err:	reason on failure
 *
 * Takes some 30 ms: ask while the guest boots.
 * Return: 0; -errno (VM_FAULT_NO_QEMU) if it cannot be run or prints none.
 */
int vm_qemu_version(const char *qemu, char **ret, struct vm_error *err) must_check_;

/**
 * vm_qemu_check_root() - whether this QEMU can show a directory to its guest
 * @qemu:	path
 * @err:	reason on failure
 *
 * Return: 0; -EOPNOTSUPP (VM_FAULT_NO_QEMU) if it was built without virtfs; -errno
 * (VM_FAULT_NO_QEMU) if it cannot be run.
 */
int vm_qemu_check_root(const char *qemu, struct vm_error *err) must_check_;

/**
 * vm_qemu_cmdline() - the kernel's command line
 * @spec:	machine
 *
 * Return: a string owned by the caller, or NULL when memory is exhausted.
 */
char *vm_qemu_cmdline(const struct vm_spec *spec) must_check_;

/**
 * vm_qemu_argv() - QEMU's command line
 * @spec:	machine
 * @accel:	VM_ACCEL_KVM or VM_ACCEL_TCG
 * @fd:		VM_STREAM_NUM sockets that QEMU inherits, one per stream
 * @ret:	receives the arguments; freed with vm_names_done(), also after a failure
 *
 * Return: 0; -ENOMEM.
 * Source: qemu-system-x86_64(1).
 */
int vm_qemu_argv(const struct vm_spec *spec, enum vm_accel accel, const int *fd,
		 struct vm_names *ret) must_check_;

/**
 * vm_accel_name() - "auto", "kvm" or "tcg"
 * @accel:	accelerator
 */
const char *vm_accel_name(enum vm_accel accel);

#endif
