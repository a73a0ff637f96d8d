/* SPDX-License-Identifier: MIT */
/* What stands before the payload of an RPM package. */
#ifndef VM_RPM_H
#define VM_RPM_H

#include <sys/types.h>

#include "vm/workdir.h"

/**
 * struct vm_rpm - an RPM whose headers were read
 * @name:	"kernel-core-6.12.7-200.fc41": name, version, release
 * @version:	in it, behind the name: "6.12.7-200.fc41"
 * @arch:	"x86_64", "noarch", ...
 * @source:	a source package
 * @payload:	offset of the compressed cpio archive, which goes to the file's end
 *
 * @name and @arch are owned, @version is borrowed of @name; end with vm_rpm_done().
 */
struct vm_rpm {
	char *name, *arch;
	const char *version;
	bool source;
	off_t payload;
};

/**
 * vm_rpm_open() - read the headers and check the package against them
 * @p:		receives the result; end with vm_rpm_done(), also after a failure
 * @w:		work directory, for the stop descriptor
 * @fd:		of the package; only read with pread()
 * @file:	its path, for messages
 * @err:	reason on failure
 *
 * Checked are the size, and the SHA-256 of main header and of payload, as far as the
 * package tells them (rpm tells all three since 4.14) and libarchive was built with
 * SHA-256. So every changed byte is found but for those of the lead and of the signature
 * header that are none of the three values. Who made the package is not checked: that is
 * what `rpm -K` and its keys are for.
 * Return: 0; -EILSEQ (VM_FAULT_TRUNCATED, VM_FAULT_BAD_FILE) for a damaged package;
 * -EINTR when stopped; -errno otherwise.
 * Source: rpm's docs/manual/format_{lead,header,v4}.md, include/rpm/rpmtag.h.
 */
int vm_rpm_open(struct vm_rpm *p, const struct vm_workdir *w, int fd, const char *file,
		struct vm_error *err) must_check_;

/**
 * vm_rpm_done() - free the strings
 * @p:	package, may be half filled in
 */
void vm_rpm_done(struct vm_rpm *p);

#define cleanup_vm_rpm cleanup_(vm_rpm_done)

#endif
