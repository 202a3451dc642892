/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_parse.h - how wire_parse() is divided by protocol. Private to the wire format. Each part
 * returns why the frame is dropped; with DROP_NONE it has set p->kind (WIRE_TCP: there may be a TCP
 * header at p->l4, and nobody has looked at it yet), or the frame is lawful and there is nothing to
 * do. Each reads frame[0 .. length) alone, or what lies below p->l4 + p->l4_length once that is
 * set.
 */
#ifndef RIPOSTE_WIRE_PARSE_H
#define RIPOSTE_WIRE_PARSE_H

#include "drop.h"
#include "wire.h"

/* wire_parse_ip4.c: the IPv4 header at p->l3 and what follows. RFC 791. */
enum drop_reason wire_parse_ip4(const struct wire_host *host, const uint8_t *frame, uint32_t length,
				uint8_t csum, struct wire_packet *p);

/* wire_parse_ip6.c: the IPv6 header at p->l3 and what follows. group: the Ethernet destination is
 * the group of some solicited-node address, 33:33:ff:xx:xx:xx. RFC 8200. */
enum drop_reason wire_parse_ip6(const struct wire_host *host, const uint8_t *frame, uint32_t length,
				bool group, struct wire_packet *p);

/* wire_parse.c: any frame, whatever comes first in it. */
enum drop_reason wire_parse_any(const struct wire_host *host, const uint8_t *frame, uint32_t length,
				uint8_t csum, struct wire_packet *p);

/* icmp.c: the ICMP or ICMPv6 header at p->l4. */
enum drop_reason icmp_parse(const uint8_t *frame, struct wire_packet *p);

#endif
