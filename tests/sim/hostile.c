/* SPDX-License-Identifier: BSD-3-Clause */
/* hostile.c - peers that complete the handshake and then break the rules. */
#include <string.h>

#include "sim.h"

#define ACTIONS     60
#define INTERVAL_US 100000

void
hostile_init(struct hostile *h, struct sim *s, uint32_t number)
{
	struct segment *w = &h->way;

	*h = (struct hostile){.number = number, .left = ACTIONS};
	h->kind = (uint8_t)sim_below(s, HOSTILE_KINDS);
	h->vanishes = sim_below(s, 2);
	memcpy(w->to, host_mac, 6);
	w->from[0] = 0x02;
	segment_put32(w->from + 2, 0x20000 + number);
	w->family = sim_below(s, 2) ? 4 : 6;
	w->ttl = 64;
	host_client_address(w->family, HOSTILE_FIRST + number, w->src);
	host_address(w->family, sim_below(s, 256), w->dst);
	w->sport = (uint16_t)(1024 + sim_below(s, 64512));
	w->dport = host_port(sim_row(s));
	w->wnd = (uint16_t)sim_below(s, 65536);
	h->iss = (uint32_t)seed_next(s->draw);
	h->nxt = h->iss + 1;
	network_alarm(&s->network, s->start + sim_below(s, 2000000), NETWORK_HOSTILE, number);
}

static void
send(struct hostile *h, struct sim *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t text)
{
	struct segment g = h->way;

	g.flags = flags;
	g.seq = seq;
	g.ack = ack;
	g.text = text;
	if (h->ts) {
		g.options = TCP_OPT_TS;
		g.tsval = (uint32_t)(s->now / 1000);
		g.tsecr = h->tsval;
	}
	if (h->kind == HOSTILE_SACKS)
		g.sacks = (uint8_t)sim_below(s, h->ts ? 4 : 5);
	sim_send(s, &g);
}

static void
acknowledge(struct hostile *h, struct sim *s, uint32_t ack)
{
	static const uint16_t windows[] = {0, 1, 2, 100, 1000, 65535};

	if (h->kind == HOSTILE_SHUT || h->kind == HOSTILE_BYTES)
		h->way.wnd = 0;
	if (h->kind == HOSTILE_SHRINKS || h->kind == HOSTILE_TINY)
		h->way.wnd = windows[sim_below(s, 6)];
	send(h, s, TCP_ACK, h->nxt, ack, 0);
}

static void
send_syn(struct hostile *h, struct sim *s)
{
	struct segment g = h->way;

	g.flags = TCP_SYN;
	g.seq = h->iss;
	g.options = (uint8_t)sim_below(s, 16);
	g.mss = (uint16_t)sim_below(s, h->kind == HOSTILE_TINY ? 3 : 2000);
	if (h->kind == HOSTILE_TINY)
		g.options |= TCP_OPT_MSS;
	g.wscale = (uint8_t)sim_below(s, 15);
	g.tsval = (uint32_t)(s->now / 1000);
	sim_send(s, &g);
}

/* A byte in order, or one that is early, or has come already. */
static void
send_byte(struct hostile *h, struct sim *s)
{
	for (uint32_t count = 1 + sim_below(s, 40); count > 0; count--) {
		uint32_t where = sim_below(s, 8);

		send(h, s, TCP_ACK | TCP_PSH,
		     where < 6 ? h->nxt : h->nxt + where - 7 + where % 2 * 2, h->rcv_nxt, 1);
		h->nxt += where < 6;
	}
}

static void
break_off(struct hostile *h, struct sim *s)
{
	uint32_t near = h->nxt + sim_below(s, 5) - 2;

	switch (sim_below(s, 4)) {
	case 0:
		send(h, s, TCP_RST, near, 0, 0);
		break;
	case 1:
		send(h, s, TCP_RST | TCP_ACK, near + sim_below(s, 70000), h->rcv_nxt, 0);
		break;
	case 2:
		send(h, s, TCP_FIN | TCP_ACK, h->nxt, h->rcv_nxt, 0);
		break;
	default:
		send(h, s, TCP_FIN | TCP_ACK, near, h->rcv_nxt, sim_below(s, 3));
		break;
	}
}

/* What its kind does. */
static void
misbehave(struct hostile *h, struct sim *s)
{
	switch ((enum hostile_kind)h->kind) {
	case HOSTILE_OPTIMIST:
		acknowledge(h, s, h->rcv_nxt + 1 + sim_below(s, sim_below(s, 2) ? 3000 : 300000));
		break;
	case HOSTILE_DIVIDES:
		for (uint32_t i = 10; i > 0; i--)
			acknowledge(h, s, h->rcv_nxt - 10 * i);
		acknowledge(h, s, h->rcv_nxt);
		break;
	case HOSTILE_REPEATS:
		for (uint32_t i = sim_below(s, 12); i > 0; i--)
			acknowledge(h, s, h->rcv_nxt - 2000);
		acknowledge(h, s, h->rcv_nxt);
		break;
	case HOSTILE_SHUT:
	case HOSTILE_SHRINKS:
	case HOSTILE_TINY:
	case HOSTILE_SACKS:
		acknowledge(h, s, h->rcv_nxt);
		break;
	case HOSTILE_BREAKS:
		acknowledge(h, s, h->rcv_nxt);
		if (sim_below(s, 4) == 0)
			break_off(h, s);
		break;
	case HOSTILE_OLD:
		send(h, s, TCP_ACK | TCP_PSH, h->nxt, h->rcv_nxt - (uint32_t)seed_next(s->draw),
		     sim_below(s, 100));
		break;
	case HOSTILE_BYTES:
		send_byte(h, s);
		break;
	case HOSTILE_SILENT:
	case HOSTILE_KINDS:
		break;
	}
}

void
hostile_act(struct hostile *h, struct sim *s)
{
	if (sim_is_quiet(s))
		h->over = true;
	if (h->over)
		return;
	if (!h->open)
		send_syn(h, s);
	else
		misbehave(h, s);
	if (--h->left == 0)
		h->over = true;
	else
		network_alarm(&s->network, s->now + 1 + sim_below(s, 2 * INTERVAL_US),
			      NETWORK_HOSTILE, h->number);
}

void
hostile_input(struct hostile *h, struct sim *s, const struct segment *came)
{
	if (came->flags & TCP_RST) {
		h->open = false;
		h->over = true;
		return;
	}
	if (h->over) {
		if (!h->vanishes)
			send(h, s, TCP_RST, came->ack, 0, 0);
		return;
	}
	if ((came->flags & TCP_SYN) && !h->open) {
		h->open = true;
		h->irs = came->seq;
		h->rcv_nxt = came->seq + 1;
		h->ts = came->options & TCP_OPT_TS;
		h->tsval = came->tsval;
		acknowledge(h, s, h->rcv_nxt);
		return;
	}
	if (came->options & TCP_OPT_TS)
		h->tsval = came->tsval;
	if (came->text > 0 || (came->flags & TCP_FIN)) {
		if (came->seq == h->rcv_nxt && h->kind != HOSTILE_SHUT)
			h->rcv_nxt += segment_len(came);
		misbehave(h, s);
	}
}

void
hostile_farewell(struct hostile *h, struct sim *s)
{
	h->over = true;
	h->vanishes = false;
	h->ts = true;
	/* As a client does: the answer tells the number that a RST has to have. */
	send(h, s, TCP_ACK, h->iss - (1u << 30), 0, 0);
}
