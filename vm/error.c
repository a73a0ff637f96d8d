/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <string.h>

#include "vm/error.h"

static const char *const fault_names[] = {
	[VM_FAULT_NONE] = "none",
	[VM_FAULT_INTERNAL] = "internal",
	[VM_FAULT_USAGE] = "usage",
	[VM_FAULT_UNREADABLE] = "unreadable",
	[VM_FAULT_BAD_FILE] = "bad_file",
	[VM_FAULT_TRUNCATED] = "truncated",
	[VM_FAULT_FOREIGN] = "foreign_architecture",
	[VM_FAULT_UNSUPPORTED] = "unsupported",
	[VM_FAULT_NO_MODULES] = "no_modules",
	[VM_FAULT_MISMATCH] = "modules_mismatch",
	[VM_FAULT_NO_QEMU] = "no_qemu",
	[VM_FAULT_GUEST_DIED] = "guest_died",
	[VM_FAULT_STOPPED] = "stopped",
};
_Static_assert(ARRAY_SIZE(fault_names) == VM_FAULT_NUM, "a fault without a name");

static void one_line(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
	}
}

int vm_fail(struct vm_error *err, enum vm_fault fault, int code, const char *file,
	    const char *hint, const char *fmt, ...)
{
	size_t used = 0;
	va_list args;

	err->fault = fault;
	(void)snprintf(err->file, sizeof(err->file), "%s", file ? file : "");
	(void)snprintf(err->hint, sizeof(err->hint), "%s", hint ? hint : "");
	if (file) {
		(void)snprintf(err->text, sizeof(err->text), "%s: ", err->file);
		used = strlen(err->text);
	}
	va_start(args, fmt);
	(void)vsnprintf(err->text + used, sizeof(err->text) - used, fmt, args);
	va_end(args);
	one_line(err->text);
	one_line(err->hint);
	return code;
}

int vm_fail_errno(struct vm_error *err, int code, const char *file, const char *doing)
{
	const char *hint = NULL;

	if (code == -EINTR)
		return vm_fail(err, VM_FAULT_STOPPED, code, file, NULL, "stopped");
	if (code == -ENOSPC || code == -EDQUOT || code == -EROFS)
		hint = "set TMPDIR to a directory that can be written and has room";
	return vm_fail(err, VM_FAULT_INTERNAL, code, file, hint, "%s: %s", doing,
		       strerror(-code));
}

int vm_fail_open(struct vm_error *err, int code, const char *file)
{
	const char *hint = NULL;

	if (code == -EACCES || code == -EPERM)
		hint = "run as root, or make a copy that you may read";
	return vm_fail(err, VM_FAULT_UNREADABLE, code, file, hint, "cannot be read: %s",
		       strerror(-code));
}

const char *vm_fault_name(enum vm_fault fault)
{
	return fault_names[fault];
}
