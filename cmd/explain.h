/* SPDX-License-Identifier: MIT */
/* Feature bits as `explain` and `features --explain` show them. */
#ifndef CMD_EXPLAIN_H
#define CMD_EXPLAIN_H

#include "core/duty.h"
#include "report/page.h"

/** struct explain_since - struct duty_since; @devices: const char * */
struct explain_since {
	struct rec_list devices;
	const char *release, *commit;
};

/**
 * struct explain_meaning - what a bit is on the devices that treat it alike
 * @duty:	row of the table; not printed
 * @bit:	not printed, but by those who list bits
 * @name:	UAPI name
 * @space:	enum bit_space
 * @devices:	const char *: families
 * @alias, @meaning, @host, @obliges, @otherwise, @pass_through, @source: of struct duty
 * @since:	struct explain_since of these families
 * @checks:	const char *: ids of the checks that run the claim on these families
 */
struct explain_meaning {
	const struct duty *duty;
	int64_t bit;
	const char *name;
	int space;
	struct rec_list devices;
	const char *alias, *meaning, *host, *obliges, *otherwise;
	bool pass_through;
	struct rec_list since, checks;
	const char *source;
};

/** struct explain_bit - a bit; @meanings: struct explain_meaning */
struct explain_bit {
	int64_t bit;
	struct rec_list meanings;
};

/** explain_listed_shape: struct explain_meaning with its number */
extern const struct rec_shape explain_bit_shape, explain_listed_shape;

/**
 * explain_meaning_add() - one family's part of a row
 * @a:		arena of the result
 * @d:		row
 * @family:	one of its families
 * @ret:	struct explain_meaning: joins that of the same row, or becomes one
 *
 * Return: 0; -ENOMEM.
 */
int explain_meaning_add(struct arena *a, const struct duty *d, enum family family,
			struct rec_list *ret) must_check_;

/** explain_meaning_print() - all of it but name and number, below @indent */
void explain_meaning_print(struct page *p, size_t indent,
			   const struct explain_meaning *m);

/**
 * explain_bits_load() - every feature that has a name
 * @a:		arena of the result
 * @ret:	struct explain_meaning are added, by space and number
 *
 * Return: 0; -ENOMEM.
 */
int explain_bits_load(struct arena *a, struct rec_list *ret) must_check_;

/**
 * explain_bits_names() - their names
 * @a:		arena of the result
 * @bits:	from explain_bits_load()
 * @ret:	const char * are added
 *
 * Return: 0; -ENOMEM.
 */
int explain_bits_names(struct arena *a, const struct rec_list *bits, struct rec_list *ret)
	must_check_;

/**
 * explain_bits_find() - a bit by number or name
 * @a:		arena of the result
 * @bits:	from explain_bits_load()
 * @word:	number, which may have several names, or a name, also without VIRTIO_
 * @ret:	receives the bit, or NULL if no feature is called so
 *
 * Return: 0; -ENOMEM.
 */
int explain_bits_find(struct arena *a, const struct rec_list *bits, const char *word,
		      struct explain_bit **ret) must_check_;

#endif
