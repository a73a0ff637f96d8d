/* SPDX-License-Identifier: MIT */
/* The table of faults: its parts in the order of a matrix. */
#include <string.h>

#include "seam/fault_rows.h"

static const struct fault *const parts[] = { fault_calls, fault_model, fault_scsi,
					     fault_vdpa };

const struct fault *fault_at(size_t i)
{
	for (size_t p = 0; p < ARRAY_SIZE(parts); p++)
		for (const struct fault *row = parts[p]; row->name; row++)
			if (i-- == 0)
				return row;
	return NULL;
}

const struct fault *fault_find(const char *name)
{
	const struct fault *row;

	for (size_t i = 0; (row = fault_at(i)); i++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}
