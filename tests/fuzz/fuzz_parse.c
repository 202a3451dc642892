/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_parse.c - any bytes as a frame: wire_parse(), and the answers to ARP, ping and neighbour
 * solicitations. The frame lies in an allocation of exactly its room, so that AddressSanitizer sees
 * a byte too many; what comes out is compared with another reader of TCP (tests/sim/segment.c), and
 * answered segments go the whole way: parse, emit, parse.
 *
 * Input: one byte of flags, then the frame. Bits 0 to 3 are the NIC's verdict (WIRE_IP_..., always
 * as a NIC would say it), 4: a good checksum is put in first, 5: there is more room than the frame,
 * 6: the Ethernet destination is made ours. */
#include <arpa/inet.h>

#include "../sim/segment.h"
#include "input.h"
#include "stack_columns.h"
#include "tcp_closed.h"
#include "wire.h"

enum { SEAL = 0x10, ROOM = 0x20, OURS = 0x40 };

#define FRAME_MAX 2000

static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x01};

/* 10.9.0.0/24 and fd09::/120, and a good deal more than a host should own: all of 192.0.0.0/2. */
static const struct wire_host *
the_host(void)
{
	static const char *const texts[] = {"10.9.0.0/24", "192.0.0.0/2", "fd09::/120"};
	static struct addr_range4 v4[3];
	static struct addr_range6 v6[3];
	static struct addr_set owned;
	static struct wire_host host;
	struct addr_prefix prefixes[3];
	const char *error;

	if (host.owned != NULL)
		return &host;
	for (int i = 0; i < 3; i++)
		INPUT_REQUIRE(addr_prefix_parse(texts[i], &prefixes[i], &error) == 0, "%s", error);
	addr_set_build(&owned, prefixes, 3, v4, v6);
	host = (struct wire_host){.ttl = 64, .owned = &owned};
	memcpy(host.mac, mac, 6);
	return &host;
}

/* The other reader must have read the same. */
static void
compare(const struct wire_packet *p, const struct segment *s)
{
	const struct tcp_seg *seg = &p->seg;
	bool syn = s->flags & TCP_SYN;
	/* Only a SYN has any but timestamps. */
	uint8_t options = (uint8_t)(s->options & (syn ? 0xff : TCP_OPT_TS));

	INPUT_REQUIRE(p->flow.family == s->family && p->l2.tags == s->tags, "IPv%u, %u tags",
		      s->family, s->tags);
	INPUT_REQUIRE(ntohs(flow_lport(&p->flow)) == s->dport &&
			      ntohs(flow_rport(&p->flow)) == s->sport,
		      "ports %u to %u", s->sport, s->dport);
	INPUT_REQUIRE(memcmp(s->family == 4 ? (const void *)&p->flow.v4.laddr : p->flow.v6.laddr,
			     s->dst, s->family == 4 ? 4 : 16) == 0,
		      "destination");
	INPUT_REQUIRE(memcmp(s->family == 4 ? (const void *)&p->flow.v4.raddr : p->flow.v6.raddr,
			     s->src, s->family == 4 ? 4 : 16) == 0,
		      "source");
	INPUT_REQUIRE(seg->seq == s->seq && seg->ack == s->ack && seg->text == s->text &&
			      seg->flags == s->flags && seg->wnd == s->wnd,
		      "seq %u ack %u text %u flags %#x wnd %u", s->seq, s->ack, s->text, s->flags,
		      s->wnd);
	INPUT_REQUIRE(seg->options == options, "options %#x, not %#x", options, seg->options);
	INPUT_REQUIRE(!(options & TCP_OPT_MSS) || seg->mss == s->mss, "MSS %u", s->mss);
	INPUT_REQUIRE(!(options & TCP_OPT_WSCALE) || seg->wscale == s->wscale, "scale %u",
		      s->wscale);
	INPUT_REQUIRE(!(options & TCP_OPT_TS) || (seg->tsval == s->tsval && seg->tsecr == s->tsecr),
		      "timestamps %u %u", s->tsval, s->tsecr);
}

/* The answer of a closed port, written over the frame and read again. */
static void
answer(const struct wire_host *host, uint8_t *frame, uint32_t room, const struct wire_packet *p)
{
	struct wire_lengths lengths;
	struct tcp_reply reply;
	struct segment s;
	uint32_t length;

	tcp_input_closed(&p->seg, &reply);
	if (reply.flags == 0) {
		INPUT_REQUIRE(p->seg.flags & TCP_RST, "only a RST draws nothing");
		return;
	}
	INPUT_REQUIRE(!(p->seg.flags & TCP_RST), "a RST was answered");
	if (room < WIRE_TCP_MAX)
		return;
	length = wire_emit_tcp(host, &p->l2, &p->flow, &reply, frame, &lengths);
	INPUT_REQUIRE(segment_read(frame, length, &s), "%u bytes were made", length);
	INPUT_REQUIRE(s.seq == reply.seq && s.ack == reply.ack && s.flags == reply.flags &&
			      s.options == 0 && s.text == 0 && s.length == length,
		      "seq %u ack %u flags %#x", s.seq, s.ack, s.flags);
	INPUT_REQUIRE(memcmp(s.to, p->l2.peer, 6) == 0 && s.tags == p->l2.tags, "the way back");
}

/* Side by side with itself it is read as alone, if it is one that is read so at all. */
static void
take_columns(const struct wire_host *host, uint8_t *frame, uint32_t length, uint32_t room,
	     uint8_t csum, const struct wire_packet *p)
{
	static const struct listener_index nobody;
	const bool plain = p->kind == WIRE_TCP && p->l2.tags == 0 &&
			   p->l4 == (p->flow.family == 4 ? 34 : 54) &&
			   !(csum & (WIRE_IP_BAD | WIRE_L4_BAD));
	struct stack_frame frames[STACK_COLUMNS];
	struct stack_columns c;

	for (unsigned int i = 0; i < STACK_COLUMNS; i++)
		frames[i] = (struct stack_frame){
			.data = frame, .length = length, .room = room, .csum = csum};
	stack_columns_parse(host, &nobody, frames, STACK_COLUMNS, &c);
	INPUT_REQUIRE(c.plain == (plain ? 0xffff : 0) && c.listened == 0, "lanes %#x, listened %#x",
		      c.plain, c.listened);
	for (unsigned int i = 0; plain && i < STACK_COLUMNS; i++) {
		const bool v6 = p->flow.family == 6;
		const uint8_t *laddr = v6 ? p->flow.v6.laddr : (const uint8_t *)&p->flow.v4.laddr;
		const uint8_t *raddr = v6 ? p->flow.v6.raddr : (const uint8_t *)&p->flow.v4.raddr;

		INPUT_REQUIRE(c.seq[i] == p->seg.seq && c.ack[i] == p->seg.ack &&
				      c.text[i] == p->seg.text &&
				      c.ports[i] == flow_ports(&p->flow) &&
				      (c.rest[i] >> 16 & 0xff) == p->seg.flags &&
				      (c.rest[i] & 0xffff) == p->seg.wnd && (c.ip6 >> i & 1) == v6,
			      "lane %u: seq %u ack %u text %u ports %#x rest %#x", i, c.seq[i],
			      c.ack[i], c.text[i], c.ports[i], c.rest[i]);
		for (unsigned int word = 0; word < (v6 ? 4 : 1); word++)
			INPUT_REQUIRE(memcmp(&c.laddr[word][i], laddr + 4 * word, 4) == 0 &&
					      memcmp(&c.raddr[word][i], raddr + 4 * word, 4) == 0,
				      "lane %u: word %u of the addresses", i, word);
	}
}

static void
take(const struct wire_host *host, uint8_t *frame, uint32_t length, uint32_t room, uint8_t csum)
{
	struct segment s;
	struct wire_packet p;
	uint32_t sent = 0;

	memset(&p, 0xa5, sizeof(p));
	wire_parse(host, frame, length, csum, &p);
	if (room >= WIRE_TCP_MAX && stack_columns_have())
		take_columns(host, frame, length, room, csum, &p);
	INPUT_REQUIRE(p.drop < DROP_COUNT, "reason %u", p.drop);
	INPUT_REQUIRE(p.kind == WIRE_NOTHING || p.drop == DROP_NONE, "kind %u, dropped for %s",
		      p.kind, drop_name(p.drop));
	switch ((enum wire_kind)p.kind) {
	case WIRE_NOTHING:
		return;
	case WIRE_TCP:
		INPUT_REQUIRE(p.l4 + (uint32_t)p.l4_length <= length, "%u + %u of %u", p.l4,
			      p.l4_length, length);
		/* A NIC may say that wrong checksums are right. */
		if (csum == 0) {
			INPUT_REQUIRE(segment_read(frame, length, &s), "no TCP at all");
			compare(&p, &s);
		}
		answer(host, frame, room, &p);
		return;
	case WIRE_ARP:
		sent = arp_input(host, frame, length, room, &p);
		break;
	case WIRE_ECHO:
		sent = icmp_input(host, frame, length, room, &p);
		break;
	case WIRE_SOLICIT:
		if (room < WIRE_TCP_MAX)
			return;
		sent = ndp_input(host, frame, length, room, &p);
		break;
	}
	INPUT_REQUIRE(sent <= room, "%u bytes in a room of %u", sent, room);
	INPUT_REQUIRE(sent == 0 || p.drop == DROP_NONE, "answered and dropped for %s",
		      drop_name(p.drop));
	INPUT_REQUIRE(sent == 0 || memcmp(frame + 6, mac, 6) == 0, "from us");
	/* Nobody would answer the answer: it is not for us. */
	if (sent > 0) {
		memcpy(frame, mac, 6);
		wire_parse(host, frame, sent, 0, &p);
		INPUT_REQUIRE(p.kind == WIRE_NOTHING || p.kind == WIRE_ARP, "kind %u", p.kind);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t flags = input_u8(&in);
	uint32_t length = (uint32_t)(in.left < FRAME_MAX ? in.left : FRAME_MAX);
	uint32_t room = length + (flags & ROOM ? WIRE_TCP_MAX : 0);
	/* malloc(0) may be NULL, which is no address to read from. */
	uint8_t *frame = malloc(room ? room : 1);

	INPUT_REQUIRE(frame != NULL, "no memory");
	memcpy(frame, in.at, length);
	if ((flags & OURS) && length >= 6)
		memcpy(frame, mac, 6);
	if (flags & SEAL)
		segment_seal(frame, length);
	take(the_host(), frame, length, room, flags & 0x0f);
	free(frame);
	return 0;
}
