/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "stacks/features.h"
#include "stacks/library.h"
#include "stacks/order.h"
#include "stacks/sources.h"

static int refuse_item(struct written_error *err, const char *list, size_t i,
		       const char *word, const char *what)
{
	char pointer[JSON_POINTER_ROOM];

	(void)snprintf(pointer, sizeof(pointer), "%s/%zu", list, i);
	return written_refuse(err, pointer, word, "\"%.60s\" %s", word, what);
}

static bool has_word(const struct rec_list *list, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list->item[i], word))
			return true;
	return false;
}

/* ------------------------------------------------------------------- rules */

static int check_name(struct written_error *err, const struct stack *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(s->name);

	if (len == 0 || len > 40 || strspn(s->name, allowed) != len)
		return written_refuse(
			err, "/stack", s->name,
			"\"%.60s\" is no name of a policy: 1 to 40 of a-z, 0-9, "
			"'.', '_' and '-'",
			s->name);
	return 0;
}

static int family_of(const char *name)
{
	for (int f = 0; f < FAMILY_NUM; f++)
		if (!strcmp(family_names[f], name))
			return f;
	return -ENOENT;
}

static int check_devices(struct written_error *err, const struct stack *s)
{
	if (!s->devices.count)
		return written_refuse(
			err, "/devices", "",
			"a policy drives one device at least: net, vsock, scsi, vdpa");
	for (size_t i = 0; i < s->devices.count; i++) {
		const char *word = s->devices.item[i];

		if (family_of(word) < 0)
			return refuse_item(err, "/devices", i, word,
					   "is no device: net, vsock, scsi or vdpa");
		if (has_word(&s->devices, i, word))
			return refuse_item(err, "/devices", i, word, "stands twice");
		if (s->devices.count > 1 && !strcmp(word, family_names[FAMILY_VDPA]))
			return refuse_item(err, "/devices", i, word,
					   "stands alone: such a device is started in "
					   "another way than the others");
	}
	return 0;
}

/* Versions are compared by the numbers that they begin with. */
static int check_packages(struct written_error *err, const struct stack *s)
{
	for (size_t i = 0; i < s->packages.count; i++) {
		const struct stack_package *p = s->packages.item[i];
		const char *const bounds[] = { p->since, p->before };

		for (size_t k = 0; k < ARRAY_SIZE(bounds); k++) {
			char pointer[JSON_POINTER_ROOM];

			if (!bounds[k] || (*bounds[k] >= '0' && *bounds[k] <= '9'))
				continue;
			(void)snprintf(pointer, sizeof(pointer), "/packages/%zu/%s", i,
				       k ? "before" : "since");
			return written_refuse(err, pointer, bounds[k],
					      "\"%.60s\" is no version: it begins with "
					      "a digit",
					      bounds[k]);
		}
	}
	return 0;
}

static int check_backend(struct written_error *err, const struct stack *s)
{
	for (size_t i = 0; i < s->backend.count; i++) {
		const char *word = s->backend.item[i];

		if (!strcmp(word, STACK_ALL) && s->backend.count == 1)
			continue;
		if (!strcmp(word, STACK_ALL))
			return refuse_item(err, "/backend", i, word, "stands alone");
		if (stack_backend_number(FAMILY_VDPA, word) < 0)
			return refuse_item(err, "/backend", i, word,
					   "is no backend feature (VHOST_BACKEND_F_...), "
					   "nor \"" STACK_ALL "\"");
	}
	return 0;
}

/* -------------------------------------------------------------------- bits */

static bool known_bit(const struct stack *s, const char *name)
{
	for (size_t i = 0; i < s->devices.count; i++)
		if (bit_number((enum family)family_of(s->devices.item[i]), name) >= 0)
			return true;
	return false;
}

static int check_bits(struct written_error *err, const struct stack *s, const char *list,
		      const struct rec_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (!known_bit(s, names->item[i]))
			return refuse_item(
				err, list, i, names->item[i],
				"is no feature bit of its devices: a name as "
				"`vhostcheck features` prints it, or a number");
	return 0;
}

static int check_known(struct written_error *err, const struct stack *s)
{
	return check_bits(err, s, "/known", &s->known);
}

static int check_guest_bits(struct written_error *err, const struct stack *s,
			    size_t guest, const char *key, const struct rec_list *names)
{
	char list[64];

	(void)snprintf(list, sizeof(list), "/guests/%zu/%s", guest, key);
	return check_bits(err, s, list, names);
}

static int check_guest(struct written_error *err, const struct stack *s, size_t i)
{
	const struct stack_guest *g = s->guests.item[i];
	char pointer[JSON_POINTER_ROOM];
	int e = 0;

	for (size_t k = 0; k < i; k++) {
		const struct stack_guest *other = s->guests.item[k];

		(void)snprintf(pointer, sizeof(pointer), "/guests/%zu/guest", i);
		if (other->guest == g->guest)
			return written_refuse(err, pointer, guest_kind_names[g->guest],
					      "\"%s\" stands twice",
					      guest_kind_names[g->guest]);
	}
	(void)snprintf(pointer, sizeof(pointer), "/guests/%zu/map", i);
	if (g->map != STACK_MAP_NONE &&
	    !has_word(&s->order, s->order.count, stack_call_names[CALL_IOTLB_UPDATE]))
		return written_refuse(
			err, pointer, "map",
			"this guest has a map, but IOTLB_UPDATE is not in the order");
	if (g->map == STACK_MAP_AS_USED &&
	    !has_word(&s->devices, s->devices.count, family_names[FAMILY_VDPA]))
		return written_refuse(err, pointer, "map",
				      "\"as_used\" is of vdpa alone: elsewhere misses "
				      "are served");
	e = check_guest_bits(err, s, i, "acks", &g->acks);
	if (e == 0)
		e = check_guest_bits(err, s, i, "mask", &g->mask);
	return e < 0 ? e : check_guest_bits(err, s, i, "force", &g->force);
}

static int check_guests(struct written_error *err, const struct stack *s)
{
	int e = 0;

	if (!s->guests.count)
		return written_refuse(
			err, "/guests", "",
			"a policy has one kind of guest at least: plain, protected "
			"or viommu");
	for (size_t i = 0; i < s->guests.count && e == 0; i++)
		e = check_guest(err, s, i);
	return e;
}

static int check_stack(struct written_error *err, const void *obj)
{
	const struct stack *s = obj;
	static int (*const rules[])(struct written_error *, const struct stack *) = {
		check_name,    check_devices,     check_packages, check_known,
		check_backend, stack_check_order, check_guests,
	};
	int e = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rules) && e == 0; i++)
		e = rules[i](err, s);
	return e;
}

/* ----------------------------------------------------------------- reading */

int stack_parse(struct arena *a, const char *text, size_t len, const struct stack **ret,
		struct written_error *err)
{
	static const struct written_kind kind = { &stack_shape, check_stack };
	struct stack *s = arena_alloc(a, sizeof(*s));
	int e = 0;

	if (!s)
		return -ENOMEM;
	e = written_read(a, &kind, text, len, s, err);
	if (e == 0)
		*ret = s;
	return e;
}

static int by_name(const void *a, const void *b)
{
	const struct stack *one = *(const struct stack *const *)a;
	const struct stack *other = *(const struct stack *const *)b;

	return strcmp(one->name, other->name);
}

int stack_library(struct arena *a, struct rec_list *ret, struct written_error *err)
{
	for (size_t i = 0; i < stack_source_count; i++) {
		const struct stack_source *source = &stack_sources[i];
		const struct stack *s = NULL;
		int e = stack_parse(a, source->text, strlen(source->text), &s, err);

		if (e == 0)
			e = rec_list_add(a, ret, s);
		if (e < 0)
			return e;
	}
	qsort(ret->item, ret->count, sizeof(ret->item[0]), by_name);
	return 0;
}

const struct stack *stack_find(const struct rec_list *library, const char *name)
{
	for (size_t i = 0; i < library->count; i++) {
		const struct stack *s = library->item[i];

		if (!strcmp(s->name, name))
			return s;
	}
	return NULL;
}

static int refuse_built_in(const struct stack *s, const char *text, size_t len,
			   struct written_error *err)
{
	for (size_t i = 0; i < stack_source_count; i++) {
		if (strcmp(stack_sources[i].name, s->name) != 0)
			continue;
		(void)written_refuse(
			err, "/stack", s->name,
			"\"%s\" is the name of a built-in policy; choose another",
			s->name);
		err->line = json_line(text, len, "/stack");
		return -EEXIST;
	}
	return 0;
}

int stack_file_read(struct arena *a, const char *path, const struct stack **ret,
		    struct written_error *err)
{
	cleanup_free char *text = NULL;
	const struct stack *s = NULL;
	size_t len = 0;
	int e = written_slurp(path, &text, &len, err);

	if (e == 0)
		e = stack_parse(a, text, len, &s, err);
	if (e == 0)
		e = refuse_built_in(s, text, len, err);
	if (e == 0)
		*ret = s;
	return e;
}
