/* SPDX-License-Identifier: MIT */
/* What a file is, told from its first bytes. Pure: no I/O. */
#ifndef VM_BZIMAGE_H
#define VM_BZIMAGE_H

#include <stddef.h>
#include <stdint.h>

/** BZIMAGE_HEAD - bytes of a file that bzimage_probe() needs to see */
#define BZIMAGE_HEAD 65536

/**
 * enum bzimage_kind - what the first bytes are
 * @BZIMAGE_UNKNOWN:	nothing known here
 * @BZIMAGE_KERNEL:	an x86-64 bzImage, whole as far as its size tells
 * @BZIMAGE_NO_RELEASE:	one whose header does not name a release
 * @BZIMAGE_TRUNCATED:	one that is shorter than its header says
 * @BZIMAGE_FOREIGN:	a kernel for another architecture
 * @BZIMAGE_ELF:	an x86-64 ELF file, perhaps a vmlinux
 * @BZIMAGE_DEB:	a Debian package
 * @BZIMAGE_RPM:	an RPM package
 */
enum bzimage_kind {
	BZIMAGE_UNKNOWN,
	BZIMAGE_KERNEL,
	BZIMAGE_NO_RELEASE,
	BZIMAGE_TRUNCATED,
	BZIMAGE_FOREIGN,
	BZIMAGE_ELF,
	BZIMAGE_DEB,
	BZIMAGE_RPM,
};

/**
 * struct bzimage - what bzimage_probe() found
 * @kind:	what the file is
 * @arch:	static name of the architecture (BZIMAGE_FOREIGN), else NULL
 * @need:	size that the header asks for, bytes (a bzImage only), else 0
 * @release:	"6.1.0-56-amd64": begins with a digit, fit to be a file name and an
 *		argument; "" where unknown
 * @banner:	the header's whole version string, printable; "" where unknown
 */
struct bzimage {
	enum bzimage_kind kind;
	const char *arch;
	uint64_t need;
	char release[65];
	char banner[256];
};

/**
 * bzimage_probe() - tell what a file is
 * @head:	its first bytes; any contents
 * @len:	their number, BZIMAGE_HEAD or all of a shorter file
 * @size:	size of the file, bytes
 * @ret:	result, always filled in
 *
 * Source: Documentation/arch/x86/boot.rst "The Real-Mode Kernel Header";
 * Documentation/arch/arm64/booting.rst; PE/COFF and ELF machine numbers.
 */
void bzimage_probe(const unsigned char *head, size_t len, uint64_t size,
		   struct bzimage *ret);

#endif
