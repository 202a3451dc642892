/* SPDX-License-Identifier: BSD-3-Clause */
/* sim_end.c - what must be true when all is over. */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

/* The longest that a host whose clients have all gone may go on: text is sent again 15 times, each
 * up to a minute after the one before (RFC 6298 2.5), and then given up. A second or so goes before
 * that in which its application sleeps. */
#define LONGEST_US (UINT64_C(16) * 60 * 1000000 + 5000000)

/* The client at the other end of a connection; NULL if it is nobody. */
static const struct client *
client_of(const struct sim *s, const struct flow *flow)
{
	uint8_t addr[16] = {0};
	uint32_t number;

	if (flow->family == 4)
		memcpy(addr, &flow->v4.raddr, 4);
	else
		memcpy(addr, flow->v6.raddr, 16);
	number = host_client_number(flow->family, addr);
	return number < s->scenario->clients ? &s->clients[number] : NULL;
}

/* What may be left in the end, if the cable was bad: connections of a listener that waits for a
 * client whose RST was lost (a host without keepalive never learns), and those that a cookie's ACK
 * opened for a second time, as it was doubled. RFC 4987 3.6. Where an operator acts anything may
 * have been lost, and of hostile peers nothing is expected. */
static bool
is_excused(const struct sim *s, const struct client *c)
{
	if (s->scenario->operator.actions> 0)
		return true;
	if (!sim_is_bad_cable(s))
		return false;
	return c->outcome == CLIENT_ABORTED || sim_may_get_cookie(s, c->plan.row);
}

bool
sim_check_leftovers(struct sim *s, bool excuses)
{
	const struct tcp_conn *conn;
	const struct client *c;
	uint32_t place = 0;
	struct flow flow;

	while ((conn = oracle_next(&s->host.oracle, &place, &flow)) != NULL) {
		c = client_of(s, &flow);
		if (excuses && (c != NULL ? is_excused(s, c) : s->scenario->hostiles > 0))
			continue;
		oracle_about(&s->host.oracle, "all have gone, and no connection is left",
			     flow.family,
			     flow.family == 4 ? (const uint8_t *)&flow.v4.raddr : flow.v6.raddr);
		return oracle_fail(&s->host.oracle,
				   "all have gone, and a connection is left in %s, flags %#x, "
				   "script step %u: client %d, port %u, whose connection %s",
				   tcp_state_name(conn->state), conn->flags, conn->step,
				   c ? (int)c->number : -1, c ? c->way.dport : 0,
				   c ? client_outcome_name(c->outcome) : "there never was");
	}
	return oracle_look_at_all(&s->host.oracle);
}

bool
sim_check_clients(struct sim *s)
{
	for (unsigned int i = 0; i < s->scenario->clients; i++) {
		const struct client *c = &s->clients[i];

		/* It was left out, or all was quiet before it began. */
		if (c->state == CLIENT_IDLE &&
		    (s->options->muted[SIM_CLIENT + i] || sim_is_quiet(s)))
			continue;
		if (c->outcome != CLIENT_UNDECIDED)
			continue;
		oracle_about(&s->host.oracle, "every client is told how its connection ended",
			     c->way.family, c->way.src);
		return oracle_fail(&s->host.oracle,
				   "client %u of port %u was never told how its connection "
				   "ended: %u of %u bytes acknowledged",
				   i, c->way.dport, c->una - c->iss - 1, c->plan.bytes);
	}
	return true;
}

bool
sim_check_timers(struct sim *s)
{
	uint64_t lasted = s->ticked_at > s->heard_at ? s->ticked_at - s->heard_at : 0;

	if (lasted > s->lasted)
		s->lasted = lasted;
	return lasted <= LONGEST_US || oracle_fail(&s->host.oracle,
						   "all have gone, and %" PRIu64
						   " s later a timer ran, %" PRIu64 " s at most",
						   lasted / 1000000, LONGEST_US / 1000000);
}

bool
sim_check_retransmissions(struct sim *s)
{
	uint64_t fins = stack_counters(s->host.oracle.stack)->fin_retransmitted;

	const struct stack_counters *n = stack_counters(s->host.oracle.stack);

	if (sim_is_bad_cable(s) || s->scenario->failing || s->scenario->loose ||
	    s->scenario->hostiles)
		return true;
	/* A probe that a closed window refuses is sent again with what follows it. And a client
	 * that waited for a window to open may send the same text twice: of an ACK that comes with
	 * the second no notice is taken (RFC 9293 3.10.7.4 step 1). */
	if (n->text_retransmitted > n->window_probes + s->sent_again || n->fast_retransmitted > 0)
		return oracle_fail(&s->host.oracle,
				   "on a good cable %" PRIu64 " segments were sent again, after "
				   "%" PRIu64 " probes of closed windows, and clients sent %" PRIu64
				   " again",
				   n->text_retransmitted, n->window_probes, s->sent_again);
	if (fins == 0)
		return true;
	return oracle_fail(&s->host.oracle,
			   "on a good cable every FIN was acknowledged, yet %" PRIu64
			   " were sent again",
			   fins);
}

bool
sim_check_quarter(struct sim *s)
{
	const struct sim_scenario *sc = s->scenario;

	if (!sc->fills_table || sc->rows[0] == NULL || sim_is_quiet(s) ||
	    s->options->muted[SIM_ATTACKER])
		return true;
	if (s->half_open_most != sc->connections / 4)
		return oracle_fail(&s->host.oracle, "of a table of %u up to %u were half open",
				   sc->connections, s->half_open_most);
	return true;
}
