/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "cmd/nearest.h"

enum {
	WORD_MAX_LEN = 127,
	HINTS = 3,
};

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static int lower(char c)
{
	return tolower((unsigned char)c);
}

/* One letter more of the word: @row becomes the row of the table below it. */
static void next_row(unsigned int *row, unsigned int first, char letter,
		     const char *known, size_t len)
{
	unsigned int diagonal = row[0];

	row[0] = first;
	for (size_t j = 1; j <= len; j++) {
		bool same = lower(letter) == lower(known[j - 1]);
		unsigned int replaced = diagonal + (same ? 0 : 1);

		diagonal = row[j];
		row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
	}
}

/* Fewest insertions, deletions and replacements that make a part of @known out of @word.
 */
static unsigned int distance(const char *word, const char *known)
{
	unsigned int row[WORD_MAX_LEN + 1] = { 0 };
	size_t len = strlen(known);
	unsigned int best = UINT_MAX;

	if (len > WORD_MAX_LEN)
		return UINT_MAX;
	for (size_t i = 0; word[i]; i++)
		next_row(row, (unsigned int)i + 1, word[i], known, len);
	for (size_t j = 0; j <= len; j++)
		best = least(best, row[j]);
	return best;
}

/** struct best - the nearest words so far, the nearest first */
struct best {
	const char *word[HINTS];
	unsigned int away[HINTS];
	size_t count;
};

static void keep(struct best *best, const char *word, unsigned int away)
{
	size_t at = best->count < HINTS ? best->count : HINTS - 1;

	if (best->count == HINTS && away >= best->away[at])
		return;
	for (; at > 0 && best->away[at - 1] > away; at--) {
		best->word[at] = best->word[at - 1];
		best->away[at] = best->away[at - 1];
	}
	best->word[at] = word;
	best->away[at] = away;
	if (best->count < HINTS)
		best->count++;
}

const char *nearest_hint(struct arena *a, const char *word, const struct rec_list *known,
			 const char *otherwise)
{
	size_t len = strlen(word);
	unsigned int far_away = 1 + (unsigned int)len / 3;
	struct best best = { 0 };
	const char *hint = NULL;

	if (!len || len > WORD_MAX_LEN)
		return otherwise;
	for (size_t i = 0; i < known->count; i++) {
		const char *one = known->item[i];
		unsigned int away = distance(word, one);

		if (away < far_away)
			keep(&best, one, away);
	}
	if (best.count == 1)
		hint = arena_printf(a, "did you mean '%s'?", best.word[0]);
	else if (best.count == 2)
		hint = arena_printf(a, "did you mean '%s' or '%s'?", best.word[0],
				    best.word[1]);
	else if (best.count)
		hint = arena_printf(a, "did you mean '%s', '%s' or '%s'?", best.word[0],
				    best.word[1], best.word[2]);
	return hint ? hint : otherwise;
}
