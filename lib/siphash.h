/* SPDX-License-Identifier: BSD-3-Clause */
/* siphash.h - SipHash-2-4, the keyed function behind sequence numbers, cookies and the flow
 * table. Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. */
#ifndef RIPOSTE_SIPHASH_H
#define RIPOSTE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1; /* the key's 16 bytes, read little-endian */
};

/* SipHash-2-4 of length bytes at data. */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t length);

/* The same of data that its caller has as words, read little-endian: count of them, the last being
 * what is left of the data (up to seven bytes) with siphash_end(), the length. */
uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words, unsigned int count);

static inline uint64_t
siphash_end(size_t length)
{
	return (uint64_t)length << 56;
}

#define SIPHASH_LANES      64
#define SIPHASH_LANE_WORDS 8 /* at most */

/* siphash_words() of used inputs at a time, up to SIPHASH_LANES, all of count words, up to
 * SIPHASH_LANE_WORDS: words[i][lane], of which the lanes that are not used may be written to. */
void siphash_lanes(const struct siphash_key *key, uint64_t (*words)[SIPHASH_LANES],
		   unsigned int count, unsigned int used, uint64_t hashes[SIPHASH_LANES]);

/* Reads a key from its 16 bytes. */
struct siphash_key siphash_key_read(const uint8_t bytes[16]);

/* A key for one purpose, made from secret and the purpose's name: keys for different purposes
 * say nothing about each other or about secret (domain separation). */
struct siphash_key siphash_key_derive(const struct siphash_key *secret, const char *purpose);

#endif
