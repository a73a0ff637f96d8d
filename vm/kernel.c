/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "vm/kernel.h"

enum {
	CONFIG_MAX = 4 << 20,
	PORTS = 4, /* vm/qemu.h */
};

static const char name_kernel[] = "name a bzImage (/boot/vmlinuz-RELEASE), a kernel's "
				  "packages, its directory, or `running`";

static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int vm_kernel_probe(const char *path, struct bzimage *ret, struct vm_error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_free unsigned char *head = malloc(BZIMAGE_HEAD);
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return vm_fail(err, VM_FAULT_UNREADABLE, -ENOENT, path, name_kernel,
			       "is not there");
	if (fd < 0)
		return vm_fail_open(err, -errno, path);
	if (!head)
		return vm_fail_errno(err, -ENOMEM, path, "cannot read");
	if (fstat(fd, &st))
		return vm_fail_open(err, -errno, path);
	if (!S_ISREG(st.st_mode))
		return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, path, name_kernel,
			       "is not a regular file");
	n = pread(fd, head, BZIMAGE_HEAD, 0);
	if (n < 0)
		return vm_fail_open(err, -errno, path);
	bzimage_probe(head, (size_t)n, (uint64_t)st.st_size, ret);
	return 0;
}

static int refuse(const char *path, const struct bzimage *z, struct vm_error *err)
{
	switch (z->kind) {
	case BZIMAGE_TRUNCATED:
		return vm_fail(err, VM_FAULT_TRUNCATED, -EINVAL, path, "fetch it again",
			       "is cut off: its header asks for %llu bytes",
			       (unsigned long long)z->need);
	case BZIMAGE_FOREIGN:
		return vm_fail(err, VM_FAULT_FOREIGN, -EINVAL, path,
			       "name a kernel for x86-64", "is for %s, not for x86-64",
			       z->arch);
	case BZIMAGE_ELF:
		return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, path,
			       "name the bzImage (arch/x86/boot/bzImage of a build)",
			       "is an ELF file, not a bzImage");
	case BZIMAGE_NO_RELEASE:
		return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, path, name_kernel,
			       "is a bzImage that does not tell its release");
	case BZIMAGE_UNKNOWN:
	case BZIMAGE_KERNEL:
	case BZIMAGE_DEB:
	case BZIMAGE_RPM:
		break;
	}
	return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, path, name_kernel,
		       "is not a Linux kernel");
}

int vm_kernel_take_image(struct vm_kernel *k, const char *path, const char *name,
			 struct vm_error *err)
{
	struct bzimage z = { 0 };
	int r = vm_kernel_probe(path, &z, err);

	if (r)
		return r;
	if (z.kind != BZIMAGE_KERNEL)
		return refuse(name, &z, err);
	k->image = strdup(path);
	k->release = strdup(z.release);
	k->banner = strdup(z.banner);
	if (!k->image || !k->release || !k->banner)
		return vm_fail_errno(err, -ENOMEM, name, "cannot read");
	return 0;
}

static char *if_modules(char *dir)
{
	cleanup_free char *kernel = dir ? vm_path("%s/kernel", dir) : NULL;

	if (kernel && is_dir(kernel))
		return dir;
	free(dir);
	return NULL;
}

static char *if_readable(char *path)
{
	if (path && !access(path, R_OK))
		return path;
	free(path);
	return NULL;
}

/* --modules DIR: DIR/kernel or DIR/RELEASE/kernel */
static int named_modules(struct vm_kernel *k, const char *dir, struct vm_error *err)
{
	if (!is_dir(dir))
		return vm_fail(err, VM_FAULT_NO_MODULES, -ENOTDIR, dir,
			       "name the directory that holds kernel/, or its parent",
			       "is not a directory of modules");
	k->modules = if_modules(strdup(dir));
	if (!k->modules)
		k->modules = if_modules(vm_path("%s/%s", dir, k->release));
	if (k->modules)
		return 0;
	return vm_fail(err, VM_FAULT_NO_MODULES, -ENOENT, dir,
		       "name the directory that holds kernel/, or its parent",
		       "holds neither kernel/ nor %s/kernel/, the modules of %s",
		       k->release, k->image);
}

/* /boot/vmlinuz-R with /lib/modules/R, the same in an unpacked package, or
 * /lib/modules/R/vmlinuz */
static void modules_beside(struct vm_kernel *k, const char *path)
{
	cleanup_free char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	const char *at = ".";

	if (!dir)
		return;
	if (slash) {
		*slash = '\0';
		at = slash == dir ? "/" : dir;
	}
	k->modules = if_modules(vm_path("%s/../lib/modules/%s", at, k->release));
	if (!k->modules)
		k->modules =
			if_modules(vm_path("%s/../usr/lib/modules/%s", at, k->release));
	if (!k->modules)
		k->modules = if_modules(vm_path("%s/../%s", at, k->release));
	k->config = if_readable(vm_path("%s/config-%s", at, k->release));
	if (!k->config && k->modules)
		k->config = if_readable(vm_path("%s/config", k->modules));
}

static int open_file(struct vm_kernel *k, const char *path, const char *modules,
		     struct vm_error *err)
{
	int r = vm_kernel_take_image(k, path, path, err);

	if (r)
		return r;
	modules_beside(k, path);
	if (!modules)
		return 0;
	free(k->modules);
	k->modules = NULL;
	return named_modules(k, modules, err);
}

static int refuse_two(const char *dir, const struct vm_kernel *a,
		      const struct vm_kernel *b, struct vm_error *err)
{
	return vm_fail(err, VM_FAULT_USAGE, -EINVAL, dir,
		       "name the kernel's file in it (boot/vmlinuz-RELEASE)",
		       "holds more than one kernel: %s and %s", a->release, b->release);
}

/* The kernels that @g found; one that is there twice is taken where it has its modules */
static int choose(struct vm_kernel *k, const char *dir, const glob_t *g,
		  struct vm_error *err)
{
	for (size_t i = 0; i < g->gl_pathc; i++) {
		cleanup_vm_kernel struct vm_kernel other = { 0 };
		int r = open_file(&other, g->gl_pathv[i], NULL, err);

		if (r)
			return r;
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): r is 0 */
		if (k->release && strcmp(k->release, other.release) != 0)
			return refuse_two(dir, k, &other, err);
		if (k->release && (k->modules || !other.modules))
			continue;
		vm_kernel_done(k);
		*k = other;
		other = (struct vm_kernel){ 0 };
	}
	return 0;
}

/* A pattern for glob() that is found in @dir alone, whatever its name; NULL: -ENOMEM */
static char *pattern_in(const char *dir, const char *pattern)
{
	size_t size = 2 * strlen(dir) + 1 + strlen(pattern) + 1;
	char *whole = malloc(size), *to = whole;

	for (; whole && *dir; dir++) {
		if (strchr("*?[\\", *dir))
			*to++ = '\\';
		*to++ = *dir;
	}
	if (whole)
		(void)snprintf(to, size - (size_t)(to - whole), "/%s", pattern);
	return whole;
}

static int look_in(struct vm_kernel *k, const char *dir, struct vm_error *err)
{
	static const char *const places[] = { "boot/vmlinuz-*",
					      "usr/lib/modules/*/vmlinuz",
					      "lib/modules/*/vmlinuz", "vmlinuz" };
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	glob_t g = { 0 };
	int r = 0;

	if (fd < 0)
		return vm_fail_open(err, -errno, dir);
	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++) {
		cleanup_free char *pattern = pattern_in(dir, places[i]);

		r = pattern ? glob(pattern, i ? GLOB_APPEND : 0, NULL, &g) : GLOB_NOSPACE;
		r = r == GLOB_NOMATCH ? 0 : r;
	}
	if (r)
		r = vm_fail_errno(err, r == GLOB_NOSPACE ? -ENOMEM : -EIO, dir,
				  "cannot read");
	else
		r = choose(k, dir, &g, err);
	globfree(&g);
	return r;
}

static int open_directory(struct vm_kernel *k, const char *dir, const char *modules,
			  struct vm_error *err)
{
	int r = 0;

	if (modules)
		return vm_fail(err, VM_FAULT_USAGE, -EINVAL, dir,
			       "leave --modules out, or name a bzImage",
			       "is a directory, which brings its own modules");
	r = look_in(k, dir, err);
	if (r || k->image)
		return r;
	return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, dir,
		       "name a kernel's file, or a directory that a kernel's packages "
		       "were unpacked in",
		       "is a directory with no kernel in it: neither boot/vmlinuz-* nor "
		       "usr/lib/modules/*/vmlinuz nor vmlinuz");
}

static int open_running(struct vm_kernel *k, const char *modules, struct vm_error *err)
{
	cleanup_free char *boot = NULL, *other = NULL;
	struct utsname u;

	if (modules)
		return vm_fail(err, VM_FAULT_USAGE, -EINVAL, NULL,
			       "leave --modules out, or name the kernel's file",
			       "--modules goes with a kernel file, not with `running`");
	if (uname(&u))
		return vm_fail_errno(err, -errno, NULL,
				     "cannot read the running release");
	boot = vm_path("/boot/vmlinuz-%s", u.release);
	other = vm_path("/lib/modules/%s/vmlinuz", u.release);
	if (!boot || !other)
		return vm_fail_errno(err, -ENOMEM, NULL,
				     "cannot find the running kernel");
	if (!access(boot, F_OK))
		return open_file(k, boot, NULL, err);
	if (!access(other, F_OK))
		return open_file(k, other, NULL, err);
	return vm_fail(err, VM_FAULT_UNREADABLE, -ENOENT, boot,
		       "install the package of the running kernel, or name a kernel file",
		       "the running kernel's image is neither here nor at %s", other);
}

int vm_kernel_open(struct vm_kernel *k, const char *arg, const char *modules,
		   struct vm_error *err)
{
	int r = 0;

	*k = (struct vm_kernel){ 0 };
	if (!strcmp(arg, "running"))
		r = open_running(k, modules, err);
	else if (is_dir(arg))
		r = open_directory(k, arg, modules, err);
	else
		r = open_file(k, arg, modules, err);
	if (r)
		return r;
	k->arg = strdup(arg);
	return k->arg ? 0 : vm_fail_errno(err, -ENOMEM, arg, "cannot read");
}

/* Behind "NAME=" of the line that sets an option; NULL if no line does */
static const char *config_value(const char *text, const char *name)
{
	size_t n = strlen(name);

	while (text) {
		if (!strncmp(text, name, n) && text[n] == '=')
			return text + n + 1;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

char vm_kernel_option(const struct vm_kernel *k, const char *option)
{
	cleanup_free char *text = NULL;
	const char *value = NULL;

	if (k->config && !vm_read_file(k->config, CONFIG_MAX, &text))
		value = config_value(text, option);
	if (!value)
		return '\0';
	return *value;
}

int vm_kernel_check_config(const struct vm_kernel *k, struct vm_error *err)
{
	static const struct {
		const char *option, *what;
	} needed[] = {
		{ "CONFIG_SERIAL_8250", "the serial ports that a guest is heard on" },
		{ "CONFIG_SERIAL_8250_CONSOLE", "the console on a serial port" },
		{ "CONFIG_BLK_DEV_INITRD", "the initramfs that the checks are in" },
		{ "CONFIG_DEVTMPFS", "the devices' nodes" },
	};
	static const char hint[] = "name a kernel that is built with it, not as a module";
	cleanup_free char *text = NULL;
	const char *ports = NULL;
	int r = k->config ? vm_read_file(k->config, CONFIG_MAX, &text) : 0;

	if (r)
		return vm_fail_open(err, r, k->config);
	for (size_t i = 0; text && i < ARRAY_SIZE(needed); i++) {
		const char *value = config_value(text, needed[i].option);

		if (!value || *value != 'y')
			return vm_fail(err, VM_FAULT_UNSUPPORTED, -EINVAL, k->arg, hint,
				       "the kernel %s is built without %s: %s",
				       k->release, needed[i].option, needed[i].what);
	}
	ports = text ? config_value(text, "CONFIG_SERIAL_8250_NR_UARTS") : NULL;
	if (ports && strtol(ports, NULL, 10) < PORTS)
		return vm_fail(
			err, VM_FAULT_UNSUPPORTED, -EINVAL, k->arg,
			"name a kernel that is built for more",
			"the kernel %s is built for fewer than the %d serial ports "
			"needed: CONFIG_SERIAL_8250_NR_UARTS",
			k->release, PORTS);
	return 0;
}

void vm_kernel_done(struct vm_kernel *k)
{
	free(k->arg);
	free(k->release);
	free(k->banner);
	free(k->image);
	free(k->modules);
	free(k->config);
	free(k->package);
	*k = (struct vm_kernel){ 0 };
}
