/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_columns_emit.c - sixteen answers at a time, over the frames that asked for them. rules.md
 * section 3, "IP fields of every reply", and 7.1. */
#include <assert.h>

#include "columns.h"
#include "stack_columns.h"
#include "wire_layout.h"

#ifdef __x86_64__
#define L3 14

/* A row is an answer from its IP header on. */
enum {
	IP4_WORDS = sizeof(struct wire_ip4) / 4,
	IP6_WORDS = sizeof(struct wire_ip6) / 4,
	TCP_WORDS = sizeof(struct wire_tcp) / 4,
};
_Static_assert(IP4_WORDS + TCP_WORDS + STACK_ANSWER_OPTIONS4 <= COLUMNS, "a row holds an answer");
_Static_assert(IP6_WORDS + TCP_WORDS + STACK_ANSWER_OPTIONS6 <= COLUMNS, "a row holds an answer");
_Static_assert(WIRE_TCP_MAX >= L3 + 4 * COLUMNS, "there is room for a row");

/* See struct stack_answers. */
struct segment {
	column raddr[STACK_ADDR_WORDS], laddr[STACK_ADDR_WORDS];
	column ports, seq, ack, control, length;
	column options[STACK_ANSWER_OPTIONS4]; /* 0 where there is none */
};

/* The TCP header behind ip words of IP header, with that many words of options. ends is the sum of
 * the addresses. RFC 9293 3.1. */
static WIDE_INLINE void
compose_tcp(const struct wire_host *host, const struct segment *a, unsigned int options,
	    struct columns_sum ends, column w[COLUMNS], unsigned int ip)
{
	struct columns_sum sum = ends;
	column *tcp = w + ip;

	tcp[0] = _mm512_rol_epi32(a->ports, 16);
	tcp[1] = column_swap(a->seq);
	tcp[2] = column_swap(a->ack);
	/* The data offset is in words, and in the upper four bits. */
	tcp[3] = column_swap(_mm512_or_si512(a->control, _mm512_slli_epi32(a->length, 28 - 2)));
#pragma GCC unroll 5
	for (unsigned int i = 0; i < options; i++)
		tcp[TCP_WORDS + i] = a->options[i];
	columns_add(&sum, column_of(htonl(WIRE_IP_TCP)));
	columns_add(&sum, column_swap(a->length));
	/* RFC 9293 3.1: the NIC adds the rest, and complements it. */
	tcp[4] = columns_fold(&sum);
	if (host->tx_offload & WIRE_TX_TCP)
		return;
#pragma GCC unroll 4
	for (unsigned int i = 0; i < 4; i++)
		columns_add(&sum, tcp[i]);
#pragma GCC unroll 5
	for (unsigned int i = 0; i < options; i++)
		columns_add(&sum, tcp[TCP_WORDS + i]);
	tcp[4] = _mm512_xor_si512(columns_fold(&sum), column_of(0xffff));
}

static WIDE_INLINE void
clear(column w[COLUMNS], unsigned int from)
{
#pragma GCC unroll 6
	for (unsigned int i = from; i < COLUMNS; i++)
		w[i] = _mm512_setzero_si512();
}

static WIDE_INLINE void
compose4(const struct wire_host *host, const struct segment *a, bool options, column w[COLUMNS])
{
	const column total = _mm512_add_epi32(a->length, column_of(sizeof(struct wire_ip4)));
	struct columns_sum ends = {_mm512_setzero_si512(), _mm512_setzero_si512()}, ip;

	clear(w, IP4_WORDS + TCP_WORDS);
	/* DSCP and ECN 0 (D-6, RFC 3168 6.1.4). RFC 6864 4.1: DF and never a fragment, so ID 0. */
	w[0] = column_swap(_mm512_or_si512(total, column_of(0x45000000)));
	w[1] = column_of(htonl(WIRE_IP4_DF));
	w[2] = column_of(htonl((uint32_t)host->ttl << 24 | WIRE_IP_TCP << 16));
	w[3] = a->laddr[0];
	w[4] = a->raddr[0];
	columns_add(&ends, w[3]);
	columns_add(&ends, w[4]);
	compose_tcp(host, a, options ? STACK_ANSWER_OPTIONS4 : 0, ends, w, IP4_WORDS);
	if (host->tx_offload & WIRE_TX_IP)
		return;
	ip = ends;
	columns_add(&ip, w[0]);
	columns_add(&ip, w[1]);
	columns_add(&ip, w[2]);
	w[2] = _mm512_or_si512(
		w[2],
		_mm512_slli_epi32(_mm512_xor_si512(columns_fold(&ip), column_of(0xffff)), 16));
}

static WIDE_INLINE void
compose6(const struct wire_host *host, const struct segment *a, bool options, column w[COLUMNS])
{
	struct columns_sum ends = {_mm512_setzero_si512(), _mm512_setzero_si512()};

	clear(w, IP6_WORDS + TCP_WORDS);
	/* Traffic class and flow label 0. */
	w[0] = column_of(htonl(6u << 28));
	w[1] = column_swap(_mm512_or_si512(_mm512_slli_epi32(a->length, 16),
					   column_of((uint32_t)WIRE_IP_TCP << 8 | host->ttl)));
#pragma GCC unroll 4
	for (unsigned int i = 0; i < STACK_ADDR_WORDS; i++) {
		w[2 + i] = a->laddr[i];
		w[2 + STACK_ADDR_WORDS + i] = a->raddr[i];
		columns_add(&ends, a->laddr[i]);
		columns_add(&ends, a->raddr[i]);
	}
	compose_tcp(host, a, options ? STACK_ANSWER_OPTIONS6 : 0, ends, w, IP6_WORDS);
}

/* What the Ethernet header has from its source on. */
static inline uint64_t
mac_and_type(const struct wire_host *host, uint16_t type)
{
	uint64_t both;

	type = htons(type);
	memcpy(&both, host->mac, 6);
	memcpy((uint8_t *)&both + 6, &type, 2);
	return both;
}

/* The answer to the frame, whose Ethernet header is still there. ip and tcp are the headers'
 * lengths. */
static WIDE_INLINE void
write_over(struct stack_frame *frame, uint64_t mac, uint32_t ip, uint32_t tcp, column row)
{
	uint8_t *data = frame->data;
	uint64_t peer;

	/* What is too much of eight bytes is written over. */
	memcpy(&peer, data + offsetof(struct wire_eth, src), 8);
	memcpy(data, &peer, 8);
	memcpy(data + offsetof(struct wire_eth, src), &mac, 8);
	/* Behind a short answer are zeros, and nothing outside the frame's first cache line. */
	_mm256_storeu_si256((__m256i *)(data + L3), _mm512_castsi512_si256(row));
	if (ip + tcp <= 48)
		_mm_storeu_si128((__m128i *)(data + L3 + 32), _mm512_extracti32x4_epi32(row, 2));
	else
		_mm256_storeu_si256((__m256i *)(data + L3 + 32), _mm512_extracti64x4_epi64(row, 1));
	frame->length = L3 + ip + tcp;
	frame->tcp = true;
	frame->lengths = (struct wire_lengths){L3, (uint8_t)ip, (uint8_t)tcp};
}

/* a's options are there as far as its lengths say; returns whether there are any. */
static WIDE_INLINE bool
load_options(const struct stack_answers *a, struct segment *s, unsigned int most)
{
	/* Behind them lies what another burst has left. */
	const lanes there = (lanes)((UINT32_C(1) << a->count) - 1);

	if ((there & _mm512_cmpgt_epu32_mask(s->length, column_of(sizeof(struct wire_tcp)))) == 0)
		return false;
#pragma GCC unroll 5
	for (unsigned int i = 0; i < most; i++)
		s->options[i] = _mm512_maskz_mov_epi32(
			_mm512_cmpgt_epu32_mask(
				s->length, column_of((uint32_t)sizeof(struct wire_tcp) + 4 * i)),
			column_load(a->options[i]));
	return true;
}

WIDE static void
answer(const struct wire_host *host, uint8_t family, struct stack_answers *a)
{
	const bool v4 = family == 4;
	const uint64_t mac = mac_and_type(host, v4 ? WIRE_TYPE_IP4 : WIRE_TYPE_IP6);
	const uint32_t ip = v4 ? sizeof(struct wire_ip4) : sizeof(struct wire_ip6);
	struct segment s;
	column w[COLUMNS];

	s.ports = column_load(a->ports);
	s.seq = column_load(a->seq);
	s.ack = column_load(a->ack);
	s.control = column_load(a->control);
	s.length = column_load(a->length);
	for (unsigned int i = 0; i < (v4 ? 1 : STACK_ADDR_WORDS); i++) {
		s.raddr[i] = column_load(a->raddr[i]);
		s.laddr[i] = column_load(a->laddr[i]);
	}
	if (!v4)
		compose6(host, &s, load_options(a, &s, STACK_ANSWER_OPTIONS6), w);
	else if (load_options(a, &s, STACK_ANSWER_OPTIONS4))
		compose4(host, &s, true, w);
	else
		compose4(host, &s, false, w);
	columns_turn(w);
#pragma GCC unroll 16
	for (unsigned int i = 0; i < COLUMNS; i++) {
		if (i >= a->count)
			break;
		write_over(a->frames[i], mac, ip, a->length[i], w[i]);
	}
	a->count = 0;
}

/* RFC 9293 3.10.7.1: <SEQ=SEG.ACK><CTL=RST>, or without an ACK
 * <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. */
static WIDE_INLINE void
reset_of(const struct stack_columns *c, struct segment *s)
{
	const column rest = column_load(c->rest), zero = _mm512_setzero_si512();
	const lanes acks = _mm512_test_epi32_mask(rest, column_of(TCP_ACK << 16));
	const lanes syns = _mm512_test_epi32_mask(rest, column_of(TCP_SYN << 16));
	const lanes fins = _mm512_test_epi32_mask(rest, column_of(TCP_FIN << 16));
	column length = column_load(c->text); /* SEG.LEN. RFC 9293 3.4 */

	length = _mm512_mask_add_epi32(length, syns, length, column_of(1));
	length = _mm512_mask_add_epi32(length, fins, length, column_of(1));
	s->ports = column_load(c->ports);
	s->seq = _mm512_maskz_mov_epi32(acks, column_load(c->ack));
	s->ack = _mm512_mask_mov_epi32(_mm512_add_epi32(column_load(c->seq), length), acks, zero);
	s->control = _mm512_mask_mov_epi32(column_of((TCP_RST | TCP_ACK) << 16), acks,
					   column_of(TCP_RST << 16));
	s->length = column_of(sizeof(struct wire_tcp));
}

/* Writes the rows of which over frames. */
static WIDE_INLINE void
write_rows(const struct wire_host *host, struct stack_frame *frames, uint32_t which, bool v4,
	   column w[COLUMNS])
{
	const uint64_t mac = mac_and_type(host, v4 ? WIRE_TYPE_IP4 : WIRE_TYPE_IP6);
	const uint32_t ip = v4 ? sizeof(struct wire_ip4) : sizeof(struct wire_ip6);

	columns_turn(w);
#pragma GCC unroll 16
	for (unsigned int i = 0; i < COLUMNS; i++) {
		if (which >> i & 1)
			write_over(&frames[i], mac, ip, sizeof(struct wire_tcp), w[i]);
	}
}

WIDE static void
reset(const struct wire_host *host, struct stack_frame *frames, const struct stack_columns *c,
      uint32_t which)
{
	const uint32_t ip4 = which & ~c->ip6, ip6 = which & c->ip6;
	struct segment s;
	column w[COLUMNS];

	reset_of(c, &s);
#pragma GCC unroll 4
	for (unsigned int i = 0; i < STACK_ADDR_WORDS; i++) {
		s.raddr[i] = column_load(c->raddr[i]);
		s.laddr[i] = column_load(c->laddr[i]);
	}
	if (ip4 != 0) {
		compose4(host, &s, false, w);
		write_rows(host, frames, ip4, true, w);
	}
	if (ip6 != 0) {
		compose6(host, &s, false, w);
		write_rows(host, frames, ip6, false, w);
	}
}
#endif

void
stack_columns_answer(const struct wire_host *host, uint8_t family, struct stack_answers *a)
{
#ifdef __x86_64__
	assert(a->count <= COLUMNS);
	answer(host, family, a);
#else
	(void)host, (void)family;
	assert(a->count == 0);
#endif
}

void
stack_columns_reset(const struct wire_host *host, struct stack_frame *frames,
		    const struct stack_columns *c, uint32_t which)
{
#ifdef __x86_64__
	reset(host, frames, c, which);
#else
	(void)host, (void)frames, (void)c;
	assert(which == 0);
#endif
}
