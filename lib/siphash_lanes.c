/* SPDX-License-Identifier: BSD-3-Clause */
/* siphash_lanes.c - SipHash-2-4 of several inputs side by side: one input is a chain in which every
 * step waits for the one before, but vector registers hold eight chains. Only where the processor
 * rotates 64-bit lanes, which is AVX-512: with shifts in its place eight side by side take as long
 * as seven one by one. */
#include "siphash.h"

#include <string.h>

#ifdef __x86_64__
#define WIDE_LEAST 3 /* inputs; eight side by side take as long */

typedef uint64_t lanes __attribute__((vector_size(8 * SIPHASH_LANES)));

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

WIDE static void
wide(const struct siphash_key *key, const uint64_t (*words)[SIPHASH_LANES], unsigned int count,
     uint64_t hashes[SIPHASH_LANES])
{
	const lanes zero = {0};
	lanes v[4] = {
		zero + (key->k0 ^ UINT64_C(0x736f6d6570736575)),
		zero + (key->k1 ^ UINT64_C(0x646f72616e646f6d)),
		zero + (key->k0 ^ UINT64_C(0x6c7967656e657261)),
		zero + (key->k1 ^ UINT64_C(0x7465646279746573)),
	};
	lanes word;

	for (unsigned int i = 0; i < count; i++) {
		memcpy(&word, words[i], sizeof(word));
		v[3] ^= word;
		wide_round(v);
		wide_round(v);
		v[0] ^= word;
	}
	v[2] ^= zero + 0xff;
	for (int i = 0; i < 4; i++)
		wide_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	memcpy(hashes, &word, sizeof(word));
}
#endif

void
siphash_lanes(const struct siphash_key *key, const uint64_t (*words)[SIPHASH_LANES],
	      unsigned int count, unsigned int used, uint64_t hashes[SIPHASH_LANES])
{
	uint64_t one[SIPHASH_LANE_WORDS];

#ifdef __x86_64__
	if (used >= WIDE_LEAST && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512vl")) {
		wide(key, words, count, hashes);
		return;
	}
#endif
	for (unsigned int lane = 0; lane < used; lane++) {
		for (unsigned int i = 0; i < count; i++)
			one[i] = words[i][lane];
		hashes[lane] = siphash_words(key, one, count);
	}
}
