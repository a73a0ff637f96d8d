/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <glob.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "base/build_id.h"
#include "base/build_info.h"
#include "base/slurp.h"
#include "cmd/facts_report.h"

/* What vhost uses, or what uses it; in the order of reports. */
static const char *const module_names[] = {
	"vhost",
	"vhost_iotlb",
	"vringh",
	"vhost_net",
	"vhost_vsock",
	"vhost_scsi",
	"vhost_vdpa",
	"tun",
	"tap",
	"vsock",
	"vmw_vsock_virtio_transport_common",
	"target_core_mod",
	"vdpa",
};

/* Options of the kernel's configuration that change what vhost does or how fast. */
static const char *const config_patterns[] = {
	"CONFIG_VHOST*",        "CONFIG_VSOCKETS*", "CONFIG_VIRTIO_VSOCKETS*",
	"CONFIG_TUN",           "CONFIG_TAP",       "CONFIG_VDPA*",
	"CONFIG_TARGET_CORE",   "CONFIG_KASAN",     "CONFIG_LOCKDEP",
	"CONFIG_PROVE_LOCKING", "CONFIG_PREEMPT",   "CONFIG_PREEMPT_*",
};

/* Parameters of the kernel that do, of all that a command line may hold. */
static const char *const parameter_patterns[] = {
	"mitigations", "nokaslr", "panic", "isolcpus", "vhost*.*",
};

static int add_pair(struct arena *a, struct rec_list *pairs, const char *key,
		    const char *value)
{
	struct rec_pair *p = rec_list_new(a, pairs, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->key = arena_strdup(a, key);
	p->value = arena_strdup(a, value);
	return p->key && (p->value || !value) ? 0 : -ENOMEM;
}

/* "" is what is not known: NULL. */
static int keep(struct arena *a, const char *text, const char **ret)
{
	*ret = *text ? arena_strdup(a, text) : NULL;
	return *text && !*ret ? -ENOMEM : 0;
}

static bool matches(const char *const *patterns, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (fnmatch(patterns[i], word, 0) == 0)
			return true;
	return false;
}

/* -------------------------------------------------------------------- tool */

int facts_fill_tool(struct arena *a, struct report_tool *ret)
{
	*ret = (struct report_tool){ .name = "vhostcheck",
				     .version = build_version,
				     .git_commit = build_git_commit,
				     .build_flags = build_flags };
	if (add_pair(a, &ret->libraries, "glibc", gnu_get_libc_version()) < 0 ||
	    add_pair(a, &ret->libraries, "json-c", json_c_version()) < 0)
		return -ENOMEM;
	return 0;
}

/* ------------------------------------------------------------------ kernel */

/* "CONFIG_X=y" or "# CONFIG_X is not set", which is "n". */
static int add_option(struct arena *a, struct rec_list *config, char *line)
{
	static const char unset[] = " is not set";
	char *name = !strncmp(line, "# ", 2) ? line + 2 : line;
	char *end = name + strcspn(name, "= \n");
	const char *value = NULL;

	if (name == line && *end == '=')
		value = end + 1;
	else if (name != line && !strncmp(end, unset, sizeof(unset) - 1))
		value = "n";
	else
		return 0;
	*end = '\0';
	if (!matches(config_patterns, ARRAY_SIZE(config_patterns), name))
		return 0;
	return add_pair(a, config, name, value);
}

static FILE *open_config(const char *release)
{
	static const char *const places[][2] = { { "/boot/config-", "" },
						 { "/lib/modules/", "/config" } };
	char path[PATH_MAX];
	FILE *f = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(places) && !f; i++) {
		(void)snprintf(path, sizeof(path), "%s%s%s", places[i][0], release,
			       places[i][1]);
		f = fopen(path, "re");
	}
	return f;
}

static int read_config(struct arena *a, const char *release, struct rec_list *config)
{
	cleanup_file FILE *f = open_config(release);
	cleanup_free char *line = NULL;
	size_t room = 0;
	int r = 0;

	while (f && r == 0 && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		r = add_option(a, config, line);
	}
	return r;
}

/* The allow-listed words; what follows "--" is init's. */
static int read_cmdline(struct arena *a, const char **ret)
{
	char text[8192], kept[sizeof(text)], *rest = NULL;
	size_t used = 0;

	kept[0] = '\0';
	if (slurp_line("/proc/cmdline", text, sizeof(text)) < 0)
		return 0;
	for (char *w = strtok_r(text, " ", &rest); w && strcmp(w, "--") != 0;
	     w = strtok_r(NULL, " ", &rest)) {
		char name[128];

		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(w, "="), w);
		if (!matches(parameter_patterns, ARRAY_SIZE(parameter_patterns), name))
			continue;
		(void)snprintf(kept + used, sizeof(kept) - used, "%s%s", used ? " " : "",
			       w);
		used += strlen(kept + used);
	}
	*ret = arena_strdup(a, kept);
	return *ret ? 0 : -ENOMEM;
}

static int read_build_id(struct arena *a, const char **ret)
{
	char notes[8192], id[BUILD_ID_ROOM];
	ssize_t n = slurp("/sys/kernel/notes", notes, sizeof(notes));

	if (n < 0 || build_id_of_notes(notes, (size_t)n, id) < 0)
		return 0;
	return keep(a, id, ret);
}

static int fill_kernel(struct arena *a, struct report_kernel *ret)
{
	char taint[32], *end = NULL;
	struct utsname u;
	int r = 0;

	if (uname(&u) < 0)
		return -errno;
	ret->release = arena_strdup(a, u.release);
	ret->version = arena_strdup(a, u.version);
	if (!ret->release || !ret->version)
		return -ENOMEM;
	if (slurp_line("/proc/sys/kernel/tainted", taint, sizeof(taint)) > 0) {
		ret->taint = opt_int(strtoll(taint, &end, 10));
		ret->taint.set = !*end;
	}
	r = read_build_id(a, &ret->build_id);
	if (r == 0)
		r = read_cmdline(a, &ret->cmdline);
	return r == 0 ? read_config(a, u.release, &ret->config) : r;
}

/* ----------------------------------------------------------------- machine */

/* The value of the first line "KEY SEPARATOR VALUE" of a file, without quotes. */
static int read_value(struct arena *a, const char *path, const char *key,
		      const char **ret)
{
	cleanup_file FILE *f = fopen(path, "re");
	cleanup_free char *line = NULL;
	size_t room = 0, len = strlen(key);

	while (f && getline(&line, &room, f) > 0) {
		char *v = line + len;

		if (strncmp(line, key, len) != 0 || !strchr("=: \t", *v))
			continue;
		v += strspn(v, "=: \t\"");
		v[strcspn(v, "\"\n")] = '\0';
		return keep(a, v, ret);
	}
	return 0;
}

/* Hypervisors name themselves in CPUID leaf 0x40000000. */
static bool ask_cpuid(char *ret, size_t room)
{
#if defined(__x86_64__) || defined(__i386__)
	static const char *const names[][2] = {
		{ "KVMKVMKVM", "KVM" },        { "TCGTCGTCGTCG", "QEMU TCG" },
		{ "Microsoft Hv", "Hyper-V" }, { "VMwareVMware", "VMware" },
		{ "XenVMMXenVMM", "Xen" },     { "VBoxVBoxVBox", "VirtualBox" },
	};
	const unsigned int is_guest = 1u << 31;
	unsigned int a = 0, b = 0, c = 0, d = 0, word[3];
	char text[sizeof(word) + 1] = "";

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & is_guest))
		return false;
	__cpuid(0x40000000, a, word[0], word[1], word[2]);
	memcpy(text, word, sizeof(word));
	(void)snprintf(ret, room, "%s", *text ? text : "unknown");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i][0], text))
			(void)snprintf(ret, room, "%s", names[i][1]);
	return true;
#else
	(void)ret, (void)room;
	return false;
#endif
}

static int find_virt(struct arena *a, const char **ret)
{
	char text[128];

	if (ask_cpuid(text, sizeof(text)) ||
	    slurp_line("/sys/hypervisor/type", text, sizeof(text)) > 0 ||
	    (slurp_line("/sys/class/dmi/id/sys_vendor", text, sizeof(text)) > 0 &&
	     !strcmp(text, "QEMU")))
		return keep(a, text, ret);
	return 0;
}

/* ----------------------------------------------------------------- modules */

static int read_parameters(struct arena *a, const char *module, struct rec_list *ret)
{
	char path[PATH_MAX], value[512];
	glob_t found = { 0 };
	int r = 0;

	(void)snprintf(path, sizeof(path), "/sys/module/%s/parameters/*", module);
	(void)glob(path, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && r == 0; i++) {
		ssize_t n = slurp_line(found.gl_pathv[i], value, sizeof(value));

		r = add_pair(a, ret, strrchr(found.gl_pathv[i], '/') + 1,
			     n < 0 ? NULL : value);
	}
	globfree(&found);
	return r;
}

static int fill_module(struct arena *a, struct facts *facts, const char *name,
		       struct report_module *ret)
{
	static const int states[] = {
		[FACT_MODULE_ABSENT] = MODULE_ABSENT,
		[FACT_MODULE_INSTALLED] = MODULE_ABSENT,
		[FACT_MODULE_LIVE] = MODULE_LIVE,
		[FACT_MODULE_BUILTIN] = MODULE_BUILTIN,
	};
	struct module_info m;
	int r = facts->ops->module(facts, name, &m);

	if (r < 0)
		return r;
	ret->name = name;
	ret->state = states[m.status];
	if (keep(a, m.build_id_loaded, &ret->build_id_loaded) < 0 ||
	    keep(a, m.build_id_disk, &ret->build_id_disk) < 0 ||
	    keep(a, m.srcversion_loaded, &ret->srcversion_loaded) < 0 ||
	    keep(a, m.srcversion_disk, &ret->srcversion_disk) < 0 ||
	    keep(a, m.signer, &ret->signer) < 0)
		return -ENOMEM;
	return ret->state == MODULE_ABSENT ? 0
					   : read_parameters(a, name, &ret->parameters);
}

int facts_fill_host(struct arena *a, struct facts *facts, struct report_host *ret)
{
	int r = 0;

	*ret = (struct report_host){ 0 };
	r = fill_kernel(a, &ret->kernel);
	if (r == 0)
		r = read_value(a, "/etc/os-release", "PRETTY_NAME", &ret->distro);
	if (r == 0)
		r = read_value(a, "/proc/cpuinfo", "model name", &ret->cpu);
	if (r == 0)
		r = find_virt(a, &ret->virt);
	for (size_t i = 0; i < ARRAY_SIZE(module_names) && r == 0; i++) {
		struct report_module *m = rec_list_new(a, &ret->modules, sizeof(*m));

		r = m ? fill_module(a, facts, module_names[i], m) : -ENOMEM;
	}
	return r;
}
