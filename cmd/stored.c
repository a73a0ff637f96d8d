/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cmd/stored.h"

/* ------------------------------------------------------------------ the bytes */

/** struct bytes - a file as it grows in memory */
struct bytes {
	char *at;
	size_t len, room;
};

static int grow(struct bytes *b, size_t room)
{
	char *at = NULL;

	if (room > LOAD_MAX + 1)
		room = LOAD_MAX + 1;
	if (room <= b->room)
		return -EFBIG;
	at = realloc(b->at, room);
	if (!at)
		return -ENOMEM;
	b->at = at;
	b->room = room;
	return 0;
}

/* Of a large one huge pages are asked for: each page is a fault otherwise. */
static int make_room(struct bytes *b, size_t room)
{
	const size_t huge = (size_t)2 << 20;

	if (room < huge)
		return grow(b, room);
	b->at = aligned_alloc(huge, (room + huge - 1) / huge * huge);
	if (!b->at)
		return -ENOMEM;
	b->room = room;
	(void)madvise(b->at, room, MADV_HUGEPAGE);
	return 0;
}

/* Room at first: of a file all of it, and the byte by which its end is seen. */
static size_t first_room(int fd)
{
	const off_t least = 1 << 16;
	struct stat st;

	if (fstat(fd, &st) || st.st_size < least || st.st_size > (off_t)LOAD_MAX)
		return (size_t)least;
	return (size_t)st.st_size + 1;
}

static int slurp_all(int fd, struct bytes *b)
{
	int e = make_room(b, first_room(fd));

	while (e == 0) {
		ssize_t n =
			TEMP_FAILURE_RETRY(read(fd, b->at + b->len, b->room - b->len));

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		b->len += (size_t)n;
		if (b->len == b->room)
			e = grow(b, 2 * b->room);
	}
	return e;
}

static bool is_stdin(const char *path)
{
	return !strcmp(path, "-");
}

int stored_load(struct arena *a, const char *path, struct report *ret,
		struct stored_error *err)
{
	cleanup_close int fd = is_stdin(path)
				       ? dup(STDIN_FILENO)
				       : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct bytes b = { 0 };

	*err = (struct stored_error){ .error = fd < 0 ? -errno : slurp_all(fd, &b) };
	if (err->error == 0) {
		err->error = report_load(a, b.at, b.len, ret, &err->text);
		err->of_text = err->error < 0;
	}
	free(b.at);
	return err->error;
}

/* ------------------------------------------------------------------ failures */

static int fail_file(const struct cmd_ctx *ctx, const char *name, int e)
{
	const struct cmd_place place = { .file = name };

	if (e == -EFBIG)
		return cmd_fail_at(ctx, CMD_EXIT_LAB, "bad_report", &place, NULL,
				   "longer than %u MiB, which no report is",
				   LOAD_MAX >> 20);
	return cmd_fail_at(ctx, CMD_EXIT_LAB, "bad_report", &place,
			   e == -EISDIR ? "name a file in it" : NULL, "%s", strerror(-e));
}

static int fail_text(const struct cmd_ctx *ctx, const char *name,
		     const struct load_error *err)
{
	const struct cmd_place place = {
		.file = name,
		.line = err->at.line ? opt_int((int64_t)err->at.line)
				     : (struct opt_int){ 0 },
		.path = err->at.pointer,
	};

	return cmd_fail_at(ctx, CMD_EXIT_LAB, "bad_report", &place, err->hint, "%s%s%s",
			   err->at.pointer, *err->at.pointer ? ": " : "", err->at.text);
}

int stored_fail(const struct cmd_ctx *ctx, const char *path,
		const struct stored_error *err)
{
	const char *name = is_stdin(path) ? "standard input" : path;

	if (err->error == -ENOMEM)
		return cmd_fail_memory(ctx);
	return err->of_text ? fail_text(ctx, name, &err->text)
			    : fail_file(ctx, name, err->error);
}

int stored_read(const struct cmd_ctx *ctx, struct arena *a, const char *path,
		struct report *ret)
{
	struct stored_error err;

	return stored_load(a, path, ret, &err) < 0 ? stored_fail(ctx, path, &err) : 0;
}
