/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "vm/bzimage.h"
#include "vm/kernel.h"
#include "vm/package.h"

static const char name_kernel[] = "name a bzImage (/boot/vmlinuz-RELEASE), a Debian "
				  "linux-image-RELEASE package, or `running`";

static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int probe_file(const char *path, struct bzimage *ret, struct vm_error *err)
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
	if (S_ISDIR(st.st_mode))
		return vm_fail(err, VM_FAULT_UNSUPPORTED, -EINVAL, path, name_kernel,
			       "is a directory, not a kernel");
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
	case BZIMAGE_RPM:
		return vm_fail(err, VM_FAULT_UNSUPPORTED, -EINVAL, path,
			       "unpack it, and name its vmlinuz with --modules DIR",
			       "is an RPM package, which this version cannot read");
	case BZIMAGE_NO_RELEASE:
		return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, path, name_kernel,
			       "is a bzImage that does not tell its release");
	case BZIMAGE_UNKNOWN:
	case BZIMAGE_KERNEL:
	case BZIMAGE_DEB:
		break;
	}
	return vm_fail(err, VM_FAULT_BAD_FILE, -EINVAL, path, name_kernel,
		       "is not a Linux kernel");
}

static int take_image(struct vm_kernel *k, const char *path, const struct bzimage *z,
		      struct vm_error *err)
{
	k->image = strdup(path);
	k->release = strdup(z->release);
	k->banner = strdup(z->banner);
	if (!k->image || !k->release || !k->banner)
		return vm_fail_errno(err, -ENOMEM, path, "cannot read");
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
static void modules_beside(struct vm_kernel *k)
{
	cleanup_free char *dir = strdup(k->image);
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
	k->config = vm_path("%s/config-%s", at, k->release);
	if (k->config && access(k->config, R_OK)) {
		free(k->config);
		k->config = NULL;
	}
}

static int open_package(struct vm_kernel *k, const struct vm_workdir *w, const char *arg,
			struct vm_error *err)
{
	cleanup_vm_package struct vm_package p = { 0 };
	struct bzimage z = { 0 };
	int r = vm_package_unpack(&p, w, arg, err);

	if (r)
		return r;
	if (!p.image)
		return vm_fail(
			err, VM_FAULT_BAD_FILE, -EINVAL, arg,
			"name the linux-image-RELEASE package itself, not one that "
			"depends on it",
			"(%s %s) holds no kernel image", p.name, p.version);
	if (!p.modules)
		return vm_fail(err, VM_FAULT_NO_MODULES, -EINVAL, arg,
			       "name a package that holds image and modules",
			       "(%s %s) holds a kernel but no modules", p.name,
			       p.version);
	r = probe_file(p.image, &z, err);
	if (r)
		return r;
	if (z.kind != BZIMAGE_KERNEL)
		return refuse(arg, &z, err);
	if (strcmp(z.release, p.release) != 0)
		return vm_fail(err, VM_FAULT_MISMATCH, -EINVAL, arg, "fetch it again",
			       "holds the kernel %s with the modules of %s", z.release,
			       p.release);
	k->modules = p.modules;
	k->config = p.config;
	p.modules = p.config = NULL;
	k->package = vm_path("%s %s", p.name, p.version);
	if (!k->package)
		return vm_fail_errno(err, -ENOMEM, arg, "cannot read");
	return take_image(k, p.image, &z, err);
}

static int open_file(struct vm_kernel *k, const struct vm_workdir *w, const char *arg,
		     const char *modules, struct vm_error *err)
{
	struct bzimage z = { 0 };
	int r = probe_file(arg, &z, err);

	if (r)
		return r;
	if (z.kind == BZIMAGE_DEB && modules)
		return vm_fail(err, VM_FAULT_USAGE, -EINVAL, arg,
			       "leave --modules out, or name a bzImage",
			       "is a package, which brings its own modules");
	if (z.kind == BZIMAGE_DEB)
		return open_package(k, w, arg, err);
	if (z.kind != BZIMAGE_KERNEL)
		return refuse(arg, &z, err);
	r = take_image(k, arg, &z, err);
	if (r)
		return r;
	modules_beside(k);
	if (!modules)
		return 0;
	free(k->modules);
	k->modules = NULL;
	return named_modules(k, modules, err);
}

static int open_running(struct vm_kernel *k, const struct vm_workdir *w,
			const char *modules, struct vm_error *err)
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
		return open_file(k, w, boot, NULL, err);
	if (!access(other, F_OK))
		return open_file(k, w, other, NULL, err);
	return vm_fail(err, VM_FAULT_UNREADABLE, -ENOENT, boot,
		       "install the package of the running kernel, or name a kernel file",
		       "the running kernel's image is neither here nor at %s", other);
}

int vm_kernel_open(struct vm_kernel *k, const struct vm_workdir *w, const char *arg,
		   const char *modules, struct vm_error *err)
{
	*k = (struct vm_kernel){ 0 };
	if (!strcmp(arg, "running"))
		return open_running(k, w, modules, err);
	return open_file(k, w, arg, modules, err);
}

void vm_kernel_done(struct vm_kernel *k)
{
	free(k->release);
	free(k->banner);
	free(k->image);
	free(k->modules);
	free(k->config);
	free(k->package);
	*k = (struct vm_kernel){ 0 };
}
