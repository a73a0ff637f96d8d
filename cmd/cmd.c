/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/build_info.h"
#include "cmd/cmd.h"
#include "report/json.h"
#include "report/summary.h"

/* ---------------------------------------------------------------- failures */

/** struct cmd_error - the object "error" */
struct cmd_error {
	const char *code, *text, *hint, *file;
	struct opt_int line;
	const char *path;
};

/** struct cmd_error_document - "vhostcheck-error/1" */
struct cmd_error_document {
	struct cmd_error error;
	int64_t exit_code;
};

static const struct rec_field error_fields[] = {
	REC_FIELD(struct cmd_error, code, REC_STR),
	REC_FIELD(struct cmd_error, text, REC_STR),
	{ "hint", REC_STR, offsetof(struct cmd_error, hint), true, NULL },
	{ "file", REC_STR, offsetof(struct cmd_error, file), true, NULL },
	REC_FIELD(struct cmd_error, line, REC_OPT_INT),
	{ "path", REC_STR, offsetof(struct cmd_error, path), true, NULL },
	{ 0 },
};

static const struct rec_shape error_shape = {
	.name = "error",
	.size = sizeof(struct cmd_error),
	.field = error_fields,
};

static const struct rec_field document_fields[] = {
	{ "schema", REC_CONST, 0, false, "vhostcheck-error/1" },
	{ "error", REC_OBJ, offsetof(struct cmd_error_document, error), false,
	  &error_shape },
	REC_FIELD(struct cmd_error_document, exit_code, REC_INT),
	{ 0 },
};

const struct rec_shape cmd_error_shape = {
	.name = "error_document",
	.size = sizeof(struct cmd_error_document),
	.field = document_fields,
};

static void keep_one_line(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

static void print_error_json(const struct cmd_error *e, int status)
{
	const struct cmd_error_document d = { .error = *e, .exit_code = status };
	struct json_object *json = rec_to_json(&cmd_error_shape, &d);

	if (json && json_write_fd(json, STDOUT_FILENO) < 0)
		(void)fputs("vhostcheck: the error did not fit on standard output\n",
			    stderr);
	json_object_put(json);
}

static int fail(const struct cmd_ctx *ctx, int status, const struct cmd_error *what,
		const char *fmt, va_list args) printf_(4, 0);

static int fail(const struct cmd_ctx *ctx, int status, const struct cmd_error *what,
		const char *fmt, va_list args)
{
	char text[1024];
	struct cmd_error e = *what;

	(void)vsnprintf(text, sizeof(text), fmt, args);
	keep_one_line(text);
	e.text = text;
	(void)fputs("vhostcheck: ", stderr);
	if (e.file)
		(void)fprintf(stderr, "%s:", e.file);
	if (e.line.set)
		(void)fprintf(stderr, "%lld:", (long long)e.line.v);
	(void)fprintf(stderr, "%s%s", e.file ? " " : "", text);
	if (e.hint)
		(void)fprintf(stderr, " (%s)", e.hint);
	(void)fputc('\n', stderr);
	if (ctx->json)
		print_error_json(&e, status);
	return status;
}

int cmd_fail(const struct cmd_ctx *ctx, int status, const char *code, const char *hint,
	     const char *fmt, ...)
{
	struct cmd_error e = { .code = code, .hint = hint };
	va_list args;

	va_start(args, fmt);
	status = fail(ctx, status, &e, fmt, args);
	va_end(args);
	return status;
}

int cmd_fail_at(const struct cmd_ctx *ctx, int status, const char *code,
		const struct cmd_place *place, const char *hint, const char *fmt, ...)
{
	struct cmd_error e = { .code = code,
			       .hint = hint,
			       .file = place->file,
			       .line = place->line,
			       .path = place->path };
	va_list args;

	va_start(args, fmt);
	status = fail(ctx, status, &e, fmt, args);
	va_end(args);
	return status;
}

int cmd_fail_written(const struct cmd_ctx *ctx, int r, const char *code, const char *kind,
		     const char *path, const struct written_error *err)
{
	const struct cmd_place place = {
		.file = path,
		.line = err->line ? opt_int((int64_t)err->line) : (struct opt_int){ 0 },
		.path = err->line ? err->pointer : NULL,
	};
	char hint[64];

	if (r == -ENOMEM)
		return cmd_fail_memory(ctx);
	(void)snprintf(hint, sizeof(hint), "see vhostcheck schema %s", kind);
	return cmd_fail_at(ctx, CMD_EXIT_USAGE, code, &place, err->line ? hint : NULL,
			   "%s%s%s", err->pointer, *err->pointer ? ": " : "", err->text);
}

int cmd_fail_memory(const struct cmd_ctx *ctx)
{
	return cmd_fail(ctx, CMD_EXIT_LAB, "internal", "free some memory and try again",
			"memory is exhausted");
}

/* ------------------------------------------------------------------ output */

int cmd_fail_stdout(const struct cmd_ctx *ctx, int error)
{
	struct cmd_ctx text_only = *ctx;

	text_only.json = false;
	/* said once: cmd_finish() finds a stream without an error */
	__fpurge(stdout);
	clearerr(stdout);
	if (error == EPIPE)
		return EXIT_SIGNAL + SIGPIPE;
	return cmd_fail(&text_only, CMD_EXIT_LAB, "stdout",
			"let its reader run to the end, or write to where there is room",
			"cannot write to standard output: %s", strerror(error));
}

int cmd_print_object(const struct cmd_ctx *ctx, struct json_object *json)
{
	int r = 0;

	if (!json)
		return cmd_fail_memory(ctx);
	r = json_write_fd(json, STDOUT_FILENO);
	json_object_put(json);
	return r < 0 ? cmd_fail_stdout(ctx, -r) : 0;
}

int cmd_print_json(const struct cmd_ctx *ctx, const struct rec_shape *shape,
		   const void *obj)
{
	return cmd_print_object(ctx, rec_to_json(shape, obj));
}

static bool is_dumb(void)
{
	const char *term = getenv("TERM");

	return term && !strcmp(term, "dumb");
}

bool cmd_uses_color(const struct cmd_ctx *ctx, int fd)
{
	const char *no = getenv("NO_COLOR");

	if (ctx->color != CMD_COLOR_AUTO)
		return ctx->color == CMD_COLOR_ALWAYS;
	return !(no && *no) && !is_dumb() && isatty(fd);
}

void cmd_page(const struct cmd_ctx *ctx, FILE *out, struct page *ret)
{
	enum {
		WIDTH_MAX = 100
	};
	struct winsize size = { 0 };
	int fd = fileno(out), width = 0;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0)
		width = size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
	page_init(ret, out, width, cmd_uses_color(ctx, fd));
	ret->verbosity = ctx->quiet ? -1 : ctx->verbosity;
}

/* ---------------------------------------------------------------- progress */

static bool shows_progress(const struct cmd_ctx *ctx)
{
	return !ctx->quiet && ctx->journal_fd < 0 && !is_dumb() && isatty(STDERR_FILENO);
}

void cmd_progress(const struct cmd_ctx *ctx, const char *fmt, ...)
{
	char text[256];
	struct winsize size;
	va_list args;

	if (!shows_progress(ctx))
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	keep_one_line(text);
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 1 &&
	    size.ws_col <= sizeof(text))
		text[size.ws_col - 1] = '\0';
	(void)fprintf(stderr, "\r\033[K%s", text);
}

void cmd_progress_end(const struct cmd_ctx *ctx)
{
	if (shows_progress(ctx))
		(void)fputs("\r\033[K", stderr);
}

/* ---------------------------------------------------- beginning and end of all */

void cmd_start(void)
{
	int fd = 0;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
	(void)signal(SIGPIPE, SIG_IGN);
}

bool cmd_wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

/* Of an error that stdio met before, and has not kept: a pipe still tells. */
static int lost_error(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && out.revents & POLLERR ? EPIPE : EIO;
}

int cmd_finish(const struct cmd_ctx *ctx, int status)
{
	int e = fflush(stdout) ? errno : 0;

	if (status >= EXIT_SIGNAL || (!e && !ferror(stdout)))
		return status;
	return cmd_fail_stdout(ctx, e ? e : lost_error());
}

int cmd_beside(const char *place, char *ret, size_t size)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = NULL;
	int n = 0;

	if (len < 0)
		return -errno;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	n = snprintf(ret, size, "%s/%s", self, place);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* ----------------------------------------------------------------- options */

error_t cmd_take_severity(struct argp_state *state, const char *word, int *ret)
{
	for (int i = 0; severity_names[i]; i++) {
		if (!strcmp(severity_names[i], word)) {
			*ret = i;
			return 0;
		}
	}
	argp_error(state, "--fail-on: '%s' is none of low, medium, high and critical",
		   word);
	return EINVAL;
}

enum {
	KEY_COLOR = 0x1000,
	KEY_JSON,
	KEY_USAGE,
};

static const struct argp_option common_options[] = {
	{ NULL, 0, NULL, 0, "Every command has:", -2 },
	{ "quiet", 'q', NULL, 0, "Print results without remarks", -2 },
	{ "verbose", 'v', NULL, 0, "Print more; twice prints all", -2 },
	{ "color", KEY_COLOR, "WHEN", 0, "Colour the text: auto, always or never", -2 },
	{ "json", KEY_JSON, NULL, 0, "Print one JSON object instead of text", -2 },
	{ "help", '?', NULL, 0, "Print this help", -1 },
	{ "usage", KEY_USAGE, NULL, 0, "Print a short usage message", -1 },
	{ "version", 'V', NULL, 0, "Print the version", -1 },
	{ 0 },
};

static int parse_color(struct cmd_ctx *ctx, const char *arg,
		       const struct argp_state *state)
{
	static const char *const words[] = { "auto", "always", "never" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(words[i], arg)) {
			ctx->color = (enum cmd_color)i;
			return 0;
		}
	}
	argp_error(state, "--color is auto, always or never, not '%s'", arg);
	return EINVAL;
}

/* ECANCELED ends argp_parse() without a word, and stands for: all is said. */
static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct cmd_ctx *ctx = state->input;

	switch (key) {
	case 'q':
		ctx->quiet = true;
		return 0;
	case 'v':
		ctx->verbosity++;
		return 0;
	case KEY_COLOR:
		return parse_color(ctx, arg, state);
	case KEY_JSON:
		ctx->json = true;
		return 0;
	case ARGP_KEY_ARGS: /* the command's own parser has left it */
		argp_error(state, "unexpected argument '%s'", state->argv[state->next]);
		return EINVAL;
	case '?':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return ECANCELED;
	case KEY_USAGE:
		argp_state_help(state, stdout, ARGP_HELP_USAGE);
		return ECANCELED;
	case 'V':
		(void)printf("vhostcheck %s\n", build_version);
		return ECANCELED;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/** struct inputs - of the two children of the parser that cmd_parse() makes */
struct inputs {
	void *own, *common;
};

/* NOLINTNEXTLINE(readability-non-const-parameter): the prototype is argp's */
static error_t parse_root(int key, char *arg, struct argp_state *state)
{
	const struct inputs *in = state->input;

	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = in->own;
	state->child_inputs[1] = in->common;
	return 0;
}

/* "vhostcheck run: unrecognized option '--x'\nTry ...": what is between. */
static const char *first_message(const struct cmd_ctx *ctx, char *text)
{
	size_t len = strlen(ctx->name);

	text[strcspn(text, "\n")] = '\0';
	if (!strncmp(text, ctx->name, len) && !strncmp(text + len, ": ", 2))
		return text + len + 2;
	return text;
}

/* Both getopt and argp print to stderr, which is a variable in the C library. */
static error_t parse_catching(const struct argp *root, int argc, char **argv,
			      struct inputs *in, char **ret_text)
{
	FILE *real = stderr;
	size_t len = 0;
	FILE *caught = open_memstream(ret_text, &len);
	error_t e = 0;

	if (!caught)
		return ENOMEM;
	stderr = caught;
	e = argp_parse(root, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, in);
	stderr = real;
	if (fclose(caught))
		return ENOMEM;
	return e == 0 && **ret_text ? EINVAL : e;
}

int cmd_parse(struct cmd_ctx *ctx, const struct argp *argp, int argc, char **argv,
	      void *input)
{
	static const struct argp common = { .options = common_options,
					    .parser = parse_common };
	const struct argp_child children[] = {
		{ argp, 0, NULL, 0 },
		{ &common, 0, NULL, 0 },
		{ 0 },
	};
	const struct argp root = { .parser = parse_root, .children = children };
	struct inputs in = { .own = input, .common = ctx };
	cleanup_free char *text = NULL;
	char hint[64];
	error_t e = parse_catching(&root, argc, argv, &in, &text);

	if (e == 0)
		return CMD_GO_ON;
	if (e == ECANCELED)
		return CMD_EXIT_OK;
	if (e == ENOMEM)
		return cmd_fail_memory(ctx);
	(void)snprintf(hint, sizeof(hint), "see %s --help", ctx->name);
	return cmd_fail(ctx, CMD_EXIT_USAGE, "usage", hint, "%s",
			*text ? first_message(ctx, text) : strerror(e));
}
