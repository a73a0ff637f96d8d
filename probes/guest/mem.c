/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "guest/mem.h"

#define BUFS (MEM_PAGE * (uint64_t)MEM_BUFS)

/* Pages of the parts of a ring of 32768 descriptors (virtio-1.2 2.7): 16 bytes each; 2
 * and 6 more; 8 and 6 more. */
#define LARGE_DESC (MEM_PAGE * UINT64_C(128))
#define LARGE_AVAIL (MEM_PAGE * UINT64_C(17))
#define LARGE_USED (MEM_PAGE * UINT64_C(65))

static const struct mem_region two_rings[MEM_REGION_NUM] = {
	[MEM_RX_DESC] = { "rx.desc", 0, MEM_PAGE },
	[MEM_RX_AVAIL] = { "rx.avail", 0, MEM_PAGE },
	[MEM_RX_USED] = { "rx.used", 0, MEM_PAGE },
	[MEM_TX_DESC] = { "tx.desc", 0, MEM_PAGE },
	[MEM_TX_AVAIL] = { "tx.avail", 0, MEM_PAGE },
	[MEM_TX_USED] = { "tx.used", 0, MEM_PAGE },
	[MEM_RX_BUF] = { "rx.buf", 0, BUFS },
	[MEM_TX_BUF] = { "tx.buf", 0, BUFS },
	[MEM_INDIRECT] = { "indirect", 0, MEM_PAGE },
	[MEM_SPARE] = { "spare", 0, (uint64_t)4 * MEM_PAGE },
	[MEM_IO_DESC] = { "none", 0, 0 },
	[MEM_IO_AVAIL] = { "none", 0, 0 },
	[MEM_IO_USED] = { "none", 0, 0 },
};

static const struct mem_region large_rings[MEM_REGION_NUM] = {
	[MEM_RX_DESC] = { "rx.desc", 0, LARGE_DESC },
	[MEM_RX_AVAIL] = { "rx.avail", 0, LARGE_AVAIL },
	[MEM_RX_USED] = { "rx.used", 0, LARGE_USED },
	[MEM_TX_DESC] = { "tx.desc", 0, LARGE_DESC },
	[MEM_TX_AVAIL] = { "tx.avail", 0, LARGE_AVAIL },
	[MEM_TX_USED] = { "tx.used", 0, LARGE_USED },
	[MEM_RX_BUF] = { "rx.buf", 0, BUFS },
	[MEM_TX_BUF] = { "tx.buf", 0, BUFS },
	[MEM_INDIRECT] = { "indirect", 0, MEM_PAGE },
	[MEM_SPARE] = { "spare", 0, (uint64_t)4 * MEM_PAGE },
	[MEM_IO_DESC] = { "none", 0, 0 },
	[MEM_IO_AVAIL] = { "none", 0, 0 },
	[MEM_IO_USED] = { "none", 0, 0 },
};

static const struct mem_region three_rings[MEM_REGION_NUM] = {
	[MEM_RX_DESC] = { "ctl.desc", 0, MEM_PAGE },
	[MEM_RX_AVAIL] = { "ctl.avail", 0, MEM_PAGE },
	[MEM_RX_USED] = { "ctl.used", 0, MEM_PAGE },
	[MEM_TX_DESC] = { "evt.desc", 0, MEM_PAGE },
	[MEM_TX_AVAIL] = { "evt.avail", 0, MEM_PAGE },
	[MEM_TX_USED] = { "evt.used", 0, MEM_PAGE },
	[MEM_RX_BUF] = { "in", 0, BUFS },
	[MEM_TX_BUF] = { "out", 0, BUFS },
	[MEM_INDIRECT] = { "indirect", 0, MEM_PAGE },
	[MEM_SPARE] = { "spare", 0, (uint64_t)4 * MEM_PAGE },
	[MEM_IO_DESC] = { "io.desc", 0, MEM_PAGE },
	[MEM_IO_AVAIL] = { "io.avail", 0, MEM_PAGE },
	[MEM_IO_USED] = { "io.used", 0, MEM_PAGE },
};

int mem_init(struct mem *m)
{
	return mem_init_layout(m, MEM_TWO_RINGS);
}

int mem_init_layout(struct mem *m, enum mem_layout layout)
{
	cleanup_close int file = memfd_create("vhostcheck-guest", MFD_CLOEXEC);
	static const struct mem_region *const layouts[] = {
		[MEM_TWO_RINGS] = two_rings,
		[MEM_THREE_RINGS] = three_rings,
		[MEM_LARGE_RINGS] = large_rings,
	};
	const struct mem_region *regions = layouts[layout];
	unsigned char *map = NULL;
	uint64_t len = 0;

	*m = (struct mem){ .layout = layout };
	if (file < 0)
		return -errno;
	for (int i = 0; i < MEM_REGION_NUM; i++) {
		m->region[i] = regions[i];
		m->region[i].offset = len;
		len += regions[i].len;
	}
	/* a page that nobody may touch before and after */
	if (ftruncate(file, (off_t)(len + 2 * (size_t)MEM_PAGE)) < 0)
		return -errno;
	map = mmap(NULL, len + 2 * (size_t)MEM_PAGE, PROT_NONE, MAP_SHARED, file, 0);
	if (map == MAP_FAILED)
		return -errno;
	m->base = map + MEM_PAGE;
	m->len = len;
	if (mprotect(m->base, len, PROT_READ | PROT_WRITE) < 0) {
		int r = -errno;

		mem_done(m);
		return r;
	}
	return 0;
}

void mem_done(struct mem *m)
{
	if (m->base)
		(void)munmap(m->base - MEM_PAGE, m->len + 2 * (size_t)MEM_PAGE);
	m->base = NULL;
}

void *mem_ptr(const struct mem *m, enum mem_region_id id, uint64_t offset)
{
	return m->base + m->region[id].offset + offset;
}

uint64_t mem_hva(const struct mem *m, enum mem_region_id id, uint64_t offset)
{
	return (uint64_t)(uintptr_t)mem_ptr(m, id, offset);
}

uint64_t mem_gpa(const struct mem *m, enum mem_region_id id, uint64_t offset)
{
	return MEM_GPA + m->region[id].offset + offset;
}

uint64_t mem_iova(enum mem_region_id id, uint64_t offset)
{
	return MEM_IOVA + (uint64_t)id * MEM_IOVA_STRIDE + offset;
}

bool mem_find_iova(const struct mem *m, uint64_t iova, enum mem_region_id *ret_id,
		   uint64_t *ret_offset)
{
	for (int i = 0; i < MEM_REGION_NUM; i++) {
		uint64_t start = mem_iova((enum mem_region_id)i, 0);

		if (iova >= start && iova - start < m->region[i].len) {
			*ret_id = (enum mem_region_id)i;
			*ret_offset = iova - start;
			return true;
		}
	}
	return false;
}

static const struct mem_region *find_offset(const struct mem *m, uint64_t offset)
{
	for (int i = 0; i < MEM_REGION_NUM; i++)
		if (offset >= m->region[i].offset &&
		    offset - m->region[i].offset < m->region[i].len)
			return &m->region[i];
	return NULL;
}

const char *mem_describe(const struct mem *m, struct arena *a, uint64_t addr)
{
	uint64_t hva = (uint64_t)(uintptr_t)m->base;
	enum mem_region_id id = MEM_SPARE;
	const struct mem_region *r = NULL;
	const char *space = NULL;
	uint64_t offset = 0;

	if (mem_find_iova(m, addr, &id, &offset))
		return arena_printf(a, "%s+0x%" PRIx64, m->region[id].name, offset);
	if (addr >= MEM_GPA && addr - MEM_GPA < m->len) {
		space = "gpa";
		offset = addr - MEM_GPA;
	} else if (m->base && addr >= hva && addr - hva < m->len) {
		space = "hva";
		offset = addr - hva;
	} else {
		return arena_printf(a, "0x%" PRIx64, addr);
	}
	r = find_offset(m, offset);
	return arena_printf(a, "%s:%s+0x%" PRIx64, space, r ? r->name : "?",
			    r ? offset - r->offset : offset);
}
