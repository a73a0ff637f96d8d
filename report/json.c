/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <json-c/printbuf.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memo.h"
#include "report/diff.h"
#include "report/expect.h"
#include "report/journal.h"
#include "report/json.h"
#include "report/parts.h"
#include "report/write.h"

/* ------------------------------------------------------------------ printing */

/** struct out - what is printed, before it goes to a stream, or else to a descriptor */
struct out {
	FILE *stream;
	int fd;
	struct printbuf *text;
};

static void out_done(struct out *o)
{
	printbuf_free(o->text);
}

static int flush(struct out *o)
{
	size_t len = (size_t)o->text->bpos;
	int e = 0;

	if (o->stream)
		(void)fwrite(o->text->buf, 1, len, o->stream);
	else
		e = write_all(o->fd, o->text->buf, len);
	printbuf_reset(o->text);
	return e;
}

static int put(struct out *o, const char *text, size_t len)
{
	return printbuf_memappend(o->text, text, (int)len) < 0 ? -ENOMEM : 0;
}

static int put_blanks(struct out *o, size_t n)
{
	return printbuf_memset(o->text, -1, ' ', (int)n) < 0 ? -ENOMEM : 0;
}

/*
 * Text of json-c, each line @indent blanks further in. An empty array or object, inside
 * which it breaks the line, "[\n  ]", is closed at once.
 */
static int put_indented(struct out *o, const char *text, const char *end, size_t indent)
{
	bool quoted = false;
	const char *from = text;
	int e = 0;

	for (const char *c = text; c < end && e == 0; c++) {
		size_t blanks = 0;

		if (*c == '"') {
			quoted = !quoted;
		} else if (quoted) {
			c += *c == '\\';
		} else if (*c == '\n') {
			e = put(o, from, (size_t)(c + 1 - from));
			e = e == 0 ? put_blanks(o, indent) : e;
			from = c + 1;
		} else if (*c == '[' || *c == '{') {
			blanks = strspn(c + 1, " \n");
			if (c + 1 + blanks >= end || !strchr("]}", c[1 + blanks]))
				continue;
			e = put(o, from, (size_t)(c + 1 - from));
			c += blanks;
			from = c + 1;
		}
	}
	return e == 0 ? put(o, from, (size_t)(end - from)) : e;
}

static const char *pretty(struct json_object *json, size_t *ret_len)
{
	return json_object_to_json_string_length(json,
						 JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_SPACED |
							 JSON_C_TO_STRING_NOSLASHESCAPE,
						 ret_len);
}

static int put_json(struct out *o, struct json_object *json, size_t indent)
{
	size_t len = 0;
	const char *text = pretty(json, &len);

	return text ? put_indented(o, text, text + len, indent) : -ENOMEM;
}

static int print(struct json_object *json, struct out *o)
{
	int e = put_json(o, json, 0);

	if (e == 0)
		e = put(o, "\n", 1);
	return e == 0 ? flush(o) : e;
}

int json_write_fd(struct json_object *json, int fd)
{
	cleanup_(out_done) struct out o = { .fd = fd, .text = printbuf_new() };

	return o.text ? print(json, &o) : -ENOMEM;
}

int json_print(struct json_object *json, FILE *out)
{
	cleanup_(out_done) struct out o = { .stream = out, .text = printbuf_new() };

	return o.text ? print(json, &o) : -ENOMEM;
}

/* ------------------------------------------------------- a report, part by part */

/** FLUSH_AT - bytes of text after which it is passed on */
#define FLUSH_AT (1 << 16)

/** PRINTED_MAX - texts that are kept; of a report that was read few differ */
#define PRINTED_MAX 4096u

/**
 * struct printer - a report that is being printed
 * @arena:	of what is kept
 * @printed:	text of elements without parts, by what they hold: those that were read
 *		from the same text share all that they point to
 * @kept:	how many
 */
struct printer {
	struct out out;
	struct arena arena;
	struct memo printed;
	size_t kept;
};

static void printer_done(struct printer *p)
{
	out_done(&p->out);
	memo_done(&p->printed);
	arena_done(&p->arena);
}

static int put_object(struct printer *p, const struct rec_shape *shape,
		      const struct report_part *parts, const void *obj, size_t indent);

static int put_shape(struct printer *p, const struct rec_shape *shape, const void *obj,
		     size_t indent)
{
	struct json_object *json = rec_to_json(shape, obj);
	int e = json ? put_json(&p->out, json, indent) : -ENOMEM;

	json_object_put(json);
	return e;
}

static int put_once(struct printer *p, const struct rec_shape *shape, const void *obj,
		    size_t indent)
{
	const char *known = memo_find(&p->printed, obj, shape->size);
	int begin = p->out.text->bpos, e = 0;
	char *text = NULL;

	if (known)
		return put(&p->out, known, strlen(known));
	e = put_shape(p, shape, obj, indent);
	if (e < 0 || p->kept == PRINTED_MAX)
		return e;
	p->kept++;
	text = arena_strdup(&p->arena, p->out.text->buf + begin);
	return text ? memo_add(&p->printed, obj, shape->size, text) : -ENOMEM;
}

static int put_list(struct printer *p, const struct report_part *part,
		    const struct rec_list *list, size_t indent)
{
	struct out *o = &p->out;
	int e = 0;

	for (size_t i = 0; i < list->count && e == 0; i++) {
		const void *item = list->item[i];

		e = i ? put(o, ",\n", 2) : put(o, "\n", 1);
		if (e == 0)
			e = put_blanks(o, indent + 2);
		if (e == 0)
			e = part->parts ? put_object(p, part->shape, part->parts, item,
						     indent + 2)
					: put_once(p, part->shape, item, indent + 2);
		if (e == 0 && o->text->bpos > FLUSH_AT)
			e = flush(o);
	}
	if (e == 0 && list->count)
		e = put(o, "\n", 1);
	return e == 0 && list->count ? put_blanks(o, indent) : e;
}

/* Its own text has these lists empty; there the elements are put. */
static int put_around(struct printer *p, const struct report_part *parts, const void *obj,
		      struct json_object *json, size_t indent)
{
	size_t len = 0;
	const char *text = pretty(json, &len), *at = text;
	int e = text ? 0 : -ENOMEM;

	for (size_t i = 0; parts[i].key && e == 0; i++) {
		const char *from = at;
		char empty[32];

		(void)snprintf(empty, sizeof(empty), "\n  \"%s\": [", parts[i].key);
		at = strstr(from, empty);
		if (!at)
			return -EPROTO;
		at += strlen(empty);
		e = put_indented(&p->out, from, at, indent);
		if (e == 0)
			e = put_list(p, &parts[i], report_part_list(&parts[i], obj),
				     indent + 2);
		at += strspn(at, " \n");
	}
	return e == 0 ? put_indented(&p->out, at, text + len, indent) : e;
}

static int put_object(struct printer *p, const struct rec_shape *shape,
		      const struct report_part *parts, const void *obj, size_t indent)
{
	cleanup_free void *rest = malloc(shape->size);
	struct json_object *json = NULL;
	int e = 0;

	if (!rest)
		return -ENOMEM;
	memcpy(rest, obj, shape->size);
	for (size_t i = 0; parts[i].key; i++)
		memset((char *)rest + parts[i].offset, 0, sizeof(struct rec_list));
	json = rec_to_json(shape, rest);
	e = json ? put_around(p, parts, obj, json, indent) : -ENOMEM;
	json_object_put(json);
	return e;
}

static int put_report(const struct report *r, FILE *stream, int fd)
{
	cleanup_(printer_done) struct printer p = {
		.out = { .stream = stream, .fd = fd, .text = printbuf_new() },
		.printed = { .arena = &p.arena },
	};
	int e = p.out.text ? put_object(&p, &report_shape, report_parts, r, 0) : -ENOMEM;

	if (e == 0)
		e = put(&p.out, "\n", 1);
	return e == 0 ? flush(&p.out) : e;
}

int report_print(const struct report *r, FILE *out)
{
	return put_report(r, out, -1);
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
	e = put_report(r, NULL, t.fd);
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
	e = put_report(r, NULL, fd);
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
		e = put_report(r, NULL, STDOUT_FILENO);
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

/* ------------------------------------------------------------------ schemas */

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
