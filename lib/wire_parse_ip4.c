/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_parse_ip4.c - the IPv4 header. RFC 791 3.1; rules.md section 2, F2 to F5. */
#include "checksum.h"
#include "wire_addr.h"
#include "wire_layout.h"
#include "wire_parse.h"

enum {
	IP4_OPT_END = 0,
	IP4_OPT_NOP = 1,
	IP4_OPT_LSRR = 131,
	IP4_OPT_SSRR = 137,
};

/* D-4: all options are ignored but source routes, which are dropped; they must form a list
 * though. RFC 791 3.1, RFC 1122 3.2.1.8. */
static enum drop_reason
check_options(const uint8_t *options, uint32_t length)
{
	uint32_t at = 0;

	while (at < length && options[at] != IP4_OPT_END) {
		if (options[at] == IP4_OPT_NOP) {
			at++;
			continue;
		}
		if (length - at < 2 || options[at + 1] < 2 || options[at + 1] > length - at)
			return DROP_ip_header;
		if (options[at] == IP4_OPT_LSRR || options[at] == IP4_OPT_SSRR)
			return DROP_ip_source_route;
		at += options[at + 1];
	}
	return DROP_NONE;
}

/* F2 and D-4. left is the frame from the header on. */
static inline enum drop_reason
check_header(const struct wire_ip4 *ip, uint32_t left, uint8_t csum)
{
	uint32_t header, total;

	if (left < sizeof(*ip) || ip->version_ihl >> 4 != 4)
		return DROP_ip_header;
	header = (ip->version_ihl & 0x0fu) * 4;
	total = ntohs(ip->length);
	if (header < sizeof(*ip) || header > total || total > left)
		return DROP_ip_header;
	if (csum & WIRE_IP_BAD)
		return DROP_ip_checksum;
	if (!(csum & WIRE_IP_GOOD) && !checksum_is_right(checksum_add(0, ip, header)))
		return DROP_ip_checksum;
	if (header == sizeof(*ip))
		return DROP_NONE;
	return check_options((const uint8_t *)ip + sizeof(*ip), header - (uint32_t)sizeof(*ip));
}

enum drop_reason
wire_parse_ip4(const struct wire_host *host, const uint8_t *frame, uint32_t length, uint8_t csum,
	       struct wire_packet *p)
{
	const struct wire_ip4 *ip = (const struct wire_ip4 *)(frame + p->l3);
	enum drop_reason reason = check_header(ip, length - p->l3, csum);
	uint32_t header;

	if (reason != DROP_NONE)
		return reason;
	/* F3, RFC 9293 3.9.2.3 MUST-57: whatever is owned, a group or no host's address is not. */
	if (!wire_ip4_is_host(ip->dst) || !addr_set_has4(host->owned, ip->dst))
		return DROP_ip_not_ours;
	/* F4, RFC 9293 3.9.2.3 MUST-63, for all segments (D-1): LAND and what is no host's. */
	if (!wire_ip4_is_host(ip->src) || addr_set_has4(host->owned, ip->src))
		return DROP_ip_source;
	/* F5 (D-2). */
	if (ip->fragment & htons(WIRE_IP4_FRAGMENT))
		return DROP_ip_fragment;

	header = (ip->version_ihl & 0x0fu) * 4;
	p->l4 = (uint16_t)(p->l3 + header);
	p->l4_length = (uint16_t)(ntohs(ip->length) - header);
	p->flow.family = 4;
	p->flow.v4 = (struct flow4){.raddr = ip->src, .laddr = ip->dst};
	if (ip->protocol == WIRE_IP_TCP) {
		p->kind = WIRE_TCP;
		return DROP_NONE;
	}
	if (ip->protocol == WIRE_IP_ICMP)
		return icmp_parse(frame, p);
	return DROP_ip_protocol;
}
