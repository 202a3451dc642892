/* SPDX-License-Identifier: BSD-3-Clause */
/* arp.c - ARP requests are answered for every IPv4 address owned. RFC 826, RFC 5227. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "wire_addr.h"
#include "wire_layout.h"
#include "wire_put.h"

enum {
	HTYPE_ETHERNET = 1,
	OP_REQUEST = 1,
	OP_REPLY = 2,
};

/* Why the packet draws no answer; DROP_NONE for a good request or reply. */
static enum drop_reason
check(const struct wire_host *host, const struct wire_arp *arp, uint32_t left)
{
	/* RFC 5227 1.1: a sender that only asks whether an address is free has none, 0.0.0.0. */
	bool probe;

	if (left < sizeof(*arp) || arp->htype != htons(HTYPE_ETHERNET) ||
	    arp->ptype != htons(WIRE_TYPE_IP4) || arp->hlen != 6 || arp->plen != 4)
		return DROP_arp_malformed;
	if (arp->op != htons(OP_REQUEST) && arp->op != htons(OP_REPLY))
		return DROP_arp_operation;
	probe = arp->spa == 0 && arp->op == htons(OP_REQUEST);
	if (wire_mac_is_group(arp->sha) || (!wire_ip4_is_host(arp->spa) && !probe) ||
	    addr_set_has4(host->owned, arp->spa))
		return DROP_arp_source;
	return DROP_NONE;
}

uint32_t
arp_input(const struct wire_host *host, uint8_t *frame, uint32_t length, uint32_t room,
	  struct wire_packet *p)
{
	struct wire_arp *arp = (struct wire_arp *)(frame + p->l3);
	uint32_t owned;

	assert(p->kind == WIRE_ARP && p->l3 <= length && length <= room);
	p->drop = (uint8_t)check(host, arp, length - p->l3);
	/* A reply is lawful, and answers a question that nobody asked. */
	if (p->drop != DROP_NONE || arp->op != htons(OP_REQUEST))
		return 0;
	owned = arp->tpa;
	if (!wire_ip4_is_host(owned) || !addr_set_has4(host->owned, owned)) {
		p->drop = DROP_arp_not_ours;
		return 0;
	}

	/* RFC 826, Packet Reception: swap the fields and put our own in the sender's. */
	memcpy(arp->tha, arp->sha, 6);
	arp->tpa = arp->spa;
	memcpy(arp->sha, host->mac, 6);
	arp->spa = owned;
	arp->op = htons(OP_REPLY);
	wire_put_back(host, &p->l2, frame);
	return p->l3 + (uint32_t)sizeof(*arp);
}
