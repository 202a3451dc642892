/* SPDX-License-Identifier: BSD-3-Clause */
/* icmp.c - which ICMP messages a host takes, and the answer to ping. RFC 792, RFC 1122 3.2.2; RFC
 * 4443. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "checksum.h"
#include "wire_icmp.h"
#include "wire_layout.h"
#include "wire_parse.h"
#include "wire_put.h"

/* Which answer a message draws: a kind, or WIRE_NOTHING and whether it is lawful. */
static enum drop_reason
take_type4(uint8_t type, struct wire_packet *p)
{
	switch (type) {
	case ICMP4_ECHO:
		p->kind = WIRE_ECHO;
		return DROP_NONE;
	case ICMP4_ECHO_REPLY:
	case ICMP4_UNREACHABLE:
	case ICMP4_SOURCE_QUENCH:
	case ICMP4_REDIRECT:
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER:
		return DROP_NONE;
	default:
		return DROP_icmp_type;
	}
}

static enum drop_reason
take_type6(uint8_t type, struct wire_packet *p)
{
	switch (type) {
	case ICMP6_ECHO:
		p->kind = WIRE_ECHO;
		return DROP_NONE;
	case ICMP6_SOLICITATION:
		p->kind = WIRE_SOLICIT;
		return DROP_NONE;
	case ICMP6_UNREACHABLE:
	case ICMP6_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAMETER:
	case ICMP6_ECHO_REPLY:
	case ICMP6_ROUTER_SOLICITATION:
	case ICMP6_ROUTER_ADVERTISEMENT:
	case ICMP6_ADVERTISEMENT:
	case ICMP6_REDIRECT:
		return DROP_NONE;
	default:
		return DROP_icmp_type;
	}
}

enum drop_reason
icmp_parse(const uint8_t *frame, struct wire_packet *p)
{
	const struct wire_icmp *icmp = (const struct wire_icmp *)(frame + p->l4);
	bool v6 = p->flow.family == 6;
	uint64_t sum;

	if (p->l4_length < sizeof(*icmp))
		return DROP_icmp_malformed;
	/* RFC 4443 2.3: the pseudo header counts; in ICMP there is none. No NIC's verdict is asked
	 * for: some call everything good that is neither TCP nor UDP. */
	sum = v6 ? checksum_pseudo(&p->flow, WIRE_IP_ICMP6, p->l4_length) : 0;
	if (checksum_finish(checksum_add(sum, icmp, p->l4_length)) != 0)
		return DROP_icmp_checksum;
	return v6 ? take_type6(icmp->type, p) : take_type4(icmp->type, p);
}

uint32_t
icmp_input(const struct wire_host *host, uint8_t *frame, uint32_t length, uint32_t room,
	   struct wire_packet *p)
{
	bool v6 = p->flow.family == 6;
	uint32_t l3_length = v6 ? sizeof(struct wire_ip6) : sizeof(struct wire_ip4);
	uint32_t l4 = p->l3 + l3_length;
	struct wire_icmp *icmp = (struct wire_icmp *)(frame + l4);
	uint64_t sum = 0;

	assert(p->kind == WIRE_ECHO && l4 <= p->l4 && p->l4 + p->l4_length <= length &&
	       length <= room);
	/* RFC 1122 3.2.2.6, RFC 4443 4.2: identifier, sequence number and data come back as they
	 * were; IP options and extension headers do not. */
	if (l4 != p->l4)
		memmove(frame + l4, frame + p->l4, p->l4_length);
	icmp->type = v6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY;
	icmp->code = 0;
	icmp->checksum = 0;
	if (v6)
		sum = checksum_pseudo(&p->flow, WIRE_IP_ICMP6, p->l4_length);
	icmp->checksum = checksum_finish(checksum_add(sum, icmp, p->l4_length));

	if (v6)
		wire_put_ip6(&p->flow, WIRE_IP_ICMP6, host->ttl, p->l4_length, frame + p->l3);
	else
		wire_put_ip4(host, &p->flow, WIRE_IP_ICMP, p->l4_length, false, frame + p->l3);
	wire_put_back(host, &p->l2, frame);
	return l4 + p->l4_length;
}
