/* SPDX-License-Identifier: MIT */
/* Area transfer: how requests of vhost-scsi may lie in descriptors. */
#include "checks/scsi.h"

#define SPLIT_REQUEST 19u
#define SPLIT_RESPONSE 12u

static const struct scsi_area area = { .lba = 460, .len = SHORT_BYTES, .seed = 21 };

/* A write and a read, both in that shape. */
static int move_shaped(struct session *s, const struct session_config *c,
		       const struct scsi_shape *shape)
{
	struct link l;
	int r = scsi_begin(&l, s, c);

	if (r < 0)
		return r;
	r = scsi_write(s, "write", &area, shape);
	if (r == -ENODATA) /* all that the target had is given back: scsi_do() */
		session_fact(s, "write", "answer", "lost");
	return r < 0 ? r : scsi_read(s, "shaped", EV_RX, &area, shape);
}

static void judge_shaped(struct judge *j)
{
	judge_ok(j, "start");
	judge_bytes(j, "shaped", SHORT_BYTES);
}

static int collect_request_split(struct session *s)
{
	return move_shaped(s, &plain_start,
			   &(struct scsi_shape){ .request = SPLIT_REQUEST });
}

const struct check scsi_request_split = {
	.area = "transfer",
	.name = "request_split",
	.families = ON_SCSI,
	.title = "a request may lie in several descriptors",
	.contract = "The header of a request may be cut into descriptors at any byte.",
	.harm = "A guest whose driver lays its header out otherwise has no disk.",
	.judged = "A write and a read whose headers are cut after 19 of 51 bytes, the "
		  "data compared.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.4", "VIRTIO_F_ANY_LAYOUT",
		      "vhost_scsi_get_desc() in drivers/vhost/scsi.c"),
	.faults = WORDS("request_whole"),
	.collect = collect_request_split,
	.judge = judge_shaped,
};

static int collect_response_split(struct session *s)
{
	return move_shaped(
		s, &plain_start,
		&(struct scsi_shape){ .response = SPLIT_RESPONSE, .followed = true });
}

const struct check scsi_response_split = {
	.area = "transfer",
	.name = "response_split",
	.families = ON_SCSI,
	.title = "a response may lie in several descriptors",
	.contract = "The header of a response may be cut into descriptors at any byte.",
	.harm = "A guest whose driver lays its header out otherwise waits for its disk "
		"until it gives up.",
	.judged =
		"A write and a read whose responses are cut after 12 of 108 bytes, the "
		"data compared. A request behind each is answered whole: a response that "
		"is not there then, nor once the device has given back all that it has, "
		"is lost.",
	.severity = SEVERITY_MEDIUM,
	.risk = RISK_GUARDED,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.4", "VIRTIO_F_ANY_LAYOUT",
		      "vhost_scsi_setup_resp_iovs() in drivers/vhost/scsi.c"),
	.faults = WORDS("response_whole", "answers_swapped"),
	.collect = collect_response_split,
	.judge = judge_shaped,
};

static int collect_joined(struct session *s)
{
	return move_shaped(s, &plain_start, &(struct scsi_shape){ .joined = true });
}

const struct check scsi_joined = {
	.area = "transfer",
	.name = "joined",
	.families = ON_SCSI,
	.title = "header and data may lie in one descriptor",
	.contract =
		"The data of a write may follow its header in one descriptor, and that "
		"of a read its response.",
	.harm = "A guest whose driver lays its buffers out so writes its headers to the "
		"disk.",
	.judged = "A write and a read in two descriptors each, the data compared.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.4", "VIRTIO_F_ANY_LAYOUT",
		      "vhost_scsi_handle_vq() in drivers/vhost/scsi.c"),
	.faults = WORDS("data_apart"),
	.collect = collect_joined,
	.judge = judge_shaped,
};

static int collect_indirect(struct session *s)
{
	const struct session_config c = { .features = F_VERSION_1 | F_INDIRECT };

	return move_shaped(s, &c, &(struct scsi_shape){ .indirect = true });
}

const struct check scsi_indirect = {
	.area = "transfer",
	.name = "indirect",
	.families = ON_SCSI,
	.title = "a request may lie in an indirect table",
	.contract =
		"With VIRTIO_RING_F_INDIRECT_DESC all descriptors of a request may lie "
		"in a table of their own, as Linux guests lay them.",
	.harm = "A Linux guest has no disk.",
	.judged = "A write and a read in indirect tables, the data compared.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need = F_INDIRECT,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 2.7.5.3", "get_indirect() in drivers/vhost/vhost.c"),
	.faults = WORDS("indirect_cut"),
	.collect = collect_indirect,
	.judge = judge_shaped,
};
