/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <fcntl.h>
#include <string.h>

#include "vm/command.h"
#include "vm/initramfs.h"

enum {
	INTERP_MAX = 4096,
	LIST_MS = 10000
};

static int no_program(struct vm_error *err, const char *program)
{
	return vm_fail(err, VM_FAULT_BAD_FILE, -ENOEXEC, program, NULL,
		       "is not an x86-64 program");
}

/* The interpreter that a program names; NULL in @ret if it is static */
static int read_interp(int fd, char **ret)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	*ret = NULL;
	if (pread(fd, &eh, sizeof(eh), 0) != (ssize_t)sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64)
		return -ENOEXEC;
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		off_t at = (off_t)(eh.e_phoff + i * sizeof(ph));

		if (pread(fd, &ph, sizeof(ph), at) != (ssize_t)sizeof(ph))
			return -ENOEXEC;
		if (ph.p_type != PT_INTERP)
			continue;
		if (ph.p_filesz == 0 || ph.p_filesz > INTERP_MAX)
			return -ENOEXEC;
		*ret = calloc(1, ph.p_filesz + 1);
		if (!*ret)
			return -ENOMEM;
		if (pread(fd, *ret, ph.p_filesz, (off_t)ph.p_offset) ==
		    (ssize_t)ph.p_filesz)
			return 0;
		free(*ret);
		*ret = NULL;
		return -ENOEXEC;
	}
	return 0;
}

/* One line: "\tlibc.so.6 => /lib/.../libc.so.6 (0x...)", "\t/lib64/ld... (0x...)",
 * "\tlinux-vdso.so.1 (0x...)" */
static int take_line(const char *line, const char *program, struct vm_names *ret,
		     struct vm_error *err)
{
	const char *arrow = strstr(line, " => ");
	const char *path = arrow ? arrow + 4 : line + strspn(line, " \t");
	const char *end = strstr(path, " (0x");

	if (path[0] != '/' || !end)
		return 0;
	if (vm_names_add(ret, path, (size_t)(end - path)))
		return vm_fail_errno(err, -ENOMEM, program,
				     "cannot list the libraries of");
	return 0;
}

/* LD_LIBRARY_PATH, which the guest has not, is for what is not found otherwise. Returns as
 * command_run(). */
static int run_loader(char *interp, char *program, char **ret)
{
	const char *library_path = getenv("LD_LIBRARY_PATH");
	char option[] = "--list", *argv[] = { interp, option, program, NULL };
	cleanup_free char *where = NULL;
	int r = command_run(argv, (char *[]){ NULL }, deadline_after_ms(LIST_MS), ret);

	if (r <= 0 || !library_path)
		return r;
	free(*ret);
	*ret = NULL;
	if (asprintf(&where, "LD_LIBRARY_PATH=%s", library_path) < 0)
		return -ENOMEM;
	return command_run(argv, (char *[]){ where, NULL }, deadline_after_ms(LIST_MS),
			   ret);
}

static int list(const char *interp, const char *program, struct vm_names *ret,
		struct vm_error *err)
{
	cleanup_free char *text = NULL, *ld = strdup(interp), *path = NULL;
	char *save = NULL;
	int r;

	path = realpath(program, NULL); /* a bare name would be looked up as a library */
	if (!ld || !path)
		return vm_fail_errno(err, -ENOMEM, program,
				     "cannot list the libraries of");
	r = run_loader(ld, path, &text);
	if (r < 0)
		return vm_fail_errno(err, r, interp, "cannot run the dynamic loader");
	if (r)
		return vm_fail(err, VM_FAULT_BAD_FILE, -ENOEXEC, program,
			       "ldd names them; LD_LIBRARY_PATH says where else they are",
			       "is linked to libraries that are not found");
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		r = take_line(l, program, ret, err);
		if (r)
			return r;
	}
	return 0;
}

int vm_libraries(const char *program, struct vm_names *ret, struct vm_error *err)
{
	cleanup_close int fd = open(program, O_RDONLY | O_CLOEXEC);
	cleanup_free char *interp = NULL;
	int r;

	*ret = (struct vm_names){ 0 };
	if (fd < 0)
		return vm_fail_open(err, -errno, program);
	r = read_interp(fd, &interp);
	if (r == -ENOEXEC)
		return no_program(err, program);
	if (r)
		return vm_fail_errno(err, r, program, "cannot read");
	if (!interp)
		return 0;
	if (vm_names_add(ret, interp, strlen(interp)))
		return vm_fail_errno(err, -ENOMEM, program,
				     "cannot list the libraries of");
	return list(interp, program, ret, err);
}
