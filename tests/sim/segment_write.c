/* SPDX-License-Identifier: BSD-3-Clause */
/* segment_write.c - TCP segments to frames. RFC 9293 3.1, RFC 791, RFC 8200, IEEE 802.1Q. */
#include <string.h>

#include "segment.h"

enum {
	TYPE_IP4 = 0x0800,
	TYPE_IP6 = 0x86dd,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_ICMP6 = 58,
};

/* Each option padded in front to four bytes. Returns their length. */
static uint32_t
write_options(const struct segment *s, uint8_t *at)
{
	const uint8_t *start = at;

	if (s->options & TCP_OPT_MSS) {
		segment_put32(at, 0x02040000u | s->mss);
		at += 4;
	}
	if (s->options & TCP_OPT_SACK_OK) {
		segment_put32(at, 0x01010402u);
		at += 4;
	}
	if (s->options & TCP_OPT_TS) {
		segment_put32(at, 0x0101080au);
		segment_put32(at + 4, s->tsval);
		segment_put32(at + 8, s->tsecr);
		at += 12;
	}
	if (s->options & TCP_OPT_WSCALE) {
		segment_put32(at, 0x01030300u | s->wscale);
		at += 4;
	}
	if (s->sacks > 0) {
		segment_put32(at, 0x01010500u | (8u * s->sacks + 2u));
		at += 4;
		for (uint32_t i = 0; i < 2u * s->sacks; i++, at += 4)
			segment_put32(at, s->ack + 1000 * (i + 1));
	}
	return (uint32_t)(at - start);
}

/* As many as s wants: a router alert (RFC 2113) and then NOPs. Returns their length. */
static uint32_t
write_ip4_options(const struct segment *s, uint8_t *at)
{
	if (s->extra == 0)
		return 0;
	segment_put32(at, 0x94040000u);
	memset(at + 4, 1, 4u * s->extra - 4u);
	return 4u * s->extra;
}

/* As many as s wants of hop-by-hop options, destination options and an atomic fragment (RFC 6946),
 * in this order, padded with PadN. Returns their length. */
static uint32_t
write_ip6_extensions(const struct segment *s, uint8_t *at)
{
	static const uint8_t kinds[] = {0, 60, 44, PROTO_TCP};
	uint32_t count = s->extra < 3 ? s->extra : 3;

	for (uint32_t i = 0; i < count; i++, at += 8) {
		segment_put32(at, (uint32_t)(i + 1 < count ? kinds[i + 1] : PROTO_TCP) << 24);
		segment_put32(at + 4, 0);
		if (kinds[i] != 44)
			segment_put16(at + 2, 0x0104);
		else
			segment_put32(at + 4, s->seq);
	}
	return 8 * count;
}

/* The header and what comes between it and TCP; returns their length. The lengths in them are
 * still to be set. */
static uint32_t
write_ip(const struct segment *s, uint8_t *ip)
{
	uint32_t options;

	if (s->family == 4) {
		options = write_ip4_options(s, ip + 20);
		segment_put16(ip, (0x45u + options / 4) << 8 | s->tos);
		segment_put16(ip + 4, s->id);
		segment_put16(ip + 6, s->fragment);
		segment_put16(ip + 8, (uint32_t)s->ttl << 8 | PROTO_TCP);
		memcpy(ip + 12, s->src, 4);
		memcpy(ip + 16, s->dst, 4);
		return 20 + options;
	}
	segment_put32(ip, 6u << 28 | (uint32_t)s->tos << 20 | s->label);
	/* Hop-by-hop options are next header 0. */
	segment_put16(ip + 6, (uint32_t)(s->extra ? 0 : PROTO_TCP) << 8 | s->ttl);
	memcpy(ip + 8, s->src, 16);
	memcpy(ip + 24, s->dst, 16);
	return 40 + write_ip6_extensions(s, ip + 40);
}

/* Where the checksum of a protocol is in its header; 0: it is none of ours. */
static uint32_t
checksum_at(int protocol)
{
	switch (protocol) {
	case PROTO_TCP:
		return 16;
	case PROTO_ICMP:
	case PROTO_ICMP6:
		return 2;
	default:
		return 0;
	}
}

/* Makes IPv4's own checksum good. Returns the protocol, or -1 if the header is not whole. */
static int
seal_ip4(uint8_t *ip, uint32_t room, const uint8_t **l4, uint32_t *size)
{
	uint32_t header, total;

	if (room < 20)
		return -1;
	header = (ip[0] & 15u) * 4;
	total = segment_get16(ip + 2);
	if (header < 20 || total < header || total > room)
		return -1;
	segment_put16(ip + 10, 0);
	segment_put16(ip + 10, segment_checksum(segment_sum(0, ip, header)));
	*l4 = ip + header;
	*size = total - header;
	return ip[9];
}

void
segment_seal(uint8_t *frame, uint32_t length)
{
	const uint8_t *l4 = NULL;
	uint32_t l3, size = 0, sum = 0, field;
	int protocol = -1;
	uint16_t type;
	uint8_t *ip, *at;

	l3 = segment_l3(frame, length, &type);
	if (l3 == 0)
		return;
	ip = frame + l3;
	if (type == TYPE_IP4) {
		protocol = seal_ip4(ip, length - l3, &l4, &size);
	} else if (type == TYPE_IP6 && length >= l3 + 40) {
		l4 = ip + 40;
		size = segment_get16(ip + 4);
		if (size <= length - l3 - 40)
			protocol = segment_skip_extensions(ip[6], &l4, &size);
	}
	field = checksum_at(protocol);
	if (field == 0 || size < field + 2)
		return;
	if (type == TYPE_IP6)
		sum = segment_pseudo(ip + 8, 32, (uint8_t)protocol, size);
	else if (protocol == PROTO_TCP)
		sum = segment_pseudo(ip + 12, 8, PROTO_TCP, size);
	at = frame + (l4 - frame) + field;
	segment_put16(at, 0);
	segment_put16(at, segment_checksum(segment_sum(sum, l4, size)));
}

uint32_t
segment_write(const struct segment *s, uint8_t *frame)
{
	uint32_t at = 12, header, length;
	uint8_t *ip, *tcp;

	memcpy(frame, s->to, 6);
	memcpy(frame + 6, s->from, 6);
	for (int i = 0; i < s->tags; i++, at += 4) {
		segment_put16(frame + at, s->tag[i].tpid);
		segment_put16(frame + at + 2, s->tag[i].tci);
	}
	segment_put16(frame + at, s->family == 4 ? TYPE_IP4 : TYPE_IP6);
	at += 2;
	ip = frame + at;
	tcp = ip + write_ip(s, ip);
	header = 20 + write_options(s, tcp + 20);
	segment_put16(tcp, s->sport);
	segment_put16(tcp + 2, s->dport);
	segment_put32(tcp + 4, s->seq);
	segment_put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(header / 4 << 4 | s->reserved);
	tcp[13] = s->flags;
	segment_put16(tcp + 14, s->wnd);
	segment_put16(tcp + 16, 0);
	segment_put16(tcp + 18, s->urgent);
	for (uint32_t i = 0; i < s->text; i++)
		tcp[header + i] = segment_byte(s->seq + ((s->flags & TCP_SYN) != 0) + i);
	length = (uint32_t)(tcp - frame) + header + s->text;
	if (s->family == 4)
		segment_put16(ip + 2, length - at);
	else
		segment_put16(ip + 4, length - at - 40);
	segment_seal(frame, length);
	return length;
}

uint32_t
segment_pad(uint8_t *frame, uint32_t length, uint8_t fill)
{
	if (length >= 60)
		return length;
	memset(frame + length, fill, 60 - length);
	return 60;
}
