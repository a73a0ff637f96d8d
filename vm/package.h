/* SPDX-License-Identifier: MIT */
/* Debian kernel packages of the kind that holds image, modules and config in one. */
#ifndef VM_PACKAGE_H
#define VM_PACKAGE_H

#include "vm/workdir.h"

/**
 * struct vm_package - a package, unpacked as far as a boot needs it
 * @name:	control field Package
 * @version:	control field Version
 * @arch:	control field Architecture
 * @release:	release that the paths inside name; NULL if none was found
 * @image:	path of the unpacked kernel image, or NULL
 * @config:	path of the unpacked build configuration, or NULL
 * @modules:	directory that holds kernel/ and modules.*, or NULL; modules are as
 *		the package has them (.ko, .ko.xz, .ko.zst, .ko.gz)
 *
 * All strings are owned; end with vm_package_done().
 */
struct vm_package {
	char *name, *version, *arch;
	char *release, *image, *config, *modules;
};

/**
 * vm_package_unpack() - read a package once, from front to back
 * @p:		receives the result; end with vm_package_done(), also after a failure
 * @w:		work directory; files go to package/ in it
 * @file:	path of the .deb
 * @err:	reason on failure
 *
 * Takes boot/vmlinuz-*, boot/config-* and, below [usr/]lib/modules/RELEASE, vmlinuz,
 * modules.builtin*, modules.order and the modules in kernel/. Symbolic links and all
 * else are left out. What is missing is for the caller to judge.
 * Return: 0; -EILSEQ (VM_FAULT_BAD_FILE, VM_FAULT_TRUNCATED) for a damaged package;
 * -EINVAL (VM_FAULT_FOREIGN) for another architecture, (VM_FAULT_BAD_FILE) for two
 * releases in one package or no control data; -EINTR when stopped; -errno otherwise.
 * Source: deb(5), deb-control(5).
 */
int vm_package_unpack(struct vm_package *p, const struct vm_workdir *w, const char *file,
		      struct vm_error *err) must_check_;

/**
 * vm_package_done() - free the strings; the unpacked files stay in the work directory
 * @p:	package, may be half filled in
 */
void vm_package_done(struct vm_package *p);

#define cleanup_vm_package cleanup_(vm_package_done)

#endif
