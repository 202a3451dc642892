/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_columns.c - sixteen frames at a time: which of them are plain, and their fields. rules.md
 * section 2, F1 to F8; what a frame that is not plain has wrong, wire_parse() says. */
#include "stack_columns.h"

#include "checksum.h"
#include "columns.h"
#include "columns_addr.h"
#include "wire_layout.h"

#ifdef __x86_64__
_Static_assert(STACK_COLUMNS == COLUMNS, "both are sixteen");

#define L3    14
#define LOOK4 64 /* up to here the frame is looked at, if it is IPv4 ... */
#define LOOK6 78 /* ... or IPv6; what is behind is summed frame by frame */
#define LEAST 54 /* bytes of the shortest frame that holds a segment */
_Static_assert(WIRE_TCP_MAX >= LOOK6, "there is room for so many");

/* An IPv4 frame's words once they are turned by L3 bytes; the Ethernet header's are behind. */
enum {
	AT4_LENGTH,   /* version, header length, TOS, length */
	AT4_FRAGMENT, /* ID, flags and offset */
	AT4_PROTOCOL, /* TTL, protocol, checksum */
	AT4_SRC,
	AT4_DST,
	AT4_TCP,
	AT4_TEXT = AT4_TCP + 5, /* or options: two words and a half of it */
	AT_ETH = 12,            /* half a word of text, and 14 bytes of Ethernet header */
};

/* An IPv6 frame's. */
enum {
	AT6_VERSION,
	AT6_LENGTH, /* length, next header, hop limit */
	AT6_SRC,
	AT6_DST = AT6_SRC + 4,
	AT6_TCP = AT6_DST + 4,
	AT6_TEXT = AT6_TCP + 5,
};

/* The words of a TCP header. */
enum { TCP_PORTS, TCP_SEQ, TCP_ACKED, TCP_REST, TCP_CHECKSUM };

/* The frames, and what the NIC has said of them. */
struct look {
	const uint8_t *data[COLUMNS]; /* of one that is too short, zeros */
	column length;                /* of that one 0 */
	lanes ip_good, l4_good;
};

static WIDE_INLINE void
look(const struct stack_frame *frames, unsigned int count, struct look *l)
{
	static const uint8_t nothing[LOOK6];
	uint32_t length[COLUMNS];
	uint8_t said = 0;

	for (unsigned int i = 0; i < COLUMNS; i++) {
		const bool there = i < count && frames[i].length >= LEAST;

		l->data[i] = there ? frames[i].data : nothing;
		length[i] = there ? frames[i].length : 0;
		said |= there ? frames[i].csum : 0;
	}
	l->ip_good = l->l4_good = 0;
	for (unsigned int i = 0; said != 0 && i < count; i++) {
		/* What the NIC has found wrong is not plain. */
		if (frames[i].csum & (WIRE_IP_BAD | WIRE_L4_BAD))
			length[i] = 0;
		l->ip_good |= (lanes)(!!(frames[i].csum & WIRE_IP_GOOD) << i);
		l->l4_good |= (lanes)(!!(frames[i].csum & WIRE_L4_GOOD) << i);
	}
	l->length = column_load(length);
}

static WIDE_INLINE void
words4(const struct look *l, column w[COLUMNS])
{
	/* Words of 16 bits: L3 / 2 of them come last. */
	const column turned = _mm512_setr_epi32(0x00080007, 0x000a0009, 0x000c000b, 0x000e000d,
						0x0010000f, 0x00120011, 0x00140013, 0x00160015,
						0x00180017, 0x001a0019, 0x001c001b, 0x001e001d,
						0x0000001f, 0x00020001, 0x00040003, 0x00060005);

#pragma GCC unroll 16
	for (unsigned int i = 0; i < COLUMNS; i++)
		w[i] = _mm512_permutexvar_epi16(turned, _mm512_loadu_si512(l->data[i]));
	columns_turn(w);
}

static WIDE_INLINE void
words6(const struct look *l, column w[COLUMNS])
{
#pragma GCC unroll 16
	for (unsigned int i = 0; i < COLUMNS; i++)
		w[i] = _mm512_loadu_si512(l->data[i] + L3);
	columns_turn(w);
}

/* F1: to our Ethernet address, from no group's. */
static WIDE_INLINE lanes
is_ours(const struct wire_host *host, const column w[COLUMNS])
{
	uint32_t mac;
	uint16_t first;

	memcpy(&first, host->mac, 2);
	memcpy(&mac, host->mac + 2, 4);
	return column_has(w[AT_ETH], 0xffff, ntohs(first)) &
	       column_has(w[AT_ETH + 1], 0xffffffff, ntohl(mac)) &
	       column_has(w[AT_ETH + 2], 0x01000000, 0);
}

/* What is to be known of the segments. */
struct segments {
	column tcp[5];
	column length; /* of header and text, from the IP length */
	column sum;    /* of pseudo header and segment, as far as it was looked at; folded */
};

/* F6 to F8, and of length: the segment ends at or before the end of the frame, which lies left
 * bytes behind the TCP header's first. */
static WIDE_INLINE lanes
are_right(const struct stack_frame *frames, const struct segments *s, column left, lanes which,
	  lanes l4_good, uint32_t tcp_at, uint32_t looked_at)
{
	const column header =
		_mm512_slli_epi32(_mm512_srli_epi32(column_swap(s->tcp[TCP_REST]), 28), 2);
	const lanes goes_on = _mm512_cmpgt_epu32_mask(s->length, column_of(looked_at - tcp_at));
	uint32_t lengths[COLUMNS], sums[COLUMNS];

	which &= _mm512_cmple_epu32_mask(s->length, left) &
		 _mm512_cmpge_epu32_mask(header, column_of(sizeof(struct wire_tcp))) &
		 _mm512_cmple_epu32_mask(header, s->length);
	which &= _mm512_test_epi32_mask(s->tcp[TCP_PORTS], column_of(0xffff)) &
		 _mm512_test_epi32_mask(s->tcp[TCP_PORTS], column_of(0xffff0000));
	which &= l4_good | goes_on | _mm512_cmpeq_epi32_mask(s->sum, column_of(0xffff));
	if ((which & goes_on & (lanes)~l4_good) == 0)
		return which;
	column_store(lengths, s->length);
	column_store(sums, s->sum);
	for (uint32_t rest = which & goes_on & (lanes)~l4_good; rest != 0; rest &= rest - 1) {
		const int i = __builtin_ctz(rest);
		const uint64_t sum = checksum_add(sums[i], frames[i].data + looked_at,
						  lengths[i] - (looked_at - tcp_at));

		if (!checksum_is_right(sum))
			which &= (lanes) ~(1u << i);
	}
	return which;
}

/* Adds what both families have: the pseudo header but for its addresses, and the TCP header. */
static WIDE_INLINE void
add_segment(struct columns_sum *sum, const struct segments *s)
{
	columns_add(sum, column_of(htonl(WIRE_IP_TCP)));
	columns_add(sum, column_swap(s->length));
#pragma GCC unroll 5
	for (unsigned int i = 0; i < 5; i++)
		columns_add(sum, s->tcp[i]);
}

/* F2 to F8. Those of which that are plain. */
static WIDE_INLINE lanes
parse4(const struct wire_host *host, const struct stack_frame *frames, const struct look *l,
       const column w[COLUMNS], lanes which, struct segments *s)
{
	const column src = column_swap(w[AT4_SRC]), dst = column_swap(w[AT4_DST]);
	const column total = _mm512_and_si512(column_swap(w[AT4_LENGTH]), column_of(0xffff));
	struct columns_sum ip = {_mm512_setzero_si512(), _mm512_setzero_si512()}, sum = ip;

	which &= column_has(w[AT4_LENGTH], 0xff000000, 0x45000000) &
		 column_has(w[AT4_FRAGMENT], WIRE_IP4_FRAGMENT, 0) &
		 column_has(w[AT4_PROTOCOL], 0x00ff0000, WIRE_IP_TCP << 16);
	which &= _mm512_cmpge_epu32_mask(
		total, column_of(sizeof(struct wire_ip4) + sizeof(struct wire_tcp)));
#pragma GCC unroll 5
	for (unsigned int i = AT4_LENGTH; i <= AT4_DST; i++)
		columns_add(&ip, w[i]);
	which &= l->ip_good | _mm512_cmpeq_epi32_mask(columns_fold(&ip), column_of(0xffff));
	which &= is_host4(dst) & owned4(host->owned, dst) & is_host4(src);
	which &= (lanes)~owned4(host->owned, src);

#pragma GCC unroll 5
	for (unsigned int i = 0; i < 5; i++)
		s->tcp[i] = w[AT4_TCP + i];
	s->length = _mm512_sub_epi32(total, column_of(sizeof(struct wire_ip4)));
	add_segment(&sum, s);
	columns_add(&sum, w[AT4_SRC]);
	columns_add(&sum, w[AT4_DST]);
	columns_add(&sum, column_bytes(w[AT4_TEXT], column_above(s->length, 20)));
	columns_add(&sum, column_bytes(w[AT4_TEXT + 1], column_above(s->length, 24)));
	columns_add(&sum, column_bytes(_mm512_and_si512(w[AT_ETH], column_of(0xffff)),
				       column_above(s->length, 28)));
	s->sum = columns_fold(&sum);
	return are_right(frames, s,
			 _mm512_sub_epi32(l->length, column_of(L3 + sizeof(struct wire_ip4))),
			 which, l->l4_good, L3 + sizeof(struct wire_ip4), LOOK4);
}

static WIDE_INLINE lanes
parse6(const struct wire_host *host, const struct stack_frame *frames, const struct look *l,
       const column w[COLUMNS], lanes which, struct segments *s)
{
	struct columns_sum sum = {_mm512_setzero_si512(), _mm512_setzero_si512()};

	which &= column_has(w[AT6_VERSION], 0xf0000000, 0x60000000) &
		 column_has(w[AT6_LENGTH], 0x0000ff00, WIRE_IP_TCP << 8);
	s->length = _mm512_srli_epi32(column_swap(w[AT6_LENGTH]), 16);
	which &= _mm512_cmpge_epu32_mask(s->length, column_of(sizeof(struct wire_tcp)));
	which &= is_host6(&w[AT6_DST]) & is_host6(&w[AT6_SRC]);
	which &= owned6(host->owned, l->data, L3 + offsetof(struct wire_ip6, dst), &w[AT6_DST]);
	which &= (lanes)~owned6(host->owned, l->data, L3 + offsetof(struct wire_ip6, src),
				&w[AT6_SRC]);

#pragma GCC unroll 5
	for (unsigned int i = 0; i < 5; i++)
		s->tcp[i] = w[AT6_TCP + i];
	add_segment(&sum, s);
#pragma GCC unroll 8
	for (unsigned int i = AT6_SRC; i < AT6_TCP; i++)
		columns_add(&sum, w[i]);
	columns_add(&sum, column_bytes(w[AT6_TEXT], column_above(s->length, 20)));
	s->sum = columns_fold(&sum);
	return are_right(frames, s,
			 _mm512_sub_epi32(l->length, column_of(L3 + sizeof(struct wire_ip6))),
			 which, l->l4_good, L3 + sizeof(struct wire_ip6), LOOK6);
}

/* gcc's header, where this is a macro without -O, hands the mask on as a signed number. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"

/* listener_on_port(). */
static WIDE_INLINE lanes
listened(const struct listener_index *index, column ports, lanes which)
{
	/* The local port is the upper half, in network byte order. */
	const column port = _mm512_and_si512(column_swap(ports), column_of(0xffff));
	const column bit = _mm512_sllv_epi32(column_of(1), _mm512_and_si512(port, column_of(31)));
	const column used = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), which,
							_mm512_srli_epi32(port, 5), index->used, 4);

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "half words are in order");
	return which & _mm512_test_epi32_mask(used, bit);
}
#pragma GCC diagnostic pop

static WIDE_INLINE void
store(struct stack_columns *c, const struct segments *s)
{
	const column rest = column_swap(s->tcp[TCP_REST]);
	const column header = _mm512_slli_epi32(_mm512_srli_epi32(rest, 28), 2);

	column_store(c->ports, s->tcp[TCP_PORTS]);
	column_store(c->seq, column_swap(s->tcp[TCP_SEQ]));
	column_store(c->ack, column_swap(s->tcp[TCP_ACKED]));
	column_store(c->text, _mm512_sub_epi32(s->length, header));
	column_store(c->rest, rest);
}

/* IPv6's, in place of what which has in s and c. */
static WIDE_INLINE void
merge6(struct segments *s, const struct segments *s6, const column w[COLUMNS], lanes which,
       struct stack_columns *c)
{
#pragma GCC unroll 5
	for (unsigned int i = 0; i < 5; i++)
		s->tcp[i] = _mm512_mask_mov_epi32(s->tcp[i], which, s6->tcp[i]);
	s->length = _mm512_mask_mov_epi32(s->length, which, s6->length);
#pragma GCC unroll 4
	for (unsigned int i = 0; i < STACK_ADDR_WORDS; i++) {
		_mm512_mask_storeu_epi32(c->raddr[i], which, w[AT6_SRC + i]);
		_mm512_mask_storeu_epi32(c->laddr[i], which, w[AT6_DST + i]);
	}
}

WIDE static void
parse_all(const struct wire_host *host, const struct listener_index *index,
	  const struct stack_frame *frames, unsigned int count, struct stack_columns *c)
{
	struct look l;
	struct segments s, s6;
	column w[COLUMNS];
	lanes ours, ip4, ip6;

	look(frames, count, &l);
	words4(&l, w);
	/* Of those that are not there it says no. */
	ours = is_ours(host, w) & _mm512_cmpge_epu32_mask(l.length, column_of(LEAST));
	ip4 = ours & column_has(w[AT_ETH + 3], 0xffff, WIRE_TYPE_IP4);
	ip6 = ours & column_has(w[AT_ETH + 3], 0xffff, WIRE_TYPE_IP6);
	c->plain = c->ip6 = c->listened = 0;
	if ((ip4 | ip6) == 0)
		return;
	/* The words are those of all lanes, whatever they are. */
	ip4 = parse4(host, frames, &l, w, ip4, &s);
	column_store(c->raddr[0], w[AT4_SRC]);
	column_store(c->laddr[0], w[AT4_DST]);
	if (ip6 != 0) {
		words6(&l, w);
		ip6 = parse6(host, frames, &l, w, ip6, &s6);
		merge6(&s, &s6, w, ip6, c);
	}
	store(c, &s);
	c->plain = ip4 | ip6;
	c->ip6 = ip6;
	c->listened = listened(index, s.tcp[TCP_PORTS], ip4 | ip6);
}
#endif

bool
stack_columns_have(void)
{
#ifdef __x86_64__
	return columns_have();
#else
	return false;
#endif
}

void
stack_columns_parse(const struct wire_host *host, const struct listener_index *index,
		    const struct stack_frame *frames, unsigned int count, struct stack_columns *c)
{
#ifdef __x86_64__
	parse_all(host, index, frames, count, c);
#else
	(void)host, (void)index, (void)frames, (void)count;
	c->plain = c->ip6 = c->listened = 0;
#endif
}
