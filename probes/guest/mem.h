/* SPDX-License-Identifier: MIT */
/*
 * The memory of the guest that a session plays: one mapping of a file of its own, as a
 * VMM has it whose device is another process (vhost_vdpa_va_map() in
 * drivers/vhost/vdpa.c), with inaccessible pages on both sides, cut into named regions.
 * A region has three addresses that differ by design: where it lies in this process
 * (HVA), where the guest sees it (GPA: one block at MEM_GPA) and where the device sees
 * it with the IOTLB on (IOVA: every region in a MiB of its own, above 4 GiB).
 */
#ifndef GUEST_MEM_H
#define GUEST_MEM_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

#define MEM_PAGE 4096u
#define MEM_GPA UINT64_C(0x40000000)
#define MEM_IOVA UINT64_C(0x700000000)
#define MEM_IOVA_STRIDE UINT64_C(0x100000)

/** enum mem_region_id - the regions, in the order in which they lie in memory */
enum mem_region_id {
	MEM_RX_DESC,
	MEM_RX_AVAIL,
	MEM_RX_USED,
	MEM_TX_DESC,
	MEM_TX_AVAIL,
	MEM_TX_USED,
	MEM_RX_BUF,
	MEM_TX_BUF,
	MEM_INDIRECT,
	MEM_SPARE,   /* nothing of the session's: canaries, second homes of rings */
	MEM_IO_DESC, /* of a third ring; empty where there is none */
	MEM_IO_AVAIL,
	MEM_IO_USED,
	MEM_REGION_NUM
};

/**
 * enum mem_layout - which rings the memory has room for, and what its regions are called
 * @MEM_TWO_RINGS:	rx and tx, the rings of vhost-net and vhost-vsock
 * @MEM_THREE_RINGS:	ctl (in MEM_RX_*), evt (in MEM_TX_*) and io, those of vhost-scsi;
 *			MEM_RX_BUF is "in", MEM_TX_BUF "out"
 * @MEM_LARGE_RINGS:	as MEM_TWO_RINGS, with room for RING_SIZE_LARGEST descriptors
 */
enum mem_layout {
	MEM_TWO_RINGS,
	MEM_THREE_RINGS,
	MEM_LARGE_RINGS
};

/** MEM_BUFS - buffers of MEM_PAGE bytes in MEM_RX_BUF and in MEM_TX_BUF */
#define MEM_BUFS 16u

/**
 * struct mem_region - one named piece
 * @name:	"rx.used", as evidence shows it
 * @offset:	from the start of the mapping
 * @len:	bytes, whole pages
 */
struct mem_region {
	const char *name;
	uint64_t offset, len;
};

/**
 * struct mem - the guest's memory
 * @base:	of the regions; NULL while unmapped. @len: bytes
 * @layout:	enum mem_layout
 * @region:	by enum mem_region_id
 */
struct mem {
	unsigned char *base;
	uint64_t len;
	enum mem_layout layout;
	struct mem_region region[MEM_REGION_NUM];
};

/**
 * mem_init() - map zeroed memory
 * @m:	receives it; mem_done() when no longer needed
 *
 * Return: 0; -errno of memfd_create(2), ftruncate(2), mmap(2) or mprotect(2).
 */
int mem_init(struct mem *m) must_check_;

/** mem_init_layout() - mem_init() of another layout than MEM_TWO_RINGS */
int mem_init_layout(struct mem *m, enum mem_layout layout) must_check_;

/** mem_done() - unmap; harmless on a zeroed struct mem */
void mem_done(struct mem *m);

/** mem_ptr() - where a byte of a region lies in this process */
void *mem_ptr(const struct mem *m, enum mem_region_id id, uint64_t offset);

/** mem_hva() - its address in this process */
uint64_t mem_hva(const struct mem *m, enum mem_region_id id, uint64_t offset);

/** mem_gpa() - its guest-physical address */
uint64_t mem_gpa(const struct mem *m, enum mem_region_id id, uint64_t offset);

/** mem_iova() - its I/O virtual address */
uint64_t mem_iova(enum mem_region_id id, uint64_t offset);

/**
 * mem_find_iova() - the region that an I/O virtual address is in
 * @m:		memory
 * @iova:	address
 * @ret_id:	region
 * @ret_offset:	offset in it
 *
 * Return: whether there is one.
 */
bool mem_find_iova(const struct mem *m, uint64_t iova, enum mem_region_id *ret_id,
		   uint64_t *ret_offset);

/**
 * mem_describe() - an address as evidence shows it
 * @m:		memory
 * @a:		arena of the result
 * @addr:	IOVA, GPA or HVA
 *
 * Return: "rx.used+0x0" for an IOVA, "gpa:..." or "hva:..." with the same for the
 * others, the bare number for what is in no region; NULL when memory is exhausted.
 */
const char *mem_describe(const struct mem *m, struct arena *a, uint64_t addr);

#endif
