/* SPDX-License-Identifier: BSD-3-Clause */
/* checksum.h - the Internet checksum. RFC 1071. */
#ifndef RIPOSTE_CHECKSUM_H
#define RIPOSTE_CHECKSUM_H

#include <stdint.h>

#include "flow.h"

/* Adds length bytes at data (as 16-bit words in memory order, an odd last byte padded with 0) to
 * sum; not folded. sum is 0 or another call's result over an even number of bytes. */
uint64_t checksum_add(uint64_t sum, const void *data, uint32_t length);

/* Folds sum to 16 bits without complementing it. */
uint16_t checksum_fold(uint64_t sum);

/* The checksum field for sum: folded and complemented, ready to be stored as it is. Over data that
 * includes a right checksum it is 0. */
static inline uint16_t
checksum_finish(uint64_t sum)
{
	return (uint16_t)~checksum_fold(sum);
}

/* The sum of the pseudo header for flow's addresses, protocol and a length in host order. RFC 9293
 * 3.1; RFC 8200 8.1. */
uint64_t checksum_pseudo(const struct flow *flow, uint8_t protocol, uint32_t length);

#endif
