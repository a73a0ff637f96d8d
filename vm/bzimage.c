/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "vm/bzimage.h"

/* Offsets of the x86 boot protocol's header */
enum {
	AT_SETUP_SECTS = 0x1f1,
	AT_SYSSIZE = 0x1f4,
	AT_BOOT_FLAG = 0x1fe,
	AT_HEADER = 0x202,
	AT_VERSION = 0x206,
	AT_KERNEL_VERSION = 0x20e,
	AT_XLOADFLAGS = 0x236,
	HEADER_END = 0x238,
	SECTOR = 512,
	XLF_KERNEL_64 = 1,
	PROTOCOL_XLOADFLAGS = 0x20c,
};

/* Machines other than x86-64; 0 where no PE number is in use */
struct machine {
	unsigned int pe, elf;
	const char *name;
};

static const struct machine machines[] = {
	{ 0x014c, EM_386, "32-bit x86" }, { 0xaa64, EM_AARCH64, "arm64" },
	{ 0x01c2, EM_ARM, "arm" },        { 0x5064, EM_RISCV, "riscv64" },
	{ 0x6264, 258, "loongarch64" },   { 0, EM_PPC64, "ppc64" },
	{ 0, EM_S390, "s390x" },          { 0, EM_MIPS, "mips" },
};

static unsigned int le16(const unsigned char *p)
{
	return (unsigned int)p[0] | (unsigned int)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static bool starts_with(const unsigned char *head, size_t len, const char *magic,
			size_t n)
{
	return len >= n && !memcmp(head, magic, n);
}

static bool release_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("._+~-", c));
}

/* The version string: its first word is the release */
static bool read_release(const unsigned char *head, size_t len, size_t setup,
			 struct bzimage *ret)
{
	size_t at = le16(head + AT_KERNEL_VERSION);
	size_t end = setup < len ? setup : len;
	size_t n = 0;

	if (!at)
		return false;
	for (at += SECTOR; at < end && head[at] && n < sizeof(ret->banner) - 1; at++) {
		ret->banner[n] = (char)head[at];
		if (head[at] < ' ' || head[at] > '~')
			ret->banner[n] = '?';
		n++;
	}
	ret->banner[n] = '\0';
	n = strcspn(ret->banner, " ");
	if (n == 0 || n >= sizeof(ret->release) || ret->banner[0] < '0' ||
	    ret->banner[0] > '9')
		return false; /* not VERSION.PATCHLEVEL...; nor an option of depmod */
	for (size_t i = 0; i < n; i++) {
		if (!release_char(ret->banner[i]))
			return false;
	}
	memcpy(ret->release, ret->banner, n);
	ret->release[n] = '\0';
	return true;
}

static void found_foreign(struct bzimage *ret, const char *arch)
{
	ret->kind = BZIMAGE_FOREIGN;
	ret->arch = arch;
}

static void probe_x86(const unsigned char *head, size_t len, uint64_t size,
		      struct bzimage *ret)
{
	unsigned int sects = head[AT_SETUP_SECTS] ? head[AT_SETUP_SECTS] : 4;
	size_t setup = ((size_t)sects + 1) * SECTOR;

	if (le16(head + AT_VERSION) < PROTOCOL_XLOADFLAGS ||
	    !(le16(head + AT_XLOADFLAGS) & XLF_KERNEL_64)) {
		found_foreign(ret, "32-bit x86");
		return;
	}
	ret->need = setup + (uint64_t)le32(head + AT_SYSSIZE) * 16;
	if (size < ret->need)
		ret->kind = BZIMAGE_TRUNCATED;
	else if (!read_release(head, len, setup, ret))
		ret->kind = BZIMAGE_NO_RELEASE;
	else
		ret->kind = BZIMAGE_KERNEL;
}

static void probe_elf(const unsigned char *head, size_t len, struct bzimage *ret)
{
	unsigned int id;

	if (len < offsetof(Elf64_Ehdr, e_machine) + 2)
		return;
	id = le16(head + offsetof(Elf64_Ehdr, e_machine));
	if (head[EI_DATA] == ELFDATA2MSB)
		id = (id >> 8 | id << 8) & 0xffff;
	if (id == EM_X86_64) {
		ret->kind = BZIMAGE_ELF;
		return;
	}
	found_foreign(ret, "an unknown processor");
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		if (machines[i].elf == id)
			ret->arch = machines[i].name;
	}
}

/* Kernels with an EFI stub begin as a PE file, which names its machine */
static void probe_pe(const unsigned char *head, size_t len, struct bzimage *ret)
{
	size_t at = le32(head + 0x3c);
	unsigned int id;

	if (at > len || len - at < 6 || memcmp(head + at, "PE\0\0", 4) != 0)
		return;
	id = le16(head + at + 4);
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		if (machines[i].pe && machines[i].pe == id)
			found_foreign(ret, machines[i].name);
	}
}

void bzimage_probe(const unsigned char *head, size_t len, uint64_t size,
		   struct bzimage *ret)
{
	*ret = (struct bzimage){ .kind = BZIMAGE_UNKNOWN };
	if (starts_with(head, len, "!<arch>\ndebian-binary", 21))
		ret->kind = BZIMAGE_DEB;
	else if (starts_with(head, len, "\xed\xab\xee\xdb", 4))
		ret->kind = BZIMAGE_RPM;
	else if (starts_with(head, len, ELFMAG, SELFMAG))
		probe_elf(head, len, ret);
	else if (len >= HEADER_END && le16(head + AT_BOOT_FLAG) == 0xaa55 &&
		 !memcmp(head + AT_HEADER, "HdrS", 4))
		probe_x86(head, len, size, ret);
	else if (len >= 64 && !memcmp(head + 0x38, "ARM\x64", 4))
		found_foreign(ret, "arm64");
	else if (len >= 64 && starts_with(head, len, "MZ", 2))
		probe_pe(head, len, ret);
}
