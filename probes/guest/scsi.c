/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/payload.h"
#include "guest/scsi.h"
#include "guest/session_record.h"

#define POISON 0xa5
#define SLOT_BYTES 16384u /* a page for headers, three for data */
#define PIECES_MAX 6u

#define STATUS_GOOD 0x00
#define ATTENTIONS_MAX 4u

#define SEED_TX 1u
#define SEED_RX 2u
#define LBA_TX 0u
#define LBA_RX 64u

_Static_assert(sizeof(struct virtio_scsi_cmd_req) == SCSI_REQUEST, "as on the wire");
_Static_assert(sizeof(struct virtio_scsi_cmd_resp) == SCSI_RESPONSE, "as on the wire");

int scsi_endpoint(struct session *s, const char *step, unsigned long request,
		  const char *wwpn)
{
	struct vhost_scsi_target t = { .abi_version = VHOST_SCSI_ABI_VERSION,
				       .vhost_tpgt = s->target.tpgt };

	(void)snprintf(t.vhost_wwpn, sizeof(t.vhost_wwpn), "%s", wwpn);
	return session_ioctl(s, step, request, &t);
}

/* ----------------------------------------------------------------- waiting */

static int quiet_ioctl(struct session *s, unsigned long request, void *arg)
{
	record_begin(s, "barrier", record_request_name(request));
	s->calls++;
	return s->seam->dev->ops->ioctl(s->seam->dev, request, arg);
}

/*
 * Taking a kick eventfd away flushes the worker (vhost_vring_ioctl()). For a moment it is
 * one that nobody signals: another of the device's own would kick it by its answers.
 */
int scsi_flush(struct session *s)
{
	cleanup_close int still = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct vhost_vring_file other = { .index = QUEUE_CTL, .fd = still };
	struct vhost_vring_file own = { .index = QUEUE_CTL, .fd = s->kick[QUEUE_CTL] };
	int r = still < 0 ? -errno : quiet_ioctl(s, VHOST_SET_VRING_KICK, &other);

	return r < 0 ? r : quiet_ioctl(s, VHOST_SET_VRING_KICK, &own);
}

int scsi_drain(struct session *s)
{
	struct vhost_scsi_target t = { .abi_version = VHOST_SCSI_ABI_VERSION };

	memcpy(t.vhost_wwpn, s->target.wwpn, sizeof(t.vhost_wwpn));
	return quiet_ioctl(s, VHOST_SCSI_CLEAR_ENDPOINT, &t);
}

static uint16_t ready(const struct ring *r)
{
	return (uint16_t)(ring_used_idx(r) - r->last_used);
}

static int wait_call(struct session *s, enum session_queue q, struct deadline until)
{
	struct pollfd call = { .fd = s->call[q], .events = POLLIN };

	return s->seam->dev->ops->poll(s->seam->dev, &call, 1, until);
}

int scsi_wait(struct session *s, enum session_queue q, uint16_t n)
{
	struct deadline until =
		deadline_earlier(s->until, session_deadline(s, SCSI_WAIT_MS));
	struct vhost_vring_state base = { .index = q };
	struct ring *r = &s->ring[q];
	int e = 0;

	if (ready(r) >= n)
		return 0;
	e = quiet_ioctl(s, VHOST_GET_VRING_BASE, &base);
	if (e < 0 || (uint16_t)base.num != ring_avail_idx(r))
		return e < 0 ? e : 0;
	while (ready(r) < n) {
		e = wait_call(s, q, until);
		if (e <= 0)
			return e;
		scsi_forget_calls(s, q);
	}
	return 0;
}

void scsi_forget_calls(struct session *s, enum session_queue q)
{
	eventfd_t calls = 0;

	/* none is as good: it does not block */
	(void)eventfd_read(s->call[q], &calls);
}

void scsi_wait_call(struct session *s, enum session_queue q)
{
	(void)wait_call(s, q,
			deadline_earlier(s->until, session_deadline(s, SCSI_WAIT_MS)));
}

int scsi_get_u32(struct session *s, const char *step, unsigned long request,
		 uint32_t *ret)
{
	uint32_t value[2] = { (uint32_t)SESSION_POISON, (uint32_t)SESSION_POISON };
	int r = session_ioctl(s, step, request, value);

	if (r >= 0)
		*ret = value[0];
	return r;
}

int scsi_set_u32(struct session *s, const char *step, unsigned long request,
		 uint32_t value)
{
	uint32_t arg[2] = { value, 0 };

	return session_ioctl(s, step, request, arg);
}

struct scsi_command scsi_command(const struct session *s, unsigned int lun,
				 uint8_t opcode)
{
	return (struct scsi_command){
		.lun = { 1, (uint8_t)s->target.tpgt, (uint8_t)(0x40 | lun >> 8),
			 (uint8_t)lun },
		.cdb = { opcode },
		.tag = 1,
	};
}

static void put_be(uint8_t *to, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

struct scsi_command scsi_rw(const struct session *s, unsigned int lun, uint8_t opcode,
			    uint64_t lba, uint32_t blocks)
{
	struct scsi_command c = scsi_command(s, lun, opcode);
	bool wide = opcode == SCSI_READ_16 || opcode == SCSI_WRITE_16;
	uint32_t bytes = blocks * s->target.block;

	put_be(c.cdb + 2, lba, wide ? 8 : 4);
	put_be(c.cdb + (wide ? 10 : 7), blocks, wide ? 4 : 2);
	if (opcode == SCSI_READ_10 || opcode == SCSI_READ_16)
		c.in = bytes;
	else
		c.out = bytes;
	return c;
}

/* Data begins at a page, and the header ends there, so that they can be one buffer. */
static uint64_t data_at(unsigned int slot)
{
	return (uint64_t)slot * SLOT_BYTES + MEM_PAGE;
}

void *scsi_out(const struct session *s, unsigned int slot)
{
	return mem_ptr(&s->mem, MEM_TX_BUF, data_at(slot));
}

void *scsi_in(const struct session *s, unsigned int slot)
{
	return mem_ptr(&s->mem, MEM_RX_BUF, data_at(slot));
}

uint16_t scsi_head(const struct session *s, unsigned int slot)
{
	unsigned int size = s->ring[QUEUE_IO].size;

	return (uint16_t)(size >= SCSI_SLOTS * SCSI_PIECES ? slot * SCSI_PIECES : 0);
}

/* ------------------------------------------------------------ descriptors */

/** struct piece - one descriptor to be */
struct piece {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
};

/** struct pieces - of one request */
struct pieces {
	struct piece item[PIECES_MAX];
	unsigned int n;
};

static void add(struct pieces *p, uint64_t addr, uint32_t len, uint16_t flags)
{
	if (len && p->n < PIECES_MAX)
		p->item[p->n++] = (struct piece){ addr, len, flags };
}

/** struct side - what goes one way: a header that data follows */
struct side {
	uint64_t addr;
	uint32_t header, data, split;
	uint16_t flags;
};

static void add_side(struct pieces *p, const struct side *s, bool joined)
{
	if (joined) {
		add(p, s->addr, s->header + s->data, s->flags);
		return;
	}
	add(p, s->addr, s->split ? s->split : s->header, s->flags);
	if (s->split)
		add(p, s->addr + s->split, s->header - s->split, s->flags);
	add(p, s->addr + s->header, s->data, s->flags);
}

static void describe(struct session *s, unsigned int slot, const struct pieces *p,
		     bool indirect)
{
	struct ring *r = &s->ring[QUEUE_IO];
	uint16_t head = scsi_head(s, slot);

	for (unsigned int i = 0; i < p->n; i++) {
		const struct piece *d = &p->item[i];
		bool last = i + 1 == p->n;
		uint16_t flags = (uint16_t)(d->flags | (last ? 0 : RING_NEXT));
		uint16_t next = (uint16_t)(last ? 0 : i + 1);

		if (indirect)
			ring_indirect(r, i, d->addr, d->len, flags, next);
		else
			ring_desc(r, (head + i) % r->size, d->addr, d->len, flags,
				  (uint16_t)(last ? 0 : (head + next) % r->size));
	}
	if (indirect)
		ring_desc(r, head, mem_gpa(&s->mem, MEM_INDIRECT, 0),
			  p->n * (uint32_t)sizeof(struct vring_desc), RING_INDIRECT, 0);
}

void scsi_put(struct session *s, unsigned int slot, const struct scsi_command *c,
	      const struct scsi_shape *shape)
{
	static const struct scsi_shape plain;
	const struct scsi_shape *how = shape ? shape : &plain;
	struct ring *r = &s->ring[QUEUE_IO];
	struct pieces p = { 0 };
	struct virtio_scsi_cmd_req req = { .tag = htole64(c->tag) };

	memcpy(req.lun, c->lun, sizeof(req.lun));
	memcpy(req.cdb, c->cdb, sizeof(req.cdb));
	memcpy((unsigned char *)scsi_out(s, slot) - SCSI_REQUEST, &req, sizeof(req));
	memset((unsigned char *)scsi_in(s, slot) - SCSI_RESPONSE, POISON,
	       (size_t)SCSI_RESPONSE + SCSI_DATA_MAX);
	add_side(&p,
		 &(struct side){
			 mem_gpa(&s->mem, MEM_TX_BUF, data_at(slot) - SCSI_REQUEST),
			 SCSI_REQUEST, c->out, how->request, 0 },
		 how->joined);
	add_side(&p,
		 &(struct side){
			 mem_gpa(&s->mem, MEM_RX_BUF, data_at(slot) - SCSI_RESPONSE),
			 SCSI_RESPONSE, c->in, how->response, RING_WRITE },
		 how->joined);
	describe(s, slot, &p, how->indirect);
	ring_avail_put(r, scsi_head(s, slot));
	ring_event(r);
	ring_publish(r);
}

/* ----------------------------------------------------------------- answers */

static void read_answer(const struct session *s, unsigned int slot, uint32_t used_len,
			struct scsi_answer *ret)
{
	struct virtio_scsi_cmd_resp resp;

	memcpy(&resp, (unsigned char *)scsi_in(s, slot) - SCSI_RESPONSE, sizeof(resp));
	*ret = (struct scsi_answer){
		.came = true,
		.used_len = used_len,
		.residual = le32toh(resp.resid),
		.sense_len = le32toh(resp.sense_len),
		.response = resp.response,
		.status = resp.status,
	};
	memcpy(ret->sense, resp.sense, sizeof(ret->sense));
}

int scsi_take(struct session *s, struct scsi_answer ret[SCSI_SLOTS])
{
	struct ring_used used = { 0 };
	int n = 0;

	for (; ring_take(&s->ring[QUEUE_IO], &used); n++) {
		unsigned int slot = 0;

		while (slot < SCSI_SLOTS && scsi_head(s, slot) != used.id)
			slot++;
		if (slot == SCSI_SLOTS)
			return -EPROTO;
		read_answer(s, slot, used.len, &ret[slot]);
	}
	return n;
}

static bool good(const struct scsi_answer *a)
{
	return a->response == VIRTIO_SCSI_S_OK && a->status == STATUS_GOOD;
}

/* Sense key, code and qualifier, of the fixed format and of the other (SPC-4 4.5) */
static void sense_of(const struct scsi_answer *a, unsigned int ret[3])
{
	bool fixed = (a->sense[0] & 0x7f) < 0x72;

	ret[0] = a->sense[fixed ? 2 : 1] & 0xf;
	ret[1] = a->sense[fixed ? 12 : 2];
	ret[2] = a->sense[fixed ? 13 : 3];
}

void scsi_note(struct session *s, const char *step, const struct scsi_answer *answer)
{
	unsigned int sense[3];

	sense_of(answer, sense);
	session_fact(s, step, "response", "%u", answer->response);
	session_fact(s, step, "status", "0x%02x", answer->status);
	session_fact(s, step, "residual", "%u", answer->residual);
	if (answer->sense_len && answer->sense_len <= sizeof(answer->sense))
		session_fact(s, step, "sense", "%x/%02x/%02x", sense[0], sense[1],
			     sense[2]);
	else
		session_fact(s, step, "sense", "%s", answer->sense_len ? "?" : "none");
}

/* Takes answers until that of slot @last is there, or none comes. */
static int take_up_to(struct session *s, unsigned int last,
		      struct scsi_answer all[SCSI_SLOTS])
{
	int r = 1;

	while (r > 0 && !all[last].came) {
		r = scsi_wait(s, QUEUE_IO, 1);
		if (r == 0)
			r = scsi_take(s, all);
	}
	return r < 0 ? r : 0;
}

/* What the target has, it gives back when it is drained: an answer was late or is lost. */
static int prove_lost(struct session *s, struct scsi_answer all[SCSI_SLOTS])
{
	int r = session_stalled(s, "stall", QUEUE_IO);

	if (r < 0)
		return -EIO;
	r = scsi_take(s, all);
	if (r < 0)
		return r;
	return all[0].came ? session_running(s, "late", 1) : -ENODATA;
}

int scsi_do(struct session *s, const struct scsi_command *c,
	    const struct scsi_shape *shape, struct scsi_answer *ret)
{
	const struct scsi_command behind = scsi_command(s, 0, SCSI_TEST_UNIT_READY);
	struct scsi_answer all[SCSI_SLOTS] = { 0 };
	bool followed = shape && shape->followed;
	int r = 0;

	scsi_put(s, 0, c, shape);
	if (followed)
		scsi_put(s, 1, &behind, NULL);
	r = session_kick(s, QUEUE_IO);
	if (r == 0)
		r = session_barrier(s);
	if (r >= 0)
		r = take_up_to(s, followed ? 1 : 0, all);
	if (r == 0 && !all[0].came)
		r = prove_lost(s, all);
	*ret = all[0];
	return r;
}

int scsi_try(struct session *s, const char *step, const struct scsi_command *c,
	     struct scsi_answer *ret)
{
	int r = scsi_do(s, c, NULL, ret);

	if (r == 0)
		scsi_note(s, step, ret);
	return r;
}

int scsi_ready(struct session *s, unsigned int lun)
{
	const struct scsi_command c = scsi_command(s, lun, SCSI_TEST_UNIT_READY);
	struct scsi_answer a = { 0 };
	int r = 0;

	for (unsigned int i = 0; i < ATTENTIONS_MAX; i++) {
		r = scsi_do(s, &c, NULL, &a);
		if (r < 0 || good(&a))
			return r;
	}
	scsi_note(s, "ready", &a);
	return -EIO;
}

int scsi_begin(struct link *l, struct session *s, const struct session_config *c)
{
	int r = link_begin(l, s, c);

	return r < 0 ? r : scsi_ready(s, 0);
}

/* --------------------------------------------------------------- transfers */

static uint32_t blocks_of(const struct session *s, uint32_t len)
{
	return s->target.block ? (len + s->target.block - 1) / s->target.block : 0;
}

int scsi_write(struct session *s, const char *step, const struct scsi_area *a,
	       const struct scsi_shape *shape)
{
	struct scsi_command c =
		scsi_rw(s, a->lun, a->wide ? SCSI_WRITE_16 : SCSI_WRITE_10, a->lba,
			blocks_of(s, a->len));
	struct scsi_answer answer = { 0 };
	int r = 0;

	memset(scsi_out(s, 0), 0, SCSI_DATA_MAX);
	payload_fill(a->seed, 0, scsi_out(s, 0), a->len);
	r = scsi_do(s, &c, shape, &answer);
	if (r < 0 || good(&answer))
		return r;
	scsi_note(s, step, &answer);
	return -EIO;
}

static uint64_t digest_of(uint32_t seed, uint32_t len)
{
	uint64_t digest = DIGEST_START;
	unsigned char bytes[256];

	for (uint32_t done = 0; done < len;) {
		uint32_t n = len - done < sizeof(bytes) ? len - done : sizeof(bytes);

		payload_fill(seed, done, bytes, n);
		digest = digest_add(digest, bytes, n);
		done += n;
	}
	return digest;
}

int scsi_read(struct session *s, const char *step, enum ev_dir dir,
	      const struct scsi_area *a, const struct scsi_shape *shape)
{
	struct scsi_command c = scsi_rw(s, a->lun, a->wide ? SCSI_READ_16 : SCSI_READ_10,
					a->lba, blocks_of(s, a->len));
	struct session_moved got = { .digest = DIGEST_START };
	struct scsi_answer answer = { 0 };
	int r = scsi_do(s, &c, shape, &answer);

	if (r < 0)
		return r;
	if (good(&answer) && answer.residual < c.in) {
		uint32_t came = c.in - answer.residual;

		got.bytes = came < a->len ? came : a->len;
		got.digest = digest_add(DIGEST_START, scsi_in(s, 0), got.bytes);
	} else {
		scsi_note(s, step, &answer);
	}
	session_bytes(s, step, dir,
		      (struct session_moved){ a->len, digest_of(a->seed, a->len) }, got);
	return 0;
}

static int connect_ready(struct link *l)
{
	return scsi_ready(l->s, 0);
}

static int write_read(struct link *l, const char *step, enum ev_dir dir,
		      struct scsi_area a)
{
	int r = scsi_write(l->s, step, &a, NULL);

	return r < 0 ? r : scsi_read(l->s, step, dir, &a, NULL);
}

static int link_write(struct link *l, const char *step, uint32_t len)
{
	return write_read(l, step, EV_TX,
			  (struct scsi_area){ 0, LBA_TX, len, SEED_TX, false });
}

static int link_read(struct link *l, const char *step, uint32_t len)
{
	return write_read(l, step, EV_RX,
			  (struct scsi_area){ 0, LBA_RX, len, SEED_RX, true });
}

static void queue_one(struct link *l)
{
	const struct scsi_command c = scsi_command(l->s, 0, SCSI_TEST_UNIT_READY);

	scsi_put(l->s, 0, &c, NULL);
}

const struct link_ops scsi_link = {
	.connect = connect_ready,
	.tx = link_write,
	.rx = link_read,
	.queue = queue_one,
};
