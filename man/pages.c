/* SPDX-License-Identifier: MIT */
/*
 * man_pages checks|features FILE: writes a manual page of section 7 from the tables that
 * vhostcheck itself uses. Run by the build.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checks/catalogue.h"
#include "cmd/explain.h"

#define LINE_MAX_COLUMNS 78

/* -------------------------------------------------------------------- mdoc */

/* What begins with a dot or a quote would be taken for a macro. */
static void put_word(const char *word, size_t len)
{
	if (*word == '.' || *word == '\'')
		(void)fputs("\\&", stdout);
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\\')
			(void)fputs("\\e", stdout);
		else
			(void)putchar(word[i]);
	}
}

static bool ends_sentence(const char *word, size_t len)
{
	return len > 1 && strchr(".?!", word[len - 1]);
}

/* The length of the name in "name()", with punctuation after it; 0 for other words. */
static size_t function_name(const char *word, size_t len)
{
	size_t name = strspn(word, "abcdefghijklmnopqrstuvwxyz_0123456789");

	if (!name || name + 2 > len || strncmp(word + name, "()", 2) != 0)
		return 0;
	return strspn(word + name + 2, ".,;:") >= len - name - 2 ? name : 0;
}

static void put_function(const char *word, size_t name, size_t len)
{
	(void)printf(".Fn %.*s", (int)name, word);
	for (size_t i = name + 2; i < len; i++)
		(void)printf(" %c", word[i]);
	(void)putchar('\n');
}

/* Prose; each sentence begins a line, as mdoc(7) wants it. */
static void put_text(const char *s)
{
	size_t column = 0;

	for (size_t len = 0;; s += len) {
		size_t name = 0;

		s += strspn(s, " \n\t");
		len = strcspn(s, " \n\t");
		if (!len)
			break;
		name = function_name(s, len);
		if (column && (name || column + 1 + len > LINE_MAX_COLUMNS)) {
			(void)putchar('\n');
			column = 0;
		}
		if (name) {
			put_function(s, name, len);
			continue;
		}
		if (column++)
			(void)putchar(' ');
		put_word(s, len);
		column += len;
		if (ends_sentence(s, len)) {
			(void)putchar('\n');
			column = 0;
		}
	}
	if (column)
		(void)putchar('\n');
}

static void put_head(const char *title, const char *name, const char *what)
{
	(void)printf(".\\\" SPDX-License-Identifier: MIT\n"
		     ".\\\" Made by the build (man/pages.c); do not edit.\n"
		     ".Dd November 22, 2026\n.Dt %s 7\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n",
		     title, name, what);
}

static void put_item(const char *label, const char *text)
{
	(void)printf(".It %s\n", label);
	put_text(text);
}

static void put_list(void)
{
	(void)puts(".Bl -tag -width Ds");
}

static void put_list_end(void)
{
	(void)puts(".El");
}

/* Words with commas between, as one line of text each. */
static void put_series(const struct rec_list *words)
{
	for (size_t i = 0; i < words->count; i++)
		(void)printf("%s%s\n", (const char *)words->item[i],
			     i + 1 < words->count ? "," : "");
}

/* ------------------------------------------------------------------ checks */

static void put_families(unsigned int families)
{
	const char *between = "";

	for (int f = 0; f < FAMILY_NUM; f++)
		if (families & FAMILY_BIT(f)) {
			(void)printf("%s%s", between, family_names[f]);
			between = ", ";
		}
	(void)putchar('\n');
}

static void put_check(const struct check *c)
{
	(void)printf(".Ss %s.%s\n", c->area, c->name);
	(void)printf("%s.\n", c->title);
	put_list();
	(void)puts(".It Families");
	put_families(c->families);
	put_item("Contract", c->contract);
	put_item("Harm if it is broken", c->harm);
	put_item("How it is judged", c->judged);
	(void)printf(".It Severity\n%s\n.It Risk\n%s\n.It Since\nvhostcheck %s\n",
		     severity_names[c->severity], risk_names[c->risk], c->since);
	(void)puts(".It Sources");
	for (size_t i = 0; c->refs[i]; i++) {
		if (i)
			(void)puts(".br");
		put_text(c->refs[i]);
	}
	put_list_end();
}

/* Sections are areas, in the order in which the catalogue first has them. */
static bool is_first_of_area(size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(check_catalogue[i]->area, check_catalogue[n]->area))
			return false;
	return true;
}

static void put_area(size_t first)
{
	const char *area = check_catalogue[first]->area;

	(void)fputs(".Sh ", stdout);
	for (const char *s = area; *s; s++)
		(void)putchar(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
	(void)putchar('\n');
	for (size_t i = first; i < check_catalogue_count; i++)
		if (!strcmp(check_catalogue[i]->area, area))
			put_check(check_catalogue[i]);
}

static int put_checks(void)
{
	put_head("VHOSTCHECK-CHECKS", "vhostcheck-checks", "the catalogue of checks");
	(void)puts(".Sh DESCRIPTION");
	put_text("Each check holds one rule of the vhost interface that a user of the "
		 "device can rely on. Its id is the device's family, an area and a name, "
		 "such as vsock.iotlb.static_map; it is published, and never used again "
		 "for another rule. Below, the checks stand by area; one that holds for "
		 "several families is an id of each.");
	(void)puts(".Pp");
	put_text(
		"A check of risk safe does what an ordinary start of a VMM does; "
		"intrusive ones need --intrusive on a host; guarded ones could harm a "
		"kernel without a known fix and run there only where the fix is proved.");
	for (size_t i = 0; i < check_catalogue_count; i++)
		if (is_first_of_area(i))
			put_area(i);
	(void)puts(".Sh SEE ALSO\n.Xr vhostcheck 1 ,\n.Xr vhostcheck-report 5 ,\n"
		   ".Xr vhost-features 7");
	return 0;
}

/* ---------------------------------------------------------------- features */

static void put_since(const struct explain_since *s)
{
	(void)printf("Linux %s", s->release);
	if (s->commit)
		(void)printf(", commit %s", s->commit);
	(void)puts(", on");
	put_series(&s->devices);
}

static void put_meaning(const struct explain_meaning *m)
{
	(void)printf(".Ss %" PRId64 ": %s\n", m->bit, m->name);
	if (m->alias)
		(void)printf("Here:\n.Em %s .\n", m->alias);
	put_text(m->meaning);
	put_list();
	(void)puts(".It Devices");
	put_series(&m->devices);
	put_item("\\&In the host", m->host);
	put_item("The VMM must", m->obliges);
	put_item("If it does not", m->otherwise);
	if (m->since.count) {
		(void)puts(".It Since");
		for (size_t i = 0; i < m->since.count; i++) {
			if (i)
				(void)puts(".br");
			put_since(m->since.item[i]);
		}
	}
	if (m->checks.count) {
		(void)puts(".It Checks");
		put_series(&m->checks);
	}
	put_item("Source", m->source);
	put_list_end();
}

static void put_sets(void)
{
	struct feature_set set;

	(void)puts(".Sh WITHOUT IOTLB SUPPORT");
	put_text(
		"A VMM that serves no device IOTLB sends what the device offers, the "
		"guest acknowledged and the following set holds, and no backend feature. "
		"In a set are the bits that some kernel offers on the device and that "
		"tell vhost how the guest's rings and buffers look; not in it are those "
		"that are the VMM's own to send, those that ask more of it, those by "
		"which a guest can harm some kernel, and those that have no name here. "
		"No such VMM drives a vDPA device.");
	(void)puts(".Bl -tag -width vsock -compact");
	for (int f = 0; f < FAMILY_NUM; f++)
		if (duty_pass((enum family)f, &set))
			(void)printf(".It %s\n.Li 0x%" PRIx64 "\n", family_names[f],
				     set.word[0]);
	(void)puts(".El\n.Pp");
	put_text("What one kernel offers of them, and constants for C and Rust, prints");
	(void)puts(".Dl $ vhostcheck features --explain");
}

static int put_features(void)
{
	cleanup_arena struct arena a = { 0 };
	struct rec_list bits = { 0 };
	int space = -1;

	if (explain_bits_load(&a, &bits) < 0)
		return -ENOMEM;
	put_head("VHOST-FEATURES", "vhost-features",
		 "what each feature bit obliges a VMM to");
	(void)puts(".Sh DESCRIPTION");
	put_text(
		"The bits that a VMM hands to vhost with VHOST_SET_FEATURES look like "
		"those that its guest acknowledged, but they switch things on in the "
		"host's kernel, and some oblige the VMM to work that it may not do. A "
		"VMM that passes on what it does not know works until a kernel begins to "
		"offer the bit. What it sends is therefore what the device offers, and "
		"the guest acknowledged, and the VMM knows by a list of its own.");
	(void)puts(".Pp");
	put_text("What is said of a kernel was read in its source at the place that is "
		 "named. Where the first kernel that offers a bit was not traced, the "
		 "oldest that was read is named. A bit without a kernel is offered by no "
		 "vhost device. The checks named with a bit try what is said of it; "
		 "vhostcheck explain tells how.");
	put_sets();
	for (size_t i = 0; i < bits.count; i++) {
		const struct explain_meaning *m = bits.item[i];

		if (m->space != space)
			(void)puts(m->space == BITS_BACKEND ? ".Sh BACKEND FEATURES"
							    : ".Sh FEATURES");
		space = m->space;
		put_meaning(m);
	}
	(void)puts(".Sh SEE ALSO\n.Xr vhostcheck 1 ,\n.Xr vhostcheck-checks 7");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct page {
		const char *name;
		int (*put)(void);
	} pages[] = { { "checks", put_checks }, { "features", put_features } };
	int r = -EINVAL;

	for (size_t i = 0; argc == 3 && i < ARRAY_SIZE(pages); i++) {
		if (strcmp(argv[1], pages[i].name) != 0)
			continue;
		r = freopen(argv[2], "w", stdout) ? pages[i].put() : -errno;
		if (r == 0 && (fflush(stdout) || ferror(stdout)))
			r = -EIO;
	}
	if (r < 0)
		(void)fprintf(stderr, "man_pages checks|features FILE: %s\n",
			      strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
