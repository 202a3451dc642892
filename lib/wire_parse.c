/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_parse.c - from a frame to a packet; here are its Ethernet header and VLAN tags, and whether
 * it is for us at all. rules.md section 2, F1. */
#include <arpa/inet.h>
#include <string.h>

#include "wire_addr.h"
#include "wire_layout.h"
#include "wire_parse.h"
#include "wire_parse_plain.h"

/* What the Ethernet destination is to us. */
enum dst {
	DST_OTHER,
	DST_US,
	DST_BROADCAST, /* we hear ARP there */
	DST_SOLICITED, /* 33:33:ff:xx:xx:xx: we hear neighbour solicitations there. RFC 2464 7 */
};

static inline enum dst
destination(const struct wire_host *host, const uint8_t mac[6])
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t solicited[3] = {0x33, 0x33, 0xff};

	if (memcmp(mac, host->mac, 6) == 0)
		return DST_US;
	if (memcmp(mac, broadcast, 6) == 0)
		return DST_BROADCAST;
	if (memcmp(mac, solicited, 3) == 0)
		return DST_SOLICITED;
	return DST_OTHER;
}

static inline bool
is_tag(uint16_t type)
{
	return type == htons(WIRE_TYPE_CTAG) || type == htons(WIRE_TYPE_STAG) ||
	       type == htons(WIRE_TYPE_QINQ);
}

/* Takes the tags to p->l2, sets p->l3 and *type to the EtherType in network byte order. */
static inline enum drop_reason
parse_tags(const uint8_t *frame, uint32_t length, struct wire_packet *p, uint16_t *type)
{
	uint32_t at = offsetof(struct wire_eth, type);
	uint8_t tags = 0;

	memcpy(type, frame + at, 2);
	while (is_tag(*type)) {
		if (tags == WIRE_TAGS_MAX)
			return DROP_l2_vlan_depth;
		/* The tag, and the type after it. */
		if (length < at + sizeof(struct wire_tag) + 2)
			return DROP_l2_runt;
		memcpy(&p->l2.tag[tags], frame + at, sizeof(struct wire_tag));
		p->l2.tags = ++tags;
		at += (uint32_t)sizeof(struct wire_tag);
		memcpy(type, frame + at, 2);
	}
	p->l3 = (uint8_t)(at + 2);
	return DROP_NONE;
}

static inline enum drop_reason
parse_frame(const struct wire_host *host, const uint8_t *frame, uint32_t length, uint8_t csum,
	    struct wire_packet *p)
{
	const struct wire_eth *eth = (const struct wire_eth *)frame;
	enum drop_reason reason;
	enum dst dst;
	uint16_t type;

	p->l2 = (struct wire_l2){0};
	if (length < sizeof(*eth))
		return DROP_l2_runt;
	memcpy(p->l2.peer, eth->src, 6);

	dst = destination(host, eth->dst);
	if (dst == DST_OTHER)
		return DROP_l2_not_ours;
	if (wire_mac_is_group(eth->src))
		return DROP_l2_source;
	reason = parse_tags(frame, length, p, &type);
	if (reason != DROP_NONE)
		return reason;

	if (type == htons(WIRE_TYPE_IP4) && dst == DST_US)
		return wire_parse_ip4(host, frame, length, csum, p);
	if (type == htons(WIRE_TYPE_IP6) && dst != DST_BROADCAST)
		return wire_parse_ip6(host, frame, length, dst == DST_SOLICITED, p);
	if (type == htons(WIRE_TYPE_ARP) && dst != DST_SOLICITED) {
		p->kind = WIRE_ARP;
		return DROP_NONE;
	}
	return dst == DST_US ? DROP_l2_type : DROP_l2_not_ours;
}

enum drop_reason
wire_parse_any(const struct wire_host *host, const uint8_t *frame, uint32_t length, uint8_t csum,
	       struct wire_packet *p)
{
	enum drop_reason reason;

	p->kind = WIRE_NOTHING;
	reason = parse_frame(host, frame, length, csum, p);
	if (p->kind != WIRE_TCP)
		return reason;
	reason = wire_parse_tcp(frame, csum, checksum_ends(&p->flow), p);
	if (reason == DROP_NONE)
		flow_set_ports(&p->flow, frame + p->l4);
	return reason;
}

void
wire_parse(const struct wire_host *host, const uint8_t *frame, uint32_t length, uint8_t csum,
	   struct wire_packet *p)
{
	wire_parse_inline(host, frame, length, csum, p);
}
