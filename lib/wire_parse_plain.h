/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_parse_plain.h - the headers below TCP of the frames that nearly all are: to our Ethernet
 * address, untagged, IPv4 without options or IPv6 without extension headers, from one host to an
 * owned address, and all that is looked at is right. A few wide loads tell. What is not so plain is
 * left to wire_parse_any(), which says what is wrong with it, if anything. Inline, for
 * wire_parse.c and where every nanosecond counts. */
#ifndef RIPOSTE_WIRE_PARSE_PLAIN_H
#define RIPOSTE_WIRE_PARSE_PLAIN_H

#include <arpa/inet.h>
#include <string.h>

#include "checksum.h"
#include "wire.h"
#include "wire_addr.h"
#include "wire_layout.h"
#include "wire_parse.h"
#include "wire_parse_tcp.h"

enum {
	PLAIN_L3 = sizeof(struct wire_eth),
	PLAIN_L4_IP4 = PLAIN_L3 + sizeof(struct wire_ip4),
	PLAIN_L4_IP6 = PLAIN_L3 + sizeof(struct wire_ip6),
};

static inline bool
plain_ethernet(const struct wire_host *host, const uint8_t *frame, struct wire_packet *p)
{
	if (memcmp(frame, host->mac, 6) != 0 || wire_mac_is_group(frame + 6))
		return false;
	p->l2 = (struct wire_l2){0};
	memcpy(p->l2.peer, frame + 6, 6);
	p->l3 = PLAIN_L3;
	p->kind = WIRE_TCP;
	return true;
}

/* IPv4 and what is before it. */
static inline bool
plain_ip4(const struct wire_host *host, const uint8_t *frame, uint32_t length, uint8_t csum,
	  struct wire_packet *p)
{
	const uint8_t *ip = frame + PLAIN_L3;
	uint32_t total, src, dst;

	/* EtherType, version and header length; fragment and protocol. */
	if (length < PLAIN_L4_IP4 + sizeof(struct wire_tcp) ||
	    (wire_word(ip - 2) & htonl(0xffffff00)) !=
		    htonl((uint32_t)WIRE_TYPE_IP4 << 16 | 0x4500) ||
	    (wire_word(ip + 6) & htonl((uint32_t)WIRE_IP4_FRAGMENT << 16 | 0xff)) !=
		    htonl(WIRE_IP_TCP))
		return false;
	total = ntohs(wire_half(ip + offsetof(struct wire_ip4, length)));
	if (total < sizeof(struct wire_ip4) || total > length - PLAIN_L3)
		return false;
	src = wire_word(ip + offsetof(struct wire_ip4, src));
	dst = wire_word(ip + offsetof(struct wire_ip4, dst));
	if ((csum & WIRE_IP_BAD) ||
	    (!(csum & WIRE_IP_GOOD) &&
	     !checksum_is_right((uint64_t)wire_word(ip) + wire_word(ip + 4) + wire_word(ip + 8) +
				src + dst)))
		return false;
	if (!wire_ip4_is_host(dst) || !addr_set_has4(host->owned, dst) || !wire_ip4_is_host(src) ||
	    addr_set_has4(host->owned, src) || !plain_ethernet(host, frame, p))
		return false;
	p->l4 = PLAIN_L4_IP4;
	p->l4_length = (uint16_t)(total - sizeof(struct wire_ip4));
	p->flow.family = 4;
	memcpy(&p->flow.v4, ip + offsetof(struct wire_ip4, src), sizeof(p->flow.v4));
	return true;
}

/* IPv6 and what is before it. */
static inline bool
plain_ip6(const struct wire_host *host, const uint8_t *frame, uint32_t length,
	  struct wire_packet *p)
{
	const uint8_t *ip = frame + PLAIN_L3;
	const uint8_t *src = ip + offsetof(struct wire_ip6, src);
	const uint8_t *dst = ip + offsetof(struct wire_ip6, dst);
	uint32_t payload;

	/* EtherType and version. */
	if (length < PLAIN_L4_IP6 + sizeof(struct wire_tcp) ||
	    (wire_word(ip - 2) & htonl(0xfffff000)) !=
		    htonl((uint32_t)WIRE_TYPE_IP6 << 16 | 0x6000) ||
	    ip[offsetof(struct wire_ip6, next)] != WIRE_IP_TCP)
		return false;
	payload = ntohs(wire_half(ip + offsetof(struct wire_ip6, length)));
	if (payload == 0 || payload > length - PLAIN_L4_IP6)
		return false;
	if (!wire_ip6_is_host(dst) || !addr_set_has6(host->owned, dst) || !wire_ip6_is_host(src) ||
	    addr_set_has6(host->owned, src) || !plain_ethernet(host, frame, p))
		return false;
	p->l4 = PLAIN_L4_IP6;
	p->l4_length = (uint16_t)payload;
	p->flow.family = 6;
	memcpy(&p->flow.v6, src, sizeof(p->flow.v6));
	return true;
}

static inline void
wire_parse_end(struct wire_packet *p, enum drop_reason reason)
{
	if (reason != DROP_NONE)
		p->kind = WIRE_NOTHING;
	p->drop = (uint8_t)reason;
}

/* As wire_parse(). */
static inline __attribute__((always_inline)) void
wire_parse_inline(const struct wire_host *host, const uint8_t *frame, uint32_t length, uint8_t csum,
		  struct wire_packet *p)
{
	enum drop_reason reason;

	if (plain_ip4(host, frame, length, csum, p))
		reason = wire_parse_tcp(frame, csum, checksum_ends4(&p->flow.v4), p);
	else if (plain_ip6(host, frame, length, p))
		reason = wire_parse_tcp(frame, csum, checksum_ends6(&p->flow.v6), p);
	else
		reason = wire_parse_any(host, frame, length, csum, p);
	wire_parse_end(p, reason);
}

/* The same, of a frame of which it is known that the short way is not for it. */
static inline void
wire_parse_unusual(const struct wire_host *host, const uint8_t *frame, uint32_t length,
		   uint8_t csum, struct wire_packet *p)
{
	wire_parse_end(p, wire_parse_any(host, frame, length, csum, p));
}

#endif
