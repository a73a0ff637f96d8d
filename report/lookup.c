/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/types.h>

#include "report/lookup.h"

const struct report_device *report_device_of(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->devices.count; i++) {
		const struct report_device *d = r->devices.item[i];

		if (!strcmp(d->name, name))
			return d;
	}
	return NULL;
}

const struct report_module *report_module_of(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->host.modules.count; i++) {
		const struct report_module *m = r->host.modules.item[i];

		if (!strcmp(m->name, name))
			return m;
	}
	return NULL;
}

/* ----------------------------------------------------------------------- index */

static int by_identity(const void *a, const void *b)
{
	const struct report_key *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = strcmp(x->device, y->device);
	return order ? order : x->guest - y->guest;
}

static int by_identity_and_place(const void *a, const void *b)
{
	const struct report_key *x = a, *y = b;
	int order = by_identity(a, b);

	return order ? order : x->place < y->place ? -1 : 1;
}

static int sort(struct report_key *key, size_t count, struct report_index *ret)
{
	qsort(key, count, sizeof(*key), by_identity_and_place);
	*ret = (struct report_index){ key, count };
	return 0;
}

int report_index_checks(struct arena *a, const struct rec_list *checks,
			struct report_index *ret)
{
	struct report_key *key = arena_alloc(a, (checks->count + 1) * sizeof(*key));

	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < checks->count; i++) {
		const struct report_check *c = checks->item[i];

		key[i] = (struct report_key){ c->id, c->device, 0, i };
	}
	return sort(key, checks->count, ret);
}

int report_index_stacks(struct arena *a, const struct rec_list *stacks,
			struct report_index *ret)
{
	struct report_key *key = arena_alloc(a, (stacks->count + 1) * sizeof(*key));

	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < stacks->count; i++) {
		const struct report_stack *s = stacks->item[i];

		key[i] = (struct report_key){ s->stack, s->device, s->guest, i };
	}
	return sort(key, stacks->count, ret);
}

ssize_t report_place(const struct report_index *x, const char *name, const char *device,
		     int guest)
{
	const struct report_key want = { name, device, guest, 0 };
	const struct report_key *found = NULL;

	if (x->count)
		found = bsearch(&want, x->key, x->count, sizeof(want), by_identity);
	return found ? (ssize_t)found->place : -ENOENT;
}

const struct report_key *report_twice(const struct report_index *x)
{
	for (size_t i = 1; i < x->count; i++)
		if (by_identity(&x->key[i - 1], &x->key[i]) == 0)
			return &x->key[i];
	return NULL;
}
