/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_other.c - answers to ARP, ping and neighbour solicitations. RFC 826, RFC 792, RFC 4443,
 * RFC 4861. */
#include <string.h>

#include "oracle.h"

enum {
	TYPE_IP4 = 0x0800,
	TYPE_ARP = 0x0806,
	TYPE_IP6 = 0x86dd,
};

static bool
owns4(const struct oracle *o, const uint8_t *addr)
{
	uint32_t addr4;

	memcpy(&addr4, addr, 4);
	return addr_set_has4(o->conf->owned, addr4);
}

/* The frames of one question and its answer, from their IP or ARP header on. */
struct exchange {
	const uint8_t *asked, *sent;
	uint32_t asked_length, sent_length;
};

static const char *
check_arp(const struct oracle *o, const struct exchange *e)
{
	static const uint8_t ethernet_ip4[6] = {0, 1, 8, 0, 6, 4};
	const uint8_t *q = e->asked, *a = e->sent;

	if (e->asked_length < 28 || e->sent_length != 28)
		return "an ARP packet has 28 bytes";
	if (memcmp(q, ethernet_ip4, 6) != 0 || memcmp(a, ethernet_ip4, 6) != 0 ||
	    segment_get16(q + 6) != 1 || segment_get16(a + 6) != 2)
		return "an ARP request draws an ARP reply";
	if (!owns4(o, q + 24) || owns4(o, q + 14))
		return "ARP is answered for what is owned, to others";
	if (memcmp(a + 8, o->conf->mac, 6) != 0 || memcmp(a + 14, q + 24, 4) != 0 ||
	    memcmp(a + 18, q + 8, 10) != 0)
		return "an ARP reply swaps the ends and gives our Ethernet address";
	return NULL;
}

static const char *
check_ping4(const struct oracle *o, const struct exchange *e)
{
	const uint8_t *q = e->asked, *a = e->sent;
	uint32_t header, total, size;

	if (e->asked_length < 28 || e->sent_length < 28)
		return "an echo is IP and ICMP";
	header = (q[0] & 15u) * 4;
	total = segment_get16(q + 2);
	if (header < 20 || total < header + 8 || total > e->asked_length)
		return "an echo is whole";
	size = total - header;
	if (e->sent_length != 20 + size || segment_get16(a + 2) != e->sent_length)
		return "an echo reply is as long as its request";
	if (segment_checksum(segment_sum(0, a, 20)) != 0 ||
	    segment_checksum(segment_sum(0, a + 20, size)) != 0 ||
	    segment_checksum(segment_sum(0, q + header, size)) != 0)
		return "checksums are right in an echo and its reply";
	if (q[header] != 8 || a[20] != 0 || a[21] != 0)
		return "ICMP 8 draws ICMP 0";
	if (memcmp(a + 24, q + header + 4, size - 4) != 0)
		return "identifier, number and data of an echo come back as they were";
	if (memcmp(a + 12, q + 16, 4) != 0 || memcmp(a + 16, q + 12, 4) != 0 || !owns4(o, a + 12) ||
	    owns4(o, a + 16))
		return "an echo is answered from what is owned, to others";
	if (a[0] != 0x45 || a[8] != o->conf->ttl || a[9] != 1)
		return "an echo reply has the configured TTL and no IP options";
	return NULL;
}

/* Where ICMPv6 begins behind the extension headers; 0 if it does not. */
static uint32_t
icmp6_offset(const uint8_t *ip, uint32_t length)
{
	uint8_t next = ip[6];
	uint32_t at = 40;

	while (next != 58) {
		uint32_t size = 8;

		if (length < at + 8 || (next != 0 && next != 43 && next != 44 && next != 60))
			return 0;
		if (next != 44)
			size = (ip[at + 1] + 1u) * 8;
		next = ip[at];
		at += size;
	}
	return at + 8 <= length ? at : 0;
}

static uint16_t
icmp6_checksum(const uint8_t *ip, uint32_t at, uint32_t size)
{
	return segment_checksum(segment_sum(segment_sum(58 + size, ip + 8, 32), ip + at, size));
}

static const char *
check_ping6(const struct oracle *o, const struct exchange *e, uint32_t at, uint32_t size)
{
	const uint8_t *q = e->asked, *a = e->sent;

	if (e->sent_length != 40 + size)
		return "an echo reply is as long as its request";
	if (q[at] != 128 || a[40] != 129 || a[41] != 0)
		return "ICMPv6 128 draws ICMPv6 129";
	if (memcmp(a + 44, q + at + 4, size - 4) != 0)
		return "identifier, number and data of an echo come back as they were";
	if (memcmp(a + 8, q + 24, 16) != 0 || memcmp(a + 24, q + 8, 16) != 0 ||
	    !addr_set_has6(o->conf->owned, a + 8) || addr_set_has6(o->conf->owned, a + 24))
		return "an echo is answered from what is owned, to others";
	if (a[7] != o->conf->ttl)
		return "an echo reply has the configured hop limit";
	return NULL;
}

static const char *
check_neighbour(const struct oracle *o, const struct exchange *e, uint32_t at, uint32_t size)
{
	static const uint8_t unspecified[16], all_nodes[16] = {0xff, 2, [15] = 1};
	const uint8_t *q = e->asked, *a = e->sent;
	bool probe = memcmp(q + 8, unspecified, 16) == 0;

	if (q[at] != 135 || q[7] != 255 || size < 24)
		return "RFC 4861 7.1.1: only a valid solicitation is answered";
	if (e->sent_length != 72 || a[40] != 136 || a[41] != 0 || a[7] != 255)
		return "RFC 4861 4.4: an advertisement with one option, hop limit 255";
	if (memcmp(a + 48, q + at + 8, 16) != 0 || memcmp(a + 8, a + 48, 16) != 0 ||
	    !addr_set_has6(o->conf->owned, a + 48))
		return "RFC 4861 7.2.4: it is the target, an owned one, that answers";
	if (memcmp(a + 24, probe ? all_nodes : q + 8, 16) != 0)
		return "RFC 4861 7.2.4: to who asked, or to all nodes";
	if (segment_get32(a + 44) != (probe ? 0x20000000u : 0x60000000u))
		return "RFC 4861 7.2.4: override, and solicited unless nobody's address asked";
	if (a[64] != 2 || a[65] != 1 || memcmp(a + 66, o->conf->mac, 6) != 0)
		return "RFC 4861 4.6.1: with our Ethernet address";
	return NULL;
}

static const char *
check_icmp6(const struct oracle *o, const struct exchange *e)
{
	const uint8_t *q = e->asked, *a = e->sent;
	uint32_t asked_end, at, size;

	if (e->asked_length < 40 || e->sent_length < 48)
		return "the answer has an IPv6 header";
	asked_end = 40u + segment_get16(q + 4);
	if (asked_end > e->asked_length || (at = icmp6_offset(q, asked_end)) == 0)
		return "what is answered is ICMPv6";
	size = asked_end - at;
	if (segment_get32(a) != 6u << 28 || a[6] != 58 ||
	    segment_get16(a + 4) != e->sent_length - 40)
		return "the answer has a plain IPv6 header";
	if (icmp6_checksum(q, at, size) != 0 || icmp6_checksum(a, 40, e->sent_length - 40) != 0)
		return "checksums are right in what is answered and in the answer";
	return a[40] == 129 ? check_ping6(o, e, at, size) : check_neighbour(o, e, at, size);
}

bool
oracle_check_other(struct oracle *o, const struct stack_frame *frame,
		   const struct oracle_trigger *trigger)
{
	static const uint8_t all_nodes_mac[6] = {0x33, 0x33, [5] = 1};
	const uint8_t *q = trigger->frame, *a = frame->data;
	const char *rule = "only ARP and ICMP are answered with what is not TCP";
	uint16_t type, sent_type;
	uint32_t l3 = segment_l3(q, trigger->length, &type);
	struct exchange e;

	if (l3 == 0 || segment_l3(a, frame->length, &sent_type) != l3 ||
	    memcmp(a + 12, q + 12, l3 - 12) != 0)
		return oracle_fail(o, "an answer has its question's tags and EtherType");
	if ((memcmp(a, q + 6, 6) != 0 && (type != TYPE_IP6 || memcmp(a, all_nodes_mac, 6) != 0)) ||
	    memcmp(a + 6, o->conf->mac, 6) != 0)
		return oracle_fail(o, "an answer goes back to the Ethernet address that asked");
	e = (struct exchange){q + l3, a + l3, trigger->length - l3, frame->length - l3};
	if (type == TYPE_ARP)
		rule = check_arp(o, &e);
	else if (type == TYPE_IP4)
		rule = check_ping4(o, &e);
	else if (type == TYPE_IP6)
		rule = check_icmp6(o, &e);
	return rule == NULL || oracle_fail(o, "%s: EtherType %#x, %u bytes asked, %u answered",
					   rule, type, trigger->length, frame->length);
}
