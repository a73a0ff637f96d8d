/* SPDX-License-Identifier: MIT */
/* Area lifecycle: memory tables of many regions, before the start and while running. */
#include "base/number.h"
#include "checks/rows.h"

/* Of the parameter max_mem_regions: where it cannot be read, and the most that is tried
 */
#define REGIONS_DEFAULT 64
#define REGIONS_MOST 1024

static unsigned int regions_of(struct session *s)
{
	char text[NAME_ROOM] = "";
	struct facts *facts = s->seam->facts;
	int64_t n = -1;

	(void)facts->ops->parameter(facts, "vhost", "max_mem_regions", text);
	n = number_of(text);
	session_fact(s, "limit", "max_mem_regions", "%s", *text ? text : "unknown");
	return n > 0 && n <= REGIONS_MOST ? (unsigned int)n : REGIONS_DEFAULT;
}

/* All memory, cut into @n regions that are next to each other. */
static int in_regions(struct session *s, const char *step, unsigned int n)
{
	cleanup_free struct vhost_memory *table =
		calloc(1, sizeof(*table) + n * sizeof(table->regions[0]));
	uint64_t piece = s->mem.len / n;

	if (!table)
		return -ENOMEM;
	table->nregions = n;
	for (unsigned int i = 0; i < n; i++)
		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = MEM_GPA + i * piece,
			.memory_size = i + 1 < n ? piece : s->mem.len - i * piece,
			.userspace_addr = mem_hva(&s->mem, MEM_RX_DESC, i * piece),
		};
	return session_ioctl(s, step, VHOST_SET_MEM_TABLE, table);
}

/* All memory, and its second half again: both lead to the same bytes. */
static int overlapping(struct session *s, const char *step)
{
	cleanup_free struct vhost_memory *table =
		calloc(1, sizeof(*table) + 2 * sizeof(table->regions[0]));

	if (!table)
		return -ENOMEM;
	table->nregions = 2;
	for (unsigned int i = 0; i < 2; i++)
		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = MEM_GPA + i * (s->mem.len / 2),
			.memory_size = s->mem.len - i * (s->mem.len / 2),
			.userspace_addr =
				mem_hva(&s->mem, MEM_RX_DESC, i * (s->mem.len / 2)),
		};
	return session_ioctl(s, step, VHOST_SET_MEM_TABLE, table);
}

static int collect_memory_regions(struct session *s)
{
	struct link l;
	int r = link_prepare(&l, s, &plain_start);
	unsigned int n = regions_of(s);

	if (r == 0)
		r = in_regions(s, "most", n);
	if (r >= 0)
		r = link_start(&l);
	if (r == 0)
		r = link_both_ways(&l, TRANSFER_BYTES);
	if (r == 0)
		r = session_mem_table(s, "one");
	if (r >= 0)
		r = link_tx(&l, "tx one", SHORT_BYTES);
	if (r == 0)
		r = in_regions(s, "most again", n);
	if (r < 0)
		return r;
	(void)in_regions(s, "too many", n + 1);
	r = link_tx(&l, "tx most", SHORT_BYTES);
	if (r == 0)
		r = link_rx(&l, "rx most", SHORT_BYTES);
	if (r < 0)
		return r;
	(void)overlapping(s, "overlap");
	r = link_tx(&l, "tx overlap", SHORT_BYTES);
	return r < 0 ? r : link_rx(&l, "rx overlap", SHORT_BYTES);
}

static void judge_memory_regions(struct judge *j)
{
	judge_ok(j, "most");
	judge_both(j, TRANSFER_BYTES);
	judge_ok(j, "one");
	judge_bytes(j, "tx one", SHORT_BYTES);
	judge_ok(j, "most again");
	judge_errno(j, "too many", E2BIG);
	judge_bytes(j, "tx most", SHORT_BYTES);
	judge_bytes(j, "rx most", SHORT_BYTES);
	judge_bytes(j, "tx overlap", SHORT_BYTES);
	judge_bytes(j, "rx overlap", SHORT_BYTES);
}

const struct check lifecycle_memory_regions = {
	.area = "lifecycle",
	.name = "memory_regions",
	.families = ON_BOTH,
	.title = "memory in as many regions as the module allows is all reached",
	.contract =
		"A memory table may have as many regions as the parameter max_mem_regions "
		"of vhost says, 64 unless changed, of any size, before the start and while "
		"the device runs; a buffer may lie in several. One region more is E2BIG, "
		"and the table before stays in force. Whether regions may overlap is left "
		"open: where both lead to the same bytes these stay within reach.",
	.harm = "A guest with many memory slots stops when it plugs memory in, or sends "
		"and receives what is not its own.",
	.judged =
		"All memory cut into the most regions, then payload each way; one region, "
		"and as many again, while it runs; one too many; a table whose regions "
		"overlap. Payload after each.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("VHOST_SET_MEM_TABLE",
		      "vhost_set_memory(), translate_desc() in drivers/vhost/vhost.c",
		      "/sys/module/vhost/parameters/max_mem_regions"),
	.faults = WORDS("memory_few_regions", "memory_first_regions", "memory_one_more",
			"memory_grows_not", "memory_one_region", "memory_forgiven",
			"payload_flipped"),
	.collect = collect_memory_regions,
	.judge = judge_memory_regions,
};
