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

/* Reads a key from its 16 bytes. */
struct siphash_key siphash_key_read(const uint8_t bytes[16]);

/* A key for one purpose, made from secret and the purpose's name: keys for different purposes
 * say nothing about each other or about secret (domain separation). */
struct siphash_key siphash_key_derive(const struct siphash_key *secret, const char *purpose);

#endif
