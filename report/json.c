/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "report/diff.h"
#include "report/expect.h"
#include "report/journal.h"
#include "report/json.h"
#include "report/write.h"

/* ------------------------------------------------------------------ printing */

/* json-c breaks the line inside an empty array or object: "[\n  ]". */
static size_t close_empty_brackets(char *text)
{
	char *to = text;
	bool quoted = false;

	for (const char *from = text; *from; from++) {
		size_t blank = strspn(from + 1, " \n");

		*to++ = *from;
		if (*from == '"')
			quoted = !quoted;
		else if (quoted && *from == '\\')
			*to++ = *++from;
		else if (!quoted && (*from == '[' || *from == '{') &&
			 (from[1 + blank] == ']' || from[1 + blank] == '}'))
			from += blank;
	}
	*to = '\0';
	return (size_t)(to - text);
}

static char *pretty(struct json_object *json, size_t *ret_len)
{
	const char *text = json_object_to_json_string_ext(
		json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			      JSON_C_TO_STRING_NOSLASHESCAPE);
	size_t len = text ? strlen(text) : 0;
	char *copy = text ? malloc(len + 2) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, text, len + 1);
	len = close_empty_brackets(copy);
	copy[len] = '\n';
	*ret_len = len + 1;
	return copy;
}

int json_write_fd(struct json_object *json, int fd)
{
	size_t len = 0;
	cleanup_free char *text = pretty(json, &len);

	return text ? write_all(fd, text, len) : -ENOMEM;
}

int json_print(struct json_object *json, FILE *out)
{
	size_t len = 0;
	cleanup_free char *text = pretty(json, &len);

	if (!text)
		return -ENOMEM;
	(void)fwrite(text, 1, len, out);
	return 0;
}

/* --------------------------------------------------- a report, result by result */

/** struct sink - where text goes: a stream, or else a descriptor */
struct sink {
	FILE *stream;
	int fd;
};

static int put(const struct sink *s, const char *text, size_t len)
{
	if (!s->stream)
		return write_all(s->fd, text, len);
	(void)fwrite(text, 1, len, s->stream);
	return 0;
}

/* An element of a list of the report: each line four blanks further in, with no newline
 * behind the last. */
static char *indented(const char *text, size_t len, size_t *ret_len)
{
	size_t lines = 1, n = 0;
	char *to = NULL;

	for (size_t i = 0; i + 1 < len; i++)
		lines += text[i] == '\n';
	to = malloc(len + 4 * lines);
	for (size_t i = 0; to && i + 1 < len; i++) {
		if (!i || text[i - 1] == '\n') {
			memset(to + n, ' ', 4);
			n += 4;
		}
		to[n++] = text[i];
	}
	*ret_len = n;
	return to;
}

static int put_element(const struct sink *s, const struct rec_shape *shape,
		       const void *obj)
{
	struct json_object *json = rec_to_json(shape, obj);
	size_t len = 0;
	cleanup_free char *text = json ? pretty(json, &len) : NULL;
	cleanup_free char *in = text ? indented(text, len, &len) : NULL;

	json_object_put(json);
	return in ? put(s, in, len) : -ENOMEM;
}

static int put_list(const struct sink *s, const struct rec_shape *shape,
		    const struct rec_list *list)
{
	int e = 0;

	for (size_t i = 0; i < list->count && e == 0; i++) {
		e = i ? put(s, ",\n", 2) : put(s, "\n", 1);
		if (e == 0)
			e = put_element(s, shape, list->item[i]);
	}
	return e == 0 && list->count ? put(s, "\n  ", 3) : e;
}

/* json-c needs some ten times the bytes of a text for its values: so they are there of
 * one result at a time, and of the rest, in whose empty lists the results are put. */
static int put_report(const struct sink *s, const struct report *r)
{
	const struct {
		const char *empty;
		const struct rec_shape *shape;
		const struct rec_list *list;
	} lists[] = {
		{ "\n  \"checks\": [", &report_check_shape, &r->checks },
		{ "\n  \"stacks\": [", &report_stack_shape, &r->stacks },
	};
	struct report rest = *r;
	struct json_object *json = NULL;
	size_t len = 0;
	cleanup_free char *text = NULL;
	const char *at = NULL;
	int e = 0;

	rest.checks = rest.stacks = (struct rec_list){ 0 };
	json = rec_to_json(&report_shape, &rest);
	text = json ? pretty(json, &len) : NULL;
	json_object_put(json);
	if (!text)
		return -ENOMEM;
	at = text;
	for (size_t i = 0; i < ARRAY_SIZE(lists) && e == 0; i++) {
		const char *from = at, *empty = strstr(from, lists[i].empty);

		if (!empty)
			return -EPROTO;
		at = empty + strlen(lists[i].empty);
		e = put(s, from, (size_t)(at - from));
		if (e == 0)
			e = put_list(s, lists[i].shape, lists[i].list);
	}
	return e == 0 ? put(s, at, len - (size_t)(at - text)) : e;
}

int report_print(const struct report *r, FILE *out)
{
	return put_report(&(struct sink){ .stream = out }, r);
}

/* ------------------------------------------------------------------ the file */

static int printf_(4, 5) fail(struct report_write_error *err, int code, const char *hint,
			      const char *fmt, ...)
{
	size_t used = 0;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof(err->text) - used, ": %s",
		       strerror(-code));
	err->hint = hint;
	return code;
}

static int fail_directory(struct report_write_error *err, int code, const char *path,
			  const char *dir)
{
	switch (code) {
	case -ENOENT:
		return fail(err, code,
			    "make the directory first, or name another with -o",
			    "cannot write %s: the directory %s is missing", path, dir);
	case -ENOTDIR:
		return fail(err, code, "name a file in a directory with -o",
			    "cannot write %s: %s is not a directory", path, dir);
	case -EROFS:
		return fail(err, code, "name a file on a writable file system with -o",
			    "cannot write %s", path);
	case -EACCES:
	case -EPERM:
		return fail(err, code, "name a directory that you may write to with -o",
			    "cannot write %s: no right to make a file in %s", path, dir);
	default:
		return fail(err, code, "name another file with -o",
			    "cannot make a file in %s for %s", dir, path);
	}
}

static int fail_content(struct report_write_error *err, int code, const char *path)
{
	switch (code) {
	case -ENOSPC:
	case -EDQUOT:
		return fail(err, code, "make room there, or name another file with -o",
			    "cannot write all of %s", path);
	case -EPIPE:
		return fail(err, code,
			    "the reader left early; write to a file with -o FILE",
			    "cannot write all of %s", path);
	case -ENOMEM:
		return fail(err, code, "free some memory and try again",
			    "cannot build the report for %s", path);
	default:
		return fail(err, code, "name another file with -o",
			    "cannot write all of %s", path);
	}
}

/* Where the temporary file is, and what removes it. */
struct temporary {
	int dir;             /* descriptor of the directory */
	int fd;              /* the open file, -1 once closed */
	char name[NAME_MAX]; /* in it; "" when there is nothing to remove */
};

static void temporary_done(struct temporary *t)
{
	int saved = errno;

	if (t->name[0])
		(void)unlinkat(t->dir, t->name, 0);
	fd_close(&t->fd);
	fd_close(&t->dir);
	errno = saved;
}

/* The name keeps within NAME_MAX however long @base is. */
static int temporary_open(struct temporary *t, const char *dir, const char *base)
{
	t->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir < 0)
		return -errno;
	for (unsigned int n = 0; n < 100; n++) {
		(void)snprintf(t->name, sizeof(t->name), ".%.200s.vhostcheck-%ld-%u",
			       base, (long)getpid(), n);
		t->fd = openat(t->dir, t->name,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0666);
		if (t->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	t->name[0] = '\0';
	return -errno;
}

/* Some file systems cannot sync a directory; the rename is done all the same. */
static int sync_directory(int dir)
{
	return fsync(dir) && errno != EINVAL && errno != EROFS ? -errno : 0;
}

static int write_beside(const struct report *r, const char *path, const char *real,
			struct report_write_error *err)
{
	cleanup_(temporary_done) struct temporary t = { .dir = -1, .fd = -1 };
	cleanup_free char *for_dir = strdup(real);
	cleanup_free char *for_base = strdup(real);
	const char *dir = for_dir ? dirname(for_dir) : NULL;
	const char *base = for_base ? basename(for_base) : NULL;
	int e = 0;

	if (!dir || !base)
		return fail_content(err, -ENOMEM, path);
	e = temporary_open(&t, dir, base);
	if (e < 0)
		return fail_directory(err, e, path, dir);
	e = put_report(&(struct sink){ .fd = t.fd }, r);
	if (e == 0 && fsync(t.fd))
		e = -errno;
	if (e == 0 && close(take_fd(&t.fd)))
		e = -errno;
	if (e < 0)
		return fail_content(err, e, path);
	if (renameat(t.dir, t.name, t.dir, base))
		return fail(err, -errno, "name another file with -o",
			    "cannot put %s in its place", path);
	t.name[0] = '\0';
	e = sync_directory(t.dir);
	return e ? fail(err, e, "check the disk", "%s is written but not yet safe", path)
		 : 0;
}

static int write_through(const struct report *r, const char *path,
			 struct report_write_error *err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int e = 0;

	if (fd < 0)
		return fail(err, -errno, "name another file with -o", "cannot open %s",
			    path);
	e = put_report(&(struct sink){ .fd = fd }, r);
	if (e == 0 && close(take_fd(&fd)))
		e = -errno;
	return e ? fail_content(err, e, path) : 0;
}

int report_write_file(const struct report *r, const char *path,
		      struct report_write_error *err)
{
	cleanup_free char *real = NULL;
	struct stat st = { 0 };
	int e = 0;

	if (!strcmp(path, "-")) {
		e = put_report(&(struct sink){ .fd = STDOUT_FILENO }, r);
		return e ? fail_content(err, e, "standard output") : 0;
	}
	if (!*path || path[strlen(path) - 1] == '/' ||
	    (!stat(path, &st) && S_ISDIR(st.st_mode)))
		return fail(err, -EISDIR, "name a file in it with -o",
			    "cannot write \"%s\"", path);
	if (st.st_mode && !S_ISREG(st.st_mode))
		return write_through(r, path, err);
	real = realpath(path, NULL); /* absent: a file that is new */
	return write_beside(r, path, real ? real : path, err);
}

/* ------------------------------------------------------------------ reading */

int report_read_text(struct arena *a, const char *text, size_t len, struct report *ret,
		     struct rec_error *err)
{
	return rec_from_text(a, &report_shape, text, len, ret, err);
}

const char *const report_schema_kinds[] = { "report",       "reports", "journal",
					    "expectations", "diff",    NULL };

int report_schema_json(const char *kind, struct json_object **ret)
{
	struct json_object *schema = NULL;

	if (!strcmp(kind, "report"))
		schema = rec_schema(&report_shape, "urn:vhostcheck:report:1");
	else if (!strcmp(kind, "reports"))
		schema = rec_schema(&reports_shape, "urn:vhostcheck:reports:1");
	else if (!strcmp(kind, "journal"))
		schema = rec_schema(&journal_line_shape, "urn:vhostcheck:journal:1");
	else if (!strcmp(kind, "expectations"))
		schema = rec_schema(&expectations_shape, "urn:vhostcheck:expectations:1");
	else if (!strcmp(kind, "diff"))
		schema = rec_schema(&diff_shape, "urn:vhostcheck:diff:1");
	else
		return -ENOENT;
	if (!schema)
		return -ENOMEM;
	*ret = schema;
	return 0;
}
