/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "model/model_private.h"

void model_run(struct seam_model *m)
{
	bool any = true;

	while (any) {
		any = device_work(&m->dev);
		any |= device_work(&m->twin);
		any |= peer_work(&m->peer);
	}
}

/* When bit 33 arms the IOTLB is a rule that a fault may break too. */
static enum model_policy policy_of(const struct model_options *o)
{
	if (o->asked)
		o->asked[RULE_POLICY_LENIENT] = o->asked[RULE_POLICY_GATED] = true;
	if (!o->fault || o->fault->act != FAULT_MODEL)
		return o->policy;
	if (o->fault->rule == RULE_POLICY_LENIENT)
		return MODEL_LENIENT;
	return o->fault->rule == RULE_POLICY_GATED ? MODEL_GATED : o->policy;
}

struct seam_model *seam_model_new(const struct model_options *o)
{
	static const struct family_ops *const families[FAMILY_NUM] = {
		[FAMILY_NET] = &family_net,
		[FAMILY_VSOCK] = &family_vsock,
		[FAMILY_SCSI] = &family_scsi,
		[FAMILY_VDPA] = &family_vdpa,
	};
	const struct family_ops *family = families[o->family];
	struct seam_model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->family = o->family;
	m->policy = policy_of(o);
	m->fault = o->fault;
	m->asked = o->asked;
	device_init(&m->dev, m, family);
	device_init(&m->twin, m, family);
	if (m->family == FAMILY_VDPA) {
		vdpa_init(&m->dev);
		vdpa_init(&m->twin);
	}
	peer_init(&m->peer, m);
	facts_init(&m->facts, m);
	clock_init(&m->clock);
	return m;
}

struct seam seam_model_tables(struct seam_model *m)
{
	return (struct seam){
		.dev = &m->dev.dev,
		.twin = &m->twin.dev,
		.peer = &m->peer.peer,
		.facts = &m->facts.facts,
		.clock = &m->clock.clock,
	};
}

void seam_model_free(struct seam_model *m)
{
	if (!m)
		return;
	m->dev.dev.ops->close(&m->dev.dev);
	m->twin.dev.ops->close(&m->twin.dev);
	m->peer.peer.ops->stop(&m->peer.peer);
	free(m);
}
