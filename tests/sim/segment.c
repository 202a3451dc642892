/* SPDX-License-Identifier: BSD-3-Clause */
/* segment.c - frames to TCP segments. RFC 9293 3.1, RFC 791, RFC 8200, IEEE 802.1Q. */
#include <string.h>

#include "segment.h"

enum {
	TYPE_IP4 = 0x0800,
	TYPE_IP6 = 0x86dd,
	PROTO_TCP = 6,
};

uint32_t
segment_sum(uint32_t sum, const uint8_t *at, uint32_t length)
{
	uint32_t high = 0, low = 0;

	/* At most 65,535 bytes in all: 32 bits cannot overflow. */
	for (uint32_t i = 0; i < length / 2; i++) {
		high += at[2 * i];
		low += at[2 * i + 1];
	}
	if (length & 1)
		high += at[length - 1];
	return sum + (high << 8) + low;
}

uint16_t
segment_checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint32_t
segment_pseudo(const uint8_t *src, uint32_t addresses, uint8_t protocol, uint32_t length)
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

int
segment_skip_extensions(uint8_t next, const uint8_t **at, uint32_t *left)
{
	while (next == 0 || next == 43 || next == 44 || next == 60) {
		uint32_t size = 8;

		if (*left < 8)
			return -1;
		if (next == 44 && (segment_get16(*at + 2) & 0xfff9))
			return -1;
		if (next == 43 && (*at)[3] != 0)
			return -1;
		if (next != 44)
			size = ((*at)[1] + 1u) * 8;
		if (size > *left)
			return -1;
		next = **at;
		*at += size;
		*left -= size;
	}
	return next;
}

static bool
read_ip6(const uint8_t *ip, uint32_t room, struct segment *s, const uint8_t **l4, uint32_t *left)
{
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
	s->plain = ip[6] == PROTO_TCP;
	return segment_skip_extensions(ip[6], l4, left) == PROTO_TCP;
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
		    segment_pseudo(ip + (type == TYPE_IP4 ? 12 : 8), addresses, PROTO_TCP, left),
		    tcp, left)) != 0)
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
	s->payload = tcp + header;
	s->length = (uint32_t)(tcp - frame) + left;
	read_options(tcp + 20, header - 20, s);
	return true;
}
