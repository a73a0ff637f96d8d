/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checks/catalogue.h"
#include "core/duty_rows.h"

/* The @n-th row of both tables; NULL beyond the last. */
static const struct duty *row_at(size_t n)
{
	if (n < duty_vhost_count)
		return &duty_vhost[n];
	n -= duty_vhost_count;
	return n < duty_vdpa_count ? &duty_vdpa[n] : NULL;
}

static void test_every_name_has_a_row(void **state)
{
	static const enum bit_space spaces[] = { BITS_FEATURES, BITS_BACKEND };

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(spaces); s++)
		for (int f = 0; f < FAMILY_NUM; f++)
			for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
				const char *name =
					bit_name(spaces[s], (enum family)f, bit);
				bool known = duty_find(spaces[s], (enum family)f, bit);

				if (known != (name != NULL))
					fail_msg("bit %u of %s: name %s, row %d", bit,
						 family_names[f], name ? name : "none",
						 known);
			}
}

static void test_a_row_has_one_name_and_is_found(void **state)
{
	const struct duty *d = NULL;

	(void)state;
	for (size_t n = 0; (d = row_at(n)); n++) {
		const char *first = NULL;

		assert_true(d->families && !(d->families >> FAMILY_NUM));
		for (int f = 0; f < FAMILY_NUM; f++) {
			const char *name = NULL;

			if (!(d->families & FAMILY_BIT(f)))
				continue;
			/* another one for the same bit would never be seen */
			assert_ptr_equal(duty_find(d->space, (enum family)f, d->bit), d);
			name = bit_name(d->space, (enum family)f, d->bit);
			assert_non_null(name);
			if (first)
				assert_string_equal(name, first);
			first = name;
		}
	}
	assert_null(duty_find(BITS_FEATURES, FAMILY_VSOCK, 63));
	assert_null(duty_find(BITS_BACKEND, FAMILY_VSOCK, 33));
}

static void is_sentence(const struct duty *d, const char *text)
{
	if (!text || !*text || text[strlen(text) - 1] != '.')
		fail_msg("bit %u, families %#x: '%s'", d->bit, d->families, text);
}

static void test_rows_are_complete(void **state)
{
	const struct duty *d = NULL;

	(void)state;
	for (size_t n = 0; (d = row_at(n)); n++) {
		is_sentence(d, d->meaning);
		is_sentence(d, d->host);
		is_sentence(d, d->obliges);
		is_sentence(d, d->otherwise);
		assert_true(d->source && *d->source);
		for (const struct duty_since *s = d->since; s->families; s++) {
			assert_int_equal(s->families & ~d->families, 0);
			assert_true(s->release && *s->release);
			if (s->commit)
				assert_int_equal(strspn(s->commit, "0123456789abcdef"),
						 12);
		}
		/* what nobody offers cannot be sent */
		assert_true(!d->pass || d->since[0].families);
		assert_true(!d->pass || d->space == BITS_FEATURES);
	}
}

/* The families on which a check called "area.name" exists. */
static unsigned int check_families(const char *word)
{
	unsigned int families = 0;

	for (size_t i = 0; i < check_catalogue_count; i++) {
		char name[128];

		(void)snprintf(name, sizeof(name), "%s.%s", check_catalogue[i]->area,
			       check_catalogue[i]->name);
		if (!strcmp(name, word))
			families |= check_catalogue[i]->families;
	}
	return families;
}

static void test_every_check_that_is_named_exists(void **state)
{
	const struct duty *d = NULL;
	size_t found = 0;

	(void)state;
	for (size_t n = 0; (d = row_at(n)); n++)
		for (size_t i = 0; d->checks && d->checks[i]; i++, found++)
			if (!(check_families(d->checks[i]) & d->families))
				fail_msg("bit %u: no check %s there", d->bit,
					 d->checks[i]);
	assert_true(found >= 15);
}

static void test_what_passes_without_an_iotlb(void **state)
{
	static const struct expected {
		enum family family;
		uint64_t bits;
	} expected[] = {
		{ FAMILY_NET,
		  BIT64(15) | BIT64(24) | BIT64(28) | BIT64(29) | BIT64(32) | BIT64(35) },
		{ FAMILY_VSOCK,
		  BIT64(1) | BIT64(24) | BIT64(27) | BIT64(28) | BIT64(29) | BIT64(32) },
		{ FAMILY_SCSI,
		  BIT64(1) | BIT64(24) | BIT64(27) | BIT64(28) | BIT64(29) | BIT64(32) },
	};
	struct feature_set set;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_true(duty_pass(expected[i].family, &set));
		assert_int_equal(set.word[0], expected[i].bits);
		/* the constants that are printed have 64 bits */
		assert_int_equal(set.word[1], 0);
	}
	assert_false(duty_pass(FAMILY_VDPA, &set));
	assert_int_equal(set.word[0] | set.word[1], 0);
}

static void test_bit_33_is_the_device_iotlb_where_vhost_has_one(void **state)
{
	const struct duty *d = duty_find(BITS_FEATURES, FAMILY_VSOCK, 33);

	(void)state;
	assert_string_equal(d->alias, "device IOTLB");
	assert_ptr_equal(duty_find(BITS_FEATURES, FAMILY_NET, 33), d);
	assert_string_equal(duty_since(d, FAMILY_NET)->release, "4.8");
	assert_string_equal(duty_since(d, FAMILY_VSOCK)->release, "5.11");
	assert_null(duty_find(BITS_FEATURES, FAMILY_VDPA, 33)->alias);
	d = duty_find(BITS_FEATURES, FAMILY_SCSI, 33);
	assert_null(d->alias);
	assert_null(duty_since(d, FAMILY_SCSI));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_name_has_a_row),
		cmocka_unit_test(test_a_row_has_one_name_and_is_found),
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_every_check_that_is_named_exists),
		cmocka_unit_test(test_what_passes_without_an_iotlb),
		cmocka_unit_test(test_bit_33_is_the_device_iotlb_where_vhost_has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
