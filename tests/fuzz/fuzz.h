/* SPDX-License-Identifier: MIT */
/* What all fuzz targets have in common. A finding is a crash: abort() is one. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/record.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what does not hold, and dies of it. */
#define MUST(condition)                                                                  \
	do {                                                                             \
		if (condition)                                                           \
			break;                                                           \
		(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,         \
			      #condition);                                               \
		abort();                                                                 \
	} while (0)

/* A refusal says something that can be printed, also where what it quotes was cut. */
#define MUST_TELL(text) MUST(*(text) && utf8_valid(text, strlen(text)))

/* A structure as it is written; freed by the caller. */
static inline char *text_of(const struct rec_shape *shape, const void *obj,
			    size_t *ret_len)
{
	struct json_object *json = rec_to_json(shape, obj);
	const char *text = NULL;
	char *copy = NULL;

	MUST(json);
	text = json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, ret_len);
	copy = text ? strdup(text) : NULL;
	MUST(copy);
	json_object_put(json);
	return copy;
}

#endif
