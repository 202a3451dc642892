/* SPDX-License-Identifier: BSD-3-Clause */
/* columns_addr.h - which of sixteen frames' addresses are the host's, and which can be any host's:
 * as addr_set.h and wire_addr.h, side by side (columns.h). For stack_columns.c. */
#ifndef RIPOSTE_COLUMNS_ADDR_H
#define RIPOSTE_COLUMNS_ADDR_H

#include "addr_set.h"
#include "columns.h"
#include "stack_columns.h"
#include "wire_layout.h"

#ifdef __x86_64__
#define RANGES_WIDE 8 /* so many owned ranges are looked at in a row */

/* Is it one of the host's addresses? addr in host byte order. */
static WIDE_INLINE lanes
owned4(const struct addr_set *set, column addr)
{
	uint32_t each[COLUMNS];
	lanes in = 0;

	if (set->v4_count <= RANGES_WIDE) {
		for (uint32_t i = 0; i < set->v4_count; i++) {
			const struct addr_range4 *r = &set->v4[i];
			const column above = _mm512_sub_epi32(addr, column_of(r->first));

			in |= _mm512_cmple_epu32_mask(above, column_of(r->last - r->first));
		}
		return in;
	}
	column_store(each, addr);
	for (unsigned int i = 0; i < COLUMNS; i++)
		in |= (lanes)(addr_set_has4(set, htonl(each[i])) << i);
	return in;
}

/* As wire_ip4_is_host(). addr in host byte order. */
static WIDE_INLINE lanes
is_host4(column addr)
{
	const column top = _mm512_srli_epi32(addr, 24);

	return _mm512_cmplt_epu32_mask(_mm512_sub_epi32(top, column_of(1)), column_of(223)) &
	       _mm512_cmpneq_epi32_mask(top, column_of(127));
}

/* Is addr, in network byte order as in memory, above bound, or the same where that will do? */
static WIDE_INLINE lanes
above6(const column addr[STACK_ADDR_WORDS], const uint8_t bound[16], bool or_same)
{
	lanes more = 0, same = 0xffff;

#pragma GCC unroll 4
	for (unsigned int i = 0; i < STACK_ADDR_WORDS; i++) {
		const column b = column_of(ntohl(wire_word(bound + 4 * i)));
		const column a = column_swap(addr[i]);

		more |= same & _mm512_cmpgt_epu32_mask(a, b);
		same &= _mm512_cmpeq_epi32_mask(a, b);
	}
	return or_same ? more | same : more;
}

/* Is it one of the host's addresses? They lie in the frames, too, at byte at. */
static WIDE_INLINE lanes
owned6(const struct addr_set *set, const uint8_t *const frames[COLUMNS], size_t at,
       const column addr[STACK_ADDR_WORDS])
{
	lanes in = 0;

	if (set->v6_count <= RANGES_WIDE) {
		for (uint32_t i = 0; i < set->v6_count; i++)
			in |= above6(addr, set->v6[i].first, true) &
			      (lanes)~above6(addr, set->v6[i].last, false);
		return in;
	}
	for (unsigned int i = 0; i < COLUMNS; i++)
		in |= (lanes)(addr_set_has6(set, frames[i] + at) << i);
	return in;
}

/* As wire_ip6_is_host(). */
static WIDE_INLINE lanes
is_host6(const column addr[STACK_ADDR_WORDS])
{
	const column high = _mm512_or_si512(addr[0], addr[1]);
	const lanes has_high = _mm512_test_epi32_mask(high, high);
	const lanes is_group = column_has(addr[0], 0xff000000, 0xff000000);
	const lanes is_mapped = column_has(addr[2], 0xffffffff, 0x0000ffff);
	/* :: or ::1 */
	const lanes is_small =
		column_has(addr[2], 0xffffffff, 0) & column_has(addr[3], 0xfffffffe, 0);

	return (has_high & (lanes)~is_group) | (lanes)(~has_high & ~is_mapped & ~is_small);
}

#endif
#endif
