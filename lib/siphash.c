/* SPDX-License-Identifier: BSD-3-Clause */
/* siphash.c - SipHash-2-4. Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012,
 * section 2. Knows nothing of what is hashed. */
#include "siphash.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define PURPOSE_MAX 63

static inline uint64_t
load_le64(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

static inline uint64_t
rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static inline void
compress(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

/* The last word: what is left of the data, and its length modulo 256 in the highest byte. */
static inline uint64_t
last_word(const uint8_t *data, size_t length)
{
	const size_t left = length % 8;
	uint64_t word = siphash_end(length);

	if (left && length >= 8) { /* one load that overlaps the word before */
		word |= load_le64(data + length - 8) >> (64 - 8 * left);
	} else {
		for (size_t i = 0; i < left; i++)
			word |= (uint64_t)data[i] << 8 * i;
	}
	return word;
}

static inline void
start(const struct siphash_key *key, uint64_t v[4])
{
	v[0] = key->k0 ^ UINT64_C(0x736f6d6570736575);
	v[1] = key->k1 ^ UINT64_C(0x646f72616e646f6d);
	v[2] = key->k0 ^ UINT64_C(0x6c7967656e657261);
	v[3] = key->k1 ^ UINT64_C(0x7465646279746573);
}

static inline uint64_t
finish(uint64_t v[4])
{
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
siphash(const struct siphash_key *key, const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint64_t v[4];

	start(key, v);
	for (size_t at = 0; at + 8 <= length; at += 8)
		compress(v, load_le64(bytes + at));
	compress(v, last_word(bytes, length));
	return finish(v);
}

uint64_t
siphash_words(const struct siphash_key *key, const uint64_t *words, unsigned int count)
{
	uint64_t v[4];

	start(key, v);
	for (unsigned int i = 0; i < count; i++)
		compress(v, words[i]);
	return finish(v);
}

struct siphash_key
siphash_key_read(const uint8_t bytes[16])
{
	return (struct siphash_key){.k0 = load_le64(bytes), .k1 = load_le64(bytes + 8)};
}

struct siphash_key
siphash_key_derive(const struct siphash_key *secret, const char *purpose)
{
	const size_t length = strlen(purpose);
	uint8_t input[PURPOSE_MAX + 1];
	struct siphash_key key;

	assert(length <= PURPOSE_MAX);
	memcpy(input, purpose, length);
	input[length] = 0; /* the last byte says which half of the key it is */
	key.k0 = siphash(secret, input, length + 1);
	input[length] = 1;
	key.k1 = siphash(secret, input, length + 1);
	return key;
}
