/* SPDX-License-Identifier: MIT */
/*
 * The guest's ring against the model's, each in a thread of its own, both indices
 * wrapping more than once: no byte is read before it was written, which ThreadSanitizer
 * sees, and nothing is lost or repeated, which is counted.
 *
 * The guest transmits numbered packets by one ring; the device sends each number back by
 * the other. Prints what is wrong, and exits with 1.
 */
#include <linux/vhost_types.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/deadline.h"
#include "guest/ring.h"
#include "model/model_private.h"

#define PACKETS 150000u
#define SIZE 16u
#define BASE 65530u
#define LIMIT_MS 120000u

/**
 * struct scene - what both threads share
 * @until:	neither goes on after it
 * @failed:	atomic: what went wrong first, NULL while all is well
 */
struct scene {
	struct mem mem;
	struct ring rx, tx; /* the guest's thread only */
	struct seam_model *m;
	struct deadline until;
	const char *failed;
};

static bool goes_on(struct scene *s)
{
	const char *none = NULL;

	if (deadline_passed(s->until))
		(void)__atomic_compare_exchange_n(&s->failed, &none, "not done in time",
						  false, __ATOMIC_RELAXED,
						  __ATOMIC_RELAXED);
	return !__atomic_load_n(&s->failed, __ATOMIC_RELAXED);
}

static void fails(struct scene *s, const char *what)
{
	__atomic_store_n(&s->failed, what, __ATOMIC_RELAXED);
}

/* ---------------------------------------------------------------- device */

/* Waits for a head; false if it is over. */
static bool next(struct scene *s, struct vq *vq, struct chain *c)
{
	while (goes_on(s)) {
		int r = vring_next(vq, c);

		if (r == 0)
			return true;
		if (r != -ENOENT)
			fails(s, "the device refuses a head");
		(void)sched_yield();
	}
	return false;
}

static void *device_main(void *arg)
{
	struct scene *s = arg;
	struct vq *rx = &s->m->dev.vq[MODEL_RX];
	struct vq *tx = &s->m->dev.vq[MODEL_TX];
	struct chain c;

	for (uint32_t i = 0; i < PACKETS; i++) {
		struct used used = { 0 };
		uint32_t number = 0;

		if (!next(s, tx, &c))
			break;
		if (chain_read(&c, 0, &number, sizeof(number)) < 0 || number != i)
			fails(s, "the device reads another number than was sent");
		used.head = c.head;
		if (vring_used(tx, &used, 1) < 0 || !next(s, rx, &c))
			break;
		used = (struct used){ c.head, sizeof(number) };
		if (chain_write(&c, 0, &number, sizeof(number)) < 0 ||
		    vring_used(rx, &used, 1) < 0)
			fails(s, "the device cannot answer");
	}
	return NULL;
}

/* ----------------------------------------------------------------- guest */

static void post(struct scene *s, uint16_t slot)
{
	ring_avail_put(&s->rx, slot);
	ring_publish(&s->rx);
}

static void transmit(struct scene *s, uint32_t number)
{
	unsigned int slot = number % SIZE;
	uint64_t at = (uint64_t)slot * sizeof(number);

	memcpy(mem_ptr(&s->mem, MEM_TX_BUF, at), &number, sizeof(number));
	ring_desc(&s->tx, slot, mem_gpa(&s->mem, MEM_TX_BUF, at), sizeof(number), 0, 0);
	ring_avail_put(&s->tx, (uint16_t)slot);
	ring_publish(&s->tx);
}

/* Takes one answer if it is there; it must be @number. */
static bool receive(struct scene *s, uint32_t number)
{
	struct ring_used used = { 0 };
	uint32_t got = 0;

	if (!ring_take(&s->rx, &used))
		return false;
	if (used.id >= SIZE || used.len != sizeof(got)) {
		fails(s, "the guest is given a bad element");
		return false;
	}
	memcpy(&got, mem_ptr(&s->mem, MEM_RX_BUF, (uint64_t)used.id * sizeof(got)),
	       sizeof(got));
	if (got != number)
		fails(s, "the guest reads another number than was sent back");
	post(s, (uint16_t)used.id);
	return true;
}

static void guest_run(struct scene *s)
{
	struct ring_used used = { 0 };
	uint32_t sent = 0;
	uint32_t done = 0;
	uint32_t back = 0;

	for (unsigned int i = 0; i < SIZE; i++) {
		ring_desc(&s->rx, i,
			  mem_gpa(&s->mem, MEM_RX_BUF, (uint64_t)i * sizeof(sent)),
			  sizeof(sent), RING_WRITE, 0);
		post(s, (uint16_t)i);
	}
	while (back < PACKETS && goes_on(s)) {
		if (sent < PACKETS && sent - done < SIZE)
			transmit(s, sent++);
		while (ring_take(&s->tx, &used))
			done++;
		if (receive(s, back))
			back++;
		else
			(void)sched_yield();
	}
}

/* -------------------------------------------------------------- the scene */

static void attach(const struct scene *s, struct vq *vq, const struct ring *r)
{
	vq->num = SIZE;
	vq->desc = mem_hva(&s->mem, r->desc, 0);
	vq->avail = mem_hva(&s->mem, r->avail, 0);
	vq->used = mem_hva(&s->mem, r->used, 0);
	vq->last_avail = vq->avail_idx = BASE;
}

static int set_up(struct scene *s)
{
	const struct model_options options = { .family = FAMILY_VSOCK };
	struct map all = { .start = MEM_GPA, .perm = VHOST_ACCESS_RW };
	int r = mem_init(&s->mem);

	s->m = seam_model_new(&options);
	if (r < 0 || !s->m)
		return -ENOMEM;
	all.last = MEM_GPA + s->mem.len - 1;
	all.addr = (uint64_t)(uintptr_t)s->mem.base;
	ring_init(&s->rx, &s->mem, 0, SIZE, BASE);
	ring_init(&s->tx, &s->mem, 1, SIZE, BASE);
	attach(s, &s->m->dev.vq[MODEL_RX], &s->rx);
	attach(s, &s->m->dev.vq[MODEL_TX], &s->tx);
	r = map_add(&s->m->dev.memory, &all);
	for (unsigned int q = 0; q < MODEL_QUEUES && r == 0; q++)
		r = vring_start(&s->m->dev.vq[q]);
	s->until = deadline_after_ms(LIMIT_MS);
	return r;
}

int main(void)
{
	struct scene s = { 0 };
	pthread_t device;

	if (set_up(&s) < 0 || pthread_create(&device, NULL, device_main, &s) != 0) {
		printf("the scene cannot be set up\n");
		return 1;
	}
	guest_run(&s);
	(void)pthread_join(device, NULL);
	if (s.failed)
		printf("%s\n", s.failed);
	map_clear(&s.m->dev.memory);
	seam_model_free(s.m);
	mem_done(&s.mem);
	return s.failed != NULL;
}
