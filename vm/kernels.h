/* SPDX-License-Identifier: MIT */
/* The KERNEL arguments of a command line together: packages make up kernels, and no
 * release comes twice. */
#ifndef VM_KERNELS_H
#define VM_KERNELS_H

#include "vm/kernel.h"

/**
 * struct vm_kernels - kernels in the order in which they were first named
 * @kernel:	@count of them; owned
 * @count:	their number
 *
 * Zero-initialise it; end with vm_kernels_done().
 */
struct vm_kernels {
	struct vm_kernel *kernel;
	size_t count;

	char **set; /* @count; directory of unpacked packages, NULL for other kernels */
};

/**
 * vm_kernels_add() - take in the KERNEL arguments
 * @ks:		list, empty
 * @w:		work directory; packages are unpacked there, side by side
 * @args:	@count paths of packages, or what vm_kernel_open() takes
 * @count:	their number
 * @modules:	argument of --modules or NULL
 * @err:	reason on failure, of the first argument that fails
 *
 * Packages of one release make one kernel, wherever they stand.
 * Return: 0; -EEXIST (VM_FAULT_USAGE) if a package holds another file than one before
 * it; otherwise as vm_kernel_open(), vm_package_unpack() and vm_jobs_run().
 */
int vm_kernels_add(struct vm_kernels *ks, const struct vm_workdir *w,
		   const char *const *args, size_t count, const char *modules,
		   struct vm_error *err) must_check_;

/**
 * vm_kernels_finish() - all arguments are there: whether they can be booted
 * @ks:		list; every kernel is complete afterwards
 * @err:	reason on failure
 *
 * Return: 0; -ENOENT (VM_FAULT_USAGE) if a part of a set of packages is missing; -EEXIST
 * (VM_FAULT_USAGE) if a release was named twice with different content, while the same
 * content becomes one kernel; -EINVAL (VM_FAULT_MISMATCH) if a package's image is of
 * another release than its paths, (VM_FAULT_UNSUPPORTED) if a configuration says that a
 * guest could not be heard; -errno otherwise.
 */
int vm_kernels_finish(struct vm_kernels *ks, struct vm_error *err) must_check_;

/**
 * vm_kernels_done() - free the list; what was unpacked stays in the work directory
 * @ks:	list, may be all zero
 */
void vm_kernels_done(struct vm_kernels *ks);

#define cleanup_vm_kernels cleanup_(vm_kernels_done)

#endif
