/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/number.h"
#include "cmd/trace.h"
#include "trace/watch.h"

enum {
	OPT_CLEAN = 0x700,
	OPT_WHAT_IF,
	OPT_SAVE_STACK,
	OPT_ATTACH,
	OPT_FAIL_ON,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/**
 * struct session - one trace
 * @ctx, @o:	options
 * @out:	-o, or NULL
 * @out_err:	errno of the first write that failed
 * @severity:	of the worst verdict, -1 if none is bad
 */
struct session {
	const struct cmd_ctx *ctx;
	const struct trace_options *o;
	FILE *out;
	int out_err, severity;
};

/* ----------------------------------------------------------------- options */

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Write the dialogue to FILE, as JSON Lines", 1 },
	{ "clean", OPT_CLEAN, NULL, 0,
	  "Leave out of FILE what differs from run to run: processes, addresses", 1 },
	{ "what-if", OPT_WHAT_IF, "BITS|REPORT", 0,
	  "Show CMD these bits (33,40), or those of a report's kernel, as if the kernel "
	  "offered them, and say what it does; the kernel does not get them",
	  1 },
	{ "save-stack", OPT_SAVE_STACK, "FILE", 0,
	  "Write the dialogue to FILE as a policy, which --stack plays on another kernel",
	  1 },
	{ "attach", OPT_ATTACH, "PID", 0,
	  "Look at a VMM that runs, in place of CMD: its vhost devices, and whether one "
	  "waits for it",
	  1 },
	{ "fail-on", OPT_FAIL_ON, "SEVERITY", 0,
	  "Exit with 1 in place of 0 on a verdict of this severity: low, medium, high, "
	  "critical",
	  1 },
	{ 0 },
};

static error_t take_pid(struct argp_state *state, struct trace_options *o,
			const char *word)
{
	int64_t pid = number_of(word);

	if (pid < 1 || pid > INT32_MAX) {
		argp_error(state, "--attach: '%s' is no process number", word);
		return EINVAL;
	}
	o->attach = (pid_t)pid;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace_options *o = state->input;

	switch (key) {
	case 'o':
		o->output = arg;
		return 0;
	case OPT_CLEAN:
		o->clean = true;
		return 0;
	case OPT_WHAT_IF:
		o->what_if = arg;
		return 0;
	case OPT_ATTACH:
		return take_pid(state, o, arg);
	case OPT_SAVE_STACK:
		o->save_stack = arg;
		return 0;
	case OPT_FAIL_ON:
		return cmd_take_severity(state, arg, &o->fail_on);
	case ARGP_KEY_ARG:
		argp_error(state, "put -- before the command: -- %s", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp trace_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "-- CMD [ARG...]\n--attach PID",
	.doc = "Run CMD, watch what it and all that it starts say to vhost, and tell on "
	       "standard error what is wrong with it. Standard input, output and the exit "
	       "status are CMD's.\v"
	       "With -v each call is shown as it is made.\n\n"
	       "Exit status: CMD's; 128+N if signal N ended it; 126 if it cannot be "
	       "executed, 127 if it is not found.",
};

static int usage(const struct cmd_ctx *ctx, const char *text)
{
	return cmd_fail(ctx, CMD_EXIT_USAGE, "usage", "see vhostcheck trace --help", "%s",
			text);
}

static int parse_options(struct cmd_ctx *ctx, int argc, char **argv, struct arena *a,
			 struct trace_options *o)
{
	int own = 1, status = 0;

	while (own < argc && strcmp(argv[own], "--") != 0)
		own++;
	if (own < argc) {
		o->command = argv + own + 1;
		argv[own] = NULL;
	}
	status = cmd_parse(ctx, &trace_argp, own, argv, o);
	if (status != CMD_GO_ON)
		return status;
	if (o->attach && (o->command || o->what_if || o->save_stack || o->output))
		return usage(ctx,
			     "--attach goes with no CMD, and with none of -o, --what-if "
			     "and --save-stack");
	if (o->attach && !ctx->json)
		return CMD_GO_ON;
	if (!o->attach && (!o->command || !*o->command))
		return usage(ctx, "say what to run: -- CMD [ARG...]");
	if (ctx->json)
		return usage(ctx, "there is no JSON on standard output, which is CMD's: "
				  "use -o FILE");
	if (o->output && !strcmp(o->output, "-"))
		return usage(ctx, "standard output is CMD's: -o needs a file");
	status = trace_what_if(ctx, a, o);
	return status ? status : CMD_GO_ON;
}

/* ------------------------------------------------------------------- lines */

static void write_line(struct session *s, const struct trace_line *line)
{
	struct json_object *json = NULL;

	if (!s->out || s->out_err)
		return;
	json = rec_to_json(&trace_line_shape, line);
	if (!json)
		s->out_err = ENOMEM;
	else if (fprintf(s->out, "%s\n",
			 json_object_to_json_string_ext(
				 json, JSON_C_TO_STRING_PLAIN |
					       JSON_C_TO_STRING_NOSLASHESCAPE)) < 0 ||
		 fflush(s->out))
		s->out_err = errno;
	json_object_put(json);
}

static void worse(struct session *s, int verdict)
{
	int severity = trace_severity(verdict);

	s->severity = severity > s->severity ? severity : s->severity;
}

static void take_line(void *ctx, const struct trace_line *line)
{
	struct session *s = ctx;
	bool bad = false;

	write_line(s, line);
	if (s->ctx->verbosity)
		trace_text_live(line);
	if (line->type != LINE_END)
		return;
	worse(s, line->end.verdict);
	bad = trace_severity(line->end.verdict) >= 0;
	if (line->end.what_if) {
		worse(s, line->end.what_if->verdict);
		bad = bad || trace_severity(line->end.what_if->verdict) >= 0;
	}
	if (!s->ctx->quiet || bad)
		trace_text_end(s->ctx, &line->end);
}

static int put_shown(struct arena *a, const struct trace_options *o, struct rec_list *ret)
{
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
		int64_t *n = NULL;
		bool any = false;

		for (int f = 0; f < FAMILY_NUM; f++)
			any = any || feature_set_has(&o->shown[f], bit);
		if (!any)
			continue;
		n = rec_list_new(a, ret, sizeof(*n));
		if (!n)
			return -ENOMEM;
		*n = bit;
	}
	return 0;
}

static int write_start(struct session *s)
{
	cleanup_arena struct arena a = { 0 };
	struct trace_line line = { .type = LINE_START };
	struct utsname u;

	line.start.command = basename(s->o->command[0]);
	if (!s->o->clean && uname(&u) == 0)
		line.start.kernel = u.release;
	if (put_shown(&a, s->o, &line.start.what_if) < 0)
		return -ENOMEM;
	write_line(s, &line);
	return 0;
}

/* ------------------------------------------------------------------- trace */

static void notice(const struct cmd_ctx *ctx, const char *command)
{
	if (ctx->quiet)
		return;
	(void)fprintf(stderr,
		      "vhostcheck: tracing %s. Set-uid programs that it starts get no "
		      "rights by that, and if vhostcheck is killed its vhost calls fail "
		      "with ENOSYS. This is a diagnostic, no security boundary, and not "
		      "for guests in production.\n",
		      basename(command));
}

static int fail_start(const struct cmd_ctx *ctx, const char *command, int e,
		      enum tracer_step step)
{
	if (step == TRACER_EXEC)
		return cmd_fail(ctx, e == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE,
				"command", NULL, "%s: %s", command, strerror(-e));
	if (step == TRACER_FILTER)
		return cmd_fail(ctx, CMD_EXIT_LAB, "trace",
				"the kernel needs CONFIG_SECCOMP_FILTER",
				"cannot load the seccomp filter: %s", strerror(-e));
	return cmd_fail(ctx, CMD_EXIT_LAB, "trace",
			"ptrace must be allowed here: see ptrace(2), and Yama's "
			"kernel.yama.ptrace_scope",
			"cannot trace %s: %s", command, strerror(-e));
}

static int status_of(const struct session *s, int wait_status)
{
	int status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
					      : WEXITSTATUS(wait_status);

	if (status == 0 && s->o->fail_on >= 0 && s->severity >= s->o->fail_on)
		return 1;
	return status;
}

static int fail_output(const struct session *s, int error)
{
	return cmd_fail(s->ctx, CMD_EXIT_LAB, "output",
			"choose a directory that exists and can be written",
			"cannot write %s: %s", s->o->output, strerror(error));
}

static int follow(struct session *s, struct watch *w, const struct tracer_reader *reader)
{
	cleanup_(tracer_done) struct tracer t = { .signals = -1 };
	enum tracer_step step = TRACER_START;
	int status = 0, e = 0;

	e = tracer_start(&t, reader, s->o->command, &step);
	if (e < 0)
		return fail_start(s->ctx, s->o->command[0], e, step);
	notice(s->ctx, s->o->command[0]);
	e = tracer_run(&t);
	if (e == 0)
		e = watch_end(w);
	if (e == -ENOMEM)
		return cmd_fail_memory(s->ctx);
	if (e < 0)
		return cmd_fail(s->ctx, CMD_EXIT_LAB, "trace", NULL,
				"cannot follow %s: %s", s->o->command[0], strerror(-e));
	e = trace_save(s->ctx, s->o, &w->files);
	status = status_of(s, t.status);
	if (e && !status)
		status = e;
	if (s->out_err)
		return fail_output(s, s->out_err);
	return status;
}

static int trace(struct session *s)
{
	cleanup_(watch_done) struct watch w = { .files = { .epoll = -1 } };
	struct watch_options wo = { .clean = s->o->clean, .line = take_line, .ctx = s };
	struct tracer_reader reader;
	int e = 0;

	memcpy(wo.shown, s->o->shown, sizeof(wo.shown));
	e = watch_init(&w, &wo, &reader);
	if (e == 0 && s->out)
		e = write_start(s);
	if (e == -ENOMEM)
		return cmd_fail_memory(s->ctx);
	if (e < 0)
		return cmd_fail(s->ctx, CMD_EXIT_LAB, "trace", NULL,
				"cannot begin to trace: %s", strerror(-e));
	return follow(s, &w, &reader);
}

static int run_trace(struct cmd_ctx *ctx, int argc, char **argv)
{
	cleanup_arena struct arena a = { 0 };
	cleanup_file FILE *out = NULL;
	struct trace_options o = { .fail_on = -1 };
	struct session s = { .ctx = ctx, .o = &o, .severity = -1 };
	int r = parse_options(ctx, argc, argv, &a, &o);

	if (r != CMD_GO_ON)
		return r;
	if (o.attach)
		return trace_attach(ctx, &o);
	r = trace_save_check(ctx, &o);
	if (r)
		return r;
	if (o.output) {
		out = fopen(o.output, "we");
		if (!out)
			return fail_output(&s, errno);
	}
	s.out = out;
	return trace(&s);
}

const struct cmd cmd_trace = {
	.name = "trace",
	.help = "run a VMM and watch what it says to vhost",
	.run = run_trace,
};
