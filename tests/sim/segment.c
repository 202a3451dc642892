/* SPDX-License-Identifier: BSD-3-Clause */
/* segment.c - TCP segments to frames and back. RFC 9293 3.1, RFC 791, RFC 8200, IEEE 802.1Q. */
#include <string.h>

#include "segment.h"

enum {
	TYPE_IP4 = 0x0800,
	TYPE_IP6 = 0x86dd,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_ICMP6 = 58,
};

uint32_t
segment_sum(uint32_t sum, const uint8_t *at, uint32_t length)
{
	uint32_t i;

	/* At most 65,535 bytes in all: 32 bits cannot overflow. */
	for (i = 0; i + 1 < length; i += 2)
		sum += segment_get16(at + i);
	if (length & 1)
		sum += (uint32_t)at[length - 1] << 8;
	return sum;
}

uint16_t
segment_checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 9293 3.1, RFC 8200 8.1. src lies right before dst. */
static uint32_t
pseudo(const uint8_t *src, uint32_t addresses, uint8_t protocol, uint32_t length)
{
	return segment_sum(protocol + length, src, addresses);
}

uint32_t
segment_l3(const uint8_t *frame, uint32_t length, uint16_t *type)
{
	uint32_t at = 12;

	for (int tags = 0; tags <= 2; tags++, at += 4) {
		if (length < at + 2)
			return 0;
		*type = segment_get16(frame + at);
		if (*type != 0x8100 && *type != 0x88a8 && *type != 0x9100)
			return at + 2;
	}
	return 0;
}

/* RFC 791 3.1: false for a list that does not fit its header, and for a source route. */
static bool
ip4_options_are_good(const uint8_t *at, uint32_t left)
{
	while (left > 0 && at[0] != 0) {
		uint32_t size = 1;

		if (at[0] != 1) {
			if (left < 2 || at[1] < 2 || at[1] > left)
				return false;
			size = at[1];
		}
		if (at[0] == 131 || at[0] == 137)
			return false;
		at += size;
		left -= size;
	}
	return true;
}

/* Sets *l4 and *left to where TCP begins and how long it is. */
static bool
read_ip4(const uint8_t *ip, uint32_t room, struct segment *s, const uint8_t **l4, uint32_t *left)
{
	uint32_t header, total;

	if (room < 20 || ip[0] >> 4 != 4)
		return false;
	header = (ip[0] & 15u) * 4;
	total = segment_get16(ip + 2);
	if (header < 20 || total < header || total > room)
		return false;
	if (segment_checksum(segment_sum(0, ip, header)) != 0)
		return false;
	s->plain = header == 20;
	s->family = 4;
	s->tos = ip[1];
	s->id = segment_get16(ip + 4);
	s->fragment = segment_get16(ip + 6);
	s->ttl = ip[8];
	memcpy(s->src, ip + 12, 4);
	memcpy(s->dst, ip + 16, 4);
	*l4 = ip + header;
	*left = total - header;
	return (s->fragment & 0x3fff) == 0 && ip[9] == PROTO_TCP &&
	       ip4_options_are_good(ip + 20, header - 20);
}

static bool
read_ip6(const uint8_t *ip, uint32_t room, struct segment *s, const uint8_t **l4, uint32_t *left)
{
	uint8_t next;

	if (room < 40 || ip[0] >> 4 != 6)
		return false;
	*left = segment_get16(ip + 4);
	*l4 = ip + 40;
	if (*left > room - 40)
		return false;
	s->family = 6;
	s->tos = (uint8_t)(segment_get16(ip) >> 4);
	s->label = segment_get32(ip) & 0xfffff;
	s->ttl = ip[7];
	memcpy(s->src, ip + 8, 16);
	memcpy(s->dst, ip + 24, 16);
	next = ip[6];
	s->plain = next == PROTO_TCP;
	/* RFC 8200 4.3 to 4.6: hop-by-hop, routing, fragment, destination. */
	while (next == 0 || next == 43 || next == 44 || next == 60) {
		uint32_t size = 8;

		if (*left < 8)
			return false;
		if (next == 44 && (segment_get16(*l4 + 2) & 0xfff9))
			return false;
		if (next == 43 && (*l4)[3] != 0)
			return false;
		if (next != 44)
			size = ((*l4)[1] + 1u) * 8;
		if (size > *left)
			return false;
		next = **l4;
		*l4 += size;
		*left -= size;
	}
	return next == PROTO_TCP;
}

static void
read_options(const uint8_t *at, uint32_t left, struct segment *s)
{
	while (left > 0 && at[0] != 0) {
		if (at[0] == 1) {
			at++;
			left--;
			continue;
		}
		if (left < 2 || at[1] < 2 || at[1] > left) {
			s->strange = true;
			return;
		}
		if (at[0] == 2 && at[1] == 4) {
			s->options |= TCP_OPT_MSS;
			s->mss = segment_get16(at + 2);
		} else if (at[0] == 3 && at[1] == 3) {
			s->options |= TCP_OPT_WSCALE;
			s->wscale = at[2];
		} else if (at[0] == 4 && at[1] == 2) {
			s->options |= TCP_OPT_SACK_OK;
		} else if (at[0] == 8 && at[1] == 10) {
			s->options |= TCP_OPT_TS;
			s->tsval = segment_get32(at + 2);
			s->tsecr = segment_get32(at + 6);
		} else {
			s->strange = true;
		}
		left -= at[1];
		at += at[1];
	}
}

bool
segment_read(const uint8_t *frame, uint32_t length, struct segment *s)
{
	const uint8_t *ip, *tcp;
	uint32_t l3, left, addresses, header;
	uint16_t type;

	*s = (struct segment){0};
	l3 = segment_l3(frame, length, &type);
	if (l3 == 0 || (type != TYPE_IP4 && type != TYPE_IP6))
		return false;
	memcpy(s->to, frame, 6);
	memcpy(s->from, frame + 6, 6);
	s->tags = (uint8_t)((l3 - 14) / 4);
	for (int i = 0; i < s->tags; i++) {
		s->tag[i].tpid = segment_get16(frame + 12 + 4 * i);
		s->tag[i].tci = segment_get16(frame + 14 + 4 * i);
	}
	ip = frame + l3;
	if (!(type == TYPE_IP4 ? read_ip4 : read_ip6)(ip, length - l3, s, &tcp, &left))
		return false;
	header = left < 20 ? 0 : (tcp[12] >> 4) * 4u;
	if (header < 20 || header > left)
		return false;
	addresses = type == TYPE_IP4 ? 8 : 32;
	if (segment_checksum(segment_sum(
		    pseudo(ip + (type == TYPE_IP4 ? 12 : 8), addresses, PROTO_TCP, left), tcp,
		    left)) != 0)
		return false;
	s->sport = segment_get16(tcp);
	s->dport = segment_get16(tcp + 2);
	s->seq = segment_get32(tcp + 4);
	s->ack = segment_get32(tcp + 8);
	s->reserved = tcp[12] & 15;
	s->flags = tcp[13];
	s->wnd = segment_get16(tcp + 14);
	s->urgent = segment_get16(tcp + 18);
	s->text = left - header;
	s->length = (uint32_t)(tcp - frame) + left;
	read_options(tcp + 20, header - 20, s);
	return true;
}

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
	return (uint32_t)(at - start);
}

/* The header for length bytes of TCP; returns its own length. */
static uint32_t
write_ip(const struct segment *s, uint32_t length, uint8_t *ip)
{
	if (s->family == 4) {
		segment_put16(ip, 0x4500u | s->tos);
		segment_put16(ip + 2, 20 + length);
		segment_put16(ip + 4, s->id);
		segment_put16(ip + 6, s->fragment);
		segment_put16(ip + 8, (uint32_t)s->ttl << 8 | PROTO_TCP);
		segment_put16(ip + 10, 0);
		memcpy(ip + 12, s->src, 4);
		memcpy(ip + 16, s->dst, 4);
		return 20;
	}
	segment_put32(ip, 6u << 28 | (uint32_t)s->tos << 20 | s->label);
	segment_put16(ip + 4, length);
	segment_put16(ip + 6, (uint32_t)PROTO_TCP << 8 | s->ttl);
	memcpy(ip + 8, s->src, 16);
	memcpy(ip + 24, s->dst, 16);
	return 40;
}

uint32_t
segment_write(const struct segment *s, uint8_t *frame)
{
	uint32_t at = 12, header, length;
	uint8_t *tcp;

	memcpy(frame, s->to, 6);
	memcpy(frame + 6, s->from, 6);
	for (int i = 0; i < s->tags; i++, at += 4) {
		segment_put16(frame + at, s->tag[i].tpid);
		segment_put16(frame + at + 2, s->tag[i].tci);
	}
	segment_put16(frame + at, s->family == 4 ? TYPE_IP4 : TYPE_IP6);
	at += 2;
	tcp = frame + at + (s->family == 4 ? 20 : 40);
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
	memset(tcp + header, (uint8_t)s->seq, s->text);
	length = at + write_ip(s, header + s->text, frame + at) + header + s->text;
	segment_seal(frame, length);
	return length;
}

void
segment_seal(uint8_t *frame, uint32_t length)
{
	uint32_t l3, l4, size, field, sum;
	uint16_t type;
	uint8_t protocol;

	l3 = segment_l3(frame, length, &type);
	if (l3 == 0)
		return;
	if (type == TYPE_IP4 && length >= l3 + 20) {
		l4 = (frame[l3] & 15u) * 4;
		size = segment_get16(frame + l3 + 2);
		if (l4 < 20 || size < l4 || size > length - l3)
			return;
		segment_put16(frame + l3 + 10, 0);
		segment_put16(frame + l3 + 10, segment_checksum(segment_sum(0, frame + l3, l4)));
		size -= l4;
		l4 += l3;
		protocol = frame[l3 + 9];
		sum = protocol == PROTO_ICMP ? 0 : pseudo(frame + l3 + 12, 8, protocol, size);
	} else if (type == TYPE_IP6 && length >= l3 + 40) {
		l4 = l3 + 40;
		size = segment_get16(frame + l3 + 4);
		if (size > length - l4)
			return;
		protocol = frame[l3 + 6];
		sum = pseudo(frame + l3 + 8, 32, protocol, size);
	} else {
		return;
	}
	field = protocol == PROTO_TCP                               ? 16
		: protocol == PROTO_ICMP || protocol == PROTO_ICMP6 ? 2
								    : 0;
	if (field == 0 || size < field + 2)
		return;
	segment_put16(frame + l4 + field, 0);
	segment_put16(frame + l4 + field, segment_checksum(segment_sum(sum, frame + l4, size)));
}

uint32_t
segment_pad(uint8_t *frame, uint32_t length, uint8_t fill)
{
	if (length >= 60)
		return length;
	memset(frame + length, fill, 60 - length);
	return 60;
}
