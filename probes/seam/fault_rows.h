/* SPDX-License-Identifier: MIT */
/*
 * The tables that make up the table of faults, one a file. A new fault is a row in one
 * of them and a name in the rows of the checks that it fails.
 */
#ifndef SEAM_FAULT_ROWS_H
#define SEAM_FAULT_ROWS_H

#include "seam/fault.h"

/** ALL_BUT_NODE - areas other than node, as struct fault.total */
#define ALL_BUT_NODE "[!n]*"

#define GLOBS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* initialisers, not expressions */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define MODEL(name_, rule_, text_, source_)                                              \
	.name = name_, .text = text_, .source = source_, .act = FAULT_MODEL, .rule = rule_
/* NOLINTEND(bugprone-macro-parentheses) */

/** fault_calls - what a wrapper alters in any seam; ends with a row without a name */
extern const struct fault fault_calls[];

/** fault_model - what only the model can be made to do; ends with a row without a name */
extern const struct fault fault_model[];

/** fault_scsi - of vhost-scsi alone, calls and model; ends with a row without a name */
extern const struct fault fault_scsi[];

/** fault_vdpa - of vDPA devices alone, calls and model; ends with a row without a name */
extern const struct fault fault_vdpa[];

#endif
