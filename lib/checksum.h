/* SPDX-License-Identifier: BSD-3-Clause */
/* checksum.h - the Internet checksum. RFC 1071: the sum does not mind byte order, nor whether it is
 * made of words of 16 bits or of wider ones, as 2^16 is 1 modulo 2^16 - 1. */
#ifndef RIPOSTE_CHECKSUM_H
#define RIPOSTE_CHECKSUM_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "flow.h"

/* sum and 64 more bits of what is summed: 2^64, too, is 1 modulo 2^16 - 1. */
static inline uint64_t
checksum_carry(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* Adds length bytes at data (as 16-bit words in memory order, an odd last byte padded with 0) to
 * sum; not folded. sum is 0 or another call's result over an even number of bytes. */
static inline uint64_t
checksum_add(uint64_t sum, const void *data, uint32_t length)
{
	const uint8_t *at = data;
	uint64_t wide;
	uint32_t word = 0;
	uint16_t half = 0;

	for (; length >= 8; length -= 8, at += 8) {
		memcpy(&wide, at, 8);
		sum = checksum_carry(sum, wide);
	}
	if (length & 4) {
		memcpy(&word, at, 4);
		at += 4;
	}
	if (length & 2) {
		memcpy(&half, at, 2);
		at += 2;
	}
	wide = (uint64_t)word + half;
	if (length & 1) {
		half = 0;
		memcpy(&half, at, 1);
		wide += half;
	}
	return checksum_carry(sum, wide);
}

/* Folds sum to 16 bits without complementing it. */
static inline uint16_t
checksum_fold(uint64_t sum)
{
	uint32_t half;

	/* With its halves swapped added to it, the upper half is both and their carry. */
	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

/* The checksum field for sum: folded and complemented, ready to be stored as it is. Over data that
 * includes a right checksum it is 0. */
static inline uint16_t
checksum_finish(uint64_t sum)
{
	return (uint16_t)~checksum_fold(sum);
}

/* Is sum, over data that is not all zeros, that of data with a right checksum in it? It is then a
 * multiple of 2^16 - 1, which a multiplication tells. */
static inline bool
checksum_is_right(uint64_t sum)
{
	return sum % UINT16_MAX == 0;
}

/* The sum of flow's addresses. */
static inline uint64_t
checksum_ends4(const struct flow4 *flow)
{
	return (uint64_t)flow->laddr + flow->raddr;
}

static inline uint64_t
checksum_ends6(const struct flow6 *flow)
{
	return checksum_add(checksum_add(0, flow->laddr, 16), flow->raddr, 16);
}

static inline uint64_t
checksum_ends(const struct flow *flow)
{
	return flow->family == 4 ? checksum_ends4(&flow->v4) : checksum_ends6(&flow->v6);
}

/* The sum of the pseudo header for flow's addresses, protocol and a length in host order. RFC 9293
 * 3.1; RFC 8200 8.1. */
static inline uint64_t
checksum_pseudo(const struct flow *flow, uint8_t protocol, uint32_t length)
{
	return checksum_carry(checksum_ends(flow), (uint64_t)htonl(protocol) + htonl(length));
}

#endif
