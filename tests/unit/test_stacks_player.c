/* SPDX-License-Identifier: MIT */
#include <linux/vhost.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seam/uapi.h"
#include "stacks/library.h"
#include "stacks/player.h"
#include "stacks/verdict.h"

#define CALLS_MAX 64
#define OFFERED UINT64_C(0x33d000002)

/*
 * A device that takes every call but one, in a world of its own: nothing moves, so that
 * plays end at the call that is refused.
 */
struct world {
	struct dev dev;
	struct peer peer;
	struct clock clock;
	struct recorder rec;
	struct arena arena;
	struct rec_list library;
	struct evidence e;
	struct session session;
	enum family family;
	unsigned long refused;
	int err, peer_start;
	enum peer_backend backend_wanted;
	uint64_t offered;
	unsigned long calls[CALLS_MAX];
	size_t count, opened, updates;
	uint64_t features, backend, used_addr;
	bool in_order[SESSION_QUEUES];
};

/* The members of struct world that tables are embedded as. */
#define WORLD(member, ptr)                                                               \
	((struct world *)(void *)((char *)(ptr)-offsetof(struct world, member)))

static int fake_open(struct dev *dev, const char *path)
{
	(void)path;
	WORLD(dev, dev)->opened++;
	return 0;
}

static int fake_ioctl(struct dev *dev, unsigned long request, void *arg)
{
	struct world *w = WORLD(dev, dev);

	if (request == VHOST_GET_VRING_BASE)
		return 0;
	assert_true(w->count < CALLS_MAX);
	w->calls[w->count++] = request;
	for (int q = 0; q < (int)SESSION_QUEUES; q++)
		w->in_order[q] = w->session.ring[q].in_order;
	if (request == w->refused)
		return -w->err;
	if (request == VHOST_GET_FEATURES)
		*(uint64_t *)arg = w->offered;
	else if (request == VHOST_GET_BACKEND_FEATURES)
		*(uint64_t *)arg = 6;
	else if (request == VHOST_SET_FEATURES)
		w->features = *(uint64_t *)arg;
	else if (request == VHOST_SET_BACKEND_FEATURES)
		w->backend = *(uint64_t *)arg;
	else if (request == VHOST_SET_VRING_ADDR)
		w->used_addr = ((struct vhost_vring_addr *)arg)->used_user_addr;
	return 0;
}

static ssize_t fake_read(struct dev *dev, void *buf, size_t len)
{
	(void)dev;
	(void)buf;
	(void)len;
	return -EAGAIN;
}

static ssize_t fake_write(struct dev *dev, const void *buf, size_t len)
{
	struct iotlb_msg msg;
	bool clean = false;

	assert_int_equal(iotlb_decode(buf, &msg, &clean), 0);
	assert_int_equal(msg.version, 2);
	assert_int_equal(msg.perm, VHOST_ACCESS_RW);
	WORLD(dev, dev)->updates += msg.type == VHOST_IOTLB_UPDATE;
	return (ssize_t)len;
}

static int fake_poll(struct dev *dev, struct pollfd *fds, size_t n, struct deadline until)
{
	(void)dev;
	(void)fds;
	(void)n;
	(void)until;
	return 0;
}

static void fake_close(struct dev *dev)
{
	(void)dev;
}

static int fake_start(struct peer *peer, enum peer_backend backend)
{
	struct world *w = WORLD(peer, peer);

	assert_int_equal(backend, w->backend_wanted);
	assert_int_equal(w->opened, 0);
	return w->peer_start;
}

static int fake_backend(struct peer *peer, unsigned int header)
{
	(void)peer;
	(void)header;
	return -1;
}

static int fake_request(struct peer *peer, const struct peer_request *request)
{
	(void)peer;
	(void)request;
	return 0;
}

static int fake_reply(struct peer *peer, struct peer_reply *ret_reply)
{
	(void)peer;
	(void)ret_reply;
	return -EAGAIN;
}

static int fake_fd(struct peer *peer)
{
	(void)peer;
	return -1;
}

static void fake_stop(struct peer *peer)
{
	(void)peer;
}

static uint64_t fake_now(struct clock *clock)
{
	(void)clock;
	return 0;
}

static uint32_t fake_random(struct clock *clock)
{
	(void)clock;
	return 7;
}

/* Through the codec: texts of the session's arena go with the session. */
static int keep(struct recorder *rec, const struct ev *ev)
{
	struct world *w = WORLD(rec, rec);
	struct json_object *json = rec_to_json(&ev_shape, ev);
	struct ev *copy = rec_list_new(&w->arena, &w->e.ev, sizeof(*copy));
	struct rec_error err;

	assert_non_null(json);
	assert_non_null(copy);
	assert_int_equal(rec_from_json(&w->arena, &ev_shape, json, copy, &err), 0);
	json_object_put(json);
	return 0;
}

static const struct dev_ops dev_ops = {
	.open = fake_open,
	.ioctl = fake_ioctl,
	.read = fake_read,
	.write = fake_write,
	.poll = fake_poll,
	.close = fake_close,
};

static const struct peer_ops peer_ops = {
	.start = fake_start,
	.backend = fake_backend,
	.request = fake_request,
	.reply = fake_reply,
	.fd = fake_fd,
	.stop = fake_stop,
};

static const struct clock_ops clock_ops = {
	.now_ns = fake_now,
	.random = fake_random,
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct written_error err = { 0 };

	assert_non_null(w);
	w->dev.ops = &dev_ops;
	w->peer.ops = &peer_ops;
	w->clock.ops = &clock_ops;
	w->rec.emit = keep;
	w->family = FAMILY_VSOCK;
	w->offered = OFFERED;
	w->refused = VHOST_VSOCK_SET_RUNNING;
	w->err = EFAULT;
	assert_int_equal(stack_library(&w->arena, &w->library, &err), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	arena_done(&w->arena);
	free(w);
	return 0;
}

static struct stack_result play(struct world *w, const char *name, enum guest_kind kind)
{
	const struct seam seam = { .dev = &w->dev, .peer = &w->peer, .clock = &w->clock };
	const struct session_init init = { .seam = &seam,
					   .rec = &w->rec,
					   .until = deadline_after_ms(1000),
					   .family = w->family,
					   .path = "/dev/vhost" };
	const struct stack *s = stack_find(&w->library, name);
	struct stack_play p = { .stack = s };
	struct stack_result result;

	assert_non_null(s);
	for (size_t i = 0; i < s->guests.count && !p.guest; i++)
		if (((const struct stack_guest *)s->guests.item[i])->guest == (int)kind)
			p.guest = s->guests.item[i];
	assert_non_null(p.guest);
	session_init(&w->session, &init);
	assert_int_equal(stack_collect(&w->session, &p), 0);
	stack_judge(&w->arena, &w->e, &result);
	session_done(&w->session);
	return result;
}

/* The calls that set something up, without the rings' six each. */
static void assert_calls(const struct world *w, const unsigned long *expected, size_t n)
{
	size_t seen = 0;

	for (size_t i = 0; i < w->count; i++) {
		if (w->calls[i] == VHOST_SET_VRING_BASE ||
		    w->calls[i] == VHOST_SET_VRING_ADDR ||
		    w->calls[i] == VHOST_SET_VRING_CALL ||
		    w->calls[i] == VHOST_SET_VRING_ERR ||
		    w->calls[i] == VHOST_SET_VRING_KICK)
			continue;
		assert_true(seen < n);
		assert_int_equal(w->calls[i], expected[seen++]);
	}
	assert_int_equal(seen, n);
}

static void test_crosvm_is_played_in_its_order(void **state)
{
	static const unsigned long expected[] = {
		VHOST_SET_OWNER,           VHOST_GET_FEATURES,      VHOST_SET_FEATURES,
		VHOST_SET_MEM_TABLE,       VHOST_SET_VRING_NUM,     VHOST_SET_VRING_NUM,
		VHOST_VSOCK_SET_GUEST_CID, VHOST_VSOCK_SET_RUNNING,
	};
	struct world *w = *state;
	struct stack_result r = play(w, "crosvm-2022", GUEST_PROTECTED);

	assert_calls(w, expected, ARRAY_SIZE(expected));
	assert_int_equal(w->features, 0x320000000);
	assert_int_equal(w->updates, 0);
	assert_int_equal(r.verdict, STACK_FAILS_START);
}

/* All calls, those of the rings too, up to the one that is refused. */
static void assert_all_calls(const struct world *w, const unsigned long *expected,
			     size_t n)
{
	assert_int_equal(w->count, n);
	for (size_t i = 0; i < n; i++)
		if (w->calls[i] != expected[i])
			fail_msg("call %zu is 0x%lx, not 0x%lx", i, w->calls[i],
				 expected[i]);
}

static void test_each_ring_is_started_before_the_next(void **state)
{
	static const unsigned long expected[] = {
		VHOST_SET_OWNER,       VHOST_SET_MEM_TABLE,   VHOST_GET_FEATURES,
		VHOST_SET_VRING_KICK,  VHOST_SET_VRING_NUM,   VHOST_SET_VRING_BASE,
		VHOST_SET_VRING_ADDR,  VHOST_SET_VRING_CALL,  VHOST_SET_VRING_ERR,
		VHOST_NET_SET_BACKEND, VHOST_SET_VRING_KICK,  VHOST_SET_VRING_NUM,
		VHOST_SET_VRING_BASE,  VHOST_SET_VRING_ADDR,  VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR,   VHOST_NET_SET_BACKEND, VHOST_SET_LOG_FD,
		VHOST_SET_FEATURES,
	};
	struct world *w = *state;

	w->family = FAMILY_NET;
	w->offered = UINT64_C(0x10b3d008000);
	w->refused = VHOST_SET_FEATURES;
	assert_int_equal(play(w, "kvmtool", GUEST_PLAIN).verdict, STACK_REFUSED);
	assert_all_calls(w, expected, ARRAY_SIZE(expected));
}

static void test_features_may_come_before_the_owner(void **state)
{
	static const unsigned long expected[] = {
		VHOST_GET_FEATURES,   VHOST_SET_FEATURES,   VHOST_SET_OWNER,
		VHOST_SET_MEM_TABLE,  VHOST_SET_VRING_NUM,  VHOST_SET_VRING_NUM,
		VHOST_SET_VRING_ADDR, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_KICK,
		VHOST_SET_VRING_CALL, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR,  VHOST_SET_VRING_ERR,  VHOST_NET_SET_BACKEND,
	};
	struct world *w = *state;

	w->family = FAMILY_NET;
	w->offered = UINT64_C(0x10b3d008000);
	w->refused = VHOST_NET_SET_BACKEND;
	assert_int_equal(play(w, "seastar", GUEST_PLAIN).verdict, STACK_FAILS_START);
	assert_all_calls(w, expected, ARRAY_SIZE(expected));
}

static void test_a_worker_of_its_own_is_no_condition(void **state)
{
	struct world *w = *state;
	struct stack_result r;

	w->family = FAMILY_NET;
	w->offered = UINT64_C(0x10b3d008000);
	w->refused = VHOST_SET_FORK_FROM_OWNER;
	w->err = EPERM;
	r = play(w, "vpp", GUEST_PLAIN);
	assert_int_equal(w->calls[0], VHOST_SET_FORK_FROM_OWNER);
	assert_int_equal(w->calls[1], VHOST_SET_OWNER);
	assert_non_null(ev_find(&w->e, EV_IOCTL, "start"));
	assert_string_not_equal(r.signature, "setup_refused");
}

static void test_who_adds_the_header_has_a_back_end_without(void **state)
{
	struct world *w = *state;

	w->family = FAMILY_NET;
	w->offered = UINT64_C(0x10b3d008000);
	w->refused = VHOST_NET_SET_BACKEND;
	w->backend_wanted = BACKEND_PACKET;
	(void)play(w, "acrn", GUEST_PLAIN);
	assert_int_equal(w->features, 0x138008000);
}

static void test_all_backend_features_are_echoed(void **state)
{
	struct world *w = *state;

	(void)play(w, "alioth", GUEST_PLAIN);
	assert_int_equal(w->backend, 6);
	assert_int_equal(w->session.msg_version, 2);
}

static void test_a_bit_above_63_goes_through_the_array(void **state)
{
	struct world *w = *state;
	const struct stack *qemu = stack_find(&w->library, "qemu");
	struct stack_guest *guest = qemu->guests.item[0];
	struct rec_list forced = { 0 };

	w->family = FAMILY_NET;
	assert_int_equal(rec_list_add(&w->arena, &forced, "65"), 0);
	guest->force = forced;
	w->refused = VHOST_SET_FEATURES_ARRAY;
	w->err = EOPNOTSUPP;
	assert_int_equal(play(w, "qemu", GUEST_PLAIN).verdict, STACK_REFUSED);
	assert_int_equal(w->calls[w->count - 1], VHOST_SET_FEATURES_ARRAY);
}

static void test_unknown_bits_are_recorded(void **state)
{
	struct world *w = *state;
	const struct ev *ev = NULL;
	const char *unknown = NULL;

	(void)play(w, "crosvm-2022", GUEST_PROTECTED);
	while ((ev = ev_find_next(&w->e, ev, EV_FACT, "setup.features")))
		if (!strcmp(ev->fact.name, "unknown"))
			unknown = ev->fact.value;
	assert_string_equal(unknown, "0x200000000");
}

static void test_addresses_are_those_of_a_vmm_without_an_iotlb(void **state)
{
	struct world *w = *state;
	uint64_t iova = mem_iova(MEM_TX_USED, 0);

	(void)play(w, "crosvm-2022", GUEST_PROTECTED);
	assert_true(w->session.addresses == ADDRESSES_PHYSICAL);
	assert_int_not_equal(w->used_addr, iova);
}

static void test_qemu_maps_used_rings_before_the_start(void **state)
{
	static const unsigned long expected[] = {
		VHOST_SET_OWNER,
		VHOST_GET_FEATURES,
		VHOST_VSOCK_SET_GUEST_CID,
		VHOST_SET_FEATURES,
		VHOST_GET_BACKEND_FEATURES,
		VHOST_SET_BACKEND_FEATURES,
		VHOST_SET_MEM_TABLE,
		VHOST_SET_VRING_NUM,
		VHOST_SET_VRING_NUM,
		VHOST_VSOCK_SET_RUNNING,
	};
	struct world *w = *state;

	(void)play(w, "qemu", GUEST_VIOMMU);
	assert_calls(w, expected, ARRAY_SIZE(expected));
	assert_int_equal(w->features, 0x330000002);
	assert_int_equal(w->backend, 2);
	assert_int_equal(w->updates, 2);
	assert_int_equal(w->used_addr, mem_iova(MEM_TX_USED, 0));
}

static void test_qemu_maps_nothing_with_the_iotlb_off(void **state)
{
	struct world *w = *state;

	(void)play(w, "qemu", GUEST_PROTECTED);
	assert_int_equal(w->features, 0x130000002);
	assert_int_equal(w->updates, 0);
}

static void test_late_features_come_after_the_start(void **state)
{
	static const unsigned long expected[] = {
		VHOST_SET_OWNER,         VHOST_SET_MEM_TABLE, VHOST_VSOCK_SET_GUEST_CID,
		VHOST_GET_FEATURES,      VHOST_SET_VRING_NUM, VHOST_SET_VRING_NUM,
		VHOST_VSOCK_SET_RUNNING, VHOST_SET_LOG_FD,    VHOST_SET_FEATURES,
	};
	struct world *w = *state;

	w->refused = VHOST_SET_FEATURES;
	w->err = EOPNOTSUPP;
	assert_int_equal(play(w, "passthrough-late", GUEST_PROTECTED).verdict,
			 STACK_REFUSED);
	assert_calls(w, expected, ARRAY_SIZE(expected));
}

static void test_a_guest_keeps_to_the_order_that_it_acknowledged(void **state)
{
	struct world *w = *state;

	w->family = FAMILY_NET;
	w->offered = UINT64_C(0x10b3d008000);
	w->refused = VHOST_NET_SET_BACKEND;
	(void)play(w, "dpdk-virtio-user", GUEST_PLAIN);
	assert_int_equal(w->features, 0x910008000);
	assert_true(w->in_order[QUEUE_RX] && w->in_order[QUEUE_TX]);
	w->count = w->opened = w->e.ev.count = 0;
	(void)play(w, "stratovirt", GUEST_PLAIN);
	assert_int_equal(w->features, 0x10935008000);
	assert_false(w->in_order[QUEUE_RX] || w->in_order[QUEUE_TX]);
}

static void test_a_device_that_does_nothing_does_not_work(void **state)
{
	struct world *w = *state;

	w->refused = 0;
	assert_int_not_equal(play(w, "crosvm", GUEST_PLAIN).verdict, STACK_WORKS);
	assert_non_null(ev_find(&w->e, EV_FACT, "transfer"));
}

static void test_without_a_peer_the_device_is_not_opened(void **state)
{
	struct world *w = *state;
	struct stack_result r;

	w->peer_start = -EAFNOSUPPORT;
	r = play(w, "crosvm", GUEST_PLAIN);
	assert_int_equal(w->opened, 0);
	assert_int_equal(r.verdict, STACK_UNKNOWN);
	assert_int_equal(r.code, REASON_PEER_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crosvm_is_played_in_its_order,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_ring_is_started_before_the_next,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_features_may_come_before_the_owner,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_worker_of_its_own_is_no_condition,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_who_adds_the_header_has_a_back_end_without, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_all_backend_features_are_echoed,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_bit_above_63_goes_through_the_array, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_bits_are_recorded, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_addresses_are_those_of_a_vmm_without_an_iotlb, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_qemu_maps_used_rings_before_the_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_qemu_maps_nothing_with_the_iotlb_off,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_late_features_come_after_the_start,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_guest_keeps_to_the_order_that_it_acknowledged, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_device_that_does_nothing_does_not_work, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_without_a_peer_the_device_is_not_opened, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
