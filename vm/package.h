/* SPDX-License-Identifier: MIT */
/* Kernel packages, Debian's and RPM's: whole kernels, or a part of one each. */
#ifndef VM_PACKAGE_H
#define VM_PACKAGE_H

#include "vm/bzimage.h"
#include "vm/workdir.h"

/**
 * struct vm_package - a package, unpacked as far as a boot needs it
 * @name:	"linux-image-6.1.0-56-amd64 6.1.192-2" (control fields Package and
 *		Version), "kernel-core-6.12.7-200.fc41" (name, version and release)
 * @release:	release that the paths inside name; of a package without any kernel file
 *		the one that its name tells, or NULL
 * @dir:	directory of what was unpacked: vmlinuz, config, and in modules/ the lists
 *		modules.* and kernel/ with the modules as the package has them (.ko,
 *		.ko.xz, .ko.zst, .ko.gz). Each may be missing, @dir itself, too.
 *
 * All strings are owned; end with vm_package_done().
 */
struct vm_package {
	char *name, *release, *dir;
};

/**
 * vm_package_unpack() - read a package once, from front to back
 * @p:		receives the result; end with vm_package_done(), also after a failure
 * @w:		work directory
 * @dir:	directory in it to be made for this package, a name
 * @file:	path of the package
 * @kind:	BZIMAGE_DEB or BZIMAGE_RPM
 * @err:	reason on failure
 *
 * Takes boot/vmlinuz-*, boot/config-* and, below [usr/]lib/modules/RELEASE, vmlinuz,
 * config, modules.builtin*, modules.order and the modules in kernel/. Symbolic links and
 * all else are left out. What is missing is for the caller to judge.
 * Return: 0; -EILSEQ (VM_FAULT_BAD_FILE, VM_FAULT_TRUNCATED) for a damaged package;
 * -EINVAL (VM_FAULT_FOREIGN) for another architecture, (VM_FAULT_BAD_FILE) for two
 * releases in one package, no control data, a source package or paths that cannot all
 * be made; -EFBIG (VM_FAULT_BAD_FILE) above 8 GiB unpacked; -EINTR when stopped; -errno
 * otherwise.
 * Source: deb(5), deb-control(5); vm/rpm.h.
 */
int vm_package_unpack(struct vm_package *p, const struct vm_workdir *w, const char *dir,
		      const char *file, enum bzimage_kind kind, struct vm_error *err)
	must_check_;

/**
 * vm_package_done() - free the strings; the unpacked files stay in the work directory
 * @p:	package, may be half filled in
 */
void vm_package_done(struct vm_package *p);

#define cleanup_vm_package cleanup_(vm_package_done)

#endif
