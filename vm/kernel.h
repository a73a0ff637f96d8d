/* SPDX-License-Identifier: MIT */
/* From a KERNEL argument to a kernel image and its modules on this disk. */
#ifndef VM_KERNEL_H
#define VM_KERNEL_H

#include "vm/workdir.h"

/**
 * struct vm_kernel - a kernel that can be booted
 * @release:	"6.1.0-56-amd64", as the image's header names it
 * @banner:	the header's whole version string
 * @image:	path of the bzImage
 * @modules:	directory that holds kernel/; NULL if none is known, which is right for
 *		a kernel with vhost built in
 * @config:	path of the build configuration, or NULL
 * @package:	name and version of the Debian package ("linux-image-... 6.1.192-2"),
 *		or NULL
 *
 * All strings are owned; end with vm_kernel_done().
 */
struct vm_kernel {
	char *release, *banner, *image, *modules, *config, *package;
};

/**
 * vm_kernel_open() - find out what a KERNEL argument is, and unpack it if need be
 * @k:		receives the kernel; end with vm_kernel_done(), also after a failure
 * @w:		work directory; a package is unpacked there
 * @arg:	path of a bzImage or of a .deb, or the word "running"
 * @modules:	argument of --modules or NULL: the directory that holds kernel/ or its
 *		parent; only with a bzImage. Without it the modules are looked for where
 *		a distribution or an unpacked package has them beside the image.
 * @err:	reason on failure
 *
 * Return: 0; otherwise -errno with @err filled in: -ENOENT, -EACCES, ... of the files,
 * -EINVAL for what is no usable kernel, -EILSEQ for a damaged package.
 */
int vm_kernel_open(struct vm_kernel *k, const struct vm_workdir *w, const char *arg,
		   const char *modules, struct vm_error *err) must_check_;

/**
 * vm_kernel_done() - free the strings
 * @k:	kernel, may be half filled in
 */
void vm_kernel_done(struct vm_kernel *k);

#define cleanup_vm_kernel cleanup_(vm_kernel_done)

#endif
