/* SPDX-License-Identifier: BSD-3-Clause */
/* attacker.c - guesses, floods and rubbish. RFC 5961 1, RFC 4987 2. */
#include <string.h>

#include "sim.h"

#define STRANGER   10000 /* client numbers from here on are nobody's */
#define QUIET_US   UINT64_C(5000000)
#define PROTO_ICMP 1

void
attacker_init(struct attacker *a, struct sim *s, uint32_t number, const struct attacker_plan *plan)
{
	*a = (struct attacker){*plan, number, plan->frames};
	if (plan->kind != ATTACKER_NONE)
		network_alarm(&s->network, s->start + sim_below(s, 1000), NETWORK_ATTACKER, number);
}

/* A segment from an address that does not know of it. */
static struct segment
stranger(struct sim *s)
{
	struct segment g = {.tags = (uint8_t)sim_below(s, 3), .ttl = 64};

	memcpy(g.to, host_mac, 6);
	g.from[0] = 0x02;
	g.from[5] = (uint8_t)sim_below(s, 4);
	for (int i = 0; i < g.tags; i++)
		g.tag[i] = (struct segment_tag){0x8100, (uint16_t)sim_below(s, 8)};
	g.family = sim_below(s, 2) ? 4 : 6;
	host_client_address(g.family, STRANGER + sim_below(s, 50000), g.src);
	host_address(g.family, sim_below(s, 256), g.dst);
	g.sport = (uint16_t)(1 + sim_below(s, 65535));
	g.dport = host_port(sim_row(s));
	g.seq = (uint32_t)seed_next(s->draw);
	g.wnd = (uint16_t)sim_below(s, 65536);
	return g;
}

/* Someone who waits in the middle of his connection and will for a while, or has just begun. */
static const struct client *
some_victim(struct sim *s)
{
	for (int tries = 0; tries < 20; tries++) {
		const struct client *c = &s->clients[sim_below(s, s->scenario->clients)];

		if ((c->state == CLIENT_OPEN || c->state == CLIENT_SYN_SENT) &&
		    s->now + QUIET_US < c->plan.hold_until)
			return c;
	}
	return NULL;
}

/* A sequence number of the victim's space that RCV.NXT never is: all its segments are even, so an
 * odd offset is one, but for the FIN's end. */
static uint32_t
wrong_seq(struct sim *s, const struct client *c)
{
	uint32_t offset;

	do
		offset = (c->una - c->iss - 1 - 300 + sim_below(s, 70000)) | 1;
	while (offset == c->plan.bytes + 1);
	return c->iss + 1 + offset;
}

/* RFC 5961 4: a SYN, whatever its numbers. In SYN-RECEIVED one in the window ends the handshake
 * (D-8), so before the victim knows that it is over it is one that lies before. */
static void
blind_syn(struct sim *s, const struct client *c, struct segment *g)
{
	g->flags = (uint8_t)(TCP_SYN | (sim_below(s, 2) ? TCP_ACK : 0));
	g->seq = c->confirmed ? c->una - 5 + sim_below(s, 10) : c->iss - 1 - sim_below(s, 1000);
}

/* All that a blind attacker can do to a connection whose numbers he does not know exactly. */
static void
blind(struct sim *s)
{
	const struct client *c = some_victim(s);
	struct segment g;

	if (c == NULL)
		return;
	g = c->way;
	g.from[5] ^= 0x55;
	g.wnd = (uint16_t)sim_below(s, 65536);
	g.seq = wrong_seq(s, c);
	g.ack = c->rcv_nxt + (1u << 30) + sim_below(s, 1u << 30);
	if (c->ts && sim_chance(s, 750)) {
		g.options = TCP_OPT_TS;
		g.tsval = s->now % 2 ? (uint32_t)seed_next(s->draw)
				     : (uint32_t)(s->now / 1000) + c->number * 1000003u;
	}
	switch (sim_below(s, 5)) {
	case 0:
		g.flags = TCP_RST;
		break;
	case 1:
		g.flags = TCP_RST | TCP_ACK;
		break;
	case 2:
		blind_syn(s, c, &g);
		break;
	case 3:
		/* A byte that fits nowhere, with an ACK that does. */
		g.flags = TCP_ACK | TCP_PSH;
		g.text = 1;
		if (c->confirmed)
			g.ack = c->rcv_nxt;
		break;
	default:
		/* RFC 5961 5: an ACK out of range, with text where it would fit. */
		g.flags = TCP_ACK;
		g.seq = c->state == CLIENT_OPEN ? c->una : c->iss + 1;
		/* Before its SYN-ACK the victim itself does not know what would be in range. */
		g.text = c->state == CLIENT_OPEN ? 2 * sim_below(s, 100) : 0;
		break;
	}
	sim_send(s, &g);
}

static void
syn(struct sim *s)
{
	struct segment g = stranger(s);

	g.flags = TCP_SYN;
	g.options = (uint8_t)sim_below(s, 16);
	g.mss = (uint16_t)sim_below(s, 65536);
	g.wscale = (uint8_t)sim_below(s, 256);
	g.tsval = (uint32_t)seed_next(s->draw);
	sim_send(s, &g);
}

static void
ack(struct sim *s)
{
	struct segment g = stranger(s);

	g.flags = (uint8_t)(TCP_ACK | (sim_chance(s, 100) ? TCP_FIN : 0));
	g.ack = (uint32_t)seed_next(s->draw);
	g.text = sim_chance(s, 300) ? sim_below(s, 1400) : 0;
	if (sim_below(s, 2)) {
		g.options = TCP_OPT_TS;
		g.tsval = (uint32_t)seed_next(s->draw);
		g.tsecr = (uint32_t)seed_next(s->draw);
	}
	sim_send(s, &g);
}

/* What rules.md section 2, F1 to F8, drops and nothing else is wrong with. */
static void
make_unlawful(struct sim *s, struct segment *g)
{
	/* The first bytes of addresses that are no host's. */
	static const uint8_t first4[] = {0, 127, 224, 239, 240, 255};
	uint8_t *addr = sim_below(s, 2) ? g->src : g->dst;

	switch (sim_below(s, 5)) {
	case 0:
		g->sport = 0;
		break;
	case 1:
		g->dport = 0;
		break;
	case 2:
		memcpy(g->src, g->dst, 16);
		break;
	case 3:
		g->to[0] |= 1;
		break;
	default:
		if (g->family == 4) {
			addr[0] = first4[sim_below(s, sizeof(first4))];
		} else {
			memset(addr, 0, 15);
			addr[0] = sim_below(s, 2) ? 0xff : 0;
			addr[15] = (uint8_t)sim_below(s, 2);
		}
		break;
	}
}

/* Bytes; segments of all flags and options; segments with a few bytes changed, and that with good
 * checksums or without. */
static void
garbage(struct sim *s)
{
	struct segment g = stranger(s);
	uint8_t frame[SEGMENT_FRAME_MAX];
	uint32_t length, changes;

	g.flags = (uint8_t)sim_below(s, 256);
	g.ack = (uint32_t)seed_next(s->draw);
	g.reserved = (uint8_t)sim_below(s, 16);
	g.urgent = (uint16_t)sim_below(s, 65536);
	g.options = (uint8_t)sim_below(s, 16);
	g.text = sim_below(s, 3) ? 0 : sim_below(s, 300);
	if (sim_chance(s, 200))
		make_unlawful(s, &g);
	length = segment_write(&g, frame);
	if (sim_chance(s, 200)) {
		length = 1 + sim_below(s, 200);
		seed_fill(s->draw, frame, length);
		if (length >= 6 && sim_below(s, 2))
			memcpy(frame, host_mac, 6);
	} else {
		for (changes = sim_below(s, 4); changes > 0; changes--)
			frame[12 + sim_below(s, length - 12)] = (uint8_t)sim_below(s, 256);
		if (sim_chance(s, 100))
			length = 1 + sim_below(s, length);
		if (sim_chance(s, 700))
			segment_seal(frame, length);
	}
	sim_send_frame(s, frame, length);
}

/* RFC 826. */
static uint32_t
arp(struct sim *s, const struct segment *g, uint8_t *frame, uint32_t l3)
{
	static const uint8_t request[8] = {0, 1, 8, 0, 6, 4, 0, 1};
	uint8_t *p = frame + l3;

	if (sim_below(s, 2))
		memset(frame, 0xff, 6);
	segment_put16(frame + l3 - 2, 0x0806);
	memcpy(p, request, 8);
	memcpy(p + 8, g->from, 6);
	memcpy(p + 14, g->src, 4);
	memset(p + 18, 0, 6);
	memcpy(p + 24, g->dst, 4);
	return segment_pad(frame, l3 + 28, 0);
}

/* RFC 4861 4.3, to the target's solicited-node address. */
static uint32_t
solicitation(const struct segment *g, uint8_t *frame, uint32_t l3)
{
	static const uint8_t group[13] = {0xff, 2, [11] = 1, 0xff};
	uint8_t *p = frame + l3;

	frame[0] = frame[1] = 0x33;
	frame[2] = 0xff;
	memcpy(frame + 3, g->dst + 13, 3);
	segment_put16(p + 4, 32);
	p[6] = 58;
	p[7] = 255;
	memcpy(p + 24, group, 13);
	memset(p + 40, 0, 32);
	p[40] = 135;
	memcpy(p + 48, g->dst, 16);
	p[64] = p[65] = 1;
	memcpy(p + 66, g->from, 6);
	segment_seal(frame, l3 + 72);
	return l3 + 72;
}

/* An echo request, in the place of TCP. */
static uint32_t
ping(struct sim *s, const struct segment *g, uint8_t *frame, uint32_t l3, uint32_t length)
{
	bool v6 = g->family == 6;
	uint8_t *p = frame + l3;

	p[v6 ? 6 : 9] = v6 ? 58 : PROTO_ICMP;
	p += v6 ? 40 : 20;
	*p = v6 ? 128 : 8;
	seed_fill(s->draw, p + 4, 16);
	p[1] = 0;
	segment_seal(frame, length);
	return segment_pad(frame, length, 0xee);
}

static void
ask(struct sim *s)
{
	struct segment g = stranger(s);
	uint8_t frame[SEGMENT_FRAME_MAX];
	uint32_t length, l3 = 14 + 4u * g.tags;

	g.text = sim_below(s, 500);
	length = segment_write(&g, frame);
	if (sim_below(s, 2))
		length = ping(s, &g, frame, l3, length);
	else if (g.family == 4)
		length = arp(s, &g, frame, l3);
	else
		length = solicitation(&g, frame, l3);
	s->asked++;
	sim_send_frame(s, frame, length);
}

void
attacker_act(struct attacker *a, struct sim *s)
{
	switch ((enum attacker_kind)a->plan.kind) {
	case ATTACKER_NONE:
		return;
	case ATTACKER_BLIND:
		blind(s);
		break;
	case ATTACKER_SYN_FLOOD:
		syn(s);
		break;
	case ATTACKER_ACK_FLOOD:
		ack(s);
		break;
	case ATTACKER_GARBAGE:
		garbage(s);
		break;
	case ATTACKER_ASKS:
		ask(s);
		break;
	}
	if (--a->left > 0)
		network_alarm(&s->network, s->now + 1 + sim_below(s, 2 * a->plan.interval_us),
			      NETWORK_ATTACKER, a->number);
}
