/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_put.h - the headers of what is sent. rules.md section 3, "IP fields of every reply". Private
 * to the wire format. */
#ifndef RIPOSTE_WIRE_PUT_H
#define RIPOSTE_WIRE_PUT_H

#include "wire.h"

/* Sends a frame that was received back where it came from: its tags and type stay. */
void wire_put_back(const struct wire_host *host, const struct wire_l2 *l2, uint8_t *frame);

/* Writes 20 bytes of IPv4 header from flow's local end to its remote one; l4_length is what
 * follows. Without a checksum if the NIC is to fill it in. RFC 791, RFC 6864 4.1. */
void wire_put_ip4(const struct wire_host *host, const struct flow *flow, uint8_t protocol,
		  uint32_t l4_length, bool offload, uint8_t *at);

/* Writes 40 bytes of IPv6 header. RFC 8200 3. */
void wire_put_ip6(const struct flow *flow, uint8_t next, uint8_t hop_limit, uint32_t l4_length,
		  uint8_t *at);

#endif
