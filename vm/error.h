/* SPDX-License-Identifier: MIT */
/* Why a kernel could not be booted: what the command prints and how it exits. */
#ifndef VM_ERROR_H
#define VM_ERROR_H

#include "base/cleanup.h"

/**
 * enum vm_fault - what went wrong
 * @VM_FAULT_NONE:		nothing
 * @VM_FAULT_INTERNAL:		a system call, memory or a helper program (lab, 3)
 * @VM_FAULT_USAGE:		the command line contradicts itself (64)
 * @VM_FAULT_UNREADABLE:	a file is absent or may not be read (3)
 * @VM_FAULT_BAD_FILE:		a file is no kernel or package, or is damaged (3)
 * @VM_FAULT_TRUNCATED:		a file ends before its own header says so (3)
 * @VM_FAULT_FOREIGN:		a kernel for another architecture (3)
 * @VM_FAULT_UNSUPPORTED:	a kind of file that this version cannot read (3)
 * @VM_FAULT_NO_MODULES:	no modules, or none of vhost (3)
 * @VM_FAULT_MISMATCH:		modules of another kernel (3)
 * @VM_FAULT_NO_QEMU:		QEMU is not installed, or not usable as asked (3)
 * @VM_FAULT_GUEST_DIED:	the guest did not get as far as its work (3)
 * @VM_FAULT_STOPPED:		the stop descriptor became readable (128+n)
 */
enum vm_fault {
	VM_FAULT_NONE,
	VM_FAULT_INTERNAL,
	VM_FAULT_USAGE,
	VM_FAULT_UNREADABLE,
	VM_FAULT_BAD_FILE,
	VM_FAULT_TRUNCATED,
	VM_FAULT_FOREIGN,
	VM_FAULT_UNSUPPORTED,
	VM_FAULT_NO_MODULES,
	VM_FAULT_MISMATCH,
	VM_FAULT_NO_QEMU,
	VM_FAULT_GUEST_DIED,
	VM_FAULT_STOPPED,
	VM_FAULT_NUM,
};

/**
 * struct vm_error - one failure, ready to print
 * @fault:	kind
 * @file:	the file concerned, as the user named it where possible; "" if none
 * @text:	one line that names the file and what is wrong with it
 * @hint:	one line: what to do next; "" if there is nothing to do
 */
struct vm_error {
	enum vm_fault fault;
	char file[4096];
	char text[5120];
	char hint[512];
};

/**
 * vm_fail() - fill in an error
 * @err:	receives fault, file, text and hint; cut where they are too long
 * @fault:	kind
 * @code:	-errno to return
 * @file:	file concerned, or NULL
 * @hint:	what to do next, or NULL
 * @fmt:	what is wrong, without the file's name
 *
 * The text is "FILE: MESSAGE", or the message alone without a file. Control
 * characters in it become '?', so that it stays one line.
 * Return: @code, so that it ends in `return vm_fail(...)`.
 */
int vm_fail(struct vm_error *err, enum vm_fault fault, int code, const char *file,
	    const char *hint, const char *fmt, ...) printf_(6, 7);

/**
 * vm_fail_errno() - a system call failed
 * @err:	receives VM_FAULT_INTERNAL, or VM_FAULT_STOPPED for -EINTR
 * @code:	-errno of the call, returned
 * @file:	what it was about, or NULL
 * @doing:	"cannot " and the verb ("cannot write")
 *
 * -ENOSPC, -EDQUOT and -EROFS carry the hint to point TMPDIR elsewhere.
 */
int vm_fail_errno(struct vm_error *err, int code, const char *file, const char *doing);

/**
 * vm_fail_open() - a file of the user's could not be opened or read
 * @err:	receives VM_FAULT_UNREADABLE
 * @code:	-errno of the call, returned
 * @file:	the file
 */
int vm_fail_open(struct vm_error *err, int code, const char *file);

/**
 * vm_fault_name() - the code of a fault in JSON
 * @fault:	kind
 *
 * Return: a static string in lower case ("bad_file").
 */
const char *vm_fault_name(enum vm_fault fault);

#endif
