/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * An RPM is a lead of 96 bytes, a signature header padded to 8 bytes, the main header and
 * the payload. A header is 16 bytes of magic and sizes, an index of 16 bytes an entry
 * (tag, type, offset, count; all big-endian), and the store that its offsets point into.
 */
#include <archive_entry.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "vm/archive.h"
#include "vm/rpm.h"

enum {
	LEAD_TYPE = 7, /* low byte */
	LEAD_SIZE = 96,
	LEAD_SOURCE = 1,

	INTRO = 16,
	ENTRY = 16,
	ENTRIES_MAX = 1 << 16,
	STORE_MAX = 64 << 20,

	TYPE_INT32 = 4,
	TYPE_INT64 = 5,
	TYPE_STRING = 6,
	TYPE_STRING_ARRAY = 8,

	/* of the signature header */
	SIG_LONGSIZE = 270,
	SIG_SHA256 = 273,
	SIG_SIZE = 1000,
	/* of the main header */
	TAG_NAME = 1000,
	TAG_VERSION = 1001,
	TAG_RELEASE = 1002,
	TAG_ARCH = 1022,
	TAG_SOURCEPACKAGE = 1106,
	TAG_PAYLOADDIGEST = 5092,
	TAG_PAYLOADDIGESTALGO = 5093,
	ALGO_SHA256 = 8,

	SHA256_HEX = 64,
	BLOCK = 65536,
	DIGEST_TEXT = 4096
};

struct header {
	unsigned char *bytes; /* owned; from the magic to the store's end */
	size_t entries, store;
	off_t at; /* in the file */
};

struct reading {
	const struct vm_workdir *w;
	int fd;
	const char *file;
	off_t size; /* of the file */
	struct vm_error *err;
};

static void header_done(struct header *h)
{
	free(h->bytes);
}

#define cleanup_header cleanup_(header_done)

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int cut(const struct reading *r, unsigned long long need)
{
	return vm_fail(r->err, VM_FAULT_TRUNCATED, -EILSEQ, r->file, "fetch it again",
		       "is cut off after %lld bytes: its header asks for %llu",
		       (long long)r->size, need);
}

static int damaged(const struct reading *r, const char *what)
{
	return vm_fail(r->err, VM_FAULT_BAD_FILE, -EILSEQ, r->file, "fetch it again",
		       "is damaged: %s", what);
}

static int read_at(const struct reading *r, void *to, size_t len, off_t at)
{
	char *p = to;

	if (at > r->size || (uint64_t)(r->size - at) < len)
		return cut(r, (unsigned long long)at + len);
	while (len) {
		ssize_t n = pread(r->fd, p, len, at);

		if (n < 0)
			return vm_fail_open(r->err, -errno, r->file);
		if (n == 0)
			return damaged(r, "it became shorter while it was read");
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* --------------------------------------------------------------------- headers */

static size_t header_size(const struct header *h)
{
	return INTRO + h->entries * ENTRY + h->store;
}

static int header_read(const struct reading *r, struct header *h, off_t at)
{
	static const unsigned char magic[4] = { 0x8e, 0xad, 0xe8, 0x01 };
	unsigned char intro[INTRO] = { 0 };
	int e = read_at(r, intro, sizeof(intro), at);

	if (e)
		return e;
	if (memcmp(intro, magic, sizeof(magic)) != 0)
		return damaged(r, "a header does not begin as one");
	h->at = at;
	h->entries = be32(intro + 8);
	h->store = be32(intro + 12);
	if (h->entries > ENTRIES_MAX || h->store > STORE_MAX)
		return damaged(r, "a header is too large");
	h->bytes = malloc(header_size(h));
	if (!h->bytes)
		return vm_fail_errno(r->err, -ENOMEM, r->file, "cannot read");
	return read_at(r, h->bytes, header_size(h), at);
}

/* A value of @len bytes at least, of one of two types; NULL if there is none */
static const unsigned char *find(const struct header *h, uint32_t tag, uint32_t type,
				 uint32_t or_type, size_t len, size_t *ret_left)
{
	const unsigned char *store = h->bytes + INTRO + h->entries * ENTRY;

	for (size_t i = 0; i < h->entries; i++) {
		const unsigned char *e = h->bytes + INTRO + i * ENTRY;
		uint32_t is = be32(e + 4), offset = be32(e + 8);

		if (be32(e) != tag || (is != type && is != or_type))
			continue;
		if (offset > h->store || h->store - offset < len)
			return NULL;
		*ret_left = h->store - offset;
		return store + offset;
	}
	return NULL;
}

/* Borrowed of the header; of an array the first string */
static const char *find_string(const struct header *h, uint32_t tag)
{
	size_t left = 0;
	const unsigned char *p = find(h, tag, TYPE_STRING, TYPE_STRING_ARRAY, 1, &left);

	return p && memchr(p, '\0', left) ? (const char *)p : NULL;
}

static bool find_number(const struct header *h, uint32_t tag, uint64_t *ret)
{
	size_t left = 0;
	const unsigned char *p = find(h, tag, TYPE_INT32, TYPE_INT32, 4, &left);

	if (p) {
		*ret = be32(p);
		return true;
	}
	p = find(h, tag, TYPE_INT64, TYPE_INT64, 8, &left);
	if (p)
		*ret = (uint64_t)be32(p) << 32 | be32(p + 4);
	return p;
}

/* --------------------------------------------------------------------- digests */

static int hash_range(const struct reading *r, struct archive *a, off_t at)
{
	char buf[BLOCK];

	while (at < r->size) {
		off_t left = r->size - at;
		size_t n = left < BLOCK ? (size_t)left : BLOCK;
		int e = read_at(r, buf, n, at);

		if (e)
			return e;
		if (vm_workdir_stopped(r->w))
			return vm_fail_errno(r->err, -EINTR, r->file, "cannot read");
		if (archive_write_data(a, buf, n) != (la_ssize_t)n)
			return vm_fail_errno(r->err, -EIO, r->file, "cannot check");
		at += (off_t)n;
	}
	return 0;
}

/*
 * libarchive's own SHA-256, which its mtree format tells: "/x sha256digest=HEX".
 * @bytes, or the file from @at if it is NULL. @hex stays "" where there is no SHA-256.
 */
static int sha256(const struct reading *r, const void *bytes, size_t len, off_t at,
		  char *hex)
{
	static const char key[] = "sha256digest=";
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	char text[DIGEST_TEXT] = "";
	const char *found = NULL;
	size_t used = 0;
	int failed = !a || !e || archive_write_set_format_mtree(a) != ARCHIVE_OK ||
		     archive_write_set_options(a, "mtree:!all,mtree:sha256") ||
		     archive_write_open_memory(a, text, sizeof(text) - 1, &used);

	failed = failed ? vm_fail_errno(r->err, -ENOMEM, r->file, "cannot check") : 0;
	if (!failed) {
		archive_entry_set_pathname(e, "x");
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_size(e, bytes ? (la_int64_t)len : r->size - at);
		if (archive_write_header(a, e) != ARCHIVE_OK ||
		    (bytes && archive_write_data(a, bytes, len) != (la_ssize_t)len))
			failed = vm_fail_errno(r->err, -EIO, r->file, "cannot check");
	}
	if (!failed && !bytes)
		failed = hash_range(r, a, at);
	if (a && archive_write_close(a) != ARCHIVE_OK && !failed)
		failed = vm_fail_errno(r->err, -EIO, r->file, "cannot check");
	found = strstr(text, key);
	if (found)
		(void)snprintf(hex, SHA256_HEX + 1, "%s", found + strlen(key));
	archive_entry_free(e);
	(void)archive_write_free(a);
	return failed;
}

static int check_header(const struct reading *r, const struct header *sig,
			const struct header *h)
{
	const char *want = find_string(sig, SIG_SHA256);
	char hex[SHA256_HEX + 1] = "";
	int e = want ? sha256(r, h->bytes, header_size(h), 0, hex) : 0;

	if (e || !*hex || !strcasecmp(hex, want))
		return e;
	return damaged(r, "the SHA-256 of its header is another");
}

static int check_payload(const struct reading *r, const struct header *h, off_t at)
{
	const char *want = find_string(h, TAG_PAYLOADDIGEST);
	char hex[SHA256_HEX + 1] = "";
	uint64_t algo = 0;
	int e = 0;

	if (!want || !find_number(h, TAG_PAYLOADDIGESTALGO, &algo) || algo != ALGO_SHA256)
		return 0;
	e = sha256(r, NULL, 0, at, hex);
	if (e || !*hex || !strcasecmp(hex, want))
		return e;
	return damaged(r, "the SHA-256 of its payload is another");
}

static int check_size(const struct reading *r, const struct header *sig, off_t from)
{
	uint64_t size = 0;

	if (!find_number(sig, SIG_LONGSIZE, &size) && !find_number(sig, SIG_SIZE, &size))
		return 0;
	return (uint64_t)(r->size - from) < size ? cut(r, (uint64_t)from + size) : 0;
}

/* ------------------------------------------------------------------ the package */

static int take_names(const struct reading *r, struct vm_rpm *p, const struct header *h)
{
	const char *name = find_string(h, TAG_NAME);
	const char *version = find_string(h, TAG_VERSION);
	const char *release = find_string(h, TAG_RELEASE);
	const char *arch = find_string(h, TAG_ARCH);
	uint64_t source = 0;

	if (!name || !version || !release || !arch)
		return damaged(r, "its header names no package, version or architecture");
	p->name = vm_path("%s-%s-%s", name, version, release);
	p->arch = strdup(arch);
	if (!p->name || !p->arch)
		return vm_fail_errno(r->err, -ENOMEM, r->file, "cannot read");
	p->version = p->name + strlen(name) + 1;
	p->source = p->source || find_number(h, TAG_SOURCEPACKAGE, &source);
	return 0;
}

int vm_rpm_open(struct vm_rpm *p, const struct vm_workdir *w, int fd, const char *file,
		struct vm_error *err)
{
	cleanup_header struct header sig = { 0 }, h = { 0 };
	struct reading r = { .w = w, .fd = fd, .file = file, .err = err };
	unsigned char lead[LEAD_SIZE] = { 0 };
	struct stat st;
	int e = 0;

	*p = (struct vm_rpm){ 0 };
	if (fstat(fd, &st))
		return vm_fail_open(err, -errno, file);
	r.size = st.st_size;
	e = read_at(&r, lead, sizeof(lead), 0);
	if (!e)
		e = header_read(&r, &sig, LEAD_SIZE);
	if (!e)
		e = header_read(&r, &h,
				LEAD_SIZE + (off_t)((header_size(&sig) + 7) / 8 * 8));
	if (e)
		return e;
	p->source = lead[LEAD_TYPE] == LEAD_SOURCE;
	p->payload = h.at + (off_t)header_size(&h);
	e = check_size(&r, &sig, h.at);
	if (!e)
		e = check_header(&r, &sig, &h);
	if (!e)
		e = take_names(&r, p, &h);
	return e ? e : check_payload(&r, &h, p->payload);
}

void vm_rpm_done(struct vm_rpm *p)
{
	free(p->name);
	free(p->arch);
	*p = (struct vm_rpm){ 0 };
}
