/* SPDX-License-Identifier: MIT */
/* What `vhostcheck list` finds, before it is printed. */
#ifndef CMD_LIST_H
#define CMD_LIST_H

#include "cmd/vdpa_about.h"
#include "report/page.h"
#include "report/report.h"
#include "seam/seam.h"

/** struct list_holder - a process that has a device open; @command is its comm */
struct list_holder {
	int64_t pid;
	const char *command;
};

/** enum list_module_state - as enum module_status, in words for JSON */
extern const char *const list_module_names[];

/** struct list_module - the module that provides a device; @state: enum module_status */
struct list_module {
	const char *name;
	int state;
};

/**
 * struct list_access - permissions of a node
 * @mode:	four octal digits
 * @uid, @gid:	owner
 * @readable, @writable: by this process, as far as access(2) knows
 */
struct list_access {
	const char *mode;
	int64_t uid, gid;
	bool readable, writable;
};

/**
 * struct list_device - one device
 * @state:	enum device_state; never DEVICE_BUSY, since nothing is opened
 * @reason:	why it is not DEVICE_OK and what to do, or NULL
 * @access:	NULL where there is no node
 * @vdpa:	what is told of a vDPA device without opening it, else NULL; @about: as a
 * line
 * @holders:	struct list_holder
 */
struct list_device {
	const char *name, *path;
	int kind, state;
	const char *reason;
	bool present;
	struct list_module module;
	struct list_access *access;
	struct vdpa_about *vdpa;
	const char *about;
	struct rec_list holders;
	int64_t major, minor; /* of the node, not printed */
};

/** struct list_vmm - a VMM found in PATH */
struct list_vmm {
	const char *name, *path;
};

/** struct list_kernel - an installed kernel; @judge is a command line */
struct list_kernel {
	const char *release, *path, *judge;
};

/**
 * struct list_leftover - what a killed run left behind: a directory, or in the kernel
 * @path:	of it; of what is in the kernel, in configfs or sysfs
 * @pid:	of the process that it was made for
 * @removed:	whether --remove took it away
 */
struct list_leftover {
	const char *path;
	int64_t pid;
	bool removed;
};

/**
 * struct list_host - the host of a report, and what else is there
 * @guest_to_host: transport by which this machine, itself a guest, reaches its host
 * @vmms:	struct list_vmm
 * @newer_kernel: the newest installed kernel, if it is newer than the running one
 * @all_holders: every process could be looked at
 * @leftovers:	struct list_leftover
 */
struct list_host {
	struct report_host base;
	const char *guest_to_host;
	struct rec_list vmms;
	struct list_kernel *newer_kernel;
	bool all_holders;
	struct rec_list leftovers;
};

/** struct list - "vhostcheck-list/1"; @devices: struct list_device */
struct list {
	struct list_host host;
	struct rec_list devices;
};

extern const struct rec_shape list_shape;

/**
 * list_print() - as text
 * @list:	what was found
 * @p:		page; below verbosity 0 devices only, above it modules too
 */
void list_print(const struct list *list, struct page *p);

/**
 * list_find_holders() - which processes have the devices open
 * @a:		arena of what is found
 * @devices:	struct list_device; their holders are filled in
 * @ret_all:	receives whether every process could be looked at
 *
 * Descriptors are compared by device number, from outside: nothing is opened.
 * Return: 0; -ENOMEM; -errno of /proc.
 */
int list_find_holders(struct arena *a, const struct rec_list *devices, bool *ret_all)
	must_check_;

/**
 * list_find_vmms() - executables in PATH that are VMMs
 * @a:		arena of what is found
 * @names:	const char *: base names, as policies have them
 * @ret:	receives struct list_vmm, in the order of @names, each once
 *
 * Return: 0; -ENOMEM.
 */
int list_find_vmms(struct arena *a, const struct rec_list *names, struct rec_list *ret)
	must_check_;

/**
 * list_find_newer_kernel() - the newest kernel in /boot and /lib/modules
 * @a:		arena of @ret
 * @root:	what stands before both; "" for this machine
 * @running:	release to compare with, by the numbers it begins with
 * @ret:	receives it, or NULL if none is newer than @running
 *
 * Return: 0; -ENOMEM.
 */
int list_find_newer_kernel(struct arena *a, const char *root, const char *running,
			   struct list_kernel **ret) must_check_;

/**
 * list_find_leftovers() - what killed runs left behind
 * @a:		arena of what is found
 * @ret:	receives struct list_leftover: vhostcheck-PID-* in ${TMPDIR:-/tmp}, and
 *		what was made in the kernel (seam/made.h), whose PID is no vhostcheck
 *
 * Return: 0; -ENOMEM.
 */
int list_find_leftovers(struct arena *a, struct rec_list *ret) must_check_;

#endif
