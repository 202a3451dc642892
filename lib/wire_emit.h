/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_emit.h - the headers of what is sent, inline: where a reply is made it is known what is not
 * in it. rules.md section 3, "IP fields of every reply", and 7.1. Headers are made as words in
 * registers, summed there and stored. For wire_emit.c, and where every nanosecond counts. */
#ifndef RIPOSTE_WIRE_EMIT_H
#define RIPOSTE_WIRE_EMIT_H

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "checksum.h"
#include "wire.h"
#include "wire_layout.h"
#include "wire_tcp_option.h"

/* The tags from frame[at] on; returns where they end. */
static inline uint32_t
emit_tags(const struct wire_l2 *l2, uint8_t *frame, uint32_t at)
{
	for (uint32_t i = 0; i < l2->tags; i++) {
		memcpy(frame + at, &l2->tag[i], sizeof(struct wire_tag));
		at += (uint32_t)sizeof(struct wire_tag);
	}
	return at;
}

/* Ethernet header and tags; returns their length. type is in host order. */
static inline uint32_t
emit_ethernet(const struct wire_host *host, const struct wire_l2 *l2, uint16_t type, uint8_t *frame)
{
	const bool tagged = __builtin_expect(l2->tags > 0, 0);
	uint32_t at = offsetof(struct wire_eth, type);

	/* Eight bytes are as good as six: what is too much of them is written over. */
	_Static_assert(offsetof(struct wire_l2, peer) == 0 && sizeof(*l2) >= 8, "eight bytes");
	_Static_assert(offsetof(struct wire_host, mac) == 0 && sizeof(*host) >= 8, "eight bytes");
	memcpy(frame, l2, 8);
	memcpy(frame + 6, host, 8);
	if (tagged)
		at = emit_tags(l2, frame, at);
	type = htons(type);
	memcpy(frame + at, &type, 2);
	return at + 2;
}

/* ends is the sum of both addresses. */
static inline void
emit_ip4(uint32_t ttl, const struct flow4 *flow, uint8_t protocol, uint64_t ends,
	 uint32_t l4_length, bool offload, uint8_t *at)
{
	/* DSCP and ECN 0 (D-6, RFC 3168 6.1.4). RFC 6864 4.1: DF and never a fragment, so ID 0. */
	const uint32_t lengths = htonl(0x45000000u + (uint32_t)sizeof(struct wire_ip4) + l4_length);
	const uint32_t fragment = htonl(WIRE_IP4_DF);
	const uint32_t life = htonl(ttl << 24 | (uint32_t)protocol << 16);
	const uint16_t checksum = offload ? 0 : checksum_finish(ends + lengths + fragment + life);
	const uint32_t src = flow->laddr, dst = flow->raddr;

	/* Each word straight to its place: an array in between would be read before it is there. */
	memcpy(at, &lengths, 4);
	memcpy(at + 4, &fragment, 4);
	memcpy(at + 8, &life, 2);
	memcpy(at + offsetof(struct wire_ip4, checksum), &checksum, 2);
	memcpy(at + offsetof(struct wire_ip4, src), &src, 4);
	memcpy(at + offsetof(struct wire_ip4, dst), &dst, 4);
}

static inline void
emit_ip6(const struct flow6 *flow, uint8_t next, uint32_t hop_limit, uint32_t l4_length,
	 uint8_t *at)
{
	/* Traffic class and flow label 0. */
	const uint32_t version = htonl(6u << 28);
	const uint32_t rest = htonl(l4_length << 16 | (uint32_t)next << 8 | hop_limit);

	memcpy(at, &version, 4);
	memcpy(at + 4, &rest, 4);
	memcpy(at + offsetof(struct wire_ip6, src), flow->laddr, 16);
	memcpy(at + offsetof(struct wire_ip6, dst), flow->raddr, 16);
}

/* Words of a header, put straight to their place (an array in between would be read before it is
 * there) and summed meanwhile. */
struct emit_words {
	uint8_t *at;
	uint32_t apart; /* bytes from one to the next */
	uint64_t sum;
};

static inline void
emit_word(struct emit_words *w, uint32_t word)
{
	memcpy(w->at, &word, 4);
	w->at += w->apart;
	w->sum += word;
}

/* The options as words: each padded with NOP to four bytes, in rules.md 7.1's order. RFC 7323 A
 * recommends these places for timestamps. */
static inline void
emit_options(const struct tcp_reply *reply, struct emit_words *w)
{
	bool sack = reply->options & TCP_OPT_SACK_OK;

	if (reply->options & TCP_OPT_MSS)
		emit_word(w, htonl((uint32_t)TCP_OPTION_MSS << 24 | TCP_OPTION_MSS_LENGTH << 16 |
				   reply->mss));
	if (reply->options & TCP_OPT_TS) {
		uint32_t before = sack ? TCP_OPTION_SACK_OK << 8 | TCP_OPTION_SACK_OK_LENGTH
				       : TCP_OPTION_NOP << 8 | TCP_OPTION_NOP;

		emit_word(w, htonl(before << 16 | TCP_OPTION_TS << 8 | TCP_OPTION_TS_LENGTH));
		emit_word(w, htonl(reply->tsval));
		emit_word(w, htonl(reply->tsecr));
	} else if (sack) {
		emit_word(w, htonl((uint32_t)TCP_OPTION_SACK_OK << 24 |
				   TCP_OPTION_SACK_OK_LENGTH << 16 | TCP_OPTION_NOP << 8 |
				   TCP_OPTION_NOP));
	}
	if (reply->options & TCP_OPT_WSCALE)
		emit_word(w, htonl((uint32_t)TCP_OPTION_NOP << 24 | TCP_OPTION_WSCALE << 16 |
				   TCP_OPTION_WSCALE_LENGTH << 8 | reply->wscale));
}

/* As many bytes as emit_options() makes words of. */
static inline uint32_t
emit_options_length(uint8_t options)
{
	uint32_t length = 0;

	if (options == 0)
		return 0;
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

/* The TCP header of length bytes, before the text that is behind it already. ends is the sum of
 * both addresses, ports both as they lie in it. RFC 9293 3.1. */
static inline void
emit_header(const struct tcp_reply *reply, uint32_t ports, uint64_t ends, uint32_t length,
	    bool offload, uint8_t *at)
{
	/* What is written may be anything, to the compiler, so it is read before. */
	const uint32_t seq = htonl(reply->seq), ack = htonl(reply->ack), text = reply->text;
	const uint32_t rest = htonl(length / 4 << 28 | (uint32_t)reply->flags << 16 | reply->wnd);
	const uint64_t pseudo =
		checksum_carry(ends, (uint64_t)htonl(WIRE_IP_TCP) + htonl(length + text));
	struct emit_words w = {at, 4, 0};
	uint64_t sum = pseudo;
	uint16_t checksum;

	emit_word(&w, ports);
	emit_word(&w, seq);
	emit_word(&w, ack);
	emit_word(&w, rest);
	emit_word(&w, 0); /* checksum and urgent pointer */
	if (length > sizeof(struct wire_tcp)) {
		emit_options(reply, &w);
		assert(w.at == at + length);
	}
	if (offload) {
		checksum = checksum_fold(pseudo);
	} else {
		sum = checksum_carry(sum, w.sum);
		if (text > 0)
			sum = checksum_add(sum, at + length, text);
		checksum = checksum_finish(sum);
	}
	memcpy(at + offsetof(struct wire_tcp, checksum), &checksum, 2);
}

/* The whole frame of one family; v4 is known where this is called. */
static inline __attribute__((always_inline)) uint32_t
emit_family(const struct wire_host *host, const struct wire_l2 *l2, const struct flow *flow,
	    const struct tcp_reply *reply, bool v4, uint8_t *frame, struct wire_lengths *lengths)
{
	const uint32_t ttl = host->ttl, offload = host->tx_offload;
	const uint32_t l3_length = v4 ? sizeof(struct wire_ip4) : sizeof(struct wire_ip6);
	const uint32_t l4_length =
		(uint32_t)sizeof(struct wire_tcp) + emit_options_length(reply->options);
	const uint32_t payload = l4_length + reply->text;
	const uint64_t ends = v4 ? checksum_ends4(&flow->v4) : checksum_ends6(&flow->v6);
	const uint32_t l2_length =
		emit_ethernet(host, l2, v4 ? WIRE_TYPE_IP4 : WIRE_TYPE_IP6, frame);
	uint8_t *l3 = frame + l2_length;

	emit_header(reply, flow_ports_back(flow), ends, l4_length, offload & WIRE_TX_TCP,
		    l3 + l3_length);
	if (v4)
		emit_ip4(ttl, &flow->v4, WIRE_IP_TCP, ends, payload, offload & WIRE_TX_IP, l3);
	else
		emit_ip6(&flow->v6, WIRE_IP_TCP, ttl, payload, l3);
	*lengths = (struct wire_lengths){
		.l2 = (uint8_t)l2_length,
		.l3 = (uint8_t)l3_length,
		.l4 = (uint8_t)l4_length,
	};
	return l2_length + l3_length + payload;
}

/* As wire_emit_tcp(). */
static inline __attribute__((always_inline)) uint32_t
wire_emit_inline(const struct wire_host *host, const struct wire_l2 *l2, const struct flow *flow,
		 const struct tcp_reply *reply, uint8_t *frame, struct wire_lengths *lengths)
{
	if (flow->family == 4)
		return emit_family(host, l2, flow, reply, true, frame, lengths);
	return emit_family(host, l2, flow, reply, false, frame, lengths);
}

#endif
