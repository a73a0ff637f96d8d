/* SPDX-License-Identifier: MIT */
/* The catalogue of checks as commands show it: one entry for each id. */
#ifndef CMD_CATALOGUE_H
#define CMD_CATALOGUE_H

#include "core/check.h"
#include "report/report.h"

/**
 * struct catalogue_entry - one id, an element of "vhostcheck-checks/1"
 * @severity:	enum severity
 * @risk:	enum risk
 * @needs:	const char *: names of features, "VHOST_GET_FEATURES_ARRAY" and "peer"
 * @refs, @faults: const char *
 * @known:	struct report_known: what released kernels are known to do wrong
 */
struct catalogue_entry {
	const char *id, *family, *area, *title, *contract, *harm, *judged;
	int severity, risk;
	const char *since;
	struct rec_list needs, refs, faults, known;
};

/** struct catalogue - "vhostcheck-checks/1"; @checks: struct catalogue_entry */
struct catalogue {
	struct rec_list checks;
};

extern const struct rec_shape catalogue_entry_shape, catalogue_shape;

/**
 * catalogue_load() - all entries, in the published order
 * @a:		arena of the result
 * @ret:	receives them
 *
 * Return: 0; -ENOMEM.
 */
int catalogue_load(struct arena *a, struct catalogue *ret) must_check_;

/**
 * catalogue_ids() - the ids alone
 * @a:		arena of the result
 * @c:		catalogue
 * @ret:	const char * are added
 *
 * Return: 0; -ENOMEM.
 */
int catalogue_ids(struct arena *a, const struct catalogue *c, struct rec_list *ret)
	must_check_;

#endif
