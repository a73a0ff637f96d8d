/* SPDX-License-Identifier: MIT */
/* Kernel images and modules that have just what vm/ reads of them. */
#ifndef TESTS_VM_FAKES_H
#define TESTS_VM_FAKES_H

#include <elf.h>
#include <stdio.h>
#include <string.h>

/* A build configuration with all that a guest is heard with */
#define FAKE_CONFIG                                                                      \
	"CONFIG_VHOST=m\nCONFIG_SERIAL_8250=y\nCONFIG_SERIAL_8250_CONSOLE=y\n"           \
	"CONFIG_SERIAL_8250_NR_UARTS=4\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\n"

enum {
	FAKE_SETUP_SECTS = 4,
	FAKE_SYS_BYTES = 4096,
	FAKE_IMAGE = (FAKE_SETUP_SECTS + 1) * 512 + FAKE_SYS_BYTES,
	FAKE_MODULE = 1024,
};

static inline void fake_put16(unsigned char *p, unsigned int v)
{
	p[0] = v & 0xff;
	p[1] = (v >> 8) & 0xff;
}

static inline void fake_put(unsigned char *p, const char *bytes, size_t n)
{
	memcpy(p, bytes, n);
}

/* FAKE_IMAGE bytes: the smallest bzImage header that counts as one, protocol 2.15 */
static inline void fake_image(unsigned char *p, const char *version)
{
	memset(p, 0, FAKE_IMAGE);
	p[0x1f1] = FAKE_SETUP_SECTS;
	fake_put16(p + 0x1f4, FAKE_SYS_BYTES / 16);
	fake_put16(p + 0x1fe, 0xaa55);
	fake_put(p + 0x202, "HdrS", 4);
	fake_put16(p + 0x206, 0x20f);
	fake_put16(p + 0x20e, 0x400);
	fake_put16(p + 0x236, 1);
	(void)snprintf((char *)p + 0x600, 300, "%s", version);
}

/* FAKE_MODULE bytes: an ELF file with nothing but a .modinfo section */
static inline void fake_module(unsigned char *p, const char *release, const char *depends)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	char info[256];
	int vermagic =
		snprintf(info, sizeof(info), "vermagic=%s SMP mod_unload", release) + 1;
	int len = vermagic +
		  snprintf(info + vermagic, sizeof(info) - (size_t)vermagic, "depends=%s",
			   depends) +
		  1;
	const Elf64_Shdr sections[] = {
		{ .sh_type = SHT_NULL },
		{ .sh_name = 1,
		  .sh_type = SHT_PROGBITS,
		  .sh_offset = 512,
		  .sh_size = (Elf64_Xword)len },
		{ .sh_name = 10,
		  .sh_type = SHT_STRTAB,
		  .sh_offset = 64,
		  .sh_size = sizeof(names) },
	};
	const Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = 128,
		.e_ehsize = sizeof(head),
		.e_shentsize = sizeof(sections[0]),
		.e_shnum = 3,
		.e_shstrndx = 2,
	};

	memset(p, 0, FAKE_MODULE);
	memcpy(p, &head, sizeof(head));
	memcpy(p + 64, names, sizeof(names));
	memcpy(p + 128, sections, sizeof(sections));
	memcpy(p + 512, info, (size_t)len);
}

#endif
