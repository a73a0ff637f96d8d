/* SPDX-License-Identifier: MIT */
/* QEMU as a program: where it is, and the command line that it is given. */
#include <stdarg.h>
#include <string.h>

#include "vm/command.h"
#include "vm/qemu.h"

enum {
	ANSWER_MS = 10000
};

static const char *const accel_names[] = {
	[VM_ACCEL_AUTO] = "auto",
	[VM_ACCEL_KVM] = "kvm",
	[VM_ACCEL_TCG] = "tcg",
};
_Static_assert(ARRAY_SIZE(accel_names) == VM_ACCEL_NUM, "an accelerator without a name");

const char *vm_accel_name(enum vm_accel accel)
{
	return accel_names[accel];
}

int vm_qemu_find(char **ret, struct vm_error *err)
{
	int r = command_find("qemu-system-x86_64", NULL, ret);

	if (r == -ENOENT)
		return vm_fail(err, VM_FAULT_NO_QEMU, r, NULL,
			       "install the package qemu-system-x86",
			       "qemu-system-x86_64 is not in PATH");
	return r ? vm_fail_errno(err, r, NULL, "cannot look for QEMU") : 0;
}

int vm_qemu_version(const char *qemu, char **ret, struct vm_error *err)
{
	static const char before[] = "version ";
	cleanup_free char *program = strdup(qemu), *text = NULL;
	char option[] = "-version";
	const char *v;
	int r;

	if (!program)
		return vm_fail_errno(err, -ENOMEM, qemu, "cannot run");
	r = command_run((char *[]){ program, option, NULL }, environ,
			deadline_after_ms(ANSWER_MS), &text);
	v = text ? strstr(text, before) : NULL;
	if (r || !v)
		return vm_fail(err, VM_FAULT_NO_QEMU, r < 0 ? r : -EIO, qemu,
			       "install the package qemu-system-x86 again",
			       "does not tell its version: %s",
			       r < 0 ? strerror(-r) : text);
	v += strlen(before);
	*ret = strndup(v, strcspn(v, "\n"));
	return *ret ? 0 : vm_fail_errno(err, -ENOMEM, qemu, "cannot run");
}

int vm_qemu_check_root(const char *qemu, struct vm_error *err)
{
	cleanup_free char *program = strdup(qemu), *text = NULL;
	char option[] = "-device", word[] = "help";
	int r = 0;

	if (!program)
		return vm_fail_errno(err, -ENOMEM, qemu, "cannot run");
	r = command_run((char *[]){ program, option, word, NULL }, environ,
			deadline_after_ms(ANSWER_MS), &text);
	if (r < 0)
		return vm_fail(err, VM_FAULT_NO_QEMU, r, qemu,
			       "install the package qemu-system-x86 again",
			       "does not tell its devices: %s", strerror(-r));
	if (strstr(text, "\"virtio-9p-pci\""))
		return 0;
	return vm_fail(err, VM_FAULT_NO_QEMU, -EOPNOTSUPP, qemu,
		       "install a QEMU that was configured with --enable-virtfs, as "
		       "Debian's is",
		       "has no virtio-9p-pci, which --root needs");
}

char *vm_qemu_cmdline(const struct vm_spec *spec)
{
	/* panic=-1: a panic reboots at once, and -no-reboot makes that the end.
	 * nr_uarts: kernels built for fewer ports than the four that we use.
	 * psi=0: pressure is reckoned at each task switch, of which flushes are made. */
	return vm_path(
		"console=ttyS0 panic=-1 quiet cryptomgr.notests=1 8250.nr_uarts=4 psi=0%s%s",
		spec->append ? " " : "", spec->append ? spec->append : "");
}

/* Arguments being put together; after a failure nothing more is added */
struct words {
	struct vm_names *names;
	int failed;
};

static void put(struct words *w, const char *fmt, ...) printf_(2, 3);

static void put(struct words *w, const char *fmt, ...)
{
	char *word = NULL;
	va_list args;

	if (w->failed)
		return;
	va_start(args, fmt);
	if (vasprintf(&word, fmt, args) < 0)
		word = NULL;
	va_end(args);
	w->failed = word ? vm_names_add(w->names, word, strlen(word)) : -ENOMEM;
	free(word);
}

/* In a list of options a comma ends one; a comma of a name is written twice */
static char *double_commas(const char *name)
{
	char *text = malloc(2 * strlen(name) + 1), *to = text;

	for (; text && *name; name++) {
		*to++ = *name;
		if (*name == ',')
			*to++ = ',';
	}
	if (text)
		*to = '\0';
	return text;
}

/* remap: file systems below the directory have inode numbers of their own */
static void put_root(struct words *w, const char *root)
{
	cleanup_free char *path = double_commas(root);

	if (!path) {
		w->failed = -ENOMEM;
		return;
	}
	put(w, "-fsdev");
	put(w,
	    "local,id=root,path=%s,security_model=none,readonly=on,"
	    "multidevs=remap",
	    path);
	put(w, "-device");
	put(w, "virtio-9p-pci,fsdev=root,mount_tag=" VM_ROOT_TAG);
}

int vm_qemu_argv(const struct vm_spec *spec, enum vm_accel accel, const int *fd,
		 struct vm_names *ret)
{
	static const char *const fixed[] = {
		"-M",         "q35",         "-display",
		"none",       "-device",     "isa-debug-exit,iobase=0xf4,iosize=4",
		"-no-reboot", "-nodefaults", "-no-user-config",
	};
	cleanup_free char *cmdline = vm_qemu_cmdline(spec);
	struct words w = { .names = ret, .failed = cmdline ? 0 : -ENOMEM };

	*ret = (struct vm_names){ 0 };
	put(&w, "%s", spec->qemu);
	put(&w, "-name");
	put(&w, "vhostcheck-%d", (int)getpid());
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		put(&w, "%s", fixed[i]);
	put(&w, "-accel");
	put(&w, "%s", vm_accel_name(accel));
	put(&w, "-cpu");
	/* cx16, la57: TCG of QEMU 7.2 crashes guests that use them. erms: a kernel that
	 * sees it clears each page by 4096 stores of a byte, as TCG does `rep stosb` */
	put(&w, "%s", accel == VM_ACCEL_KVM ? "host" : "max,-cx16,-la57,-erms");
	put(&w, "-smp");
	put(&w, "%u", spec->cpus);
	put(&w, "-m");
	put(&w, "%u", spec->memory_mib);
	put(&w, "-kernel");
	put(&w, "%s", spec->image);
	put(&w, "-initrd");
	put(&w, "%s", spec->initrd);
	put(&w, "-append");
	put(&w, "%s", cmdline);
	if (spec->root)
		put_root(&w, spec->root);
	for (int i = 0; i < VM_STREAM_NUM; i++) {
		put(&w, "-chardev");
		put(&w, "socket,id=port%d,fd=%d%s", i, fd[i],
		    i == VM_JOURNAL ? ",mux=on" : "");
		put(&w, "-serial");
		put(&w, "chardev:port%d", i);
	}
	/* Without ioeventfd, what the guest wrote is in the socket: QEMU may go now */
	put(&w, "-device");
	put(&w, "virtio-serial-pci,ioeventfd=off");
	put(&w, "-device");
	put(&w, "virtserialport,chardev=port%d", VM_JOURNAL);
	return w.failed;
}
