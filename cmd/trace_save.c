/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "cmd/trace.h"
#include "report/json.h"
#include "stacks/library.h"
#include "trace/policy.h"

#define NAME_MAX_BYTES 40

static void keep_allowed(char *c)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

	*c = (char)tolower((unsigned char)*c);
	if (!strchr(allowed, *c))
		*c = '-';
}

/* The file's name, as far as it makes a policy's, and no built-in one's. */
static const char *name_of(struct arena *a, const char *path)
{
	struct rec_list library = { 0 };
	struct written_error err = { 0 };
	char *name = arena_strdup(a, basename(path));
	char *dot = name ? strrchr(name, '.') : NULL;

	if (!name || stack_library(a, &library, &err) < 0)
		return NULL;
	if (dot && dot > name && !strcmp(dot, ".json"))
		*dot = '\0';
	for (char *c = name; *c; c++)
		keep_allowed(c);
	if (strlen(name) > NAME_MAX_BYTES)
		name[NAME_MAX_BYTES] = '\0';
	if (!stack_find(&library, name))
		return name;
	return arena_printf(a, "%.32s-traced", name);
}

/* With more than one family each gets a file: vmm.net.json beside vmm.vsock.json. */
static const char *path_of(struct arena *a, const char *path, enum family family,
			   bool alone)
{
	const char *dot = strrchr(basename(path), '.');
	size_t stem = dot ? (size_t)(dot - path) : strlen(path);

	if (alone)
		return path;
	return arena_printf(a, "%.*s.%s%s", (int)stem, path, family_names[family],
			    dot ? dot : "");
}

static int fail_write(const struct cmd_ctx *ctx, const char *path, int e)
{
	return cmd_fail(ctx, CMD_EXIT_LAB, "output",
			"choose a directory that exists and can be written",
			"cannot write %s: %s", path, strerror(-e));
}

/* What was not seen of a dialogue, such as the calls of a process that is not traced */
static int check_policy(const struct cmd_ctx *ctx, struct arena *a, const char *path,
			struct json_object *json)
{
	const char *text = json_object_to_json_string(json);
	struct written_error err = { 0 };
	const struct stack *read = NULL;
	int e = text ? stack_parse(a, text, strlen(text), &read, &err) : -ENOMEM;

	if (e == -ENOMEM)
		return cmd_fail_memory(ctx);
	if (e < 0)
		return cmd_fail(
			ctx, CMD_EXIT_LAB, "no_policy",
			"trace all processes that have the device",
			"%s is not written: what was seen makes no policy: %s: %s", path,
			err.pointer, err.text);
	return 0;
}

static int write_json(const struct cmd_ctx *ctx, const char *path,
		      struct json_object *json)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int e = fd < 0 ? -errno : json_write_fd(json, fd);

	return e < 0 ? fail_write(ctx, path, e) : 0;
}

static int write_policy(const struct cmd_ctx *ctx, struct arena *a, const char *path,
			const struct trace_device *d)
{
	struct utsname u = { 0 };
	struct policy_origin origin = { .vmm = d->program, .kernel = u.release };
	struct json_object *json = NULL;
	struct stack policy;
	int status = 0;

	(void)uname(&u);
	origin.name = name_of(a, path);
	if (!origin.name || policy_make(a, &d->state, &origin, &policy) < 0)
		return cmd_fail_memory(ctx);
	json = rec_to_json(&stack_shape, &policy);
	if (!json)
		return cmd_fail_memory(ctx);
	status = check_policy(ctx, a, path, json);
	if (status == 0)
		status = write_json(ctx, path, json);
	json_object_put(json);
	if (status == 0 && !ctx->quiet)
		(void)fprintf(stderr,
			      "vhostcheck: %s has the policy of %s towards %s; play it "
			      "with vhostcheck vm KERNEL --stack %s%s\n",
			      path, d->program, family_names[d->state.family],
			      strchr(path, '/') ? "" : "./", path);
	return status;
}

/* Of each family the device that was started last. */
static size_t find_started(const struct trace_files *files,
			   const struct trace_device *ret[FAMILY_NUM])
{
	size_t n = 0;

	for (size_t i = 0; i < files->devices; i++) {
		const struct trace_device *d = files->device[i];

		if (!d->state.start_tried)
			continue;
		n += !ret[d->state.family];
		ret[d->state.family] = d;
	}
	return n;
}

int trace_save_check(const struct cmd_ctx *ctx, const struct trace_options *o)
{
	cleanup_arena struct arena a = { 0 };
	const char *slash = o->save_stack ? strrchr(o->save_stack, '/') : NULL;
	const char *folder = ".";
	struct stat st;

	if (!o->save_stack)
		return 0;
	if (slash)
		folder = arena_printf(&a, "%.*s", (int)(slash - o->save_stack + 1),
				      o->save_stack);
	if (!folder)
		return cmd_fail_memory(ctx);
	if (access(folder, W_OK | X_OK) < 0)
		return fail_write(ctx, o->save_stack, -errno);
	if (stat(o->save_stack, &st) == 0 && S_ISDIR(st.st_mode))
		return fail_write(ctx, o->save_stack, -EISDIR);
	return 0;
}

int trace_save(const struct cmd_ctx *ctx, const struct trace_options *o,
	       const struct trace_files *files)
{
	cleanup_arena struct arena a = { 0 };
	const struct trace_device *started[FAMILY_NUM] = { NULL };
	size_t n = 0;
	int status = 0;

	if (!o->save_stack)
		return 0;
	n = find_started(files, started);
	if (!n)
		return cmd_fail(
			ctx, CMD_EXIT_LAB, "no_policy",
			"let its guest get so far that its driver starts the device",
			"%s is not written: no vhost device was started", o->save_stack);
	for (int f = 0; f < FAMILY_NUM && status == 0; f++) {
		const char *path = NULL;

		if (!started[f])
			continue;
		path = path_of(&a, o->save_stack, (enum family)f, n == 1);
		status = path ? write_policy(ctx, &a, path, started[f])
			      : cmd_fail_memory(ctx);
	}
	return status;
}
