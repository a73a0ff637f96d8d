/* SPDX-License-Identifier: MIT */
/* Area isolation: bit 33 is taken back from a device that runs, and given again. */
#include "checks/iotlb_start.h"
#include "checks/shadow.h"

/*
 * The transmit ring at I/O virtual addresses that are addresses of this process as well:
 * its own for what the device reads, the canary's for what it writes. Mapped, they lead
 * to the ring.
 */
static struct session_ring_at ambiguous(const struct session *s)
{
	return (struct session_ring_at){
		.desc = mem_hva(&s->mem, MEM_TX_DESC, 0),
		.avail = mem_hva(&s->mem, MEM_TX_AVAIL, 0),
		.used = mem_hva(&s->mem, MEM_SPARE, 0),
	};
}

static int map_part(struct session *s, const char *step, uint64_t iova,
		    enum mem_region_id id)
{
	return session_iotlb(s, step,
			     (struct iotlb_msg){
				     .iova = iova,
				     .size = s->mem.region[id].len,
				     .uaddr = mem_hva(&s->mem, id, 0),
				     .perm = VHOST_ACCESS_RW,
				     .type = VHOST_IOTLB_UPDATE,
			     });
}

/* Maps all, and gives both rings their addresses. */
static int lay_out(struct session *s, const char *step)
{
	const struct session_ring_at at = ambiguous(s);
	int r = session_map_all(s, step);

	if (r == 0)
		r = map_part(s, step, at.desc, MEM_TX_DESC);
	if (r == 0)
		r = map_part(s, step, at.avail, MEM_TX_AVAIL);
	if (r == 0)
		r = map_part(s, step, at.used, MEM_TX_USED);
	if (r == 0)
		r = session_ring_addr(s, step, QUEUE_TX, at);
	if (r == 0)
		r = session_ring_addr(s, step, QUEUE_RX, session_ring_home(s, QUEUE_RX));
	return r;
}

/* What a packet becomes while the bit is away. */
static int without_bit(struct session *s, struct link *l)
{
	cleanup_shadow struct shadow sh = { 0 };
	int r = 0;

	(void)session_features(s, "off", F_VERSION_1);
	shadow_paint(s, MEM_SPARE);
	link_queue(l);
	r = shadow_take(s, &sh);
	if (r < 0)
		return r;
	(void)session_stalled(s, "off", QUEUE_TX);
	shadow_note(s, &sh, "off", MEM_SPARE);
	return 0;
}

static int collect_taken_back(struct session *s)
{
	struct link l;
	int r = iotlb_set_up(s, &l);

	if (r == 0)
		r = lay_out(s, "map");
	if (r == 0)
		r = link_start(&l);
	if (r == 0)
		r = iotlb_warm(&l);
	if (r == 0)
		r = without_bit(s, &l);
	if (r < 0)
		return r;
	(void)session_features(s, "on", F_VERSION_1 | F_IOTLB);
	r = lay_out(s, "remap");
	if (r == 0)
		r = session_kick(s, QUEUE_RX);
	if (r == 0)
		r = link_tx(&l, "after", SHORT_BYTES);
	if (r == 0)
		r = link_rx(&l, "back", SHORT_BYTES);
	return r;
}

static void judge_taken_back(struct judge *j)
{
	judge_both(j, SHORT_BYTES);
	judge_ok(j, "off");
	judge_untouched(j, "off", "spare");
	judge_ok(j, "on");
	judge_message(j, "remap");
	judge_ok(j, "remap");
	judge_bytes(j, "after", SHORT_BYTES);
	judge_bytes(j, "back", SHORT_BYTES);
}

const struct check isolation_taken_back = {
	.area = "isolation",
	.name = "taken_back",
	.families = ON_BOTH,
	.title = "rings of a running device that loses bit 33 are not looked for in the "
		 "process",
	.contract =
		"VHOST_SET_FEATURES without VIRTIO_F_ACCESS_PLATFORM is accepted by a device "
		"that runs with an IOTLB. A ring address that was given as an I/O virtual one "
		"never becomes one of the process, and with the bit, the mappings and the "
		"addresses given anew the device goes on where it was. What it does between "
		"is left open: before 7.2.7 the IOTLB stays on and traffic goes on, later "
		"ones have no ring addresses until they are set.",
	.harm = "A guest that chose its ring's address, and has the VMM take the bit back, "
		"makes the device write at that address of the VMM.",
	.judged =
		"The transmit ring lies at addresses that are the process's too, its used "
		"ring at those of a canary; payload both ways; the bit is taken back; a "
		"packet, kick, flush: the canary's pages compared. Then all is given anew, "
		"and payload goes both ways.",
	.severity = SEVERITY_CRITICAL,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need = F_IOTLB,
	.need_peer = true,
	.refs = WORDS("vhost_net_set_features() in drivers/vhost/net.c",
		      "vhost_vsock_set_features() in drivers/vhost/vsock.c",
		      "vhost_clear_device_iotlb(), vhost_vq_invalidate_access() in "
		      "drivers/vhost/vhost.c of 7.3"),
	.faults = WORDS("off_keeps_rings", "policy_lenient", "features_frozen",
			"ring_addr_late"),
	.collect = collect_taken_back,
	.judge = judge_taken_back,
};
