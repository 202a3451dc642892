/* SPDX-License-Identifier: BSD-3-Clause */
/* checksum.c - the Internet checksum. RFC 1071: the sum does not mind byte order, nor whether it
 * is made of words of 16 bits or of wider ones, as 2^16 is 1 modulo 2^16 - 1. */
#include <arpa/inet.h>
#include <string.h>

#include "checksum.h"

uint64_t
checksum_add(uint64_t sum, const void *data, uint32_t length)
{
	const uint8_t *at = data;
	uint64_t odd = 0;
	uint64_t wide;
	uint32_t word;

	/* Words of 32 bits, two at a time: 2^32 of them fit into 64 bits. */
	for (; length >= 8; length -= 8, at += 8) {
		memcpy(&wide, at, 8);
		sum += wide & UINT32_MAX;
		odd += wide >> 32;
	}
	sum += odd;
	if (length >= 4) {
		memcpy(&word, at, 4);
		sum += word;
		length -= 4;
		at += 4;
	}
	if (length > 0) {
		word = 0;
		memcpy(&word, at, length);
		sum += word;
	}
	return sum;
}

uint16_t
checksum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t
checksum_pseudo(const struct flow *flow, uint8_t protocol, uint32_t length)
{
	uint64_t sum = (uint64_t)htonl(protocol) + htonl(length);

	if (flow->family == 4)
		return sum + flow->v4.laddr + flow->v4.raddr;
	sum = checksum_add(sum, flow->v6.laddr, 16);
	return checksum_add(sum, flow->v6.raddr, 16);
}
