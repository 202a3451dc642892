/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_parse_ip6.c - the IPv6 header and its extension headers. RFC 8200 3 and 4; rules.md section
 * 2, F2 to F5. */
#include "wire_addr.h"
#include "wire_icmp.h"
#include "wire_layout.h"
#include "wire_parse.h"

/* Next header numbers of extension headers. */
enum {
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_FRAGMENT = 44,
	EXT_NONE = 59,
	EXT_DESTINATION = 60,
};

/* RFC 8200 4.1 knows an order with at most seven; what comes in more is not meant for a host. */
#define EXT_MAX 8

/* RFC 8200 4.2. */
enum {
	OPT_PAD1 = 0,
	OPT_ACTION_MASK = 0xc0, /* what one who does not know the option does; 0: skips it */
};

/* How far the chain of extension headers has been walked. */
struct chain {
	uint32_t at;   /* offset in the frame of the header to look at */
	uint32_t left; /* bytes of IP payload from there on */
	uint8_t next;  /* what that header is */
	bool fragment; /* there was an (atomic) fragment header */
};

/* The options of a hop-by-hop or destination options header. */
static enum drop_reason
check_options(const uint8_t *options, uint32_t length)
{
	uint32_t at = 0;

	while (at < length) {
		if (options[at] == OPT_PAD1) {
			at++;
			continue;
		}
		if (length - at < 2 || options[at + 1] + 2u > length - at)
			return DROP_ip_extension;
		/* RFC 8200 4.2: no option is known here; only those may be skipped that say so. */
		if (options[at] & OPT_ACTION_MASK)
			return DROP_ip_extension;
		at += options[at + 1] + 2u;
	}
	return DROP_NONE;
}

/* One extension header of size bytes. */
static enum drop_reason
check_extension(const uint8_t *header, uint32_t size, bool first, struct chain *c)
{
	const struct wire_ip6_routing *routing = (const struct wire_ip6_routing *)header;
	const struct wire_ip6_fragment *fragment = (const struct wire_ip6_fragment *)header;

	switch (c->next) {
	case EXT_HOP_BY_HOP:
		/* RFC 8200 4.1: nowhere but right after the IPv6 header. */
		return first ? check_options(header + 2, size - 2) : DROP_ip_extension;
	case EXT_DESTINATION:
		return check_options(header + 2, size - 2);
	case EXT_ROUTING:
		/* RFC 8200 4.4: with no segments left it is ignored, whatever its type. */
		return routing->segments_left ? DROP_ip_source_route : DROP_NONE;
	case EXT_FRAGMENT:
		/* F5; RFC 6946 4: offset 0 and M 0 is not a fragment. */
		c->fragment = true;
		return fragment->offset & htons(WIRE_IP6_FRAGMENT) ? DROP_ip_fragment : DROP_NONE;
	default:
		return DROP_ip_extension;
	}
}

static inline bool
is_extension(uint8_t next)
{
	return next == EXT_HOP_BY_HOP || next == EXT_ROUTING || next == EXT_FRAGMENT ||
	       next == EXT_DESTINATION;
}

static inline enum drop_reason
walk_extensions(const uint8_t *frame, struct chain *c)
{
	unsigned int count;

	for (count = 0; is_extension(c->next); count++) {
		const struct wire_ip6_ext *ext = (const struct wire_ip6_ext *)(frame + c->at);
		enum drop_reason reason;
		uint32_t size;

		if (count == EXT_MAX || c->left < sizeof(*ext))
			return DROP_ip_extension;
		size = c->next == EXT_FRAGMENT ? 8 : (ext->length + 1u) * 8;
		if (size > c->left)
			return DROP_ip_extension;
		reason = check_extension(frame + c->at, size, count == 0, c);
		if (reason != DROP_NONE)
			return reason;
		c->next = ext->next;
		c->at += size;
		c->left -= size;
	}
	return DROP_NONE;
}

/* F2. left is the frame from the header on. */
static inline enum drop_reason
check_header(const struct wire_ip6 *ip, uint32_t left)
{
	uint32_t payload;

	if (left < sizeof(*ip) || ip->version_class >> 4 != 6)
		return DROP_ip_header;
	payload = ntohs(ip->length);
	if (payload > left - sizeof(*ip))
		return DROP_ip_header;
	/* RFC 2675 3: a jumbogram, which no frame is; or headers that are not there. */
	if (payload == 0 && ip->next != EXT_NONE)
		return DROP_ip_header;
	return DROP_NONE;
}

/* F1 and F3 for the destination: ours, not ours, or (then *but_nd becomes the reason for everything
 * else) good for a neighbour solicitation. group as in wire_parse_ip6(). */
static inline enum drop_reason
check_dst(const struct wire_host *host, const struct wire_eth *eth, const struct wire_ip6 *ip,
	  bool group, enum drop_reason *but_nd)
{
	enum drop_reason not_ours = group ? DROP_l2_not_ours : DROP_ip_not_ours;

	if (wire_ip6_is_solicited_node(ip->dst)) {
		/* RFC 2464 7: the Ethernet group follows from the address. In a frame to our own
		 * Ethernet address it is lawful too: RFC 6085. */
		if (group && memcmp(eth->dst + 3, ip->dst + 13, 3) != 0)
			return not_ours;
		*but_nd = not_ours;
		return DROP_NONE;
	}
	if (group || !wire_ip6_is_host(ip->dst) || !addr_set_has6(host->owned, ip->dst))
		return not_ours;
	return DROP_NONE;
}

/* F4 for the source; :: is good for a neighbour solicitation. */
static inline enum drop_reason
check_src(const struct wire_host *host, const struct wire_ip6 *ip, enum drop_reason *but_nd)
{
	if (wire_ip6_is_unspecified(ip->src)) {
		if (*but_nd == DROP_NONE)
			*but_nd = DROP_ip_source;
		return DROP_NONE;
	}
	if (!wire_ip6_is_host(ip->src) || addr_set_has6(host->owned, ip->src))
		return DROP_ip_source;
	return DROP_NONE;
}

enum drop_reason
wire_parse_ip6(const struct wire_host *host, const uint8_t *frame, uint32_t length, bool group,
	       struct wire_packet *p)
{
	const struct wire_ip6 *ip = (const struct wire_ip6 *)(frame + p->l3);
	enum drop_reason reason = check_header(ip, length - p->l3);
	enum drop_reason but_nd = DROP_NONE; /* the first reason to drop all but solicitations */
	enum drop_reason source, walk;
	struct chain c;
	bool solicitation;

	if (reason != DROP_NONE)
		return group ? DROP_l2_not_ours : reason;
	reason = check_dst(host, (const struct wire_eth *)frame, ip, group, &but_nd);
	if (reason != DROP_NONE)
		return reason;
	source = check_src(host, ip, &but_nd);

	c = (struct chain){
		.at = p->l3 + (uint32_t)sizeof(*ip),
		.left = ntohs(ip->length),
		.next = ip->next,
	};
	walk = walk_extensions(frame, &c);
	solicitation = walk == DROP_NONE && c.next == WIRE_IP_ICMP6 && c.left > 0 &&
		       frame[c.at] == ICMP6_SOLICITATION;
	if (but_nd != DROP_NONE && !solicitation)
		return but_nd;
	if (source != DROP_NONE)
		return source;
	if (walk != DROP_NONE)
		return walk;
	/* RFC 6980 5: neighbour discovery does not come with a fragment header. */
	if (solicitation && c.fragment)
		return DROP_nd_malformed;

	p->l4 = (uint16_t)c.at;
	p->l4_length = (uint16_t)c.left;
	p->flow.family = 6;
	memcpy(p->flow.v6.laddr, ip->dst, 16);
	memcpy(p->flow.v6.raddr, ip->src, 16);
	p->flow.v6.lport = 0;
	p->flow.v6.rport = 0;
	if (c.next == WIRE_IP_TCP) {
		p->kind = WIRE_TCP;
		return DROP_NONE;
	}
	if (c.next == WIRE_IP_ICMP6)
		return icmp_parse(frame, p);
	return DROP_ip_protocol;
}
