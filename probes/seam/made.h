/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A target of vhost-scsi and a vDPA device outlive the process that made them. Their
 * names carry the PID of the process that they were made for, the child that runs one
 * check: so whoever comes later finds them, and takes them down, from the names alone.
 * That is the peer itself at its end, the runner when the child was killed, and
 * `list --leftovers --remove` when the runner was.
 *
 *	target/vhost/naa.3766863PPPPPPPPP	NAA 3, locally assigned; "vhc"; the PID
 *	target/core/rd_mcp_2PPPPPPPPP/vhostcheck-PID-LUN
 *	target/core/rd_mcp_2PPPPPPPPP/vhostcheck-PID-fabric
 *	vhostcheck-PID-0			a VDUSE device, and the same on the bus vdpa
 *
 * The directory target/vhost, which all targets share, can be an administrator's own. A
 * store without a disk, "fabric", says that a run made it: the last target takes it along.
 */
#ifndef SEAM_MADE_H
#define SEAM_MADE_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/deadline.h"

/** MADE_CONFIGFS - where configfs is mounted */
#define MADE_CONFIGFS "/sys/kernel/config"

/** MADE_PATH - bytes that hold the path of anything below it */
#define MADE_PATH 512

/** made_wwpn() - the name of the target that is made for @pid: 20 bytes and a NUL */
void made_wwpn(pid_t pid, char *ret, size_t room);

/** made_hba() - the name of its host bus adapter: at most 17 bytes and a NUL */
void made_hba(pid_t pid, char *ret, size_t room);

/** made_name() - "vhostcheck-PID-N": N is a LUN of the target, 0 of the vDPA device */
void made_name(pid_t pid, unsigned int n, char *ret, size_t room);

/** made_mark() - "vhostcheck-PID-fabric": the store that marks target/vhost as made */
void made_mark(pid_t pid, char *ret, size_t room);

/**
 * made_fabric() - whether target/vhost was made by a run
 * @root:	what stands before /sys; "" for this machine
 *
 * To be asked before a target is made in it: a run that ends takes its mark away once it
 * has tried to take the directory. Who makes a target in a marked one marks it, too.
 */
bool made_fabric(const char *root);

/**
 * made_lun_remove() - take one LUN and its store away
 * @root:	what stands before /sys; "" for this machine
 * @pid:	it was made for this process
 * @lun:	number
 *
 * Return: 0, also of what is not there; the first -errno of unlink(2) or rmdir(2).
 */
int made_lun_remove(const char *root, pid_t pid, unsigned int lun);

/**
 * made_remove() - take down, in reverse, all that was made for a process
 * @root:	what stands before /sys; "" for this machine
 * @pid:	process
 * @until:	what is in use is tried again until then: a device that is about to be
 *		closed holds its target
 *
 * Takes down as much as can be, and harms no other that does the same at the same time.
 * A directory target/vhost that is empty then and has the mark of @pid goes as well: it
 * would hold the module.
 * Sleeps in the kernel while the node of a vDPA device is open (vdpa_netlink_delete()).
 * Return: 0, also if there is nothing; the first -errno of unlink(2), rmdir(2),
 * vdpa_netlink_delete() or VDUSE_DESTROY_DEV.
 */
int made_remove(const char *root, pid_t pid, struct deadline until);

/** made_any() - whether something is there that was made for a process */
bool made_any(const char *root, pid_t pid);

/**
 * typedef made_fn - is told of one thing
 * @ctx:	as given to made_find()
 * @pid:	it was made for this process
 * @path:	of it, with the root
 *
 * Return: 0; anything else ends the search.
 */
typedef int made_fn(void *ctx, pid_t pid, const char *path);

/**
 * made_find() - find all that was made for any process, dead or alive
 * @root:	what stands before /sys; "" for this machine
 * @fn:		is told of each
 * @ctx:	for it
 *
 * Return: 0, or what @fn returned.
 */
int made_find(const char *root, made_fn *fn, void *ctx) must_check_;

#endif
