/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_addr.h - which addresses can be a host's, on either end of a segment. RFC 1122 3.2.1.3,
 * RFC 4291 2. Private to the wire format. */
#ifndef RIPOSTE_WIRE_ADDR_H
#define RIPOSTE_WIRE_ADDR_H

#include <arpa/inet.h>
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Is it a group address (multicast or broadcast)? IEEE 802.3 3.2.3. */
static inline bool
wire_mac_is_group(const uint8_t mac[6])
{
	return mac[0] & 1;
}

/* Not 0.0.0.0/8, 127/8, 224/4 or 240/4. addr is in network byte order. */
static inline bool
wire_ip4_is_host(uint32_t addr)
{
	uint32_t top = ntohl(addr) >> 24;

	return top != 0 && top != 127 && top < 224;
}

/* Is it ::? */
static inline bool
wire_ip6_is_unspecified(const uint8_t addr[16])
{
	uint64_t half[2];

	memcpy(half, addr, sizeof(half));
	return (half[0] | half[1]) == 0;
}

/* Not ::, ::1, ff00::/8 or ::ffff:0:0/96. */
static inline bool
wire_ip6_is_host(const uint8_t addr[16])
{
	uint64_t half[2], low;

	memcpy(half, addr, sizeof(half));
	if (half[0] != 0)
		return addr[0] != 0xff;
	low = be64toh(half[1]);
	return low > 1 && low >> 32 != 0xffff;
}

/* Is it a solicited-node address, ff02::1:ff00:0/104? RFC 4291 2.7.1. */
static inline bool
wire_ip6_is_solicited_node(const uint8_t addr[16])
{
	static const uint8_t prefix[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	return memcmp(addr, prefix, sizeof(prefix)) == 0;
}

#endif
