/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_layout.h - the headers as they lie in a frame, all in network byte order. Private to the
 * wire format. */
#ifndef RIPOSTE_WIRE_LAYOUT_H
#define RIPOSTE_WIRE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of a frame, which lie at any alignment, as they are there. */
static inline uint16_t
wire_half(const uint8_t *at)
{
	uint16_t half;

	memcpy(&half, at, sizeof(half));
	return half;
}

static inline uint32_t
wire_word(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint64_t
wire_wide(const uint8_t *at)
{
	uint64_t wide;

	memcpy(&wide, at, sizeof(wide));
	return wide;
}

/* And these are windows on it. */
#define WIRE_LAYOUT __attribute__((packed, may_alias))

enum {
	WIRE_TYPE_IP4 = 0x0800,
	WIRE_TYPE_ARP = 0x0806,
	WIRE_TYPE_IP6 = 0x86dd,
	/* Tags: 802.1Q, 802.1ad and what QinQ was before it. */
	WIRE_TYPE_CTAG = 0x8100,
	WIRE_TYPE_STAG = 0x88a8,
	WIRE_TYPE_QINQ = 0x9100,
};

/* Protocol and next header numbers. */
enum {
	WIRE_IP_ICMP = 1,
	WIRE_IP_TCP = 6,
	WIRE_IP_ICMP6 = 58,
};

struct wire_eth {
	uint8_t dst[6], src[6];
	uint16_t type; /* or the TPID of the first tag */
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_eth) == 14, "IEEE 802.3");
_Static_assert(offsetof(struct wire_eth, type) == 12, "IEEE 802.3");

/* RFC 826, for Ethernet and IPv4. */
struct wire_arp {
	uint16_t htype, ptype;
	uint8_t hlen, plen;
	uint16_t op;
	uint8_t sha[6];
	uint32_t spa;
	uint8_t tha[6];
	uint32_t tpa;
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_arp) == 28, "RFC 826");
_Static_assert(offsetof(struct wire_arp, spa) == 14, "RFC 826");
_Static_assert(offsetof(struct wire_arp, tpa) == 24, "RFC 826");

/* RFC 791 3.1. */
struct wire_ip4 {
	uint8_t version_ihl, tos;
	uint16_t length, id, fragment;
	uint8_t ttl, protocol;
	uint16_t checksum;
	uint32_t src, dst;
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_ip4) == 20, "RFC 791 3.1");
_Static_assert(offsetof(struct wire_ip4, checksum) == 10, "RFC 791 3.1");
_Static_assert(offsetof(struct wire_ip4, dst) == 16, "RFC 791 3.1");

#define WIRE_IP4_DF       0x4000 /* of fragment, in host order */
#define WIRE_IP4_FRAGMENT 0x3fff /* MF and the offset */

/* RFC 8200 3. */
struct wire_ip6 {
	uint8_t version_class; /* the version is its upper half */
	uint8_t class_label[3];
	uint16_t length;
	uint8_t next, hop_limit;
	uint8_t src[16], dst[16];
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_ip6) == 40, "RFC 8200 3");
_Static_assert(offsetof(struct wire_ip6, src) == 8, "RFC 8200 3");
_Static_assert(offsetof(struct wire_ip6, dst) == 24, "RFC 8200 3");

/* The first eight bytes, which every extension header has. RFC 8200 4. */
struct wire_ip6_ext {
	uint8_t next;
	uint8_t length; /* in units of 8 bytes, less the first */
	uint8_t data[6];
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_ip6_ext) == 8, "RFC 8200 4");

/* RFC 8200 4.4. */
struct wire_ip6_routing {
	uint8_t next, length;
	uint8_t type, segments_left;
	uint8_t data[4];
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_ip6_routing) == 8, "RFC 8200 4.4");
_Static_assert(offsetof(struct wire_ip6_routing, segments_left) == 3, "RFC 8200 4.4");

/* RFC 8200 4.5. */
struct wire_ip6_fragment {
	uint8_t next, reserved;
	uint16_t offset; /* two reserved bits and M below it */
	uint32_t id;
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_ip6_fragment) == 8, "RFC 8200 4.5");
_Static_assert(offsetof(struct wire_ip6_fragment, offset) == 2, "RFC 8200 4.5");

#define WIRE_IP6_FRAGMENT 0xfff9 /* the offset and M, of offset in host order */

/* RFC 9293 3.1. */
struct wire_tcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t offset; /* in the upper half, in units of 4 bytes */
	uint8_t flags;
	uint16_t wnd, checksum, urgent;
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_tcp) == 20, "RFC 9293 3.1");
_Static_assert(offsetof(struct wire_tcp, flags) == 13, "RFC 9293 3.1");
_Static_assert(offsetof(struct wire_tcp, checksum) == 16, "RFC 9293 3.1");

/* RFC 792, RFC 4443 2.1; identifier and sequence number follow in an echo. */
struct wire_icmp {
	uint8_t type, code;
	uint16_t checksum;
	uint8_t rest[4];
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_icmp) == 8, "RFC 792");

/* A neighbour solicitation or advertisement. RFC 4861 4.3, 4.4. */
struct wire_nd {
	uint8_t type, code;
	uint16_t checksum;
	uint32_t flags; /* advertisement: R, S, O from the top; solicitation: reserved */
	uint8_t target[16];
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_nd) == 24, "RFC 4861 4.3");
_Static_assert(offsetof(struct wire_nd, target) == 8, "RFC 4861 4.3");

/* Source or target link-layer address option. RFC 4861 4.6.1. */
struct wire_nd_lladdr {
	uint8_t type, length; /* length in units of 8 bytes */
	uint8_t mac[6];
} WIRE_LAYOUT;
_Static_assert(sizeof(struct wire_nd_lladdr) == 8, "RFC 4861 4.6.1");

#endif
