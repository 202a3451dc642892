/* SPDX-License-Identifier: BSD-3-Clause */
/* siphash_lanes.c - SipHash-2-4 of many inputs side by side: one input is a chain in which every
 * step waits for the one before, but a vector register holds eight chains, and several registers do
 * not wait for each other. Only where the processor rotates 64-bit lanes, which is AVX-512: with
 * shifts in its place eight side by side take as long as seven one by one. */
#include "siphash.h"

#include <string.h>

#ifdef __x86_64__
#define VECTOR     8 /* inputs of one register */
#define VECTORS    4 /* side by side */
#define WIDE_LEAST 3 /* inputs; eight side by side take as long */
_Static_assert(SIPHASH_LANES % VECTOR == 0, "the last register's lanes are there");

typedef uint64_t lanes __attribute__((vector_size(8 * VECTOR)));

#define WIDE            __attribute__((target("avx512f,avx512vl")))
#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

WIDE static inline void
wide_round(lanes v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = ROTATE(v[1], 13) ^ v[0];
	v[3] = ROTATE(v[3], 16) ^ v[2];
	v[0] = ROTATE(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = ROTATE(v[1], 17) ^ v[2];
	v[3] = ROTATE(v[3], 21) ^ v[0];
	v[2] = ROTATE(v[2], 32);
}

/* Of VECTOR * count inputs from lane at on. */
WIDE static inline __attribute__((always_inline)) void
wide(const struct siphash_key *key, uint64_t (*words)[SIPHASH_LANES], unsigned int word_count,
     unsigned int at, const unsigned int count, uint64_t hashes[SIPHASH_LANES])
{
	const lanes zero = {0};
	lanes v[VECTORS][4], word;

	for (unsigned int n = 0; n < count; n++) {
		v[n][0] = zero + (key->k0 ^ UINT64_C(0x736f6d6570736575));
		v[n][1] = zero + (key->k1 ^ UINT64_C(0x646f72616e646f6d));
		v[n][2] = zero + (key->k0 ^ UINT64_C(0x6c7967656e657261));
		v[n][3] = zero + (key->k1 ^ UINT64_C(0x7465646279746573));
	}
	for (unsigned int i = 0; i < word_count; i++) {
		for (unsigned int n = 0; n < count; n++) {
			memcpy(&word, &words[i][at + VECTOR * n], sizeof(word));
			v[n][3] ^= word;
		}
		for (unsigned int n = 0; n < count; n++)
			wide_round(v[n]);
		for (unsigned int n = 0; n < count; n++)
			wide_round(v[n]);
		for (unsigned int n = 0; n < count; n++) {
			memcpy(&word, &words[i][at + VECTOR * n], sizeof(word));
			v[n][0] ^= word;
		}
	}
	for (unsigned int n = 0; n < count; n++)
		v[n][2] ^= zero + 0xff;
	for (int i = 0; i < 4; i++)
		for (unsigned int n = 0; n < count; n++)
			wide_round(v[n]);
	for (unsigned int n = 0; n < count; n++) {
		word = v[n][0] ^ v[n][1] ^ v[n][2] ^ v[n][3];
		memcpy(&hashes[at + VECTOR * n], &word, sizeof(word));
	}
}

/* Of the first of used inputs, and how many these are: all but fewer than WIDE_LEAST. */
WIDE static unsigned int
wide_all(const struct siphash_key *key, uint64_t (*words)[SIPHASH_LANES], unsigned int count,
	 unsigned int used, uint64_t hashes[SIPHASH_LANES])
{
	unsigned int at = 0;

	/* Values of another burst would do as well, but not what was never written. */
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int lane = used; lane % VECTOR != 0; lane++)
			words[i][lane] = 0;
	for (; used - at >= VECTOR * VECTORS; at += VECTOR * VECTORS)
		wide(key, words, count, at, VECTORS, hashes);
	for (; used >= at + WIDE_LEAST; at += VECTOR)
		wide(key, words, count, at, 1, hashes);
	return at < used ? at : used;
}
#endif

void
siphash_lanes(const struct siphash_key *key, uint64_t (*words)[SIPHASH_LANES], unsigned int count,
	      unsigned int used, uint64_t hashes[SIPHASH_LANES])
{
	uint64_t one[SIPHASH_LANE_WORDS];
	unsigned int lane = 0;

#ifdef __x86_64__
	if (used >= WIDE_LEAST && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512vl"))
		lane = wide_all(key, words, count, used, hashes);
#endif
	for (; lane < used; lane++) {
		for (unsigned int i = 0; i < count; i++)
			one[i] = words[i][lane];
		hashes[lane] = siphash_words(key, one, count);
	}
}
