/* SPDX-License-Identifier: MIT */
/* Which modules a guest gets, in which order, laid out as on a host. */
#ifndef VM_MODULES_H
#define VM_MODULES_H

#include "vm/kernel.h"

/**
 * struct vm_modules - the modules staged for a guest
 * @staging:	directory that becomes the guest's root: usr/lib/modules/RELEASE with
 *		depmod's indexes, etc/modprobe.d/vhostcheck.conf with the host's
 *		options, vhostcheck.modules with @order; owned
 * @order:	names in the order of loading, each after those it depends on
 * @missing:	names that the kernel has neither as module nor built in
 *
 * End with vm_modules_done(); the files stay in the work directory.
 */
struct vm_modules {
	char *staging;
	struct vm_names order, missing;
};

/**
 * vm_modules_stage() - choose, unpack and index a kernel's vhost modules
 * @m:		receives the result; end with vm_modules_done(), also after a failure
 * @w:		work directory; the tree goes to root/ in it
 * @k:		kernel; without k->modules the tree is made with no module in it
 * @root:	those that a directory of the host is mounted with in the guest, too
 * @err:	reason on failure
 *
 * Compressed modules are decompressed: the guest's kernel need not know how.
 * Dependencies come from each module's own "depends" field, so a package without
 * modules.dep will do. That a module is missing is no error, but for vhost itself and
 * for those of @root, and for what another one depends on: it could not be loaded.
 * Return: 0; -ENOENT without vhost or with such a module missing (VM_FAULT_NO_MODULES;
 * of packages VM_FAULT_USAGE if another one must hold it); -EOPNOTSUPP
 * (VM_FAULT_UNSUPPORTED) without one of @root; -EINVAL (VM_FAULT_MISMATCH)
 * if a module was built for another release; -EILSEQ for a damaged module; -EINTR when
 * stopped; -errno otherwise, among them -ENOENT (VM_FAULT_INTERNAL) without depmod.
 * Source: add_depends() in scripts/mod/modpost.c leaves out what is built in.
 */
int vm_modules_stage(struct vm_modules *m, const struct vm_workdir *w,
		     const struct vm_kernel *k, bool root, struct vm_error *err)
	must_check_;

/**
 * vm_modules_done() - free names and path
 * @m:	modules, may be half filled in
 */
void vm_modules_done(struct vm_modules *m);

#define cleanup_vm_modules cleanup_(vm_modules_done)

/**
 * module_name() - the name of a module from its file name
 * @file:	file name or path ("drivers/net/tun.ko.xz")
 * @ret:	receives the name: no directory, no suffix, '-' as '_'
 * @size:	bytes of @ret
 *
 * Return: 0; -EINVAL if the name is no module's (.ko, .ko.gz, .ko.xz, .ko.zst);
 * -ENAMETOOLONG.
 */
int module_name(const char *file, char *ret, size_t size) must_check_;

#endif
