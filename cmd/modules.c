/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <libkmod.h>
#include <time.h>

#include "base/deadline.h"
#include "cmd/modules.h"

#define UNUSED_AFTER_MS 2000u

static bool in_kernel(struct kmod_module *mod)
{
	int state = kmod_module_get_initstate(mod);

	return state == KMOD_MODULE_BUILTIN || state == KMOD_MODULE_LIVE ||
	       state == KMOD_MODULE_COMING;
}

static int add_absent(struct loaded_modules *m, struct kmod_module *mod,
		      struct rec_list *absent)
{
	if (in_kernel(mod))
		return 0;
	return rec_list_add(&m->arena, absent,
			    arena_strdup(&m->arena, kmod_module_get_name(mod)));
}

/* What an insertion may bring in: the module and its dependencies, those first. */
static int list_absent(struct loaded_modules *m, struct kmod_module *mod,
		       struct rec_list *absent)
{
	struct kmod_list *all = kmod_module_get_dependencies(mod);
	struct kmod_list *i = NULL;
	int r = 0;

	kmod_list_foreach(i, all)
	{
		struct kmod_module *one = kmod_module_get_module(i);

		if (r == 0)
			r = add_absent(m, one, absent);
		kmod_module_unref(one);
	}
	kmod_module_unref_list(all);
	return r < 0 ? r : add_absent(m, mod, absent);
}

/* Of those that were absent before, the ones that are there now are ours. */
static int note_inserted(struct loaded_modules *m, const struct rec_list *absent)
{
	for (size_t i = 0; i < absent->count; i++) {
		struct kmod_module *mod = NULL;
		int r = kmod_module_new_from_name(m->kmod, absent->item[i], &mod);

		if (r < 0)
			return r;
		if (in_kernel(mod))
			r = rec_list_add(&m->arena, &m->names, absent->item[i]);
		kmod_module_unref(mod);
		if (r < 0)
			return r;
	}
	return 0;
}

static int insert(struct loaded_modules *m, struct kmod_module *mod)
{
	struct rec_list absent = { 0 };
	int r = list_absent(m, mod, &absent);
	int noted = 0;

	if (r < 0)
		return r;
	r = kmod_module_probe_insert_module(
		mod, KMOD_PROBE_APPLY_BLACKLIST | KMOD_PROBE_IGNORE_COMMAND, NULL, NULL,
		NULL, NULL);
	noted = note_inserted(m, &absent);
	if (r > 0)
		return -ENOENT;
	return r < 0 ? r : noted;
}

int modules_load(struct loaded_modules *m, const char *name)
{
	struct kmod_list *found = NULL;
	struct kmod_list *i = NULL;
	int r = 0;

	if (!m->kmod)
		m->kmod = kmod_new(NULL, NULL);
	if (!m->kmod)
		return -ENOMEM;
	/* libkmod would write to stderr, in a form of its own */
	kmod_set_log_priority(m->kmod, 0);
	r = kmod_module_new_from_lookup(m->kmod, name, &found);
	if (r < 0)
		return r;
	if (!found)
		return -ENOENT;
	kmod_list_foreach(i, found)
	{
		struct kmod_module *mod = kmod_module_get_module(i);

		if (r >= 0 && !in_kernel(mod))
			r = insert(m, mod);
		kmod_module_unref(mod);
	}
	kmod_module_unref_list(found);
	return r;
}

/*
 * The tap of the last check keeps its module until the kernel has taken its namespace
 * down, which it does on its own after the process is gone (cleanup_net()).
 */
static int remove_module(struct kmod_module *mod)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct deadline until = deadline_after_ms(UNUSED_AFTER_MS);
	int r = kmod_module_remove_module(mod, O_NONBLOCK);

	while (r == -EAGAIN && !deadline_passed(until)) {
		(void)nanosleep(&pause, NULL);
		r = kmod_module_remove_module(mod, O_NONBLOCK);
	}
	return r;
}

int modules_unload(struct loaded_modules *m)
{
	int first = 0;

	for (size_t i = m->names.count; i > 0; i--) {
		struct kmod_module *mod = NULL;
		int r = kmod_module_new_from_name(m->kmod, m->names.item[i - 1], &mod);

		if (r == 0) {
			r = remove_module(mod);
			kmod_module_unref(mod);
		}
		if (r < 0 && !first)
			first = r;
	}
	m->names = (struct rec_list){ 0 };
	kmod_unref(m->kmod);
	m->kmod = NULL;
	arena_done(&m->arena);
	return first;
}
