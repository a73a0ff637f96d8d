/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The model is a vhost device and all that surrounds it, in this process and behind the
 * same seam as the real one: the device, a second of its kind, the host's end of what it
 * moves, the facts and a clock. It is written from the virtio specification and from what
 * vhost does, and shares no ring or translation code with the guest's side, so that the
 * two prove each other.
 *
 * Nothing runs beside the caller. Whenever the model is entered (an ioctl, a read, a
 * write, a poll, an order to the peer) it looks at the kick eventfds and works until
 * nothing is left to do. A poll that finds nothing ready can therefore wait for nothing:
 * the clock jumps to its deadline and it returns at once. No fault costs real time.
 *
 * What kernels do differently, the model does as follows. Ring addresses are wiped when
 * bit 33 is switched (7.2.7 and later; vhost-abi 3.1), so that a caller must set them
 * after the features; a handler run that lacks a mapping posts one miss each (6.12;
 * 3.4); the worker is a task of the owner (6.4 and later); the array of features is
 * there (6.17). A target that is not there is refused with ENODEV, and one that is taken
 * with EEXIST (6.15).
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "seam/fault.h"

/**
 * enum model_policy - when bit 33 switches the device IOTLB on
 * @MODEL_STRICT:	at once, as in every kernel known
 * @MODEL_LENIENT:	with the first IOTLB message; until then it is ignored
 * @MODEL_GATED:	only if backend features were set before
 * @MODEL_NONE:		the bit is not offered
 *
 * Source: vhost-abi 5, the thread lkml 20220805181105.GA29848@willie-the-truck
 */
enum model_policy {
	MODEL_STRICT,
	MODEL_LENIENT,
	MODEL_GATED,
	MODEL_NONE
};

/**
 * struct model_options - what kind of model
 * @family:	any
 * @policy:	enum model_policy
 * @fault:	row whose rule the model breaks (FAULT_MODEL), borrowed; NULL, or a row
 *		of another act, for a model without fault
 * @asked:	RULE_NUM flags, borrowed, or NULL: set for each rule that anything which
 *		the model did so far would have depended on, had it been broken
 */
struct model_options {
	enum family family;
	enum model_policy policy;
	const struct fault *fault;
	bool *asked;
};

/** struct seam_model - a seam to the model; seam_model_tables() points into it */
struct seam_model;

/**
 * seam_model_new() - a closed device and all that belongs to it
 * @o:	options
 *
 * Return: owned by the caller, or NULL when memory is exhausted.
 */
struct seam_model *seam_model_new(const struct model_options *o) must_check_;

/** seam_model_tables() - the tables of a model, borrowed from it */
struct seam seam_model_tables(struct seam_model *m);

/** seam_model_free() - close and free all; NULL is fine */
void seam_model_free(struct seam_model *m);

#endif
