/* SPDX-License-Identifier: MIT */
/* What a check is, and the words of its result. */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include "base/bits.h"
#include "core/evidence.h"

struct session; /* guest/session.h: what a collector acts through */
struct judge;   /* core/judge.h: what a judge decides with */

/**
 * enum status - result of a check. The zero value is @STATUS_ERROR, so that a verdict
 * that nobody set cannot read as a pass.
 * @STATUS_ERROR:	the tool could not ask; its own fault
 * @STATUS_PASS:	the contract held
 * @STATUS_FAIL:	the contract was broken
 * @STATUS_SKIP:	does not apply: the feature or device is not offered
 * @STATUS_BLOCKED:	could not be asked here: not permitted, or unsafe
 * @STATUS_TIMEOUT:	a call or a wait outlasted the deadline
 * @STATUS_CRASH:	the child or the kernel died in it
 * @STATUS_XFAIL:	failed as an expectations file says
 * @STATUS_XPASS:	passed although an expectations file says it fails
 */
enum status {
	STATUS_ERROR,
	STATUS_PASS,
	STATUS_FAIL,
	STATUS_SKIP,
	STATUS_BLOCKED,
	STATUS_TIMEOUT,
	STATUS_CRASH,
	STATUS_XFAIL,
	STATUS_XPASS,
	STATUS_NUM
};

/** enum severity - harm when the contract is broken */
enum severity {
	SEVERITY_LOW,
	SEVERITY_MEDIUM,
	SEVERITY_HIGH,
	SEVERITY_CRITICAL
};

/**
 * enum risk - where a check may run
 * @RISK_SAFE:		does what an ordinary VMM start does
 * @RISK_INTRUSIVE:	odd orders, hostile input: needs --intrusive on a host
 * @RISK_GUARDED:	can harm an unfixed kernel: never on a host unless the fix is
 * proved
 */
enum risk {
	RISK_SAFE,
	RISK_INTRUSIVE,
	RISK_GUARDED
};

/**
 * enum reason_code - why a check or a stack has no plain verdict
 *
 * @REASON_CONTRACT goes with fail; the others with skip, blocked, error, timeout, crash.
 */
enum reason_code {
	REASON_CONTRACT,
	REASON_NOT_OFFERED,
	REASON_NO_DEVICE,
	REASON_NO_MODULE,
	REASON_DENIED,
	REASON_BUSY,
	REASON_PEER_MISSING,
	REASON_UNSAFE_KERNEL,
	REASON_WOULD_RESET,
	REASON_NOT_SELECTED,
	REASON_WEDGED,
	REASON_GUEST_DIED,
	REASON_DEADLINE,
	REASON_CRASHED,
	REASON_INTERNAL,
	REASON_NUM
};

extern const char *const status_names[],
	*const severity_names[], *const risk_names[], *const reason_names[];

/**
 * struct verdict - status of a check with its reason
 * @status:	enum status
 * @code:	enum reason_code; of no meaning with STATUS_PASS
 * @text:	one sentence for a person, with what to do; NULL with STATUS_PASS
 */
struct verdict {
	int status;
	int code;
	const char *text;
};

/**
 * struct check - one row of the catalogue
 * @area:	second part of the id: node features lifecycle transfer iotlb ...
 * @name:	third part of the id; the id is FAMILY.@area.@name
 * @families:	set of FAMILY_BIT(): one id for each member
 * @title:	the contract in one line
 * @contract:	the contract in prose: what a user of the device may rely on
 * @harm:	what a VMM or a guest suffers if it is broken
 * @judged:	how the evidence decides
 * @severity:	enum severity
 * @risk:	enum risk
 * @since:	version of vhostcheck that brought it
 * @need:	feature bits below 64 that the device must offer, else skip
 * @need_high:	bits 64 to 127 that it must offer, else skip: bit 64 is bit 0 of it
 * @need_array:	VHOST_GET_FEATURES_ARRAY must exist, else skip
 * @need_peer:	needs the other end (for vsock: AF_VSOCK sockets)
 * @need_type:	vdpa: virtio device id that it must have, else skip; 0 for any
 * @refs:	NULL-ended: UAPI names, specification clauses, kernel functions, commits
 * @faults:	NULL-ended names of the faults that must make it fail
 * @collect:	runs in the child: acts and records, has no opinion. 0, or -errno if the
 *		harness itself failed; what a device refuses is evidence, not an error
 * @judge:	runs in the parent: decides from evidence alone, no I/O
 */
struct check {
	const char *area, *name;
	unsigned int families;
	const char *title, *contract, *harm, *judged;
	int severity, risk;
	const char *since;
	uint64_t need, need_high;
	bool need_array, need_peer;
	uint32_t need_type;
	const char *const *refs, *const *faults;
	int (*collect)(struct session *s);
	void (*judge)(struct judge *j);
};

/**
 * check_id() - the published id of a check for one family
 * @a:		arena of the result
 * @check:	row
 * @family:	one of @check->families
 *
 * Return: "family.area.name", or NULL when memory is exhausted.
 */
const char *check_id(struct arena *a, const struct check *check, enum family family)
	must_check_;

#endif
