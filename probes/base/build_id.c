/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/build_id.h"

/** struct image - a mapped file */
struct image {
	const unsigned char *bytes;
	size_t len;
};

/* Notes are padded to 4 bytes; the sizes in them come from a file and may be anything. */
static size_t padded(uint32_t n)
{
	return ((size_t)n + 3) & ~(size_t)3;
}

int build_id_of_notes(const void *notes, size_t len, char *ret)
{
	const unsigned char *p = notes;
	ElfW(Nhdr) n;

	while (len >= sizeof(n)) {
		size_t name, desc;

		memcpy(&n, p, sizeof(n));
		p += sizeof(n);
		len -= sizeof(n);
		name = padded(n.n_namesz);
		if (name > len)
			return -ENOENT;
		desc = padded(n.n_descsz) < len - name ? padded(n.n_descsz) : len - name;
		if (n.n_descsz <= desc && n.n_type == NT_GNU_BUILD_ID &&
		    n.n_namesz == sizeof("GNU") && !memcmp(p, "GNU", sizeof("GNU")) &&
		    n.n_descsz && 2 * (size_t)n.n_descsz < BUILD_ID_ROOM) {
			for (size_t i = 0; i < n.n_descsz; i++)
				(void)snprintf(ret + 2 * i, 3, "%02x", p[name + i]);
			return 0;
		}
		p += name + desc;
		len -= name + desc;
	}
	return -ENOENT;
}

static const void *part(const struct image *m, uint64_t offset, uint64_t len)
{
	return offset <= m->len && len <= m->len - offset ? m->bytes + offset : NULL;
}

static int of_sections(const struct image *m, char *ret)
{
	const void *at = part(m, 0, sizeof(ElfW(Ehdr)));
	ElfW(Ehdr) e;

	if (!at)
		return -ENOEXEC;
	memcpy(&e, at, sizeof(e));
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
	    e.e_shentsize != sizeof(ElfW(Shdr)) ||
	    e.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    e.e_ident[EI_DATA] != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
					   ? ELFDATA2LSB
					   : ELFDATA2MSB))
		return -ENOEXEC;
	for (uint64_t i = 0; i < e.e_shnum; i++) {
		const void *notes = NULL;
		ElfW(Shdr) s;

		at = part(m, e.e_shoff, (i + 1) * sizeof(s));
		if (!at)
			return -ENOEXEC;
		memcpy(&s, (const char *)at + i * sizeof(s), sizeof(s));
		if (s.sh_type != SHT_NOTE)
			continue;
		notes = part(m, s.sh_offset, s.sh_size);
		if (notes && build_id_of_notes(notes, s.sh_size, ret) == 0)
			return 0;
	}
	return -ENOENT;
}

int build_id_of_file(const char *path, char *ret)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct image m = { 0 };
	struct stat st;
	void *map = NULL;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return -ENOEXEC;
	m.len = (size_t)st.st_size;
	map = mmap(NULL, m.len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	m.bytes = map;
	r = of_sections(&m, ret);
	(void)munmap(map, m.len);
	return r;
}
