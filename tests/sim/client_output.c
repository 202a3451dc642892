/* SPDX-License-Identifier: BSD-3-Clause */
/* client_output.c - what a client sends, and when. RFC 9293 3.8, go-back-N. */
#include "sim.h"

#define RTO_MAX_US   8000000u
#define KEEPALIVE_US 10000000u
#define TIME_WAIT_US 60000000u
#define SYN_RETRIES  10

static uint64_t
now(const struct client *c)
{
	return c->sim->now;
}

/* RFC 7323 5.4: a clock of milliseconds, somewhere. */
static uint32_t
tsval(const struct client *c)
{
	return (uint32_t)(now(c) / 1000) + c->number * 1000003u + 1;
}

void
client_send(struct client *c, uint8_t flags, uint32_t seq, uint32_t text)
{
	struct segment s = c->way;

	s.flags = flags;
	s.seq = seq;
	s.ack = flags & TCP_ACK ? c->rcv_nxt : 0;
	s.wnd = client_window(c);
	s.text = text;
	if (flags & TCP_SYN) {
		s.options = c->plan.options;
		s.mss = c->plan.mss;
		s.wscale = c->plan.wscale;
	} else if (c->ts) {
		s.options = TCP_OPT_TS;
		s.tsecr = c->ts_recent;
	}
	s.tsval = tsval(c);
	if (flags & TCP_ACK) {
		uint32_t edge = c->rcv_nxt + ((uint32_t)s.wnd << c->rcv_shift);

		if (seq_gt(edge, c->rcv_edge))
			c->rcv_edge = edge;
		/* What begins before SND.UNA only asks; its ACK does not count. */
		if (seq_ge(seq, c->una))
			c->ack_at = 0;
	}
	sim_send(c->sim, &s);
}

/* Bytes of text that may be sent from SND.NXT on, an even number unless it is the last of them. */
static uint32_t
sendable(const struct client *c)
{
	uint32_t sent = c->nxt - (c->iss + 1);
	uint32_t until = now(c) < c->plan.hold_until ? c->plan.hold_offset : c->plan.bytes;
	uint32_t limit = c->una + c->flight * c->plan.chunk, length;

	if (seq_lt(c->edge, limit))
		limit = c->edge;
	if (sent >= until || seq_ge(c->nxt, limit))
		return 0;
	length = until - sent;
	if (length > c->plan.chunk)
		length = c->plan.chunk;
	return length > limit - c->nxt ? (limit - c->nxt) & ~1u : length;
}

/* Has the application closed? */
static bool
may_close(const struct client *c)
{
	return now(c) >= c->plan.hold_until && (c->fin_seen || now(c) >= c->plan.fin_at);
}

static bool
wants_to_send(const struct client *c)
{
	uint32_t until = now(c) < c->plan.hold_until ? c->plan.hold_offset : c->plan.bytes;

	return seq_lt(c->una, c->iss + 1 + until) ||
	       (until == c->plan.bytes && may_close(c) && seq_le(c->una, client_end(c)));
}

static void
send_next(struct client *c, uint32_t length)
{
	uint32_t end = client_end(c), after = c->nxt + length;
	bool fin = after == end && may_close(c) && seq_lt(end, c->edge) &&
		   (length == 0 || c->plan.fin_with_text);

	client_send(c, (uint8_t)(TCP_ACK | (fin ? TCP_FIN : 0) | (length ? TCP_PSH : 0)), c->nxt,
		    length);
	c->nxt = after + fin;
	if (seq_gt(c->nxt, c->high))
		c->high = c->nxt;
}

/* The server may have gone without a word that arrived: an idle client asks now and then, as
 * SO_KEEPALIVE does. */
static void
arm(struct client *c)
{
	bool idle = !wants_to_send(c);

	if (c->rto_at != 0 && c->keepalive == idle)
		return;
	c->keepalive = idle;
	c->rto_at = now(c) + (idle ? KEEPALIVE_US : c->rto_us);
}

void
client_push(struct client *c)
{
	uint32_t length;

	if (c->state != CLIENT_OPEN)
		return;
	while ((length = sendable(c)) > 0)
		send_next(c, length);
	if (c->nxt == client_end(c) && may_close(c) && seq_lt(c->nxt, c->edge) &&
	    (c->flight > 1 || c->nxt == c->una))
		send_next(c, 0);
	arm(c);
}

void
client_timeout(struct client *c)
{
	c->retries++;
	c->rto_us = c->rto_us < RTO_MAX_US / 2 ? 2 * c->rto_us : RTO_MAX_US;
	c->rto_at = now(c) + (c->keepalive ? KEEPALIVE_US : c->rto_us);
	if (c->state == CLIENT_SYN_SENT) {
		if (c->round < c->plan.answered) {
			oracle_about(&c->sim->host.oracle, "a SYN is answered", c->way.family,
				     c->way.src);
			oracle_fail(&c->sim->host.oracle,
				    "no answer to a SYN: client %u, port %u, round %u", c->number,
				    c->way.dport, c->round);
		}
		if (c->retries > SYN_RETRIES)
			client_finish(c, CLIENT_CLOSED, CLIENT_GAVE_UP);
		else
			client_send(c, TCP_SYN, c->iss, 0);
		return;
	}
	if (c->una == c->high) {
		/* RFC 9293 3.8.6.1: the window is shut; as Linux does, without a byte beyond it. */
		client_send(c, TCP_ACK, c->una - 1, 0);
		return;
	}
	c->nxt = c->una;
	c->flight = 1;
	c->sim->sent_again++;
	client_push(c);
	/* What was sent lies beyond a window that has shrunk since. */
	if (c->nxt == c->una)
		client_send(c, TCP_ACK, c->una - 1, 0);
}

/* Is that what host_rows says of a lawful client? */
static bool
is_expected(const struct client *c, enum client_outcome outcome)
{
	const struct host_row *row = &host_rows[c->plan.row];

	/* Nobody listens. */
	if (c->plan.row == host_row_count)
		return outcome == CLIENT_RESET;
	switch ((enum host_end)(c->plan.bytes <= row->limit ? row->up_to : row->beyond)) {
	case HOST_CLEAN:
		return outcome == CLIENT_CLEAN;
	case HOST_RESET:
		return outcome == CLIENT_RESET;
	case HOST_EITHER:
		return outcome == CLIENT_CLEAN || outcome == CLIENT_RESET;
	case HOST_NEVER:
		break;
	}
	return outcome == CLIENT_ABORTED || outcome == CLIENT_GAVE_UP;
}

const char *
client_outcome_name(enum client_outcome outcome)
{
	static const char *const names[] = {
		"undecided", "closed cleanly", "was reset", "gave up", "aborted", "vanished",
	};

	return names[outcome];
}

void
client_finish(struct client *c, enum client_state state, enum client_outcome outcome)
{
	c->state = (uint8_t)state;
	c->outcome = (uint8_t)outcome;
	if (c->round < c->plan.firm && !is_expected(c, outcome)) {
		oracle_about(&c->sim->host.oracle, "a lawful client's connection ends as told",
			     c->way.family, c->way.src);
		oracle_fail(&c->sim->host.oracle,
			    "a lawful client's connection %s: client %u, %u bytes to port %u "
			    "(%s), round %u, ISS+%u acknowledged",
			    client_outcome_name(outcome), c->number, c->plan.bytes, c->way.dport,
			    c->plan.row < host_row_count ? host_rows[c->plan.row].name
							 : "nobody listens",
			    c->round, c->una - c->iss);
	}
	c->rto_at = 0;
	c->retire_at = 0;
	if (state == CLIENT_TIME_WAIT)
		c->retire_at = now(c) + TIME_WAIT_US;
	else if (state == CLIENT_CLOSED && c->round + 1 < c->plan.rounds &&
		 (outcome == CLIENT_CLEAN || outcome == CLIENT_RESET))
		c->retire_at = now(c) + 1 + sim_below(c->sim, 2000000);
}

/* The nearer of two deadlines, of which 0 is none. */
static void
nearer(uint64_t *at, uint64_t deadline)
{
	if (deadline != 0 && (*at == 0 || deadline < *at))
		*at = deadline;
}

static void
nearer_if_ahead(const struct client *c, uint64_t *at, uint64_t deadline)
{
	if (deadline > now(c))
		nearer(at, deadline);
}

void
client_rearm(struct client *c)
{
	uint64_t at = 0;

	if (c->state == CLIENT_IDLE)
		return;
	nearer(&at, c->rto_at);
	nearer(&at, c->retire_at);
	if (c->state == CLIENT_OPEN) {
		nearer(&at, c->patience_at);
		nearer_if_ahead(c, &at, c->plan.hold_until);
		nearer_if_ahead(c, &at, c->plan.fin_at);
		nearer_if_ahead(c, &at, c->plan.shut_until);
		nearer(&at, c->read_at);
		nearer(&at, c->ack_at);
	}
	if (c->plan.fate != CLIENT_LAWFUL)
		nearer_if_ahead(c, &at, c->plan.fate_at);
	if (at == 0 || (c->woken_at != 0 && c->woken_at <= at))
		return;
	c->woken_at = at;
	network_alarm(&c->sim->network, at, NETWORK_CLIENT, c->number);
}
