/* SPDX-License-Identifier: BSD-3-Clause */
/* wire.h - bytes to packets and back: Ethernet with VLAN tags, ARP, IPv4, IPv6, ICMP echo,
 * neighbour discovery and TCP. Knows no connections, devices or memory. */
#ifndef RIPOSTE_WIRE_H
#define RIPOSTE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr_set.h"
#include "flow.h"
#include "tcp.h"
#include "wire_l2.h"

/* What the NIC says of a received frame's checksums. Neither bit of a pair: it does not know, and
 * software looks. */
enum {
	WIRE_IP_GOOD = 0x01,
	WIRE_IP_BAD = 0x02,
	WIRE_L4_GOOD = 0x04,
	WIRE_L4_BAD = 0x08,
};

/* Checksums of TCP replies that the NIC fills in: software leaves 0 in the IPv4 header, the pseudo
 * header's sum in TCP. Anything else riposte sends is always summed in software. */
enum {
	WIRE_TX_IP = 0x01,
	WIRE_TX_TCP = 0x02,
};

/* The host that riposte is on one port. */
struct wire_host {
	uint8_t mac[6];
	uint8_t ttl;        /* TTL and hop limit of everything sent but neighbour discovery */
	uint8_t tx_offload; /* WIRE_TX_... */
	const struct addr_set *owned;
};

enum wire_kind {
	WIRE_NOTHING, /* packet.drop says why; DROP_NONE: lawful, and nothing to do */
	WIRE_TCP,
	WIRE_ARP,
	WIRE_ECHO,    /* ICMP or ICMPv6 echo request */
	WIRE_SOLICIT, /* neighbour solicitation */
};

struct wire_packet {
	uint8_t kind;       /* enum wire_kind */
	uint8_t drop;       /* enum drop_reason */
	uint8_t l3;         /* offset of the IP or ARP header: 14, 18 or 22 */
	uint16_t l4;        /* offset of the TCP or ICMP header */
	uint16_t l4_length; /* of header and payload, from the IP length and not from the frame's */
	struct wire_l2 l2;
	struct flow flow;   /* TCP: with ports; IP otherwise: addresses alone, ports 0 */
	struct tcp_seg seg; /* TCP */
};

/* Longest frame without text that wire_emit_tcp() makes: two tags, IPv6, TCP with 40 bytes of
 * options. */
#define WIRE_TCP_MAX (14 + 8 + 40 + 60)

/* Reads a frame and drops what rules.md section 2 drops (but F9, which needs the table). csum is
 * WIRE_IP_... and WIRE_L4_...; whatever the bytes are, nothing outside frame[0 .. length) is read
 * and every field of *p that its kind needs is set (l2 whenever the Ethernet header is whole). */
void wire_parse(const struct wire_host *host, const uint8_t *frame, uint32_t length, uint8_t csum,
		struct wire_packet *p);

/* The answers to what is not TCP, made in place: frame has room for that many bytes. Returns the
 * reply's length; 0 for none, and then p->drop says why (DROP_NONE: lawful). p is what wire_parse()
 * made of the frame. RFC 826; RFC 792 and RFC 4443 4.2; RFC 4861 7.2. */
uint32_t arp_input(const struct wire_host *host, uint8_t *frame, uint32_t length, uint32_t room,
		   struct wire_packet *p);
uint32_t icmp_input(const struct wire_host *host, uint8_t *frame, uint32_t length, uint32_t room,
		    struct wire_packet *p);
uint32_t ndp_input(const struct wire_host *host, uint8_t *frame, uint32_t length, uint32_t room,
		   struct wire_packet *p);

/* Where the headers of a frame that wire_emit_tcp() made begin and end, for NIC offloads. */
struct wire_lengths {
	uint8_t l2; /* Ethernet and tags */
	uint8_t l3; /* 20 or 40 */
	uint8_t l4; /* 20 .. 60 */
};

/* Where a frame's text begins. */
uint32_t wire_text_offset(const struct wire_l2 *l2, const struct flow *flow,
			  const struct tcp_reply *reply);

/* Writes the frame that carries reply to flow's remote end by way of l2, and returns its length (at
 * most WIRE_TCP_MAX and its text). The text is at wire_text_offset() already. frame may be the one
 * that l2 and flow were parsed from: both are copies. rules.md section 3, "IP fields of every
 * reply". */
uint32_t wire_emit_tcp(const struct wire_host *host, const struct wire_l2 *l2,
		       const struct flow *flow, const struct tcp_reply *reply, uint8_t *frame,
		       struct wire_lengths *lengths);

#endif
