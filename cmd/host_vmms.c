/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "base/dir.h"
#include "base/number.h"
#include "cmd/host_vmms.h"
#include "cmd/list.h"

static bool has_word(const struct rec_list *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->item[i], word))
			return true;
	return false;
}

static int add_word(struct arena *a, struct rec_list *list, const char *word)
{
	return has_word(list, word) ? 0 : rec_list_add(a, list, word);
}

/* ---------------------------------------------------------------- packages */

static int add_package(struct arena *a, struct rec_list *ret, const char *name,
		       const char *version)
{
	struct host_package *p = rec_list_new(a, ret, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->name = arena_strdup(a, name);
	p->version = arena_strdup(a, version);
	return p->name && p->version ? 0 : -ENOMEM;
}

/* The value of a field of dpkg's status file, or NULL. */
static const char *field(const char *line, const char *key)
{
	size_t len = strlen(key);

	return strncmp(line, key, len) != 0 ? NULL : line + len;
}

static void copy(char *to, size_t room, const char *from)
{
	(void)snprintf(to, room, "%s", from);
}

/** struct paragraph - one package of /var/lib/dpkg/status, as far as it was read */
struct paragraph {
	char name[128], version[128];
	bool installed;
};

static void take_line(struct paragraph *p, char *line)
{
	const char *value = NULL;

	line[strcspn(line, "\n")] = '\0';
	if ((value = field(line, "Package: ")))
		copy(p->name, sizeof(p->name), value);
	else if ((value = field(line, "Version: ")))
		copy(p->version, sizeof(p->version), value);
	else if ((value = field(line, "Status: ")))
		p->installed = strstr(value, " ok installed") != NULL;
}

static int read_dpkg(struct arena *a, const char *root, const struct rec_list *names,
		     struct rec_list *ret)
{
	const char *path = arena_printf(a, "%s/var/lib/dpkg/status", root);
	cleanup_file FILE *f = path ? fopen(path, "re") : NULL;
	cleanup_free char *line = NULL;
	struct paragraph p = { 0 };
	size_t room = 0;
	int r = 0;

	while (f && r == 0) {
		bool more = getline(&line, &room, f) >= 0;

		if (more && *line != '\n') {
			take_line(&p, line);
			continue;
		}
		if (p.installed && *p.version && has_word(names, p.name))
			r = add_package(a, ret, p.name, p.version);
		p = (struct paragraph){ 0 };
		if (!more)
			break;
	}
	return path ? r : -ENOMEM;
}

/* "NAME VERSION" of what is installed; what rpm says of the others begins otherwise. */
static int read_rpm_lines(struct arena *a, FILE *f, const struct rec_list *names,
			  struct rec_list *ret)
{
	cleanup_free char *line = NULL;
	size_t room = 0;
	int r = 0;

	while (r == 0 && getline(&line, &room, f) >= 0) {
		char *version = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (!version || strchr(version + 1, ' '))
			continue;
		*version++ = '\0';
		if (has_word(names, line))
			r = add_package(a, ret, line, version);
	}
	return r;
}

static bool has_rpms(const char *root)
{
	static const char *const places[] = { "/var/lib/rpm/rpmdb.sqlite",
					      "/var/lib/rpm/Packages",
					      "/var/lib/rpm/Packages.db",
					      "/usr/lib/sysimage/rpm/rpmdb.sqlite",
					      "/usr/lib/sysimage/rpm/Packages.db" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", root, places[i]);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* Its output is read from the descriptor that is returned. */
static int spawn_rpm(const char *path, char *const *argv, pid_t *ret_pid)
{
	char env_path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LC_ALL=C";
	char *const env[] = { env_path, lang, NULL };
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], e = 0;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return -errno;
	e = posix_spawn_file_actions_init(&actions);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	if (e == 0)
		e = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
						     O_WRONLY, 0);
	if (e == 0)
		e = posix_spawn(ret_pid, path, &actions, NULL, argv, env);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(pipe_fd[1]);
	if (e == 0)
		return pipe_fd[0];
	(void)close(pipe_fd[0]);
	return -e;
}

static int ask_rpm(struct arena *a, const char *root, const struct rec_list *names,
		   struct rec_list *ret)
{
	static const char *const begin[] = { "rpm", "-q", "--qf",
					     "%{NAME} %{VERSION}\\n" };
	const char *path = arena_printf(a, "%s/usr/bin/rpm", root);
	char **argv =
		arena_alloc(a, (ARRAY_SIZE(begin) + names->count + 1) * sizeof(*argv));
	cleanup_file FILE *f = NULL;
	size_t n = 0;
	pid_t pid = 0;
	int fd = 0, r = 0;

	if (!path || !argv)
		return -ENOMEM;
	if (!has_rpms(root) || access(path, X_OK) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		argv[n++] = arena_strdup(a, begin[i]);
	for (size_t i = 0; i < names->count; i++)
		argv[n++] = names->item[i];
	fd = spawn_rpm(path, argv, &pid);
	if (fd < 0)
		return fd;
	f = fdopen(fd, "r");
	r = f ? read_rpm_lines(a, f, names, ret) : -ENOMEM;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

int host_packages(struct arena *a, const char *root, const struct rec_list *names,
		  struct rec_list *ret)
{
	int r = read_dpkg(a, root, names, ret);

	return r == 0 ? ask_rpm(a, root, names, ret) : r;
}

/* --------------------------------------------------------------- processes */

static int look_at(struct arena *a, const char *root, const char *pid,
		   const struct rec_list *names, struct rec_list *ret)
{
	static const char deleted[] = " (deleted)";
	char exe[PATH_MAX], target[PATH_MAX];
	struct host_process *p = NULL;
	ssize_t len = 0;
	char *gone = NULL;

	(void)snprintf(exe, sizeof(exe), "%s/proc/%.20s/exe", root, pid);
	len = readlink(exe, target, sizeof(target) - 1);
	if (len <= 0)
		return 0;
	target[len] = '\0';
	gone = strstr(target, deleted);
	if (gone && !gone[sizeof(deleted) - 1])
		*gone = '\0';
	if (*target != '/' || !has_word(names, strrchr(target, '/') + 1))
		return 0;
	for (size_t i = 0; i < ret->count; i++)
		if (!strcmp(((const struct host_process *)ret->item[i])->path, target))
			return 0;
	p = rec_list_new(a, ret, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->path = arena_strdup(a, target);
	p->pid = number_of(pid);
	return p->path ? 0 : -ENOMEM;
}

int host_processes(struct arena *a, const char *root, const struct rec_list *names,
		   struct rec_list *ret)
{
	const char *path = arena_printf(a, "%s/proc", root);
	cleanup_dir DIR *proc = path ? opendir(path) : NULL;
	struct dirent *e = NULL;
	int r = path ? 0 : -ENOMEM;

	while (proc && r == 0 && (e = readdir(proc)))
		if (number_of(e->d_name) >= 0)
			r = look_at(a, root, e->d_name, names, ret);
	return r;
}

/* ----------------------------------------------------------------- matches */

/* The numbers with which the upstream version begins. */
static void numbers_of(const char *version, char *ret, size_t room)
{
	const char *epoch = strchr(version, ':');
	const char *begin = epoch ? epoch + 1 : version;

	(void)snprintf(ret, room, "%.*s", (int)strspn(begin, "0123456789."), begin);
}

bool host_version_in(const char *version, const char *since, const char *before)
{
	char numbers[64];

	numbers_of(version, numbers, sizeof(numbers));
	return *numbers && (!since || strverscmp(numbers, since) >= 0) &&
	       (!before || strverscmp(numbers, before) < 0);
}

/** struct host - what is here of what policies name */
struct host {
	struct rec_list packages, vmms, processes;
};

static int survey(struct arena *a, const char *root, const struct rec_list *library,
		  struct host *ret)
{
	struct rec_list packages = { 0 }, executables = { 0 };
	int r = 0;

	for (size_t i = 0; i < library->count && r == 0; i++) {
		const struct stack *s = library->item[i];

		for (size_t k = 0; k < s->packages.count && r == 0; k++)
			r = add_word(a, &packages,
				     ((const struct stack_package *)s->packages.item[k])
					     ->name);
		for (size_t k = 0; k < s->executables.count && r == 0; k++)
			r = add_word(a, &executables, s->executables.item[k]);
	}
	if (r == 0)
		r = host_packages(a, root, &packages, &ret->packages);
	if (r == 0)
		r = list_find_vmms(a, &executables, &ret->vmms);
	return r == 0 ? host_processes(a, root, &executables, &ret->processes) : r;
}

/* Whether one of a policy's packages is installed; with @ret in a version of its own. */
static bool has_package(const struct host *h, const struct stack *s,
			const struct host_package **ret)
{
	bool any = false;

	*ret = NULL;
	for (size_t i = 0; i < h->packages.count; i++) {
		const struct host_package *p = h->packages.item[i];

		for (size_t k = 0; k < s->packages.count; k++) {
			const struct stack_package *q = s->packages.item[k];

			if (strcmp(p->name, q->name) != 0)
				continue;
			any = true;
			if (!*ret && host_version_in(p->version, q->since, q->before))
				*ret = p;
		}
	}
	return any;
}

static bool shares_executable(const struct stack *a, const struct stack *b)
{
	for (size_t i = 0; i < a->executables.count; i++)
		if (has_word(&b->executables, a->executables.item[i]))
			return true;
	return false;
}

/* Whether a package tells which version of a policy's VMM is here. */
static bool is_packaged(const struct host *h, const struct rec_list *library,
			const struct stack *s)
{
	const struct host_package *unused = NULL;

	for (size_t i = 0; i < library->count; i++)
		if (shares_executable(s, library->item[i]) &&
		    has_package(h, library->item[i], &unused))
			return true;
	return false;
}

static const char *by_executable(struct arena *a, const struct host *h,
				 const struct stack *s)
{
	for (size_t i = 0; i < h->processes.count; i++) {
		const struct host_process *p = h->processes.item[i];

		if (has_word(&s->executables, strrchr(p->path, '/') + 1))
			return arena_printf(
				a,
				"%s runs (pid %d), of a version that no package "
				"tells",
				p->path, (int)p->pid);
	}
	for (size_t i = 0; i < h->vmms.count; i++) {
		const struct list_vmm *v = h->vmms.item[i];

		if (has_word(&s->executables, v->name))
			return arena_printf(a, "%s, of a version that no package tells",
					    v->path);
	}
	return NULL;
}

static int match(struct arena *a, const struct host *h, const struct rec_list *library,
		 const struct stack *s, struct rec_list *ret)
{
	const struct host_package *package = NULL;
	struct host_match *m = NULL;
	const char *how = NULL;

	if (has_package(h, s, &package) && package)
		how = arena_printf(a, "package %s %s", package->name, package->version);
	else if (!is_packaged(h, library, s))
		how = by_executable(a, h, s);
	if (!how)
		return 0;
	m = rec_list_new(a, ret, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct host_match){ s, how };
	return 0;
}

int host_matches(struct arena *a, const char *root, const struct rec_list *library,
		 struct rec_list *ret)
{
	struct host h = { 0 };
	int r = survey(a, root, library, &h);

	for (size_t i = 0; i < library->count && r == 0; i++)
		r = match(a, &h, library, library->item[i], ret);
	return r;
}
