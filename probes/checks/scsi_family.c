/* SPDX-License-Identifier: MIT */
/* Area family: what a target says of itself, and how it says no. */
#include <ctype.h>
#include <string.h>

#include "checks/scsi.h"

#define INQUIRY_ROOM 255u
#define REPORT_ROOM 512u
#define LUNS_SHOWN 16u

static uint64_t get_be(const unsigned char *from, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value = value << 8 | from[i];
	return value;
}

/* ------------------------------------------------------------------ inquiry */

static struct scsi_command inquiry(const struct session *s)
{
	struct scsi_command c = scsi_command(s, 0, SCSI_INQUIRY);

	c.cdb[4] = INQUIRY_ROOM;
	c.in = INQUIRY_ROOM;
	return c;
}

/* The printable part of a field, without the spaces behind it. */
static const char *text_of(struct session *s, const unsigned char *from, size_t len)
{
	const char *text = NULL;

	while (len && from[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < len; i++)
		if (!isprint(from[i]))
			return "?";
	text = arena_printf(&s->arena, "%.*s", (int)len, (const char *)from);
	return text ? text : "?";
}

static int collect_inquiry(struct session *s)
{
	struct scsi_command c;
	struct scsi_answer answer;
	const unsigned char *data = NULL;
	struct link l;
	int r = link_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	c = inquiry(s);
	r = scsi_try(s, "inquiry", &c, &answer);
	if (r < 0)
		return r;
	data = scsi_in(s, 0);
	session_fact(s, "inquiry", "type", "%u", data[0]);
	session_fact(s, "inquiry", "vendor", "%s", text_of(s, data + 8, 8));
	session_fact(s, "inquiry", "product", "%s", text_of(s, data + 16, 16));
	/* what is left of the room behind the data that is said to be there */
	session_fact(s, "inquiry", "rest", "%u", INQUIRY_ROOM - (data[4] + 5u));
	return 0;
}

static void judge_inquiry(struct judge *j)
{
	const char *vendor = judge_fact_value(j, "inquiry", "vendor");

	judge_answer(j, "inquiry", "0", GOOD, "none");
	judge_fact(j, "inquiry", "type", "0");
	judge_that(j, vendor && *vendor && strcmp(vendor, "?") != 0,
		   "INQUIRY names no vendor");
}

const struct check scsi_inquiry = {
	.area = "family",
	.name = "inquiry",
	.families = ON_SCSI,
	.title = "a LUN answers INQUIRY as a disk",
	.contract = "INQUIRY is answered with GOOD, the device type of a disk, and a "
		    "vendor in printable characters.",
	.harm = "A guest does not find its disk.",
	.judged = "Standard INQUIRY of LUN 0 with room for 255 bytes; type and vendor.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("SPC-4 6.6.2", "virtio-1.2 5.6.6.1"),
	.faults = WORDS("inquiry_blank"),
	.collect = collect_inquiry,
	.judge = judge_inquiry,
};

static void judge_residual(struct judge *j)
{
	const char *rest = judge_fact_value(j, "inquiry", "rest");

	judge_answer(j, "inquiry", "0", GOOD, "none");
	judge_that(j, rest != NULL, "INQUIRY was not answered");
	judge_that(j, rest && strcmp(rest, "0") != 0,
		   "INQUIRY fills 255 bytes: nothing can be left of them");
	judge_fact(j, "inquiry", "residual", rest ? rest : "?");
}

const struct check scsi_residual = {
	.area = "family",
	.name = "residual",
	.families = ON_SCSI,
	.title = "the residual says how much of a buffer was not filled",
	.contract = "Where a command returns less than its buffer takes, the residual of "
		    "the response is the difference.",
	.harm = "A guest takes what lay in its buffer for what its disk said.",
	.judged =
		"INQUIRY with room for 255 bytes says how long its data is; the residual "
		"must be what is left.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.1", "target_complete_cmd_with_length() in "
					    "drivers/target/target_core_transport.c"),
	.faults = WORDS("residual_lost"),
	.collect = collect_inquiry,
	.judge = judge_residual,
};

/* --------------------------------------------------------------------- LUNs */

static const char *add_lun(struct session *s, const char *text, uint64_t lun)
{
	const char *more =
		text ? arena_printf(&s->arena, "%s %u", text, (unsigned int)lun)
		     : arena_printf(&s->arena, "%u", (unsigned int)lun);

	return more ? more : "?";
}

/* In their order, whatever the order of the list. */
static const char *listed_luns(struct session *s, const unsigned char *data)
{
	uint64_t n = get_be(data, 4) / 8;
	const char *text = NULL;

	for (uint64_t lun = 0; lun < LUNS_SHOWN; lun++)
		for (uint64_t i = 0; i < n && i < LUNS_SHOWN; i++)
			if ((get_be(data + 8 + i * 8, 2) & 0x3fff) == lun)
				text = add_lun(s, text, lun);
	return text ? text : "none";
}

static int collect_report_luns(struct session *s)
{
	struct scsi_command c;
	struct scsi_answer answer;
	const char *made = NULL;
	struct link l;
	int r = scsi_begin_two(&l, s);

	if (r < 0)
		return r;
	for (uint64_t lun = 0; lun < s->target.luns; lun++)
		made = add_lun(s, made, lun);
	made = add_lun(s, made, SCSI_SECOND_LUN);
	session_fact(s, "made", "luns", "%s", made ? made : "none");
	c = scsi_command(s, 0, SCSI_REPORT_LUNS);
	c.cdb[8] = REPORT_ROOM >> 8;
	c.in = REPORT_ROOM;
	r = scsi_try(s, "report", &c, &answer);
	if (r == 0)
		session_fact(s, "report", "luns", "%s", listed_luns(s, scsi_in(s, 0)));
	return r;
}

static void judge_report_luns(struct judge *j)
{
	const char *made = judge_fact_value(j, "made", "luns");

	judge_answer(j, "report", "0", GOOD, "none");
	judge_that(j, made && strcmp(made, "0 1") == 0, "the target has LUNs %s, not 0 1",
		   made ? made : "?");
	judge_fact(j, "report", "luns", made ? made : "?");
}

const struct check scsi_report_luns = {
	.area = "family",
	.name = "report_luns",
	.families = ON_SCSI,
	.title = "REPORT LUNS lists the LUNs that the target has",
	.contract = "REPORT LUNS names each LUN of the target once and no other.",
	.harm = "A guest finds some of its disks only.",
	.judged =
		"The list of a target with two LUNs, put in order, is compared with what "
		"the peer made.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("SPC-4 6.33",
		      "spc_emulate_report_luns() in drivers/target/target_core_spc.c"),
	.faults = WORDS("luns_short"),
	.collect = collect_report_luns,
	.judge = judge_report_luns,
};

/* ----------------------------------------------------------------- capacity */

static int ask_capacity(struct session *s, bool wide)
{
	struct scsi_command c = scsi_command(
		s, 0, wide ? SCSI_SERVICE_ACTION_IN_16 : SCSI_READ_CAPACITY_10);
	const char *step = wide ? "sixteen" : "ten";
	const unsigned char *data = scsi_in(s, 0);
	struct scsi_answer answer;
	int r = 0;

	c.in = wide ? 32 : 8;
	if (wide) {
		c.cdb[1] = 0x10; /* READ CAPACITY(16) */
		c.cdb[13] = 32;
	}
	r = scsi_try(s, step, &c, &answer);
	if (r < 0)
		return r;
	session_fact(s, step, "blocks", "%llu",
		     (unsigned long long)get_be(data, wide ? 8 : 4) + 1);
	session_fact(s, step, "block", "%llu",
		     (unsigned long long)get_be(data + (wide ? 8 : 4), 4));
	return 0;
}

static int collect_capacity(struct session *s)
{
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	if (r < 0)
		return r;
	session_fact(s, "made", "blocks", "%llu", (unsigned long long)s->target.blocks);
	session_fact(s, "made", "block", "%u", s->target.block);
	r = ask_capacity(s, false);
	return r < 0 ? r : ask_capacity(s, true);
}

static void judge_capacity(struct judge *j)
{
	const char *blocks = judge_fact_value(j, "made", "blocks");
	const char *block = judge_fact_value(j, "made", "block");

	judge_that(j, blocks && block, "the target has no capacity");
	judge_answer(j, "ten", "0", GOOD, "none");
	judge_fact(j, "ten", "blocks", blocks ? blocks : "?");
	judge_fact(j, "ten", "block", block ? block : "?");
	judge_answer(j, "sixteen", "0", GOOD, "none");
	judge_fact(j, "sixteen", "blocks", blocks ? blocks : "?");
	judge_fact(j, "sixteen", "block", block ? block : "?");
}

const struct check scsi_capacity = {
	.area = "family",
	.name = "capacity",
	.families = ON_SCSI,
	.title = "READ CAPACITY says what the store of a LUN holds",
	.contract = "READ CAPACITY(10) and (16) name the last block and the bytes of a "
		    "block of the store behind the LUN.",
	.harm = "A guest's file system ends elsewhere than its disk.",
	.judged = "Both are compared with what the peer made.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("SBC-3 5.15, 5.16",
		      "sbc_emulate_readcapacity() in drivers/target/target_core_sbc.c"),
	.faults = WORDS("capacity_off"),
	.collect = collect_capacity,
	.judge = judge_capacity,
};

/* ------------------------------------------------------------------ refusals */

int scsi_trials(struct session *s, const struct trial *trials, size_t n)
{
	struct scsi_answer answer;
	struct link l;
	int r = scsi_begin(&l, s, &plain_start);

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct scsi_command c = trials[i].make(s);

		r = scsi_try(s, trials[i].step, &c, &answer);
	}
	return r < 0 ? r : link_both_ways(&l, SHORT_BYTES);
}

static struct scsi_command target_absent(const struct session *s)
{
	struct scsi_command c = scsi_command(s, 0, SCSI_TEST_UNIT_READY);

	c.lun[1]++;
	return c;
}

static struct scsi_command first_byte_0(const struct session *s)
{
	struct scsi_command c = scsi_command(s, 0, SCSI_TEST_UNIT_READY);

	c.lun[0] = 0;
	return c;
}

static const struct trial bad_targets[] = {
	{ "absent", target_absent },
	{ "first_byte", first_byte_0 },
};

static int collect_bad_target(struct session *s)
{
	return scsi_trials(s, bad_targets, ARRAY_SIZE(bad_targets));
}

static void judge_bad_target(struct judge *j)
{
	judge_response(j, "absent", "3");
	judge_response(j, "first_byte", "3");
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_bad_target = {
	.area = "family",
	.name = "bad_target",
	.families = ON_SCSI,
	.title = "a request to a target that is not there is answered with BAD_TARGET",
	.contract =
		"A request whose LUN does not begin with 1, or names a target that the "
		"endpoint does not have, is answered with VIRTIO_SCSI_S_BAD_TARGET, "
		"and the next one is served.",
	.harm = "A guest that looks for its disks hangs at the first that is not there.",
	.judged = "TEST UNIT READY to another target and with another first byte, then "
		  "data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_SAFE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("virtio-1.2 5.6.6.1",
		      "vhost_scsi_get_req() in drivers/vhost/scsi.c"),
	.faults = WORDS("target_any", "lun_byte_any"),
	.collect = collect_bad_target,
	.judge = judge_bad_target,
};

static struct scsi_command lun_absent(const struct session *s)
{
	return scsi_command(s, SCSI_OTHER_LUN, SCSI_TEST_UNIT_READY);
}

static int collect_bad_lun(struct session *s)
{
	return scsi_trials(s, &(struct trial){ "absent", lun_absent }, 1);
}

static void judge_bad_lun(struct judge *j)
{
	judge_answer(j, "absent", "0", CHECK_CONDITION, "5/25/00");
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_bad_lun = {
	.area = "family",
	.name = "bad_lun",
	.families = ON_SCSI,
	.title = "a LUN that is not there is named as such",
	.contract =
		"A request to a LUN that the target does not have is answered with CHECK "
		"CONDITION and the sense ILLEGAL REQUEST, LOGICAL UNIT NOT SUPPORTED.",
	.harm = "A guest takes another disk for the one it asked for, or waits.",
	.judged = "TEST UNIT READY to LUN 5; status and sense; then data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS(
		"SPC-4 4.6.10",
		"transport_lookup_cmd_lun() in drivers/target/target_core_device.c"),
	.faults = WORDS("lun_first", "sense_lost"),
	.collect = collect_bad_lun,
	.judge = judge_bad_lun,
};

static struct scsi_command opcode_unknown(const struct session *s)
{
	return scsi_command(s, 0, 0xff);
}

static struct scsi_command block_behind(const struct session *s)
{
	return scsi_rw(s, 0, SCSI_READ_10, s->target.blocks, 1);
}

static const struct trial bad_cdbs[] = {
	{ "opcode", opcode_unknown },
	{ "behind", block_behind },
};

static int collect_bad_cdb(struct session *s)
{
	return scsi_trials(s, bad_cdbs, ARRAY_SIZE(bad_cdbs));
}

static void judge_bad_cdb(struct judge *j)
{
	judge_answer(j, "opcode", "0", CHECK_CONDITION, "5/20/00");
	judge_answer(j, "behind", "0", CHECK_CONDITION, "5/21/00");
	judge_both(j, SHORT_BYTES);
}

const struct check scsi_bad_cdb = {
	.area = "family",
	.name = "bad_cdb",
	.families = ON_SCSI,
	.title = "a command that cannot be done comes back with its sense",
	.contract =
		"An operation code that the target does not know is answered with CHECK "
		"CONDITION and INVALID COMMAND OPERATION CODE, a block behind the last with "
		"LOGICAL BLOCK ADDRESS OUT OF RANGE.",
	.harm = "A guest reads what is not there, or does not learn why its disk fails.",
	.judged = "Operation code 0xff, and READ(10) of the first block behind the last; "
		  "status and sense; then data both ways.",
	.severity = SEVERITY_HIGH,
	.risk = RISK_INTRUSIVE,
	.since = FIRST_VERSION,
	.need_peer = true,
	.refs = WORDS("SPC-4 4.5", "SBC-3 4.5",
		      "sbc_parse_cdb() in drivers/target/target_core_sbc.c"),
	.faults = WORDS("opcode_any", "lba_wraps", "sense_lost"),
	.collect = collect_bad_cdb,
	.judge = judge_bad_cdb,
};
