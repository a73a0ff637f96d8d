/* SPDX-License-Identifier: MIT */
/* Policies of vhost-scsi and vhost-vdpa, played on models of them with real bytes. */
#include "run/cell.h"
#include "stacks/player.h"
#include "stacks/sources.h"
#include "stacks/verdict.h"
#include "stacks_fixture.h"

/* ------------------------------------------------------------------- plays */

static int act(struct session *s, const void *arg)
{
	return stack_collect(s, arg);
}

static struct stack_result play_policy(struct fixture *f, const struct stack *s,
				       enum guest_kind kind, const char *fault)
{
	const struct stack_play play = { s, guest_of(s, kind) };
	const struct cell cell = {
		.model = { .family = !strcmp(s->devices.item[0], "scsi") ? FAMILY_SCSI
									 : FAMILY_VDPA,
			   .fault = fault ? fault_find(fault) : NULL },
		.act = act,
		.arg = &play,
	};
	struct stack_result r;
	struct outcome o;

	assert_true(!fault || cell.model.fault);
	cell_run(&f->arena, &cell, &o);
	assert_int_equal(o.end, TASK_FINISHED);
	assert_int_equal(o.gave_up, 0);
	f->e = o.evidence;
	stack_judge(&f->arena, &f->e, &r);
	return r;
}

static struct stack_result play(struct fixture *f, const char *name, enum guest_kind kind,
				const char *fault)
{
	const struct stack *s = stack_find(&f->library, name);

	assert_non_null(s);
	return play_policy(f, s, kind, fault);
}

static const char *text_of(const char *name)
{
	for (size_t i = 0; i < stack_source_count; i++)
		if (!strcmp(stack_sources[i].name, name))
			return stack_sources[i].text;
	fail_msg("there is no %s", name);
	return NULL;
}

/* The text of a policy with the first @from replaced. */
static const char *changed(struct fixture *f, const char *name, const char *from,
			   const char *to)
{
	const char *text = text_of(name), *at = strstr(text, from), *made = NULL;

	assert_non_null(at);
	made = arena_printf(&f->arena, "%.*s%s%s", (int)(at - text), text, to,
			    at + strlen(from));
	assert_non_null(made);
	return made;
}

static struct stack_result play_changed(struct fixture *f, const char *name,
					const char *from, const char *to)
{
	const char *text = changed(f, name, from, to);
	const struct stack *s = NULL;
	struct written_error err = { 0 };

	if (stack_parse(&f->arena, text, strlen(text), &s, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.text);
	return play_policy(f, s, GUEST_PLAIN, NULL);
}

static void assert_result(struct stack_result r, enum stack_verdict verdict,
			  const char *signature)
{
	assert_string_equal(stack_verdict_names[r.verdict], stack_verdict_names[verdict]);
	assert_string_equal(r.signature ? r.signature : "none", signature);
	assert_true(verdict == STACK_WORKS || r.reason);
}

static void assert_works(struct stack_result r, int64_t bytes)
{
	assert_result(r, STACK_WORKS, "none");
	assert_int_equal(r.tx_bytes, bytes);
	assert_int_equal(r.rx_bytes, bytes);
}

static struct ev *first(const struct fixture *f, enum ev_kind kind, const char *step)
{
	for (size_t i = 0; i < f->e.ev.count; i++) {
		struct ev *ev = f->e.ev.item[i];

		if (ev->kind == (int)kind && !strcmp(ev->step, step))
			return ev;
	}
	fail_msg("nothing of step %s", step);
	return NULL;
}

/* The names of all that was said to the device until it ran, each but the last once. */
static void assert_calls(const struct fixture *f, const char *const *expected, size_t n)
{
	const char *last = "";
	size_t seen = 0;

	for (size_t i = 0; i < f->e.ev.count; i++) {
		const struct ev *ev = f->e.ev.item[i];
		const char *name = ev->kind == EV_IOCTL ? ev->ioctl.name
				   : ev->kind == EV_IOTLB && ev->iotlb.msg == EV_UPDATE
					   ? "UPDATE"
					   : NULL;

		if (ev->kind == EV_IOTLB && ev->iotlb.msg != EV_UPDATE)
			name = "MESSAGE";
		if (!name || !strcmp(name, "open") || !strcmp(name, last))
			continue;
		last = name;
		if (seen == n)
			return;
		if (strcmp(name, expected[seen]) != 0)
			fail_msg("call %zu is %s, not %s", seen, name, expected[seen]);
		seen++;
	}
	assert_int_equal(seen, n);
}

/* -------------------------------------------------------------------- scsi */

static void test_scsi_policies_move_bytes(void **state)
{
	struct fixture *f = *state;

	assert_works(play(f, "qemu-scsi", GUEST_PLAIN, NULL), STACK_SCSI_BYTES);
	assert_works(play(f, "qemu-scsi", GUEST_PROTECTED, NULL), STACK_SCSI_BYTES);
	assert_works(play(f, "kvmtool-scsi", GUEST_PLAIN, NULL), STACK_SCSI_BYTES);
}

static void test_bit_33_is_refused_by_scsi(void **state)
{
	assert_result(play(*state, "qemu-scsi", GUEST_VIOMMU, NULL), STACK_REFUSED,
		      "features_refused");
}

static void test_a_target_bound_before_the_rings_fails_the_start(void **state)
{
	struct fixture *f = *state;
	struct stack_result r = play(f, "kvmtool-scsi-2023", GUEST_PLAIN, NULL);

	assert_result(r, STACK_FAILS_START, "rings_after_start");
	assert_non_null(strstr(r.reason, "VHOST_SET_VRING_NUM"));
}

static void test_scsi_policies_are_played_in_their_order(void **state)
{
	static const char *const qemu[] = {
		"VHOST_SET_OWNER",
		"VHOST_GET_FEATURES",
		"VHOST_SET_VRING_CALL",
		"VHOST_SET_VRING_ERR",
		"VHOST_SET_VRING_CALL",
		"VHOST_SET_VRING_ERR",
		"VHOST_SET_VRING_CALL",
		"VHOST_SET_VRING_ERR",
		"VHOST_SCSI_GET_ABI_VERSION",
		"VHOST_SET_FEATURES",
		"VHOST_GET_BACKEND_FEATURES",
		"VHOST_SET_MEM_TABLE",
		"VHOST_SET_VRING_NUM",
	};
	static const char *const kvmtool[] = {
		"VHOST_SET_OWNER",      "VHOST_SET_MEM_TABLE",  "VHOST_GET_FEATURES",
		"VHOST_SET_VRING_KICK", "VHOST_SET_VRING_NUM",  "VHOST_SET_VRING_BASE",
		"VHOST_SET_VRING_ADDR", "VHOST_SET_VRING_CALL",
	};
	static const char *const before[] = {
		"VHOST_SET_OWNER",         "VHOST_SET_MEM_TABLE",  "VHOST_GET_FEATURES",
		"VHOST_SET_FEATURES",      "VHOST_SET_VRING_CALL", "VHOST_SET_VRING_ERR",
		"VHOST_SCSI_SET_ENDPOINT", "VHOST_SET_VRING_KICK", "VHOST_SET_VRING_NUM",
	};
	struct fixture *f = *state;

	(void)play(f, "qemu-scsi", GUEST_PLAIN, NULL);
	assert_calls(f, qemu, ARRAY_SIZE(qemu));
	(void)play(f, "kvmtool-scsi", GUEST_PLAIN, NULL);
	assert_calls(f, kvmtool, ARRAY_SIZE(kvmtool));
	(void)play(f, "kvmtool-scsi-2023", GUEST_PLAIN, NULL);
	assert_calls(f, before, ARRAY_SIZE(before));
}

static void test_scsi_devices_that_err_do_not_work(void **state)
{
	struct fixture *f = *state;

	assert_result(play(f, "qemu-scsi", GUEST_PLAIN, "write_cut"), STACK_DEGRADED,
		      "payload_corrupted");
	assert_result(play(f, "qemu-scsi", GUEST_PLAIN, "lun_byte_any"), STACK_WORKS,
		      "none");
}

/* -------------------------------------------------------------------- vdpa */

static void test_vdpa_policies_move_bytes(void **state)
{
	struct fixture *f = *state;

	assert_works(play(f, "qemu-vdpa", GUEST_PLAIN, NULL), STACK_TRANSFER_BYTES);
	assert_works(play(f, "qemu-vdpa", GUEST_PROTECTED, NULL), STACK_TRANSFER_BYTES);
	assert_works(play(f, "qemu-vdpa", GUEST_VIOMMU, NULL), STACK_TRANSFER_BYTES);
	assert_int_equal(first(f, EV_IOTLB, "tx.map")->iotlb.perm, EV_PERM_RO);
	assert_int_equal(first(f, EV_IOTLB, "rx.map")->iotlb.perm, EV_PERM_WO);
	assert_works(play(f, "cloud-hypervisor", GUEST_PLAIN, NULL),
		     STACK_TRANSFER_BYTES);
	/* the model looks at a ring whenever it is enabled; VDUSE does not */
	assert_works(play(f, "qemu-vdpa-2023", GUEST_PLAIN, NULL), STACK_TRANSFER_BYTES);
}

static void test_who_wants_a_network_device_takes_no_other(void **state)
{
	struct fixture *f = *state;
	struct stack_result r = play(f, "dpdk-vdpa", GUEST_PLAIN, NULL);

	assert_result(r, STACK_NOT_APPLICABLE, "none");
	assert_non_null(strstr(r.reason, "NET"));
	assert_null(ev_find(&f->e, EV_IOCTL, "setup.owner"));
}

static void test_the_rest_of_its_order_is_played_on_what_it_takes(void **state)
{
	static const char *const dpdk[] = {
		"VHOST_VDPA_GET_DEVICE_ID",
		"VHOST_SET_OWNER",
		"VHOST_GET_FEATURES",
		"VHOST_GET_BACKEND_FEATURES",
		"VHOST_SET_BACKEND_FEATURES",
		"VHOST_VDPA_SET_STATUS",
		"VHOST_SET_VRING_CALL",
		"VHOST_SET_FEATURES",
		"VHOST_VDPA_SET_STATUS",
		"VHOST_VDPA_GET_STATUS",
		"MESSAGE",
		"UPDATE",
		"MESSAGE",
		"VHOST_SET_VRING_NUM",
		"VHOST_SET_VRING_BASE",
		"VHOST_SET_VRING_ADDR",
		"VHOST_SET_VRING_KICK",
		"VHOST_VDPA_SET_VRING_ENABLE",
		"VHOST_VDPA_SET_STATUS",
	};
	struct fixture *f = *state;

	assert_works(
		play_changed(f, "dpdk-vdpa", "GET_DEVICE_ID NET", "GET_DEVICE_ID BLOCK"),
		STACK_TRANSFER_BYTES);
	assert_calls(f, dpdk, ARRAY_SIZE(dpdk));
}

static void test_vdpa_policies_are_played_in_their_order(void **state)
{
	static const char *const hypervisor[] = {
		"VHOST_SET_OWNER",
		"VHOST_VDPA_GET_DEVICE_ID",
		"VHOST_GET_FEATURES",
		"VHOST_VDPA_GET_IOVA_RANGE",
		"UPDATE",
		"VHOST_SET_FEATURES",
		"VHOST_GET_BACKEND_FEATURES",
		"VHOST_SET_BACKEND_FEATURES",
		"VHOST_SET_VRING_NUM",
		"VHOST_SET_VRING_ADDR",
		"VHOST_SET_VRING_BASE",
		"VHOST_SET_VRING_CALL",
		"VHOST_SET_VRING_KICK",
		"VHOST_VDPA_SET_CONFIG_CALL",
		"VHOST_VDPA_SET_VRING_ENABLE",
		"VHOST_VDPA_SET_STATUS",
	};
	static const char *const late[] = {
		"MESSAGE",
		"VHOST_VDPA_SET_STATUS",
		"VHOST_VDPA_SET_CONFIG_CALL",
		"VHOST_VDPA_SET_VRING_ENABLE",
	};
	struct fixture *f = *state;
	size_t i = 0;

	(void)play(f, "cloud-hypervisor", GUEST_PLAIN, NULL);
	assert_calls(f, hypervisor, ARRAY_SIZE(hypervisor));
	(void)play(f, "qemu-vdpa-2023", GUEST_PLAIN, NULL);
	/* from the end of the batch on */
	while (((const struct ev *)f->e.ev.item[i])->kind != EV_IOTLB)
		i++;
	while (((const struct ev *)f->e.ev.item[i + 1])->kind == EV_IOTLB)
		i++;
	f->e.ev.item += i;
	f->e.ev.count -= i;
	assert_calls(f, late, ARRAY_SIZE(late));
	f->e.ev.item -= i;
}

/* What was set, as hexadecimal text, by the last ioctl of a step. */
static const char *last_arg(const struct fixture *f, const char *step)
{
	const struct ev *ev = NULL;
	const char *arg = NULL;

	while ((ev = ev_find_next(&f->e, ev, EV_IOCTL, step)))
		arg = ev->ioctl.arg;
	assert_non_null(arg);
	return arg;
}

static void test_bit_33_is_added_where_the_guest_has_none(void **state)
{
	struct fixture *f = *state;

	(void)play(f, "qemu-vdpa", GUEST_PLAIN, NULL);
	assert_non_null(strstr(last_arg(f, "setup.features"), "0x33"));
	assert_string_equal(last_arg(f, "setup.backend"), "0x1e");
	(void)play(f, "cloud-hypervisor", GUEST_PLAIN, NULL);
	assert_string_equal(last_arg(f, "setup.backend"), "0x3e");
	assert_string_equal(last_arg(f, "start"), "15");
}

static void test_what_is_not_mapped_stalls(void **state)
{
	struct fixture *f = *state;

	assert_result(
		play_changed(f, "qemu-vdpa", "\"map\": \"all\"", "\"map\": \"none\""),
		STACK_STALLS, "ring_unmapped");
	assert_result(play_changed(f, "qemu-vdpa", "\"map\": \"all\"",
				   "\"map\": \"used_rings\""),
		      STACK_STALLS, "ring_unmapped");
}

static void test_vdpa_devices_that_err_do_not_work(void **state)
{
	struct fixture *f = *state;

	assert_result(play(f, "qemu-vdpa", GUEST_PLAIN, "vdpa_batch_lost"), STACK_STALLS,
		      "stalled_silently");
	/* who maps without batches has nothing to lose by it */
	assert_result(play(f, "cloud-hypervisor", GUEST_PLAIN, "vdpa_batch_lost"),
		      STACK_WORKS, "none");
}

/* ------------------------------------------- what real devices do, models not */

static struct ev *add(struct fixture *f, enum ev_kind kind, const char *step)
{
	struct ev *ev = rec_list_new(&f->arena, &f->e.ev, sizeof(*ev));

	assert_non_null(ev);
	ev->kind = (int)kind;
	ev->step = step;
	return ev;
}

static struct stack_result judged(struct fixture *f)
{
	struct stack_result r;

	stack_judge(&f->arena, &f->e, &r);
	return r;
}

static void test_a_ring_that_is_enabled_late_stalls(void **state)
{
	struct fixture *f = *state;

	(void)play(f, "qemu-vdpa-2023", GUEST_PLAIN, NULL);
	first(f, EV_FACT, "transfer")->fact.value = "ENODATA";
	add(f, EV_EVENTFD, "stall");
	assert_result(judged(f), STACK_STALLS, "ring_enabled_late");
	(void)play(f, "qemu-vdpa", GUEST_PLAIN, NULL);
	first(f, EV_FACT, "transfer")->fact.value = "ENODATA";
	add(f, EV_EVENTFD, "stall");
	assert_result(judged(f), STACK_STALLS, "stalled_silently");
}

static void test_features_without_bit_33_may_be_refused(void **state)
{
	struct fixture *f = *state;
	struct ev *features = NULL;

	(void)play(f, "cloud-hypervisor", GUEST_PLAIN, NULL);
	features = first(f, EV_IOCTL, "setup.features");
	features->ioctl.err = EINVAL;
	assert_result(judged(f), STACK_REFUSED, "features_refused");
	features->ioctl.arg = "0x130006644";
	assert_result(judged(f), STACK_REFUSED, "platform_missing");
	features->ioctl.err = EBUSY;
	assert_result(judged(f), STACK_REFUSED, "features_refused");
}

static void test_a_status_that_is_taken_back_refuses_the_features(void **state)
{
	struct fixture *f = *state;
	struct ev *lost = NULL;

	(void)play(f, "qemu-vdpa", GUEST_PLAIN, NULL);
	lost = add(f, EV_FACT, "setup.status");
	lost->fact.name = "lost";
	lost->fact.value = "0x8";
	assert_result(judged(f), STACK_REFUSED, "features_refused");
}

static void test_a_bad_answer_is_told_from_a_broken_play(void **state)
{
	struct fixture *f = *state;
	struct ev *request = NULL;

	(void)play(f, "qemu-vdpa", GUEST_PLAIN, NULL);
	/* it is the peer that is late with what is in its file */
	first(f, EV_FACT, "transfer")->fact.value = "ETIME";
	assert_result(judged(f), STACK_UNKNOWN, "none");
	first(f, EV_FACT, "transfer")->fact.value = "EIO";
	assert_result(judged(f), STACK_UNKNOWN, "none");
	request = first(f, EV_FACT, "tx");
	assert_string_equal(request->fact.name, "request");
	request->fact.value = "status 1, used 1";
	assert_result(judged(f), STACK_STALLS, "request_failed");
}

static void test_no_part_of_the_evidence_works(void **state)
{
	static const char *const names[] = { "qemu-scsi", "qemu-vdpa" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t all = 0;

		(void)play(f, names[i], GUEST_PLAIN, NULL);
		all = f->e.ev.count;
		assert_result(judged(f), STACK_WORKS, "none");
		while (--all) {
			f->e.ev.count = all;
			assert_int_equal(judged(f).verdict, STACK_UNKNOWN);
		}
	}
}

/* ------------------------------------------------------------ broken policies */

static void test_an_order_is_refused_that_its_device_does_not_have(void **state)
{
	static const struct {
		const char *name, *from, *to, *pointer, *text;
	} rows[] = {
		{ "crosvm", "SET_OWNER", "GET_ABI_VERSION", "/order/0", "of scsi alone" },
		{ "qemu-vdpa", "\"vdpa\"", "\"net\"", "/order/0", "of vdpa alone" },
		{ "qemu-scsi", "KICK\"", "KICK ENABLE\"", "/order/7", "of vdpa alone" },
		{ "qemu-scsi", "KICK\"", "KICK START\"", "/order/7", "of net alone" },
		{ "qemu-vdpa", "\"vdpa\"", "\"vdpa\", \"scsi\"", "/devices/0",
		  "stands alone" },
		{ "qemu-vdpa", "\"VRINGS ENABLE\", ", "", "/order", "no vDPA ring runs" },
		{ "qemu-vdpa", "\"IOTLB_BATCH_BEGIN\", ", "", "/order/14",
		  "needs IOTLB_BATCH_BEGIN" },
		{ "qemu-vdpa", ", \"IOTLB_BATCH_END\"", "", "/order",
		  "IOTLB_BATCH_END is missing" },
		{ "qemu-vdpa", "ACKNOWLEDGE DRIVER", "ACKNOWLEDGE RESET", "/order/3",
		  "does not go with" },
		{ "qemu-vdpa", "ACKNOWLEDGE DRIVER", "DRIVER DRIVER", "/order/3",
		  "twice in this step" },
		{ "qemu-vdpa", " ACKNOWLEDGE DRIVER", "", "/order/3", "lacks its bits" },
		{ "qemu-vdpa", " FEATURES_OK", " DRIVER_OK", "/order/8", "no step" },
		{ "qemu-vdpa", "GET_DEVICE_ID", "GET_DEVICE_ID NET BLOCK", "/order/0",
		  "does not go with" },
		{ "qemu-vdpa", "GET_DEVICE_ID", "GET_DEVICE_ID DISK", "/order/0",
		  "no step" },
		{ "qemu-vdpa", "\"SET_OWNER\", ", "", "/order/5", "needs SET_OWNER" },
		{ "qemu-vdpa", "NUM BASE ADDR", "NUM BASE", "/order",
		  "ADDR of the rings is missing" },
		{ "qemu-vdpa", "\"START\"", "\"START\", \"START\"", "/order/17",
		  "stands twice" },
		{ "qemu-scsi", "\"map\": \"none\"", "\"map\": \"as_used\"",
		  "/guests/0/map", "of vdpa alone" },
		{ "kvmtool-scsi-2023", "\"SET_MEM_TABLE\", ", "", "/order/4",
		  "needs SET_MEM_TABLE" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = changed(f, rows[i].name, rows[i].from, rows[i].to);
		const struct stack *s = NULL;
		struct written_error err = { 0 };

		if (stack_parse(&f->arena, text, strlen(text), &s, &err) != -EINVAL)
			fail_msg("%s is taken", rows[i].to);
		assert_null(s);
		assert_string_equal(err.pointer, rows[i].pointer);
		if (!strstr(err.text, rows[i].text))
			fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].text);
	}
}

/** struct counter - a recorder that counts, and keeps what the peer lacks */
struct counter {
	struct recorder rec;
	unsigned int calls;
	bool lacks;
};

static int count(struct recorder *rec, const struct ev *ev)
{
	struct counter *c = (struct counter *)rec;

	c->calls += ev->kind == EV_IOCTL;
	c->lacks = c->lacks || (ev->kind == EV_FACT && !strcmp(ev->step, "peer"));
	return 0;
}

static void test_a_device_of_somebody_is_not_touched(void **state)
{
	struct fixture *f = *state;
	const struct model_options options = { .family = FAMILY_VDPA };
	const struct stack *s = stack_find(&f->library, "qemu-vdpa");
	const struct stack_play p = { s, s->guests.item[0] };
	struct counter c = { .rec = { .emit = count } };
	struct seam_model *m = seam_model_new(&options);
	struct seam seam;
	struct session session;

	assert_non_null(m);
	seam = seam_model_tables(m);
	session_init(&session, &(struct session_init){
				       .seam = &seam,
				       .rec = &c.rec,
				       .until = deadline_after_ms(1000),
				       .family = FAMILY_VDPA,
				       .path = "/dev/vhost-vdpa-0",
			       });
	assert_int_equal(stack_collect(&session, &p), 0);
	session_done(&session);
	seam_model_free(m);
	assert_int_equal(c.calls, 0);
	assert_true(c.lacks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scsi_policies_move_bytes),
		cmocka_unit_test(test_bit_33_is_refused_by_scsi),
		cmocka_unit_test(test_a_target_bound_before_the_rings_fails_the_start),
		cmocka_unit_test(test_scsi_policies_are_played_in_their_order),
		cmocka_unit_test(test_scsi_devices_that_err_do_not_work),
		cmocka_unit_test(test_vdpa_policies_move_bytes),
		cmocka_unit_test(test_who_wants_a_network_device_takes_no_other),
		cmocka_unit_test(test_the_rest_of_its_order_is_played_on_what_it_takes),
		cmocka_unit_test(test_vdpa_policies_are_played_in_their_order),
		cmocka_unit_test(test_bit_33_is_added_where_the_guest_has_none),
		cmocka_unit_test(test_what_is_not_mapped_stalls),
		cmocka_unit_test(test_vdpa_devices_that_err_do_not_work),
		cmocka_unit_test(test_a_ring_that_is_enabled_late_stalls),
		cmocka_unit_test(test_features_without_bit_33_may_be_refused),
		cmocka_unit_test(test_a_status_that_is_taken_back_refuses_the_features),
		cmocka_unit_test(test_a_bad_answer_is_told_from_a_broken_play),
		cmocka_unit_test(test_no_part_of_the_evidence_works),
		cmocka_unit_test(test_an_order_is_refused_that_its_device_does_not_have),
		cmocka_unit_test(test_a_device_of_somebody_is_not_touched),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
