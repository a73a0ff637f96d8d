/* SPDX-License-Identifier: MIT */
/* The report as a JSON file: written whole or not at all. */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "report/report.h"

/**
 * struct report_write_error - why a file was not written, ready to print
 * @text:	one line that names the file and the step that failed
 * @hint:	what to do next; static
 */
struct report_write_error {
	char text[512];
	const char *hint;
};

/**
 * json_write_fd() - print a JSON value, indented by two spaces, and a newline
 * @json:	borrowed
 * @fd:		where to; short writes are completed, a full pipe is waited for
 *
 * Return: 0; -ENOMEM; -errno of write(2) (-EPIPE, -ENOSPC, ...).
 */
int json_write_fd(struct json_object *json, int fd) must_check_;

/**
 * json_print() - json_write_fd() to a stream
 * @json:	borrowed
 * @out:	stream; what it does not take its owner finds out
 *
 * Return: 0; -ENOMEM.
 */
int json_print(struct json_object *json, FILE *out) must_check_;

/**
 * report_print() - json_print() of a report
 * @r:		report
 * @out:	stream; what it does not take its owner finds out
 *
 * Return: 0; -ENOMEM; -EPROTO if json-c writes an empty list in another way than it did.
 */
int report_print(const struct report *r, FILE *out) must_check_;

/**
 * report_write_file() - write a report
 * @r:		report
 * @path:	file, or "-" for standard output
 * @err:	filled in on failure
 *
 * A temporary file beside @path is written, synced and renamed, so that @path is the old
 * report or the whole new one at any time. What is no regular file (/dev/null, a pipe)
 * is written to directly. A symbolic link is followed.
 * Return: 0; -errno of the step that failed (-ENOENT: its directory is missing, -EROFS,
 * -EACCES, -ENOSPC, -EDQUOT, -EISDIR, -EPIPE, ...); -ENOMEM. Nothing is left then.
 */
int report_write_file(const struct report *r, const char *path,
		      struct report_write_error *err) must_check_;

/** report_schema_kinds - what report_schema_json() knows, ended by NULL */
extern const char *const report_schema_kinds[];

/**
 * report_schema_json() - the JSON Schema of a kind of document
 * @kind:	one of report_schema_kinds: "report"; "reports" for those of several
 *		kernels; "journal" for one line of a journal
 * @ret:	new object, owned by the caller
 *
 * Return: 0; -ENOENT if @kind is none; -ENOMEM.
 */
int report_schema_json(const char *kind, struct json_object **ret) must_check_;

#endif
