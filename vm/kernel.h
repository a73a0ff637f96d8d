/* SPDX-License-Identifier: MIT */
/* From a KERNEL argument to a kernel image and its modules on this disk. */
#ifndef VM_KERNEL_H
#define VM_KERNEL_H

#include "vm/bzimage.h"
#include "vm/workdir.h"

/**
 * struct vm_kernel - a kernel that can be booted
 * @arg:	the KERNEL argument, for messages; of a set of packages the first
 * @release:	"6.1.0-56-amd64", as the image's header names it
 * @banner:	the header's whole version string
 * @image:	path of the bzImage
 * @modules:	directory that holds kernel/; NULL if none is known, which is right for
 *		a kernel with vhost built in
 * @config:	path of the build configuration, or NULL
 * @package:	names and versions of the packages ("linux-image-... 6.1.192-2"),
 *		or NULL
 *
 * All strings are owned; end with vm_kernel_done().
 */
struct vm_kernel {
	char *arg, *release, *banner, *image, *modules, *config, *package;
};

/**
 * vm_kernel_probe() - tell what a file is
 * @path:	file
 * @ret:	receives what bzimage_probe() says
 * @err:	reason on failure
 *
 * Return: 0; -errno of open(), -EINVAL for what is no regular file.
 */
int vm_kernel_probe(const char *path, struct bzimage *ret, struct vm_error *err)
	must_check_;

/**
 * vm_kernel_open() - find out what a KERNEL argument is that is no package
 * @k:		receives the kernel; end with vm_kernel_done(), also after a failure
 * @arg:	path of a bzImage; of a directory, in which one kernel is installed (as
 *		boot/vmlinuz-RELEASE or [usr/]lib/modules/RELEASE/vmlinuz, or as vmlinuz
 *		beside kernel/ in a directory named RELEASE); or the word "running"
 * @modules:	argument of --modules or NULL: the directory that holds kernel/ or its
 *		parent; only with a bzImage. Without it the modules are looked for where
 *		a distribution or an unpacked package has them beside the image.
 * @err:	reason on failure
 *
 * Return: 0; otherwise -errno with @err filled in: -ENOENT, -EACCES, ... of the files,
 * -EINVAL for what is no usable kernel.
 */
int vm_kernel_open(struct vm_kernel *k, const char *arg, const char *modules,
		   struct vm_error *err) must_check_;

/**
 * vm_kernel_take_image() - fill in image, release and banner
 * @k:		kernel
 * @path:	of the image
 * @name:	of what holds it, for messages
 * @err:	reason on failure
 *
 * Return: 0; -EINVAL if it is no whole bzImage that tells its release; -errno.
 */
int vm_kernel_take_image(struct vm_kernel *k, const char *path, const char *name,
			 struct vm_error *err) must_check_;

/**
 * vm_kernel_check_config() - whether a guest with this kernel can be heard
 * @k:		kernel; without @k->config nothing is known and nothing refused
 * @err:	reason on failure
 *
 * Return: 0; -EINVAL (VM_FAULT_UNSUPPORTED) if the configuration leaves out the serial
 * ports, the console on them, the initramfs or devtmpfs; -errno of reading it.
 * Source: drivers/tty/serial/8250/Kconfig, init/Kconfig, drivers/base/Kconfig.
 */
int vm_kernel_check_config(const struct vm_kernel *k, struct vm_error *err) must_check_;

/**
 * vm_kernel_option() - how a kernel was built
 * @k:		kernel
 * @option:	"CONFIG_VHOST"
 *
 * Return: the first character of its value ('y', 'm', a digit, ...); 0 if it is not set,
 * or if @k->config is not known or cannot be read.
 */
char vm_kernel_option(const struct vm_kernel *k, const char *option) must_check_;

/**
 * vm_kernel_done() - free the strings
 * @k:	kernel, may be half filled in
 */
void vm_kernel_done(struct vm_kernel *k);

#define cleanup_vm_kernel cleanup_(vm_kernel_done)

#endif
