/* SPDX-License-Identifier: BSD-3-Clause */
/* siphash_lanes.c - SipHash-2-4 of several inputs side by side: one input is a chain in which every
 * step waits for the one before, but vector registers hold eight chains. */
#include "siphash.h"

#include <string.h>

typedef uint64_t lanes __attribute__((vector_size(8 * SIPHASH_LANES)));

static inline __attribute__((always_inline)) void
sip_round(lanes v[4])
{
#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))
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
#undef ROTATE
}

/* Compiled for several processors, and chosen by the dynamic linker at the start. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
void
siphash_lanes(const struct siphash_key *key, const uint64_t (*words)[SIPHASH_LANES],
	      unsigned int count, uint64_t hashes[SIPHASH_LANES])
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
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= zero + 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	memcpy(hashes, &word, sizeof(word));
}
