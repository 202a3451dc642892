/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_emit.c - replies to bytes. rules.md section 3, "IP fields of every reply", and 7.1. Headers
 * are made as words in registers, summed there and stored. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "checksum.h"
#include "wire_layout.h"
#include "wire_put.h"
#include "wire_tcp_option.h"

void
wire_put_back(const struct wire_host *host, const struct wire_l2 *l2, uint8_t *frame)
{
	memcpy(frame, l2->peer, 6);
	memcpy(frame + 6, host->mac, 6);
}

/* Ethernet header and tags; returns their length. type is in host order. */
static inline uint32_t
put_ethernet(const struct wire_host *host, const struct wire_l2 *l2, uint16_t type, uint8_t *frame)
{
	uint32_t at = offsetof(struct wire_eth, type);
	uint8_t i;

	wire_put_back(host, l2, frame);
	for (i = 0; i < l2->tags; i++) {
		memcpy(frame + at, &l2->tag[i], sizeof(struct wire_tag));
		at += (uint32_t)sizeof(struct wire_tag);
	}
	type = htons(type);
	memcpy(frame + at, &type, 2);
	return at + 2;
}

void
wire_put_ip4(const struct wire_host *host, const struct flow *flow, uint8_t protocol,
	     uint32_t l4_length, bool offload, uint8_t *at)
{
	/* DSCP and ECN 0 (D-6, RFC 3168 6.1.4). RFC 6864 4.1: DF and never a fragment, so ID 0. */
	const uint32_t lengths = htonl(0x45000000u + (uint32_t)sizeof(struct wire_ip4) + l4_length);
	const uint32_t fragment = htonl(WIRE_IP4_DF);
	const uint32_t ttl = htonl((uint32_t)host->ttl << 24 | (uint32_t)protocol << 16);
	const uint64_t sum = (uint64_t)lengths + fragment + ttl + flow->v4.laddr + flow->v4.raddr;
	const uint16_t checksum = offload ? 0 : checksum_finish(sum);

	/* Each word straight to its place: an array in between would be read before it is there. */
	memcpy(at, &lengths, 4);
	memcpy(at + 4, &fragment, 4);
	memcpy(at + 8, &ttl, 2);
	memcpy(at + offsetof(struct wire_ip4, checksum), &checksum, 2);
	memcpy(at + 12, &flow->v4.laddr, 4);
	memcpy(at + 16, &flow->v4.raddr, 4);
}

void
wire_put_ip6(const struct flow *flow, uint8_t next, uint8_t hop_limit, uint32_t l4_length,
	     uint8_t *at)
{
	/* Traffic class and flow label 0. */
	uint32_t word[2] = {
		htonl(6u << 28),
		htonl(l4_length << 16 | (uint32_t)next << 8 | hop_limit),
	};

	memcpy(at, word, sizeof(word));
	memcpy(at + offsetof(struct wire_ip6, src), flow->v6.laddr, 16);
	memcpy(at + offsetof(struct wire_ip6, dst), flow->v6.raddr, 16);
}

/* Words of a header, put straight to their place (an array in between would be read before it is
 * there) and summed meanwhile. */
struct words {
	uint8_t *at;
	uint64_t sum;
};

static inline void
put_word(struct words *w, uint32_t word)
{
	memcpy(w->at, &word, 4);
	w->at += 4;
	w->sum += word;
}

/* The options as words: each padded with NOP to four bytes, in rules.md 7.1's order. RFC 7323 A
 * recommends these places for timestamps. */
static inline void
put_options(const struct tcp_reply *reply, struct words *w)
{
	bool sack = reply->options & TCP_OPT_SACK_OK;

	if (reply->options & TCP_OPT_MSS)
		put_word(w, htonl((uint32_t)TCP_OPTION_MSS << 24 | TCP_OPTION_MSS_LENGTH << 16 |
				  reply->mss));
	if (reply->options & TCP_OPT_TS) {
		uint32_t before = sack ? TCP_OPTION_SACK_OK << 8 | TCP_OPTION_SACK_OK_LENGTH
				       : TCP_OPTION_NOP << 8 | TCP_OPTION_NOP;

		put_word(w, htonl(before << 16 | TCP_OPTION_TS << 8 | TCP_OPTION_TS_LENGTH));
		put_word(w, htonl(reply->tsval));
		put_word(w, htonl(reply->tsecr));
	} else if (sack) {
		put_word(w, htonl((uint32_t)TCP_OPTION_SACK_OK << 24 |
				  TCP_OPTION_SACK_OK_LENGTH << 16 | TCP_OPTION_NOP << 8 |
				  TCP_OPTION_NOP));
	}
	if (reply->options & TCP_OPT_WSCALE)
		put_word(w, htonl((uint32_t)TCP_OPTION_NOP << 24 | TCP_OPTION_WSCALE << 16 |
				  TCP_OPTION_WSCALE_LENGTH << 8 | reply->wscale));
}

/* As many bytes as put_options() makes words of. */
static inline uint32_t
options_length(uint8_t options)
{
	uint32_t length = 0;

	if (options & TCP_OPT_MSS)
		length += 4;
	if (options & TCP_OPT_TS)
		length += 12;
	else if (options & TCP_OPT_SACK_OK)
		length += 4;
	if (options & TCP_OPT_WSCALE)
		length += 4;
	return length;
}

uint32_t
wire_text_offset(const struct wire_l2 *l2, const struct flow *flow, const struct tcp_reply *reply)
{
	uint32_t l3 = flow->family == 4 ? sizeof(struct wire_ip4) : sizeof(struct wire_ip6);

	return (uint32_t)sizeof(struct wire_eth) + l2->tags * (uint32_t)sizeof(struct wire_tag) +
	       l3 + (uint32_t)sizeof(struct wire_tcp) + options_length(reply->options);
}

/* The TCP header, before the text that is behind it already; returns the length of both. RFC 9293
 * 3.1. */
static inline uint32_t
put_tcp(const struct flow *flow, const struct tcp_reply *reply, bool offload, uint8_t *at)
{
	const uint32_t length = (uint32_t)sizeof(struct wire_tcp) + options_length(reply->options);
	const uint64_t pseudo = checksum_pseudo(flow, WIRE_IP_TCP, length + reply->text);
	struct words w = {at, pseudo};
	uint16_t checksum;
	uint32_t ports;

	memcpy(&ports, (uint16_t[2]){flow_lport(flow), flow_rport(flow)}, 4);
	put_word(&w, ports);
	put_word(&w, htonl(reply->seq));
	put_word(&w, htonl(reply->ack));
	put_word(&w, htonl(length / 4 << 28 | (uint32_t)reply->flags << 16 | reply->wnd));
	put_word(&w, 0); /* checksum and urgent pointer */
	put_options(reply, &w);
	assert(w.at == at + length);
	if (offload)
		checksum = checksum_fold(pseudo);
	else
		checksum = checksum_finish(checksum_add(w.sum, at + length, reply->text));
	memcpy(at + offsetof(struct wire_tcp, checksum), &checksum, 2);
	return length + reply->text;
}

uint32_t
wire_emit_tcp(const struct wire_host *host, const struct wire_l2 *l2, const struct flow *flow,
	      const struct tcp_reply *reply, uint8_t *frame, struct wire_lengths *lengths)
{
	bool v4 = flow->family == 4;
	uint32_t l2_length = put_ethernet(host, l2, v4 ? WIRE_TYPE_IP4 : WIRE_TYPE_IP6, frame);
	uint32_t l3_length = v4 ? sizeof(struct wire_ip4) : sizeof(struct wire_ip6);
	uint32_t l4_length;

	/* Only a SYN carries any other option than timestamps. */
	assert((reply->flags & TCP_SYN) || !(reply->options & ~TCP_OPT_TS));
	l4_length =
		put_tcp(flow, reply, host->tx_offload & WIRE_TX_TCP, frame + l2_length + l3_length);
	if (v4)
		wire_put_ip4(host, flow, WIRE_IP_TCP, l4_length, host->tx_offload & WIRE_TX_IP,
			     frame + l2_length);
	else
		wire_put_ip6(flow, WIRE_IP_TCP, host->ttl, l4_length, frame + l2_length);

	*lengths = (struct wire_lengths){
		.l2 = (uint8_t)l2_length,
		.l3 = (uint8_t)l3_length,
		.l4 = (uint8_t)(l4_length - reply->text),
	};
	return l2_length + l3_length + l4_length;
}
