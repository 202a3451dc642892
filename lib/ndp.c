/* SPDX-License-Identifier: BSD-3-Clause */
/* ndp.c - neighbour solicitations are answered for every address owned. RFC 4861 7. */
#include <assert.h>
#include <string.h>

#include "checksum.h"
#include "wire_addr.h"
#include "wire_icmp.h"
#include "wire_layout.h"
#include "wire_put.h"

enum {
	HOP_LIMIT = 255, /* nobody forwarded it */
	OPTION_SOURCE = 1,
	OPTION_TARGET = 2,
};

/* RFC 4861 4.4. */
#define FLAG_SOLICITED 0x40000000u
#define FLAG_OVERRIDE  0x20000000u

/* Are the options whole, and none of them of length 0? *source_seen: there is a source link-layer
 * address. */
static bool
options_are_valid(const uint8_t *options, uint32_t length, bool *source_seen)
{
	uint32_t at = 0;

	*source_seen = false;
	while (at < length) {
		uint32_t size;

		if (length - at < 2)
			return false;
		size = options[at + 1] * 8u;
		if (size == 0 || size > length - at)
			return false;
		if (options[at] == OPTION_SOURCE)
			*source_seen = true;
		at += size;
	}
	return true;
}

/* RFC 4861 7.1.1; icmp_parse() has checked the checksum. */
static bool
is_valid(const uint8_t *frame, const struct wire_packet *p)
{
	const struct wire_ip6 *ip = (const struct wire_ip6 *)(frame + p->l3);
	const struct wire_nd *nd = (const struct wire_nd *)(frame + p->l4);
	bool source_seen;

	if (ip->hop_limit != HOP_LIMIT || nd->code != 0 || p->l4_length < sizeof(*nd))
		return false;
	if (nd->target[0] == 0xff)
		return false;
	if (!options_are_valid((const uint8_t *)(nd + 1), p->l4_length - (uint32_t)sizeof(*nd),
			       &source_seen))
		return false;
	if (wire_ip6_is_unspecified(p->flow.v6.raddr))
		return wire_ip6_is_solicited_node(p->flow.v6.laddr) && !source_seen;
	return true;
}

/* RFC 4861 7.2.4: the advertisement for p's flow, whose local end is the target. Returns its
 * length. */
static uint32_t
advertise(const struct wire_host *host, uint8_t *frame, bool solicited, const struct wire_packet *p)
{
	uint32_t l4 = p->l3 + (uint32_t)sizeof(struct wire_ip6);
	struct wire_nd *nd = (struct wire_nd *)(frame + l4);
	struct wire_nd_lladdr *lladdr = (struct wire_nd_lladdr *)(nd + 1);
	uint32_t size = sizeof(*nd) + sizeof(*lladdr);
	uint64_t sum;

	*nd = (struct wire_nd){
		.type = ICMP6_ADVERTISEMENT,
		.flags = htonl(FLAG_OVERRIDE | (solicited ? FLAG_SOLICITED : 0)),
	};
	memcpy(nd->target, p->flow.v6.laddr, 16);
	*lladdr = (struct wire_nd_lladdr){.type = OPTION_TARGET, .length = 1};
	memcpy(lladdr->mac, host->mac, 6);
	sum = checksum_pseudo(&p->flow, WIRE_IP_ICMP6, size);
	nd->checksum = checksum_finish(checksum_add(sum, nd, size));
	wire_put_ip6(&p->flow, WIRE_IP_ICMP6, HOP_LIMIT, size, frame + p->l3);
	return l4 + size;
}

uint32_t
ndp_input(const struct wire_host *host, uint8_t *frame, uint32_t length, uint32_t room,
	  struct wire_packet *p)
{
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	bool probe = wire_ip6_is_unspecified(p->flow.v6.raddr);
	uint8_t *dst = p->flow.v6.laddr;
	uint8_t target[16];

	assert(p->kind == WIRE_SOLICIT && p->l4 + p->l4_length <= length && room >= WIRE_TCP_MAX &&
	       length <= room);
	if (!is_valid(frame, p)) {
		p->drop = DROP_nd_malformed;
		return 0;
	}
	memcpy(target, ((const struct wire_nd *)(frame + p->l4))->target, 16);
	if (!wire_ip6_is_host(target) || !addr_set_has6(host->owned, target)) {
		p->drop = DROP_nd_not_ours;
		return 0;
	}
	/* F3: of the groups that hosts join only the target's own is known to be ours. */
	if (dst[0] == 0xff && memcmp(dst + 13, target + 13, 3) != 0) {
		p->drop = DROP_ip_not_ours;
		return 0;
	}

	memcpy(p->flow.v6.laddr, target, 16);
	wire_put_back(host, &p->l2, frame);
	if (probe) {
		/* RFC 4861 7.2.4: who only asks whether the address is free has none yet. */
		memcpy(p->flow.v6.raddr, all_nodes, 16);
		memcpy(frame, all_nodes_mac, 6);
	}
	return advertise(host, frame, !probe, p);
}
