/* SPDX-License-Identifier: MIT */
/* The guest of a vDPA device against the model of one: both are told apart here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "core/recorder.h"
#include "guest/vdpa.h"
#include "model/model.h"
#include "seam/uapi.h"

#define QUIET_NS (VDPA_QUIET_MS * UINT64_C(1000000))

/** struct fixture - a guest on a model; @last: of the facts "request" that it recorded */
struct fixture {
	struct recorder rec;
	struct seam_model *m;
	struct seam seam;
	struct session s;
	struct vdpa v;
	char last[64];
};

static int keep(struct recorder *rec, const struct ev *ev)
{
	struct fixture *f = (struct fixture *)rec;

	if (ev->kind == EV_FACT && !strcmp(ev->fact.name, "request"))
		(void)snprintf(f->last, sizeof(f->last), "%s", ev->fact.value);
	return 0;
}

static uint64_t now(const struct fixture *f)
{
	return f->seam.clock->ops->now_ns(f->seam.clock);
}

static int setup(void **state)
{
	const struct model_options options = { .family = FAMILY_VDPA };
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	*state = f;
	f->rec.emit = keep;
	f->m = seam_model_new(&options);
	if (!f->m)
		return -1;
	f->seam = seam_model_tables(f->m);
	session_init(&f->s, &(struct session_init){
				    .seam = &f->seam,
				    .rec = &f->rec,
				    .until = deadline_from(now(f), 60000),
				    .family = FAMILY_VDPA,
				    .path = PEER_NODE,
			    });
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	session_done(&f->s);
	seam_model_free(f->m);
	free(f);
	return 0;
}

static void begin(struct fixture *f, const struct vdpa_config *c)
{
	assert_int_equal(vdpa_begin(&f->v, &f->s, c), 0);
}

/* ------------------------------------------------------------------ the guest */

static void test_the_node_is_the_one_that_the_peer_made(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vdpa_open(&f->v, &f->s), 0);
	assert_string_equal(f->s.path, f->v.target.path);
	assert_int_equal(f->v.target.block, 512);
	assert_int_equal(f->v.target.blocks, 2048);
}

static void test_a_number_is_as_wide_as_its_call_says(void **state)
{
	struct fixture *f = *state;
	uint64_t value = UINT64_MAX;

	assert_int_equal(vdpa_open(&f->v, &f->s), 0);
	assert_int_equal(vdpa_get(&f->v, "x", VHOST_VDPA_GET_VRING_NUM, &value), 0);
	assert_int_equal(value, 256);
	assert_int_equal(vdpa_get(&f->v, "x", VHOST_VDPA_GET_AS_NUM, &value), 0);
	assert_int_equal(value, 2);
	assert_int_equal(vdpa_get(&f->v, "x", VHOST_GET_BACKEND_FEATURES, &value), 0);
	assert_int_equal(value, 0x3e);
}

static void test_a_chain_goes_round_the_table(void **state)
{
	static const struct vdpa_config small = { .ring_size = 4 };
	struct fixture *f = *state;
	struct vdpa_request r = vdpa_sectors(7, 1000);
	const struct vring_desc *table = NULL;

	begin(f, &small);
	table = mem_ptr(&f->s.mem, MEM_RX_DESC, 0);
	f->v.next_desc = 3;
	assert_int_equal(vdpa_put(&f->v, &r), 3);
	assert_int_equal(table[3].len, sizeof(struct virtio_blk_outhdr));
	assert_int_equal(table[3].flags, RING_NEXT);
	assert_int_equal(table[3].next, 0);
	assert_true(table[0].addr == mem_iova(VDPA_DATA, 0));
	assert_int_equal(table[0].len, 1000);
	assert_int_equal(table[0].flags, RING_NEXT | RING_WRITE);
	assert_int_equal(table[0].next, 1);
	assert_int_equal(table[1].len, 1);
	assert_int_equal(table[1].flags, RING_WRITE);
}

static void test_pieces_cover_the_data(void **state)
{
	struct fixture *f = *state;
	struct vdpa_request r = vdpa_sectors(7, 1000);
	const struct vring_desc *table = NULL;
	uint64_t at = mem_iova(VDPA_DATA, 0);
	uint32_t sum = 0;

	begin(f, &(struct vdpa_config){ 0 });
	table = mem_ptr(&f->s.mem, MEM_RX_DESC, 0);
	r.pieces = 3;
	r.cut_header = true;
	r.type = VIRTIO_BLK_T_OUT;
	assert_int_equal(vdpa_put(&f->v, &r), 0);
	assert_int_equal(table[0].len + table[1].len, sizeof(struct virtio_blk_outhdr));
	for (unsigned int i = 2; i < 5; i++) {
		assert_true(table[i].addr == at);
		assert_int_equal(table[i].flags, RING_NEXT);
		at += table[i].len;
		sum += table[i].len;
	}
	assert_int_equal(sum, 1000);
	assert_int_equal(table[5].flags, RING_WRITE);
}

static void test_a_frame_lies_in_either_ring(void **state)
{
	struct fixture *f = *state;
	struct vdpa_request r = vdpa_sectors(0, 512);
	const struct vring_desc *rx = NULL;
	const struct vring_desc *tx = NULL;

	assert_int_equal(vdpa_open(&f->v, &f->s), 0);
	f->v.target.type = VIRTIO_ID_NET;
	ring_init(&f->s.ring[QUEUE_RX], &f->s.mem, QUEUE_RX, 4, 0);
	ring_init(&f->s.ring[QUEUE_TX], &f->s.mem, QUEUE_TX, 4, 0);
	rx = mem_ptr(&f->s.mem, MEM_RX_DESC, 0);
	tx = mem_ptr(&f->s.mem, MEM_TX_DESC, 0);
	assert_int_equal(vdpa_put(&f->v, &r), 0);
	assert_int_equal(rx[0].len, sizeof(struct virtio_net_hdr_v1));
	assert_int_equal(rx[0].flags, RING_NEXT | RING_WRITE);
	assert_true(rx[1].addr == r.data && rx[1].len == 512);
	assert_int_equal(rx[1].flags, RING_WRITE);
	assert_int_equal(tx[0].flags, RING_NEXT);
	assert_true(tx[1].addr != r.data && tx[1].len == 512);
	assert_int_equal(tx[1].flags, 0);
	r.type = VIRTIO_BLK_T_OUT;
	assert_int_equal(vdpa_put(&f->v, &r), 2);
	assert_true(tx[3].addr == r.data && rx[3].addr == tx[1].addr);
}

static void test_data_go_both_ways(void **state)
{
	struct fixture *f = *state;

	begin(f, &(struct vdpa_config){ 0 });
	assert_int_equal(vdpa_both_ways(&f->v, "x"), 0);
	assert_string_equal(f->last, "status 0, used 2049");
	assert_true(vdpa_called(&f->v));
}

static void test_what_is_not_served_costs_a_short_wait(void **state)
{
	struct fixture *f = *state;
	struct vdpa_request r = vdpa_sectors(0, 512);
	uint64_t before = 0;

	begin(f, &(struct vdpa_config){ 0 });
	r.data = mem_iova(MEM_SPARE, 0);
	before = now(f);
	assert_int_equal(vdpa_held(&f->v, "held", &r), -ENODATA);
	assert_string_equal(f->last, "not used");
	assert_in_range(now(f) - before, QUIET_NS, 2 * QUIET_NS);
}

static void test_an_error_status_is_told(void **state)
{
	struct fixture *f = *state;
	struct vdpa_request r = vdpa_sectors(2048, 512);

	begin(f, &(struct vdpa_config){ 0 });
	assert_int_equal(vdpa_do(&f->v, "end", &r), -EIO);
	assert_string_equal(f->last, "status 1, used 513");
}

/* ------------------------------------------------------------------ the model */

static void test_the_node_is_there_while_the_peer_runs(void **state)
{
	struct fixture *f = *state;
	struct dev *dev = f->seam.dev;

	assert_int_equal(dev->ops->open(dev, "/dev/vhost-vdpa-0"), -ENOENT);
	assert_int_equal(f->seam.peer->ops->start(f->seam.peer, BACKEND_TAP), 0);
	assert_int_equal(dev->ops->open(dev, "/dev/vhost-vdpa-1"), -ENOENT);
	assert_int_equal(dev->ops->open(dev, "/dev/vhost-vdpa-0"), 0);
	assert_int_equal(f->seam.twin->ops->open(f->seam.twin, "/dev/vhost-vdpa-0"),
			 -EBUSY);
	dev->ops->close(dev);
	assert_int_equal(f->seam.twin->ops->open(f->seam.twin, "/dev/vhost-vdpa-0"), 0);
	f->seam.twin->ops->close(f->seam.twin);
}

static void test_spaces_are_kept_apart(void **state)
{
	static const struct vdpa_config c = {
		.backend = BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2) |
			   BIT64(VHOST_BACKEND_F_IOTLB_ASID),
	};
	struct fixture *f = *state;
	struct vdpa_request r = vdpa_sectors(0, 512);

	begin(f, &c);
	assert_int_equal(vdpa_do(&f->v, "first", &r), 0);
	assert_int_equal(vdpa_state(&f->v, "move", VHOST_VDPA_SET_GROUP_ASID, 0, 1), 0);
	assert_int_equal(vdpa_held(&f->v, "held", &r), -ENODATA);
	f->v.asid = 1;
	assert_int_equal(vdpa_map_all(&f->v, "map"), 0);
	assert_int_equal(session_kick(&f->s, VDPA_RING), 0);
	assert_int_equal(vdpa_quiet(&f->v, "served"), 0);
}

static void test_a_batch_is_handed_on_at_its_end(void **state)
{
	struct fixture *f = *state;
	struct vdpa_request r = vdpa_sectors(0, 512);

	begin(f, &(struct vdpa_config){ 0 });
	r.data = mem_iova(MEM_SPARE, 0);
	assert_int_equal(vdpa_message(&f->v, "begin", VHOST_IOTLB_BATCH_BEGIN), 0);
	assert_int_equal(session_map(&f->s, "map", MEM_SPARE, VHOST_ACCESS_RW), 0);
	assert_int_equal(vdpa_held(&f->v, "held", &r), -ENODATA);
	assert_int_equal(vdpa_message(&f->v, "end", VHOST_IOTLB_BATCH_END), 0);
	assert_int_equal(session_kick(&f->s, VDPA_RING), 0);
	assert_int_equal(vdpa_quiet(&f->v, "served"), 0);
}

static void test_suspended_it_waits_for_resume(void **state)
{
	struct fixture *f = *state;
	struct vdpa_request r = vdpa_sectors(0, 512);

	begin(f, &(struct vdpa_config){ 0 });
	assert_int_equal(session_ioctl(&f->s, "suspend", VHOST_VDPA_SUSPEND, NULL), 0);
	assert_int_equal(vdpa_held(&f->v, "held", &r), -ENODATA);
	assert_int_equal(session_ioctl(&f->s, "resume", VHOST_VDPA_RESUME, NULL), 0);
	assert_int_equal(vdpa_quiet(&f->v, "served"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_node_is_the_one_that_the_peer_made),
		TEST(test_a_number_is_as_wide_as_its_call_says),
		TEST(test_a_chain_goes_round_the_table),
		TEST(test_pieces_cover_the_data),
		TEST(test_a_frame_lies_in_either_ring),
		TEST(test_data_go_both_ways),
		TEST(test_what_is_not_served_costs_a_short_wait),
		TEST(test_an_error_status_is_told),
		TEST(test_the_node_is_there_while_the_peer_runs),
		TEST(test_spaces_are_kept_apart),
		TEST(test_a_batch_is_handed_on_at_its_end),
		TEST(test_suspended_it_waits_for_resume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
