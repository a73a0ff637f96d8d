/* SPDX-License-Identifier: MIT */
/*
 * A SCSI target with RAM disks as LUNs, and the peer that adds and removes them.
 *
 * Source: SPC-4, SBC-3; target_core_spc.c, target_core_sbc.c, target_core_device.c in
 * drivers/target
 */
#include <stdlib.h>
#include <string.h>

#include "model/model_private.h"

#define BLOCK 512u
#define BLOCKS 512u
#define CUT_FROM 2048u /* of RULE_WRITE_CUT: four blocks */
#define TPGT 1u

#define STATUS_GOOD 0x00
#define STATUS_CHECK 0x02

#define KEY_ILLEGAL 0x5
#define KEY_ATTENTION 0x6
#define ASC_OPCODE 0x2000
#define ASC_LBA 0x2100
#define ASC_FIELD 0x2400
#define ASC_LUN 0x2500
#define ASC_LUNS_CHANGED 0x3f0e

/** enum opcode - what it knows */
enum opcode {
	OP_TEST_UNIT_READY = 0x00,
	OP_INQUIRY = 0x12,
	OP_READ_CAPACITY_10 = 0x25,
	OP_READ_10 = 0x28,
	OP_WRITE_10 = 0x2a,
	OP_READ_16 = 0x88,
	OP_WRITE_16 = 0x8a,
	OP_SERVICE_IN_16 = 0x9e,
	OP_REPORT_LUNS = 0xa0
};

bool target_has(const struct target *t, unsigned int lun)
{
	return lun < TARGET_LUNS && t->lun[lun].bytes;
}

static int lun_add(struct target *t, unsigned int lun)
{
	if (lun >= TARGET_LUNS)
		return -EINVAL;
	if (t->lun[lun].bytes)
		return -EEXIST;
	t->lun[lun].bytes = calloc(BLOCKS, BLOCK);
	if (!t->lun[lun].bytes)
		return -ENOMEM;
	for (unsigned int i = 0; i < TARGET_LUNS; i++)
		t->lun[i].attention = i != lun;
	return 0;
}

static int lun_remove(struct target *t, unsigned int lun)
{
	if (!target_has(t, lun))
		return -ENOENT;
	free(t->lun[lun].bytes);
	t->lun[lun].bytes = NULL;
	return 0;
}

void target_make(struct model_peer *p)
{
	for (unsigned int lun = 0; lun < TARGET_LUNS_FIRST; lun++)
		(void)lun_add(&p->target, lun);
}

void target_done(struct target *t)
{
	for (unsigned int lun = 0; lun < TARGET_LUNS; lun++)
		(void)lun_remove(t, lun);
}

bool target_work(struct model_peer *p)
{
	struct target *t = &p->target;
	unsigned int lun = p->request.slot;
	bool add = p->request.op == PEER_LUN_ADD;
	int r = -EINVAL;

	if (add || p->request.op == PEER_LUN_REMOVE)
		r = add ? lun_add(t, lun) : lun_remove(t, lun);
	if (r == 0 && t->user)
		scsi_plugged(t->user, lun, add);
	peer_answer(p, -r);
	return true;
}

int target_describe(struct peer *peer, struct peer_target *ret_target)
{
	const struct model_peer *p = (const struct model_peer *)peer;

	if (p->m->family != FAMILY_SCSI || !p->started)
		return -ENOTCONN;
	*ret_target = (struct peer_target){
		.wwpn = "naa.5001405000000001",
		.tpgt = TPGT,
		.luns = TARGET_LUNS_FIRST,
		.block = BLOCK,
		.blocks = BLOCKS,
	};
	return 0;
}

/* ---------------------------------------------------------------- answers */

static uint64_t get_be(const uint8_t *from, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value = value << 8 | from[i];
	return value;
}

static void put_be(uint8_t *to, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void check(struct task *t, uint8_t key, uint16_t code)
{
	t->status = STATUS_CHECK;
	t->sense[0] = 0x70;
	t->sense[2] = key;
	t->sense[7] = SENSE_BYTES - 8;
	put_be(t->sense + 12, code, 2);
	t->sense_len = SENSE_BYTES;
}

/* Hands over as much of @from as the command asks for and the buffer takes. */
static void reply(struct task *t, const void *from, uint32_t len, uint64_t asked)
{
	uint32_t n = len < asked ? len : (uint32_t)asked;

	n = n < t->in_len ? n : t->in_len;
	if (n)
		memcpy(t->in, from, n);
	t->in_used = n;
	t->residual = t->in_len - n;
}

static void inquiry(const struct model_dev *d, struct task *t)
{
	static const char id[] = "MODEL   RAM DISK        0001";
	uint8_t data[36] = { 0, 0, 6, 2, sizeof(data) - 5 };

	if (t->cdb[1] & 1) {
		check(t, KEY_ILLEGAL, ASC_FIELD);
		return;
	}
	if (!device_breaks(d, RULE_INQUIRY_BLANK))
		memcpy(data + 8, id, sizeof(id) - 1);
	reply(t, data, sizeof(data), get_be(t->cdb + 3, 2));
}

static void report_luns(const struct model_dev *d, struct task *t)
{
	uint8_t data[8 + TARGET_LUNS * 8] = { 0 };
	uint32_t n = 0;

	for (unsigned int lun = 0; lun < TARGET_LUNS; lun++)
		if (target_has(&d->m->peer.target, lun))
			put_be(data + 8 + n++ * 8ul, lun, 2);
	if (n && device_breaks(d, RULE_LUNS_SHORT))
		n--;
	put_be(data, n * 8ull, 4);
	reply(t, data, 8 + n * 8, get_be(t->cdb + 6, 4));
}

static void capacity(const struct model_dev *d, struct task *t, bool wide)
{
	uint64_t last = BLOCKS - 1 + device_breaks(d, RULE_CAPACITY_OFF);
	uint8_t data[32] = { 0 };

	put_be(data, last, wide ? 8 : 4);
	put_be(data + (wide ? 8 : 4), BLOCK, 4);
	reply(t, data, wide ? sizeof(data) : 8, wide ? get_be(t->cdb + 10, 4) : 8);
}

static bool is_wide(const struct task *t)
{
	return t->cdb[0] == OP_READ_16 || t->cdb[0] == OP_WRITE_16;
}

static uint64_t lba_of(const struct model_dev *d, const struct task *t)
{
	uint64_t lba = get_be(t->cdb + 2, is_wide(t) ? 8 : 4);

	if (is_wide(t) && device_breaks(d, RULE_WIDE_TRUNCATED))
		lba &= 0xff;
	return lba;
}

static void blocks(const struct model_dev *d, struct task *t, unsigned char *bytes,
		   bool write)
{
	uint64_t lba = lba_of(d, t);
	uint64_t n = is_wide(t) ? get_be(t->cdb + 10, 4) : get_be(t->cdb + 7, 2);
	uint64_t len = n * BLOCK;

	if (lba >= BLOCKS && device_breaks(d, RULE_LBA_WRAPS))
		lba %= BLOCKS;
	if (lba >= BLOCKS || n > BLOCKS - lba) {
		check(t, KEY_ILLEGAL, ASC_LBA);
		return;
	}
	bytes += lba * BLOCK;
	if (!write) {
		reply(t, bytes, (uint32_t)len, len);
		return;
	}
	if (len > t->out_len)
		len = t->out_len;
	t->residual = t->out_len - (uint32_t)len;
	if (len > CUT_FROM && device_breaks(d, RULE_WRITE_CUT))
		len -= BLOCK;
	if (len)
		memcpy(bytes, t->out, len);
}

static void obey(const struct model_dev *d, struct task *t, unsigned char *bytes)
{
	switch (t->cdb[0]) {
	case OP_TEST_UNIT_READY:
		return;
	case OP_INQUIRY:
		inquiry(d, t);
		return;
	case OP_REPORT_LUNS:
		report_luns(d, t);
		return;
	case OP_READ_CAPACITY_10:
	case OP_SERVICE_IN_16:
		capacity(d, t, t->cdb[0] == OP_SERVICE_IN_16);
		return;
	case OP_READ_10:
	case OP_READ_16:
		blocks(d, t, bytes, false);
		return;
	case OP_WRITE_10:
	case OP_WRITE_16:
		blocks(d, t, bytes, true);
		return;
	default:
		if (!device_breaks(d, RULE_OPCODE_ANY))
			check(t, KEY_ILLEGAL, ASC_OPCODE);
	}
}

void target_execute(struct model_dev *d, struct task *t)
{
	struct target *target = &d->m->peer.target;
	struct disk *disk = NULL;

	if (device_breaks(d, RULE_LUN_FIRST))
		t->lun = 0;
	t->residual = t->in_len + t->out_len;
	if (!target_has(target, t->lun)) {
		check(t, KEY_ILLEGAL, ASC_LUN);
		return;
	}
	disk = &target->lun[t->lun];
	if (disk->attention && t->cdb[0] != OP_INQUIRY && t->cdb[0] != OP_REPORT_LUNS) {
		disk->attention = false;
		check(t, KEY_ATTENTION, ASC_LUNS_CHANGED);
		return;
	}
	obey(d, t, disk->bytes);
}
