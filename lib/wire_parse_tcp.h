/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_parse_tcp.h - the TCP header and its options. RFC 9293 3.1; rules.md section 2, F6 to F8,
 * and section 7.1. Inline, for wire_parse_plain.h. */
#ifndef RIPOSTE_WIRE_PARSE_TCP_H
#define RIPOSTE_WIRE_PARSE_TCP_H

#include <arpa/inet.h>
#include <string.h>

#include "checksum.h"
#include "wire_layout.h"
#include "wire_parse.h"
#include "wire_tcp_option.h"

static inline void
take_timestamps(const uint8_t *values, struct tcp_seg *seg)
{
	seg->options |= TCP_OPT_TS;
	seg->tsval = ntohl(wire_word(values));
	seg->tsecr = ntohl(wire_word(values + 4));
}

/* An option whose length is not the one its kind has is skipped like an unknown one. */
static inline void
take_option(const uint8_t *option, struct tcp_seg *seg)
{
	bool syn = seg->flags & TCP_SYN;

	/* D-25: the last one of a kind wins. MSS, window scale and SACK-permitted mean something in
	 * a SYN alone: RFC 9293 3.7.1, RFC 7323 2.2, RFC 2018 2. */
	switch (option[0]) {
	case TCP_OPTION_MSS:
		if (syn && option[1] == TCP_OPTION_MSS_LENGTH) {
			seg->options |= TCP_OPT_MSS;
			seg->mss = (uint16_t)(option[2] << 8 | option[3]);
		}
		break;
	case TCP_OPTION_WSCALE:
		if (syn && option[1] == TCP_OPTION_WSCALE_LENGTH) {
			seg->options |= TCP_OPT_WSCALE;
			seg->wscale = option[2];
		}
		break;
	case TCP_OPTION_SACK_OK:
		if (syn && option[1] == TCP_OPTION_SACK_OK_LENGTH)
			seg->options |= TCP_OPT_SACK_OK;
		break;
	case TCP_OPTION_TS:
		if (option[1] == TCP_OPTION_TS_LENGTH)
			take_timestamps(option + 2, seg);
		break;
	default:
		/* RFC 9293 3.1 MUST-6: anything else has a length. */
		break;
	}
}

/* The layouts that nearly all segments have: timestamps alone, and in a SYN the MSS alone or what
 * Linux sends. False: it is another one, and nothing was taken. length is 4 or more. */
static inline bool
parse_usual_options(const uint8_t *options, uint32_t length, struct tcp_seg *seg)
{
	const uint32_t first = ntohl(wire_word(options));

	if (length == 12 && first == (TCP_OPTION_NOP << 24 | TCP_OPTION_NOP << 16 |
				      TCP_OPTION_TS << 8 | TCP_OPTION_TS_LENGTH)) {
		take_timestamps(options + 4, seg);
		return true;
	}
	if (!(seg->flags & TCP_SYN) || first >> 16 != (TCP_OPTION_MSS << 8 | TCP_OPTION_MSS_LENGTH))
		return false;
	if (length == 20 &&
	    ntohl(wire_word(options + 4)) ==
		    (TCP_OPTION_SACK_OK << 24 | TCP_OPTION_SACK_OK_LENGTH << 16 |
		     TCP_OPTION_TS << 8 | TCP_OPTION_TS_LENGTH) &&
	    ntohl(wire_word(options + 16)) >> 8 ==
		    (TCP_OPTION_NOP << 16 | TCP_OPTION_WSCALE << 8 | TCP_OPTION_WSCALE_LENGTH)) {
		seg->options = TCP_OPT_SACK_OK | TCP_OPT_WSCALE;
		seg->wscale = options[19];
		take_timestamps(options + 8, seg);
	} else if (length != 4) {
		return false;
	}
	seg->options |= TCP_OPT_MSS;
	seg->mss = (uint16_t)first;
	return true;
}

/* Sets what the options say; their length is 4 or more. The rest of seg is set already. */
static inline void
wire_parse_options(const uint8_t *options, uint32_t length, struct tcp_seg *seg)
{
	uint32_t at = 0;

	if (parse_usual_options(options, length, seg))
		return;

	while (at < length && options[at] != TCP_OPTION_END) {
		if (options[at] == TCP_OPTION_NOP) {
			at++;
			continue;
		}
		/* D-20, RFC 9293 3.1 MUST-7: an illegal length ends the options, not the segment.
		 */
		if (length - at < 2 || options[at + 1] < 2 || options[at + 1] > length - at)
			return;
		take_option(options + at, seg);
		at += options[at + 1];
	}
}

/* ends is the sum of both addresses. */
static inline bool
checksum_is_good(const uint8_t *at, uint32_t length, uint64_t ends, uint8_t csum)
{
	uint64_t sum = (uint64_t)htonl(WIRE_IP_TCP) + htonl(length);

	if (csum & WIRE_L4_BAD)
		return false;
	if (csum & WIRE_L4_GOOD)
		return true;
	/* The header is 20 bytes or more, and often there is nothing else. */
	sum = checksum_carry(checksum_carry(ends, sum), wire_wide(at));
	sum = checksum_carry(sum, wire_wide(at + 8));
	sum = checksum_carry(sum, wire_word(at + 16));
	if (length > sizeof(struct wire_tcp))
		sum = checksum_add(sum, at + sizeof(struct wire_tcp),
				   length - (uint32_t)sizeof(struct wire_tcp));
	return checksum_is_right(sum);
}

/* The TCP header at p->l4, but for its ports; sets p->seg. ends is the sum of both addresses. */
static inline enum drop_reason
wire_parse_tcp(const uint8_t *frame, uint8_t csum, uint64_t ends, struct wire_packet *p)
{
	const struct wire_tcp *tcp = (const struct wire_tcp *)(frame + p->l4);
	const uint32_t length = p->l4_length;
	uint32_t header;

	/* F6. */
	if (length < sizeof(*tcp))
		return DROP_tcp_header;
	header = (tcp->offset >> 4) * 4u;
	if (header < sizeof(*tcp) || header > length)
		return DROP_tcp_header;
	/* F7, RFC 9293 3.1 MUST-3: a field of 0 is a checksum like any other. */
	if (!checksum_is_good(frame + p->l4, length, ends, csum))
		return DROP_tcp_checksum;
	/* F8 (D-3). */
	if (tcp->sport == 0 || tcp->dport == 0)
		return DROP_tcp_port_zero;

	p->seg = (struct tcp_seg){
		.seq = ntohl(tcp->seq),
		.ack = ntohl(tcp->ack),
		.text = length - header,
		.wnd = ntohs(tcp->wnd),
		.flags = tcp->flags,
	};
	if (header > sizeof(*tcp))
		wire_parse_options((const uint8_t *)(tcp + 1), header - (uint32_t)sizeof(*tcp),
				   &p->seg);
	return DROP_NONE;
}

#endif
