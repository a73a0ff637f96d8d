/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/stack.h"

const char *const guest_kind_names[] = { "plain", "protected", "viommu", NULL };

const char *const stack_verdict_names[] = {
	"unknown", "works",          "degraded", "fails_start", "stalls",
	"refused", "not_applicable", "error",    NULL,
};

const char *const stack_call_names[CALL_NUM + 1] = {
	"FORK_FROM_OWNER",   "SET_OWNER",       "GET_FEATURES",     "SET_FEATURES",
	"BACKEND_FEATURES",  "SET_MEM_TABLE",   "SET_GUEST_CID",    "VRINGS",
	"IOTLB_UPDATE",      "START",           "GET_ABI_VERSION",  "GET_DEVICE_ID",
	"GET_IOVA_RANGE",    "SET_STATUS",      "GET_STATUS",       "SET_CONFIG_CALL",
	"IOTLB_BATCH_BEGIN", "IOTLB_BATCH_END", "IOTLB_INVALIDATE", NULL,
};

const char *const stack_ring_call_names[RING_CALL_NUM + 1] = {
	"NUM", "BASE", "ADDR", "CALL", "ERR", "KICK", "START", "ENABLE", NULL,
};

const char *const stack_status_names[STACK_STATUS_NUM + 1] = {
	"RESET", "ACKNOWLEDGE", "DRIVER", "FEATURES_OK", NULL,
};

const char *const stack_kind_names[KIND_NUM + 1] = { "NET", "BLOCK", NULL };

/* The place of the first @len bytes of @word among names, or -ENOENT. */
static int place_of(const char *const *names, const char *word, size_t len)
{
	for (int i = 0; names[i]; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], word, len))
			return i;
	return -ENOENT;
}

/* The words that may stand behind a call, or NULL. */
static const char *const *words_of(int call)
{
	switch (call) {
	case CALL_VRINGS:
		return stack_ring_call_names;
	case CALL_SET_STATUS:
		return stack_status_names;
	case CALL_GET_DEVICE_ID:
		return stack_kind_names;
	default:
		return NULL;
	}
}

/* One kind, and RESET, stand alone. */
static bool goes_with(const struct stack_step *step, int word)
{
	if (!step->count)
		return true;
	if (step->call == CALL_SET_STATUS)
		return word != STACK_STATUS_RESET && step->word[0] != STACK_STATUS_RESET;
	return step->call != CALL_GET_DEVICE_ID;
}

static int add_word(struct stack_step *step, const char *text, size_t len)
{
	const char *const *words = words_of(step->call);
	int word = words ? place_of(words, text, len) : -EINVAL;

	if (word < 0)
		return word;
	for (size_t i = 0; i < step->count; i++)
		if (step->word[i] == word)
			return -EEXIST;
	if (!goes_with(step, word))
		return -EINVAL;
	step->word[step->count++] = word;
	return 0;
}

int stack_step_read(const char *text, struct stack_step *ret,
		    char ret_word[STACK_WORD_ROOM])
{
	size_t len = strcspn(text, " ");
	const char *word = text;
	int e = place_of(stack_call_names, word, len);

	*ret = (struct stack_step){ .call = e };
	while (e >= 0 && word[len]) {
		word += len + 1;
		len = strcspn(word, " ");
		e = add_word(ret, word, len);
	}
	if (e >= 0 && !ret->count &&
	    (ret->call == CALL_VRINGS || ret->call == CALL_SET_STATUS))
		e = -EINVAL;
	if (e >= 0)
		return 0;
	len = len < STACK_WORD_ROOM ? len : STACK_WORD_ROOM - 1;
	memcpy(ret_word, word, len);
	ret_word[len] = '\0';
	return e;
}

static const char *const base_names[] = { "acked", "offered", "none", "observed", NULL };
static const char *const map_names[] = { "none", "used_rings", "all", "as_used", NULL };
static const char *const miss_names[] = { "unread", "served", "unobserved", NULL };
static const char *const confidence_names[] = { "read", "run", NULL };

static const struct rec_field guest_fields[] = {
	{ "guest", REC_ENUM, offsetof(struct stack_guest, guest), false,
	  guest_kind_names },
	REC_FIELD(struct stack_guest, acks, REC_STRS),
	REC_FIELD(struct stack_guest, mask, REC_STRS),
	REC_FIELD(struct stack_guest, force, REC_STRS),
	{ "map", REC_ENUM, offsetof(struct stack_guest, map), false, map_names },
	{ "miss", REC_ENUM, offsetof(struct stack_guest, miss), false, miss_names },
	{ 0 },
};

static const struct rec_shape guest_shape = {
	.name = "stack_guest",
	.size = sizeof(struct stack_guest),
	.field = guest_fields,
};

static const struct rec_field package_fields[] = {
	REC_FIELD(struct stack_package, name, REC_STR),
	{ "since", REC_STR, offsetof(struct stack_package, since), true, NULL },
	{ "before", REC_STR, offsetof(struct stack_package, before), true, NULL },
	{ 0 },
};

static const struct rec_shape package_shape = {
	.name = "stack_package",
	.size = sizeof(struct stack_package),
	.field = package_fields,
};

static const struct rec_field origin_fields[] = {
	REC_FIELD(struct stack_origin, repository, REC_STR),
	REC_FIELD(struct stack_origin, commit, REC_STR),
	REC_FIELD(struct stack_origin, file, REC_STR),
	{ 0 },
};

static const struct rec_shape origin_shape = {
	.name = "stack_origin",
	.size = sizeof(struct stack_origin),
	.field = origin_fields,
};

static const struct rec_field stack_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-stack/1" },
	{ "stack", REC_STR, offsetof(struct stack, name), false, NULL },
	REC_FIELD(struct stack, vmm, REC_STR),
	REC_FIELD(struct stack, versions, REC_STR),
	REC_FIELD(struct stack, summary, REC_STR),
	{ "risk", REC_ENUM, offsetof(struct stack, risk), false, risk_names },
	{ "about", REC_STR, offsetof(struct stack, about), true, NULL },
	REC_FIELD(struct stack, devices, REC_STRS),
	REC_FIELD(struct stack, executables, REC_STRS),
	{ "packages", REC_LIST, offsetof(struct stack, packages), false, &package_shape },
	{ "base", REC_ENUM, offsetof(struct stack, base), false, base_names },
	REC_FIELD(struct stack, known, REC_STRS),
	REC_FIELD(struct stack, backend, REC_STRS),
	REC_FIELD(struct stack, order, REC_STRS),
	{ "guests", REC_LIST, offsetof(struct stack, guests), false, &guest_shape },
	{ "confidence", REC_ENUM, offsetof(struct stack, confidence), false,
	  confidence_names },
	{ "sources", REC_LIST, offsetof(struct stack, sources), false, &origin_shape },
	{ 0 },
};

const struct rec_shape stack_shape = {
	.name = "stack",
	.size = sizeof(struct stack),
	.field = stack_fields,
};
