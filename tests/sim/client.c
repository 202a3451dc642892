/* SPDX-License-Identifier: BSD-3-Clause */
/* client.c - what a client does with what comes, and with time. RFC 9293 3.10.7. */
#include <string.h>

#include "sim.h"

#define RTO_FIRST_US 1000000u
#define QUOTA        10
#define QUOTA_US     1000000u
#define REBOOT_US    5000000u
#define PATIENCE_US  1200000000u /* RFC 9293 3.8.3 R2, and more */

void
client_fail(struct client *c, const char *rule, const struct segment *s)
{
	oracle_about(&c->sim->host.oracle, rule, c->way.family, c->way.src);
	oracle_fail(&c->sim->host.oracle,
		    "%s: client %u, port %u, round %u, SND.UNA ISS+%u, SND.NXT ISS+%u, RCV.NXT %u; "
		    "came flags %#x seq %u ack %u (ISS+%u) wnd %u options %#x",
		    rule, c->number, c->way.dport, c->round, c->una - c->iss, c->high - c->iss,
		    c->rcv_nxt, s->flags, s->seq, s->ack, s->ack - c->iss, s->wnd, s->options);
}

void
client_init(struct client *c, struct sim *sim, uint32_t number, uint64_t start)
{
	c->sim = sim;
	c->number = number;
	c->state = CLIENT_IDLE;
	c->iss = sim_below(sim, 2) ? (uint32_t)seed_next(sim->draw)
				   : 0u - sim_below(sim, c->plan.bytes + 2);
	c->woken_at = start;
	network_alarm(&sim->network, start, NETWORK_CLIENT, number);
}

static void
start(struct client *c)
{
	c->state = CLIENT_SYN_SENT;
	c->outcome = CLIENT_UNDECIDED;
	c->una = c->iss;
	c->nxt = c->high = c->iss + 1;
	c->rcv_nxt = c->rcv_edge = 0;
	c->unread = 0;
	c->shift = c->rcv_shift = 0;
	c->read_at = c->ack_at = 0;
	c->fin_held = false;
	memset(c->held, 0, sizeof(c->held));
	c->ts = c->confirmed = c->fin_seen = c->fin_seen_first = false;
	c->flight = c->plan.flight;
	c->retries = 0;
	c->rto_us = RTO_FIRST_US;
	c->rto_at = c->sim->now + c->rto_us;
	c->keepalive = false;
	c->patience_at = c->sim->now + PATIENCE_US;
	client_send(c, TCP_SYN, c->iss, 0);
}

/* From the same port. RFC 9293 3.6.1 MAY-2: with a higher ISS than all before. */
static void
start_again(struct client *c)
{
	c->round++;
	c->iss = c->high + 1 + sim_below(c->sim, 1u << 20);
	start(c);
}

/* Two ends that do not agree on their numbers can acknowledge each other for ever. */
static void
give_up(struct client *c)
{
	client_finish(c, CLIENT_CLOSED, CLIENT_GAVE_UP);
	client_send(c, TCP_RST | TCP_ACK, c->high, 0);
}

/* Leaves otherwise than by the book. */
static void
meet_fate(struct client *c)
{
	bool open = c->state == CLIENT_OPEN;

	switch ((enum client_fate)c->plan.fate) {
	case CLIENT_LAWFUL:
		return;
	case CLIENT_ABORTS:
		client_finish(c, CLIENT_CLOSED, CLIENT_ABORTED);
		/* RFC 9293 3.10.5; in SYN-SENT nothing is sent. */
		if (open)
			client_send(c, TCP_RST | TCP_ACK, c->high, 0);
		break;
	case CLIENT_VANISHES:
		client_finish(c, CLIENT_GONE, CLIENT_VANISHED);
		break;
	case CLIENT_REBOOTS:
		client_finish(c, CLIENT_GONE, CLIENT_VANISHED);
		c->retire_at = c->sim->now + REBOOT_US;
		break;
	}
	c->plan.rounds = 0;
}

void
client_wake(struct client *c)
{
	uint64_t now = c->sim->now;

	if (c->woken_at == 0 || now < c->woken_at)
		return;
	c->woken_at = 0;
	if (c->state == CLIENT_IDLE && sim_is_quiet(c->sim))
		return;
	if (c->state == CLIENT_IDLE)
		start(c);
	if (c->plan.fate != CLIENT_LAWFUL && c->plan.fate_at <= now &&
	    (c->state == CLIENT_SYN_SENT || c->state == CLIENT_OPEN))
		meet_fate(c);
	if (c->retire_at != 0 && c->retire_at <= now) {
		c->retire_at = 0;
		/* Out of TIME-WAIT, or up again after a crash; or the next round. */
		if ((c->state == CLIENT_CLOSED || c->round + 1 < c->plan.rounds) &&
		    !sim_is_quiet(c->sim))
			start_again(c);
		else
			c->state = CLIENT_CLOSED;
	}
	if (c->state == CLIENT_OPEN && c->plan.shut_until != 0 && c->plan.shut_until <= now) {
		/* RFC 9293 3.8.6.2.2: the window opens again. */
		c->plan.shut_until = 0;
		client_send(c, TCP_ACK, c->high, 0);
	}
	if (c->state == CLIENT_OPEN && c->read_at != 0 && c->read_at <= now)
		client_read(c);
	if (c->state == CLIENT_OPEN && c->ack_at != 0 && c->ack_at <= now)
		client_send(c, TCP_ACK, c->high, 0);
	if (c->state == CLIENT_OPEN && c->patience_at <= now)
		give_up(c);
	if (c->rto_at != 0 && c->rto_at <= now)
		client_timeout(c);
	client_push(c);
	client_rearm(c);
}

/* RFC 9293 3.10.7.1. */
static void
reset(struct client *c, const struct segment *came)
{
	struct segment s = c->way;

	if (came->flags & TCP_RST)
		return;
	if (came->flags & TCP_ACK) {
		s.flags = TCP_RST;
		s.seq = came->ack;
	} else {
		s.flags = TCP_RST | TCP_ACK;
		s.ack = came->seq + segment_len(came);
	}
	sim_send(c->sim, &s);
}

/* The answer to what is not acceptable, at most so many a second. */
static void
challenge(struct client *c)
{
	if (c->sim->now >= c->quota_at) {
		c->quota_at = c->sim->now + QUOTA_US;
		c->quota = QUOTA;
	}
	if (c->quota > 0) {
		c->quota--;
		client_send(c, TCP_ACK, c->high, 0);
	}
}

/* The listener's, in bytes. */
static uint32_t
receive_buffer(const struct client *c)
{
	uint32_t buffer = host_rows[c->plan.row].receive_buffer;

	return buffer ? buffer : HOST_BUFFER;
}

/* Is this the SYN-ACK that was asked for? rules.md section 7.1. */
static void
check_syn_ack(struct client *c, const struct segment *s)
{
	uint8_t offered = c->plan.options;
	uint32_t buffer = receive_buffer(c);

	if (s->options & ~(offered | TCP_OPT_MSS))
		client_fail(c, "a SYN-ACK has no option that the SYN did not offer", s);
	if (!(s->options & TCP_OPT_TS) != !(offered & TCP_OPT_TS))
		client_fail(c,
			    "RFC 7323 3.2: timestamps are in the SYN-ACK if they were in the SYN",
			    s);
	/* A cookie without timestamps remembers neither of these. */
	if ((offered & TCP_OPT_TS) && (offered & ~s->options & (TCP_OPT_WSCALE | TCP_OPT_SACK_OK)))
		client_fail(c, "a SYN-ACK accepts window scale and SACK", s);
	if (s->wnd != (buffer > 65535 ? 65535 : buffer))
		client_fail(c, "the window of a SYN-ACK is the receive buffer", s);
	if ((s->options & TCP_OPT_WSCALE) &&
	    (buffer >> s->wscale > 65535 || (s->wscale > 0 && buffer >> (s->wscale - 1) <= 65535)))
		client_fail(c, "the window scale is the least with which the buffer can be told",
			    s);
}

/* RFC 9293 3.10.7.3. */
static void
syn_sent(struct client *c, const struct segment *s)
{
	bool ack_good = (s->flags & TCP_ACK) && s->ack == c->iss + 1;

	if ((s->flags & TCP_ACK) && !ack_good) {
		reset(c, s);
		return;
	}
	if (s->flags & TCP_RST) {
		if (ack_good)
			client_finish(c, CLIENT_CLOSED, CLIENT_RESET);
		return;
	}
	if (!(s->flags & TCP_SYN) || !ack_good)
		return;
	if (c->plan.row < host_row_count)
		check_syn_ack(c, s);
	else
		client_fail(c, "where nobody listens there is no SYN-ACK", s);
	c->state = CLIENT_OPEN;
	c->irs = s->seq;
	c->rcv_nxt = c->rcv_edge = s->seq + 1;
	if (s->options & c->plan.options & TCP_OPT_WSCALE)
		c->rcv_shift = c->plan.wscale < 14 ? c->plan.wscale : 14;
	c->una = c->nxt = c->high = c->iss + 1;
	c->ts = s->options & c->plan.options & TCP_OPT_TS;
	c->ts_recent = s->tsval;
	c->shift = s->options & c->plan.options & TCP_OPT_WSCALE ? s->wscale : 0;
	c->edge = s->ack + s->wnd;
	c->wl1 = s->seq;
	c->wl2 = s->ack;
	c->retries = 0;
	c->rto_us = RTO_FIRST_US;
	c->rto_at = 0;
	/* Text acknowledges as well; with nothing to send yet it is a bare ACK. */
	if (c->plan.flight > 1 || sim_below(c->sim, 2))
		client_send(c, TCP_ACK, c->nxt, 0);
	client_push(c);
	if (c->nxt == c->iss + 1)
		client_send(c, TCP_ACK, c->nxt, 0);
}

/* RFC 9293 3.4 table 6. */
static bool
acceptable(const struct client *c, const struct segment *s)
{
	uint32_t wnd = c->rcv_edge - c->rcv_nxt;
	uint32_t len = segment_len(s);

	if (wnd == 0)
		return len == 0 && s->seq == c->rcv_nxt;
	return seq_in(s->seq, c->rcv_nxt, wnd) ||
	       (len > 0 && seq_in(s->seq + len - 1, c->rcv_nxt, wnd));
}

static void
check_timestamp(struct client *c, const struct segment *s)
{
	bool has = s->options & TCP_OPT_TS;

	/* A RST that answers as if there were no connection has none. */
	if (s->flags == TCP_RST || (s->flags & TCP_SYN))
		return;
	if (c->ts && !has)
		client_fail(c, "RFC 7323 3.2: once negotiated, timestamps are in every segment", s);
	if (!c->ts && has)
		client_fail(c, "RFC 7323 3.2: timestamps were not negotiated", s);
	if (has && seq_ge(s->tsval, c->ts_recent))
		c->ts_recent = s->tsval;
}

/* RFC 9293 3.10.7.4 step 5. */
static void
take_ack(struct client *c, const struct segment *s)
{
	if (seq_gt(s->ack, c->una)) {
		c->una = s->ack;
		if (seq_lt(c->nxt, c->una))
			c->nxt = c->una;
		if (c->una != c->iss + 1)
			c->confirmed = true;
		if (c->flight < c->plan.flight)
			c->flight++;
		c->retries = 0;
		c->rto_us = RTO_FIRST_US;
		c->rto_at = 0;
	}
	if (seq_lt(s->ack, c->una))
		return;
	/* A scaled window is rounded up at most. */
	if ((uint32_t)s->wnd << c->shift >= receive_buffer(c) + (1u << c->shift))
		client_fail(c, "D-23: the window is not larger than the receive buffer", s);
	if (seq_lt(c->wl1, s->seq) || (c->wl1 == s->seq && seq_le(c->wl2, s->ack))) {
		c->edge = s->ack + ((uint32_t)s->wnd << c->shift);
		c->wl1 = s->seq;
		c->wl2 = s->ack;
	}
}

/* Any state from ESTABLISHED on. */
static void
open_input(struct client *c, const struct segment *s)
{
	struct segment probe = *s;

	if (!acceptable(c, s)) {
		if (!(s->flags & TCP_RST))
			challenge(c);
		/* RFC 9293 3.10.7.4 step 1: "special allowance should be made to accept valid
		 * ACKs". */
		if (c->rcv_edge != c->rcv_nxt || s->seq != c->rcv_nxt ||
		    (s->flags & (TCP_RST | TCP_SYN)))
			return;
		probe.text = 0;
		probe.flags &= (uint8_t)~TCP_FIN;
		s = &probe;
	}
	if (s->flags & TCP_RST) {
		if (s->seq == c->rcv_nxt) {
			check_timestamp(c, s);
			client_finish(c, CLIENT_CLOSED, CLIENT_RESET);
		} else {
			challenge(c);
		}
		return;
	}
	if (s->flags & TCP_SYN) {
		challenge(c);
		return;
	}
	/* RFC 7323 5.3 R1. */
	if (c->ts && (s->options & TCP_OPT_TS) && seq_lt(s->tsval, c->ts_recent)) {
		challenge(c);
		return;
	}
	check_timestamp(c, s);
	if (seq_gt(s->ack, c->high)) {
		client_fail(c, "what was never sent is acknowledged", s);
		return;
	}
	take_ack(c, s);
	if (client_text(c, s)) {
		c->fin_seen = true;
		c->fin_seen_first = c->high != client_end(c) + 1;
	}
	if (c->fin_seen && c->una == client_end(c) + 1)
		client_finish(c, c->fin_seen_first ? CLIENT_CLOSED : CLIENT_TIME_WAIT,
			      CLIENT_CLEAN);
	client_push(c);
}

void
client_input(struct client *c, const struct segment *s)
{
	switch ((enum client_state)c->state) {
	case CLIENT_IDLE:
	case CLIENT_GONE:
		return;
	case CLIENT_SYN_SENT:
		syn_sent(c, s);
		break;
	case CLIENT_OPEN:
		open_input(c, s);
		break;
	case CLIENT_TIME_WAIT:
		if (s->flags & TCP_FIN) {
			client_send(c, TCP_ACK, c->high, 0);
			c->retire_at = c->sim->now + 60000000u;
		}
		break;
	case CLIENT_CLOSED:
		reset(c, s);
		break;
	}
	client_rearm(c);
}

void
client_farewell(struct client *c)
{
	c->state = CLIENT_CLOSED;
	c->plan.rounds = 0;
	/* An old number: if there is a connection the answer is an ACK, and that draws RST with
	 * exactly RCV.NXT, wherever that is. */
	c->ts = true;
	client_send(c, TCP_ACK, c->iss - (1u << 30), 0);
}
