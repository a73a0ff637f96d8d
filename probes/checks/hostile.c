/* SPDX-License-Identifier: MIT */
/* Area hostile: what its checks share; indirect tables; packets that are refused. */
#include <endian.h>
#include <string.h>

#include "checks/hostile.h"

/* Larger than what an indirect table may have: its indices are 16 bits wide. */
#define TABLE_TOO_LONG (65537u * (unsigned int)sizeof(struct vring_desc))

/* Where a second view of the guest's memory lies, long enough for such a table. */
#define ALIAS_GPA (MEM_GPA + UINT64_C(0x10000000))
#define ALIAS_LEN UINT64_C(0x200000)

void hostile_close(struct session *s)
{
	if (s->mem.base)
		(void)session_running(s, "stop", 0);
	session_close(s);
}

int hostile_open(struct link *l, struct session *s, const struct session_config *c)
{
	int r = 0;

	hostile_close(s);
	r = link_open(l, s, c);
	if (r == 0)
		r = link_start(l);
	if (r == 0)
		r = session_barrier(s);
	return r < 0 ? r : 0;
}

int hostile_fresh(struct session *s)
{
	struct link l;
	int r = 0;

	hostile_close(s);
	r = link_open(&l, s, &plain_start);
	if (r == 0)
		r = session_running(s, "fresh", 1);
	if (r >= 0)
		r = link_post_rx(&l);
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

void judge_fresh(struct judge *j)
{
	judge_ok(j, "fresh");
	judge_bytes(j, "tx", SHORT_BYTES);
	judge_bytes(j, "rx", SHORT_BYTES);
}

bool canary_whole(const unsigned char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != CANARY)
			return false;
	return true;
}

void canary_lay(struct session *s, enum mem_region_id id)
{
	memset(mem_ptr(&s->mem, id, 0), CANARY, s->mem.region[id].len);
}

void canary_note(struct session *s, const char *step, enum mem_region_id id)
{
	const struct mem_region *region = &s->mem.region[id];

	session_fact(s, step, region->name, "%s",
		     canary_whole(mem_ptr(&s->mem, id, 0), region->len) ? "untouched"
									: "written");
}

struct vring_desc bend_good(const struct link *l)
{
	const struct vring_desc *d = mem_ptr(&l->s->mem, MEM_TX_DESC, 0);

	return *d;
}

int bend_each(struct session *s, const struct session_config *c, const struct bend *bends,
	      size_t n)
{
	struct link l;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = hostile_open(&l, s, c);
		if (r < 0)
			break;
		link_queue(&l);
		bends[i].make(&l);
		r = session_stalled(s, bends[i].step, QUEUE_TX);
		r = r < 0 ? r : 0;
	}
	return r < 0 ? r : hostile_fresh(s);
}

void judge_bent(struct judge *j, const struct bend *bends, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		judge_moved(j, bends[i].step, 0, 0);
		judge_signalled(j, bends[i].step);
	}
	judge_fresh(j);
}

/* --------------------------------------------------------------- indirect */

/* Entry @i of the table is the good descriptor over again. */
static void entry(struct link *l, unsigned int i, uint16_t flags, uint16_t next)
{
	const struct vring_desc d = bend_good(l);

	ring_indirect(&l->s->ring[QUEUE_TX], i, le64toh(d.addr), le32toh(d.len), flags,
		      next);
}

/* Descriptor 0 is the table; after its entries were made, since they are copies of 0. */
static void table(struct link *l, uint64_t addr, uint32_t len)
{
	ring_desc(&l->s->ring[QUEUE_TX], 0, addr, len, RING_INDIRECT, 0);
}

static uint64_t table_home(const struct link *l)
{
	return link_address(l, MEM_INDIRECT, 0);
}

static void table_odd(struct link *l)
{
	entry(l, 0, 0, 0);
	table(l, table_home(l), 24);
}

static void table_nested(struct link *l)
{
	const struct vring_desc d = bend_good(l);

	ring_indirect(&l->s->ring[QUEUE_TX], 0, link_address(l, MEM_INDIRECT, 16), 128,
		      RING_INDIRECT, 0);
	ring_indirect(&l->s->ring[QUEUE_TX], 1, le64toh(d.addr), le32toh(d.len), 0, 0);
	table(l, table_home(l), 16);
}

/* Whether a device goes by next or by the order of the table: it never ends. */
static void table_loop(struct link *l)
{
	entry(l, 0, RING_NEXT, 1);
	entry(l, 1, RING_NEXT, 0);
	table(l, table_home(l), 32);
}

static void table_order(struct link *l)
{
	ring_indirect(&l->s->ring[QUEUE_TX], 0, link_address(l, MEM_RX_BUF, 0), MEM_PAGE,
		      RING_WRITE | RING_NEXT, 1);
	entry(l, 1, 0, 0);
	table(l, table_home(l), 32);
}

/* The guest's memory a second time, with room behind it that nobody looks at. */
static void alias(struct session *s)
{
	const struct vhost_memory_region home = {
		.guest_phys_addr = MEM_GPA,
		.memory_size = s->mem.len,
		.userspace_addr = (uint64_t)(uintptr_t)s->mem.base,
	};
	cleanup_free struct vhost_memory *t = calloc(1, sizeof(*t) + 2 * sizeof(home));

	if (!t)
		return;
	t->nregions = 2;
	t->regions[0] = t->regions[1] = home;
	t->regions[1].guest_phys_addr = ALIAS_GPA;
	t->regions[1].memory_size = ALIAS_LEN;
	(void)session_ioctl(s, "alias", VHOST_SET_MEM_TABLE, t);
}

/* Its length alone is wrong, its first entry is a whole packet. */
static void table_long(struct link *l)
{
	alias(l->s);
	entry(l, 0, 0, 0);
	table(l, ALIAS_GPA + l->s->mem.region[MEM_INDIRECT].offset, TABLE_TOO_LONG);
}

static const struct bend tables[] = {
	{ "odd_length", table_odd }, { "nested", table_nested },
	{ "loop", table_loop },      { "written_first", table_order },
	{ "too_long", table_long },
};

static int collect_indirect_table(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1 | F_INDIRECT };
	int r = session_peer(s);

	return r < 0 ? r : bend_each(s, &c, tables, ARRAY_SIZE(tables));
}

static void judge_indirect_table(struct judge *j)
{
	judge_ok(j, "alias");
	judge_bent(j, tables, ARRAY_SIZE(tables));
}

const struct check hostile_indirect_table = {
	.area = "hostile",
	.name = "indirect_table",
	.families = ON_BOTH,
	.title = "an indirect table that makes no sense is refused",
	.contract =
		"An indirect table whose length is not a multiple of 16 or above 65536 "
		"entries, that holds another table, a loop, or something to read behind "
		"something to write is an error: the error eventfd is signalled, no index "
		"moves, and a fresh descriptor works.",
	.harm = "The device reads past the table, or its worker never comes back.",
	.judged =
		"Each on a fresh device: kick, flush, indices and error eventfd; then a "
		"transfer both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_INDIRECT,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.5.3", "get_indirect() in drivers/vhost/vhost.c"),
	.faults = WORDS("indirect_odd_taken", "indirect_nested_taken",
			"indirect_loop_taken", "indirect_long_taken"),
	.collect = collect_indirect_table,
	.judge = judge_indirect_table,
};

/* ------------------------------------------------- parsed, and then refused */

/* The buffer may be written: there is nothing to send. */
static void buffer_writable(struct link *l)
{
	canary_lay(l->s, MEM_TX_BUF);
	ring_desc(&l->s->ring[QUEUE_TX], 0, link_address(l, MEM_TX_BUF, 0), MEM_PAGE,
		  RING_WRITE, 0);
}

static void buffer_empty(struct link *l)
{
	canary_lay(l->s, MEM_TX_BUF);
	ring_desc(&l->s->ring[QUEUE_TX], 0, link_address(l, MEM_TX_BUF, 0), 0, 0, 0);
}

static const struct bend buffers[] = {
	{ "writable", buffer_writable },
	{ "empty", buffer_empty },
};

static int collect_tx_buffer(struct session *s)
{
	struct link l;
	int r = session_peer(s);

	for (size_t i = 0; i < ARRAY_SIZE(buffers) && r == 0; i++) {
		r = hostile_open(&l, s, &plain_start);
		if (r < 0)
			break;
		link_queue(&l);
		buffers[i].make(&l);
		r = session_stalled(s, buffers[i].step, QUEUE_TX);
		canary_note(s, buffers[i].step, MEM_TX_BUF);
		r = r < 0 ? r : 0;
	}
	return r < 0 ? r : hostile_fresh(s);
}

static void judge_tx_buffer(struct judge *j)
{
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		judge_signalled(j, buffers[i].step);
		judge_fact(j, buffers[i].step, "tx.buf", "untouched");
	}
	judge_fresh(j);
}

const struct check hostile_tx_buffer = {
	.area = "hostile",
	.name = "tx_buffer",
	.families = ON_BOTH,
	.title = "a transmit buffer that cannot be read is an error",
	.contract =
		"A head of the transmit ring that leads to a writable buffer, or to one of "
		"no length, makes the error eventfd be signalled and is not written to; a "
		"fresh descriptor works. Whether the head is taken, and given back, is "
		"left open: vhost takes it and never gives it back.",
	.harm = "The guest's driver waits for a buffer that it never gets back, and nobody "
		"is told.",
	.judged = "Each on a fresh device: kick, flush, the error eventfd, and a pattern "
		  "in the buffer; then a transfer both ways. The indices are recorded.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("vhost_vsock_handle_tx_kick() in drivers/vhost/vsock.c",
		      "get_tx_bufs() in drivers/vhost/net.c"),
	.faults = WORDS("refused_silently"),
	.collect = collect_tx_buffer,
	.judge = judge_tx_buffer,
};
