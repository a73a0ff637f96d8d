/* SPDX-License-Identifier: MIT */
/* Which policy a look reads out of a device that plays it. */
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_seam.h"
#include "model/model.h"
#include "run/look.h"

#define VERSION_1 BIT64(VIRTIO_F_VERSION_1)
#define IOTLB BIT64(VIRTIO_F_ACCESS_PLATFORM)

/** enum arms - what makes the device ask for mappings */
enum arms {
	ARMS_BIT,     /* the bit: every kernel known */
	ARMS_BACKEND, /* the bit, after backend features */
	ARMS_MESSAGE, /* the bit, after a message */
	ARMS_NEVER    /* nothing: a device that ignores the bit */
};

/**
 * struct fixture - a device that maps nothing
 * @arms:	what arms its IOTLB
 * @offered:	features
 * @start_r:	answer to a start that is not for want of a mapping
 * @silent:	a refused start posts no miss
 * @backend_r:	answer to VHOST_SET_BACKEND_FEATURES
 * @features, @backend, @writes: as sent on the present descriptor
 * @starts:	start calls
 */
struct fixture {
	struct fake fake;
	struct seam seam;
	struct session s;
	struct look look;
	enum arms arms;
	uint64_t offered;
	int start_r, backend_r;
	bool silent;
	uint64_t features, backend;
	unsigned int opens, writes, starts;
};

static bool armed(const struct fixture *f)
{
	if (!(f->features & IOTLB))
		return false;
	switch (f->arms) {
	case ARMS_BIT:
		return true;
	case ARMS_BACKEND:
		return f->backend != 0;
	case ARMS_MESSAGE:
		return f->fake.writes > f->writes;
	case ARMS_NEVER:
		break;
	}
	return false;
}

static int start(struct fixture *f, uint64_t ring)
{
	const struct iotlb_msg miss = { .version = f->backend ? 2 : 1,
					.iova = ring,
					.perm = VHOST_ACCESS_RO,
					.type = VHOST_IOTLB_MISS };

	f->starts++;
	if (!armed(f))
		return f->start_r;
	if (!f->silent) {
		iotlb_encode(&miss, f->fake.message);
		f->fake.read_r = IOTLB_MSG_BYTES;
	}
	return -EFAULT;
}

static int on_ioctl(struct fake *fake, unsigned long request, void *arg)
{
	struct fixture *f = (struct fixture *)fake;

	if (fake->opens != f->opens) { /* nothing outlives a descriptor */
		f->opens = fake->opens;
		f->features = f->backend = 0;
		f->writes = fake->writes;
	}
	fake->read_r = -EAGAIN;
	switch (request) {
	case VHOST_GET_FEATURES:
		*(uint64_t *)arg = f->offered;
		return 0;
	case VHOST_SET_FEATURES:
		f->features = *(uint64_t *)arg;
		return f->features & ~f->offered ? -EOPNOTSUPP : 0;
	case VHOST_GET_BACKEND_FEATURES:
		*(uint64_t *)arg = BIT64(VHOST_BACKEND_F_IOTLB_MSG_V2);
		return 0;
	case VHOST_SET_BACKEND_FEATURES:
		if (f->backend_r == 0)
			f->backend = *(uint64_t *)arg;
		return f->backend_r;
	case VHOST_VSOCK_SET_RUNNING:
		return *(int *)arg ? start(f, mem_hva(&f->s.mem, MEM_RX_USED, 0)) : 0;
	default:
		return 0;
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	fake_init(&f->fake);
	f->fake.on_ioctl = on_ioctl;
	f->offered = VERSION_1 | IOTLB;
	f->seam = fake_tables(&f->fake);
	session_init(&f->s, &(struct session_init){ .seam = &f->seam,
						    .rec = &f->fake.rec,
						    .until = deadline_after_ms(1000),
						    .family = FAMILY_VSOCK,
						    .path = "/dev/vhost-vsock" });
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	session_done(&f->s);
	arena_done(&f->fake.arena);
	free(f);
	return 0;
}

static void look(struct fixture *f)
{
	assert_int_equal(look_act(&f->s, NULL), 0);
	assert_int_equal(f->s.failed, 0);
	look_read(&f->fake.e, &f->look);
	assert_true(f->look.opened && f->look.has_features && f->look.has_backend);
	assert_int_equal(f->look.features.word[0], f->offered);
	assert_int_equal(f->look.accepted.word[0], f->offered);
}

static void test_bit_33_arms_at_once(void **state)
{
	struct fixture *f = *state;

	look(f);
	assert_int_equal(f->look.policy, LOOK_STRICT);
	/* on a kernel as they are, one start is tried and nothing is written */
	assert_int_equal(f->starts, 1);
	assert_int_equal(f->fake.writes, 0);
	assert_int_equal(f->fake.opens, 2);
}

static void test_bit_33_is_not_offered(void **state)
{
	struct fixture *f = *state;

	f->offered = VERSION_1;
	look(f);
	assert_int_equal(f->look.policy, LOOK_NO_IOTLB);
	assert_int_equal(f->starts, 0);
}

static void test_backend_features_arm(void **state)
{
	struct fixture *f = *state;

	f->arms = ARMS_BACKEND;
	look(f);
	assert_int_equal(f->look.policy, LOOK_GATED);
	assert_int_equal(f->fake.writes, 0);
}

static void test_the_first_message_arms(void **state)
{
	struct fixture *f = *state;

	f->arms = ARMS_MESSAGE;
	look(f);
	assert_int_equal(f->look.policy, LOOK_LENIENT);
	assert_int_equal(f->fake.writes, 1);
	assert_int_equal(f->starts, 3);
}

static void test_a_device_that_nothing_arms_has_no_known_policy(void **state)
{
	struct fixture *f = *state;

	f->arms = ARMS_NEVER;
	look(f);
	assert_int_equal(f->look.policy, LOOK_UNKNOWN);
}

static void test_a_start_refused_without_a_miss_proves_nothing(void **state)
{
	static const enum arms arms[] = { ARMS_BIT, ARMS_BACKEND, ARMS_MESSAGE };
	struct fixture *f = *state;

	f->silent = true;
	for (size_t i = 0; i < ARRAY_SIZE(arms); i++) {
		f->arms = arms[i];
		f->fake.e.ev.count = 0;
		look(f);
		assert_int_equal(f->look.policy, LOOK_UNKNOWN);
		session_close(&f->s);
	}
}

static void test_a_start_refused_for_another_reason_proves_nothing(void **state)
{
	struct fixture *f = *state;

	f->arms = ARMS_BACKEND;
	f->start_r = -EFAULT;
	look(f);
	assert_int_equal(f->look.policy, LOOK_UNKNOWN);
	assert_int_equal(f->starts, 1);
}

static void test_backend_features_that_are_refused_prove_nothing(void **state)
{
	struct fixture *f = *state;

	f->arms = ARMS_BACKEND;
	f->backend_r = -EOPNOTSUPP;
	look(f);
	assert_int_equal(f->look.policy, LOOK_UNKNOWN);
	assert_int_equal(f->starts, 1);
}

static void test_nothing_that_was_seen_is_no_policy(void **state)
{
	const struct evidence none = { 0 };
	struct look l;

	(void)state;
	look_read(&none, &l);
	assert_false(l.opened || l.has_features || l.has_backend);
	assert_int_equal(l.err, EIO);
	assert_int_equal(l.policy, LOOK_UNKNOWN);
}

/* What a look reads out of the model. */
static int look_at_model(enum family family, enum model_policy policy)
{
	const struct model_options o = { .family = family, .policy = policy };
	struct seam_model *m = seam_model_new(&o);
	struct fake f;
	struct seam seam;
	struct session s;
	struct look l;

	assert_non_null(m);
	fake_init(&f);
	seam = seam_model_tables(m);
	session_init(&s, &(struct session_init){ .seam = &seam,
						 .rec = &f.rec,
						 .until = deadline_after_ms(1000),
						 .family = family,
						 .path = family_path(family) });
	assert_int_equal(look_act(&s, NULL), 0);
	assert_int_equal(s.failed, 0);
	look_read(&f.e, &l);
	session_done(&s);
	seam_model_free(m);
	arena_done(&f.arena);
	return l.policy;
}

static void test_the_model_is_told_apart_in_each_policy(void **state)
{
	static const int expected[] = {
		[MODEL_STRICT] = LOOK_STRICT,
		[MODEL_LENIENT] = LOOK_LENIENT,
		[MODEL_GATED] = LOOK_GATED,
		[MODEL_NONE] = LOOK_NO_IOTLB,
	};
	static const enum family families[] = { FAMILY_NET, FAMILY_VSOCK };

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (size_t p = 0; p < ARRAY_SIZE(expected); p++)
			if (look_at_model(families[f], (enum model_policy)p) !=
			    expected[p])
				fail_msg("%s, policy %zu", family_names[families[f]], p);
}

#define LOOK(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOK(test_bit_33_arms_at_once),
		LOOK(test_bit_33_is_not_offered),
		LOOK(test_backend_features_arm),
		LOOK(test_the_first_message_arms),
		LOOK(test_a_device_that_nothing_arms_has_no_known_policy),
		LOOK(test_a_start_refused_without_a_miss_proves_nothing),
		LOOK(test_a_start_refused_for_another_reason_proves_nothing),
		LOOK(test_backend_features_that_are_refused_prove_nothing),
		cmocka_unit_test(test_nothing_that_was_seen_is_no_policy),
		cmocka_unit_test(test_the_model_is_told_apart_in_each_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
