/* SPDX-License-Identifier: BSD-3-Clause */
/* columns.h - sixteen frames side by side: what lies at one place of each of them is a column, and
 * one instruction looks at all sixteen. A frame is a row of sixteen words of 32 bits. Only where
 * the processor has AVX-512. For stack_columns*.c. */
#ifndef RIPOSTE_COLUMNS_H
#define RIPOSTE_COLUMNS_H

#ifdef __x86_64__
#include <arpa/inet.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define COLUMNS     16 /* and as many rows */
#define WIDE        __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define WIDE_INLINE WIDE inline __attribute__((always_inline))

/* One word of each frame. */
typedef __m512i column;
/* One bit of each. */
typedef __mmask16 lanes;

static inline bool
columns_have(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static WIDE_INLINE column
column_of(uint32_t word)
{
	return _mm512_set1_epi32((int)word);
}

static WIDE_INLINE column
column_load(const uint32_t words[COLUMNS])
{
	return _mm512_loadu_si512(words);
}

static WIDE_INLINE void
column_store(uint32_t words[COLUMNS], column c)
{
	_mm512_storeu_si512(words, c);
}

/* Network byte order to host order, or back. */
static WIDE_INLINE column
column_swap(column c)
{
	return _mm512_shuffle_epi8(c,
				   _mm512_broadcast_i32x4(_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11,
									10, 9, 8, 15, 14, 13, 12)));
}

/* Rows to columns, or back. */
static WIDE_INLINE void
columns_turn(column r[COLUMNS])
{
	column t[COLUMNS];

	/* Words and then pairs of them change places within quarters of a register ... */
#pragma GCC unroll 8
	for (int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 16; i += 4) {
		r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	/* ... and then the quarters. */
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		const column even = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
		const column odd = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
		const column even2 = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
		const column odd2 = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);

		r[i] = _mm512_shuffle_i32x4(even, even2, 0x88);
		r[8 + i] = _mm512_shuffle_i32x4(even, even2, 0xdd);
		r[4 + i] = _mm512_shuffle_i32x4(odd, odd2, 0x88);
		r[12 + i] = _mm512_shuffle_i32x4(odd, odd2, 0xdd);
	}
}

/* The word c of which only so many bytes as left says count; 4 or more are all. */
static WIDE_INLINE column
column_bytes(column c, column left)
{
	const column rest = _mm512_sllv_epi32(_mm512_set1_epi32(-1), _mm512_slli_epi32(left, 3));

	return _mm512_andnot_si512(rest, c);
}

/* How much c is above least, or 0. */
static WIDE_INLINE column
column_above(column c, uint32_t least)
{
	return _mm512_sub_epi32(_mm512_max_epu32(c, column_of(least)), column_of(least));
}

/* The lanes where c has what the bits of mask say, both in network byte order as in memory. */
static WIDE_INLINE lanes
column_has(column c, uint32_t mask, uint32_t bits)
{
	const column other = _mm512_xor_si512(c, column_of(htonl(bits)));

	return _mm512_testn_epi32_mask(other, column_of(htonl(mask)));
}

/* The Internet checksum of sixteen frames (checksum.h): the words' sum and that of their upper
 * halves, from which follows that of the lower ones. Of fewer than 2^16 words. */
struct columns_sum {
	column words, high;
};

static WIDE_INLINE void
columns_add(struct columns_sum *sum, column c)
{
	sum->words = _mm512_add_epi32(sum->words, c);
	sum->high = _mm512_add_epi32(sum->high, _mm512_srli_epi32(c, 16));
}

/* Folded to 16 bits, not complemented. */
static WIDE_INLINE column
columns_fold(const struct columns_sum *sum)
{
	/* Both halves' sums, each below 2^32: the lower one is what is left of words. */
	column low = _mm512_sub_epi32(sum->words, _mm512_slli_epi32(sum->high, 16));
	column both = _mm512_add_epi32(low, sum->high);
	const column half = column_of(0xffff);

	both = _mm512_add_epi32(_mm512_and_si512(both, half), _mm512_srli_epi32(both, 16));
	return _mm512_add_epi32(_mm512_and_si512(both, half), _mm512_srli_epi32(both, 16));
}

#endif
#endif
