/* SPDX-License-Identifier: MIT */
/*
 * The parts of a report that are known before any device is opened: tool, host, and
 * what can be said of a device from outside. What no judge needs is not collected: no
 * host name, machine id, address or user name.
 */
#ifndef CMD_FACTS_REPORT_H
#define CMD_FACTS_REPORT_H

#include "report/report.h"
#include "seam/seam.h"

/**
 * facts_fill_tool() - what this executable is
 * @a:		arena of what @ret points to
 * @ret:	filled in
 *
 * Return: 0; -ENOMEM.
 */
int facts_fill_tool(struct arena *a, struct report_tool *ret) must_check_;

/**
 * facts_fill_host() - what this machine is
 * @a:		arena of what @ret points to
 * @facts:	of the kernel
 * @ret:	filled in; what cannot be read is NULL or empty
 *
 * Return: 0; -ENOMEM; -errno of uname(2).
 */
int facts_fill_host(struct arena *a, struct facts *facts, struct report_host *ret)
	must_check_;

/**
 * facts_fill_device() - what is known of a device that nobody has opened
 * @a:		arena of what @ret points to
 * @facts:	of the kernel
 * @name:	"vsock", "vdpa3": as reports name it
 * @family:	its kind
 * @node:	its node, as facts describe it
 * @ret:	filled in; the features are NULL and the IOTLB policy is unknown
 *
 * @ret->state is DEVICE_OK if a child may open it, else it says why not: no module,
 * no node or no right; DEVICE_BLOCKED for a vhost-vsock whose close would reset this
 * machine's own connections (kernels 5.5 to 5.16 as guests: 8e6ed963763f).
 * Return: 0; -ENOMEM; -errno of @facts.
 */
int facts_fill_device(struct arena *a, struct facts *facts, const char *name,
		      enum family family, const struct node_info *node,
		      struct report_device *ret) must_check_;

/**
 * facts_fill_made() - the vDPA device that is made for a run, before it is
 * @a:		arena of what @ret points to
 * @facts:	of the kernel
 * @may:	it may be made
 * @ret:	filled in; its path is PEER_NODE
 *
 * @ret->state is DEVICE_OK if both modules run that it takes. Return: as
 * facts_fill_device().
 */
int facts_fill_made(struct arena *a, struct facts *facts, bool may,
		    struct report_device *ret) must_check_;

/**
 * facts_list_devices() - all devices of this machine, in the order of reports
 * @a:		arena of what @ret points to
 * @facts:	of the kernel
 * @ret:	receives struct report_device: net, vsock and scsi, there or not, and each
 *		vDPA node that is there
 *
 * Return: 0; -ENOMEM; -errno of @facts.
 */
int facts_list_devices(struct arena *a, struct facts *facts, struct rec_list *ret)
	must_check_;

#endif
