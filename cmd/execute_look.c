/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmd/execute_parts.h"
#include "run/look.h"
#include "run/verdict.h"

#define LOOK_TIMEOUT_MS 10000u

static void set_state(struct report_device *d, enum device_state state,
		      const char *reason)
{
	d->state = (int)state;
	d->reason = reason ? reason : "memory is exhausted";
	d->blocked_by = REASON_INTERNAL;
}

static void state_from_errno(struct arena *a, struct report_device *d, int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		set_state(
			d, DEVICE_DENIED,
			arena_printf(a,
				     "permission denied: run as root, or as a member of "
				     "the group of %s",
				     d->path));
		break;
	case EBUSY:
		set_state(d, DEVICE_BUSY, "in use by another process");
		break;
	case ENOENT:
		set_state(d, DEVICE_ABSENT, "the node is gone");
		break;
	case ENODEV:
	case ENXIO:
		set_state(d, DEVICE_NO_MODULE, "the node has no driver behind it");
		break;
	default:
		set_state(d, DEVICE_BLOCKED,
			  arena_printf(a, "cannot be opened: %s", strerror(err)));
		break;
	}
}

static int take_look(struct execution *x, struct report_device *d, const struct look *l)
{
	static const int policy[] = {
		[LOOK_UNKNOWN] = -1,
		[LOOK_NO_IOTLB] = IOTLB_NONE,
		[LOOK_STRICT] = IOTLB_STRICT,
		[LOOK_GATED] = IOTLB_GATED,
		[LOOK_LENIENT] = IOTLB_LENIENT,
	};
	const struct feature_set backend = { { l->backend } };
	enum family family = (enum family)d->kind;

	d->iotlb_policy = policy[l->policy];
	d->features_array = l->has_array;
	d->type = l->type;
	if (l->has_features) {
		d->features = mask_make(&x->arena, BITS_FEATURES, family, &l->features);
		d->features_accepted =
			mask_make(&x->arena, BITS_FEATURES, family, &l->accepted);
		if (!d->features || !d->features_accepted)
			return -ENOMEM;
	}
	if (!l->has_backend)
		return 0;
	d->backend_features = mask_make(&x->arena, BITS_BACKEND, family, &backend);
	return d->backend_features ? 0 : -ENOMEM;
}

int execute_look_at(struct execution *x, struct report_device *d, struct evidence *ret)
{
	const struct task task = {
		.device = d->name,
		.family = (enum family)d->kind,
		.path = d->path,
		.act = look_act,
		.timeout_ms = LOOK_TIMEOUT_MS,
	};
	struct outcome o;
	struct look look;
	struct verdict v;
	int r = runner_task(x->runner, &x->arena, &task, &o);

	if (r < 0)
		return cmd_fail(x->ctx, CMD_EXIT_LAB, "internal",
				"are processes or memory limited?",
				"cannot start a child: %s", strerror(-r));
	if (execute_left(x, &o) < 0)
		return cmd_fail_memory(x->ctx);
	look_read(&o.evidence, &look);
	if ((o.end != TASK_FINISHED || !ev_find(&o.evidence, EV_IOCTL, "open")) &&
	    verdict_of_end(&x->arena, d->path, task.timeout_ms, &o, &v)) {
		set_state(d, DEVICE_BLOCKED, v.text);
		d->blocked_by = v.code;
	} else if (!look.opened) {
		state_from_errno(&x->arena, d, look.err);
	} else if (!look.has_features) {
		set_state(d, DEVICE_BLOCKED, "VHOST_GET_FEATURES gave no answer");
	}
	if (ret)
		*ret = o.evidence;
	return take_look(x, d, &look) < 0 ? cmd_fail_memory(x->ctx) : 0;
}

int execute_look(struct execution *x)
{
	int status = 0;

	for (size_t i = 0; i < x->report.devices.count && !status; i++) {
		struct report_device *d = x->report.devices.item[i];

		if (d->state == DEVICE_OK && !runner_signal(x->runner))
			status = execute_look_at(x, d, NULL);
		if (!status)
			status = execute_tell(
				x, &(struct journal_line){ .type = JOURNAL_DEVICE,
							   .device = d });
	}
	return status;
}
