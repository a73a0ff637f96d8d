/* SPDX-License-Identifier: MIT */
/* The bytes that transfers carry, and the digest by which both ends tell them apart. */
#ifndef BASE_PAYLOAD_H
#define BASE_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

/** DIGEST_START - the digest of no bytes (the offset basis of FNV-1a, 64 bit) */
#define DIGEST_START UINT64_C(0xcbf29ce484222325)

/**
 * digest_add() - extend a digest by more bytes
 * @digest:	digest so far, DIGEST_START at first
 * @bytes:	what follows
 * @len:	its length
 *
 * FNV-1a: any one changed byte changes the digest, since each step is a bijection.
 * Return: the digest of all bytes so far.
 */
uint64_t digest_add(uint64_t digest, const void *bytes, size_t len);

/**
 * payload_fill() - reproducible bytes
 * @seed:	picks the stream
 * @offset:	position in the stream of the first byte
 * @bytes:	where to
 * @len:	how many
 *
 * The same seed and position give the same byte however the stream is cut.
 */
void payload_fill(uint32_t seed, uint64_t offset, void *bytes, size_t len);

#endif
