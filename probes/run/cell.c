/* SPDX-License-Identifier: MIT */
#include "run/cell.h"
#include "core/recorder.h"
#include "guest/session.h"

/** struct keeper - a recorder that keeps what it is given */
struct keeper {
	struct recorder rec;
	struct arena *arena;
	struct evidence *evidence;
};

/* Through the codec, as on its way from a child: a copy, and nothing that it lacks. */
static int keep(struct recorder *rec, const struct ev *ev)
{
	struct keeper *k = (struct keeper *)rec;
	struct json_object *json = rec_to_json(&ev_shape, ev);
	struct ev *copy = rec_list_new(k->arena, &k->evidence->ev, sizeof(*copy));
	struct rec_error err;
	int r = -ENOMEM;

	if (json && copy)
		r = rec_from_json(k->arena, &ev_shape, json, copy, &err);
	json_object_put(json);
	return r;
}

const char *cell_path(enum family family)
{
	const char *path = family_path(family);

	return path ? path : PEER_NODE;
}

static int collect(const struct cell *c, const struct seam *seam, struct keeper *k,
		   struct outcome *o)
{
	const enum family family = c->model.family;
	struct session s;
	int failed = 0;

	session_init(&s,
		     &(struct session_init){
			     .seam = seam,
			     .rec = &k->rec,
			     .until = deadline_from(seam->clock->ops->now_ns(seam->clock),
						    CELL_TIMEOUT_MS),
			     .family = family,
			     .path = cell_path(family),
		     });
	o->gave_up = -c->act(&s, c->arg);
	failed = s.failed;
	session_done(&s);
	return failed;
}

void cell_run(struct arena *a, const struct cell *c, struct outcome *ret)
{
	const struct fault *fault = c->model.fault;
	struct seam_model *model = seam_model_new(&c->model);
	struct seam seam = model ? seam_model_tables(model) : (struct seam){ 0 };
	struct fault_seam *faulty = fault && model ? fault_seam_new(fault, &seam) : NULL;
	struct keeper k = { { .emit = keep }, a, &ret->evidence };

	*ret = (struct outcome){ .end = TASK_HARNESS };
	if (faulty)
		seam = fault_seam_tables(faulty);
	if (model && (faulty || !fault) && collect(c, &seam, &k, ret) == 0)
		ret->end = TASK_FINISHED;
	fault_seam_free(faulty);
	seam_model_free(model);
}
